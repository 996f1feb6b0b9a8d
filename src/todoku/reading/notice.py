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
from string import ascii_letters

import msgspec

from todoku.model import Action, Refusal, Remote, Reply, Stage
from todoku.reading import address, delivery_report, phrases, returned, systems, transcript
from todoku.reading.mail import Entity
from todoku.reading.reply import NOWHERE, Parsed, parse, stage_of

MAX_TEXT = 64 * 1024
MAX_RECIPIENTS = 1000


class Hint(msgspec.Struct, frozen=True, gc=False):
    """What the mail round the notice tells; empty for a pasted text."""

    recipients: tuple[str, ...] = ()
    """X-Failed-Recipients, or what else names them without doubt."""
    sure: bool = False
    """The headers say that this is a bounce."""
    final: bool = False
    """The subject says that it failed for good: not a warning."""
    reported: bool = False
    """It came with a report that names no recipient."""
    reported_by: str | None = None
    back: Entity | None = None
    """The returned message, where it is enclosed or stands below the notice."""
    returned: returned.Returned = returned.NOTHING


NO_HINT = Hint()


# ── recipients ────────────────────────────────────────────────────────────────────────────────

# An address at the head of a line, alone or with what was said behind it.
_LINE = re.compile(
    r"(?P<lead>[ \t]{0,16}(?:(?:[*\u2022\u30fb]|-{1,2}>?|>{1,3}|&gt;) ?)?"
    r"(?:(?:Recipient(?: address)?|Addressed To|Failed recipients?|Final recipient|Address|"
    r"RCPT TO|Delivery failed|Destination|\u5b9b\u5148|\u3042\u3066\u5148|\u9001\u4fe1\u5148) ?[:\uff1a] ?)?)"
    rf"(?P<open>[\"'<]{{0,2}})(?P<addr>{address.ATOM})(?P<close>[\"'>]{{0,2}})"
    r"(?:[ \t]{0,3}(?P<rest>$|[:;,(\[<]|\.{3}|on [A-Z][a-z]{2}\b|on \d|- |[ \t]|\u3078|\u5b9b)[^\n]{0,2000})?$"
)
# Words right before an address that make it none of a recipient.
_NOT_A_RECIPIENT = (
    "sent by",
    "from",
    "contact",
    "mail to",
    "help",
    "write to",
    "sender",
    "envoy\u00e9 par",
    "reply to",
    "behalf of",
    "via",
    "administrator",
    "hello",
    "hi",
    "bonjour",
    "hola",
)
# The last word before an address that may make it the recipient, and the whole phrase.
_LAST_WORD = (
    "to",
    "for",
    "recipient",
    "recipients",
    "errors",
    "size",
    "quota",
    "limit",
    "attempts",
    "mailbox",
    "address",
    "user",
)
# Words before an address in a sentence that make it the recipient.
_BEFORE = re.compile(
    r"(?:(?:deliver|undeliver|send|sent|reach|forward)\w{0,9}(?: (?:the |your |this )?(?:message|mail|e-?mail))?"
    r"(?: sent)? (?:to|for)"
    r"|(?:message|mail|email) (?:sent |addressed )?to|recipients?(?: returned permanent errors)?"
    r"|(?:exceeds|exceeded) [a-z ]{0,30}(?:size|quota|limit)|failed \d{1,4} attempts|mailbox(?: for)?|the address|user"
    r"|failed (?:for|to))"
    r" ?[:\uff1a]?\s{1,10}[\"'<(]{0,2}\Z"
)
_LETTERS = frozenset(ascii_letters)
_TIME = re.compile(r"on (?:[A-Z][a-z]{2}\b|\d)")
_BLANK = re.compile(r"\n[ \t]{0,40}\n")
_EXPANDED = ("(expanded from", "(generated from", "(ultimately generated")
_DELIMITERS = frozenset(" \t\n<>\"'()[],;:|\uff1a\u3001\u3002\u300c\u300d")


class Found(msgspec.Struct, gc=False):
    """A recipient in the text, and what stands behind it."""

    recipient: str
    words: str = ""


