"""A mail that may be a bounce: what kind it is, and which reader it goes to."""

from __future__ import annotations

import re

import msgspec

from todoku.lazy import expression
from todoku.model import Refusal
from todoku.reading import (
    address,
    aggregate,
    auto_reply,
    charset,
    complaint,
    delivery_report,
    notice,
    returned,
)
from todoku.reading.mail import Entity, normalise
from todoku.reading.phrases import any_of
from todoku.reading.usual import usual_report

MAX_NESTING = 4

_NOT = Refusal(kind="not-a-bounce", reader="mail")
_DAEMONS = (
    "daemon",
    "postmaster",
    "post_master",
    "mail delivery",
    "delivery s",
    "mail system",
    "mailsystem",
    "mail.delivery",
    "returned",
    "undeliver",
    "bounce",
    "administrator",
    "noreply",
    "no-reply",
    "poostmaster",
    "interscan",
)
_SUBJECTS = (
    "undeliver",
    "delivery",
    "failure",
    "failed",
    "failing",
    "returned",
    "non-deliver",
    "nondeliver",
    "could not",
    "cannot send",
    "mail system error",
    "mail error",
    "unable to",
    "rejected",
    "delayed",
    "bounce",
    "blocked by",
    "not delivered",
    "warning: ",
    "error sending",
    "errors from",
    "loop alert",
    "non remis",
    "non recapit",
    "unzustellbar",
    "no se pudo entregar",
    "\u914d\u4fe1",
    "\u9001\u4fe1\u3067\u304d",
    "\u30a8\u30e9\u30fc",
    "\u4e0d\u9054",
    "\u672a\u9054",
    "\u5c4a\u3051",
    "\u041d\u0435\u0434\u043e\u0441\u0442\u0430\u0432".lower(),
    "\u043d\u0435 \u0434\u043e\u0441\u0442\u0430\u0432",
)


def read(data: bytes) -> list[Refusal]:
    """What a mail tells; one `not-a-bounce` where it tells of no delivery."""
    raw = normalise(data)
    usual = usual_report(raw)
    if usual is not None:
        words, fields, back = usual
        found = delivery_report.read(fields, words, returned.of(back))
        if found:
            return found
    mail = Entity(raw, 0, len(raw))
    return _read(mail, 0) or [_not(mail)]


def _not(mail: Entity) -> Refusal:
    sender = mail.find(b"\nfrom:")
    if sender is None:
        return _NOT
    return Refusal(
        kind="not-a-bounce",
        reader="mail",
        sender=address.of_header(mail.text(b"\nfrom:")),
        message_id=returned.message_id_of(mail),
    )


class Parts(msgspec.Struct, gc=False):
    """The parts of a mail that a reader may want; the first of each."""

    human: Entity | None = None
    markup: Entity | None = None
    report: Entity | None = None
    feedback: Entity | None = None
    enclosed: Entity | None = None


def _parts(mail: Entity) -> Parts:
    parts = Parts()
    for part in mail.leaves():
        kind = part.kind.type
        if kind == b"text/plain":
            if parts.human is None or _blank(parts.human):
                parts.human = part
            continue
        role = _ROLES.get(kind)
        if role is not None:
            if getattr(parts, role) is None:
                setattr(parts, role, part)
        elif kind[:10] == b"multipart/" and parts.human is None:
            parts.human = part  # a boundary that stands nowhere: all of it is text
    return parts


def _read(mail: Entity, depth: int) -> list[Refusal]:
    parts = _parts(mail)
    words = parts.human.decoded() if parts.human is not None else ""
    back = parts.enclosed.enclosed() if parts.enclosed is not None else None
    if parts.report is not None and parts.feedback is None:
        found = delivery_report.read(parts.report.decoded(), words, returned.of(back))
        if found:
            return found
    if parts.feedback is not None:
        return complaint.read(mail, parts.feedback, words, back)
    other = complaint.without_report(mail, words)
    if other is None and parts.report is None:
        other = complaint.forwarded(words)
    if other is not None:
        return other
    if depth >= MAX_NESTING:
        back = None
    forwarded = back is not None and parts.report is None and back.kind.type == b"multipart/report"
    if back is not None and forwarded and (found := _read(back, depth + 1)):
        return found
    subject = mail.text(b"\nsubject:")
    if parts.report is None and _answers_by_itself(mail, subject, words):
        answer = auto_reply.read(mail)
        if answer is not None:
            return [answer]
    if found := _notice(mail, subject.lower(), words, parts, back):
        return found
    if back is not None and not forwarded and (found := _read(back, depth + 1)):
        return found
    other_kind = aggregate.read(mail) or auto_reply.read(mail)
    return [other_kind] if other_kind is not None else []


