"""`todoku logs --store`: what is new is reported and stored, and counts once, however it is named."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from collections.abc import Iterator

from tests.logs.stored import Place, Zygote, environ, log, running, times
from tests.logs.test_command import REFERENCE


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with running() as zygote:
        yield zygote


@pytest.fixture
def place(zygote: Zygote, tmp_path: Path) -> Place:
    return Place(zygote, tmp_path)


def test_the_report_is_the_same_and_is_stored_once(place: Place) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(300))
    plain = place.zygote.run("--json", path).stdout.splitlines()
    done = place.run("--store", "--json", path)
    *report, last = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert report == plain
    kept = json.loads(last)
    assert (kept["rows"], kept["logs"], kept["known"]) == (600, 1, 0)
    schema = json.loads((REFERENCE / "logs-stored.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(kept)
    assert place.outcomes() == times(300)
    assert place.lines() == 1_200
    again = place.store(path)
    assert (again["rows"], again["logs"], again["known"]) == (0, 0, 1)
    assert place.outcomes() == times(300)
    assert (place.data / "deliveries").stat().st_mode & 0o077 == 0


def test_a_log_that_grows_is_rotated_packed_and_copied(place: Place) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(300))
    assert place.store(path)["rows"] == 600
    with path.open("ab") as out:
        out.write(log(50, 300) + b"2026-11-20T05:00:07.1+00:00 mx1 postfix/smtp[2]: 00")
    assert place.store(path)["rows"] == 100
    path.rename(old := place.logs / "mail.log.1")
    path.write_bytes(log(10, 1_000))
    shutil.copy(old, place.logs / "copy")
    with gzip.open(place.logs / "mail.log.2.gz", "wb") as packed:
        packed.write(old.read_bytes())
    kept = place.store(place.logs / "mail.log.2.gz", old, path, place.logs / "copy")
    assert (kept["rows"], kept["logs"], kept["known"]) == (20, 2, 2)  # of the .gz half a line
    assert place.outcomes() == times(360)
    assert place.store(place.logs)["rows"] == 0


def test_a_copy_from_when_the_log_was_short(place: Place) -> None:
    path, copy = place.logs / "mail.log", place.logs / "mail.log.copy"
    path.write_bytes(log(4))
    assert path.stat().st_size < 4_096
    assert place.store(path)["rows"] == 8
    shutil.copy(path, copy)
    with path.open("ab") as out:
        out.write(log(30, 4))
    assert place.store(path)["rows"] == 60
    kept = place.store(copy, path)
    assert (kept["rows"], kept["known"]) == (0, 2)
    assert place.outcomes() == times(34)
    assert place.lines() == 4 * 34


def test_by_standard_input(place: Place) -> None:
    whole = log(40)
    assert place.store(stdin=whole[: len(whole) // 2 + 7])["rows"] in {39, 40, 41}
    assert place.store("-", stdin=whole)["rows"] + 40 <= 81
    assert place.outcomes() == times(40)
    path = place.logs / "mail.log"
    path.write_bytes(whole)
    assert place.store(path)["rows"] == 0


def test_senders_are_known_across_the_cut(place: Place) -> None:
    """The line that names the sender was stored the last time."""
    path, whole = place.logs / "mail.log", log(40)
    first = whole.index(b"\n", whole.index(b"from=<s3@", len(whole) // 2)) + 1
    path.write_bytes(whole[:first])
    place.store(path)
    path.write_bytes(whole)
    place.store(path)
    assert place.outcomes() == times(40)
    assert {row["sender"] for row in place.rows("sender")} == {f"s{n}@a.example" for n in range(5)}


def test_two_logs_at_once_one_inside_the_other(place: Place) -> None:
    """A copy that is longer: the rest counts, in one pass."""
    (place.logs / "a").write_bytes(log(100))
    (place.logs / "b").write_bytes(log(130))
    (place.logs / "c").write_bytes(log(120))
    assert place.store(*(place.logs / n for n in "abc"))["rows"] == 260
    assert place.outcomes() == times(130)


def test_other_mail_servers_and_no_stamp(place: Place) -> None:
    from tests.maillogs import SAMPLES

    kept = place.store(SAMPLES / "logs")
    report = json.loads(place.zygote.run("--json", SAMPLES / "logs").stdout.splitlines()[0])[
        "deliveries"
    ]
    assert kept["rows"] == sum(report[n] for n in ("sent", "bounced", "deferred"))
    assert place.outcomes() == Counter({n: report[n] for n in ("sent", "bounced", "deferred")})
    assert place.store(SAMPLES / "logs")["rows"] == 0


@pytest.mark.parametrize("how", ["off", "hashed", "clear"])
def test_recipients(place: Place, how: str) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(20))
    done = place.run("--store", "--json", path, TODOKU_LOGS_RECIPIENTS=how)
    groups = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(g["recipients"] for g in groups if g["kind"] == "refusals") == 20
    told = {row["recipient"] for row in place.rows("recipient")}
    if how == "off":
        assert told == {None}
    elif how == "hashed":
        assert len(told) == 40 and all(len(x) == 16 for x in told)
    else:
        assert "v3@b3.example" in told
    if how != "clear":
        held = b"".join(p.read_bytes() for p in place.data.rglob("*") if p.is_file())
        assert b"v3@" not in held
    assert {row["reply"] for row in place.rows("reply") if row["reply"]} <= {
        "554 5.7.1 <<recipient>>: User unknown",
        "554 5.7.1 <<recipient>>: Client host [192.0.2.1] blocked using zen.spamhaus.org",
    }


def test_what_is_too_old_is_not_stored(place: Place) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(10).replace(b"2026-11-20", b"2019-01-02") + log(10, 100))
    kept = place.store(path)
    assert (kept["rows"], kept["too_old"]) == (20, 20)
    assert place.outcomes() == times(10)


def test_what_becomes_too_old_is_erased(place: Place) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(10).replace(b"2026-11-20", b"2025-12-01") + log(10, 1_440))
    assert place.store(path, TODOKU_LOGS_KEEP_DELIVERIES="3650")["rows"] == 40
    assert len(list(place.data.glob("deliveries/day=2025*/*"))) == 1
    kept = place.store(path)
    assert (kept["rows"], kept["erased"]) == (0, 20)
    assert place.outcomes() == times(10)
    assert not list(place.data.glob("deliveries/day=2025*/*"))


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_wrong_use(place: Place, lang: str) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(10))
    garbage = place.logs / "x"
    garbage.write_text("hello\n")
    done = place.run("--store", "--since", "7d", path, lang=lang)
    assert (done.returncode, place.data.exists()) == (64, False)
    done = place.run("--store", garbage, lang=lang)
    assert done.returncode == 2
    assert not list(place.data.glob("deliveries/day=*"))
    done = place.run("--store", garbage, path, lang=lang)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
    assert place.outcomes() == times(10)
    done = place.run("--store", path, lang=lang, TODOKU_PRIVACY_OPERATOR="others")
    assert done.returncode == 78
    (place.data / "recipients.key").chmod(0o644)
    done = place.run("--store", path, lang=lang)
    assert done.returncode != 0 and b"chmod 600" in done.stderr
    blocked = place.logs / "blocked"
    blocked.write_text("")
    done = place.zygote.run("--store", "--data", blocked, path, lang=lang)
    assert done.returncode != 0 and b"Traceback" not in done.stderr


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_what_is_told(place: Place, lang: str) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(10))
    for wanted in ("20", str(place.data)):
        told = place.run("--store", path, lang=lang).stdout.decode()
        assert wanted in "".join(told.split("\n"))
        assert ("保存" if lang == "ja" else "tored") in told


def test_another_log_behind_the_same_beginning(place: Place) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(100))
    place.store(path)
    path.write_bytes(log(50) + log(90, 500))
    done = place.run("--store", path)
    assert done.returncode == 1
    assert b"differs" in done.stderr
    assert place.outcomes() == times(100)


def test_the_journal_by_its_numbers(place: Place) -> None:
    """However much of it is shown again, and by units apart."""
    entries = [
        {
            "__CURSOR": f"s=ab12;i={n:x};b=1;m=2;t=3;x=4", "__REALTIME_TIMESTAMP": f"17{n:014d}",
            "_HOSTNAME": "mx1", "SYSLOG_IDENTIFIER": "postfix/smtp", "SYSLOG_PID": "7",
            "_SYSTEMD_UNIT": f"postfix@{n % 2}.service", "MESSAGE": f"{n:06X}A: to=<u@b.example>, "
            "relay=mx.b.example[203.0.113.9]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 Ok)",
        }
        for n in range(1, 101)
    ]  # fmt: skip

    def piped(some: list[dict[str, str]]) -> int:
        told = "".join(json.dumps(e) + "\n" for e in some).encode()
        return int(place.store(stdin=told, TODOKU_LOGS_KEEP_DELIVERIES="3650")["rows"])

    assert piped(entries[:40:2]) == 20
    assert piped(entries[:60]) == 40
    assert piped(entries[50:]) == 40
    assert piped(entries) == 0
    newer = [
        {k: v for k, v in e.items() if k != "__CURSOR"} | {"__SEQNUM_ID": "cd", "__SEQNUM": str(n)}
        for n, e in enumerate(entries, 1)
    ]
    assert piped(newer[:10]) == 10
    assert piped(newer) == 90
    assert place.outcomes() == Counter(sent=200)
    more = [e | {"__CURSOR": f"s=ef;i={n:x};b=1"} for n, e in enumerate(entries, 1)]
    assert piped(more[:10]) == 10
    told = "".join(json.dumps(e) + "\n" for e in reversed(more)).encode()
    done = place.run("--store", stdin=told, TODOKU_LOGS_KEEP_DELIVERIES="3650")
    assert (done.returncode, b"newest first" in done.stderr) == (65, True)
    assert place.outcomes() == Counter(sent=210)
    assert piped([*more[:50], *more[30:], *more]) == 90


def test_grounds_hold_nobody(place: Place) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(20))
    place.store(path)
    with sqlite3.connect(place.data / "todoku.db") as database:
        payloads = [row[0] for row in database.execute("SELECT payload FROM log_grounds")]
    database.close()
    assert len(payloads) == 14
    assert not any("v3@" in payload or "u3@" in payload for payload in payloads)
    assert {
        row["ground"] for row in place.rows("ground", "outcome") if row["outcome"] == "sent"
    } == {None}


def test_without_it_nothing_of_a_store_is_imported(place: Place) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(10))
    code = (
        "import sys; from todoku.cli import main\n"
        "try: main(['logs', '--quiet', sys.argv[1]], prog_name='todoku')\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print({'sqlalchemy', 'pyarrow', 'duckdb', 'todoku.store'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, env=environ()
    )
    assert (done.stdout, done.stderr) == (b"set()\n", b"")


def test_a_file_that_was_read_to_its_end_is_not_read_again(place: Place) -> None:
    """As long as it is the very same: told by what is in it now, which would not be understood."""
    path = place.logs / "mail.log.1.gz"
    path.write_bytes(gzip.compress(log(20)))
    assert place.store(path)["rows"] == 40
    status = path.stat()
    path.write_bytes(b"x\n" * (status.st_size // 2) + b"\n" * (status.st_size % 2))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert place.store(path)["known"] == 1
    os.utime(path)
    assert place.run("--store", path).returncode == 2


def test_a_pipe_is_read_as_standard_input_is(place: Place) -> None:
    """The shell's `<(zcat mail.log.gz)`."""
    path, pipe = place.logs / "mail.log", place.logs / "pipe"
    path.write_bytes(log(20))
    assert place.store(path)["rows"] == 40
    os.mkfifo(pipe)
    path.write_bytes(log(30))
    with subprocess.Popen(["sh", "-c", f"cat {path} > {pipe}"]):
        assert place.store(pipe)["rows"] == 20


