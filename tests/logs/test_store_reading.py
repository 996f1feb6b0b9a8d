"""What is stored is read by day, of one moment, and only what the manifest names."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pa = pytest.importorskip("pyarrow")

from todoku import store  # noqa: E402
from todoku.deliveries.keeping import keep  # noqa: E402
from todoku.deliveries.ledger import Also, Day, Ledger  # noqa: E402
from todoku.deliveries.parts import Folder  # noqa: E402
from todoku.deliveries.reading import FOLDER, Stored, open_stored  # noqa: E402
from todoku.deliveries.rows import SCHEMA  # noqa: E402

AT = datetime(2026, 11, 25, 9, tzinfo=UTC).timestamp()


def table(*days: int, outcome: str = "sent") -> Any:
    times = [datetime(2026, 11, d, 12, tzinfo=UTC).replace(tzinfo=None) for d in days]
    return pa.Table.from_pylist(
        [{"time": t, "outcome": outcome, "host": f"mx{t.day}"} for t in times], schema=SCHEMA
    )


def stream(rows: Any) -> tuple[int, bytes]:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as out:
        out.write_table(rows)
    return rows.num_rows, sink.getvalue().to_pybytes()


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/todoku.db"
    engine = store.connect(url)
    folder, ledger = Folder(tmp_path / FOLDER), Ledger(engine)
    keep(folder, ledger, table(22, 23, 23), [], AT)
    keep(folder, ledger, table(24, outcome="bounced"), [], AT)
    ledger.commit([], [], AT, Also(tail=stream(table(24, 25)), days={"2026-11-24": Day(lines=9)}))
    with folder.writing():
        folder.write(table(1), "2026-11-01")  # no manifest names it
    engine.dispose()
    return url


def hosts(stored: Stored, **days: str) -> list[str]:
    batches = stored.batches(["outcome", "host"], **days)  # type: ignore[arg-type]
    found = [batch.column("host").to_pylist() for batch in batches]
    assert all(batch for batch in found)
    return [host for batch in found for host in batch]


def test_by_day(url: str, tmp_path: Path) -> None:
    with open_stored(tmp_path, url) as stored:
        assert hosts(stored) == ["mx22", "mx23", "mx23", "mx24", "mx24", "mx25"]
        assert hosts(stored, first="2026-11-24") == ["mx24", "mx24", "mx25"]
        assert hosts(stored, last="2026-11-22") == ["mx22"]
        assert hosts(stored, first="2026-11-23", last="2026-11-24") == [
            "mx23",
            "mx23",
            "mx24",
            "mx24",
        ]
        assert stored.rows == 6
        assert len(stored.paths(first="2026-11-23")) == 2
        assert stored.tail(["host"]).to_pylist() == [{"host": "mx24"}, {"host": "mx25"}]
        assert stored.days() == {"2026-11-24": Day(lines=9)}


def test_one_small_batch_after_the_other(url: str, tmp_path: Path) -> None:
    with open_stored(tmp_path, url) as stored:
        batches = list(stored.batches(size=1))
        assert [b.num_rows for b in batches] == [1] * 6
        assert all(b.schema.equals(SCHEMA) for b in batches)


def test_nothing_stored(tmp_path: Path) -> None:
    with open_stored(tmp_path, f"sqlite:///{tmp_path}/todoku.db") as stored:
        assert (hosts(stored), stored.paths(), stored.rows) == ([], [], 0)


def test_what_is_replaced_meanwhile_stays_for_its_readers(url: str, tmp_path: Path) -> None:
    engine = store.connect(url)
    folder, ledger = Folder(tmp_path / FOLDER), Ledger(engine)
    with open_stored(tmp_path, url) as stored:
        gone = [p.name for p in stored.parts()]
        keep(folder, ledger, table(25), [], AT, Also(replaced=gone, taken=[1]))
        keep(folder, ledger, table(25), [], AT)  # cleans
        assert hosts(stored) == ["mx22", "mx23", "mx23", "mx24", "mx24", "mx25"]
    with open_stored(tmp_path, url) as stored:
        assert hosts(stored) == ["mx25", "mx25"]
    keep(folder, ledger, table(25), [], AT)
    assert len(list(folder.path.glob("day=*/*"))) == 3
    engine.dispose()
