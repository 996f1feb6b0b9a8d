"""Which case a sighting belongs to. Pure: the store looks the keys up.

What is reported, refused, listed or deferred about the same own identity (IPv6: its /64) at the same
list, else receiver, is one case. Two kinds of keys lead there:

- *strong*, `ip:192.0.2.1@microsoft-consumer`: that identity at that place. It belongs to one case
  for good, open or closed.
- *pointers*, `@microsoft-consumer`, `@domain:partner.example`, `ticket:SRX1234567890ID`,
  `message:<...>` (a letter to a desk): the case that was seen there last. A report without an
  identity ("Hotmail can't be reached") goes there.

A case that began with such a report has no identity. The first refusal at that place gives it one;
where there is a case for that identity already, this takes over the reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from todoku.cases import events as ev
from todoku.cases.case import Case, identity_key
from todoku.model import Identity

replace = msgspec.structs.replace

MOST_DOMAINS: Final = 50
MOST_AFFECTED: Final = 500


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed to find the case of an event. `identities` are own ones only: what is not
    ours opens no case."""

    identities: tuple[Identity, ...] = ()
    place: ev.Place | None = None
    to: tuple[str, ...] = ()
    """Domains of recipients."""

    @property
    def strong(self) -> tuple[str, ...]:
        """One key for each identity, in their order."""
        if self.place is None:
            return ()
        return tuple(dict.fromkeys(f"{identity_key(i)}@{self.place.id}" for i in self.identities))

    @property
    def pointers(self) -> tuple[str, ...]:
        """The place first, then the domains."""
        places = (f"@{self.place.id}",) if self.place is not None else ()
        domains = (f"@domain:{domain.lower()}" for domain in self.to[:MOST_DOMAINS])
        return tuple(dict.fromkeys((*places, *domains)))


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sighting goes. `case`: `None`, a new one."""

    case: int | None = None
    identities: tuple[Identity, ...] = ()
    """Those that this case is (or becomes) about."""
    elsewhere: tuple[Identity, ...] = ()
    """Those that belong to other cases: a sighting of their own."""
    absorbs: tuple[int, ...] = ()
    """Cases without an identity that turn out to be about the same."""


def place_of(
    *,
    blocklist: str | None = None,
    zone: str | None = None,
    receiver: str | None = None,
    domain: str | None = None,
) -> ev.Place | None:
    """The place of a refusal: the list that is named, else the receiver, else the domain."""
    if blocklist:
        return ev.Place(id=blocklist, zone=zone)
    if receiver:
        return ev.Place(id=receiver)
    return ev.Place(id=f"domain:{domain.lower()}") if domain else None


def match(sighting: Sighting, found: Mapping[str, int], nameless: Iterable[int] = ()) -> Match:
    """`found`: the case of each key of the sighting that has one. `nameless`: which of these are
    open and have no identity yet."""
    nameless = set(nameless)
    owners: dict[str, int | None] = {key: found.get(key) for key in sighting.strong}
    named = next((case for case in owners.values() if case is not None), None)
    pointed = tuple(dict.fromkeys(found[key] for key in sighting.pointers if key in found))
    waiting = tuple(case for case in pointed if case in nameless)
    if not owners:
        return Match(case=pointed[0] if pointed else None, identities=sighting.identities)
    case, absorbs = named, waiting
    if case is None and waiting:
        case, absorbs = waiting[0], waiting[1:]
    here: list[Identity] = []
    elsewhere: list[Identity] = []
    for identity in sighting.identities:
        owner = owners[f"{identity_key(identity)}@{sighting.place.id}"] if sighting.place else None
        (here if owner in {None, case} else elsewhere).append(identity)
    return Match(case=case, identities=tuple(here), elsewhere=tuple(elsewhere), absorbs=absorbs)


def keys_of(case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The strong keys and the pointers that lead to a case: for rebuilding the projection."""
    everything = Sighting(
        identities=tuple(s.identity for s in case.standings), place=case.place, to=case.to
    )
    tickets = tuple(f"ticket:{ticket}" for ticket in case.tickets)
    letters = tuple(f"message:{message_id}" for message_id in case.letters)
    return everything.strong, (*everything.pointers, *tickets, *letters)


def gather(events: Iterable[ev.Refused]) -> tuple[ev.Refused, ...]:
    """Refusals of one batch as few events: one for each place and set of identities, with counts.
    Each keeps the words of its newest refusal, one that is for good before a delay."""
    gathered: dict[tuple[str, ...], ev.Refused] = {}
    for event in events:
        key = alike(event)
        old = gathered.get(key)
        gathered[key] = event if old is None else merged(old, event)
    return tuple(gathered.values())


def alike(event: ev.Refused) -> tuple[str, ...]:
    """The same for refusals of the same identities at one place."""
    place = event.place.id if event.place is not None else ""
    return (place, *sorted(identity_key(i) for i in event.identities))


def with_more(event: ev.Refused, more: ev.Refused) -> ev.Refused:
    """A recorded refusal with what was counted in it since: it stays where it stands, in its time and
    in its proof."""
    newest = more if more.last >= event.last else event
    return replace(
        event,
        reply=newest.reply,
        stage=newest.stage,
        host=newest.host,
        count=event.count + more.count,
        first=min(event.first, more.first),
        last=newest.last,
        to=tuple(dict.fromkeys((*event.to, *more.to)))[:MOST_DOMAINS],
        counted_to=max(more.at, event.counted_to or more.at),
    )


def merged(a: ev.Refused, b: ev.Refused) -> ev.Refused:
    """Two refusals at one place as one event. That `b`, the newer, names no identity, and so is about
    all of the case, stays so."""
    identities = (
        {identity_key(i): i for i in (*a.identities, *b.identities)} if b.identities else {}
    )
    speaks = max(a, b, key=lambda event: (not event.temporary, event.last))
    return replace(
        speaks,
        identities=tuple(identities.values()),
        count=a.count + b.count,
        at=max(a.at, b.at),
        first=min(a.first, b.first),
        last=max(a.last, b.last),
        to=tuple(dict.fromkeys((*a.to, *b.to)))[:MOST_DOMAINS],
        affected=tuple(dict.fromkeys((*a.affected, *b.affected)))[:MOST_AFFECTED],
    )
