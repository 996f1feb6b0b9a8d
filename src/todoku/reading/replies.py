"""Replies (RFC 5321, 4.2) in lines of text, wherever they stand: among commands of a session, in
entries of a bounce, in somebody's words. What the lines before a reply tell is told with it."""

from __future__ import annotations

import re
from typing import Final

from todoku.lazy import expression
from todoku.model import Refusal, Remote, Stage
from todoku.reading import codeless
from todoku.reading.reply import Parsed, parse

READER: Final = "pasted"
MAX_REFUSALS: Final = 1000

# ── a session, as telnet, swaks, sendmail -v, smtplib or PHPMailer print it ───────────────────

_SERVER = r"(?:(?:[\w.-]{1,24}(?:\[\d{1,10}\])?: ){0,5}<<<|<<<|<\*\*|<-|<~\*?|SMTP<<|SERVER -> CLIENT:|reply:(?: b?['\"])?|S:|(?:\d\d:){2}\d\d <--?)"
_CLIENT = r"(?:>>>|->|~>|SMTP>>|CLIENT -> SERVER:|send:(?: b?['\"])?|C:|(?:\d\d:){2}\d\d -->?)"
COMMAND = expression(
    rf"^\s*(?:{_CLIENT}\s*)?(?:"
    r"(?P<mail>MAIL FROM):\s?<?(?P<sender>[^<>\s]{0,320})>?"
    r"|(?P<rcpt>RCPT TO):\s?<?(?P<recipient>[^<>\s]{1,320})>?"
    r"|(?P<ehlo>(?:EH|HE|LH)LO) [\w.\[\]:-]{1,255}"
    r"|(?P<auth>AUTH) [A-Z0-9-]{3,20}(?: [\w+/=]{1,400})?"
    r"|(?P<tls>STARTTLS)|(?P<data>DATA)|(?P<eod>\.)|(?P<rest>RSET|NOOP|QUIT)"
    r")(?: [A-Z0-9]{3,12}(?:=[\w.@+-]{1,80})?){0,6}(?:\\r\\n['\"])?\s*$",
    re.IGNORECASE,
)
_STAGES: Final[dict[str, Stage | None]] = {
    "mail": "MAIL FROM",
    "rcpt": "RCPT TO",
    "ehlo": "EHLO",
    "auth": "AUTH",
    "tls": "STARTTLS",
    "data": "DATA",
    "eod": "END OF DATA",
    "rest": None,
}
_CONNECTED = expression(
    r"^(?:=== )?(?:(?:Trying|Connected to|Connection established|Escape character)\b"
    r"|(?P<end>Connection closed))"
)

# ── where a reply begins ──────────────────────────────────────────────────────────────────────

