"""Which desk decides. Pure."""

from __future__ import annotations

import msgspec

from todoku.cases.case import Case
from todoku.knowledge.schema import Compiled, Desk

NONE = Desk(channel="none")


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A desk, and by what it was found."""

    id: str | None
    desk: Desk
    expected: str | None
    """The desk that the case leads to, where a person named another."""


def choose(case: Case, knowledge: Compiled, named: str | None = None) -> Chosen:
    """The desk of a case: the one named, the one that was asked before, that of the refusal's rule,
    that of the list, the only one that the receiver has. Raises `KeyError` for a name that the
    knowledge does not have."""
    found = _found(case, knowledge)
    if named is not None and named != found:
        return Chosen(id=named, desk=knowledge.desks[named], expected=found)
    desk = NONE if found is None else knowledge.desks[found]
    return Chosen(id=found, desk=desk, expected=None)


def _found(case: Case, knowledge: Compiled) -> str | None:
    told = case.diagnosis
    place = None if case.place is None else case.place.id
    entry = next((e for e in knowledge.lists if e.id == place), None)
    for name in (
        case.desk,
        None if told is None else told.desk,
        None if entry is None else entry.desk,
    ):
        if name is not None and name in knowledge.desks:
            return name
    # A list in front of the receiver decides alone; else a receiver's only desk is the one.
    owner = place if told is None or told.receiver is None else told.receiver
    theirs = [name for name in knowledge.desks if owner and name.startswith(f"{owner}/")]
    return theirs[0] if len(theirs) == 1 else None


def name_of(id_: str | None, case: Case, knowledge: Compiled, lang: str) -> str:
    """As people call it: the receiver's or the list's name; of no desk the place of the case."""
    owner = (id_ or (case.place.id if case.place is not None else "")).partition("/")[0]
    for receiver in knowledge.receivers:
        if receiver.id == owner:
            return str(getattr(receiver.name, lang))
    for entry in knowledge.lists:
        if id_ is not None and entry.desk == id_:
            return entry.operator or entry.name
    for entry in knowledge.lists:
        if entry.id == owner:
            return entry.name
    return owner.removeprefix("domain:") or ", ".join(case.to[:3])
