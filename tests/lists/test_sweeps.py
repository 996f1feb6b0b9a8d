"""A range at a list: what was answered is never asked again, and never lost."""

from __future__ import annotations

import ipaddress
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lists.keeping import FIRST, NET, NOW, answer, finding, found, program
from todoku.lists.kept import Kept
from todoku.lists.kept_file import NAME, Busy, NoSpace
from todoku.lists.sweeps import KEPT, STANDSTILL, WITHIN, Hit, Sweep, packed, unpacked
from todoku.model import Subject

UPSTREAM = "server 127.0.0.1:5301"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with Kept.open(tmp_path, wait=0.05) as kept:
        yield kept


def _open(kept: Kept, now: float = NOW, network: str = NET, **how: object) -> Sweep:
    return kept.open_sweep(network, "bl", UPSTREAM, now, **how)  # type: ignore[arg-type]


def _places(kept: Kept, sweep: Sweep) -> list[int]:
    return [hit.address - FIRST for hit in kept.hits(sweep)]


# ── bits ──────────────────────────────────────────────────────────────────────────────────────


@given(st.lists(st.booleans(), max_size=300))
def test_bits_and_flags(flags: list[bool]) -> None:
    bits = packed(bytes(flags))
    assert len(bits) == (len(flags) + 7) // 8
    assert [bool(bits[i >> 3] >> (i & 7) & 1) for i in range(len(flags))] == flags
    assert unpacked(bits, len(flags)) == bytes(flags)


@given(st.sets(st.integers(0, 255)), st.sets(st.integers(0, 255)))
def test_what_is_missing_is_what_has_no_answer(first: set[int], second: set[int]) -> None:
    base = int(ipaddress.ip_address("192.0.2.0"))
    with Kept.open(None) as kept:
        sweep = kept.open_sweep("192.0.2.0/24", "bl", UPSTREAM, NOW)
        sweep.absent(base + place for place in first)
        kept.save([sweep], NOW)
        sweep.absent(base + place for place in second)
        kept.save([sweep], NOW)
        again = kept.open_sweep("192.0.2.0/24", "bl", UPSTREAM, NOW)
    answered = {base + place for place in first | second}
    for one in (sweep, again):
        assert one.done == len(answered)
        assert set(one.missing()) == {base + place for place in range(256)} - answered
        assert all(one.has(base + place) == (base + place in answered) for place in range(256))


def test_answers_may_come_while_one_walks_through_what_is_missing() -> None:
    sweep = Sweep("192.0.2.0/28", "bl", UPSTREAM, NOW)
    base = int(ipaddress.ip_address("192.0.2.0"))
    walked = []
    for address in sweep.missing():
        walked.append(address - base)
        sweep.absent([address, address + 2] if address - base < 14 else [address])
    assert walked == [0, 1, 4, 5, 8, 9, 12, 13]


def test_a_range_of_ipv6() -> None:
    base = int(ipaddress.ip_address("2001:db8::"))
    with Kept.open(None) as kept:
        sweep = kept.open_sweep("2001:db8::/120", "bl", UPSTREAM, NOW)
        sweep.found(base + 5, answer("127.0.0.2"), finding("2001:db8::5", list_id="bl"))
        kept.save([sweep], NOW)
        assert [sweep.subject(hit.address) for hit in kept.hits(sweep)] == [
            Subject("ip", "2001:db8::5")
        ]
    with pytest.raises(ValueError, match="2001:db8::/64"):
        Sweep("2001:db8::/64", "bl", UPSTREAM, NOW)


# ── stopped and gone on with ──────────────────────────────────────────────────────────────────


def test_it_goes_on_where_it_was_saved(kept: Kept) -> None:
    sweep = _open(kept)
    assert sweep.done == 0
    sweep.absent(range(FIRST, FIRST + 1000))
    found(sweep, 7, 999)
    sweep.unknown["timeout"] += 3
    kept.save([sweep], NOW + 5)
    sweep.absent(range(FIRST + 1000, FIRST + 2000))  # not saved
    again = _open(kept, NOW + 60)
    assert (again.done, again.started, again.updated) == (1000, NOW, NOW + 5)
    assert again.unknown == {}, "they are asked again"
    assert next(again.missing()) == FIRST + 1000
    assert list(kept.hits(again)) == [
        Hit(FIRST + place, "listed", answer("127.0.0.2", text=f"see {place}")) for place in (7, 999)
    ]


def test_a_save_writes_what_is_new(kept: Kept) -> None:
    sweep = _open(kept)
    found(sweep, *range(500))
    kept.save([sweep], NOW)
    before = kept._file._db.total_changes
    found(sweep, 700)
    kept.save([sweep], NOW)
    assert kept._file._db.total_changes - before <= 4  # sweep, hit, standing, change


