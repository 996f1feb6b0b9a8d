"""A mail as an answer may come: its own words, who says he wrote it, and what it answers. Pure."""

from __future__ import annotations

import re
import unicodedata
from email.utils import getaddresses
from typing import Final, NamedTuple

from todoku.cases.answers import markup, quoting
from todoku.reading import mail
from todoku.reading.charset import header

MOST: Final = 48_000
"""Characters of an answer that are read."""
_STUB: Final = 40
"""A plain part of fewer characters says nothing, as a rule ("view in HTML")."""

_SAME: Final = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201b\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
        "\u301c": "~", "\u00a0": " ", "\u3000": " ", "\0": " ",
    }
)  # fmt: skip
_CJK: Final = "\u3005\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f"
_TORN: Final = re.compile(rf"(?<=[{_CJK}、])\n(?=[{_CJK}])")
_WIDE: Final = 20
"""A line of so many characters of Japanese was broken, not ended."""
_ID: Final = re.compile(r"<[^<>\s]{3,250}>")
_FORWARD: Final = re.compile(r"^\s*(?:fwd?|wg|転送|fw)\s*:", re.I)
_REPLY: Final = re.compile(r"^\s*(?:re|aw|antw|sv|返信)\s*(?:\[\d+\])?\s*[:：]", re.I)
_ROBOTS: Final = re.compile(r"^(?:mailer[-_.]?daemon|postmaster)(?:@|\b)", re.I)
_RETURNED: Final = re.compile(
    r"^(?:undeliver(?:able|ed)\b|delivery (?:status notification|failure|has failed)|mail delivery (?:failed|failure)"
    r"|returned mail|failure notice|message (?:undeliverable|not delivered)|unzustellbar|nicht zustellbar"
    r"|mail konnte nicht|配信不能|配信(?:に)?失敗|配送不能|不達通知|送信できませんでした|non remis\b|no se puede entregar)"
    r"[^:：]{0,60}(?:[:：]\s*(?P<subject>.+))?",
    re.I,
)
"""How subjects of delivery reports begin; some name the subject of what came back."""
_FROM: Final = 4000
"""Octets of a From field; what is longer names nobody."""
_COMMENT: Final = re.compile(r"\((?:\\.|[^()\\])*\)")
_DRESS: Final = re.compile(r'"(?:\\.|[^"\\])*"|=\?[^?\s]{1,40}\?[bq]\?[^?\s]{0,400}\?=', re.I)
_ALONE: Final = re.compile(
    r"\s*[^<>()\",;:]*<[^<>\s@]+@[^<>\s@]+>\s*|\s*[^<>()\s@\",;:]+@[^<>()\s@\",;:]+\s*"
)
"""One address, with a name or without; no group, no route, no second address."""
_ADDRESS: Final = re.compile(r"[\w.+=-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}", re.A)


class Letter(NamedTuple):
    """What came."""

    subject: str
    sender: str | None
    """The address in From; `None` where there is none, or more than one."""
    texts: tuple[str, ...]
    """Its own words, by part: plain text, HTML. Normalised."""
    quoted: str
    message_id: str | None
    thread: tuple[str, ...]
    """Message-IDs of what it answers, the nearest first."""
    bounced: tuple[str, ...] | None = None
    """Recipients that a delivery report names as failed; `None`: it is none."""
    returned: str = ""
    """Subject of the mail that bounced."""
    bulk: bool = False
    """It came through a mailing list."""
    newsletter: bool = False
    """It can be unsubscribed from (RFC 2369), so many have it."""
    report: bool = False
    """A machine's report (RFC 6522) of another kind."""
    forwarded: bool = False

    @property
    def replies(self) -> bool:
        """Whether the subject is one that it answers: then its words are not the writer's."""
        return bool(_REPLY.match(self.subject) or _FORWARD.match(self.subject))


def plain(text: str) -> str:
    """Full-width digits and letters as the usual ones, one form of quotes, dashes and blanks."""
    text = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def joined(text: str) -> str:
    """Japanese that was broken in the middle of a sentence made whole: such lines have no blank."""
    out: list[str] = []
    start = 0
    for found in _TORN.finditer(text):
        begin = text.rfind("\n", 0, found.start()) + 1
        if found.start() - max(begin, start) >= _WIDE or found.start() - begin >= _WIDE:
            out.append(text[start : found.start()])
            start = found.end()
    out.append(text[start:])
    return "".join(out)


