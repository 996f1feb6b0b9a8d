"""Killed anywhere: nothing is lost, nothing is done twice, and the story ends as it would have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import postgres
from tests.store.crash import FLOOD, PLACE, POLICY
from todoku import store
from todoku.cases import events as ev
from todoku.model import Identity, Reply
from todoku.store.cases import Desk

PROGRAM = Path(__file__).with_name("crash.py")
ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


class Zygote:
    """Programs that start in a moment."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )

    def run(self, *words: object) -> tuple[int, int | None]:
        """Its exit status (negative: the signal that killed it) and what it printed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        printed = None
        while not (line := self.process.stdout.readline()).startswith("status"):
            assert line, "the zygote died"
            printed = int(line)
        return int(line.split()[1]), printed

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


def timeline(url: str) -> list[str]:
    """Names of the events. Those of independent actions, which come in any order, are put last."""
    engine = store.connect(url)
    desk = Desk(engine)
    told = [ev.name(recorded.event) for recorded in desk.history(1)]
    assert [row["state"] for row in desk.rows(closed=True)] == ["closed"]
    # Each of the flood counts once, wherever it was killed.
    assert desk.case(1).refusals == FLOOD
    before = desk.rows(closed=True)
    assert [row["refusals"] for row in before] == [FLOOD]
    desk.rebuild()
    assert desk.rows(closed=True) == before
    engine.dispose()
    free = {"told", "diagnosed", "checked"}
    assert told[-2:] == ["told", "closed"]
    return [name for name in told if name not in free] + sorted(n for n in told if n in free)


STORY = [
    "reported", "refused", "cause-found", "mended", "requested", "answered", "waited", "probed",
    "probed", "probed", "closed", "checked", "diagnosed", "told", "told",
]  # fmt: skip


def die_and_go_on(zygote: Zygote, point: int, url: str, outside: Path) -> None:
    assert zygote.run("at", point, url, outside)[0] == -signal.SIGKILL
    assert zygote.run("on", url, outside)[0] == 0
    assert timeline(url) == STORY, f"killed at {point}"
    lines = Counter(outside.read_text().splitlines())
    for line, n in lines.items():
        # A probe, and asking a list, may be repeated: nobody is told anything by it.
        assert n == 1 or " tell/" not in line, f"killed at {point}: {line} {n} times"
    assert {"1 tell/opened/person:1/1", "1 tell/resolved/person:1/1"} <= set(lines)


@pytest.fixture(scope="module")
def points(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many moments there are to be killed in."""
    folder = tmp_path_factory.mktemp("count")
    url = f"sqlite:///{folder}/todoku.db"
    status, seen = zygote.run("count", url, folder / "outside")
    assert status == 0
    assert timeline(url) == STORY
    assert seen is not None
    assert seen > 120
    return seen


def sqlite_files(folder: Path) -> Iterator[tuple[str, Path]]:
    n = 0
    while True:
        n += 1
        yield f"sqlite:///{folder}/{n}.db", folder / f"{n}.outside"


def test_killed_at_many_moments(zygote: Zygote, points: int, tmp_path: Path) -> None:
    places = sqlite_files(tmp_path)
    for point in range(3, points + 1, 7):
        die_and_go_on(zygote, point, *next(places))


@pytest.mark.slow
def test_killed_at_every_moment(zygote: Zygote, points: int, tmp_path: Path) -> None:
    places = sqlite_files(tmp_path)
    for point in range(1, points + 1):
        die_and_go_on(zygote, point, *next(places))
        for file in tmp_path.iterdir():
            file.unlink()


@pytest.mark.slow
def test_killed_on_postgresql(
    zygote: Zygote, points: int, tmp_path: Path, postgres_server: postgres.Server
) -> None:
    for point in range(2, points + 1, 4):
        die_and_go_on(zygote, point, postgres_server.database(), tmp_path / f"{point}")