@pytest.mark.parametrize(
    "line",
    [
        b"@7fffffffffffffffffffffff delivery 1: failure: Sorry,_no_mailbox_here_by_that_name._(#5.1.1)/",
        b"@400000006ae6810a20658697 starting delivery 1: msg 7 to remote \xff@b.example",
        (b"9999-12-31T23:59:59.999999+00:00 mx1 postfix/smtp[1]: A1B2C: to=<u@b.example>, relay=mx.b[203.0.113.9]:25, "
        b"delay=1e99999, dsn=2.0.0, status=sent (250 Ok)"),
        (b"2026-11-24T00:00:00+00:00 mx\x00\xff postfix/smtp[1]: A1B2C: to=<\xed\xa0\x80u@b.example>, relay=none, "
        b"delay=99999999999999999999, dsn=5.0.0, status=bounced (\xed\xa0\x80\x00)"),
        (b'{"MESSAGE":"\\ud800 A1B2C: to=<u@b>, relay=none, delay=1, dsn=5.1.1, status=bounced (x)",'
        b'"SYSLOG_IDENTIFIER":"postfix/smtp","__REALTIME_TIMESTAMP":"99999999999999999999"}'),
    ],
)  # fmt: skip
def test_hostile_lines(place: Place, line: bytes) -> None:
    path = place.logs / "mail.log"
    path.write_bytes(log(3) + line + b"\n" + log(3, 10))
    done = place.run("--store", "--json", path)
    assert done.returncode == 0, done.stderr
    assert place.outcomes() >= times(6)
    assert b"Traceback" not in place.run("--stored", "--json").stderr
    assert len(list(place.data.glob("deliveries/day=*"))) <= 2
