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

from todoku.model import Action, Refusal, Remote, Reply, Stage
from todoku.reading import address, delivery_report, returned, transcript
from todoku.reading.mail import Entity
from todoku.reading.reply import Parsed, parse, stage_of

MAX_TEXT = 64 * 1024
MAX_RECIPIENTS = 1000


class Hint(msgspec.Struct, frozen=True, gc=False):
    """What the mail round the notice tells; empty for a pasted text."""

    recipients: tuple[str, ...] = ()
    """X-Failed-Recipients, or what else names them without doubt."""
    returned: returned.Returned = returned.NOTHING
    reported_by: str | None = None
    subject: str = ""
    system: str = ""
    """The headers' word for the program, lower case: from the From line and X-Mailer."""
    sure: bool = False
    """The headers prove that this is a bounce: a recipient may then be guessed from the returned
    message where the words name none."""
    original_to: tuple[str, ...] = ()


NO_HINT = Hint()

# ── where the returned message begins ─────────────────────────────────────────────────────────

_RETURNED = re.compile(
    r"^[ \t]{0,30}(?:[-=*_#]{2,80} ?)?(?:"
    r"below (?:this line )?is a copy of the|included is a copy of the"
    r"|(?:this is|enclosed is|here is|the following is) a copy of the(?: original)? (?:message|mail|header)"
    r"|the headers? of the original message (?:is|are)|(?:the )?original (?:message|mail)(?: info"
    r"|(?: headers?)?(?: follows?| is attached| as follows)?)?(?=[ .:\n-])"
    r"|original message headers|unsent message follows|returned message|message header follows"
    r"|(?:begin )?message headers? ?:|bounced e-?mail|undelivered message|message text follows"
    r"|message contents? follows|copy of (?:your|the) (?:original )?message"
    r"|original mail as follows|en-t[eê]tes de message d['\u2019]origine|intestazioni originali"
    r"|urspr\u00fcngliche nachrichtenkopfzeilen|oorspronkelijke berichtkop|encabezados de mensajes? original"
    r"|\u5143\u306e\u30e1\u30c3\u30bb\u30fc\u30b8|\u539f\u6587|\u9001\u4fe1\u3055\u308c\u305f\u30e1\u30fc\u30eb"
    r")[^\n]{0,120}$",
    re.I | re.M,
)
_HEADERS = re.compile(
    r"^(?:Return-Path|Received|X-Received|DKIM-Signature|Message-ID|X-Original-To):.{0,998}\n"
    r"(?:[ \t].{0,998}\n|[A-Za-z0-9-]{2,60}:.{0,998}\n){2,}",
    re.M | re.I,
)


def split(text: str) -> tuple[str, str]:
    """The notice, and the returned message's text (empty where none is found)."""
    for m in _RETURNED.finditer(text):
        line = m[0].strip()
        # A sentence that speaks of the message ("Original message follows") ends the notice; one
        # that is followed by more words about it ("The original message was received at") doesn't.
        if re.search(r"was received|has been|could not|were? received", line, re.I):
            continue
        if m.start() == 0 and not line.startswith("-"):
            continue
        return text[: m.start()], text[m.end() :].lstrip("-\n =")
    if m := _HEADERS.search(text):
        return text[: m.start()], text[m.start() :]
    return text, ""


# ── recipients ────────────────────────────────────────────────────────────────────────────────

# An address that stands at the head of a line, alone or with what was said behind it.
_LINE = re.compile(
    r"^(?P<lead>[ \t]{0,16}(?:(?:[*\u2022\u30fb]|-{1,2}>?|>{1,3}|&gt;) ?)?"
    r"(?:(?:Recipient(?: address)?|Addressed To|Failed recipients?|Final recipient|Address|"
    r"Delivery failed|Destination|Address\u00e9|\u5b9b\u5148|\u3042\u3066\u5148|\u9001\u4fe1\u5148) ?[:\uff1a] ?)?)"
    rf"(?P<open>[\"'<]{{0,2}})(?P<addr>{address.ATOM})(?P<close>[\"'>]{{0,2}})"
    r"(?P<rest>[ \t]{0,3}(?:$|[:;,(\[<]|\.{3}|on [A-Z][a-z]{2}\b|on \d|- | {2,}|\t|\u3078|\u5b9b)[^\n]{0,1000})?$",
    re.M,
)
_NOT_A_RECIPIENT = re.compile(
    r"(?:sent by|from|contact|mail to|help|write to|sender|envoy\u00e9 par|reply to|behalf of|via|administrator)"
    r"[ ,]*:?\s{0,3}$",
    re.I,
)

