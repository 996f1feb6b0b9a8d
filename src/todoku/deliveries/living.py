"""The live tail: what is followed is stored within a second or two, row by row, in the database; when
there is enough of it, or the day or an hour is over, it becomes a part."""

from __future__ import annotations

import time as clocks
from typing import Any, Final

import pyarrow as pa

from todoku.deliveries.keeping import keep
from todoku.deliveries.ledger import Also, Ledger, Move
from todoku.deliveries.parts import Folder
from todoku.deliveries.rows import SCHEMA
from todoku.deliveries.storing import Storing
from todoku.store import Overtaken

MOST_ROWS: Final = 20_000
MOST_SECONDS: Final = 3_600.0


class Living(Storing):
    """As `Storing`; what it keeps goes to the tail."""

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **named)
        self._rows_there, self._since = self._ledger.tail_size()

    def _write(self, table: pa.Table, moves: list[Move], also: Also) -> None:
        if table.num_rows >= MOST_ROWS:
            return super()._write(table, moves, also)
        now = self._now()
        tail = (table.num_rows, stream(table)) if table.num_rows else None
        self._ledger.commit([], moves, now, also._replace(tail=tail))
        self._rows_there += table.num_rows
        if self._since is None and table.num_rows:
            self._since = now
        return None

    def fold(self) -> bool:
        """Makes a part of the tail where it is time for it; whether it did."""
        now, since = self._now(), self._since
        if since is None:
            return False
        over = clocks.gmtime(now)[:3] != clocks.gmtime(since)[:3]
        if not (
            over or self._rows_there >= MOST_ROWS or now - since >= MOST_SECONDS or now < since
        ):
            return False
        fold(self._folder, self._ledger, now)
        self._rows_there, self._since = self._ledger.tail_size()
        return True


def fold(folder: Folder, ledger: Ledger, at: float) -> None:
    """Makes parts of the whole tail. `at`: now, Unix time."""
    tails = ledger.tails()
    if not tails:
        return
    table = pa.concat_tables([pa.ipc.open_stream(tail.data).read_all() for tail in tails])
    try:
        keep(folder, ledger, table, [], at, Also(taken=[tail.id for tail in tails]))
    except Overtaken:
        return  # another process did it


def stream(table: pa.Table) -> bytes:
    """Arrow's stream format."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as out:
        out.write_table(table)
    told: bytes = sink.getvalue().to_pybytes()
    return told
