"""Rows and the position of a log are kept together, wherever the process is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

from todoku import store  # noqa: E402
from todoku.deliveries.keeping import by_day, keep  # noqa: E402
from todoku.deliveries.ledger import Ledger, Move, Read  # noqa: E402
from todoku.deliveries.parts import Folder  # noqa: E402
from todoku.deliveries.rows import SCHEMA  # noqa: E402
from todoku.store import Overtaken  # noqa: E402

TIMES = [datetime(2026, 11, d, 12, tzinfo=UTC).replace(tzinfo=None) for d in (23, 24, 23)] + [None]
AT = datetime(2026, 11, 25, 9, tzinfo=UTC).timestamp()
READ = Read(10, "ab", 100, "m")
TABLE = pa.Table.from_pylist([{"time": t, "outcome": "sent"} for t in TIMES], schema=SCHEMA)

KILLED = """
import os, signal, sys
from pathlib import Path
from todoku.deliveries.ledger import Ledger
from todoku.deliveries.parts import Folder
from tests.logs.test_store_keeping import stored

name, before = sys.argv[2], sys.argv[3] == "before"
owner = Folder if name == "write" else Ledger
real = getattr(owner, name)

def die(*args):
    if not before:
        real(*args)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, die)
stored(Path(sys.argv[1]))
"""


def stored(path: Path) -> int:
    """Keeps the table where the log was not read yet; how many rows then count."""
    engine = store.connect(f"sqlite:///{path}/todoku.db")
    try:
        folder, ledger = Folder(path / "deliveries"), Ledger(engine)
        if not ledger.logs():
            keep(folder, ledger, TABLE, [Move(None, READ)], AT)
        return sum(pq.ParquetFile(folder.path / p.name).metadata.num_rows for p in ledger.parts())
    finally:
        engine.dispose()


def test_a_part_for_each_day() -> None:
    told = [(day, rows.num_rows) for day, rows in by_day(TABLE, AT)]
    assert told == [("2026-11-23", 2), ("2026-11-24", 1), ("2026-11-25", 1)]


@pytest.mark.parametrize("call", ["write", "commit"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed(tmp_path: Path, call: str, when: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), call, when], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert stored(tmp_path) == len(TIMES)
    assert stored(tmp_path) == len(TIMES)


def test_overtaken_leaves_nothing(tmp_path: Path) -> None:
    assert stored(tmp_path) == len(TIMES)
    engine = store.connect(f"sqlite:///{tmp_path}/todoku.db")
    folder = Folder(tmp_path / "deliveries")
    before = set(folder.path.glob("day=*/*"))
    with pytest.raises(Overtaken):
        keep(folder, Ledger(engine), TABLE, [Move(None, READ)], AT)
    engine.dispose()
    assert set(folder.path.glob("day=*/*")) == before
