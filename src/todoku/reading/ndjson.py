"""SMTP replies as NDJSON: one JSON object a line, as other systems hand them over.

    {"id": "4711", "text": "550 5.7.1 Service unavailable; ...", "host": "mx.example"}

`text` is the reply (with whatever words stand around it) and the only field that is needed; `id`,
`host`, `ip`, `stage`, `recipient` and `sender` may stand beside it. What the text itself tells beats
what stands beside it: an answer that quotes another server is that server's.
A line that cannot be read becomes a `BadLine`, so that the caller can say which one it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

import msgspec

from todoku.model import Refusal, Remote, Stage
from todoku.reading.reply import parse, stage_of

READER: Final = "ndjson"
MAX_LINE: Final = 1 << 20
"""Longest line looked at, in bytes. A reply is some hundred."""

_STAGES: Final[dict[str, Stage]] = {s: s for s in get_args(Stage)}
_SPACE: Final = b" \t\r\n\x00"


class BadLine(msgspec.Struct, frozen=True, gc=False):
    """A line that is no reply: which one (from 1), and why, as the end of a sentence."""

    number: int
    why: str


class _Row(msgspec.Struct, gc=False):
    """The fields that are read; all others are passed over without being built."""

    text: str | None = None
    id: str | int | None = None
    host: str | None = None
    ip: str | None = None
    stage: str | None = None
    recipient: str | None = None
    sender: str | None = None


_decode = msgspec.json.Decoder(_Row).decode


def looks(head: bytes) -> bool:
    """Is this NDJSON of replies? The first line must be an object with a `text`."""
    line = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")[0].rstrip()
    if not line.startswith(b"{") or b'"text"' not in line:
        return False
    try:
        return _decode(line).text is not None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return not line.endswith(b"}")  # cut off by the end of the head


def read_line(line: bytes, number: int = 1) -> Refusal | BadLine:
    """One line to one refusal, or what is wrong with it."""
    if len(line) > MAX_LINE:
        return BadLine(number, f"is longer than {MAX_LINE:,} bytes")
    if not line.lstrip(_SPACE).startswith(b"{"):
        return BadLine(number, "is not a JSON object")
    try:
        row = _decode(line)
    except msgspec.ValidationError as e:
        return BadLine(number, f"is not a reply ({e})")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return BadLine(number, "is not JSON")
    if row.text is None:
        return BadLine(number, 'has no "text"')
    stage = _stage(row.stage) if row.stage else None
    found = parse(row.text, stage)
    remote = found.remote
    if remote.host is None and (row.host or row.ip):
        remote = Remote(row.host or None, remote.ip or row.ip or None)
    return Refusal(
        reader=READER,
        recipient=row.recipient or None,
        sender=row.sender or None,
        remote=remote,
        stage=found.stage,
        reply=found.reply,
        notice=found.notice,
        id=None if row.id is None else str(row.id),
    )


def lines(data: bytes, first: int = 1) -> Iterator[Refusal | BadLine]:
    """All lines of `data`, blank ones passed over. `first` is the number of its first line, for
    callers that hand over a large input piece by piece."""
    for number, line in enumerate(data.split(b"\n"), first):
        if line.strip(_SPACE):
            yield read_line(line.lstrip(b"\xef\xbb\xbf") if number == 1 else line, number)


def read(data: bytes) -> list[Refusal]:
    """The replies alone. Use `lines` to learn which lines were not understood."""
    return [r for r in lines(data) if isinstance(r, Refusal)]


def _stage(words: str) -> Stage | None:
    """The stage as the contract names it, or as people do (`rcpt`, `end of DATA command`)."""
    return _STAGES.get(words.upper()) or stage_of(words)
