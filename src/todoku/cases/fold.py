"""From events to the case. Any sequence of events gives a case: what makes no sense in its place
(an answer before a request, a probe after the end) is counted where it counts and moves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec

from todoku.cases import events as ev
from todoku.cases import fold_desk as desk
from todoku.cases import standings as st
from todoku.cases.case import Case, Flood, Person, Standing, Trial, identity_key
from todoku.cases.folding import each, including, more, named, placed, trial_over, with_person
from todoku.model import Reply, Stage

replace = msgspec.structs.replace

MOST_DOMAINS: Final = 50
MOST_TRIALS: Final = 20
MOST_FLOODS: Final = 20


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


# What was seen


def _reported(case: Case, event: ev.Reported) -> Case:
    case = placed(including(case, event.identities, event.at), event.place)
    case = replace(case, to=more(case.to, event.to, MOST_DOMAINS))
    if event.who is None:
        return case
    open_report = next((p for p in case.people if p.who == event.who and not p.done), None)
    if open_report is not None and not open_report.affected:
        return case
    person = Person(who=event.who, report=case.seq, at=event.at, words=event.words, lang=event.lang)
    if open_report is not None:  # told already that it is being worked on
        person = replace(person, report=open_report.report, opened=open_report.opened)
    return with_person(case, person)


def _refused(case: Case, event: ev.Refused) -> Case:
    case = placed(including(case, event.identities, event.at), event.place)
    waiting = {p.who for p in case.untold}
    for who in event.affected:
        if who not in waiting:
            case = with_person(case, Person(who=who, report=case.seq, at=event.at, affected=True))
    firm = not event.temporary
    counted = max(event.at, event.counted_to or event.at)
    newest = case.replied_at is None or counted >= case.replied_at
    if case.reply is None or (firm and case.deferring) or ((firm or case.deferring) and newest):
        case = replace(case, reply=event.reply, stage=event.stage, replied_at=counted)
    case = replace(
        _with_flood(case, event, counted),
        refusals=case.refusals + event.count,
        counted_at=max(counted, case.counted_at or counted),
        refused_from=min(event.first, event.last, case.refused_from or event.first),
        refused_to=max(event.first, event.last, case.refused_to or event.last),
        deferring=case.deferring and not firm,
        to=more(case.to, event.to, MOST_DOMAINS),
    )
    if event.temporary and not case.deferring:
        return case  # a limit, or greylisting: not what this case is about
    if not event.identities and len(case.standings) > 1:
        return case  # which of them was refused is not known
    last = max(event.first, event.last)
    keys = named(case, event.identities)
    # A trial that went out before has its answer.
    trials = (t for t in case.trials if t.key not in keys or not t.sent_at or t.sent_at > last)
    case = replace(case, trials=tuple(trials))
    return each(case, keys, lambda s: st.refusal(s, last, event.at))


def flooded(case: Case, event: ev.Refused) -> frozenset[str]:
    """The identities that a refusal is about; none where it is not known which of several."""
    keys = frozenset(identity_key(i) for i in event.identities)
    return keys if keys or len(case.standings) > 1 else frozenset(s.key for s in case.standings)


def _with_flood(case: Case, event: ev.Refused, counted: datetime) -> Case:
    """More of the same will be counted in this event, and no longer in one before it."""
    flood = Flood(
        seq=case.seq,
        at=counted,
        code=event.reply.code,
        enhanced=event.reply.enhanced,
        temporary=event.temporary,
        keys=tuple(sorted(flooded(case, event))),
    )
    kind = replace(flood, seq=0, at=counted)
    others = (f for f in case.floods if replace(f, seq=0, at=counted) != kind)
    return replace(case, floods=(*others, flood)[-MOST_FLOODS:])


def _checked(case: Case, event: ev.Checked) -> Case:
    case = placed(case, event.place)
    newest = {(f.list, identity_key(f.identity)): f for f in (*case.findings, *event.findings)}
    case = replace(
        case,
        findings=tuple(newest.values()),
        checks=case.checks + 1,
        checked_at=event.at,
        checked_round=case.round,
    )
    here = [f for f in event.findings if case.place is not None and f.list == case.place.id]
    case = including(case, (f.identity for f in here if f.state == "listed"), event.at)
    for finding in here if case.place is not None and case.place.zone else ():
        keys = {identity_key(finding.identity)}
        if finding.state == "listed":
            case = each(case, keys, lambda s: st.move(st.unproven(s), "refused", event.at))
        elif finding.state == "not-listed":
            case = each(case, keys, lambda s: st.seen_now(s, event.at, ()))
    return _proved(case, event.proves, event.at)


def _diagnosed(case: Case, event: ev.Diagnosed) -> Case:
    case = placed(including(case, event.identities, event.at), event.place)
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
    case = each(case, {identity_key(event.identity)}, probe)
    return _proved(case, event.proves, event.at)


def _trying(case: Case, event: ev.Trying) -> Case:
    trial = Trial(
        seq=case.seq, at=event.at, message_id=event.message_id, key=identity_key(event.identity)
    )
    others = trial_over(case, event.message_id).trials
    return replace(case, trials=(*others, trial)[-MOST_TRIALS:])


def _tried(case: Case, event: ev.Tried) -> Case:
    if event.message_id is not None:
        case = trial_over(case, event.message_id)

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
    case = each(case, {identity_key(event.identity)}, try_)
    return _proved(case, event.proves, event.at)


def _refused_today(case: Case, reply: Reply, stage: Stage | None, at: datetime) -> Case:
    """What a probe or a trial met is the refusal as it stands, where one was recorded before."""
    if (
        case.reply is None
        or not reply.text
        or (case.refused_to is not None and at < case.refused_to)
    ):
        return case
    return replace(case, reply=reply, stage=stage or case.stage, refused_to=at, replied_at=at)


def _proved(case: Case, keys: Iterable[str], at: datetime) -> Case:
    def prove(s: Standing) -> Standing:
        return st.move(s, "proved junked" if s.junked else "proved", at)

    return each(case, set(keys), prove)


# People, and the mail meanwhile


def _told(case: Case, event: ev.Told) -> Case:
    if event.about == "reminder":
        return replace(case, reminded=more(case.reminded, (event.task or "",), 10_000))
    if event.who.startswith(ev.WEBHOOK):
        told = f"{event.about}/{event.who.removeprefix(ev.WEBHOOK)}/{case.round}"
        return replace(case, hooked=more(case.hooked, (told,), 10_000))
    people = tuple(
        replace(p, opened=True, done=p.done or event.about == "resolved")
        if p.who == event.who
        else p
        for p in case.people
    )
    return replace(case, people=people)


def _noted(case: Case, event: ev.Noted) -> Case:
    return desk.looked(case, set(event.answers))


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
    case = each(case, named(case, ()), lambda s: st.move(s, "closed", event.at))
    return replace(case, closed=event, waiting=(), outbox=(), trials=(), by_hand=False)


def _reopened(case: Case, event: ev.Reopened) -> Case:
    was_closed = case.closed is not None
    case = including(replace(case, closed=None), event.identities, event.at)

    def reopen(s: Standing) -> Standing:
        return replace(st.move(s, "reopened", event.at), asks=())

    case = each(case, named(case, event.identities), reopen)
    # What was refused before is over; the refusal that opened it again stands right above.
    floods = tuple(flood for flood in case.floods if flood.seq == case.seq - 1)
    case = replace(case, round=case.round + 1, floods=floods)
    return replace(case, cause=None, mended=None) if was_closed else case


_APPLY: Final[dict[type, Callable[..., Case]]] = {
    ev.Reported: _reported,
    ev.Refused: _refused,
    ev.Checked: _checked,
    ev.Diagnosed: _diagnosed,
    ev.CauseFound: _cause_found,
    ev.Mended: _mended,
    ev.Requested: desk.requested,
    ev.Acknowledged: desk.acknowledged,
    ev.Answered: desk.answered,
    ev.AcceptedByPerson: desk.accepted_by_person,
    ev.Waited: desk.waited,
    ev.Probed: _probed,
    ev.Trying: _trying,
    ev.Tried: _tried,
    ev.Escalated: desk.escalated,
    ev.Sent: desk.sent,
    ev.Hindered: desk.hindered,
    ev.Held: _held,
    ev.Detoured: _detoured,
    ev.Released: _released,
    ev.Told: _told,
    ev.Noted: _noted,
    ev.Closed: _closed,
    ev.Reopened: _reopened,
}
