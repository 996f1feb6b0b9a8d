"""Transcripts of an SMTP session, as sendmail, Courier, the carriers' and some filters' notices
quote them:

    ... while talking to mx.example.:
    >>> DATA
    <<< 550 5.1.1 <user@example>... User unknown       what the server said
    550 5.1.1 <user@example>... User unknown           what sendmail made of it

Commands are sent in one go (RFC 2920), so the command printed above an answer is not always the
one it answers: sendmail prints `>>> DATA` over the refusal of a recipient. The answer to DATA
itself gives it away: `503 Need RCPT` means that no recipient was left.
"""

from __future__ import annotations

import re

import msgspec

from todoku.model import Stage
from todoku.reading.reply import join_continuations, stage_of

MAX_LINES = 400

_LINE = re.compile(
    r"^[ \t>]{0,12}?(?:"
    r"(?P<talk>(?:\.\.\. ?)?[Ww]hile talking to (?P<host>[^\s:]{1,255}?)\.?:)"
    r"|(?P<peer>[\w.-]{3,255} \[[0-9A-Fa-f.:]{3,45}\]:)"
    r"|(?:>>> ?|Sent <<< ?|In: {1,3})(?P<cmd>\S.{0,1000})"
    r"|(?:<<< ?|Received >>> ?|Out: {1,3})(?P<rep>\S.{0,2000})"
    r"|(?P<local>[245]\d\d[ -].{1,2000})"
    r"|(?P<deferred>(?:<[^<>\s]{1,320}>|[^\s<>]{1,255})\.\.\. Deferred.{0,500})"
    r")$",
    re.M,
)
_ADDRESS = re.compile(r"<([^<>\s]{1,256}@[^<>\s]{1,255})>")
_INNER = re.compile(r"[45]\d\d (?:[45]\.\d\.\d )?<[^<>]{1,320}>\.\.\. ([45]\d\d .{1,1000})")
_NO_RECIPIENT = re.compile(r"rcpt|recipient|user", re.I)
_SILENT = ("QUIT", "RSET", "NOOP")


class Answer(msgspec.Struct, gc=False):
    """One refusal in a session."""

    text: str
    """The server's words; with sendmail's own where no server spoke."""
    code: int
    host: str | None = None
    ip: str | None = None
    command: str = ""
    stage: Stage | None = None
    addresses: tuple[str, ...] = ()
    """Recipients that the reporter's own line below the answer names."""
    local: str = ""
    """The reporter's own line."""
    quoted: bool = True
    """A server said it, not the reporter."""


def looks(text: str) -> bool:
    return (
        "<<< " in text
        or ">>> " in text
        or " talking to " in text
        or "ranscript of session" in text
        or "... Deferred" in text
    )


def answers(text: str) -> list[Answer]:
    """The refusals of the session, in order."""
    found: list[Answer] = []
    host: str | None = None
    ip: str | None = None
    command = ""
    asked: list[str] = []  # recipients named so far in this session
    after_354 = False
    open_reply = ""  # a `550-` line that waits for its continuation
    for n, m in enumerate(_LINE.finditer(text)):
        if n > MAX_LINES:
            break
        kind = m.lastgroup
        if kind == "host" or kind == "talk":
            host, ip = m["host"].strip("[]"), None
            command, after_354, open_reply, asked = "", False, "", []
        elif kind == "peer":
            host, _, address = m["peer"].rstrip("]:").partition(" [")
            ip = address
            command, after_354, open_reply, asked = "", False, "", []
        elif kind == "cmd":
            command, after_354, open_reply = m["cmd"], False, ""
            verb = command[:4].upper()
            if verb == "RCPT":
                asked.extend(_ADDRESS.findall(command))
            elif verb == "MAIL":
                asked = []
        elif kind == "rep":
            said = m["rep"].strip()
            if open_reply and said[:3] == open_reply:
                found[-1].text += " " + said
                if said[3:4] != "-":
                    open_reply = ""
                continue
            open_reply = ""
            digits = said[:3]
            if not digits.isdigit():
                # An answer without a code: Courier quotes its own words that way.
                found.append(Answer(said, 0, host, ip, command, _stage(command, host, False)))
                continue
            if digits == "354":
                after_354 = True
            if digits[0] not in "45":
                continue
            if command.upper().startswith(_SILENT):
                continue
            if found and _secondary(found[-1], said, host, command):
                continue
            stage = _stage(command, host, after_354)
            named = tuple(asked) if stage == "END OF DATA" and len(asked) == 1 else ()
            found.append(Answer(said, int(digits), host, ip, command, stage, named))
            if said[3:4] == "-":
                open_reply = digits
        elif kind == "local" or kind == "deferred":
            own = (m["local"] or m["deferred"]).strip()
            open_reply = ""
            named = tuple(_ADDRESS.findall(own.partition("...")[0]))
            last = found[-1] if found else None
            if last is not None and last.quoted and not last.local:
                if named or "(smtp)..." not in own:
                    last.addresses, last.local = named or last.addresses, own
                continue
            if kind == "deferred" or (last is not None and not named):
                if last is None:
                    found.append(Answer(own, 0, None, None, "", None, named, own, quoted=False))
                continue
            if own[0] in "45":
                if last is not None and named and not last.quoted and not last.addresses:
                    found.pop()  # the line about the host; this one says it of the recipient
                inner = _INNER.match(own)
                said = inner[1] if inner else own
                found.append(Answer(said, int(own[:3]), None, None, "", None, named, own, quoted=False))
    for answer in found:
        answer.text = join_continuations(" ".join(answer.text.split()))
    return found


def _stage(command: str, host: str | None, after_354: bool) -> Stage | None:
    if not command:
        return "CONN" if host else None
    if after_354:
        return "END OF DATA"
    stage = stage_of(command.partition(":")[0].partition("<")[0])
    return "END OF DATA" if stage == "DATA" else stage


def _secondary(last: Answer, said: str, host: str | None, command: str) -> bool:
    """Is this the answer to DATA after all recipients were refused? Then `last` refused one."""
    if last.host != host or not last.quoted:
        return False
    if said[:3] not in {"503", "554", "501", "550", "451"} or not _NO_RECIPIENT.search(said):
        return said[:3] == "503"
    if said[:3] in {"550", "451"} and not re.search(r"no valid recipients|need rcpt", said, re.I):
        return False
    if last.command.upper().startswith("DATA"):
        last.stage = "RCPT TO"
    return True


def answer_for(found: list[Answer], recipient: str | None, reason: str) -> Answer | None:
    """Which of the answers is about this recipient: one that names it, else one that begins as the
    report's own diagnostic does, else the only one."""
    if not found:
        return None
    if recipient:
        low = recipient.lower()
        for a in found:
            if any(low == x.lower() for x in a.addresses):
                return a
        named = f"<{low}>"
        for a in found:
            if named in a.text.lower() or named in a.command.lower():
                return a
    if reason:
        head = " ".join(reason.split())[:60]
        code, sep, words = head[:3], head[3:4], head[4:44].strip()
        if code.isdigit() and sep in "- ":
            for a in found:
                if a.text.startswith(code) and words and words[:30] in a.text:
                    return a
    quoted = [a for a in found if a.quoted]
    pool = quoted or found
    return pool[0] if len(pool) == 1 or len({a.text for a in pool}) == 1 else pool[-1]
