"""One SMTP reply, out of whatever words stand around it.

Every reader ends here: a bounce, a log line and a pasted text hold the same thing, the answer of a
server wrapped in the words of the system that reports it:

    host mx.example[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)
    `---- reporter: who answered ---´ `------ the reply ------´ `- reporter: which command -´

`parse` takes the wrapping off and tells what the wrapping told. Where a reply quotes another
server's, the outer one is the answer that was given and the inner stays in its text; where a
reporter's own words about giving up quote the last answer (`Message expired <421 4.4.2 ...>`), that
answer counts.

It is called for every refusal of every log line and mail, so it looks for literals before it tries
a pattern, and a bare reply passes in a few microseconds.
"""

from __future__ import annotations

import re

import msgspec

from todoku.model import Remote, Reply, Stage

MAX_REPLY = 8192
"""Longest reply looked at, in characters. RFC 5321 allows 512 octets a line; real ones stay below
2,000 in all. What is longer is cut, so that no pattern ever meets a megabyte."""

NOWHERE = Remote()


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """What one diagnostic text tells."""

    reply: Reply
    stage: Stage | None = None
    remote: Remote = NOWHERE
    notice: str = ""
    """The reporter's own words where no server's answer is quoted."""


# ── which command was answered ────────────────────────────────────────────────────────────────

