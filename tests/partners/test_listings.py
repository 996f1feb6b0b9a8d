"""When one was listed, from what `todoku check` kept: only what is certain."""

from __future__ import annotations

from typing import Literal

from todoku.lists.history import Change, Standing
from todoku.model import Subject
from todoku.partners.learning import Window
from todoku.partners.listings import present, windows

US = Subject("ip", "192.0.2.1")
DAY = 86_400.0


def change(at: float, what: Literal["listed", "changed", "gone"], first: float) -> Change:
    return Change(at, US, "zen", what, ("127.0.0.2",), None, first)


def standing(last: float | None, state: Literal["listed", "not-listed"] = "listed") -> Standing:
    return Standing(state, last, 5 * DAY, last, (), None, last or 0.0, state)


def test_an_open_listing_lasts_to_when_it_was_seen_last() -> None:
    told = windows([change(5 * DAY, "listed", 5 * DAY)], {(US, "zen"): standing(9 * DAY)})
    assert told == [Window("192.0.2.1", "zen", 5 * DAY, 9 * DAY)]


def test_of_one_that_ended_the_last_day_is_not_certain() -> None:
    ended = [change(5 * DAY, "listed", 5 * DAY), change(9 * DAY, "gone", 5 * DAY)]
    assert windows(ended, {}) == [Window("192.0.2.1", "zen", 5 * DAY, 8 * DAY)]
    soon = [change(5 * DAY, "listed", 5 * DAY), change(5.5 * DAY, "gone", 5 * DAY)]
    assert windows(soon, {}) == [Window("192.0.2.1", "zen", 5 * DAY, 5 * DAY)]
    seen = [change(5 * DAY, "listed", 5 * DAY), change(8.8 * DAY, "changed", 5 * DAY), change(9 * DAY, "gone", 5 * DAY)]  # fmt: skip
    assert windows(seen, {}) == [Window("192.0.2.1", "zen", 5 * DAY, 8.8 * DAY)]


def test_listed_again() -> None:
    changes = [change(1 * DAY, "listed", 1 * DAY), change(3 * DAY, "gone", 1 * DAY), change(7 * DAY, "listed", 7 * DAY)]  # fmt: skip
    told = windows(changes, {(US, "zen"): standing(8 * DAY)})
    assert told == [
        Window("192.0.2.1", "zen", 1 * DAY, 2 * DAY),
        Window("192.0.2.1", "zen", 7 * DAY, 8 * DAY),
    ]


def test_what_is_listed_now() -> None:
    found = {(US, "zen"): standing(8 * DAY), (US, "cop"): standing(8 * DAY, "not-listed")}
    assert [(i.value, list_) for i, list_, _ in present(found)] == [("192.0.2.1", "zen")]
