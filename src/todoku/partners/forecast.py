"""What a listing would cost: whose mail would be refused, how sure that is, and how much it is. Pure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from todoku.logs.clock import rfc3339
from todoku.model import VERSION, Stage
from todoku.partners import model
from todoku.partners.habits import Family, Seen, family, seen_of, shares_of
from todoku.partners.model import Shares
from todoku.partners.summary import Partner, View

LEVEL: Final = 0.8
"""Of each range: in so many cases out of a hundred the truth lies within."""
ENOUGH: Final = 3.0
"""Customers of a gateway that must have been seen before its others are judged by them."""
DRAWS: Final = 200
TOP: Final = 10
AHEAD: Final = 28.0
"""Days whose mean mail is forecast."""
_BEHIND: Final = 80.0
"""Days that the mean of the past stands on (`summary.RECENT`)."""
_SINGLY: Final = 30
"""Partners, the greatest, that are drawn one by one; the others of a gateway together."""
_GROUPS: Final = 30

Kind = Literal["proven", "likely", "unlikely", "unknown"]
KINDS: Final[tuple[Kind, ...]] = ("proven", "likely", "unlikely", "unknown")
"""`proven`: it named the list when it refused. `likely`, `unlikely`: by what its gateway's other
customers did, or because it took mail from a listed address. `unknown`: nothing was seen."""


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
    first: str | None = None
    """When it named one of them first, and last (RFC 3339, UTC)."""
    last: str | None = None
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
    """What is listed. The mail that it sent alone counts, where it is known which that is; `None`: all
    mail."""
    since: str | None = None
    """Since when the identity stands there, where this is about a listing that there is."""
    at: str
    learned_from: str | None
    learned_to: str | None
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
    refused: float
    """Mails a day that it refuses where it uses the list."""
    kind: Kind
    p: float | None
    """Its own chance; `None`: that of its group."""


def forecast(
    family: Family, view: View, now: float, *, identity: str | None = None, top: int = TOP
) -> Forecast:
    """`now`: Unix time."""
    summary = view.summary
    seen = seen_of(family, view)
    shares = shares_of(seen, summary.partners, now)
    ones = _ones(summary.partners, identity, seen, shares, now)
    judged = shares.seen >= ENOUGH
    sums = _draws(ones, shares, summary.noise) if seen else {}
    of: dict[Kind, list[_One]] = {k: [] for k in KINDS}
    for one in ones:
        of[one.kind].append(one)
    mean = {k: _mean(of[k], shares) for k in KINDS}

    def row(one: _One) -> Row:
        return _row(one, seen.get(one.partner.domain), shares)

    parts = tuple(
        _part(
            k, of[k], mean[k],
            sums.get(k) if judged or k != "unknown" else None, row, top,
        )
        for k in KINDS
    )  # fmt: skip
    whole = sum(mean.values())
    all_ = (
        [sum(x) for x in zip(*(sums[k] for k in KINDS), strict=True)] if sums and judged else None
    )
    low, high = _range(all_, whole)
    return Forecast(
        list=family.list,
        identity=identity,
        at=rfc3339(now) or "",
        learned_from=rfc3339(summary.first),
        learned_to=rfc3339(summary.last),
        partners=len(ones),
        mails_a_day=sum(o.rate for o in ones),
        seen=round(shares.seen, 1),
        refused_a_day=whole if judged else None,
        low=low,
        high=high,
        parts=parts,
        shares=_shares(ones, shares),
    )


def cost(
    listings: Iterable[tuple[str, str]], holds: Mapping[str, str], view: View, now: float
) -> list[Forecast]:
    """What these listings (own identity, list) cost, the dearest first: of the mail that left from that
    identity, where any is known to have, else of all mail."""
    sources = {s for p in view.summary.partners for s in p.rates if s}
    out = []
    for identity, list_ in dict.fromkeys(listings):
        of = family(list_, holds)
        told = forecast(of, view, now, identity=identity if identity in sources else None)
        out.append(msgspec.structs.replace(told, identity=identity))
    return sorted(out, key=lambda f: (*(-x for x in weight(f)), f.list, f.identity or ""))


def dated(f: Forecast, since: Mapping[tuple[str, str], float | None]) -> Forecast:
    """With the time since when the identity stands there (Unix times)."""
    return msgspec.structs.replace(f, since=rfc3339(since.get((f.identity or "", f.list))))


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


def _ones(
    partners: Sequence[Partner],
    identity: str | None,
    seen: Mapping[str, Seen],
    shares: Shares,
    now: float,
) -> list[_One]:
    """The most mail first."""
    by_group: dict[str, Kind] = {}
    for group, told in shares.groups.items():
        if told.seen >= ENOUGH:
            by_group[group] = "likely" if shares.share(group) >= 0.5 else "unlikely"
    chances: dict[tuple[tuple[int, ...], str], float] = {}
    out = []
    for partner in partners:
        rate = partner.rate if identity is None else partner.rates.get(identity, 0.0)
        s = seen.get(partner.domain)
        if s is None:
            kind = by_group.get(partner.group, "unknown")
            out.append(_One(partner, rate, rate, kind, None))
            continue
        alike = (s.weeks, partner.group)
        p = chances.get(alike)
        if p is None:
            p = chances[alike] = model.chance(s.weeks, shares.share(partner.group), now)
        kind = "unlikely" if p < 0.5 else "proven" if s.proofs else "likely"
        out.append(_One(partner, rate, rate * s.portion, kind, p))
    if identity is not None:  # else they are in this order
        out.sort(key=lambda o: (-o.rate, o.partner.domain))
    return out


def _row(one: _One, seen: Seen | None, shares: Shares) -> Row:
    partner, rate, _, kind, p = one
    named, accepted, proofs = (seen.named, seen.accepted, seen.proofs) if seen else (0, 0, [])
    if p is None and kind != "unknown":
        p = shares.share(partner.group)
    newest = max((q for _, q in proofs), key=lambda q: q.last, default=None)
    return Row(
        domain=partner.domain,
        gateway=partner.gate or None,
        mails_a_day=rate,
        chance=p,
        named=named,
        accepted=accepted,
        lists=tuple(list_ for list_, _ in proofs),
        first=rfc3339(min((q.first for _, q in proofs), default=None)),
        last=rfc3339(newest.last if newest else None),
        stage=newest.stage if newest else None,
        words=newest.words if newest else None,
    )


# ── all of them ───────────────────────────────────────────────────────────────────────────────


def _mean(ones: Sequence[_One], shares: Shares) -> float:
    by_group: dict[str, float] = {}
    known = 0.0
    for o in ones:
        if o.p is not None:
            known += o.refused * o.p
        else:
            by_group[o.partner.group] = by_group.get(o.partner.group, 0.0) + o.refused
    return known + sum(n * shares.share(group) for group, n in by_group.items())


class _Many(NamedTuple):
    """Partners of one kind and group of whom nothing was seen, but the greatest."""

    kind: Kind
    group: str
    rate: float
    squares: float


def _draws(ones: Sequence[_One], shares: Shares, noise: float) -> dict[Kind, list[float]]:
    """`ones`: the most mail first. Refused mails a day in possible worlds, by kind: who uses the list, and how much mail comes."""
    rng = random.Random(0)  # noqa: S311 (the same answer each time)
    great, small = ones[:_SINGLY], ones[_SINGLY:]
    known = {k: [0.0, 0.0] for k in KINDS}
    many: dict[tuple[Kind, str], list[float]] = {}
    for o in small:
        if o.p is not None:
            known[o.kind][0] += o.refused * o.p
            known[o.kind][1] += o.refused * o.refused * o.p * (1 - o.p)
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
                world[o.kind] += o.refused
        for k, n in world.items():
            n = max(0.0, n)
            out[k].append(max(0.0, rng.gauss(n, math.sqrt(n * wide))))
    return out


def _part(
    kind: Kind,
    own: Sequence[_One],
    mean: float,
    sums: list[float] | None,
    row: Callable[[_One], Row],
    top: int,
) -> Part:
    low, high = _range(sums, mean)
    return Part(
        kind=kind,
        partners=len(own),
        mails_a_day=sum(o.rate for o in own),
        refused_a_day=mean if sums else None,
        low=low,
        high=high,
        top=tuple(row(o) for o in own[:top]),
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


def _range(sums: Sequence[float] | None, mean: float) -> tuple[float, float] | tuple[None, None]:
    """Of possible worlds; it holds the mean, which a rare great loss can carry out of it."""
    if not sums:
        return None, None
    ordered = sorted(sums)
    low = model.quantile(ordered, (1 - LEVEL) / 2)
    return min(low, mean), max(model.quantile(ordered, (1 + LEVEL) / 2), mean)
