"""What todoku itself does next in a case, and when. Pure: the same case gives the same actions.

An action's `key` is made of what it is about (the person and his report, the number of the probe,
the round of the case), never of the time. One key is one deed: that is what keeps a clock that
goes backwards, a crash or a second worker from doing it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from todoku.cases.case import FIRST, Case, Standing, later
from todoku.cases.events import WEBHOOK, About
from todoku.cases.policy import DEFAULT, Policy
from todoku.cases.states import ASKED
from todoku.cases.tasks import must_try, pause, tasks, unattended

ActionKind = Literal[
    "diagnose", "check", "probe", "wait", "request", "escalate", "send", "try", "look", "observe", "tell",
    "remind", "hook", "close",
]  # fmt: skip

REPEATABLE: Final[Mapping[ActionKind, timedelta | None]] = {
    "diagnose": timedelta(0),  # reads and computes
    "check": timedelta(0),  # asks a list, which nobody notices
    "wait": timedelta(0),  # only an event
    "close": timedelta(0),  # only an event
    "hook": timedelta(0),  # a second line in a chat does less harm than none; its id is the same
    "request": timedelta(0),  # only an event: a letter, which waits to be sent
    "escalate": timedelta(0),  # the same
    "probe": DEFAULT.probe_every,  # sends nothing, but an impatient visitor is remembered
    "observe": timedelta(0),  # reads logs
    "look": timedelta(0),  # into logs, and into a mailbox of our own
    "send": None,
    "try": None,
    "tell": None,
    "remind": None,
}
"""Whether a deed may simply be done again when nobody knows whether it was done (the worker died):
how long after the first try. `None`: never; somebody has to find out."""

OBSERVED: Final = timedelta(minutes=10)
"""After the time to settle logs are looked at for what mail meets; then ever more rarely."""
LOOK: Final = timedelta(seconds=2)
"""After a trial was sent; then ever more rarely."""

WORKS_AGAIN: Final = frozenset({"resolved", "expired", "address-changed"})
"""Ends of a case after which mail arrives."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    kind: ActionKind
    key: str
    not_before: datetime
    identities: tuple[str, ...] = ()
    who: str | None = None
    """With `tell`: whom."""
    about: About | None = None
    task: str | None = None
    """With `remind`: the key of the task."""


def plan(case: Case, policy: Policy = DEFAULT) -> tuple[Action, ...]:
    """All actions that are known now, those of the future among them. Keys are unique."""
    return tuple(sorted(_plan(case, policy), key=lambda action: action.not_before))


def due(case: Case, now: datetime, policy: Policy = DEFAULT) -> tuple[Action, ...]:
    """Those whose time has come."""
    return tuple(action for action in plan(case, policy) if action.not_before <= now)


def _plan(case: Case, policy: Policy) -> Iterator[Action]:
    yield from _tell(case)
    yield from _remind(case, policy)
    yield from _hook(case, policy)
    if case.closed is not None:
        return
    yield from _understand(case, policy)
    yield from _with_the_desk(case, policy)
    yield from _afterwards(case, policy)
    for trial in case.trials:
        kind: ActionKind = "try" if trial.sent_at is None else "look"
        since = trial.at if trial.sent_at is None else later(trial.sent_at, LOOK)
        key = f"{kind}/{trial.message_id}"
        yield Action(kind=kind, key=key, not_before=since, identities=(trial.key,))


def _understand(case: Case, policy: Policy) -> Iterator[Action]:
    opened = case.opened_at or FIRST
    unsolved = tuple(s for s in case.standings if s.state not in {"resolved", "closed"})
    if not unsolved:
        return
    if case.diagnosed_round < case.round and case.reply is not None:
        key = f"diagnose/{case.diagnoses}"
        yield Action(kind="diagnose", key=key, not_before=case.counted_at or opened)
    if case.checked_round < case.round:
        since = min(s.since for s in unsolved)
    elif case.place is not None and case.place.zone:
        unsolved = tuple(s for s in unsolved if s.state != "settling")
        if not unsolved:
            return
        since = min(s.since for s in unsolved)
        since = max(since, later(case.checked_at or since, policy.check_every))
    else:
        return
    keys = tuple(s.key for s in unsolved)
    yield Action(kind="check", key=f"check/{case.checks}", not_before=since, identities=keys)


