"""DNS packets (RFC 1035): questions out of names, facts out of answers. No sockets, no clock.

Answers are written by strangers. Whatever bytes they hold, `parse` returns or raises `Malformed`,
in time that grows with their length alone: a compression pointer leads only backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from socket import AF_INET6, inet_ntop
from struct import Struct
from typing import Final, NamedTuple

from todoku.lists.values import Answer

A: Final = 1
NS: Final = 2
CNAME: Final = 5
SOA: Final = 6
MX: Final = 15
TXT: Final = 16
AAAA: Final = 28

NOERROR: Final = 0
FORMERR: Final = 1
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
REFUSED: Final = 5

MAX_TEXT: Final = 4000
"""Octets of TXT records that are kept of one answer."""

_IN: Final = b"\0\1"
_HEADER: Final = Struct(">6H").unpack_from
_FIXED: Final = Struct(">HHIH").unpack_from
"""Of a record, behind its owner: type, class, TTL, length of the data."""
_ASKED: Final = b"\xc0\x0c"
"""A pointer to the question's name."""
_CHAIN: Final = 16
"""CNAME records followed from a question."""
_WEEK: Final = 7 * 86400
"""Longest time that an answer may be kept (RFC 8767, section 4)."""


class BadName(ValueError):
    """A text that no DNS name can be."""


class Malformed(Exception):
    """Bytes that are no DNS message."""


class Record(NamedTuple):
    """One resource record of class IN. `name`, and `data` of NS, CNAME, SOA and MX, hold names
    in wire form: lower case, uncompressed."""

    name: bytes
    type: int
    ttl: int
    data: bytes


class Packet(NamedTuple):
    id: int
    response: bool
    rcode: int
    authoritative: bool
    truncated: bool
    recursion: bool
    """The server would look further (RA)."""
    question: bytes
    """The question section: name in lower case, type, class. Empty where there is none."""
    answers: tuple[Record, ...]
    authority: tuple[Record, ...]
    additional: tuple[Record, ...]


# ── out ───────────────────────────────────────────────────────────────────────────────────────


def name(text: str) -> bytes:
    """`example.com` in wire form. Raises `BadName`."""
    wire = bytearray()
    for label in text.removesuffix(".").split("."):
        if not 0 < len(label) < 64:
            raise BadName(f"{text!r}: a label has 1 to 63 characters")
        if not label.isascii():
            raise BadName(f"{text!r}: a label has ASCII characters (A-labels) alone")
        wire.append(len(label))
        wire += label.encode()
    wire.append(0)
    if len(wire) > 255:
        raise BadName(f"{text!r}: a name has at most 255 octets")
    return bytes(wire)


def text_of(wire: bytes) -> str:
    """`name` the other way round; octets that no host name has are written as `\\ddd`."""
    labels = []
    at = 0
    while wire[at]:
        label = wire[at + 1 : at + 1 + wire[at]]
        labels.append("".join(chr(c) if 32 < c < 127 and c != 46 else f"\\{c:03d}" for c in label))
        at += 1 + wire[at]
    return ".".join(labels)


def question(name_wire: bytes, qtype: int) -> bytes:
    """A question section: name, type, class IN."""
    return name_wire + qtype.to_bytes(2, "big") + _IN


def header(recursive: bool) -> bytes:
    """Octets 2 to 11 of a question's packet: flags, and that there is one question."""
    return (b"\1\0" if recursive else b"\0\0") + b"\0\1\0\0\0\0\0\0"


def query(ident: int, question: bytes, recursive: bool) -> bytes:
    return ident.to_bytes(2, "big") + header(recursive) + question


# ── in ────────────────────────────────────────────────────────────────────────────────────────


def same_question(packet: bytes, question: bytes) -> bool:
    """Whether the packet is a response to this one question (names in any case: RFC 4343)."""
    end = 12 + len(question)
    return (
        len(packet) >= end
        and packet[2] & 0xF8 == 0x80
        and packet[4:6] == b"\0\1"
        and packet[end - 4 : end] == question[-4:]
        and packet[12 : end - 4].lower() == question[:-4].lower()
    )


def parse(packet: bytes) -> Packet:
    """A message taken apart. Raises `Malformed`. Of a truncated one (TC), what is whole."""
    if len(packet) < 12:
        raise Malformed("shorter than a header")
    ident, flags, asked, *counts = _HEADER(packet)
    if asked > 1:
        raise Malformed("more than one question")
    at, section = 12, b""
    if asked:
        owner, at = _name(packet, at)
        section = owner + _octets(packet, at, 4)
        at += 4
    truncated = bool(flags & 0x0200)
    sections: list[list[Record]] = [[], [], []]
    try:
        for records, count in zip(sections, counts, strict=True):
            for _ in range(count):
                record, at = _record(packet, at, section[:-4])
                if record is not None:
                    records.append(record)
    except Malformed:
        if not truncated:
            raise
    return Packet(
        ident,
        bool(flags & 0x8000),
        flags & 15,
        bool(flags & 0x0400),
        truncated,
        bool(flags & 0x0080),
        section,
        tuple(sections[0]),
        tuple(sections[1]),
        tuple(sections[2]),
    )


