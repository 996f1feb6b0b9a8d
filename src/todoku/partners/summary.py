"""Evidence as it is asked: one value for each partner, made when evidence changes.

Mail a day is a mean in which a week counts for half of the one `RECENT` weeks after it, as of the last
delivery that was learned.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from todoku.partners.gates import is_place
from todoku.partners.model import SELF, week
from todoku.partners.values import DAY, WEEK, Evidence, Mail, MailKey, Proof, Use, UseKey, week_of

RECENT: Final = 8.0
"""Weeks."""
SHARED: Final = 3
"""Partners behind the same hosts that make these a gateway of their own."""
_SURE: Final = 0.05
"""Share of the mail from which on a product that the knowledge knows is who runs a domain's mail,
though its hosts have other names."""
_NOISE_WEEKS: Final = 12
LATEST: Final = 8
"""Weeks that are looked at: after so many in which mail was taken, nothing older counts."""


class Partner(msgspec.Struct, frozen=True, gc=False, array_like=True):
    domain: str
    gate: str
    """Who runs its mail, as `MailKey.gate` has it."""
    group: str
    """Whose customers are held to be alike: the gate where it is a product or has several partners."""
    rate: float
    """Mails a day."""
    rates: dict[str, float]
    """The same by the own address that they left from (empty: not known)."""
    mails: int
    refused: int
    first: int
    """Week of the first delivery."""
    last: int


class Summary(msgspec.Struct, frozen=True):
    partners: tuple[Partner, ...] = ()
    """The most mail first."""
    first: float | None = None
    last: float | None = None
    noise: float = 2.0
    """Variance of a partner's mail in a week, in means: 1 where mails come singly."""


class Sight(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What was seen of one partner about one list."""

    domain: str
    weeks: tuple[int, ...]
    """The latest, as `model.week` makes them: older ones no longer tell anything."""
    named: int
    accepted: int
    refused: int
    """In the weeks in which it refused: refusals while the identity was listed, and mails that it took
    all the same."""
    taken: int


class View(NamedTuple):
    """What a question about some lists needs."""

    summary: Summary
    sights: Mapping[str, tuple[Sight, ...]]
    """By list, in the order of domains."""
    proofs: Mapping[str, list[tuple[str, Proof]]]
    """By list: domain and proof."""


def view(evidence: Evidence) -> View:
    """The same in memory."""
    proofs: dict[str, list[tuple[str, Proof]]] = {}
    for (domain, list_), proof in sorted(evidence.proofs.items()):
        proofs.setdefault(list_, []).append((domain, proof))
    uses = sorted(evidence.uses.items(), key=lambda u: (u[0].list, u[0].domain, u[0].week))
    rows = sorted(evidence.mail.items())
    return View(summarise(rows, evidence.first, evidence.last), dict(sights(uses)), proofs)


def sights(uses: Iterable[tuple[UseKey, Use]]) -> Iterator[tuple[str, tuple[Sight, ...]]]:
    """By list. `uses`: in the order of lists, domains and weeks, each of them once."""
    for list_, of_list in itertools.groupby(uses, key=lambda u: u[0].list):
        found = []
        for domain, own in itertools.groupby(of_list, key=lambda u: u[0].domain):
            weeks = []
            counts = [0, 0, 0, 0]
            for key, (named, within, accepted) in own:
                if named or accepted:
                    told = within > 0 or accepted > 0
                    weeks.append(week(key.week, named=named > 0, told=told))
                    counts[0] += named
                    counts[1] += accepted
                if named:
                    counts[2] += within
                    counts[3] += accepted
            if weeks:
                found.append(Sight(domain, tuple(weeks[-LATEST:]), *counts))
        if found:
            yield list_, tuple(found)


def summarise(
    rows: Iterable[tuple[MailKey, Mail]], first: float | None, last: float | None
) -> Summary:
    """`rows` in the order of domains; several may have the same key."""
    if first is None or last is None:
        return Summary()
    weights = _weights(first, last)
    days = max(sum(w * d for w, d in weights.values()), 1.0)
    found, noises = [], []
    for domain, own in itertools.groupby(rows, key=lambda r: r[0].domain):
        partner, noise = _partner(domain, own, weights, days, week_of(last))
        found.append(partner)
        if noise is not None:
            noises.append(noise)
    shared = Counter(p.gate for p in found)
    found = [
        msgspec.structs.replace(p, group=p.gate)
        if p.gate and (not is_place(p.gate) or shared[p.gate] >= SHARED)
        else p
        for p in found
    ]
    found.sort(key=lambda p: (-p.rate, p.domain))
    noise = max(1.0, sum(noises) / len(noises)) if noises else 2.0
    return Summary(tuple(found), first, last, noise)


def _weights(first: float, last: float) -> dict[int, tuple[float, float]]:
    """By week: how much it counts, and how many of its days are known."""
    end = week_of(last)
    out = {}
    for n in range(max(week_of(first), end - 20 * int(RECENT)), end + 1):
        known = min(last, (n + 1) * WEEK) - max(first, n * WEEK)
        out[n] = (2.0 ** (-(end - n) / RECENT), known / DAY)
    return out


def _partner(
    domain: str,
    rows: Iterator[tuple[MailKey, Mail]],
    weights: Mapping[int, tuple[float, float]],
    days: float,
    end: int,
) -> tuple[Partner, float | None]:
    mails = refused = 0
    first, last = 1 << 40, 0
    rates: dict[str, float] = {}
    gates: dict[str, tuple[float, int, int]] = {}
    """How much its mail counts, the newest week, all its mail."""
    by_week = [0] * _NOISE_WEEKS
    for (_, gate, source, at), (n, r) in rows:
        mails += n
        refused += r
        first, last = min(first, at), max(last, at)
        weight = weights.get(at, (0.0, 0.0))[0]
        rates[source] = rates.get(source, 0.0) + weight * n / days
        much, newest, all_ = gates.get(gate, (0.0, 0, 0))
        gates[gate] = (much + weight * (n + r), max(newest, at), all_ + n + r)
        if 0 < end - at <= _NOISE_WEEKS:
            by_week[end - at - 1] += n
    mean = sum(by_week) / _NOISE_WEEKS
    noise = None
    if mean >= 1:
        noise = sum((n - mean) ** 2 for n in by_week) / (_NOISE_WEEKS - 1) / mean
    rate = sum(rates[source] for source in sorted(rates))
    return Partner(domain, _gate(gates), SELF, rate, rates, mails, refused, first, last), noise


def _gate(gates: Mapping[str, tuple[float, int, int]]) -> str:
    known = {g: m for g, m in gates.items() if g and not is_place(g)}
    all_ = sum(m[0] for m in gates.values())
    best = max(known, key=lambda g: (known[g], g), default=None)
    if best is not None and known[best][0] >= _SURE * all_:
        return best
    return max((g for g in gates if g), key=lambda g: (gates[g], g), default="")
