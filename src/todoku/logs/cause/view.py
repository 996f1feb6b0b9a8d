"""A tally as it is looked at: the three days that end with the block, and the days before them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from todoku.logs.cause.tally import HOUR, Cell, Name, Tally
from todoku.logs.cause.values import Cause, Kind, Pattern, Period
from todoku.logs.clock import rfc3339
from todoku.model import Confidence

DAYS: Final = 3
"""Days that end an hour after `at`."""
PAST: Final = 14
"""Days before these that they are held against, at most."""
LEAST_PAST: Final = 3
"""Days of past below which a jump cannot be told."""
AFTER: Final = 3_600
"""Seconds: queues lag."""
NIGHT: Final = frozenset((22, 23, 0, 1, 2, 3, 4, 5))


class Day(NamedTuple):
    """24 hours of one name."""

    number: int
    """0: those that end with the block, 1: those before, ..."""
    mails: int = 0
    unknown: int = 0
    spam: int = 0
    refused: int = 0
    networks: int = 0
    domains: int = 0
    night: int = 0
    """Mails between 22 and 6 o'clock."""
    examples: tuple[str, ...] = ()


class Seen(NamedTuple):
    """One name: each of the three days that it sent on, and all whole days of the past, those
    without mail too."""

    kind: Kind
    name: str
    now: tuple[Day, ...]
    past: tuple[Day, ...]


class View:
    """What is known round a time."""

    def __init__(self, tally: Tally, at: float, offset: int = 0) -> None:
        """`offset`: seconds that the reader's clock is ahead of UTC, for what is night."""
        self.tally = tally
        self.at = at
        self.end = (int(at + AFTER) // HOUR) + 1
        """The first hour that is not looked at."""
        self.offset = offset // HOUR
        first = self.end if tally.first is None else int(tally.first) // HOUR
        self.days = max(0, min(PAST, (self.end - first) // 24 - DAYS))
        """Whole days of past that the log holds."""
        self.all = self._days(tally.all, DAYS)
        self.rest = self._days(tally.rest, DAYS)

    @property
    def comparable(self) -> bool:
        return self.days >= LEAST_PAST

    def of(self, *kinds: Kind) -> list[Seen]:
        """All names of these kinds that sent in the three days."""
        return [s for name in self.tally.names if name[0] in kinds and (s := self._seen(name)).now]

    def together(self, kind: Kind) -> Seen | None:
        """All names of a kind as one; named is the one with the most mail."""
        merged: dict[int, Cell] = {}
        best: tuple[int, str] = (0, "")
        for (k, name), hours in self.tally.names.items():
            if k != kind:
                continue
            sent = sum(
                c.mails + c.refused for h, c in hours.items() if self.end - 72 <= h < self.end
            )
            best = max(best, (sent, name))
            for hour, cell in hours.items():
                into = merged.setdefault(hour, Cell())
                into.mails += cell.mails
                into.unknown += cell.unknown
                into.spam += cell.spam
                into.refused += cell.refused
                into.domains = (into.domains or set()) | (cell.domains or set())
                into.example = into.example or cell.example
        now = self._days(merged, DAYS)
        return Seen(kind, best[1], now, self._past(merged)) if now else None

    def cause(
        self, seen: Seen, day: Day, pattern: Pattern, confidence: Confidence, *, networks: bool = False
    ) -> Cause:  # fmt: skip
        end = (self.end - 24 * day.number) * HOUR
        return Cause(
            pattern=pattern,
            who=seen.kind,
            name=seen.name,
            confidence=confidence,
            first=rfc3339(end - 24 * HOUR) or "",
            last=rfc3339(end) or "",
            now=Period(mails=day.mails, unknown=day.unknown, spam=day.spam, refused=day.refused),
            before=self.average(seen.past),
            networks=day.networks if networks else None,
            night=round(day.night / day.mails, 2) if day.mails else None,
            domains=day.domains or None,
            examples=day.examples,
        )

    def average(self, past: tuple[Day, ...]) -> Period | None:
        n = len(past)
        if not n:
            return None

        def mean(field: str) -> float:
            total: int = sum(getattr(d, field) for d in past)
            return round(total / n, 1)

        return Period(
            mails=mean("mails"), unknown=mean("unknown"), spam=mean("spam"), refused=mean("refused")
        )

    def _seen(self, name: Name) -> Seen:
        hours = self.tally.names[name]
        return Seen(*name, self._days(hours, DAYS), self._past(hours))

    def _past(self, hours: Mapping[int, Cell]) -> tuple[Day, ...]:
        found = {d.number: d for d in self._days(hours, DAYS + self.days, DAYS)}
        return tuple(found.get(n, Day(n)) for n in range(DAYS, DAYS + self.days))

    def _days(self, hours: Mapping[int, Cell], until: int, since: int = 0) -> tuple[Day, ...]:
        days: dict[int, list[tuple[int, Cell]]] = {}
        for hour, cell in hours.items():
            number = (self.end - 1 - hour) // 24
            if since <= number < until and hour < self.end:
                days.setdefault(number, []).append((hour, cell))
        return tuple(self._day(n, cells) for n, cells in sorted(days.items()))

    def _day(self, number: int, cells: list[tuple[int, Cell]]) -> Day:
        networks: set[str] = set()
        domains: set[str] = set()
        worst = sorted(cells, key=lambda x: -(x[1].unknown + x[1].spam))
        for _, c in cells:
            networks |= c.networks or set()
            domains |= c.domains or set()
        return Day(
            number,
            sum(c.mails for _, c in cells),
            sum(c.unknown for _, c in cells),
            sum(c.spam for _, c in cells),
            sum(c.refused for _, c in cells),
            len(networks),
            len(domains),
            sum(c.mails for h, c in cells if (h + self.offset) % 24 in NIGHT),
            tuple(c.example for _, c in worst if c.example is not None)[:3],
        )