def test_hits_come_in_portions(kept: Kept) -> None:
    sweep = _open(kept)
    found(sweep, *range(0, 500, 5))
    kept.save([sweep], NOW)
    for at_once in (1, 7, 100, 1000):
        assert [h.address - FIRST for h in kept.hits(sweep, at_once=at_once)] == [*range(0, 500, 5)]


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("it is finished", {"now": NOW + 60}),
        ("begun anew", {"now": NOW + 60, "restart": True}),
        ("too old", {"now": NOW + WITHIN + 1}),
        ("older than wanted", {"now": NOW + 60, "within": 30.0}),
        ("saved in the future", {"now": NOW - WITHIN - 1}),
        ("another range", {"now": NOW + 60, "network": "10.77.0.0/17"}),
    ],
)
def test_it_begins_anew(kept: Kept, what: str, how: dict[str, object]) -> None:
    sweep = _open(kept)
    sweep.absent(range(FIRST, FIRST + 1000))
    kept.save([sweep], NOW, finished=what == "it is finished")
    again = _open(kept, **how)  # type: ignore[arg-type]
    assert again.done == 0
    assert _places(kept, again) == []


def test_another_list_or_upstream_is_another_sweep(kept: Kept) -> None:
    sweep = _open(kept)
    sweep.absent([FIRST])
    kept.save([sweep], NOW)
    assert kept.open_sweep(NET, "other", UPSTREAM, NOW).done == 0
    assert kept.open_sweep(NET, "bl", "direct", NOW).done == 0


def test_begun_anew_and_finished_the_one_before_is_not_taken_up(kept: Kept) -> None:
    old = _open(kept)
    old.absent([FIRST])
    kept.save([old], NOW)
    new = _open(kept, restart=True)
    kept.save([new], NOW + 1, finished=True)
    assert _open(kept, NOW + 2).done == 0


def test_two_processes_at_one_range_unite_what_they_know(kept: Kept, tmp_path: Path) -> None:
    one = _open(kept)
    with Kept.open(tmp_path) as elsewhere:
        other = _open(elsewhere, NOW + 1)
        one.absent(range(FIRST, FIRST + 100))
        found(one, 5)
        kept.save([one], NOW + 2)
        other.absent(range(FIRST + 50, FIRST + 150))
        found(other, 140)
        elsewhere.save([other], NOW + 3)
        kept.save([one], NOW + 4)
        assert one.done == other.done == 150
        assert _places(kept, one) == _places(elsewhere, other) == [5, 140]
        elsewhere.save([other], NOW + 5, finished=True)
        kept.save([one], NOW + 6)
        assert _open(kept, NOW + 7).done == 0, "finished by one is finished"


KILLED = """
import sys
from pathlib import Path
from tests.lists.keeping import FIRST, NET, NOW, found
from todoku.lists.kept import Kept
kept = Kept.open(Path(sys.argv[1]))
sweep = kept.open_sweep(NET, "bl", "server 127.0.0.1:5301", NOW)
print("begins", sweep.done, flush=True)
missing = sweep.missing()
while places := [address - FIRST for _, address in zip(range(64), missing)]:
    sweep.absent(FIRST + p for p in places if p % 97)
    found(sweep, *(p for p in places if p % 97 == 0))
    kept.save([sweep], NOW)
kept.save([sweep], NOW, finished=True)
print("finished", sweep.done, flush=True)
"""


def test_killed_at_any_point_it_is_exact(tmp_path: Path) -> None:
    """Every address whose bit is set has its listing beside it, and history knows it."""
    chance = random.Random(5)
    done, kills = 0, 0
    while True:
        process = program(KILLED, tmp_path)
        assert process.stdout is not None and process.stderr is not None
        begins = process.stdout.readline()
        assert begins == f"begins {done}\n", process.stderr.read()
        if kills < 5:
            time.sleep(chance.uniform(0.01, 0.15))
            process.send_signal(signal.SIGKILL)
        rest, err = process.communicate(timeout=60)
        assert not err
        if rest:
            assert rest == "finished 65536\n"
            break
        kills += 1
        with Kept.open(tmp_path) as kept:
            sweep = _open(kept, NOW)
            assert sweep.done >= done
            done = sweep.done
            places = _places(kept, sweep)
            assert places == [p for p in range(0, 65536, 97) if sweep.has(FIRST + p)]
            assert len(list(kept.history())) == len(places)
    assert kills >= 3 and done > 0
    db = sqlite3.connect(tmp_path / NAME)
    assert db.execute("SELECT count(*) FROM hits").fetchone() == (676,)
    assert db.execute("SELECT count(*), min(finished) FROM sweeps").fetchone() == (1, NOW)
    db.close()


