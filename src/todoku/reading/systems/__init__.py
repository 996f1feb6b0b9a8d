"""Notices whose shape is their program's own. Each module has `read(text, hint)`, which answers
`None` where the text is not that program's; a phrase of the text decides which one is asked."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.notice import Hint


def read(text: str, hint: Hint) -> list[Refusal] | None:
    return None