_STAGE = re.compile(
    r"(?P<eod>end[ -]of[ -](?:data|message)|message body|body of message|transmission of message"
    r"|data block|sent the message|final (?:dot|\.)|end of mail|(?:writing|sending) message"
    r"|\bTEXT\b)"
    r"|(?P<conn>initial (?:server )?greeting|initial connection|connect(?:ion|ing|ed)?\b|greeting"
    r"|banner)"
    r"|(?P<ehlo>\b[EH]E?H?LO\b|\bLHLO\b|hello)"
    r"|(?P<mail>\bMAIL(?:[ _]?FROM)?\b|sender|return[- ]path)"
    r"|(?P<rcpt>\bRCPT(?:[ _]?TO)?\b|recipient)"
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
_KNOWN_STAGES: dict[str, Stage] = {
    "RCPT TO": "RCPT TO",
    "MAIL FROM": "MAIL FROM",
    "end of DATA": "END OF DATA",
    "end of data": "END OF DATA",
    "DATA": "DATA",
    "EHLO": "EHLO",
    "HELO": "EHLO",
    "RCPT_TO": "RCPT TO",
    "MAIL_FROM": "MAIL FROM",
    "initial connection": "CONN",
}


def stage_of(words: str) -> Stage | None:
    """The stage that a reporter's words name: `end of DATA command`, `RCPT TO:<a@b>`, `EHLO`."""
    known = _KNOWN_STAGES.get(words)
    if known is not None:
        return known
    m = _STAGE.search(words[:200])
    return _STAGES[m.lastgroup] if m and m.lastgroup else None


# ── the wrappings ─────────────────────────────────────────────────────────────────────────────

# Postfix: `host mx[192.0.2.1]:25 said: `; a socket may stand for the address, masks too.
_HOST = re.compile(r"(?P<host>[\w.-]{1,255})?(?:\s?\[(?P<ip>[^\]\s]{2,108})\])?(?::\d{1,5})?\Z")
_SPOKE = (" said: ", " refused to talk to me: ", " responded with failure: ", " said after ")

# Exim, and those that write like it (1&1, GMX): who answered stands before or behind.
_AFTER = re.compile(
    r"rror from remote (?:mail ?)?(?:server|mailer) (?:after|for) (?:pipelined )?"
    r"(?P<what>(?:MAIL FROM|RCPT TO): ?(?:<[^<>]{0,320}>|[^\s:<>]{0,320})(?: [A-Z0-9]{2,12}=\S{1,80}){0,6}"
    r"|[^:,]{2,120}?)(?: command)?[:,] ?"
    r"(?:host:? (?P<host>[^\s:,\[(]{1,255})(?: [\[(](?P<ip>[^\]\s)]{2,45})[\])](?::\d{1,5})?)?:?)? ?"
    r"(?:reason: ?)?",
)
_EXIM_HOST = re.compile(r"host (?P<host>\S{1,255}) \[(?P<ip>[^\]\s]{2,45})\](?::\d{1,5})?:? ?")

# qmail: the wrapping goes round the reply on three lines.
_QMAIL = re.compile(
    r"(?:^|[\s>])(?:Connected to )?(?P<ip>[0-9A-Fa-f.:]{7,45})(?: ?\((?P<host>[^()\s]{1,255})\))? "
    r"(?P<what>does not like recipient|but (?:my name was rejected|sender was rejected|"
    r"greeting failed|connection died|my HELO was rejected)|failed on DATA command|"
    r"failed after I sent the message)",
)
_QMAIL_STAGE: dict[str, Stage] = {
    "does not like recipient": "RCPT TO",
    "but my name was rejected": "EHLO",
    "but my HELO was rejected": "EHLO",
    "but sender was rejected": "MAIL FROM",
    "but greeting failed": "CONN",
    "but connection died": "CONN",
    "failed on DATA command": "DATA",
    "failed after I sent the message": "END OF DATA",
}
_REMOTE_SAID = re.compile(r"Remote (?:host|server) said(?:\[[^\]]{1,40}\])?: ?")
_GIVING_UP = re.compile(
    r"\s?(?:Giving up on (?P<ip>[0-9A-Fa-f.:]{7,45}?)\.?|I'm not going to try again; this message has"
    r" been in the queue too long\.?|STEP: [A-Z ]{2,20})(?= |\Z)"
)

# `smtp; 550 ...` of a report, `<<< 550 ...` of a transcript, quotes and brackets round the whole.
_PREFIX = re.compile(
    r"^(?:(?:smtp|lmtp|unknown|x-[\w-]{1,40})\s?;\s?|<<< ?|said: ?|reply: ?|\.{3} ?"
    r"|SMTP:[A-Z]{4} host (?P<host>\S{1,255}): |\[(?P<ip>[0-9A-Fa-f.:]{7,45})\], ?|[\"'(<\[#]{1,3}(?=\d{3}))+",
    re.I,
)
# Everybody else: "the other server answered:".
_QUOTED = re.compile(
    r"(?:error that the other server returned was|returned|response(?: from the remote server)?"
    r"(?: was| is)?|(?:replied|responded|answered)(?: with)?(?: (?:an? )?error)?|remote host said"
    r"|server (?:response|replied|said)(?: was)?|smtp (?:server )?(?:error|response|reply)"
    r"|diagnostic(?:-| )code|reason|error message|error)"
    r" ?(?::|=|(?=['\[])) ?(?:smtp ?; ?)?['\"<\[]{0,2}(?=#?[245]\d\d(?!\d))",
    re.I,
)
_BEFORE_CODE = re.compile(r"[:='\[] ?(?:smtp ?; ?)?['\"<\[]{0,2}#?[245]\d\d(?!\d)", re.I)
# Cisco's gateways (also Amazon's older ones): `5.1.0 - Unknown address error 550-'5.7.1 ...'`.
_IRONPORT = re.compile(
    r"(?P<enh>[45]\.\d{1,3}\.\d{1,3}) - [^'\d]{3,80}(?P<code>[45]\d\d)-?'(?P<text>[^\n]{1,4000}?)'"
    r"(?: \(delivery attempts: \d{1,5}\))?\Z"
)
_DISLIKED = re.compile(
    r"(?P<host>[\w.-]{1,255}) \[(?P<ip>[^\]\s]{2,45})\] did not like our (?P<what>[A-Za-z ]{3,30}):?\s?"
)
_REFUSED = re.compile(
    r"<(?P<ip>[^<>\s]{2,45})> refused to accept your message \((?P<what>[A-Z ]{4,12})\)[^\[\d]{0,80}(?P<open>\[?)"
)
_STATE = re.compile(r"\s?\(state \d{1,2}\)\.?\Z")
_SUFFIX = re.compile(r"\s{1,2}(?:\[(?P<box>[A-Z]{4}_?[A-Z]{0,4})\]|in (?P<word>RCPT TO|MAIL FROM|DATA))\Z")
_LAST_ANSWER = re.compile(r"xpired[^<>]{0,120}<(?P<last>[45]\d\d [^<>]{3,500})>")
_WHILE = re.compile(
    r"(?:lost connection with|conversation with|timeout (?:with|from)) (?P<host>[\w.-]{1,255})"
    r"\s?\[(?P<ip>[^\]\s]{2,45})\](?::\d{1,5})?(?: timed out)? while (?P<what>[^:()]{3,60})",
)
_CONNECT = re.compile(
    r"\bconnect(?:ing)? to (?:remote server )?(?P<host>[\w.-]{1,255})?\s?\[(?P<ip>[^\]\s]{2,45}?)(?::\d{1,5})?\]"
)
_REFUSED_BY = re.compile(r"(?:Connection \w{3,10} (?:by|with|during [a-z ]{3,40} with)) (?P<host>\[?[\w.-]{1,255}\]?)")

# ── the reply itself ──────────────────────────────────────────────────────────────────────────

_LEADING = re.compile(
    r"(?P<code>[245]\d\d)(?:[ -]{1,4}|\Z|(?=[;:,<\"'\[]))[:'\"]?\s?"
    r"(?:[\[(]?#?(?P<enh>[245]\.\d{1,3}\.\d{1,3})(?![\d])(?!\.\d)[\])]?)?"
)
_CODE = re.compile(
    r"(?<![\w.:/@=-])(?P<code>[45]\d\d)(?P<sep>[ -]|\Z|(?=[;:,]))[ '\"-]?\s{0,2}"
    r"#?(?P<enh>[45]\.\d{1,3}\.\d{1,3}(?![\d.]{0,8}\d\.))?"
)
_ENHANCED = re.compile(r"(?<![\w.])(?P<enh>[245]\.\d{1,3}\.\d{1,3})(?![\w]|\.\d)")
_ENHANCED_MARKED = re.compile(r"[(\[]?#(?P<enh>[245]\.\d{1,3}\.\d{1,3})\b")


def parse(text: str, default_stage: Stage | None = None) -> Parsed:
    """Read one diagnostic text: a reply, alone or in the words of the system that reports it."""
    t = " ".join(text[:MAX_REPLY].split())
    stage: Stage | None = default_stage
    host: str | None = None
    ip: str | None = None
    unwrapped = False
    if not (t[:1] in "245" and t[3:4] in " -" and t[:3].isdigit()):
        if t[:1] in "45" and t[5:8] == " - " and (m := _IRONPORT.match(t)):
            reply = parse(f"{m['code']} {m['text']}").reply
            if reply.enhanced is None:
                reply = Reply(reply.code, m["enh"], reply.text)
            return Parsed(reply, stage)
        t, told, host, ip, unwrapped = _unwrap(t)
        stage = told or stage
    at = t.find("(in reply to ")
    if at >= 0:
        stage = stage_of(_command(t[at + 13 :])) or stage
        t = t[:at].rstrip() or t
    last = t[-1:]
    if last == "]" or last == "O" or last == "M" or last == "A":
        if m := _SUFFIX.search(t, max(0, len(t) - 16)):
            stage = stage_of(m["box"] or m["word"]) or stage
            t = t[: m.start()]
    elif last in ")." and "(state " in t and (m := _STATE.search(t, max(0, len(t) - 16))):
        t = t[: m.start()]
    if "xpired" in t and (m := _LAST_ANSWER.search(t)):
        t = m["last"]

    lead = _LEADING.match(t)
    if lead is None and (m := _CODE.search(t)) is not None and _plausible(t, m):
        # A reply in the middle of other words: it starts at its code.
        t = t[m.start("code") :].rstrip("'\"")
        lead = _LEADING.match(t)
    remote = Remote(host, ip) if host or ip else NOWHERE
    if lead is not None:
        code = lead["code"]
        if t[4:8] == f"{code} " or t[4:8] == f"{code}-":  # Gmail repeats the code
            t = t[4:]
            lead = _LEADING.match(t) or lead
        if f"{code}-" in t:
            t = join_continuations(t)
        elif t[-1] in "'\"" and t.count(t[-1]) == 1:
            t = t[:-1]
        return Parsed(Reply(int(code), lead["enh"] or _enhanced_in(t), t), stage, remote)

    if "while " in t and (m := _WHILE.search(t)):
        remote = Remote(m["host"], m["ip"])
        stage = stage_of(m["what"]) or stage
    elif "connect" in t and (m := _CONNECT.search(t)):
        remote = Remote(m["host"], m["ip"])
        stage = stage or "CONN"
    elif "able to establish an SMTP connection" in t:
        stage = stage or "CONN"
    elif "Connection " in t and (m := _REFUSED_BY.search(t)):
        name = m["host"].rstrip(".")
        remote = Remote(None, name.strip("[]")) if name[:1] == "[" else Remote(name, None)
        if "user open" in t or "efused" in t or "greeting" in t or "timed out" in t:
            stage = stage or "CONN"
    return Parsed(Reply(None, _enhanced_in(t), t), stage, remote, "" if unwrapped else t)


def _command(words: str) -> str:
    """`end of DATA command) (more)` to `end of DATA`."""
    return words.partition(")")[0].removeprefix("the ").removesuffix(" command")


def wrapping(text: str) -> tuple[Stage | None, Remote]:
    """Only what the words round a reply tell: which command was answered, and who answered."""
    t = " ".join(text[:MAX_REPLY].split())
    _, stage, host, ip, _ = _unwrap(t, quoted=False)
    at = t.find("(in reply to ")
    if at >= 0:
        stage = stage_of(_command(t[at + 13 :])) or stage
    return stage, Remote(host, ip) if host or ip else NOWHERE


def _unwrap(t: str, quoted: bool = True) -> tuple[str, Stage | None, str | None, str | None, bool]:
    """Take a reporter's words off the front: what is left, and what they told."""
    stage: Stage | None = None
    host: str | None = None
    ip: str | None = None
    at = t.find("rror from remote ")
    if at >= 0 and (m := _AFTER.search(t, at)) is not None:
        stage = stage_of(m["what"].partition(":")[0])
        host, ip = m["host"], m["ip"]
        before = t[:at]
        if host is None and (i := before.rfind("host ")) >= 0 and (h := _EXIM_HOST.match(before, i)):
            host, ip = h["host"], h["ip"]
        return t[m.end() :], stage, host, ip, True
    if t.startswith("host ") and (m := _EXIM_HOST.match(t)) and t[m.end() : m.end() + 3].isdigit():
        return t[m.end() :], None, m["host"], m["ip"], True
    if "Remote " in t and (m := _REMOTE_SAID.search(t)):
        if q := _QMAIL.search(t, 0, m.start() + 1):
            stage = _QMAIL_STAGE[q["what"]]
            ip, host = q["ip"].rstrip("."), q["host"]
        t = t[m.end() :]
        while g := _GIVING_UP.search(t):
            ip = ip or g["ip"]
            t = t[: g.start()] + t[g.end() :]
        return t, stage, host, ip, True
    for marker in _SPOKE:
        at = t.find(marker)
        if at <= 0:
            continue
        named = t[:at].rpartition(" ")[2]
        if named[:1] == "[":  # a blank before the bracket
            named = "".join(t[:at].rsplit(" ", 2)[-2:])
        if named == "server" and marker[1] == "r" and (c := _CONNECT.search(t, 0, at)):
            return t[at + len(marker) :], "CONN", c["host"], c["ip"], True
        m = _HOST.match(named)
        if m is None or not (m["ip"] or (m["host"] and "." in m["host"])):
            continue
        host, ip = m["host"], m["ip"]
        if marker[1] == "r" and marker[3] == "f":  # refused to talk to me
            stage = "CONN"
        rest = t[at + len(marker) :]
        if marker == " said after ":
            what, _, rest = rest.partition(": ")
            stage = stage_of(what)
        return rest.lstrip("\"'"), stage, host, ip, True
    if " did not like our " in t and (m := _DISLIKED.search(t)):  # DragonFly
        stage = "END OF DATA" if m["what"] == "final DATA" else stage_of(m["what"])
        return t[m.end() :], stage, m["host"], m["ip"], True
    if " refused to accept your message (" in t and (m := _REFUSED.search(t)):
        rest = t[m.end() :].partition("]")[0] if m["open"] else t[m.end() :]
        return rest, stage_of(m["what"]), None, m["ip"], True
    if "onnected to" in t or "does not like" in t:
        if q := _QMAIL.search(t):
            stage = _QMAIL_STAGE[q["what"]]
            return t, stage, q["host"], q["ip"].rstrip("."), False
    if m := _PREFIX.match(t):
        rest = t[m.end() :]
        if m["host"]:
            stage = stage_of(t[m.start() + 5 : m.start() + 9])
        return rest, stage, m["host"], m["ip"], True
    if quoted and (c := _BEFORE_CODE.search(t)) and (m := _QUOTED.search(t, max(0, c.start() - 60))):
        return t[m.end() :].rstrip("'\">"), stage, host, ip, True
    return t, stage, host, ip, False


def join_continuations(text: str) -> str:
    """`550-5.7.1 a 550-5.7.1 b 550 5.7.1 c` to `550 5.7.1 a b c` (RFC 5321, 4.2.1).

    The repeated code is dropped only where a continuation (`550-`) stands, so that a number in the
    words of a one-line reply is never eaten.
    """
    m = _LEADING.match(text)
    if m is None:
        return text
    code, enh = m["code"], m["enh"] or ""
    cont = f"{code}-"
    if cont not in text:
        return text
    rest = text[m.end() :]
    full = f"{cont}{enh}"
    if enh and full in rest:
        rest = rest.replace(full, f" {full} ")
    if text[3:4] != "-" and full not in rest.split():
        return text
    kept: list[str] = []
    words = rest.split()
    i, n = 0, len(words)
    while i < n:
        word = words[i]
        i += 1
        if word.startswith(cont):
            word = word[4:].removeprefix(enh)
            if not word:
                if enh and i < n and words[i] == enh:
                    i += 1
                continue
        elif word == code:
            if i < n and enh and words[i] == enh:
                i += 1
                continue
            if i < n or not enh:
                continue
        kept.append(word)
    head = f"{code} {enh} " if enh else f"{code} "
    joined = " ".join(kept)
    if ": //" in joined:  # a link cut behind its colon
        joined = joined.replace("https: //", "https://").replace("http: //", "http://")
    return (head + joined.lstrip("- ")).rstrip()


def _plausible(t: str, m: re.Match[str]) -> bool:
    """Is this number in the middle of words a reply code? Yes with a status code or `-` behind it,
    or where nothing but a short lead stands before it and words follow."""
    if m["enh"] or m["sep"] == "-":
        return True
    before = t[: m.start()].rstrip()
    if before.endswith((":", ">", "'", '"', "(", "-", "was", "is", ";", ",", "code", "error", "#", "[", "...")):
        return bool(t[m.end() :].strip(" .)'\"")) or not before[-1:].isalpha()
    return not before


def _enhanced_in(t: str) -> str | None:
    """A status code that stands later in the reply: `User unknown (#5.1.1)`, `... [5.7.1]`."""
    if "5." not in t and "4." not in t and "2." not in t:
        return None
    if "#" in t and (m := _ENHANCED_MARKED.search(t)):
        return m["enh"]
    m = _ENHANCED.search(t)
    return m["enh"] if m else None


def is_temporary(reply: Reply) -> bool | None:
    """RFC 5321, 4.2.1: the first digit tells; the status code only where there is no reply code."""
    if reply.code is not None:
        return reply.code // 100 == 4
    if reply.enhanced:
        return reply.enhanced[0] == "4"
    return None
