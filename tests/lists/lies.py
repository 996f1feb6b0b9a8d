"""What a name server can say: the truth about a list (RFC 5782), and every way to lie about one
that a checker meets.

A zone has a *behaviour*: a function of a question to the packets that are sent. Behaviours take
others: `late(2, lists("203.0.114.9"))`. Packets are made by hand, so that they can be as wrong as
they like.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

A, NS, CNAME, SOA, TXT, AAAA = 1, 2, 5, 6, 16, 28
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
TYPES: Final = {"A": A, "NS": NS, "CNAME": CNAME, "SOA": SOA, "TXT": TXT, "AAAA": AAAA}
DAY: Final = 86400


class Question(NamedTuple):
    """One question as it came. `front` is what stands before the zone, lower-cased."""

    id: int
    recursion: bool
    name: str
    type: int
    section: bytes
    edns: bool
    tcp: bool
    source: tuple[str, int]
    at: float
    zone: str = ""
    front: str = ""


def read_question(data: bytes, source: tuple[str, int], tcp: bool) -> Question | None:
    """`None` for what is no question: a server keeps silent to it."""
    if len(data) < 17 or data[2] & 0x80:
        return None
    number, flags, questions, _, _, additional = struct.unpack_from("!6H", data)
    at, labels = 12, []
    while at < len(data) and data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode("ascii", "replace").lower())
        at += 1 + data[at]
    if questions != 1 or at + 5 > len(data):
        return None
    kind = int.from_bytes(data[at + 1 : at + 3], "big")
    recursion, edns = bool(flags & 0x0100), additional > 0
    name, section = ".".join(labels), data[12 : at + 5]
    return Question(number, recursion, name, kind, section, edns, tcp, source, time.monotonic())


class Packet(NamedTuple):
    """One packet to send: after so many seconds, or from another port than was asked."""

    data: bytes
    after: float = 0.0
    elsewhere: bool = False


HANG_UP: Final = Packet(b"\0hang up")
"""By TCP: the connection is closed without an answer."""

Behaviour = Callable[[Question], Sequence[Packet]]


# ── what stands in packets ────────────────────────────────────────────────────────────────────


def wire_name(name: str) -> bytes:
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


class Record(NamedTuple):
    type: int
    data: bytes
    ttl: int = 300
    owner: bytes = b"\xc0\x0c"
    """The name of the question, by a pointer to it."""

    def wire(self) -> bytes:
        head = struct.pack("!HHIH", self.type, 1, self.ttl, len(self.data))
        return self.owner + head + self.data


def a(address: str, ttl: int = 300) -> Record:
    return Record(A, socket.inet_aton(address), ttl)


def txt(*strings: str | bytes, ttl: int = 300) -> Record:
    """One record; strings longer than 255 bytes are cut into several."""
    parts = []
    for s in strings:
        raw = s if isinstance(s, bytes) else s.encode()
        parts += [raw[i : i + 255] for i in range(0, len(raw), 255)] or [b""]
    return Record(TXT, b"".join(bytes([len(p)]) + p for p in parts), ttl)


def soa(zone: str, minimum: int = 120, ttl: int = 600) -> Record:
    names = wire_name(f"ns1.{zone}") + wire_name(f"hostmaster.{zone}")
    numbers = struct.pack("!5I", 1, 3600, 600, DAY, minimum)
    return Record(SOA, names + numbers, ttl, wire_name(zone))


def reply(
    q: Question,
    answers: Iterable[Record] = (),
    authority: Iterable[Record] = (),
    rcode: int = NOERROR,
    *,
    number: int | None = None,
    section: bytes | None = None,
    truncated: bool = False,
) -> bytes:
    """An answer in good form, unless told otherwise. TC is set over UDP only."""
    answers, authority = list(answers), list(authority)
    flags = 0x8480 | (0x0100 if q.recursion else 0) | rcode
    if truncated and not q.tcp:
        flags |= 0x0200
        answers, authority = [], []
    head = (q.id if number is None else number, flags, 1, len(answers), len(authority), 0)
    records = b"".join(r.wire() for r in answers + authority)
    return struct.pack("!6H", *head) + (q.section if section is None else section) + records


def front_of(identity: str) -> str:
    """What is asked of a list for an address or a domain: reversed octets, nibbles, or itself."""
    try:
        address = ipaddress.ip_address(identity)
    except ValueError:
        return identity.lower()
    # "2.0.0.127.in-addr.arpa"
    return address.reverse_pointer.rsplit(".", 2)[0]


# ── a list in good form ───────────────────────────────────────────────────────────────────────

POINTS: Final = {"ipv4": "127.0.0.2", "ipv6": "::ffff:127.0.0.2", "domain": "test"}
"""What each kind of list always lists (RFC 5782, section 5)."""


def lists(
    *identities: str,
    codes: str | Sequence[str] = "127.0.0.2",
    text: str | bytes | Sequence[str | bytes] | None = "https://list.example/?{0}",
    kinds: Sequence[str] = ("ipv4",),
    ttl: int = 300,
    negative: int = 120,
    servers: Mapping[str, str] | None = None,
    nodata: bool = False,
) -> Behaviour:
    """A list that tells the truth: it holds its test points and these addresses, networks and
    domains. `servers`: names of its own name servers before the zone, with their addresses.
    `nodata`: what is not listed gets NOERROR and no record. Several texts are several records."""
    networks = [ipaddress.ip_network(i) for i in identities if "/" in i]
    held = {front_of(i) for i in identities if "/" not in i} | {front_of(POINTS[k]) for k in kinds}
    codes = [codes] if isinstance(codes, str) else list(codes)
    texts = [text] if isinstance(text, (str, bytes)) else list(text or ())

    def holds(front: str) -> bool:
        if front in held:
            return True
        address = _address(front) if networks else None
        return any(address in n for n in networks) if address else False

    def behave(q: Question) -> Sequence[Packet]:
        at = [soa(q.zone, negative)]
        if not q.front and q.type in (SOA, NS):
            names = [Record(NS, wire_name(f"{n}.{q.zone}"), ttl) for n in servers or {}]
            return [Packet(reply(q, [soa(q.zone, negative)] if q.type == SOA else names))]
        if servers and q.front in servers:
            found = [a(servers[q.front], ttl)] if q.type == A else []
            return [Packet(reply(q, found, [] if found else at))]
        if not holds(q.front):
            return [Packet(reply(q, (), at, NOERROR if nodata or not q.front else NXDOMAIN))]
        if q.type == A:
            return [Packet(reply(q, [a(code, ttl) for code in codes]))]
        if q.type == TXT and texts:
            said = [t.format(q.front) if isinstance(t, str) else t for t in texts]
            return [Packet(reply(q, [txt(t, ttl=ttl) for t in said]))]
        return [Packet(reply(q, (), at))]

    return behave


def _address(front: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    labels = front.split(".")[::-1]
    with suppress(ValueError):
        if len(labels) == 4:
            return ipaddress.IPv4Address(".".join(labels))
        if len(labels) == 32:
            return ipaddress.IPv6Address(int("".join(labels), 16))
    return None


def but(inner: Behaviour, others: Mapping[str, Behaviour]) -> Behaviour:
    """As `inner`, except where it is asked for these identities."""
    odd = {front_of(identity): behaviour for identity, behaviour in others.items()}
    return lambda q: odd.get(q.front, inner)(q)


def only(kind: str, behaviour: Behaviour, inner: Behaviour) -> Behaviour:
    """As `inner`, except where it is asked for records of this type."""
    return lambda q: (behaviour if q.type == TYPES[kind] else inner)(q)


def keyed(key: str, inner: Behaviour, otherwise: Behaviour) -> Behaviour:
    """A zone that wants a key as its last label: `<query>.<key>.<zone>`."""

    def behave(q: Question) -> Sequence[Packet]:
        front, _, last = q.front.rpartition(".")
        if last != key:
            return otherwise(q)
        return inner(q._replace(front=front, zone=f"{key}.{q.zone}"))

    return behave


# ── one answer to everything ──────────────────────────────────────────────────────────────────


def addresses(*codes: str, text: str | bytes | None = None, ttl: int = 300) -> Behaviour:
    """Whatever is asked is found, with these A records: a list that lists the world, an error
    code, a parked domain."""

    def behave(q: Question) -> Sequence[Packet]:
        if q.type == A:
            return [Packet(reply(q, [a(code, ttl) for code in codes]))]
        found = [txt(text, ttl=ttl)] if q.type == TXT and text is not None else []
        return [Packet(reply(q, found, [] if found else [soa(q.zone)]))]

    return behave


def world() -> Behaviour:
    return addresses("127.0.0.2", text="listed, as is everything")


def empty(minimum: int = 120, rcode: int = NXDOMAIN) -> Behaviour:
    """Nothing is found, not even the test points."""
    return lambda q: [Packet(reply(q, (), [soa(q.zone, minimum)], rcode))]


def fails(rcode: int) -> Behaviour:
    """SERVFAIL, REFUSED, FORMERR, NOTIMP."""
    return lambda q: [Packet(reply(q, rcode=rcode))]


def silent() -> Behaviour:
    return lambda q: []


def alias(*targets: str, then: Sequence[str] = ("127.0.0.2",)) -> Behaviour:
    """The name is an alias of another, and so on; the last has these A records."""

    def behave(q: Question) -> Sequence[Packet]:
        owner = Record(0, b"").owner
        chain = []
        for target in targets:
            chain.append(Record(CNAME, wire_name(target), 300, owner))
            owner = wire_name(target)
        ends = [a(code)._replace(owner=owner) for code in then] if q.type == A else []
        return [Packet(reply(q, chain + ends))]

    return behave


def records(*found: Record, rcode: int = NOERROR) -> Behaviour:
    """These records, whatever is asked."""
    return lambda q: [Packet(reply(q, found, rcode=rcode))]


def rotating(*codes: str) -> Behaviour:
    """The same A records in another order each time."""
    turn = itertools.count()

    def behave(q: Question) -> Sequence[Packet]:
        first = next(turn) % len(codes) if q.type == A else 0
        return addresses(*codes[first:], *codes[:first], text="turns")(q)

    return behave


def raw(*packets: bytes | Callable[[Question], bytes]) -> Behaviour:
    """These bytes, behind the id of the question where they are a function of it."""
    return lambda q: [Packet(p if isinstance(p, bytes) else p(q)) for p in packets]


def loop() -> Behaviour:
    """A compression pointer to itself, as the owner of the answer and inside its data."""

    def behave(q: Question) -> bytes:
        here = 12 + len(q.section)
        owner = struct.pack("!H", 0xC000 | here)
        cname = Record(CNAME, owner, 300, owner)
        return reply(q, [cname, a("127.0.0.2")._replace(owner=owner)])

    return raw(behave)


def cut_off() -> Behaviour:
    """The header promises more than comes."""
    return lambda q: [Packet(addresses("127.0.0.2", text="cut off")(q)[0].data[:-3])]


def garbage(length: int = 200) -> Behaviour:
    """The right id, and noise."""
    return raw(lambda q: q.id.to_bytes(2, "big") + os.urandom(length))


# ── a behaviour, sent wrongly ─────────────────────────────────────────────────────────────────


def late(seconds: float, inner: Behaviour) -> Behaviour:
    return lambda q: [p._replace(after=p.after + seconds) for p in inner(q)]


def duplicated(inner: Behaviour, times: int = 2) -> Behaviour:
    return lambda q: [*inner(q)] * times


def elsewhere(inner: Behaviour) -> Behaviour:
    """From another port than was asked."""
    return lambda q: [p._replace(elsewhere=True) for p in inner(q)]


def wrong_id(inner: Behaviour) -> Behaviour:
    return lambda q: [
        p._replace(data=bytes([p.data[0] ^ 0x55, p.data[1]]) + p.data[2:]) for p in inner(q)
    ]


def wrong_question(inner: Behaviour, name: str = "2.0.0.127.elsewhere.test") -> Behaviour:
    """The right id, and an answer to another question."""
    section = wire_name(name) + struct.pack("!HH", A, 1)
    return lambda q: inner(q._replace(section=section))


def no_question(inner: Behaviour) -> Behaviour:
    """QDCOUNT 0, as some servers answer errors."""
    return lambda q: [
        p._replace(data=p.data[:4] + b"\0\0" + p.data[6:12] + p.data[12 + len(q.section) :])
        for p in inner(q)
    ]


def not_an_answer(inner: Behaviour) -> Behaviour:
    """QR is not set."""
    return lambda q: [
        p._replace(data=p.data[:2] + bytes([p.data[2] & 0x7F]) + p.data[3:]) for p in inner(q)
    ]


def odd_case(inner: Behaviour) -> Behaviour:
    """The question comes back in the other case."""
    return lambda q: inner(q._replace(section=q.section[:-4].swapcase() + q.section[-4:]))


def truncated(inner: Behaviour, tcp: Behaviour | None = None) -> Behaviour:
    """TC by UDP; by TCP the whole answer, or another behaviour: `silent()`, `hang_up()`."""

    def behave(q: Question) -> Sequence[Packet]:
        if q.tcp:
            return (tcp or inner)(q)
        return [Packet(reply(q, truncated=True))]

    return behave


def hang_up() -> Behaviour:
    return lambda q: [HANG_UP]


def then(*behaviours: Behaviour) -> Behaviour:
    """The first time as the first, and so on; from then on as the last. Each name by itself."""
    seen: Counter[tuple[str, int]] = Counter()

    def behave(q: Question) -> Sequence[Packet]:
        seen[q.name, q.type] += 1
        return behaviours[min(seen[q.name, q.type], len(behaviours)) - 1](q)

    return behave


def drops(every: int, inner: Behaviour) -> Behaviour:
    """Every nth question gets no answer."""
    turn = itertools.count(1)
    return lambda q: inner(q) if next(turn) % every else []


def no_edns(inner: Behaviour) -> Behaviour:
    """FORMERR where the question has an OPT record, as old servers do."""
    return lambda q: fails(FORMERR)(q) if q.edns else inner(q)


def both(*behaviours: Behaviour) -> Behaviour:
    """All of their packets, in this order."""
    return lambda q: [packet for behaviour in behaviours for packet in behaviour(q)]
