"""A scenario, lived through from the complaint to the mail that arrives: real SMTP, DNS and HTTP on
loopback, and a clock that passes over the hours in which nothing happens."""

from __future__ import annotations

import asyncio
import email
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, TypeVar

from todoku.cases.case import Case
from todoku.cases.events import AnyEvent
from todoku.cases.records import Recorded
from todoku.demo import house as houses
from todoku.demo import promises
from todoku.demo.house import House
from todoku.demo.people import FRIEND, PARTNER, USER, People
from todoku.i18n import Language
from todoku.lab import maildir
from todoku.lab.clock import SteppedClock
from todoku.lab.happenings import Arrived, Filed, Happening, Returned, Wrote
from todoku.lab.world import LISTED, Lab
from todoku.serve.telling import WORDS

LONGEST: Final = timedelta(days=60)
"""Of the lab's time: a story that takes longer has no end."""
Scene: TypeAlias = Recorded | Filed | Wrote | Returned | Arrived
"""An event of the store, or what the world does beside it."""
Show = Callable[[Scene], Awaitable[object]]
R = TypeVar("R")


class Outcome(NamedTuple):
    """How it ended. `good`: solved, the people told, and the user's mail in his friend's mailbox."""

    began: datetime
    ended: datetime
    cases: tuple[Case, ...]
    resolved: bool
    told: int
    """People who hold a mail that says it works again."""
    untold: int
    arrived: bool
    kept: bool = True
    """What this scenario is about did happen (`promises`)."""

    @property
    def good(self) -> bool:
        told = self.told > 0 and self.untold == 0
        return self.resolved and told and self.arrived and self.kept


async def play(scenario: str, lang: Language, folder: Path, show: Show) -> Outcome:
    """Live through it in an empty folder. `show` gets all that happens, in its order. Raises
    `ValueError` for an unknown scenario."""
    clock = SteppedClock()
    async with Lab(folder=folder / "lab", clock=clock, scenario=scenario, lang=lang) as lab:
        found = houses.move_in(lab, folder, lang)
        with ThreadPoolExecutor(1, "todoku") as thread:
            aside = _Aside(clock, thread)
            opened = houses.opened(found, clock, lang, houses.seeker(lab))
            house = await aside(opened.__enter__)
            try:
                return await _Play(lab, clock, house, lang, show, aside).run()
            finally:
                await aside(opened.__exit__, None, None, None)


class _Aside:
    """Work that blocks, in the one thread that todoku has here: the lab lives in this one. The
    clock waits for it."""

    def __init__(self, clock: SteppedClock, thread: ThreadPoolExecutor) -> None:
        self._clock = clock
        self._thread = thread

    async def __call__(self, work: Callable[..., R], *words: object) -> R:
        with self._clock.working():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, work, *words)


