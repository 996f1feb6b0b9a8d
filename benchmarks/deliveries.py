"""Speed of the store of deliveries: `todoku logs --store` beside pflogsumm on one core, and questions to ten
million stored rows.

    .venv/bin/python benchmarks/deliveries.py              # some minutes
    .venv/bin/python benchmarks/deliveries.py --write      # the figures into docs/deliveries.md

Both read the same generated log (benchmarks/logs.py) and take turns. The ten million rows are those of that
log, laid over ten weeks, so that values are as many as in a real log; medians are told.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent))

from logs import ROOT, Bench, Done, generate, lines_of, write

PAGE = ROOT / "docs" / "deliveries.md"
WEEK = (
    "SELECT receiver, list, count(*) AS attempts FROM deliveries"
    " WHERE outcome IN ('bounced', 'deferred') AND time >= make_timestamp(CAST(? AS BIGINT))"
    " GROUP BY ALL ORDER BY attempts DESC"
)
DAYS = 70


class Stores(Bench):
    def store(self, log: Path, *words: str) -> Done:
        """Into an empty store."""
        data = self.where / "data"
        shutil.rmtree(data, ignore_errors=True)
        return self.todoku("--store", "--data", str(data), *words, str(log))

    def beside(self, log: Path, lines: int, times: int) -> None:
        peer = shutil.which("pflogsumm")
        self.store(log)  # bytecode, compiled patterns
        ours, plain, theirs = [], [], []
        for _ in range(times):
            ours.append(self.store(log))
            plain.append(self.todoku(str(log)).processor)
            if peer is not None:
                theirs.append(self.run(peer, str(log)).processor)
        seconds = median(d.processor for d in ours)
        self.say(
            "--store, seconds of processor, whole command", f"{seconds:.2f}", f"{lines:,} lines"
        )
        self.say("- without --store", f"{median(plain):.2f}")
        if theirs:
            them = median(theirs)
            self.say("- pflogsumm", f"{them:.2f}", f"todoku: {them / seconds:.2f} times as fast")
        self.say("- peak memory, MB", f"{max(d.peak for d in ours) >> 20}")

    def again(self, log: Path) -> None:
        """The same log once more: nothing is new."""
        done = self.todoku("--store", "--data", str(self.where / "data"), str(log))
        self.say(
            "the same log again, seconds of processor", f"{done.processor:.2f}", "nothing stored"
        )

    def lay_out(self, rows: int) -> Path:
        """The stored rows over ten weeks, a part a day, as after compaction."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from todoku import store
        from todoku.deliveries.keeping import keep
        from todoku.deliveries.ledger import Also, Ledger
        from todoku.deliveries.parts import Folder
        from todoku.deliveries.reading import open_stored
        from todoku.deliveries.rows import SCHEMA

        data, much = self.where / "data", self.where / "much"
        with open_stored(data, f"sqlite:///{data}/todoku.db") as stored:
            table = pa.Table.from_batches(stored.batches(), SCHEMA)
            numbers = [n for n in pc.unique(table["ground"]).to_pylist() if n is not None]
            also = Also(grounds=stored.ledger.grounds(numbers), knowledge="x")
        engine = store.connect(f"sqlite:///{much}/todoku.db")
        folder, ledger = Folder(much / "deliveries"), Ledger(engine)
        today = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        number = table.schema.get_field_index("time")
        seconds = pc.cast(pc.multiply(pa.array(range(table.num_rows)), 86_400_000_000 // table.num_rows),
                          pa.duration("us"))  # fmt: skip
        left = rows
        for day in range(DAYS):
            some = min(left, -(-rows // DAYS))
            times = pc.add(pa.scalar(today - timedelta(days=DAYS - 1 - day)), seconds)
            of_day = table.set_column(number, SCHEMA.field("time"), times)
            copies = pa.concat_tables([of_day] * -(-some // table.num_rows)).slice(0, some)
            keep(folder, ledger, copies, [], time.time(), also)
            left -= some
        engine.dispose()
        return much

    def ask(self, data: Path, times: int) -> None:
        from todoku.deliveries.asking import Asking
        from todoku.deliveries.reading import open_stored

        since = time.time() - 7 * 86_400
        with (
            open_stored(data, f"sqlite:///{data}/todoku.db") as stored,
            Asking() as asking,
        ):
            asking.begin(stored)
            (rows,) = asking.ask("SELECT count(*) FROM deliveries")[0]
            took, kinds = [], 0
            for _ in range(times):
                begin = time.perf_counter()
                kinds = len(asking.ask(WEEK, round(since * 1_000_000)))
                took.append(time.perf_counter() - begin)
            self.say("last week's refusals by receiver and list, seconds", f"{median(took):.3f}",
                     f"{kinds:,} kinds, {rows:,} rows stored")  # fmt: skip
        for words in (("--since", "7d"), ()):
            walls, peak = [], 0
            for _ in range(max(3, times // 3)):
                begin = time.perf_counter()
                peak = max(peak, self.todoku("--stored", "--data", str(data), *words).peak)
                walls.append(time.perf_counter() - begin)
            what = "--stored --since 7d" if words else "--stored, all of it"
            self.say(f"{what}, whole command, seconds", f"{median(walls):.2f}",
                     f"{peak >> 20} MB at most in one process")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--log", type=Path, help="a Postfix log to read instead of a generated one")
    parser.add_argument("--write", action="store_true", help="the figures into docs/deliveries.md")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="todoku-bench-") as folder:
        where = Path(folder)
        bench = Stores(where)
        log = chosen.log or generate(where, chosen.lines)
        cores: set[int] = set()
        if hasattr(os, "sched_setaffinity"):
            cores = os.sched_getaffinity(0)
            os.sched_setaffinity(0, {min(cores)})
        bench.beside(log, lines_of(log), chosen.times)
        bench.on_two_cores("--store", lambda *words: bench.store(log, *words), chosen.times, cores)
        bench.again(log)
        if cores:
            os.sched_setaffinity(0, cores)
        bench.ask(bench.lay_out(chosen.rows), chosen.times)
        if chosen.write:
            how = f"medians of {chosen.times} runs, in turn and on one core where peers are named"
            write(PAGE, bench.rows, how)


if __name__ == "__main__":
    main()
