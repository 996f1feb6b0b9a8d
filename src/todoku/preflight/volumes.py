"""How much mail goes where on a day, by one's own logs. Pure; memory is bounded, whatever they hold.

volumes = Volumes(knowledge)
for delivery in source.read(piece): volumes.add(delivery)     # of a `logs.run.Run(whole=True)`
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from todoku.knowledge.names import NameTable
from todoku.knowledge.schema import Compiled
from todoku.lists.identities import registered_domain
from todoku.logs.values import Delivery
from todoku.preflight.values import Past

DAY: Final = 86_400
MOST_PLACES: Final = 5_000
MOST_DAYS: Final = 400
"""The days that count, back from the newest; older ones are dropped."""
_PLACED: Final = 20_000
"""Hosts and domains remembered."""


class Volume(NamedTuple):
    """To one place."""

    receiver: str | None
    """By the knowledge's id."""
    place: str
    """Its name, else the domain of the answering hosts, else that of the recipients."""
    usual: int
    """The median of days with mail."""
    most: int
    """Of the busiest day."""


class Volumes:
    def __init__(self, knowledge: Compiled, smarthosts: Collection[str] = ()) -> None:
        """`smarthosts`: servers of ours through which mail goes out; behind them the recipient's
        domain tells where it went."""
        self._receivers = [
            r if r.kind in {"mailbox", "gateway"} else None for r in knowledge.receivers
        ]
        self._hosts = NameTable((h, i) for i, r in enumerate(knowledge.receivers) for h in r.hosts)
        self._domains = NameTable(
            (d, i) for i, r in enumerate(knowledge.receivers) for d in r.domains
        )
        self._smarthosts = {name.lower() for name in smarthosts}
        self._placed: dict[tuple[str | None, str | None], tuple[str | None, str] | None] = {}
        self._days: dict[tuple[str | None, str], dict[int, int]] = {}
        self._all: dict[int, int] = {}
        self.partial = False
        """More places than are kept apart."""

    def add(self, d: Delivery) -> None:
        """Attempts that ended count, taken or refused; those that are tried again do not, and
        neither does mail that stays on the machine."""
        if d.time is None or d.outcome not in {"sent", "bounced"}:
            return
        key = (d.relay, d.domain)
        try:
            place = self._placed[key]
        except KeyError:
            if len(self._placed) >= _PLACED:
                self._placed.clear()
            place = self._placed[key] = self._place(*key)
        if place is None:
            return
        day = int(d.time // DAY)
        self._all[day] = self._all.get(day, 0) + 1
        if len(self._all) > MOST_DAYS:
            self._forget()
        days = self._days.get(place)
        if days is None:
            if len(self._days) >= MOST_PLACES:
                self.partial = True
                return
            days = self._days[place] = {}
        days[day] = days.get(day, 0) + 1

    def past(self) -> Past | None:
        """`None` where no mail went out."""
        if not self._all:
            return None
        return Past(
            first=_date(min(self._all)),
            last=_date(max(self._all)),
            days=len(self._all),
            messages=sum(self._all.values()),
        )

    def volumes(self) -> list[Volume]:
        """The largest first."""
        found = [
            Volume(receiver, place, round(statistics.median(days.values())), max(days.values()))
            for (receiver, place), days in self._days.items()
            if days
        ]
        return sorted(found, key=lambda v: (-v.most, v.place))

    def _place(self, relay: str | None, domain: str | None) -> tuple[str | None, str] | None:
        if relay is None or "." not in relay or relay.startswith("/"):
            return None  # handed to a program or a socket of this machine, or never on its way
        through = relay.lower() in self._smarthosts
        for at in self._found(None if through else relay, domain):
            receiver = None if at is None else self._receivers[at]
            if receiver is not None:
                return receiver.id, receiver.name.en
        name = domain if through else relay
        return None, registered_domain(name or "") or domain or relay

    def _found(self, relay: str | None, domain: str | None) -> Iterator[int | None]:
        """The answering host tells more than the recipient's domain."""
        if relay is not None:
            yield self._hosts.find(relay)
        if domain is not None:
            yield self._domains.find(domain)

    def _forget(self) -> None:
        oldest = min(self._all)
        del self._all[oldest]
        for days in self._days.values():
            days.pop(oldest, None)


def _date(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()
