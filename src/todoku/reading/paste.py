"""Text that a person pasted: a reply, a piece of a bounce, a log line, a session, in any wrapping.

Nothing marks where the answer of the server begins and where the words of the person end. So the
surest forms are tried first, and each only where its own marks stand: log lines, the fields of a
delivery report, a bounce's notice; what remains is searched for replies (RFC 5321, 4.2), line by
line. A multi-line reply stays one, several replies stay several.
"""

from __future__ import annotations

import re
from typing import Final

from todoku.lazy import expression
from todoku.model import Refusal, Remote, Stage
from todoku.reading import charset, codeless, logs
from todoku.reading.literals import unwrap
from todoku.reading.reply import Parsed, parse

READER: Final = "pasted"
MAX_PASTE: Final = 256 * 1024
"""Characters looked at. A pasted bounce with its mail stays below; more is no paste."""
MAX_REFUSALS: Final = 1000

# ── marks that quoting and mail programs put before a line ────────────────────────────────────

_QUOTE = expression(r"^[ \t]{0,3}(?:[>|＞][ \t]?)+")
_TRANSCRIPT = expression(r"^[ \t]{0,3}>>> ?(?:[A-Za-z]{4}\b|\.)")


def unquoted(text: str) -> list[str]:
    """The lines without reply marks (`> `, `>> `, `| `); `>>> DATA` of a transcript is none."""
    out = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.lstrip()[:1] in {">", "|", "＞"} and not _TRANSCRIPT.match(line):
            line = _QUOTE.sub("", line)
        out.append(line)
    return out


# ── a session, as telnet, swaks, sendmail -v, smtplib or PHPMailer print it ───────────────────

