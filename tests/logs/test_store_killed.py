"""`todoku logs --store` killed (-9) before and after each thing that lasts: what is then stored by
running it again is exact."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from tests.logs.stored import Place, Zygote, command, environ, log, running, times

NEVER = 1_000_000


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with running() as zygote:
        yield zygote


def write(place: Place) -> None:
    """Two logs, the first of 13 pieces' worth of lines over two days."""
    (place.logs / "mail.log.1").write_bytes(log(200, 1_340))
    (place.logs / "mail.log").write_bytes(log(60, 1_540))


def exact(place: Place) -> None:
    place.store(place.logs)
    assert place.outcomes() == times(260)
    assert place.lines() == 1_040
    named = {p.name for p in place.data.glob("deliveries/day=*/*")}
    place.store(place.logs)
    assert {p.name for p in place.data.glob("deliveries/day=*/*")} <= named
    assert place.outcomes() == times(260)


def points(place: Place) -> int:
    write(place)
    done = place.run("--store", place.logs, most=100, kill_at=NEVER)
    assert done.returncode == 0, done.stderr
    exact(place)
    return done.points


def killed(zygote: Zygote, path: Path, at: int) -> None:
    path.mkdir()
    place = Place(zygote, path)
    write(place)
    done = place.run("--store", place.logs, most=100, kill_at=at)
    assert done.returncode == -signal.SIGKILL
    exact(place)


def test_killed_at_some_points(zygote: Zygote, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    all_ = points(Place(zygote, tmp_path / "whole"))
    assert all_ > 30
    for at in range(3, all_ + 1, all_ // 5):
        killed(zygote, tmp_path / str(at), at)


@pytest.mark.slow
def test_killed_at_every_second_point(zygote: Zygote, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    for at in range(1, points(Place(zygote, tmp_path / "whole")) + 1, 2):
        killed(zygote, tmp_path / str(at), at)


@pytest.mark.slow
def test_killed_at_any_time(zygote: Zygote, tmp_path: Path) -> None:
    """The real command, by the clock, again and again over one store."""
    place = Place(zygote, tmp_path)
    path = place.logs / "mail.log"
    path.write_bytes(b"")
    words = command("--store", "--quiet", "--data", place.data, path)
    died = 0
    for n in range(8):
        with path.open("ab") as out:
            out.write(log(1_500, 1_500 * n))
        with subprocess.Popen(words, env=environ()) as child:
            time.sleep(0.35 + 0.09 * n)
            child.kill()
        died += child.returncode == -signal.SIGKILL
    assert died >= 3
    place.store(place.logs)
    assert place.outcomes() == times(12_000)
    assert place.lines() == 48_000