# A sentence that names it.
_SENTENCE = re.compile(
    r"(?:(?:deliver|undeliver|send|sent|reach|forward)\w{0,9}(?: (?:the |your |this )?(?:message|mail|e-?mail))?"
    r"(?: sent)? (?:to|for)"
    r"|(?:message|mail|email) (?:sent |addressed )?to|recipients?(?: returned permanent errors)?"
    r"|(?:exceeds|exceeded) [a-z ]{3,30}|failed \d{1,4} attempts|mailbox(?: for)?|the address|user"
    r"|failed (?:for|to))"
    rf" ?[:\uff1a]?[ \n]{{1,10}}[\"'<(]{{0,2}}(?P<addr>{address.ATOM})",
    re.I,
)
_FAILURE = re.compile(
    r"deliver|undeliver|could(?: not|n['\u2019]t)|unable|fail|reject|refus|return|bounce|problem|error"
    r"|exceed|not reach|unknown|invalid|blocked|delay"
    r"|\u914d\u4fe1|\u9001\u4fe1|\u5c4a|\u30a8\u30e9\u30fc|\u4e0d\u660e|\u4e0d\u80fd|\u0434\u043e\u0441\u0442\u0430\u0432|remise|zustell|bezorgd|recapit|entreg",
    re.I,
)
_DELAYED = re.compile(
    r"\bdelayed\b|not yet been delivered|warning (?:message )?only|will be retried|will keep trying"
    r"|still (?:being )?(?:re)?tr|delivery attempts will continue|will retry for|still undelivered"
    r"|delivery incomplete|temporary (?:failure report|problem delivering)|will continue trying for",
    re.I,
)
_EXPIRED = re.compile(
    r"retry time(?:out)? (?:was )?exceeded|(?:has )?been in the queue too long|in the queue too long"
    r"|cannot send message for|could not be delivered for|not delivered within|giving up"
    r"|stopped trying|message expired|envelope expired|aborted after|expired|\d+ attempts"
    r"|on the queue|being retried",
    re.I,
)


class Found(msgspec.Struct, gc=False):
    """A recipient in the text, and what stands behind it."""

    recipient: str
    words: str
    end: int
    line: bool = True


def recipients_in(text: str) -> list[Found]:
    """Recipients that stand at the head of a line, each with its own words."""
    matches: list[re.Match[str]] = []
    for m in _LINE.finditer(text):
        if m["rest"] is None and m.end("close") != m.end():
            continue
        before = text[max(0, m.start() - 60) : m.start()]
        if _NOT_A_RECIPIENT.search(before.rstrip()) and not before.rstrip().endswith("to:"):
            continue
        matches.append(m)
        if len(matches) > MAX_RECIPIENTS:
            break
    found: list[Found] = []
    for i, m in enumerate(matches):
        stop = matches[i + 1].start() if i + 1 < len(matches) else len(text)
        rest = (m["rest"] or "").strip()
        if rest[:1] in ":;,":
            rest = rest[1:].strip()
        if rest.startswith("<mailto:") or rest[:4].lower() == "on <":
            rest = rest.partition(">")[2]
        if rest.startswith(("(expanded from", "(generated from", "(ultimately generated")):
            rest = rest.partition(")")[2].lstrip(": ")
        if m["rest"] and re.match(r"\s*on (?:[A-Z][a-z]{2}\b|\d)", m["rest"]):
            rest = ""  # Exchange: the time of the attempt
        if rest[:1] == "[" and rest[-1:] == "]":
            rest = rest[1:-1]
        below = text[m.end() : stop]
        blank = re.search(r"\n[ \t]{0,20}\n", below)
        if blank is not None and (rest or below[: blank.start()].strip()):
            below = below[: blank.start()]
        elif blank is not None:
            below = ""
        words = f"{rest}\n{below}".strip() if below.strip() else rest
        found.append(Found(address.clean(m["addr"]), words, m.end()))
    return found


# ── what was said ─────────────────────────────────────────────────────────────────────────────

