"""What the rules read, weighed against the likeness of the whole letter. Pure.

Two readers that know nothing of each other: the rules, by phrases, and the likeness, by the whole letter. What
one says is multiplied with how often the other is right where it says so (Bayes' rule). The class that gets clearly
more than half is the letter's; if none does, a person looks.
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

# How the rules read letters that they had not seen (docs/answers.md): of a hundred of one class they find
# it in so many, call it this one other class in so many, and find a class in so many that are unclear.
RIGHT: Final = 0.57
OTHER: Final = 0.05
OF_UNCLEAR: Final = 0.1
MET: Final = 0.3
"""How much rarer letters of a class are than unclear ones, where rules met words and found no class."""
SURE: Final = 0.55
RULE: Final = "likeness"


def weighed(letter: Letter, read: Reading, rules: Sequence[AnswerRules]) -> Reading:
    """What was read, or what the letter is like."""
    if read.heard is None or read.class_ in {"unrelated", "bounce"} or not letter.texts:
        return read
    if len({verdict.class_ for verdict in read.verdicts}) > 1:
        return read  # of several addresses different things are said: the whole is like none
    like, text = likeness(), letter.texts[0]
    shares: dict[AnswerClass, float] = dict(like.shares(text))
    if read.heard == "doubt" and read.rule is None:
        doubted = [each for each in shares if each in DOUBTFUL]
        for each in doubted:  # a rule met it, and did not believe it
            shares["unclear"] += shares.pop(each)
    odds = {c: share * _weight(c, read) for c, share in shares.items()}
    class_ = max(odds, key=lambda each: odds[each])
    if class_ == "bounce" or odds[class_] < SURE * sum(odds.values()):
        class_ = "unclear"  # what bounces is a report
    if class_ == read.class_ or (
        class_ in DOUBTFUL and not _answers(letter, read, rules)  # who never asked is told nothing
    ):
        return read
    if class_ in {"unclear", "unrelated"}:
        return Reading(
            class_,
            ticket=read.ticket,
            identities=read.identities,
            desk=read.desk,
            rule=None if class_ == "unclear" else RULE,
        )
    return _of(class_, text, read, rules, like)


def _weight(class_: AnswerClass, read: Reading) -> float:
    if read.rule is not None:
        if class_ == read.class_:
            return RIGHT
        return OF_UNCLEAR if class_ == "unclear" else OTHER
    if class_ == "unclear" or read.heard == "nothing":
        return 1.0
    return MET


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
    one = spoken if len(spoken) == 1 else ()
    return Reading(
        class_,
        _telling(text, class_, like),
        read.ticket,
        tuple(Verdict(identity=each, class_=class_) for each in one),
        waiting.find(text, tried),
        asked(Text(text), class_, tried),
        RULE,
        read.identities,
        read.desk,
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
