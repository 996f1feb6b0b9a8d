"""Possible worlds: how much mail a listing would have refused, as a mean and as a range. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from todoku.partners import model
from todoku.partners.judged import KINDS, Judged, Kind
from todoku.partners.model import Shares
from todoku.partners.summary import Summary

LEVEL: Final = 0.8
"""Of each range: in so many cases out of a hundred the truth lies within."""
DRAWS: Final = 200
AHEAD: Final = 28.0
"""Days whose mean mail is forecast."""
_BEHIND: Final = 80.0
"""Days that the mean of the past stands on (`summary.RECENT`)."""
_GROUPS: Final = 30


class Sums(NamedTuple):
    """Of all partners but the great ones."""

    known: dict[Kind, list[float]]
    """Those of whom something was seen: mean and variance of what they refuse."""
    many: dict[tuple[Kind, int], list[float]]
    """The others, by group: mails a day, and the sum of their squares."""


def sums(summary: Summary, judged: Judged) -> Sums:
    _, refused, chances, kinds, great = judged
    known = {k: [0.0, 0.0] for k in KINDS}
    many: dict[tuple[Kind, int], list[float]] = {}
    for kind, places in kinds.items():
        mean = variance = 0.0
        cells: dict[int, list[float]] = {}
        for n in places:
            if n in great:
                continue
            p, mails = chances[n], refused[n]
            if p is not None:
                mean += mails * p
                variance += mails * mails * p * (1 - p)
            else:
                group = summary.groups[n]
                cell = cells.get(group)
                if cell is None:
                    cell = cells[group] = [0.0, 0.0]
                cell[0] += mails
                cell[1] += mails * mails
        known[kind] = [mean, variance]
        many |= {(kind, group): cell for group, cell in cells.items()}
    return Sums(known, many)


def mean(kind: Kind, sums: Sums, summary: Summary, judged: Judged, shares: Shares) -> float:
    out = sums.known[kind][0]
    for (k, group), (rate, _) in sums.many.items():
        if k == kind:
            out += rate * shares.share(summary.names[group])
    for n, k in judged.great.items():
        if k == kind:
            p = judged.chances[n]
            share = shares.share(summary.names[summary.groups[n]]) if p is None else p
            out += judged.refused[n] * share
    return out


class _Many(NamedTuple):
    """Partners of one kind and group of whom nothing was seen, but the greatest."""

    kind: Kind
    group: str
    rate: float
    squares: float


def draw(sums: Sums, summary: Summary, judged: Judged, shares: Shares) -> dict[Kind, list[float]]:
    """Refused mails a day in possible worlds, by kind: who uses the list, and how much mail comes."""
    rng = random.Random(0)  # noqa: S311 (the same answer each time)
    known = {k: list(told) for k, told in sums.known.items()}
    cells = sorted(
        (_Many(kind, summary.names[g], *cell) for (kind, g), cell in sums.many.items()),
        key=lambda m: (-m.rate, m.kind, m.group),
    )
    for m in cells[_GROUPS:]:  # the rest by its mean and variance
        share = shares.share(m.group)
        known[m.kind][0] += m.rate * share
        known[m.kind][1] += m.squares * share
    cells = cells[:_GROUPS]
    singly = [
        (kind, summary.names[summary.groups[n]], judged.refused[n], judged.chances[n])
        for n, kind in judged.great.items()
    ]  # fmt: skip
    groups = list(dict.fromkeys([m.group for m in cells] + [group for _, group, _, _ in singly]))
    place = {g: n for n, g in enumerate(groups)}
    wide = summary.noise * (1 / AHEAD + 1 / _BEHIND)
    out: dict[Kind, list[float]] = {k: [] for k in KINDS}
    for _ in range(DRAWS):
        drawn = shares.draw(rng, groups)
        world = {k: rng.gauss(mean, math.sqrt(v)) if v else mean for k, (mean, v) in known.items()}
        for m in cells:
            share = drawn[place[m.group]]
            sd = math.sqrt(m.squares * share * (1 - share))
            world[m.kind] += min(m.rate, max(0.0, rng.gauss(m.rate * share, sd)))
        for kind, group, mails, chance in singly:
            if rng.random() < (drawn[place[group]] if chance is None else chance):
                world[kind] += mails
        for k, n in world.items():
            n = max(0.0, n)
            out[k].append(max(0.0, rng.gauss(n, math.sqrt(n * wide))))
    return out


def between(sums: Sequence[float] | None, mean: float) -> tuple[float, float] | tuple[None, None]:
    """Of possible worlds; it holds the mean, which a rare great loss can carry out of it."""
    if not sums:
        return None, None
    ordered = sorted(sums)
    low = model.quantile(ordered, (1 - LEVEL) / 2)
    return min(low, mean), max(model.quantile(ordered, (1 + LEVEL) / 2), mean)
