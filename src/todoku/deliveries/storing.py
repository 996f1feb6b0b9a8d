"""One pass that stores what it reads: the new lines of logs, as deliveries.

    storing = Storing(run, rows, folder, ledger, now)
    log = storing.log(path, clock)
    for delivery in log.feed(data): ...      # raw, unpacked bytes, in order
    for delivery in log.end(): ...
    storing.keep()                           # in between as well, whenever `storing.full`

What was read up to a `keep` and how far logs are read are one transaction. A process that is killed
goes on, when it is run again, where that stood.
"""

from __future__ import annotations

import os
import time as clocks
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from todoku.deliveries import grounds
from todoku.deliveries.identity import LONGEST, Following
from todoku.deliveries.journal import Journals
from todoku.deliveries.keeping import keep
from todoku.deliveries.ledger import Also, Day, Ledger, Move, Read
from todoku.deliveries.parts import Folder, Staged
from todoku.deliveries.rows import SCHEMA, Rows
from todoku.logs.clock import Clock
from todoku.logs.engine import merge_counts
from todoku.logs.opening import cell_of
from todoku.logs.reader import Source
from todoku.logs.run import Counts, Run

if TYPE_CHECKING:
    from todoku.deliveries.staging import Found
    from todoku.logs.postfix import Sent
    from todoku.logs.values import Delivery

MOST: Final = 50_000
"""Rows of a part, about: so many are held in memory."""
_UNSURE: Final = 1_000


