"""`todoku logs --store --engine local`: what several processes store is to the row what one stores, whoever
of them is killed."""

from __future__ import annotations

import contextlib
import functools
import gzip
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from tests.logs.logs import diagnoser
from tests.logs.stored import Place, Zygote, log, running, times
from tests.logs.test_engine_exact import START, a_log, lines
from todoku import __version__, store
from todoku.deliveries import staging
from todoku.deliveries.keeping import keep
from todoku.deliveries.ledger import Also, Ledger
from todoku.deliveries.parts import Folder
from todoku.deliveries.rows import SCHEMA
from todoku.logs import engine, parts
from todoku.logs.judging import Judge
from todoku.logs.parts import Part, look
from todoku.logs.run import Run
from todoku.logs.workers import Local, in_order

NEVER = 1_000_000
ENGINE = ("--engine", "local", "--workers", "2")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked")


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with running() as zygote:
        yield zygote


def all_of(place: Place) -> dict[str, Any]:
    """All that is stored, in an order."""
    from todoku.deliveries.reading import open_stored

    with open_stored(place.data, f"sqlite:///{place.data}/todoku.db") as stored:
        rows = [row for batch in stored.batches() for row in batch.to_pylist()]
        numbers = sorted({row["ground"] for row in rows} - {None})
        return {
            "rows": sorted(map(repr, rows)),
            "days": stored.days(),
            "logs": sorted(stored.ledger.logs()),
            "grounds": stored.ledger.grounds(numbers),
        }


class Twins:
    """Two data folders with the same key and the same logs: one is stored by one process."""

    def __init__(self, zygote: Zygote, path: Path) -> None:
        self.one, self.many = (Place(zygote, path / name) for name in ("one", "many"))
        self.logs = self.one.logs

    def store(self, *words: str | Path) -> None:
        """And compares all that is told and stored."""
        done = self.one.run("--store", "--json", *words, small=True)
        (self.many.data).mkdir(parents=True, exist_ok=True)
        shutil.copy(self.one.data / "recipients.key", self.many.data)
        found = self.many.run("--store", "--json", *ENGINE, *words, small=True)
        assert found.stderr == done.stderr
        assert found.stdout.replace(b"/many/", b"/one/") == done.stdout
        assert found.returncode == done.returncode
        assert all_of(self.many) == all_of(self.one)
        assert not list(self.many.data.glob("deliveries/.staged-*"))


@pytest.fixture
def twins(zygote: Zygote, tmp_path: Path) -> Twins:
    for name in ("one", "many"):
        (tmp_path / name).mkdir()
    return Twins(zygote, tmp_path)


def of(told: list[str], first: int = 0) -> bytes:
    """A log; logs with another `first` are others from their first line on."""
    start = START.replace("3F1A22C0D5", f"{first:010X}")
    return (start + "".join(f"{line}\n" for line in told)).encode()


def test_rows_are_those_of_one_process(twins: Twins) -> None:
    """Senders stand in earlier parts and logs; logs grow, are rotated, packed and copied, and begin alike."""
    logs, told = twins.logs, a_log(300)
    cut, half = len(told) // 3, len(told) * 2 // 3
    (logs / "a.log").write_bytes(of(told[:cut], 1))
    (logs / "b.log.gz").write_bytes(gzip.compress(of(lines(7, 200), 2)))
    (logs / "c.log").write_bytes(of(lines(1, 250), 3)[:-1])
    (logs / "d.log").write_bytes(b"\n".join(x.encode() for x in told[cut:half]) + b"\n")
    (logs / "e.txt").write_text("no log at all, but long enough to be looked at by others " * 3)
    (logs / "f.log").write_bytes(
        of(lines(1, 250), 3)
    )  # `c.log` once more, with its last line's end
    (logs / "g.log").write_bytes(b"")
    paths = [*sorted(logs.iterdir()), logs / "is-not-there"]
    twins.store(*paths)
    senders = [row["sender"] for row in twins.many.rows("sender")]
    assert senders.count("s1@a.example") > 20
    with (logs / "a.log").open("ab") as out:
        out.write(b"\n".join(x.encode() for x in told[cut:]) + b"\n")
    (logs / "c.log").rename(logs / "c.log.1")
    (logs / "c.log").write_bytes(of(lines(2, 300), 4))
    (logs / "h.log.gz").write_bytes(gzip.compress((logs / "d.log").read_bytes() + of(lines(3, 99))))
    twins.store(*sorted(logs.iterdir()))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_rows_are_those_of_one_process_whatever_the_logs(seed: int, twins: Twins) -> None:
    random = Random(seed)
    written: list[list[str]] = []
    firsts: dict[int, int] = {}
    for _ in range(2):
        for n in range(random.randint(1, 4)):
            told = lines(random.randrange(1 << 32), random.randint(0, 300))
            if n < len(written) and random.random() < 0.5:
                told = written[n] + told
            else:
                firsts[n] = random.randrange(20)
            path = twins.logs / f"{n}.log"
            data = of(told, firsts[n])
            if random.random() < 0.3:
                path.write_bytes(gzip.compress(data))
            else:
                path.write_bytes(data)
            written[n : n + 1] = [told]
        twins.store(twins.logs)


