"""Memory does not grow with the log: the whole command, measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.maillogs import SHARED, needs_generator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4"),
]

MOST = 300 << 20
GROWTH = 40 << 20
"""Bytes by which the peak may differ: what is remembered (names, templates, messages) fills up."""

LAUNCHER = """
import os, sys
null = os.open(os.devnull, os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, null, 1)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "much"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def peak(*paths: str | Path) -> int:
    words = [sys.executable, "-m", "todoku", "logs", "--json", *map(str, paths)]
    run = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *words], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout) * (1 if sys.platform == "darwin" else 1024)


@needs_generator
def test_ten_times_the_log(place: Path) -> None:
    tool = SHARED / "tools" / "gen_maillog.py"
    logs = []
    for n in range(10):
        log = place / f"mail.log.{n}"
        words = ["--lines", "200000", "--seed", str(n)]
        with log.open("wb") as out:
            subprocess.run([sys.executable, str(tool), *words], stdout=out, check=True)
        logs.append(log)
    few, many = peak(logs[0]), peak(*logs)
    assert many < MOST
    assert many - few < GROWTH
    pytest.importorskip("pyarrow")
    store = ("--store", "--data", place / "data")
    few, many = peak(*store, *logs[:3]), peak(*store, *logs)
    assert many < MOST
    assert many - few < GROWTH


def test_no_two_lines_alike(place: Path) -> None:
    """Every answer, sender, recipient and host differs: nothing that is remembered may grow."""
    log = place / "mail.log"
    with log.open("w") as out:
        for n in range(150_000):
            head = f"Nov 24 09:12:05 mx{n % 50_000} postfix/smtp[1]: {n:010X}: "
            out.write(
                f"{head}from=<s{n}@a{n}.example>, size=1, nrcpt=1 (queue active)\n"
                f"{head}to=<u{n}@b{n}.example>, relay=mx.b{n}.example[192.0.2.1]:25, delay=1, "
                f"delays=0/0/0/1, dsn=5.7.1, status=bounced (host mx.b{n}.example[192.0.2.1] said: "
                f"550 5.7.1 no{n}word {n}x blocked w{n} list{n} (in reply to RCPT TO command))\n"
            )
    assert peak(log) < MOST


def test_one_line_without_end(place: Path) -> None:
    log = place / "mail.log"
    with log.open("wb") as out:
        out.write(b"Nov 24 09:12:05 mx1 postfix/qmgr[1]: 3F1A22C0D5: removed\n")
        for _ in range(200):
            out.write(b"x" * (1 << 20))
    assert peak(log) < 100 << 20
