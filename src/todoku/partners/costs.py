"""What it costs when a receiver, a list or a domain refuses us: mails a day to one's own partners. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from todoku.partners.forecast import forecast
from todoku.partners.habits import family
from todoku.partners.summary import Summary, View


class Cost(NamedTuple):
    mails_a_day: float
    partners: int


def of_mail(summary: Summary, who: str, identities: Collection[str] = ()) -> Cost | None:
    """All mail to a partner, or to those whose mail `who` runs: a receiver of the knowledge, or the domain of
    hosts. `None`: there is none that is known. `identities`: own ones that are refused; the mail that left
    from them counts, where that is known of all of them, else all mail."""
    place = summary.place(who)
    gates = [n for n, name in enumerate(summary.names) if name in {who, f"{who}."}]
    places = (
        [place] if place is not None else [n for n, g in enumerate(summary.gates) if g in gates]
    )
    if not places:
        return None
    rates = [summary.rates_of(source) for source in _sources(summary, identities)]
    return Cost(sum(of[n] for of in rates for n in places), len(places))


def of_list(
    view: View, list_: str, holds: Mapping[str, str], now: float, identities: Collection[str] = ()
) -> Cost | None:
    """What a listing is forecast to cost: of all mail, where that can be told, else of partners who named the
    list. `None`: neither is known."""
    told = [
        forecast(family(list_, holds), view, now, identity=source, top=0)
        for source in _sources(view.summary, identities)
    ]
    proven = [f.parts[0] for f in told]
    known = [f.refused_a_day if f.refused_a_day is not None else p.refused_a_day for f, p in zip(told, proven, strict=True)]  # fmt: skip
    if not any(p.partners for p in proven) and None in {f.refused_a_day for f in told}:
        return None
    return Cost(sum(n or 0.0 for n in known), max(p.partners for p in proven))


def _sources(summary: Summary, identities: Collection[str]) -> list[str | None]:
    """Own addresses whose mail counts; `None` is all mail."""
    known = [i for i in dict.fromkeys(identities) if i in summary.by_source]
    return [*known] if known and len(known) == len(set(identities)) else [None]
