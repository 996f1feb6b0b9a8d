"""Lines that an address heads, and what is said below or beside it. Pure.

    192.0.2.1: the entry was removed.          192.0.2.2
    192.0.2.2: on hold, please explain it.     The block was lifted.

Whatever stands there up to the next such line is about that address, unless its own sentence names another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from todoku.cases.answers import addresses
from todoku.cases.answers.addresses import Mention
from todoku.cases.answers.hits import Hit
from todoku.cases.answers.sentences import Text
from todoku.model import Identity

_LABELLED: Final = re.compile(
    r"^\s*(?:[-*•・■◆●▼【]|\(?\d{1,2}[.)])?\s*(?:(?:the |your )?(?:ips?|ip[- ]?address(?:es)?|address(?:es)?|hosts?|range)"
    r"|ip-?adressen?|adressen?|adresse(?: ip)?|dirección(?: ip)?|indirizzo(?: ip)?|対象)?(?:\s*IP)?(?:\s*アドレス)?"
    r"\s*[:=]\s*",
    re.I,
)
_HEADED: Final = re.compile(
    r"^\s*(?:[-*•・■◆●▼>]|\(?\d{1,2}[.)])?\s*(?:(?:ip|ip[- ]?address|address|host|adresse|ip-adresse)\s*[:=]?\s*)?\[?$",
    re.I,
)
"""What may stand before the address that heads a line."""
_PARTED: Final = re.compile(r"\]?\s*(?:[:|=,]|[-=]{1,2}>|[→⇒]|[-\u2013\u2014]\s|\t|\s{2,}|\(|$)")
_BESIDE: Final = re.compile(r"\]?\s*(?:,|and|&|und|et|y|e|en|、|と)\s*\Z")


def bare(line: str) -> bool:
    """A line of addresses and nothing else but what they are ("IP address: ...")."""
    line = _LABELLED.sub("", line)
    found = next(addresses.mentions(line), None) is not None or addresses.MASKED.search(line)
    return bool(found) and not addresses.without(line)


def owners(
    read: Text, hits: Sequence[Hit], places: Sequence[Mention]
) -> Iterator[tuple[Mention, Hit]]:
    """The addresses that head lines, with all that is said below them. None, where words stand above the first
    of them (then addresses stand below their verdicts), or a line says nothing."""
    blocks = _blocks(read.text, places)
    if not blocks or any(hit.start < blocks[0][0].start and hit.heading for hit in hits):
        return
    starts = [_line_of(read.text, block[0]) for block in blocks]
    told: list[list[Hit]] = []
    for start, stop, block in zip(starts, [*starts[1:], len(read.text)], blocks, strict=True):
        inside = [hit for hit in hits if start <= hit.start < stop]
        own = {mention.identity for mention in block}
        told.append([hit for hit in inside if not _of_another(read, hit, own, places)])
    if len(blocks) < 2 or not all(told):
        return
    for block, found in zip(blocks, told, strict=True):
        for mention in block:
            for hit in found:
                yield mention, hit


def _blocks(text: str, places: Sequence[Mention]) -> list[list[Mention]]:
    """Runs of addresses that head lines; bare lines that follow each other are one run."""
    found: list[list[Mention]] = []
    for mention in places:
        start = _line_of(text, mention)
        if (
            found
            and found[-1][-1].end >= start
            and _BESIDE.search(text[found[-1][-1].end : mention.start])
        ):
            found[-1].append(mention)
            continue
        if not _HEADED.match(text[start : mention.start]):
            continue
        if not _PARTED.match(text[mention.end :].split("\n", 1)[0] or "\n"):
            continue
        if (
            found
            and bare(text[start:].split("\n", 1)[0])
            and not text[found[-1][-1].end : start].strip()
        ):
            found[-1].append(mention)
        else:
            found.append([mention])
    return found


def _of_another(read: Text, hit: Hit, own: set[Identity], places: Sequence[Mention]) -> bool:
    start, end = read.sentence(hit.start)
    named = {place.identity for place in places if start <= place.start < end}
    return bool(named) and not named & own


def _line_of(text: str, mention: Mention) -> int:
    return text.rfind("\n", 0, mention.start) + 1
