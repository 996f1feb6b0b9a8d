"""The tables of stored deliveries (`todoku.deliveries`): what parts there are, how far logs are read.

The deliveries themselves are Parquet files. What these tables say and what was read of a log are
written in one transaction, so a file that they do not name does not count.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from todoku.store.engine import metadata

Number: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time: Final[sa.Double[float]] = sa.Double()

parts: Final = sa.Table(
    "log_parts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("day", sa.Text, nullable=False, index=True),
    sa.Column("rows", Number, nullable=False),
    sa.Column("bytes", Number, nullable=False),
    sa.Column("made_at", Time, nullable=False),
)
"""The manifest. `name`: the path below the folder of deliveries; `day`: 2026-11-24 (UTC)."""

tails: Final = sa.Table(
    "log_tails",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("rows", Number, nullable=False),
    sa.Column("made_at", Time, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
"""The live tail: deliveries that are too few for a part yet, as Arrow's stream format."""

sources: Final = sa.Table(
    "log_sources",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("head_length", sa.Integer, nullable=False),
    sa.Column("head", sa.Text, nullable=False),
    sa.Column("position", Number, nullable=False),
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("file", sa.Text),
    sa.Column("begins", sa.Text),
    sa.Column("read_at", Time, nullable=False),
    sa.UniqueConstraint("head_length", "head"),
    sqlite_autoincrement=True,
)
"""How far each log is read. `head`: hash of its first `head_length` bytes, unpacked; `mark`: of the
bytes before `position`; `file`: device, inode, size and time of a file that was read to its end;
`begins`: hashes of its first lines' ends."""

journals: Final = sa.Table(
    "log_journals",
    metadata,
    sa.Column("journal", sa.Text, primary_key=True),
    sa.Column("position", Number, nullable=False),
)
"""How far journals are read that were piped in: by sequence, unit and program."""

grounds: Final = sa.Table(
    "log_grounds",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("knowledge", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
)
"""One diagnosis for each receiver, reason, code, list and identity."""

days: Final = sa.Table(
    "log_days",
    metadata,
    sa.Column("day", sa.Text, primary_key=True),
    sa.Column("lines", Number, nullable=False),
    sa.Column("other_programs", Number, nullable=False),
    sa.Column("unknown", Number, nullable=False),
    sa.Column("expired", Number, nullable=False),
    sa.Column("jumps", Number, nullable=False),
    sa.Column("first", Time),
    sa.Column("last", Time),
    sa.Column("formats", sa.Text, nullable=False),
)
"""What was read besides deliveries."""
