"""Which domains are at the receiver of a case, as the relays in our logs tell: a domain of a customer of
Microsoft 365 is known by nothing else. And who writes much to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from todoku.cases.case import Case
from todoku.diagnosis import Diagnoser
from todoku.diagnosis.receivers import Receivers
from todoku.model import Refusal, Remote
from todoku.serve.logged import deliveries
from todoku.settings.own import Own

BACK: Final = timedelta(days=7)
MOST: Final = 500
"""Domains."""
MUCH: Final = 100
"""Messages of one sender in these days: people write less to one receiver."""


class Seen(NamedTuple):
    domains: tuple[str, ...] = ()
    """Those of the case first, then those with the most mail."""
    senders: tuple[str, ...] = ()
    """`news@example.jp (3,120)`, the most first."""


def observed(
    case: Case,
    logs: Iterable[str],
    diagnoser: Diagnoser,
    own: Own,
    now: datetime,
    unread: Callable[[str, str], object],
) -> Seen:
    theirs = {case.place and case.place.id, case.diagnosis and case.diagnosis.receiver} - {None}
    receivers = Receivers(diagnoser.knowledge)
    whose: dict[str, bool] = {}

    def is_theirs(relay: str) -> bool:
        if relay not in whose:
            number = receivers.places(Refusal(remote=Remote(host=relay))).host
            whose[relay] = number is not None and diagnoser.knowledge.receivers[number].id in theirs
        return whose[relay]

    domains: Counter[str] = Counter()
    senders: Counter[str] = Counter()
    for delivery in deliveries(logs, diagnoser, own, now - BACK, now, unread, recipients="off"):
        domain = delivery.domain
        if domain is None:
            continue
        if domain in case.to or (delivery.relay is not None and is_theirs(delivery.relay)):
            domains[domain] += 1
            if delivery.message.sender:
                senders[delivery.message.sender.lower()] += 1
    found = (domain for domain, _ in domains.most_common(MOST))
    much = (f"{who} ({n:,})" for who, n in senders.most_common(10) if n >= MUCH)
    return Seen(tuple(dict.fromkeys((*case.to, *found))), tuple(much))
