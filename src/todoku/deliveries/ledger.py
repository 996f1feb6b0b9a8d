"""What counts: which parts there are, and how far each log is read, changed together.

A part that has its name and no row here does not count. A log that moved on without this pass was
read by another: nothing of the pass is kept then, so no line counts twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import sqlalchemy as sa

from todoku.deliveries.parts import Part
from todoku.store import WORDS, Overtaken, writing
from todoku.store import log_tables as t
from todoku.store.rows import plain


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


class Move(NamedTuple):
    """A log that was read on; `before` is `None` for a new one."""

    before: Read | None
    after: Read


class Ledger:
    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def parts(self) -> list[Part]:
        c = t.parts.c
        query = sa.select(c.name, c.day, c.rows, c.bytes).order_by(c.day, c.name)
        with self._engine.connect() as connection:
            return [Part(*row) for row in connection.execute(query)]

    def logs(self) -> list[Read]:
        c = t.sources.c
        query = sa.select(c.head_length, c.head, c.position, c.mark, c.path).order_by(c.id)
        with self._engine.connect() as connection:
            return [Read(*row) for row in connection.execute(query)]

    def commit(self, parts: Sequence[Part], moves: Sequence[Move], at: float) -> None:
        """All of it or nothing. `at`: now, Unix time. Raises `Overtaken` where another process read
        one of these logs on; the files of these parts are then the caller's to take away."""
        with writing(self._engine) as connection:
            for move in moves:
                _move(connection, move, at)
            rows = [{**part._asdict(), "made_at": at} for part in parts]
            if rows:
                connection.execute(sa.insert(t.parts), rows)


def _move(connection: sa.Connection, move: Move, at: float) -> None:
    before, after = move
    values = {**after._asdict(), "path": plain(after.path), "read_at": at}
    if before is not None:
        c = t.sources.c
        known = (c.head_length == before.head_length, c.head == before.head)
        statement = sa.update(t.sources).where(*known, c.position == before.position)
        if connection.execute(statement.values(**values)).rowcount != 1:
            raise Overtaken(WORDS["overtaken"])
        return
    try:
        connection.execute(sa.insert(t.sources).values(**values))
    except sa.exc.IntegrityError as error:
        raise Overtaken(WORDS["overtaken"]) from error
