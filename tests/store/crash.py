"""A worker that is killed. Run as a program by test_crash.py:

    crash.py count URL OUTSIDE            live through the story; print how many points it has
    crash.py at N URL OUTSIDE             the same, killed (SIGKILL) at point N
    crash.py on URL OUTSIDE               go on after that
    crash.py zygote                       read such lines from stdin and fork for each: fast
    crash.py share NAME URL OUTSIDE N     work on what is due in many cases; die after N deeds

A point is each moment before a statement that writes, before and after a commit, and before and
after each deed. OUTSIDE is the world: a file to which each deed adds a line, durable before the worker
knows that it was done.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from todoku import store
from todoku.cases import commands, working
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.due import Action, ActionKind
from todoku.cases.policy import Policy
from todoku.model import Identity, Reply
from todoku.store import tables as t
from todoku.store.actions import Queue
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox

START = datetime(2026, 11, 24, tzinfo=UTC)
IP = Identity("ip", "192.0.2.1")
PLACE = ev.Place(id="microsoft-consumer")
FLOOD = 3
"""Bounces of one incident: one event, and two that are counted in it."""
POLICY = Policy(accepted=3, over=timedelta(0))


class Points:
    """Counts points, and dies at one."""

    def __init__(self, die_at: int | None = None) -> None:
        self.seen = 0
        self.die_at = die_at

    def __call__(self, *_: object, **__: object) -> None:
        self.seen += 1
        if self.seen == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, engine: sa.Engine) -> None:
        """Reading changes nothing: moments between two reads are one."""

        def before(*words: Any) -> None:
            if words[2].startswith(("INSERT", "UPDATE", "DELETE")):
                self()
                wrote.append(True)

        def end(*_: object) -> None:
            if wrote:
                self()

        def after(*_: object) -> None:
            end()
            wrote.clear()

        wrote: list[bool] = []
        sa.event.listen(engine, "before_cursor_execute", before)
        sa.event.listen(engine, "commit", end)
        sa.event.listen(engine, "checkin", after)


class Outside:
    """The world, which remembers what was done to it."""

    def __init__(self, path: Path, points: Points) -> None:
        self.path = path
        self.points = points

    def happen(self, line: str) -> None:
        self.points()
        with self.path.open("a") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.points()

    def knows(self, line: str) -> bool:
        return self.path.exists() and line in self.path.read_text().splitlines()


class AnyDeed:
    """All kinds, in a good world."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside

    def intent(self, case: Case, action: Action) -> Mapping[str, Any] | None:
        if action.kind in {"wait", "close", "diagnose"}:
            return None
        return {"line": f"{case.number} {action.key}"}

    def do(
        self, case: Case, action: Action, intent: Mapping[str, Any] | None, now: datetime
    ) -> working.Command:
        if intent is not None:
            self.outside.happen(intent["line"])
        return self.record(case, action, now)

    def find_out(self, case: Case, action: Action, intent: Mapping[str, Any]) -> bool | None:
        return self.outside.knows(intent["line"])

    def record(self, case: Case, action: Action, now: datetime) -> working.Command:
        match action.kind:
            case "diagnose":
                event = ev.Diagnosed(at=now, place=PLACE, desk="microsoft-consumer")
                return lambda _: (event,)
            case "check":
                return lambda c: commands.check(c, ev.Checked(at=now), POLICY)
            case "probe":
                probed = ev.Probed(at=now, identity=IP, result="accepted", host="mx1")
                return lambda c: commands.probe(c, probed, POLICY)
            case "wait":
                return lambda c: commands.wait_over(c, now)
            case "tell" | "remind":
                assert action.about is not None
                who = action.who or "admin"
                told = ev.Told(at=now, who=who, about=action.about, task=action.task)
                return lambda c: commands.tell(c, told)
            case "close":
                return lambda c: commands.close(c, now, "resolved")
            case _:
                raise AssertionError(action.kind)

    def give_up(self, case: Case, action: Action, now: datetime) -> working.Command | None:
        return None


KINDS: tuple[ActionKind, ...] = ("diagnose", "check", "probe", "wait", "tell", "remind", "close")


