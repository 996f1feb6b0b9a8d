"""What a server answers to FETCH (RFC 9051, section 7.5.2), as `imaplib` hands it over: bytes, and
pairs of the bytes before a literal and the literal. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final, NamedTuple, TypeAlias

from imap_tools.imap_utf7 import utf7_decode

Piece: TypeAlias = "bytes | tuple[bytes, bytes] | None"

_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S)
_ESCAPED: Final = re.compile(rb"\\(.)", re.S)
_LISTED: Final = re.compile(rb'\s*\(([^)]*)\) (?:"(?:[^"\\]|\\.)*"|NIL) (.*)', re.S)
_START: Final = re.compile(rb"\s*\d+ \(")
_UID: Final = re.compile(rb"(?i)(?<![\w.-])UID (\d{1,10})(?!\d)")
_SIZE: Final = re.compile(rb"(?i)RFC822\.SIZE (\d{1,19})")
_BODY: Final = re.compile(rb"(?i)BODY\[\](?:<\d+>)?\s+\x00(\d+)\x00")


class Fetched(NamedTuple):
    uid: int
    size: int | None
    body: bytes | None
    """`None`: it was not asked for, or the server has none."""


def messages(pieces: Iterable[Piece]) -> Iterator[Fetched]:
    """One a message that has a UID: servers also tell of flags, unasked."""
    for head, strings in _answers(pieces):
        uid = _UID.search(head)
        if uid is None:
            continue
        size = _SIZE.search(head)
        body = _BODY.search(head)
        number = None if body is None else body[1]
        yield Fetched(
            int(uid[1]),
            None if size is None else int(size[1]),
            None if number is None else strings[int(number)],
        )


def _answers(pieces: Iterable[Piece]) -> Iterator[tuple[bytes, list[bytes]]]:
    """Each answer as one text, in which its strings, quoted or literal, are numbers between NULs."""
    head, strings = b"", list[bytes]()
    for piece in pieces:
        if piece is None:
            continue
        text, literal = piece if isinstance(piece, tuple) else (piece, None)
        # An answer begins with its number; what goes on after a literal does not.
        if _START.match(text) and head:
            yield head, strings
            head, strings = b"", []
        head += _unquoted(text, strings)
        if literal is not None:
            head = re.sub(rb"\{\d+\}$", b"", head) + _kept(literal, strings)
    if head:
        yield head, strings


def _unquoted(text: bytes, strings: list[bytes]) -> bytes:
    return _QUOTED.sub(lambda found: _kept(found[1], strings, escaped=True), text)


def _kept(string: bytes, strings: list[bytes], *, escaped: bool = False) -> bytes:
    strings.append(_ESCAPED.sub(rb"\1", string) if escaped else string)
    return b"\0%d\0" % (len(strings) - 1)


def folders(pieces: Iterable[Piece], flag: str) -> Iterator[str]:
    """Names in answers to LIST (RFC 9051, section 7.3.1) that have this flag; none that nobody can
    read."""
    for piece in pieces:
        if piece is None:
            continue
        head, literal = piece if isinstance(piece, tuple) else (piece, None)
        listed = _LISTED.match(head)
        if listed is None or flag.lower().encode() not in listed[1].lower().split():
            continue
        name = literal
        if name is None:
            quoted = _QUOTED.fullmatch(listed[2])
            name = listed[2] if quoted is None else _ESCAPED.sub(rb"\1", quoted[1])
        with suppress(ValueError, LookupError):
            yield utf7_decode(name)


def uid_set(uids: Iterable[int]) -> str:
    """As short as it goes: `1:3,7`."""
    runs: list[list[int]] = []
    for uid in sorted(uids):
        if runs and runs[-1][1] + 1 == uid:
            runs[-1][1] = uid
        else:
            runs.append([uid, uid])
    return ",".join(f"{a}" if a == b else f"{a}:{b}" for a, b in runs)
