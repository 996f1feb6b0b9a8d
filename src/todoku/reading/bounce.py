"""A mail that may be a bounce: what kind it is, and which reader it goes to."""

from __future__ import annotations

import re

from todoku.model import Refusal
from todoku.reading import address, delivery_report, notice, returned
from todoku.reading.mail import Entity, parse
from todoku.reading.phrases import any_of

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
    mail = parse(data)
    found = _read(mail, 0)
    return found if found else [_not(mail)]


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


def _read(mail: Entity, depth: int) -> list[Refusal]:
    human: Entity | None = None
    markup: Entity | None = None
    report: Entity | None = None
    feedback: Entity | None = None
    enclosed: Entity | None = None
    for part in mail.leaves():
        kind = part.kind.type
        if kind == b"text/plain":
            if human is None or _blank(human):
                human = part
        elif kind in _REPORTS:
            report = report or part
        elif kind in _MESSAGES:
            enclosed = enclosed or part
        elif kind == b"text/html":
            markup = markup or part
        elif kind == b"message/feedback-report":
            feedback = feedback or part
        elif (kind[:10] == b"multipart/" or kind == b"text") and human is None:
            human = part  # a boundary that stands nowhere: all of it is text
    words = human.decoded() if human is not None else ""
    back = enclosed.enclosed() if enclosed is not None else None
    if report is not None and feedback is None:
        found = delivery_report.read(report.decoded(), words, returned.of(back))
        if found:
            return found

    from todoku.reading import aggregate, auto_reply, complaint

    if feedback is not None:
        return complaint.read(mail, feedback, words, back)
    other = complaint.without_report(mail, words)
    if other is not None:
        return other
    forwarded = back is not None and report is None and back.type == b"multipart/report"
    if back is not None and forwarded and depth < MAX_NESTING:
        inner = _read(back, depth + 1)
        if inner:
            return inner
    found = _notice(mail, words, markup, back, report is not None)
    if found:
        return found
    if back is not None and not forwarded and depth < MAX_NESTING:
        inner = _read(back, depth + 1)
        if inner:
            return inner
    other_kind = aggregate.read(mail) or auto_reply.read(mail)
    return [other_kind] if other_kind is not None else []


def _blank(part: Entity) -> bool:
    return part.end - part.body < 80 and part.raw[part.body : part.end].isspace()


_REPORTS = frozenset((b"message/delivery-status", b"message/global-delivery-status"))
_MESSAGES = frozenset(
    (
        b"message/rfc822",
        b"text/rfc822-headers",
        b"text/rfc822-header",
        b"text/rfc822",
        b"message/global",
        b"message/global-headers",
        b"message/rfc822-headers",
    )
)


def _notice(
    mail: Entity, words: str, markup: Entity | None, back: Entity | None, reported: bool
) -> list[Refusal]:
    sender = mail.text(b"\nfrom:")
    subject = mail.text(b"\nsubject:")
    failed = mail.find(b"\nx-failed-recipients:")
    path = mail.find(b"\nreturn-path:")
    null_path = path is not None and path.strip() == b"<>"
    sure = reported or failed is not None
    if not sure:
        low_sender = sender.lower()
        daemon = null_path or not sender or any_of(_DAEMONS, low_sender)
        about = any_of(_SUBJECTS, subject.lower())
        if not (daemon or about):
            low = words[:6000]
            if not any(phrase in low for phrase in _PHRASES):
                return []
        sure = daemon and about
    if not words.strip() and markup is not None:
        words = _strip_markup(markup.decoded())
    hint = notice.Hint(
        recipients=tuple(address.all_of(mail.text(b"\nx-failed-recipients:"))) if failed else (),
        returned=returned.of(back),
        reported_by=_reporter(sender),
        subject=subject,
        sender=sender,
        sure=sure,
        reported=reported,
        original_to=returned.recipients_of(back) if back is not None else (),
    )
    return notice.read_text(words, hint)


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
_TAG = re.compile(r"<(style|script)\b[^>]{0,200}>.{0,40000}?</\1>|<[^<>]{0,2000}>", re.I | re.S)


def _strip_markup(html: str) -> str:
    from html import unescape

    text = re.sub(r"<(?:br|/p|/div|/tr|/h\d|/li)\b[^<>]{0,200}>", "\n", html, flags=re.I)
    text = unescape(_TAG.sub(" ", text))
    return re.sub(r"[ \t]*\n[ \t\n]*", "\n", text)


def _reporter(sender: str) -> str | None:
    found = address.of_header(sender)
    return found.rpartition("@")[2] or None if found and "@" in found else None
