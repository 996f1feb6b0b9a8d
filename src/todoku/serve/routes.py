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
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.opening import open_logs
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.model import Refusal, Remote
from todoku.serve.sentlog import rotated
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
    since = (now - BACK).timestamp()
    run = Run(Judge(diagnoser), since=since, own=own, recipients="off", whole=True)
    source: Source | None = None
    for piece in open_logs(rotated(logs, since), None):
        if piece.error is not None:
            unread(piece.source, piece.error)
            continue
        if source is None or piece.first:
            source = Source(run, Clock(min(now.timestamp(), piece.written or now.timestamp())))
        for delivery in source.read(piece.data):
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