_HEAD = expression(
    rf"^\s*(?:{_SERVER}\s*)?(?:[-*•・]\s+|\d{{1,3}}[.)]\s+)?(?:smtp;\s*)?[\"'(<\[「]{{0,2}}"
    r"(?P<code>[2345]\d\d)(?P<sep>[- ]|$|(?=[:;,]))(?!\d{1,4}[-/])"
)
_MARK = expression(rf"^\s*{_SERVER}\s*")
_BULLET = expression(r"^\s*(?:[-*•・]|\d{1,3}[.)])\s+(?=[\"'<]?[245]\d\d[ -])")
# `<user@example.com>: host ...`, the paragraph of Postfix and of all that copy it.
_ENTRY = expression(
    r"^\s{0,8}(?:To: ?)?<(?P<to>[^<>\s]{1,320})>(?:\s?\((?:[^()]{1,340})\))?\s?:(?=\s|$)"
    r"|^\s{0,8}(?P<bare>[^<>\s:,;()]{1,64}@[^<>\s:,;()]{1,255}): (?=host \S)"
)
# A field of a delivery report (RFC 3464) that was pasted without the others.
_REPORT_FIELD = expression(
    r"^\s{0,4}(?P<name>Diagnostic-Code|Remote-MTA|(?:Final|Original)-Recipient|Action|Status"
    r"|Last-Attempt-Date|Reporting-MTA):[ \t]*(?:(?P<type>[A-Za-z0-9-]{2,40})[ \t]?;[ \t]*)?"
    r"(?P<value>.{0,2000})$",
    re.IGNORECASE,
)
# `to=<user@example.com>, relay=...`: Postfix's words about a recipient, without the line's head.
_LOGGED_TO = expression(r"\bto=<([^<>\s]{1,320})>, (?:orig_to=<[^<>\s]{1,320}>, )?relay=")
# `550 5.1.1 <user@example.com>: Recipient address rejected`, `<...>... User unknown`.
_REFUSED_TO = expression(
    r"^(?:smtp; ?)?[45]\d\d[ -](?:[45]\.\d{1,3}\.\d{1,3} ){0,2}(?:"
    r"<(?P<a>[^<>\s@]{1,64}@[^<>\s@]{1,255})>(?:\.{3} ?|: ?|,? )"
    r"(?=(?:recipient|user|mailbox|account|addressee|unknown|inactive|no such|invalid address|does not)\b)"
    r"|(?P<b>[^<>\s@]{1,64}@[^<>\s@]{1,255}?)\.{3} (?=[^.])"
    r"|[^<>@]{0,80}\b(?:user|mailbox|account|recipient)\b[^<>@]{0,40}: ?<(?P<c>[^<>\s@]{1,64}@[^<>\s@]{1,255})>$)",
    re.IGNORECASE,
)
_AFTER_RCPT = expression(r"\bRCPT TO: ?<([^<>\s]{1,320})>", re.IGNORECASE)
# Failures in which no server answered, as MTAs word them.
_NETWORK = expression(
    r"\bconnect(?:ing)? to \S{1,255}: ?(?:Connection (?:timed out|refused|reset)|No route to host"
    r"|Network is unreachable|Operation timed out|Host is down)"
    r"|\blost connection with \S|\bconversation with \S{1,300} timed out"
    r"|\b(?:Host or domain|Domain) name not found|\bName service error for\b"
    r"|\bdoes not accept mail\b|\bnull ?MX\b|\bmail for \S{1,255} loops back to myself\b"
    r"|\bConnection (?:timed out|refused)\b(?=.{0,80}$)"
    r"|\bretry time(?:out)? (?:not reached|exceeded)\b"
    r"|\bdelivery temporarily suspended\b|\bcannot find your hostname\b"
    # and those of its own delivery programs
    r"|\bCommand died with (?:status|signal) \d|\bcannot (?:append|access|update) (?:message|mailbox)\b"
    r"|\bmail forwarding loop for\b|\bmessage size \d{1,12} exceeds\b",
    re.IGNORECASE,
)


class _Chunk:
    """Lines that belong together: an entry, a reply with its continuations, or plain words."""

    __slots__ = (
        "code",
        "done",
        "entry",
        "host",
        "lines",
        "recipient",
        "reported",
        "sender",
        "stage",
    )

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.code: str | None = None
        self.done = False
        self.entry = False
        self.reported = False  # a report's Diagnostic-Code: given for failures only
        self.host: str | None = None
        self.recipient: str | None = None
        self.sender: str | None = None
        self.stage: Stage | None = None


def replies(lines: list[str]) -> list[Refusal]:
    """Every refusing reply in these lines, in order, with what the words around it tell."""
    out: list[Refusal] = []
    for chunk in _chunks(lines):
        if (r := _from_chunk(chunk)) is not None:
            out.append(r)
            if len(out) >= MAX_REFUSALS:
                break
    return out


