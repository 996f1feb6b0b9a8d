"""What is kept: the same as in memory, whole or not at all, and merged as the values are."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from tests.partners import worlds
from todoku.partners import sharing
from todoku.partners.keeping import Kept, LogRead, PartRead
from todoku.partners.kept_file import NAME, Busy, KeptError, has_file
from todoku.partners.sharing import NotImported, copies, lines
from todoku.partners.summary import view
from todoku.partners.values import (
    MOST_LISTS,
    WEEK,
    Evidence,
    Mail,
    MailKey,
    Origin,
    Proof,
    Use,
    UseKey,
    merge,
    recent,
    total,
    union,
)

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
KEY = MailKey("a.example", "mimecast", "", 2_960)


def put(kept: Kept, *pieces: Evidence) -> None:
    with kept.learning() as step:
        for piece in pieces:
            step.add(piece)


def take_in(kept: Kept, exported: Iterable[bytes]) -> list[bool]:
    with kept.merging() as merging:
        return [merging.take(*copy) for copy in copies(exported, "x.jsonl")]


def all_of(kept: Kept) -> dict[str, Origin]:
    return {
        id_: Origin(seq, kept.evidence(id_)) for id_, seq, _ in kept.origins()
    }  # fmt: skip


@given(a=worlds.evidence, b=worlds.evidence)
@FEW
def test_it_is_what_memory_holds(
    tmp_path_factory: pytest.TempPathFactory, a: Evidence, b: Evidence
) -> None:
    with Kept.open(tmp_path_factory.mktemp("kept")) as kept:
        put(kept, a)
        put(kept, b)
        ((_, seq, own),) = kept.origins()
        assert (seq, own) == (2, True)
        wanted = recent(merge(a, b))
        (got,) = all_of(kept).values()
        assert got.evidence.mail == {k: m for k, m in wanted.mail.items() if any(m)}
        assert got.evidence.uses == {k: u for k, u in wanted.uses.items() if any(u)}
        assert kept.summary() == view(got.evidence).summary
        mine = view(got.evidence)
        both = kept.view(["spamhaus-zen", "spamcop"])
        assert both[:2] == mine[:2]
        assert both.proofs(None) == mine.proofs(None)
        assert both.proofs(["b.example"]) == mine.proofs(["b.example"])
        assert kept.view()[:2] == mine[:2]
        assert kept.view().proofs(["a.example"]) == mine.proofs(["a.example"])
        assert kept.named() == sum(map(len, mine.proofs(None).values()))


@given(a=worlds.evidence, b=worlds.evidence)
@FEW
def test_hosts_that_tell_each_other_know_the_same(
    tmp_path_factory: pytest.TempPathFactory, a: Evidence, b: Evidence
) -> None:
    folder = tmp_path_factory.mktemp("hosts")
    with Kept.open(folder / "1") as one, Kept.open(folder / "2") as two:
        put(one, a)
        put(two, b)
        before = union(all_of(one), all_of(two))
        first, second = list(lines(one.rows())), list(lines(two.rows()))
        assert take_in(one, second) == [True]
        assert take_in(two, first) == [True]
        assert take_in(one, lines(two.rows())) == [False, False]  # again: nothing new
        assert all_of(one) == all_of(two) == before
        assert one.summary().partners == two.summary().partners
        assert one.view().sights == view(total(before)).sights


def test_an_older_copy_takes_nothing_away(tmp_path: Path) -> None:
    with Kept.open(tmp_path / "1") as one, Kept.open(tmp_path / "2") as two:
        put(one, Evidence({KEY: Mail(1, 0)}, first=1.0, last=2.0))
        old = list(lines(one.rows()))
        put(one, Evidence({KEY: Mail(2, 0)}, first=1.0, last=3.0))
        take_in(two, lines(one.rows()))
        assert take_in(two, old) == [False]
        assert two.view().summary.partners[0].mails == 3


def test_a_restored_file_takes_its_later_copy_back(tmp_path: Path) -> None:
    with Kept.open(tmp_path / "1") as one:
        put(one, Evidence({KEY: Mail(1, 0)}, first=1.0, last=2.0))
        with sqlite3.connect(tmp_path / "backup.db") as backup:
            sqlite3.connect(one.path).backup(backup)
        backup.close()
        put(one, Evidence({KEY: Mail(2, 0)}, first=1.0, last=3.0))
        later = list(lines(one.rows()))
    (tmp_path / "2").mkdir()
    (tmp_path / "backup.db").rename(tmp_path / "2" / NAME)
    with Kept.open(tmp_path / "2") as two:
        assert take_in(two, later) == [True]
        put(two, Evidence({KEY: Mail(4, 0)}, first=1.0, last=4.0))
        assert two.summary().partners[0].mails == 7
        assert [own for _, _, own in two.origins()] == [False, True]


def test_all_of_a_step_or_nothing(tmp_path: Path) -> None:
    with Kept.open(tmp_path) as kept:
        put(kept, Evidence({KEY: Mail(1, 0)}, first=1.0, last=2.0))
        with pytest.raises(ZeroDivisionError), kept.learning() as step:
            step.add(Evidence({KEY: Mail(9, 0)}, first=1.0, last=2.0))
            step.read(None, LogRead(4, "ab", 10, "cd", "mail.log"))
            step.learned([PartRead("day=2026-11-24/x.parquet", "2026-11-24", 5)])
            raise ZeroDivisionError
        assert kept.summary().partners[0].mails == 1
        with kept.learning() as step:
            assert step.logs() == [] and step.parts() == []
            step.read(None, LogRead(4, "ab", 10, "cd", "mail.log"))
        with kept.learning() as step:
            step.read(step.logs()[0], LogRead(4, "ab", 20, "ef", "mail.log.1"))
            step.learned([PartRead("one", "2026-11-24", 5)])
        with kept.learning() as step:
            assert step.logs() == [LogRead(4, "ab", 20, "ef", "mail.log.1")]
            assert step.parts() == [PartRead("one", "2026-11-24", 5)]
        seq = kept.origins()[0][1]
        with kept.learning() as step:
            pass  # nothing was learned
        assert kept.origins()[0][1] == seq


@given(a=worlds.evidence, b=worlds.evidence, c=worlds.evidence)
@FEW
def test_a_day_that_is_learned_anew_counts_once(
    tmp_path_factory: pytest.TempPathFactory, a: Evidence, b: Evidence, c: Evidence
) -> None:
    b.proofs.clear()  # what was proven stays so
    with Kept.open(tmp_path_factory.mktemp("days")) as kept:
        put(kept, a)
        for day in (b, c, b, c):
            with kept.learning() as step:
                step.learn_day("2026-11-24", day)
                assert step.days() == {"2026-11-24"}
        (got,) = all_of(kept).values()
        wanted = recent(merge(a, c))
        assert got.evidence.mail == {k: m for k, m in wanted.mail.items() if any(m)}
        assert got.evidence.uses == {k: u for k, u in wanted.uses.items() if any(u)}
        with kept.learning() as step:
            step.settle("2026-11-25")
            assert step.days() == set()


def test_a_clock_that_was_wrong_takes_nothing_away(tmp_path: Path) -> None:
    late = KEY._replace(week=9_000)
    with Kept.open(tmp_path) as kept:
        put(kept, Evidence({KEY: Mail(70, 0)}, first=2_960.0 * WEEK, last=2_961.0 * WEEK))
        before = kept.summary()
        put(kept, Evidence({late: Mail(1, 0)}, first=9_000.0 * WEEK, last=9_000.0 * WEEK + 1))
        after = kept.summary()
    assert [p.mails for p in after.partners] == [70]
    assert after.last is not None and after.last <= time.time() and before.partners[0].rate > 0
    assert after.partners[0].last == 2_960


def test_a_domain_that_names_any_list_is_bounded(tmp_path: Path) -> None:
    with Kept.open(tmp_path) as kept:
        for n in range(2 * MOST_LISTS):
            list_ = f"list{n}"
            put(kept, Evidence(
                {KEY: Mail(1, 0)}, {UseKey("a.example", list_, 2_960): Use(1)},
                {("a.example", list_): Proof(1.0, 2.0, "listed")}, 1.0, 2.0,
            ))  # fmt: skip
        assert kept.named() == len(kept.view().proofs(None)["a.example"]) == MOST_LISTS


def test_the_summary_of_an_older_form_is_made_anew(tmp_path: Path) -> None:
    e = Evidence(
        {KEY: Mail(1, 0)}, {UseKey("a.example", "spamcop", 2_960): Use(1)},
        {("a.example", "spamcop"): Proof(1.0, 2.0, "listed")}, 1.0, 2.0,
    )  # fmt: skip
    with Kept.open(tmp_path) as kept:
        put(kept, e)
        before = kept.view()
        with sqlite3.connect(kept.path) as db:
            db.execute("UPDATE summary SET data = x'93'")
            db.execute("UPDATE sights SET data = x'93'")
            db.execute("PRAGMA user_version = 1")
        db.close()
    with Kept.open(tmp_path) as kept:
        assert kept.view()[:2] == before[:2]


def test_it_is_its_owners_alone(tmp_path: Path) -> None:
    assert not has_file(tmp_path / "x")
    with Kept.open(tmp_path / "x") as kept:
        assert Path(kept.path).stat().st_mode & 0o77 == 0
    assert has_file(tmp_path / "x")


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database at all, but quite some bytes" * 50)
    with pytest.raises(KeptError, match="damaged"):
        Kept.open(tmp_path)
    (tmp_path / "n").mkdir()
    with sqlite3.connect(tmp_path / "n" / NAME) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(KeptError, match="newer todoku"):
        Kept.open(tmp_path / "n")
    with Kept.open(tmp_path / "b") as one, Kept.open(tmp_path / "b", wait=0.05) as two:
        with one.learning() as step, pytest.raises(Busy), two.learning():
            pass
        assert not step.changed


EXPORTED = b"".join(lines([
    ("origin", "0" * 16, 3, 1.0, 2.0),
    ("mail", "a.example", "mimecast", "", 2_960, 5, 1),
    ("use", "a.example", "spamcop", 2_960, 1, 0, 0),
    ("proof", "a.example", "spamcop", 1.0, 2.0, "listed at spamcop", None, None, None),
]))  # fmt: skip


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda b: b"", "no output of todoku"),
        (lambda b: b"\xff\xfe\n", "no output of todoku"),
        (lambda b: b'{"hello": 1}\n', "no output of todoku"),
        (lambda b: b.replace(b'"v":1', b'"v":2'), "newer"),
        (lambda b: b[: b.rindex(b'{"kind":"end"')], "cut off"),
        (lambda b: b.replace(b'{"kind":"mail"', b'{"kind":"x"'), "line 3"),
        (lambda b: b.replace(b'"mails":5', b'"mails":-5'), "line 3"),
        (lambda b: b.replace(b"a.example", b"\\u001b[2J.example"), "line 3"),
        (lambda b: b"".join(b.splitlines(True)[:2] + b.splitlines(True)[3:]), "cut off"),
        (lambda b: b.replace(b'"source":""', b'"source":"me"'), "line 3"),
        (lambda b: b.replace(b"0000000000000000", b"../../etc/passwd"), "line 2"),
    ],
)
def test_what_is_damaged_is_not_taken_in(tmp_path: Path, change: object, sentence: str) -> None:
    assert callable(change)
    with Kept.open(tmp_path) as kept:
        put(kept, Evidence({KEY: Mail(1, 0)}, first=1.0, last=2.0))
        before = all_of(kept)
        with pytest.raises(NotImported, match=sentence):
            take_in(kept, change(EXPORTED).splitlines(keepends=True))
        assert all_of(kept) == before
        assert take_in(kept, EXPORTED.splitlines(keepends=True)) == [True]


def test_many_rows_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "AT_ONCE", 1)
    (copy,) = [
        (c.id, list(c.pieces)) for c in copies(EXPORTED.splitlines(keepends=True), "x")
    ]  # fmt: skip
    whole = Evidence()
    for piece in copy[1]:
        whole = merge(whole, piece)
    assert len(copy[1]) > 3
    assert whole.mail == {MailKey("a.example", "mimecast", "", 2_960): Mail(5, 1)}
    assert msgspec.to_builtins(whole.first) == 1.0
