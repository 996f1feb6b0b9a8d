"""The words that reporting systems put round the answer of a server.

Each system has its own, and in them it tells what the answer does not: who answered, and which
command. One function a system; a phrase of its own decides which one is asked, so that the text of
another system costs a search for that phrase and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from todoku.lazy import expression
from todoku.model import Remote, Stage
from todoku.reading.stages import stage_of

NOWHERE = Remote()

# ── the wrappings ─────────────────────────────────────────────────────────────────────────────

# Postfix: `host mx[192.0.2.1]:25 said: `; a socket may stand for the address, masks too.
_HOST = expression(r"(?P<host>[\w.-]{1,255})?(?:\s?\[(?P<ip>[^\]\s]{2,108})\])?(?::\d{1,5})?\Z")

# Exim, and those that write like it (1&1, GMX): who answered stands before or behind.
_AFTER = expression(
    r"rror from remote (?:mail ?)?(?:server|mailer) (?:after|for) (?:pipelined )?"
    r"(?P<what>(?:MAIL FROM|RCPT TO): ?(?:<[^<>]{0,320}>|[^\s:<>]{0,320})(?: [A-Z0-9]{2,12}=\S{1,80}){0,6}"
    r"|[^:,]{2,120}?)(?: command)?[:,] ?"
    r"(?:host:? (?P<host>[^\s:,\[(]{1,255})(?: [\[(](?P<ip>[^\]\s)]{2,45})[\])](?::\d{1,5})?)?:?)? ?"
    r"(?:reason: ?)?",
)
_EXIM_HOST = expression(r"host (?P<host>\S{1,255}) \[(?P<ip>[^\]\s]{2,45})\](?::\d{1,5})?:? ?")

_LMTP = expression(
    r"LMTP error after (?P<what>(?:MAIL FROM|RCPT TO):(?:<[^<>]{0,320}>|[^\s:<>]{0,320})"
    r"(?: [A-Z0-9]{2,12}(?:=\S{1,80})?){0,6}|[^:<>]{2,60}): ?(?=[245]\d\d)"
)
_STALWART = expression(
    r"host '(?P<host>[^'\s]{1,255})' rejected command '(?P<what>[^']{1,400})' with code"
    r" (?P<code>[245]\d\d) \((?P<enh>\d\.\d{1,3}\.\d{1,3})\) '(?P<text>.{0,4000})"
)
_STALWART_FIELDS = expression(
    r"(?:response from '(?P<host>[^'\s]{1,255})': )?Code: (?P<code>[245]\d\d),"
    r" Enhanced code: (?P<enh>\d\.\d{1,3}\.\d{1,3}), Message: (?P<text>.{0,4000})"
)

# qmail: the wrapping goes round the reply on three lines.
_QMAIL = expression(
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
_REMOTE_SAID = expression(r"Remote (?:host|server) said(?:\[[^\]]{1,40}\])?: ?")
# What follows a reply there: sentences, each with the word that it begins with.
_GIVING_UP = expression(r"Giving up on (?P<ip>[0-9A-Fa-f.:]{7,45}?)\.?(?= |\Z)")
_AFTERWORDS = ("I'm not going to try again; this message has been in the queue too long.", "STEP: ")

# `smtp; 550 ...` of a report, `<<< 550 ...` of a transcript, quotes and brackets round the whole.
_PREFIX = expression(
    r"^(?:(?:smtp|lmtp|unknown|x-[\w-]{1,40})\s?;\s?|<<< ?|said: ?|reply: ?|\.{3} ?"
    r"|SMTP:[A-Z]{4} host (?P<host>\S{1,255}): |\[(?P<ip>[0-9A-Fa-f.:]{7,45})\], ?|[\"'(<\[#]{1,3}(?=\d{3}))+",
    re.I,
)
# Everybody else: "the other server answered:".
_QUOTED = expression(
    r"(?:error that the other server returned was|returned|response(?: from the remote server)?"
    r"(?: was| is)?|(?:replied|responded|answered)(?: with)?(?: (?:an? )?error)?|remote host said"
    r"|server (?:response|replied|said)(?: was)?|smtp (?:server )?(?:error|response|reply)"
    r"|diagnostic(?:-| )code|reason|error message|error)"
    r" ?(?::|=|(?=['\[])) ?(?:smtp ?; ?)?['\"<\[]{0,2}(?=#?[245]\d\d(?!\d))"
)
_DOMINO = expression(
    r"(?:Error transferring to (?P<host>[^\s;]{1,255}); )?"
    r"SMTP Protocol Returned a (?:Permanent|Transient) Error (?=[45]\d\d)"
)
_BEFORE_CODE = expression(r"[:='\[] ?(?:smtp ?; ?)?['\"<\[]{0,2}#?[245]\d\d(?!\d)")
_DISLIKED = expression(
    r"(?P<host>[\w.-]{1,255}) \[(?P<ip>[^\]\s]{2,45})\] did not like our (?P<what>[A-Za-z ]{3,30}):?\s?"
)
_REFUSED = expression(
    r"<(?P<host>[^<>\s]{2,255})> (?:refused to accept your message \(|rejected recipient <[^<>]{1,320}>\s?"
    r"\(Error following )(?P<what>[A-Z ]{4,12})(?: command)?\)[^\[\d]{0,80}(?P<open>\[?)"
)
# Many others: `Server mx.example[192.0.2.1] failed with: 550 ...`.
_ANSWERED = expression(
    r"\b(?:host|[Ss]erver) (?P<host>[\w.-]{1,255})(?: ?[\[(](?P<ip>[0-9A-Fa-f.:]{3,45})[\])])?(?::\d{1,5})? "
    r"(?:failed|said|replied|responded|answered|returned|rejected it)(?: with)?: (?=[245]\d\d)"
)
# Exim, in its logs' form and where it ran out of time: `H=mx.example [192.0.2.1]: SMTP timeout
# after RCPT TO:<a@b>`.
_EXIM_AT = expression(
    r"(?:\bH=|\A(?:Delay reason: )?host )(?P<host>\S{1,255}) \[(?P<ip>[^\]\s]{2,45})\]"
)
_EXIM_UNTIL = expression(
    r"(?:after|in response to) (?:pipelined |sending )?(?P<what>[^:()<>]{3,40})"
)
_STATE = expression(r"\s?\(state \d{1,2}\)\.?\Z")
_SUFFIX = expression(
    r"\s{1,2}(?:\[(?P<box>[A-Z]{4}_?[A-Z]{0,4})\]|in (?P<word>RCPT TO|MAIL FROM|DATA))\Z"
)
_CONNECT = expression(
    r"\bconnect(?:ing)? to (?:remote server )?(?P<host>[\w.-]{1,255})?\s?"
    r"\[(?P<ip>(?:\d{1,3}\.){3}\d{1,3}(?=[:\]])|[^\]\s]{2,45})(?::\d{1,5})?\]"
)
_CONNECTING = expression(r"; connecting to (?P<ip>[0-9A-Fa-f:.]{2,45}[0-9A-Fa-f])\.?\Z")
_WHILE = expression(
    r"(?:lost connection with|conversation with|timeout (?:with|from)) (?P<host>[\w.-]{1,255})"
    r"\s?\[(?P<ip>[^\]\s]{2,45})\](?::\d{1,5})?(?: timed out)? while (?P<what>[^:()]{3,60})",
)
_REFUSED_BY = expression(
    r"(?:Connection \w{3,10}(?: out)? (?:by|with|during [a-z ]{3,40} with)) (?P<host>\[[^\]\s]{2,45}\]|[\w.-]{1,255})"
)


def remote_of(host: str | None, ip: str | None) -> Remote:
    """Who answered; an address that stands where a name should is no name."""
    if host and ((host[-1:].isdigit() and host.replace(".", "").isdigit()) or ":" in host):
        return Remote(None, ip or host)
    return Remote(host, ip)


# ── what stands behind a reply ────────────────────────────────────────────────────────────────


def trailer(t: str) -> tuple[str, Stage | None]:
    """Take a reporter's words off the end, and the command that they name."""
    if "(in reply to " in t:
        at = t.find("(in reply to ")
        words = t[at + 13 :].partition(")")[0].removeprefix("the ").removesuffix(" command")
        return t[:at].rstrip() or t, stage_of(words)
    last = t[-1:]
    if last in "]OMA" and (m := _SUFFIX.search(t, max(0, len(t) - 16))):
        return t[: m.start()], stage_of(m["box"] or m["word"])
    if last in ")." and "(state " in t and (m := _STATE.search(t, max(0, len(t) - 16))):
        return t[: m.start()], None
    return t, None


