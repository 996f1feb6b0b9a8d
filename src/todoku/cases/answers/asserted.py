"""Whether a sentence asserts the words that a rule found in it. Pure.

Words that are cited, asked, supposed, denied, or somebody else's say nothing ("you wrote that ..."), whatever
the rule; conditions ("once", "if", "not") void what promises; and a promise in words of anybody is believed
only where every word of its sentence up to there is vouched for.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from todoku.cases.answers.sentences import CLAUSE, Text
from todoku.knowledge.answer_patterns import compiled
from todoku.knowledge.answers import GENERAL, AnswerRule, AnswerRules

_QUESTION: Final = re.compile(
    r"(?:\?|(?:でしょう|です|ます|ました|ません|のだろう)か[。.]?)[\s\"')\]」]*\Z"
)
_ASSERTED: Final = frozenset(
    {"delisted", "mitigated", "conditionally-mitigated", "nothing-detected", "expires", "refused",
     "not-qualified"}
)  # fmt: skip
"""What is asked is not said."""
_WORD: Final = re.compile(r"[^\W\d_](?:[\w'-]*\w)?")
_NUMBER: Final = re.compile(r"\S*[\d@/_]\S*")
_INTRODUCED: Final = re.compile(
    r"\s*(?:as(?! (?:soon|long|far|if|though|well|a rule)\b)|since|because|given|following|having|considering|thanks to"
    r"|due to|based on|in view of|in the light of|now that|with)\b"
    r"(?![^,;.!?]{0,160}\b(?:sa(?:y|ys|id)|wr(?:ite|ites|ote|itten)|t(?:ell|ells|old)|claim\w*|stat(?:e|es|ed)|think|thought"
    r"|believ\w*|assum\w*|hear\w*|hop(?:e|es|ed|ing)|expect\w*|promis\w*|suppos\w*|guess\w*|ask(?:s|ed)?)\b)"
    r"[^,;.!?]{1,160},\s+",
    re.I,
)
"""Why it was done: the statement is what follows."""
_OPENING: Final = re.compile(
    r"\A\s*(?:(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening)|hallo|moin|guten (?:tag|morgen|abend)"
    r"|(?:sehr )?geehrter?s?|liebe[rs]?)(?: [^,.!:\n]{1,40})?[,.!:\n]|(?-i:[A-Z])[\w -]{1,30}:)\s*",
    re.I,
)
"""A greeting, or who writes: "Yahoo: ..."."""
_LONGEST: Final = 4000
"""Characters: what goes on for longer is nobody's sentence."""
_US: Final = re.compile(r"(?:,\s|;\s)(?:so |and )?(?:we|i)\b|\b(?:haben wir|habe ich)\b", re.I)
"""From here on the desk tells what it did, whatever stands before."""


def void(
    read: Text,
    start: int,
    end: int,
    rule: AnswerRule,
    desk: AnswerRules,
    general: AnswerRules | None,
    within: bool = False,
) -> bool:
    """Whether the sentence of what a desk's rule found there asserts nothing. `within`: what stands before may
    also stand among the words."""
    if rule.class_ != "unclear" and any(low <= start and end <= high for low, high in read.cited):
        return True
    begin, _ = read.sentence(start)
    if introduced := _INTRODUCED.match(read.text, begin, start):
        begin = introduced.end()
    _, stop = read.sentence(max(start, end - 1))
    if stop - begin > _LONGEST:
        return True
    whole, upto, after = read.text[begin:stop], read.text[begin:end], read.text[end:stop]
    if rule.class_ in _ASSERTED and (
        _QUESTION.search(whole)
        or _framed(upto, after, rule, general)
        or (desk.desk == GENERAL and _strange(upto, rule, desk))
    ):
        return True
    if any(compiled(pattern).search(whole) for pattern in rule.unless):
        return True
    if rule.plain or general is None:
        return False
    before, words = read.text[begin:start], read.text[start:end]
    clauses = list(CLAUSE.finditer(before))
    if clauses:
        before = before[clauses[-1].end() :]
    for condition in general.conditions:
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


def _strange(upto: str, rule: AnswerRule, general: AnswerRules) -> bool:
    """Whether a word stands there that nobody vouches for. Numbers, addresses and abbreviations do."""
    told = [v for v in general.vouched if v.lang == rule.lang and rule.class_ in v.classes]
    if not told:
        return False
    known = frozenset[str]().union(*(_words(each.words) for each in told))
    names = all(each.names for each in told)
    told_by_us = list(_US.finditer(upto))
    upto = upto[told_by_us[-1].start() :] if told_by_us else upto.rpartition(";")[2]
    words = _WORD.finditer(_OPENING.sub("", _NUMBER.sub(" ", upto)))
    return any(
        word[0].lower() not in known
        and not (word[0].isupper() or (names and n and word[0][0].isupper()))
        for n, word in enumerate(words)
    )


@functools.lru_cache(maxsize=16)
def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())
