"""What a receiver thinks of a source address, and what follows for the next message. Pure.

blocked ──mitigate──▶ blocked still, until each answering host has heard of it (24 to 48 h)
                         │
                         ▼
                      limited: so many messages an hour; good mail raises the limit
                         │
                         ▼
                      established: no limits ──complaints──▶ blocked
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

_HOUR: Final = timedelta(hours=1)
replace = msgspec.structs.replace


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    hour: int = 20
    """Messages in an hour, at first."""
    doubles: int = 40
    """After so many good ones the limit is twice as high, and so on."""
    ends: int = 240
    """After so many there is none."""


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    blocked: dict[str, str] = {}
    """Source addresses that are refused from the first day, and with which text."""
    settles: tuple[float, ...] = (6.0, 30.0)
    """Hours until the first, second, ... answering host has heard of a mitigation."""
    limit: Limit = Limit()
    greylist: float = 0.0
    """Minutes for which a new sender is asked to wait."""
    complaints: int = 3
    """So many, and the address is blocked again."""
    junk: int = 0
    """So many messages after a mitigation go to the junk folder."""


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """Of one source address."""

    code: str | None = None
    """Blocked, with this text."""
    lifted: dict[str, datetime] = {}
    """When each answering host lets it in again."""
    limited: bool = False
    accepted: int = 0
    """Since the mitigation."""
    complaints: int = 0
    recent: tuple[datetime, ...] = ()
    """When the messages of the last hour were accepted; only while limited."""


def blocked(code: str) -> Opinion:
    return Opinion(code=code)


def mitigated(opinion: Opinion, hosts: tuple[str, ...], now: datetime, rules: Rules) -> Opinion:
    hours = rules.settles or (0.0,)
    lifted = {
        host: now + timedelta(hours=hours[min(i, len(hours) - 1)]) for i, host in enumerate(hosts)
    }
    return Opinion(code=opinion.code, lifted=lifted, limited=True)


def refuses(opinion: Opinion, host: str, now: datetime) -> bool:
    """Whether this host still blocks it."""
    if opinion.code is None:
        return False
    return host not in opinion.lifted or now < opinion.lifted[host]


def per_hour(opinion: Opinion, now: datetime, rules: Rules) -> int | None:
    """How many messages an hour it may send; `None`: any number. What was accepted before this
    hour raises it: a burst earns nothing for itself."""
    if not opinion.limited:
        return None
    earned = opinion.accepted - _recent(opinion, now)
    if earned >= rules.limit.ends:
        return None
    return int(rules.limit.hour * 2 ** (earned // max(1, rules.limit.doubles)))


def over(opinion: Opinion, now: datetime, rules: Rules) -> bool:
    """Whether it has sent as many as it may."""
    limit = per_hour(opinion, now, rules)
    return limit is not None and _recent(opinion, now) >= limit


def _recent(opinion: Opinion, now: datetime) -> int:
    return sum(now - t < _HOUR for t in opinion.recent)


def accepted(opinion: Opinion, now: datetime, rules: Rules) -> Opinion:
    """After one more message."""
    if not opinion.limited:
        return opinion
    recent = (*(t for t in opinion.recent if now - t < _HOUR), now)
    opinion = replace(opinion, accepted=opinion.accepted + 1, recent=recent)
    if per_hour(opinion, now, rules) is None:
        # It has earned its place: nothing of the old block is left.
        return Opinion(accepted=opinion.accepted, complaints=opinion.complaints)
    return opinion


def complained(opinion: Opinion, code: str, rules: Rules) -> Opinion:
    """After a user's complaint: the last one that is borne takes the mitigation away."""
    count = opinion.complaints + 1
    if count >= rules.complaints:
        return blocked(opinion.code or code)
    return replace(opinion, complaints=count)