# ── what stands before it ─────────────────────────────────────────────────────────────────────

Taken = tuple[str, Stage | None, Remote]
"""What is left of the text, which command was answered, who answered."""


def unwrap(t: str, guess: bool = True) -> Taken | None:
    """Take a reporter's words off the front. Who reports shows in a phrase of its own."""
    for phrase, take in _WRAPPINGS:
        if phrase in t:
            taken = take(t, t.find(phrase))
            if taken is not None:
                return taken
    if m := _PREFIX.match(t):
        remote = remote_of(m["host"], m["ip"]) if m["host"] or m["ip"] else NOWHERE
        return t[m.end() :], stage_of(t[5:9]) if m["host"] else None, remote
    if guess and (end := _quoted(t)):
        return t[end:].rstrip("'\">"), None, NOWHERE
    return None


def _quoted(t: str) -> int:
    """Where a reply begins that is quoted with words like "the other server answered:"; 0 where
    none is. Tried before each code, and only there."""
    low = t.lower()
    if len(low) != len(t):  # a letter whose small form is longer
        low = t
    for c in _BEFORE_CODE.finditer(low):
        m = _QUOTED.search(low, max(0, c.start() - 60), c.end())
        if m is not None:
            return m.end()
    return 0


def _exim(t: str, at: int) -> Taken | None:
    """`SMTP error from remote mail server after RCPT TO:<a@b>: host mx [192.0.2.1]: 550 ...`; who
    answered stands before or behind."""
    m = _AFTER.search(t, at)
    if m is None:
        return None
    host, ip = m["host"], m["ip"]
    if host is None:
        i = t.rfind("host ", 0, at)
        h = _EXIM_HOST.match(t, i) if i >= 0 else _EXIM_AT.search(t, 0, at)
        if h is not None:
            host, ip = h["host"], h["ip"]
    return t[m.end() :], stage_of(m["what"].partition(":")[0]), remote_of(host, ip)