class Story:
    """The story, told by a program that may have died anywhere and looks where it stands."""

    def __init__(self, url: str, outside: Path, points: Points) -> None:
        self.engine = store.connect(url)
        if self.engine.dialect.name == "sqlite":
            # A killed process loses nothing that it has written: no need to wait for the disk.
            sa.event.listen(
                self.engine, "checkout", lambda c, *_: c.execute("PRAGMA synchronous = OFF")
            )
        self.points = points
        points.watch(self.engine)
        self.desk = Desk(self.engine, POLICY)
        self.queue = Queue(self.desk)
        self.outside = Outside(outside, points)
        self.deeds = dict.fromkeys(KINDS, AnyDeed(self.outside))
        with self.engine.connect() as connection:
            at = connection.execute(sa.select(sa.func.max(t.events.c.at))).scalar_one()
            leases = connection.execute(sa.select(sa.func.max(t.actions.c.lease_until)))
            at = max(at or 0, leases.scalar_one() or 0, START.timestamp())
        self.now = datetime.fromtimestamp(at, UTC) + timedelta(seconds=1)

    def live(self) -> None:
        while self.go_on():
            pass
        self.engine.dispose()

    def go_on(self) -> bool:
        """One step; False at the end."""
        if self.come_in():
            return True
        working.find_out(self.queue, self.deeds, lambda: self.now)
        if working.step(self.queue, "worker", self.deeds, lambda: self.now):
            return True
        case = self.desk.case(1)
        if case.state == "closed":
            return False
        if self.a_person_does(case):
            return True
        at = self.queue.next_at(self.now)
        assert at is not None
        # What is due and taken is in the hands of a dead worker.
        self.now = max(self.now + timedelta(minutes=6), datetime.fromtimestamp(at, UTC))
        self.desk.flush(self.now)
        return True

    def come_in(self) -> bool:
        """The user's words and the bounces, as messages."""
        mailbox = Mailbox(self.desk)
        bounces = [b"550 SC-001 %d\n" % n for n in range(FLOOD)]
        kept = mailbox.keep([b"Subject: Hotmail\n\nHotmail\n"], "lmtp", self.now)
        kept += mailbox.keep(bounces, "lmtp", self.now + timedelta(seconds=1))
        if any(new for _, new in kept):
            return True
        for message in mailbox.unhandled():
            source = f"message:{message.sha256}"
            event: ev.Reported | ev.Refused
            if message.body.startswith(b"550"):
                event = ev.Refused(
                    at=self.now,
                    source=source,
                    place=PLACE,
                    identities=(IP,),
                    reply=Reply(550, None, "SC-001"),
                    first=self.now,
                    last=self.now,
                )
            else:
                event = ev.Reported(at=self.now, source=source, who="person:1", place=PLACE)
            self.desk.see(event, handled=[message.sha256])
            return True
        return False

    def a_person_does(self, case: Case) -> bool:
        now = self.now
        if case.state == "open" and case.cause is None:
            found = ev.CauseFound(at=now, by="admin", cause="re-used")
            mended = ev.Mended(at=now, by="admin")
            self.desk.change(1, lambda c: () if c.cause else (found, mended))
        elif case.state == "open":
            asked = ev.Requested(at=now, by="admin", channel="form")
            self.desk.change(1, lambda c: commands.request(c, asked))
        elif case.state == "requested":
            answer = ev.Answered(at=now, class_="mitigated", authentic=True, source="message:3")
            self.desk.change(1, lambda c: commands.answer(c, answer))
        else:
            return False
        return True


def run(words: list[str]) -> int:
    match words:
        case ["count", url, outside]:
            points = Points()
            Story(url, Path(outside), points).live()
            return points.seen
        case ["at", n, url, outside]:
            Story(url, Path(outside), Points(int(n))).live()
        case ["on", url, outside]:
            Story(url, Path(outside), Points()).live()
        case ["share", name, url, outside, n]:
            share(name, url, Path(outside), int(n))
        case _:
            raise AssertionError(words)
    return 0


def share(name: str, url: str, path: Path, most: int) -> None:
    """Work until nothing is due, or die in the middle of a deed."""
    engine = store.connect(url)
    queue = Queue(Desk(engine, POLICY), lease=timedelta(seconds=2))
    outside = Outside(path, Points())
    deeds = dict.fromkeys(KINDS, AnyDeed(outside))
    outside.happen(f"{name} is here")
    while not (outside.knows("one is here") and outside.knows("two is here")):
        time.sleep(0.01)
    done = 0
    idle = 0
    while idle < 40:
        if done == most:
            outside.points.die_at = outside.points.seen + 2  # after the deed, before its outcome
        taken = working.step(queue, name, deeds, lambda: datetime.now(UTC))
        if taken is None:
            working.find_out(queue, deeds, lambda: datetime.now(UTC))
            idle += 1
            time.sleep(0.1)
        else:
            outside.happen(f"{name} did {taken.case} {taken.action.key}")
            done, idle = done + 1, 0
    engine.dispose()


def zygote() -> None:
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        child = os.fork()
        if not child:
            status = 1
            try:
                print(run(words), flush=True)
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        print(f"status {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["zygote"]:
        zygote()
    else:
        print(run(sys.argv[1:]))
