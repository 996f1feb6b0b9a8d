"""`todoku serve` killed anywhere, with its real deeds over SMTP and DNS: the story goes on as it would
have, nobody is told twice, and no mail is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.serve.life import Life, Zygote


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture(scope="module")
def steps(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """How many points each step of the story has, where nobody is killed."""
    life = Life(tmp_path_factory.mktemp("count"), zygote, lambda _: 0).live()
    assert sum(life.points) > 200
    return life.points


def where(point: int, steps: list[int]) -> tuple[int, int]:
    """The step, and the point in it."""
    for step, points in enumerate(steps):
        if point <= points:
            return step, point
        point -= points
    raise AssertionError(point)


def die_and_go_on(
    point: int, steps: list[int], folder: Path, zygote: Zygote, store: str | None = None, *,
    log: bool = True,
) -> int:  # fmt: skip
    """How often a person was asked."""
    deadly, at = where(point, steps)
    life = Life(folder, zygote, lambda step: at if step == deadly else None, store=store, log=log)
    try:
        assert life.live().kills == 1
    except AssertionError as error:
        error.add_note(f"killed at point {point}: step {deadly}, its point {at}")
        raise
    shutil.rmtree(folder)
    return life.asked


def test_killed_at_some(steps: list[int], zygote: Zygote, tmp_path: Path) -> None:
    for point in range(3, sum(steps) + 1, 23):
        die_and_go_on(point, steps, tmp_path / str(point), zygote)


@pytest.mark.slow
def test_killed_at_every_point(steps: list[int], zygote: Zygote, tmp_path: Path) -> None:
    for point in range(1, sum(steps) + 1):
        die_and_go_on(point, steps, tmp_path / str(point), zygote)


@pytest.mark.slow
def test_killed_on_postgresql(
    steps: list[int], zygote: Zygote, tmp_path: Path, server: postgres.Server
) -> None:
    for point in range(2, sum(steps) + 1, 3):
        die_and_go_on(point, steps, tmp_path / str(point), zygote, server.database())


def test_killed_while_telling_where_no_log_tells(
    steps: list[int], zygote: Zygote, tmp_path: Path
) -> None:
    """A person is asked, once, and what he says is right."""
    first = steps[0]
    asked = [
        die_and_go_on(point, steps, tmp_path / str(point), zygote, log=False)
        for point in range(first + 4, first + steps[1], 3)
    ]
    assert set(asked) == {0, 1}
    assert sum(asked) >= 3


@pytest.mark.slow
def test_killed_again_and_again(zygote: Zygote, tmp_path: Path) -> None:
    """Each step: killed at its first point, its sixth, and so on until it comes through."""
    point = kills = 0

    def kill(_step: int) -> int:
        nonlocal point, kills
        point = point + 5 if life.kills > kills else 1
        kills = life.kills
        return point

    life = Life(tmp_path, zygote, kill)
    assert life.live().kills > 30
