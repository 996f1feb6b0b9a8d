"""What disks, servers and other processes do, in sentences; and no half-written event."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests import postgres
from tests.cases.world import HOUR, START, refused
from tests.store import consistency
from todoku import store
from todoku.cases import events as ev
from todoku.i18n import LANGUAGES
from todoku.store import Broken, Busy, Full, NewerStore, StoreError, Unreachable, migrate
from todoku.store.cases import Desk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "todoku.db"


@pytest.fixture
def desk(path: Path) -> Iterator[Desk]:
    made = Desk(store.connect(f"sqlite:///{path}"))
    made.see(refused(START))
    yield made
    made.engine.dispose()


def always(desk: Desk, pragma: str) -> Any:
    """Set on each connection from now on; returns what ends it."""

    def set_it(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(desk.engine, "checkout", set_it)
    return lambda: sa.event.remove(desk.engine, "checkout", set_it)


def note(desk: Desk, text: str = "") -> None:
    desk.change(1, lambda _: (ev.Noted(at=START, text=text),))


def said(error: StoreError, path: object, *words: str) -> None:
    for lang in LANGUAGES:
        assert str(path) in error.text(lang)
        assert "\n" not in error.text(lang)
    for word in words:
        assert word in str(error)


def test_another_process_does_not_let_go(desk: Desk, path: Path) -> None:
    always(desk, "busy_timeout = 50")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy) as caught:
        note(desk)
    said(caught.value, path, "another process", "Nothing was changed")
    assert desk.case(1).seq == 1, "reading does not wait"
    other.execute("ROLLBACK")
    other.close()
    note(desk)
    assert desk.case(1).seq == 2


def test_the_disk_is_full_and_then_is_not(desk: Desk, path: Path) -> None:
    with desk.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    undo = always(desk, f"max_page_count = {pages + 4}")
    with pytest.raises(Full) as caught:
        for _ in range(100):
            note(desk, "x" * 2000)
    said(caught.value, path, "no room", "taken back")
    seq = desk.case(1).seq
    assert 1 <= seq < 50
    consistency_before = desk.rows(closed=True)
    assert consistency_before[0]["seq"] == seq
    undo()
    always(desk, "max_page_count = 1000000")
    note(desk)
    assert desk.case(1).seq == seq + 1
    consistency.check(desk)


def test_a_file_that_may_only_be_read(desk: Desk, path: Path) -> None:
    undo = always(desk, "query_only = ON")
    with pytest.raises(Broken) as caught:
        note(desk)
    said(caught.value, path, "taken back")
    undo()
    always(desk, "query_only = OFF")
    note(desk)


def test_a_damaged_file(desk: Desk, path: Path) -> None:
    """Pages overwritten from without. Told, not a traceback; and told before anything is lost."""
    with desk.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    desk.engine.dispose()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    with pytest.raises(StoreError) as caught:
        Desk(store.connect(f"sqlite:///{path}")).case(1)
    said(caught.value, path)


def test_a_store_of_a_newer_todoku(desk: Desk, path: Path) -> None:
    with store.writing(desk.engine) as connection:
        connection.exec_driver_sql(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '0099'")
    with pytest.raises(NewerStore):
        store.connect(f"sqlite:///{path}")


def test_from_the_version_before(path: Path) -> None:
    """A store of the first version, which had no cases, is brought to this one."""
    from todoku.store import engine as engines

    engine = engines.make(f"sqlite:///{path}")
    migrate.upgrade(engine, "0001")
    engine.dispose()
    desk = Desk(store.connect(f"sqlite:///{path}"))
    desk.see(refused(START))
    consistency.check(desk)
    desk.engine.dispose()


@pytest.mark.slow
def test_the_server_goes_away(postgres_server: postgres.Server) -> None:
    url = postgres_server.database()
    desk = Desk(store.connect(url))
    desk.see(refused(START))
    other = store.connect(url)
    query = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def cut(case: object) -> tuple[ev.AnyEvent, ...]:
        with other.connect() as connection:
            connection.exec_driver_sql(query)
        return (ev.Noted(at=START, text=""),)

    with pytest.raises(Unreachable) as caught:
        desk.change(1, cut)
    said(caught.value, url.partition("?")[0].partition("@")[2], "was lost", "taken back")
    assert desk.case(1).seq == 1
    desk.see(refused(START + 48 * HOUR))  # another incident
    assert desk.case(1).seq == 2
    for engine in (desk.engine, other):
        engine.dispose()
