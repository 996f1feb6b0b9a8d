"""What people and outcomes do to a case: each command gives the events to append, or refuses with
a sentence. Pure: the store runs them on the case as it is in the moment of writing.

An observation (mail was refused, a probe was accepted) is a fact and always recorded; what a person
or todoku *does* to others (asking a desk, telling somebody) is refused where it would be a second
time, too early, or in vain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import msgspec

from todoku.cases import WORDS, NotNow, NotThis
from todoku.cases import events as ev
from todoku.cases.case import Case, identity_key, later
from todoku.cases.fold import apply, flooded, fold
from todoku.cases.objections import (
    alive,
    instead_of_a_request,
    meant,
    no,
    not_in_case,
    own_ticket,
    when,
)
from todoku.cases.policy import DEFAULT, Policy
from todoku.cases.proof import proves
from todoku.cases.standings import PROMISES
from todoku.cases.states import ASKED, UNDECIDED, State
from todoku.cases.tasks import never_probed, pause, silence
from todoku.i18n import Sentence
from todoku.model import Identity

replace = msgspec.structs.replace
Events: TypeAlias = tuple[ev.AnyEvent, ...]

MOST_HOURS: Final = 24 * 366
LONGEST: Final = 4000
"""Characters kept of what strangers wrote."""


# What is seen


def report(case: Case, event: ev.Reported) -> Events:
    """A user, or an administrator by hand. It always counts, and reopens what seemed over."""
    event = replace(event, words=event.words[:LONGEST])
    over = case.closed is not None or case.state == "resolved"
    if not case.seq or not over:
        return (event,)
    return (event, ev.Reopened(at=event.at, why="reported", identities=event.identities))


def refuse(case: Case, event: ev.Refused) -> Events:
    """Mail was refused or deferred; not for what `only_counts`."""
    event = tidied(event)
    return (event, *_reopening(case, event.identities, event.last, event.temporary, event.at))


def tidied(event: ev.Refused) -> ev.Refused:
    """Of a length to be kept, and of the past: clocks differ, and nobody refuses in the future."""
    reply = replace(event.reply, text=event.reply.text[:LONGEST])
    first, last = (min(moment, event.at) for moment in (event.first, event.last))
    return replace(event, reply=reply, first=min(first, last), last=max(first, last))


def only_counts(case: Case, event: ev.Refused, policy: Policy = DEFAULT) -> int | None:
    """The `refused` event of the case to which it adds nothing but one more: then the store counts it
    there. `None`: it tells something."""
    if case.closed is not None:
        return None
    standings = {s.key: s for s in case.standings}
    keys = {identity_key(i) for i in event.identities} or set(standings)
    calm = all(k in standings and standings[k].state in {*UNDECIDED, "settling"} for k in keys)
    calm = calm and not any(t.key in keys and t.sent_at for t in case.trials)
    calm = calm and {p.who for p in case.untold}.issuperset(event.affected)
    if not calm:
        return None
    kind = (event.reply.code, event.reply.enhanced, event.temporary)
    named = flooded(case, event)
    for flood in reversed(case.floods):
        recent = timedelta(0) <= event.at - flood.at < policy.lull
        same = (flood.code, flood.enhanced, flood.temporary) == kind
        if recent and same and bool(named) == bool(flood.keys) and named <= {*flood.keys}:
            return flood.seq
    return None


def check(case: Case, event: ev.Checked, policy: Policy = DEFAULT) -> Events:
    """Lists were asked."""
    event = replace(event, proves=())
    place = event.place or case.place
    listed = tuple(
        f.identity
        for f in event.findings
        if f.state == "listed" and place is not None and f.list == place.id
    )
    proven = proves(apply(case, event), policy, hosts=0)
    again = _reopening(case, listed, event.at, False, event.at) if listed else ()
    return (replace(event, proves=proven), *again)


def probe(case: Case, event: ev.Probed, policy: Policy = DEFAULT, hosts: int = 1) -> Events:
    """A probe came back. `hosts`: how many hosts answer for the receiver."""
    event = replace(event, proves=(), reply=replace(event.reply, text=event.reply.text[:LONGEST]))
    if event.result == "refused":
        return (event, *_reopening(case, (event.identity,), event.at, False, event.at))
    return (replace(event, proves=proves(apply(case, event), policy, hosts)),)


def try_(case: Case, event: ev.Tried, policy: Policy = DEFAULT, hosts: int = 1) -> Events:
    """A trial, or real mail in the logs, came through or did not."""
    first, last = (min(moment, event.at) for moment in (event.first, event.last))
    event = replace(event, proves=(), first=min(first, last), last=max(first, last))
    if event.result == "refused":
        return (event, *_reopening(case, (event.identity,), event.last, False, event.at))
    return (replace(event, proves=proves(apply(case, event), policy, hosts)),)


def want_trial(case: Case, event: ev.Trying) -> Events:
    """A person has a trial sent; one at a time."""
    alive(case)
    key = identity_key(event.identity)
    if case.standing(key) is None:
        raise not_in_case(case, event.identity)
    under_way = next((t for t in case.trials if t.key == key), None)
    if under_way is not None:
        raise no(NotNow, "trial-under-way", case, since=when(under_way.at, event.at))
    return (event,)


def trial_over(case: Case, event: ev.Tried, policy: Policy = DEFAULT, hosts: int = 1) -> Events:
    """What became of a trial; nothing where that is known already."""
    if all(t.message_id != event.message_id for t in case.trials):
        return ()
    return try_(case, event, policy, hosts)


def may_probe(case: Case, identity: Identity, now: datetime, policy: Policy = DEFAULT) -> None:
    """Raises `NotNow` where a probe would be impolite."""
    standing = case.standing(identity_key(identity))
    if standing is None:
        raise not_in_case(case, identity)
    if never_probed(case, policy):
        raise no(NotThis, "never-probed", case)
    if standing.state == "settling" and standing.until is not None and now < standing.until:
        raise no(NotNow, "not-settled", case, until=when(standing.until, now))
    if standing.probed_at is not None:
        until = later(standing.probed_at, policy.probe_every)
        if now < until:
            raise no(NotNow, "too-early", case, until=when(until, now))


# The cause


def find_cause(case: Case, event: ev.CauseFound) -> Events:
    """Why one was listed is known now; or where one looked in vain."""
    alive(case)
    if not event.cause and not event.looked and not event.evidence:
        raise no(NotThis, "no-words", case)
    return (replace(event, evidence=event.evidence[:LONGEST]),)


def mend(case: Case, event: ev.Mended) -> Events:
    """The cause is gone, somebody says."""
    alive(case)
    if not event.what:
        raise no(NotThis, "no-words", case)
    return (event,)


# The desk


def request(case: Case, event: ev.Requested, owner: int | None = None) -> Events:
    """A desk was asked to remove. A ticket that it gave at once acknowledges it. `owner`: the case
    that has its ticket, where one has."""
    own_ticket(case, event.ticket, owner)
    standings = meant(case, event.identities)
    may = {"open", "declined", *ASKED} if asks_another(case, event.desk) else {"open"}
    fresh = tuple(s for s in standings if s.state in may)
    if not fresh:
        raise instead_of_a_request(case, standings, event.at)
    event = replace(event, identities=tuple(s.identity for s in fresh))
    if event.ticket is None:
        return (event,)
    return (event, _acknowledged(event.at, event.ticket, event))


def asks_another(case: Case, desk: str | None) -> bool:
    """Whether this is another desk than the one that was asked: a first request there."""
    return bool(case.requests and desk and case.desk and desk != case.desk)


def acknowledge(case: Case, event: ev.Acknowledged) -> Events:
    meant(case, event.identities)
    return (event,)


def answer(
    case: Case, event: ev.Answered, owner: int | None = None, policy: Policy = DEFAULT
) -> Events:
    """A desk's answer. `owner`: the case that has its ticket, where one has. It is kept in any
    state; the table of states says what it moves."""
    own_ticket(case, event.ticket, owner)
    event = replace(event, words=event.words[:LONGEST])
    promise = event.class_ in PROMISES or any(v.class_ in PROMISES for v in event.verdicts)
    if promise and event.until is None:
        event = replace(event, until=later(event.at, _wait(event, policy)))
    return (event,)


def accept(
    case: Case,
    now: datetime,
    seq: int,
    by: str | None,
    class_: ev.AnswerClass | None = None,
    policy: Policy = DEFAULT,
) -> Events:
    """A person takes an answer for genuine, or (`class_`) says what it means."""
    if not by:
        raise no(NotThis, "needs-name", case)
    waiting = next((w.answer for w in case.waiting if w.seq == seq), None)
    if waiting is None:
        raise no(NotThis, "no-answer", case, answer=seq)
    if class_ in {None, waiting.class_}:
        return (ev.AcceptedByPerson(at=_utc(now), by=by, answer=seq),)
    verdicts = tuple(replace(v, class_=class_) for v in waiting.verdicts)
    read = replace(
        waiting, class_=class_, verdicts=verdicts, authentic=True, at=_utc(now), by=by, source=None
    )
    if class_ in PROMISES and read.until is None:
        read = replace(read, until=later(waiting.at, _wait(read, policy)))
    return (read, ev.Noted(at=_utc(now), by=by, text="", answers=(seq,)))


def wait_over(case: Case, now: datetime) -> Events:
    """The time to settle has passed."""
    settling = case.among("settling")
    over = [s.until or s.since for s in settling if (s.until or s.since) <= now]
    if not over:
        if settling:
            until = min(s.until or s.since for s in settling)
            raise no(NotNow, "not-settled", case, until=when(until, now))
        return ()
    return (ev.Waited(at=_utc(now), until=max(over)),)


def escalate(
    case: Case, event: ev.Escalated, policy: Policy = DEFAULT, owner: int | None = None
) -> Events:
    """The desk was asked to look again: after it said no, or nothing, and a pause. `owner`: as above."""
    own_ticket(case, event.ticket, owner)
    standings = meant(case, event.identities)
    may = [(pause(s, policy), s) for s in standings if s.state == "declined"]
    may += [(silence(s, policy), s) for s in standings if s.state in ASKED]
    if not may:
        if any(s.state == "open" for s in standings):
            raise no(NotNow, "no-request", case)
        raise instead_of_a_request(case, standings, event.at)
    now = [s for moment, s in may if moment <= event.at]
    if not now:
        soonest = min(moment for moment, _ in may)
        raise no(NotNow, "too-early", case, until=when(soonest, event.at))
    event = replace(event, identities=tuple(s.identity for s in now))
    return (event,)


def sent(_case: Case, event: ev.Sent) -> Events:
    """Our mail server has a letter to the desk, or never took it: a fact in any state."""
    return (replace(event, why=event.why[:LONGEST]),)


def hinder(case: Case, event: ev.Hindered) -> Events:
    """todoku does not write by itself: something is in the way."""
    alive(case)
    return (event,)


# People, and the mail meanwhile


def tell(case: Case, event: ev.Told) -> Events:
    """Somebody was told; nothing comes back where that is known already."""
    if event.about == "reminder":
        return () if event.task in case.reminded else (event,)
    if event.who.startswith(ev.WEBHOOK):
        told = f"{event.about}/{event.who.removeprefix(ev.WEBHOOK)}/{case.round}"
        return () if told in case.hooked else (event,)
    person = next((p for p in case.people if p.who == event.who), None)
    if person is None or person.done or (event.about == "opened" and person.opened):
        return ()
    return (event,)


def hold(case: Case, event: ev.Held) -> Events:
    alive(case)
    return (event,)


def detour(case: Case, event: ev.Detoured) -> Events:
    alive(case)
    if not case.mended:
        raise no(NotNow, "no-cause", case)
    return (event,)


def release(case: Case, event: ev.Released) -> Events:
    if (case.held if event.what == "held" else case.detoured) is None:
        what = WORDS[event.what]
        sentence: Sentence = {
            lang: text.replace("{what}", what[lang]) for lang, text in WORDS["nothing-held"].items()
        }
        raise NotThis(sentence, case=case.number)
    return (event,)


# The end


def close(
    case: Case, now: datetime, why: ev.Why | None, by: str | None = None, text: str = ""
) -> Events:
    """`by` is a person; todoku itself closes only what is proven and told."""
    if why is None:
        whys = ", ".join(w for w in ev.WHYS if w != "joined")
        raise no(NotThis, "no-why", case, whys=whys)
    alive(case)
    if why == "resolved" and case.state != "resolved" and not by:
        raise no(NotNow, "not-proven", case)
    return (ev.Closed(at=_utc(now), by=by, why=why, text=text[:LONGEST]),)


def absorb(case: Case, events: Sequence[ev.AnyEvent], other: int, now: datetime) -> Events:
    """What a case takes over from another (its number) that turns out to be about the same: its
    reports, so that all who reported are told. The other one closes with `joined`."""
    taken: list[ev.AnyEvent] = []
    for seq, event in enumerate(events, 1):
        if isinstance(event, ev.Reported):
            moved = replace(event, source=event.source or f"case:{other}/{seq}")
            taken += report(fold(taken, case), replace(moved, at=_utc(now)))
    return tuple(taken)


def _reopening(
    case: Case, identities: Iterable[Identity], last: datetime, temporary: bool, at: datetime
) -> Events:
    """What says that it is not over, if so: refused after it was. Bounces of before come late."""
    if temporary and not case.deferring:
        return ()
    if case.closed is not None and (case.closed.why in {"not-ours", "joined"}):
        return ()
    over: tuple[State, ...] = ("resolved", "closed")
    named = {identity_key(i): i for i in identities}
    again = [
        s.identity for s in case.among(*over) if (not named or s.key in named) and s.since <= last
    ]
    if case.closed is not None and case.closed.at <= last:
        known = {s.key for s in case.standings}
        again += [i for key, i in named.items() if key not in known]
        if not case.standings and not named:
            return (ev.Reopened(at=at, why="refused"),)
    return (ev.Reopened(at=at, why="refused", identities=tuple(again)),) if again else ()


def _wait(event: ev.Answered, policy: Policy) -> timedelta:
    """Until the promise holds everywhere: the longest the desk names."""
    hours = event.max_hours if event.max_hours is not None else event.min_hours
    if hours is None or not 0 <= hours <= MOST_HOURS:
        return policy.settle
    return timedelta(hours=hours)


def _acknowledged(at: datetime, ticket: str, event: ev.Requested) -> ev.Acknowledged:
    return ev.Acknowledged(
        at=at, by=event.by, source=event.source, ticket=ticket, identities=event.identities
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
