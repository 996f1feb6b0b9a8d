"""The head of a log line: who wrote it, and where its message begins.

Nov  1 00:00:38 mail postfix/smtp[47228]: ...                 RFC 3164, what most systems write
2026-11-01T00:00:02.641528+00:00 mail postfix/smtp[34668]: ...
<22>1 2026-11-01T00:00:02Z mail postfix/smtp 34668 - - ...    RFC 5424
{"SYSLOG_IDENTIFIER":"postfix/smtp","MESSAGE":"..."}          journalctl -o json
{"log":"Nov  1 00:00:38 mail postfix/smtp[1]: ...\\n"}         a container's log
mail-1  | Nov  1 00:00:38 mail postfix/smtp[1]: ...           docker compose
"""

from __future__ import annotations

import msgspec

from todoku.lazy import expression
from todoku.reading import charset

_STAMP = (
    rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4})?"
    rb"|(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
    rb"(?:Z|[+-]\d\d:?\d\d)?(?: [A-Z]{3,5})?)"
)
_PREFIX = rb"(?:[\w.-]{1,64} {1,24}\| )?(?:<\d{1,3}>(?:1 )?)?"
_TAG = rb"[A-Za-z][^\s\[\]:]{0,127}"
_PID = rb"\[\d{1,10}\]:"
_RFC5424 = rb" (?:\d{1,10}|-) \S{1,32} -"
HEAD = expression(
    _PREFIX
    + rb"(?:"
    + _STAMP
    + rb" (?:(?P<host>[^\s\[\]]{1,255}) )?(?:mail\.\w{2,7} )?(?P<tag>"
    + _TAG
    + rb")(?:"
    + _PID
    + rb"|:|"
    + _RFC5424
    + rb")|(?:[\w.:,+-]{1,64} ){0,4}?(?P<alone>"
    + _TAG
    + rb")"
    + _PID
    + rb") (?:\[ID \d{1,10} [\w.]{1,30}\] )?"
)
"""A line's head with its tag (`postfix/smtp`); what stands before a tag with a process number may be
missing, or be another stamp than those known here."""
STAMPED = expression(
    _PREFIX
    + _STAMP
    + rb" (?:[^\s\[\]]{1,255} )?"
    + _TAG
    + rb"(?:"
    + _PID
    + rb"|"
    + _RFC5424
    + rb")"
)
"""The same, where nothing may be missing: only log lines look so."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """A message without its head. `tag` is None where there was no head."""

    message: bytes
    tag: bytes | None = None
    host: str | None = None


class _Json(msgspec.Struct, gc=False):
    message: str | list[int] | None = msgspec.field(default=None, name="MESSAGE")
    identifier: str | None = msgspec.field(default=None, name="SYSLOG_IDENTIFIER")
    host: str | None = msgspec.field(default=None, name="_HOSTNAME")
    log: str | None = None


_decode = msgspec.json.Decoder(_Json).decode


def split(line: bytes) -> Line:
    """The message of a line, and who wrote it."""
    if line[:1] == b"{":
        return _from_json(line)
    m = HEAD.match(line)
    if m is None:
        return Line(line)
    return Line(line[m.end() :], m["tag"] or m["alone"], text(m["host"]) if m["host"] else None)


def _from_json(line: bytes) -> Line:
    try:
        entry = _decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Line(b"")
    if entry.message is None:
        inner = (entry.log or "").encode("utf-8", "replace").rstrip()
        return split(inner) if inner[:1] != b"{" else Line(b"")
    message = entry.message
    if isinstance(message, list):
        # The journal writes a message that is not valid UTF-8 as its bytes.
        raw = bytes(b & 0xFF for b in message)
    else:
        raw = message.encode("utf-8", "replace")
    tag = entry.identifier.encode("utf-8", "replace") if entry.identifier else None
    return Line(raw, tag, entry.host)


_IN_BYTES = expression(rb'"MESSAGE" ?: ?\[')


def in_bytes(line: bytes) -> bool:
    """Is this a journal entry whose message is written as numbers, so that no word shows?"""
    return line[:1] == b"{" and _IN_BYTES.search(line) is not None


def text(raw: bytes) -> str:
    """Bytes of a log as text. Receivers write what they like; most of it is UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return charset.decode(raw)
