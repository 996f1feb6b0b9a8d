"""The shape of `answers/*.toml`: what desks write back, and by which words it is known.

One file a desk, and `general*.toml` (`desk = "general"`) with words that any desk may use. Expressions
are for `re`: upper and lower case are equal, a blank stands for any white space (a line end too), `.`
matches line ends, `^` and `$` the ends of a line. `docs/answers.md` tells how to add a desk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from todoku.knowledge.schema import Text
from todoku.model import AnswerClass, Asked

GENERAL: Final = "general"
Spoken = Literal["ja", "en", "de", "fr", "es", "it", "nl", "pt"]
"""Languages in which desks are known to write."""


class AnswerExample(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Words of an answer that must be read as the rule's class, by that rule."""

    text: str
    subject: str = ""
    verdicts: dict[str, AnswerClass] = {}
    """By address."""


class AnswerRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Words by which an answer is known. One that is voided still takes its words out of the text."""

    id: str
    class_: AnswerClass = msgspec.field(name="class")
    lang: Spoken
    match: tuple[str, ...] = ()
    """Anywhere in the text. What the first matches are the deciding words."""
    heading: tuple[str, ...] = ()
    """A whole line, or what stands on it beside addresses: a verdict on what is listed there."""
    subject: tuple[str, ...] = ()
    """In the subject of a mail that answers none of ours (no `Re:`): its words are the desk's."""
    all: tuple[str, ...] = ()
    """Names of `cues` that must all stand in one clause, in any order: what was done, and to what."""
    unless: tuple[str, ...] = ()
    """Words in the same sentence that void it."""
    asks: tuple[Asked, ...] = ()
    plain: bool = False
    """The conditions of `general` do not void it: its words leave no doubt."""
    weak: bool = False
    """It counts only where nothing but `received` is said besides; thanks alone, beside a ticket."""
    withdraws: bool = False
    """Of a rule of doubt: it takes back whatever the mail says, not good news alone."""
    source: tuple[str, ...] = ()
    date: str | None = None
    disabled: bool = False
    examples: tuple[AnswerExample, ...] = ()


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Words that make a promise or a verdict none: "once", "if", "not"."""

    lang: Spoken
    classes: tuple[AnswerClass, ...]
    before: tuple[str, ...] = ()
    """In the same clause, before the words of the rule."""
    within: tuple[str, ...] = ()
    """Among them, where an expression leaves room."""
    after: tuple[str, ...] = ()
    """Right behind them."""


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Words around a statement that make it another's, supposed, or denied: "you say that", "perhaps",
    "is not true". What they frame is not said, whatever the class."""

    lang: Spoken
    classes: tuple[AnswerClass, ...] = ()
    """Those that it voids; none named: whatever is asserted."""
    before: tuple[str, ...] = ()
    """In the sentence, up to the end of the rule's words."""
    after: tuple[str, ...] = ()
    """In the sentence, behind them."""


class Vouched(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All words that may stand in the sentence of a statement, up to its end. Any other may be a stranger
    of whom it is said ("your predecessor"), or what really is: then it is not believed."""

    lang: Spoken
    classes: tuple[AnswerClass, ...]
    words: str
    """Between blanks, in lower case."""
    names: bool = True
    """A word with a capital, behind the first, is a name, and let pass."""


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a desk asks for, by the words it uses for it."""

    what: Asked
    match: tuple[str, ...]


class Span(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long it takes."""

    hours: float
    """What one of the groups `min` and `max` is worth."""
    match: tuple[str, ...]
    """With the group `max`, and `min` where there is a span."""


class AnswerRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Of one desk, or of any (`general`)."""

    schema: int
    desk: str
    """By the knowledge's id of its receiver or list."""
    covers: tuple[str, ...] = ()
    """Ids of further receivers and lists that it decides on."""
    name: Text | None = None
    """Where the knowledge has no receiver or list of that id."""
    signers: tuple[str, ...] = ()
    """Domains whose mail is this desk's, with all below them. None where strangers have mailboxes."""
    addresses: tuple[str, ...] = ()
    """Addresses from which it writes, in domains where strangers have mailboxes."""
    desks: tuple[str, ...] = ()
    """Addresses or domains to which requests go: what bounces from there did not arrive."""
    marks: tuple[str, ...] = ()
    """Expressions of words with which this desk names itself."""
    tickets: tuple[str, ...] = ()
    """Expressions with the group `ticket`."""
    cues: dict[str, tuple[str, ...]] = {}
    """Words that mean the same, by the name that `all` gives them."""
    rules: tuple[AnswerRule, ...] = ()
    conditions: tuple[Condition, ...] = ()
    frames: tuple[Frame, ...] = ()
    vouched: tuple[Vouched, ...] = ()
    asked: tuple[Wanted, ...] = ()
    asking: tuple[str, ...] = ()
    """Words of a demand: what is asked for must stand in their sentence."""
    waits: tuple[Span, ...] = ()
    topic: tuple[str, ...] = ()
    """Words without which a mail has nothing to do with a block."""
    deeds: tuple[str, ...] = ()
    """Words of a deed or a decision. Beside them a receipt is not all that was said."""
    supposed: tuple[str, ...] = ()
    """Words in the sentence of a deed that make it none: "if", "will", "your request to"."""
    answering: tuple[str, ...] = ()
    """Words of one who answers. Without any, good news of nobody knows whom is none."""
    context: tuple[str, ...] = ()
    """Words without which a mail of nobody knows whom says nothing of a block, whatever it promises."""
    origin: str = ""
    licence: str = ""
    source: tuple[str, ...] = ()
    date: str | None = None

    def expressions(self) -> Iterable[str]:
        """All of them."""
        for rule in self.rules:
            yield from (*rule.match, *rule.heading, *rule.subject, *rule.unless)
        for condition in self.conditions:
            yield from (*condition.before, *condition.within, *condition.after)
        for frame in self.frames:
            yield from (*frame.before, *frame.after)
        for words in self.cues.values():
            yield from words
        for wanted in self.asked:
            yield from wanted.match
        for span in self.waits:
            yield from span.match
        yield from (
            *self.marks,
            *self.tickets,
            *self.asking,
            *self.topic,
            *self.deeds,
            *self.supposed,
            *self.answering,
            *self.context,
        )


def merged(old: AnswerRules, new: AnswerRules) -> AnswerRules:
    """An overlay file over a file of the package: its rules and tickets come first and replace those
    of the same id; signers and all else are added."""
    ids = {rule.id for rule in new.rules}
    joined = {
        name: getattr(new, name) + getattr(old, name)
        for name in (
            "covers", "signers", "addresses", "desks", "marks", "tickets", "conditions", "frames", "vouched", "asked",
            "asking", "waits", "topic", "deeds", "supposed", "answering", "context",
        )
    }  # fmt: skip
    rules = new.rules + tuple(r for r in old.rules if r.id not in ids)
    cues = {**old.cues, **new.cues}
    return msgspec.structs.replace(old, name=new.name or old.name, rules=rules, cues=cues, **joined)


def compiled(rules: AnswerRules) -> AnswerRules:
    """As the program needs them: without examples and sources."""
    kept = tuple(
        msgspec.structs.replace(r, examples=(), source=()) for r in rules.rules if not r.disabled
    )
    return msgspec.structs.replace(rules, rules=kept, source=())
