"""docs/deliveries.md: the table is as it says, and its SQL runs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")

from tests.logs.stored import Place, log, running
from todoku.deliveries.rows import SCHEMA

PAGE = (Path(__file__).parents[2] / "docs" / "deliveries.md").read_text()
TYPES = {
    "timestamp[us]": "timestamp, microseconds",
    "string": "text",
    "int16": "integer",
    "int64": "integer, 64 bits",
    "bool": "yes or no",
    "double": "number",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with running() as zygote:
        place = Place(zygote, tmp_path_factory.mktemp("docs"))
        (place.logs / "mail.log").write_bytes(log(2_000))
        place.store(place.logs)
        yield place


def test_every_column_and_its_type() -> None:
    part = PAGE.partition("## The table")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", part, re.MULTILINE)
    assert rows == [(f.name, TYPES[str(f.type)]) for f in SCHEMA]


def test_the_sql_runs_as_it_stands(place: Place) -> None:
    [python] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert 'data = "/var/lib/todoku"' in python
    names: dict[str, Any] = {}
    exec(python.replace("/var/lib/todoku", str(place.data)), names)
    deliveries = names["deliveries"]
    asked = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    assert len(asked) == 4
    for sql in asked:
        sql = sql.replace("now()::TIMESTAMP", "TIMESTAMP '2026-11-25'")
        found = deliveries.query("deliveries", sql)
        assert found.fetchall(), sql
        assert len(found.columns) > 2


def test_the_tables_that_it_names(place: Place) -> None:
    with sqlite3.connect(place.data / "todoku.db") as database:
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE 'log\\_%' ESCAPE '\\'"
        )
        tables = {name for (name,) in found}
    database.close()
    assert tables == set(re.findall(r"\blog_[a-z]+\b", PAGE.partition("## Your own SQL")[0]))
