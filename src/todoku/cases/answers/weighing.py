"""What the rules read, weighed against the likeness of the whole letter. Pure.

The rules decide. Where the letter is nothing like one of the class that they found, a person looks; where none of
their words stands there at all, and the letter is much like those of one class, it is of that class.
Words that a rule met and did not believe are never overruled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from todoku.cases.answers import addresses, waiting
from todoku.cases.answers.letter import Letter
from todoku.cases.answers.likeness import Likeness, likeness
from todoku.cases.answers.reading import Reading, asked, writes
from todoku.cases.answers.sentences import Text
from todoku.cases.answers.verdicts import DOUBTFUL
from todoku.cases.events import Verdict
from todoku.knowledge.answers import GENERAL, AnswerRules
from todoku.model import AnswerClass

LEAST: Final = 0.08
"""Below this share the letter is not like those of its class."""
SURE: Final = 0.6
"""From this share on it is like those of one class alone."""
SURE_OF_GOOD: Final = 0.7
"""The same for good news, which cost more where they are wrong."""
RULE: Final = "likeness"


def weighed(letter: Letter, read: Reading, rules: Sequence[AnswerRules]) -> Reading:
    """What was read, or what the letter is like."""
    anybodys = read.rule is not None and read.rule.startswith(f"{GENERAL}/")
    if not letter.texts or not (anybodys or read.unheard):
        return read
    like, text = likeness(), letter.texts[0]
    shares = like.shares(text)
    if anybodys:
        if read.class_ != "unrelated" and shares.get(read.class_, 0.0) < LEAST:
            return Reading(
                "unclear", ticket=read.ticket, identities=read.identities, desk=read.desk
            )
        return read
    class_ = max(shares, key=lambda each: shares[each])
    if class_ in {"unclear", "bounce"} or shares[class_] < (
        SURE_OF_GOOD if class_ in DOUBTFUL else SURE
    ):
        return read
    if class_ in DOUBTFUL and not _answers(letter, read, rules):
        return read  # who never asked is told nothing
    if class_ == "unrelated":
        return read._replace(class_=class_, rule=RULE)
    return _of(class_, text, read, rules, like)


def _answers(letter: Letter, read: Reading, rules: Sequence[AnswerRules]) -> bool:
    desk = next((each for each in rules if each.desk == read.desk), None)
    return bool(
        read.ticket or letter.replies or letter.thread or (desk and writes(letter.sender, desk))
    )


def _of(
    class_: AnswerClass, text: str, read: Reading, rules: Sequence[AnswerRules], like: Likeness
) -> Reading:
    tried = [each for each in rules if each.desk in {read.desk, GENERAL}]
    spoken = tuple(dict.fromkeys(m.identity for m in addresses.mentions(text)))
    one = spoken if len(spoken) == 1 and class_ != "received" else ()
    return read._replace(
        class_=class_,
        words=_telling(text, class_, like),
        verdicts=tuple(Verdict(identity=each, class_=class_) for each in one),
        wait=waiting.find(text, tried),
        asks=asked(Text(text), class_, tried),
        rule=RULE,
    )


def _telling(text: str, class_: AnswerClass, like: Likeness) -> str:
    """The sentence that is most like those of the class."""
    read = Text(text)
    at, best, words = 0, 0.0, ""
    while at < len(text):
        begin, end = read.sentence(at)
        sentence = " ".join(text[begin:end].split())
        share = like.shares(sentence)[class_] if sentence else 0.0
        if share > best:
            best, words = share, sentence
        at = max(end, at + 1)
    return words[:400]
