"""Pieces of a log: made ready to be walked over, or read for what they tell of messages alone."""

from __future__ import annotations

from typing import Final

from todoku.logs import wrapped
from todoku.logs.lines import Format, Lines
from todoku.logs.messages import Messages
from todoku.logs.postfix import walk

_LINE_ENDS: Final = frozenset(b"\r\n")


def bulk(data: bytes) -> tuple[bytes, int, int]:
    """A piece as `todoku.logs.postfix` walks over it, where it ends, and how many lines it has."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if wrapped.looks(data):
        data = wrapped.unwrap(data)
    data = b"\n" + data
    end = len(data)
    while end and data[end - 1] in _LINE_ENDS:  # no copy without them: pieces are large
        end -= 1
    return data, end, data.count(b"\n", 0, end)


def noted(data: bytes, messages: Messages, lines: Lines, *, whole: bool = False) -> set[Format]:
    """Reads a piece for what it tells of messages alone (`whole`: not of senders alone); the formats that
    it has."""
    data, end, many = bulk(data)
    formats: set[Format] = set()
    for found in walk(data, end, messages, whole=whole):
        if isinstance(found, tuple):
            many -= 1
            told = lines.read(data[found[0] : found[1]])
            if told.format is not None:
                formats.add(told.format)
    return formats | {"postfix"} if many else formats
