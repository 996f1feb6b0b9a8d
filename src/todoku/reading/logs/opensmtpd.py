"""OpenSMTPD: the lines of its mail transfer agent (smtpd(8)).

    5a5d1f mta delivery evpid=8b9c1d2e3f from=<s@a.example> to=<u@b.example> rcpt=<->
        source="192.0.2.1" relay="203.0.113.9 (mx.b.example)" delay=1s result="PermFail"
        stat="550 5.7.1 ..."

`result` stands before the receiver's words, which end the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from todoku.lazy import expression
from todoku.model import Refusal, Remote
from todoku.reading.logs.attempt import Attempt, Outcome, refusal
from todoku.reading.logs.syslog import split, text

READER = "opensmtpd-log"

_LINE = expression(
    rb"(?:[0-9a-f]{4,16} )?mta (?:event=)?delivery (?:evpid=(?P<id>[0-9a-f]{1,16}) )?"
    rb"from=<(?P<from>[^<>\n]{0,400})> to=<(?P<to>[^<>\n]{1,400})> "
    rb"(?:rcpt=<[^<>\n]{0,400}> )?(?:source=\"[^\"\n]{0,80}\" )?"
    rb"(?:relay=\"(?P<ip>[0-9A-Fa-f.:]{2,45})?(?: ?\((?P<host>[^()\s]{1,255})\))?[^\"\n]{0,80}\" )?"
    rb"(?:delay=\S{1,20} )?result=\"(?P<result>Ok|TempFail|PermFail|Loop)\" stat=\"(?P<stat>.*)",
    re.DOTALL,
)
_OUTCOMES: dict[bytes, Outcome] = {
    b"Ok": "sent",
    b"TempFail": "deferred",
    b"PermFail": "bounced",
    b"Loop": "bounced",
}


def looks(head: bytes) -> bool:
    """Are there deliveries of an OpenSMTPD in it?"""
    return b" mta " in head and b' result="' in head


def line(raw: bytes | str) -> Attempt | None:
    """The attempt that a line tells of, whatever became of it."""
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "replace")
    if b' result="' not in raw:
        return None
    entry = split(raw.rstrip())
    m = _LINE.match(entry.message)
    if m is None:
        return None
    return Attempt(
        outcome=_OUTCOMES[m["result"]],
        recipient=text(m["to"]),
        text=text(m["stat"].removesuffix(b'"')),
        queue_id=text(m["id"]) if m["id"] else None,
        host=entry.host,
        sender=text(m["from"]) or None,
        remote=Remote(text(m["host"]) if m["host"] else None, text(m["ip"]) if m["ip"] else None),
    )


def read(data: bytes) -> list[Refusal]:
    """The refusals in a log or a piece of one."""
    return read_lines(data.split(b"\n"))


def read_lines(lines: Iterable[bytes]) -> list[Refusal]:
    """The same for lines."""
    attempts = (line(raw) for raw in lines if b' result="' in raw)
    return [refusal(a, READER) for a in attempts if a is not None and a.outcome != "sent"]
