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

from todoku.lazy import expression
from todoku.model import Stage
from todoku.reading import phrases
from todoku.reading.reply import join_continuations, stage_of

MAX_LINES = 400

_LINE = expression(
    r"[ \t>]{0,12}?(?:"
    r"(?P<talk>(?:\.\.\. ?)?[Ww]hile talking to (?P<host>[^\s:]{1,255}?)\.?:)"
    r"|(?P<peer>[\w.-]{3,255} \[[0-9A-Fa-f.:]{3,45}\]:)"
    r"|(?:>>> ?|Sent <<< ?|In: {1,3})(?P<cmd>\S.{0,1000})"
    r"|(?:<<< ?|Received >>> ?|Out: {1,3})(?P<rep>\S.{0,2000})"
    r"|(?P<local>[245]\d\d[ -].{1,2000})"
    r"|(?P<deferred>(?:(?:<[^<>\s]{1,320}>,? ?){1,100}|[^\s<>]{1,255})\.\.\. Deferred.{0,500})"
    r")\Z"
)
# What a line must begin with, or hold, to be worth that pattern.
_BEGINS = frozenset(".Ww><SIRO245")
# Programs that draw their arrows otherwise, behind words of their own or a time: MDaemon, InterScan
# (whose two versions do not agree on the direction). What is said tells who said it.
_OTHER_ARROWS = ("<-- ", "Sent >>> ", "\u9001\u4fe1 ", "\u53d7\u4fe1 ")
_ARROW = expression(
    r"[^<>]{0,80}?(?:-->|<--|>>>|<<<) (?P<said>(?P<code>[2345]\d\d[ -])?[A-Za-z0-9].{0,2000})\Z"
)
_ADDRESS = expression(r"<([^<>\s]{1,256}@[^<>\s]{1,255})>")
_PROGRAM = expression(r"[a-z][\w./-]{2,40}: \S")
_INNER = expression(r"[45]\d\d (?:[45]\.\d\.\d )?<[^<>]{1,320}>\.\.\. ([45]\d\d .{1,1000})")
_NO_RECIPIENT = expression(r"rcpt|recipient|user", re.I)
_NEED_RCPT = expression(r"no valid recipients|need rcpt", re.I)
_AFTER_ALL = ("503", "554", "501", "550", "451")
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

    def asked(self) -> list[str]:
        """The recipient that the command itself names."""
        return _ADDRESS.findall(self.command) if self.command[:4].upper() == "RCPT" else []


def looks(text: str) -> bool:
    return (
        "<<< " in text
        or ">>> " in text
        or " talking to " in text
        or "ranscript of session" in text
        or "... Deferred" in text
        or "<-- " in text
    )


def answers(text: str) -> list[Answer]:
    """The refusals of the session, in order."""
    session = _Session()
    drawn = phrases.any_of(_OTHER_ARROWS, text)
    n = 0
    end = -1
    for line in text.split("\n"):
        at = end + 1
        end = at + len(line)
        if drawn and (m := _drawn(line)) is not None:
            line = f"{'<<<' if m['code'] else '>>>'} {m['said']}"
        elif line.lstrip()[:1] not in _BEGINS and line[-2:] != "]:" and "... Deferred" not in line:
            continue
        m = _LINE.match(line)
        if m is None:
            continue
        n += 1
        if n > MAX_LINES:
            break
        kind = m.lastgroup
        if kind == "cmd":
            session.command_sent(m["cmd"])
        elif kind == "rep":
            session.server_said(m["rep"].strip())
        elif kind == "local":
            session.reporter_wrote(m["local"].strip(), deferred=False)
            if session.found and session.found[-1].local == m["local"].strip():
                _add_cause(session.found[-1], text, at)
        elif kind == "deferred":
            session.reporter_wrote(m["deferred"].strip(), deferred=True)
        elif kind == "peer":
            host, _, ip = m["peer"].rstrip("]:").partition(" [")
            session.connected(host, ip)
        else:
            session.connected(m["host"].strip("[]"), None)
    for answer in session.found:
        answer.text = join_continuations(" ".join(answer.text.split()))
    return session.found


def _drawn(line: str) -> re.Match[str] | None:
    if line.lstrip()[:4] in {">>> ", "<<< "} or not ("> " in line or "< " in line or "- " in line):
        return None
    return _ARROW.match(line)


