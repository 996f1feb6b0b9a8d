"""Evidence as it is asked: columns in which each partner has a place, made when evidence changes.

Mail a day is a mean in which a week counts for half of the one `RECENT` weeks after it, as of the last
delivery that was learned.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec

from todoku.partners.gates import is_place
from todoku.partners.model import SELF, week
from todoku.partners.values import (
    DAY,
    WEEK,
    Evidence,
    Mail,
    MailKey,
    Proof,
    ProofKey,
    Use,
    UseKey,
    week_of,
)

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


class Partner(NamedTuple):
    domain: str
    gate: str
    """Who runs its mail, as `MailKey.gate` has it."""
    group: str
    """Whose customers are held to be alike: the gate where it is a product or has several partners."""
    rate: float
    """Mails a day."""
    mails: int
    refused: int
    first: int
    """Week of the first delivery."""
    last: int


class Summary(msgspec.Struct, frozen=True):
    """Partners, the most mail first, as columns: a question looks at a few of them, and at many partners.
    A partner is known by its place in them."""

    domains: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Of gates and groups, which are places in it."""
    gates: tuple[int, ...] = ()
    groups: tuple[int, ...] = ()
    rates: tuple[float, ...] = ()
    by_source: dict[str, dict[int, float]] = {}
    """Rates by the own address that mail left from (empty: not known), where there are any."""
    mails: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    firsts: tuple[int, ...] = ()
    lasts: tuple[int, ...] = ()
    first: float | None = None
    last: float | None = None
    noise: float = 2.0
    """Variance of a partner's mail in a week, in means: 1 where mails come singly."""

    def partner(self, n: int) -> Partner:
        gate, group = self.names[self.gates[n]], self.names[self.groups[n]]
        return Partner(
            self.domains[n], gate, group, self.rates[n], self.mails[n], self.refused[n],
            self.firsts[n], self.lasts[n],
        )  # fmt: skip

    @property
    def partners(self) -> list[Partner]:
        return [self.partner(n) for n in range(len(self.domains))]

    def place(self, domain: str) -> int | None:
        return self.domains.index(domain) if domain in self.domains else None

    def rates_of(self, source: str | None) -> Sequence[float]:
        """Mails a day from this address; `None`: from all."""
        if source is None:
            return self.rates
        out = [0.0] * len(self.rates)
        for n, rate in self.by_source.get(source, {}).items():
            out[n] = rate
        return out


class Sights(msgspec.Struct, frozen=True):
    """What was seen of partners about a list, as columns in the order of partners."""

    partners: tuple[int, ...] = ()
    """Places in the summary."""
    courses: tuple[tuple[int, ...], ...] = ()
    """The latest weeks, as `model.week` makes them; older ones no longer tell anything. Many partners
    share one."""
    course: tuple[int, ...] = ()
    """Of each partner, its place among these."""
    named: tuple[int, ...] = ()
    """Refusals that named the list, where there is a sentence of them: it proves that the list is used."""
    accepted: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    """In the weeks in which it refused: refusals while the identity was listed, and mails that it took
    all the same."""
    taken: tuple[int, ...] = ()


Proofs: TypeAlias = Callable[[Collection[str] | None], dict[str, list[tuple[str, Proof]]]]
"""Of these domains (`None`: of all), by domain: list and proof, in the order of lists."""


class View(NamedTuple):
    """What a question about some lists needs."""

    summary: Summary
    sights: Mapping[str, Sights]
    """By list."""
    proofs: Proofs
    """About these lists. Whoever keeps evidence answers it as long as he is open."""


def view(evidence: Evidence) -> View:
    """The same in memory."""
    uses = sorted(evidence.uses.items(), key=lambda u: (u[0].list, u[0].domain, u[0].week))
    summary = summarise(sorted(evidence.mail.items()), evidence.first, evidence.last)
    found = dict(sights(uses, evidence.proofs.keys(), summary.domains))

    def proofs(domains: Collection[str] | None) -> dict[str, list[tuple[str, Proof]]]:
        out: dict[str, list[tuple[str, Proof]]] = {}
        for (domain, list_), proof in sorted(evidence.proofs.items()):
            if domains is None or domain in domains:
                out.setdefault(domain, []).append((list_, proof))
        return out

    return View(summary, found, proofs)


