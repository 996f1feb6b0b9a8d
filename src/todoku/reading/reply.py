"""One SMTP reply, out of whatever words stand around it.

Every reader ends here: a bounce, a log line and a pasted text hold the same thing, the answer of a
server wrapped in the words of the system that reports it:

    host mx.example[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)
    `---- reporter: who answered ---´ `------ the reply ------´ `- reporter: which command -´

`parse` takes the wrapping off and tells what the wrapping told. Where answers are nested (a server
that quotes another server), the innermost is the refusal.
"""

from __future__ import annotations

import re

import msgspec

from todoku.model import Remote, Reply, Stage

MAX_REPLY = 8192
"""Longest reply looked at, in characters. RFC 5321 allows 512 octets a line; real ones stay below
2,000 in all. What is longer is cut, so that no pattern ever meets a megabyte."""


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """What one diagnostic text tells."""

    reply: Reply
    stage: Stage | None = None
    remote: Remote = Remote()
    notice: str = ""
    """The reporter's own words where no server's answer is quoted."""


# ── which command was answered ────────────────────────────────────────────────────────────────

_STAGE = re.compile(
    r"(?P<eod>end[ -]of[ -](?:data|message)|message body|transmission of message|data block"
    r"|sent the message|final (?:dot|\.)|end of mail|writing message)"
    r"|(?P<conn>initial (?:server )?greeting|initial connection|connect(?:ion|ing)?\b|greeting|banner)"
    r"|(?P<ehlo>\b[EH]E?H?LO\b|\bLHLO\b|hello)"
    r"|(?P<mail>\bMAIL(?: ?FROM)?\b|sender|return[- ]path)"
    r"|(?P<rcpt>\bRCPT(?: ?TO)?\b|recipient)"
    r"|(?P<tls>STARTTLS)|(?P<auth>\bAUTH\b)|(?P<data>\bDATA\b)",
    re.I,
)
_STAGES: dict[str, Stage] = {
    "eod": "END OF DATA",
    "conn": "CONN",
    "ehlo": "EHLO",
    "mail": "MAIL FROM",
    "rcpt": "RCPT TO",
    "tls": "STARTTLS",
    "auth": "AUTH",
    "data": "DATA",
}


def stage_of(words: str) -> Stage | None:
    """The stage that a reporter's words name: `end of DATA command`, `RCPT TO:<a@b>`, `EHLO`."""
    m = _STAGE.search(words)
    return _STAGES[m.lastgroup] if m and m.lastgroup else None


# ── the wrappings ─────────────────────────────────────────────────────────────────────────────

