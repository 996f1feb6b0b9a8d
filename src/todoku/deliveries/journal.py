"""Which lines of a journal that is piped in are new: by the number that journald gives each entry.

`journalctl -o json` writes `__CURSOR` (`s=ID;i=NUMBER;...`) with each entry, newer ones `__SEQNUM` and
`__SEQNUM_ID` as well. Numbers grow within one id, but a pipe may show some units alone; so how far a
journal is read is known for each id, unit and program.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from todoku.deliveries.ledger import Journal
from todoku.errors import TodokuError
from todoku.i18n import Words

WORDS: Final[Words] = {
    "backwards": {
        "ja": "ジャーナルが新しい順に並んでいます。どこまで読んだかを記録できないため、何も保存していません。"
        "journalctl の -r（--reverse）を外してください。",
        "en": "the journal comes newest first, so how far it is read cannot be kept, and nothing of it was "
        "stored. Leave out -r (--reverse) of journalctl.",
    },
}

MOST: Final = 20_000
"""Positions that are kept apart."""
_LONGEST: Final = 1 << 20
_CURSOR: Final = re.compile(r"s=([0-9a-f]{1,64});i=([0-9a-f]{1,16});")


class _Entry(msgspec.Struct, gc=False):
    cursor: str | None = msgspec.field(default=None, name="__CURSOR")
    number: str | None = msgspec.field(default=None, name="__SEQNUM")
    id: str | None = msgspec.field(default=None, name="__SEQNUM_ID")
    unit: str | None = msgspec.field(default=None, name="_SYSTEMD_UNIT")
    program: str | None = msgspec.field(default=None, name="SYSLOG_IDENTIFIER")


_decode: Final = msgspec.json.Decoder(_Entry).decode


def looks(head: bytes) -> bool:
    """Do these lines come from `journalctl -o json`?"""
    return any(
        line[:1] == b"{" and (b'"__CURSOR"' in line or b'"__SEQNUM"' in line)
        for line in head.split(b"\n", 20)[:20]
    )


class Backwards(TodokuError):
    """The newest entries come first."""

    exit_code = 65


class Journals:
    """How far each journal is read."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._stored = dict(known)
        self._start = dict(known)
        self._first: dict[str, int | None] = {}
        """By name: the number of the first entry, `None` once there was a second."""
        self._read = dict(known)
        self.passed = 0
        """Lines that were read before."""
        self.unnumbered = 0
        """Lines of which nobody can tell whether they were."""

    def fresh(self, lines: bytes) -> bytes:
        """The new ones of these whole lines. Raises `Backwards`."""
        return b"".join(line + b"\n" for line in lines.split(b"\n")[:-1] if self._is_fresh(line))

    def moves(self) -> list[Journal]:
        """What to commit."""
        before = self._stored
        return [
            Journal(name, before.get(name, 0), at)
            for name, at in self._read.items()
            if at != before.get(name, 0)
        ]

    def committed(self) -> None:
        self._stored = dict(self._read)

    def _is_fresh(self, line: bytes) -> bool:
        named = _named(line)
        if named is None or (named[0] not in self._read and len(self._read) >= MOST):
            self.unnumbered += 1
            return True
        name, number = named
        first = self._first.get(name)
        self._first[name] = None if name in self._first else number
        if first is not None and self._start.get(name, 0) < number < first:
            raise Backwards(WORDS["backwards"])
        if number <= self._read.get(name, 0):
            self.passed += 1
            return False
        self._read[name] = number
        return True


def _named(line: bytes) -> tuple[str, int] | None:
    if line[:1] != b"{" or len(line) > _LONGEST:
        return None
    try:
        entry = _decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    id_, number = entry.id, entry.number
    if id_ is not None and number is not None and number.isdecimal() and len(number) < 20:
        position = int(number)
    elif entry.cursor is not None and (m := _CURSOR.match(entry.cursor)) is not None:
        id_, position = m[1], int(m[2], 16)
    else:
        return None
    if not 0 < position < 1 << 63:
        return None
    return f"{id_[:64]}/{(entry.unit or '')[:128]}/{(entry.program or '')[:128]}", position
