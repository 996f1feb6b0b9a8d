"""What a desk's answer says: a letter and rules in, a `Reading` out. Pure.

Whose answer it is, is told by who wrote it, by the words with which a desk names itself and by the
shape of its ticket; that desk's rules are tried, and the words of any desk below them. What is not
understood, or says two things, is `unclear`, and a person looks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from todoku.cases.answers import addresses, hits, tickets, verdicts, waiting
from todoku.cases.answers.hits import Hit
from todoku.cases.answers.letter import Letter, joined, plain
from todoku.cases.answers.quoting import split
from todoku.cases.answers.sentences import Text
from todoku.cases.answers.verdicts import DECLINES, DOUBTFUL, Said
from todoku.cases.answers.waiting import Wait
from todoku.cases.events import Verdict
from todoku.knowledge.answer_patterns import compiled
from todoku.knowledge.answers import GENERAL, AnswerRules
from todoku.model import AnswerClass, Asked, Identity

_HEARD: Final = ("nothing", "words", "doubt")
_SILENT: Final = frozenset({"unrelated", "unclear", "bounce"})
_LONG: Final = 24
"""Characters: shorter words are anybody's."""

_FOREIGN: Final = re.compile("[À-ÃÅ-ÕØ-ÛÝÞà-ãå-õø-ûýþ\u0100-\u1fff\uac00-\ud7a3]")
"""Letters of languages that no rule reads: what stands there is not known to be unrelated."""


Heard = Literal["nothing", "words", "doubt"]
"""Of the rules' words there stand none but those of a receipt; some; good news that is not believed."""


class Reading(NamedTuple):
    class_: AnswerClass
    words: str = ""
    """Those that decided, as they stand there."""
    ticket: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    wait: Wait = Wait()
    asks: tuple[Asked, ...] = ()
    rule: str | None = None
    """`desk/rule`."""
    identities: tuple[Identity, ...] = ()
    """Addresses that it speaks of, whether or not it says anything of them."""
    desk: str | None = None
    """Whose answer it says it is."""
    heard: Heard | None = None
    """How much of it the rules met; `None`: what the letter is like may not overrule them."""

    @property
    def min_hours(self) -> float | None:
        return self.wait.min_hours

    @property
    def max_hours(self) -> float | None:
        return self.wait.max_hours


def below(domain: str, domains: Iterable[str]) -> bool:
    """Whether it is one of these, or below one."""
    return any(domain == each or domain.endswith(f".{each}") for each in domains)


def writes(sender: str | None, desk: AnswerRules) -> bool:
    """Whether an address is one from which only that desk writes."""
    if sender is None:
        return False
    return sender in desk.addresses or below(sender.rpartition("@")[2], desk.signers)


def read(subject: str, body: str, rules: AnswerRules | Sequence[AnswerRules]) -> Reading:
    """Of a subject and a text. Quotations in it are passed over."""
    found = split(plain(body))
    letter = Letter(
        subject=" ".join(plain(subject[:1000]).split()),
        sender=None,
        texts=(joined(found.own),),
        quoted=found.quoted,
        message_id=None,
        thread=(),
    )
    return of(letter, (rules,) if isinstance(rules, AnswerRules) else rules)


