"""What a listing would cost: whose mail would be refused, how sure that is, and how much it is. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from todoku.model import VERSION, Stage
from todoku.partners import model
from todoku.partners.model import Shares, Week
from todoku.partners.summary import Partner, View
from todoku.partners.values import Proof, UseKey

LEVEL: Final = 0.8
"""Of each range: in so many cases out of a hundred the truth lies within."""
ENOUGH: Final = 3.0
"""Customers of a gateway that must have been seen before its others are judged by them."""
DRAWS: Final = 400
TOP: Final = 10
AHEAD: Final = 28.0
"""Days whose mean mail is forecast."""
_BEHIND: Final = 80.0
"""Days that the mean of the past stands on (`summary.RECENT`)."""
_SINGLY: Final = 30
"""Partners, the greatest, that are drawn one by one; the others of a gateway together."""
_GROUPS: Final = 60

Kind = Literal["proven", "likely", "unlikely", "unknown"]
KINDS: Final[tuple[Kind, ...]] = ("proven", "likely", "unlikely", "unknown")
"""`proven`: it named the list when it refused. `likely`, `unlikely`: by what its gateway's other
customers did, or because it took mail from a listed address. `unknown`: nothing was seen."""


class Family(NamedTuple):
    """A list, with the lists that hold it and those that it holds."""

    list: str
    named: frozenset[str]
    """Whoever names one of these uses the list or a part of it."""
    cleared: frozenset[str]
    """Whoever takes mail from what stands on one of these does not refuse because of the list."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One partner."""

    domain: str
    gateway: str | None
    mails_a_day: float
    chance: float | None
    """That it uses the list; `None`: not known."""
    named: int = 0
    """Refusals that named it."""
    accepted: int = 0
    """Mails that it took while the identity was listed."""
    lists: tuple[str, ...] = ()
    """What it named: the list, one that holds it or a part of it."""
    first: float | None = None
    last: float | None = None
    stage: Stage | None = None
    words: str | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """All partners of one kind."""

    kind: Kind
    partners: int
    mails_a_day: float
    refused_a_day: float | None
    """Of these mails, how many would be refused: the mean, and the range below."""
    low: float | None
    high: float | None
    top: tuple[Row, ...]
    """Those with the most mail."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of one gateway's customers."""

    gateway: str | None
    """`None`: partners who run their mail themselves."""
    partners: int
    mails_a_day: float
    yes: float
    """Of those seen, how many use the list. Old sights count for less, hence no whole numbers."""
    no: float
    share: float
    low: float
    high: float


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """`todoku forecast --json`: what a listing at one list would cost."""

    v: int = VERSION
    kind: Literal["forecast"] = "forecast"
    list: str
    identity: str | None
    """Mail from this own address alone; `None`: from all."""
    at: float
    learned_from: float | None
    learned_to: float | None
    """Of the deliveries that all this is known from."""
    partners: int
    mails_a_day: float
    seen: float
    """Partners of whom it could be seen whether they use the list."""
    level: float = LEVEL
    refused_a_day: float | None
    """Of all mail; `None` where nothing was ever seen about the list."""
    low: float | None
    high: float | None
    parts: tuple[Part, ...]
    shares: tuple[Share, ...]


class _One(NamedTuple):
    partner: Partner
    rate: float
    kind: Kind
    p: float | None
    """Its own chance; `None`: that of its group."""
    row: Row


def family(list_: str, holds: Mapping[str, str]) -> Family:
    """`holds`: by the id of a part, the list that holds it (`part_of` of the knowledge)."""
    above = {list_}
    at = list_
    while at in holds and holds[at] not in above:
        at = holds[at]
        above.add(at)
    below = {list_}
    while more := {part for part, whole in holds.items() if whole in below} - below:
        below |= more
    return Family(list_, frozenset(above | below), frozenset(below))