def _octets(packet: bytes, at: int, count: int) -> bytes:
    found = packet[at : at + count]
    if len(found) < count:
        raise Malformed("ends within a field")
    return found


def _name(packet: bytes, at: int) -> tuple[bytes, int]:
    """The name at an offset, lower-cased and without pointers, and where the next field begins."""
    parts: list[bytes] = []
    size, after, bound = 1, -1, at
    while True:
        if at >= len(packet):
            raise Malformed("ends within a name")
        length = packet[at]
        if length >= 0xC0:
            target = int.from_bytes(_octets(packet, at, 2), "big") & 0x3FFF
            if target >= bound:
                raise Malformed("a compression pointer that does not lead backwards")
            if after < 0:
                after = at + 2
            at = bound = target
            continue
        if length > 63:
            raise Malformed("an unknown kind of label")
        if length == 0:
            parts.append(b"\0")
            return b"".join(parts).lower(), at + 1 if after < 0 else after
        parts.append(packet[at : at + length + 1])
        at += length + 1
        size += length + 1
        if size > 255:
            raise Malformed("a name of more than 255 octets")


def _record(packet: bytes, at: int, asked: bytes) -> tuple[Record | None, int]:
    """The record at an offset (`None`: of another class than IN), and where the next begins.
    `asked`: the name of the question, which most owners are."""
    if asked and packet.startswith(_ASKED, at):
        owner, at = asked, at + 2
    else:
        owner, at = _name(packet, at)
    if at + 10 > len(packet):
        raise Malformed("ends within a record")
    kind, class_, ttl, length = _FIXED(packet, at)
    at += 10
    end = at + length
    data = _octets(packet, at, length)
    if class_ != 1:
        return None, end
    whole = True
    if kind in {NS, CNAME}:
        data, at = _name(packet, at)
        whole = at == end
    elif kind == SOA:
        primary, at = _name(packet, at)
        mailbox, at = _name(packet, at)
        data = primary + mailbox + _octets(packet, at, 20)
        whole = at + 20 == end
    elif kind == MX:
        host, at = _name(packet, at + 2)
        data = data[:2] + host
        whole = at == end
    elif kind == A:
        whole = len(data) == 4
    elif kind == AAAA:
        whole = len(data) == 16
    elif kind == TXT:
        strings(data)
    if not whole:
        raise Malformed("a record of the wrong length")
    return Record(owner, kind, 0 if ttl >> 31 else ttl, data), end  # RFC 2181, section 8


def strings(data: bytes) -> list[bytes]:
    found = []
    at = 0
    while at < len(data):
        found.append(_octets(data, at + 1, data[at]))
        at += 1 + data[at]
    return found


# ── what the answer says ──────────────────────────────────────────────────────────────────────


def negative_ttl(packet: Packet) -> int | None:
    """How long "there is no such thing" may be kept (RFC 2308, section 5); `None`: not at all."""
    ends = [
        min(r.ttl, int.from_bytes(r.data[-4:], "big")) for r in packet.authority if r.type == SOA
    ]
    return min(*ends, _WEEK) if ends else None


def answering(packet: Packet) -> tuple[list[Record], list[Record]]:
    """The records that answer the question, and the CNAME records that lead to them."""
    if not packet.question:
        return [], []
    wanted, kind = packet.question[:-4], int.from_bytes(packet.question[-4:-2], "big")
    links = {r.name: r for r in packet.answers if r.type == CNAME}
    chain: list[Record] = []
    while kind != CNAME and wanted in links and len(chain) < _CHAIN:
        chain.append(links[wanted])
        wanted = links[wanted].data
    return [r for r in packet.answers if r.type == kind and r.name == wanted], chain


def address(data: bytes) -> str:
    """The data of an A or AAAA record as text."""
    return ".".join(map(str, data)) if len(data) == 4 else inet_ntop(AF_INET6, data)


def text(records: Sequence[Record]) -> str:
    """TXT records for a person: the strings of a record joined as they stand, records on lines of
    their own. What is not UTF-8 is replaced, what is longer than `MAX_TEXT` cut."""
    lines: list[bytes] = []
    left = MAX_TEXT
    for r in records:
        line = b"".join(strings(r.data))[:left]
        lines.append(line)
        left -= len(line) + 1
        if left <= 0:
            break
    return b"\n".join(lines).decode("utf-8", "replace")


def answer_of(packet: bytes, *, asked: str, server: str, took: float | None, at: float) -> Answer:
    """The facts of a response."""
    try:
        parsed = parse(packet)
    except Malformed:
        return Answer(rcode=FORMERR, malformed=True, asked=asked, server=server, took=took, at=at)
    found, chain = answering(parsed)
    if found:
        ttl = min(*(r.ttl for r in (*found, *chain)), _WEEK)
    else:
        ttl = negative_ttl(parsed) or 0
        ttl = min([ttl, *(r.ttl for r in chain)])
    return Answer(
        rcode=parsed.rcode,
        addresses=tuple(address(r.data) for r in found if r.type in {A, AAAA}),
        text=text(found) if found and found[0].type == TXT else None,
        truncated=parsed.truncated,
        ttl=ttl,
        asked=asked,
        server=server,
        took=took,
        at=at,
    )
