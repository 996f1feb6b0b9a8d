"""A stated 80 % is right in 80 % of worlds that are as the model has them, and what breaks it is known."""

from __future__ import annotations

import pytest

from tests.partners.simulated import ASSUMED, OTHERS, World, measure


def test_a_stated_range_holds() -> None:
    """Quick: fewer worlds, so wider bounds than ± 5 (three standard errors)."""
    f = measure(World(partners=40, gateways=6, episodes=3), range(50))
    assert f.told == 1.0
    assert 0.63 <= f.within <= 0.97
    assert 0.85 <= f.ratio <= 1.15


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in ASSUMED if n != "many partners"])
def test_a_stated_80_is_right_80_plus_minus_5(name: str) -> None:
    f = measure(ASSUMED[name], range(300))
    assert 0.73 <= f.within <= 0.87  # ± 5, and a standard error
    part = [c for c in f.chances if 0.7 <= c[0] < 0.9]
    n = sum(k for *_, k in part)
    told = sum(c * k for c, _, k in part) / n
    used = sum(u * k for _, u, k in part) / n
    assert abs(told - used) <= 0.05


@pytest.mark.slow
def test_what_docs_say_of_failures_is_so() -> None:
    quiet = measure(OTHERS["most never name the list"], range(60))
    assert quiet.above > 0.7  # too low, as docs/forecast.md says
    partial = measure(OTHERS["half the customers let half the mail through"], range(60))
    assert 0.9 <= partial.ratio <= 1.1
