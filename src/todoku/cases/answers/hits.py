"""Which rules an answer's text meets, and where. Pure.

What one rule matches is taken out of the text before the next is tried: "Not qualified for
mitigation" must never be read as "mitigation". Conditions ("once", "if", "not") in front of words
that promise make them none: "once the cause is mended, your address will be removed".

A rule is a phrase (`match`), a line (`heading`), or cues that must agree within one clause (`all`):
what was done, and to what. Words as common as "removed" say something only together.
"""

from __future__ import annotations

import bisect
import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from todoku.cases.answers import addresses
from todoku.knowledge.answer_patterns import compiled
from todoku.knowledge.answers import AnswerRule, AnswerRules

_ENDS: Final = re.compile(
    r"[.!?](?=[\s\"')\]])|[。！？]|\n[ \t]*\n|\n(?=[ \t]*[-*•・■◆●][ \t])|:[ \t]*\n"
)
_SHORT: Final = 44
"""Columns: a line that ends before was ended, not wrapped."""
_CLAUSE: Final = re.compile(
    r";|,?\s(?:but|however|nevertheless|nonetheless|therefore|so)\b,?|,\s*and\s(?:we|i|your|the|it)\b"
    r"|(?:ました|です|ます|ません)が、|(?:しかし|ただし|なお|aber|jedoch)\b,?",
    re.I,
)
_LABEL: Final = re.compile(
    r"^(?:(?:final |current |ip )?(?:status|result|outcome|verdict|decision)|結果|調査結果|状態|ステータス|判定"
    r"|(?:ergebnis))\s*[:=-]?\s*",
    re.I,
)
_TRIM: Final = " .。!:()[]【】「」|"
_REMARK: Final = re.compile(r"[,;(、（]|\s-\s|\sas\s|\sdue\s")
_BLANK: Final = "\0"
_CITED: Final = re.compile(r'"[^"\n]{4,400}"|«[^»\n]{4,400}»|「[^」\n]{4,200}」|『[^』\n]{4,200}』')
"""Words between quotation marks are somebody's, and not asserted here."""
_QUESTION: Final = re.compile(
    r"(?:\?|(?:でしょう|です|ます|ました|ません|のだろう)か[。.]?)[\s\"')\]」]*\Z"
)
_ASSERTED: Final = frozenset(
    {"delisted", "mitigated", "conditionally-mitigated", "nothing-detected", "expires", "refused",
     "not-qualified"}
)  # fmt: skip
"""What is asked is not said."""
_MOST: Final = 200
"""Hits of one expression."""


class Hit(NamedTuple):
    start: int
    end: int
    desk: str
    rule: AnswerRule
    words: str
    heading: bool = False


class Text:
    """A text, and where its sentences end."""

    def __init__(self, text: str) -> None:
        self.text = text
        ends = {m.end() for m in _ENDS.finditer(text)}
        at = 0
        for line in text.split("\n"):
            at += len(line) + 1
            if _width(line) < _SHORT:
                ends.add(at)
        self._ends = sorted(ends)

    def sentence(self, at: int) -> tuple[int, int]:
        n = bisect.bisect_right(self._ends, at)
        start = self._ends[n - 1] if n else 0
        return start, self._ends[n] if n < len(self._ends) else len(self.text)

    @functools.cached_property
    def cited(self) -> list[tuple[int, int]]:
        return [found.span() for found in _CITED.finditer(self.text)]

    @functools.cached_property
    def clauses(self) -> list[tuple[int, int]]:
        """Where they begin and end: sentences, cut at "but", "however", "; "."""
        found: list[tuple[int, int]] = []
        start = 0
        for end in (*self._ends, len(self.text)):
            for cut in _CLAUSE.finditer(self.text, start, end):
                found.append((start, cut.start()))
                start = cut.end()
            found.append((start, end))
            start = end
        return [(start, end) for start, end in found if start < end]


def _width(line: str) -> int:
    if line.isascii():
        return len(line)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def of_subject(subject: str, desks: Sequence[AnswerRules]) -> Iterator[Hit]:
    """Hits in a subject that is the desk's own."""
    for desk in desks:
        for rule in desk.rules:
            for pattern in rule.subject:
                if found := compiled(pattern).search(subject):
                    yield Hit(-1, -1, desk.desk, rule, found[0].strip())
                    break