class Storing:
    """What was read and is not kept yet, and how far each log is read."""

    def __init__(
        self, run: Run, rows: Rows, folder: Folder, ledger: Ledger, now: Callable[[], float],
        *, oldest: str = "",
    ) -> None:  # fmt: skip
        """`now`: Unix time. Rows of days before `oldest` (`2026-05-28`) are not kept."""
        self.run = run
        self._rows = rows
        self._folder = folder
        self._ledger = ledger
        self._now = now
        self.oldest = oldest
        self._known: dict[tuple[int, str], Read] = {name_of(r): r for r in ledger.logs()}
        self.journals = Journals(ledger.journals())
        self._logs: list[Log] = []
        self._moves: list[Move] = []
        self._tables: list[pa.Table] = []
        self._staged: list[Staged] = []
        self._days: dict[str, Day] = {}
        self._told: dict[int, str] = {}
        """Grounds, as they are kept."""
        self._ends: dict[tuple[int, str], str] = {}
        self._files = {r.file for r in self._known.values() if r.file}
        self.pending = 0
        """Rows that wait for `keep`."""
        self.stored = 0
        """Rows that were kept."""
        self.too_old = 0

    @property
    def full(self) -> bool:
        return self.pending >= MOST

    def log(self, path: str, clock: Clock, cell: int | None = None) -> Log:
        """A further log, to be fed from its beginning. `cell`: for a pass over logs, 0 where what stands
        before it is told by the run's `earlier`, -1 where this pass has read that; so of a log that is
        read from its middle on what stands before is as far away as it is. `None`: for logs that are
        followed side by side."""
        self.settle()
        log = Log(self, path, clock, Following(self._known.values(), path), cell)
        self._logs.append(log)
        return log

    def whole(self, file: str) -> bool:
        """Was this very file read to its end before? `file` as in `Read.file`."""
        return file in self._files

    def ended(self, log: Log, file: str) -> None:
        """This file was read to its end."""
        move = log.following.move()
        read = move.after if move is not None else log.following.found
        if read is not None and not log.following.differs:
            self._ends[name_of(read)] = file

    def knows(self, head: bytes) -> bool:
        """Is this the beginning of a log that was read (on) before?"""
        return self.known(head) is not None

    def known(self, head: bytes) -> Read | None:
        """How far the log that begins so was read before."""
        self.settle()
        begins = Following(self._known.values(), "")
        begins.feed(head)
        begins.end()
        return begins.found

    def holds(self, read: Read) -> bool:
        """Is this how far a log was read, as it is kept?"""
        return self._known.get(name_of(read)) == read

    def piped(self, path: str, clock: Clock, *, numbered: bool) -> Piped:
        """A stream that began before it is read. `numbered`: a journal, of which what was read
        before is passed over; else every line is new."""
        return Piped(self, path, clock, self.journals if numbered else None)

    def keep(self) -> bool:
        """Keeps what was read. Whether there was anything. Raises `Overtaken` where another process
        read one of these logs on: nothing of it is kept then."""
        moves = [*self._moves, *(m for log in self._logs if (m := log.following.move()))]
        journals = self.journals.moves()
        if not (moves or journals or self._tables or self._staged or self._days or self._ends):
            return False
        table = pa.concat_tables(self._tables) if self._tables else SCHEMA.empty_table()
        also = Also(
            journals=journals,
            days=self._days,
            grounds={n: grounds.encode(g) for n, g in self._rows.grounds.items()} | self._told,
            knowledge=self.run.judge.knowledge,
            ends=self._ends,
            staged=self._staged,
        )
        self._write(table, moves, also)
        self.settle(stored=True)
        self.stored += table.num_rows + sum(staged.rows for staged in self._staged)
        self._moves, self._tables, self._days, self.pending = [], [], {}, 0
        self._staged = []
        self._rows.grounds, self._told, self._ends = {}, {}, {}
        return True

    def _write(self, table: pa.Table, moves: list[Move], also: Also) -> None:
        keep(self._folder, self._ledger, table, moves, self._now(), also)

    def settle(self, stored: bool = False) -> None:
        """Logs that are read to their end are known by what was read of them; `stored`: all are."""
        for log in [log for log in self._logs if stored or log.ended]:
            move = log.following.move()
            if move is not None:
                if move.before is not None:
                    self._known.pop(name_of(move.before), None)
                self._known[name_of(move.after)] = move.after
                log.following.committed(move)
                if not stored:
                    self._moves.append(move)
            if log.ended:
                self._logs.remove(log)
        if stored:
            self.journals.committed()

    def adopt(self, found: Found, jumped: bool = False) -> None:
        """What another process read of a log, as if this one had. `jumped`: before its first attempt the
        clock went back."""
        for move in found.moves:
            if move.before is not None:
                self._known.pop(name_of(move.before), None)
            self._known[name_of(move.after)] = move.after
        self._moves += found.moves
        self._ends |= found.ends
        self._staged += found.staged
        self._tables += found.tables
        self.pending += sum(table.num_rows for table in found.tables)
        self.pending += sum(staged.rows for staged in found.staged)
        self.too_old += found.too_old
        for day, told in found.days.items():
            self._days[day] = self._days.get(day, Day()).plus(told)
        if jumped and found.first in found.days:
            self._days[found.first] = self._days[found.first].plus(Day(jumps=1))
        for number, ground in found.grounds.items():
            self._told.setdefault(number, ground)

    def take(
        self, source: Source, clock: Clock, lines: bytes, cell: int | None = None
    ) -> tuple[list[Delivery], Counts]:
        """The deliveries of new lines, as `todoku.logs.reader` hands them out, and their counts.
        `cell`: theirs, where it is known."""
        run, total = self.run, self.run.counts
        piece = Counts()
        sent: list[Sent] = []
        run.counts, run.sent = piece, sent
        try:
            found = list(source.read(lines, cell))
        finally:
            run.counts = total
        merge_counts(total, piece)
        self._add(self._rows.refused(found) if found else None)
        self._add(self._rows.sent(sent, clock) if sent else None)
        return found, piece

    def note(self, piece: Counts) -> None:
        """What was read besides deliveries, for the day with which the piece begins."""
        day = day_of(piece.first, self._now())
        if day >= self.oldest:
            self._days[day] = self._days.get(day, Day()).plus(_told(piece))

    def _add(self, table: pa.Table | None) -> None:
        if table is None:
            return
        if self.oldest:
            begin = pa.scalar(datetime.fromisoformat(self.oldest), pa.timestamp("us"))
            young = pc.fill_null(pc.greater_equal(table["time"], begin), True)
            if not pc.all(young).as_py():
                self.too_old += table.num_rows
                table = table.filter(young)
                self.too_old -= table.num_rows
        self._tables.append(table)
        self.pending += table.num_rows


