"""Partners and a list: what each would refuse, and how sure that is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from todoku.partners import model
from todoku.partners.model import Shares
from todoku.partners.summary import Sights, Summary

ENOUGH: Final = 3.0
"""Customers of a gateway that must have been seen before its others are judged by them."""
GREAT: Final = 30
"""Partners with the most mail, that are looked at one by one; the others of a gateway together."""

Kind = Literal["proven", "likely", "unlikely", "unknown"]
KINDS: Final[tuple[Kind, ...]] = ("proven", "likely", "unlikely", "unknown")
"""`proven`: it named the list when it refused. `likely`, `unlikely`: by what its gateway's other
customers did, or because it took mail from a listed address. `unknown`: nothing was seen."""


class Judged(NamedTuple):
    """All partners by their places in the summary: what each would refuse, and how sure that is."""

    rates: Sequence[float]
    refused: Sequence[float]
    """Mails a day that it refuses where it uses the list."""
    chances: Sequence[float | None]
    """Its own chance to use it; `None`: that of its group."""
    kinds: Mapping[Kind, list[int]]
    """The most mail first."""
    great: Mapping[int, Kind]
    """Those with the most mail, in this order."""


def judge(
    summary: Summary, identity: str | None, seen: Sights, shares: Shares, now: float
) -> Judged:
    rates = summary.rates_of(identity)
    refused: list[float] = list(rates)
    chances: list[float | None] = [None] * len(rates)
    of_group: list[Kind] = ["unknown"] * len(summary.names)
    """Of those of whom nothing was seen."""
    for n, name in enumerate(summary.names):
        told = shares.groups.get(name)
        if told is not None and told.seen >= ENOUGH:
            of_group[n] = "likely" if shares.share(name) >= 0.5 else "unlikely"
    kind_of = list(map(of_group.__getitem__, summary.groups))
    alike: dict[tuple[int, int], float] = {}
    for n, course, named, bounced, taken in zip(
        seen.partners, seen.course, seen.named, seen.refused, seen.taken, strict=True
    ):
        key = (course, summary.groups[n])
        p = alike.get(key)
        if p is None:
            share = shares.share(summary.names[key[1]])
            p = alike[key] = model.chance(seen.courses[course], share, now)
        chances[n] = p
        # Customers of a gateway can let some of their users' mail through. Near 1 where little was seen.
        refused[n] *= (bounced + 1) / (bounced + taken + 1)
        kind_of[n] = "unlikely" if p < 0.5 else "proven" if named else "likely"
    order: Sequence[int] = range(len(rates))
    if identity is not None:  # else they are in this order
        order = sorted(order, key=lambda n: (-rates[n], summary.domains[n]))
    kinds: dict[Kind, list[int]] = {k: [] for k in KINDS}
    for n in order:
        kinds[kind_of[n]].append(n)
    great = {n: kind_of[n] for n in order[:GREAT]}
    return Judged(rates, refused, chances, kinds, great)
