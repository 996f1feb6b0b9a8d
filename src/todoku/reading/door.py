"""The front door: bytes to refusals, whatever the bytes are.

Nobody has to name a format. A mail is told by its headers, JSON by its first character, log lines
by their stamps; what is left is a piece of text that somebody pasted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from todoku.model import Refusal
from todoku.reading import mail


def read(data: bytes) -> list[Refusal]:
    """All that `data` tells. Never raises; empty where nothing was recognised."""
    head = data[:65536]
    first = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if not first:
        return []
    if first in b"{[" :
        found = _json(data)
        if found is not None:
            return found
    if mail.looks(head):
        from todoku.reading import bounce

        return bounce.read(data)
    return _lines(head, data)


def _json(data: bytes) -> list[Refusal] | None:
    for name in ("webhooks", "ndjson", "logs"):
        reader = _reader(name)
        if reader is not None and reader.looks(data[:65536]):
            found: list[Refusal] = reader.read(data)
            return found
    return None


def _lines(head: bytes, data: bytes) -> list[Refusal]:
    for name in ("logs", "paste"):
        reader = _reader(name)
        if reader is not None and reader.looks(head):
            found: list[Refusal] = reader.read(data)
            if found:
                return found
    return []


def _reader(name: str):  # type: ignore[no-untyped-def]
    from importlib import import_module

    try:
        return import_module(f"todoku.reading.{name}")
    except ImportError:
        return None


def split_mbox(chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield from ()
