"""When a receiver may be probed again."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from todoku.visits import FILE, Visit, VisitsError, enter, last, note

NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
SIX = timedelta(hours=6)


def visit(receiver: str = "gmail", source: str = "192.0.2.1", at: datetime = NOW) -> Visit:
    return Visit(receiver=receiver, source=source, at=at)


def test_one_in_six_hours(tmp_path: Path) -> None:
    assert enter(tmp_path, visit(), SIX) is None
    nearly = NOW + SIX - timedelta(seconds=1)
    assert enter(tmp_path, visit(at=nearly), SIX) == NOW + SIX
    # What was refused was no visit, and does not put the next one off.
    assert enter(tmp_path, visit(at=NOW + SIX), SIX) is None


def test_each_receiver_and_each_address_by_itself(tmp_path: Path) -> None:
    assert enter(tmp_path, visit(), SIX) is None
    assert enter(tmp_path, visit(source="192.0.2.2"), SIX) is None
    assert enter(tmp_path, visit("yahoo"), SIX) is None
    assert enter(tmp_path, visit(), SIX) == NOW + SIX


def test_old_ones_are_forgotten(tmp_path: Path) -> None:
    for n in range(50):
        enter(tmp_path, visit(at=NOW + n * SIX), SIX)
    assert len(msgspec.json.decode((tmp_path / FILE).read_bytes())) == 1


def test_a_clock_that_was_wrong_locks_nobody_out(tmp_path: Path) -> None:
    assert enter(tmp_path, visit(at=NOW + timedelta(days=900)), SIX) is None
    assert enter(tmp_path, visit(), SIX) is None
    # A little wrong still counts.
    assert enter(tmp_path, visit(at=NOW - timedelta(hours=1)), SIX) == NOW + SIX


def test_two_at_once_make_one_visit(tmp_path: Path) -> None:
    said: list[datetime | None] = []
    threads = [
        threading.Thread(target=lambda: said.append(enter(tmp_path, visit(), SIX)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 8
    assert said.count(None) == 1


def test_what_it_said_is_remembered_with_it(tmp_path: Path) -> None:
    assert last(tmp_path, "gmail", "192.0.2.1") is None
    enter(tmp_path, visit(), SIX)
    enter(tmp_path, visit("yahoo"), SIX)
    assert last(tmp_path, "gmail", "192.0.2.1") == visit()
    note(tmp_path, visit(), {"result": "accepted"})
    told = last(tmp_path, "gmail", "192.0.2.1")
    assert told is not None
    assert told.said == {"result": "accepted"}
    assert last(tmp_path, "yahoo", "192.0.2.1") == visit("yahoo")
    assert enter(tmp_path, visit(at=NOW + timedelta(hours=1)), SIX) == NOW + SIX
    # It goes with the visit.
    enter(tmp_path, visit("t-online", at=NOW + SIX), SIX)
    assert last(tmp_path, "gmail", "192.0.2.1") is None
    note(tmp_path, visit(), {"result": "accepted"})  # too late: nothing to note it at
    assert last(tmp_path, "gmail", "192.0.2.1") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff",
        b'[{"receiver": "gmail", "source": "192.0.2.1", "at": "2026-11-24T09:12:00"}]',
    ],
)
def test_a_broken_file_stops_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(VisitsError, match="broken") as caught:
        enter(tmp_path, visit(), SIX)
    assert str(tmp_path / FILE) in caught.value.text("ja")
    assert (tmp_path / FILE).read_bytes() == content


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(VisitsError, match="permission denied"):
            enter(tmp_path, visit(), SIX)
    finally:
        tmp_path.chmod(0o700)


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(VisitsError, match="cannot be used"):
        enter(tmp_path / "data", visit(), SIX)
