"""How many questions a list may be asked, as arithmetic: a token bucket for the rate, a count for
the day (UTC). Pure; `kept` stores a `Budget` and lets all processes share it.

Processes lease small blocks of questions. For any series of leases, by however many processes,
whose clocks go forward:

- between two moments t seconds apart at most `burst + per_second * t` questions are granted;
- on one day at most `per_day`;
- what is given back may be granted again, and both still hold of what was spent.

A lease is to be spent at once: who holds it for h seconds moves its questions by h.

A clock that goes backwards never grants more than the burst at once, nor forgets what was used.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

PER_SECOND: Final = 5.0
"""Where the knowledge names no rate."""
BURST_SECONDS: Final = 10.0
LEAST_BURST: Final = 20
"""After a rest a list may be asked this many seconds' worth at once, and never fewer than so many:
one address at a list takes up to six questions, three of them for its health."""
BLOCK_SECONDS: Final = 2.0
"""Who has to wait waits for this many seconds' worth, so that the account is not asked for every
question."""
SPARED: Final = 0.2
SPARED_TODAY: Final = 0.01
"""Shares of the burst and of the day that a sweep leaves to single identities: a person who asks
while a sweep runs is answered."""
CLOCK_STEP: Final = 60.0
"""Seconds. Processes read the clock, then wait for the database: times arrive out of order by
less than this. A clock that is further back was set."""
DAY: Final = 86_400


class Limit(NamedTuple):
    """What a list allows. `per_second` > 0, also below 1; `per_day` `None`: no daily limit."""

    per_day: int | None = None
    per_second: float = PER_SECOND

    @property
    def burst(self) -> float:
        return max(self.per_second * BURST_SECONDS, LEAST_BURST)


class Budget(NamedTuple):
    """The state of one account."""

    day: int
    """Days since 1970-01-01 UTC."""
    used: int
    """Questions of that day."""
    level: float
    """Questions that may be sent at once."""
    at: float
    """The time (Unix) at which `level` held."""


class Lease(NamedTuple):
    """An answer to "may I send `wanted` questions?"."""

    granted: int
    wait_until: float | None
    """Fewer than wanted: when more will be there (Unix time)."""
    exhausted_until: float | None
    """The day's questions are used up until then."""
    day: int
    at: float


def opened(limit: Limit, now: float) -> Budget:
    """An account that nobody used before."""
    return Budget(_day(now), 0, limit.burst, now)


def refilled(budget: Budget, limit: Limit, now: float) -> Budget:
    """The account at this time, before anything is taken."""
    day, used, level, at = budget
    today = _day(now)
    if today > day:
        day, used = today, 0
    elif today < day - 1:
        day = today  # the clock was more than a day ahead: what it counted is not forgotten
    if now > at:
        level += (now - at) * limit.per_second
        at = now
    elif now < at - CLOCK_STEP:
        at = now
    return Budget(day, used, min(level, limit.burst), at)


def lease(
    budget: Budget | None, limit: Limit, wanted: int, now: float, *, sweep: bool = False
) -> tuple[Budget, Lease]:
    """Grant up to `wanted` questions. `sweep`: leave some to single identities (`SPARED`)."""
    held = opened(limit, now) if budget is None else refilled(budget, limit, now)
    left = wanted
    if limit.per_day is not None:
        spared_today = math.ceil(limit.per_day * SPARED_TODAY) if sweep else 0
        left = min(wanted, max(limit.per_day - spared_today - held.used, 0))
    spared = limit.burst * SPARED if sweep else 0.0
    granted = max(min(left, math.floor(held.level - spared)), 0)
    level = held.level - granted
    wait_until = exhausted_until = None
    if granted < left:
        awaited = spared + min(left - granted, max(limit.per_second * BLOCK_SECONDS, 1.0))
        # A millisecond more than reckoned: floating point must not leave it a hair below.
        wait_until = held.at + max(awaited - level, 0.0) / limit.per_second + 0.001
    elif granted < wanted:
        exhausted_until = float((held.day + 1) * DAY)
    after = held._replace(used=held.used + granted, level=level)
    return after, Lease(granted, wait_until, exhausted_until, held.day, held.at)


def give_back(budget: Budget, limit: Limit, lent: Lease, unused: int, now: float) -> Budget:
    """Take back questions of a lease that were not sent. What the bucket gained meanwhile is held
    against them: had they never been taken, a full bucket would not have gained it."""
    held = refilled(budget, limit, now)
    unused = max(min(unused, lent.granted), 0)
    gained = abs(held.at - lent.at) * limit.per_second
    return held._replace(
        used=max(held.used - unused, 0) if held.day == lent.day else held.used,
        level=min(held.level + max(unused - gained, 0.0), limit.burst),
    )


class Duration(NamedTuple):
    seconds: float
    days: int
    """Over how many days (UTC) it spreads, this one included."""


def duration(
    budget: Budget | None, limit: Limit, wanted: int, now: float, *, sweep: bool = False
) -> Duration:
    """How long it takes to be granted so many questions, if nobody else asks."""
    held = opened(limit, now) if budget is None else refilled(budget, limit, now)
    spared = limit.burst * SPARED if sweep else 0.0
    level, full = held.level - spared, limit.burst - spared
    left, at, days = float(wanted), now, 1
    if limit.per_day is not None:
        daily = max(limit.per_day - (math.ceil(limit.per_day * SPARED_TODAY) if sweep else 0), 1)
        today = daily - held.used
        while True:
            midnight = float((held.day + days) * DAY)
            gained = level + (midnight - at) * limit.per_second
            granted = max(min(today, gained), 0.0)
            if granted >= left:
                break
            left -= granted
            level, at, today = min(gained - granted, full), midnight, daily
            days += 1
    return Duration(at - now + max(left - level, 0.0) / limit.per_second, days)


def _day(now: float) -> int:
    return math.floor(now / DAY)
