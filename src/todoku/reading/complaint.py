"""Complaints: feedback reports (ARF, RFC 5965; RFC 6591 for failed authentication), and the
feedback of mailbox providers that have a form of their own."""

from __future__ import annotations

import re

from todoku.lazy import expression
from todoku.model import Refusal, Remote, Reply
from todoku.reading import address, returned
from todoku.reading.delivery_report import host_of
from todoku.reading.mail import Entity

_RCPT = expression(r"^(?:Original-Rcpt-To|Removal-Recipient):(.{0,500})$", re.M | re.I)
_NAME = expression(r"^([A-Za-z-]{3,40}):[ \t]{0,8}(.{0,2000})$", re.M)


def read(mail: Entity, feedback: Entity, words: str, back: Entity | None) -> list[Refusal]:
    """One value for each recipient that the report names."""
    return _of(feedback.decoded(), words, back, _domain(mail))


def _of(text: str, words: str, back: Entity | None, reporter: str | None) -> list[Refusal]:
    text = text.replace("\n ", " ").replace("\n\t", " ")
    fields: dict[str, str] = {}
    for m in _NAME.finditer(text):
        fields.setdefault(m[1].lower(), m[2].strip())
    about = returned.of(back)
    named = (
        address.clean(v.partition(";")[2] if ";" in v[:20] else v) for v in _RCPT.findall(text)
    )
    recipients: list[str | None] = [one for one in dict.fromkeys(named) if one]
    if not recipients and back is not None:
        recipients = list(returned.recipients_of(back)[:1])
    words = " ".join(words[:8000].split())[:1500]
    results = fields.get("authentication-results", "")
    if fields.get("feedback-type", "").lower() == "auth-failure" and results:
        words = f"{words} {results}".strip()[:2000]
    sender = about.sender or address.of_field(fields.get("original-mail-from", ""))
    return [
        Refusal(
            kind="complaint",
            reader="feedback-report",
            recipient=one,
            sender=sender,
            reported_by=host_of(fields.get("reporting-mta", "")) or reporter,
            remote=Remote(),
            reply=Reply(None, None, words),
            feedback_type=(fields.get("feedback-type") or "abuse").lower(),
            message_id=about.message_id,
        )
        for one in (recipients or [None])
    ]


_MARKS = expression(r"^[ \t]{0,3}(?:>[ \t]?){1,9}", re.M)
_HEAD = expression(
    r"^(?:Return-Path|Received|Delivered-To|DKIM-Signature|From|To|Subject|Date|Message-ID):",
    re.M | re.I,
)


def forwarded(words: str) -> list[Refusal] | None:
    """A report that somebody sent on as text: its fields stand together, the returned message's
    header below them."""
    if "Feedback-Type:" not in words:
        return None
    text = _MARKS.sub("", words[:65536])
    start = text.rfind("\n\n", 0, text.find("Feedback-Type:")) + 2
    if start == 1:
        start = 0
    report, _, below = text[start:].partition("\n\n")
    names = {m[1].lower() for m in _NAME.finditer(report)}
    if "feedback-type" not in names or names.isdisjoint({"user-agent", "version"}):
        return None  # both are required beside it (RFC 5965, 3.1)
    m = _HEAD.search(below)
    data = below[m.start() :].encode("utf-8", "replace") if m else b""
    return _of(report, text[:start], Entity(data, 0, len(data)) if m else None, None)


def without_report(mail: Entity, words: str) -> list[Refusal] | None:
    """Complaints that carry no feedback report: Microsoft's junk mail reports (the mail itself
    enclosed, the recipient in a header of theirs), and Apple Mail's request to unsubscribe."""
    if words.startswith("Apple Mail sent this email to unsubscribe"):
        return [
            Refusal(
                kind="complaint",
                reader="unsubscribe-request",
                recipient=address.of_header(mail.text(b"\nfrom:")),
                sender=address.of_header(mail.text(b"\nto:")),
                reply=Reply(None, None, " ".join(words.split())[:500]),
                feedback_type="opt-out",
                message_id=returned.message_id_of(mail),
            )
        ]
    subject = mail.find(b"\nsubject:")
    if subject is None or b"complaint about message from" not in subject[:200]:
        return None
    for part in mail.leaves():
        if part.type != b"message/rfc822":
            continue
        back = part.enclosed()
        to = back.text(b"\nx-hmxmroriginalrecipient:")
        about = returned.of(back)
        return [
            Refusal(
                kind="complaint",
                reader="feedback-report",
                recipient=address.clean(to) if to else (returned.recipients_of(back) or (None,))[0],
                sender=about.sender,
                reported_by=_domain(mail),
                reply=Reply(None, None, mail.text(b"\nsubject:")),
                feedback_type="abuse",
                message_id=about.message_id,
            )
        ]
    return None


def _domain(mail: Entity) -> str | None:
    author = address.of_header(mail.text(b"\nfrom:"))
    return author.rpartition("@")[2] if author and "@" in author else None
