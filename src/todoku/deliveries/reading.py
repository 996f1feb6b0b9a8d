"""What is stored, for whoever computes with it: the parts that the manifest names, and the live tail.

    with open_stored(settings.general.data, settings.general.store) as stored:
        for batch in stored.batches(["time", "domain", "outcome"], first="2026-11-01"):
            ...                                     # pyarrow.RecordBatch, columns in this order
        stored.paths(first="2026-11-01")            # the same rows for DuckDB, but for the tail ...
        stored.tail()                               # ... which is one small table

Columns are those of `todoku.deliveries.rows.SCHEMA` (docs/deliveries.md tells what they mean). Days are
those of UTC, `2026-11-24`, both ends included; a row whose line had no stamp belongs to the day on
which it was stored. A look is of one moment: what is stored, replaced or erased while it is held
neither changes what it gives nor takes a file away from it. Rows come by day, not by time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from todoku import store
from todoku.deliveries.ledger import Day, Ledger
from todoku.deliveries.parts import Folder, Part
from todoku.deliveries.rows import SCHEMA

FOLDER: Final = "deliveries"
BATCH: Final = 65_536
"""Rows handed out at once."""


class Stored:
    """One look at what is stored."""

    def __init__(self, folder: Folder, ledger: Ledger) -> None:
        """Made while `Folder.reading` is held (as `open_stored` does)."""
        self.folder = folder
        self.ledger = ledger
        self._parts, self._tails = ledger.look()

    def parts(self, first: str | None = None, last: str | None = None) -> list[Part]:
        return [
            p for p in self._parts if (first or "") <= p.day and (last is None or p.day <= last)
        ]

    def paths(self, first: str | None = None, last: str | None = None) -> list[str]:
        """Paths of the Parquet files of these days."""
        return [str(self.folder.path / p.name) for p in self.parts(first, last)]

    def tail(self, columns: Sequence[str] | None = None) -> pa.Table:
        """What came in of late and is no part yet, of whatever day."""
        names = list(columns or SCHEMA.names)
        tables = [pa.ipc.open_stream(tail.data).read_all().select(names) for tail in self._tails]
        wanted = pa.schema([SCHEMA.field(name) for name in names])
        return pa.concat_tables(tables) if tables else wanted.empty_table()

    def stream(self) -> bytes:
        """The tail in Arrow's stream format; empty where there is none."""
        if not self._tails:
            return b""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, SCHEMA) as out:
            out.write_table(self.tail())
        told: bytes = sink.getvalue().to_pybytes()
        return told

    def batches(
        self,
        columns: Sequence[str] | None = None,
        *,
        first: str | None = None,
        last: str | None = None,
        size: int = BATCH,
    ) -> Iterator[pa.RecordBatch]:
        """All rows of these days, in batches of at most `size`; memory does not grow with them."""
        names = list(columns or SCHEMA.names)
        for path in self.paths(first, last):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(size, columns=names):
                    yield batch.select(names)
        if not self._tails:
            return
        tail = self.tail([*names, "time"] if "time" not in names else names)
        today = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d")
        days = pc.fill_null(pc.strftime(tail["time"], "%Y-%m-%d"), today)
        if first is not None:
            tail, days = _where(pc.greater_equal(days, first), tail, days)
        if last is not None:
            tail, days = _where(pc.less_equal(days, last), tail, days)
        yield from tail.select(names).to_batches(size)

    def days(self) -> dict[str, Day]:
        """By day: lines that were read, and what was not understood."""
        return self.ledger.days()

    @property
    def rows(self) -> int:
        return sum(p.rows for p in self._parts) + sum(t.rows for t in self._tails)


def _where(
    mask: pa.ChunkedArray, table: pa.Table, days: pa.ChunkedArray
) -> tuple[pa.Table, pa.ChunkedArray]:
    return table.filter(mask), days.filter(mask)


@contextmanager
def open_stored(data: str | Path, url: str) -> Iterator[Stored]:
    """What is stored in this data folder; `url`: of its database (`[general] store`). Nothing stored
    is no error: there are no rows then. Raises `todoku.store.StoreError`."""
    engine = store.connect(url)
    try:
        folder = Folder(Path(data) / FOLDER)
        with folder.reading():
            yield Stored(folder, Ledger(engine))
    finally:
        engine.dispose()