def _answers_by_itself(mail: Entity, subject: str, words: str) -> bool:
    """Whoever is away, and says so in the subject, quotes what he likes."""
    if subject[:5] in {"Undel", "Retur", "Deliv", "Mail ", "failu"}:
        return False  # a bounce, as nearly all begin
    if not auto_reply.announced(subject) and (
        mail.find(b"\nauto-submitted:") is None
        or any_of(_SUBJECTS, subject.lower())
        or any_of(_PHRASES, words[:6000])
        or any_of(_DAEMONS, mail.text(b"\nfrom:").lower())
    ):
        return False
    return mail.find(b"\nx-failed-recipients:") is None


def _blank(part: Entity) -> bool:
    return part.end - part.body < 80 and part.raw[part.body : part.end].isspace()


_ROLES = {
    b"message/delivery-status": "report",
    b"message/global-delivery-status": "report",
    b"message/feedback-report": "feedback",
    b"message/rfc822": "enclosed",
    b"message/global": "enclosed",
    b"message/global-headers": "enclosed",
    b"message/rfc822-headers": "enclosed",
    b"text/rfc822-headers": "enclosed",
    b"text/rfc822-header": "enclosed",
    b"text/rfc822": "enclosed",
    b"text/html": "markup",
    b"text": "human",
}


def _notice(
    mail: Entity, subject: str, words: str, parts: Parts, back: Entity | None
) -> list[Refusal]:
    """What the words tell; `subject` is in lower case."""
    reported = parts.report is not None
    failed = mail.find(b"\nx-failed-recipients:")
    sender = mail.text(b"\nfrom:")
    sure = reported or failed is not None
    if not sure:
        low_sender = sender.lower()
        daemon = not sender or (any_of(_DAEMONS, low_sender) and "cron daemon" not in low_sender)
        if not daemon:
            path = mail.find(b"\nreturn-path:")
            daemon = path is not None and path.strip() == b"<>"
        about = any_of(_SUBJECTS, subject)
        if not daemon:
            if mail.find(b"\nlist-id:") is not None:
                return []  # people of a mailing list, who talk about a bounce
            if _is_answer(mail, subject):
                words = _own_words(words)
        if not (daemon or about) and not any_of(_PHRASES, words[:6000]):
            return []
        sure = daemon and about
    if parts.markup is not None and not words.strip():
        words = _strip_markup(parts.markup.decoded())
    hint = notice.Hint(
        recipients=_named(charset.header(failed)) if failed else (),
        sure=sure,
        final=any_of(_FINAL, subject) and not any_of(_WARNING, subject),
        delayed="delay" in subject,
        reported=reported,
        mail=mail,
        reported_by=_reporter(sender),
        back=back,
        returned=returned.of(back),
    )
    return notice.read_text(words, hint)


def _is_answer(mail: Entity, subject: str) -> bool:
    """Does it answer another mail, as people do?"""
    return subject.startswith(_ANSWERS) and (
        mail.find(b"\nin-reply-to:") is not None or mail.find(b"\nreferences:") is not None
    )


_ANSWERS = ("re:", "re[", "re\uff1a", "aw:", "sv:", "antw:", "\u56de\u590d:", "\u56de\u590d\uff1a")
_QUOTED = expression(r"^>.*\n?|^-{2,} ?Original Message ?-{2,}[^\x00]*", re.M | re.I)


def _own_words(words: str) -> str:
    """What an answer says itself, without what it quotes."""
    return _QUOTED.sub("", words)


def _named(value: str) -> tuple[str, ...]:
    """The addresses of X-Failed-Recipients: what is no address was refused for that."""
    found = address.all_of(value) or [one.strip() for one in value.split(",", 20) if "@" in one]
    return tuple(found)


_FINAL = ("fail", "undeliver", "returned", "returning")
_WARNING = ("delay", "warning", "retried", "could not send")
_PHRASES = (
    "Final-Recipient:",
    "had permanent fatal errors",
    "Transcript of session follows",
    "Remote host said:",
    "This is the mail system at host",
    "could not be delivered to one or more",
    "Diagnostic information for administrators",
    "Reporting-MTA:",
    "Technical details of permanent failure",
)
_TAG = expression(r"<(style|script)\b[^>]{0,200}>.{0,40000}?</\1>|<[^<>]{0,2000}>", re.I | re.S)


def _strip_markup(html: str) -> str:
    from html import unescape

    text = re.sub(r"<(?:br|/p|/div|/tr|/h\d|/li)\b[^<>]{0,200}>", "\n", html, flags=re.I)
    text = unescape(_TAG.sub(" ", text))
    return re.sub(r"[ \t]*\n[ \t\n]*", "\n", text)


def _reporter(sender: str) -> str | None:
    found = address.of_header(sender)
    return found.rpartition("@")[2] or None if found and "@" in found else None