_CODE_LINE = re.compile(
    r"^[ \t]{0,12}(?:-{1,2} |[\"'<#(\[]{0,3})(?P<code>[45]\d\d)(?:[ :-]|$)[^\n]{0,1500}"
    r"(?:\n(?![ \t]{0,12}(?:$|-{3}|={3}|_{3}|\*{3}))[^\n]{1,998}){0,30}",
    re.M,
)
_ENHANCED_LINE = re.compile(
    r"^[ \t]{0,12}(?:-{1,2} )?(?P<enh>[45]\.\d{1,3}\.\d{1,3})[ :-][^\n]{3,1500}", re.M
)
_REASON = re.compile(
    r"(?:^|[\s>(*])(?:Reason|Error|Problem|Diagnostic(?: |-)code|The reason for the problem|cause|"
    r"\u7406\u7531|\u30a8\u30e9\u30fc\u5185\u5bb9|following error(?: message)?|because|because of|following reason|"
    r"error message|with the following error message|Details?|appears to be|response(?: from the remote server)?"
    r" was|Fehler|Motif)[ \t]{0,4}(?:[:\uff1a][ \t]{0,4}(?:\n{1,2})?|\n)(?P<words>[^\n]{3,1500}(?:\n[ \t]*[^\n\s][^\n]{0,998}){0,8})",
    re.I,
)
_SMTP_COMMAND = re.compile(
    r"(?:SMTP command|STEP|at the stage of|command was)[ \t]{0,4}:?[ \t\n]{1,4}"
    r"(?P<cmd>[A-Z]{4}(?: (?:FROM|TO|SEND))?)\b"
)


def said_in(text: str) -> Parsed | None:
    """The answer of a server that a notice quotes, wherever it stands; `None` where none does."""
    stage: Stage | None = None
    if m := _SMTP_COMMAND.search(text):
        stage = "END OF DATA" if m["cmd"] == "DATA SEND" else stage_of(m["cmd"])
    best: Parsed | None = None
    if m := _CODE_LINE.search(text):
        block = m[0]
        before = text[max(0, m.start() - 300) : m.start()]
        line = before.rstrip().rpartition("\n")[2]
        best = parse(f"{line}\n{block}" if line.rstrip().endswith((":", "said", "to")) else block)
        if best.reply.code is None:
            best = parse(block)
    elif re.search(r"\b[45]\d\d[ :-]", text):
        for m in re.finditer(r"[^\n]{0,600}\b[45]\d\d[ :-][^\n]{0,1500}(?:\n[^\n\s][^\n]{1,998}){0,6}", text):
            got = parse(m[0])
            if got.reply.code is not None:
                best = got
                break
    if best is None and (m := _ENHANCED_LINE.search(text)):
        best = parse(m[0].strip().removeprefix("-- ").removeprefix("- "))
    if best is not None and stage is not None and best.stage is None:
        best = Parsed(best.reply, stage, best.remote, best.notice)
    return best


# Sentences that every notice of some program holds, whatever happened.
_BOILERPLATE = re.compile(
    r"^\W{0,8}(?:this (?:message|e-?mail|mail|report|is an? auto|is the mail|is a permanent|is the postfix"
    r"|delivery status|condition|has been a permanent)|i['\u2019]m sorry to|i['\u2019]m afraid|for further assist|if you (?:do so|sent|require|need)"
    r"|please (?:do not|don['\u2019]t|contact your|include)|the mail system|the postfix program|hi[.!]|hello|dear "
    r"|the original message was received|your message\W*$|you do not need|no action is required|a message that you"
    r"|message from |this is a permanent|postmaster|date:|subject:|sent:|from:|to:|learn more|original message"
    r"|the message (?:subject|date|identifier|reference)|sorry, we were unable to deliver|unable to deliver message to"
    r"|the following address|delivery to the following recipient|diagnostic information|generating server"
    r"|technical details|email delivery failure|an email that you|\u3053\u306e\u30e1\u30fc\u30eb\u306f)",
    re.I,
)


def plain_words(text: str, recipient: str | None = None) -> str:
    """What the notice says where no server is quoted: its sentences less the ones it always has."""
    kept: list[str] = []
    for paragraph in re.split(r"\n[ \t]{0,40}\n", text[:8000]):
        words = " ".join(paragraph.split()).strip("-=*# _")
        if not words or not re.search(r"\w{2}", words):
            continue
        if _BOILERPLATE.match(words):
            # Its later lines may still say what happened.
            lines = [" ".join(x.split()) for x in paragraph.split("\n")]
            words = " ".join(x for x in lines if x and not _BOILERPLATE.match(x))
            if not words or not _FAILURE.search(words):
                continue
        if recipient and words.strip("<>\"' :*-") == recipient:
            continue
        kept.append(words)
    return " ".join(kept)[:2000]


# ── the whole ─────────────────────────────────────────────────────────────────────────────────


