"""One identity in a case: what each kind of news makes of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from todoku.cases.case import Standing, Tally
from todoku.cases.events import AnswerClass, Answered
from todoku.cases.policy import Proves
from todoku.cases.states import Trigger, moved

replace = msgspec.structs.replace

MOST_HOSTS: Final = 10
PROMISES: Final = frozenset({"mitigated", "conditionally-mitigated", "delisted", "expires"})


def move(standing: Standing, trigger: Trigger, at: datetime) -> Standing:
    """To where the table says. A new state begins with nothing proven."""
    state = moved(standing.state, trigger)
    if state == standing.state:
        return standing
    before = standing.state
    standing = replace(standing, state=state, since=at, vain=0)
    if state != "settling":
        standing = replace(standing, until=None)
    if before == "junked" and state == "verifying":
        return standing  # it was accepted all the time
    return unproven(standing) if state in {"settling", "verifying", "open"} else standing


def unproven(standing: Standing) -> Standing:
    return replace(standing, accepted=Tally(), delivered=Tally(), mail=Tally())


def refusal(standing: Standing, last: datetime, at: datetime) -> Standing:
    """Mail was refused at `last`. What is older than the state says nothing about it: bounces
    come late."""
    if standing.refused_at is not None and last < standing.refused_at:
        return standing
    standing = replace(standing, refused_at=last)
    if standing.state in {"verifying", "junked", "resolved"} and last < standing.since:
        return standing
    return move(unproven(standing), "refused", at)


def acceptance(
    standing: Standing,
    count: int,
    first: datetime,
    last: datetime,
    hosts: Iterable[str],
    how: Proves = "probe",
) -> Standing:
    """So much was accepted. It proves nothing before the desk's promise has settled, nor before
    the newest refusal; of what began before, the last one counts."""
    if standing.state in {"settling", "resolved", "closed"}:
        return standing
    floor = standing.refused_at
    if standing.state == "verifying":
        floor = max(standing.since, floor or standing.since)
    if floor is not None and last < floor:
        return standing
    if floor is not None and first < floor:
        count, first = 1, last
    hosts = tuple(hosts)

    def more(tally: Tally) -> Tally:
        return Tally(
            count=tally.count + count,
            first=min(first, tally.first or first),
            last=max(last, tally.last or last),
            hosts=tuple(dict.fromkeys((*tally.hosts, *hosts)))[:MOST_HOSTS],
        )

    return replace(
        standing,
        accepted=more(standing.accepted),
        delivered=more(standing.delivered) if how != "probe" else standing.delivered,
        mail=more(standing.mail) if how == "mail" else standing.mail,
    )


def seen_now(standing: Standing, at: datetime, hosts: Iterable[str]) -> Standing:
    """We asked, and it went well: newer than the state, whatever the clock says."""
    at = max(standing.since, at)
    return acceptance(standing, 1, at, at, hosts)


def unsent_reply(standing: Standing, at: datetime) -> Standing:
    """A reply never reached the desk: its no stands as before."""
    after = move(standing, "unsent reply", at)
    return replace(after, escalations=max(0, standing.escalations - 1), replied=False)


def heed(standing: Standing, verdict: AnswerClass, answer: Answered, at: datetime) -> Standing:
    if "confirm-link" in answer.asks and verdict in {"received", "needs-information"}:
        return replace(standing, asks=answer.asks)  # nothing is acknowledged before the click
    if verdict == "bounce" and standing.replied and standing.state == "requested":
        return unsent_reply(standing, at)
    after = move(standing, f"answered {verdict}", at)
    if verdict == "needs-information":
        return replace(after, asks=answer.asks or ("other",))
    if verdict in PROMISES and after.state == "settling":
        # A second promise never shortens the wait for the first.
        until = max(filter(None, (standing.until, answer.until)), default=at)
        after = replace(after, until=until)
    return after if verdict in {"unclear", "unrelated"} else replace(after, asks=())
