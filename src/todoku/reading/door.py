"""The front door: bytes to refusals, whatever the bytes are.

Nobody has to name a format. A mail is told by its headers, JSON by its first character, log lines
by their stamps; what is left is a piece of text that somebody pasted. A reader is imported when
the first input needs it, so that one mail costs one mail's readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from todoku.model import Refusal
from todoku.reading import mail

HEAD = 65536
"""Bytes that decide what an input is."""


class Reader(Protocol):
    """What every reader's module offers."""

    def looks(self, head: bytes) -> bool:
        """Is an input that begins so one of mine?"""

    def read(self, data: bytes) -> list[Refusal]:
        """All that it tells; never raises."""


def read(data: bytes) -> list[Refusal]:
    """All that `data` tells. Never raises; empty where nothing was recognised."""
    if mail.begins(data):
        return _reader("bounce").read(data)
    head = data[:HEAD]
    first = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not first:
        return []
    if first in {b"{", b"["}:
        for name in ("webhooks", "ndjson", "logs"):
            reader = _reader(name)
            if reader.looks(head) and (found := reader.read(data)):
                return found
    if mail.looks(head):
        bounce = _reader("bounce")
        if first == b"F" and _is_mailbox(head):
            return [refusal for one in split_mbox((data,)) for refusal in bounce.read(one)]
        return bounce.read(data)
    for name in ("logs", "paste"):
        reader = _reader(name)
        if reader.looks(head) and (found := reader.read(data)):
            return found
    return []


def _is_mailbox(head: bytes) -> bool:
    from todoku.reading import mbox

    return mbox.looks(head)


@cache
def _reader(name: str) -> Reader:
    return cast(Reader, import_module(f"todoku.reading.{name}"))


def split_mbox(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """See `todoku.reading.mbox.split_mbox`."""
    from todoku.reading import mbox

    return mbox.split_mbox(chunks)
