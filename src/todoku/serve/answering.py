"""A desk's answer meets its case: found by ticket, by the mail that it replies to, by the addresses that
it speaks of; and recorded there. What is not authentic, or not understood, waits for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.answers import Answer, Rules
from todoku.cases.answers.tickets import forms
from todoku.cases.case import Case, identity_key
from todoku.cases.records import Recorded
from todoku.store.cases import Desk


def case_of(answer: Answer, desk: Desk, rules: Sequence[Rules]) -> int | None:
    """The case that an answer belongs to. A ticket that a case has decides; where it is new, an
    address at that desk."""
    for key in _keys(answer, rules):
        number = desk.find(key)
        if number is not None:
            return number
    return None


def owner(answer: Answer, desk: Desk) -> int | None:
    """The case that has its ticket, where one has."""
    return next(filter(None, map(desk.find, _tickets(answer))), None)


def _tickets(answer: Answer) -> Iterator[str]:
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
    if answer.class_ == "received" and answer.authentic and not answer.asks:
        received = ev.Acknowledged(at=now, source=answer.source, ticket=answer.ticket)
        return desk.change(number, lambda case: commands.acknowledge(case, received))
    wait = answer.wait
    event = ev.Answered(
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
    )
    holder = owner(answer, desk)

    def command(case: Case) -> Sequence[ev.AnyEvent]:
        return commands.answer(case, event, owner=holder, policy=desk.policy)

    return desk.change(number, command)
