"""Measures partners: a year of one server learned from stored deliveries, a further day, and questions.

    python benchmarks/partners.py [--rows 10000000] [--domains 20000] [--write]

The deliveries are made (their parts, and the database that names them) and then learned by the real
command in a process of its own; so are the questions, besides in memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "src"))

from todoku import store  # noqa: E402
from todoku.deliveries.ledger import Ledger  # noqa: E402
from todoku.deliveries.parts import Part  # noqa: E402
from todoku.deliveries.rows import SCHEMA  # noqa: E402

DAYS = 365
BEGIN = 1_764_000_000 // 86_400 * 86_400  # 2025-11-24
OURS = "192.0.2.1"
PAGE = HERE.parent / "docs" / "partners.md"
MARKS = "<!-- speed: begin -->", "<!-- speed: end -->"

# A domain's mail goes by its number: a few products, some hundred providers, the rest by itself.
ROWS = f"""
WITH n AS (
    SELECT hash(i, $day) AS h, hash(i, $day, 1) AS k,
           CAST(floor($domains * pow((hash(i, $day, 2) % 1000000) / 1e6, 2.5)) AS BIGINT) AS d
    FROM range($rows) t(i)
), m AS (
    SELECT *, d * 2654435761 % 100 AS kind,
           CASE WHEN kind < 15 THEN 'eu-smtp-inbound-' || (h % 2 + 1) || '.mimecast.com'
                WHEN kind < 25 THEN 'mx' || (h % 2 + 1) || '-us1.ppe-hosted.com'
                WHEN kind < 45 THEN 'd' || d || '-example.mail.protection.outlook.com'
                WHEN kind < 65 THEN 'mx' || (h % 3 + 1) || '.hoster' || (d % 300) || '.example'
                ELSE 'mx.d' || d || '.example' END AS to_relay,
           kind < 15 OR kind >= 65 AND d % 3 = 0 AS uses,
           $day % 97 < 3 AND ($day % 97 > 0 OR k % 86400 > 40000) AS listed
    FROM n
), r AS (SELECT *, listed AND uses OR k % 100 < 3 AS refused, listed AND uses AS named FROM m)
SELECT make_timestamp(CAST(({BEGIN} + $day * 86400 + k % 86400) * 1000000 AS BIGINT)) AS time, 'mx1' AS host,
    'postfix' AS instance, 'smtp' AS transport, '{OURS}' AS source, to_base(CAST(h % 1000000000 AS BIGINT), 36) AS queue_id,
    'info@ours.example' AS sender, NULL AS recipient, 'd' || d || '.example' AS domain, to_relay AS relay,
    '203.0.113.' || (d % 250 + 1) AS relay_address, CASE WHEN refused THEN 'bounced' ELSE 'sent' END AS outcome,
    CASE WHEN refused THEN '5.7.1' ELSE '2.0.0' END AS status, CASE WHEN refused THEN 554 END AS code,
    CASE WHEN refused THEN '5.7.1' END AS enhanced, CASE WHEN refused THEN 'RCPT TO' END AS stage,
    CASE WHEN named THEN '554 5.7.1 <<recipient>>: Service unavailable; Client host [{OURS}] blocked using '
              || 'zen.spamhaus.org; https://www.spamhaus.org/query/ip/{OURS}'
         WHEN refused THEN '550 5.1.1 <<recipient>>: User unknown' END AS reply,
    NULL AS receiver, NULL AS gateway, CASE WHEN refused THEN to_relay END AS place,
    CASE WHEN named THEN 'listed' WHEN refused THEN 'user-unknown' END AS reason, NULL AS receiver_code,
    CASE WHEN named THEN 'spamhaus-zen' END AS list, CASE WHEN named THEN 'ip' END AS identity_kind,
    CASE WHEN named THEN '{OURS}' END AS identity, CASE WHEN refused THEN false END AS temporary,
    CASE WHEN named THEN 'sender-admin' WHEN refused THEN 'sender-user' END AS who_acts,
    CASE WHEN named THEN 'spamhaus-text/zone' END AS rule, NULL AS ground, 1.5 AS delay, 'benchmark' AS knowledge