class TestTwoWorkers:
    """On one database, sharing the work of many cases; one of them is killed within a deed."""

    CASES = 12

    def test_they_share_it(self, url: str, tmp_path: Path) -> None:
        self.open_cases(url)
        outside = tmp_path / "outside"
        workers = [self.start(name, url, outside, most=10_000) for name in ("one", "two")]
        assert [worker.wait(120) for worker in workers] == [0, 0]
        lines = outside.read_text().splitlines()
        by = Counter(line.split()[0] for line in lines if " did " in line)
        assert set(by) == {"one", "two"}, "one of them did it all"
        self.all_told_once(url, lines)

    def test_one_is_killed(self, url: str, tmp_path: Path) -> None:
        self.open_cases(url)
        outside = tmp_path / "outside"
        one = self.start("one", url, outside, most=3)
        until = time.monotonic() + 60
        while not outside.exists() and time.monotonic() < until:  # else two may do it all before
            time.sleep(0.01)
        two = self.start("two", url, outside, most=10_000)
        assert (one.wait(120), two.wait(120)) == (-signal.SIGKILL, 0)
        self.all_told_once(url, outside.read_text().splitlines())

    def start(self, name: str, url: str, outside: Path, most: int) -> subprocess.Popen[bytes]:
        words = [sys.executable, PROGRAM, "share", name, url, outside, str(most)]
        return subprocess.Popen(list(map(str, words)), env=ENVIRONMENT, stdout=subprocess.DEVNULL)

    def open_cases(self, url: str) -> None:
        engine = store.connect(url)
        desk = Desk(engine, POLICY)
        at = datetime.now(UTC) - timedelta(minutes=1)
        for n in range(self.CASES):
            ip = Identity("ip", f"192.0.2.{n}")
            reply = Reply(550, None, "SC-001")
            seen = ev.Refused(at=at, place=PLACE, identities=(ip,), reply=reply, first=at, last=at)
            desk.see(seen)
            desk.see(ev.Reported(at=at, who=f"person:{n}", place=PLACE, identities=(ip,)))
        engine.dispose()

    def all_told_once(self, url: str, lines: list[str]) -> None:
        told = Counter(line for line in lines if " tell/" in line and " did " not in line)
        assert len(told) == self.CASES
        assert set(told.values()) == {1}
        engine = store.connect(url)
        desk = Desk(engine, POLICY)
        for number in range(1, self.CASES + 1):
            names = Counter(ev.name(recorded.event) for recorded in desk.history(number))
            assert names == {"refused": 1, "reported": 1, "told": 1, "diagnosed": 1, "checked": 1}
        engine.dispose()


def test_a_torn_log_gives_a_whole_past(zygote: Zygote, tmp_path: Path) -> None:
    """Power lost between write and fsync: of the write-ahead log, any beginning reached the disk,
    and after it perhaps rubbish. What is there then is some moment of the past, whole."""
    database = tmp_path / "todoku.db"
    # Killed late, so that the log is still there; never checkpointed before.
    assert zygote.run("at", 120, f"sqlite:///{database}", tmp_path / "outside")[0] == -9
    log = tmp_path / "todoku.db-wal"
    whole, pages = log.read_bytes(), database.read_bytes()
    assert len(whole) > 100_000
    seen = set()
    for n in range(25):
        torn = tmp_path / f"torn{n}.db"
        torn.write_bytes(pages)
        cut = len(whole) * n // 24
        rubbish = bytes(2048) if n % 2 else b""
        torn.with_name(f"{torn.name}-wal").write_bytes(whole[:cut] + rubbish)
        engine = store.connect(f"sqlite:///{torn}")
        desk = Desk(engine, POLICY)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        rows = desk.rows(closed=True)
        for row in rows:
            assert len(desk.history(row["number"])) == row["seq"]
        desk.rebuild()
        assert desk.rows(closed=True) == rows
        seen.add(rows[0]["seq"] if rows else 0)
        engine.dispose()
    assert len(seen) > 5
