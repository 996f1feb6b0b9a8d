"""What of a bounce is kept: its own headers, the words of the notice, the report, and of the message
that came back the headers alone. What somebody wrote to somebody else is not ours to keep.

    without_body(data)      the bounce without what was returned; what is no bounce as it is

Reading the rest gives what reading the whole gives (tests hold that on all samples). What cannot be
told from the words of a notice stays: an HTML notice without a text, and a text in which no line
announces the message and whose last paragraph is needed to read it.
"""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from todoku.lazy import expression
from todoku.reading import bounce, mail, mbox, notice, phrases
from todoku.reading.mail import BOUNDARY, Entity, normalise, parameter

REPORTS: Final = frozenset(
    {
        b"message/delivery-status",
        b"message/global-delivery-status",
        b"message/feedback-report",
        b"message/disposition-notification",
        b"message/global-disposition-notification",
    }
)
ENCLOSED: Final = frozenset(
    {
        b"message/rfc822",
        b"message/global",
        b"message/global-headers",
        b"message/rfc822-headers",
        b"text/rfc822-headers",
        b"text/rfc822-header",
        b"text/rfc822",
    }
)
_TEXTS: Final = frozenset({b"text/plain", b"text"})
_ROBOT: Final = expression(rb"(?i)(?:mailer[-_.]?daemon|postmaster)(?:@|>|\s|$)")
_HEADER: Final = expression(rb"[!-9;-~]{1,76}[ \t]{0,4}:")
_ENCODING: Final = expression(rb"(?i)\ncontent-transfer-encoding:[^\n]*(?:\n[ \t][^\n]*)*(?=\n)")
_FOLD: Final = (b" ", b"\t")
_FROM: Final = b"From MAILER-DAEMON Thu Jan 01 00:00:00 1970\n"
MOST: Final = mail.MAX_TEXT
"""Octets of a notice that are kept; no more are read."""
TRIES: Final = 12
"""Readings of a notice in which no line announces what was returned."""

Keeps: TypeAlias = Callable[[Entity], bytes | None]
"""What is kept of a leaf, as a part of the new mail; `None`: nothing."""


def is_bounce(data: bytes) -> bool:
    """Whether its form alone says that it is a report of a mail system, before anything is read."""
    return _is_report(mail.parse(data))


def is_by_robot(data: bytes) -> bool:
    """Whether a mail system wrote it, by its author: no desk answers under these names."""
    whole = mail.parse(data)
    author = whole.find(b"\nfrom:")
    named = whole.find(b"\nx-failed-recipients:") is not None
    return named or (author is not None and _ROBOT.search(author) is not None)


def before_reading(data: bytes) -> bytes:
    """`without_body` of what is surely no desk's answer, whose signature would not hold any more."""
    return without_body(data) if is_bounce(data) or is_by_robot(data) else data


def without_body(data: bytes) -> bytes:
    """A bounce without the body that was returned; lines then end with LF. Anything else comes back
    as it is, byte for byte."""
    if data.startswith(b"From ") and mbox.looks(data) and len(found := _mails(data)) > 1:
        return b"\n".join(_FROM + without_body(one) for one in found)
    raw = normalise(data)
    whole = Entity(raw, 0, len(raw))
    if _is_report(whole):
        return _parted(whole)
    before = bounce.read(raw)
    if not any(each.kind == "refusal" for each in before):
        return data
    kept = _parted(whole)
    if bounce.read(kept) != before:  # its words lie where nobody puts them
        return data
    return _needed(kept) if is_by_robot(raw) else kept


def _mails(data: bytes) -> list[bytes]:
    return list(mbox.split_mbox((data,)))


def _is_report(whole: Entity) -> bool:
    if whole.kind.type[:10] != b"multipart/":
        return False
    return whole.kind.type == b"multipart/report" or any(
        leaf.kind.type in REPORTS for leaf in whole.leaves()
    )


# ── what is kept of each ──────────────────────────────────────────────────────────────────────


def _parted(whole: Entity, depth: int = 0) -> bytes:
    """Words and report, and the headers of what came back; where neither tells of a failure, the
    enclosed mail is the bounce."""
    leaves = whole.leaves()
    made = _rebuilt(whole, _keeps(leaves, None))
    kinds = {leaf.kind.type for leaf in leaves}
    if not kinds & ENCLOSED or kinds & REPORTS or _tells(made):
        return made
    return _rebuilt(whole, _keeps(leaves, depth))


def _tells(data: bytes) -> bool:
    return any(found.kind == "refusal" for found in bounce.read(data))


def _keeps(leaves: list[Entity], depth: int | None) -> Keeps:
    """`depth`: enclosed mails may be bounces themselves, so deep inside."""
    words = _words(leaves)

    def kept(leaf: Entity) -> bytes | None:
        kind = leaf.kind.type
        if kind in REPORTS:
            return _as_it_is(leaf)
        if kind in ENCLOSED:
            return _enclosed(leaf, depth)
        if kind[:10] == b"multipart/" or (words is not None and leaf.body == words.body):
            return _first_lines(leaf, _told(leaf))
        return _as_it_is(leaf) if words is None and kind == b"text/html" else None

    return kept