class Log:
    """One log of a pass."""

    def __init__(
        self,
        storing: Storing,
        path: str,
        clock: Clock,
        following: Following,
        cell: int | None = None,
    ) -> None:
        self.path = path
        self.following = following
        self._storing = storing
        self._clock = clock
        self._source = Source(storing.run, clock, -1 if cell is None else cell)
        self._cell = None if cell is None else 0
        """That from which its cells are counted; `None`: where its reading begins."""
        self.resumed = False
        """It was read before, and from its middle on now."""
        self._unsure: list[Counts] = []
        """Of pieces while nothing was understood: it may be no log at all."""
        self.lines = self.understood = 0
        """Of the new ones."""
        self.ended = False

    def feed(self, data: bytes) -> list[Delivery]:
        """The deliveries of what is new of these bytes."""
        cell = cell_of(self.following.fed)
        return self._read(*self.following.feed(data), cell)

    def hurry(self) -> list[Delivery]:
        """What was held back though nothing more is there yet."""
        return self._read(*self.following.hurry(), cell_of(self.following.fed))

    def end(self, final: bool = False) -> list[Delivery]:
        """What was held back. `final`: a last line without its end is whole. A log that is new, and
        of which nothing was understood, is as if it had not been read."""
        found = self._read(*self.following.end(final), cell_of(self.following.fed))
        self.ended = True
        if self.lines and not self.understood and self.following.found is None:
            self._storing._logs.remove(self)
        else:
            self._sure()
        return found

    def _read(self, again: bytes, new: bytes, cell: int | None = None) -> list[Delivery]:
        """`cell`: that of their block in the log (`todoku.logs.messages`)."""
        if cell is not None and (again or new):
            self._cell = cell if self._cell is None else self._cell
            cell -= self._cell
        if again:
            self.resumed = True
            self._recall(again, cell)
        if not new:
            return []
        found, piece = self._storing.take(self._source, self._clock, new, cell)
        self.lines += piece.lines
        self.understood += piece.understood
        self._unsure.append(piece)
        if self.understood or len(self._unsure) > _UNSURE:
            self._sure()
        return found

    def _sure(self) -> None:
        for piece in self._unsure:
            self._storing.note(piece)
        self._unsure = []

    def _recall(self, lines: bytes, cell: int | None) -> None:
        """Reads for what lines tell of messages and columns alone: they were counted before."""
        run = self._storing.run
        counts, daily = run.counts, run.daily
        run.counts, run.daily, run.sent = Counts(), type(daily)(), []
        try:
            for _ in self._source.read(lines, cell):
                pass
        finally:
            run.counts, run.daily, run.sent = counts, daily, []


class Piped(Log):
    """A stream that began before it is read, and has no end that is known."""

    def __init__(
        self, storing: Storing, path: str, clock: Clock, journals: Journals | None
    ) -> None:
        super().__init__(storing, path, clock, Following((), path))
        self._journals = journals
        self._rest = b""

    def feed(self, data: bytes) -> list[Delivery]:
        data = self._rest + data
        size = data.rfind(b"\n") + 1
        lines, self._rest = data[:size], data[size:][:LONGEST]
        return self._read(b"", self._journals.fresh(lines) if self._journals else lines)

    def end(self, final: bool = False) -> list[Delivery]:
        found = self.feed(b"\n") if self._rest else []
        self.ended = True
        self._sure()
        return found


def name_of(read: Read) -> tuple[int, str]:
    return read.head_length, read.head


def file_of(status: os.stat_result) -> str:
    """As `Read.file` has it."""
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"


def day_of(time: float | None, now: float) -> str:
    """The day (UTC, `2026-11-24`) of a time, else of `now`."""
    for seconds in (time, now):
        try:
            if seconds is not None:
                return clocks.strftime("%Y-%m-%d", clocks.gmtime(seconds))
        except (ValueError, OverflowError, OSError):
            continue
    return "1970-01-01"


def _told(c: Counts) -> Day:
    return Day(
        c.lines, c.other_programs, c.unknown, c.expired, c.jumps, c.first, c.last,
        tuple(sorted(c.formats)),
    )  # fmt: skip