def of(letter: Letter, rules: Sequence[AnswerRules]) -> Reading:
    """Of a mail."""
    general = next((each for each in rules if each.desk == GENERAL), None)
    text = "\n".join(letter.texts)
    anybodys = tickets.every(f"{letter.subject}\n{text}", general) if general is not None else ()
    desk = _desk(letter, text, [each for each in rules if each.desk != GENERAL], anybodys)
    tried = [each for each in (desk, general) if each is not None]
    if letter.bounced is not None:
        return _bounce(letter, rules, general)
    named = desk.desk if desk is not None else None
    number = tickets.find(letter.subject, text, tried, letter.quoted)
    spoken = tuple(dict.fromkeys(m.identity for m in addresses.mentions(text)))
    empty = Reading("unclear", ticket=number, identities=spoken, desk=named)
    wrote = desk is not None and writes(letter.sender, desk)
    strewn = letter.newsletter and not (wrote or number or letter.replies or letter.thread)
    if letter.report or letter.bulk or strewn:
        return empty._replace(class_="unrelated", desk=None)
    stray = desk is None and number is None and not spoken
    stray = stray and general is not None and not _in_context(letter, text, general)
    if stray and general is not None:
        kept = tuple(rule for rule in general.rules if rule.class_ == "unrelated")
        tried = [AnswerRules(schema=1, desk=GENERAL, topic=general.topic, rules=kept)]
    faces = [_face(letter, face, tried, general, wrote) for face in letter.texts]
    heard = None if stray else max((heard for _, _, heard in faces), key=_HEARD.index, default=None)
    unclear = empty._replace(heard=heard)
    found = _one([(face, told) for face, told, _ in faces])
    if found is None:
        ours = number is not None or wrote or letter.replies or bool(letter.thread)
        words = f"{letter.subject}\n{text}\n{letter.quoted}"
        if not (ours or _topical(words, tried) or _FOREIGN.search(words)):
            return empty._replace(class_="unrelated", desk=None)
        return unclear
    face, told = found
    hit = told.deciding
    if hit is None:
        differ = len({each.class_ for _, each, _ in faces}) > 1
        return empty if differ else unclear
    class_ = told.class_
    answers = number is not None or wrote or letter.replies or bool(letter.thread)
    if class_ in DOUBTFUL and hit.desk == GENERAL and not answers:
        words = f"{letter.subject}\n{face}"
        if not any(compiled(p).search(words) for each in tried for p in each.answering):
            return empty  # who never asked is told nothing
    if class_ == "received" and number is None and all(each.rule.weak for each in told.hits):
        return unclear  # thanks are no receipt
    if class_ in DOUBTFUL and _of_others(letter, told):
        return empty
    if class_ == "received" and _decides(face, told, tried):
        return unclear  # a receipt is all that was understood of what says more
    silent = class_ in _SILENT
    return Reading(
        class_,
        hit.words[:400],
        number,
        tuple(Verdict(identity=i, class_=c) for i, c in told.verdicts.items() if not silent),
        Wait() if silent else waiting.find(face, tried),
        () if silent else tuple(dict.fromkeys(_asks(Text(face), told, tried))),
        f"{hit.desk}/{hit.rule.id}",
        tuple(dict.fromkeys(m.identity for m in addresses.mentions(face))) or spoken,
        named,
        heard if hit.desk == GENERAL else None,
    )


def _of_others(letter: Letter, told: Said) -> bool:
    """Whether the subject names an address, and all that is said is of others."""
    asked = {m.identity for m in addresses.mentions(letter.subject)}
    return bool(asked and told.verdicts) and not any(
        one == other or one in other or other in one
        for one in (each.value for each in asked)
        for other in (each.value for each in told.verdicts)
    )


def _decides(face: str, told: Said, tried: Sequence[AnswerRules]) -> bool:
    """Whether sentences beside those of a receipt tell of a deed or a decision."""
    read_ = Text(face)
    known = {read_.sentence(max(hit.start, 0)) for hit in told.hits if hit.start >= 0}
    for desk in tried:
        for pattern in desk.deeds:
            for found in compiled(pattern).finditer(face):
                begin, end = read_.sentence(found.start())
                if (begin, end) in known:
                    continue
                if not any(compiled(each).search(face[begin:end]) for each in desk.supposed):
                    return True
    return False


def _desk(
    letter: Letter, text: str, desks: Sequence[AnswerRules], anybodys: Collection[str]
) -> AnswerRules | None:
    """Whose answer it is, or says it is. A ticket that anybody may print so (`anybodys`) tells nobody."""
    wrote = [desk for desk in desks if writes(letter.sender, desk)]
    words = f"{letter.subject}\n{text}"
    scores: list[tuple[int, AnswerRules]] = []
    for desk in wrote or desks:
        marks = sum(compiled(mark).search(words) is not None for mark in desk.marks)
        number = tickets.find(letter.subject, text, [desk])
        shape = (
            2
            if number is not None and (marks or not any(number in each for each in anybodys))
            else 0
        )
        scores.append((min(marks, 4) + shape, desk))
    if not scores:
        return None
    best = max(score for score, _ in scores)
    if best == 0 and wrote:
        return wrote[0] if len(wrote) == 1 else None
    if best == 0:
        spoke = [desk for desk in desks if _spoken(letter, desk)]
        return spoke[0] if len(spoke) == 1 else None
    tied = [desk for score, desk in scores if score == best]
    if len(tied) == 1:
        return tied[0]
    # Two desks of one company: the one that has a rule for these words.
    for desk in tied:
        if any(not h.void for face in letter.texts for h in hits.of_text(Text(face), [desk], None)):
            return desk
    return tied[0] if wrote else None


def _spoken(letter: Letter, desk: AnswerRules) -> bool:
    """Whether the words are so much this desk's that they name it."""
    found = (hit for face in letter.texts for hit in hits.of_text(Text(face), [desk], None))
    return any(not hit.void and (hit.heading or len(hit.words) >= _LONG) for hit in found)


