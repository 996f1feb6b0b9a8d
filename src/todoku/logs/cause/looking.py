"""All patterns in turn, what explains what, and what could not be looked at."""

from __future__ import annotations

from typing import Final

from todoku.logs.cause.backscatter import backscatters
from todoku.logs.cause.forwarding import forwardings
from todoku.logs.cause.jumps import jumps
from todoku.logs.cause.password import passwords
from todoku.logs.cause.tally import HOUR, Tally
from todoku.logs.cause.values import PATTERNS, Cause, Looked, LookedAt
from todoku.logs.cause.view import DAYS, View
from todoku.logs.clock import rfc3339

MOST: Final = 20
"""Causes that are told."""
_NEEDS: Final = {
    "leaked-password": "users", "forwarding": "clients", "volume": "past",
}  # fmt: skip


def look(tally: Tally, at: float | None, offset: int = 0) -> tuple[Looked, tuple[Cause, ...]]:
    """Causes, the surest first; `at`: the time of the block, else the end of the log."""
    at = tally.last if at is None else at
    if at is None:
        unknown = tuple(LookedAt(p, False, "past") for p in PATTERNS)
        return Looked(
            at=None, first=None, log_first=None, days_before=0, found=0, looked=unknown, mails=0,
            left_out=0, left_out_most=0,
        ), ()  # fmt: skip
    view = View(tally, at, offset)
    causes = _told([*passwords(view), *jumps(view), *forwardings(view), *backscatters(view)])
    told = Looked(
        at=rfc3339(at),
        first=rfc3339((view.end - DAYS * 24) * HOUR),
        log_first=rfc3339(tally.first),
        days_before=view.days,
        found=len(causes),
        looked=tuple(_looked_at(view, p) for p in PATTERNS),
        mails=sum(d.mails for d in view.all),
        left_out=tally.left_out,
        left_out_most=tally.left_out_most,
    )
    return told, causes


def _told(found: list[Cause]) -> tuple[Cause, ...]:
    """One account is one cause: what it explains of others is not told twice."""
    found.sort(key=lambda c: (_RANK[c.pattern], c.who == "sender", -c.now.mails))
    told: list[Cause] = []
    for c in found:
        if not any(_explains(t, c) for t in told):
            told.append(c)
    told.sort(key=lambda c: (c.confidence != "likely", _RANK[c.pattern], -c.now.mails))
    return tuple(told[:MOST])


_RANK: Final = {p: n for n, p in enumerate(
    ("leaked-password", "backscatter", "forwarding", "stale-list", "unknown-recipients", "spam", "volume")
)}  # fmt: skip


def _explains(told: Cause, c: Cause) -> bool:
    """Is `c` the same mail, seen from another side? A user's mail has a sender and a client too; the
    mail that is forwarded has clients and senders."""
    if told.first != c.first:
        return told.who == c.who and told.name == c.name
    if told.who in {"forwarded", "notified"}:
        return c.who in {"sender", "client"} and c.now.mails <= told.now.mails
    if told.who == c.who and told.name == c.name:
        return True
    sides = {"user", "script", "client"}
    other_side = (told.who in sides) != (c.who in sides)
    return told.name == c.name or (other_side and c.now.mails <= 1.1 * told.now.mails)


def _looked_at(view: View, pattern: str) -> LookedAt:
    needs = _NEEDS.get(pattern)
    tally = view.tally
    has = {"users": tally.users, "clients": tally.clients, "past": view.comparable, None: True}
    known = has[needs]
    return LookedAt(pattern, known, None if known else needs)  # type: ignore[arg-type]