FROM r ORDER BY time
"""


def make(data: Path, rows: int, domains: int, days: range) -> int:
    """The parts of these days; bytes."""
    db = duckdb.connect()
    parts = []
    for day in days:
        name = time.strftime("%Y-%m-%d", time.gmtime(BEGIN + day * 86_400))
        folder = data / "deliveries" / f"day={name}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{day}.parquet"
        sql = ROWS.replace("$domains", str(domains)).replace("$rows", str(rows // DAYS)).replace("$day", str(day))  # fmt: skip
        columns = ", ".join(f"CAST({f.name} AS {_type(str(f.type))}) AS {f.name}" for f in SCHEMA)
        db.execute(f"COPY (SELECT {columns} FROM ({sql})) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")  # fmt: skip
        parts.append(Part(f"day={name}/{day}.parquet", name, rows // DAYS, path.stat().st_size))
    engine = store.connect(f"sqlite:///{data / 'todoku.db'}")
    Ledger(engine).commit(parts, [], time.time())
    engine.dispose()
    return sum(p.bytes for p in parts)


def _type(arrow: str) -> str:
    return {"string": "VARCHAR", "int16": "SMALLINT", "int64": "BIGINT", "bool": "BOOLEAN", "double": "DOUBLE"}.get(arrow, "TIMESTAMP")  # fmt: skip


def todoku(data: Path, *words: str) -> tuple[float, float, str]:
    """Seconds, seconds of processor time, and what it printed."""
    began, used = time.perf_counter(), _used()
    done = subprocess.run(
        [sys.executable, "-m", "todoku", *words, "--data", str(data), "--config", str(data / "t.toml")],
        capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    return time.perf_counter() - began, _used() - used, done.stdout


def _used() -> float:
    told = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told.ru_utime + told.ru_stime


def in_memory(data: Path) -> tuple[float, float]:
    """Processor time of a forecast and of one partner, the file open already."""
    import gc

    from todoku.partners import habits
    from todoku.partners.forecast import forecast
    from todoku.partners.keeping import Kept

    gc.freeze()
    gc.disable()
    cost, one = [], []
    clock = time.process_time
    with Kept.open(data) as kept:
        for _ in range(5):
            began = clock()
            view = kept.view(["spamhaus-zen"])
            forecast(habits.family("spamhaus-zen", {}), view, time.time())
            cost.append(clock() - began)
            began = clock()
            habits.habits(
                kept.view(habits.around(kept.lists("d7.example"), {})),
                {},
                time.time(),
                "d7.example",
            )
            one.append(clock() - began)
    return statistics.median(cost), statistics.median(one)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--domains", type=int, default=20_000)
    parser.add_argument("--write", action="store_true", help="into docs/partners.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        (data / "t.toml").write_text(f'[own]\naddresses = ["{OURS}"]\n')
        size = make(data, asked.rows, asked.domains, range(DAYS))
        learn, learn_cpu, said = todoku(data, "partners", "learn")
        print(said.strip())
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        make(data, asked.rows, asked.domains, range(DAYS, DAYS + 1))
        more, more_cpu, _ = todoku(data, "partners", "learn")
        shown, shown_cpu, _ = todoku(data, "forecast", "--list", "spamhaus-zen")
        one, one_cpu, _ = todoku(data, "partners", "d7.example")
        start, start_cpu, _ = todoku(data, "partners", "learn")
        cost, of = in_memory(data)
        kept = (data / "partners.db").stat().st_size
    told = [
        f"{asked.rows:,} deliveries to {asked.domains:,} domains in {DAYS} days ({size / 1e6:,.0f} MB), {os.cpu_count()} cores:",
        "",
        "| | seconds | of processor time |", "| --- | ---: | ---: |",
        f"| a year is learned in (memory of the greatest process {most:,.0f} MB) | {learn:.1f} | {learn_cpu:.1f} |",
        f"| a further day in | {more:.1f} | {more_cpu:.1f} |",
        f"| nothing new | {start:.1f} | {start_cpu:.1f} |",
        f"| `todoku forecast --list` as a command, from start to end | {shown:.2f} | {shown_cpu:.2f} |",
        f"| the forecast itself, read and computed | | {cost:.3f} |",
        f"| `todoku partners DOMAIN` as a command | {one:.2f} | {one_cpu:.2f} |",
        f"| one partner, read and computed | | {of:.3f} |", "",
        f"`partners.db` has {kept / 1e6:,.0f} MB.",
    ]  # fmt: skip
    print("\n".join(told))
    if asked.write:
        begin, end = MARKS
        before, _, rest = PAGE.read_text().partition(begin)
        PAGE.write_text(f"{before}{begin}\n" + "\n".join(told) + f"\n{end}{rest.partition(end)[2]}")


if __name__ == "__main__":
    main()
