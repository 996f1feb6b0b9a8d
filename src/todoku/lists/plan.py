"""Which lists are asked in a run, in which zone, with which key, and how long it takes. Pure.

A list that must not or cannot be asked is never left out silently: it has a `Barred` row, which
becomes an `unknown` finding that says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import msgspec

from todoku.knowledge.schema import Ask, AskKind, ListEntry, Tier
from todoku.lists import budgets
from todoku.lists.budgets import PER_SECOND, Budget, Limit
from todoku.model import UnknownCause

GONE: Final = frozenset({"dead", "fraudulent", "merged", "renamed"})
ALL_KINDS: Final[tuple[AskKind, ...]] = ("ipv4", "ipv6", "domain")


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the user's settings say of lists."""

    use: Literal["private", "commercial"] = "commercial"
    keys: Mapping[str, str] = {}
    """By `Key.name`; secrets."""
    required: tuple[str, ...] | None = None
    """Ids of the lists whose answer decides; `None`: those of the tier `default`."""
    add: tuple[str, ...] = ()
    """Ids of lists that are asked whatever their tier."""
    skip: frozenset[str] = frozenset()
    """Ids of lists that are never asked unless named."""


class Way(NamedTuple):
    """How one list is asked in this run."""

    entry: ListEntry
    ask: Ask
    zone: str
    key: str | None = None
    """Stands in front of the zone; a secret."""


class Barred(NamedTuple):
    """A list that is not asked, and why."""

    entry: ListEntry
    ask: Ask
    zone: str
    cause: UnknownCause


class Book:
    """The lists of the knowledge, by id and by zone."""

    def __init__(self, lists: Iterable[ListEntry]) -> None:
        self.by_id = {e.id: e for e in lists}
        self._by_zone: dict[str, ListEntry] = {}
        for e in self.by_id.values():
            for zone in (*e.zones, e.ask.key.zone if e.ask and e.ask.key else None):
                if zone:
                    self._by_zone.setdefault(zone.lower(), e)

    def find(self, name: str) -> ListEntry | None:
        """By id or zone."""
        low = name.lower().strip(".")
        return self.by_id.get(low) or self._by_zone.get(low)

    def id_of(self, name: str) -> str:
        """A zone that is no list's stands for itself."""
        entry = self.find(name)
        return name if entry is None else entry.id

    def of_tier(self, *tiers: Tier) -> list[ListEntry]:
        """In the order of weight, the heaviest first."""
        found = [e for e in self.by_id.values() if e.ask and e.ask.tier in tiers]
        return sorted(found, key=lambda e: (-heaviest(e), e.id))

    def chosen(self, terms: Terms, tiers: Iterable[Tier] = ("default",)) -> list[ListEntry]:
        """What a run asks that names no list: a list of a tier, one whose key is set, or one that
        the settings add or require. A part whose whole is asked as well is left out, and so is
        what the settings skip."""
        tiers = set(tiers)
        always = {*terms.add, *(terms.required or ())}
        keyed = {
            e.id
            for e in self.of_tier("key", "optional", "default")
            if e.ask and e.ask.key and e.ask.key.required and e.ask.key.name in terms.keys
        }
        found = [
            e
            for e in self.of_tier("default", "key", "optional", "candidate", "never")
            if e.id in always
            or (e.id not in terms.skip and ((e.ask and e.ask.tier in tiers) or e.id in keyed))
        ]
        whole = {e.id for e in found}
        return [e for e in found if e.id in always or not (e.ask and e.ask.part_of in whole)]

    def required(self, terms: Terms) -> frozenset[str]:
        """Ids whose answer decides the verdict where the user named no list."""
        if terms.required is not None:
            return frozenset(terms.required)
        return frozenset(
            e.id
            for e in self.chosen(terms)
            if e.ask and e.ask.tier == "default" and isinstance(way(e, terms), Way)
        )


def of_zone(zone: str) -> ListEntry:
    """A zone that the knowledge does not have: the defaults of RFC 5782."""
    zone = zone.lower().strip(".")
    ask = Ask(kinds=ALL_KINDS, tier="candidate")
    return ListEntry(id=zone, name=zone, zones=(zone,), status="unknown", ask=ask)