def of_text(read: Text, desks: Sequence[AnswerRules], general: AnswerRules | None) -> list[Hit]:
    """Hits in the text, by their place. Headings first: they say what they mean."""
    hits, text = _headings(read.text, desks)
    for desk in desks:
        for rule in desk.rules:
            for pattern in rule.match:
                found, rest = _matches(text, read, pattern, rule, general)
                text = text if rule.class_ == "unclear" and desk is general else rest
                hits += [Hit(start, end, desk.desk, rule, words) for start, end, words in found]
            if rule.all:
                found, text = _agreed(text, read, desk, rule, general)
                hits += [Hit(start, end, desk.desk, rule, words) for start, end, words in found]
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
            bare = addresses.without(line)
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
    text: str, read: Text, pattern: str, rule: AnswerRule, general: AnswerRules | None
) -> tuple[list[tuple[int, int, str]], str]:
    found: list[tuple[int, int, str]] = []
    for n, match in enumerate(list(compiled(pattern).finditer(text))):
        if n >= _MOST:
            break
        start, end = match.span()
        if not _void(read, start, end, rule, general):
            found.append((start, end, " ".join(read.text[start:end].split())))
        text = _blanked(text, start, end)
    return found, text


def _agreed(
    text: str, read: Text, desk: AnswerRules, rule: AnswerRule, general: AnswerRules | None
) -> tuple[list[tuple[int, int, str]], str]:
    """Clauses in which all cues of a rule stand, from the first of them to the last."""
    cues = [_any(desk.cues[name]) for name in rule.all]
    found: list[tuple[int, int, str]] = []
    if not all(cue.search(text) for cue in cues):
        return found, text
    for begin, stop in read.clauses:
        spans = [cue.search(text, begin, stop) for cue in cues]
        if all(spans):
            start = min(span.start() for span in spans if span)
            end = max(span.end() for span in spans if span)
            if not _void(read, start, end, rule, general, within=True):
                found.append((start, end, " ".join(read.text[start:end].split())))
            text = _blanked(text, start, end)
            if len(found) >= _MOST:
                break
    return found, text


@functools.lru_cache(maxsize=512)
def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return compiled("|".join(patterns))


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + _BLANK * (end - start) + text[end:]


def _void(
    read: Text,
    start: int,
    end: int,
    rule: AnswerRule,
    general: AnswerRules | None,
    within: bool = False,
) -> bool:
    """Whether its sentence asserts nothing. `within`: what stands before may also stand among them."""
    if rule.class_ != "unclear" and any(low <= start and end <= high for low, high in read.cited):
        return True
    begin, _ = read.sentence(start)
    _, stop = read.sentence(max(start, end - 1))
    whole = read.text[begin:stop]
    if rule.class_ in _ASSERTED and (
        _QUESTION.search(whole) or _framed(read.text[begin:end], read.text[end:stop], rule, general)
    ):
        return True
    if any(compiled(pattern).search(whole) for pattern in rule.unless):
        return True
    if rule.plain:
        return False
    before = read.text[begin:start]
    clauses = list(_CLAUSE.finditer(before))
    if clauses:
        before = before[clauses[-1].end() :]
    after, words = read.text[end:stop], read.text[start:end]
    for condition in general.conditions if general is not None else ():
        if condition.lang != rule.lang or rule.class_ not in condition.classes:
            continue
        heads = (before, before + words) if within else (before,)
        if any(compiled(pattern).search(head) for pattern in condition.before for head in heads):
            return True
        if any(compiled(pattern).search(words) for pattern in condition.within):
            return True
        if any(compiled(pattern).match(after) for pattern in condition.after):
            return True
    return False


def _framed(upto: str, after: str, rule: AnswerRule, general: AnswerRules | None) -> bool:
    """Whether the sentence hands its words to somebody else, supposes or denies them."""
    return any(
        any(compiled(pattern).search(upto) for pattern in frame.before)
        or any(compiled(pattern).search(after) for pattern in frame.after)
        for frame in (general.frames if general is not None else ())
        if frame.lang == rule.lang and rule.class_ in (frame.classes or _ASSERTED)
    )
