"""What the lab's name server knows: its own domains, and blocklists (RFC 5782). No sockets."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from todoku.lab.clock import Clock
from todoku.lists import wire

PTR: Final = 12
MX: Final = 15
ANY: Final = 255
TTL: Final = 60
"""Seconds, for everything: the lab's world changes while one looks."""

Data: TypeAlias = tuple[int, bytes]
"""The type of a record, and its octets."""


def a(address: str) -> Data:
    ip = ipaddress.ip_address(address)
    return (wire.A if ip.version == 4 else wire.AAAA), ip.packed


def mx(preference: int, host: str) -> Data:
    return MX, preference.to_bytes(2, "big") + wire.name(host)


def ptr(host: str) -> Data:
    return PTR, wire.name(host)


def ns(host: str) -> Data:
    return wire.NS, wire.name(host)


def txt(text: str) -> Data:
    octets = text.encode()
    pieces = [octets[i : i + 255] for i in range(0, len(octets), 255)] or [b""]
    return wire.TXT, b"".join(bytes([len(piece)]) + piece for piece in pieces)


def soa(zone: str, serial: int) -> Data:
    times = (serial, 3600, 600, 86400, TTL)
    return wire.SOA, (
        wire.name(f"ns.{zone}")
        + wire.name(f"hostmaster.{zone}")
        + b"".join(t.to_bytes(4, "big") for t in times)
    )


class Entry(NamedTuple):
    code: str
    text: str
    until: datetime | None
    """When it expires by itself."""


class Blocklist:
    """Addresses of a list. 127.0.0.2 is always on it and 127.0.0.1 never (RFC 5782, section 5)."""

    def __init__(self, zone: str, clock: Clock) -> None:
        self.zone = zone
        self._clock = clock
        self._entries: dict[str, Entry] = {}

    def add(
        self,
        address: str,
        *,
        code: str = "127.0.0.2",
        text: str = "",
        expires: timedelta | None = None,
    ) -> None:
        address = str(ipaddress.ip_address(address))
        until = None if expires is None else self._clock.now() + expires
        text = text or f"https://{self.zone}/lookup?ip={address}"
        self._entries[address] = Entry(code, text, until)

    def remove(self, address: str) -> bool:
        """Whether it was on the list."""
        return self._entries.pop(str(ipaddress.ip_address(address)), None) is not None

    def entry(self, address: str) -> Entry | None:
        if address == "127.0.0.1":
            return None
        if address == "127.0.0.2":
            return Entry("127.0.0.2", f"{self.zone}: test entry (RFC 5782)", None)
        found = self._entries.get(address)
        if found is not None and found.until is not None and found.until <= self._clock.now():
            del self._entries[address]
            return None
        return found

    def __contains__(self, address: str) -> bool:
        return self.entry(str(ipaddress.ip_address(address))) is not None

    def find(self, front: str) -> tuple[Data, ...] | None:
        """The records of a name in front of the zone (`7.100.51.198`); `None`: no such name."""
        labels = front.split(".")[::-1]
        if len(labels) == 32:
            text = ":".join("".join(labels[i : i + 4]) for i in range(0, 32, 4))
        else:
            text = ".".join(labels)
        try:
            address = str(ipaddress.ip_address(text))
        except ValueError:
            return None
        entry = self.entry(address)
        return None if entry is None else (a(entry.code), txt(entry.text))


class Zones:
    """All names of the lab."""

    def __init__(self, clock: Clock) -> None:
        self.lists: dict[str, Blocklist] = {}
        self._clock = clock
        self._names: dict[str, list[Data]] = {}
        self._apexes: list[str] = []

    def zone(self, apex: str) -> None:
        """A zone of our own: names in it that nobody added do not exist."""
        if apex not in self._apexes:
            self._apexes.append(apex)
            serial = int(self._clock.now().timestamp())
            self.add(apex, soa(apex, serial), ns(f"ns.{apex}"))

    def add(self, name: str, *records: Data) -> None:
        self._names.setdefault(name.lower().rstrip("."), []).extend(records)

    def drop(self, name: str, kind: int | None = None) -> None:
        """Forget the records of a name (of one type)."""
        kept = [r for r in self._names.pop(name, []) if kind not in {None, r[0]}]
        if kept:
            self._names[name] = kept

    def records(self, name: str, kind: int) -> list[bytes]:
        return [data for k, data in self._names.get(name.lower().rstrip("."), []) if k == kind]

    def blocklist(self, zone: str) -> Blocklist:
        if zone not in self.lists:
            self.zone(zone)
            self.lists[zone] = Blocklist(zone, self._clock)
        return self.lists[zone]

    def respond(self, packet: bytes, limit: int = 65535) -> tuple[bytes, str, int, int] | None:
        """The answer to a question: its octets, the name, type and the number of records; `None`
        for what is no question. `limit`: octets that the answer may have."""
        try:
            asked = wire.parse(packet)
        except wire.Malformed:
            return None
        if asked.response or not asked.question:
            return None
        name = wire.text_of(asked.question[:-4])
        kind = int.from_bytes(asked.question[-4:-2], "big")
        rcode, answers, authority = self._find(name, kind)
        # Response, authoritative, recursion desired as asked.
        flags = 0x8400 | (int.from_bytes(packet[2:4], "big") & 0x0100) | rcode
        ident = packet[:2]
        # The question as it was written: the asker compares its case.
        question = packet[12 : 12 + len(asked.question)]
        out = _message(ident, flags, question, answers, authority)
        if len(out) > limit:
            out = _message(ident, flags | 0x0200, question, (), ())
        return out, name, kind, len(answers)

    def _find(self, name: str, kind: int) -> tuple[int, list[bytes], list[bytes]]:
        apex = max((z for z in self._apexes if f".{name}".endswith(f".{z}")), key=len, default=None)
        if apex is None:
            return wire.REFUSED, [], []
        found: Iterable[Data] | None = self._names.get(name)
        if found is None and apex in self.lists:
            found = self.lists[apex].find(name.removesuffix(f".{apex}"))
        soa_record = _record(apex, (wire.SOA, self.records(apex, wire.SOA)[0]))
        if found is None:
            # A name with names below it exists, though it is empty (RFC 8020).
            empty = any(n.endswith(f".{name}") for n in self._names)
            return (wire.NOERROR if empty else wire.NXDOMAIN), [], [soa_record]
        answers = [_record(name, r) for r in found if kind in {r[0], ANY}]
        return wire.NOERROR, answers, [] if answers else [soa_record]


def _record(name: str, record: Data) -> bytes:
    kind, data = record
    return (
        wire.name(name)
        + kind.to_bytes(2, "big")
        + b"\0\1"
        + TTL.to_bytes(4, "big")
        + len(data).to_bytes(2, "big")
        + data
    )


def _message(
    ident: bytes, flags: int, question: bytes, answers: Iterable[bytes], authority: Iterable[bytes]
) -> bytes:
    sections = [list(answers), list(authority)]
    counts = (1, len(sections[0]), len(sections[1]), 0)
    head = ident + flags.to_bytes(2, "big") + b"".join(c.to_bytes(2, "big") for c in counts)
    return head + question + b"".join(sections[0]) + b"".join(sections[1])
