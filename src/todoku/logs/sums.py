"""Deliveries, counted: one group for each receiver, reason, code, list and identity.

Counts of attempts are exact. Names (recipients, senders, domains, hosts) are kept apart up to
`MOST_NAMES` in all, groups up to `MOST_GROUPS`; beyond, `partial` tells that there are more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Final, TypeVar

from todoku.grouping import OURS, domain_of, urgency
from todoku.logs.clock import rfc3339
from todoku.logs.values import Count, Deliveries, Delivery, RefusalGroup
from todoku.model import Blocklist, Diagnosis, Identity

MOST_GROUPS: Final = 5_000
MOST_NAMES: Final = 500_000
SLICES: Final = 24
"""Parts of the time that `trend` counts."""
TOP: Final = 5
BUCKET: Final = 600
"""Seconds that attempts are counted by."""
_REMEMBERED: Final = 20_000
_OF_US: Final = frozenset(("ip", "range", "asn", "hostname", "domain", "address"))

Key = tuple[object, ...]
K = TypeVar("K")


class Group:
    """The attempts that one receiver refused on one ground."""

    __slots__ = (
        "bounced", "buckets", "deferred", "diagnosis", "domains", "example", "first", "hosts", "identity",
        "last", "place", "recipients", "senders",
    )  # fmt: skip

    def __init__(self, d: Diagnosis, place: str | None, example: str | None) -> None:
        self.diagnosis = d
        self.place = place
        self.identity: Identity | None = blamed(d)
        self.example = example
        self.bounced = self.deferred = 0
        self.first: float | None = None
        self.last: float | None = None
        self.buckets: dict[int, int] = {}
        self.recipients: set[str] = set()
        self.senders: dict[str, int] = {}
        self.domains: dict[str, int] = {}
        self.hosts: dict[str, int] = {}

    @property
    def count(self) -> int:
        return self.bounced + self.deferred


class Sums:
    """All that was refused, by group."""

    def __init__(self) -> None:
        self.groups: dict[Key, Group] = {}
        self.undecided = 0
        self.partial = False
        self._names = 0
        self._of: dict[int, tuple[Diagnosis, Group]] = {}

    def add(self, delivery: Delivery) -> None:
        """An attempt that was refused or deferred."""
        d = delivery.diagnosis
        if d is None:
            return
        if d.reason == "undecided":
            self.undecided += 1
        known = self._of.get(id(d))
        if known is None or known[0] is not d:
            group = self._group(d, delivery)
            if len(self._of) >= _REMEMBERED:
                self._of.clear()
            self._of[id(d)] = (d, group)
        else:
            group = known[1]
        if delivery.outcome == "bounced":
            group.bounced += 1
        else:
            group.deferred += 1
        time = delivery.time
        if time is not None:
            if group.first is None or time < group.first:
                group.first = time
            if group.last is None or time > group.last:
                group.last = time
            self._count(group.buckets, int(time) // BUCKET)
        self._name(group, delivery)

    def _name(self, group: Group, delivery: Delivery) -> None:
        """Whose mail it was. Most names are known, so each is tried first, and not in a loop."""
        recipient = delivery.recipient
        if recipient is not None and recipient not in group.recipients and self._room():
            group.recipients.add(recipient)
        sender, domain, host = delivery.message.sender, delivery.domain, delivery.relay
        if sender is not None:
            try:
                group.senders[sender] += 1
            except KeyError:
                self._count(group.senders, sender)
        if domain is not None:
            try:
                group.domains[domain] += 1
            except KeyError:
                self._count(group.domains, domain)
        if host is not None:
            try:
                group.hosts[host] += 1
            except KeyError:
                self._count(group.hosts, host)

    def _count(self, counts: dict[K, int], name: K, n: int = 1) -> None:
        if name in counts:
            counts[name] += n
        elif self._room():
            counts[name] = n

    def _room(self) -> bool:
        if self._names >= MOST_NAMES:
            self.partial = True
            return False
        self._names += 1
        return True

    def some(self, more: set[K]) -> Iterable[K]:
        """As many of these further names as there is room for."""
        room = MOST_NAMES - self._names
        self.partial = self.partial or len(more) > room
        self._names += min(len(more), room)
        return more if len(more) <= room else itertools.islice(more, room)

    def _group(self, d: Diagnosis, delivery: Delivery) -> Group:
        key = key_of(d, delivery)
        group = self.groups.get(key)
        if group is None:
            if len(self.groups) >= MOST_GROUPS:
                self.partial = True
                key = (d.receiver, d.reason)
                group = self.groups.get(key)
            if group is None:
                group = self.groups[key] = Group(d, place_of(d, delivery), delivery.template)
        return group

    def ordered(self) -> list[Group]:
        """What matters most first, as `todoku diagnose` has it; then the greater number."""
        return sorted(
            self.groups.values(),
            key=lambda g: (urgency(g.diagnosis), g.diagnosis.who_acts not in OURS, -g.count),
        )


def key_of(d: Diagnosis, delivery: Delivery) -> Key:
    """What attempts of one group share."""
    identity = blamed(d)
    return (
        d.receiver or d.gateway or place_of(d, delivery), d.gateway, d.reason, d.receiver_code,
        d.blocklist.id if d.blocklist else None, identity and (identity.kind, identity.value),
        d.temporary,
    )  # fmt: skip


def blamed(d: Diagnosis) -> Identity | None:
    """What of ours the answer names as the ground, else what it names first."""
    ours = next((b for b in d.blocked if b.kind in _OF_US), None)
    return ours or next(iter(d.blocked), None)


def place_of(d: Diagnosis, delivery: Delivery) -> str | None:
    """Where no receiver is known: the domain of the hosts that answer, else the recipient's."""
    if d.receiver is not None:
        return None
    return domain_of(delivery.relay) if delivery.relay else delivery.domain


