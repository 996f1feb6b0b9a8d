"""How like a letter is to letters of each class. Pure.

Rules know phrases, and people find new ones every day. So a second reader looks at the letter as a whole: a
linear model (multinomial logistic regression) over the pieces of its words, three and four characters long, which
need no dictionary and no language. It was fitted to letters whose class is known (`scripts/likeness.py`,
`tests/cases/answers/`), and says how much of a hundred it would bet on each class. It speaks of the whole
letter alone: what is said of an address is the rules' to tell.
"""

from __future__ import annotations

import base64
import functools
import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from todoku.model import AnswerClass

FITTED: Final = Path(__file__).with_name("likeness.json")
MOST: Final = 6_000
"""Characters that are looked at: what decides stands at the top."""
SIZES: Final = (3, 4)
"""Characters of a piece."""

_ADDRESS: Final = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?\b|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}(?:/\d+)?\b"
)
_NUMBER: Final = re.compile(r"\d+")


class Fitted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `scripts/likeness.py` writes."""

    letters: str
    """A digest of the letters that it was fitted to."""
    date: str
    classes: tuple[AnswerClass, ...]
    bias: tuple[float, ...]
    rarity_unit: float
    weight_unit: float
    pieces: dict[str, str]
    """Piece to base64 of its rarity (one octet, unsigned) and its weight for each class (signed)."""


class Likeness:
    """The model, ready to be asked."""

    def __init__(self, fitted: Fitted) -> None:
        self.classes = fitted.classes
        self._bias = fitted.bias
        self._rarity, self._weight = fitted.rarity_unit, fitted.weight_unit
        self._pieces = {
            piece: base64.b64decode(numbers) for piece, numbers in fitted.pieces.items()
        }

    def shares(self, text: str) -> Mapping[AnswerClass, float]:
        """For each class, from 0 to 1; all of them together are 1. `text` as `letter` normalises it."""
        sums = [0.0] * len(self.classes)
        square = 0.0
        for piece, count in pieces(text).items():
            numbers = self._pieces.get(piece)
            if numbers is None:
                continue
            value = (1 + math.log(count)) * numbers[0] * self._rarity
            square += value * value
            for n in range(len(sums)):
                weight = numbers[n + 1]
                sums[n] += value * (weight - 256 if weight > 127 else weight)
        scale = self._weight / math.sqrt(square) if square else 0.0
        logits = [bias + scale * each for bias, each in zip(self._bias, sums, strict=True)]
        top = max(logits)
        odds = [math.exp(each - top) for each in logits]
        return {c: o / sum(odds) for c, o in zip(self.classes, odds, strict=True)}


def pieces(text: str) -> Counter[str]:
    """The pieces of its words, a blank before and behind each. Addresses and numbers are alike."""
    text = _NUMBER.sub("0", _ADDRESS.sub("@", text[:MOST].lower()))
    found: Counter[str] = Counter()
    for word in text.split():
        word = f" {word} "
        for size in SIZES:
            found.update(word[at : at + size] for at in range(max(len(word) - size + 1, 1)))
    return found


@functools.cache
def likeness() -> Likeness:
    """The one that comes with the program."""
    return Likeness(msgspec.json.decode(FITTED.read_bytes(), type=Fitted))