def named(book: Book, name: str, terms: Terms, *, own: bool = False) -> Way | Barred:
    """How the list of this id is asked, or that of this zone, which is then the one that is asked.
    A zone that the knowledge does not have is asked by the defaults."""
    entry = book.find(name)
    if entry is None:
        return way(of_zone(name), terms, own=own)
    low = name.lower().strip(".")
    return way(entry, terms, own=own, zone=None if low == entry.id else low)


def first_zone(entry: ListEntry) -> str:
    return entry.zones[0].lower() if entry.zones else ""


def way(
    entry: ListEntry, terms: Terms, *, own: bool = False, zone: str | None = None
) -> Way | Barred:
    """How the list is asked, or why it is not. `own`: the server is the user's, who holds the
    zone: no terms, no keys, and a dead list's zone may live on there. `zone`: the one of its zones
    that is to be asked; otherwise that of the key where there is one, else the first."""
    ask = entry.ask or Ask()
    if not ask.kinds:  # nobody tells: each kind must prove itself by its test points
        ask = msgspec.structs.replace(ask, kinds=ALL_KINDS)
    first = first_zone(entry)
    if own and (zone or first):
        return Way(entry, ask, zone or first)
    if entry.status in GONE:
        return Barred(entry, ask, zone or first, "list-dead")
    key = None
    if ask.key:
        behind_key = (ask.key.zone or first).lower()
        if ask.key.required or zone in {None, behind_key}:
            key = terms.keys.get(ask.key.name)
        if key is None and (ask.key.required or zone == behind_key != first):
            return Barred(entry, ask, zone or behind_key, "no-key")
        if key is not None:
            zone = zone or behind_key
    zone = zone or first
    if not zone:
        return Barred(entry, ask, zone, "not-permitted")
    lifted = ask.key is not None and key is not None and ask.key.lifts
    if ask.usage.commercial == "agreement" and terms.use == "commercial" and not lifted:
        return Barred(entry, ask, zone, "not-permitted")
    return Way(entry, ask, zone, key)


def permitted(w: Way, rate: float | None, *, agreed: bool) -> float:
    """Questions a second: what the operator permits, whatever `rate` a person wishes, unless they
    `agreed`. Where the knowledge names no limit, a person may wish for more than our default."""
    limit = w.ask.usage.per_second
    if rate is None:
        return limit or PER_SECOND
    return rate if agreed or limit is None else min(rate, limit)


def budget_name(w: Way) -> str:
    """Whose budget a question counts against: lists of one contract share the key's."""
    return w.ask.key.name if w.ask.key and w.key else w.entry.id


def heaviest(entry: ListEntry) -> float:
    """The weight of the worst that the list can say."""
    if entry.ask is None:
        return 0.0
    weights = [c.weight for c in entry.ask.codes if c.weight is not None]
    return max([*weights, entry.ask.weight or 0.0])


class Cost(NamedTuple):
    """What asking `questions` of one list takes."""

    list: str
    zone: str
    questions: int
    per_second: float | None
    """`None`: unlimited."""
    per_day: int | None
    days: int
    """Over how many days the daily budget spreads it; 1 where it does not."""
    seconds: float


def costs(
    ways: Iterable[Way],
    questions: Mapping[str, int],
    *,
    unlimited: bool = False,
    rate: float | None = None,
    agreed: bool = False,
    accounts: Mapping[str, Budget] = MappingProxyType({}),
    now: float = 0.0,
    sweep: bool = False,
) -> Iterator[Cost]:
    """How long each list takes by its own limits; all lists are asked side by side, so the run
    takes as long as the slowest. `questions`: by list id. `accounts`: by `budget_name`, what other
    runs left of the burst and of the day; where there is none, nothing was asked yet. Lists that
    share one take as long as all their questions. `now` is Unix time; `sweep`: some is left to
    others."""
    asked = [(w, questions[w.entry.id]) for w in ways if questions.get(w.entry.id, 0)]
    shared: Counter[str] = Counter()
    for w, n in asked:
        shared[budget_name(w)] += n
    for w, n in asked:
        if unlimited:
            yield Cost(w.entry.id, w.zone, n, None, None, 1, 0.0)
            continue
        name, per_day = budget_name(w), w.ask.usage.per_day
        limit = Limit(per_day, permitted(w, rate, agreed=agreed))
        took = budgets.duration(accounts.get(name), limit, shared[name], now, sweep=sweep)
        yield Cost(w.entry.id, w.zone, n, limit.per_second, per_day, took.days, took.seconds)
