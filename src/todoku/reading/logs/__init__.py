"""Lines of mail logs. One module a format, each with a pure `line` at its heart.

Only what our own side tried to deliver, and was refused or deferred, becomes a refusal. What we
refused others, what was delivered and all other lines are left alone: a log in which nothing was
refused gives an empty list, and `looks` says that it was a log all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from todoku.model import Refusal

_LINES = 40
_LOOKS = re.compile(
    rb"@40000000[0-9a-f]{16} |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?(?: [+-]\d{4})?(?: \[\d+\])? "
    rb"(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} |[\w_]{3,20} authenticator failed "
    rb"|(?:H=|no host name found|Start queue run|End queue run|SMTP ))"
    rb"|#(?:Software: Microsoft Exchange|Fields: date-time)"
)


def looks(head: bytes) -> bool:
    """Does one of the first lines look like a line of a log that may tell of mail?"""
    from todoku.reading.logs import postfix, syslog

    head = head.removeprefix(b"\xef\xbb\xbf")
    for line in head.split(b"\n", _LINES)[:_LINES]:
        if line[:1] == b"{":
            if b'"MESSAGE"' in line or (b'"log"' in line and b'"stream"' in line):
                return True
        elif syslog.STAMPED.match(line) or _LOOKS.match(line):
            return True
    return postfix.looks(head)


def read(data: bytes) -> list[Refusal]:
    """The refusals of a log, whichever mail server wrote it."""
    from todoku.reading.logs import exchange

    if exchange.looks(data[:8192]):
        return exchange.read(data)
    return _read(data, data.replace(b"\r\n", b"\n").split(b"\n"))


def read_lines(lines: Iterable[str]) -> list[Refusal]:
    """The refusals of log lines that stand among other lines."""
    raw = [line.strip().encode("utf-8", "replace") for line in lines]
    return _read(b"\n".join(raw), raw)


def _read(data: bytes, lines: list[bytes]) -> list[Refusal]:
    # Each reader is asked only where the mark of its lines occurs at all.
    found: list[Refusal] = []
    if b"status=" in data or b"]" in data:
        from todoku.reading.logs import postfix

        found += postfix.read_lines(lines)
    if b" ** " in data or b" == " in data:
        from todoku.reading.logs import exim

        found += exim.read_lines(lines)
    if b"stat=" in data and b"to=" in data:
        from todoku.reading.logs import sendmail

        found += sendmail.read_lines(lines)
    if b"delivery " in data:
        from todoku.reading.logs import qmail

        found += qmail.read_lines(lines)
    return found
