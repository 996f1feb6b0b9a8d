"""Parts of a log that were counted apart tell, put together, what one pass over it tells."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from tests.logs.logs import BOUNCED, HEAD, SENT, new, read
from tests.logs.test_accuracy import FORMATS, generated
from tests.maillogs import needs_generator
from todoku.logs import sums as bounds
from todoku.logs.engine import merge_counts, merge_sums
from todoku.logs.run import Counts
from todoku.logs.sums import Sums, row
from todoku.logs.values import Delivery

NUMBERS = [f.name for f in msgspec.structs.fields(Counts) if f.type is int]
"""Of `Counts`: a count that is added there must be merged too."""
OTHERS = [BOUNCED.replace("b.example", f"{name}.example") for name in "cdefg"]


def summed(deliveries: Iterable[Delivery]) -> Sums:
    sums = Sums()
    for d in deliveries:
        sums.add(d)
    return sums


def printed(sums: Sums) -> list[bytes]:
    """The lines of `--json`, in their order."""
    groups = sums.ordered()
    first = min((g.first for g in groups if g.first is not None), default=None)
    last = max((g.last for g in groups if g.last is not None), default=None)
    return [msgspec.json.encode(row(g, first, last)) for g in groups]


@needs_generator
@pytest.mark.parametrize("format_", FORMATS)
def test_groups_are_as_in_one_pass(format_: str, tmp_path: Path) -> None:
    data, _ = generated(tmp_path, format_)
    found, _ = read(data)
    assert len(found) > 100
    whole, merged = summed(found), Sums()
    size = -(-len(found) // 5)
    for at in range(0, len(found), size):
        part = pickle.loads(pickle.dumps(found[at : at + size]))  # as from another process
        merge_sums(merged, summed(part))
    assert printed(merged) == printed(whole)
    assert (merged.undecided, merged.partial, merged._names) == (
        whole.undecided, whole.partial, whole._names,
    )  # fmt: skip


@needs_generator
@pytest.mark.parametrize("format_", FORMATS)
def test_counts_of_files_add_up(format_: str, tmp_path: Path) -> None:
    data, _ = generated(tmp_path, format_)
    _, run = read(data)
    lines = data.split(b"\n")
    columns = [x for x in lines[:10] if x.startswith(b"#")]  # each file of Exchange tells its own
    third = len(lines) // 3
    merged = Counts()
    for n, part in enumerate((lines[:third], lines[third : 2 * third], lines[2 * third :])):
        _, one = read(b"\n".join(part if n == 0 else columns + part))
        merge_counts(merged, one.counts)
    merged.lines -= 2 * len(columns)
    assert merged == run.counts
    assert run.counts.bounced + run.counts.deferred > 100


def test_a_part_stays_as_it_is() -> None:
    one, _ = read(f"{HEAD}{BOUNCED}\n", new())
    merged, part = Sums(), summed(one)
    before = copy.deepcopy(printed(part))
    merge_sums(merged, part)
    merge_sums(merged, part)
    assert printed(part) == before
    (group,) = merged.groups.values()
    assert (group.count, len(group.recipients), group.domains) == (2, 1, {"b.example": 2})


def test_nothing_adds_nothing() -> None:
    _, run = read(f"{HEAD}{BOUNCED}\n{HEAD}{SENT}\n")
    counts = copy.deepcopy(run.counts)
    merge_counts(counts, Counts())
    assert counts == run.counts
    empty = Counts()
    merge_counts(empty, run.counts)
    assert empty == run.counts


@pytest.mark.parametrize("bound", ["MOST_GROUPS", "MOST_NAMES"])
def test_beyond_a_bound_attempts_still_add_up(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = read("".join(f"{HEAD}{x}\n" for x in OTHERS))
    parts = [summed([d]) for d in found]
    monkeypatch.setattr(bounds, bound, 2)
    merged = Sums()
    for part in parts:
        merge_sums(merged, part)
    assert merged.partial
    assert sum(g.count for g in merged.groups.values()) == len(found) == len(OTHERS)
    assert merged._names <= bounds.MOST_NAMES


def test_every_count_is_added() -> None:
    one = Counts()
    for n, name in enumerate(NUMBERS, 1):
        setattr(one, name, n)
    merged = copy.deepcopy(one)
    merge_counts(merged, one)
    assert [getattr(merged, n) for n in NUMBERS] == [2 * (i + 1) for i in range(len(NUMBERS))]
