"""Whether a list can be trusted through one upstream (RFC 5782, section 5). Pure.

A list is asked for three points before its answers count: one that it always lists, one that it
never lists, and a random one that nobody can have listed. Addresses, IPv6 and names are tested
each for itself: a zone may be well and its IPv6 half empty.
"""

from __future__ import annotations

import ipaddress
import random as randomness
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from todoku.i18n import LANGUAGES, Language
from todoku.knowledge.schema import Ask, AskKind, ListEntry
from todoku.lists import wire
from todoku.lists.causes import Why
from todoku.lists.codes import Table
from todoku.lists.values import Answer, HealthRecord
from todoku.model import Health, Subject, UnknownCause

DEFAULTS: Final[dict[AskKind, tuple[str, str]]] = {
    "ipv4": ("127.0.0.2", "127.0.0.1"),
    "ipv6": ("::ffff:7f00:2", "::ffff:7f00:1"),
    "domain": ("test", "invalid"),
}
"""What every list should list, and never list (RFC 5782, section 5)."""


Wants: TypeAlias = Literal["listed", "absent", "random"]


class Point(NamedTuple):
    """One question of a test."""

    kind: AskKind
    """What is tested; the point itself may be of another kind."""
    wants: Wants
    """What a sound list does with it; a random one is absent."""
    subject: Subject
    """Names are asked as they stand, never by their registered domain."""
    told: bool
    """An operator or somebody else names the point; otherwise RFC 5782 lets it be assumed."""


def questions(ask: Ask, kind: AskKind, random: randomness.Random) -> tuple[Point, ...]:
    """The points that prove a list for one kind of subject.

    Where the knowledge has a listed point of another kind alone, that one serves: the zone lives,
    and an IPv6 half that is empty says *not listed* truly. For zones that nobody knows only the
    point of RFC 5782 does: what they hold is not known."""
    points = []
    by_kind: dict[AskKind, Subject] = {}
    for value in ask.test.listed:
        by_kind.setdefault(_kind(value), _subject(value))
    told = ask.test.basis != "rfc5782"
    usual_listed, usual_absent = map(_subject, DEFAULTS[kind])
    listed = by_kind.get(kind) or next(iter(by_kind.values()), None)
    points.append(Point(kind, "listed", listed or usual_listed, told and listed is not None))
    absent = [_subject(p) for p in ask.test.not_listed if _kind(p) == kind]
    if absent:
        points.append(Point(kind, "absent", absent[0], told))
    elif ask.test.random:  # a list of bogons may hold 127.0.0.1 on purpose
        points.append(Point(kind, "absent", usual_absent, False))
    if ask.test.random:
        points.append(Point(kind, "random", _subject(_random(kind, random)), True))
    return tuple(points)


def judge(
    entry: ListEntry,
    answers: Mapping[Point, Answer],
    at: float,
    *,
    keyed: bool = False,
    direct: bool = False,
) -> HealthRecord:
    """What the answers to the points of one kind prove. A point that nobody answered has an
    answer without rcode. `keyed`: asked with a key; `direct`: no resolver stood between.

    `ok`: the listed point is listed, and no other. `untested`: a listed point that is only
    assumed is absent, and nothing speaks against the list; so nothing speaks for it either.
    `failed`: anything else, by the first of these that holds: an error or an address that no list
    gives; a listing of what nobody listed; no usable answer; a listed point that is absent."""
    table = Table(entry)
    both: dict[Language, Why] = {
        lang: Why(entry, lang, "", keyed=keyed, direct=direct) for lang in LANGUAGES
    }
    found = {p: _outcome(table, p, a, both["en"]) for p, a in answers.items()}

    def first(outcome: _Outcome, *wants: Wants) -> Point | None:
        return next((p for p, o in found.items() if o == outcome and p.wants in wants), None)

    def said(state: Health, cause: UnknownCause | None, word: str, p: Point) -> HealthRecord:
        after = () if direct or word == "the-world" else ("hidden",)
        detail = {lang: why.say(word, *after, point=p.subject.value) for lang, why in both.items()}
        return HealthRecord(state=state, cause=cause, detail=detail, at=at)

    def unclear(state: Health, p: Point) -> HealthRecord:
        cause: UnknownCause | None = None
        detail: dict[Language, str] = {}
        for lang, why in both.items():
            if told := why.unclear(answers[p], table.read(answers[p].addresses)):
                cause, detail[lang] = told
        return HealthRecord(
            state=state, cause=cause if state == "failed" else None, detail=detail, at=at
        )

    if p := first("foreign", "listed", "absent", "random"):
        return unclear("failed", p)
    if p := first("listed", "absent", "random"):
        return said("failed", "list-broken", "the-world", p)
    if p := first("silent", "listed"):
        return unclear("failed", p)
    if not first("absent", "absent", "random") and (p := first("silent", "absent", "random")):
        return unclear("failed", p)
    if p := first("unknown", "listed"):
        return unclear("failed" if p.told else "untested", p)
    if p := first("absent", "listed"):
        if p.told:
            return said("failed", "list-broken", "point-absent", p)
        return said("untested", None, "point-assumed", p)
    if not first("listed", "listed"):
        return HealthRecord(state="untested", at=at)
    return HealthRecord(state="ok", at=at)


_Outcome: TypeAlias = Literal["listed", "absent", "foreign", "silent", "unknown"]
"""`foreign`: an error of the list, or an address that no list gives. `silent`: no usable answer.
`unknown`: a code that the table does not have."""


def _outcome(table: Table, point: Point, answer: Answer, why: Why) -> _Outcome:
    read = table.read(answer.addresses)
    role, test = table.ask.role, table.ask.test
    if point.wants == "listed" and set(read.codes) & set(test.gives):
        return "listed"
    cause = why.unclear(answer, read)
    if cause is None:
        if point.wants == "absent" and role == "block" and not read.lists:
            return "absent"  # an entry of another kind: some lists call 127.0.0.1 a good sender
        return "listed" if read.meanings else "absent"
    if answer.rcode != wire.NOERROR or answer.truncated:
        return "silent"
    if read.error != "unknown-code":
        return "foreign"
    return "unknown" if point.wants == "listed" else "listed"


def _kind(point: str) -> AskKind:
    try:
        ip = ipaddress.ip_address(point)
    except ValueError:
        return "domain"
    return "ipv4" if ip.version == 4 else "ipv6"


def _subject(value: str) -> Subject:
    return Subject("domain" if _kind(value) == "domain" else "ip", value.lower())


def _random(kind: AskKind, random: randomness.Random) -> str:
    """Of 192.0.2.0/24 (RFC 5737), of 2001:db8::/32 (RFC 3849), below `invalid` (RFC 6761)."""
    if kind == "ipv4":
        return f"192.0.2.{random.randrange(1, 255)}"
    if kind == "ipv6":
        return str(ipaddress.IPv6Address(0x20010DB8 << 96 | random.getrandbits(96)))
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=16)) + ".invalid"
