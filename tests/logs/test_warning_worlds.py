"""What docs/early-warning.md says of false alarms and delay, with fewer months."""

from __future__ import annotations

import pytest

from tests.logs import months

WORLDS = 40
CHANGE = months.BEGIN + 7


@pytest.mark.parametrize(("mails", "share"), [(30, 0.02), (300, 0.02), (300, 0.1)])
@pytest.mark.parametrize("name", ["quiet", "no rhythm", "growing", "weekly rhythm of the share"])
def test_no_false_alarms_where_nothing_changed(name: str, mails: int, share: float) -> None:
    world = months.CALM[name]
    found = [months.alarms(months.month(world, s, mails, share)) for s in range(WORLDS)]
    assert sum(map(len, found)) <= 2


@pytest.mark.parametrize("name", ["overdispersed", "holidays"])
def test_few_where_the_model_does_not_hold(name: str) -> None:
    world = months.CALM[name]
    found = [months.alarms(months.month(world, s, 300, 0.02)) for s in range(WORLDS)]
    assert sum(map(len, found)) <= WORLDS // 5


@pytest.mark.parametrize(
    ("name", "most"),
    [("sudden block", 0), ("a quarter is refused", 1), ("slow poisoning, 2 points a day", 6)],
)
def test_blocks_are_told_soon(name: str, most: int) -> None:
    for seed in range(WORLDS):
        found = months.alarms(months.month(months.BLOCKED[name], seed, 300, 0.02))
        told = [a for a in found if a >= CHANGE]
        assert told, seed
        assert told[0] - CHANGE <= most, seed
