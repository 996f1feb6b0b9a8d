"""Which list was consulted, by its zone or by one of its names."""

from __future__ import annotations

import functools

from todoku.diagnosis.weighing import Found
from todoku.knowledge.schema import ListEntry, Rule
from todoku.lazy import expression
from todoku.model import Blocklist, Evidence

_NAME = expression(rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,10}")
_NOT_PLAIN = expression(r"[^a-z0-9]+")
_MOST_LABELS = 6


class ListBook:
    """The lists of a knowledge, by id, zone and name."""

    def __init__(self, lists: tuple[ListEntry, ...]) -> None:
        self._lists = lists
        self._by_id = {e.id: e for e in lists}

    @functools.cached_property
    def _zones(self) -> dict[str, ListEntry]:
        out: dict[str, ListEntry] = {}
        for entry in self._lists:
            for zone in entry.zones:
                out.setdefault(zone.lower(), entry)
        return out

    @functools.cached_property
    def _names(self) -> dict[str, ListEntry]:
        out: dict[str, ListEntry] = {}
        for entry in self._lists:
            for name in (entry.name, *entry.names, entry.id):
                out.setdefault(_plain(name), entry)
        return out

    def consulted(
        self, found: Found, rule: Rule, reason: str, evidence: list[Evidence]
    ) -> tuple[Blocklist | None, ListEntry | None]:
        """The list that the text or the rule names, and what the knowledge holds of it."""
        if name := found.group("list"):
            self._show(found, name, found.match.start("list"), evidence)
            return self._named(name.strip("."), rule)
        if rule.list:
            entry = self._by_id.get(rule.list)
            if entry is None:  # a receiver's own
                return Blocklist(rule.list, None, rule.list_class or "abuse"), None
            return _of(entry, entry.zones[0] if entry.zones else None, rule), entry
        if reason == "listed":
            for m in _NAME.finditer(found.raw):
                name = m[0].decode()
                if entry := self._of_zone(name):
                    self._show(found, name, m.start(), evidence)
                    return _of(entry, _without_key(name, entry), rule), entry
        return None, None

    def _named(self, name: str, rule: Rule) -> tuple[Blocklist, ListEntry | None]:
        entry = self._of_zone(name) or self._names.get(_plain(name))
        if entry is not None:
            zone = _without_key(name, entry) or _above(name, entry)
            return _of(entry, zone or (entry.zones[0] if entry.zones else None), rule), entry
        zone = name.lower() if "." in name else None
        return Blocklist(zone or _plain(name), zone, rule.list_class or "abuse"), None

    def _of_zone(self, name: str) -> ListEntry | None:
        """The list of a zone, or of a name below one (a private key stands in front)."""
        labels = name.lower().strip(".").split(".")
        for i in range(max(0, len(labels) - _MOST_LABELS), len(labels) - 1):
            if entry := self._zones.get(".".join(labels[i:])):
                return entry
        return None

    def _show(self, found: Found, name: str, start: int, evidence: list[Evidence]) -> None:
        """Mark the list's name in the text, without a private key in front of its zone."""
        end = start + len(name.encode())
        if (entry := self._of_zone(name)) and (zone := _without_key(name, entry)):
            start = end - len(zone)
        evidence.append(Evidence("blocklist", found.position(start), found.position(end)))


def _of(entry: ListEntry, zone: str | None, rule: Rule) -> Blocklist:
    return Blocklist(entry.id, zone, rule.list_class or entry.list_class)


def _plain(name: str) -> str:
    return _NOT_PLAIN.sub("-", name.lower()).strip("-")


def _above(name: str, entry: ListEntry) -> str | None:
    """The name as printed, where it is that of a zone above those that are known."""
    low = name.lower().strip(".")
    return low if any(zone.lower().endswith("." + low) for zone in entry.zones) else None


def _without_key(name: str, entry: ListEntry) -> str | None:
    """The zone as known: what stands in front of it can be a receiver's private key."""
    low = "." + name.lower().strip(".")
    for zone in sorted(entry.zones, key=len, reverse=True):
        if low.endswith("." + zone.lower()):
            return zone
    return None
