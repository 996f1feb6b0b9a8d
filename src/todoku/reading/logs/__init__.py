"""Lines of mail logs. One module a format, each with a pure `line` at its heart.

Only what our own side tried to deliver, and was refused or deferred, becomes a refusal. What we
refused others, what was delivered and all other lines are left alone: a log in which nothing was
refused gives an empty list, and `looks` says that it was a log all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from todoku.lazy import expression
from todoku.model import Refusal

_LINES = 40
# Lines that no syslog wrote: qmail's, Exim's, Exchange's.
_OTHER = expression(
    rb"@40000000[0-9a-f]{16} |#(?:Software: Microsoft Exchange|Fields: date-time)"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})? (?:\[\d{1,10}\] )?"
    rb"(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} |[\w.-]{3,20} authenticator failed "
    rb"|H=|no host name found|(?:Start|End) queue run|SMTP |exim )"
    rb"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,"
)
# Postfix's lines without their head, about mail that comes in, and its warnings.
_INBOUND = expression(
    rb"(?:NOQUEUE|[0-9A-F]{5,24}|[0-9B-Zb-z]{10,24}): (?:[a-z]{2,20}-)?"
    rb"(?:reject|filter|discard|redirect|hold|warning|warn|info|client=|message-id=|removed)"
    rb"|(?:warning|fatal|panic|error): (?![^\n]{0,200}\b[45]\d\d[ -])"
    rb"|(?:dis)?connect from \S|lost connection after |timeout after |SSL_accept error from "
    rb"|(?:PREGREET|HANGUP|DNSBL rank|(?:COMMAND|BARE) [A-Z ]{4,20} from|PASS (?:OLD|NEW)) "
)


def looks(head: bytes) -> bool:
    """Does one of the first lines look like a line of a log that may tell of mail?"""
    from todoku.reading.logs import postfix, syslog

    head = head.removeprefix(b"\xef\xbb\xbf")
    for line in head.split(b"\n", _LINES)[:_LINES]:
        if line[:1] == b"{":
            if b'"MESSAGE"' in line or (b'"log"' in line and b'"stream"' in line):
                return True
        elif syslog.STAMPED.match(line) or _OTHER.match(line):
            return True
    return postfix.looks(head)


def read(data: bytes) -> list[Refusal]:
    """The refusals of a log, whichever mail server wrote it."""
    from todoku.reading.logs import exchange

    if exchange.looks(data[:8192]):
        return exchange.read(data)
    return _read(data, data.replace(b"\r\n", b"\n").split(b"\n"))


def read_lines(lines: Iterable[str]) -> list[Refusal]:
    """The refusals of log lines that were taken out of other text."""
    raw = [line.strip().encode("utf-8", "replace") for line in lines]
    if any(exchange_row(line) for line in raw):
        from todoku.reading.logs import exchange

        return exchange.read_lines(raw)
    return _read(b"\n".join(raw), raw)


def exchange_row(line: bytes) -> bool:
    """Is this a row or the head of a message tracking log?"""
    if line[4:5] != b"-" and line[:1] != b"#":
        return False
    from todoku.reading.logs import exchange

    return exchange.looks(line)


def is_line(line: str) -> bool:
    """Is this line one of a log, about mail or not? Then it is no words of a person."""
    from todoku.reading.logs import postfix, syslog

    raw = line.strip().encode("utf-8", "replace")
    if not raw:
        return False
    if raw[:1] == b"{":
        return b'"MESSAGE"' in raw
    return bool(
        syslog.STAMPED.match(raw)
        or _OTHER.match(raw)
        or _INBOUND.match(raw)
        or postfix.line(raw)
        or postfix.between(raw)
        or postfix.looks(raw)
    )


_MAIL_PROGRAM = expression(
    rb"[^/]*/|postfix|sendmail|sm-m|exim|dovecot|qmail|spam|amavis|open(?:dkim|dmarc)|polic|postgrey"
    rb"|rspamd|mi(?:lter|medefang)|MailScanner|clam|courier|cyrus|fail2ban|named|unbound|sshd|kernel"
    rb"|systemd|cron",
    re.IGNORECASE,
)


# OpenSMTPD has one name for all it does: a session of its server, a delivery it has a reader for.
_OPENSMTPD = expression(rb"(?:[0-9a-f]{4,16} )?(?:smtp|mta (?:event=)?delivery) ")


def words(line: str) -> str | None:
    """The message of a log line of a program that is no mail server: a script's own account of
    the answer that it got. None for all other lines."""
    from todoku.reading.logs import syslog

    raw = line.strip().encode("utf-8", "replace")
    if not syslog.STAMPED.match(raw):
        return None
    entry = syslog.split(raw)
    if entry.tag is None or _MAIL_PROGRAM.match(entry.tag):
        return None
    if entry.tag == b"smtpd" and _OPENSMTPD.match(entry.message):
        return None
    return entry.message.decode("utf-8", "replace")


def _read(data: bytes, lines: list[bytes]) -> list[Refusal]:
    # Each reader is asked only where the mark of its lines occurs at all.
    found: list[Refusal] = []
    if b"status=" in data or b"]" in data:  # `host mx.example[192.0.2.1] said:`
        from todoku.reading.logs import postfix

        found += postfix.read_lines(lines)
    if b" ** " in data or b" == " in data or b" SMTP error from remote " in data:
        from todoku.reading.logs import exim

        found += exim.read_lines(lines)
    if b"stat=" in data and b"to=" in data:
        from todoku.reading.logs import sendmail

        found += sendmail.read_lines(lines)
    if b' result="' in data:
        from todoku.reading.logs import opensmtpd

        found += opensmtpd.read_lines(lines)
    if b": failure: " in data or b": deferral: " in data:
        from todoku.reading.logs import qmail

        found += qmail.read_lines(lines)
    return found