_SERVER = r"(?:(?:[\w.-]{1,24}(?:\[\d{1,10}\])?: ){0,5}<<<|<<<|<\*\*|<-|<~\*?|SMTP<<|SERVER -> CLIENT:|reply:(?: b?['\"])?|S:|(?:\d\d:){2}\d\d <--?)"
_CLIENT = r"(?:>>>|->|~>|SMTP>>|CLIENT -> SERVER:|send:(?: b?['\"])?|C:|(?:\d\d:){2}\d\d -->?)"
_COMMAND = expression(
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
_AT = expression(r"<(?P<a>[^<>\s@]{1,64}@[^<>\s@]{1,255})>")

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


def looks(head: bytes) -> bool:
    """Is this text at all? Everything readable may be a paste: the front door asks here last."""
    return b"\x00" not in head.rstrip(b"\x00") or head[:2] in {b"\xff\xfe", b"\xfe\xff"}


def read(data: bytes | str) -> list[Refusal]:
    """All refusals that a pasted text holds; none where nothing is recognised."""
    text = unwrap(_text(data)[:MAX_PASTE])
    entries, lines = _apart(unquoted(text))
    if entries and (found := logs.read_lines(entries)):
        return found
    return (
        _quoted_mail(text, lines)
        or _complaint(lines)
        or _session(lines)
        or _notice(lines)
        or replies(lines)
        or codeless.read("\n".join(lines), READER)
    )


def _text(data: bytes | str) -> str:
    if isinstance(data, str):
        return data.lstrip("\ufeff")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data[: 2 * MAX_PASTE].decode("utf-16", "replace").lstrip("\ufeff")
    return charset.decode(data[: 4 * MAX_PASTE]).lstrip("\ufeff").replace("\x00", " ")


# ── log lines inside of prose ─────────────────────────────────────────────────────────────────

MAX_FOLDS: Final = 16
"""Pieces into which a mail program may have broken one log line."""


def _apart(lines: list[str]) -> tuple[list[str], list[str]]:
    """The log lines, mended where they were broken, and all others."""
    entries: list[str] = []
    others: list[str] = []
    folds = 0
    for i, line in enumerate(lines):
        if (said := logs.words(line)) is not None:
            others += ["", said]
            folds = 0
        elif logs.is_line(line):
            entries.append(line.strip())
            folds = MAX_FOLDS
            if _open(line):  # as far as the answer goes
                folds = _closed_after(lines, i)
        elif folds and line.strip() and (_open(entries[-1]) or not _complete(entries[-1])):
            entries[-1] += " " + line.strip()
            folds -= 1
        else:
            others.append(line)
            folds = 0
    return entries, others


def _open(entry: str) -> bool:
    """Has Postfix's quotation of an answer begun here and not ended?"""
    return "] said: " in entry and not entry.rstrip().endswith(("command)", "command))"))


def _closed_after(lines: list[str], at: int) -> int:
    """How many of the next lines belong to the answer that `lines[at]` begins; 0 if it has no end."""
    for n, line in enumerate(lines[at + 1 : at + 1 + MAX_FOLDS], 1):
        if not line.strip():
            return 0
        if line.rstrip().endswith(("command)", "command))")):
            return n
    return 0 if "status=" not in lines[at] else MAX_FOLDS


def _complete(entry: str) -> bool:
    if "status=" in entry:
        return entry.endswith(")")
    marks = (": to=", " ** ", " == ", "delivery ")
    return "stat=" in entry or not any(mark in entry for mark in marks)


# ── a whole mail, as reply marks leave it ─────────────────────────────────────────────────────

_FIRST_HEADER = expression(
    r"^(?:Return-Path|Received|Delivered-To|From|Date|To|Subject|Message-ID|MIME-Version"
    r"|Content-Type|X-[A-Za-z-]{2,40}):",
    re.IGNORECASE,
)


def _quoted_mail(text: str, lines: list[str]) -> list[Refusal]:
    """A bounce or complaint that someone forwarded with its headers and a mark before each line:
    without the marks it is a mail again."""
    if ">" not in text and "|" not in text and "＞" not in text:
        return []
    for i, line in enumerate(lines[:200]):
        if _FIRST_HEADER.match(line):
            mail = "\n".join(lines[i:])
            break
    else:
        return []
    if "\nContent-Type:" not in mail and "\nFeedback-Type:" not in mail:
        return []
    from todoku.reading import bounce

    found = bounce.read(mail.encode("utf-8", "replace"))
    return [r for r in found if r.kind not in {"not-a-bounce", "auto-reply"}]


# ── complaints (RFC 5965) ─────────────────────────────────────────────────────────────────────

_FIELD = expression(r"^\s{0,4}([A-Za-z][A-Za-z-]{3,40}):[ \t]*(.{0,2000})$")
_ABUSE_REPORT = expression(
    r"\bemail abuse report for an? (?:email )?message|\bfeedback[- ]?loop\b.{0,80}\bcomplain",
    re.IGNORECASE,
)


def _complaint(lines: list[str]) -> list[Refusal]:
    """A complaint, by its `Feedback-Type` field or by the sentence that such reports begin with."""
    fields: dict[str, str] = {}
    for line in lines[:400]:
        if (m := _FIELD.match(line)) and (name := m[1].lower()) not in fields:
            fields[name] = m[2].strip()
    kind = fields.get("feedback-type")
    if kind is None and not any(_ABUSE_REPORT.search(line[:400]) for line in lines[:60]):
        return []
    return [
        Refusal(
            kind="complaint",
            reader=READER,
            feedback_type=(kind or "abuse").split(" ")[0].strip(";,.").lower() or "abuse",
            recipient=_address(fields.get("original-rcpt-to") or fields.get("to")),
            sender=_address(fields.get("original-mail-from") or fields.get("return-path")),
            message_id=(fields.get("message-id") or "").strip("<> ") or None,
            reported_by=_typed(fields.get("reporting-mta")),
        )
    ]


def _typed(value: str | None) -> str | None:
    """`dns; mx.example (192.0.2.1)` without its type."""
    if not value:
        return None
    return value.partition(";")[2].strip() or value.strip() or None


def _address(value: str | None) -> str | None:
    """The address in `rfc822; <a@b>`, `Name <a@b>` or `a@b`."""
    if not value:
        return None
    if m := _AT.search(value):
        return m["a"]
    bare = (value.partition(";")[2] or value).strip().strip("<>")
    return bare if "@" in bare and " " not in bare else None


# ── the notice of a bounce ────────────────────────────────────────────────────────────────────


def _notice(lines: list[str]) -> list[Refusal]:
    """A bounce's own text: the same reader that reads it inside of a mail."""
    from todoku.reading import notice

    return notice.read_text("\n".join(lines))


# ── replies, wherever they stand ──────────────────────────────────────────────────────────────


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
        if m := _COMMAND.match(line):
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


def _session(lines: list[str]) -> list[Refusal]:
    """A session, command by command. Those that a bounce quotes (`>>> DATA`) are the notice's."""
    for line in lines[:2000]:
        if (m := _COMMAND.match(line)) and not (m["data"] or m["eod"] or m["rest"]):
            return [] if _TRANSCRIPT.match(line) else replies(lines)
    return []


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
