"""How far a range was asked at a list: a bit for each address, and what was found.

A `Sweep` is filled in memory and saved every few seconds. A save is one transaction, so whoever
dies at any point leaves a file in which every address whose bit is set has its listing beside it;
what was answered since the last save is asked again. Bits only ever come to be set: two processes
at the same range unite theirs at every save.
"""

from __future__ import annotations

import ipaddress
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from todoku.lists import history
from todoku.lists.history import Seen
from todoku.lists.kept_file import blob
from todoku.lists.values import Answer
from todoku.model import Finding, ListingState, Subject, UnknownCause

WITHIN: Final = 86_400.0
"""Seconds. A sweep that was stopped goes on if it was saved this recently; what it knows would be
too old otherwise."""
KEPT: Final = 2
"""Finished sweeps of a range at a list that are kept, to be compared."""
STANDSTILL: Final = 30 * 86_400.0
"""Seconds after which a sweep that nobody saved is cleared away."""
LARGEST: Final = 1 << 24
"""Addresses (a /8): two megabytes of bits in each save."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Answer).decode
_DIGITS: Final = bytes.maketrans(b"\0\1", b"01")
_FLAGS: Final = bytes.maketrans(b"01", b"\0\1")


class Hit(NamedTuple):
    """More than "no such name" came back for this address (an integer)."""

    address: int
    state: ListingState
    answer: Answer


class Sweep:
    """One range at one list through one upstream. Addresses are integers, as `ipaddress` makes
    them. `unknown` counts, by cause, what got no answer; such addresses keep no bit, so that who
    goes on asks them again."""

    def __init__(self, network: str, list_id: str, upstream: str, now: float) -> None:
        net = ipaddress.ip_network(network)
        if net.num_addresses > LARGEST:
            raise ValueError(network)
        self.network = network
        self.list = list_id
        self.upstream = upstream
        self.started = now
        self.updated = now
        self.finished: float | None = None
        self.unknown: Counter[UnknownCause] = Counter()
        self.size = net.num_addresses
        self._id = 0
        self._net = net
        self._kind = type(net.network_address)
        self._first = int(net.network_address)
        self._answered = bytearray(self.size)  # a byte each: quicker to set than a bit
        self._unsaved: dict[int, tuple[Answer, Seen]] = {}
        self.before: frozenset[int] = frozenset()
        """What history had as listed when this run began."""
        self._listed: set[int] = set()
        """Of those, what this sweep has not come to yet."""

    @property
    def done(self) -> int:
        """Addresses that were answered."""
        return self._answered.count(1)

    @property
    def answered(self) -> bytearray:
        """A byte for each address from the first on: 1 where it was answered."""
        return self._answered

    def has(self, address: int) -> bool:
        """Whether it was answered."""
        return self._answered[address - self._first] == 1

    def missing(self) -> Iterator[int]:
        """What has no answer yet, in order; answers may come while this is walked through."""
        place = self._answered.find(0)
        while place >= 0:
            yield self._first + place
            place = self._answered.find(0, place + 1)

    def absent(self, addresses: Iterable[int]) -> None:
        """The list does not have these."""
        answered, first = self._answered, self._first
        for address in addresses:
            answered[address - first] = 1

    def found(self, address: int, answer: Answer, finding: Finding) -> None:
        """Something came back for this one, listing or not; `finding` is what it means."""
        self._answered[address - self._first] = 1
        self._unsaved[address] = answer, history.seen(finding)

    def subject(self, address: int) -> Subject:
        return Subject("ip", str(self._kind(address)))

    # ── in the file, within a transaction of `kept` ───────────────────────────────────────────

    def open(self, db: sqlite3.Connection, now: float, *, restart: bool, within: float) -> None:
        """Take over from the one that was stopped, or be entered as a new one."""
        if restart or not self.take_over(db, now, within=within):
            self._id = db.execute(
                "INSERT INTO sweeps (network, list, upstream, started, updated, answered, unknown)"
                " VALUES (?, ?, ?, ?, ?, ?, '{}') RETURNING id",
                (self.network, self.list, self.upstream, now, now, packed(bytes(self.size))),
            ).fetchone()[0]
        listed = (ipaddress.ip_address(value) for value in history.listed_at(db, self.list))
        self.before = frozenset(int(a) for a in listed if a in self._net)
        self._listed = {a for a in self.before if not self.has(a)}

    def take_over(self, db: sqlite3.Connection, now: float, *, within: float) -> bool:
        """Go on from the one that was stopped, where there is one that still holds."""
        row = db.execute(
            "SELECT id, started, updated, finished, answered FROM sweeps"
            " WHERE network = ? AND list = ? AND upstream = ? ORDER BY id DESC LIMIT 1",
            (self.network, self.list, self.upstream),
        ).fetchone()
        if row is None or row[3] is not None or abs(now - row[2]) > within:
            return False
        self._id, self.started, self.updated = row[:3]
        self._unite(blob(row[4]))
        return True

    def save(self, db: sqlite3.Connection, now: float, *, finished: bool) -> None:
        """Write what was answered since the last save; `saved` is called when it is committed."""
        history.record(db, self._news(now), now)
        row = db.execute("SELECT answered FROM sweeps WHERE id = ?", (self._id,)).fetchone()
        if row is None:
            return  # cleared away after a long standstill: it is no longer kept
        self._unite(blob(row[0]))
        db.execute(
            "UPDATE sweeps SET answered = ?, unknown = ?, updated = ?,"
            " finished = coalesce(?, finished) WHERE id = ?",
            (packed(self._answered), msgspec.json.encode(self.unknown).decode(), now,
             now if finished else None, self._id),
        )  # fmt: skip
        db.executemany(
            "INSERT OR REPLACE INTO hits (sweep, place, state, answer) VALUES (?, ?, ?, ?)",
            [
                (self._id, address - self._first, seen.state, _encode(answer))
                for address, (answer, seen) in self._unsaved.items()
            ],
        )
        if finished:
            self._clear(db, now)

    def saved(self, now: float, *, finished: bool) -> None:
        self.updated = now
        if finished:
            self.finished = now
        self._unsaved.clear()
        self._listed = {address for address in self._listed if not self.has(address)}

    def hits(self, db: sqlite3.Connection, behind: int | None, most: int) -> list[Hit]:
        """What was found and saved, in order of the addresses, from behind one of them."""
        rows = db.execute(
            "SELECT place, state, answer FROM hits WHERE sweep = ? AND place > ?"
            " ORDER BY place LIMIT ?",
            (self._id, -1 if behind is None else behind - self._first, most),
        )
        return [Hit(self._first + place, state, answer) for place, state, answer in map(_hit, rows)]

    def _news(self, now: float) -> list[tuple[Subject, str, Seen]]:
        """What history learns from the answers since the last save. A range is not a row an
        address: only what is listed, or was, has one."""
        news = {a: Seen("not-listed", now) for a in self._listed if self.has(a)}
        news |= {
            address: seen
            for address, (_, seen) in self._unsaved.items()
            if seen.state == "listed" or address in self._listed
        }
        return [(self.subject(address), self.list, seen) for address, seen in news.items()]

    def _unite(self, bits: bytes) -> None:
        stored = int.from_bytes(unpacked(bits, self.size), "little")
        mine = int.from_bytes(self._answered, "little") | stored
        self._answered[:] = mine.to_bytes(self.size, "little")

    def _clear(self, db: sqlite3.Connection, now: float) -> None:
        """Of this range, list and upstream, the last finished ones stay, and what may be alive."""
        rows = db.execute(
            "SELECT id, finished, updated FROM sweeps"
            " WHERE network = ? AND list = ? AND upstream = ? ORDER BY id DESC",
            (self.network, self.list, self.upstream),
        ).fetchall()
        finished = [number for number, end, _ in rows if end is not None]
        halted = [n for n, end, last in rows if end is None and last < now - STANDSTILL]
        old = [(number,) for number in (*finished[KEPT:], *halted)]
        db.executemany("DELETE FROM hits WHERE sweep = ?", old)
        db.executemany("DELETE FROM sweeps WHERE id = ?", old)


def _hit(row: Sequence[object]) -> tuple[int, ListingState, Answer]:
    place, state = msgspec.convert(row[:2], tuple[int, ListingState])
    return place, state, _decode(blob(row[2]))


def packed(flags: bytes | bytearray) -> bytes:
    """A bit for each byte (0 or 1), the first one the lowest bit of the first byte. By way of a
    number in base 2: no loop in Python, a quarter of a millisecond for a /16."""
    number = int(flags.translate(_DIGITS)[::-1], 2) if flags else 0
    return number.to_bytes((len(flags) + 7) // 8, "little")


def unpacked(bits: bytes, size: int) -> bytes:
    """The other way: `size` bytes of 0 or 1."""
    digits = f"{int.from_bytes(bits, 'little'):0{size}b}"[::-1][:size]
    return digits.encode().translate(_FLAGS)
