"""What counts: which parts there are, and how far each log is read, changed together.

A part that has its name and no row here does not count. A log that moved on without this pass was
read by another: nothing of the pass is kept then, so no line counts twice.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from todoku.deliveries.parts import Part, Staged
from todoku.store import WORDS, Overtaken, writing
from todoku.store import log_tables as t
from todoku.store.rows import plain

MOST_GROUNDS: Final = 50_000
"""Kept at a time: answers that differ in what they name could make any number of them."""


class Read(NamedTuple):
    """How far one log is read."""

    head_length: int
    head: str
    """Hash of its first `head_length` bytes, unpacked: what a log is known by."""
    position: int
    """Bytes, unpacked, up to the end of a line."""
    mark: str = ""
    """Hash of the bytes before `position`."""
    path: str = ""
    """Where it was seen last; for people."""
    file: str = ""
    """Device, inode, size and time of the file that was last read to its end: as long as there is
    one like that, nothing in it is new."""
    begins: str = ""
    """Hashes of the ends of its first lines (`todoku.deliveries.identity.line_ends`), by which a copy is known
    that was made when it was shorter."""


class Move(NamedTuple):
    """A log that was read on; `before` is `None` for a new one."""

    before: Read | None
    after: Read


class Journal(NamedTuple):
    """A journal that was piped in and read on: sequence numbers, `before` 0 for a new one."""

    name: str
    before: int
    after: int


class Day(NamedTuple):
    """What was read of a day's log besides deliveries. Times: Unix time."""

    lines: int = 0
    other_programs: int = 0
    unknown: int = 0
    expired: int = 0
    jumps: int = 0
    first: float | None = None
    last: float | None = None
    formats: tuple[str, ...] = ()

    def plus(self, more: Day) -> Day:
        firsts = [x for x in (self.first, more.first) if x is not None]
        lasts = [x for x in (self.last, more.last) if x is not None]
        return Day(
            self.lines + more.lines,
            self.other_programs + more.other_programs,
            self.unknown + more.unknown,
            self.expired + more.expired,
            self.jumps + more.jumps,
            min(firsts, default=None),
            max(lasts, default=None),
            tuple(sorted({*self.formats, *more.formats})),
        )


class Tail(NamedTuple):
    """Rows that are no part yet: Arrow's stream format."""

    id: int
    rows: int
    made_at: float
    data: bytes


class Also(NamedTuple):
    """What one step changes besides parts and positions of logs."""

    journals: Sequence[Journal] = ()
    days: Mapping[str, Day] = {}
    grounds: Mapping[int, str] = {}
    """By number; those that are there already stay as they are."""
    knowledge: str = ""
    """The version that told these grounds."""
    tail: tuple[int, bytes] | None = None
    """Rows, and their number, to be added to the tail."""
    ends: Mapping[tuple[int, str], str] = {}
    """By the length and hash of a log's head: the file that was read to its end (`Read.file`)."""
    taken: Collection[int] = ()
    """Ids of tails that are in these parts now."""
    staged: Sequence[Staged] = ()
    """Further rows, already written."""
    replaced: Collection[str] = ()
    """Names of parts whose rows are in these parts now, or are erased."""


NOTHING = Also()


