"""What SQLite alone does."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from todoku.store import engine as engines


def test_a_first_opener_waits_for_another_that_writes(tmp_path: Path) -> None:
    """SQLite answers at once that it is locked, where another connection is about to write a file
    that has no write-ahead log yet: its own waiting does not hold for this change."""
    path = tmp_path / "todoku.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.4, other.execute, ["COMMIT"])
    done.start()
    engine = engines.make(f"sqlite:///{path}")
    with engine.connect() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    engine.dispose()
    done.join()
    other.close()
    assert mode == "wal"
