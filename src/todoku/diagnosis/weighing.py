"""Which rule wins: of all that match, the one with the highest standing.

Standing is the base of the kind of file, the rule's own rank, and whether its receiver is the one
known to answer; among equals a rule that knows a code, then the longer expression.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from todoku.knowledge import match as matching
from todoku.knowledge.schema import Compiled
from todoku.lazy import expression
from todoku.model import Stage

BASE_RANK = {"mailbox": 0, "gateway": 0, "wording": -2, "server": -12, "general": -20}
"""Where the rules of a kind of file stand against each other (`Rule.rank` is added)."""
AT_HOME = 5
"""Added where the rule's receiver is known to answer."""
ELSEWHERE = -15
"""Added to a mailbox provider's rule where another one is known to answer."""
EMPTY_WORDS = -28
"""Standing of words that say less than any status code: general rules of rank -8 and lower."""

_DIGIT = expression(r"\d")


Weighed = tuple[int, int, int, int]
"""A pattern that may count: rank, coded, length, number. The greater, the better."""


class Found(NamedTuple):
    """A rule that won, and where its words stand in the bytes of the text."""

    rule: int
    pattern: int
    weighed: Weighed
    """How it stands in this text."""
    match: re.Match[bytes]
    groups: tuple[str, ...]
    """Names of the expression's groups; most have none."""
    text: str
    raw: bytes

    def position(self, at: int) -> int:
        """Bytes to code points."""
        if len(self.raw) == len(self.text):
            return at
        return len(self.raw[:at].decode("utf-8", "ignore"))

    def group(self, name: str) -> str | None:
        """What a group of the winning expression caught."""
        if name not in self.groups or not self.match[name]:
            return None
        return self.match[name].decode("utf-8", "replace")


class Standing(NamedTuple):
    """What of a pattern and its rule decides how they stand against others."""

    owner: int
    rank: int
    coded: int
    length: int
    known: bool
    stages: tuple[Stage, ...]


class Rules:
    """The rules of a knowledge, ready to be tried on texts."""

    def __init__(self, knowledge: Compiled, scan: matching.Scan) -> None:
        self.knowledge = knowledge
        self.scan = scan
        # The rest of the patterns is scanned for where nothing was found that stands above them.
        self.scan_first: matching.Scan = getattr(scan, "first", scan)
        self.scan_rest: matching.Scan | None = getattr(scan, "rest", None)
        self.highest_of_rest = BASE_RANK["general"] + matching.LOW
        self.expressions = matching.Expressions(knowledge.patterns)
        self._mailbox = [r.kind == "mailbox" for r in knowledge.receivers]
        # Put together when a pattern first matches: most never do.
        self._standings: list[Standing | None] = [None] * len(knowledge.patterns)
        self._groups: list[tuple[str, ...] | None] = [None] * len(knowledge.patterns)
        self._marks = frozenset(p for p, r in enumerate(knowledge.rule_of) if r < 0)

    def standing(self, pattern: int) -> Standing:
        """How a rule's pattern stands by itself. Not for marks."""
        got = self._standings[pattern]
        if got is None:
            k = self.knowledge
            r = k.rule_of[pattern]
            rule, owner, source = k.rules[r], k.owner[r], k.patterns[pattern]
            coded = "(?P<code>" in source or bool(rule.code and _DIGIT.search(rule.code))
            got = self._standings[pattern] = Standing(
                owner,
                BASE_RANK[k.receivers[owner].kind] + rule.rank,
                int(coded),
                len(source),
                rule.known,
                rule.stages,
            )
        return got

    def mark(self, hits: list[int], raw: bytes) -> int | None:
        """The receiver whose own words stand in the text; a mailbox provider before a gateway."""
        if self._marks.isdisjoint(hits):
            return None
        mark = None
        for p in sorted(self._marks.intersection(hits)):
            receiver = -1 - self.knowledge.rule_of[p]
            better = mark is None or self._mailbox[receiver] > self._mailbox[mark]
            if better and self.expressions[p].search(raw):
                mark = receiver
        return mark

    def candidates(
        self,
        hits: list[int],
        homes: frozenset[int],
        stage: Stage | None,
        *,
        elsewhere: bool,
    ) -> list[Weighed]:
        """Patterns that may count, the best first. `homes` are the receivers known to answer;
        `elsewhere` says that the answering host is a mailbox provider's."""
        out = []
        for p in hits:
            standing = self._standings[p]
            if standing is None:
                if p in self._marks:
                    continue
                standing = self.standing(p)
            owner, rank, coded, length, known, stages = standing
            if owner in homes:
                rank += AT_HOME
            elif known:
                continue
            elif elsewhere and self._mailbox[owner]:
                rank += ELSEWHERE
            if stages and stage and stage not in stages:
                continue
            out.append((rank, coded, length, p))
        if len(out) > 1:
            out.sort(reverse=True)
        return out

    def first(self, candidates: list[Weighed], text: str, raw: bytes) -> Found | None:
        """The best candidate whose expression really matches."""
        for weighed in candidates:
            p = weighed[3]
            m = self.expressions[p].search(raw)
            if m is not None:
                groups = self._groups[p]
                if groups is None:
                    groups = self._groups[p] = tuple(m.re.groupindex)
                return Found(self.knowledge.rule_of[p], p, weighed, m, groups, text, raw)
        return None

    def name(self, rule: int) -> str:
        """`microsoft-consumer/sc-001`."""
        k = self.knowledge
        return f"{k.receivers[k.owner[rule]].id}/{k.rules[rule].id}"