def read_text(text: str, hint: Hint = NO_HINT) -> list[Refusal]:
    """Refusals that a notice, or a piece of one, tells of. Empty where it tells of none."""
    text = text[:MAX_TEXT]
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        return []
    if text.startswith("> ") or "\n> " in text:
        text = _unquote(text)
    notice, tail = split(text)
    if hint.returned is returned.NOTHING and tail:
        entity = Entity(tail.encode("utf-8", "replace"), 0, len(tail.encode("utf-8", "replace")))
        hint = msgspec.structs.replace(
            hint,
            returned=returned.of(entity),
            original_to=hint.original_to or returned.recipients_of(entity),
        )
    if delivery_report.looks(text):
        report, human = _carve(text)
        found = delivery_report.read(report, human, hint.returned)
        if found:
            return found

    from todoku.reading import systems  # the few with a shape of their own

    special = systems.read(notice, hint)
    if special is not None:
        return special
    return _generic(notice, hint)


_QUOTE = re.compile(r"^> ?", re.M)


def _unquote(text: str) -> str:
    """Take one level of a forwarding mail program's `>` away, where most lines carry it."""
    lines = text.count("\n") + 1
    marked = len(re.findall(r"^>(?!>> )", text, re.M))
    return _QUOTE.sub("", text) if marked * 5 > lines * 2 else text


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


def _generic(text: str, hint: Hint) -> list[Refusal]:
    if not (hint.sure or _FAILURE.search(text)):
        return []
    delayed = bool(_DELAYED.search(text) or re.search(r"delay|warning", hint.subject, re.I))
    quoted = transcript.answers(text) if transcript.looks(text) else []
    found = _unique(recipients_in(text))
    if hint.recipients:
        found = _with_hint(found, hint.recipients)
    if not found:
        found = _unique([Found(address.clean(m["addr"]), "", m.end(), False) for m in _SENTENCE.finditer(text)])
    if not found and quoted:
        found = _unique([Found(a, "", 0, False) for q in quoted for a in q.addresses])
        if not found:
            found = _unique(
                [Found(a, "", 0, False) for q in quoted for a in address.all_of(q.command) if "RCPT" in q.command.upper()]
            )
    if not found and hint.sure and hint.original_to:
        found = [Found(hint.original_to[0], "", 0, False)]
    if not found:
        return []
    shared: Parsed | None = None
    shared_known = False
    made: list[Refusal] = []
    for one in found:
        told = parse(one.words) if one.words else None
        stage: Stage | None = None
        if quoted:
            answer = transcript.answer_for(quoted, one.recipient, one.words)
            if answer is not None:
                inner = parse(answer.text)
                stage = answer.stage or inner.stage
                if told is None or told.reply.code is None or answer.quoted:
                    told = Parsed(
                        inner.reply,
                        stage,
                        Remote(answer.host or inner.remote.host, inner.remote.ip),
                        inner.notice,
                    )
        if told is None or (told.reply.code is None and told.remote.ip is None):
            if not shared_known:
                shared, shared_known = said_in(text), True
            own_words = told is not None and (len(found) > 1 or told.reply.enhanced)
            if shared is not None and not (own_words and told and told.reply.text):
                told = shared
        if told is None or not told.reply.text:
            words = plain_words(text, one.recipient)
            told = Parsed(Reply(None, told.reply.enhanced if told else None, words), stage, notice=words)
        made.append(refusal(one.recipient, told, hint, text, delayed))
    return made


def refusal(
    recipient: str | None,
    told: Parsed,
    hint: Hint,
    text: str,
    delayed: bool,
    reader: str = "notice",
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
        stage=told.stage,
        reply=told.reply,
        notice=told.notice,
        expired=not delayed and bool(_EXPIRED.search(text)),
        message_id=hint.returned.message_id,
    )


def _unique(found: list[Found]) -> list[Found]:
    """One of each recipient: the place that says most (notices in two languages say it twice)."""
    kept: dict[str, Found] = {}
    for one in found:
        key = one.recipient.lower()
        other = kept.get(key)
        if other is None or _worth(one.words) > _worth(other.words):
            if other is not None:
                kept[key] = one  # keeps its first place
            else:
                kept[key] = one
    return list(kept.values())


def _worth(words: str) -> int:
    if not words:
        return 0
    return 2 if re.search(r"\b[245]\d\d[ -]|#?\b[245]\.\d\.\d", words) else 1


def _with_hint(found: list[Found], recipients: tuple[str, ...]) -> list[Found]:
    """The headers name the recipients: the text's words are laid beside them."""
    by = {one.recipient.lower(): one for one in found}
    made = [by.get(r.lower()) or Found(r, "", 0, False) for r in recipients]
    if len(made) == 1 and not made[0].words and len(found) == 1:
        return [Found(recipients[0], found[0].words, found[0].end)]
    return made