# Postfix, and all that speak like it.
_SAID = re.compile(
    r"(?:\bhost )?(?P<host>[\w.-]+)\s?\[(?P<ip>[^\]\s]{2,45})\](?::\d{1,5})?"
    r" (?:said(?: after [^:]{1,40})?|(?P<conn>refused to talk to me)|replied|responded(?: with)?): ?",
    re.I,
)
_IN_REPLY = re.compile(r"\(in reply to (?:the )?([^()]{2,60}?)(?: command)?(?:\)|$)", re.I)
# Exim.
_AFTER = re.compile(
    r"(?:SMTP|LMTP) error from remote (?:mail ?server|mailer)"
    r" after (?:pipelined )?(?P<what>(?:MAIL FROM|RCPT TO):\s?<?[^\s>:]*>?(?: [A-Z]+=\S+)*|[^:]{2,40}?)"
    r"(?:: ?host (?P<host>\S+) \[(?P<ip>[^\]\s]+)\](?::\d+)?)?: ?",
    re.I,
)
_EXIM_HOST = re.compile(r"^host (?P<host>\S+) \[(?P<ip>[^\]\s]+)\](?::\d+)?: ", re.I)
# qmail: the wrapping goes round the reply on three lines.
_QMAIL = re.compile(
    r"(?:Connected to )?(?P<ip>[0-9A-Fa-f.:]{7,45})(?:\s*\((?P<host>[^()\s]+)\))? "
    r"(?P<what>does not like recipient|but (?:my name was rejected|sender was rejected|"
    r"greeting failed|connection died|my HELO was rejected)|failed on DATA command|"
    r"failed after I sent the message)\.?",
    re.I,
)
_QMAIL_STAGE: dict[str, Stage] = {
    "does not like recipient": "RCPT TO",
    "but my name was rejected": "EHLO",
    "but my helo was rejected": "EHLO",
    "but sender was rejected": "MAIL FROM",
    "but greeting failed": "CONN",
    "but connection died": "CONN",
    "failed on data command": "DATA",
    "failed after i sent the message": "END OF DATA",
}
_REMOTE_SAID = re.compile(r"(?:Remote (?:host|server) said|STARTTLS proto=[^:]*): ?", re.I)
_GIVING_UP = re.compile(r"\s*Giving up on (?P<ip>[0-9A-Fa-f.:]+?)\.?\s*$", re.I)
# Gmail, Exchange, qmail-ldap, courier, ... : "the other server answered:".
_QUOTED = re.compile(
    r"(?:error that the other server returned was"
    r"|(?:the )?response(?: from the remote server)?(?: was| is)?"
    r"|remote server (?:returned|replied|responded|answered)(?: with)?(?: (?:an? )?error)?"
    r"|remote host (?:said|replied|responded)|server (?:response|replied|said|responded)(?: was)?"
    r"|smtp (?:server )?(?:error|response|reply)|diagnostic(?:-| )code|(?<=\W)reason)"
    r"\s*(?::|=|(?='))\s*(?:smtp ?; ?)?['\"<]?(?=#?[245]\d\d)",
    re.I,
)
_STATE = re.compile(r"\s*\(state \d{1,2}\)\.?\s*$")
_PREFIX = re.compile(
    r"^(?:(?:smtp|x-[\w-]+|lmtp|unknown)\s*;\s*|<<<\s*|said: ?|reply: ?|\.{3}\s*|[\"'(<#]+(?=\d{3}))+",
    re.I,
)
_WHILE = re.compile(
    r"(?:lost connection with|conversation with|timeout (?:with|from)) (?P<host>[\w.-]+)"
    r"\s?\[(?P<ip>[^\]\s]+)\](?::\d+)?(?: timed out)? while (?P<what>[^:()]{3,60})",
    re.I,
)
_CONNECT = re.compile(
    r"\bconnect(?:ing)? to (?P<host>[\w.-]+)\s?\[(?P<ip>[^\]\s]+)\](?::\d+)?", re.I
)

# ── the reply itself ──────────────────────────────────────────────────────────────────────────

_CODE = re.compile(
    r"(?<![\w.:/@=-])(?P<code>[245]\d\d)(?P<sep>[ -]|(?=$)|(?=[;:,]))[ '\"-]?\s*"
    r"#?(?P<enh>[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d\.))?"
)
_LEADING = re.compile(
    r"(?P<code>[245]\d\d)(?:[ -]+|$|(?=[;:,<\"']))['\"]?"
    r"(?:[\[(]?#?(?P<enh>[245]\.\d{1,3}\.\d{1,3})(?![\d])(?!\.\d)[\])]?)?"
)
_ENHANCED = re.compile(r"(?<![\w.])(?P<enh>[245]\.\d{1,3}\.\d{1,3})(?![\w]|\.\d)")
_ENHANCED_MARKED = re.compile(r"[(\[]?#(?P<enh>[245]\.\d{1,3}\.\d{1,3})\b")


def join_continuations(text: str) -> str:
    """`550-5.7.1 a 550-5.7.1 b 550 5.7.1 c` to `550 5.7.1 a b c` (RFC 5321, 4.2.1).

    The repeated code is dropped only where a continuation (`550-`) stands, so that a number in the
    words of a one-line reply is never eaten.
    """
    m = _LEADING.match(text)
    if not m:
        return text
    code = m["code"]
    if text[3:4] != "-" and f"{code}-" not in text:
        return text
    enh = m["enh"]
    prefix = rf"{code}(?:-| )\s*#?{re.escape(enh)}[ -]?" if enh else rf"{code}(?:-| (?=\S))"
    head = f"{code} {enh} " if enh else f"{code} "
    rest = text[m.end() :].lstrip(" -")
    rest = re.sub(rf"(?:(?<=\s)|^){prefix}\s*|(?<=[.\w,;:!>)]){code}-(?:#?{re.escape(enh or '')} ?)?", "", rest)
    if enh:  # some lines repeat the code alone
        rest = re.sub(rf"(?<=\s){code}-\s*", "", rest)
    return (head + " ".join(rest.split())).rstrip()


