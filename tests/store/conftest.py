"""An empty database of each kind, and the case desk on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import postgres
from todoku import store
from todoku.cases.policy import DEFAULT, Policy
from todoku.store.actions import Queue
from todoku.store.cases import Desk

OpenDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/todoku.db"
    server: postgres.Server = request.getfixturevalue("postgres_server")
    return server.database()


@pytest.fixture
def open_desk(url: str) -> Iterator[OpenDesk]:
    """Desks on one database, each with connections of its own."""
    made: list[Desk] = []

    def open_it(policy: Policy = DEFAULT) -> Desk:
        made.append(Desk(store.connect(url), policy))
        return made[-1]

    yield open_it
    for desk in made:
        desk.engine.dispose()


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    return open_desk()


@pytest.fixture
def queue(desk: Desk) -> Queue:
    return Queue(desk)