# ── whoever is killed ─────────────────────────────────────────────────────────────────────────


def write(place: Place) -> None:
    """Two logs, the first of many parts over two days."""
    (place.logs / "mail.log.1").write_bytes(log(200, 1_340))
    (place.logs / "mail.log").write_bytes(log(60, 1_540))


def exact(place: Place, *engine: str) -> None:
    place.store(*engine, place.logs, small=True)
    assert place.outcomes() == times(260)
    assert place.lines() == 1_040
    assert {row["sender"] for row in place.rows("sender")} == {f"s{n}@a.example" for n in range(5)}
    assert not list(place.data.glob("deliveries/.staged-*"))
    named = {p.name for p in place.data.glob("deliveries/day=*/*")}
    place.store(place.logs, small=True)
    assert {p.name for p in place.data.glob("deliveries/day=*/*")} <= named
    assert place.outcomes() == times(260)


def killed(zygote: Zygote, path: Path, at: int, *, then: tuple[str, ...]) -> None:
    path.mkdir()
    place = Place(zygote, path)
    write(place)
    done = place.run("--store", *ENGINE, place.logs, small=True, kill_at=at)
    assert done.returncode == -signal.SIGKILL
    exact(place, *then)


@pytest.mark.slow
def test_killed_while_it_stores(zygote: Zygote, tmp_path: Path) -> None:
    """What it left is cleared away, also by one process; nothing counts twice or is lost."""
    (tmp_path / "whole").mkdir()
    place = Place(zygote, tmp_path / "whole")
    write(place)
    done = place.run("--store", *ENGINE, place.logs, small=True, kill_at=NEVER)
    assert done.returncode == 0, done.stderr
    exact(place, *ENGINE)
    assert done.points > 30
    for n, at in enumerate(range(1, done.points + 1, max(1, done.points // 9))):
        killed(zygote, tmp_path / str(at), at, then=ENGINE if n % 2 else ())


@pytest.mark.parametrize("how", ["rotated", "cut", "gone"])
def test_a_log_that_is_replaced_while_it_is_read_is_not_mixed(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "CELL", 1)
    path = tmp_path / "mail.log"
    path.write_bytes(log(200))
    status, head = path.stat(), path.read_bytes()[:4_096]
    part = Part(look(str(path)), 0, end=status.st_size)
    assert part.log.cut
    unit = staging.Unit(part, None, (status.st_dev, status.st_ino))
    with opened(tmp_path) as (_, _, asked):
        found = staging.store(asked, unit)
        assert (found.state, found.told.counts.sent) == ("new", 200)
        if how == "rotated":
            path.rename(tmp_path / "mail.log.1")
            path.write_bytes(log(200, 9_000))
        elif how == "cut":
            with path.open("r+b") as file:
                file.truncate(0)
                file.write(log(200, 9_000))
        else:
            path.unlink()
        assert how == "cut" or staging.store(asked, unit).state == "replaced"
        storing = staging._Staging(asked, unit, Run(Judge(diagnoser())))
        cut = staging.Cut(str(path), status, head, status.st_size)
        assert not cut.adopt(storing, found, status.st_size, False)
        assert not storing.keep()


def test_a_worker_that_is_killed_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies when its rows are staged, and one of its files is a half; another reads the unit anew."""
    path = tmp_path / "mail.log"
    path.write_bytes(log(200))
    status, real = path.stat(), vars(staging)["stage"]
    unit = staging.Unit(Part(look(str(path)), 0), None, (status.st_dev, status.st_ino))

    def stage(table: Any, day: str, place: Path) -> Any:
        staged = real(table, day, place)
        if not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.truncate(staged.path, 100)
            os.kill(os.getpid(), signal.SIGKILL)
        return staged

    monkeypatch.setattr(staging, "stage", stage)
    monkeypatch.setattr(staging, "FEW", 10)
    with opened(tmp_path) as (folder, ledger, asked):
        with Local(2) as workers:
            do = functools.partial(staging.store, asked)
            ((_, found),) = in_order(workers, do, [unit])
        assert (tmp_path / "died").exists()
        assert sum(s.rows for s in found.staged) == 400
        assert len(list(asked.place.glob("*.half"))) == len(found.staged) + 1
        keep(folder, ledger, SCHEMA.empty_table(), found.moves, 0.0, Also(staged=found.staged))
        assert sum(part.rows for part in ledger.parts()) == 400
    assert not asked.place.exists()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[Folder, Ledger, staging.Asked]]:
    read = engine.Asked(
        None, None, None, b"k", None, time.time(), "en", None, __version__,
        diagnoser().knowledge.version, engine.zone(),
    )  # fmt: skip
    engine.share(read, diagnoser())
    folder = Folder(path / "deliveries")
    database = store.connect(f"sqlite:///{path}/todoku.db")
    with folder.staging() as place:
        yield folder, Ledger(database), staging.Asked(read, place, "hashed", "hashed", "")
    database.dispose()
