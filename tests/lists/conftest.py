"""What the tests of lists share: nothing leaves the machine, and the command as its user calls it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lists import guard, overlay
from tests.lists.command import Command

_guard = guard.Guard()


@pytest.fixture(scope="module", autouse=True)
def _watched() -> Iterator[None]:
    """Sockets are watched in the tests of this folder, their fixtures included."""
    _guard.on = True
    yield
    _guard.on = False


@pytest.fixture(autouse=True)
def outside(_watched: None) -> Iterator[list[str]]:
    """What tried to leave the machine. Each test must end with nothing here."""
    _guard.seen.clear()
    yield _guard.seen
    assert not _guard.seen, "left the machine"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled knowledge, which all commands of a run share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The lists of `overlay.RUNS`, laid over the knowledge."""
    return str(overlay.write(tmp_path_factory.mktemp("knowledge"), *overlay.RUNS))


@pytest.fixture
def check(tmp_path: Path, cache: Path, knowledge: str) -> Command:
    """`todoku check`, with an empty home and these lists."""
    command = Command(tmp_path, cache)
    command.set(knowledge_overlay=knowledge)
    return command
