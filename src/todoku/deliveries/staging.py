"""A part of a log, read by a worker of `todoku logs --store --engine local`. Its rows are staged in files,
or handed back where they are few; the one process that asked gives them their names and commits them.

    Asked, Unit ─▶ store, in any process ─▶ Found ─▶ Storing.adopt, in the order of one pass

A log that was read before, is packed or is not Postfix's is one unit, read as `todoku.deliveries.storing`
reads it; of a new one of Postfix each part is a unit (`todoku.logs.parts`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from todoku.deliveries.feeding import Feeding
from todoku.deliveries.identity import MARK, Following
from todoku.deliveries.keeping import by_day
from todoku.deliveries.ledger import Also, Day, Ledger, Move, Read
from todoku.deliveries.parts import Folder, Staged, stage
from todoku.deliveries.rows import Rows
from todoku.deliveries.storing import Storing, day_of, file_of, name_of
from todoku.logs import engine
from todoku.logs.clock import Clock
from todoku.logs.opening import Piece, why
from todoku.logs.parts import Looking, Part
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.logs.sums import Sums

if TYPE_CHECKING:
    from todoku.logs.run import Recipients
    from todoku.logs.values import Delivery

FEW = 25_000
"""Rows that are handed back: files of fewer would be many small parts."""


class Asked(NamedTuple):
    """What is asked of all units."""

    read: engine.Asked
    place: Path
    """Where rows are staged."""
    recipients: Recipients
    shown: Recipients
    oldest: str
    """The first day that is kept, `2026-05-28`."""

    def __repr__(self) -> str:
        return f"Asked({self.read})"


class Unit(NamedTuple):
    """What one worker reads at a time."""

    part: Part
    """Of a new log of Postfix; else the whole log."""
    known: Read | None
    """How far it was read before."""
    file: tuple[int, int]
    """Device and inode: another file may get its name meanwhile."""


class Found(NamedTuple):
    """What a unit tells."""

    told: engine.Told
    state: str
    """As `Feeding.state`; `replaced`: another file has its name now, nothing of this unit counts."""
    first: str
    """The day of the piece with the first attempt."""
    staged: Sequence[Staged]
    tables: Sequence[pa.Table]
    days: Mapping[str, Day]
    grounds: Mapping[int, str]
    moves: Sequence[Move]
    """How the log was read on; none where the unit is a part of it."""
    ends: Mapping[tuple[int, str], str]
    too_old: int


def store(asked: Asked, unit: Unit) -> Found:
    """Reads one unit."""
    with engine.alone():
        pa.set_memory_pool(pa.system_memory_pool())  # gives back what was freed
        return _Worker(asked, unit).found()


class _Known(Ledger):
    """What a worker has to know of the ledger."""

    def __init__(self, read: Read | None) -> None:
        self._read = read

    def logs(self) -> list[Read]:
        return [] if self._read is None else [self._read]

    def journals(self) -> dict[str, int]:
        return {}


class _Staging(Storing):
    """As `Storing`; what it keeps waits for another process to commit it."""

    def __init__(self, asked: Asked, unit: Unit, run: Run) -> None:
        read = asked.read
        rows = Rows(read.knowledge, read.own, asked.recipients, read.key)
        super().__init__(
            run, rows, Folder(asked.place), _Known(unit.known), time.time, oldest=asked.oldest
        )
        self._place = asked.place
        self.last = False
        """What is kept next is the end of it."""
        self.kept = Also()
        self.moves: list[Move] = []
        self.tables: list[pa.Table] = []

    def _write(self, table: pa.Table, moves: list[Move], also: Also) -> None:
        before = self.kept
        days = dict(before.days)
        for day, told in also.days.items():
            days[day] = days.get(day, Day()).plus(told)
        staged = list(before.staged)
        if self.last and table.num_rows < FEW:
            self.tables = [table] if table.num_rows else []
        else:
            staged += [stage(rows, day, self._place) for day, rows in by_day(table, self._now())]
        self.moves += moves
        self.kept = Also(
            days=days,
            grounds={**also.grounds, **before.grounds},
            ends={**before.ends, **also.ends},
            staged=staged,
        )


class _Worker:
    def __init__(self, asked: Asked, unit: Unit) -> None:
        self._asked = asked
        self._unit = unit
        read, part = asked.read, unit.part
        self._run = Run(
            engine.judge_of(read, part), own=read.own, recipients=asked.shown, key=read.key,
            earlier=Looking(part),
        )  # fmt: skip
        self._storing = _Staging(asked, unit, self._run)
        self._sums = Sums()
        self._errors: list[Piece] = []
        self._first = ""
        self._source: Source | None = None

    def found(self) -> Found:
        log = self._unit.part.log
        name, head, state = os.fsencode(log.path).decode("utf-8", "replace"), b"", "known"
        begun = True
        if log.cut:
            self._part()
            same = _is(log.path, self._unit.file, self._unit.part.end or 0)
            state = "new" if same and not self._errors else "replaced"
        else:
            try:
                file = open(log.path, "rb", buffering=0)  # noqa: PTH123, SIM115 (closed below)
            except OSError as error:
                self._errors.append(Piece(name, error=why(error)))
                begun = False
            else:
                with file:
                    head, state = self._whole(file, name)
        self._storing.last = True
        self._storing.keep()
        self._sums._of.clear()
        first = self._source.first if self._source else None
        last = self._source.last if self._source else None
        kept, run = self._storing.kept, self._run
        told = engine.Told(
            run.counts, self._sums, run.daily, first, last,
            tuple(self._errors), name, head if state == "nothing" else b"", begun,
        )  # fmt: skip
        return Found(
            told, state, self._first, kept.staged, self._storing.tables, kept.days, kept.grounds,
            self._storing.moves, kept.ends, self._storing.too_old,
        )  # fmt: skip

    def _clock(self, written: float) -> Clock:
        read = self._asked.read
        return Clock(min(read.now, written), year=read.year)

    def _part(self) -> None:
        """Of a log of Postfix, cut."""
        part, storing = self._unit.part, self._storing
        clock = self._clock(part.log.written)
        source = self._source = Source(self._run, clock, part.cell)
        for piece in part.pieces():
            if piece.error is not None:
                self._errors.append(piece)
                continue
            found, counts = storing.take(source, clock, piece.data, piece.cell)
            storing.note(counts)
            if not self._first and source.first is not None:
                self._first = day_of(counts.first, time.time())
            self._count(found)
            if storing.full:
                storing.keep()

    def _whole(self, file: Any, name: str) -> tuple[bytes, str]:
        """A log as it comes: its beginning, and what became of it."""
        status, storing = os.fstat(file.fileno()), self._storing
        clock = self._clock(status.st_mtime)
        feeding = Feeding(file, lambda _: storing.log(name, clock, 0), again=True)
        for found in feeding:
            self._count(found)
            if storing.full:
                storing.keep()
        if feeding.error is not None:
            self._errors.append(Piece(name, error=feeding.error))
        elif feeding.log is not None:
            storing.ended(feeding.log, file_of(status))
        return feeding.head, feeding.state

    def _count(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in deliveries:
            self._sums.add(delivery)
            self._run.daily.refused(delivery)


def _is(path: str, file: tuple[int, int], size: int) -> bool:
    """Has this file the name still, and is it so long?"""
    try:
        status = os.stat(path)  # noqa: PTH116 (names on disk need not be text)
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == file and status.st_size >= size


class Cut:
    """A new log of Postfix whose parts others read: how far it was read, one part after another."""

    def __init__(self, path: str, status: os.stat_result, head: bytes, end: int) -> None:
        """`end`: where its last whole line ends."""
        self._path = path
        self.file = status.st_dev, status.st_ino
        self._name = file_of(status)
        self._following = Following((), os.fsencode(path).decode("utf-8", "replace"))
        self._following.feed(head)
        self._head = head
        self.end = end

    def adopt(self, storing: Storing, found: Found, end: int, jumped: bool) -> bool:
        """A part up to `end` was read; `jumped`: as `Storing.adopt` has it. Whether it is this file still;
        nothing of the part is stored where it is not."""
        try:
            with open(self._path, "rb", buffering=0) as file:  # noqa: PTH123
                status = os.fstat(file.fileno())
                head = os.pread(file.fileno(), len(self._head), 0)
                before = os.pread(file.fileno(), min(MARK, end), max(0, end - MARK))
        except OSError:
            return False
        if (status.st_dev, status.st_ino) != self.file or head != self._head:
            return False
        if len(before) < min(end, MARK):
            return False
        self._following.passed(end, before)
        if (move := self._following.move()) is not None:
            self._following.committed(move)
            ends = {name_of(move.after): self._name} if end == self.end else {}
            storing.adopt(found._replace(moves=[move], ends=ends), jumped)
        return True


def last_line_end(file: int, size: int, most: int) -> int | None:
    """Where the last whole line of a file ends; `None` where that is more than `most` bytes before its
    end. Raises `OSError`."""
    begin = max(0, size - most)
    at = os.pread(file, size - begin, begin).rfind(b"\n")
    return None if at < 0 else begin + at + 1
