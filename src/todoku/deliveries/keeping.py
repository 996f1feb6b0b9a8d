"""One step of storing: rows become parts by day, and count together with how far logs are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from todoku.deliveries.ledger import NOTHING, Also, Ledger, Move
from todoku.deliveries.parts import Folder, Part
from todoku.store import Overtaken


def keep(
    folder: Folder,
    ledger: Ledger,
    table: pa.Table,
    moves: Sequence[Move],
    at: float,
    also: Also = NOTHING,
) -> None:
    """All of it or nothing, wherever the process is killed. `at`: now, Unix time. Raises
    `Overtaken` where another process read one of these logs on: nothing is kept then."""
    with folder.writing():
        folder.clean({part.name for part in ledger.parts()})
        parts: list[Part] = [folder.write(rows, day) for day, rows in by_day(table, at)]
        parts += [folder.adopt(*staged) for staged in also.staged]
        try:
            ledger.commit(parts, moves, at, also)
        except Overtaken:
            # any other error may have come after the commit; what does not count is cleaned later
            for part in parts:
                (folder.path / part.name).unlink()
            raise


def by_day(table: pa.Table, at: float) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each day (UTC), in its order. Rows without a time are of the day of `at`, and so are
    those of a clock that is more than a week ahead: else a log could make any number of days."""
    today = datetime.fromtimestamp(at, UTC).date()
    days = pc.cast(table["time"], pa.date32())
    ahead = pc.greater(days, pa.scalar(today + timedelta(days=7), pa.date32()))
    days = pc.if_else(pc.fill_null(ahead, True), pa.scalar(today, pa.date32()), days)
    several = sorted(pc.unique(days).to_pylist())
    for day in several:
        yield day.isoformat(), table if len(several) == 1 else table.filter(pc.equal(days, day))
