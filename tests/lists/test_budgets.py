"""The arithmetic of budgets: never more than the operator allows, whoever asks and whenever."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.lists.budgets import (
    CLOCK_STEP,
    DAY,
    SPARED,
    Budget,
    Lease,
    Limit,
    give_back,
    lease,
)

NOON = 20_000 * DAY + DAY / 2
A_HAIR = 1e-3
"""Floating point: a thousandth of a question."""

limits = st.builds(
    Limit,
    per_day=st.none() | st.integers(1, 300),
    per_second=st.sampled_from([0.1, 0.3, 1.0, 3.3, 5.0, 10.0, 1000.0]),
)
steps = st.lists(st.tuples(st.floats(0, 40), st.integers(1, 80)), min_size=1, max_size=60)


def test_a_rested_list_gives_a_burst_then_its_rate() -> None:
    limit = Limit(per_second=5)
    budget, first = lease(None, limit, 500, NOON)
    assert first.granted == 50
    assert first.wait_until == pytest.approx(NOON + 2, abs=0.01)  # a block of two seconds
    budget, early = lease(budget, limit, 500, NOON + 1)
    assert early.granted == 5
    budget, on_time = lease(budget, limit, 500, NOON + 3.001)
    assert on_time.granted == 10
    _, later = lease(budget, limit, 500, NOON + 9000)
    assert later.granted == 50


def test_a_slow_list_may_still_be_asked_about_one_address_at_once() -> None:
    budget, first = lease(None, Limit(per_second=0.1), 50, NOON)
    assert first.granted == 20
    assert first.wait_until == pytest.approx(NOON + 10, abs=0.01)
    assert lease(budget, Limit(per_second=0.1), 50, NOON + 10.1)[1].granted == 1


def test_a_day_that_is_used_up_tells_when_the_next_begins() -> None:
    limit = Limit(per_day=30, per_second=5)
    budget, got = lease(None, limit, 100, NOON)
    assert got == Lease(30, None, 20_001 * DAY, 20_000, NOON)
    budget, none = lease(budget, limit, 1, 20_001 * DAY - 1)
    assert (none.granted, none.wait_until, none.exhausted_until) == (0, None, 20_001 * DAY)
    assert lease(budget, limit, 100, 20_001 * DAY + 0.5)[1].granted == 30


def test_what_was_asked_for_and_granted_needs_no_waiting() -> None:
    _, got = lease(None, Limit(per_day=30), 30, NOON)
    assert (got.granted, got.wait_until, got.exhausted_until) == (30, None, None)


def test_a_sweep_leaves_some_to_a_person() -> None:
    limit = Limit(per_day=1000, per_second=5)
    budget: Budget | None = None
    now, swept = NOON, 0
    while True:
        budget, got = lease(budget, limit, 64, now, sweep=True)
        swept += got.granted
        if got.exhausted_until:
            break
        assert lease(budget, limit, 6, now)[1].granted == 6, "at any moment of the sweep"
        assert got.wait_until is not None
        now = got.wait_until
    assert swept == 990
    assert lease(budget, limit, 64, now)[1].granted == 10
    assert SPARED * limit.burst >= 6


@given(limits, steps, st.booleans())
def test_never_more_than_the_burst_and_the_rate_in_any_span(
    limit: Limit, steps: list[tuple[float, int]], sweep: bool
) -> None:
    """All pairs of leases, and all days."""
    now, budget = NOON, None
    spent: list[tuple[float, int]] = []
    for pause, wanted in steps:
        now += pause
        budget, got = lease(budget, limit, wanted, now, sweep=sweep)
        assert 0 <= got.granted <= wanted
        assert (got.granted < wanted) == bool(got.wait_until or got.exhausted_until)
        spent.append((now, got.granted))
    _within(spent, limit)


@given(
    limits,
    st.lists(
        st.tuples(st.floats(0, 20), st.integers(1, 80), st.integers(0, 80)),
        min_size=1,
        max_size=40,
    ),
)
def test_the_same_of_what_was_spent_where_leases_are_handed_back(
    limit: Limit, steps: list[tuple[float, int, int]]
) -> None:
    """Each lease is spent at once but for a part, which is handed back when another has been taken
    meanwhile."""
    now, budget = NOON, None
    spent: list[tuple[float, int]] = []
    held: tuple[Lease, int] | None = None
    for pause, wanted, unspent in steps:
        now += pause
        budget, got = lease(budget, limit, wanted, now)
        unused = min(unspent, got.granted)
        spent.append((now, got.granted - unused))
        if held is not None:
            budget = give_back(budget, limit, *held, now)
        held = got, unused
    _within(spent, limit)


@given(limits, st.lists(st.floats(0, 0.7), min_size=2, max_size=40))
def test_who_waits_as_told_is_granted_something(limit: Limit, delays: list[float]) -> None:
    """To the moment: floating point leaves nobody a hair below a whole question."""
    now = NOON
    budget, _ = lease(None, limit, 20, now)
    for delay in delays:
        budget, got = lease(budget, limit, 40, now)
        until = got.wait_until or got.exhausted_until
        if until is not None:
            assert until > now
            _, next_one = lease(budget, limit, 40, until)
            assert next_one.granted > 0
        now += delay


@given(limits, st.lists(st.tuples(st.floats(-CLOCK_STEP, 30), st.integers(1, 80)), max_size=50))
def test_times_out_of_order_grant_nothing_more(
    limit: Limit, steps: list[tuple[float, int]]
) -> None:
    """Processes read their clocks before they get at the account: what counts is the latest."""
    latest = NOON
    budget, first = lease(None, limit, 1, NOON)
    spent = [(NOON, first.granted)]
    for offset, wanted in steps:
        now = latest + offset
        budget, got = lease(budget, limit, wanted, now)
        latest = max(latest, now)
        spent.append((latest, got.granted))
    _within(spent, limit)


@given(
    limits,
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 3.0, 100.0, DAY, 400.0 * DAY, -30.0, -3600.0, -DAY, -400 * DAY]),
            st.integers(1, 80),
        ),
        min_size=1,
        max_size=40,
    ),
)
def test_a_clock_that_is_set_never_opens_the_account(
    limit: Limit, steps: list[tuple[float, int]]
) -> None:
    """However the clock jumps: no more than a burst at once, what time went forward at the rate,
    and no more than a day's questions until a later day begins."""
    now, forward = NOON, 0.0
    budget, got = lease(None, limit, 1, now)
    granted = today = got.granted
    for jump, wanted in steps:
        now += jump
        forward += max(jump, 0.0)
        day = budget.day
        budget, got = lease(budget, limit, wanted, now)
        granted += got.granted
        assert granted <= limit.burst + limit.per_second * forward + A_HAIR
        today = got.granted if budget.day > day else today + got.granted
        if limit.per_day is not None:
            assert today <= limit.per_day
            assert budget.used == today
        assert -A_HAIR <= budget.level <= limit.burst


