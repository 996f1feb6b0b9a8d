"""`todoku serve` killed anywhere, with its real deeds over SMTP and DNS: the story goes on as it would
have, nobody is told twice, and no mail is lost."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.serve.life import Life, Zygote, stored_in
from todoku import settings, store
from todoku.cases import events as ev
from todoku.cases.joining import place_of
from todoku.demo.house import move_in
from todoku.lab import maildir
from todoku.lab.clock import FastClock
from todoku.lab.world import Lab
from todoku.store.cases import Desk
from todoku.store.messages import People


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


@pytest.fixture(scope="module")
def letters(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """The same of the story in which todoku writes to the desk by itself."""
    folder = tmp_path_factory.mktemp("count-letters")
    return Life(folder, zygote, lambda _: 0, scenario="by-itself").live().points


def where(point: int, steps: list[int]) -> tuple[int, int]:
    """The step, and the point in it."""
    for step, points in enumerate(steps):
        if point <= points:
            return step, point
        point -= points
    raise AssertionError(point)


def die_and_go_on(
    point: int, steps: list[int], folder: Path, zygote: Zygote, store: str | None = None, *,
    log: bool = True, scenario: str = "straight",
) -> int:  # fmt: skip
    """How often a person was asked."""
    deadly, at = where(point, steps)
    life = Life(
        folder, zygote, lambda step: at if step == deadly else None, store=store, log=log,
        scenario=scenario,
    )  # fmt: skip
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


def test_killed_while_letters_go_out(zygote: Zygote, tmp_path: Path) -> None:
    """One life, killed at a point of each step that does something, later in each: the desk has each
    letter once."""
    kills = 0

    def kill(step: int) -> int | None:
        nonlocal kills
        if life.kills > kills:
            kills = life.kills
            return None  # it comes through now
        return 3 + 5 * (step % 9) if step < 24 else None  # what comes then is as in the other story

    life = Life(tmp_path, zygote, kill, scenario="by-itself")
    assert life.live().kills > 6


def deadly(letters: list[int], first: int, stride: int) -> Iterator[int]:
    """Points of the rounds that do more than every round does."""
    least = min(filter(None, letters))
    before = 0
    for points in letters:
        if points > least:
            yield from range(before + first, before + points + 1, stride)
        before += points


@pytest.mark.slow
def test_killed_while_a_letter_goes_out_at_many(
    letters: list[int], zygote: Zygote, tmp_path: Path
) -> None:
    for point in deadly(letters, 2, 19):
        die_and_go_on(point, letters, tmp_path / str(point), zygote, scenario="by-itself")


@pytest.mark.slow
def test_killed_while_a_letter_goes_out_on_postgresql(
    letters: list[int], zygote: Zygote, tmp_path: Path, server: postgres.Server
) -> None:
    for point in deadly(letters, 11, 53):
        where_, base = tmp_path / str(point), server.database()
        die_and_go_on(point, letters, where_, zygote, base, scenario="by-itself")


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


REPORTS = 10


@pytest.mark.slow
@pytest.mark.parametrize("point", [34, 45, 50, 57])
def test_two_workers_of_whom_one_is_killed(
    point: int, zygote: Zygote, tmp_path: Path, server: postgres.Server
) -> None:
    """They share the people to be told. The one who lives does what the other has left."""

    async def live() -> None:
        clock = FastClock(60)  # a lease is over in five seconds
        async with Lab(folder=tmp_path / "lab", clock=clock) as lab:
            file, desk = house(lab, clock)
            workers = (zygote, Zygote())
            try:
                killed, lived = await asyncio.gather(
                    asyncio.to_thread(workers[0].run, "work", file, "one", point),
                    asyncio.to_thread(workers[1].run, "work", file, "two", 0),
                )
            finally:
                workers[1].close()
            assert killed is None
            assert lived is not None and lived[1] > 0
            for n in range(1, REPORTS + 1):
                box = lab.sender.mailbox(f"u{n}@hoge.test")
                assert len(maildir.messages(box)) == 1
                assert [ev.name(e.event) for e in desk.history(n)] == ["reported", "told"]
            desk.engine.dispose()

    def house(lab: Lab, clock: FastClock) -> tuple[Path, Desk]:
        move_in(lab, tmp_path, "ja", clock.text)
        file = stored_in(tmp_path, server.database())
        desk = Desk(store.connect(settings.load(file, environ={}).general.store))
        for n in range(1, REPORTS + 1):
            who = People(desk).known_as(f"u{n}@hoge.test", lang="ja")
            to = f"d{n}.example"
            desk.see(ev.Reported(at=clock.now(), who=who, to=(to,), place=place_of(domain=to)))
        return file, desk

    asyncio.run(live())


@pytest.mark.slow
def test_killed_again_and_again(zygote: Zygote, tmp_path: Path) -> None:
    """Each step: killed at its first point, its sixth, and so on until it comes through."""
    point, kills = 1, 0

    def kill(_step: int) -> int:
        nonlocal point, kills
        if life.kills > kills:
            point += 5
        elif life.points and life.points[-1] > min(filter(None, life.points)):
            point = 1  # it came through, and did more than every round does
        kills = life.kills
        return point

    life = Life(tmp_path, zygote, kill)
    assert life.live().kills > 20