class Ledger:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def parts(self, first: str | None = None, last: str | None = None) -> list[Part]:
        """Those of these days (`2026-11-24`, both included), by day."""
        c = t.parts.c
        query = sa.select(c.name, c.day, c.rows, c.bytes).order_by(c.day, c.name)
        if first is not None:
            query = query.where(c.day >= first)
        if last is not None:
            query = query.where(c.day <= last)
        with self._engine.connect() as connection:
            return [Part(*row) for row in connection.execute(query)]

    def logs(self) -> list[Read]:
        c = t.sources.c
        query = sa.select(
            c.head_length, c.head, c.position, c.mark, c.path, c.file, c.begins
        ).order_by(c.id)  # fmt: skip
        with self._engine.connect() as connection:
            return [Read(*r[:5], r[5] or "", r[6] or "") for r in connection.execute(query)]

    def journals(self) -> dict[str, int]:
        query = sa.select(t.journals.c.journal, t.journals.c.position)
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def look(self) -> tuple[list[Part], list[Tail]]:
        """All parts and tails of one moment: rows that move from one to the other are in one."""
        p, c = t.parts.c, t.tails.c
        parts = sa.select(p.name, p.day, p.rows, p.bytes).order_by(p.day, p.name)
        tails = sa.select(c.id, c.rows, c.made_at, c.data).order_by(c.id)
        with self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            return (
                [Part(*row) for row in connection.execute(parts)],
                [Tail(*row) for row in connection.execute(tails)],
            )

    def tails(self) -> list[Tail]:
        return self.look()[1]

    def tail_size(self) -> tuple[int, float | None]:
        """Rows in the tail, and when the oldest of them came (Unix time)."""
        c = t.tails.c
        query = sa.select(sa.func.coalesce(sa.func.sum(c.rows), 0), sa.func.min(c.made_at))
        with self._engine.connect() as connection:
            rows, oldest = connection.execute(query).one()
        return int(rows), oldest

    def days(self) -> dict[str, Day]:
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(t.days)).mappings().all()
        return {r["day"]: _day(r) for r in rows}

    def grounds(self, numbers: Sequence[int]) -> dict[int, str]:
        """Those of these that are there, by number."""
        c = t.grounds.c
        found: dict[int, str] = {}
        with self._engine.connect() as connection:
            for at in range(0, len(numbers), 500):
                query = sa.select(c.id, c.payload).where(c.id.in_(numbers[at : at + 500]))
                found |= {row[0]: row[1] for row in connection.execute(query)}
        return found

    def commit(
        self, parts: Sequence[Part], moves: Sequence[Move], at: float, also: Also = NOTHING
    ) -> None:
        """All of it or nothing. `at`: now, Unix time. Raises `Overtaken` where another process read
        one of these logs on, or put away what this one did; the files of these parts are then the
        caller's to take away."""
        with writing(self._engine) as connection:
            for move in moves:
                _move(connection, move, at)
            for (length, head), file in also.ends.items():
                c = t.sources.c
                known = sa.update(t.sources).where(c.head_length == length, c.head == head)
                connection.execute(known.values(file=file, read_at=at))
            for journal in also.journals:
                _journal(connection, journal)
            _remove(connection, t.parts, t.parts.c.name, also.replaced)
            _remove(connection, t.tails, t.tails.c.id, also.taken)
            rows = [{**part._asdict(), "made_at": at} for part in parts]
            if rows:
                connection.execute(sa.insert(t.parts), rows)
            if also.tail is not None:
                values = {"rows": also.tail[0], "data": also.tail[1], "made_at": at}
                connection.execute(sa.insert(t.tails).values(**values))
            for day, told in also.days.items():
                _add_day(connection, day, told)
            _add_grounds(connection, also)

    def forget(self, day: str, before: float) -> None:
        """What is told of days before `day`, and of logs that were not read since `before` (Unix
        time)."""
        days = sa.delete(t.days).where(t.days.c.day < day)
        logs = sa.delete(t.sources).where(t.sources.c.read_at < before)
        with writing(self._engine) as connection:
            connection.execute(days)
            connection.execute(logs)

    def forget_grounds(self, used: Collection[int]) -> None:
        """All grounds but these."""
        with writing(self._engine) as connection:
            there = connection.execute(sa.select(t.grounds.c.id)).scalars().all()
            _remove(connection, t.grounds, t.grounds.c.id, set(there) - set(used))


def _move(connection: sa.Connection, move: Move, at: float) -> None:
    before, after = move
    values = {**after._asdict(), "path": plain(after.path), "read_at": at, "file": None}
    if before is not None:
        c = t.sources.c
        known = (c.head_length == before.head_length, c.head == before.head)
        statement = sa.update(t.sources).where(*known, c.position == before.position)
        if connection.execute(statement.values(**values)).rowcount != 1:
            raise Overtaken(WORDS["overtaken"])
        return
    _insert(connection, sa.insert(t.sources).values(**values))


def _journal(connection: sa.Connection, journal: Journal) -> None:
    c, name = t.journals.c, plain(journal.name)
    if not journal.before:
        values = {"journal": name, "position": journal.after}
        return _insert(connection, sa.insert(t.journals).values(**values))
    statement = sa.update(t.journals).where(c.journal == name, c.position == journal.before)
    if connection.execute(statement.values(position=journal.after)).rowcount != 1:
        raise Overtaken(WORDS["overtaken"])
    return None


def _insert(connection: sa.Connection, statement: sa.Insert) -> None:
    try:
        connection.execute(statement)
    except sa.exc.IntegrityError as error:
        raise Overtaken(WORDS["overtaken"]) from error


def _remove(
    connection: sa.Connection, table: sa.Table, column: sa.Column[str] | sa.Column[int],
    names: Collection[str] | Collection[int],
) -> None:  # fmt: skip
    several: list[Any] = list(names)
    for at in range(0, len(several), 500):
        some = several[at : at + 500]
        done = connection.execute(sa.delete(table).where(column.in_(some)))
        if done.rowcount != len(some):
            raise Overtaken(WORDS["overtaken"])


def _day(row: sa.RowMapping) -> Day:
    values = {name: row[name] for name in Day._fields if name != "formats"}
    return Day(**values, formats=tuple(json.loads(row["formats"])))


def _add_day(connection: sa.Connection, day: str, more: Day) -> None:
    c = t.days.c
    found = connection.execute(sa.select(t.days).where(c.day == day)).mappings().first()
    told = more if found is None else _day(found).plus(more)
    values = {**told._asdict(), "formats": json.dumps(told.formats)}
    if found is None:
        connection.execute(sa.insert(t.days).values(day=day, **values))
    else:
        connection.execute(sa.update(t.days).where(c.day == day).values(**values))


def _add_grounds(connection: sa.Connection, also: Also) -> None:
    if not also.grounds:
        return
    c = t.grounds.c
    there: set[int] = set()
    numbers = list(also.grounds)
    for at in range(0, len(numbers), 500):
        query = sa.select(c.id).where(c.id.in_(numbers[at : at + 500]))
        there.update(connection.execute(query).scalars())
    room = MOST_GROUNDS - (
        connection.scalar(sa.select(sa.func.count()).select_from(t.grounds)) or 0
    )
    rows = [
        {"id": n, "knowledge": also.knowledge, "payload": plain(payload)}
        for n, payload in also.grounds.items()
        if n not in there
    ]
    if rows and room > 0:
        connection.execute(sa.insert(t.grounds), rows[:room])