def test_a_clock_far_ahead_does_not_stop_a_list_for_years() -> None:
    limit = Limit(per_day=100)
    budget, _ = lease(None, limit, 50, NOON + 4000 * DAY)
    budget, got = lease(budget, limit, 50, NOON)
    assert got.granted == 0 and got.wait_until is not None
    assert got.wait_until < NOON + 3
    assert budget.used == 50, "what was asked under the wrong date is not forgotten"
    budget, got = lease(budget, limit, 80, NOON + 20)
    assert got.granted == 50


def test_an_hour_back_over_midnight_counts_each_day_once() -> None:
    limit = Limit(per_day=40)
    midnight = 20_000.0 * DAY
    budget, before = lease(None, limit, 40, midnight - 10)
    budget, after = lease(budget, limit, 30, midnight + 10)
    budget, again = lease(budget, limit, 40, midnight - 3590)
    budget, once_more = lease(budget, limit, 40, midnight + 15)
    assert before.granted == 40
    assert after.granted + again.granted + once_more.granted == 40


def test_what_is_handed_back_on_the_next_day_is_not_counted_there() -> None:
    limit = Limit(per_day=40)
    midnight = 20_000.0 * DAY
    budget, evening = lease(None, limit, 30, midnight - 0.5)
    budget, _ = lease(budget, limit, 10, midnight + 0.5)
    assert give_back(budget, limit, evening, 30, midnight + 1).used == 10


def test_what_is_handed_back_late_was_gained_meanwhile() -> None:
    """Had it never been taken, the bucket would have been full, and gained nothing."""
    limit = Limit(per_second=5)
    budget, held = lease(None, limit, 30, NOON)
    budget, got = lease(budget, limit, 50, NOON + 6)
    assert got.granted == 50
    budget = give_back(budget, limit, held, 30, NOON + 6)
    assert lease(budget, limit, 50, NOON + 6)[1].granted == 0
    budget, held = lease(budget, limit, 10, NOON + 8)
    budget = give_back(budget, limit, held, 10, NOON + 8)
    assert lease(budget, limit, 50, NOON + 8)[1].granted == 10, "at once, nothing is lost"


def test_a_rate_of_ones_own_shares_the_account() -> None:
    """`--rate` of one run neither lends to nor takes from the runs after it for longer than it
    lasts."""
    budget, _ = lease(None, Limit(per_second=1000), 100, NOON)
    budget, got = lease(budget, Limit(per_second=5), 500, NOON + 1)
    assert got.granted == 50


def _within(spent: list[tuple[float, int]], limit: Limit) -> None:
    for i in range(len(spent)):
        total = 0
        for at, granted in spent[i:]:
            total += granted
            assert total <= limit.burst + limit.per_second * (at - spent[i][0]) + A_HAIR
    if limit.per_day is not None:
        for _, of_day in itertools.groupby(spent, key=lambda s: s[0] // DAY):
            assert sum(granted for _, granted in of_day) <= limit.per_day
