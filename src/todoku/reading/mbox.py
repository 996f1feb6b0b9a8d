"""Mailboxes in one file: mbox, in its four dialects (RFC 4155; mboxo, mboxrd, mboxcl).

A mail begins at a line `From sender date` that stands at the very beginning or behind an empty
line. The line's date and the header that must follow tell it from a sentence that begins with
"From", which old programs forgot to quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from todoku.lazy import expression

MAX_MAIL = 64 * 1024 * 1024
"""A mail that is longer is handed on in pieces of this size: the memory stays bounded."""
_STEP = 1024 * 1024

_FROM = (
    rb"From [^\n]{0,320}\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [^\n]{6,40}\d{4}[^\n]{0,40}\n"
    rb"(?=>?[!-9;-~]{1,76}[ \t]{0,4}:|From )"
)
_FIRST = expression(rb"\A\s{0,40}" + _FROM)
_NEXT = expression(rb"\n\n" + _FROM)
_QUOTED = expression(rb"^>(>{0,8}From )", re.M)


def looks(head: bytes) -> bool:
    """Does this begin as a mailbox? One mail with its `From ` line does too."""
    head = head[:4096]
    if b"\r" in head:
        head = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _FIRST.match(head) is not None


def split_mbox(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The mails of a mailbox that comes in chunks of any size, one after the other, without their
    `From ` lines. Holds one mail and one chunk at a time."""
    buffer = b""
    looked = 0  # no separator begins before this offset
    pending: list[bytes] = []
    size = 0
    carry = b""
    for chunk in chunks:
        if carry:
            chunk, carry = carry + chunk, b""
        if chunk.endswith(b"\r"):  # its line feed may be in the next chunk
            chunk, carry = chunk[:-1], b"\r"
        pending.append(chunk)
        size += len(chunk)
        if size < _STEP:
            continue
        buffer, looked, found = _take(buffer + _lines(b"".join(pending)), looked)
        pending, size = [], 0
        yield from found
    buffer, _, found = _take(buffer + _lines(b"".join(pending) + carry), looked)
    yield from found
    if last := _mail(buffer):
        yield last


def _lines(data: bytes) -> bytes:
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data


def _take(buffer: bytes, looked: int) -> tuple[bytes, int, list[bytes]]:
    found: list[bytes] = []
    start = 0
    for m in _NEXT.finditer(buffer, looked):
        if one := _mail(buffer[start : m.start() + 1]):
            found.append(one)
        start = m.start() + 2
    rest = buffer[start:]
    while len(rest) > MAX_MAIL:
        found.append(_mail(rest[:MAX_MAIL]))
        rest = rest[MAX_MAIL:]
    return rest, max(0, len(rest) - 1024), found


def _mail(data: bytes) -> bytes:
    m = _FIRST.match(data)
    if m is not None:
        data = data[m.end() :]
    if b"\n>" in data and b"From " in data:
        data = _QUOTED.sub(rb"\1", data)
    return data if data.strip() else b""
