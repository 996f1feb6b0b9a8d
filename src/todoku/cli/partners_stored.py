"""`todoku partners learn` without a path: from the parts of stored deliveries that are new."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from todoku import settings
    from todoku.cli.partners_learn import Learning
    from todoku.deliveries.parts import Part
    from todoku.deliveries.reading import Stored
    from todoku.partners.keeping import PartRead, Step
    from todoku.partners.values import Evidence

YOUNG: Final = 3 * 86_400.0
"""Seconds for which a day of stored deliveries is learned anew when it has grown."""
SETTLED: Final = 14 * 86_400.0
"""Seconds after which what it taught is no longer kept apart."""


def learn(learning: Learning, found: settings.Settings, step: Step) -> None:
    """Raises `StoreError` and `AskingError`."""
    from todoku.deliveries.reading import open_stored
    from todoku.partners import stored
    from todoku.partners.keeping import PartRead

    now = time.time()
    with open_stored(found.general.data, found.general.store) as there:
        parts = [PartRead(p.name, p.day, p.rows) for p in there.parts()]
        known = step.parts()
        plan = stored.plan(known, parts, young=_date(now - YOUNG), known=step.days())
        for some in plan.fresh:
            step.add(_of_parts(learning, some, there, found))
            step.learned(some)
            learning.deliveries += sum(p.rows for p in some)
        before = {p.name for p in known}
        for day, some in plan.again.items():
            step.learn_day(day, _of_parts(learning, some, there, found))
            step.learned(some)
            learning.deliveries += sum(p.rows for p in some if p.name not in before)
        if plan.same or plan.gone:
            step.learned(plan.same, plan.gone)
        step.settle(_date(now - SETTLED))
    if plan.missed:
        learning.say("missed", n=f"{plan.missed:,}")


def _of_parts(
    learning: Learning, some: list[PartRead], there: Stored, found: settings.Settings
) -> Evidence:
    from todoku.deliveries.asking import asking
    from todoku.partners import stored
    from todoku.partners.learning import Sources

    own = found.own
    chosen = _Some(there, {p.name for p in some})
    with asking(cast("Stored", chosen)) as worker:
        return stored.learn(
            worker.ask, learning.gates, Sources(own), own_domains=own.domains,
            windows=learning.windows, names=learning.names, smarthosts=own.smarthosts,
        )  # fmt: skip


class _Some:
    """Some of the parts that are stored, without the tail: what `todoku.deliveries.asking` needs."""

    def __init__(self, stored: Stored, names: set[str]) -> None:
        self.folder = stored.folder
        self._parts = [p for p in stored.parts() if p.name in names]

    def parts(self, _first: str | None = None, _last: str | None = None) -> list[Part]:
        return self._parts

    def stream(self) -> bytes:
        return b""


def _date(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
