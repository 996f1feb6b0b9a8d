"""One diagnosis for each masked reply, and not one for each line of a log.

A template is judged as its first line is. That holds for all lines with it only where nothing that
the diagnosis names was masked: where a code or the ground is made of what belongs to one message,
each line of the template is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from todoku.diagnosis import Diagnoser
from todoku.knowledge.schema import Compiled
from todoku.lazy import expression
from todoku.model import Diagnosis, Refusal

MOST: Final = 20_000
"""Templates remembered."""

_ESCAPE: Final = expression(r"\\[a-zA-Z]|\{\{[^}]*\}\}")
_WORD: Final = expression(r"[a-z]{2,}")
_PART: Final = 3
"""Letters of the halves of a word that is made of two: `black` and `listed`."""
_ENDS: Final = frozenset(("s", "d", "ed", "es", "er", "ing", "ly"))

Key = tuple[object, ...]
"""All that a diagnosis depends on: who answered, the recipient's domain, the masked reply, ..."""


class Judge:
    """Diagnoses, remembered by template."""

    def __init__(self, diagnose: Diagnoser) -> None:
        self.diagnose = diagnose
        self._known: dict[Key, Diagnosis | None] = {}
        self._words: frozenset[str] | None = None
        self.made = 0
        """Diagnoses that had to be made."""

    @property
    def knowledge(self) -> str:
        """Version of the knowledge that judges."""
        return self.diagnose.knowledge.version

    def by_word(self, word: bytes) -> bool:
        """Is this (lower case) a word by which a rule may judge, or made of two such?"""
        if self._words is None:
            self._words = words_of(self.diagnose.knowledge)
        told, known = word.decode("utf-8", "replace"), self._words
        return told in known or any(
            told[:n] in known
            and (told[n:] in _ENDS or (len(told) - n >= _PART and told[n:] in known))
            for n in range(_PART, len(told))
        )

    def known(self, key: Key) -> Diagnosis | None:
        """The diagnosis of this template, if there is one that holds for all its lines."""
        return self._known.get(key)

    def judge(self, key: Key, template: bytes, refusal: Callable[[], Refusal]) -> Diagnosis:
        """The diagnosis of a line with this template; `refusal` reads the line in full."""
        self.made += 1
        d = self.diagnose(refusal())
        if _named(d, template):
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = d
        return d


def words_of(knowledge: Compiled) -> frozenset[str]:
    """The plain words in the rules and in the names of lists."""
    told: set[str] = set()
    for rule in knowledge.rules:
        for pattern in (*rule.match, *rule.phrases):
            told.update(_WORD.findall(_ESCAPE.sub(" ", pattern).lower()))
    for listed in knowledge.lists:
        for name in (listed.id, listed.name, *listed.names):
            told.update(_WORD.findall(name.lower()))
    return frozenset(told)


def _named(d: Diagnosis, template: bytes) -> bool:
    """Does all that the diagnosis names stand in what was not masked?"""
    names = [b.value for b in d.blocked]
    if d.receiver_code is not None:
        names.append(d.receiver_code)
    names += [d.reply.text[e.start : e.end] for e in d.evidence if e.field == "blocklist"]
    low = b" ".join(template.lower().split()).replace(b"_", b" ")  # alike in qmail's log
    return all(n.encode("utf-8", "replace").lower().replace(b"_", b" ") in low for n in names)
