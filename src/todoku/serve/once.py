"""What stays wrong is met again and again, and told once."""

from __future__ import annotations

from collections.abc import Callable

from todoku.i18n import Sentence, say


class Once:
    """`tell`: gets what was not told yet. Of more than `most` sentences all are forgotten."""

    def __init__(self, tell: Callable[[Sentence, dict[str, object]], object], most: int) -> None:
        self._tell = tell
        self._most = most
        self._told: set[str] = set()

    def __call__(self, sentence: Sentence, values: dict[str, object]) -> None:
        told = say(sentence, "en", **values)
        if told not in self._told:
            if len(self._told) >= self._most:
                self._told.clear()
            self._told.add(told)
            self._tell(sentence, values)

    def forget(self) -> None:
        """It is well again."""
        self._told.clear()