class _Told:
    """What the lines before a reply told: the command it answers, who was written to, who answers."""

    __slots__ = ("host", "recipient", "sender", "stage")

    def __init__(self) -> None:
        self.stage: Stage | None = None
        self.recipient: str | None = None
        self.sender: str | None = None
        self.host: str | None = None

    def command(self, m: re.Match[str]) -> None:
        self.stage = _STAGES[next(k for k in _STAGES if m[k])]
        self.sender = m["sender"] or self.sender
        self.recipient = m["recipient"] or self.recipient

    def field(self, m: re.Match[str]) -> str:
        """A field of a report; the words of the answer where it is the one that holds them."""
        name, value = m["name"].lower(), m["value"].strip()
        if name == "final-recipient":
            self.recipient, self.host = value.strip("<>") or None, None
        elif name == "remote-mta":
            self.host = value.partition(" ")[0] or None
        return value if name == "diagnostic-code" else ""


def _chunks(lines: list[str]) -> list[_Chunk]:
    out: list[_Chunk] = []
    told = _Told()

    def begin() -> _Chunk:
        new = _Chunk()
        new.stage, new.recipient, new.sender = told.stage, told.recipient, told.sender
        out.append(new)
        return new

    chunk = begin()
    for line in lines:
        bare = line.strip()
        if not bare:
            if chunk.code is None or chunk.done:
                chunk = begin()
            continue
        if m := COMMAND.match(line):
            told.command(m)
            chunk = begin()
            continue
        if m := _CONNECTED.match(bare):
            told.stage = None if m["end"] else "CONN"
            chunk = begin()
            continue
        if m := _ENTRY.match(line):
            chunk = begin()
            chunk.entry, chunk.recipient = True, m["to"] or m["bare"]
            chunk.lines.append(bare[m.end() - (len(line) - len(line.lstrip())) :])
            continue
        if m := _REPORT_FIELD.match(line):
            if words := told.field(m):
                chunk = begin()
                chunk.entry, chunk.reported, chunk.host = True, bool(m["type"]), told.host
                chunk.lines.append(words)
            continue
        head = _HEAD.match(line)
        if head is not None and not (chunk.entry and line[:1] in {" ", "\t"}):
            code = head["code"]
            goes_on = chunk.code == code and not chunk.done
            lead_in = chunk.code is None and bool(chunk.lines) and chunk.lines[-1].endswith(":")
            wrapped = chunk.code is None and any(f"{code}-" in x for x in chunk.lines)
            if not (goes_on or lead_in or wrapped):
                chunk = begin()
            chunk.code = code
            chunk.done = head["sep"] != "-"
            if code == "354":
                told.stage = "END OF DATA"
            bare = _BULLET.sub("", _MARK.sub("", line)).strip()
        chunk.lines.append(bare)
    return out


def _from_chunk(chunk: _Chunk) -> Refusal | None:
    text = " ".join(x for x in chunk.lines if x).rstrip("*`| ")
    if not text:
        return None
    found = parse(text, chunk.stage)
    silent = chunk.reported and found.reply.code is None
    if not silent and not _refuses(found, text, chunk.entry):
        return None
    recipient = chunk.recipient
    if recipient is None:
        m = _AFTER_RCPT.search(text) or _LOGGED_TO.search(text) or _REFUSED_TO.match(text)
        recipient = m[m.lastgroup or 1] if m else None
    return Refusal(
        reader=READER,
        recipient=recipient,
        sender=chunk.sender,
        remote=found.remote if chunk.host is None or found.remote.host else Remote(chunk.host),
        stage=found.stage,
        reply=found.reply,
        notice=found.notice,
    )


def _refuses(found: Parsed, text: str, entry: bool) -> bool:
    """Is this a refusal, and not a number in someone's sentence or a server's good answer?"""
    reply = found.reply
    if reply.code is not None:
        return reply.code >= 400
    if _NETWORK.search(text[:4000]):
        return True
    if reply.enhanced is not None and reply.enhanced[0] in "45":
        # `5.7.1` at the head of an answer is a status code, in the midst of words a version.
        return text.find(reply.enhanced) < 4 or bool(codeless.REFUSED.search(text[:4000]))
    return entry and bool(codeless.REFUSED.search(text[:4000]))
