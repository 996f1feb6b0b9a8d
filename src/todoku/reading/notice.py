"""Notices in words: a bounce without a machine-readable report, or a piece of one.

Some hundred programs write them, each in its own words, but in few shapes:

    <user@example.com>:                         an address, and under it what was said
        host mx.example [192.0.2.1]: 550 5.1.1 No such user

    Your message to user@example.com couldn't be delivered.      a sentence
    The response from the remote server was:
    550 5.1.1 No such user

    ----- The following addresses had permanent fatal errors -----   a transcript
    <user@example.com>
    >>> DATA
    <<< 550 5.1.1 No such user

This reader knows the shapes. The few programs that fit none of them have a file each under
`systems`, asked first.
"""

from __future__ import annotations

import re

import msgspec

from todoku.lazy import expression
from todoku.model import Action, Refusal, Remote, Reply, Stage
from todoku.reading import delivery_report, phrases, returned, systems, transcript
from todoku.reading.mail import Entity
from todoku.reading.recipients import (
    Found,
    left_over,
    named_by_headers,
    recipients_in,
    recipients_in_sentences,
    unique,
)
from todoku.reading.reply import NOWHERE, Parsed, parse, stage_of
from todoku.reading.wrapping import unanswered

MAX_TEXT = 64 * 1024


class Hint(msgspec.Struct, frozen=True, gc=False):
    """What the mail round the notice tells; empty for a pasted text."""

    recipients: tuple[str, ...] = ()
    """X-Failed-Recipients, or what else names them without doubt."""
    sure: bool = False
    """The headers say that this is a bounce."""
    final: bool = False
    """The subject says that it failed for good: not a warning."""
    delayed: bool = False
    """The subject says that it waits."""
    mail: Entity | None = None
    reported: bool = False
    """It came with a report that names no recipient."""
    reported_by: str | None = None
    back: Entity | None = None
    """The returned message, where it is enclosed or stands below the notice."""
    returned: returned.Returned = returned.NOTHING


NO_HINT = Hint()


# ── what was said ─────────────────────────────────────────────────────────────────────────────

# A reply at the head of a line, with its further lines to the next blank or ruled one.
_CODE_LINE = expression(
    r"^[ \t]{0,12}(?:-{1,2} |[\"'<#(\[]{0,3})(?P<code>[45]\d\d)(?:[ :-]|$)[^\n]{0,2000}"
    r"(?:\n(?![ \t]{0,12}(?:$|-{3}|={3}|_{3}|\*{3}))[^\n]{1,998}){0,30}",
    re.M,
)
_ANY_CODE = expression(r"[45](?:\d\d|\.\d{1,3}\.\d)")  # whatever the next three are looking for
_CODE_INSIDE = expression(r"[45](?<![\w.:/@=-][45])\d\d[ :-]")
_ENHANCED_LINE = expression(
    r"^[ \t]{0,12}(?:-{1,2} )?(?P<said>[45]\.\d{1,3}\.\d{1,3}[ :-][^\n]{3,1500})", re.M
)
_COMMAND = expression(
    r"(?:SMTP command|STEP|Server sent|MailServer sent)[ \t]{0,4}:?[ \t\n]{1,4}(?P<cmd>[A-Z]{4}(?: (?:FROM|TO|SEND))?)\b"
)
_BY_SERVER = expression(
    r"(?:rejected|refused)[^\n\[]{0,200} by (?P<host>[\w.-]{3,255}?)\.? \[(?P<ip>[0-9A-Fa-f.:]{3,45})\]"
    r"|^[ \t]{0,12}Remote system: dns; ?(?P<host2>[\w.-]{1,255}) \(TCP\|[^|)]{1,60}\|\d{1,5}\|(?P<ip2>[^|)]{1,60})\|"
    r"|^[ \t]{0,12}Remote server \((?P<ip3>[0-9A-Fa-f.:]{3,45})\)"
    r"|^[ \t]{0,12}(?:Remote server|Server|Remote host) {0,8}: {0,8}<?(?P<host4>(?:[\w-]{1,63}\.){1,8}[\w-]{1,63})>?$",
    re.M,
)


_SERVERS = ("ejected", "efused", "emote ", "Server:")


