"""Refusals of cases to evidence: bounces and webhooks that came in, and trials. Pure.

An event proves the use of a list where it is about one recipient's domain, is proven to be about our mail,
and its reply calls the list by one of its names. How much mail goes there, logs tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from todoku.cases.events import AnyEvent, Refused
from todoku.cases.records import Recorded
from todoku.partners.gates import well_made
from todoku.partners.sentence import proving
from todoku.partners.values import Evidence, Proof, Use, UseKey, later, week_of


def name(recorded: Recorded) -> str:
    """By which an event is known to have been learned from. A flood that goes on counts in the same event, and
    proves the use of the list anew in each week."""
    told, event = f"{recorded.case}:{recorded.seq}", recorded.event
    if not isinstance(event, Refused) or event.counted_to is None:
        return told
    week = week_of(event.last.timestamp())
    return told if week == week_of(event.at.timestamp()) else f"{told}+{week}"


def learn(events: Iterable[AnyEvent], names: Mapping[str, Sequence[str]]) -> Evidence:
    """`names`: by list, its zones and what else replies call it."""
    e = Evidence()
    for event in events:
        if not isinstance(event, Refused) or event.proof is None or event.place is None:
            continue
        if len(event.to) != 1 or not well_made(event.to[0]):
            continue
        domain, list_, text = event.to[0], event.place.id, event.reply.text
        called = next((x for x in names.get(list_, ()) if x.lower() in text.lower()), None)
        if called is None:
            continue
        words = proving(text, domain, named=called)
        if called.lower() not in words.lower():
            continue
        first, last = event.first.timestamp(), event.last.timestamp()
        code = " ".join(str(c) for c in (event.reply.code, event.reply.enhanced) if c) or None
        proof = Proof(first, last, words, event.stage, code)
        mine = e.proofs.get((domain, list_))
        e.proofs[domain, list_] = proof if mine is None else later(mine, proof)
        key = UseKey(domain, list_, week_of(last))
        e.uses[key] = Use(named=e.uses.get(key, Use()).named + 1)
    return e
