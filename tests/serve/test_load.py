"""Ten thousand open cases: `todoku serve` has nothing to do, and takes next to nothing for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import postgres
from tests.cases.world import MICROSOFT, refused
from todoku import store
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.commands import refuse
from todoku.model import Identity
from todoku.store.actions import Queue
from todoku.store.cases import Desk

CASES = 10_000
SECONDS = 30.0
MOST_CPU = 0.02
"""Of one core."""
MOST_MEMORY = 120 << 10
"""KiB."""


def fill(url: str) -> None:
    """Each was refused, and its desk asked: something is to be done a day from now."""
    at = datetime.now(UTC) - timedelta(hours=1)
    desk = Desk(store.connect(url))
    with store.writing(desk.engine) as connection:
        for n in range(CASES):
            identity = Identity("ip", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
            case = Case(number=n + 1)
            events = (
                *refuse(case, refused(at, identity, place=MICROSOFT)),
                ev.Diagnosed(at=at, place=MICROSOFT, identities=(identity,), desk="a/b"),
                ev.Checked(at=at),
                ev.Requested(at=at, by="admin", desk="a/b", identities=(identity,)),
            )
            desk.append(connection, case, events)
    now = datetime.now(UTC)
    assert len(desk.rows()) == CASES
    queue = Queue(desk)
    assert queue.count_due(now) == 0
    assert (queue.next_at(now) or 0) > now.timestamp() + 3600
    desk.engine.dispose()


def cpu(pid: int) -> float:
    """Seconds of it, by all threads, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """KiB at most, so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_idle_with_ten_thousand_open_cases(kind: str, tmp_path: Path) -> None:
    if kind == "sqlite":
        idle(f"sqlite:///{tmp_path}/todoku.db", tmp_path)
    else:
        with postgres.server() as server:
            idle(server.database(), tmp_path)


def idle(url: str, folder: Path) -> None:
    fill(url)
    box = folder / "mail"
    for part in ("tmp", "new", "cur"):
        (box / part).mkdir(parents=True)
    environ = os.environ | {
        "HOME": str(folder),
        "TODOKU_GENERAL_STORE": url,
        "TODOKU_GENERAL_DATA": str(folder / "data"),
        "TODOKU_OWN_ADDRESSES": "10.0.0.0",
        "TODOKU_OWN_HELO": "mx1.hoge.test",
        "TODOKU_MAIL_RELAY": "127.0.0.1:1",
        "TODOKU_MAIL_SENDER": "postmaster@hoge.test",
        "TODOKU_MAIL_FOLDER": str(box),
        "TODOKU_DNS_RESOLVER": "127.0.0.1:1",
        "TODOKU_GENERAL_LANGUAGE": "en",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "todoku", "serve"], env=environ, text=True, stderr=subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("todoku: at work")
        time.sleep(6)  # the first round
        began, before = time.monotonic(), cpu(process.pid)
        time.sleep(SECONDS)
        share = (cpu(process.pid) - before) / (time.monotonic() - began)
        most = memory(process.pid)
        print(f"{share:.2%} of a core, {most / 1024:.0f} MB")
        assert share < MOST_CPU
        assert most < MOST_MEMORY
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.communicate()
