"""What a listing would cost: whose mail would be refused, how sure that is, and how much it is. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from todoku.logs.clock import rfc3339
from todoku.model import VERSION, Stage
from todoku.partners import draws
from todoku.partners.draws import LEVEL
from todoku.partners.habits import Family, family, seen_of, shares_of
from todoku.partners.judged import ENOUGH, KINDS, Judged, Kind, judge
from todoku.partners.model import Shares
from todoku.partners.summary import Sights, Summary, View

TOP: Final = 10


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


def forecast(
    family: Family, view: View, now: float, *, identity: str | None = None, top: int = TOP
) -> Forecast:
    """`now`: Unix time."""
    summary = view.summary
    seen = seen_of(family, view)
    shares = shares_of(seen, summary, now)
    judged = judge(summary, identity, seen, shares, now)
    kinds = judged.kinds
    sums = draws.sums(summary, judged)
    mean = {k: draws.mean(k, sums, summary, judged, shares) for k in KINDS}
    worlds = draws.draw(sums, summary, judged, shares) if seen.partners else {}
    enough = shares.seen >= ENOUGH
    shown = {k: kinds[k][:top] for k in KINDS}
    rows = _rows(family, shown, view, seen, judged, shares)
    parts = tuple(
        _part(k, kinds[k], judged, mean[k], worlds.get(k) if enough or k != "unknown" else None, rows[k])
        for k in KINDS
    )  # fmt: skip
    whole = sum(mean.values())
    all_ = [sum(x) for x in zip(*(worlds[k] for k in KINDS), strict=True)] if worlds else None
    low, high = draws.between(all_ if enough else None, whole)
    return Forecast(
        list=family.list,
        identity=identity,
        at=rfc3339(now) or "",
        learned_from=rfc3339(summary.first),
        learned_to=rfc3339(summary.last),
        partners=len(summary.domains),
        mails_a_day=sum(judged.rates),
        seen=round(shares.seen, 1),
        refused_a_day=whole if enough else None,
        low=low,
        high=high,
        parts=parts,
        shares=_shares(summary, judged, shares),
    )


def cost(
    listings: Iterable[tuple[str, str]], holds: Mapping[str, str], view: View, now: float
) -> list[Forecast]:
    """What these listings (own identity, list) cost, the dearest first: of the mail that left from that
    identity, where any is known to have, else of all mail."""
    sources = view.summary.by_source.keys() - {""}
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


def _rows(
    family: Family, shown: Mapping[Kind, Sequence[int]], view: View, seen: Sights, judged: Judged,
    shares: Shares,
) -> dict[Kind, tuple[Row, ...]]:  # fmt: skip
    summary = view.summary
    at = {n: row for row, n in enumerate(seen.partners)}
    named = [n for n in (*shown["proven"], *shown["unlikely"]) if n in at and seen.named[at[n]]]
    proofs = view.proofs([summary.domains[n] for n in named]) if named else {}
    out: dict[Kind, tuple[Row, ...]] = {}
    for kind, places in shown.items():
        rows = []
        for n in places:
            partner = summary.partner(n)
            p = judged.chances[n]
            if p is None and kind != "unknown":
                p = shares.share(partner.group)
            own = [q for q in proofs.get(partner.domain, ()) if q[0] in family.members]
            newest = max((q for _, q in own), key=lambda q: q.last, default=None)
            row = at.get(n)
            rows.append(
                Row(
                    domain=partner.domain,
                    gateway=partner.gate or None,
                    mails_a_day=judged.rates[n],
                    chance=p,
                    named=0 if row is None else seen.named[row],
                    accepted=0 if row is None else seen.accepted[row],
                    lists=tuple(list_ for list_, _ in own),
                    first=rfc3339(min((q.first for _, q in own), default=None)),
                    last=rfc3339(newest.last if newest else None),
                    stage=newest.stage if newest else None,
                    words=newest.words if newest else None,
                )
            )
        out[kind] = tuple(rows)
    return out


# ── all of them ───────────────────────────────────────────────────────────────────────────────


def _part(
    kind: Kind, places: Sequence[int], judged: Judged, mean: float, worlds: list[float] | None,
    top: tuple[Row, ...],
) -> Part:  # fmt: skip
    low, high = draws.between(worlds, mean)
    return Part(
        kind=kind,
        partners=len(places),
        mails_a_day=sum(judged.rates[n] for n in places),
        refused_a_day=mean if worlds else None,
        low=low,
        high=high,
        top=top,
    )


def _shares(summary: Summary, judged: Judged, shares: Shares) -> tuple[Share, ...]:
    sizes = Counter(summary.groups)
    rates = [0.0] * len(summary.names)
    for group, rate in zip(summary.groups, judged.rates, strict=True):
        rates[group] += rate
    groups = [n for n, name in enumerate(summary.names) if name in shares.groups]
    out = []
    for n in sorted(groups, key=lambda n: (-rates[n], summary.names[n]))[:TOP]:
        name = summary.names[n]
        low, high = shares.range(name, LEVEL)
        t = shares.groups[name]
        out.append(
            Share(
                gateway=name or None, partners=sizes[n], mails_a_day=rates[n], yes=round(t.yes, 1),
                no=round(t.no, 1), share=shares.share(name), low=low, high=high,
            )
        )  # fmt: skip
    return tuple(out)
