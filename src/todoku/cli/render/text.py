"""Text for a terminal: made safe, measured and wrapped.

Mail is written by strangers. Whatever comes from it goes through `safe` before it is printed: a
terminal obeys escape sequences, and bidi overrides make a line say what it does not.
Widths follow UAX #11: wide and full-width characters take two columns, combining marks none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from todoku.lazy import expression

_BLANK_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
"""Letters and symbols by their category, yet nothing is seen."""
_MARKS = frozenset(("Mn", "Me"))
_MOST_MARKS = 2
"""Combining marks on one letter: more than any script stacks up, and they climb into other lines."""

# No line begins with these, and none ends with those (JIS X 4051, the part that matters here).
_NOT_FIRST = frozenset(
    "、。，．・：；？！）］｝」』】〉》〕…ー々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ％」,.;:?!)]}◂"
)
_NOT_LAST = frozenset("（［｛「『【〈《〔([{▸")

_TOKEN = expression(r" +|[^ ]+")


def safe(text: str) -> str:
    """The text on one line, with nothing in it that a terminal acts on or hides.

    White space becomes a blank; control and formatting characters (escape sequences, bidi
    overrides, zero-width characters), surrogates and unassigned code points become visible
    escapes such as `\\x1b` and `\\u202e`.
    """
    if text.isprintable() and text.isascii():
        return text
    out: list[str] = []
    marks = 0
    for c in text:
        if c.isprintable() and c not in _BLANK_LETTERS:
            if c > "\u02ff" and unicodedata.category(c) in _MARKS:
                marks += 1
                if marks > _MOST_MARKS or _is_selector(c):
                    continue
            else:
                marks = 0
            out.append(c)
        elif c == "\u3000":
            out.append(c)
        elif c.isspace():
            out.append(" ")
        else:
            out.append(_escape(c))
            marks = 0
    return "".join(out)


def short(text: str, columns: int = 120) -> str:
    """A name or address of a mail, safe and of bearable length: hostile ones fill screens."""
    return cut(safe(text[: 4 * columns]), columns)


def _is_selector(c: str) -> bool:
    return "\ufe00" <= c <= "\ufe0f" or c >= "\U000e0100" or c == "\u034f"


def _escape(c: str) -> str:
    n = ord(c)
    if n < 0x100:
        return f"\\x{n:02x}"
    return f"\\u{n:04x}" if n < 0x10000 else f"\\U{n:08x}"


# In UTF-8: DEL and C1, soft hyphen, Arabic marks, zero-width and bidi characters, BOM,
# interlinear annotation, tags, and other formatting (category Cf). The lead bytes, then the whole.
_ACTS_LEADS: Final = (
    b"\x7f", b"\xc2", b"\xd8", b"\xdb\x9d", b"\xdc\x8f", b"\xe0\xa2", b"\xe0\xa3", b"\xe1\xa0", b"\xe2\x80", b"\xe2\x81", b"\xef\xbb", b"\xef\xbf",
    b"\xf0\x91\x82", b"\xf0\x91\x83", b"\xf0\x93\x90", b"\xf0\x9b\xb2", b"\xf0\x9d\x85", b"\xf3\xa0",
)  # fmt: skip
_ACTS: Final = expression(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff0-\ufffb\uffff\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def harmless_json(data: bytes) -> bytes:
    """JSON with the same values, in which what a terminal acts on or hides is escaped.

    Encoders escape the C0 controls alone. People do print JSON on terminals.
    """
    if data.isascii():
        if 0x7F not in data:
            return data
    elif not any(lead in data for lead in _ACTS_LEADS):
        return data
    return _ACTS.sub(_json_escape, data.decode()).encode()


def _json_escape(m: re.Match[str]) -> str:
    n = ord(m[0])
    if n < 0x10000:
        return f"\\u{n:04x}"
    n -= 0x10000
    return f"\\u{0xD800 + (n >> 10):04x}\\u{0xDC00 + (n & 0x3FF):04x}"


def width(text: str) -> int:
    """Columns that the text takes."""
    if text.isascii():
        return len(text)
    n = 0
    for c in text:
        if unicodedata.east_asian_width(c) in "WF":
            n += 2
        elif unicodedata.category(c) not in _MARKS:
            n += 1
    return n


def pad(text: str, columns: int) -> str:
    """The text with blanks up to that width; longer text is left as it is."""
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """The text, shortened with `…` where it is wider."""
    if width(text) <= columns:
        return text
    n = 0
    for i, c in enumerate(text):
        n += width(c)
        if n > columns - 1:
            return text[:i].rstrip() + "…"
    return text


def cut_front(text: str, columns: int) -> str:
    """The end of a text that is too long: of a path the name of the file."""
    if width(text) <= columns:
        return text
    n = 0
    for i in range(len(text) - 1, -1, -1):
        n += width(text[i])
        if n > columns - 1:
            return "…" + text[i + 1 :]
    return text


def wrap(text: str, columns: int) -> list[str]:
    """Lines of at most that width. Words stay whole, and so do URLs, however long: a link that
    is broken cannot be opened. Between two wide characters a line may end (with kinsoku)."""
    lines: list[str] = []
    line = ""
    used = 0
    for piece in _fitting(text.strip(" "), columns):
        w = width(piece)
        if used + width(piece.rstrip()) <= columns or not line.strip():
            line += piece
            used += w
            continue
        lines.append(line.rstrip())
        line = piece.lstrip(" ")
        used = width(line)
    if line.strip() or not lines:
        lines.append(line.rstrip())
    return lines


def _fitting(text: str, columns: int) -> Iterable[str]:
    """The pieces, those cut up that are no link and wider than a line."""
    for piece in _pieces(text):
        if width(piece.rstrip()) <= columns or ("://" in piece[:24] and len(piece) < 2000):
            yield piece
        else:
            n = columns if piece.isascii() else columns // 2
            yield from (piece[i : i + n] for i in range(0, len(piece), n))


def _pieces(text: str) -> Iterable[str]:
    """What may not be broken: words with the blanks after them, single wide characters with the
    punctuation that belongs to them."""
    piece = ""
    for token in _TOKEN.findall(text):
        if token[0] == " ":
            piece += token
            continue
        if token.isascii():
            if piece and not piece.endswith(" ") and piece.strip():
                piece += token
            else:
                if piece:
                    yield piece
                piece = token
            continue
        for c in token:
            if not piece:
                piece = c
                continue
            last = piece[-1]
            if c in _NOT_FIRST or last in _NOT_LAST:
                piece += c
            elif last == " " or _breaks(last, c):
                yield piece
                piece = c
            else:
                piece += c
    if piece:
        yield piece


def _breaks(a: str, b: str) -> bool:
    return _wide(a) or _wide(b)


def _wide(c: str) -> bool:
    return unicodedata.east_asian_width(c) in "WF"
