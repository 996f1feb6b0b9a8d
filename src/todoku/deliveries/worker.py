"""The process that computes with stored deliveries: DuckDB in memory, below a limit, without a file of
its own. It may read the parts that it was told of and nothing else, and is gone when its parent is.

    stdin   4 bytes of length, then MessagePack: first `Begin`, then `Question` after `Question`
    stdout  likewise: `Answer` after `Answer`
"""

# SQL is put together from names of this module; what a person or a log wrote is bound.
# ruff: noqa: S608

from __future__ import annotations

import os
import sys
from typing import Any, BinaryIO, Final

import msgspec

COLUMNS: Final = "deliveries"
"""The table."""


class Begin(msgspec.Struct, array_like=True):
    folder: str
    names: list[str]
    """Of parts, below the folder: theirs hold nothing that DuckDB takes for a pattern."""
    tail: bytes
    """Arrow's stream format; empty: there is none."""
    memory: str
    """`400MB`"""
    threads: int
    spill: str
    """A folder below the folder, for what does not fit."""


class Question(msgspec.Struct, array_like=True):
    sql: str
    values: list[str | int | float | None]
    """Of its `?`, in order."""


class Answer(msgspec.Struct, array_like=True):
    rows: list[tuple[Any, ...]] = []
    columns: list[str] = []
    error: str = ""
    memory: bool = False
    """With `error`: the limit was too small."""


def write(out: BinaryIO, value: Any) -> None:
    data = msgspec.msgpack.encode(value)
    out.write(len(data).to_bytes(4, "big") + data)
    out.flush()


def read(source: BinaryIO) -> bytes | None:
    """`None` at the end."""
    size = source.read(4)
    if len(size) < 4:
        return None
    data = source.read(int.from_bytes(size, "big"))
    return data or None


def begin(told: Begin) -> Any:
    import duckdb

    os.chdir(told.folder)
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": told.memory,
            "threads": told.threads,
            "temp_directory": told.spill,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    paths = ", ".join(map(_quoted, told.names))
    parts = f"SELECT * FROM read_parquet([{paths}])"
    if told.tail:
        import pyarrow as pa

        connection.register("tail", pa.ipc.open_stream(told.tail).read_all())
        parts = f"{parts} UNION ALL BY NAME SELECT * FROM tail" if paths else "SELECT * FROM tail"
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    connection.execute(f"CREATE VIEW {COLUMNS} AS {parts}")
    return connection


def answer(connection: Any, question: Question) -> Answer:
    import duckdb

    try:
        found = connection.execute(question.sql, question.values)
        return Answer(found.fetchall(), [column[0] for column in found.description])
    except duckdb.Error as error:
        return Answer(error=str(error), memory=isinstance(error, duckdb.OutOfMemoryException))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main() -> None:
    source, out = sys.stdin.buffer, sys.stdout.buffer
    import duckdb  # while the parent still looks for what there is

    first = read(source)
    if first is None:
        return
    connection, failed = None, Answer()
    try:
        connection = begin(msgspec.msgpack.decode(first, type=Begin))
    except (duckdb.Error, OSError) as error:
        failed = Answer(error=str(error))
    while (asked := read(source)) is not None:
        question = msgspec.msgpack.decode(asked, type=Question)
        write(out, failed if connection is None else answer(connection, question))


if __name__ == "__main__":
    main()
