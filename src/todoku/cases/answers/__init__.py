"""What a desk's answer says, and whether it is the desk's. Pure: bytes and rules in, values out.

    mail ──letter──▶ Letter ──reading──▶ Reading: class, ticket, verdicts, wait, asks
      │  (its own words,     (hits: which rules; verdicts: on what)
      │   without quotes)  ──weighing──▶ the same, held against the likeness of the whole letter
      └──authentic─▶ Authenticity: did the desk write it?

The rules are data (`knowledge/data/answers/*.toml`, `todoku.knowledge.load.answers_of`). A wrong class is
the worst that can happen here: what no rule understands, or what says two things, is `unclear`.
"""

from __future__ import annotations

from todoku.cases.answers.answer import Answer, answer
from todoku.cases.answers.letter import Letter
from todoku.cases.answers.letter import read as letter
from todoku.cases.answers.reading import Reading, of, read
from todoku.cases.answers.verdicts import WORST_FIRST
from todoku.knowledge.answers import AnswerRule as Rule
from todoku.knowledge.answers import AnswerRules as Rules

__all__ = [
    "WORST_FIRST",
    "Answer",
    "Letter",
    "Reading",
    "Rule",
    "Rules",
    "answer",
    "letter",
    "of",
    "read",
]