def _at_line_head(text: str, pos: int) -> Parsed | None:
    m = _CODE_LINE.search(text, pos)
    if m is None:
        return None
    line = text[max(0, m.start() - 300) : m.start()].rstrip().rpartition("\n")[2]
    if line.endswith(":"):  # who answered, and what, stands above it
        told = parse(f"{line}\n{m[0]}")
        if told.reply.code is not None:
            if told.stage is None and "ody of message" in line:
                return Parsed(told.reply, "END OF DATA", told.remote)
            return told
    told = parse(m[0])
    return told if told.reply.code is not None else None


def _inside_a_line(text: str, pos: int) -> Parsed | None:
    bare: Parsed | None = None
    for n, inside in enumerate(_CODE_INSIDE.finditer(text, pos)):
        start = text.rfind("\n", 0, inside.start()) + 1
        if text[start : start + 3] == "  (":  # who said it stands on the line above
            start = text.rfind("\n", 0, start - 1) + 1
        blank = text.find("\n\n", inside.end())
        told = parse(text[start : blank if blank >= 0 else len(text)])
        if told.reply.code is not None:
            if len(told.reply.text) > 15:
                return told
            bare = bare or told  # `Status code: 550 5.1.10`: the words may follow elsewhere
        if n > 8:
            break
    return bare


def said_in(text: str) -> Parsed | None:
    """The answer of a server that a notice quotes, wherever it stands; `None` where none does."""
    code = _ANY_CODE.search(text)
    if code is None:
        return None
    pos = text.rfind("\n", 0, code.start()) + 1
    best = _at_line_head(text, pos) or _inside_a_line(text, pos)
    if best is None and (m := _ENHANCED_LINE.search(text, pos)):
        best = parse(m["said"])
    if best is None:
        return None
    return _with_labels(best, text)


def _with_labels(best: Parsed, text: str) -> Parsed:
    """The command and the server, where a notice names them in lines of their own."""
    stage, remote = best.stage, best.remote
    if stage is None and (m := _COMMAND.search(text)):
        stage = "END OF DATA" if m["cmd"] == "DATA SEND" else stage_of(m["cmd"])
    if remote is NOWHERE and phrases.any_of(_SERVERS, text) and (m := _BY_SERVER.search(text)):
        host = m["host"] or m["host2"] or m["host4"]
        remote = Remote(host, m["ip"] or m["ip2"] or m["ip3"])
    return Parsed(best.reply, stage, remote, best.notice)


# ── the whole ─────────────────────────────────────────────────────────────────────────────────


def read_text(text: str, hint: Hint = NO_HINT) -> list[Refusal]:
    """Refusals that a notice, or a piece of one, tells of. Empty where it tells of none."""
    text = text[:MAX_TEXT]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n> " in text or text.startswith("> "):
        text = unquoted(text)
    low = text.lower()
    if len(low) != len(text):  # a letter whose small form is longer: offsets must agree
        low = text
    words, tail = phrases.split(text, low)
    if tail and hint.back is None:
        data = tail[:16384].encode("utf-8", "replace")
        back = Entity(data, 0, len(data))
        hint = msgspec.structs.replace(hint, back=back, returned=returned.of(back))
    if "final-recipient:" in low or "\naction:" in low:
        report, human = _carve(text)
        found = delivery_report.read(report, human, hint.returned)
        if found:
            return found

    if not hint.sure and not phrases.any_of(phrases.FAILURE, low):
        return []
    special = systems.read(words, hint)
    if special is not None:
        return special
    return _generic(words, low[: len(words)], hint)


_QUOTE = expression(r"^> ?", re.M)
_MARKED = expression(r"^>(?!>> )", re.M)


def unquoted(text: str) -> str:
    """Take one level of a forwarding mail program's `>` away, where most lines carry it."""
    lines = text.count("\n") + 1
    return _QUOTE.sub("", text) if len(_MARKED.findall(text)) * 5 > lines * 2 else text


_REPORT_START = expression(
    r"^(?:Reporting-MTA|Original-Recipient|Final-Recipient|Action|Original-Envelope-Id"
    r"|Arrival-Date|X-Postfix-Queue-ID):",
    re.M | re.I,
)
_REPORT_END = expression(r"^(?:--[^\s-][^\n]{3,200}|Return-Path:.*|Received: .*|-{2,} .*)$", re.M)


