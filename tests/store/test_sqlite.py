"""What SQLite alone does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from todoku.store import engine as engines


def test_first_openers_wait_for_each_other(tmp_path: Path) -> None:
    """SQLite does not wait by itself while another connection switches the file to WAL."""
    with ThreadPoolExecutor(8) as pool:
        for n in range(15):
            url = f"sqlite:///{tmp_path / f'{n}.db'}"
            for engine in list(pool.map(engines.make, [url] * 8)):
                with engine.connect() as connection:
                    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
                    assert mode == "wal"
                engine.dispose()
