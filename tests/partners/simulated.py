"""Worlds with known truth: partners behind gateways, listings that come and go, and then one more listing.

Each world gives what was learned in a year, and how much mail is really refused in the four weeks after
it, if the address is listed then. `ASSUMED` are worlds as the model has them; `OTHERS` break what it
assumes, each in one way.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from todoku.partners.forecast import Forecast, forecast
from todoku.partners.habits import Family
from todoku.partners.model import HALF_LIFE, MISS, SPREADS
from todoku.partners.summary import view
from todoku.partners.values import WEEK, Evidence, Mail, MailKey, Proof, Use, UseKey

LIST = "a-list"
FAMILY = Family(LIST, frozenset({LIST}))
END = 2_960
YEAR = 52
SEEN = 16
"""Weeks of mail before the end."""


class World(NamedTuple):
    partners: int = 150
    gateways: int = 12
    episodes: int = 4
    """Listings in the year of learning."""
    named: float = 1.0
    """Share of those who refuse because of the list that name it."""
    upheaval: float = 0.0
    """Share of gateways that decide anew, for all their customers, in the midst of the year."""
    partial: float = 0.0
    """Share of users of the list of whom half the mail is let through all the same."""
    great: float = 0.0
    """How much more the greater partners use it: added to their share."""
    moved: float = 0.0
    """Share of partners that went to another gateway in the midst of the year, and do as it does."""
    growth: float = 1.0
    """By how much mail changes after the end."""


ASSUMED = {
    "as the model has it": World(),
    "many partners": World(partners=600, gateways=30),
    "few listings": World(episodes=1),
    "few partners": World(partners=25, gateways=5),
}
OTHERS = {
    "a third never names the list": World(named=0.67),
    "most never name the list": World(named=0.3),
    "a third of the gateways changed in mid-year": World(upheaval=0.33),
    "half the customers let half the mail through": World(partial=0.5),
    "greater partners use it more": World(great=0.3),
    "a third of the partners moved in mid-year": World(moved=0.33),
    "mail doubles after the end": World(growth=2.0),
}


class Outcome(NamedTuple):
    told: Forecast
    refused: float
    """Mails a day that were really refused."""
    uses: dict[str, bool]
    """Whether the partner uses the list at the end."""


class _Partner(NamedTuple):
    domain: str
    gate: str
    rate: float
    """Mails a day."""


def run(world: World, seed: int) -> Outcome:
    rng = random.Random(f"{world}/{seed}")
    common, spread = rng.betavariate(1, 2), rng.choice(SPREADS)

    def share() -> float:
        return rng.betavariate(spread * common + 1e-9, spread * (1 - common) + 1e-9)

    gates = [f"gate{n}" for n in range(world.gateways)]
    shares = {g: share() for g in gates}
    partners = [
        _Partner(f"p{n}.example", rng.choice(gates), min(400.0, 0.4 * rng.paretovariate(0.9)))
        for n in range(world.partners)
    ]
    after = dict(shares)
    for g in gates:
        if rng.random() < world.upheaval:
            after[g] = share()
    later = {
        p.domain: rng.choice(gates) if rng.random() < world.moved else p.gate for p in partners
    }
    uses = {p.domain: _history(p, later[p.domain], shares, after, world, rng) for p in partners}
    e = Evidence(first=float((END - SEEN) * WEEK), last=float(END * WEEK))
    for p in partners:
        for w in range(END - SEEN, END):
            gate = later[p.domain] if w >= END - YEAR // 2 else p.gate
            n = _mails(rng, 7 * p.rate)
            if n:
                e.mail[MailKey(p.domain, gate, "", w)] = Mail(n, 0)
    quiet = {p.domain for p in partners if rng.random() >= world.named}
    partly = {p.domain for p in partners if rng.random() < world.partial}
    for _ in range(world.episodes):
        week, days = END - YEAR + rng.randrange(YEAR), rng.choice((1, 2, 5, 7))
        for p in partners:
            n = _mails(rng, days * p.rate)
            using = uses[p.domain][week - END + YEAR]
            refused = 0
            if using and rng.random() >= MISS:
                refused = _some(rng, n, 0.5) if p.domain in partly else n
            named = 0 if p.domain in quiet else refused
            if n:
                key = UseKey(p.domain, LIST, week)
                old = e.uses.get(key, Use())
                e.uses[key] = Use(old.named + named, old.within + named, old.accepted + n - refused)
            if named:
                e.proofs[p.domain, LIST] = Proof(week * WEEK, week * WEEK, "blocked using a-list")
    lost = 0.0
    for p in partners:
        if uses[p.domain][-1]:
            half = 0.5 if p.domain in partly else 1.0
            lost += half * sum(_mails(rng, 7 * p.rate * world.growth) for _ in range(4)) / 28
    told = forecast(FAMILY, view(e), float(END * WEEK), top=10**6)
    return Outcome(told, lost, {d: u[-1] for d, u in uses.items()})


def _history(
    p: _Partner, later: str, shares: dict[str, float], after: dict[str, float], world: World, rng: random.Random
) -> list[bool]:  # fmt: skip
    """Whether it uses the list, by week."""
    more = world.great if p.rate > 4 else 0.0
    change = 1 - math.pow(2.0, -1 / HALF_LIFE)
    using = rng.random() < min(1.0, shares[p.gate] + more)
    out = []
    for week in range(YEAR + 1):
        now = shares[p.gate] if week < YEAR // 2 else after[later]
        broke = week == YEAR // 2 and (later != p.gate or after[p.gate] != shares[p.gate])
        if broke or rng.random() < change:
            using = rng.random() < min(1.0, now + more)
        out.append(using)
    return out


def _mails(rng: random.Random, mean: float) -> int:
    """Mails of a week: more unlike than single mails would be."""
    return _poisson(rng, rng.gammavariate(mean, 1.0)) if mean > 0 else 0


def _poisson(rng: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    at, n, left = math.exp(-mean), -1, 1.0
    while left > at:
        n += 1
        left *= rng.random()
    return n


def _some(rng: random.Random, n: int, share: float) -> int:
    return sum(rng.random() < share for _ in range(n))


# ── how good it was ───────────────────────────────────────────────────────────────────────────


class Figures(NamedTuple):
    worlds: int
    told: float
    """Share of worlds in which a range was told."""
    within: float
    """Of these, how often the truth lay within the range."""
    below: float
    """How often it lay below, and above."""
    above: float
    width: float
    """Median of the range's width, in shares of all mail."""
    ratio: float
    """All mail that was forecast to be refused, to what was."""
    chances: tuple[tuple[float, float, int], ...]
    """Of partners by the chance that was told: its mean, how many use the list, how many partners."""


def measure(world: World, seeds: Sequence[int], runs: Callable[[World, int], Outcome] = run) -> Figures:  # fmt: skip
    within = below = above = told = 0
    widths: list[float] = []
    forecasts = truths = 0.0
    bins: list[list[float]] = [[0.0, 0.0, 0.0] for _ in range(10)]
    for seed in seeds:
        f, refused, uses = runs(world, seed)
        for part in f.parts:
            for row in part.top:
                if row.chance is not None:
                    cell = bins[min(9, int(row.chance * 10))]
                    cell[0] += row.chance
                    cell[1] += uses[row.domain]
                    cell[2] += 1
        if f.refused_a_day is None or f.low is None or f.high is None:
            continue
        told += 1
        within += f.low <= refused <= f.high
        below += refused < f.low
        above += refused > f.high
        widths.append((f.high - f.low) / f.mails_a_day)
        forecasts += f.refused_a_day
        truths += refused
    n = max(1, told)
    return Figures(
        len(seeds), told / len(seeds), within / n, below / n, above / n,
        sorted(widths)[len(widths) // 2] if widths else 0.0,
        forecasts / truths if truths else 0.0,
        tuple((c / k, u / k, int(k)) for c, u, k in bins if k),
    )  # fmt: skip
