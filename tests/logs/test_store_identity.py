"""A log is known by its bytes: however it is cut and named, each line is new exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from todoku.deliveries.identity import Following
from todoku.deliveries.ledger import Read

LOG = b"".join(b"Nov 24 10:00:00 mx postfix/smtp[1]: line %06d\n" % n for n in range(1_000))


def read(
    known: list[Read], log: bytes, step: int = 5_000, again: int = 8_192
) -> tuple[bytes, bytes]:
    """What is read again and what is new; `known` is then as the ledger would be."""
    log_ = Following(known, "mail.log", again=again)
    told = [log_.feed(log[at : at + step]) for at in range(0, len(log), step)] + [log_.end()]
    if (move := log_.move()) is not None:
        if move.before is not None:
            known.remove(move.before)
        known.append(move.after)
    return b"".join(t.again for t in told), b"".join(t.new for t in told)


@given(st.lists(st.integers(0, len(LOG)), max_size=6), st.integers(1, 9_000))
def test_each_line_is_new_once(sizes: list[int], step: int) -> None:
    known: list[Read] = []
    news = b"".join(read(known, LOG[:size], step)[1] for size in [*sorted(sizes), len(LOG)])
    assert news == LOG
    assert len(known) == 1
    assert read(known, LOG, step)[1] == b""


def test_what_is_read_again_ends_where_the_new_begins() -> None:
    known: list[Read] = []
    half = LOG.index(b"line 000500")
    half = LOG.index(b"\n", half) + 1
    read(known, LOG[:half])
    again, new = read(known, LOG)
    assert again and LOG[:half].endswith(b"\n" + again) and len(again) <= 8_192
    assert new == LOG[half:]


def test_an_older_copy_holds_nothing_new() -> None:
    known: list[Read] = []
    read(known, LOG)
    assert read(known, LOG[: len(LOG) // 2]) == (b"", b"")
    assert known[0].position == len(LOG)


def test_the_same_beginning_and_another_log_is_told_and_not_counted() -> None:
    known: list[Read] = []
    read(known, LOG)
    other = Following(known, "x")
    told = other.feed(LOG[:8_000] + LOG[8_000:].replace(b"postfix", b"POSTFIX") + b"more\n")
    assert (other.differs, told.new, other.move()) == (True, b"", None)


def test_another_beginning_is_another_log() -> None:
    known: list[Read] = []
    read(known, LOG)
    assert read(known, LOG[100:])[1] == LOG[100:]
    assert len(known) == 2
