"""What a run does with what is kept: it leaves some of a list's budget to others, and goes on where
the file cannot be used."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.lists.keeping import NOW, finding
from todoku.lists import plan
from todoku.lists.keeping import Keeper
from todoku.lists.kept import Kept
from todoku.lists.kept_file import NAME
from todoku.lists.plan import Way
from todoku.lists.values import Notice, Request, Server, Target, Upstream
from todoku.model import Subject

RANGE = Target(given="10.77.0.0/16", range="10.77.0.0/16")
SINGLE = Target(given="192.0.2.1", subject=Subject("ip", "192.0.2.1"))


def _keeper(kept: Kept, target: Target, notices: list[Notice]) -> Keeper:
    request = Request(
        targets=(target,),
        lists=("plain.test",),
        upstream=Upstream(kind="resolver", servers=(Server("127.0.0.1"),)),
    )
    return Keeper(kept, request, "en", notices.append, lambda: 0.0, lambda: NOW)


def _way(name: str = "plain.test") -> Way:
    entry = plan.of_zone(name)
    assert entry.ask is not None
    return Way(entry, entry.ask, name)


def test_a_sweep_leaves_some_of_the_burst_to_a_person(tmp_path: Path) -> None:
    with Kept.open(tmp_path) as here, Kept.open(tmp_path) as there:
        sweep = _keeper(here, RANGE, []).pace(_way())
        assert sweep.draw(64, 0.0) == 40
        assert sweep.draw(64, 0.0) == 0
        assert _keeper(there, SINGLE, []).pace(_way()).draw(6, 0.0) == 6


def test_what_is_not_sent_goes_back_at_the_end(tmp_path: Path) -> None:
    with Kept.open(tmp_path) as kept:
        keeper = _keeper(kept, SINGLE, [])
        assert keeper.pace(_way()).draw(4, 0.0) == 4  # a block of 10 was leased
        assert kept.used_today("resolver 127.0.0.1:53", NOW) == {"plain.test": 10}
        keeper.close([finding()], [], [], [])
        assert kept.used_today("resolver 127.0.0.1:53", NOW) == {"plain.test": 4}
        assert [c.change for c in kept.history()] == ["listed"]


def test_a_full_disk_ends_what_is_kept_for_the_whole_run(tmp_path: Path) -> None:
    """Even when there is room again, and the sentence says so."""
    notices: list[Notice] = []
    with Kept.open(tmp_path) as kept:
        keeper = _keeper(kept, SINGLE, notices)
        pages = kept._file._db.execute("PRAGMA page_count").fetchone()[0]
        kept._file._db.execute(f"PRAGMA max_page_count = {pages}")
        many = [finding(f"192.0.2.{n}", text="x" * 900) for n in range(256)]
        keeper._do(lambda k: k.record(many, NOW))
        kept._file._db.execute("PRAGMA max_page_count = 1000000")
        keeper.close([finding()], [], [], [])
        assert kept.standings([Subject("ip", "192.0.2.1")]) == {}
    assert [n.key for n in notices] == ["not-kept"]
    assert "keeps nothing more, even when there is room again" in notices[0].values["why"]


@pytest.mark.parametrize("when", ["at the first lease", "at the end"])
def test_it_goes_on_in_memory_and_says_so_once(tmp_path: Path, when: str) -> None:
    notices: list[Notice] = []
    with Kept.open(tmp_path, wait=0.01) as kept:
        keeper = _keeper(kept, SINGLE, notices)
        paces = [keeper.pace(_way(name)) for name in ("a.test", "b.test")]
        other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
        if when == "at the end":
            assert [pace.draw(6, 0.0) for pace in paces] == [6, 6]
            other.execute("BEGIN IMMEDIATE")
        else:
            other.execute("BEGIN IMMEDIATE")
            assert [pace.draw(6, 0.0) for pace in paces] == [6, 6]
        keeper.close([finding()], [], [], [])
        other.close()
        assert [n.key for n in notices] == ["not-kept"]
        assert "in use by another process" in notices[0].values["why"]
        assert kept.standings([Subject("ip", "192.0.2.1")]) == {}
