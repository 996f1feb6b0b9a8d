"""Text of a mail's HTML. What stands in a quotation is marked as quoted text is (`> `)."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

MOST: Final = 256_000
"""Characters of HTML that are read."""
_DEEPEST: Final = 400

_BREAKS: Final = frozenset(
    [
        "address",
        "article",
        "body",
        "br",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "tr",
        "ul",
    ]
)
_CELLS: Final = frozenset({"td", "th"})
_SILENT: Final = frozenset({"head", "script", "style", "template", "title", "noscript", "svg"})
_VOID: Final = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.I)
# What mail programs put around, or in front of, the mail that is answered.
_QUOTE: Final = re.compile(
    r"\b(?:gmail_quote|yahoo_quoted|protonmail_quote|moz-cite-prefix)\b", re.I
)
_ORIGINAL: Final = re.compile(r"^(?:x_)?(?:divRplyFwdMsg|appendonsend|OLK_SRC_BODY_SECTION)$", re.I)


def text_of(html: str) -> str:
    """Never raises; whatever is no HTML comes back as the text that it is."""
    reader = _Reader()
    reader.feed(_COMMENT.sub(" ", html[:MOST]))
    reader.close()
    return reader.text()


_COMMENT: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[(?:if|endif)[^>]{0,200}>|<\?[^>]{0,200}>", re.S
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[tuple[bool, list[str]]] = [(False, [])]
        self._open: list[tuple[str, bool, bool]] = []
        """Tag, whether it silences, whether it quotes."""
        self._silent = self._quoted = 0
        self._rest = False
        """All that follows is the mail that is answered."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if _ORIGINAL.match(given.get("id", "")):
            self._rest = True
        if tag in _BREAKS:
            self._break()
        elif tag in _CELLS:
            self._lines[-1][1].append("\t")
        if tag in _VOID:
            return
        silent = (
            tag in _SILENT
            or "hidden" in given
            or bool(_HIDDEN.search(given.get("style", "")[:1000]))
        )
        quoted = tag == "blockquote" or bool(_QUOTE.search(given.get("class", "")[:200]))
        if len(self._open) < _DEEPEST:
            self._open.append((tag, silent, quoted))
            self._silent += silent
            self._quoted += quoted
            if quoted:
                self._break()

    def handle_endtag(self, tag: str) -> None:
        if any(each[0] == tag for each in self._open[-40:]):
            while self._open:
                name, silent, quoted = self._open.pop()
                self._silent -= silent
                self._quoted -= quoted
                if quoted:
                    self._break()
                if name == tag:
                    break
        if tag in _BREAKS:
            self._break()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._lines[-1][1].append(data)

    def _break(self) -> None:
        quoted = self._rest or self._quoted > 0
        if self._lines[-1][1] or self._lines[-1][0] != quoted:
            self._lines.append((quoted, []))

    def text(self) -> str:
        out: list[str] = []
        for quoted, pieces in self._lines:
            cells = ("".join(pieces)).split("\t")
            line = " \t ".join(filter(None, (" ".join(cell.split()) for cell in cells)))
            if line:
                out.append(f"> {line}" if quoted else line)
        return "\n".join(out)