def _with_the_desk(case: Case, policy: Policy) -> Iterator[Action]:
    for out in case.outbox:
        # An answer that came meanwhile makes it pointless.
        if any(s.key in out.keys for s in case.among(*ASKED)):
            key = f"send/{out.message_id}"
            yield Action(kind="send", key=key, not_before=out.at, identities=out.keys)
    if not unattended(case, policy):
        return
    fresh = tuple(s for s in case.among("open") if not s.asks)
    if fresh and (case.mended or case.cause is not None):
        keys = tuple(s.key for s in fresh)
        since = max(s.since for s in fresh)
        key = f"request/{case.requests}/{case.hindrances}"
        yield Action(kind="request", key=key, not_before=since, identities=keys)
    declined = case.among("declined")
    if again := tuple(s for s in declined if s.escalations < policy.escalations):
        keys = tuple(s.key for s in again)
        since = max(pause(s, policy) for s in again)
        if probes := tuple(_refresh(case, again, since, policy)):
            yield from probes
            return
        key = f"escalate/{case.escalations}/{case.hindrances}"
        yield Action(kind="escalate", key=key, not_before=since, identities=keys)


def _refresh(
    case: Case, standings: Iterable[Standing], since: datetime, policy: Policy
) -> Iterator[Action]:
    """A reply that quotes the refusal of last week is not heard: whether it is refused today is asked
    first, where it can be."""
    if case.refused_to is not None and since - case.refused_to <= policy.fresh:
        return
    for s in standings:
        if case.place is not None and not case.place.zone and not must_try(case, s, policy):
            yield _probe(s, since, policy)


def _probe(s: Standing, since: datetime, policy: Policy) -> Action:
    if s.probed_at is not None:
        since = max(since, later(s.probed_at, policy.probe_every))
    key = f"probe/{s.key}/{s.probes}"
    return Action(kind="probe", key=key, not_before=since, identities=(s.key,))


def _afterwards(case: Case, policy: Policy) -> Iterator[Action]:
    if settling := case.among("settling"):
        until = min(s.until or s.since for s in settling)
        keys = tuple(s.key for s in settling)
        yield Action(kind="wait", key=f"wait/{case.waits}", not_before=until, identities=keys)
    if policy.watches_mail and case.place is not None and not case.place.zone:
        for s in case.among("verifying"):
            key = f"observe/{s.key}/{s.observed}"
            since = later(s.since, OBSERVED)
            if s.mail.last is not None:
                since = max(since, later(s.mail.last, policy.flood))
            yield Action(kind="observe", key=key, not_before=since, identities=(s.key,))
    for s in case.among("verifying"):
        if case.place is None or case.place.zone or must_try(case, s, policy):
            continue
        yield _probe(s, s.since, policy)
    if case.state == "resolved" and not case.untold:
        since = case.since or FIRST
        yield Action(kind="close", key=f"close/{case.round}", not_before=since)


def _tell(case: Case) -> Iterator[Action]:
    over = case.state == "resolved" or (case.closed is not None and case.closed.why in WORKS_AGAIN)
    for person in case.untold:
        about: About
        if over:
            about, since = "resolved", case.since or person.at
        elif case.closed is None and not person.opened:
            about, since = "opened", person.at
        else:
            continue
        key = f"tell/{about}/{person.who}/{person.report}"
        yield Action(kind="tell", key=key, not_before=since, who=person.who, about=about)


def _hook(case: Case, policy: Policy) -> Iterator[Action]:
    over = case.state == "resolved" or (case.closed is not None and case.closed.why in WORKS_AGAIN)
    began = case.opened_at if case.round == 1 else case.since
    told: str
    about: About
    for name in policy.webhooks:
        opened, resolved = (f"{about}/{name}/{case.round}" for about in ("opened", "resolved"))
        if opened not in case.hooked and case.closed is None and not over:
            told, about, since = opened, "opened", began or FIRST
        elif opened in case.hooked and over and resolved not in case.hooked:
            told, about, since = resolved, "resolved", case.since or FIRST
        else:
            continue
        who = WEBHOOK + name
        yield Action(kind="hook", key=f"hook/{told}", not_before=since, who=who, about=about)


def _remind(case: Case, policy: Policy) -> Iterator[Action]:
    for task in tasks(case, policy):
        if task.key in case.reminded:
            continue
        wait = {"confirm": policy.remind_link, "queue": timedelta(0)}.get(task.kind, policy.remind)
        since = later(task.since, wait)
        key = f"remind/{task.key}"
        yield Action(kind="remind", key=key, not_before=since, about="reminder", task=task.key)
