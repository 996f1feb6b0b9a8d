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
from todoku.partners.model import SELF
from todoku.partners.values import DAY, WEEK, Evidence, Mail, MailKey, Proof, Use, UseKey, week_of

RECENT: Final = 8.0
"""Weeks."""
SHARED: Final = 3
"""Partners behind the same hosts that make these a gateway of their own."""
_SURE: Final = 0.05
"""Share of the mail from which on a product that the knowledge knows is who runs a domain's mail,
though its hosts have other names."""
_NOISE_WEEKS: Final = 12


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


class View(NamedTuple):
    """What a question about some lists needs."""

    summary: Summary
    uses: Mapping[str, list[tuple[UseKey, Use]]]
    """By list."""
    proofs: Mapping[str, list[tuple[str, Proof]]]
    """By list: domain and proof."""


def view(evidence: Evidence) -> View:
    """The same in memory."""
    uses: dict[str, list[tuple[UseKey, Use]]] = {}
    for key, use in sorted(evidence.uses.items()):
        uses.setdefault(key.list, []).append((key, use))
    proofs: dict[str, list[tuple[str, Proof]]] = {}
    for (domain, list_), proof in sorted(evidence.proofs.items()):
        proofs.setdefault(list_, []).append((domain, proof))
    rows = sorted(evidence.mail.items())
    return View(summarise(rows, evidence.first, evidence.last), uses, proofs)


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
    for week in range(max(week_of(first), end - 20 * int(RECENT)), end + 1):
        known = min(last, (week + 1) * WEEK) - max(first, week * WEEK)
        out[week] = (2.0 ** (-(end - week) / RECENT), known / DAY)
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
    for (_, gate, source, week), (n, r) in rows:
        mails += n
        refused += r
        first, last = min(first, week), max(last, week)
        weight = weights.get(week, (0.0, 0.0))[0]
        rates[source] = rates.get(source, 0.0) + weight * n / days
        much, newest, all_ = gates.get(gate, (0.0, 0, 0))
        gates[gate] = (much + weight * (n + r), max(newest, week), all_ + n + r)
        if 0 < end - week <= _NOISE_WEEKS:
            by_week[end - week - 1] += n
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
