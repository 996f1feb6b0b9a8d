"""How likely it is that a partner refuses mail because of a list. docs/forecast.md tells the model.

What a partner did in a week (`week`) is `named` (it refused and named the list) or `accepted` (it took mail
from an identity that was listed). Its use of the list is a state with two values that is lost slowly
(`HALF_LIFE`) towards the share of its gateway; the share of each gateway is drawn from a common one
of the list, whose place and width are unknown (`Shares`).
"""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from todoku.partners.values import WEEK, week_of

HALF_LIFE: Final = 730 / 7
"""Weeks after which what was seen of a partner counts for half."""
MISS: Final = 0.02
"""Chance that a partner who uses a list takes mail for a week all the same."""
SPREADS: Final = (0.5, 1.0, 2.0, 4.0, 8.0)
"""How alike gateways are: in so many customers of one, the common share weighs as much as they do."""
_SHARES: Final = tuple(1 - math.sqrt(1 - (n + 0.5) / 24) for n in range(24))
"""Common shares that are held to be equally likely: Beta(1, 2), fewer use a list than do not."""
SELF: Final = ""
"""The group of those who run their mail themselves, or of whom nobody knows who does."""


_NAMED: Final = 2
_TOLD: Final = 1


def week(number: int, *, named: bool, told: bool = True) -> int:
    """What a partner did about a list in one week, as one number that sorts by time. `named`: it named the
    list (else it accepted). `told`: at a time when it could have been either, so that it counts for the
    share of its gateway."""
    return number << 2 | named << 1 | told


def kept(weeks: float) -> float:
    """What of a sight is left after so many weeks."""
    return math.pow(2.0, -max(0.0, weeks) / HALF_LIFE)


def chance(weeks: Sequence[int], share: float, now: float) -> float:
    """That the partner uses the list at `now` (Unix time). `weeks`: in order, as `week` makes them;
    `share`: of its gateway."""
    p, last = share, None
    for seen in weeks:
        at = seen >> 2
        if last is not None:
            p = share + (p - share) * kept(at - last)
        p = 1.0 if seen & _NAMED else p * MISS / (p * MISS + 1.0 - p)
        last = at
    return share if last is None else share + (p - share) * kept(week_of(now) - last)


class Told(NamedTuple):
    """What customers of one gateway tell, in customers: how many use the list, and how many not."""

    yes: float = 0.0
    no: float = 0.0

    @property
    def seen(self) -> float:
        return self.yes + self.no


def says(weeks: Sequence[int], now: float) -> Told:
    """What one customer tells of its gateway, where it could have been seen either way; old sights count
    for less."""
    counted = [seen for seen in weeks if seen & _TOLD]
    if not counted:
        return Told()
    last = counted[-1] >> 2
    weight = kept(week_of(now) - last)
    uses = chance(counted, 0.5, float(last * WEEK)) >= 0.5
    return Told(weight, 0.0) if uses else Told(0.0, weight)


class Shares:
    """The shares of all gateways at one list, from what was seen of some of their customers.

    A gateway's share is Beta(k s, k (1 - s)): `s` the common share, `k` how alike gateways are. Both
    are unknown: each of the grid's pairs is weighed by how well it explains what was seen.
    """

    def __init__(self, groups: Mapping[str, Told]) -> None:
        self.groups = {g: t for g, t in groups.items() if t.seen > 0}
        cells = Counter((round(t.yes, 1), round(t.no, 1)) for t in self.groups.values())
        grid = [(k * s, k * (1 - s)) for k in SPREADS for s in _SHARES]
        logs = []
        for a, b in grid:
            alone = _beta(a, b)
            seen = (times * (_beta(a + y, b + n) - alone) for (y, n), times in cells.items())
            logs.append(sum(seen))
        most = max(logs)
        weights = [math.exp(x - most) for x in logs]
        all_ = sum(weights)
        self._grid = [(a, b, w / all_) for (a, b), w in zip(grid, weights, strict=True)]
        self._sums = list(itertools.accumulate(w for _, _, w in self._grid))
        self._means: dict[str, float] = {}

    @property
    def seen(self) -> float:
        """Customers, of all gateways."""
        return sum(t.seen for t in self.groups.values())

    def share(self, group: str) -> float:
        """The chance that a customer of this gateway uses the list, of whom nothing was seen."""
        if group not in self.groups:
            group = "?"
        mean = self._means.get(group)
        if mean is None:
            t = self.groups.get(group, Told())
            mean = sum(w * (a + t.yes) / (a + b + t.seen) for a, b, w in self._grid)
            self._means[group] = mean
        return mean

    def draw(self, rng: random.Random, groups: Sequence[str]) -> list[float]:
        """One possible world: the share of each of these."""
        a, b, _ = rng.choices(self._grid, cum_weights=self._sums)[0]
        out = []
        for group in groups:
            t = self.groups.get(group, Told())
            out.append(rng.betavariate(a + t.yes, b + t.no))
        return out

    def range(self, group: str, level: float = 0.8, draws: int = 150) -> tuple[float, float]:
        """Between which the share of this gateway lies."""
        rng = random.Random(group)  # noqa: S311 (the same answer each time)
        drawn = sorted(self.draw(rng, (group,))[0] for _ in range(draws))
        return quantile(drawn, (1 - level) / 2), quantile(drawn, (1 + level) / 2)


def quantile(ordered: Sequence[float], q: float) -> float:
    at = q * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def _beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