def _carve(text: str) -> tuple[str, str]:
    """A report that stands in the middle of a text, and the text before it."""
    m = _REPORT_START.search(text)
    if m is None:
        return text, ""
    end = _REPORT_END.search(text, m.end())
    return text[m.start() : end.start() if end else len(text)], text[: m.start()]


_REPORTS_ITSELF = (" at host ", "program at ", "Agent v", " queue on ", "notification from ")
_REPORTER = expression(
    r"(?:system|program|agent|Agent v[\d.]{1,8}|notification from|queue on)(?: at)?(?: host)? ((?:[\w-]{1,63}\.){1,8}[\w-]{1,63})[.,\s]"
)


def _whom(text: str, quoted: list[transcript.Answer], hint: Hint) -> list[Found]:
    """Whom the notice is about; the surest place that names somebody decides."""
    found = unique(recipients_in(text))
    if hint.recipients:
        found = named_by_headers(found, hint.recipients)
    if not found:
        found = unique(recipients_in_sentences(text))
    if not found and quoted:
        found = unique([Found(a) for q in quoted for a in q.addresses or q.asked()])
    if not found and hint.sure and (hint.reported or quoted or said_in(text)):
        # Never guessed on words alone.
        found = left_over(text, hint.returned.sender, hint.mail)
        if not found and hint.back:
            found = [Found(one) for one in returned.recipients_of(hint.back)[:1]]
    return found


def _generic(text: str, low: str, hint: Hint) -> list[Refusal]:
    quoted = transcript.answers(text) if transcript.looks(text) else []
    found = _whom(text, quoted, hint)
    if not found:
        return []
    if phrases.any_of(_REPORTS_ITSELF, text[:600]) and (m := _REPORTER.search(text, 0, 600)):
        hint = msgspec.structs.replace(hint, reported_by=m[1])
    delayed = not hint.final and (hint.delayed or phrases.says_delayed(low))
    shared: Parsed | None = None
    shared_known = False
    made: list[Refusal] = []
    for one in found:
        told = parse(one.words) if one.words and not phrases.says_nothing(one.words) else None
        if quoted:
            answer = transcript.answer_for(quoted, one.recipient, one.words, len(found) == 1)
            if answer is not None and (told is None or answer.quoted or told.reply.code is None):
                told = from_answer(answer)
        if told is None or (told.reply.code is None and told.remote is NOWHERE):
            if not shared_known:
                shared, shared_known = said_in(text), True
            if shared is not None and (told is None or not told.reply.text or len(found) == 1):
                told = shared
        elif told.remote is NOWHERE and one.words.count("\n") > 1:
            told = _with_labels(told, one.words)
        if told is None or not told.reply.text:
            told = Parsed(
                Reply(None, None, words := phrases.plain_words(text, one.recipient)), notice=words
            )
        code = told.reply.code
        expired = not delayed and (code is None or code < 500) and phrases.says_expired(low)
        made.append(refusal(one.recipient, told, hint, delayed, expired))
    return made


def from_answer(answer: transcript.Answer) -> Parsed:
    """A transcript's answer in the form of a parsed text."""
    inner = parse(answer.text)
    remote = inner.remote
    if not answer.quoted and remote is NOWHERE:
        stage, remote = unanswered(answer.text)
        inner = Parsed(inner.reply, inner.stage or stage, remote, inner.notice)
    if answer.host or answer.ip:
        remote = Remote(answer.host or remote.host, answer.ip or remote.ip)
    return Parsed(inner.reply, answer.stage or inner.stage, remote, inner.notice)


def refusal(
    recipient: str | None,
    told: Parsed,
    hint: Hint,
    delayed: bool = False,
    expired: bool = False,
    reader: str = "notice",
    stage: Stage | None = None,
) -> Refusal:
    """The value for one recipient of a notice."""
    action: Action = "delayed" if delayed else "failed"
    return Refusal(
        reader=reader,
        action=action,
        recipient=recipient,
        sender=hint.returned.sender,
        reported_by=hint.reported_by,
        remote=told.remote,
        stage=stage or told.stage,
        reply=told.reply,
        notice=told.notice,
        expired=expired,
        message_id=hint.returned.message_id,
    )