def recipients_in(text: str) -> list[Found]:
    """Recipients that stand at the head of a line, each with its own words."""
    matches: list[tuple[int, re.Match[str]]] = []
    size = len(text)
    indent = 0
    at = text.find("@")
    while at >= 0 and len(matches) < MAX_RECIPIENTS:
        start = text.rfind("\n", 0, at) + 1
        end = text.find("\n", at)
        if end < 0:
            end = size
        m = None
        if at - start < 120:
            before = text[start:at].lstrip()
            # In a sentence no recipient stands alone: a look at the blanks spares the pattern.
            if (
                " " not in before
                or before[0] not in _LETTERS
                or ":" in before
                or "\uff1a" in before
            ):
                m = _LINE.match(text, start, end)
        if m is not None and not text[max(0, start - 40) : start].rstrip(" ,:\n").lower().endswith(
            _NOT_A_RECIPIENT
        ):
            lead = m["lead"]
            margin = len(lead) - len(lead.lstrip()) if lead else 0
            if matches and margin > indent:
                last = matches[-1][1]
                between = text[last.end() : start]
                if (last["rest"] or between.strip()) and not _BLANK.search(text, last.end(), start):
                    at = text.find("@", end)  # the address is quoted in what was said
                    continue
            indent = margin
            matches.append((start, m))
        at = text.find("@", end)
    found: list[Found] = []
    for i, (_, m) in enumerate(matches):
        stop = matches[i + 1][0] if i + 1 < len(matches) else size
        rest = text[m.start("rest") : m.end()].strip() if m["rest"] else ""
        if rest[:1] in ":;,":
            rest = rest[1:].strip()
        if rest.startswith(("<mailto:", "(")) and "<mailto:" in rest:
            rest = rest.partition("<mailto:")[2].partition(">")[2]
        if rest.startswith(_EXPANDED):
            rest = rest.partition(")")[2].lstrip(": ")
        if rest and _TIME.match(rest):
            rest = ""  # Exchange: the time of the attempt
        if rest[:1] == "[" and rest[-1:] == "]":
            rest = rest[1:-1]
        below = text[m.end() : stop]
        blank = _BLANK.search(below)
        if blank is not None:
            below = below[: blank.start()]
        below = below.strip()
        words = f"{rest}\n{below}" if rest and below else rest or below
        found.append(Found(address.clean(m["addr"]), words))
    return found


def recipients_in_sentences(text: str) -> list[Found]:
    """Recipients that a sentence names: `Your message to user@example.com was undeliverable.`"""
    found: list[Found] = []
    at = text.find("@")
    while at >= 0 and len(found) < MAX_RECIPIENTS:
        start = at
        while start > 0 and at - start < 64 and text[start - 1] not in _DELIMITERS:
            start -= 1
        m = _ATOM.match(text, start)
        before = text[max(0, start - 100) : start].lower()
        last = before.rstrip(" \n\t\"'<(:\uff1a")
        if m is not None and last.endswith(_LAST_WORD) and _BEFORE.search(before):
            found.append(Found(address.clean(m[0])))
        at = text.find("@", max(at + 1, m.end()) if m else at + 1)
    return found


_ATOM = re.compile(address.ATOM)


# ── what was said ─────────────────────────────────────────────────────────────────────────────

# A reply at the head of a line, with its further lines to the next blank or ruled one.
_CODE_LINE = re.compile(
    r"^[ \t]{0,12}(?:-{1,2} |[\"'<#(\[]{0,3})(?P<code>[45]\d\d)(?:[ :-]|$)[^\n]{0,2000}"
    r"(?:\n(?![ \t]{0,12}(?:$|-{3}|={3}|_{3}|\*{3}))[^\n]{1,998}){0,30}",
    re.M,
)
_ANY_CODE = re.compile(r"[45](?:\d\d|\.\d{1,3}\.\d)")  # whatever the next three are looking for
_CODE_INSIDE = re.compile(r"[45](?<![\w.:/@=-][45])\d\d[ :-]")
_ENHANCED_LINE = re.compile(
    r"^[ \t]{0,12}(?:-{1,2} )?(?P<said>[45]\.\d{1,3}\.\d{1,3}[ :-][^\n]{3,1500})", re.M
)
_COMMAND = re.compile(
    r"(?:SMTP command|STEP)[ \t]{0,4}:?[ \t\n]{1,4}(?P<cmd>[A-Z]{4}(?: (?:FROM|TO|SEND))?)\b"
)
_BY_SERVER = re.compile(
    r"(?:rejected|refused)[^\n\[]{0,200} by (?P<host>[\w.-]{3,255}?)\.? \[(?P<ip>[0-9A-Fa-f.:]{3,45})\]"
)


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
    stage, remote = best.stage, best.remote
    if stage is None and (m := _COMMAND.search(text)):
        stage = "END OF DATA" if m["cmd"] == "DATA SEND" else stage_of(m["cmd"])
    if remote is NOWHERE and (m := _BY_SERVER.search(text)):
        remote = Remote(m["host"], m["ip"])
    return Parsed(best.reply, stage, remote, best.notice)