def row(g: Group, first: float | None, last: float | None) -> RefusalGroup:
    """A group as it is printed; `first` and `last` bound the time that `trend` divides."""
    d = g.diagnosis
    blocklist: Blocklist | None = d.blocklist
    return RefusalGroup(
        receiver=d.receiver,
        gateway=d.gateway,
        place=g.place,
        reason=d.reason or "undecided",
        receiver_code=d.receiver_code,
        blocklist=blocklist,
        identity=g.identity,
        temporary=d.temporary,
        count=g.count,
        outcomes=Deliveries(bounced=g.bounced, deferred=g.deferred),
        first=rfc3339(g.first),
        last=rfc3339(g.last),
        trend=trend(g.buckets, first, last),
        recipients=len(g.recipients),
        senders=top(g.senders),
        domains=top(g.domains),
        hosts=top(g.hosts),
        who_acts=d.who_acts,
        remedy=d.remedy,
        removal=d.removal,
        rule=d.rule,
        example=g.example,
    )


def top(counts: dict[str, int]) -> tuple[Count, ...]:
    """The most frequent, at most five; of equal ones the first by name."""
    best = sorted(counts.items(), key=lambda x: (-x[1], x[0]))[:TOP]
    return tuple(Count(name, n) for name, n in best)


def trend(buckets: dict[int, int], first: float | None, last: float | None) -> tuple[int, ...]:
    """Counts by bucket as counts in `SLICES` equal slices from `first` to `last`; fewer slices
    where that is less than so many buckets."""
    if first is None or last is None or not buckets:
        return ()
    begin, end = int(first) // BUCKET, int(last) // BUCKET + 1
    slices = max(1, min(SLICES, end - begin))
    out = [0] * slices
    for bucket, n in buckets.items():
        at = (bucket - begin) * slices // (end - begin)
        out[max(0, min(slices - 1, at))] += n
    return tuple(out)
