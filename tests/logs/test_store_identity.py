"""A log is known by its bytes: however it is cut and named, each line is new exactly once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from todoku.deliveries import identity
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


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, len(LOG)), max_size=6), st.integers(60, 9_000))
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


def test_a_copy_from_when_it_was_short_is_known_when_it_has_grown() -> None:
    known: list[Read] = []
    short = LOG.index(b"line 000020")
    short = LOG.index(b"\n", short) + 1
    read(known, LOG[:short])
    read(known, LOG)
    assert read(known, LOG[:short])[1] == b""
    assert read(known, LOG[: short // 2])[1] == b""  # also one of which nobody knew
    # With lines of its own behind, these alone are new, once.
    for _ in range(2):
        new = read(known, LOG[:short] + b"Nov 24 10:00:01 mx postfix/smtp[1]: more\n")[1]
        assert new == (b"" if _ else b"Nov 24 10:00:01 mx postfix/smtp[1]: more\n")
    assert len(known) == 2


def test_lines_by_which_all_logs_of_a_kind_begin_are_no_identity() -> None:
    known: list[Read] = []
    head = b"#Software: Microsoft Exchange Server\n#Version: 15.0\n#Fields: a,b\n"
    read(known, head + LOG[:3_000])
    other = Following(known, "x")
    other.feed(head + LOG[6_000:9_000])
    assert other.found is None
    assert len(known[0].begins) == 16 * LOG[:3_000].count(b"\n")


class Machine:
    """A folder in which a log grows, is copied, rotated and truncated, and is stored now and then."""

    def __init__(self, step: int) -> None:
        self.files: dict[str, bytes] = {"mail.log": b""}
        self.known: list[Read] = []
        self.step = step
        self.written = self.copies = 0
        self.counted: Counter[bytes] = Counter()

    def grow(self, n: int) -> None:
        lines = LOG.splitlines(keepends=True)[self.written : self.written + n]
        self.written += len(lines)
        self.files["mail.log"] += b"".join(lines)

    def copy(self, half: bool) -> str:
        """Perhaps in the midst of a line."""
        self.copies += 1
        name = f"copy{self.copies}"
        data = self.files["mail.log"]
        self.files[name] = data[: len(data) - 10] if half else data
        return name

    def rotate(self) -> None:
        self.copies += 1
        self.files[f"mail.log.{self.copies}"] = self.files["mail.log"]
        self.files["mail.log"] = b""

    def truncate(self) -> None:
        self.copy(half=False)
        self.files["mail.log"] = b""

    def store(self, backwards: bool) -> None:
        for name in sorted(self.files, reverse=backwards):
            new = read(self.known, self.files[name], self.step)[1]
            self.counted.update(new.splitlines(keepends=True))


_DEEDS = st.one_of(
    st.tuples(st.just("grow"), st.integers(1, 120)),
    st.tuples(st.just("copy"), st.booleans()),
    st.tuples(st.sampled_from(["rotate", "truncate"])),
    st.tuples(st.just("store"), st.booleans()),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_DEEDS, max_size=14), st.integers(500, 9_000))
def test_whatever_becomes_of_a_log_each_line_counts_once(deeds: list[Any], step: int) -> None:
    machine = Machine(step)
    for name, *words in deeds:
        getattr(machine, name)(*words)
    machine.store(False)
    machine.store(True)
    written = LOG.splitlines(keepends=True)[: machine.written]
    assert machine.counted == Counter(written)


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


def test_what_is_known_need_not_be_read() -> None:
    """A jump to what is wanted gives what reading all gives."""
    known: list[Read] = []
    half = LOG.index(b"line 000900")
    read(known, LOG[:half])
    slow, fast = (Following(known, "x", again=8_192) for _ in range(2))
    wanted = slow.feed(LOG)
    assert fast.feed(LOG[:5_000]) == (b"", b"")
    at = fast.wanted
    assert 5_000 < at <= half - 8_192
    fast.jump(at)
    assert fast.feed(LOG[at:]) == wanted
    assert fast.move() == slow.move()


def test_a_short_log_that_grows_while_it_is_read() -> None:
    log = Following([], "x")
    assert log.feed(LOG[:100]).new == b""
    told = log.hurry().new
    step = log.move()
    assert step is not None
    log.committed(step)
    told += log.feed(LOG[100:9_000]).new + log.hurry().new + log.feed(LOG[9_000:]).new
    assert told == LOG
    last = log.move()
    assert last is not None and last.before == step.after
    assert last.after == move_of(LOG)


def move_of(log: bytes) -> Read:
    known: list[Read] = []
    read(known, log)
    return known[0]._replace(path="x")


def test_several_steps_of_one_log() -> None:
    log = Following([], "x")
    log.feed(LOG[:20_000])
    first = log.move()
    assert first is not None and first.before is None
    log.committed(first)
    assert log.move() is None
    log.feed(LOG[20_000:])
    second = log.move()
    assert second is not None and second.before == first.after
    assert second.after.position == len(LOG)


@pytest.mark.parametrize("step", [100, 1_000, 7_777, 100_000])
def test_a_line_without_end_takes_no_room(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(identity, "LONGEST", 2_000)
    long = b"x" * 50_000 + b"forged\n"
    log = Following([], "x")
    whole = LOG[:6_100] + b"\n" + long + LOG
    told = b""
    for at in range(0, len(whole), step):
        told += log.feed(whole[at : at + step]).new
        assert len(log._rest) <= 2_000 + identity.MARK + step
    told += log.end().new
    cut = b"x" * 2_000 + b"\n" if step < 50_000 else long
    assert told == LOG[:6_100] + b"\n" + cut + LOG
    move = log.move()
    assert move is not None and move.after.position == len(whole)
    assert Following([move.after], "x").feed(whole + b"more\n").new == b"more\n"


def test_a_last_line_without_its_end() -> None:
    known: list[Read] = []
    assert read(known, LOG + b"half")[1] == LOG
    packed = Following(known, "x.gz")
    packed.feed(LOG + b"half")
    assert packed.end(final=True).new == b"half\n"
    move = packed.move()
    assert move is not None
    again = Following([move.after], "x.gz")
    assert again.feed(LOG + b"half").new + again.end(final=True).new == b""


def test_the_columns_of_a_log_are_read_again() -> None:
    known: list[Read] = []
    head = b"#Software: x\n#Fields: a,b\n"
    read(known, head + LOG[:40_000])
    again, _ = read(known, head + LOG, again=8_192)
    assert again.startswith(head)
    assert again[len(head) :] in LOG
