"""What is stored, kept in order: days whose time is over are erased, small parts become larger ones, so
that a question opens few files.

One process at a time does it: the lease is a lock that the kernel takes back from a process that is
killed. The new part and the end of those in it are one transaction; whoever reads the old ones meanwhile
keeps them until he is done.
"""

from __future__ import annotations

import subprocess
import sys
import time as clocks
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

import msgspec
import pyarrow.compute as pc

from todoku.deliveries.ledger import Also, Ledger
from todoku.deliveries.parts import Folder, Part
from todoku.deliveries.reading import Stored
from todoku.store import Overtaken

SMALL: Final = 80_000
"""Rows of a part that is not touched any more."""
MOST: Final = 160_000
"""Rows of a part that is made."""
FEW: Final = 8
"""Small parts of a day that are left as they are while the day may grow; of older days half of them."""
OLD: Final = 2 * 86_400
"""Seconds after which a day grows no more, as a rule."""


def erase(folder: Folder, ledger: Ledger, oldest: str, at: float) -> int:
    """Erases the days before `oldest` (`2026-05-28`), and what is told of them; rows erased. `at`: now,
    Unix time."""
    old = [part for part in ledger.parts() if part.day < oldest]
    if old:
        with folder.writing():
            old = [part for part in ledger.parts() if part.day < oldest]
            ledger.commit([], [], at, Also(replaced=[part.name for part in old]))
            folder.clean({part.name for part in ledger.parts()})
            with folder.reading():
                stored = Stored(folder, ledger)
                batches = stored.batches(["ground"])
                used = {n for b in batches for n in pc.unique(b.column("ground")).to_pylist()}
            ledger.forget_grounds(used)
    began = datetime.fromisoformat(oldest).replace(tzinfo=UTC).timestamp()
    ledger.forget(oldest, began)
    return sum(part.rows for part in old)


def compact(folder: Folder, ledger: Ledger, at: float) -> int:
    """Makes larger parts where it pays; how many went into others. `at`: now, Unix time. 0 as well
    where another process is at it."""
    if not any(due(ledger.parts(), at)):
        return 0
    merged = 0
    with folder.compacting() as alone:
        if not alone:
            return 0
        for several in due(ledger.parts(), at):
            merged += _merge(folder, ledger, several, at)
    return merged


def due(parts: Iterable[Part], at: float) -> Iterator[list[Part]]:
    """Small parts of one day, at least two, that would make one of at most `MOST` rows."""
    grows = clocks.strftime("%Y-%m-%d", clocks.gmtime(at - OLD))
    for day, of_day in groupby(sorted(parts, key=lambda p: p.day), lambda p: p.day):
        small = sorted((p for p in of_day if p.rows < SMALL), key=lambda p: p.rows)
        if len(small) < (FEW if day >= grows else FEW // 2):
            continue
        together: list[Part] = []
        rows = 0
        for part in small:
            if rows + part.rows > MOST:
                if len(together) > 1:
                    yield together
                together, rows = [], 0
            together.append(part)
            rows += part.rows
        if len(together) > 1:
            yield together


def _merge(folder: Folder, ledger: Ledger, several: list[Part], at: float) -> int:
    half = folder.half()
    order = {"paths": [str(folder.path / p.name) for p in several], "out": str(half)}
    with folder.reading():
        done = subprocess.run(
            [sys.executable, "-m", "todoku.deliveries.merging"],
            input=msgspec.json.encode(order), capture_output=True, check=False,
        )  # fmt: skip
    rows = sum(part.rows for part in several)
    if done.returncode or done.stdout.strip() != str(rows).encode():
        half.unlink(missing_ok=True)  # one of them was erased meanwhile, or there is no room
        return 0
    with folder.writing():
        part = folder.adopt(half, several[0].day, rows)
        try:
            ledger.commit([part], [], at, Also(replaced=[p.name for p in several]))
        except Overtaken:
            (folder.path / part.name).unlink()
            return 0
        folder.clean({p.name for p in ledger.parts()})
    return len(several)
