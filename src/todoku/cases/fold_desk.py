"""From events to the case: what a desk was asked, and what it said."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from todoku.cases import events as ev
from todoku.cases import standings as st
from todoku.cases.case import Case, Outgoing, Standing, Waiting, identity_key
from todoku.cases.folding import each, more, named, trial_over

replace = msgspec.structs.replace

MOST_THREAD: Final = 50


def _ticket(case: Case, ticket: str | None) -> Case:
    return replace(case, tickets=more(case.tickets, (ticket,), 1000)) if ticket else case


def _letter(case: Case, event: ev.Requested | ev.Escalated) -> Case:
    """A newer letter about the same takes the place of one that has not gone out."""
    keys = named(case, event.identities)
    outbox = tuple(out for out in case.outbox if not keys.intersection(out.keys))
    case = replace(case, outbox=outbox, by_hand=False)
    if event.message_id is None:
        return case
    case = _threaded(replace(case, letters=more(case.letters, (event.message_id,), 1000)), event)
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


def requested(case: Case, event: ev.Requested) -> Case:
    case = replace(_ticket(case, event.ticket), requests=case.requests + 1)
    case = _letter(case, event)
    case = replace(case, desk=event.desk or case.desk)

    def ask(s: Standing) -> Standing:
        after = st.move(s, "requested", event.at)
        return replace(after, asks=(), requested_at=event.at, replied=False)

    return each(case, named(case, event.identities), ask)


def acknowledged(case: Case, event: ev.Acknowledged) -> Case:
    return each(
        _threaded(_ticket(case, event.ticket), event),
        named(case, event.identities),
        lambda s: replace(st.move(s, "acknowledged", event.at), asks=()),
    )


def answered(case: Case, event: ev.Answered) -> Case:
    if event.class_ == "unrelated":
        return case
    if not event.authentic or event.class_ == "unclear":
        return replace(case, waiting=(*case.waiting, Waiting(seq=case.seq, answer=event)))
    return _heeded(case, event, event.at)


def accepted_by_person(case: Case, event: ev.AcceptedByPerson) -> Case:
    waiting = next((w for w in case.waiting if w.seq == event.answer), None)
    if waiting is None:
        return case
    case = looked(case, {event.answer})
    return _heeded(case, waiting.answer, event.at)


def looked(case: Case, answers: set[int]) -> Case:
    return replace(case, waiting=tuple(w for w in case.waiting if w.seq not in answers))


def _heeded(case: Case, answer: ev.Answered, at: datetime) -> Case:
    """An answer that counts."""
    case = _threaded(replace(_ticket(case, answer.ticket), answer=answer), answer)
    verdicts = {identity_key(v.identity): v.class_ for v in answer.verdicts}
    if answer.class_ == "bounce":  # by itself todoku would only do the same again
        case = replace(case, by_hand=True)

    def heed(s: Standing) -> Standing:
        return st.heed(s, verdicts.get(s.key, answer.class_), answer, at)

    told = set(verdicts)
    if answer.class_ == "received" and any(s.key in told for s in case.standings):
        told = set()  # a receipt is of the whole request, whichever of its addresses it names
    return each(case, told or named(case, ()), heed)


def waited(case: Case, event: ev.Waited) -> Case:
    def wait(s: Standing) -> Standing:
        over = s.until is None or s.until <= event.until
        return st.move(s, "waited", event.at) if over else s

    return each(replace(case, waits=case.waits + 1), named(case, ()), wait)


def escalated(case: Case, event: ev.Escalated) -> Case:
    case = replace(_ticket(case, event.ticket), escalations=case.escalations + 1)
    case = _letter(case, event)

    def ask(s: Standing) -> Standing:
        n = s.escalations + 1
        replied = s.state == "declined"
        moved_ = st.move(s, "escalated", event.at)
        return replace(moved_, asks=(), requested_at=event.at, escalations=n, replied=replied)

    return each(case, named(case, event.identities), ask)


def sent(case: Case, event: ev.Sent) -> Case:
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
        return st.unsent_reply(s, event.at)

    return each(replace(case, by_hand=True), set(out.keys), back)


def _trial_sent(case: Case, event: ev.Sent) -> Case:
    if not event.delivered:
        return trial_over(case, event.message_id)
    trials = tuple(
        replace(t, sent_at=t.sent_at or event.at) if t.message_id == event.message_id else t
        for t in case.trials
    )
    return replace(case, trials=trials)


def hindered(case: Case, _event: ev.Hindered) -> Case:
    return replace(case, by_hand=True, hindrances=case.hindrances + 1)
