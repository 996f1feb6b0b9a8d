"""What the lines of a message tell apart from its deliveries, kept in bounded memory.

The lines are kept as they stand and read when a delivery of the message was refused: of most
messages none was. A message of which nothing was heard while `MOST` others came is forgotten; a
queue manager that tries again names the sender again.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from todoku.logs.values import Message
from todoku.reading.logs.syslog import text

MOST: Final = 50_000
"""Messages in a generation; two generations are kept."""
_LONGEST: Final = 1_500
"""Bytes of lines kept of a message: a queue manager repeats its own for days."""
_CUT: Final = 700
"""Bytes kept of a line."""

_BEGIN: Final = frozenset(b"cu")
"""`client=`, `uid=`: a new message begins."""
_S: Final = ord("s")
_FROM: Final = re.compile(rb"from=<(?P<from>[^\n]{0,600}?)>, (?:size=(?P<size>\d{1,15}))?")
_CLIENT: Final = re.compile(rb"client=(?P<client>[^\s,]{1,300})")
_USER: Final = re.compile(rb", sasl_username=(?P<user>[^\s,]{1,200})")
_UID: Final = re.compile(rb"(?P<uid>uid=\d{1,10}) from=")
_ID: Final = re.compile(rb"(?:resent-)?message-id=<?(?P<id>[^\s<>]{1,500})")
_ABOUT: Final = re.compile(rb"about=(?P<id>[0-9A-Za-z]{5,24})")

NOTHING: Final = Message()


class Messages:
    """Messages by host and queue id, which is unique on one host only."""

    __slots__ = ("_now", "_past")

    def __init__(self) -> None:
        self._now: dict[bytes, bytes] = {}
        self._past: dict[bytes, bytes] = {}

    def note(self, host: bytes, queue_id: bytes, line: bytes) -> None:
        """A line about a message, without its head. Ids are used again: with its client a new
        message begins."""
        key = host + b" " + queue_id
        first = line[0]
        now = self._now
        if len(now) >= MOST:
            self._past, self._now = now, {}
            now = self._now
        if first in _BEGIN:
            now[key] = line
            return
        if first == _S:  # `sender non-delivery notification: 3F2A...`
            key = host + b" " + line.rpartition(b" ")[2]
            line = b"about=" + queue_id
        before = now.get(key)
        if before is None:
            before = self._past.get(key)
        if before is None or len(before) > _LONGEST:
            now[key] = line
        else:
            now[key] = before + b"\n" + line

    def senders(self) -> dict[bytes, bytes]:
        """For a piece of a log of which nothing but senders is noted: the place for their lines, by
        host, blank and queue id. `MOST` is looked at here, once a piece."""
        if len(self._now) >= MOST:
            self._past, self._now = self._now, {}
        return self._now

    def __len__(self) -> int:
        return len(self._now) + len(self._past)

    def size(self) -> int:
        """Bytes of lines that are kept."""
        return sum(map(len, self._now.values())) + sum(map(len, self._past.values()))

    def find(self, key: bytes) -> Message:
        """All that is known of it."""
        lines = self._now.get(key) or self._past.get(key)
        return NOTHING if lines is None else read(lines)

    def line(self, key: bytes) -> bytes | None:
        """The lines that are kept of it, for `sender_of`."""
        return self._now.get(key) or self._past.get(key)

    def sender(self, key: bytes) -> Message:
        """Its sender alone; equal senders are one value."""
        line = self.line(key)
        return NOTHING if line is None else sender_of(line)


def sender_of(line: bytes) -> Message:
    m = _FROM.match(line)
    return _of(m["from"]) if m else read(line)


@functools.lru_cache(10_000)
def _of(sender: bytes) -> Message:
    return Message(sender=text(sender))


def read(lines: bytes) -> Message:
    """Lines of Postfix about one message, without their heads."""
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
    return Message(
        sender=sender, client=client, user=user, message_id=message_id, size=size, about=about
    )