def parse(text: str, default_stage: Stage | None = None) -> Parsed:
    """Read one diagnostic text: a reply, alone or in the words of the system that reports it."""
    t = " ".join(text[:MAX_REPLY].split())
    stage: Stage | None = default_stage
    host: str | None = None
    ip: str | None = None
    cut = False

    if "[" in t:
        last = None
        for last in _SAID.finditer(t):
            pass
        if last is not None:
            host, ip = last["host"], last["ip"]
            if last["conn"]:
                stage = "CONN"
            t = t[last.end() :]
            cut = True
    if not cut or "rror from remote" in t:
        last = None
        for last in _AFTER.finditer(t):
            pass
        if last is not None:
            stage = stage_of(last["what"]) or stage
            host, ip = last["host"] or host, last["ip"] or ip
            t = t[last.end() :]
            cut = True
        elif not cut and t.startswith("host ") and (last := _EXIM_HOST.match(t)):
            host, ip = last["host"], last["ip"]
            t = t[last.end() :]
            cut = True
    if "in reply to" in t and (m := _IN_REPLY.search(t)):
        stage = stage_of(m[1]) or stage
        t = t[: m.start()].rstrip() or t
    if "emote " in t and (m := _REMOTE_SAID.search(t)):
        before = t[: m.start()]
        if q := _QMAIL.search(before):
            stage = _QMAIL_STAGE[q["what"].lower()]
            ip, host = q["ip"].rstrip("."), q["host"] or host
        t = t[m.end() :]
        cut = True
        if g := _GIVING_UP.search(t):
            ip = ip or g["ip"]
            t = t[: g.start()]
    elif q := (_QMAIL.search(t) if "onnected to" in t or "does not like" in t else None):
        stage = _QMAIL_STAGE[q["what"].lower()]
        ip, host = q["ip"].rstrip("."), q["host"] or host
    if not cut and (m := _QUOTED.search(t)):
        t = t[m.end() :].rstrip("'\">")
        cut = True
    if "(state " in t and (m := _STATE.search(t)):
        t = t[: m.start()]
    if m := _PREFIX.match(t):
        t = t[m.end() :]
        cut = True

    lead = _LEADING.match(t)
    if lead is None and (m := _CODE.search(t)) is not None and _plausible(t, m):
        # A reply in the middle of other words: it starts at its code.
        t = t[m.start("code") :].rstrip("'\"")
        lead = _LEADING.match(t)
    if lead is not None:
        t = join_continuations(t.rstrip("'\"") if t.count("'") == 1 or t.count('"') == 1 else t)
        code = int(lead["code"])
        enhanced = lead["enh"] or _enhanced_in(t[3:])
        return Parsed(Reply(code, enhanced, t), stage, Remote(host, ip))

    if m := _WHILE.search(t):
        host, ip = m["host"], m["ip"]
        stage = stage_of(m["what"]) or stage
    elif m := _CONNECT.search(t):
        host, ip = m["host"], m["ip"]
        stage = stage or "CONN"
    m = _ENHANCED.search(t)
    enhanced = m["enh"] if m else None
    return Parsed(Reply(None, enhanced, t), stage, Remote(host, ip), "" if cut else t)


def _plausible(t: str, m: re.Match[str]) -> bool:
    """Is this number in the middle of words a reply code? Yes with a status code or `-` behind it,
    or where nothing but a short lead stands before it and words follow."""
    if m["enh"] or m["sep"] == "-":
        return True
    before = t[: m.start()].rstrip()
    if before.endswith((":", ">", "'", '"', "(", "-", "was", "is", ";", ",", "code", "error", "#")):
        return bool(t[m.end() :].strip(" .)'\"")) or not before[-1:].isalpha()
    return not before


def _enhanced_in(t: str) -> str | None:
    """A status code that stands later in the reply: `User unknown (#5.1.1)`, `... [5.7.1]`."""
    if (m := _ENHANCED_MARKED.search(t)) or (m := _ENHANCED.search(t)):
        return m["enh"]
    return None


def is_temporary(reply: Reply) -> bool | None:
    """RFC 5321, 4.2.1: the first digit tells; the status code only where there is no reply code."""
    if reply.code is not None:
        return reply.code // 100 == 4
    if reply.enhanced:
        return reply.enhanced[0] == "4"
    return None
