"""From events to the case. Any sequence of events gives a case: what makes no sense in its place
(an answer before a request, a probe after the end) is counted where it counts and moves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec

from todoku.cases import events as ev
from todoku.cases import standings as st
from todoku.cases.case import Case, Outgoing, Person, Standing, Trial, Waiting, identity_key
from todoku.model import Identity, Reply, Stage

replace = msgspec.structs.replace

MOST_DOMAINS: Final = 50
MOST_THREAD: Final = 50
MOST_TRIALS: Final = 20


def fold(events: Iterable[ev.AnyEvent], case: Case | None = None) -> Case:
    """The case after these events; or, given a case, after these further ones."""
    case = case or Case()
    for event in events:
        case = apply(case, event)
    return case


def apply(case: Case, event: ev.AnyEvent) -> Case:
    """The case after one more event."""
    opened = case.opened_at or event.at
    case = replace(case, seq=case.seq + 1, opened_at=opened, changed_at=event.at)
    return _APPLY[type(event)](case, event)


# Standings


def _named(case: Case, identities: Iterable[Identity]) -> set[str]:
    """Keys of the identities that an event is about: none named, all of them."""
    return {identity_key(i) for i in identities} or {s.key for s in case.standings}


def _including(case: Case, identities: Iterable[Identity], at: datetime) -> Case:
    """With identities that are new to the case."""
    known = {s.key for s in case.standings}
    new: dict[str, Standing] = {}
    for identity in identities:
        key = identity_key(identity)
        if key not in known:
            standing = Standing(key=key, identity=identity, since=at)
            if case.closed is not None:
                standing = replace(standing, state="closed")
            new.setdefault(key, standing)
    return replace(case, standings=(*case.standings, *new.values())) if new else case


def _each(case: Case, keys: set[str], change: Callable[[Standing], Standing]) -> Case:
    changed = tuple(change(s) if s.key in keys else s for s in case.standings)
    return replace(case, standings=changed)


def _place(case: Case, place: ev.Place | None) -> Case:
    """A list or a receiver says more than a domain; a zone more than none."""
    old = case.place
    if place is None or place == old:
        return case
    if old is None or (old.id.startswith("domain:") and not place.id.startswith("domain:")):
        return replace(case, place=place)
    if old.id == place.id and old.zone is None:
        return replace(case, place=place)
    return case


def _more(known: tuple[str, ...], new: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *new)))[:most]


# What was seen


def _reported(case: Case, event: ev.Reported) -> Case:
    case = _place(_including(case, event.identities, event.at), event.place)
    case = replace(case, to=_more(case.to, event.to, MOST_DOMAINS))
    if event.who is None:
        return case
    open_report = next((p for p in case.people if p.who == event.who and not p.done), None)
    if open_report is not None and not open_report.affected:
        return case
    person = Person(who=event.who, report=case.seq, at=event.at, words=event.words, lang=event.lang)
    if open_report is not None:  # told already that it is being worked on
        person = replace(person, report=open_report.report, opened=open_report.opened)
    return _with_person(case, person)


def _with_person(case: Case, person: Person) -> Case:
    others = tuple(p for p in case.people if p.who != person.who)
    return replace(case, people=(*others, person))


def _refused(case: Case, event: ev.Refused) -> Case:
    case = _place(_including(case, event.identities, event.at), event.place)
    waiting = {p.who for p in case.untold}
    for who in event.affected:
        if who not in waiting:
            case = _with_person(case, Person(who=who, report=case.seq, at=event.at, affected=True))
    firm = not event.temporary
    if case.reply is None or firm or case.deferring:
        case = replace(case, reply=event.reply, stage=event.stage)
    case = replace(
        case,
        refusals=case.refusals + event.count,
        counted_at=event.at,
        refused_from=min(event.first, event.last, case.refused_from or event.first),
        refused_to=max(event.first, event.last, case.refused_to or event.last),
        deferring=case.deferring and not firm,
        to=_more(case.to, event.to, MOST_DOMAINS),
    )
    if event.temporary and not case.deferring:
        return case  # a limit, or greylisting: not what this case is about
    if not event.identities and len(case.standings) > 1:
        return case  # which of them was refused is not known
    last = max(event.first, event.last)
    keys = _named(case, event.identities)
    # A trial that went out before has its answer.
    trials = (t for t in case.trials if t.key not in keys or not t.sent_at or t.sent_at > last)
    case = replace(case, trials=tuple(trials))
    return _each(case, keys, lambda s: st.refusal(s, last, event.at))


def _checked(case: Case, event: ev.Checked) -> Case:
    case = _place(case, event.place)
    newest = {(f.list, identity_key(f.identity)): f for f in (*case.findings, *event.findings)}
    case = replace(
        case,
        findings=tuple(newest.values()),
        checks=case.checks + 1,
        checked_at=event.at,
        checked_round=case.round,
    )
    here = [f for f in event.findings if case.place is not None and f.list == case.place.id]
    case = _including(case, (f.identity for f in here if f.state == "listed"), event.at)
    for finding in here if case.place is not None and case.place.zone else ():
        keys = {identity_key(finding.identity)}
        if finding.state == "listed":
            case = _each(case, keys, lambda s: st.move(st.unproven(s), "refused", event.at))
        elif finding.state == "not-listed":
            case = _each(case, keys, lambda s: st.seen_now(s, event.at, ()))
    return _proved(case, event.proves, event.at)


def _diagnosed(case: Case, event: ev.Diagnosed) -> Case:
    case = _place(_including(case, event.identities, event.at), event.place)
    return replace(
        case,
        diagnosis=event,
        diagnoses=case.diagnoses + 1,
        diagnosed_round=case.round,
        desk=case.desk or event.desk,
    )


def _cause_found(case: Case, event: ev.CauseFound) -> Case:
    return replace(case, cause=event, by_hand=False)


def _mended(case: Case, event: ev.Mended) -> Case:
    return replace(case, mended=event, by_hand=False)


# The desk


def _ticket(case: Case, ticket: str | None) -> Case:
    return replace(case, tickets=_more(case.tickets, (ticket,), 1000)) if ticket else case


def _letter(case: Case, event: ev.Requested | ev.Escalated) -> Case:
    """A newer letter about the same takes the place of one that has not gone out."""
    keys = _named(case, event.identities)
    outbox = tuple(out for out in case.outbox if not keys.intersection(out.keys))
    case = replace(case, outbox=outbox, by_hand=False)
    if event.message_id is None:
        return case
    case = _threaded(replace(case, letters=_more(case.letters, (event.message_id,), 1000)), event)
    if event.letter is None:
        return case
    waits = Outgoing(
        seq=case.seq,
        at=event.at,
        message_id=event.message_id,
        keys=tuple(sorted(keys)),
        reply=isinstance(event, ev.Escalated),
    )
    return replace(case, outbox=(*case.outbox, waits))


def _threaded(
    case: Case, event: ev.Requested | ev.Escalated | ev.Acknowledged | ev.Answered
) -> Case:
    if not event.message_id or event.message_id in case.thread:
        return case
    return replace(case, thread=(*case.thread, event.message_id)[-MOST_THREAD:])


def _requested(case: Case, event: ev.Requested) -> Case:
    case = replace(_ticket(case, event.ticket), requests=case.requests + 1)
    case = _letter(case, event)
    case = replace(case, desk=event.desk or case.desk)

    def ask(s: Standing) -> Standing:
        return replace(st.move(s, "requested", event.at), asks=(), requested_at=event.at)

    return _each(case, _named(case, event.identities), ask)


def _acknowledged(case: Case, event: ev.Acknowledged) -> Case:
    return _each(
        _threaded(_ticket(case, event.ticket), event),
        _named(case, event.identities),
        lambda s: replace(st.move(s, "acknowledged", event.at), asks=()),
    )


def _answered(case: Case, event: ev.Answered) -> Case:
    if event.class_ == "unrelated":
        return case
    if not event.authentic or event.class_ == "unclear":
        return replace(case, waiting=(*case.waiting, Waiting(seq=case.seq, answer=event)))
    return _heeded(case, event, event.at)


def _accepted_by_person(case: Case, event: ev.AcceptedByPerson) -> Case:
    waiting = next((w for w in case.waiting if w.seq == event.answer), None)
    if waiting is None:
        return case
    case = _looked(case, {event.answer})
    return _heeded(case, waiting.answer, event.at)


def _looked(case: Case, answers: set[int]) -> Case:
    return replace(case, waiting=tuple(w for w in case.waiting if w.seq not in answers))


def _heeded(case: Case, answer: ev.Answered, at: datetime) -> Case:
    """An answer that counts."""
    case = _threaded(replace(_ticket(case, answer.ticket), answer=answer), answer)
    verdicts = {identity_key(v.identity): v.class_ for v in answer.verdicts}
    if answer.class_ == "bounce":  # by itself todoku would only do the same again
        case = replace(case, by_hand=True)

    def heed(s: Standing) -> Standing:
        return st.heed(s, verdicts.get(s.key, answer.class_), answer, at)

    return _each(case, set(verdicts) or _named(case, ()), heed)


def _waited(case: Case, event: ev.Waited) -> Case:
    def wait(s: Standing) -> Standing:
        over = s.until is None or s.until <= event.until
        return st.move(s, "waited", event.at) if over else s

    return _each(replace(case, waits=case.waits + 1), _named(case, ()), wait)


def _escalated(case: Case, event: ev.Escalated) -> Case:
    case = replace(_ticket(case, event.ticket), escalations=case.escalations + 1)
    case = _letter(case, event)

    def ask(s: Standing) -> Standing:
        n = s.escalations + 1
        moved_ = st.move(s, "escalated", event.at)
        return replace(moved_, asks=(), requested_at=event.at, escalations=n)

    return _each(case, _named(case, event.identities), ask)


def _sent(case: Case, event: ev.Sent) -> Case:
    if any(t.message_id == event.message_id for t in case.trials):
        return _trial_sent(case, event)
    out = next((o for o in case.outbox if o.message_id == event.message_id), None)
    if out is None:
        return case
    case = replace(case, outbox=tuple(o for o in case.outbox if o is not out))
    if event.delivered:
        return case

    def back(s: Standing) -> Standing:
        if not out.reply:
            return st.move(s, "unsent request", event.at)
        return replace(st.move(s, "unsent reply", event.at), escalations=max(0, s.escalations - 1))

    return _each(replace(case, by_hand=True), set(out.keys), back)


def _trial_sent(case: Case, event: ev.Sent) -> Case:
    if not event.delivered:
        return _trial_over(case, event.message_id)
    trials = tuple(
        replace(t, sent_at=t.sent_at or event.at) if t.message_id == event.message_id else t
        for t in case.trials
    )
    return replace(case, trials=trials)


def _trial_over(case: Case, message_id: str | None) -> Case:
    return replace(case, trials=tuple(t for t in case.trials if t.message_id != message_id))


def _hindered(case: Case, _event: ev.Hindered) -> Case:
    return replace(case, by_hand=True, hindrances=case.hindrances + 1)


# Proof


def _probed(case: Case, event: ev.Probed) -> Case:
    hosts = (event.host,) if event.host else ()

    def probe(s: Standing) -> Standing:
        s = replace(s, probes=s.probes + 1, probed_at=event.at)
        match event.result:
            case "accepted" | "junked":
                return st.seen_now(s, event.at, hosts)
            case "refused":
                return st.move(st.unproven(s), "refused", event.at)
            case _:
                return replace(s, vain=s.vain + 1)

    if event.result == "refused":
        case = _refused_today(case, event.reply, event.stage, event.at)
    case = _each(case, {identity_key(event.identity)}, probe)
    return _proved(case, event.proves, event.at)


def _trying(case: Case, event: ev.Trying) -> Case:
    trial = Trial(
        seq=case.seq, at=event.at, message_id=event.message_id, key=identity_key(event.identity)
    )
    others = _trial_over(case, event.message_id).trials
    return replace(case, trials=(*others, trial)[-MOST_TRIALS:])


def _tried(case: Case, event: ev.Tried) -> Case:
    if event.message_id is not None:
        case = _trial_over(case, event.message_id)

    def try_(s: Standing) -> Standing:
        if event.how == "mail":
            s = replace(s, observed=s.observed + 1)
        match event.result:
            case "junked":
                s = replace(s, junked=True)
                s = st.acceptance(s, event.count, event.first, event.last, event.hosts, event.how)
                return st.move(s, "junked", event.at)
            case "accepted":
                s = st.acceptance(s, event.count, event.first, event.last, event.hosts, event.how)
                if event.folder is None:  # accepted, and nobody looked where it went
                    return s
                return st.move(replace(s, junked=False), "inbox", event.at)
            case "refused":
                return st.refusal(s, max(event.first, event.last), event.at)
            case _:
                return s

    if event.result == "refused":
        case = _refused_today(case, event.reply, None, max(event.first, event.last))
    case = _each(case, {identity_key(event.identity)}, try_)
    return _proved(case, event.proves, event.at)


def _refused_today(case: Case, reply: Reply, stage: Stage | None, at: datetime) -> Case:
    """What a probe or a trial met is the refusal as it stands, where one was recorded before."""
    if (
        case.reply is None
        or not reply.text
        or (case.refused_to is not None and at < case.refused_to)
    ):
        return case
    return replace(case, reply=reply, stage=stage or case.stage, refused_to=at)


def _proved(case: Case, keys: Iterable[str], at: datetime) -> Case:
    def prove(s: Standing) -> Standing:
        return st.move(s, "proved junked" if s.junked else "proved", at)

    return _each(case, set(keys), prove)


# People, and the mail meanwhile


def _told(case: Case, event: ev.Told) -> Case:
    if event.about == "reminder":
        return replace(case, reminded=_more(case.reminded, (event.task or "",), 10_000))
    if event.who.startswith(ev.WEBHOOK):
        told = f"{event.about}/{event.who.removeprefix(ev.WEBHOOK)}/{case.round}"
        return replace(case, hooked=_more(case.hooked, (told,), 10_000))
    people = tuple(
        replace(p, opened=True, done=p.done or event.about == "resolved")
        if p.who == event.who
        else p
        for p in case.people
    )
    return replace(case, people=people)


def _noted(case: Case, event: ev.Noted) -> Case:
    return _looked(case, set(event.answers))


def _held(case: Case, event: ev.Held) -> Case:
    return replace(case, held=event)


def _detoured(case: Case, event: ev.Detoured) -> Case:
    return replace(case, detoured=event)


def _released(case: Case, event: ev.Released) -> Case:
    case = replace(case, released=case.released + 1)
    if event.what == "held":
        return replace(case, held=None)
    return replace(case, detoured=None)


# The end


def _closed(case: Case, event: ev.Closed) -> Case:
    if case.closed is not None:
        return case
    case = _each(case, _named(case, ()), lambda s: st.move(s, "closed", event.at))
    return replace(case, closed=event, waiting=(), outbox=(), trials=(), by_hand=False)


def _reopened(case: Case, event: ev.Reopened) -> Case:
    was_closed = case.closed is not None
    case = _including(replace(case, closed=None), event.identities, event.at)

    def reopen(s: Standing) -> Standing:
        return replace(st.move(s, "reopened", event.at), asks=())

    case = _each(case, _named(case, event.identities), reopen)
    case = replace(case, round=case.round + 1)
    return replace(case, cause=None, mended=None) if was_closed else case


_APPLY: Final[dict[type, Callable[..., Case]]] = {
    ev.Reported: _reported,
    ev.Refused: _refused,
    ev.Checked: _checked,
    ev.Diagnosed: _diagnosed,
    ev.CauseFound: _cause_found,
    ev.Mended: _mended,
    ev.Requested: _requested,
    ev.Acknowledged: _acknowledged,
    ev.Answered: _answered,
    ev.AcceptedByPerson: _accepted_by_person,
    ev.Waited: _waited,
    ev.Probed: _probed,
    ev.Trying: _trying,
    ev.Tried: _tried,
    ev.Escalated: _escalated,
    ev.Sent: _sent,
    ev.Hindered: _hindered,
    ev.Held: _held,
    ev.Detoured: _detoured,
    ev.Released: _released,
    ev.Told: _told,
    ev.Noted: _noted,
    ev.Closed: _closed,
    ev.Reopened: _reopened,
}
