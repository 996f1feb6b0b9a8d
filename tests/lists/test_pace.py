"""How fast a list is asked, and when it is left in peace."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from todoku.lists.pace import LOSSES, PAUSES, Granted, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Bank:
    """Leases from a fixed sum; `wait` is what it says when nothing is left."""

    def __init__(self, left: int, wait: float | None) -> None:
        self.left = left
        self.wait = wait
        self.given = 0

    def lease(self, wanted: int) -> Granted:
        got = min(wanted, self.left)
        self.left -= got
        self.given += got
        return Granted(got, self.wait if got < wanted else 0.0)

    def give_back(self, unused: int) -> None:
        self.left += unused
        self.given -= unused


def test_unlimited_gives_what_is_wanted() -> None:
    pace = Pace(None, None, Clock())
    assert pace.draw(1000, 100.0) == 1000
    assert pace.ready_at(100.0) == 100.0


@given(st.integers(0, 50), st.lists(st.integers(0, 20), max_size=30))
def test_never_more_than_was_leased_and_the_rest_goes_back(left: int, wants: list[int]) -> None:
    bank, clock = Bank(left, None), Clock()
    pace = Pace(bank.lease, bank.give_back, clock)
    sent = sum(pace.draw(n, clock()) for n in wants)
    assert sent <= left
    pace.close()
    assert bank.given == sent
    assert bank.left == left - sent


def test_a_used_up_day_ends_it() -> None:
    bank, clock = Bank(3, None), Clock()
    pace = Pace(bank.lease, bank.give_back, clock)
    assert pace.draw(5, clock()) == 3
    assert pace.draw(5, clock()) == 0
    assert pace.exhausted
    assert pace.ready_at(clock()) is None


def test_a_rate_makes_it_wait() -> None:
    bank, clock = Bank(2, 1.5), Clock()
    pace = Pace(bank.lease, bank.give_back, clock)
    assert pace.draw(5, clock()) == 2
    assert pace.draw(5, clock()) == 0
    assert pace.ready_at(clock()) == clock() + 1.5
    assert not pace.exhausted
    bank.left = 10
    clock.now += 1.5
    assert pace.draw(5, clock()) == 5


def test_a_list_that_is_silent_is_left_in_peace_then_tried_once_then_given_up() -> None:
    clock = Clock()
    pace = Pace(None, None, clock)
    for pause in PAUSES:
        for _ in range(LOSSES if pause == PAUSES[0] else 0):
            assert pace.ready_at(clock()) == clock()
            pace.silent()
        assert pace.ready_at(clock()) == clock() + pause
        assert pace.draw(1, clock()) == 0
        clock.now += pause
        assert pace.draw(64, clock()) == 1, "one question to see, after a pause"
        assert pace.draw(64, clock()) == 0
        assert pace.ready_at(clock()) is None
        pace.silent()
    assert pace.silenced
    assert pace.ready_at(clock()) is None


def test_questions_under_way_when_it_falls_silent_count_once() -> None:
    """64 questions lost together are one silence, not several pauses."""
    clock = Clock()
    pace = Pace(None, None, clock)
    for _ in range(64):
        pace.silent()
    assert pace.ready_at(clock()) == clock() + PAUSES[0]
    assert not pace.silenced


def test_an_answer_makes_good() -> None:
    clock = Clock()
    pace = Pace(None, None, clock)
    for _ in range(LOSSES - 1):
        pace.silent()
    pace.alive()
    pace.silent()
    assert pace.ready_at(clock()) == clock()


def test_whether_anything_was_asked_and_heard() -> None:
    pace = Pace(None, None, Clock())

    def told() -> tuple[bool, bool]:
        return pace.asked, pace.heard

    pace.draw(0, 0.0)
    assert told() == (False, False)
    pace.draw(1, 0.0)
    pace.silent()
    assert told() == (True, False)
    pace.alive()
    assert told() == (True, True)


def test_what_is_sent_again_counts() -> None:
    bank, clock = Bank(10, None), Clock()
    pace = Pace(bank.lease, bank.give_back, clock, block=1)
    assert pace.draw(4, clock()) == 4
    pace.spent(6)
    assert pace.draw(1, clock()) == 0
    pace.close()
    assert bank.left >= 0
