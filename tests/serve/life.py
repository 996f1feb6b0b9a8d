"""The story, lived through with the real deeds by a `serve` that is killed on the way: a lab with its
people in this process, and the serve that dies in another."""

from __future__ import annotations

import asyncio
import email
import email.policy
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from tests.serve import crash
from tests.store import consistency
from todoku import settings
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.demo.house import ADMINISTRATOR, FILE, House, move_in
from todoku.demo.people import People
from todoku.lab import maildir
from todoku.lab.clock import SteppedClock
from todoku.lab.happenings import Delivered, Filed, Read
from todoku.lab.world import Lab
from todoku.serve import executing
from todoku.serve.orders import Settle, fresh_id
from todoku.store import tables as t

PROGRAM = Path(crash.__file__)
ROOT = Path(__file__).parents[2]
LEASE = 301.0
LONGEST = timedelta(days=10)
R = TypeVar("R")

STORY = [
    "reported", "told", "refused", "diagnosed", "checked", "cause-found", "requested",
    "acknowledged", "answered", "waited", "probed", "told", "closed",
]  # fmt: skip
"""Probes are one here: after a kill the receiver is not asked again before its time."""
BY_ITSELF = [
    "reported", "told", "refused", "diagnosed", "checked", "cause-found", "mended", "requested",
    "acknowledged", "answered", "escalated", "answered", "waited", "probed", "told", "closed",
]  # fmt: skip
STORIES = {"straight": STORY, "by-itself": BY_ITSELF}
LETTERS = {"straight": 0, "by-itself": 2}
"""That the desk gets, beside its form."""
SUBJECTS = ["【対応中", "【復旧"]


def stored_in(folder: Path, url: str) -> Path:
    """The settings file, with another store."""
    file = folder / FILE
    text = file.read_text().replace("[general]", f'[general]\nstore = "{url}"')
    file.write_text(text)
    return file


