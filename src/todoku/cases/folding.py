"""What every step from events to the case is made of (`todoku.cases.fold`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec

from todoku.cases import events as ev
from todoku.cases.case import Case, Person, Standing, identity_key
from todoku.model import Identity

replace = msgspec.structs.replace


def named(case: Case, identities: Iterable[Identity]) -> set[str]:
    """Keys of the identities that an event is about: none named, all of them."""
    return {identity_key(i) for i in identities} or {s.key for s in case.standings}


def including(case: Case, identities: Iterable[Identity], at: datetime) -> Case:
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


def each(case: Case, keys: set[str], change: Callable[[Standing], Standing]) -> Case:
    changed = tuple(change(s) if s.key in keys else s for s in case.standings)
    return replace(case, standings=changed)


def placed(case: Case, place: ev.Place | None) -> Case:
    """A list or a receiver says more than a domain; a zone more than none."""
    old = case.place
    if place is None or place == old:
        return case
    if old is None or (old.id.startswith("domain:") and not place.id.startswith("domain:")):
        return replace(case, place=place)
    if old.id == place.id and old.zone is None:
        return replace(case, place=place)
    return case


def more(known: tuple[str, ...], new: Iterable[str], most: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *new)))[:most]


def with_person(case: Case, person: Person) -> Case:
    others = tuple(p for p in case.people if p.who != person.who)
    return replace(case, people=(*others, person))


def trial_over(case: Case, message_id: str | None) -> Case:
    return replace(case, trials=tuple(t for t in case.trials if t.message_id != message_id))