def forecast(
    family: Family, view: View, now: float, *, identity: str | None = None, top: int = TOP
) -> Forecast:
    """`now`: Unix time."""
    summary = view.summary
    seen = _seen(family, view)
    groups: dict[str, list[Sequence[Week]]] = {}
    for partner in summary.partners:
        if partner.domain in seen:
            groups.setdefault(partner.group, []).append(seen[partner.domain].weeks)
    told = {g: model.told(partners, now) for g, partners in groups.items()}
    shares = Shares(told)
    ones = [_one(p, p.rate(identity), seen, shares, now) for p in summary.partners]
    anything = bool(seen)
    sums = _draws(ones, shares, summary.noise) if anything else {}
    mean = {k: _mean(ones, shares, k) for k in KINDS}
    parts = tuple(_part(k, ones, mean[k], sums.get(k), top) for k in KINDS)
    all_ = sorted(map(sum, zip(*(sums[k] for k in KINDS), strict=True))) if sums else None
    judged = anything and shares.seen >= ENOUGH
    return Forecast(
        list=family.list,
        identity=identity,
        at=now,
        learned_from=summary.first,
        learned_to=summary.last,
        partners=len(ones),
        mails_a_day=sum(o.rate for o in ones),
        seen=round(shares.seen, 1),
        refused_a_day=sum(mean.values()) if judged else None,
        low=_low(all_) if judged else None,
        high=_high(all_) if judged else None,
        parts=parts,
        shares=_shares(ones, shares),
    )


def cost(
    listings: Iterable[tuple[str, str]],
    holds: Mapping[str, str],
    view: View,
    now: float,
    *,
    by_source: bool = True,
) -> list[Forecast]:
    """What these listings (own identity, list) cost, the dearest first. `by_source`: mail from that
    identity alone, where it is known which left from where."""
    sources = {s for p in view.summary.partners for s in p.rates if s}
    out = [
        forecast(
            family(list_, holds), view, now,
            identity=identity if by_source and identity in sources else None,
        )
        for identity, list_ in dict.fromkeys(listings)
    ]  # fmt: skip
    return sorted(out, key=lambda f: (*(-x for x in weight(f)), f.list, f.identity or ""))


def weight(f: Forecast) -> tuple[float, float, float]:
    """By what listings are put in order: mail that is proven to be refused, that is likely to be, and
    all that the model expects."""
    proven, likely, *_ = f.parts
    return (
        proven.refused_a_day or 0.0,
        likely.refused_a_day or 0.0,
        f.refused_a_day or 0.0,
    )


# ── one partner ───────────────────────────────────────────────────────────────────────────────


class _Seen(NamedTuple):
    weeks: list[Week]
    named: int
    accepted: int
    proofs: list[tuple[str, Proof]]


def _seen(family: Family, view: View) -> dict[str, _Seen]:
    """What was seen of each domain about a family of lists."""
    uses: dict[str, list[tuple[UseKey, int, int, int]]] = {}
    for list_ in family.named:
        clears = list_ in family.cleared
        for key, use in view.uses.get(list_, ()):
            accepted = use.accepted if clears else 0
            if use.named or accepted:
                row = (key, use.named, use.within, accepted)
                uses.setdefault(key.domain, []).append(row)
    proofs: dict[str, list[tuple[str, Proof]]] = {}
    for list_ in sorted(family.named):
        for domain, proof in view.proofs.get(list_, ()):
            proofs.setdefault(domain, []).append((list_, proof))
    out = {}
    for domain, rows in uses.items():
        own = proofs.get(domain, [])
        if not own:  # named, and no sentence (that was forgotten): it proves nothing
            rows = [(k, 0, 0, a) for k, _, _, a in rows if a]
        if rows:
            named, accepted = sum(r[1] for r in rows), sum(r[3] for r in rows)
            out[domain] = _Seen(model.weeks_of(rows), named, accepted, own)
    return out


def _one(
    partner: Partner, rate: float, seen: Mapping[str, _Seen], shares: Shares, now: float
) -> _One:
    share = shares.share(partner.group)
    s = seen.get(partner.domain)
    p: float | None = None
    kind: Kind
    if s is not None:
        p = model.chance(s.weeks, share, now)
        kind = "unlikely" if p < 0.5 else "proven" if s.proofs else "likely"
    elif partner.group in shares.groups and shares.groups[partner.group].seen >= ENOUGH:
        kind = "likely" if share >= 0.5 else "unlikely"
    else:
        kind = "unknown"
    named, accepted, proofs = (s.named, s.accepted, s.proofs) if s else (0, 0, [])
    newest = max((q for _, q in proofs), key=lambda q: q.last, default=None)
    row = Row(
        domain=partner.domain,
        gateway=partner.gate or None,
        mails_a_day=rate,
        chance=p if p is not None else None if kind == "unknown" else share,
        named=named,
        accepted=accepted,
        lists=tuple(list_ for list_, _ in proofs),
        first=min((q.first for _, q in proofs), default=None),
        last=newest.last if newest else None,
        stage=newest.stage if newest else None,  # type: ignore[arg-type]
        words=newest.words if newest else None,
    )
    return _One(partner, rate, kind, p, row)


