"""A run of `todoku check`, gathered for a person: single identities whole, ranges as groups.

A sweep of 65,536 addresses at 60 lists makes millions of answers; what is kept of it is a row for
each kind of entry, the addresses that have it, and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from todoku.lists.outcome import Grade, counts, grade, weight
from todoku.lists.values import Clean, Target, Unclear
from todoku.model import Entry, Finding, Subject, UnknownCause

ORDER: dict[Grade, int] = {"listed": 0, "wide": 1, "unknown": 2, "noted": 3, "clear": 4}


class Single:
    """One identity and what each list says of it."""

    def __init__(self, subject: Subject, places: Mapping[str, int]) -> None:
        """`places`: of the lists, the one that matters most first."""
        self.subject = subject
        self._places = places
        self.findings: list[Finding] = []
        self.dearest: Mapping[str, int] = {}
        """Lists in the order in which a listing there costs mail, where that was asked for."""

    @property
    def value(self) -> str:
        return self.subject.value

    def of(self, *grades: Grade) -> list[Finding]:
        """Those of these grades, the heaviest first."""
        found = [f for f in self.findings if grade(f) in grades]
        return sorted(
            found,
            key=lambda f: (-weight(f.entries), self._places.get(f.list, len(self._places)), f.list),
        )

    @property
    def listed(self) -> list[Finding]:
        return self.of("listed", "wide")

    @property
    def unknown(self) -> list[Finding]:
        return self.of("unknown")

    @property
    def clear(self) -> list[Finding]:
        """Of lists that would name it if it were bad."""
        return [f for f in self.of("clear") if f.role != "allow"]

    @property
    def allow(self) -> list[Finding]:
        return [f for f in self.findings if f.role == "allow" and f.state != "unknown"]

    def rows(self) -> list[tuple[Finding, Entry]]:
        """Its listings, by how much they matter: to those one writes to, where that is known
        (`dearest`), else to mail systems at large."""
        found = [(f, e) for f in self.listed for e in f.entries if counts(e)]
        last = len(self.dearest)

        def matters(row: tuple[Finding, Entry]) -> tuple[int, int, float, str]:
            f, e = row
            return self.dearest.get(f.list, last), _rank(e), -(e.weight or 0.0), f.list

        return sorted(found, key=matters)

    def notes(self) -> list[tuple[Finding, Entry]]:
        """What lists say that is neither good nor bad."""
        return [
            (f, e) for f in self.findings if f.role != "allow"
            for e in f.entries if e.class_ == "info"
        ]  # fmt: skip

    def state(self) -> Grade:
        """The worst of it; an identity of which nothing is known is unknown."""
        grades = {grade(f) for f in self.findings} or {"unknown"}
        return min(grades, key=ORDER.__getitem__)


def _rank(e: Entry) -> int:
    return ("abuse", "policy", "range").index(e.class_) if counts(e) else 3


class Unknown(NamedTuple):
    """A list that could not answer, for how many identities, and the proof."""

    list_id: str
    cause: UnknownCause
    detail: str | None
    codes: tuple[str, ...]
    of: list[str]
    """The identities; of a range only the first few."""
    number: int


class Group:
    """One kind of entry in a range, and who has it."""

    def __init__(self, finding: Finding, entry: Entry) -> None:
        self.finding = finding
        self.entry = entry
        self.addresses: list[int] = []


class Swept:
    """One range."""

    def __init__(self, given: str, network: str) -> None:
        import ipaddress

        self.given = given
        net = ipaddress.ip_network(network)
        self.network = str(net)
        self.version = net.version
        self.size = net.num_addresses
        self.first, self.last = int(net.network_address), int(net.broadcast_address)
        self.groups: dict[tuple[str, str], Group] = {}
        self.listed: set[int] = set()
        """Addresses with any listing."""
        self.listing: set[str] = set()
        """Lists with any."""
        self.unanswered = 0
        self.clean: dict[str, int] = {}

    def add(self, f: Finding, address: int) -> None:
        for e in f.entries:
            if counts(e):
                key = f.list, f"{e.list}\0{e.code}\0{e.class_}"
                group = self.groups.get(key)
                if group is None:
                    group = self.groups[key] = Group(f, e)
                group.addresses.append(address)
                self.listed.add(address)
                self.listing.add(f.list)

    def rows(self) -> list[Group]:
        return sorted(
            self.groups.values(),
            key=lambda g: (_rank(g.entry), -(g.entry.weight or 0.0), g.finding.list, g.entry.code),
        )


class Board:
    """All of a run."""

    def __init__(self, targets: Iterable[Target], lists: Iterable[str] = ()) -> None:
        """`lists`: those that are asked, the one that matters most first."""
        self._places = {name: n for n, name in enumerate(lists)}
        self.singles: dict[str, Single] = {}
        self.swept: dict[str, Swept] = {}
        for t in targets:
            if t.subject is not None:
                self.singles.setdefault(t.subject.value, Single(t.subject, self._places))
            elif t.range is not None:
                self.swept.setdefault(t.given, Swept(t.given, t.range))
        self.stopped = False
        """The run did not come to its end."""
        self._unknown: dict[tuple[str, UnknownCause, str | None], Unknown] = {}

    def add(self, f: Finding) -> None:
        if f.identity.kind == "range":
            self._add_range(f)
            return
        single = self.singles.get(f.identity.value)
        if single is None:
            found = self._range_of(f)
            if found is not None:
                swept, address = found
                if f.state == "unknown":
                    swept.unanswered += 1
                    self._add_unknown(f)
                else:
                    swept.add(f, address)
                return
            # An address of a host name that was given.
            single = self.singles[f.identity.value] = Single(f.identity, self._places)
        single.findings.append(f)
        if f.state == "unknown":
            self._add_unknown(f)

    def _add_range(self, f: Finding) -> None:
        """A list that was not asked about a range at all."""
        for swept in self.swept.values():
            if swept.network == f.identity.value and f.state == "unknown":
                swept.unanswered += swept.size
                self._add_unknown(f, swept.size)

    def _add_unknown(self, f: Finding, number: int = 1) -> None:
        cause = f.cause or "timeout"
        key = f.list, cause, f.detail
        seen = self._unknown.get(key)
        if seen is None:
            self._unknown[key] = Unknown(*key, f.codes, [f.identity.value], number)
            return
        if len(seen.of) < 4:
            seen.of.append(f.identity.value)
        self._unknown[key] = seen._replace(number=seen.number + number)

    def count(self, c: Clean | Unclear) -> None:
        """What a list says, or does not, of all addresses of a range that have no finding."""
        swept = self.swept.get(c.given)
        if swept is None:
            return
        if isinstance(c, Clean):
            swept.clean[c.list] = swept.clean.get(c.list, 0) + c.number
            return
        swept.unanswered += c.number
        key = c.list, c.cause, None
        seen = self._unknown.get(key, Unknown(*key, (), [swept.network], 0))
        self._unknown[key] = seen._replace(number=seen.number + c.number)

    def _range_of(self, f: Finding) -> tuple[Swept, int] | None:
        if not self.swept or f.identity.kind != "ip":
            return None
        import ipaddress

        ip = ipaddress.ip_address(f.identity.value)
        number = int(ip)
        for s in self.swept.values():
            if s.version == ip.version and s.first <= number <= s.last:
                return s, number
        return None

    def unknown(self) -> list[Unknown]:
        return list(self._unknown.values())

    def findings(self) -> Iterator[Finding]:
        for s in self.singles.values():
            yield from s.findings