def read(data: bytes) -> Letter:
    """Never raises."""
    whole = mail.parse(data)
    leaves = whole.leaves()
    kind = whole.report_type if whole.type == b"multipart/report" else b""
    faces: list[str] = []
    quoted: list[str] = []
    forwarded = False
    for text in _faces(leaves):
        found = quoting.split(plain(text[:MOST]))
        faces.append(joined(found.own))
        quoted.append(found.quoted)
        forwarded = forwarded or found.forwarded
    subject = " ".join(plain(whole.text(b"\nsubject:")[:1000]).split())
    sender = _sender(whole)
    bounced, returned = None, ""
    robot = bool(sender and _ROBOTS.match(sender)) and not _REPLY.match(subject)
    if robot or kind == b"delivery-status":  # a postmaster who answers is a person
        bounced, returned = _bounced(data, leaves)
    if robot and not returned:
        told, returned = _told(subject, faces)
        bounced = bounced or told
    return Letter(
        subject=subject,
        sender=sender,
        texts=tuple(face for face in faces if face.strip()),
        quoted="\n".join(quoted)[:MOST],
        message_id=next(iter(_ids(whole, b"\nmessage-id:")), None),
        thread=tuple(
            dict.fromkeys(
                (*_ids(whole, b"\nin-reply-to:"), *reversed(_ids(whole, b"\nreferences:")))
            )
        )[:50],
        bounced=bounced,
        returned=returned,
        bulk=any(whole.find(h) is not None for h in (b"\nlist-id:", b"\nlist-post:")),
        newsletter=whole.find(b"\nlist-unsubscribe:") is not None,
        report=bool(kind) and kind != b"delivery-status",
        forwarded=forwarded,
    )


def _faces(leaves: list[mail.Entity]) -> list[str]:
    """The text of the mail, plain and as HTML. Attachments and enclosed mails are none of it."""
    plains: list[str] = []
    html: list[str] = []
    for leaf in leaves:
        if (leaf.find(b"\ncontent-disposition:") or b"").strip().lower().startswith(b"attachment"):
            continue
        if leaf.type in {b"text/plain", b""}:
            plains.append(leaf.decoded())
        elif leaf.type == b"text/html":
            html.append(markup.text_of(leaf.decoded(markup.MOST)))
        elif not plains and not html and leaf.type.startswith(b"multipart/"):
            plains.append(leaf.decoded())  # its boundary stands nowhere
    words, marked = "\n".join(plains), "\n".join(html)
    if re.match(r"\s*<(?:!doctype|html|body|div|p)\b", words[:200], re.I):  # not labelled as HTML
        words = markup.text_of(words)
    if marked.strip() and len(words.strip()) < _STUB:
        return [marked]
    return [words, marked] if marked.strip() else [words]


def _sender(whole: mail.Entity) -> str | None:
    fields = whole.all(b"\nfrom:")
    if len(fields) != 1:
        return None
    # Unreadable encodings in a display name must not put another address in its place.
    raw = fields[0].decode("latin-1").replace("\n", " ")
    if len(raw) > _FROM:
        return None
    found = [address for _, address in getaddresses([raw]) if address]
    bare, nested = _DRESS.sub("", raw), 1
    while nested:
        bare, nested = _COMMENT.subn("", bare)
    if not _ALONE.fullmatch(bare):
        return None
    if len(found) != 1 or found[0].count("@") != 1 or re.search(r"[\s<>\",;:\\]", found[0]):
        return None
    return found[0].lower() if found[0].isascii() else None


def _ids(whole: mail.Entity, name: bytes) -> list[str]:
    value = whole.find(name)
    return [] if value is None else _ID.findall(header(value[:20_000]))


def _bounced(data: bytes, leaves: list[mail.Entity]) -> tuple[tuple[str, ...] | None, str]:
    """Recipients that could not be reached, and the subject of the mail that came back."""
    from todoku import reading

    found = [r for r in reading.read(data) if r.kind == "refusal" and r.action != "delayed"]
    if not found:
        return None, ""
    subject = ""
    for leaf in leaves:
        if leaf.type in {b"message/rfc822", b"text/rfc822-headers", b"message/global"}:
            inner = leaf.enclosed()
            subject = inner.text(b"\nsubject:")
    if not subject:
        quoted = re.search(rb"(?mi)^subject:[ \t]*(.{1,300})$", data[-20_000:])
        if quoted is not None and data.lower().count(b"\nsubject:") > 1:
            subject = header(quoted[1])
    return tuple(r.recipient.lower() for r in found if r.recipient), plain(subject[:300])


def _told(subject: str, faces: list[str]) -> tuple[tuple[str, ...] | None, str]:
    """The same of a robot's report in plain words, as Exchange writes for people."""
    found = _RETURNED.match(subject)
    if found is None:
        return None, ""
    failed = (m[0].lower() for face in faces for m in _ADDRESS.finditer(face[:4000]))
    return tuple(dict.fromkeys(failed))[:20], found["subject"] or ""
