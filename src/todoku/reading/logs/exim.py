"""Exim: its main log, as a file or through syslog (the specification's chapter on log files).

    2026-06-10 18:48:29 1dJlQy-0007SD-Fk ** u@b.example R=dnslookup T=remote_smtp H=mx.b.example
        [192.0.2.9] X=TLS1.3:...: SMTP error from remote mail server after MAIL FROM:<s@a.example>
        SIZE=1814: 550 SC-001 ...
    2026-06-10 18:48:29 1dJlQy-0007SD-Fk == u@b.example R=dnslookup T=remote_smtp defer (-46) H=...

`**` is a failure, `==` a deferral, `=>` a delivery; older versions write the host into the reason
(`: host mx.b.example [192.0.2.9]: 550 ...`). Lines with which we refuse others have none of these
marks behind the message's id. The ends of a reply's lines are written `\\n`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from todoku.lazy import expression
from todoku.model import Refusal, Remote
from todoku.reading.logs.attempt import Attempt, refusal
from todoku.reading.logs.syslog import HEAD, text

READER = "exim-log"

_STAMP = rb"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})? (?:\[\d{1,10}\] )?)?"
_ID = rb"(?P<id>[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) "
_LINE = expression(_STAMP + _ID + rb"(?P<mark>\*\*|==|=>|->|>>|\*>|<=) (?P<rest>.*)", re.DOTALL)
_TALK = expression(
    _STAMP
    + _ID
    + rb"(?:(?:H=)?(?P<host>[\w.-]{1,255}) \[(?P<ip>[0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?:? "
    rb"(?=SMTP (?:error|timeout)|Connection |Remote host |No route )|(?=SMTP error from remote ))"
    rb"(?P<text>[^\n]*)",
)
_ADDRESS = expression(
    rb"(?P<to>(?:\"[^\"\n]{1,64}\"@)?[^\s<>]{1,320}?):?(?: \([^()\n]{1,320}\))?"
    rb"(?: <(?P<final>[^<>\s]{0,320})>)?(?= |$)"
)
# `R=dnslookup`, `H=mx.example [192.0.2.9]:25`, `DN="..."`, `F=<a@b>`, `defer (-44)`
_FIELD = expression(
    rb" (?:(?P<key>[A-Z][A-Za-z]{0,3})=(?P<value>\"(?:[^\"\\\n]|\\.){0,1000}\"|<[^<>\n]{0,400}>"
    rb"|[^\s\"<]\S{0,400})(?: \[(?P<ip>[0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?(?=[: ]))?"
    rb"|(?P<word>(?:routing )?defer(?:red)?) \(-?\d{1,4}\))(?P<end>: )?"
)
_NO_ATTEMPT = ("retry time not reached", "Previous (cached)")


def looks(head: bytes) -> bool:
    """Are there lines of an Exim in it?"""
    return any(_LINE.match(_message(raw)) for raw in head[:16384].split(b"\n"))


def line(raw: bytes | str) -> Attempt | None:
    """The attempt that a line tells of, whatever became of it."""
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "replace")
    m = _LINE.match(_message(raw.rstrip()))
    return _attempt(m) if m is not None and m["mark"] != b"<=" else None


def _message(raw: bytes) -> bytes:
    """The line without the head that syslog puts before it."""
    if raw[:1].isdigit() and (raw[4:5] == b"-" and raw[10:11] == b" "):
        return raw
    m = HEAD.match(raw)
    if m is None or not (m["tag"] or m["alone"]).startswith(b"exim"):
        return raw
    return raw[m.end() :].lstrip()


def _attempt(m: re.Match[bytes]) -> Attempt | None:
    rest = m["rest"]
    who = _ADDRESS.match(rest)
    if who is None:
        return None
    sender: str | None = None
    remote = Remote()
    pos = who.end()
    ended = rest[pos - 1 : pos] == b":" or who[0].endswith(b":")
    while not ended and (f := _FIELD.match(rest, pos)):
        pos = f.end()
        value = f["value"]
        ended = f["end"] is not None
        if value is None:
            continue
        if value.endswith(b":") and not ended and f["ip"] is None:
            value = value[:-1]
            ended = True
        if f["key"] == b"H":
            remote = Remote(text(value), text(f["ip"]) if f["ip"] else None)
        elif f["key"] == b"F" and value.startswith(b"<"):
            sender = text(value[1:-1]) or None
    reason = text(rest[pos:]).strip().removeprefix(": ").replace("\\n", " ")
    failed = m["mark"] == b"**"
    if m["mark"] not in {b"**", b"=="}:
        return Attempt(outcome="sent", recipient=text(who["to"]), text=reason, remote=remote)
    if not failed and reason.startswith(_NO_ATTEMPT):
        return None  # nobody was asked: the queue only says that it waits
    return Attempt(
        outcome="bounced" if failed else "deferred",
        recipient=text(who["to"]),
        text=reason,
        queue_id=text(m["id"]),
        sender=sender,
        remote=remote,
        stage="CONN" if reason.startswith("Connection ") else None,
        gave_up=failed and "retry timeout exceeded" in reason,
    )


_Latest = dict[tuple[str | None, str | None], int]


def _add(found: list[Attempt], attempt: Attempt, latest: _Latest) -> None:
    """A message that was given up failed where it was deferred last: that line has the reason."""
    key = (attempt.queue_id, attempt.recipient)
    at = latest.get(key)
    if at is not None and attempt.gave_up and attempt.text == "retry timeout exceeded":
        found[at] = msgspec.structs.replace(found[at], outcome="expired", gave_up=True)
        return
    latest[key] = len(found)
    found.append(attempt)


def read(data: bytes) -> list[Refusal]:
    """The refusals in a log or a piece of one, senders filled in where it tells them."""
    return read_lines(data.split(b"\n"))


def read_lines(lines: Iterable[bytes]) -> list[Refusal]:
    """The same for lines."""
    found: list[Attempt] = []
    talk: list[Attempt] = []
    senders: dict[str, str] = {}
    latest: _Latest = {}
    for raw in lines:
        if b" ** " in raw or b" == " in raw or b" <= " in raw:
            m = _LINE.match(_message(raw.rstrip()))
            if m is None:
                continue
            if m["mark"] == b"<=":
                senders[text(m["id"])] = text(m["rest"].partition(b" ")[0])
            elif m["mark"] in {b"**", b"=="} and (attempt := _attempt(m)) is not None:
                _add(found, attempt, latest)
        elif b"] " in raw or b"]: " in raw or b"SMTP error from remote " in raw:
            m = _TALK.match(_message(raw.rstrip()))
            if m is not None:
                talk.append(
                    Attempt(
                        outcome="deferred",
                        recipient=None,
                        text=text(m["text"]).replace("\\n", " "),
                        queue_id=text(m["id"]),
                        remote=Remote(text(m["host"]), text(m["ip"])) if m["host"] else Remote(),
                    )
                )
    out = []
    # A line about one host of several counts only where no line tells what became of the message.
    told = {a.queue_id for a in found}
    for attempt in [*found, *(t for t in talk if t.queue_id not in told)]:
        sender = senders.get(attempt.queue_id or "")
        out.append(refusal(attempt, READER, None if sender == "<>" else sender))
    return out
