"""Mail of strangers that is sent on, and refused far more often than our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from todoku.logs.cause.jumps import BAD, LEAST_BAD, TIMES
from todoku.logs.cause.values import Cause
from todoku.logs.cause.view import Day, View

LEAST: Final = 30


def forwardings(view: View) -> Iterator[Cause]:
    """At most one, named by the domain that most of it goes to."""
    seen = view.together("forwarded")
    if seen is None:
        return
    found = []
    for day in seen.now:
        told = day.mails + day.refused
        if day.mails < LEAST or day.refused < LEAST_BAD or day.refused < BAD * told:
            continue
        ours = next((d for d in view.rest if d.number == day.number), Day(day.number))
        own = ours.mails + ours.refused
        if own >= LEAST and day.refused / told <= TIMES * ours.refused / own:
            continue
        confidence = "likely" if own >= LEAST else "guess"
        found.append(view.cause(seen, day, "forwarding", confidence))  # type: ignore[arg-type]
    if found:
        yield max(found, key=lambda c: c.now.refused)