def _exim_lmtp(t: str, at: int) -> Taken | None:
    """Exim's delivery program for a mail store: `LMTP error after RCPT TO:<a@b>: 550 ...`."""
    m = _LMTP.match(t, at)
    return None if m is None else (t[m.end() :], stage_of(m["what"].partition(":")[0]), NOWHERE)


def _stalwart(t: str, _at: int) -> Taken | None:
    """Stalwart takes the reply apart: `(host 'mx.example' rejected command 'RCPT TO:<a@b>' with
    code 550 (5.1.1) 'No such user')`."""
    m = _STALWART.search(t)
    if m is None:
        return None
    said = _put_together(m, m["text"].removesuffix(")").removesuffix("'"))
    return said, stage_of(m["what"].partition(":")[0]), remote_of(m["host"], None)


def _stalwart_fields(t: str, _at: int) -> Taken | None:
    """The same in its logs: `Code: 550, Enhanced code: 5.1.1, Message: No such user`."""
    m = _STALWART_FIELDS.search(t)
    return None if m is None else (_put_together(m, m["text"]), None, remote_of(m["host"], None))


def _put_together(m: re.Match[str], text: str) -> str:
    return " ".join([m["code"], *[m["enh"]] * (m["enh"] != "0.0.0"), text])


def _exim_host(t: str, at: int) -> Taken | None:
    m = _EXIM_HOST.match(t) if at == 0 else None
    if m is None or not t[m.end() : m.end() + 3].isdigit():
        return None
    return t[m.end() :], None, Remote(m["host"], m["ip"])


def _remote_said(t: str, at: int) -> Taken | None:
    """qmail, and Yahoo, which writes like it: `Remote host said: 550 ...`."""
    m = _REMOTE_SAID.match(t, at)
    if m is None:
        return None
    stage: Stage | None = None
    host = ip = None
    if q := _QMAIL.search(t, 0, at + 1):
        stage = _QMAIL_STAGE[q["what"]]
        ip, host = q["ip"].rstrip("."), q["host"]
    t = t[m.end() :]
    end = t.find("Giving up on ")
    if end >= 0 and (g := _GIVING_UP.match(t, end)):
        ip = ip or g["ip"]
        t = t[:end].rstrip()
    for words in _AFTERWORDS:
        end = t.find(words)
        if end > 0:
            t = t[:end].rstrip()
    return t, stage, Remote(host, ip)


def _qmail(t: str, _at: int) -> Taken | None:
    q = _QMAIL.search(t)
    if q is None:
        return None
    return t, _QMAIL_STAGE[q["what"]], Remote(q["host"], q["ip"].rstrip("."))


def _answering(t: str, at: int) -> Remote | None:
    """`... host mx.example[192.0.2.1]:25` before `at`."""
    named = t[:at].rpartition(" ")[2]
    if named[:1] == "[":  # a blank before the bracket
        named = "".join(t[:at].rsplit(" ", 2)[-2:])
    m = _HOST.match(named)
    if m is None or not (m["ip"] or (m["host"] and "." in m["host"])):
        return None
    ip: str | None = m["ip"]
    return Remote(m["host"], None if ip and "/" in ip else ip)


