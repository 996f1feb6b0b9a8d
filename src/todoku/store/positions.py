"""How far a folder of an IMAP mailbox is read. UIDs (RFC 9051, section 2.3.1.1) only grow, as long
as the folder's UIDVALIDITY stays the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa

from todoku.store import WORDS, Overtaken
from todoku.store import tables as t
from todoku.store.cases import Desk, reading
from todoku.store.rows import plain


class Position(NamedTuple):
    validity: int
    taken: int
    """All messages up to this UID are in the store, but for those `owed`."""
    marked: int
    """All of these up to this UID are marked, or moved away, as the settings want it."""
    owed: tuple[int, ...] = ()
    """UIDs of messages that the server did not hand over."""


class Looked(NamedTuple):
    """`at`: when the folder was read last, to its end or not; Unix time."""

    account: str
    folder: str
    position: Position
    at: float


class Positions:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get(self, account: str, folder: str) -> Position | None:
        """`None`: never read."""
        query = sa.select(t.mailboxes).where(*_key(account, folder))
        with reading(self._desk.engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _position(row)

    def all(self) -> list[Looked]:
        query = sa.select(t.mailboxes).order_by(t.mailboxes.c.account, t.mailboxes.c.folder)
        with reading(self._desk.engine) as connection:
            rows = connection.execute(query).mappings().all()
        return [Looked(r["account"], r["folder"], _position(r), r["looked_at"]) for r in rows]

    def put(
        self, account: str, folder: str, old: Position | None, new: Position, at: float
    ) -> None:
        """Raises `Overtaken`: another worker was there, and what it wrote stands."""
        self._desk.transaction(self.within(account, folder, old, new, at))

    def within(
        self, account: str, folder: str, old: Position | None, new: Position, at: float
    ) -> Callable[[sa.Connection], None]:
        """The same, in a transaction with something else."""
        values = {**_row(new), "looked_at": at}

        def work(connection: sa.Connection) -> None:
            if old is None:
                row = {"account": plain(account), "folder": plain(folder), **values}
                query = sa.select(t.mailboxes.c.taken).where(*_key(account, folder))
                if connection.execute(query).first() is not None:
                    raise Overtaken(WORDS["overtaken"])
                connection.execute(sa.insert(t.mailboxes).values(row))
                return
            same = [t.mailboxes.c[name] == value for name, value in _row(old).items()]
            statement = sa.update(t.mailboxes).where(*_key(account, folder), *same).values(values)
            if connection.execute(statement).rowcount != 1:
                raise Overtaken(WORDS["overtaken"])

        return work


def _key(account: str, folder: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    columns = t.mailboxes.c
    return columns.account == plain(account), columns.folder == plain(folder)


def _row(position: Position) -> dict[str, object]:
    return {**position._asdict(), "owed": " ".join(map(str, position.owed))}


def _position(row: sa.RowMapping) -> Position:
    owed = tuple(int(uid) for uid in row["owed"].split())
    return Position(row["validity"], row["taken"], row["marked"], owed)
