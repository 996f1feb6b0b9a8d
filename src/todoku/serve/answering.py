"""A desk's answer meets its case: found by ticket, by the mail that it replies to, by the addresses that
it speaks of; and recorded there. What is not authentic, or not understood, waits for a person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.answers import Answer, Rules
from todoku.cases.answers.tickets import forms
from todoku.cases.case import Case, identity_key
from todoku.cases.records import Recorded
from todoku.serve.orders import Hear
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox


def case_of(answer: Answer, desk: Desk, rules: Sequence[Rules]) -> int | None:
    """The case that an answer belongs to. A ticket that a case has decides; where it is new, an
    address at that desk."""
    for key in _keys(answer, rules):
        number = desk.find(key)
        if number is not None:
            return number
    return None


def _tickets(answer: Answer | ev.Answered) -> Iterator[str]:
    if answer.ticket is not None:
        yield from (f"ticket:{form}" for form in forms(answer.ticket))


def _keys(answer: Answer, rules: Sequence[Rules]) -> Iterator[str]:
    yield from _tickets(answer)
    yield from (f"message:{each}" for each in answer.thread.replies_to)
    named = next((each for each in rules if each.desk == answer.provider), None)
    places = () if named is None else (named.desk, *named.covers)
    told = (v.identity for v in answer.verdicts)
    for identity in dict.fromkeys((*told, *answer.identities)):
        if identity.kind == "ip":
            yield from (f"{identity_key(identity)}@{place}" for place in places)


def record(number: int, answer: Answer, desk: Desk, now: datetime) -> tuple[Recorded, ...]:
    """In the case. Raises `CaseError` where its ticket is another's."""
    return _into(number, event_of(answer, now), desk)


def event_of(answer: Answer, now: datetime) -> ev.Answered:
    """What a case keeps of it."""
    wait = answer.wait
    return ev.Answered(
        at=now,
        source=answer.source,
        class_=answer.class_,
        words=answer.words,
        ticket=answer.ticket,
        desk=answer.provider,
        verdicts=answer.verdicts,
        until=wait.until if wait is not None else None,
        min_hours=wait.min_hours if wait is not None else None,
        max_hours=wait.max_hours if wait is not None else None,
        asks=answer.asks,
        authentic=answer.authentic,
        message_id=answer.thread.message_id,
    )


def hear(order: Hear, desk: Desk, now: datetime) -> tuple[Recorded, ...]:
    """What a person hands over: the mail is kept, its answer recorded, and accepted where he says so."""
    sha = hashlib.sha256(order.mail).hexdigest()
    source = f"message:{sha}"
    box = Mailbox(desk)
    box.keep([order.mail], "by hand", now)
    recorded = _into(order.case, replace(order.event, at=now, source=source), desk)
    box.handled([sha], now)
    if order.accept:
        known = {waiting.seq for waiting in desk.case(order.case).waiting}
        mine = (each for each in desk.history(order.case) if each.event.source == source)
        for seq in [each.seq for each in mine if each.seq in known]:
            accept = partial(commands.accept, now=now, seq=seq, by=order.by)
            recorded += desk.change(order.case, accept)
    return recorded


def _into(number: int, event: ev.Answered, desk: Desk) -> tuple[Recorded, ...]:
    if event.class_ == "received" and event.authentic and not event.asks:
        received = ev.Acknowledged(
            at=event.at, source=event.source, ticket=event.ticket, message_id=event.message_id
        )
        return desk.change(number, lambda case: commands.acknowledge(case, received))
    holder = next(filter(None, map(desk.find, _tickets(event))), None)

    def command(case: Case) -> Sequence[ev.AnyEvent]:
        return commands.answer(case, event, owner=holder, policy=desk.policy)

    return desk.change(number, command)
