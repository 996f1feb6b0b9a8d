"""The key of recipients stays the same, is its owner's alone, and is never made over a damaged one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from todoku.deliveries.key import LENGTH, NAME, key_in
from todoku.errors import TodokuError


def test_made_once_for_its_owner(tmp_path: Path) -> None:
    key = key_in(tmp_path / "data")
    assert len(key) == LENGTH
    assert key_in(tmp_path / "data") == key
    assert [p.name for p in (tmp_path / "data").iterdir()] == [NAME]
    assert (tmp_path / "data" / NAME).stat().st_mode & 0o777 == 0o600
    assert key_in(tmp_path / "other") != key


def test_many_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(key_in, [tmp_path] * 8))
    assert len(keys) == 1
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("held", [b"", b"short", b"x" * (LENGTH + 1)])
def test_a_damaged_one_is_left_as_it_is(tmp_path: Path, held: bytes) -> None:
    (tmp_path / NAME).write_bytes(held)
    (tmp_path / NAME).chmod(0o600)
    with pytest.raises(TodokuError, match="damaged"):
        key_in(tmp_path)
    assert (tmp_path / NAME).read_bytes() == held


def test_one_that_others_can_read_is_told(tmp_path: Path) -> None:
    key_in(tmp_path)
    (tmp_path / NAME).chmod(0o640)
    with pytest.raises(TodokuError, match="chmod 600"):
        key_in(tmp_path)
