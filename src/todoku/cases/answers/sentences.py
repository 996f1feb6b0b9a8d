"""A text's sentences and clauses, and what stands in it between quotation marks. Pure."""

from __future__ import annotations

import bisect
import functools
import re
import unicodedata
from typing import Final

_ENDS: Final = re.compile(
    r"[.!?](?=[\s\"')\]])|[。！？]|\n[ \t]*\n|\n(?=[ \t]*[-*•・■◆●][ \t])|:[ \t]*\n"
)
_SHORT: Final = 44
"""Columns: a line that ends before was ended, not wrapped."""
CLAUSE: Final = re.compile(
    r";|,?\s(?:but|however|nevertheless|nonetheless|therefore|so)\b,?|,\s*and\s(?:we|i|your|the|it)\b"
    r"|(?:ました|です|ます|ません)が、|(?:しかし|ただし|なお|aber|jedoch)\b,?",
    re.I,
)
_CITED: Final = re.compile(r'"[^"\n]{4,400}"|«[^»\n]{4,400}»|「[^」\n]{4,200}」|『[^』\n]{4,200}』')
"""Words between quotation marks are somebody's, and not asserted here."""


class Text:
    """A text, and where its sentences end."""

    def __init__(self, text: str) -> None:
        self.text = text
        ends = {m.end() for m in _ENDS.finditer(text)}
        at = 0
        for line in text.split("\n"):
            at += len(line) + 1
            if _width(line) < _SHORT:
                ends.add(at)
        self._ends = sorted(ends)

    def sentence(self, at: int) -> tuple[int, int]:
        n = bisect.bisect_right(self._ends, at)
        start = self._ends[n - 1] if n else 0
        return start, self._ends[n] if n < len(self._ends) else len(self.text)

    @functools.cached_property
    def cited(self) -> list[tuple[int, int]]:
        return [found.span() for found in _CITED.finditer(self.text)]

    @functools.cached_property
    def clauses(self) -> list[tuple[int, int]]:
        """Where they begin and end: sentences, cut at "but", "however", "; "."""
        found: list[tuple[int, int]] = []
        start = 0
        for end in (*self._ends, len(self.text)):
            for cut in CLAUSE.finditer(self.text, start, end):
                found.append((start, cut.start()))
                start = cut.end()
            found.append((start, end))
            start = end
        return [(start, end) for start, end in found if start < end]


def _width(line: str) -> int:
    if line.isascii():
        return len(line)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
