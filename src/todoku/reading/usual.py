"""Delivery reports as nearly every system builds them: a short cut through their structure."""

from __future__ import annotations

from todoku.reading.mail import (
    BOUNDARY,
    EMPTY_LINE,
    MAX_DEPTH,
    MAX_TEXT,
    Entity,
    Kind,
    kinds,
    parameter,
    text_of,
)

_STATUS_TYPE = b"message/delivery-status"
_STATUS_LINE = (b"content-type: ", b"content-type:")
_ENCLOSED = (b"message/rfc822", b"text/rfc822-headers")


def usual_report(raw: bytes) -> tuple[str, str, Entity | None] | None:
    """A delivery report as nearly every system builds it: words for people, fields, and the
    returned message. `None` where the mail is built in any other way; `leaves` then takes it apart.

    This is a short cut and must find what `leaves` finds. It pays: nine of ten reports are built
    so, and most of a reader's time would go into finding their parts. So the part in the middle,
    which only reports have, is searched first, and the others from there.
    """
    at = raw.find(_STATUS_TYPE)
    if at < 0:
        return None
    line = raw.rfind(b"\n--", 0, at)
    if line < 0 or at - line > 400:
        return None
    if raw[raw.rfind(b"\n", line, at) + 1 : at].lower() not in _STATUS_LINE:
        return None
    delimiter = raw[line : raw.find(b"\n", line + 1)]
    size = len(delimiter)
    top = EMPTY_LINE.search(raw, 0, line + 1)
    if top is None or size < 5:
        return None
    blank = top.start()
    if raw.find(delimiter[3:], 0, blank) < 0:
        return None  # not the outermost boundary
    first = raw.find(delimiter, blank + 1)
    if first == line or raw[first + size] != 10:
        return None  # nothing for people before the fields
    second = raw.find(delimiter, first + size)
    if second != line and (
        raw[second + size] != 10
        or raw.find(b"essage/", second, line) >= 0
        or raw.find(b"rfc822", second, line) >= 0
    ):
        return None  # pictures, or the words in HTML, may stand between, but no mail
    kind, body = _kind_at(raw, first + size, second)
    if kind.type == b"text/plain":
        end = second
    else:
        part = Entity(raw, first + size + 1, second)
        part.known_as(kind)
        leaf = _first_leaf(part)
        kind, body, end = leaf.kind, leaf.body, leaf.end
        if kind.type != b"text/plain":
            return None
    words = text_of(kind, raw[body : end if end < body + MAX_TEXT else body + MAX_TEXT])
    if not words or words.isspace():
        return None
    after = raw.find(delimiter, at)
    if after < 0:
        return None
    kind, body = _kind_at(raw, line + size, after)
    if kind.type != _STATUS_TYPE:
        return None
    fields = text_of(kind, raw[body : min(after, body + MAX_TEXT)])
    mark = raw[after + size : after + size + 2]
    if mark == b"--":
        return words, fields, None
    if mark[:1] != b"\n":
        return None
    end = raw.find(delimiter, after + size)
    part = Entity(raw, after + size + 1, end if end >= 0 else len(raw))
    return (words, fields, part.enclosed()) if part.kind.type in _ENCLOSED else None


def _kind_at(raw: bytes, line_end: int, end: int) -> tuple[Kind, int]:
    """The kind of the part whose headers begin behind `line_end`, and where its body begins."""
    blank = raw.find(b"\n\n", line_end, end)
    known = kinds.get(raw[line_end : blank + 1]) if blank >= 0 else None
    if known is not None:
        return known, blank + 2
    part = Entity(raw, line_end + 1, end)
    return part.kind, part.body


def _first_leaf(part: Entity) -> Entity:
    """The first part that is no multipart, in this one; a multipart where it cannot be told."""
    for _ in range(MAX_DEPTH):
        kind = part.kind
        if kind.type[:10] != b"multipart/":
            return part
        m = parameter(BOUNDARY, b"boundary", kind.parameters)
        if m is None:
            return part
        raw, end = part.raw, part.end
        delimiter = b"\n--" + (m[1] or m[2]).rstrip()
        begin = raw.find(delimiter, part.body - 1, end) + len(delimiter)
        if begin < len(delimiter) or raw[begin] != 10:
            return part
        after = raw.find(delimiter, begin, end)
        if after >= 0 and raw[after + len(delimiter)] not in b"\n-":
            return part
        part = Entity(raw, begin + 1, after if after >= 0 else end)
    return part
