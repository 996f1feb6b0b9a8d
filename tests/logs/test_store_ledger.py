"""Parts and how far logs are read change together, and no log is read on by two at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from tests import postgres
from todoku import store
from todoku.deliveries import ledger as ledgers
from todoku.deliveries.ledger import Also, Day, Journal, Ledger, Move, Read
from todoku.deliveries.parts import Part
from todoku.store import Overtaken

ONE, TWO = (Part(f"day=2026-11-24/{n}.parquet", "2026-11-24", 10, 999) for n in "12")
BEGUN = Read(4_096, "ab", 1_000, "m", "/var/log/mail.log")
ON = BEGUN._replace(position=5_000, mark="n", path="/var/log/mail.log.1")


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def ledger(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path}/todoku.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("server").database()
    engine = store.connect(url)
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


def test_all_that_a_step_changes(ledger: Ledger) -> None:
    """Together, or not at all."""
    ground = -(1 << 63)
    begun = Also(
        journals=[Journal("a/b/c", 0, 7)],
        days={"2026-11-24": Day(10, 1, 2, 3, 4, 5.5, 6.5, ("postfix",))},
        grounds={ground: "{}\x00", 1: "one"},
        knowledge="k",
        tail=(3, b"\x00\xff"),
    )
    ledger.commit([ONE], [Move(None, BEGUN)], 1.0, begun)
    (tail,) = ledger.tails()
    assert (tail.rows, tail.made_at, tail.data) == (3, 1.0, b"\x00\xff")
    assert ledger.look() == ([ONE], [tail])
    assert ledger.tail_size() == (3, 1.0)
    on = Also(
        journals=[Journal("a/b/c", 7, 9)],
        days={"2026-11-24": Day(lines=5, first=1.0, formats=("exim",))},
        grounds={1: "another", 2: "two"},
        ends={(BEGUN.head_length, BEGUN.head): "1:2:3:4"},
        taken=[tail.id],
        replaced=[ONE.name],
    )
    ledger.commit([TWO], [], 2.0, on)
    for stale in (
        Also(journals=[Journal("a/b/c", 7, 11)]), Also(journals=[Journal("a/b/c", 0, 11)]),
        Also(taken=[tail.id]), Also(replaced=[ONE.name]),
    ):  # fmt: skip
        with pytest.raises(Overtaken):
            ledger.commit(
                [ONE], [], 3.0, stale._replace(tail=(1, b"x"), days={"2026-11-25": Day(1)})
            )
    assert (ledger.parts(), ledger.tails(), ledger.tail_size()) == ([TWO], [], (0, None))
    assert ledger.journals() == {"a/b/c": 9}
    assert ledger.days() == {"2026-11-24": Day(15, 1, 2, 3, 4, 1.0, 6.5, ("exim", "postfix"))}
    assert ledger.grounds([ground, 1, 2, 3]) == {ground: "{}", 1: "one", 2: "two"}
    assert ledger.logs() == [BEGUN._replace(file="1:2:3:4")]
    ledger.forget_grounds({1})
    ledger.forget("2026-11-25", 2.5)
    assert (ledger.grounds([1, 2]), ledger.days(), ledger.logs()) == ({1: "one"}, {}, [])


def test_grounds_are_bounded(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledgers, "MOST_GROUNDS", 3)
    for n in range(0, 8, 2):
        ledger.commit([], [], 1.0, Also(grounds={n: "x", n + 1: "x"}, knowledge="k"))
    assert set(ledger.grounds(range(8))) == {0, 1, 2}
