"""Which lists are trusted: the three points of a test, and what their answers prove."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lists import shapes
from tests.lists.test_judging import AT, NAME, V4, V6, answer, answers, lists
from todoku.knowledge.schema import AskKind, ListEntry, TestPoints
from todoku.lists import names
from todoku.lists.health import Point, Wants, judge, questions
from todoku.lists.judging import Judge
from todoku.lists.values import Answer, HealthRecord
from todoku.model import Health, UnknownCause

KINDS: tuple[AskKind, ...] = ("ipv4", "ipv6", "domain")


def points(entry: ListEntry, kind: AskKind, seed: int = 1) -> dict[Wants, Point]:
    assert entry.ask is not None
    return {p.wants: p for p in questions(entry.ask, kind, random.Random(seed))}


# ── what is asked ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("entry", "kind", "listed", "absent", "told"),
    [
        # RFC 5782, section 5: what every list should list, and must not
        (shapes.BARE, "ipv4", "127.0.0.2", "127.0.0.1", False),
        (shapes.BARE, "ipv6", "::ffff:7f00:2", "::ffff:7f00:1", False),
        (shapes.BARE, "domain", "test", "invalid", False),
        # as the operator says
        (shapes.TOLD, "ipv4", "127.0.0.2", "127.0.0.1", True),
        (shapes.TOLD, "ipv6", "::ffff:7f00:2", "::ffff:7f00:1", True),
        (shapes.TOLD, "domain", "_dnsbl_.test", "_dnsblneg_.test", True),
        # the operator speaks of IPv4 alone: that the zone lives, it proves for the rest as well
        (shapes.GIVES, "ipv4", "127.0.0.2", "127.0.0.1", True),
        (shapes.GIVES, "domain", "127.0.0.2", "invalid", True),
        (shapes.GIVES, "ipv6", "127.0.0.2", "::ffff:7f00:1", True),
        # a list of bogons may hold everything that a test would call absent
        (shapes.BOGONS, "ipv4", "192.168.1.1", None, True),
    ],
)
def test_the_points_of_a_list(
    entry: ListEntry, kind: AskKind, listed: str, absent: str | None, told: bool
) -> None:
    found = points(entry, kind)
    assert found["listed"].subject.value == listed
    assert found["listed"].told is told
    assert ("absent" in found) == (absent is not None)
    if absent is not None:
        assert found["absent"].subject.value == absent
    assert ("random" in found) == (entry is not shapes.BOGONS)


def test_points_that_are_only_assumed_in_the_knowledge_are_not_told() -> None:
    entry = shapes.entry(test=TestPoints(listed=("127.0.0.2",), not_listed=("127.0.0.1",)))
    assert not any(p.told for p in points(entry, "ipv4").values() if p.wants != "random")


@given(st.integers(0, 2**32), st.sampled_from(KINDS))
def test_a_random_point_is_nobodys(seed: int, kind: AskKind) -> None:
    value = points(shapes.BARE, kind, seed)["random"].subject.value
    if kind == "domain":
        assert value.endswith(".invalid") and len(value) > 16
    else:
        ranges = {"ipv4": "192.0.2.0/24", "ipv6": "2001:db8::/32"}
        assert ipaddress.ip_address(value) in ipaddress.ip_network(ranges[kind])


def test_random_points_differ() -> None:
    for kind in KINDS:
        values = {points(shapes.BARE, kind, seed)["random"].subject.value for seed in range(50)}
        assert len(values) > 20


@pytest.mark.parametrize("entry", [shapes.BARE, shapes.TOLD, shapes.BOGONS])
@pytest.mark.parametrize("kind", KINDS)
def test_every_point_can_be_asked_as_what_it_tests(entry: ListEntry, kind: AskKind) -> None:
    for p in points(entry, kind).values():
        assert p.kind == kind
        assert names.kind_of(p.subject) == kind or entry is shapes.BOGONS
        assert names.question(p.subject, names.suffix("bl.acme.test"), "bl.acme.test")


# ── what is proved ────────────────────────────────────────────────────────────────────────────

ABSENT = answer(rcode=3)
LISTED = answer("127.0.0.2")
SILENT = answer(rcode=None)
SERVFAIL = answer(rcode=2)
REFUSED = answer(rcode=5)
TURNED = answer("127.255.255.254")
PARKED = answer("203.0.113.9")
UNKNOWN = answer("127.0.0.77")
ONE = answer("127.0.0.1")

RULES: list[
    tuple[str, ListEntry, tuple[Answer, Answer | None, Answer | None], Health, UnknownCause | None]
] = [
    # (what it is, list, answers to (listed, absent, random), state, cause)
    ("sound", shapes.TOLD, (LISTED, ABSENT, ABSENT), "ok", None),
    ("sound, by the RFC alone", shapes.BARE, (LISTED, ABSENT, ABSENT), "ok", None),
    ("sound, empty answers", shapes.TOLD, (LISTED, answer(), answer()), "ok", None),
    ("sound, one question lost", shapes.TOLD, (LISTED, SILENT, ABSENT), "ok", None),
    ("sound, the other lost", shapes.TOLD, (LISTED, ABSENT, SERVFAIL), "ok", None),
    ("several codes at the point", shapes.TOLD, (answer("127.0.0.2", "127.0.0.4"), ABSENT, ABSENT), "ok", None),
    ("nothing answers", shapes.TOLD, (SILENT, SILENT, SILENT), "failed", "timeout"),
    ("SERVFAIL", shapes.TOLD, (SERVFAIL, SERVFAIL, SERVFAIL), "failed", "servfail"),
    ("REFUSED", shapes.TOLD, (REFUSED, REFUSED, REFUSED), "failed", "refused"),
    ("truncated", shapes.TOLD, (answer("127.0.0.2", truncated=True), ABSENT, ABSENT), "failed", "truncated"),
    ("the listed point is lost", shapes.TOLD, (SILENT, ABSENT, ABSENT), "failed", "timeout"),
    ("nothing shows that it does not list the world", shapes.TOLD, (LISTED, SILENT, SILENT), "failed", "timeout"),
    ("turned away", shapes.TOLD, (TURNED, TURNED, TURNED), "failed", "resolver-refused"),
    ("turned away on what is not listed", shapes.TOLD, (LISTED, ABSENT, TURNED), "failed", "resolver-refused"),
    ("turned away once", shapes.TOLD, (TURNED, ABSENT, ABSENT), "failed", "resolver-refused"),
    ("turned away by the error bit", shapes.BITS, (ONE, ONE, ONE), "failed", "resolver-refused"),
    ("lists the world", shapes.TOLD, (LISTED, LISTED, LISTED), "failed", "list-broken"),
    ("lists the random one", shapes.TOLD, (LISTED, ABSENT, LISTED), "failed", "list-broken"),
    ("lists what it never lists", shapes.TOLD, (LISTED, LISTED, ABSENT), "failed", "list-broken"),
    ("lists the world, with a code of its own", shapes.TOLD, (LISTED, UNKNOWN, UNKNOWN), "failed", "list-broken"),
    ("lists the world, point lost", shapes.TOLD, (SILENT, LISTED, LISTED), "failed", "list-broken"),
    ("an assumed list of the world", shapes.BARE, (LISTED, LISTED, LISTED), "failed", "list-broken"),
    ("everybody is 127.0.0.1", shapes.BARE, (ONE, ONE, ONE), "failed", "list-broken"),
    ("empty", shapes.TOLD, (ABSENT, ABSENT, ABSENT), "failed", "list-broken"),
    ("empty, point only assumed", shapes.BARE, (ABSENT, ABSENT, ABSENT), "untested", None),
    ("no such name, and yet an address", shapes.TOLD, (answer("127.0.0.2", rcode=3), ABSENT, ABSENT), "failed", "list-broken"),
    ("parked", shapes.TOLD, (PARKED, PARKED, PARKED), "failed", "not-loopback"),
    ("parked, by the RFC alone", shapes.BARE, (PARKED, PARKED, PARKED), "failed", "not-loopback"),
    ("a resolver that invents answers", shapes.TOLD, (LISTED, PARKED, PARKED), "failed", "not-loopback"),
    ("an unknown code at the point", shapes.TOLD, (UNKNOWN, ABSENT, ABSENT), "failed", "unknown-code"),
    ("an unknown code, point only assumed", shapes.EXACT, (UNKNOWN, ABSENT, ABSENT), "untested", None),
    ("a list of bogons", shapes.BOGONS, (LISTED, None, None), "ok", None),
    ("an empty list of bogons", shapes.BOGONS, (ABSENT, None, None), "failed", "list-broken"),
    # lists with odd answers
    ("127.0.0.1 is a good sender", shapes.WHITE_ONE, (LISTED, ONE, ABSENT), "ok", None),
    ("everybody is a good sender", shapes.WHITE_ONE, (LISTED, ONE, ONE), "failed", "list-broken"),
    ("the point gives what else is an error", shapes.GIVES, (answer("127.0.10.0"), ABSENT, ABSENT), "ok", None),
    ("but not so for others", shapes.GIVES, (answer("127.0.10.0"), answer("127.0.10.0"), ABSENT), "failed", "resolver-refused"),
    ("an allow list", shapes.GOOD, (LISTED, ABSENT, ABSENT), "ok", None),
    ("an allow list of the world", shapes.GOOD, (LISTED, LISTED, ABSENT), "failed", "list-broken"),
]  # fmt: skip


def asked(
    entry: ListEntry, given: tuple[Answer, Answer | None, Answer | None], kind: AskKind = "ipv4"
) -> dict[Point, Answer]:
    found = points(entry, kind)
    order: tuple[Wants, ...] = ("listed", "absent", "random")
    pairs = zip(order, given, strict=True)
    return {found[wants]: a for wants, a in pairs if a is not None}


@pytest.mark.parametrize(
    ("entry", "given", "state", "cause"), [r[1:] for r in RULES], ids=[r[0] for r in RULES]
)
def test_what_the_points_prove(
    entry: ListEntry,
    given: tuple[Answer, Answer | None, Answer | None],
    state: Health,
    cause: UnknownCause | None,
) -> None:
    record = judge(entry, asked(entry, given), AT)
    assert (record.state, record.cause, record.at) == (state, cause, AT)
    assert (record.detail is None) == (state == "ok")
    if record.detail is not None:
        assert set(record.detail) == {"ja", "en"}
        for text in record.detail.values():
            assert "{" not in text


@pytest.mark.parametrize("kind", ["ipv6", "domain"])
def test_other_kinds_are_proved_alike(kind: AskKind) -> None:
    for entry in (shapes.BARE, shapes.TOLD):
        assert judge(entry, asked(entry, (LISTED, ABSENT, ABSENT), kind), AT).state == "ok"
        assert judge(entry, asked(entry, (LISTED, ABSENT, LISTED), kind), AT).state == "failed"


def test_the_order_of_the_answers_means_nothing() -> None:
    given = asked(shapes.TOLD, (SILENT, LISTED, PARKED))
    backwards = dict(reversed(given.items()))
    assert judge(shapes.TOLD, given, AT) == judge(shapes.TOLD, backwards, AT)


def test_without_any_answer_nothing_is_proved() -> None:
    assert judge(shapes.TOLD, {}, AT).state == "untested"


def test_the_proof_names_the_point_and_the_way_to_know_more() -> None:
    empty = asked(shapes.TOLD, (ABSENT, ABSENT, ABSENT))
    by_resolver = judge(shapes.TOLD, empty, AT).detail
    direct = judge(shapes.TOLD, empty, AT, direct=True).detail
    assert by_resolver and direct
    for text in by_resolver.values():
        assert "127.0.0.2" in text and "--direct" in text
    for text in direct.values():
        assert "127.0.0.2" in text and "--direct" not in text
    world = judge(shapes.TOLD, asked(shapes.TOLD, (LISTED, ABSENT, LISTED)), AT).detail
    assert world and all("192.0.2." in text for text in world.values())


def test_a_key_is_offered_to_whoever_has_none() -> None:
    turned = asked(shapes.KEYED, (TURNED, TURNED, TURNED))
    without = judge(shapes.KEYED, turned, AT).detail
    keyed = judge(shapes.KEYED, turned, AT, keyed=True).detail
    assert without and "acme-dq" in without["en"]
    assert keyed and "acme-dq" not in keyed["en"]


@given(lists, st.sampled_from(KINDS), st.tuples(answers, answers, answers))
def test_any_answers_give_a_sound_record(
    entry: ListEntry, kind: AskKind, given: tuple[Answer, Answer, Answer]
) -> None:
    ask = entry.ask
    assert ask is not None
    found: Mapping[Point, Answer] = dict(
        zip(questions(ask, kind, random.Random(1)), given, strict=False)
    )
    record = judge(entry, found, AT)
    assert (record.state == "failed") == (record.cause is not None)
    if record.state == "failed":
        assert record.detail and all(record.detail.values())
    if record.state == "ok":
        by = {p.wants: a for p, a in found.items()}
        assert by["listed"].addresses and by["listed"].rcode == 0
        others = [a for p, a in found.items() if p.wants != "listed"]
        assert not others or any(a.rcode in {0, 3} for a in others)
        assert "random" not in by or not by["random"].addresses or by["random"].rcode != 0


@given(lists, st.tuples(answers, answers, answers), answers, st.sampled_from([V4, V6, NAME]))
def test_a_list_that_fails_its_test_never_says_listed_or_not(
    entry: ListEntry, given: tuple[Answer, Answer, Answer], got: Answer, subject: object
) -> None:
    assert entry.ask is not None
    found = dict(zip(questions(entry.ask, "ipv4", random.Random(1)), given, strict=False))
    record: HealthRecord = judge(entry, found, AT)
    if record.state == "failed":
        finding = Judge(entry, shapes.DESKS, "ja").finding(V4, got, record)
        assert (finding.state, finding.cause) == ("unknown", record.cause)
