"""Under which number a desk has a request. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from todoku.cases.answers.letter import plain
from todoku.knowledge.answer_patterns import compiled
from todoku.knowledge.answers import GENERAL, AnswerRules


def find(subject: str, text: str, desks: Sequence[AnswerRules], quoted: str = "") -> str | None:
    """That of the subject before any other; a desk's own shape before what any desk may print. What
    is quoted tells it only in a desk's own shape."""
    ours = [desk for desk in desks if desk.desk != GENERAL]
    common = [desk for desk in desks if desk.desk == GENERAL]
    for rules, where in ((ours, subject), (ours, text), (common, subject), (common, text)):
        for found in _in(where, rules):
            return found
    for found in _in(quoted, ours):
        if not found.isdigit():
            return found
    return None


def every(words: str, desk: AnswerRules) -> frozenset[str]:
    """All numbers that a desk's expressions find."""
    return frozenset(
        match["ticket"].strip(" .,:;")
        for pattern in desk.tickets
        for match in itertools.islice(compiled(pattern).finditer(plain(words)), 50)
    )


def _in(text: str, desks: Sequence[AnswerRules]) -> Iterator[str]:
    for desk in desks:
        for pattern in desk.tickets:
            for match in compiled(pattern).finditer(plain(text)):
                yield match["ticket"].strip(" .,:;")
                break


def forms(ticket: str) -> tuple[str, ...]:
    """How else the same number is written: `SRX1234567890ID` in the subject, `1234567890` in the
    text."""
    digits = re.fullmatch(r"S[A-Z]{2}(\d{10})ID", ticket)
    if digits is not None:
        return ticket, digits[1]
    if re.fullmatch(r"\d{10}", ticket):
        return ticket, f"SRX{ticket}ID"
    return (ticket,)