@pytest.mark.parametrize("trouble", [Busy, NoSpace])
def test_what_could_not_be_saved_is_saved_later(
    kept: Kept, tmp_path: Path, trouble: type[Exception]
) -> None:
    sweep = _open(kept)
    sweep.absent(range(FIRST, FIRST + 3000))
    found(sweep, *range(1000))
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    if trouble is Busy:
        other.execute("BEGIN IMMEDIATE")
    else:
        db = kept._file._db
        db.execute(f"PRAGMA max_page_count = {db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(trouble):
        kept.save([sweep], NOW)
    other.close()
    kept._file._db.execute("PRAGMA max_page_count = 1000000")
    assert _open(kept, NOW + 1).done == 0
    kept.save([sweep], NOW + 2)
    again = _open(kept, NOW + 3)
    assert again.done == 3000
    assert _places(kept, again) == [*range(1000)]


# ── history and comparison ────────────────────────────────────────────────────────────────────


def _swept(kept: Kept, at: float, listed: dict[int, str], unknown: tuple[int, ...] = ()) -> None:
    sweep = _open(kept, at)
    absent = {*range(300)} - listed.keys() - {*unknown}
    sweep.absent(FIRST + place for place in absent)
    for place, code in listed.items():
        found(sweep, place, code=code, at=at)
    kept.save([sweep], at, finished=True)


def test_history_of_addresses_that_a_sweep_found(kept: Kept) -> None:
    """Found, gone, and not known in between; a range itself is not a row an address."""
    _swept(kept, NOW, {1: "127.0.0.2", 2: "127.0.0.2", 3: "127.0.0.2"})
    _swept(kept, NOW + 100, {1: "127.0.0.4"}, unknown=(3,))
    changes = [(c.identity.value, c.change, c.at) for c in kept.history()]
    assert changes == [
        ("10.77.0.1", "listed", NOW),
        ("10.77.0.2", "listed", NOW),
        ("10.77.0.3", "listed", NOW),
        ("10.77.0.1", "changed", NOW + 100),
        ("10.77.0.2", "gone", NOW + 100),
    ]
    rows = kept._file._db.execute("SELECT count(*) FROM standings").fetchone()
    assert rows == (3,)


def test_a_sweep_ends_what_a_single_check_found(kept: Kept) -> None:
    kept.record([finding("10.77.0.9", list_id="bl"), finding("10.78.0.9", list_id="bl")], NOW)
    kept.record([finding("10.77.0.9", list_id="other")], NOW)
    _swept(kept, NOW + 100, {})
    (gone,) = kept.history(since=NOW + 50)
    assert (gone.identity.value, gone.list, gone.change) == ("10.77.0.9", "bl", "gone")


def test_a_single_check_after_the_sweep_came_by_counts(kept: Kept) -> None:
    sweep = _open(kept)
    sweep.absent(range(FIRST, FIRST + 10))
    kept.save([sweep], NOW)
    kept.record([finding("10.77.0.9", list_id="bl", at=NOW + 5)], NOW + 5)
    again = _open(kept, NOW + 10)
    again.absent(range(FIRST + 10, FIRST + 20))
    kept.save([again], NOW + 20, finished=True)
    assert [c.change for c in kept.history()] == ["listed"]


def test_an_answer_that_means_nothing_known_is_no_change(kept: Kept) -> None:
    _swept(kept, NOW, {1: "127.0.0.2"})
    sweep = _open(kept, NOW + 10)
    sweep.absent(range(FIRST + 2, FIRST + 300))
    odd = finding("10.77.0.1", "unknown", list_id="bl", at=NOW + 10, codes=("127.0.0.77",))
    sweep.found(FIRST + 1, answer("127.0.0.77", at=NOW + 10), odd)
    kept.save([sweep], NOW + 10, finished=True)
    assert [c.change for c in kept.history()] == ["listed"]


def test_the_last_finished_ones_are_kept_and_what_may_be_alive(kept: Kept) -> None:
    halted = kept.open_sweep(NET, "bl", UPSTREAM, NOW - STANDSTILL - 10)
    kept.save([halted], NOW - STANDSTILL - 10)
    alive = _open(kept, NOW, restart=True)
    kept.save([alive], NOW)
    for n in range(5):
        sweep = _open(kept, NOW + n, restart=True)
        found(sweep, n)
        kept.save([sweep], NOW + n, finished=True)
    db = kept._file._db
    assert db.execute("SELECT count(*) FROM sweeps").fetchone() == (KEPT + 1,)
    assert db.execute("SELECT place FROM hits ORDER BY 1").fetchall() == [(3,), (4,)]
    halted.absent([FIRST])
    kept.save([halted], NOW + 9)  # it wakes up: nothing breaks, and it is not kept
    assert db.execute("SELECT count(*) FROM sweeps").fetchone() == (KEPT + 1,)
