"""The process that makes one part of several, so that what it takes of memory is gone with it.

    stdin   JSON: the paths of parts of one day, and the path to write
    stdout  the number of rows

Refused attempts stand first, in the order of time: questions are about these as a rule.
"""

from __future__ import annotations

import os
import sys
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from todoku.deliveries.rows import SCHEMA

GROUP: Final = 40_000
"""Rows of a row group."""


class Order(msgspec.Struct):
    paths: list[str]
    out: str


def merge(order: Order) -> int:
    pa.set_memory_pool(pa.system_memory_pool())
    whole = pa.concat_tables([read(path) for path in order.paths]).unify_dictionaries()
    keys = pa.table({"sent": pc.equal(whole["outcome"], "sent"), "time": whole["time"]})
    rows = pc.sort_indices(keys, sort_keys=[("sent", "ascending"), ("time", "ascending")])
    handle = os.open(order.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
            for begin in range(0, len(rows), GROUP):  # no second copy of the whole
                writer.write_table(whole.take(rows.slice(begin, GROUP)).cast(SCHEMA))
        file.flush()
        os.fsync(file.fileno())
    n: int = whole.num_rows
    return n


ALIKE: Final = [
    f.name for f in SCHEMA if f.type == pa.string() and f.name not in {"queue_id", "recipient"}
]
"""Columns whose values come again and again: kept once each."""
_READ: Final = pa.schema(
    [f.with_type(pa.dictionary(pa.int32(), f.type)) if f.name in ALIKE else f for f in SCHEMA]
)


def read(path: str) -> pa.Table:
    """In the columns of this version: what an older one did not have is null."""
    with pq.ParquetFile(path, read_dictionary=ALIKE) as file:
        found = file.read()
    columns = [
        found[f.name].cast(f.type)
        if f.name in found.column_names
        else pa.nulls(found.num_rows, f.type)
        for f in _READ
    ]
    return pa.Table.from_arrays(columns, schema=_READ)


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.write(f"{merge(order)}\n")


if __name__ == "__main__":
    main()
