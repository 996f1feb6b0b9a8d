"""Months of mail to one receiver, simulated: what early warning meets, and what its model does not
assume. `scripts/early_warning.py` measures on them, `test_warning_worlds.py` holds the figures."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final

from todoku.logs.change import look
from todoku.logs.daily import Day

DAYS: Final = 70
BEGIN: Final = 35
"""The first day that is looked at; from here worlds with a block change."""
RHYTHM: Final = (1.0, 1.1, 1.0, 0.95, 0.9, 0.25, 0.2)
"""Mail by day of the week; day 4 is a Monday, as 1970-01-05 was."""

World = Callable[[random.Random, int, float, float], tuple[float, float]]
"""Volume and share of a day of a world with so many mails a day, and that share."""


def poisson(rng: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    n, left = 0, math.exp(-mean)
    p = rng.random()
    while p > left:
        p *= rng.random()
        n += 1
    return n


def binomial(rng: random.Random, n: int, p: float) -> int:
    p = min(max(p, 0.0), 1.0)
    if n * p * (1 - p) > 50:
        return min(n, max(0, round(rng.gauss(n * p, math.sqrt(n * p * (1 - p))))))
    return sum(rng.random() < p for _ in range(n))


def weekday(day: int) -> int:
    return (day - 4) % 7


def beta(rng: random.Random, mean: float, correlation: float) -> float:
    weight = 1 / correlation - 1
    return rng.betavariate(mean * weight, (1 - mean) * weight)


def quiet(_rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    return mails * RHYTHM[weekday(day)], share


def flat(_rng: random.Random, _day: int, mails: float, share: float) -> tuple[float, float]:
    return mails, share


def growing(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    n, p = quiet(rng, day, mails, share)
    return n * (0.5 + 2.5 * day / DAYS), p


def rhythm(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    """Four times the share at weekends, when newsletters are most of what is sent."""
    n, p = quiet(rng, day, mails, share)
    return n, p * 4 if weekday(day) >= 5 else p


def overdispersed(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    n, p = quiet(rng, day, mails, share)
    return n * rng.lognormvariate(0, 0.4), beta(rng, p, 0.03)


def sticky(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    """Bad days come in rows: the share wanders round its mean, half of it from day to day."""
    walk = getattr(rng, "walk", 0.0)
    walk = 0.7 * walk + rng.gauss(0, 0.35)
    rng.walk = walk  # type: ignore[attr-defined]
    n, p = quiet(rng, day, mails, share)
    return n, p * math.exp(walk)


def holidays(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    """Five days on which only machines send, and are refused twice as often."""
    n, p = quiet(rng, day, mails, share)
    return (mails * 0.15, p * 2) if 50 <= day < 55 else (n, p)


def burst(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    """One customer's mailing on one day: as much again, of which a fifth is refused."""
    n, p = quiet(rng, day, mails, share)
    return (n + mails, (n * p + mails * 0.2) / (n + mails)) if day == 52 else (n, p)


def sudden(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    n, p = quiet(rng, day, mails, share)
    return n, 0.9 if day >= BEGIN + 7 else p


def half(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    """One of four hosts, or one of four own addresses: a quarter of the mail is refused."""
    n, p = quiet(rng, day, mails, share)
    return n, 0.25 + 0.75 * p if day >= BEGIN + 7 else p


def slow(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    """Two points more each day."""
    n, p = quiet(rng, day, mails, share)
    return n, min(0.95, p + 0.02 * max(0, day - BEGIN - 6))


def slower(rng: random.Random, day: int, mails: float, share: float) -> tuple[float, float]:
    """Half a point more each day."""
    n, p = quiet(rng, day, mails, share)
    return n, min(0.95, p + 0.005 * max(0, day - BEGIN - 6))


CALM: Final[dict[str, World]] = {
    "quiet": quiet, "no rhythm": flat, "growing": growing, "weekly rhythm of the share": rhythm,
    "overdispersed": overdispersed, "bad days in rows": sticky, "holidays": holidays,
    "one customer's burst": burst,
}  # fmt: skip
BLOCKED: Final[dict[str, World]] = {
    "sudden block": sudden, "a quarter is refused": half, "slow poisoning, 2 points a day": slow,
    "slow poisoning, half a point a day": slower,
}  # fmt: skip


def month(world: World, seed: int, mails: float, share: float) -> list[Day]:
    rng = random.Random(seed)
    days = []
    for day in range(DAYS):
        mean, p = world(rng, day, mails, share)
        n = poisson(rng, mean)
        days.append(Day(day, n, binomial(rng, n, p)))
    return days


def alarms(days: list[Day]) -> list[int]:
    """The days on which an alarm begins, looked at each evening; an alarm that lasts is one."""
    found, on = [], False
    for today in range(BEGIN, DAYS):
        rise = look(days[: today + 1], today).rise
        if rise is not None and not on:
            found.append(today)
        on = rise is not None
    return found
