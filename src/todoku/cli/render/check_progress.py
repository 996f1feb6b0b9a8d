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
        "ja": "{done} / {total} 問、掲載 {listed}、残り約 {left}",
        "en": "{done} of {total} questions, {listed} listed, about {left} left",
    },
    "answers": {
        "ja": "{n} 件の答え。残りを待っています",
        "en": "{n} answers; waiting for the others",
    },
    "progress-first": {
        "ja": "{done} / {total} 問、掲載 {listed}",
        "en": "{done} of {total} questions, {listed} listed",
    },
}


class Line:
    """How far a sweep is: one line on stderr, rewritten; nothing in the first second."""

    def __init__(self, lang: Language) -> None:
        self.lang = lang
        self._next = time.monotonic() + 1.0
        self._shown = False
        self._answers = 0
        self._sweeps = False

    def show(self, p: Progress) -> None:
        self._sweeps = True
        if self._is_time():
            self._write(self.words(p))

    def answered(self) -> None:
        """Another finding of a run without sweeps, which has no other progress."""
        self._answers += 1
        if not self._sweeps and self._is_time():
            self._write(say(WORDS["answers"], self.lang, n=f"{self._answers:,}"))

    def _is_time(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + 0.2
        return True

    def _write(self, words: str) -> None:
        self._shown = True
        sys.stderr.write(f"\r\x1b[K{words}")
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
