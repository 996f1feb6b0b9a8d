"""Mail addresses as they stand in headers, reports and notices (RFC 5321, 5322, 6531, 3464)."""

from __future__ import annotations

from todoku.lazy import expression

ATOM = (
    r'(?:"[^"\n@]{1,64}"|[^\s<>"()\[\],;:@|\uff1a\u3001\u3002\u300c\u300d]{1,64}(?:@[\w.-]{1,80}(?=@))?)'
    r"@[^\s<>\"()\[\],;:@'|?=/*\uff1a\u3001\u3002\u300c\u300d]{1,255}"
)
"""An address in running text. Eastern punctuation ends it: such texts put no blank behind it."""

_ANGLE = expression(r"<\s{0,4}([^<>\s]{1,320})\s{0,4}>")
_BARE = expression(ATOM)
# A report's field as nearly every system writes it: its address needs no cleaning.
_USUAL_FIELD = expression(r"(?:[\w-]{1,20}; ?)?<?([\w.+=-]{1,100}@[\w.-]{1,200}\w)>?\s{0,8}\Z")


def clean(value: str) -> str:
    """An address without what stands round it: brackets, `mailto:`, a trailing full stop."""
    value = value.strip().strip("<>").strip()
    if value[:7].lower() == "mailto:":
        value = value[7:]
    if "=?" in value:  # an encoded word where none may stand
        from todoku.reading import charset

        value = charset.header(value.encode("utf-8", "replace"))
    return value.rstrip(".,;:")


def of_header(value: str) -> str | None:
    """The (last) address of a From or Return-Path header; `None` for the null path `<>`."""
    if "<" in value:
        found = _ANGLE.findall(value)
        if found:
            return clean(found[-1]) or None
        if "<>" in value:
            return None
    at = value.find("@")
    if at < 0:
        return None
    # Only what is quoted may hold a blank: else the address begins behind the last one.
    m = _BARE.search(value, value.rfind(" ", 0, at) + 1 if '"' not in value else 0)
    return clean(m[0]) if m else None


def all_of(value: str, limit: int = 100) -> list[str]:
    """Every address of a To, Cc or X-Failed-Recipients header."""
    found: list[str] = []
    quoted = '"' in value
    at = value.find("@")
    pos = 0
    while at >= 0 and len(found) < limit:
        # Only what is quoted may hold a blank: else the address begins behind the last one.
        m = _BARE.search(value, pos if quoted else max(pos, value.rfind(" ", pos, at) + 1))
        if m is None:
            break
        found.append(clean(m[0]))
        pos = m.end()
        at = value.find("@", pos)
    return found


def of_field(value: str) -> str | None:
    """The address of a report field: `rfc822; user@host`, `RFC822;<user@host>`, `utf-8; ...`.

    `None` where it is none that a person would know: a path of a mailbox file, a program, a source
    route, an empty field.
    """
    if m := _USUAL_FIELD.match(value):
        return m[1]
    at = value.find(";", 0, 24)
    value = value[at + 1 :].strip() if at >= 0 else value.strip()
    if "<" in value and (m := _ANGLE.search(value)):
        value = m[1]
    value = clean(value)
    if not value or value[0] in "@/|" or "@" not in value or len(value) > 320:
        return None
    if " " in value and value[:1] != '"':
        return None
    return value
