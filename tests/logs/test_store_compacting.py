"""Small parts become large ones, what is too old is erased; nothing is lost, whoever is killed or reads."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pa = pytest.importorskip("pyarrow")

from todoku import store  # noqa: E402
from todoku.deliveries import compacting  # noqa: E402
from todoku.deliveries.compacting import compact, due, erase  # noqa: E402
from todoku.deliveries.keeping import keep  # noqa: E402
from todoku.deliveries.ledger import Also, Day, Ledger  # noqa: E402
from todoku.deliveries.parts import Folder, Part  # noqa: E402
from todoku.deliveries.reading import FOLDER, Stored  # noqa: E402
from todoku.deliveries.rows import SCHEMA  # noqa: E402

AT = datetime(2026, 11, 25, 9, tzinfo=UTC).timestamp()


class Kept:
    def __init__(self, path: Path) -> None:
        self.engine = store.connect(f"sqlite:///{path}/todoku.db")
        self.folder, self.ledger = Folder(path / FOLDER), Ledger(self.engine)

    def add(self, day: int, rows: int = 5, ground: int = 7) -> None:
        told = [
            {"time": datetime(2026, 11, day, 12, 0, 59 - n), "outcome": ("sent", "bounced")[n % 2],  # noqa: DTZ001
             "queue_id": f"{day}-{n}", "ground": ground if n % 2 else None, "code": 550}
            for n in range(rows)
        ]  # fmt: skip
        keep(self.folder, self.ledger, pa.Table.from_pylist(told, schema=SCHEMA), [], AT)

    def rows(self) -> list[dict[str, Any]]:
        with self.folder.reading():
            batches = Stored(self.folder, self.ledger).batches()
            return [row for batch in batches for row in batch.to_pylist()]

    def files(self) -> set[str]:
        return {str(p.relative_to(self.folder.path)) for p in self.folder.path.glob("day=*/*")}


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path)
    yield kept
    kept.engine.dispose()


def key(row: dict[str, Any]) -> str:
    return str(sorted(row.items(), key=str))


def test_which_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    def days(*sizes: int, day: str = "2026-11-01") -> list[list[int]]:
        parts = [Part(str(n), day, rows, 1) for n, rows in enumerate(sizes)]
        return [[p.rows for p in several] for several in due(parts, AT)]

    assert days(1, 2, 3) == []
    assert days(1, 2, 3, 4) == [[1, 2, 3, 4]]
    assert days(1, 2, 3, 4, day="2026-11-25") == []
    assert days(*[1] * 8, day="2026-11-25") == [[1] * 8]
    assert days(4, 3, compacting.SMALL, 5, 6) == [[3, 4, 5, 6]]
    assert days(*[70_000] * 5) == [[70_000] * 2] * 2
    one = [Part(str(n), f"2026-11-{n:02d}", 1, 1) for n in range(1, 20)]
    assert list(due(one, AT)) == []


def test_merged(kept: Kept) -> None:
    for day in (20, 20, 21, 20, 20, 20):
        kept.add(day)
    before = sorted(map(key, kept.rows()))
    assert compact(kept.folder, kept.ledger, AT) == 5
    assert sorted(map(key, kept.rows())) == before
    assert {p.name for p in kept.ledger.parts()} == kept.files()
    assert len(kept.files()) == 2
    (one,) = [p for p in kept.ledger.parts() if p.day == "2026-11-20"]
    assert (one.rows, one.bytes) == (25, (kept.folder.path / one.name).stat().st_size)
    merged = [row for row in kept.rows() if row["time"].day == 20]
    assert [row["outcome"] for row in merged] == ["bounced"] * 10 + ["sent"] * 15
    assert [row["time"] for row in merged[:10]] == sorted(row["time"] for row in merged[:10])
    assert compact(kept.folder, kept.ledger, AT) == 0


def test_who_reads_meanwhile_keeps_what_he_has(kept: Kept) -> None:
    for _ in range(4):
        kept.add(20)
    with kept.folder.reading():
        stored = Stored(kept.folder, kept.ledger)
        assert compact(kept.folder, kept.ledger, AT) == 4
        assert sum(b.num_rows for b in stored.batches()) == 20
    kept.add(21)
    assert len(kept.files()) == 2
    assert len(kept.rows()) == 25


def test_one_at_a_time(kept: Kept) -> None:
    for _ in range(4):
        kept.add(20)
    with kept.folder.compacting() as alone:
        assert alone
        assert compact(kept.folder, kept.ledger, AT) == 0
    assert compact(kept.folder, kept.ledger, AT) == 4


def test_a_part_that_cannot_be_read_stops_nothing(kept: Kept) -> None:
    for day in (20, 21) * 4:
        kept.add(day)
    broken = next(p for p in kept.ledger.parts() if p.day == "2026-11-20")
    (kept.folder.path / broken.name).write_bytes(b"PAR1")
    assert compact(kept.folder, kept.ledger, AT) == 4
    assert Counter(p.day for p in kept.ledger.parts()) == {"2026-11-20": 4, "2026-11-21": 1}
    assert not list(kept.folder.path.glob(".merging/*"))


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.logs.test_store_compacting import AT, Kept
from todoku.deliveries import compacting
from todoku.deliveries.ledger import Ledger
from todoku.deliveries.parts import Folder

owner = {"adopt": Folder, "commit": Ledger, "clean": Folder, "half": Folder}[sys.argv[2]]
real = getattr(owner, sys.argv[2])

def die(*args):
    if sys.argv[3] == "after":
        real(*args)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, sys.argv[2], die)
kept = Kept(Path(sys.argv[1]))
compacting.compact(kept.folder, kept.ledger, AT)
"""


@pytest.mark.slow
@pytest.mark.parametrize("call", ["half", "adopt", "commit", "clean"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed(kept: Kept, call: str, when: str, tmp_path: Path) -> None:
    for _ in range(4):
        kept.add(20)
    before = sorted(map(key, kept.rows()))
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), call, when], timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert sorted(map(key, kept.rows())) == before
    compact(kept.folder, kept.ledger, AT)
    kept.add(21)
    assert len(kept.rows()) == 25
    assert len(kept.files()) == 2
    assert not list(kept.folder.path.glob(".merging/*"))


def test_erased(kept: Kept) -> None:
    for day, ground in ((19, 1), (20, 2), (21, 3)):
        kept.add(day, ground=ground)
    told = {"2026-11-19": Day(1), "2026-11-20": Day(2)}
    also = Also(days=told, grounds={1: "a", 2: "b", 3: "c"}, knowledge="x")
    kept.ledger.commit([], [], AT, also)
    assert erase(kept.folder, kept.ledger, "2026-11-20", AT) == 5
    assert {row["time"].day for row in kept.rows()} == {20, 21}
    assert len(kept.files()) == 2
    assert kept.ledger.days() == {"2026-11-20": Day(2)}
    assert set(kept.ledger.grounds([1, 2, 3])) == {2, 3}
    assert erase(kept.folder, kept.ledger, "2026-11-20", AT) == 0
