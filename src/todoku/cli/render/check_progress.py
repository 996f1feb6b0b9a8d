"""How far a sweep is, on a terminal."""

from __future__ import annotations

import sys
import time
from typing import Final

from todoku.cli.render.check_entry import span
from todoku.i18n import Language, Words, say
from todoku.lists.values import Progress

WORDS: Final[Words] = {
    "progress": {
        "ja": "{done} / {total} 問、登録 {listed}、残り約 {left}",
        "en": "{done} of {total} questions, {listed} listed, about {left} left",
    },
    "progress-first": {
        "ja": "{done} / {total} 問、登録 {listed}",
        "en": "{done} of {total} questions, {listed} listed",
    },
}


class Line:
    """How far a sweep is: one line on stderr, rewritten; nothing in the first second."""

    def __init__(self, lang: Language) -> None:
        self.lang = lang
        self._next = time.monotonic() + 1.0
        self._shown = False

    def show(self, p: Progress) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 0.2
        self._shown = True
        sys.stderr.write(f"\r\x1b[K{self.words(p)}")
        sys.stderr.flush()

    def words(self, p: Progress) -> str:
        counts = {"done": f"{p.done:,}", "total": f"{p.total:,}", "listed": f"{p.listed:,}"}
        if p.left is None:
            return say(WORDS["progress-first"], self.lang, **counts)
        return say(WORDS["progress"], self.lang, **counts, left=span(p.left, self.lang))

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
