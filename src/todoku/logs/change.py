"""Has a receiver's refusal share risen above its own past? Pure arithmetic over days.

The last day, and the last seven days, are held against the four weeks before these seven. A day's
share is taken for drawn from a beta distribution round the usual share, as wide as the past was;
refused mails for drawn from it: so their number is beta-binomial. A rise is told where so many
refusals, or more, had a chance below `CHANCE`, and where it is large enough to matter.

- A weekly rhythm: the last day is held against the greater of the past's share and the share of its
  own day of the week, and must exceed every day of the past; seven days hold each day once.
- Bad days that are no block: the past's own spread, and never less than `SPREAD`, widens what is
  usual.
- What cannot be told yet is `None`: less than `LEAST_DAYS` days or `LEAST_MAILS` mails of past.

docs/early-warning.md has the false alarms and the delay, measured on simulated months.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from todoku.logs.daily import Day

PAST: Final = 28
WEEK: Final = 7
LEAST_DAYS: Final = 7
LEAST_MAILS: Final = 50
LEAST_REFUSED: Final = 5
CHANCE: Final = 1e-4
"""Of a false alarm, for each of the two tests."""
SPREAD: Final = 0.005
"""Least correlation of mails of one day: at a usual share of 5 % a day is off by 1.5 points."""
TIMES: Final = 1.5
POINTS: Final = 0.02
"""What matters: a share so many times the usual one, and so much above it."""
_SHARES: Final = 20
"""Mails of a day that has a share of its own."""


class Rise(NamedTuple):
    """A share that rose."""

    span: Literal["day", "week"]
    since: int
    """The first day of the rise."""
    mails: int
    refused: int
    """Of the day or the seven days."""
    usual: float
    chance: float


class Looked(NamedTuple):
    """What came of looking at one receiver. `known` is false where its past is too short."""

    known: bool
    rise: Rise | None = None


class _Usual(NamedTuple):
    """A beta distribution by its mean and its concentration."""

    share: float
    weight: float


def look(days: Sequence[Day], today: int) -> Looked:
    """One receiver's days, in any order, as they stand at the end of `today`."""
    past = [d for d in days if today - WEEK - PAST < d.day <= today - WEEK and d.mails]
    if len(past) < LEAST_DAYS or sum(d.mails for d in past) < LEAST_MAILS:
        return Looked(known=False)
    week = [d for d in days if today - WEEK < d.day <= today and d.mails]
    spread = _spread(past)
    found = None
    for span, now in (("day", [d for d in week if d.day == today]), ("week", week)):
        found = found or _rise(span, now, past, spread)  # type: ignore[arg-type]
    if found is None:
        return Looked(known=True)
    return Looked(known=True, rise=found._replace(since=_since(week, found.usual)))


def _rise(
    span: Literal["day", "week"], now: Sequence[Day], past: Sequence[Day], spread: float
) -> Rise | None:
    mails, refused = sum(d.mails for d in now), sum(d.refused for d in now)
    if refused < LEAST_REFUSED:
        return None
    usual = _usual(past, spread)
    if span == "day":
        same = [d for d in past if (d.day - now[0].day) % WEEK == 0]
        if len(same) > 1:
            usual = max(usual, _usual(same, spread))
        worst = max((d.refused / d.mails for d in past if d.mails >= _SHARES), default=0.0)
        if refused / mails <= worst:
            return None
    share = refused / mails
    if share < TIMES * usual.share or share < usual.share + POINTS:
        return None
    chance = tail(refused, mails, usual.share, _weight(now, usual.weight, spread))
    return Rise(span, now[0].day, mails, refused, usual.share, chance) if chance < CHANCE else None


def _usual(past: Sequence[Day], spread: float) -> _Usual:
    """The share of the past, and how well it is known: how many independent mails it stands for."""
    mails, refused = sum(d.mails for d in past), sum(d.refused for d in past)
    share = (refused + 0.5) / (mails + 1)
    alone = sum(d.mails / (1 + (d.mails - 1) * spread) for d in past)
    return _Usual(share, alone + 1)


def _weight(now: Sequence[Day], known: float, spread: float) -> float:
    """Concentration of the share of these days: their own spread, and the doubt about the past."""
    mails = sum(d.mails for d in now)
    if mails < 2:
        return known
    own = sum(d.mails * (d.mails - 1) for d in now) * spread / (mails * (mails - 1))
    return max(1 / (own + 1 / (known + 1)) - 1, 1.0)


def _spread(past: Sequence[Day]) -> float:
    """Correlation of the mails of one day, by the method of moments."""
    mails = sum(d.mails for d in past)
    share = (sum(d.refused for d in past) + 0.5) / (mails + 1)
    seen = sum(d.mails * (d.refused / d.mails - share) ** 2 for d in past) / (share * (1 - share))
    free = sum(1 - d.mails / mails for d in past)
    more = sum((1 - d.mails / mails) * (d.mails - 1) for d in past)
    return min(max((seen - free) / more, SPREAD), 0.5) if more > 0 else SPREAD


def _since(week: Sequence[Day], usual: float) -> int:
    """The first of the last days that were all above what is usual."""
    days = sorted(week, reverse=True)
    since = days[0].day
    for d in days:
        if d.refused / d.mails < max(TIMES * usual, usual + POINTS):
            break
        since = d.day
    return since


def tail(x: int, n: int, share: float, weight: float) -> float:
    """P(X >= x) of a beta-binomial number out of `n`, by mean and concentration."""
    a, b = share * weight, (1 - share) * weight
    if x <= n * share:
        return 1.0
    term = math.exp(
        math.lgamma(n + 1) - math.lgamma(x + 1) - math.lgamma(n - x + 1)
        + math.lgamma(x + a) + math.lgamma(n - x + b) - math.lgamma(n + a + b)
        + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    )  # fmt: skip
    total = 0.0
    for k in range(x, n + 1):
        total += term
        if term < total * 1e-9:
            break
        if k < n:
            term *= (n - k) * (k + a) / ((k + 1) * (n - k - 1 + b))
    return min(total, 1.0)
