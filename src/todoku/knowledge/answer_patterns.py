"""Expressions of the answers' rules: compiled, and refused where they could be slow."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

from todoku.knowledge.answers import AnswerRules

FLAGS = re.IGNORECASE | re.DOTALL | re.MULTILINE
_MOST = 400
"""Of a bounded repeat."""
_FEW = 16
"""So many words may be left out by `(?: \\w+){0,16}`."""


@functools.lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The expression as it runs: a blank stands for any white space."""
    return re.compile(pattern.replace(" ", r"\s+"), FLAGS)


def problems(rules: AnswerRules) -> Iterator[str]:
    """What is wrong with the expressions of a file, a sentence each."""
    for pattern in rules.expressions():
        problem = _problem(pattern)
        if problem is not None:
            yield f"the pattern {pattern!r}: {problem}"
    for pattern in rules.tickets:
        if "(?P<ticket>" not in pattern:
            yield f"the pattern {pattern!r}: it has no group `ticket`"
    for span in rules.waits:
        for pattern in span.match:
            if "(?P<max>" not in pattern:
                yield f"the pattern {pattern!r}: it has no group `max`"


@functools.lru_cache(maxsize=4096)
def _problem(pattern: str) -> str | None:
    if re.search(r" [?*+{]", pattern):
        return "a blank cannot be repeated; write \\s* where it may be missing"
    try:
        found = compiled(pattern)
        tree = sre_parse.parse(found.pattern, FLAGS)
    except (re.error, OverflowError) as e:
        return f"not a regular expression ({e})"
    if found.search("") is not None:
        return "it matches the empty text, and so everything"
    return _slow(tree)


def _slow(tree: Any, inside: bool = False) -> str | None:
    """Repeats that a stranger's text could make slow."""
    for op, arg in tree:
        below: list[Any] = []
        again = inside
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            _, high, sub = arg
            wide = high == sre.MAXREPEAT or high > _MOST
            any_ = len(sub) == 1 and sub[0][0] is sre.ANY
            if wide and (inside or any_):
                return (
                    "an unbounded repeat of anything, or inside a repeat: bound it, as in .{0,80}"
                )
            below, again = [sub], inside or high > _FEW
        elif op in (sre.SUBPATTERN, sre.ASSERT, sre.ASSERT_NOT):
            below = [arg[-1]]
        elif op is sre.BRANCH:
            below = list(arg[1])
        for sub in below:
            problem = _slow(sub, again)
            if problem is not None:
                return problem
    return None
