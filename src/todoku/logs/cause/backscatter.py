"""Notifications to strangers: answers to mail that they never sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from todoku.logs.cause.jumps import TIMES
from todoku.logs.cause.values import Cause
from todoku.logs.cause.view import View

LEAST: Final = 30
DOMAINS: Final = 10
PART: Final = 0.1


def backscatters(view: View) -> Iterator[Cause]:
    """At most one, named by the domain that most of them go to."""
    seen = view.together("notified")
    if seen is None:
        return
    most = max((d.mails for d in seen.past), default=0)
    found = []
    for day in seen.now:
        if day.mails < LEAST or day.domains < DOMAINS:
            continue
        jumped = view.comparable and day.mails > TIMES * most
        total = next((d.mails for d in view.all if d.number == day.number), 0)
        much = day.mails >= PART * total
        if jumped or much:
            confidence = "likely" if jumped and much else "guess"
            found.append(view.cause(seen, day, "backscatter", confidence))  # type: ignore[arg-type]
    if found:
        yield max(found, key=lambda c: c.now.mails)
