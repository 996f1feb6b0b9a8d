"""Which rules an answer's text meets, and where. Pure.

What one rule matches is taken out of the text before the next is tried: "Not qualified for
mitigation" must never be read as "mitigation". Whether the sentence asserts them is `asserted`'s.

A rule is a phrase (`match`), a line (`heading`), or cues that must agree within one clause (`all`):
what was done, and to what. Words as common as "removed" say something only together.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from todoku.cases.answers import addresses, asserted
from todoku.cases.answers.sentences import Text
from todoku.knowledge.answer_patterns import compiled
from todoku.knowledge.answers import AnswerRule, AnswerRules

_LABEL: Final = re.compile(
    r"^(?:(?:final |current |ip )?(?:status|result|outcome|verdict|decision)|結果|調査結果|状態|ステータス|判定"
    r"|(?:ergebnis))\s*[:=-]?\s*",
    re.I,
)
_ITEM: Final = re.compile(r"\s*\(?\d{1,2}[.)]\s+")
_TRIM: Final = " .。!:()[]【】「」|"
_REMARK: Final = re.compile(r"[,;(、（]|\.\s|\s-\s|\sas\s|\sdue\s")
_BLANK: Final = "\0"
_MOST: Final = 200
"""Hits of one expression."""


class Hit(NamedTuple):
    start: int
    end: int
    desk: str
    rule: AnswerRule
    words: str
    heading: bool = False
    void: bool = False
    """Its words stand there, and their sentence does not assert them."""


def of_subject(subject: str, desks: Sequence[AnswerRules]) -> Iterator[Hit]:
    """Hits in a subject that is the desk's own."""
    for desk in desks:
        for rule in desk.rules:
            for pattern in rule.subject:
                if found := compiled(pattern).search(subject):
                    yield Hit(-1, -1, desk.desk, rule, found[0].strip())
                    break


def of_text(read: Text, desks: Sequence[AnswerRules], general: AnswerRules | None) -> list[Hit]:
    """Hits in the text, by their place, void ones too. Headings first: they say what they mean."""
    hits, text = _headings(read.text, desks)
    for desk in desks:
        for rule in desk.rules:
            for pattern in rule.match:
                found, rest = _matches(text, read, pattern, rule, desk, general)
                text = text if rule.class_ == "unclear" and desk is general else rest
                hits += found
            if rule.all:
                found, text = _agreed(text, read, desk, rule, general)
                hits += found
    return sorted(hits, key=lambda hit: (hit.start, hit.end))


def _headings(text: str, desks: Sequence[AnswerRules]) -> tuple[list[Hit], str]:
    rules = [
        (desk.desk, rule, _whole(pattern))
        for desk in desks
        for rule in desk.rules
        for pattern in rule.heading
    ]
    hits: list[Hit] = []
    at = 0
    for line in text.split("\n") if rules else ():
        if 2 <= len(line) < 300:
            item = _ITEM.match(line)
            bare = addresses.without(line[item.end() :] if item else line)
            words = _LABEL.sub("", bare).strip(_TRIM)
            said = [words]
            if len(bare) < len(line.strip(_TRIM)):  # beside an address a remark may follow
                said.append(_REMARK.split(words, maxsplit=1)[0].strip(_TRIM))
            first = next(
                (
                    (name, rule, each)
                    for each in said
                    if 0 < len(each) < 80
                    for name, rule, pattern in rules
                    if pattern.match(each)
                ),
                None,
            )
            if first is not None:
                name, rule, each = first
                hits.append(Hit(at, at + len(line), name, rule, each, heading=True))
        at += len(line) + 1
    for hit in hits:
        text = _blanked(text, hit.start, hit.end)
    return hits, text


@functools.lru_cache(maxsize=2048)
def _whole(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{compiled(pattern).pattern})\Z", compiled(pattern).flags)


def _matches(
    text: str,
    read: Text,
    pattern: str,
    rule: AnswerRule,
    desk: AnswerRules,
    general: AnswerRules | None,
) -> tuple[list[Hit], str]:
    found: list[Hit] = []
    for n, match in enumerate(list(compiled(pattern).finditer(text))):
        if n >= _MOST:
            break
        start, end = match.span()
        start += len(match[0]) - len(match[0].lstrip(" \t\n.,:;!?-"))  # its own first word
        void = asserted.void(read, start, end, rule, desk, general)
        words = " ".join(read.text[start:end].split())
        found.append(Hit(start, end, desk.desk, rule, words, void=void))
        text = _blanked(text, match.start(), end)
    return found, text


def _agreed(
    text: str, read: Text, desk: AnswerRules, rule: AnswerRule, general: AnswerRules | None
) -> tuple[list[Hit], str]:
    """Clauses in which all cues of a rule stand, from the first of them to the last."""
    cues = [_any(desk.cues[name]) for name in rule.all]
    found: list[Hit] = []
    if not all(cue.search(text) for cue in cues):
        return found, text
    for begin, stop in read.clauses:
        spans = [cue.search(text, begin, stop) for cue in cues]
        if all(spans):
            start = min(span.start() for span in spans if span)
            end = max(span.end() for span in spans if span)
            void = asserted.void(read, start, end, rule, desk, general, within=True)
            words = " ".join(read.text[start:end].split())
            found.append(Hit(start, end, desk.desk, rule, words, void=void))
            text = _blanked(text, start, end)
            if len(found) >= _MOST:
                break
    return found, text


@functools.lru_cache(maxsize=512)
def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return compiled("|".join(patterns))


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + _BLANK * (end - start) + text[end:]
