"""What the lines of a message tell apart from its deliveries, kept in bounded memory.

The lines are kept as they stand and read when a delivery of the message was refused: of most
messages none was. They are kept by cell, which is some megabytes of a log, and forgotten when
`CELLS` others came; a queue manager that tries again names the sender again. So what is known at a
place of a log hangs on nothing but the cells before it, and whoever begins to read in the middle
can look them up (`Earlier`).
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator
from typing import Final, Protocol

from todoku.lazy import expression
from todoku.logs.values import Message
from todoku.reading.logs.syslog import text

CELL: Final = 4 << 20
"""Bytes of a log, unpacked, at whose end a cell turns."""
CELLS: Final = 8
"""Cells before the one that is read of which the messages are known: seven minutes of a server that
writes a thousand lines a second."""
_LONGEST: Final = 1_500
"""Bytes of lines kept of a message: a queue manager repeats its own for days."""
_CUT: Final = 700
"""Bytes kept of a line."""

_BEGIN: Final = frozenset(b"cu")
"""`client=`, `uid=`: a new message begins."""
_S: Final = ord("s")
_NAMES: Final = b"from=<"
_ALSO: Final = b"\nfrom=<"
_MOST_FROM: Final = 600
_FROM: Final = expression(
    rb"from=<(?P<from>[^\n]{0,%d}?)>, (?:size=(?P<size>\d{1,15}))?" % _MOST_FROM
)
_CLIENT: Final = expression(rb"client=(?P<client>[^\s,]{1,300})")
_USER: Final = expression(rb", sasl_username=(?P<user>[^\s,]{1,200})")
_UID: Final = expression(rb"(?P<uid>uid=\d{1,10}) from=")
_ID: Final = expression(rb"(?:resent-)?message-id=<?(?P<id>[^\s<>]{1,500})")
_LOCAL: Final = expression(rb"local=(?P<client>uid=\d{1,10})")
_ABOUT: Final = expression(rb"about=(?P<id>[0-9A-Za-z-]{5,24})")

NOTHING: Final = Message()


class Earlier(Protocol):
    """The cells before the first of those that are read here."""

    def entries(self, key: bytes, cells: int) -> Iterator[bytes]:
        """What the last so many of them tell of a message, the latest first."""


class Messages:
    """Messages by host and queue id, which is unique on one host only."""

    __slots__ = ("_earlier", "_now", "_past")

    def __init__(self, earlier: Earlier | None = None) -> None:
        self._earlier = earlier
        self._now: dict[bytes, bytes] = {}
        self._past: deque[dict[bytes, bytes]] = deque(maxlen=CELLS)
        """The latest first."""

    def turn(self) -> None:
        """A new cell begins."""
        self._past.appendleft(self._now)
        self._now = {}

    def note(self, host: bytes, queue_id: bytes, line: bytes) -> None:
        """A line about a message, without its head. Ids are used again: with its client a new
        message begins."""
        key = host + b" " + queue_id
        first = line[0]
        now = self._now
        if first in _BEGIN:
            now[key] = line
            return
        if first == _S:  # `sender non-delivery notification: 3F2A...`
            key = host + b" " + line.rpartition(b" ")[2]
            line = b"about=" + queue_id
        before = now.get(key)
        if before is None or len(before) > _LONGEST:
            now[key] = line
        else:
            now[key] = before + b"\n" + line

    def senders(self) -> dict[bytes, bytes]:
        """For a piece of a log of which nothing but senders is noted: the place for their lines, by
        host, blank and queue id."""
        return self._now

    def __len__(self) -> int:
        return len(self._now) + sum(map(len, self._past))

    def size(self) -> int:
        """Bytes of lines that are kept."""
        return sum(len(line) for cell in (self._now, *self._past) for line in cell.values())

    def entries(self, key: bytes) -> Iterator[bytes]:
        """The lines of a message by cell, the latest first, as far back as it began."""
        for cell in (self._now, *self._past):
            if (lines := cell.get(key)) is not None:
                yield lines
                if lines[0] in _BEGIN:
                    return
        if self._earlier is not None and len(self._past) < CELLS:
            for lines in self._earlier.entries(key, CELLS - len(self._past)):
                yield lines
                if lines[0] in _BEGIN:
                    return

    def find(self, key: bytes) -> Message:
        """All that is known of it."""
        lines = list(self.entries(key))
        return read(b"\n".join(reversed(lines))) if lines else NOTHING

    def line(self, key: bytes) -> bytes | None:
        """The latest lines that name its sender, for `sender_of`."""
        line = self._now.get(key)
        if line is not None and line.startswith(_NAMES):
            return line
        return next((x for x in self.entries(key) if x.startswith(_NAMES) or _ALSO in x), None)

    def sender(self, key: bytes) -> Message:
        """Its sender alone; equal senders are one value."""
        line = self.line(key)
        return NOTHING if line is None else sender_of(line)


def sender_of(line: bytes) -> Message:
    """Of lines as `Messages.line` has them."""
    if 10 not in line and line.startswith(_NAMES):  # as `_FROM` finds it, in a third of the time
        end = line.find(b">, ", len(_NAMES))
        if 0 < end <= len(_NAMES) + _MOST_FROM:
            return _of(line[len(_NAMES) : end])
    return Message(sender=read(line).sender)


@functools.lru_cache(10_000)
def _of(sender: bytes) -> Message:
    return Message(sender=text(sender))


def read(lines: bytes) -> Message:
    """Lines about one message, without their heads, in the words of Postfix (others are put into them by
    `todoku.logs.arrivals`)."""
    sender = client = user = message_id = about = None
    size: int | None = None
    for line in lines.split(b"\n"):
        if m := _FROM.match(line):
            sender = text(m["from"])
            size = int(m["size"]) if m["size"] else size
        elif m := _CLIENT.match(line):
            client = text(m["client"])
            logged_in = _USER.search(line)
            user = text(logged_in["user"]) if logged_in else None
        elif m := _ID.match(line):
            message_id = text(m["id"])
        elif m := _UID.match(line):
            client = text(m["uid"])
        elif m := _ABOUT.match(line):
            about = text(m["id"])
        elif m := _LOCAL.match(line):
            client = text(m["client"])
    return Message(
        sender=sender, client=client, user=user, message_id=message_id, size=size, about=about
    )