# ── the whole ─────────────────────────────────────────────────────────────────────────────────


def read_text(text: str, hint: Hint = NO_HINT) -> list[Refusal]:
    """Refusals that a notice, or a piece of one, tells of. Empty where it tells of none."""
    text = text[:MAX_TEXT]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\n> " in text or text.startswith("> "):
        text = _unquote(text)
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


_QUOTE = re.compile(r"^> ?", re.M)
_MARKED = re.compile(r"^>(?!>> )", re.M)


def _unquote(text: str) -> str:
    """Take one level of a forwarding mail program's `>` away, where most lines carry it."""
    lines = text.count("\n") + 1
    return _QUOTE.sub("", text) if len(_MARKED.findall(text)) * 5 > lines * 2 else text


_REPORT_START = re.compile(
    r"^(?:Reporting-MTA|Original-Recipient|Final-Recipient|Action|Original-Envelope-Id"
    r"|Arrival-Date|X-Postfix-Queue-ID):",
    re.M | re.I,
)
_REPORT_END = re.compile(r"^(?:--[^\s-][^\n]{3,200}|Return-Path:.*|Received: .*|-{2,} .*)$", re.M)


def _carve(text: str) -> tuple[str, str]:
    """A report that stands in the middle of a text, and the text before it."""
    m = _REPORT_START.search(text)
    if m is None:
        return text, ""
    end = _REPORT_END.search(text, m.end())
    return text[m.start() : end.start() if end else len(text)], text[: m.start()]


_REPORTS_ITSELF = (" at host ", "program at ", "Agent v", " queue on ", "notification from ")
_REPORTER = re.compile(
    r"(?:system|program|agent|Agent v[\d.]{1,8}|notification from|queue on)(?: at)?(?: host)? ((?:[\w-]{1,63}\.){1,8}[\w-]{1,63})[.,\s]"
)


def _generic(text: str, low: str, hint: Hint) -> list[Refusal]:
    quoted = transcript.answers(text) if transcript.looks(text) else []
    found = _unique(recipients_in(text))
    if hint.recipients:
        found = _with_hint(found, hint.recipients)
    if not found:
        found = _unique(recipients_in_sentences(text))
    if not found and quoted:
        found = _unique([Found(a) for q in quoted for a in q.addresses])
    if not found and hint.sure and hint.back and (hint.reported or quoted or said_in(text)):
        # Never guessed on words alone.
        found = [Found(one) for one in returned.recipients_of(hint.back)[:1]]
    if not found:
        return []
    if phrases.any_of(_REPORTS_ITSELF, text[:600]) and (m := _REPORTER.search(text, 0, 600)):
        hint = msgspec.structs.replace(hint, reported_by=m[1])
    delayed = not hint.final and phrases.says_delayed(low)
    shared: Parsed | None = None
    shared_known = False
    made: list[Refusal] = []
    for one in found:
        told = parse(one.words) if one.words else None
        if quoted:
            answer = transcript.answer_for(quoted, one.recipient, one.words)
            if answer is not None and (told is None or answer.quoted or told.reply.code is None):
                told = from_answer(answer)
        if told is None or (told.reply.code is None and told.remote is NOWHERE):
            if not shared_known:
                shared, shared_known = said_in(text), True
            if shared is not None and (told is None or not told.reply.text or len(found) == 1):
                told = shared
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


def _unique(found: list[Found]) -> list[Found]:
    """One of each recipient: the place that says most (notices in two languages say it twice)."""
    if len(found) < 2:
        return found
    kept: dict[str, Found] = {}
    for one in found:
        key = one.recipient.lower()
        other = kept.get(key)
        if other is None or _worth(one.words) > _worth(other.words):
            kept[key] = one
    return list(kept.values())


_TELLING = re.compile(r"[245](?<!\w[245])(?:\d\d[ -]|\.\d\.\d)")


def _worth(words: str) -> int:
    if not words:
        return 0
    return 2 if _TELLING.search(words) else 1


def _with_hint(found: list[Found], recipients: tuple[str, ...]) -> list[Found]:
    """The headers name the recipients: the text's words are laid beside them."""
    by = {one.recipient.lower(): one for one in found}
    made = [by.get(r.lower()) or Found(r) for r in dict.fromkeys(recipients)]
    if len(made) == 1 and not made[0].words and len(found) == 1:
        return [Found(recipients[0], found[0].words)]
    return made
