"""Postfix: the lines of its delivery agents (postfix-logs, bounce(8), smtp(8)).

    3F2A...: to=<u@b.example>, relay=mx.b.example[192.0.2.9]:25, delay=1.7, delays=0.3/0/0.3/1.1,
        dsn=5.7.1, status=bounced (host mx.b.example[192.0.2.9] said: 554 5.7.1 ... (in reply to
        RCPT TO command))

Only what our side sends is read: `status=` of the agents smtp, lmtp, local, virtual, pipe, error
and whatever else a master.cf names; never `NOQUEUE: reject` and the like, with which we refuse
others. A server that refuses at once (`refused to talk to me: 554 ...`) is only deferred by
Postfix, with dsn=4.0.0, and is as much a refusal as any other.

Fields are taken from the head of the message, in their order, and never searched for: everything
in the brackets behind `status=` is written by strangers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from todoku.lazy import expression
from todoku.model import Refusal, Remote, Stage
from todoku.reading.logs.attempt import Attempt, Outcome, refusal
from todoku.reading.logs.syslog import Line, in_bytes, split, text

READER = "postfix-log"

_QUEUE_ID = rb"(?:[0-9A-F]{5,24}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,24}|NOQUEUE)"
_DELIVERY = expression(
    rb"(?P<qid>" + _QUEUE_ID + rb"): to=(?:<(?P<to>[^\n]{0,600}?)>|(?P<bare>[^\s,<>]{1,320})), "
    rb"(?:orig_to=(?:<[^\n]{0,600}?>|[^\s,<>]{1,320}), )?"
    rb"(?:relay=(?P<relay>[^\s,]{1,400}), )?"
    rb"(?:(?!dsn=|status=)[a-z_]{2,20}=[^\s,]{1,100}, ){0,8}"
    rb"(?:dsn=(?P<dsn>[245]\.\d{1,3}\.\d{1,3}), )?"
    rb"status=(?P<status>[A-Za-z-]{4,40})(?: \((?P<text>.*))?",
    re.DOTALL,
)
_FROM = expression(
    rb"(?P<qid>" + _QUEUE_ID + rb"): from=<(?P<from>[^\n]{0,600}?)>, "
    rb"(?:size=|status=(?P<status>expired|force-expired), returned to sender)"
)
_RELAY = expression(rb"(?P<host>[^\[\]]{1,255})\[(?P<ip>[0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?\Z")
# Lines between: one server of several did not take the message. They count only in an input that
# has no line with a status, such as a single line that someone asks about.
_TALK = expression(
    rb"(?:(?P<qid>" + _QUEUE_ID + rb"): )?(?P<text>(?:"
    rb"host [\w.-]{1,255}\[[^\]\s]{2,45}\](?::\d{1,5})? (?:said|refused to talk to me): "
    rb"|lost connection with [\w.-]{1,255}\[[^\]\s]{2,45}\](?::\d{1,5})? while "
    rb"|conversation with [\w.-]{1,255}\[[^\]\s]{2,45}\](?::\d{1,5})? timed out while "
    rb"|(?P<auth>SASL authentication failed; )server [\w.-]{1,255}\[[^\]\s]{2,45}\](?::\d{1,5})? said: "
    rb"|(?P<connect>connect) to [\w.-]{1,255}\[[^\]\s]{2,255}\](?::[\w-]{1,32})?: "
    rb"|(?P<tls>SSL_connect error) to (?P<host>[\w.-]{1,255})\[(?P<ip>[0-9A-Fa-f:.]{2,45})\]"
    rb"(?::\d{1,5})?: "
    rb").*)",
    re.DOTALL,
)
# Agents that receive; all others of a Postfix send or deliver.
_RECEIVING = (b"smtpd", b"postscreen", b"cleanup", b"tlsproxy", b"dnsblog", b"qmqpd", b"submission")

_OUTCOMES: dict[bytes, Outcome] = {
    b"sent": "sent",
    b"deliverable": "sent",
    b"bounced": "bounced",
    b"undeliverable": "bounced",
    b"undeliverable-but-not-cached": "bounced",
    b"deferred": "deferred",
    b"softbounce": "deferred",
}

_LOOKS = expression(
    rb"^(?:[^\n]{0,120} )?[\w.-]{1,40}(?:/[\w.-]{1,40}){1,3}\[\d{1,10}\]: "
    rb"|\"SYSLOG_IDENTIFIER\" ?: ?\"[\w.-]{1,40}/[\w./-]{1,60}\""
    rb"|^" + _QUEUE_ID + rb": (?:to|from)=",
    re.MULTILINE,
)


def looks(head: bytes) -> bool:
    """Are there lines of a Postfix in it?"""
    return _LOOKS.search(head[:8192]) is not None


def line(raw: bytes | str) -> Attempt | None:
    """The attempt that a line tells of, whatever became of it."""
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "replace")
    return _delivery(split(raw.rstrip())) if b"status=" in raw else None


def between(raw: bytes | str) -> Attempt | None:
    """The attempt at one server of several that a line between tells of."""
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "replace")
    if b"]" not in raw or b"status=" in raw:
        return None
    entry = split(raw.rstrip())
    if _receives(entry.tag):
        return None
    m = _TALK.match(entry.message)
    if m is None:
        return None
    stage: Stage | None = None
    if m["auth"]:
        stage = "AUTH"
    elif m["connect"]:
        stage = "CONN"
    elif m["tls"]:
        stage = "STARTTLS"
    said = text(m["text"])
    if m["auth"]:
        said = "host " + said.partition("server ")[2]
    return Attempt(
        outcome="deferred",
        recipient=None,
        text=said,
        queue_id=text(m["qid"]) if m["qid"] else None,
        host=entry.host,
        remote=Remote(text(m["host"]), text(m["ip"])) if m["tls"] else Remote(),
        stage=stage,
    )


def _delivery(entry: Line) -> Attempt | None:
    m = _DELIVERY.match(entry.message)
    if m is None or _receives(entry.tag):
        return None
    outcome = _OUTCOMES.get(m["status"].lower())
    if outcome is None:
        return None
    reason = m["text"] or b""
    if reason.endswith(b")"):
        reason = reason[:-1]
    relay = _RELAY.match(m["relay"]) if m["relay"] else None
    to = m["to"] if m["to"] is not None else m["bare"]
    return Attempt(
        outcome=outcome,
        recipient=text(to) or None,
        text=text(reason),
        queue_id=text(m["qid"]),
        host=entry.host,
        remote=Remote(text(relay["host"]), text(relay["ip"])) if relay else Remote(),
        status=text(m["dsn"]) if m["dsn"] else None,
    )


def _receives(tag: bytes | None) -> bool:
    return tag is not None and tag.rpartition(b"/")[2] in _RECEIVING


def read(data: bytes) -> list[Refusal]:
    """The refusals in a log or a piece of one, senders filled in where it tells them."""
    return read_lines(data.split(b"\n"))


_Key = tuple[str | None, str]
"""Host and queue id: the id is unique on one host only."""


def read_lines(lines: Sequence[bytes]) -> list[Refusal]:
    """The same for lines."""
    found: list[Attempt] = []
    talk: list[Attempt] = []
    expired: dict[_Key, str] = {}
    delivered = False
    for raw in lines:
        at = raw.find(b", status=")
        if at >= 0:
            if raw.startswith(b"sent (", at + 9) and b'"' not in raw[:at]:
                # Most lines. Only a quoted address could hold these words before the real ones.
                delivered = True
                continue
            entry = split(raw.rstrip())
            attempt = _delivery(entry)
            if attempt is not None:
                delivered = True
                if attempt.outcome != "sent":
                    found.append(attempt)
            elif (m := _FROM.match(entry.message)) and m["status"] and not _receives(entry.tag):
                expired[entry.host, text(m["qid"])] = text(m["from"])
        elif raw[:1] == b"{" and in_bytes(raw):
            attempt = _delivery(split(raw.rstrip()))
            if attempt is not None and attempt.outcome != "sent":
                found.append(attempt)
        elif not delivered and (attempt := between(raw)) is not None:
            talk.append(attempt)
    if not delivered and not found:
        found = talk
    senders = _senders(lines, {a.queue_id.encode() for a in found if a.queue_id})
    return [*_told(found, senders, expired), *_given_up(found, expired)]


def _senders(lines: Sequence[bytes], wanted: set[bytes]) -> dict[_Key, str]:
    """Who sent the messages that are wanted. Few are, so most lines are told by their id alone."""
    senders: dict[_Key, str] = {}
    if not wanted:
        return senders
    for raw in lines:
        at = raw.find(b": from=<")
        if at < 0:
            continue
        start = max(raw.rfind(b" ", 0, at), raw.rfind(b'"', 0, at)) + 1
        if raw[start:at] in wanted:
            entry = split(raw)
            if (m := _FROM.match(entry.message)) and not _receives(entry.tag):
                senders[entry.host, text(m["qid"])] = text(m["from"])
    return senders


def _told(
    found: list[Attempt],
    senders: dict[_Key, str],
    expired: dict[_Key, str],
) -> Iterable[Refusal]:
    # The last deferral of a message whose time ran out is where it failed.
    last = {
        (a.host, a.queue_id, a.recipient): i
        for i, a in enumerate(found)
        if a.outcome == "deferred" and (a.host, a.queue_id) in expired
    }
    for i, attempt in enumerate(found):
        key = (attempt.host, attempt.queue_id or "")
        sender = senders.get(key, expired.get(key))
        if last.get((attempt.host, attempt.queue_id, attempt.recipient)) == i:
            attempt = msgspec.structs.replace(attempt, outcome="expired", gave_up=True)
        yield refusal(attempt, READER, sender or None)


def _given_up(found: list[Attempt], expired: dict[_Key, str]) -> Iterable[Refusal]:
    """Messages whose time ran out, and of which no attempt is told: all that is known of them."""
    told = {(a.host, a.queue_id) for a in found}
    for (host, queue_id), sender in expired.items():
        if (host, queue_id) not in told:
            yield Refusal(
                reader=READER,
                action="failed",
                sender=sender or None,
                reported_by=host,
                notice="status=expired, returned to sender",
                expired=True,
            )
