"""A person is forgotten: parts and tails that hold the address are written anew without it.

Hashed recipients are found by the hash of the address; one in other spelling has another hash. Each
person stays one: instead of the address stands a word, or another hash, the same in all rows.
"""

from __future__ import annotations

import hashlib
import secrets
import time as clocks
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from todoku.deliveries.key import NAME, key_in
from todoku.deliveries.ledger import Also, Ledger, Tail
from todoku.deliveries.living import stream
from todoku.deliveries.merging import read
from todoku.deliveries.parts import Folder, Part
from todoku.deliveries.rows import SCHEMA
from todoku.store import Overtaken

if TYPE_CHECKING:
    from todoku.store.forgetting import Spellings

COLUMNS: Final = ("sender", "recipient", "reply")
"""In these an address may stand."""
PATIENCE: Final = 10.0
"""Seconds that whoever reads the old parts is given to end."""


class Instead:
    """What stands in the place of a value."""

    def __init__(self, data: Path, spellings: Spellings, as_given: str) -> None:
        """`as_given`: the address as it was typed. Raises `TodokuError` where the key of the hashes is
        unreadable, and `OSError`."""
        self._spellings = spellings
        self._hashes: dict[str, str] = {}
        if (data / NAME).exists():
            key, other = key_in(data), secrets.token_hex(8)
            local, _, domain = as_given.rpartition("@")
            for address in {*spellings.addresses, as_given, f"{local}@{domain.lower()}"}:
                told = hashlib.blake2b(address.encode(), digest_size=8, key=key).hexdigest()
                self._hashes[told] = other

    def of(self, values: Iterable[str | None]) -> dict[str, str]:
        """Of those that are to go."""
        found: dict[str, str] = {}
        for value in values:
            if value:
                new = self._hashes.get(value) or self._spellings.erase(value)
                if new != value:
                    found[value] = new
        return found


def forget(folder: Folder, ledger: Ledger, instead: Instead, at: float) -> tuple[int, bool]:
    """How many rows were changed, and whether the old files are gone: whoever reads them holds them, and
    whoever stores something next takes them away. `at`: now, Unix time."""
    rows = 0
    seen: set[str] = set()
    # Others work meanwhile: what they moved from one part, or from the tail, into another is looked at, too.
    while parts := [part for part in ledger.parts() if part.name not in seen]:
        for part in parts:
            seen.add(part.name)
            rows += _part(folder, ledger, part, instead, at)
        for tail in ledger.tails():
            rows += _tail(ledger, tail, instead, at)
    for tail in ledger.tails():
        rows += _tail(ledger, tail, instead, at)
    return rows, _cleaned(folder, ledger)


def _part(folder: Folder, ledger: Ledger, part: Part, instead: Instead, at: float) -> int:
    path = folder.path / part.name
    with folder.reading():
        try:
            with pq.ParquetFile(path) as file:
                names = [name for name in COLUMNS if name in file.schema_arrow.names]
                touched = _touched(file.read(names), instead)
        except FileNotFoundError:
            return 0  # it is part of a larger one by now
    if not touched:
        return 0
    with folder.writing(), folder.reading():
        if not path.exists():
            return 0
        new = folder.write(_without(read(str(path)).cast(SCHEMA), instead), part.day)
        try:
            ledger.commit([new], [], at, Also(replaced=[part.name]))
        except Overtaken:
            (folder.path / new.name).unlink()
            return 0
    return touched


def _tail(ledger: Ledger, tail: Tail, instead: Instead, at: float) -> int:
    table = pa.ipc.open_stream(tail.data).read_all()
    touched = _touched(table, instead)
    if touched:
        new = (table.num_rows, stream(_without(table, instead)))
        try:
            ledger.commit([], [], at, Also(taken=[tail.id], tail=new))
        except Overtaken:
            return 0  # it is a part by now
    return touched


def _cleaned(folder: Folder, ledger: Ledger) -> bool:
    until = clocks.monotonic() + PATIENCE
    while folder.path.is_dir():
        with folder.writing():
            named = {part.name for part in ledger.parts()}
            folder.clean(named)
            if all(
                str(p.relative_to(folder.path)) in named
                for p in folder.path.glob("day=*/*.parquet")
            ):
                return True
        if clocks.monotonic() > until:
            return False
        clocks.sleep(0.2)
    return True


def _touched(table: pa.Table, instead: Instead) -> int:
    """Rows that hold it."""
    masks = [
        pc.is_in(table[name], pa.array(found, pa.string()))
        for name in COLUMNS
        if name in table.column_names
        and (found := list(instead.of(pc.unique(table[name]).to_pylist())))
    ]
    if not masks:
        return 0
    whole = masks[0]
    for mask in masks[1:]:
        whole = pc.or_(whole, mask)
    return int(pc.sum(whole).as_py())


def _without(table: pa.Table, instead: Instead) -> pa.Table:
    for name in COLUMNS:
        column = table[name]
        new = instead.of(pc.unique(column).to_pylist())
        if new:
            values = [new.get(value, value) if value else value for value in column.to_pylist()]
            at = table.schema.get_field_index(name)
            table = table.set_column(at, SCHEMA.field(name), pa.array(values, pa.string()))
    return table
