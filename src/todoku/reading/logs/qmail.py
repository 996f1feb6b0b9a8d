"""qmail: the log of qmail-send (qmail-send(8), qmail-log(5)).

    @40000000419f13a508f3214c info msg 9001: bytes 1234 from <s@a.example> qp 2001 uid 89
    @40000000419f13a508f3214c starting delivery 5: msg 9001 to remote u@b.example
    @40000000419f13a508f3214c delivery 5: failure: 192.0.2.9_does_not_like_recipient./Remote_host_
        said:_550_5.1.1_.../Giving_up_on_192.0.2.9./

The recipient stands on the line that starts the delivery, whose number is used again when it has
ended. Blanks are written `_` and line ends `/`; a real underscore cannot be told from a blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from todoku.lazy import expression
from todoku.model import Refusal
from todoku.reading.logs.attempt import Attempt, Outcome, refusal
from todoku.reading.logs.syslog import text

READER = "qmail-log"

# tai64n, seconds since 1970, or what syslog makes of them; or nothing.
_STAMP = (
    rb"(?:[^\n]{0,200}? qmail(?:\[\d{1,10}\])?: )?(?:@[0-9a-f]{24} |\d{9,11}(?:\.\d{1,9})? "
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})? )?"
)
_END = expression(
    _STAMP + rb"delivery (?P<number>\d{1,10}): (?P<outcome>success|failure|deferral): (?P<text>.*)",
    re.DOTALL,
)
_START = expression(
    _STAMP + rb"starting delivery (?P<number>\d{1,10}): msg (?P<msg>\d{1,20}) to"
    rb" (?:remote|local) (?P<to>\S{1,320})"
)
_MESSAGE = expression(
    _STAMP + rb"info msg (?P<msg>\d{1,20}): bytes \d{1,20} from <(?P<from>[^\n]{0,400}?)> qp "
)
_OUTCOMES: dict[bytes, Outcome] = {
    b"success": "sent",
    b"failure": "bounced",
    b"deferral": "deferred",
}
# `/` ends a line where a sentence of qmail or the next line of the reply follows; inside of a URL
# it is a slash.
_SENTENCE = r"Remote host said|Giving up on|I'm not going|STARTTLS |Connected to "
_CODE = expression(r"Remote host said: (?P<code>[245]\d\d)[ -]")


def _unescaped(raw: bytes) -> str:
    reason = text(raw).replace("_", " ")
    code = _CODE.search(reason)
    ends = f"{_SENTENCE}|{code['code']}[ -]" if code else _SENTENCE
    return re.sub(f"/(?={ends})", " ", reason).strip().removesuffix("/")


_LOOKS = expression(
    rb"^"
    + _STAMP
    + rb"(?:(?:starting )?delivery \d{1,10}: |status: local \d|new msg \d|end msg \d)",
    re.MULTILINE,
)


def looks(head: bytes) -> bool:
    """Are there lines of a qmail-send in it?"""
    return _LOOKS.search(head[:8192]) is not None


def line(raw: bytes | str) -> Attempt | None:
    """The outcome that a line tells of; `queue_id` is the number of the delivery here, by which
    its recipient is found."""
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "replace")
    m = _END.match(raw.rstrip()) if b"delivery " in raw else None
    if m is None:
        return None
    reason = _unescaped(m["text"])
    return Attempt(
        outcome=_OUTCOMES[m["outcome"]],
        recipient=None,
        text=reason,
        queue_id=text(m["number"]),
        gave_up="I'm not going to try again" in reason and "too long" in reason,
    )


def read(data: bytes) -> list[Refusal]:
    """The refusals in a log or a piece of one, with recipients and senders where it tells them."""
    return read_lines(data.split(b"\n"))


def read_lines(lines: Iterable[bytes]) -> list[Refusal]:
    """The same for lines."""
    out: list[Refusal] = []
    running: dict[bytes, tuple[str, bytes]] = {}
    senders: dict[bytes, str] = {}
    for raw in lines:
        if b"delivery " in raw:
            if m := _START.match(raw):
                running[m["number"]] = (text(m["to"]), m["msg"])
                continue
            attempt = line(raw)
            if attempt is None:
                continue
            recipient, message = running.pop((attempt.queue_id or "").encode(), (None, b""))
            if attempt.outcome != "sent":
                attempt = msgspec.structs.replace(attempt, recipient=recipient)
                out.append(refusal(attempt, READER, senders.get(message) or None))
        elif b"info msg " in raw and (m := _MESSAGE.match(raw)):
            senders[m["msg"]] = text(m["from"])
    return out