def _said(t: str, at: int) -> Taken | None:
    """Postfix: `host mx.example[192.0.2.1] said: 550 ...`."""
    remote = _answering(t, at)
    return None if remote is None else (t[at + 7 :].lstrip("\"'"), None, remote)


def _said_after(t: str, at: int) -> Taken | None:
    remote = _answering(t, at)
    what, _, rest = t[at + 12 :].partition(": ")
    return None if remote is None else (rest, stage_of(what), remote)


def _responded(t: str, at: int) -> Taken | None:
    remote = _answering(t, at)
    return None if remote is None else (t[at + 25 :], None, remote)


def _refused_to_talk(t: str, at: int) -> Taken | None:
    """Postfix, where the banner was the refusal."""
    remote = _answering(t, at)
    if remote is None:
        c = _CONNECT.search(t, 0, at)
        if c is None:
            return None
        remote = Remote(c["host"], c["ip"])
    return t[at + 24 :], "CONN", remote


def _disliked(t: str, _at: int) -> Taken | None:
    """DragonFly: `mx.example [192.0.2.1] did not like our RCPT TO: 550 ...`."""
    m = _DISLIKED.search(t)
    if m is None:
        return None
    what = m["what"]
    stage = "END OF DATA" if what == "final DATA" else stage_of(what)
    return t[m.end() :], stage, Remote(m["host"], m["ip"])


def _domino(t: str, _at: int) -> Taken | None:
    """Lotus Domino: `Error transferring to mx.example; SMTP Protocol Returned a Permanent Error 550
    ...`."""
    m = _DOMINO.search(t)
    return None if m is None else (t[m.end() :], None, Remote(m["host"], None))


def _refused(t: str, _at: int) -> Taken | None:
    """`SMTP Server <192.0.2.1> refused to accept your message (DATA), ... [554 ...]`."""
    m = _REFUSED.search(t)
    if m is None:
        return None
    rest = _bracketed(t[m.end() :]) if m["open"] else t[m.end() :]
    return rest, stage_of(m["what"]), remote_of(m["host"], None)


def _bracketed(t: str) -> str:
    """What stands before the bracket that closes; others may open in between."""
    depth = 1
    at = 0
    for piece in t.split("]"):
        depth += piece.count("[") - 1
        at += len(piece) + 1
        if depth <= 0:
            break
    return t[: at - 1]


def _answered(t: str, _at: int) -> Taken | None:
    m = _ANSWERED.search(t)
    if m is None or not (m["ip"] or "." in m["host"]):
        return None
    return t[m.end() :], None, remote_of(m["host"], m["ip"])


_WRAPPINGS: tuple[tuple[str, Callable[[str, int], Taken | None]], ...] = (
    ("rror from remote ", _exim),
    ("LMTP error after ", _exim_lmtp),
    (" rejected command '", _stalwart),
    (", Enhanced code: ", _stalwart_fields),
    ("Remote ", _remote_said),
    (" said: ", _said),
    (" refused to talk to me: ", _refused_to_talk),
    ("host ", _exim_host),
    (" responded with failure: ", _responded),
    (" said after ", _said_after),
    (" did not like our ", _disliked),
    (" refused to accept your message (", _refused),
    (" rejected recipient <", _refused),
    ("erver ", _answered),
    ("SMTP Protocol Returned a ", _domino),
    ("onnected to", _qmail),
    ("does not like", _qmail),
)


def unanswered(t: str) -> tuple[Stage | None, Remote]:
    """No reply is quoted: whom the reporter was talking to, and how far they had come."""
    if "ost " in t[:20] or "H=" in t:
        m = _EXIM_AT.search(t)
        if m is not None:
            until = _EXIM_UNTIL.search(t, m.end())
            return stage_of(until["what"]) if until else None, remote_of(m["host"], m["ip"])
    if "while " in t and (m := _WHILE.search(t)):
        return stage_of(m["what"]), Remote(m["host"], m["ip"])
    if "connect" in t and (m := _CONNECT.search(t)):
        return "CONN", Remote(m["host"], m["ip"])
    if "onnecting to " in t and (m := _CONNECTING.search(t)):
        return "STARTTLS", Remote(None, m["ip"])
    if "able to establish an SMTP connection" in t:
        return "CONN", NOWHERE
    if "Connection " in t and (m := _REFUSED_BY.search(t)):
        name = m["host"].rstrip(".")
        early = "user open" in t or "efused" in t or "greeting" in t
        remote = Remote(None, name.strip("[]")) if name[:1] == "[" else remote_of(name, None)
        return "CONN" if early else None, remote
    return None, NOWHERE
