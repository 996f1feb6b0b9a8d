"""What an answer changes in the history of an identity, and what it must not change."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lists.keeping import NOW, ZEN, finding
from todoku.lists.history import FORGOTTEN, Seen, Standing, after, first_seen, rfc3339
from todoku.lists.kept import Kept
from todoku.model import Subject

SUBJECT = Subject("ip", "192.0.2.1")
AT = (SUBJECT, ZEN)
DAY = 86_400.0


@pytest.fixture
def kept() -> Iterator[Kept]:
    with Kept.open(None) as kept:
        yield kept


def test_since_when_it_is_listed(kept: Kept) -> None:
    assert kept.record([finding(at=NOW)], NOW) == {AT: rfc3339(NOW)}
    later = finding(at=NOW + DAY)
    assert first_seen(kept.standings([SUBJECT])[AT], later) == rfc3339(NOW), "before it is kept"
    assert kept.record([later], NOW + DAY) == {AT: rfc3339(NOW)}
    standing = kept.standings([SUBJECT])[AT]
    assert (standing.first_seen, standing.last_seen) == (NOW, NOW + DAY)
    assert [c.change for c in kept.history()] == ["listed"]


def test_a_listing_that_ends_and_one_that_begins_anew(kept: Kept) -> None:
    for day, state in enumerate(["listed", "not-listed", "not-listed", "listed"]):
        at = NOW + day * DAY
        kept.record([finding(state=state, at=at, text=f"day {day}")], at)  # type: ignore[arg-type]
    changes = list(kept.history(SUBJECT))
    assert [(c.change, c.at, c.first_seen) for c in changes] == [
        ("listed", NOW, NOW),
        ("gone", NOW + DAY, NOW),
        ("listed", NOW + 3 * DAY, NOW + 3 * DAY),
    ]
    assert changes[1].codes == ("127.0.0.2",), "what it was that is gone"
    assert changes[1].text == "day 0"
    assert first_seen(kept.standings([SUBJECT])[AT], finding()) == rfc3339(NOW + 3 * DAY)


def test_an_unknown_does_not_end_a_listing(kept: Kept) -> None:
    kept.record([finding()], NOW)
    assert kept.record([finding(state="unknown", at=NOW + 60)], NOW + 60) == {}
    standing = kept.standings([SUBJECT])[AT]
    assert standing.state == "listed"
    assert (standing.asked_state, standing.asked_at) == ("unknown", NOW + 60)
    assert first_seen(standing, finding(state="unknown")) is None
    assert kept.record([finding(at=NOW + 90)], NOW + 90) == {AT: rfc3339(NOW)}
    assert len(list(kept.history())) == 1


def test_other_codes_are_a_change_and_an_error_among_them_is_none(kept: Kept) -> None:
    kept.record([finding(codes=("127.0.0.2",))], NOW)
    both = ("127.0.0.2", "127.255.255.254")
    kept.record([finding(at=NOW + 1, codes=both, partial=True)], NOW + 1)
    assert [c.change for c in kept.history()] == ["listed"]
    kept.record([finding(at=NOW + 2, codes=("127.0.0.2", "127.0.0.4"))], NOW + 2)
    (_, change) = kept.history()
    assert (change.change, change.codes) == ("changed", ("127.0.0.2", "127.0.0.4"))
    assert change.first_seen == NOW


def test_where_nothing_was_asked_nothing_is_written(kept: Kept) -> None:
    """A list without a key, one that is dead: no answer, so no "last asked"."""
    kept.record([finding(state="unknown", asked=None)], NOW)
    assert kept.standings([SUBJECT]) == {}


def test_a_kept_answer_says_nothing_new(kept: Kept) -> None:
    kept.record([finding(at=NOW)], NOW)
    kept.record([finding(at=NOW)], NOW + 200)
    assert kept.standings([SUBJECT])[AT].last_seen == NOW
    assert len(list(kept.history())) == 1


def test_an_answer_that_comes_late_does_not_undo_a_later_one(kept: Kept) -> None:
    """Two processes: what was asked first is written last."""
    kept.record([finding(at=NOW)], NOW)
    kept.record([finding(state="not-listed", at=NOW + 60)], NOW + 60)
    kept.record([finding(at=NOW + 30)], NOW + 61)
    assert kept.standings([SUBJECT])[AT].state == "not-listed"
    assert [c.change for c in kept.history()] == ["listed", "gone"]


def test_a_clock_that_was_ahead_does_not_stop_history(kept: Kept) -> None:
    kept.record([finding(at=NOW + 400 * DAY)], NOW + 400 * DAY)
    kept.record([finding(state="not-listed", at=NOW)], NOW)
    standing = kept.standings([SUBJECT])[AT]
    assert (standing.state, standing.asked_at) == ("not-listed", NOW)


def test_several_answers_about_one_in_one_go(kept: Kept) -> None:
    states = ["listed", "not-listed", "listed", "listed"]
    findings = [finding(state=s, at=NOW + n) for n, s in enumerate(states)]  # type: ignore[arg-type]
    assert kept.record(findings, NOW + 9) == {AT: rfc3339(NOW + 2)}
    assert [c.change for c in kept.history()] == ["listed", "gone", "listed"]


def test_history_of_one_identity_and_since_a_time(kept: Kept) -> None:
    kept.record([finding("192.0.2.1", at=NOW), finding("192.0.2.2", at=NOW + 5)], NOW + 5)
    kept.record([finding("192.0.2.1", at=NOW + 3, list_id="psbl")], NOW + 5)
    assert [(c.identity.value, c.list) for c in kept.history()] == [
        ("192.0.2.1", ZEN), ("192.0.2.1", "psbl"), ("192.0.2.2", ZEN),
    ]  # fmt: skip
    assert [c.list for c in kept.history(SUBJECT)] == [ZEN, "psbl"]
    assert [c.list for c in kept.history(SUBJECT, NOW + 1)] == ["psbl"]
    assert list(kept.history(Subject("domain", "192.0.2.1"))) == []


def test_what_never_was_listed_is_forgotten_and_what_was_is_not(kept: Kept) -> None:
    kept.record([finding("192.0.2.1"), finding("192.0.2.2", "not-listed")], NOW)
    kept.record([], NOW + FORGOTTEN + 1)
    assert list(kept.standings([SUBJECT, Subject("ip", "192.0.2.2")])) == [AT]


# ── the pure rule ─────────────────────────────────────────────────────────────────────────────

answers = st.builds(
    Seen,
    state=st.sampled_from(["listed", "not-listed", "unknown"]),
    at=st.integers(0, 30).map(float),
    codes=st.sampled_from([("127.0.0.2",), ("127.0.0.2", "127.0.0.4")]),
    partial=st.booleans(),
)


def _after_all(found: list[Seen]) -> tuple[Standing | None, list[str]]:
    standing: Standing | None = None
    changes: list[str] = []
    for one in found:
        standing, change = after(standing, one, 100.0)
        changes += [change] if change else []
    return standing, changes


@given(st.lists(answers, max_size=30))
def test_a_listing_begins_before_it_changes_or_ends(found: list[Seen]) -> None:
    _, changes = _after_all(sorted(found, key=lambda s: s.at))
    listed = False
    for change in changes:
        assert (change == "listed") is not listed
        listed = change != "gone"


@given(st.lists(answers, min_size=1, max_size=30))
def test_unknown_answers_could_as_well_be_left_out(found: list[Seen]) -> None:
    standing, changes = _after_all(found)
    known, same_changes = _after_all([one for one in found if one.state != "unknown"])
    assert changes == same_changes
    assert standing is not None
    assert standing[:6] == (known[:6] if known else (None, None, None, None, (), None))


@given(st.lists(answers, min_size=1, max_size=12, unique_by=lambda s: s.at), st.randoms())
def test_the_order_of_writing_does_not_matter_for_how_it_stands(
    found: list[Seen], chance: random.Random
) -> None:
    in_order, _ = _after_all(sorted(found, key=lambda s: s.at))
    mixed = list(found)
    chance.shuffle(mixed)
    standing, _ = _after_all(mixed)
    assert in_order is not None and standing is not None
    assert (standing.state, standing.known_at) == (in_order.state, in_order.known_at)
    assert (standing.asked_state, standing.asked_at) == (in_order.asked_state, in_order.asked_at)
    if standing.state == "listed":
        assert standing.first_seen is not None and standing.last_seen is not None
        assert standing.first_seen <= standing.last_seen


@given(answers, answers)
def test_the_same_answer_twice_is_one(first: Seen, second: Seen) -> None:
    standing, _ = after(after(None, first, 100.0)[0], second, 100.0)
    assert after(standing, second, 100.0) == (standing, None)