def sights(
    uses: Iterable[tuple[UseKey, Use]], proven: Collection[ProofKey], domains: Sequence[str]
) -> Iterator[tuple[str, Sights]]:
    """By list. `uses`: in the order of lists, domains and weeks, each of them once; `proven`: of what
    there is a sentence; `domains`: in the order of the summary."""
    places = {domain: n for n, domain in enumerate(domains)}
    for list_, of_list in itertools.groupby(uses, key=lambda u: u[0].list):
        rows = []
        for domain, own in itertools.groupby(of_list, key=lambda u: u[0].domain):
            if domain in places:
                weeks, counts = _sight(own, (domain, list_) in proven)
                if weeks:
                    rows.append((places[domain], weeks, *counts))
        if rows:
            yield list_, sights_of(sorted(rows))


def _sight(
    own: Iterable[tuple[UseKey, Use]], proven: bool
) -> tuple[tuple[int, ...], tuple[int, int, int, int]]:
    weeks = []
    named = accepted = refused = taken = 0
    for key, use in own:
        accepted += use.accepted
        if use.named and not proven:  # named, and no sentence (that was forgotten): it says nothing
            continue
        if use.named:
            named += use.named
            refused += use.within
            taken += use.accepted
        if use.named or use.accepted:
            told = use.within > 0 or use.accepted > 0
            weeks.append(week(key.week, named=use.named > 0, told=told))
    return tuple(weeks[-LATEST:]), (named, accepted, refused, taken)


def sights_of(rows: Sequence[tuple[int, tuple[int, ...], int, int, int, int]]) -> Sights:
    """`rows`, in the order of partners: place, weeks, and the four counts."""
    places, weeks, named, accepted, refused, taken = zip(*rows, strict=True)
    courses = {w: n for n, w in enumerate(dict.fromkeys(weeks))}
    course = tuple(courses[w] for w in weeks)
    return Sights(places, tuple(courses), course, named, accepted, refused, taken)


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
        partner, rates, noise = _partner(domain, own, weights, days, week_of(last))
        found.append((partner, rates))
        if noise is not None:
            noises.append(noise)
    if not found:
        return Summary((), first=first, last=last)
    found.sort(key=lambda f: (-f[0].rate, f[0].domain))
    noise = max(1.0, sum(noises) / len(noises)) if noises else 2.0
    domains, gates, _, rates_, mails, refused, firsts, lasts = zip(
        *(partner for partner, _ in found), strict=True
    )
    shared = Counter(gates)
    alike = [g if g and (not is_place(g) or shared[g] >= SHARED) else SELF for g in gates]
    names = {name: n for n, name in enumerate(dict.fromkeys((SELF, *gates)))}
    by_source: dict[str, dict[int, float]] = {}
    for n, (_, rates) in enumerate(found):
        for source, rate in rates.items():
            by_source.setdefault(source, {})[n] = rate
    return Summary(
        domains, tuple(names), tuple(names[g] for g in gates), tuple(names[g] for g in alike),
        rates_, by_source, mails, refused, firsts, lasts, first, last, noise,
    )  # fmt: skip


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
) -> tuple[Partner, dict[str, float], float | None]:
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
    partner = Partner(domain, _gate(gates), SELF, rate, mails, refused, first, last)
    return partner, rates, noise


def _gate(gates: Mapping[str, tuple[float, int, int]]) -> str:
    known = {g: m for g, m in gates.items() if g and not is_place(g)}
    all_ = sum(m[0] for m in gates.values())
    best = max(known, key=lambda g: (known[g], g), default=None)
    if best is not None and known[best][0] >= _SURE * all_:
        return best
    return max((g for g in gates if g), key=lambda g: (gates[g], g), default="")
