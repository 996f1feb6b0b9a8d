"""One SMTP reply, out of whatever words stand around it.

Every reader ends here: a bounce, a log line and a pasted text hold the same thing, the answer of a
server wrapped in the words of the system that reports it:

    host mx.example[192.0.2.1] said: 550 5.1.1 No such user (in reply to RCPT TO command)
    `---- reporter: who answered ---´ `------ the reply ------´ `- reporter: which command -´

`parse` takes the wrapping off and tells what the wrapping told. Where a reply quotes another
server's, the outer one is the answer that was given and the inner stays in its text; where a
reporter's own words about giving up quote the last answer (`Message expired <421 4.4.2 ...>`), that
answer counts.

The words of the systems are in `todoku.reading.wrapping`. All this is done for every refusal of
every log line and mail, so literals are looked for before patterns are tried, and a bare reply
passes in a few microseconds.
"""

from __future__ import annotations

import re

import msgspec

from todoku.lazy import expression
from todoku.model import Remote, Reply, Stage
from todoku.reading.stages import stage_of
from todoku.reading.wrapping import NOWHERE, trailer, unanswered, unwrap

__all__ = [
    "NOWHERE",
    "Parsed",
    "is_temporary",
    "join_continuations",
    "parse",
    "stage_of",
    "wrapping",
]

MAX_REPLY = 8192
"""Longest reply looked at, in characters. RFC 5321 allows 512 octets a line; real ones stay below
2,000 in all. What is longer is cut, so that no pattern ever meets a megabyte."""


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """What one diagnostic text tells."""

    reply: Reply
    stage: Stage | None = None
    remote: Remote = NOWHERE
    notice: str = ""
    """The reporter's own words where no server's answer is quoted."""


# ── the reply itself ──────────────────────────────────────────────────────────────────────────

_LEADING = expression(
    r"(?P<code>[245]\d\d)(?:[ -]{1,4}|\Z|(?=[;:,<\"'\[]))[:'\"]?\s?"
    r"(?:[\[(]?#?(?P<enh>[245]\.\d{1,3}\.\d{1,3})(?![\d])(?!\.\d)[\])]?)?"
)
# What may not stand before a code is looked at behind its first digit: so the engine runs from digit
# to digit instead of trying each character.
_CODE = expression(
    r"(?P<code>[45](?<![\w.:/@=-][45])\d\d)(?P<sep>[ -]|\Z|(?=[;:,]))[ '\"-]?\s{0,2}"
    r"#?(?P<enh>[45]\.\d{1,3}\.\d{1,3}(?![\d.]{0,8}\d\.))?"
)
_ENHANCED = expression(r"(?P<enh>[245](?<![\w.][245])\.[0-7]\.\d{1,3})(?![\w]|\.\d)")
_ENHANCED_MARKED = expression(r"[(\[]?#(?P<enh>[245]\.[0-7]\.\d{1,3})\b")
# In the midst of words only the subjects that exist (RFC 3463, 3): `[#4.16.1]` is Yahoo's own code.


# Cisco's gateways (also Amazon's older ones): `5.1.0 - Unknown address error 550-'5.7.1 ...'`.
_IRONPORT = expression(
    r"(?P<enh>[45]\.\d{1,3}\.\d{1,3}) - [^'\d]{3,80}(?P<code>[45]\d\d)-?'(?P<text>[^\n]{1,4000}?)'"
    r"(?: \(delivery attempts: \d{1,5}\))?\Z"
)
_LAST_ANSWER = expression(r"xpired[^<>]{0,120}<(?P<last>[45]\d\d [^<>]{3,500})>")


def parse(text: str, default_stage: Stage | None = None) -> Parsed:
    """Read one diagnostic text: a reply, alone or in the words of the system that reports it."""
    t = _unfolded(text)
    stage: Stage | None = None
    remote = NOWHERE
    unwrapped = False
    if not (t[:1] in "245" and t[3:4] in " -" and t[:3].isdigit()):
        if t[5:8] == " - " and (m := _IRONPORT.match(t)):
            reply = parse(f"{m['code']} {m['text']}").reply
            return Parsed(Reply(reply.code, reply.enhanced or m["enh"], reply.text), default_stage)
        taken = unwrap(t)
        if taken is not None:
            t, stage, remote = taken
            unwrapped = True
    t, told = trailer(t)
    stage = told or stage or default_stage
    if "xpired" in t and (m := _LAST_ANSWER.search(t)):
        t = m["last"]

    lead = _LEADING.match(t)
    if lead is None and (m := _CODE.search(t)) is not None and _plausible(t, m):
        # A reply in the middle of other words: it starts at its code.
        t = t[m.start("code") :].rstrip("'\"")
        lead = _LEADING.match(t)
    if lead is not None:
        return Parsed(_reply(t, lead), stage, remote)
    if remote is NOWHERE:
        told, remote = unanswered(t)
        stage = told or stage
    return Parsed(Reply(None, _enhanced_in(t), t), stage, remote, "" if unwrapped else t)


def _unfolded(text: str) -> str:
    """On one line, with single blanks; most replies stand so already."""
    text = text[:MAX_REPLY]
    if "\n" not in text and "  " not in text and text.isprintable():  # no other blank is
        return text.strip(" ")
    return " ".join(text.split())


def wrapping(text: str) -> tuple[Stage | None, Remote]:
    """Only what the words round a reply tell: which command was answered, and who answered."""
    t = _unfolded(text)
    taken = unwrap(t, guess=False)
    _, told = trailer(t)
    return (told, NOWHERE) if taken is None else (told or taken[1], taken[2])


def _reply(t: str, lead: re.Match[str]) -> Reply:
    code = lead["code"]
    if t[4:7] == code and t[7:8] in " -":  # Gmail repeats the code
        t = t[4:]
        lead = _LEADING.match(t) or lead
    if f"{code}-" in t:
        t = join_continuations(t)
    elif t[-1] in "'\"" and t.count(t[-1]) == 1:
        t = t[:-1]
    return Reply(int(code), lead["enh"] or _enhanced_in(t), t)


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
    if m["enh"]:
        return True
    if m["sep"] == "-":
        number = t[m.end("sep") : m.end("sep") + 5]
        return not (number[:4].isdigit() and not number[4:].isalnum())  # a telephone's
    before = t[: m.start()].rstrip()
    if before.endswith(
        (":", ">", "'", '"', "(", "-", "was", "is", ";", ",", "code", "error", "#", "[", "...")
    ):
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
