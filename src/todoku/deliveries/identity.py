"""What a log is known by, and where reading it goes on: by its bytes, not by its name.

A file that was rotated, packed or copied begins with the same bytes, so it is the same log. One that
is shorter than what a log is known by (a copy from when that was short) is known by its lines: the ends
of a log's first lines are kept, each as a hash of all before it. Pure: it takes unpacked bytes as they
come and says which of them are new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from todoku.deliveries.ledger import Move, Read

HEAD: Final = 4_096
MARK: Final = 4_096
SHORT: Final = 16
"""Bytes below which a line is no line of a log: there is a stamp in it."""
DIGITS: Final = 16
"""Of the hash of a line's end."""
AGAIN: Final = 4 << 20
"""Bytes before the position that are read again, so that the senders of messages are known."""
LONGEST: Final = 1 << 20
"""Bytes of a line that are handed out, as in `todoku.logs.opening`."""


class Bytes(NamedTuple):
    """Whole lines, in the order of the log."""

    again: bytes = b""
    """Read before, not to be counted."""
    new: bytes = b""


class Following:
    """One log, fed from its beginning."""

    def __init__(self, known: Iterable[Read], path: str, *, again: int = AGAIN) -> None:
        self._known = tuple(known)
        self._path = path
        self._keep = max(again, MARK)
        self._start: bytearray | None = bytearray()
        """What came while the head was not whole; `None` from then on."""
        self._before = bytearray()
        self._cut = False
        self._rest = b""
        self._over = 0
        """Bytes of a line that is too long: left out, and counted."""
        self._last = b""
        self._head = b""
        self._read = 0
        self._reached = False
        self.fed = 0
        """Where in the log the next bytes stand."""
        self.found: Read | None = None
        self._beginning = False
        """What was found is the beginning of another log: this one has no place in the ledger yet."""
        self.position = 0
        self.differs = False
        """It begins as a known log does, and is another at the position: nothing of it is new, and
        nothing may be stored."""

    def feed(self, data: bytes) -> Bytes:
        self.fed += len(data)
        if self._start is None:
            if len(self._head) < HEAD and not self._cut:
                self._head += data[: HEAD - len(self._head)]
            return self._take(data)
        self._start += data
        return self._begin() if len(self._start) >= HEAD else Bytes()

    def hurry(self) -> Bytes:
        """Nothing more is there yet: which log it is, is decided by what there is of it."""
        return self._begin() if self._start else Bytes()

    def end(self, final: bool = False) -> Bytes:
        """Call it once, after all bytes. A last line without its end waits for the next time, unless
        nothing more can come (`final`: of a packed file)."""
        told = self._begin() if self._start is not None else Bytes()
        if not (final and self._rest and self._reached) or self.differs:
            return told
        size, line = len(self._rest) + self._over, self._rest[:LONGEST] + b"\n"
        self._last = (self._last + self._rest)[-MARK:]
        self.position += size
        self._rest, self._over = b"", 0
        return Bytes(told.again, told.new + line)

    @property
    def held(self) -> int:
        """Bytes of a last line without its end."""
        return len(self._rest) + self._over

    @property
    def wanted(self) -> int:
        """Where to go on reading: what lies between here and there is known. Whoever can, jumps
        there and calls `jump`."""
        if self._reached or self.found is None:
            return self._read
        return max(self._read, self.found.position - self._keep)

    def jump(self, position: int) -> None:
        """The next bytes are those from here on; at most `wanted`."""
        if position > self._read:
            self._read, self._cut, self.fed = position, True, position
            self._before.clear()

    def passed(self, position: int, before: bytes) -> None:
        """Its head was fed, and others read the rest up to here, where a line ends. `before`: the bytes
        before that, as many as the mark needs."""
        self._reached, self.position, self._last = True, position, before[-MARK:]
        self._rest, self._over = b"", 0

    def committed(self, move: Move) -> None:
        """What `move` gave was stored."""
        self.found, self._beginning = move.after, False

    def move(self) -> Move | None:
        """What to commit; `None` where there is nothing new."""
        before = self.found
        if self.differs or not self._reached or self.position == (before.position if before else 0):
            return None
        # bytes past the position are half a line, which may yet be written otherwise
        head = self._head[: self.position]
        after = Read(
            len(head),
            hash_of(head),
            self.position,
            hash_of(self._last),
            self._path,
            begins=begins(head),
        )
        return Move(None if self._beginning else before, after)

    def _begin(self) -> Bytes:
        data, self._start = bytes(self._start or b""), None
        self._head = data[:HEAD]
        lengths = {r.head_length for r in self._known if 0 < r.head_length <= len(self._head)}
        heads = {n: hash_of(data[:n]) for n in lengths}
        same = (r for r in self._known if heads.get(r.head_length) == r.head)
        self.found = max(same, key=lambda r: r.head_length, default=None)
        known = self.found.head_length if self.found else 0
        if (end := self._common(known)) > known:
            self.found, self._beginning = beginning(data[:end]), True
        return self._take(data)

    def _common(self, above: int) -> int:
        """Where the lines end with which another log begins, too; 0: none beyond `above`."""
        mine = line_ends(self._head)
        if not mine or mine[-1][0] <= above:
            return 0
        first = mine[0][1]
        found = above
        for other in self._known:
            if first in other.begins:
                at = (at for at, end in reversed(mine) if at > found and end in other.begins)
                found = next(at, found)
        return found

    def _take(self, data: bytes) -> Bytes:
        if self.differs:
            return Bytes()
        again = b""
        if not self._reached:
            position = self.found.position if self.found else 0
            part = data[: position - self._read]
            self._read += len(part)
            self._before += part
            if len(self._before) > 2 * self._keep:
                del self._before[: -self._keep]
                self._cut = True
            if self._read < position:
                return Bytes()
            self._reached, self.position, data = True, position, data[len(part) :]
            self._last = bytes(self._before[-MARK:])
            if self.found and hash_of(self._last) != self.found.mark:
                self.differs = True
                return Bytes()
            again = self._again()
        return Bytes(again, self._lines(data))

    def _lines(self, data: bytes) -> bytes:
        """Whole lines. Of one that is too long its beginning is kept, and of what follows only as
        much as the mark needs."""
        size = data.rfind(b"\n") + 1
        if not size:
            self._rest += data
            extra = len(self._rest) - LONGEST - MARK
            if extra > 0:
                self._rest = self._rest[:LONGEST] + self._rest[LONGEST + extra :]
                self._over += extra
            return b""
        whole, self._rest, over = self._rest + data[:size], data[size:], self._over
        self._over = 0
        self.position += len(whole) + over
        self._last = (self._last + whole[-MARK:])[-MARK:]
        if over:  # its tail, taken for a line, would say what its writer pleases
            end = whole.find(b"\n", LONGEST)
            whole = whole[:LONGEST] + whole[end:]
        return whole

    def _again(self) -> bytes:
        """Whole lines alone: where the beginning was left out, the first is half of one."""
        cut = self._cut or len(self._before) > self._keep
        told = bytes(self._before[-self._keep :])
        self._before.clear()
        return self._preface() + told[told.find(b"\n") + 1 :] if cut else told

    def _preface(self) -> bytes:
        """The lines that begin with `#`: they name the columns of a log by Exchange."""
        lines = self._head.split(b"\n")[:-1]
        size = next((n for n, x in enumerate(lines) if x[:1] != b"#"), len(lines))
        return b"".join(x + b"\n" for x in lines[:size])


def hash_of(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def beginning(lines: bytes) -> Read:
    """What is known of a log of which only these lines are."""
    told = hash_of(lines)
    return Read(len(lines), told, len(lines), told)


def line_ends(head: bytes) -> list[tuple[int, str]]:
    """Where the lines of a log's beginning end, each with a hash of all before it. Lines by which all
    logs of a kind begin (`#Fields:`) are none."""
    found: list[tuple[int, str]] = []
    at = last = 0
    told = hashlib.blake2b(digest_size=DIGITS // 2)
    preface = True
    while end := head.find(b"\n", at) + 1:
        told.update(head[at:end])
        preface = preface and head[at : at + 1] == b"#"
        if end - last >= SHORT and not preface:
            found.append((end, told.hexdigest()))
            last = end
        at = end
    return found


def begins(head: bytes) -> str:
    """As `Read.begins` has them."""
    return "".join(end for _, end in line_ends(head))