class Zygote:
    """Processes that start in a moment."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))},
        )

    def run(self, *words: object) -> tuple[int, int] | None:
        """Points and actions; `None`: it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        came = None
        while not (line := self.process.stdout.readline()).startswith("status"):
            assert line, "the zygote died"
            if line.startswith("done"):
                _, points, tried = line.split()
                came = int(points), int(tried)
        status = int(line.split()[1])
        if status == -signal.SIGKILL:
            return None
        assert status == 0
        assert came is not None
        return came

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Life:
    """One life of the story. `kill`: asked before each step of serve (its number, from 0), it gives
    the point at which that step is killed; `None`: the step is done in this process, unharmed."""

    def __init__(
        self,
        folder: Path,
        zygote: Zygote,
        kill: Callable[[int], int | None],
        *,
        store: str | None = None,
        log: bool = True,
        scenario: str = "straight",
    ) -> None:
        self.folder = folder
        self.scenario = scenario
        self.zygote = zygote
        self.kill = kill
        self.store = store
        self.log = log
        self.points: list[int] = []
        """How many each step came through; where it was killed, 0."""
        self.kills = 0
        self.asked = 0
        """How often a person had to say whether a mail was sent."""

    def live(self) -> Life:
        asyncio.run(self._live())
        return self

    async def _live(self) -> None:
        self.clock = SteppedClock()
        async with Lab(
            folder=self.folder / "lab", clock=self.clock, scenario=self.scenario
        ) as self.lab:
            found = move_in(self.lab, self.folder, "ja")
            if self.store is not None:
                found = settings.load(stored_in(self.folder, self.store), environ={})
            self.settings = found
            with ThreadPoolExecutor(1) as self._thread, ExitStack() as stack:
                self.serving = await self._aside(self._open, stack)
                served = self.serving.service
                house = House(found, self.serving.desk, served.means.diagnoser, served)
                blocked = tuple(self.lab.rules.blocked)
                self.people = People(house, self.lab.desk.url, self.lab.submission, "ja", blocked)
                try:
                    await self._story()
                    await self._aside(self.check)
                finally:
                    await self._aside(stack.close)

    def _open(self, stack: ExitStack) -> crash.Serving:
        return crash.opened(stack, self.settings, self.clock, "alive", log=self.log)

    async def _aside(self, work: Callable[..., R], *words: object) -> R:
        with self.clock.working():
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, work, *words)

    async def _story(self) -> None:
        while not await self._step("report"):
            pass
        end = self.clock.now() + LONGEST
        while self.clock.now() < end:
            while await self._step("round"):
                pass
            case = await self._aside(self._case)
            if case.closed is not None:
                return
            if await self._aside(self.people.act, case, self.clock.now()):
                await self.clock.rest()
                continue
            await self.clock.advance_to(await self._aside(self._next, case))
        raise AssertionError(self.names())

    def _case(self) -> Case:
        return self.serving.desk.case(1)

    def _next(self, case: Case) -> datetime:
        now = self.clock.now()
        queue = self.serving.service.worker.queue
        moments = [self.people.next_at(case), self.clock.next_due]
        at = queue.next_at(now)
        if at is not None:
            moments.append(datetime.fromtimestamp(at, now.tzinfo))
        least = now + timedelta(seconds=1)
        return max(min(m for m in moments if m is not None), least)

    async def _step(self, what: str) -> int:
        """How many actions were tried; after a kill: again, when its lease is over."""
        point = self.kill(len(self.points))
        if point is None:
            self.points.append(0)
            work = self.serving.service.round if what == "round" else self._report
            tried = await self._aside(work)
        else:
            now = self.clock.now().isoformat()
            file = self.folder / FILE
            came = await self._aside(self.zygote.run, what, file, now, point)
            self.points.append(0 if came is None else came[0])
            tried = 0 if came is None else came[1]
            if came is None:
                self.kills += 1
                await asyncio.sleep(0.02)  # the lab sees that nobody is there any more
                await self.clock.rest()
                await self.clock.advance(LEASE)
                await self._aside(self._settle)
                return what == "round"  # the report is given again, the rounds go on
        await self.clock.rest()
        return tried

    def _report(self) -> int:
        crash.report(self.serving)
        return 1

    def _settle(self) -> None:
        """A person looks into the mail log, where serve cannot."""
        if self.log:
            return
        served = self.serving.service
        now = self.clock.now()
        for work in served.worker.queue.unknown(now):
            self.asked += 1
            assert work.intent is not None
            message_id = str(work.intent["message_id"]).encode()
            sent = any(message_id in mail for mail in self.mails(crash.USER))
            sent = sent or message_id in self.lab.sender.log.path.read_bytes()
            order = Settle(id=fresh_id(), by="admin", case=1, sent=sent, action=work.id, text="-")
            own, desk = self.settings.own, self.serving.desk
            executing.execute(order, desk, lambda: served.means.diagnoser, own, now)

    def names(self) -> list[str]:
        """Of the events; what a person noted of a mail's fate is beside the story."""
        events = [each.event for each in self.serving.desk.history(1)]
        return [ev.name(event) for event in events if not isinstance(event, ev.Noted)]

    def mails(self, address: str) -> list[bytes]:
        return [p.read_bytes() for p in maildir.messages(self.lab.sender.mailbox(address))]

    # What must be true in the end

    def check(self) -> None:
        # That a letter went out may be found out after the desk has answered it.
        names = [name for name in self.names() if name != "sent"]
        assert _story_of(names) == STORIES[self.scenario]
        assert self.names().count("sent") == LETTERS[self.scenario]
        desk = self.serving.desk
        assert [row["state"] for row in desk.rows(closed=True)] == ["closed"]
        consistency.check(desk)
        refused = [e.event for e in desk.history(1) if isinstance(e.event, ev.Refused)]
        assert [e.count for e in refused] == [1]
        queue = self.serving.service.worker.queue
        assert queue.unknown(self.clock.now()) == []
        assert queue.count_due(self.clock.now()) == 0
        told = [
            email.message_from_bytes(m, policy=email.policy.default) for m in self.mails(crash.USER)
        ]
        subjects = sorted(str(m["subject"]).partition("】")[0] for m in told)
        assert subjects == sorted(SUBJECTS)
        assert len(self.lab.happened.of(Filed)) == 1
        assert len(self.lab.happened.of(Read)) == LETTERS[self.scenario]
        self._no_mail_is_lost()

    def _no_mail_is_lost(self) -> None:
        """What was delivered to the administrator is in the store, and done with."""
        box = self.lab.sender.mailbox(ADMINISTRATOR)
        assert list((box / "new").iterdir()) == []
        delivered = [d for d in self.lab.happened.of(Delivered) if d.mailbox == ADMINISTRATOR]
        files = [path.read_bytes() for path in (box / "cur").iterdir()]
        assert len(files) == len(delivered) == 3 + (self.scenario == "by-itself")
        kept = {row["sha256"]: row for row in consistency.rows(self.serving.desk, t.messages)}
        assert kept.keys() == {hashlib.sha256(body).hexdigest() for body in files}
        assert all(row["handled_at"] is not None for row in kept.values())


def _story_of(names: list[str]) -> list[str]:
    """Without repeated probes; those that come in any order in one."""
    told = [n for i, n in enumerate(names) if n != "probed" or names[i - 1] != "probed"]
    assert names.count("probed") >= 3
    start = told.index("refused")
    free = sorted(told[start + 1 : start + 3], key=STORY.index)
    return told[: start + 1] + free + told[start + 3 :]
