"""Ten thousand open cases: what is due is found without looking at the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import postgres
from tests.cases.world import MICROSOFT, START, refused
from todoku import store
from todoku.cases.case import Case
from todoku.cases.commands import refuse
from todoku.model import Identity
from todoku.store import tables as t
from todoku.store.actions import Queue
from todoku.store.cases import Desk

DUE = 25
SOON = START + timedelta(hours=2)
LATER = timedelta(days=300)


def fill(desk: Desk, cases: int) -> None:
    """So many open cases, of which `DUE` have something to do before `SOON`."""
    with store.writing(desk.engine) as connection:
        for n in range(cases):
            at = START if n % (cases // DUE) == 0 else START + LATER
            identity = Identity("ip", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")
            case = Case(number=n + 1)
            desk.append(connection, case, refuse(case, refused(at, identity, place=MICROSOFT)))


def steps(desk: Desk, work: Callable[[], object]) -> int:
    """How many instructions SQLite runs for it: rows looked at, not seconds."""
    count = 0

    def tick() -> int:
        nonlocal count
        count += 1
        return 0

    def listen(connection: object, *_: object) -> None:
        connection.set_progress_handler(tick, 1)  # type: ignore[attr-defined]

    sa.event.listen(desk.engine, "checkout", listen)
    try:
        work()
    finally:
        sa.event.remove(desk.engine, "checkout", listen)
        with desk.engine.connect() as connection:
            driver: object = connection.connection.driver_connection
            driver.set_progress_handler(None, 1)  # type: ignore[attr-defined]
    return count


def test_the_effort_does_not_grow_with_the_cases(tmp_path: Path) -> None:
    effort = {}
    for cases in (100, 1000):
        desk = Desk(store.connect(f"sqlite:///{tmp_path}/{cases}.db"))
        fill(desk, cases)
        queue = Queue(desk)
        assert queue.count_due(SOON) == 2 * DUE
        effort[cases] = [
            steps(desk, lambda q=queue: q.take("one", SOON)),  # type: ignore[misc]
            steps(desk, lambda q=queue: q.count_due(SOON)),  # type: ignore[misc]
            steps(desk, lambda q=queue: q.next_at(SOON)),  # type: ignore[misc]
            steps(desk, lambda d=desk: d.case(7)),  # type: ignore[misc]
            steps(desk, lambda d=desk: d.see(refused(SOON))),  # type: ignore[misc]
        ]
        desk.engine.dispose()
    for few, many in zip(effort[100], effort[1000], strict=True):
        assert many < few * 1.5 + 50, effort


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_ten_thousand(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path}/todoku.db"
    else:
        server: postgres.Server = request.getfixturevalue("postgres_server")
        url = server.database()
    desk = Desk(store.connect(url))
    fill(desk, 10_000)
    queue = Queue(desk)
    with desk.engine.connect() as connection:
        open_rows = sa.select(sa.func.count()).select_from(t.actions)
        assert connection.execute(open_rows).scalar_one() == 40_000
    began = time.perf_counter()
    taken = [work.id for work in iter(lambda: queue.take("one", SOON), None)]
    took = time.perf_counter() - began
    assert len(taken) == len(set(taken)) == 2 * DUE
    assert took / len(taken) < 0.5, f"{took / len(taken):.3f} s for one that is due"
    began = time.perf_counter()
    assert len(desk.rows()) == 10_000
    assert time.perf_counter() - began < 2
    desk.engine.dispose()