def _add_cause(answer: Answer, text: str, at: int) -> None:
    """A delivery program's own words stand above sendmail's: `mail.local: unknown user: taro`, and
    below it `554 <taro@example>... Service unavailable`, which says nothing."""
    above = text[max(0, at - 300) : at].rstrip("\n").rpartition("\n")[2].strip()
    if not answer.quoted and _PROGRAM.match(above):
        answer.text = f"{answer.text} ({above})"


class _Session:
    """What is known while the lines of a session go by."""

    __slots__ = ("after_354", "asked", "command", "found", "host", "ip", "open_reply")

    def __init__(self) -> None:
        self.found: list[Answer] = []
        self.connected(None, None)

    def connected(self, host: str | None, ip: str | None) -> None:
        self.host = host
        self.ip = ip
        self.command = ""
        self.asked: list[str] = []
        """Recipients named so far."""
        self.after_354 = False
        self.open_reply = ""
        """The code of a `550-` line that waits for its continuation."""

    def command_sent(self, command: str) -> None:
        self.command, self.after_354, self.open_reply = command, False, ""
        verb = command[:4].upper()
        if verb == "RCPT":
            self.asked.extend(_ADDRESS.findall(command))
        elif verb == "MAIL":
            self.asked = []

    def server_said(self, said: str) -> None:
        code = said[:3]
        if self.open_reply and code == self.open_reply:
            self.found[-1].text += " " + said
            if said[3:4] != "-":
                self.open_reply = ""
            return
        self.open_reply = ""
        if not code.isdigit():  # Courier quotes its own words that way
            self.found.append(self._answer(said, 0))
            return
        if code == "354":
            self.after_354 = True
        if code[0] not in "45" or self.command.upper().startswith(_SILENT):
            return
        if self.found and _secondary(self.found[-1], said, self.host):
            return
        self.found.append(self._answer(said, int(code)))
        if said[3:4] == "-":
            self.open_reply = code

    def _answer(self, said: str, code: int) -> Answer:
        stage: Stage | None
        if not self.command:
            stage = "CONN" if self.host else None
        elif self.after_354:
            stage = "END OF DATA"
        else:
            stage = stage_of(self.command.partition(":")[0].partition("<")[0])
            stage = "END OF DATA" if stage == "DATA" else stage
        named = tuple(self.asked) if stage == "END OF DATA" and len(self.asked) == 1 else ()
        return Answer(said, code, self.host, self.ip, self.command, stage, named)

    def reporter_wrote(self, own: str, deferred: bool) -> None:
        """The reporter's own line: it tells whom the answer above it was about, or, where no
        server spoke, what happened."""
        self.open_reply = ""
        named = tuple(_ADDRESS.findall(own.partition("...")[0]))
        last = self.found[-1] if self.found else None
        if last is not None and last.quoted and not last.local:
            if named or "(smtp)..." not in own:
                last.addresses, last.local = named or last.addresses, own
            return
        if deferred or (last is not None and not named):
            if last is None or (deferred and named and last.addresses[:1] != named[:1]):
                self.found.append(Answer(own, 0, addresses=named, local=own, quoted=False))
            return
        if last is not None and named and not last.quoted and not last.addresses:
            self.found.pop()  # the line about the host; this one says it of the recipient
        inner = _INNER.match(own)
        said = inner[1] if inner else own
        self.found.append(Answer(said, int(own[:3]), addresses=named, local=own, quoted=False))


def _secondary(last: Answer, said: str, host: str | None) -> bool:
    """Is this the answer to DATA after all recipients were refused? Then `last` refused one."""
    if last.host != host or not last.quoted:
        return False
    code = said[:3]
    if code not in _AFTER_ALL or not _NO_RECIPIENT.search(said):
        return code == "503"
    if code in {"550", "451"} and not _NEED_RCPT.search(said):
        return False
    if last.command.upper().startswith("DATA"):
        last.stage = "RCPT TO"
    return True


def answer_for(
    found: list[Answer], recipient: str | None, reason: str, alone: bool = True
) -> Answer | None:
    """Which of the answers is about this recipient: one that names it, else one that begins as the
    report's own diagnostic does, else the only one. Where the notice is about others too (not
    `alone`), an answer that names one of them is not taken for this one's."""
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
    if not alone:
        found = [a for a in found if not a.addresses]
    quoted = [a for a in found if a.quoted]
    pool = quoted or found
    if not pool:
        return None
    return pool[0] if len(pool) == 1 or len({a.text for a in pool}) == 1 else pool[-1]
