"""A world for the rules of a case: a clock that is set by hand, a worker that does what is due, a
person who does the tasks. Days pass in microseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from todoku.cases import commands, due, tasks
from todoku.cases import events as ev
from todoku.cases.case import Case, identity_key
from todoku.cases.due import Action
from todoku.cases.fold import fold
from todoku.cases.policy import DEFAULT, Policy
from todoku.cases.tasks import Task
from todoku.model import Identity, Reply

START = datetime(2026, 11, 24, 0, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
IP = Identity("ip", "192.0.2.1")
OTHER_IP = Identity("ip", "192.0.2.2")
MICROSOFT = ev.Place(id="microsoft-consumer")
ZEN = ev.Place(id="spamhaus-zen", zone="zen.spamhaus.org")
SC001 = Reply(
    550, None, "SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent."
)


def refused(at: datetime, *identities: Identity, **fields: Any) -> ev.Refused:
    known: dict[str, Any] = {
        "place": MICROSOFT,
        "reply": SC001,
        "stage": "MAIL FROM",
        "first": at,
        "last": at,
    } | fields
    return ev.Refused(at=at, identities=identities or (IP,), **known)


class World:
    """One case, and time."""

    def __init__(self, policy: Policy = DEFAULT, now: datetime = START) -> None:
        self.policy = policy
        self.now = now
        self.events: list[ev.AnyEvent] = []
        self.case = Case(number=12)
        self.deeds: list[str] = []
        """Keys of the actions that were done, in order."""

    def add(self, events: Iterable[ev.AnyEvent]) -> None:
        for event in events:
            self.events.append(event)
            self.case = fold([event], self.case)

    def run(self, command: Callable[..., Iterable[ev.AnyEvent]], *args: Any, **more: Any) -> None:
        self.add(command(self.case, *args, **more))

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)

    def due(self) -> tuple[Action, ...]:
        return due.due(self.case, self.now, self.policy)

    def tasks(self) -> list[Task]:
        return [t for t in tasks.tasks(self.case, self.policy) if t.since <= self.now]

    def kinds(self) -> list[str]:
        return [action.kind for action in self.due()]

    def wants(self) -> list[str]:
        return [task.kind for task in self.tasks()]

    def states(self) -> list[str]:
        return [standing.state for standing in self.case.standings]

    def next_at(self) -> datetime | None:
        """When something is due that is not due now."""
        moments = [a.not_before for a in due.plan(self.case, self.policy)]
        moments += [t.since for t in tasks.tasks(self.case, self.policy)]
        return min((moment for moment in moments if moment > self.now), default=None)

    # What comes in

    def report(self, who: str | None = "sato", **fields: Any) -> None:
        known: dict[str, Any] = {
            "words": "Hotmailのアドレスの方へメールが送れない状況です。",
            "place": MICROSOFT,
        } | fields
        self.run(commands.report, ev.Reported(at=self.now, who=who, **known))

    def refuse(self, *identities: Identity, **fields: Any) -> None:
        self.run(commands.refuse, refused(self.now, *identities, **fields))

    def diagnose(self, **fields: Any) -> None:
        known: dict[str, Any] = {
            "place": MICROSOFT,
            "desk": "microsoft-consumer",
            "receiver_code": "SC-001",
        } | fields
        self.add([ev.Diagnosed(at=self.now, **known)])

    def request(self, **fields: Any) -> None:
        self.run(commands.request, ev.Requested(at=self.now, by="admin", channel="form", **fields))

    def letter(self) -> dict[str, Any]:
        """What makes a request a mail that is to be sent."""
        mail = ev.Letter(to="desk@a.test", subject="unblock", sender="admin@hoge.test")
        return {"message_id": f"<{len(self.events)}@hoge.test>", "letter": mail}

    def answer(self, class_: ev.AnswerClass, **fields: Any) -> None:
        known: dict[str, Any] = {"authentic": True} | fields
        self.run(commands.answer, ev.Answered(at=self.now, class_=class_, **known))

    # What the worker does

    def do(self, action: Action, result: ev.Result = "accepted") -> None:
        """The deed of a due action, and what comes of it."""
        self.deeds.append(action.key)
        at = self.now
        source = f"action:{len(self.deeds)}"
        identities = [s.identity for s in self.case.standings if s.key in action.identities]
        match action.kind:
            case "diagnose":
                self.diagnose()
            case "check":
                place = self.case.place
                listed = result == "refused" and place is not None and place.zone is not None
                state: Any = "listed" if listed else "not-listed"
                name = place.id if place and place.zone else "spamhaus-zen"
                findings = tuple(ev.Seen(list=name, identity=i, state=state) for i in identities)
                self.run(commands.check, ev.Checked(at=at, findings=findings), self.policy)
            case "probe":
                commands.may_probe(self.case, identities[0], at, self.policy)
                reply = SC001 if result == "refused" else Reply()
                event = ev.Probed(
                    at=at, identity=identities[0], result=result, host="mx1", reply=reply
                )
                self.run(commands.probe, event, self.policy)
            case "observe":
                seen = ev.Tried(
                    at=at, identity=identities[0], how="mail", result=result, hosts=("mx1",),
                    first=at, last=at,
                )  # fmt: skip
                self.run(commands.try_, seen, self.policy)
            case "wait":
                self.run(commands.wait_over, at)
            case "request":
                asked = ev.Requested(at=at, identities=tuple(identities), **self.letter())
                self.run(commands.request, asked)
            case "escalate":
                event_ = ev.Escalated(at=at, identities=tuple(identities), **self.letter())
                self.run(commands.escalate, event_, self.policy)
            case "send":
                message_id = action.key.removeprefix("send/")
                taken = ev.Sent(at=at, message_id=message_id, delivered=result != "failed")
                self.run(commands.sent, taken)
            case "try":
                message_id = action.key.removeprefix("try/")
                taken = ev.Sent(at=at, message_id=message_id, delivered=result != "failed")
                self.run(commands.sent, taken)
            case "look":
                found = ev.Tried(
                    at=at,
                    identity=identities[0],
                    result=result,
                    first=at,
                    last=at,
                    message_id=action.key.removeprefix("look/"),
                    folder={"accepted": "INBOX", "junked": "Junk"}.get(result),
                )
                self.run(commands.trial_over, found, self.policy)
            case "tell" | "remind" | "hook":
                assert action.about is not None
                told = ev.Told(
                    at=at,
                    who=action.who or "admin",
                    about=action.about,
                    task=action.task,
                    source=source,
                )
                self.run(commands.tell, told)
            case "close":
                self.run(commands.close, at, "resolved")

    def work(self, result: ev.Result = "accepted") -> None:
        """Whatever is due now, until nothing is."""
        for _ in range(100):
            actions = self.due()
            if not actions:
                return
            self.do(actions[0], result)
        raise AssertionError(f"always something due: {self.due()}")

    # What a person does

    def serve(self, task: Task) -> None:
        """A diligent person, in a good world."""
        keys = set(task.identities)
        identities = tuple(s.identity for s in self.case.standings if s.key in keys)
        match task.kind:
            case "identify":
                self.refuse()
            case "cause":
                self.add([ev.CauseFound(at=self.now, by="admin", cause="re-used address")])
                self.add([ev.Mended(at=self.now, by="admin", what="nothing of ours")])
            case "request" | "inform":
                self.request(identities=identities)
            case "confirm":
                self.run(commands.acknowledge, ev.Acknowledged(at=self.now, by="admin"))
            case "look":
                self.add([ev.Noted(at=self.now, by="admin", text="seen", answers=task.answers)])
            case "chase" | "escalate":
                event = ev.Escalated(at=self.now, by="admin", identities=identities)
                self.run(commands.escalate, event, self.policy)
            case "try":
                event_ = ev.Tried(
                    at=self.now,
                    identity=identities[0],
                    result="accepted",
                    first=self.now,
                    last=self.now,
                )
                self.run(commands.try_, event_, self.policy)
                self.pass_(hours=7)
            case "junk":
                self.try_(identities[0])
            case "decide":
                self.run(commands.close, self.now, "gave-up", by="admin")
            case "queue" | "release":
                what: Literal["held", "detoured"] = "held" if self.case.held else "detoured"
                self.run(commands.release, ev.Released(at=self.now, what=what))

    def try_(self, identity: Identity) -> None:
        """A person has a trial sent."""
        wanted = ev.Trying(
            at=self.now,
            by="admin",
            identity=identity,
            to="me@hotmail.example",
            sender="postmaster@hoge.example",
            message_id=f"<try{len(self.events)}@hoge.example>",
        )
        self.run(commands.want_trial, wanted)

    def live_on(self, steps: int = 400, answer: ev.AnswerClass = "mitigated") -> None:
        """To the end, in a good world: the desk answers, the mail is accepted."""
        for _ in range(steps):
            self.work()
            wanted = self.tasks()
            if not wanted and self.case.state == "closed":
                return
            if wanted:
                self.serve(wanted[0])
            elif any(state in {"requested", "acknowledged"} for state in self.states()):
                self.pass_(hours=1)
                self.answer(answer, max_hours=48)
            else:
                moment = self.next_at()
                assert moment is not None, f"it can't end: {self.case}"
                self.now = moment
        raise AssertionError(f"it does not end: {self.case.state} {self.wants()} {self.kinds()}")


def key(identity: Identity) -> str:
    return identity_key(identity)
