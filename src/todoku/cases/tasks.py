"""What a person has to do in a case. Pure, like `due`, which plans the reminders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

import msgspec

from todoku.cases.case import Case, Standing, later
from todoku.cases.policy import DEFAULT, Policy, Proves
from todoku.cases.states import ASKED

TaskKind = Literal[
    "identify",
    "cause",
    "request",
    "confirm",
    "inform",
    "look",
    "chase",
    "escalate",
    "try",
    "junk",
    "decide",
    "queue",
    "release",
]
TASKS: Final[tuple[TaskKind, ...]] = get_args(TaskKind)


BEFORE_THE_END: Final = timedelta(days=1)
"""Of the queue's lifetime: what waits can still be let out slowly."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Something for a person. One `key` is one task: a reminder of it goes out once."""

    kind: TaskKind
    key: str
    since: datetime
    """Not before."""
    identities: tuple[str, ...] = ()
    answers: tuple[int, ...] = ()
    """With `look`: which, by `seq`."""


def tasks(case: Case, policy: Policy = DEFAULT) -> tuple[Task, ...]:
    """All that are known now; those with a `since` in the future come up then."""
    return tuple(sorted(_tasks(case, policy), key=lambda t: (t.since, TASKS.index(t.kind))))


def unattended(case: Case, policy: Policy) -> bool:
    """Whether todoku writes to the desk by itself."""
    return case.desk in policy.unattended and not case.by_hand


def pause(standing: Standing, policy: Policy) -> datetime:
    """When a desk that said no may be asked again."""
    if not policy.pauses:
        return standing.since
    return later(standing.since, policy.pauses[min(standing.escalations, len(policy.pauses) - 1)])


def silence(standing: Standing, policy: Policy) -> datetime:
    """When a desk that says nothing may be asked again."""
    return later(standing.requested_at or standing.since, policy.silent)


def must_try(case: Case, standing: Standing, policy: Policy) -> bool:
    """Whether only mail can prove that this identity is free again: nothing else can be asked."""
    if case.place is None or case.place.zone:
        return case.place is None
    askable = standing.identity.kind == "ip" and not never_probed(case, policy)
    return not askable or standing.vain >= policy.vain_probes


def suffices(standing: Standing, policy: Policy, now: datetime) -> Proves:
    """What proves that this identity is free again. Where too little mail goes there to tell, trials
    are enough, after a while."""
    if policy.proof != "mail" or standing.mail.count >= policy.accepted:
        return policy.proof
    return "trial" if standing.state == "verifying" and now >= _quiet(standing, policy) else "mail"


def _quiet(standing: Standing, policy: Policy) -> datetime:
    return later(standing.since, policy.quiet)


def _try_from(case: Case, standing: Standing, policy: Policy) -> datetime | None:
    """When a trial is wanted; `None`: it is not."""
    if must_try(case, standing, policy):
        return standing.since
    listed = case.place is not None and case.place.zone is not None
    if listed or policy.proof == "probe":
        return None
    if policy.proof == "mail" and standing.mail.count >= policy.accepted:
        return None  # only time is needed
    since = standing.since if policy.proof == "trial" else _quiet(standing, policy)
    if standing.delivered.last is None:
        return since
    return max(since, later(standing.delivered.last, policy.over / max(1, policy.accepted - 1)))


def never_probed(case: Case, policy: Policy) -> bool:
    """Whether the receiver does not want to be probed, nor any domain of the case."""
    names = {case.place.id.removeprefix("domain:")} if case.place is not None else set()
    if case.diagnosis is not None and case.diagnosis.receiver is not None:
        names.add(case.diagnosis.receiver)
    if not names.isdisjoint(policy.never_probed):
        return True
    return bool(case.to) and policy.never_probed.issuperset(case.to)


def _tasks(case: Case, policy: Policy) -> Iterator[Task]:
    if case.opened_at is None:
        return
    if case.held is not None and case.held.until is not None:
        # Then it goes back to its senders.
        key = f"queue/{case.round}/{case.released}/{case.held.until:%Y%m%dT%H%M}"
        yield Task(kind="queue", key=key, since=later(case.held.until, -BEFORE_THE_END))
    if (case.held or case.detoured) and case.state in {"resolved", "closed"}:
        since = case.since or case.opened_at
        yield Task(kind="release", key=f"release/{case.round}/{case.released}", since=since)
    if case.closed is not None:
        return
    if not case.standings:
        yield Task(kind="identify", key=f"identify/{case.round}", since=case.opened_at)
    if case.waiting:
        first = case.waiting[0]
        answers = tuple(waiting.seq for waiting in case.waiting)
        yield Task(kind="look", key=f"look/{first.seq}", since=first.answer.at, answers=answers)
    yield from _with_the_desk(case, policy)
    yield from _afterwards(case, policy)


def _with_the_desk(case: Case, policy: Policy) -> Iterator[Task]:
    turn = f"{case.round}/{case.requests}/{case.escalations}"

    def task(kind: TaskKind, standings: tuple[Standing, ...], since: datetime) -> Task:
        keys = tuple(s.key for s in standings)
        return Task(kind=kind, key=f"{kind}/{turn}", since=since, identities=keys)

    asked = tuple(s for s in case.standings if s.asks and s.state != "closed")
    if clicks := tuple(s for s in asked if "confirm-link" in s.asks):
        yield task("confirm", clicks, min(s.since for s in clicks))
    if wants := tuple(s for s in asked if s.state == "open" and s not in clicks):
        yield task("inform", wants, min(s.since for s in wants))
    if fresh := tuple(s for s in case.among("open") if not s.asks):
        since = min(s.since for s in fresh)
        if case.cause is None and not case.mended:
            yield task("cause", fresh, since)
        if not unattended(case, policy):
            yield task("request", fresh, since)
    if silent := case.among(*ASKED):
        yield task("chase", silent, min(silence(s, policy) for s in silent))
    declined = case.among("declined")
    if lost := tuple(s for s in declined if s.escalations >= policy.escalations):
        yield task("decide", lost, min(s.since for s in lost))
    if (again := tuple(s for s in declined if s not in lost)) and not unattended(case, policy):
        yield task("escalate", again, min(pause(s, policy) for s in again))


def _afterwards(case: Case, policy: Policy) -> Iterator[Task]:
    tried = {trial.key for trial in case.trials}
    for standing in case.among("verifying"):
        key = f"{case.round}/{standing.key}/{case.waits}/{case.escalations}"
        since = _try_from(case, standing, policy)
        if since is not None and standing.key not in tried:
            keys = (standing.key,)
            yield Task(kind="try", key=f"try/{key}", since=since, identities=keys)
    for standing in (s for s in case.among("junked") if s.key not in tried):
        key = f"junk/{case.round}/{standing.key}/{case.waits}/{case.escalations}"
        yield Task(kind="junk", key=key, since=standing.since, identities=(standing.key,))
    for standing in case.among("settling", "verifying", "junked"):
        # Nothing has come of it for long; or the desk named a day that is far off.
        key = f"decide/{case.round}/{standing.key}/{standing.state}/{case.waits}"
        since = later(standing.since, policy.patience)
        yield Task(kind="decide", key=key, since=since, identities=(standing.key,))
