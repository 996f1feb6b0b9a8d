"""`todoku serve` killed while it sends a trial, looks for it, or tells webhooks: the trial goes out once, its
outcome is recorded once, and what a webhook hears twice has the same id."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.serve import crash
from tests.serve.life import LEASE, Zygote
from tests.serve.test_hooking import Server
from tests.store import consistency
from todoku import settings
from todoku.cases import events as ev
from todoku.demo.house import FILE, move_in
from todoku.lab.clock import SteppedClock
from todoku.lab.world import LISTED, Lab
from todoku.model import Identity
from todoku.serve import executing
from todoku.serve.orders import Try, fresh_id

R = TypeVar("R")
TO = "taro@hotmail.test"
SENDER = "postmaster@hoge.test"


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    made = Zygote()
    yield made
    made.close()


class Short:
    """A report, a bounce, a trial. `kill`: asked with the name and the number of each round, it gives the
    point at which that round is killed; 0: it comes through; `None`: it is done in this process."""

    def __init__(self, folder: Path, zygote: Zygote, kill: Callable[[str], int | None]) -> None:
        self.folder, self.zygote, self.kill = folder, zygote, kill
        self.points: dict[str, int] = {}
        self.kills = 0

    def live(self) -> Short:
        asyncio.run(self._live())
        return self

    async def _live(self) -> None:
        self.clock = SteppedClock()
        self.server = Server()
        async with Lab(folder=self.folder / "lab", clock=self.clock) as self.lab:
            move_in(self.lab, self.folder, "ja")
            file = self.folder / FILE
            hook = f'\n[webhooks.json]\nops = "{self.server.url()}"\n'
            file.write_text(file.read_text() + hook)
            self.settings = settings.load(file, environ={})
            with ThreadPoolExecutor(1) as self._thread, ExitStack() as stack:
                self.serving = await self._aside(self._open, stack)
                try:
                    await self._story()
                    await self._aside(self._check)
                finally:
                    self.server.close()
                    await self._aside(stack.close)

    def _open(self, stack: ExitStack) -> crash.Serving:
        return crash.opened(stack, self.settings, self.clock, "alive")

    async def _aside(self, work: Callable[..., R], *words: object) -> R:
        with self.clock.working():
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *words)

    async def _story(self) -> None:
        await self._aside(crash.report, self.serving)
        await self._rounds("opened")
        mail = f"From: {SENDER}\r\nTo: {TO}\r\nSubject: test\r\n\r\ntest\r\n".encode()
        self.lab.sender.submit(SENDER, [TO], mail)
        await self.clock.rest()
        await self._rounds("refused")
        self.lab.hotmail.opinions.pop(LISTED)
        order = Try(
            id=fresh_id(), by="admin", case=1, identity=Identity("ip", LISTED), to=TO, sender=SENDER
        )
        await self._aside(self._ordered, order)
        await self._rounds("sent")
        await self.clock.advance(3)
        await self._rounds("looked")
        for _ in range(20):  # whatever waits for its lease
            if not await self._aside(lambda: self.serving.desk.case(1).trials):
                break
            await self.clock.advance(LEASE)
            await self._rounds("late")

    def _ordered(self, order: Try) -> None:
        served = self.serving.service
        own, now = self.settings.own, self.clock.now()
        executing.execute(order, self.serving.desk, lambda: served.means.diagnoser, own, now)

    async def _rounds(self, name: str) -> None:
        """The first of them may die."""
        point = self.kill(name)
        if point is not None:
            now = self.clock.now().isoformat()
            came = await self._aside(self.zygote.run, "round", self.folder / FILE, now, point)
            await self.clock.rest()
            if came is None:
                self.kills += 1
                await asyncio.sleep(0.02)
                await self.clock.advance(LEASE)
            else:
                self.points[name] = came[0]
        while await self._aside(self.serving.service.round):
            await self.clock.rest()

    def _check(self) -> None:
        events = [each.event for each in self.serving.desk.history(1)]
        names = [ev.name(event) for event in events]
        assert [n for n in names if n in {"trying", "sent", "tried"}] == ["trying", "sent", "tried"]
        tried = next(e for e in events if isinstance(e, ev.Tried))
        # The house sends from two addresses, and its log names none.
        assert (tried.result, tried.why) == ("inconclusive", "which-address")
        log = self.lab.sender.log.path.read_text()
        assert log.count("message-id=<todoku.try.") == 1, "sent once"
        told = [e.who for e in events if isinstance(e, ev.Told) and e.about == "opened"]
        assert sorted(told) == ["person:1", "webhook:json.ops"]
        heard: list[Any] = [json.dumps(body, sort_keys=True) for _, body in self.server.posted]
        assert 1 <= len(heard) <= 2 and len({json.loads(each)["id"] for each in heard}) == 1
        consistency.check(self.serving.desk)


ROUNDS = ("opened", "sent", "looked")


@pytest.fixture(scope="module")
def points(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many each round comes through."""
    folder = tmp_path_factory.mktemp("count")
    counted = Short(folder, zygote, lambda name: 0 if name in ROUNDS else None).live().points
    assert set(counted) == set(ROUNDS) and min(counted.values()) > 5
    return counted


def die(folder: Path, zygote: Zygote, deadly: str, point: int) -> None:
    life = Short(folder, zygote, lambda name: point if name == deadly else None)
    try:
        assert life.live().kills == 1
    except BaseException as error:
        error.add_note(f"killed at point {point} of the round {deadly}")
        raise


@pytest.mark.parametrize("deadly", ROUNDS)
def test_killed_at_some(
    deadly: str, points: dict[str, int], zygote: Zygote, tmp_path: Path
) -> None:
    for point in range(4, points[deadly] + 1, 31):
        die(tmp_path / str(point), zygote, deadly, point)


@pytest.mark.slow
@pytest.mark.parametrize("deadly", ROUNDS)
def test_killed_at_many(
    deadly: str, points: dict[str, int], zygote: Zygote, tmp_path: Path
) -> None:
    for point in range(1, points[deadly] + 1, 7):
        die(tmp_path / str(point), zygote, deadly, point)
