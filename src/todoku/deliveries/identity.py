"""What a log is known by, and where reading it goes on: by its bytes, not by its name.

A file that was rotated, packed or copied begins with the same bytes, so it is the same log. Pure:
it takes unpacked bytes as they come and says which of them are new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

from todoku.deliveries.ledger import Move, Read

HEAD: Final = 4_096
MARK: Final = 4_096
AGAIN: Final = 4 << 20
"""Bytes before the position that are read again, so that the senders of messages are known."""


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
        self._last = b""
        self._head = b""
        self._read = 0
        self._reached = False
        self.found: Read | None = None
        self.position = 0
        self.differs = False
        """It begins as a known log does, and is another at the position: nothing of it is new, and
        nothing may be stored."""

    def feed(self, data: bytes) -> Bytes:
        if self._start is None:
            return self._take(data)
        self._start += data
        return self._begin() if len(self._start) >= HEAD else Bytes()

    def end(self) -> Bytes:
        """Call it once, after all bytes. A last line without its end waits for the next time."""
        return self._begin() if self._start is not None else Bytes()

    def move(self) -> Move | None:
        """What to commit; `None` where there is nothing new."""
        before = self.found
        if self.differs or not self._reached or self.position == (before.position if before else 0):
            return None
        # bytes past the position are half a line, which may yet be written otherwise
        head = self._head[: self.position]
        after = Read(len(head), _hash(head), self.position, _hash(self._last), self._path)
        return Move(before, after)

    def _begin(self) -> Bytes:
        data, self._start = bytes(self._start or b""), None
        self._head = data[:HEAD]
        same = (
            r
            for r in self._known
            if 0 < r.head_length <= len(self._head) and _hash(data[: r.head_length]) == r.head
        )
        self.found = max(same, key=lambda r: r.head_length, default=None)
        return self._take(data)

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
            if self.found and _hash(self._last) != self.found.mark:
                self.differs = True
                return Bytes()
            again = self._again()
        data = self._rest + data
        size = data.rfind(b"\n") + 1
        new, self._rest = data[:size], data[size:]
        self.position += size
        self._last = (self._last + new[-MARK:])[-MARK:]
        return Bytes(again, new)

    def _again(self) -> bytes:
        """Whole lines alone: where the beginning was left out, the first is half of one."""
        cut = self._cut or len(self._before) > self._keep
        told = bytes(self._before[-self._keep :])
        self._before.clear()
        return told[told.find(b"\n") + 1 :] if cut else told


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
