"""Mail by day and answering host: how many came through, and how many were refused because of us.

A mail is one message to one recipient on one day: what is deferred twenty times that day counts
once. Refused mail counts where the sending side has to act, or where nobody understood the answer;
that a mailbox does not exist or is full says nothing of how a receiver thinks of us.

Bounded: `MOST_CELLS` days of hosts, `MOST_MAILS` refused mails known apart. Beyond, `partial`.
"""

from __future__ import annotations

import hashlib
import time as clock
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from todoku.grouping import OURS, domain_of
from todoku.logs.values import Delivery
from todoku.model import Diagnosis

MOST_CELLS: Final = 200_000
MOST_MAILS: Final = 500_000
MOST_NAMES: Final = 20_000
"""Relays of which the host is remembered."""
QUARTER: Final = 900
"""Seconds; zones differ by multiples of it."""

Tally = list[tuple[bytes, dict[bytes | None, int]]]
"""Of a piece of a log, in order: a stamp, and by relay what was delivered within its hour or so."""


class Day(NamedTuple):
    """What one receiver did with our mail on one day of the reader's calendar."""

    day: int
    """Days since 1970-01-01."""
    mails: int
    refused: int


class Daily:
    """Counts by host and day; several can be added up."""

    def __init__(self, key: bytes = b"") -> None:
        """`key`: of the hash of mails (at most 64 bytes), which must be the same in all that are
        added up."""
        self.cells: dict[tuple[str, int], list[int]] = {}
        """Host (as `domain_of` has it) and day: delivered, refused."""
        self.partial = False
        self._begun = hashlib.blake2b(digest_size=8, key=key)
        self._mails: dict[int, list[int]] = {}
        """Hash of each refused mail, and the cell that counts it."""
        self._hosts: dict[bytes | str, str] = {}
        self._days: dict[int, int] = {}

    def sent(self, time: float | None, relay: bytes | str | None, n: int = 1) -> None:
        """`n` mails were delivered to `relay`: `mx.b.example[203.0.113.9]:25`, or a host."""
        if time is not None and relay:
            cell = self._cell(self._host(relay), self.day(time))
            if cell is not None:
                cell[0] += n

    def refused(self, delivery: Delivery) -> None:
        """An attempt that was refused or deferred."""
        d, time = delivery.diagnosis, delivery.time
        if d is None or time is None or not delivery.relay or not about_us(d):
            return
        day = self.day(time)
        hashed = self._begun.copy()  # the key is mixed in once
        told = f"{day} {delivery.host} {delivery.queue_id} {delivery.recipient}"
        hashed.update(told.encode("utf-8", "replace"))
        mail = int.from_bytes(hashed.digest())
        if mail in self._mails:
            return
        cell = self._cell(self._host(delivery.relay), day)
        if cell is not None:
            self._refused(mail, cell)

    def _refused(self, mail: int, cell: list[int]) -> None:
        cell[1] += 1
        if len(self._mails) < MOST_MAILS:
            self._mails[mail] = cell
        else:
            self.partial = True

    def day(self, time: float) -> int:
        """The day of the reader's calendar."""
        quarter = int(time // QUARTER)
        day = self._days.get(quarter)
        if day is None:
            try:
                day = (int(time) + clock.localtime(time).tm_gmtoff) // 86_400
            except (ValueError, OverflowError, OSError):
                day = int(time) // 86_400
            if len(self._days) >= MOST_CELLS:
                self._days.clear()
            self._days[quarter] = day
        return day

    def add(self, cells: Mapping[tuple[str, int], Iterable[int]]) -> None:
        """What another pass counted."""
        for (host, day), counts in cells.items():
            cell = self._cell(host, day)
            if cell is not None:
                for n, count in enumerate(counts):
                    cell[n] += count

    def merge(self, part: Daily) -> None:
        """Adds a further part of the same logs, whose mails may be refused in this one too; `part`
        stays as it is. Exact as long as it is not `partial`."""
        self.partial = self.partial or part.partial
        mine: dict[int, list[int]] = {}
        """By the identity of the part's cell."""
        for (host, day), (sent, refused) in part.cells.items():
            cell = self._cell(host, day)
            if cell is not None:
                cell[0] += sent
                mine[id(part.cells[host, day])] = cell
                if part.partial:  # what it could not keep apart
                    cell[1] += refused
        if part.partial:
            for theirs in part._mails.values():
                if (cell := mine.get(id(theirs))) is not None:
                    cell[1] -= 1
        for mail, theirs in part._mails.items():
            if mail not in self._mails and (cell := mine.get(id(theirs))) is not None:
                self._refused(mail, cell)

    def __getstate__(self) -> tuple[object, ...]:
        return self.cells, self.partial, self._mails

    def __setstate__(
        self, state: tuple[dict[tuple[str, int], list[int]], bool, dict[int, list[int]]]
    ) -> None:
        self.__init__()  # type: ignore[misc]
        self.cells, self.partial, self._mails = state

    def _cell(self, host: str, day: int) -> list[int] | None:
        cell = self.cells.get((host, day))
        if cell is None:
            if len(self.cells) >= MOST_CELLS:
                self.partial = True
                return None
            cell = self.cells[host, day] = [0, 0]
        return cell

    def _host(self, relay: bytes | str) -> str:
        host = self._hosts.get(relay)
        if host is None:
            name = relay.decode("utf-8", "replace") if isinstance(relay, bytes) else relay
            host = domain_of(name.partition("[")[0] or name)
            if len(self._hosts) >= MOST_NAMES:
                self._hosts.clear()
            self._hosts[relay] = host
        return host


def about_us(d: Diagnosis) -> bool:
    """Does the answer tell of how the receiver thinks of the sending side?"""
    return d.who_acts in OURS or d.reason == "undecided"
