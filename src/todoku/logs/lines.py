"""Logs line by line: whatever `todoku.logs.postfix` does not read in bulk.

The readers of `todoku.reading.logs` say what a line tells; here is decided which of them is asked,
and what tells of the message apart from its deliveries is kept.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from todoku.lazy import expression
from todoku.logs.arrivals import Arrivals, key_of, process_of
from todoku.logs.messages import Messages
from todoku.logs.values import Message
from todoku.model import Refusal
from todoku.reading.logs import attempt as attempts
from todoku.reading.logs import exchange, exim, opensmtpd, postfix, qmail, sendmail, syslog
from todoku.reading.logs.attempt import Attempt

Format = Literal["postfix", "exim", "sendmail", "qmail", "exchange", "opensmtpd"]

READERS: Final[dict[Format, str]] = {
    "postfix": postfix.READER,
    "exim": exim.READER,
    "sendmail": sendmail.READER,
    "qmail": qmail.READER,
    "exchange": exchange.READER,
    "opensmtpd": opensmtpd.READER,
}

_STAMP: Final = expression(
    rb"\0*+(?:[\w.-]{1,64} {1,24}\| )?(?:<\d{1,3}>(?:1 )?)?(?:[A-Z][a-z]{2} (?=\d{4}-))?"
    rb"(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?[+-]\d\d:?\d\d|Z)?"
    rb"|@[0-9a-f]{24}|@\d{10,20})"
)
_EXIM: Final = expression(
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})? (?:\[\d{1,10}\] )?"
    rb"(?:(?P<id>[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) (?P<rest>.*)"
    rb"|(?:H=|cwd=|no host name found|no IP address found|(?:Start|End) queue run|SMTP |TLS |exim |"
    rb"\S{1,40} authenticator failed |Warning: |rejected |unexpected disconnection ))",
    re.DOTALL,
)
_EXIM_ID: Final = expression(
    rb"(?P<id>[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) (?P<rest>.*)", re.DOTALL
)
_EXIM_TRANSPORT: Final = expression(rb" T=([\w.-]{1,64})(?: |:|$)")
_QMAIL: Final = expression(
    rb"(?:[^\n]{0,200}? qmail(?:\[\d{1,10}\])?: )?(?:@[0-9a-f]{24} |\d{9,11}(?:\.\d{1,9})? )?"
    rb"(?:new msg \d|end msg \d|bounce msg \d|triple bounce: |status: (?:local \d|exiting)"
    rb"|starting delivery \d|delivery \d{1,10}: (?:success|failure|deferral): |info msg \d"
    rb"|(?:warning|alert): |running$)"
)
_QMAIL_START: Final = expression(
    rb"(?:^|.{0,200} )starting delivery (?P<number>\d{1,10}): msg (?P<msg>\d{1,20}) to"
    rb" (?:remote|local) (?P<to>\S{1,320})$"
)
_QMAIL_INFO: Final = expression(
    rb"(?:^|.{0,200} )info msg (?P<msg>\d{1,20}): bytes (?P<size>\d{1,20}) from <(?P<from>[^\n]{0,400})> qp "
)
_SENDMAIL_TAG: Final = expression(rb"sm-[\w-]{1,20}|sendmail")
_SENDMAIL_OWN: Final = frozenset(("Service unavailable", "Data format error"))
"""What it writes for a refusal whose answer it did not keep; its code is a guess from the first digit,
so nothing is known of the ground."""
_POSTFIX_TAG: Final = expression(rb"[\w.-]{1,64}(?:/[\w.-]{1,64}){1,3}")
_POSTFIX_NOTED: Final = expression(
    rb"(?P<qid>[0-9A-Za-z]{5,24}): (?P<line>(?:client=|uid=\d|message-id=|from=<).*)", re.DOTALL
)
_POSTFIX_EXPIRED: Final = expression(
    rb"[0-9A-Za-z]{5,24}: from=<[^\n]{0,600}?>, status=(?:force-)?expired, returned to sender"
)
_OPENSMTPD: Final = expression(rb"[0-9a-f]{4,16} (?:smtp|mta) |(?:smtp|mta)(?:-in|-out)?: ")
_EXCHANGE_ROW: Final = expression(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,")
_FIELDS: Final = expression(rb"#Fields: ?([^\r\n]{1,4000})")
_MOST_OPEN: Final = 50
"""Lines of one row, or after a row that was cut off, in which rows of Exchange are not believed."""
_MOST_RUNNING: Final = 10_000
"""Deliveries of qmail under way: its own limit is below 1,000."""


class Told(NamedTuple):
    """What a line tells. `format` is `None` for a line of no mail server."""

    format: Format | None
    attempts: Sequence[Attempt] = ()
    transport: str | None = None
    instance: str | None = None
    other: bool = False
    """A well-formed line of another program."""
    expired: bool = False
    """The queue time of a message ran out."""
    key: bytes = b""
    """By which `Messages` knows the message."""


_NOTHING: Final = Told(None)
_OTHER: Final = Told(None, other=True)


class Lines:
    """Reads the lines of one source."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._arrivals = Arrivals(messages)
        self._fields: list[str] | None = None
        self._running: dict[bytes, tuple[bytes, bytes]] = {}
        self._open = 0
        """So many lines yet in which the quotes of a row of Exchange may be closed."""

    def stamp(self, line: bytes) -> bytes | None:
        """The stamp that a line begins with."""
        m = _STAMP.match(line)
        return m["stamp"] if m else None

    def read(self, line: bytes) -> Told:
        """What one line tells, without its line feed."""
        first = line[:1]
        if first == b"\0":  # where a machine broke down, a file has these up to the next line
            line = line.lstrip(b"\0")
            first = line[:1]
        if self._open and first != b"#":
            return self._within(line)
        if first == b"#" or (self._fields is not None and _EXCHANGE_ROW.match(line)):
            return self._exchange(line)
        if (m := _EXIM.match(line)) is not None:
            return self._exim(line, m["id"], m["rest"])
        if (b"msg " in line or b"delivery " in line or b"status: " in line) and _QMAIL.match(line):
            return self._qmail(line)
        if _EXCHANGE_ROW.match(line) and exchange.looks(line):
            self._fields = exchange.FIELDS
            return self._exchange(line)
        return self._syslog(line)

    def _within(self, line: bytes) -> Told:
        """Of a row with a line feed in quotes, which may stand in a subject or an answer: whatever looks
        like a row here was written by a stranger."""
        self._open = 0 if line.count(b'"') % 2 else self._open - 1
        return _NOTHING if _EXCHANGE_ROW.match(line) else Told("exchange")

    def _exchange(self, line: bytes) -> Told:
        self._open = _MOST_OPEN if line[:1] != b"#" and line.count(b'"') % 2 else 0
        if line[:1] == b"#":
            if m := _FIELDS.match(line):
                fields = [f.strip() for f in syslog.text(m[1]).split(",")]
                if "recipient-status" in fields and "event-id" in fields:
                    self._fields = fields
                else:
                    self._fields = None
                    return _NOTHING
            return Told("exchange") if self._fields or line[1:6] in _PREFACE else _NOTHING
        if b",DEFER," in line or b",FAIL," in line or b",SEND," in line:
            attempts = exchange.line(line, self._fields or exchange.FIELDS)
            if not attempts:
                return Told("exchange")
            row = self._row(line)
            refused = any(a.outcome != "sent" for a in attempts)
            connector = row.get("connector-id") if refused else None  # elsewhere: the transport
            return Told("exchange", attempts, connector or None, key=key_of(row))
        if b",RECEIVE," in line or b",SUBMIT," in line:
            self._arrivals.exchange(self._row(line))
        return Told("exchange")

    def _row(self, line: bytes) -> dict[str, str]:
        try:
            row = next(csv.reader([syslog.text(line.replace(b"\0", b""))]), [])
        except csv.Error:
            row = []
        return dict(zip(self._fields or exchange.FIELDS, row, strict=False))

    def _exim(
        self, line: bytes, id_: bytes | None, rest: bytes | None, process: bytes | None = None
    ) -> Told:
        if id_ is None or rest is None:
            self._arrivals.called(line)
            return Told("exim")
        if self._arrivals.exim(line, id_, rest, process):
            return Told("exim")
        if rest[:3] not in {b"** ", b"== ", b"=> ", b"-> ", b">> ", b"*> "}:
            return Told("exim")
        attempt = exim.line(line)
        if attempt is None:
            return Told("exim")
        transport = _EXIM_TRANSPORT.search(rest.partition(b": ")[0])
        return Told(
            "exim",
            (attempt,),
            syslog.text(transport[1]) if transport else None,
            key=b"exim " + id_,
        )

    def _qmail(self, line: bytes) -> Told:
        if (m := _QMAIL_START.match(line)) is not None:
            if len(self._running) >= _MOST_RUNNING:
                self._running.clear()
            self._running[m["number"]] = (m["to"], m["msg"])
        elif (m := _QMAIL_INFO.match(line)) is not None:
            self._messages.note(b"qmail", m["msg"], b"from=<%b>, size=%b" % (m["from"], m["size"]))
        elif (attempt := qmail.line(line)) is not None:
            number = (attempt.queue_id or "").encode()
            to, msg = self._running.pop(number, (b"", b""))
            attempt = msgspec.structs.replace(
                attempt,
                recipient=syslog.text(to) or None,
                queue_id=syslog.text(msg) or None,
            )
            return Told("qmail", (attempt,), key=b"qmail " + msg)
        return Told("qmail")

    def _syslog(self, line: bytes) -> Told:
        if line[:1] == b"@":  # the journal's count, in a head that the readers know
            line = b"Jan  1 00:00:00 " + line.partition(b" ")[2]
        entry = syslog.split(line)
        tag, message = entry.tag, entry.message
        if tag is None:
            attempt = postfix.line(line) if b"status=" in line else None
            if attempt is not None:
                return Told("postfix", (attempt,))
            return _NOTHING
        host = (entry.host or "-").encode("utf-8", "replace")
        if _POSTFIX_TAG.fullmatch(tag):
            return self._postfix(line, tag, host, message)
        if _SENDMAIL_TAG.match(tag):
            if self._arrivals.sendmail(host, line, message):
                return Told("sendmail")
            attempt = sendmail.line(line)
            if attempt is None:
                return Told("sendmail")
            if attempt.text in _SENDMAIL_OWN:
                attempt = msgspec.structs.replace(attempt, wordless=True)
            self._arrivals.controlling(host, message)
            key = host + b" " + (attempt.queue_id or "").encode()
            return Told(
                "sendmail", sendmail.recipients(attempt), instance=syslog.text(tag), key=key
            )
        if tag.startswith(b"exim"):
            m = _EXIM_ID.match(message) or _EXIM.match(message)
            if m is not None and m["id"] is not None:
                return self._exim(message, m["id"], m["rest"], process_of(line, message))
            self._arrivals.called(message, process_of(line, message))
            return Told("exim")
        if tag == b"smtpd" and _OPENSMTPD.match(message):
            attempt = opensmtpd.line(line) if b' result="' in line else None
            return Told("opensmtpd", (attempt,) if attempt else ())
        return _OTHER

    def _postfix(self, line: bytes, tag: bytes, host: bytes, message: bytes) -> Told:
        instance, _, transport = syslog.text(tag).partition("/")
        if b"status=" in message:
            attempt = postfix.line(line)
            if attempt is not None:
                key = host + b" " + (attempt.queue_id or "").encode()
                return Told("postfix", (attempt,), transport, instance, key=key)
            if _POSTFIX_EXPIRED.match(message):
                return Told("postfix", expired=True)
        if (m := _POSTFIX_NOTED.match(message)) is not None:
            self._messages.note(host, m["qid"], m["line"])
        return Told("postfix")


def postfix_refusal(line: bytes, message: Message) -> Callable[[], Refusal]:
    """Reads a line that `todoku.logs.postfix` matched in full, when called."""

    def read() -> Refusal:
        attempt = postfix.line(_sayable(line))
        if attempt is None:  # the bulk reader is stricter than the other one
            attempt = Attempt(outcome="deferred", recipient=None, text="")
        return attempts.refusal(attempt, postfix.READER, message.sender or None)

    return read


def _sayable(line: bytes) -> bytes:
    """A line whose stamp is the journal's count, with a head that other readers know."""
    return line.partition(b" ")[2] if line[:1] == b"@" else line


_PREFACE: Final = (b"Softw", b"Versi", b"Log-t", b"Date:")
