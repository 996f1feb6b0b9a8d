"""Memory stays bounded however much there is to read: the whole command, measured.

Inputs are made on the fly and deleted at once: pytest would keep them for three runs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs wait4"),
]

MOST = 150 << 20
"""Bytes of memory that the command may take at its peak."""
GROWTH = 12 << 20
"""Bytes by which the peak may differ between few and many."""

LAUNCHER = """
import os, sys
null = os.open(os.devnull, os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, null, 1)]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process between the tests and the command: the peak of a child counts from before its
`exec`, when it is still a copy of its parent, and pytest is larger than the command."""

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "bounces"
BOUNCES = sorted(SAMPLES.glob("0*.eml"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that is gone after the test."""
    folder = tmp_path / "much"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def peak(path: Path, *options: str) -> int:
    """Bytes of memory at the peak of one `todoku diagnose`. The exit code must be 0 or 1."""
    words = [sys.executable, "-m", "todoku", "diagnose", *options, str(path)]
    run = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCHER, *words], capture_output=True, text=True, check=False
    )
    assert run.returncode in {0, 1}, run.stderr
    return int(run.stdout) * (1 if sys.platform == "darwin" else 1024)


def link(folder: Path, number: int) -> None:
    """Hard links: a hundred names for each copy, as file systems bound the links of one file."""
    originals = [shutil.copy(p, folder / p.name) for p in BOUNCES]
    for i in range(number):
        sub = folder / f"{i // 20_000:03}"
        if i % 20_000 == 0:
            sub.mkdir()
        (sub / f"{i:07}.eml").hardlink_to(originals[i % len(originals)])


def test_a_folder_streams(place: Path) -> None:
    peaks = []
    for number in (50_000, 200_000):
        folder = place / str(number)
        folder.mkdir()
        link(folder, number)
        peaks.append(peak(folder, "--json"))
        shutil.rmtree(folder)
    assert peaks[1] < MOST
    assert peaks[1] - peaks[0] < GROWTH


def test_the_screen_of_a_folder_needs_no_more(place: Path) -> None:
    """Groups are kept, mails are not."""
    link(place, 50_000)
    assert peak(place) < MOST


def mbox(f: Path, size: int) -> None:
    """Bounces that return a mail of 40 KB."""
    line = b"Lorem ipsum dolor sit amet, consectetur adipiscing elit.\n"
    mails = (
        b"From a@b.example Mon Nov 24 00:00:00 2026\n" + p.read_bytes() + line * 700 + b"\n\n"
        for p in BOUNCES
    )
    repeat(f, b"".join(mails), size)


def replies(f: Path, size: int) -> None:
    """Replies of a thousand characters."""
    words = (
        b"550 5.1.1 <u%d@b.example>: no such user here" + b"; see the manual of this server" * 30
    )
    row = b'{"id":"%d","text":"' + words + b'"}\n'
    repeat(f, b"".join(row % (i, i) for i in range(5000)), size)


def log(f: Path, size: int) -> None:
    """One line of twenty tells of a refusal."""
    line = (
        b"Nov 24 00:00:00 mx postfix/smtp[1]: 4ABC%05d: to=<u%d@b.example>, relay=mx.b.example[192.0.2.1]:25,"
        b" dsn=5.1.1, status=%s (host mx.b.example[192.0.2.1] said: 550 5.1.1 no such user)\n"
    )
    repeat(f, b"".join(line % (i, i, b"sent" if i % 20 else b"bounced") for i in range(5000)), size)


def repeat(f: Path, block: bytes, size: int) -> None:
    with f.open("wb") as out:
        for _ in range(size // len(block) + 1):
            out.write(block)


@pytest.mark.parametrize(
    ("make", "megabytes"), [(mbox, 500), (replies, 300), (log, 500)], ids=["mbox", "NDJSON", "log"]
)
def test_a_file_streams(place: Path, make: Callable[[Path, int], None], megabytes: int) -> None:
    peaks = []
    for size in (megabytes // 5, megabytes):
        path = place / "much"
        make(path, size << 20)
        peaks.append(peak(path, "--json"))
        path.unlink()
    assert peaks[1] < MOST
    assert peaks[1] - peaks[0] < GROWTH