# ── all of them ───────────────────────────────────────────────────────────────────────────────


def _mean(ones: Sequence[_One], shares: Shares, kind: Kind) -> float:
    return sum(
        o.rate * (o.p if o.p is not None else shares.share(o.partner.group))
        for o in ones
        if o.kind == kind
    )


class _Many(NamedTuple):
    """Partners of one kind and group of whom nothing was seen, but the greatest."""

    kind: Kind
    group: str
    rate: float
    squares: float


def _draws(ones: Sequence[_One], shares: Shares, noise: float) -> dict[Kind, list[float]]:
    """Refused mails a day in possible worlds, by kind: who uses the list, and how much mail comes."""
    rng = random.Random(0)  # noqa: S311 (the same answer each time)
    by_rate = sorted(ones, key=lambda o: -o.rate)
    great, small = by_rate[:_SINGLY], by_rate[_SINGLY:]
    known = {k: [0.0, 0.0] for k in KINDS}
    many: dict[tuple[Kind, str], list[float]] = {}
    for o in small:
        if o.p is not None:
            known[o.kind][0] += o.rate * o.p
            known[o.kind][1] += o.rate * o.rate * o.p * (1 - o.p)
        else:
            cell = many.setdefault((o.kind, o.partner.group), [0.0, 0.0])
            cell[0] += o.rate
            cell[1] += o.rate * o.rate
    cells = sorted((_Many(*key, *cell) for key, cell in many.items()), key=lambda m: -m.rate)
    for m in cells[_GROUPS:]:  # the rest by its mean and variance
        share = shares.share(m.group)
        known[m.kind][0] += m.rate * share
        known[m.kind][1] += m.squares * share
    cells = cells[:_GROUPS]
    groups = list(dict.fromkeys([m.group for m in cells] + [o.partner.group for o in great]))
    place = {g: n for n, g in enumerate(groups)}
    wide = noise * (1 / AHEAD + 1 / _BEHIND)
    out: dict[Kind, list[float]] = {k: [] for k in KINDS}
    for _ in range(DRAWS):
        drawn = shares.draw(rng, groups)
        world = {k: rng.gauss(mean, math.sqrt(v)) if v else mean for k, (mean, v) in known.items()}
        for m in cells:
            share = drawn[place[m.group]]
            sd = math.sqrt(m.squares * share * (1 - share))
            world[m.kind] += min(m.rate, max(0.0, rng.gauss(m.rate * share, sd)))
        for o in great:
            p = o.p if o.p is not None else drawn[place[o.partner.group]]
            if rng.random() < p:
                world[o.kind] += o.rate
        for k, n in world.items():
            n = max(0.0, n)
            out[k].append(max(0.0, rng.gauss(n, math.sqrt(n * wide))))
    return out


def _part(
    kind: Kind, ones: Sequence[_One], mean: float, sums: list[float] | None, top: int
) -> Part:
    own = [o for o in ones if o.kind == kind]
    rate = sum(o.rate for o in own)
    told = sums is not None and kind != "unknown"
    ordered = sorted(sums) if sums is not None and told else None
    first = sorted(own, key=lambda o: (-o.rate, o.partner.domain))[:top]
    return Part(
        kind=kind,
        partners=len(own),
        mails_a_day=rate,
        refused_a_day=mean if told else None,
        low=_low(ordered),
        high=_high(ordered),
        top=tuple(o.row for o in first),
    )


def _shares(ones: Sequence[_One], shares: Shares) -> tuple[Share, ...]:
    totals: dict[str, list[float]] = {g: [0, 0.0] for g in shares.groups}
    for o in ones:
        if o.partner.group in totals:
            totals[o.partner.group][0] += 1
            totals[o.partner.group][1] += o.rate
    out = []
    for group, (n, rate) in sorted(totals.items(), key=lambda x: (-x[1][1], x[0]))[:TOP]:
        low, high = shares.range(group, LEVEL)
        t = shares.groups[group]
        out.append(
            Share(
                gateway=group or None, partners=int(n), mails_a_day=rate, yes=round(t.yes, 1),
                no=round(t.no, 1), share=shares.share(group), low=low, high=high,
            )
        )  # fmt: skip
    return tuple(out)


def _low(ordered: Sequence[float] | None) -> float | None:
    return model.quantile(ordered, (1 - LEVEL) / 2) if ordered else None


def _high(ordered: Sequence[float] | None) -> float | None:
    return model.quantile(ordered, (1 + LEVEL) / 2) if ordered else None
