"""What real mail met, as our mail servers' logs tell: it proves that a block is gone, or still there.

Kept in `sent.db` (`todoku.serve.sentlog`): for each delivery that a receiver answered, under hashes of
where it went (domain, receiver) and the address that it left from, when, and which host answered.
Handing mail on to a smarthost or a mailbox of ours proves nothing, and neither does a mere delay.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from todoku.cases.marks import TRIAL
from todoku.diagnosis import Diagnoser
from todoku.diagnosis.receivers import Receivers
from todoku.logs.values import Delivery
from todoku.model import Refusal, Remote, Reply
from todoku.serve import sightings
from todoku.settings.own import Own

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS met (
    about INTEGER NOT NULL, delivery INTEGER NOT NULL, at REAL NOT NULL, host TEXT,
    code INTEGER, enhanced TEXT, text TEXT, recipient INTEGER, PRIMARY KEY (about, delivery)
) WITHOUT ROWID;
"""
PUT: Final = "INSERT OR IGNORE INTO met VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
MOST_HOSTS: Final = 10
MOST_KNOWN: Final = 10_000
Hash = Callable[..., int]


class Met(NamedTuple):
    """Since a moment. What was accepted before the newest refusal is not counted."""

    accepted: int = 0
    first: datetime | None = None
    last: datetime | None = None
    hosts: tuple[str, ...] = ()
    refused: datetime | None = None
    reply: Reply = Reply()
    host: str | None = None
    """Who refused."""


class Arrivals:
    """Rows of deliveries, and what they tell."""

    def __init__(self, diagnoser: Diagnoser, own: Own) -> None:
        self._own = own
        self._knowledge = diagnoser.knowledge
        self._receivers = Receivers(self._knowledge)
        self._known: dict[tuple[str, str], str | None] = {}
        self._only = own.addresses[0] if len(own.addresses) == 1 else None

    def rows(
        self, delivery: Delivery, now: float, hashed: Hash, to: int
    ) -> Iterator[tuple[object, ...]]:
        """To be kept of a delivery. `to`: hash of the recipient."""
        source = delivery.source or self._only
        relay, domain = delivery.relay, delivery.domain
        if source is None or relay is None or domain is None or self._handed_on(delivery):
            return
        if delivery.outcome not in {"sent", "bounced"} or self._is_trial(delivery):
            return
        at = now if delivery.time is None else min(now, delivery.time)
        reply: tuple[object, ...] = (None, None, None)
        names = {domain}
        if delivery.outcome == "sent":
            names.add(self._receiver(relay, domain) or domain)
        else:
            found = delivery.diagnosis
            place = None if found is None else sightings.place(found)
            if place is None or delivery.code is None:
                return
            names = {place.id.removeprefix("domain:")}  # refused on another ground: another case
            reply = (delivery.code, delivery.enhanced, delivery.template or "")
        one = hashed("delivery", str(delivery.queue_id), str(delivery.recipient), f"{at:.3f}")
        for name in names:
            yield hashed("met", name, source), one, at, relay, *reply, to

    def _handed_on(self, delivery: Delivery) -> bool:
        return self._own.is_smarthost(delivery.relay, delivery.relay_ip)

    def _is_trial(self, delivery: Delivery) -> bool:
        return (delivery.message.message_id or "").strip().strip("<>").startswith(TRIAL)

    def _receiver(self, relay: str, domain: str) -> str | None:
        key = (relay, domain)
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            asked = Refusal(remote=Remote(host=relay), recipient=f"postmaster@{domain}")
            place = self._receivers.places(asked)
            number = place.host if place.host is not None else place.domain
            self._known[key] = None if number is None else self._knowledge.receivers[number].id
        return self._known[key]


def met(
    db: sqlite3.Connection, hashed: Hash, names: Iterable[str], source: str, since: datetime
) -> Met:
    """What mail from `source` met at domains and receivers (their ids) after a moment."""
    abouts = [hashed("met", name, source) for name in dict.fromkeys(names)]
    marks = ", ".join("?" * len(abouts))
    query = (
        "SELECT DISTINCT delivery, at, host, code, enhanced, text FROM met "  # noqa: S608  only marks
        f"WHERE about IN ({marks}) AND at > ? ORDER BY at"
    )
    found = Met()
    for _, at, host, code, enhanced, text in db.execute(query, (*abouts, since.timestamp())):
        moment = datetime.fromtimestamp(at, UTC)
        if code is not None:
            found = Met(refused=moment, reply=Reply(code, enhanced, text), host=host)
            continue
        hosts = dict.fromkeys((*found.hosts, *((host,) if host else ())))
        found = found._replace(
            accepted=found.accepted + 1,
            first=found.first or moment,
            last=moment,
            hosts=tuple(hosts)[:MOST_HOSTS],
        )
    return found