class _Play:
    def __init__(
        self,
        lab: Lab,
        clock: SteppedClock,
        house: House,
        lang: Language,
        show: Show,
        aside: _Aside,
    ) -> None:
        self._aside = aside
        self._lab = lab
        self._clock = clock
        self._house = house
        self._show = show
        self._lang: Language = lang
        scenario = lab.scenario
        listed = scenario.listing is not None
        self._people = People(
            house,
            lab.desk.url,
            lab.submission,
            lang,
            [LISTED] if listed else list(lab.rules.blocked),
            addresses=lab.addresses if scenario.house > 2 else (),
            friend=PARTNER if listed else FRIEND,
            wrong_desk=houses.WRONG_DESK if scenario.wrong_desk else None,
            waits=scenario.listing is not None and scenario.listing.expires is not None,
        )
        self._seen: dict[int, int] = {}
        self._scenes: list[Scene] = []

    async def run(self) -> Outcome:
        began = self._clock.now()
        hearing = self._lab.happened.listen(self._hear)
        try:
            await self._aside(self._people.complain, began)
            await self._until(began + LONGEST)
            if self._lab.scenario.relists is not None and self._resolved():
                await self._again(timedelta(days=self._lab.scenario.relists))
            arrived = self._resolved() and await self._write_again()
        finally:
            hearing()
        told, untold = self._told()
        return Outcome(
            began, self._clock.now(), self._cases(), self._resolved(), told, untold, arrived,
            promises.kept(self._lab.scenario, self._histories(), self._lab.addresses),
        )  # fmt: skip

    def _histories(self) -> list[list[AnyEvent]]:
        desk = self._house.desk
        return [[r.event for r in desk.history(row["number"])] for row in desk.rows(True)]

    async def _again(self, later: timedelta) -> None:
        """All was well; then the receiver blocks the address once more."""
        await self._clock.advance(later.total_seconds())
        self._lab.hotmail.block(LISTED, self._lab.rules.blocked[LISTED])
        now = self._clock.now()
        await self._aside(self._people.try_again, now)
        await self._clock.rest()
        await self._aside(self._people.complain, now)
        await self._until(now + LONGEST)

    async def _until(self, end: datetime) -> None:
        while True:
            await self._round()
            cases = self._cases()
            if cases and all(case.closed is not None for case in cases):
                return
            if await self._act(cases):
                continue
            at = self._next(cases)
            if at is None or at > end:
                return
            await self._clock.advance_to(max(at, self._clock.now() + timedelta(seconds=1)))

    async def _round(self) -> None:
        """As `todoku serve` does it, until nothing is left to be done now."""
        while await self._aside(self._house.service.round):
            await self._clock.rest()
            await self._tell()
        await self._tell()

    async def _act(self, cases: tuple[Case, ...]) -> bool:
        for case in cases:
            if await self._aside(self._people.act, case, self._clock.now()):
                await self._clock.rest()
                await self._tell()
                return True
        return False

    def _next(self, cases: tuple[Case, ...]) -> datetime | None:
        moments = [self._people.next_at(case) for case in cases]
        due = self._house.service.worker.queue.next_at(self._clock.now())
        if due is not None:
            moments.append(datetime.fromtimestamp(due, self._clock.now().tzinfo))
        moments.append(self._clock.next_due)
        return min((m for m in moments if m is not None), default=None)

    async def _write_again(self) -> bool:
        """The user sends once more. Whether it lies in his friend's mailbox."""
        before = len(self._lab.happened.of(Arrived))
        await self._aside(self._people.write_again, self._clock.now())
        await self._clock.rest()
        await self._tell()
        new = self._lab.happened.of(Arrived)[before:]
        return any(a.recipient == self._people.friend and a.folder == "inbox" for a in new)

    # What is told

    def _hear(self, happening: Happening) -> None:
        if isinstance(happening, Filed | Wrote | Returned | Arrived):
            self._scenes.append(happening)

    async def _tell(self) -> None:
        new: list[Scene] = [*self._scenes]
        self._scenes.clear()
        for row in self._house.desk.rows(True):
            number = row["number"]
            history = self._house.desk.history(number)
            new += history[self._seen.get(number, 0) :]
            self._seen[number] = len(history)
        for scene in sorted(new, key=_at):
            await self._show(scene)

    # How it ended

    def _cases(self) -> tuple[Case, ...]:
        return tuple(self._house.desk.case(row["number"]) for row in self._house.desk.rows(True))

    def _resolved(self) -> bool:
        ends = [c.closed for c in self._cases()]
        return any(e and e.why == "resolved" for e in ends) and all(
            e is not None and e.why in {"resolved", "joined"} for e in ends
        )

    def _told(self) -> tuple[int, int]:
        """By what lies in the user's mailbox, not by what todoku believes."""
        people = {p.who for case in self._cases() for p in case.people}
        says_so = WORDS["resolved-subject"][self._lang].partition("{")[0]
        mails = maildir.messages(self._lab.sender.mailbox(USER))
        subjects = [str(_read(path)["subject"]).strip() for path in mails]
        told = sum(subject.startswith(says_so) for subject in subjects)
        return min(told, len(people)), max(0, len(people) - told)


def _read(path: Path) -> EmailMessage:
    return email.message_from_bytes(path.read_bytes(), policy=SMTP)


def _at(scene: Scene) -> tuple[datetime, bool]:
    """What is filed by mail was sent before."""
    if isinstance(scene, Recorded):
        return scene.event.at, False
    return scene.at, isinstance(scene, Filed) and scene.by_mail
