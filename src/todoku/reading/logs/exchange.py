"""Microsoft Exchange: the message tracking log (Microsoft Learn, "Message tracking", 2024).

CSV behind lines that begin with `#`, of which `#Fields:` names the columns; later versions have
more of them. The events SEND, DEFER and FAIL hold the answer in `recipient-status`:

    550 5.1.1 User unknown
    [{LED=550-5.7.26 one 550 5.7.26 two};{MSG=};{FQDN=mx.b.example};{IP=192.0.2.9};{LRT=...}]

A status may hold what the receiver wrote, and that may look like these fields: so they are taken
off from the end, each at most once.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping

import msgspec

from todoku.lazy import expression
from todoku.model import Refusal, Remote
from todoku.reading.logs.attempt import Attempt, Outcome, refusal
from todoku.reading.logs.syslog import text

READER = "exchange-log"

FIELDS = [
    "date-time",
    "client-ip",
    "client-hostname",
    "server-ip",
    "server-hostname",
    "source-context",
    "connector-id",
    "source",
    "event-id",
    "internal-message-id",
    "message-id",
    "network-message-id",
    "recipient-address",
    "recipient-status",
    "total-bytes",
    "recipient-count",
    "related-recipient-address",
    "reference",
    "message-subject",
    "sender-address",
    "return-path",
    "message-info",
    "directionality",
    "tenant-id",
    "original-client-ip",
    "original-server-ip",
    "custom-data",
]
"""The columns since Exchange 2013, for a piece of a log without its head."""

_FIELDS = expression(rb"^#Fields: ?([^\r\n]{1,4000})", re.MULTILINE)
_ROW = expression(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z,")
_EVENTS = {"SEND", "DEFER", "FAIL"}
_OUR_DOING = {"AGENT", "MAILBOXRULE", "ADMIN"}
"""Sources whose failures are our own doing: a filter, a rule of the mailbox, an administrator."""
_PART = expression(r"(MSG|FQDN|IP|LRT)=([^{}]{0,400})")


def looks(head: bytes) -> bool:
    """Is it a message tracking log, or a row of one?"""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if (m := _FIELDS.search(head)) is not None:
        return b"recipient-status" in m[1] and b"event-id" in m[1]
    if not _ROW.match(head):
        return False
    row = _row(text(head.partition(b"\n")[0]))
    return len(row) > 13 and any(name in {*_EVENTS, "RECEIVE", "DELIVER"} for name in row[7:10])


def line(raw: bytes | str, fields: list[str]) -> list[Attempt]:
    """The attempts that a row tells of, one for each recipient."""
    raw = text(raw) if isinstance(raw, bytes) else raw
    row = dict(zip(fields, _row(raw.rstrip("\r\n")), strict=False))
    if row.get("event-id") not in _EVENTS or row.get("source") in _OUR_DOING:
        return []
    if row.get("directionality") == "Incoming":
        return []
    recipients = [r.strip() for r in row.get("recipient-address", "").split(";") if r.strip()]
    status = row.get("recipient-status", "")
    asked = row.get("source") == "SMTP"
    own = Attempt(
        outcome="sent",
        recipient=None,
        text="",
        host=row.get("client-hostname") or None,
        sender=envelope(row),
        remote=Remote(row.get("server-hostname") or None, row.get("server-ip") or None)
        if asked
        else Remote(),
        message_id=row.get("message-id", "").strip("<>") or None,
        queue_id=row.get("internal-message-id") or None,
    )
    out = []
    for recipient, said in zip(recipients, _statuses(status, len(recipients)), strict=True):
        led, fqdn, ip = _unwrapped(said)
        words, own_status = own_words(led)
        out.append(
            msgspec.structs.replace(
                own,
                outcome=_outcome(row["event-id"], led),
                recipient=recipient,
                text=words or row.get("source-context", ""),
                status=own_status,
                remote=Remote(fqdn, ip) if fqdn or ip else own.remote,
            )
        )
    return out


def envelope(row: Mapping[str, str]) -> str | None:
    """The envelope sender: empty for a notification, whose `sender-address` is Exchange's own."""
    if row.get("return-path", "").strip() == "<>":
        return ""
    return row.get("sender-address", "").strip("<> ") or None


def _row(raw: str) -> list[str]:
    try:
        return next(csv.reader([raw.replace("\x00", "")]), [])
    except (csv.Error, StopIteration):
        return []


def _outcome(event: str, said: str) -> Outcome:
    if event == "FAIL":
        return "bounced"
    if event == "DEFER":
        return "deferred"
    digit = said.lstrip("'\" ")[:1]
    return "deferred" if digit == "4" else "bounced" if digit == "5" else "sent"


def _statuses(status: str, count: int) -> list[str]:
    """One status for each recipient; the same for all where they cannot be told apart."""
    if count > 1:
        for separator in ("];[", ";"):
            parts = status.split(separator)
            if len(parts) == count:
                return parts
    return [status] * count


# Exchange's own words about a server that it could not talk to, and the answer that it quotes.
_QUOTED = expression(
    r"(?:target IP address responded with|remote server returned|last error was):? ?[\"']"
    r"(?P<said>[245]\d\d[ -].*?)[\"']\.?(?= Attempted |;|$)",
    re.IGNORECASE | re.DOTALL,
)
_OWN = expression(
    r"(?:4\d\d|55[04]) (?P<status>[45]\.\d\.\d{1,3}) (?P<words>(?:Error encountered while communicating"
    r"|TLS handshake failed|DNS (?:query|domain)|Connection (?:timed out|dropped|refused|reset)"
    r"|Failed to connect|The remote server did not respond|No (?:route|response)|Socket error"
    r"|Certificate validation|STARTTLS is required|SMTPSEND\.|Unable to|Message expired|Hop count).*)",
    re.IGNORECASE | re.DOTALL,
)


def own_words(led: str) -> tuple[str, str | None]:
    """The receiver's answer, or Exchange's words and status where none is quoted: the code before
    them is Exchange's own, and no server's."""
    if m := _QUOTED.search(led):
        return m["said"], None
    if m := _OWN.match(led):
        return m["words"], m["status"]
    return led, None


def _unwrapped(said: str) -> tuple[str, str | None, str | None]:
    """The answer, and the server that gave it, out of `[{LED=...};{MSG=};{FQDN=...};...]`."""
    start = said.find("{LED=")
    if start < 0:
        return said.strip(), None, None
    parts: dict[str, str] = {}
    for m in _PART.finditer(said, 0, start):
        parts.setdefault(m[1], m[2])
    rest = said[start + 5 :].rstrip("] ").removesuffix("}")
    while len(parts) < 4:
        before, found, last = rest.rpartition("};{")
        part = _PART.fullmatch(last) if found else None
        if part is None or part[1] in parts:
            break
        parts[part[1]] = part[2]
        rest = before
    return rest.strip(), parts.get("FQDN") or None, parts.get("IP") or None


def read(data: bytes) -> list[Refusal]:
    """The refusals in a log or a piece of one."""
    return read_lines(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"))


def read_lines(lines: Iterable[bytes]) -> list[Refusal]:
    """The same for lines. The columns may change in the midst of a file (after an update)."""
    fields = FIELDS
    out: list[Refusal] = []
    for raw in lines:
        if raw[:1] == b"#":
            if m := _FIELDS.match(raw):
                fields = [f.strip() for f in text(m[1]).split(",")]
            continue
        if b",DEFER," in raw or b",FAIL," in raw or b",SEND," in raw:
            out += [refusal(a, READER) for a in line(raw, fields) if a.outcome != "sent"]
    return out