def _face(
    letter: Letter,
    text: str,
    tried: Sequence[AnswerRules],
    general: AnswerRules | None,
    wrote: bool,
) -> tuple[str, Said, Heard]:
    """The text, what it says, and how much of it the rules met."""
    read_ = Text(text)
    met = hits.of_text(read_, tried, general)
    if not letter.replies:
        met = [*hits.of_subject(letter.subject, tried), *met]
    found = [hit for hit in met if not hit.void]
    told = verdicts.said(read_, found)
    heard = _heard(met)
    away = next((hit for hit in found if hit.rule.class_ == "unrelated"), None)
    # A survey below an answer is part of its form.
    if away is None or (away.rule.weak and told.class_ not in {"unrelated", "unclear"}):
        return text, told, heard
    # What its own subject says of the whole mail counts, unless a desk wrote it.
    if told.class_ in {"unrelated", "received"} or (away.start < 0 and not wrote):
        return text, Said("unrelated", away, {}, (away,)), heard
    return text, Said("unclear", None, {}, tuple(found)), heard  # two things in one mail


def _heard(met: Sequence[Hit]) -> Heard:
    if any(h.rule.class_ == "unclear" or (h.void and h.rule.class_ in DOUBTFUL) for h in met):
        return "doubt"
    return "words" if any(hit.rule.class_ != "received" for hit in met) else "nothing"


def _one(faces: Sequence[tuple[str, Said]]) -> tuple[str, Said] | None:
    """Plain text and HTML say the same, as a rule; where they do not, nobody knows. `None`: neither
    says anything."""
    understood = [face for face in faces if face[1].deciding is not None]
    if any(said.hits and said.deciding is None for _, said in faces):
        return next(face for face in faces if face[1].hits and face[1].deciding is None)
    if not understood:
        return None
    if len({said.class_ for _, said in understood}) > 1:
        return faces[0][0], Said("unclear", None, {})
    return max(understood, key=lambda face: len(face[1].verdicts))


def _topical(text: str, tried: Sequence[AnswerRules]) -> bool:
    return any(compiled(word).search(text) for desk in tried for word in desk.topic)


def _in_context(letter: Letter, text: str, general: AnswerRules) -> bool:
    """Whether a mail of nobody knows whom is about mail servers at all. Cards are unblocked, too, and
    items removed from lists."""
    words = f"{letter.subject}\n{text}\n{letter.quoted}"
    return any(compiled(pattern).search(words) for pattern in general.context)


def _asks(read_: Text, told: Said, tried: Sequence[AnswerRules]) -> Iterator[Asked]:
    """What it wants to have: by its rules, and by its words."""
    ruled = False
    for hit in told.hits:
        if hit.rule.class_ in {told.class_, "needs-information"} or hit.rule.class_ in DECLINES:
            yield from hit.rule.asks
        ruled = ruled or bool(hit.rule.asks)
    found = asked(read_, told.class_, tried)
    if not (ruled and found == ("other",)):
        yield from found


def asked(read_: Text, class_: AnswerClass, tried: Sequence[AnswerRules]) -> tuple[Asked, ...]:
    """What it wants to have, in the sentences that demand something, and in the list below one."""
    if class_ not in {"needs-information", "nothing-detected", *DECLINES}:
        return ()
    text = read_.text
    reach: dict[int, int] = {}
    for desk in tried:
        for pattern in desk.asking:
            for match in compiled(pattern).finditer(text):
                start, end = read_.sentence(match.start())
                if class_ == "needs-information":
                    end = max(end, min(len(text), match.end() + 1200))
                reach[start] = max(reach.get(start, 0), end)
    spans = [text[start:end] for start, end in sorted(reach.items())]
    found = [
        wanted.what
        for desk in tried
        for wanted in desk.asked
        if any(compiled(p).search(span) for p in wanted.match for span in spans)
    ]
    if not found and class_ == "needs-information":
        return ("other",)
    return tuple(dict.fromkeys(found))


def _bounce(letter: Letter, rules: Sequence[AnswerRules], general: AnswerRules | None) -> Reading:
    """A delivery report: of a request of ours, or of any other mail."""
    failed = letter.bounced or ()
    desks = [d for d in rules if any(goes_to(address, d) for address in failed)]
    number = tickets.find(letter.returned, "", desks or [*rules])
    ours = bool(desks) or number is not None
    if not ours and general is not None:
        ours = _topical(" ".join((letter.returned, *failed)), [general])
    if not ours:
        return Reading("unrelated", ticket=number)
    words = ", ".join(failed[:3])
    # An address that several desks share tells none of them.
    return Reading("bounce", words, number, desk=desks[0].desk if len(desks) == 1 else None)


def goes_to(address: str, desk: AnswerRules) -> bool:
    """Whether mail to this address is a request to that desk."""
    domain = address.rpartition("@")[2]
    named = (*desk.desks, *desk.addresses)
    return address in named or below(domain, (d for d in named if "@" not in d))
