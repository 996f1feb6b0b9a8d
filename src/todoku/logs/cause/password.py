"""A password that others have: one user logs in from many networks, and more is strange besides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from todoku.logs.cause.jumps import BAD, LEAST_BAD, more_mail
from todoku.logs.cause.values import Cause
from todoku.logs.cause.view import Day, Seen, View

NETWORKS: Final = 6
"""A person with an office, a home and a telephone on a train has fewer in a day."""
LEAST: Final = 20
AT_NIGHT: Final = 0.5
"""Share of mail at night, where there was less than half of that before."""


def passwords(view: View) -> Iterator[Cause]:
    """Users that a stranger seems to send as."""
    for seen in view.of("user"):
        found = [c for day in seen.now if (c := _of(view, seen, day)) is not None]
        if found:
            yield max(found, key=lambda c: (c.confidence == "likely", c.now.mails))


def _of(view: View, seen: Seen, day: Day) -> Cause | None:
    if day.networks < NETWORKS or day.mails < LEAST:
        return None
    if any(2 * d.networks > day.networks for d in seen.past):
        return None
    bad = day.unknown + day.spam
    signs = [
        more_mail(view, seen, day),
        bad >= LEAST_BAD and bad >= BAD * (day.mails + day.spam),
        _at_night(seen, day),
    ]
    if not any(signs):
        return None
    likely = view.comparable or sum(signs) > 1
    return view.cause(seen, day, "leaked-password", "likely" if likely else "guess", networks=True)


def _at_night(seen: Seen, day: Day) -> bool:
    mails, night = sum(d.mails for d in seen.past), sum(d.night for d in seen.past)
    usual = night / mails if mails else 0.0
    return day.night >= AT_NIGHT * day.mails and day.night / day.mails > 2 * usual
