"""Attempts as rows, and files of them: complete, and whole or not there."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.logs.logs import BOUNCED, FROM, HEAD, NOW, SENT, diagnoser, new
from todoku.grouping import domain_of
from todoku.logs.clock import Clock
from todoku.logs.reader import Source
from todoku.settings.own import Own

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from todoku.deliveries.parts import Folder  # noqa: E402  (need pyarrow)
from todoku.deliveries.rows import SCHEMA, Rows  # noqa: E402

LOG = "\n".join(f"{HEAD}{line}" for line in (FROM, SENT, BOUNCED)).encode() + b"\n"
OWN = Own(addresses=("192.0.2.1",), transports={"smtp": ("192.0.2.1",)})
AT = datetime(2026, 11, 24, 9, 12, 5, tzinfo=UTC).replace(tzinfo=None)


KILLED = """
import os, signal, sys
from pathlib import Path
import pyarrow.parquet as pq
from todoku.deliveries.parts import Folder

folder = Folder(Path(sys.argv[1]))
with folder.writing():
    folder.write(pq.ParquetFile(folder.path / sys.argv[2]).read(), "2026-11-24")
    (folder.path / "day=2026-11-24" / "0.half").write_bytes(b"PAR1")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def table(recipients: str = "hashed") -> Any:
    run = new(recipients=recipients, key=b"k" * 16, own=OWN)
    run.sent = []
    clock = Clock(NOW, UTC)
    refused = list(Source(run, clock).read(LOG))
    rows = Rows(diagnoser().knowledge.version, OWN, run.recipients, run.key)
    return pa.concat_tables([rows.sent(run.sent, clock), rows.refused(refused)])


def test_each_attempt_is_a_row() -> None:
    sent, bounced = table("clear").to_pylist()
    shared = {
        "time": AT, "host": "mx1", "instance": "postfix", "transport": "smtp",
        "source": "192.0.2.1", "queue_id": "3F1A22C0D5", "sender": "info@a.example",
        "recipient": "u@b.example", "domain": "b.example", "relay": "mx.b.example",
        "relay_address": "203.0.113.9", "knowledge": diagnoser().knowledge.version,
    }  # fmt: skip
    assert shared.items() <= sent.items()
    assert shared.items() <= bounced.items()
    assert (sent["outcome"], sent["status"], sent["delay"]) == ("sent", "2.0.0", 2.1)
    assert {sent[name] for name in ("code", "reply", "reason", "receiver", "rule")} == {None}
    assert (bounced["outcome"], bounced["code"], bounced["enhanced"]) == ("bounced", 550, "5.1.1")
    assert (bounced["reason"], bounced["place"]) == ("user-unknown", domain_of("mx.b.example"))
    assert "<recipient>" in bounced["reply"] and "u@b.example" not in bounced["reply"]


def test_recipients_as_the_setting_says() -> None:
    hashed = table().column("recipient").to_pylist()
    assert len(set(hashed)) == 1 and len(hashed[0]) == 16
    assert table("off").column("recipient").null_count == 2


def test_a_part_is_what_was_written(tmp_path: Path) -> None:
    folder, rows = Folder(tmp_path / "deliveries"), table()
    with folder.writing():
        part = folder.write(rows, "2026-11-24")
        assert folder.clean({part.name}) == []
    path = folder.path / part.name
    assert (part.rows, part.bytes) == (2, path.stat().st_size)
    assert path.stat().st_mode & 0o077 == 0
    found = pq.ParquetFile(path).read()
    assert found.equals(rows)
    assert found.schema.metadata[b"todoku.deliveries"] == SCHEMA.metadata[b"todoku.deliveries"]


def test_what_a_crash_left_is_taken_away(tmp_path: Path) -> None:
    """Killed while it writes, and after: the lock is free, and only what is named stays."""
    folder, rows = Folder(tmp_path / "deliveries"), table()
    with folder.writing():
        kept = folder.write(rows, "2026-11-24")
    done = subprocess.run([sys.executable, "-c", KILLED, folder.path, kept.name], check=False)
    assert done.returncode == -signal.SIGKILL
    with folder.writing():
        assert len(folder.clean({kept.name})) == 2
        assert folder.clean({kept.name}) == []
    assert [str(p.relative_to(folder.path)) for p in folder.path.glob("day=*/*")] == [kept.name]


def test_sent_and_refused_are_read_alike() -> None:
    """Whichever way a delivery comes into the table, its columns say the same."""
    head = HEAD.encode().replace(b"mx1", b"mx\xe9")
    qid = SENT.encode().partition(b":")[0]
    log = b"\n".join(
        head + qid + line
        for line in (
            b": from=<j\xc3\xb6rg+x=y@A.example>, size=1, nrcpt=1 (queue active)",
            SENT.encode().partition(b":")[1]
            + SENT.encode().partition(b":")[2].replace(b"b.example>", b"B\xc3\x84.example>"),
            BOUNCED.encode().partition(b":")[1]
            + BOUNCED.encode().partition(b":")[2].replace(b"b.example>", b"B\xc3\x84.example>"),
        )
    )
    run = new(recipients="clear", own=OWN)
    run.sent = []
    clock = Clock(NOW, UTC)
    refused = list(Source(run, clock).read(log + b"\n"))
    rows = Rows("x", OWN, run.recipients, run.key)
    (sent,), (bounced,) = rows.sent(run.sent, clock).to_pylist(), rows.refused(refused).to_pylist()
    names = ("time", "host", "instance", "transport", "source", "queue_id", "sender", "recipient", "domain",
             "relay", "relay_address")  # fmt: skip
    assert {n: sent[n] for n in names} == {n: bounced[n] for n in names}
    assert sent["sender"] == "jörg+x=y@A.example"
    assert sent["domain"] == "bä.example"
