"""Users, senders, clients and programs whose volume, spam or unknown recipients jumped.

Nothing here counts below a floor (`LEAST`), nor what was as much, or as bad, on any day of the past.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from todoku.logs.cause.values import Cause, Pattern
from todoku.logs.cause.view import Day, Seen, View
from todoku.logs.change import tail
from todoku.model import Confidence

LEAST: Final = 50
"""Mails of a day."""
TIMES: Final = 3
"""So many times the greatest day of the past."""
PART: Final = 0.05
"""Of all mail of that day: less does not earn a block."""
LEAST_BAD: Final = 15
BAD: Final = 0.1
"""Share of unknown recipients, or of spam, that hurts."""
MANY_DOMAINS: Final = 8
WEIGHT: Final = 100
"""Concentration of a share from day to day: as wide as is usual for a small sender."""
CHANCE: Final = 1e-5


def jumps(view: View) -> Iterator[Cause]:
    """At most one for each name: the worst sign first."""
    for seen in view.of("user", "sender", "client", "script"):
        found = [c for day in seen.now if (c := _of(view, seen, day)) is not None]
        if found:
            yield max(found, key=lambda c: (c.confidence == "likely", c.now.mails))


def _of(view: View, seen: Seen, day: Day) -> Cause | None:
    more = more_mail(view, seen, day)
    spam = _worse(view, seen, day, "spam")
    unknown = _worse(view, seen, day, "unknown")
    signs = more + spam + unknown
    if not signs:
        return None
    pattern: Pattern = "volume"
    if unknown:
        pattern = "stale-list" if day.domains >= MANY_DOMAINS else "unknown-recipients"
    elif spam:
        pattern = "spam"
    confidence: Confidence = "likely" if signs > 1 else "guess"
    return view.cause(seen, day, pattern, confidence)


def more_mail(view: View, seen: Seen, day: Day) -> bool:
    """Did the volume jump? Without a past to compare with that is not known, so no."""
    if not view.comparable or day.mails < LEAST:
        return False
    total = next((d.mails for d in view.all if d.number == day.number), 0)
    most = max(d.mails for d in seen.past)
    return day.mails > TIMES * most and day.mails >= PART * total


def _worse(view: View, seen: Seen, day: Day, field: str) -> bool:
    """Is more of it unknown recipients (or spam) than ever, and than with the others?"""
    bad: int = getattr(day, field)
    if day.mails + day.spam < LEAST or bad < LEAST_BAD:
        return False
    share = bad / (day.mails + day.spam)
    if share < BAD:
        return False
    days = [d for d in seen.past if d.mails + d.spam >= LEAST_BAD]
    if any(2 * getattr(d, field) / (d.mails + d.spam) > share for d in days):
        return False
    everybody = next((d for d in view.all if d.number == day.number), Day(day.number))
    rest = everybody.mails + everybody.spam - day.mails - day.spam
    if rest < LEAST and not days:
        return False  # neither others nor a past to compare with
    others: int = max(getattr(everybody, field) - bad, 0)
    before: int = sum(getattr(d, field) for d in days)
    usual = max(
        (others + 0.5) / (rest + 1) if rest >= LEAST else 0.0,
        (before + 0.5) / (sum(d.mails + d.spam for d in days) + 1) if days else 0.0,
    )
    chance = tail(bad, day.mails + day.spam, min(usual, 0.99), WEIGHT)
    return share > TIMES * usual and chance < CHANCE
