r"""Lines of the journal and of containers, turned into plain ones.

    {"__REALTIME_TIMESTAMP":"1793491200641528","SYSLOG_IDENTIFIER":"postfix/smtp","MESSAGE":"..."}
    {"log":"Nov  1 00:00:38 mail postfix/smtp[1]: ...\n","stream":"stdout","time":"2026-..."}
    2026-11-01T00:00:02.641528Z stdout F postfix/smtp[34668]: ...              Kubernetes (CRI)
    mail-1  | Nov  1 00:00:38 mail postfix/smtp[1]: ...                         docker compose

A line stays one line: what a message holds of line ends and other controls becomes blanks. The name
of a program comes from SYSLOG_IDENTIFIER: `_COMM` is `smtp` for every instance.
"""

from __future__ import annotations

from typing import Final

import msgspec

from todoku.lazy import expression
from todoku.reading.logs import syslog

_LONGEST: Final = 1 << 20
"""Bytes of a JSON line that is decoded; no message is so long."""


class _Entry(msgspec.Struct, gc=False):
    message: str | list[int] | None = msgspec.field(default=None, name="MESSAGE")
    identifier: str | None = msgspec.field(default=None, name="SYSLOG_IDENTIFIER")
    host: str | None = msgspec.field(default=None, name="_HOSTNAME")
    pid: str | None = msgspec.field(default=None, name="SYSLOG_PID")
    other_pid: str | None = msgspec.field(default=None, name="_PID")
    time: str | None = msgspec.field(default=None, name="__REALTIME_TIMESTAMP")
    source_time: str | None = msgspec.field(default=None, name="_SOURCE_REALTIME_TIMESTAMP")
    log: str | None = None
    container_time: str | None = msgspec.field(default=None, name="time")
    stream: str | None = None


_decode: Final = msgspec.json.Decoder(_Entry).decode
_CONTROLS: Final = bytes(32 if b < 32 or b == 127 else b for b in range(256))
_CRI: Final = expression(
    rb"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (?:stdout|stderr) [FP] "
)
_COMPOSE: Final = expression(rb"[\w.-]{1,64} {1,24}\| ")
_BARE: Final = expression(rb"[A-Za-z][\w./-]{0,127}\[\d{1,10}\]: ")
_WORD: Final = expression(r"[^\s\[\]]{1,255}\Z")


def looks(data: bytes) -> bool:
    """Is one of the first lines wrapped?"""
    return any(
        line[:1] == b"{" or _CRI.match(line) is not None or _COMPOSE.match(line) is not None
        for line in data[:16_384].split(b"\n")[:40]
    )


def unwrap(data: bytes) -> bytes:
    """The same lines without what the journal or a container's engine put round them. What is no
    such line, or cannot be read, stays as it is."""
    return b"\n".join(map(plain, data.split(b"\n")))


def plain(line: bytes) -> bytes:
    """One line, for `unwrap`."""
    if line[:1] == b"{":
        return _from_json(line)
    if (m := _CRI.match(line)) is not None:
        return _stamped(line[m.end() :], m["time"])
    if (m := _COMPOSE.match(line)) is not None:
        return line[m.end() :]
    return line


def _from_json(line: bytes) -> bytes:
    if len(line) > _LONGEST:
        return line
    try:
        entry = _decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return line
    if entry.message is None:
        if entry.log is None:
            return line
        inner = entry.log.encode("utf-8", "replace").rstrip().translate(_CONTROLS)
        return _stamped(inner, (entry.container_time or "").encode("utf-8", "replace"))
    if isinstance(entry.message, list):  # not valid UTF-8: the journal writes its bytes
        message = bytes(b & 0xFF for b in entry.message)
    else:
        message = entry.message.encode("utf-8", "replace")
    stamp = entry.time or entry.source_time or ""
    tag, pid = entry.identifier or "", entry.pid or entry.other_pid or "0"
    host = entry.host or "-"
    if not (stamp.isdecimal() and pid.isdecimal() and _WORD.match(tag) and _WORD.match(host)):
        return line
    head = f"@{stamp} {host} {tag}[{pid}]: ".encode("utf-8", "replace")
    return head + message.translate(_CONTROLS)


def _stamped(inner: bytes, stamp: bytes) -> bytes:
    """A container's line with its engine's time, where it has no head of its own."""
    if _BARE.match(inner) is None or syslog.STAMPED.match(inner) is not None:
        return inner
    return stamp + b" - " + inner
