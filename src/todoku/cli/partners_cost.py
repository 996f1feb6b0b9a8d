"""`--by-cost` of `todoku logs` and `todoku case list`: in the order of what a block costs, with the figure."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import click
import msgspec

from todoku.cli.partners import WORDS as PARTNERS
from todoku.cli.partners import holds_of
from todoku.cli.render.partners import rate
from todoku.i18n import Language, Words, say
from todoku.knowledge.schema import Compiled
from todoku.model import VERSION
from todoku.partners import costs
from todoku.partners.costs import Cost
from todoku.partners.habits import around
from todoku.partners.keeping import Kept
from todoku.partners.kept_file import KeptError, has_file

if TYPE_CHECKING:
    from todoku.logs.values import EarlyWarning
    from todoku.settings import Settings

T = TypeVar("T")
Of = Callable[[str, Collection[str]], Cost | None]
"""What it costs: a place (as those of cases), and which of our identities it refuses."""

WORDS: Final[Words] = {
    "case": {"ja": "（1 日 {rate} 通）", "en": "({rate} mails a day)"},
    "case-unknown": {"ja": "（何通止まるかは不明）", "en": "(cost not known)"},
}


class CaseCost(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `todoku case list --by-cost --json`, before the events of the case."""

    v: int = VERSION
    kind: Literal["case-cost"] = "case-cost"
    case: int
    mails_a_day: float | None
    """To your partners, that this block costs; `None`: not known."""
    partners: int | None
    """Whose mail that is; with a list, of those who are proven to use it."""


def asking(folder: Path, knowledge: Compiled, lang: Language) -> Of:
    """Where nothing was learned, that is said, and no cost is known."""
    if not has_file(folder):
        click.echo(f"todoku: {say(PARTNERS['nothing'], lang)}", err=True)
        return lambda _place, _identities: None
    lists = {e.id for e in knowledge.lists}
    holds = holds_of(knowledge)
    known: dict[object, Cost | None] = {}
    now = time.time()
    with Kept.open(folder) as kept:
        summary = kept.summary()

    def of(place: str, identities: Collection[str]) -> Cost | None:
        key = place, *sorted(identities)
        if key not in known:
            if place not in lists:
                known[key] = costs.of_mail(summary, place.removeprefix("domain:"), identities)
            else:
                try:
                    with Kept.open(folder) as kept:
                        view = kept.view(around([place], holds), words=False)
                        known[key] = costs.of_list(view, place, holds, now, identities)
                except KeptError:
                    known[key] = None
        return known[key]

    return of


def dearest_first(told: Iterable[tuple[T, Cost | None]]) -> list[tuple[T, Cost | None]]:
    """Those of which nothing is known come last; alike ones stay in their order."""
    return sorted(told, key=lambda t: (t[1] is None, -(t[1].mails_a_day if t[1] else 0.0)))


def of_warnings(early: Sequence[EarlyWarning], of: Of) -> tuple[EarlyWarning, ...]:
    told = []
    for w in early:
        who = w.receiver or w.place
        ours = [w.identity.value] if w.identity is not None and w.identity.kind == "ip" else []
        told.append((w, of(who, ours) if who else None))
    return tuple(
        msgspec.structs.replace(
            w, mails_a_day=round(cost.mails_a_day, 3) if cost else None,
            partners=cost.partners if cost else None,
        )
        for w, cost in dearest_first(told)
    )  # fmt: skip


class CaseCosts:
    """Cases in the order of what they cost. `rows`: as `Desk.rows` has them."""

    def __init__(
        self, rows: Iterable[dict[str, Any]], found: Settings, knowledge: Compiled, lang: Language
    ) -> None:
        of = asking(Path(found.general.data), knowledge, lang)
        told = []
        for row in rows:
            ours = [key.removeprefix("ip:") for key in str(row["identities"] or "").split()]
            told.append((row, of(row["place"], ours) if row["place"] else None))
        ordered = dearest_first(told)
        self.rows = [row for row, _ in ordered]
        self._costs: dict[int, Cost | None] = {row["number"]: cost for row, cost in ordered}
        self._lang = lang

    def shown(self) -> dict[int, str]:
        """At the end of a case's line."""
        return {
            number: say(WORDS["case"], self._lang, rate=rate(cost.mails_a_day))
            if cost
            else say(WORDS["case-unknown"], self._lang)
            for number, cost in self._costs.items()
        }

    def print(self, number: int) -> None:
        cost = self._costs[number]
        line = CaseCost(
            case=number, mails_a_day=round(cost.mails_a_day, 3) if cost else None,
            partners=cost.partners if cost else None,
        )  # fmt: skip
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
