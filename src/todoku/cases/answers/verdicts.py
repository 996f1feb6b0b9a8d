"""From the hits of a text: what it says of each address, and of all. Pure.

A desk's table puts the verdict on a line and the addresses below (or above, or beside); a person
writes sentences. Words that promise and words that decline about the same addresses are no verdict:
a person must look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from todoku.cases.answers import addresses, blocks
from todoku.cases.answers.addresses import Mention
from todoku.cases.answers.hits import Hit
from todoku.cases.answers.sentences import Text
from todoku.knowledge.answers import GENERAL
from todoku.model import AnswerClass, Identity

WORST_FIRST: Final[tuple[AnswerClass, ...]] = (
    "not-qualified",
    "refused",
    "needs-information",
    "nothing-detected",
    "received",
    "expires",
    "conditionally-mitigated",
    "mitigated",
    "delisted",
    "bounce",
    "unrelated",
    "unclear",
)
PROMISES: Final = frozenset({"mitigated", "conditionally-mitigated", "delisted"})
DECLINES: Final = frozenset({"not-qualified", "refused"})
DOUBTFUL: Final = frozenset({*PROMISES, "nothing-detected", "expires"})
"""Good news: words of doubt anywhere in the mail ("listed again since") make it `unclear`."""

_DOWN: Final = re.compile(
    r":\s*\Z|\b(?:following|below|listed below|folgende\w*|untenstehend\w*)\b|以下|次の|下記", re.I
)
_UP: Final = re.compile(r"\b(?:above|aforementioned|oben genannte\w*|obige\w*)\b|上記|前記", re.I)

_SPLIT: Final = re.compile(r"[;、]|,\s|\b(?:but|while|whereas|aber|während|jedoch)\b|ですが|一方")
"""Where a sentence turns to something else."""
_AGAIN: Final = re.compile(
    r"\A\W*(?:(?:so|and|but|now|however|therefore|today|daher|ahora|donc)?,?\s*)?(?:it(?:\x27s)?|this|that|they|these"
    r"|those|both|neither|none|all|(?:we|i)(?:\x27ve| have)? (?:now |just |also )?\w+ (?:it|them|both|that|this)"
    r"|(?:the|this|that|its|these|your) (?:\w+ )?(?:ips?|addresse?s?|address|entry|entries|listings?|blocks?|bans?"
    r"|restrictions?|servers?|hosts?|range|penalty)"
    r"|sie|er|es|dies\w*|beide|keine|die (?:\w+ )?(?:sperre|adressen?|ip\S*|einträge?|sperrung)|der (?:eintrag|server)"
    r"|elle|il|ils|elles|ceci|cette|ces|les deux|l'(?:adresse|entrée)|le blocage|est[ae]s?|ambas?|ambos|el bloqueo"
    r"|la (?:dirección|entrada)|quest\w+|entramb\w+|l'indirizzo|il blocco|deze|dit|het|beide|esse|essa|ambos|o bloqueio)\b"
    r"|\A\W*(?:こちら|これ|いずれ|両|当該|該当|同|上記|現在|既に|すでに|本日|先ほど)",
    re.I,
)
"""A sentence that goes on about the address of the one before."""
_GOES_ON: Final = re.compile(
    r"\b(?:still|currently|pending|being|under|remains? (?:under|in)|investigat\w+|review\w*|noch|derzeit|weiterhin"
    r"|encore|en cours|todavía|aún|ancora|nog|ainda)\b|現在|まだ|引き続き|調査中|確認中",
    re.I,
)
"""Of an address on which nothing is decided yet."""
_LISTED: Final = re.compile(r"[\s,;、&/]|\b(?:and|or|und|et|y|e|en)\b|及び|および|と")


class Said(NamedTuple):
    """What a text says."""

    class_: AnswerClass
    deciding: Hit | None
    verdicts: dict[Identity, AnswerClass]
    hits: tuple[Hit, ...] = ()
    """Those that count."""


def worst(classes: Iterable[AnswerClass]) -> AnswerClass:
    return min(classes, key=WORST_FIRST.index)


def said(read: Text, hits: Sequence[Hit]) -> Said:
    """Of the whole."""
    doubts = [hit for hit in hits if hit.rule.class_ == "unclear"]
    told = [hit for hit in hits if hit.rule.class_ != "unclear"]
    places = list(addresses.mentions(read.text))
    hits = _that_count(told, places)
    if not hits:
        return Said("unclear", None, {})
    owners = _owners(read, hits, places)
    if owners and (open_ := _undecided(read, told, hits, owners, places)):
        hits = sorted((*hits, *open_), key=lambda hit: hit.start)
        owners = _owners(read, hits, places)
    by_address: dict[Identity, set[AnswerClass]] = {}
    owned: dict[Hit, set[Identity]] = {hit: set() for hit in hits}
    for mention, hit in owners:
        by_address.setdefault(mention.identity, set()).add(hit.rule.class_)
        owned[hit].add(mention.identity)
    verdicts = {identity: _together(classes) for identity, classes in by_address.items()}
    classes = {hit.rule.class_ for hit in hits}
    spoken = {mention.identity for mention in places}
    if len(spoken) == len(classes) == 1:  # the only one that it can be about
        verdicts = dict.fromkeys(spoken, hits[0].rule.class_)
    if _opposed(classes) and not _apart(hits, owned):
        return Said("unclear", None, dict.fromkeys(verdicts, "unclear"), tuple(hits))
    if "unclear" in verdicts.values():
        return Said("unclear", None, verdicts, tuple(hits))
    class_ = worst(classes)
    deciding = min(
        (hit for hit in hits if hit.rule.class_ == class_), key=lambda hit: hit.desk == GENERAL
    )
    taken_back = any(hit.rule.withdraws for hit in doubts) and class_ != "unrelated"
    doubted = doubts and class_ in DOUBTFUL
    if taken_back or (doubted and not (deciding.heading and deciding.desk != GENERAL)):
        return Said("unclear", None, dict.fromkeys(verdicts, "unclear"), tuple(hits))
    return Said(class_, deciding, verdicts, tuple(hits))


def _that_count(hits: Sequence[Hit], places: Sequence[Mention]) -> list[Hit]:
    """A mail that says how the request ended also says, as a rule, that it was received; and what a
    heading says is not said otherwise by the sentences below it, unless it was of an address beside it, and
    another has come since."""
    told = [hit for hit in hits if hit.rule.class_ not in {"received", "unrelated"}]
    told = [hit for hit in told if not hit.rule.weak] or told
    told = told or [hit for hit in hits if hit.rule.class_ == "received"] or list(hits)
    counted: list[Hit] = []
    heading: Hit | None = None
    for hit in told:
        if hit.heading:
            heading = hit
        elif heading is not None and _passed(heading, hit, places):
            heading = None
        elif heading is not None and _milder(hit.rule.class_, heading.rule.class_):
            continue
        counted.append(hit)
    return counted


def _passed(heading: Hit, hit: Hit, places: Sequence[Mention]) -> bool:
    beside = {place.identity for place in places if heading.start <= place.start < heading.end}
    since = {place.identity for place in places if heading.end <= place.start < hit.start}
    return bool(beside and since - beside)


def _undecided(
    read: Text,
    told: Sequence[Hit],
    counted: Sequence[Hit],
    owners: Sequence[tuple[Mention, Hit]],
    places: Sequence[Mention],
) -> list[Hit]:
    """Words of receipt that are about an address of which nothing else is said, where something is said of
    another: "the second one is still being looked at"."""
    judged = {mention.identity for mention, _ in owners}
    first = min(hit.start for hit in counted)
    found = []
    for hit in told:
        if hit.rule.class_ != "received" or hit in counted or hit.start < 0:
            continue
        start, end = read.sentence(hit.start)
        within = {place.identity for place in places if start <= place.start < end}
        if (
            within
            and not within & judged
            and (hit.start > first or _GOES_ON.search(read.text[start:end]))
        ):
            found.append(hit)
    return found


def _milder(below: AnswerClass, heading: AnswerClass) -> bool:
    """Whether a sentence below a heading adds nothing: both promise, both decline, or it tells what may
    follow where the heading promised, or only asks for more where it declined or found nothing."""
    if below in PROMISES:
        return heading in PROMISES
    if below in DECLINES:
        return heading in DECLINES
    return (
        heading in PROMISES
        or (heading in DECLINES and below != "nothing-detected")
        or below == heading
        or (below == "needs-information" and heading == "nothing-detected")
    )


def _together(classes: set[AnswerClass]) -> AnswerClass:
    return "unclear" if _opposed(classes) else worst(classes)


def _opposed(classes: Iterable[AnswerClass]) -> bool:
    """Words that cannot both hold of one address."""
    found = set(classes)
    promised = bool(found & PROMISES)
    return (promised and bool(found & {*DECLINES, "nothing-detected", "needs-information"})) or (
        bool(found & DECLINES) and "expires" in found
    )


def _apart(hits: Sequence[Hit], owned: dict[Hit, set[Identity]]) -> bool:
    """Whether opposed words are about different addresses. Addresses may be masked; then headings
    keep them apart."""
    if all(hit.heading for hit in hits if hit.rule.class_ in PROMISES | DECLINES):
        return True
    sides: dict[bool, set[Identity]] = {True: set(), False: set()}
    for hit in hits:
        if hit.rule.class_ == "received":
            continue
        if not owned[hit] and not _reminds(hit, hits, owned):
            return False
        sides[hit.rule.class_ in PROMISES] |= owned[hit]
    return not (sides[True] & sides[False]) and bool(sides[True]) and bool(sides[False])


def _reminds(hit: Hit, hits: Sequence[Hit], owned: dict[Hit, set[Identity]]) -> bool:
    """Whether words without an address only repeat those nearest before them: a heading's sentence,
    the second half of a statement."""
    before = [other for other in hits if other.start < hit.start and owned[other]]
    return bool(before) and (
        before[-1].rule.class_ == hit.rule.class_
        or _milder(hit.rule.class_, before[-1].rule.class_)
    )


def _owners(
    read: Text, hits: Sequence[Hit], places: Sequence[Mention]
) -> list[tuple[Mention, Hit]]:
    """For each address the words that are about it."""
    real = [hit for hit in hits if hit.start >= 0]
    if not real:
        return []
    headings = [hit for hit in real if hit.heading]
    above_first = _addresses_first(read, headings) if headings else False
    found = [(mention, told, 0) for mention, told in blocks.owners(read, real, places)]
    headed = {mention for mention, _, _ in found}
    for mention in places:
        if mention in headed:
            continue
        hit, rank = _owner(read, mention, real, headings, above_first, places)
        if hit is not None:
            found.append((mention, hit, rank))
    best: dict[Identity, int] = {}
    for mention, _, rank in found:
        best[mention.identity] = min(best.get(mention.identity, 9), rank)
    # An address that is named in passing, and judged elsewhere, has the verdict of the other place.
    return [(m, hit) for m, hit, rank in found if rank == best[m.identity]]


def _owner(
    read: Text,
    mention: Mention,
    hits: Sequence[Hit],
    headings: Sequence[Hit],
    above_first: bool,
    places: Sequence[Mention],
) -> tuple[Hit | None, int]:
    """The words about it, and how sure that is (0 is best)."""
    line = _line(read.text, mention)
    beside = [hit for hit in hits if hit.heading and line[0] <= hit.start < line[1]]
    if beside:
        return beside[0], 0
    start, end = read.sentence(mention.start)
    same = [hit for hit in hits if hit.end > start and hit.start < end]
    if same and not (headings and all(hit.heading for hit in same)):
        about = [hit for hit in same if _about(read.text, mention, hit, places)]
        return (_nearest(read.text, mention, about), 1) if about else (None, 9)
    if headings:
        if above_first:
            after = [hit for hit in headings if hit.start >= mention.end]
            return (after[0], 2) if after else (None, 9)
        before = [hit for hit in hits if hit.end <= mention.start]
        above = next((hit for hit in reversed(before) if hit.heading), None)
        # A sentence that says something else since that heading: nobody knows which of the two holds.
        if above is None or (
            "nothing-detected" in {hit.rule.class_ for hit in before[before.index(above) + 1 :]}
            and above.rule.class_ in DECLINES
        ):
            return None, 9
        return above, 2
    return _around(read, mention, hits)


def _around(read: Text, mention: Mention, hits: Sequence[Hit]) -> tuple[Hit | None, int]:
    """For an address outside of the sentences that decide."""
    before = [hit for hit in hits if hit.end <= mention.start]
    after = [hit for hit in hits if hit.start >= mention.end]
    if after and _goes_on(read, mention, after[0]):
        return after[0], 1
    start, end = _line(read.text, mention)
    alone = blocks.bare(read.text[start:end])
    one = len({hit.rule.class_ for hit in hits}) == 1
    if one and (alone or not before or _DOWN.search(_sentence_of(read, before[-1]))):
        return (before or after)[-1 if before else 0], 4
    if before and _DOWN.search(_sentence_of(read, before[-1])):
        return before[-1], 2
    if after and _UP.search(_sentence_of(read, after[0])):
        return after[0], 2
    if not alone:
        return None, 9  # named in passing
    if before and not _UP.search(_sentence_of(read, before[-1])):
        return before[-1], 3
    return (after[0] if after else before[-1]), 3


def _goes_on(read: Text, mention: Mention, hit: Hit) -> bool:
    """Whether the words stand in the next sentence, which is of the same address: "it", "both"."""
    _, end = read.sentence(mention.start)
    while end < len(read.text) and read.text[end].isspace():
        end += 1
    start, stop = read.sentence(end)
    if not start <= hit.start < stop:
        return False
    return next(addresses.mentions(read.text[start:stop]), None) is None and bool(
        _AGAIN.search(read.text[start:stop])
    )


def _sentence_of(read: Text, hit: Hit) -> str:
    start, end = read.sentence(max(hit.start, hit.end - 1))
    return read.text[min(start, hit.start) : end]


def _about(text: str, mention: Mention, hit: Hit, places: Sequence[Mention]) -> bool:
    """Words that name an address are not about one behind a comma, unless the two stand in a list."""
    if hit.start <= mention.start < hit.end:
        return True
    within = [other for other in places if hit.start <= other.start < hit.end]
    if not within:
        return True
    between = text[min(hit.end, mention.end) : max(hit.start, mention.start)]
    if _SPLIT.search(between) is None:
        return True
    after = mention.start >= hit.end
    joined = within[-1].end >= hit.end if after else within[0].start <= hit.start
    return joined and not _LISTED.sub("", addresses.without(between))


def _nearest(text: str, mention: Mention, hits: Sequence[Hit]) -> Hit:
    """In a sentence that says several things: the words of the same part of it, else the nearest."""
    if len({hit.rule.class_ for hit in hits}) == 1:
        return hits[0]

    def distance(hit: Hit) -> tuple[bool, int]:
        low, high = min(hit.end, mention.end), max(hit.start, mention.start)
        between = text[low:high]
        return _SPLIT.search(between) is not None, max(0, high - low)

    return min(hits, key=distance)


def _line(text: str, mention: Mention) -> tuple[int, int]:
    start = text.rfind("\n", 0, mention.start) + 1
    end = text.find("\n", mention.end)
    return start, len(text) if end < 0 else end


def _addresses_first(read: Text, headings: Sequence[Hit]) -> bool:
    """Whether addresses stand above their verdicts: right above the first heading, and not below
    the last."""
    first, last = headings[0], headings[-1]
    above = read.text[: first.start].rstrip().rsplit("\n", 1)[-1]
    below = read.text[last.end :].strip().split("\n", 1)[0]
    return blocks.bare(above) and not blocks.bare(below)
