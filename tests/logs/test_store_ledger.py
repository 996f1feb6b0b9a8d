"""Parts and how far logs are read change together, and no log is read on by two at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from todoku import store
from todoku.deliveries.ledger import Ledger, Move, Read
from todoku.deliveries.parts import Part
from todoku.store import Overtaken

ONE, TWO = (Part(f"day=2026-11-24/{n}.parquet", "2026-11-24", 10, 999) for n in "12")
BEGUN = Read(4_096, "ab", 1_000, "m", "/var/log/mail.log")
ON = BEGUN._replace(position=5_000, mark="n", path="/var/log/mail.log.1")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    engine = store.connect(f"sqlite:///{tmp_path}/todoku.db")
    yield Ledger(engine)
    engine.dispose()


def test_together(ledger: Ledger) -> None:
    ledger.commit([ONE], [Move(None, BEGUN)], 1.0)
    assert (ledger.parts(), ledger.logs()) == ([ONE], [BEGUN])
    ledger.commit([TWO], [Move(BEGUN, ON)], 2.0)
    assert (ledger.parts(), ledger.logs()) == ([ONE, TWO], [ON])


def test_a_head_that_grew_is_the_same_log(ledger: Ledger) -> None:
    short = Read(300, "cd", 300)
    ledger.commit([], [Move(None, short)], 1.0)
    ledger.commit([ONE], [Move(short, ON)], 2.0)
    assert ledger.logs() == [ON]


@pytest.mark.parametrize("move", [Move(None, ON), Move(BEGUN._replace(position=999), ON)])
def test_who_was_overtaken_leaves_nothing(ledger: Ledger, move: Move) -> None:
    ledger.commit([ONE], [Move(None, BEGUN)], 1.0)
    other = Move(None, Read(4_096, "other", 7))
    with pytest.raises(Overtaken):
        ledger.commit([TWO], [other, move], 2.0)
    assert (ledger.parts(), ledger.logs()) == ([ONE], [BEGUN])