def _words(leaves: list[Entity]) -> Entity | None:
    """The text for people: the first that is not blank."""
    texts = (leaf for leaf in leaves if leaf.kind.type in _TEXTS)
    return next((leaf for leaf in texts if leaf.decoded().strip()), None)


def _enclosed(leaf: Entity, depth: int | None) -> bytes:
    back = leaf.enclosed()
    deeper = depth is not None and depth < bounce.MAX_NESTING
    if deeper and (_is_report(back) or _tells(_as_it_is(back))):
        inside = _parted(back, (depth or 0) + 1)
    else:
        inside = _headers(back.head[1:])
    head = _ENCODING.sub(b"", leaf.head) if leaf.kind.encoding else leaf.head
    return head[1:] + b"\n" + inside


def _headers(text: bytes) -> bytes:
    """The header lines with which a text begins, and nothing behind them. One line or two among
    them that are none were folded wrongly."""
    lines = text.split(b"\n")
    kept = 0
    for n, line in enumerate(lines):
        if _HEADER.match(line) or (n and line[:1] in _FOLD and line.strip()):
            kept = n + 1
        elif not line.strip() or kept < n - 1:
            break
    return b"\n".join((*lines[:kept], b"")) if kept else b""


def _as_it_is(entity: Entity) -> bytes:
    end = min(entity.end, entity.body + MOST)
    return entity.head[1:] + b"\n" + entity.raw[entity.body : end]


def _rebuilt(entity: Entity, keeps: Keeps, depth: int = 0) -> bytes:
    """The mail of what is kept of its leaves, without what stands before and behind the parts."""
    parts = entity.parts() if entity.kind.type[:10] == b"multipart/" else []
    named = parameter(BOUNDARY, b"boundary", entity.kind.parameters) if parts else None
    if named is None or depth >= mail.MAX_DEPTH:
        return keeps(entity) or entity.head[1:] + b"\n"
    mark = b"--" + (named[1] or named[2]).rstrip()
    pieces = [entity.head[1:]]
    for part in parts:
        inner = part.kind.type[:10] == b"multipart/"
        made = _rebuilt(part, keeps, depth + 1) if inner else keeps(part)
        if made is not None:
            pieces.append(mark + b"\n" + made)
    return b"\n".join((*pieces, mark + b"--\n"))


# ── words ─────────────────────────────────────────────────────────────────────────────────────


def _told(leaf: Entity) -> int | None:
    """How many lines of a notice are kept: those before the line that announces the returned message,
    this line, and the headers behind it. `None`: nothing announces any."""
    text = leaf.decoded()
    if "\n> " in text or text.startswith("> "):
        text = notice.unquoted(text)
    low = text.lower()
    words, tail = phrases.split(text, low if len(low) == len(text) else text)
    if len(words) == len(text):
        return None
    before = text[: len(text) - len(tail)].count("\n") if tail else words.count("\n") + 1
    return before + _headers(tail.encode("utf-8", "replace")).count(b"\n")


def _first_lines(leaf: Entity, number: int | None) -> bytes:
    """A text of so many lines, encoded as before."""
    encoding = leaf.kind.encoding
    if number is None or encoding not in {"", "base64", "quoted-printable"}:
        return _as_it_is(leaf)
    content = leaf.content()
    if encoding:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    content = b"\n".join(content.split(b"\n", number)[:number]) + b"\n"
    if encoding == "base64":
        content = base64.encodebytes(content)
    elif encoding:
        content = quopri.encodestring(content)
    return leaf.head[1:] + b"\n" + content


def _needed(data: bytes) -> bytes:
    """Of a notice in which no line announces the returned message: the first paragraphs, as many as
    are needed to read what the whole tells."""
    whole = Entity(data, 0, len(data))
    words = _words(whole.leaves())
    if words is None or _told(words) is not None:
        return data
    before = bounce.read(data)

    def shorter(number: int) -> bytes:
        def keeps(leaf: Entity) -> bytes | None:
            return _first_lines(leaf, number) if leaf.body == words.body else _as_it_is(leaf)

        return _rebuilt(whole, keeps)

    found = (made for made in map(shorter, _ends(words.decoded())) if bounce.read(made) == before)
    return next(found, data)


def _ends(text: str) -> Iterator[int]:
    """Numbers of lines after which a paragraph ends: all of the first, and a few of many more."""
    lines = text.split("\n")
    ends = [n for n, line in enumerate(lines) if not line.strip() and n and lines[n - 1].strip()]
    many = len(ends) - TRIES
    yield from ends[: TRIES // 2] if many > 0 else ends
    if many > 0:
        rest = ends[TRIES // 2 :]
        yield from rest[:: -(-len(rest) // (TRIES // 2))]
