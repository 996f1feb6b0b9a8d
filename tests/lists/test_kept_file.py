"""The file of what is kept: made, brought to this version, shared, and what is said when it cannot
be used. Every error is a sentence in both languages, and leaves the file as it was."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from tests.lists.keeping import NOW, RESOLVER, ZEN, answer, finding, output, program
from todoku.lists import kept_file
from todoku.lists.kept import Kept, Question, Want
from todoku.lists.kept_file import (
    MIGRATIONS,
    NAME,
    Busy,
    CannotOpen,
    Damaged,
    KeptError,
    NewerKept,
    NoSpace,
)
from todoku.model import Subject

SUBJECT = Subject("ip", "192.0.2.1")


def test_it_is_made_on_first_use_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "share" / "todoku"
    with Kept.open(folder) as kept:
        kept.record([finding()], NOW)
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}
        assert modes == {NAME: 0o600, f"{NAME}-wal": 0o600, f"{NAME}-shm": 0o600}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert kept.path == str(folder / NAME)
    assert [p.name for p in folder.iterdir()] == [NAME], "closed: one file to back up"


def test_it_is_found_again(tmp_path: Path) -> None:
    with Kept.open(tmp_path) as kept:
        kept.record([finding()], NOW)
    with Kept.open(tmp_path) as kept:
        assert [c.change for c in kept.history()] == ["listed"]


def test_without_a_folder_each_process_keeps_for_itself() -> None:
    with Kept.open(None) as one, Kept.open(None) as other:
        one.record([finding()], NOW)
        assert list(one.standings([SUBJECT])) == [(SUBJECT, ZEN)]
        assert other.standings([SUBJECT]) == {}


def test_a_check_that_starts_imports_nothing_heavy() -> None:
    heavy = {"sqlalchemy", "alembic", "asyncio", "dns", "rich", "multiprocessing"}
    source = "import sys, todoku.lists.kept; print(*sys.modules, sep='\\n')"
    assert not heavy & set(output(program(source)))


def test_together_is_all_or_nothing(tmp_path: Path) -> None:
    with Kept.open(tmp_path) as kept, Kept.open(tmp_path) as other:
        with pytest.raises(ZeroDivisionError), kept.together():
            kept.record([finding()], NOW)
            kept.lease("u", [Want("l", 5)], NOW)
            assert other.standings([SUBJECT]) == {}
            _ = 1 / 0
        assert kept.standings([SUBJECT]) == {}
        assert kept.used_today("u", NOW) == {}
        with kept.together():
            kept.record([finding()], NOW)
            kept.lease("u", [Want("l", 5)], NOW)
        assert list(other.standings([SUBJECT])) == [(SUBJECT, ZEN)]
        assert other.used_today("u", NOW) == {"l": 5}


# ── versions ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", ["nothing", "a database without tables"])
def test_version_0_is_brought_to_this_one(tmp_path: Path, content: str) -> None:
    path = tmp_path / NAME
    if content == "nothing":
        path.touch()
    else:
        db = sqlite3.connect(path)
        db.execute("VACUUM")
        db.close()
        assert path.stat().st_size > 0
    with Kept.open(tmp_path) as kept:
        kept.record([finding()], NOW)
    assert _pragma(path, "user_version") == len(MIGRATIONS)
    assert _pragma(path, "journal_mode") == "wal"


def test_a_migration_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Kept.open(tmp_path) as kept:
        kept.record([finding()], NOW)
    more = ("ALTER TABLE changes ADD COLUMN note TEXT", "UPDATE changes SET note = 'old'")
    monkeypatch.setattr(kept_file, "MIGRATIONS", (*MIGRATIONS, more))
    with Kept.open(tmp_path) as kept:
        assert [c.identity for c in kept.history()] == [SUBJECT]
    db = sqlite3.connect(tmp_path / NAME)
    assert db.execute("SELECT note FROM changes").fetchall() == [("old",)]
    db.close()
    assert _pragma(tmp_path / NAME, "user_version") == len(MIGRATIONS) + 1


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Kept.open(tmp_path) as kept:
        kept.record([finding()], NOW)
    before = _dump(tmp_path / NAME)
    wrong = ("ALTER TABLE changes ADD COLUMN note TEXT", "UPDATE no_such_table SET x = 1")
    with monkeypatch.context() as patched:
        patched.setattr(kept_file, "MIGRATIONS", (*MIGRATIONS, wrong))
        with pytest.raises(KeptError):
            Kept.open(tmp_path)
    assert _dump(tmp_path / NAME) == before
    with Kept.open(tmp_path) as kept:
        assert kept.standings([SUBJECT])


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / NAME
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE wonders (x)")
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(NewerKept) as told:
        Kept.open(tmp_path)
    _is_a_sentence(told.value, "99", str(path))
    assert path.read_bytes() == before


def test_several_first_openers(tmp_path: Path) -> None:
    source = (
        "import sys; from pathlib import Path; from todoku.lists.kept import *\n"
        "kept = Kept.open(Path(sys.argv[1]))\n"
        f"print(kept.lease('u', [Want('l', 10)], {NOW})[0].granted)"
    )
    openers = [program(source, tmp_path / "new") for _ in range(6)]
    assert sum(int(line) for p in openers for line in output(p)) == 50


# ── what is said when it cannot be used ───────────────────────────────────────────────────────


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotOpen) as told:
        Kept.open(tmp_path / "file" / "todoku")
    _is_a_sentence(told.value, "not a directory")


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(CannotOpen) as told:
        Kept.open(tmp_path)
    _is_a_sentence(told.value, "is a directory")


@pytest.mark.parametrize("what", ["an empty folder", "the folder", "the file"])
def test_read_only(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    if what != "an empty folder":
        Kept.open(folder).close()
    target = folder / NAME if what == "the file" else folder
    target.chmod(0o500 if target.is_dir() else 0o400)
    if os.access(target, os.W_OK):
        pytest.skip("root may write to read-only folders and files")
    try:
        with pytest.raises(CannotOpen) as told:
            kept = Kept.open(folder)
            kept.record([finding()], NOW)
        _is_a_sentence(told.value, NAME)
    finally:
        target.chmod(0o700)


def test_another_process_holds_the_file(tmp_path: Path) -> None:
    with Kept.open(tmp_path, wait=0.05) as kept:
        kept.record([finding()], NOW)
        other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy) as told:
            kept.record([finding(state="not-listed", at=NOW + 1)], NOW + 1)
        _is_a_sentence(told.value, NAME)
        assert kept.standings([SUBJECT])[SUBJECT, ZEN].state == "listed", "reading never waits"
        with Kept.open(tmp_path, wait=0.05) as reader:
            assert reader.standings([SUBJECT])
        other.close()
        kept.record([finding(state="not-listed", at=NOW + 1)], NOW + 1)
        assert [c.change for c in kept.history()] == ["listed", "gone"]


def test_a_first_opener_waits_for_another_and_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / NAME
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        Kept.open(tmp_path, wait=0.1)
    done = threading.Timer(0.3, other.execute, ["COMMIT"])
    done.start()
    Kept.open(tmp_path, wait=5).close()
    done.join()
    other.close()
    assert _pragma(path, "journal_mode") == "wal"


def test_a_full_disk_undoes_what_was_being_written(tmp_path: Path) -> None:
    questions = [Question(f"list-{i}", "zone.example", "1.2.0.192") for i in range(2000)]
    with Kept.open(tmp_path) as kept:
        kept.keep_answers(RESOLVER, [(questions[0], answer("127.0.0.2"))], NOW)
        _no_more_pages(kept)
        with pytest.raises(NoSpace) as told:
            kept.keep_answers(RESOLVER, [(q, answer("127.0.0.4")) for q in questions], NOW)
        _is_a_sentence(told.value, "full")
        assert kept.answers(RESOLVER, questions, NOW) == {questions[0]: answer("127.0.0.2")}
        kept.record([finding()], NOW)  # goes on where there is room
    with Kept.open(tmp_path) as kept:
        kept.keep_answers(RESOLVER, [(q, answer("127.0.0.4")) for q in questions], NOW)
        assert len(kept.answers(RESOLVER, questions, NOW)) == 2000


def test_something_else_in_the_place_of_the_file(tmp_path: Path) -> None:
    content = b"not a database, but a letter to the editor\n" * 100
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(Damaged) as told:
        Kept.open(tmp_path)
    _is_a_sentence(told.value, "not a database", "-wal")
    assert (tmp_path / NAME).read_bytes() == content


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    Kept.open(tmp_path).close()
    db = sqlite3.connect(tmp_path / NAME)
    db.execute("DROP TABLE budgets")
    db.close()
    with Kept.open(tmp_path) as kept, pytest.raises(Damaged):
        kept.lease("u", [Want("l", 10)], NOW)


def test_damage_anywhere_is_told_and_never_a_crash(tmp_path: Path) -> None:
    """Bytes of any page but the first: either it does not show, or it is told."""
    with Kept.open(tmp_path) as kept:
        _fill(kept)
    whole = (tmp_path / NAME).read_bytes()
    chance = random.Random(7)
    told = 0
    for n in range(60):
        content = bytearray(whole)
        if n % 6 == 0:
            del content[chance.randrange(4096, len(content)) :]
        else:
            for _ in range(chance.choice([1, 40, 4000])):
                content[chance.randrange(100, len(content))] = chance.randrange(256)
        (tmp_path / NAME).write_bytes(content)
        try:
            with Kept.open(tmp_path) as kept:
                _read_all(kept)
        except KeptError as error:
            told += 1
            _is_a_sentence(error, NAME)
        for beside in ("-wal", "-shm"):
            (tmp_path / f"{NAME}{beside}").unlink(missing_ok=True)
    assert told > 10


def _fill(kept: Kept) -> None:
    questions = [Question(f"list-{i}", "zone.example", f"{i}.2.0.192") for i in range(100)]
    kept.keep_answers(RESOLVER, [(q, answer("127.0.0.2", text="x" * 50)) for q in questions], NOW)
    kept.record([finding(f"192.0.2.{i}") for i in range(100)], NOW)
    kept.lease(RESOLVER, [Want(f"list-{i}", 5) for i in range(100)], NOW)


def _read_all(kept: Kept) -> None:
    questions = [Question(f"list-{i}", "zone.example", f"{i}.2.0.192") for i in range(100)]
    kept.answers(RESOLVER, questions, NOW)
    kept.standings([Subject("ip", f"192.0.2.{i}") for i in range(100)])
    list(kept.history())
    kept.lease(RESOLVER, [Want(f"list-{i}", 5) for i in range(100)], NOW)


def _no_more_pages(kept: Kept) -> None:
    db = kept._file._db
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")


def _is_a_sentence(error: KeptError, *words: str) -> None:
    for lang in ("ja", "en"):
        said = error.text(lang)
        assert "{" not in said
        assert said.rstrip().endswith(("。", "."))
        for word in words:
            assert word in said
    assert "works without it" in error.text("en")
    assert "記録なし" in error.text("ja")


def _pragma(path: Path, name: str) -> object:
    db = sqlite3.connect(path)
    value = db.execute(f"PRAGMA {name}").fetchone()[0]
    db.close()
    return value


def _dump(path: Path) -> list[str]:
    db = sqlite3.connect(path)
    lines = [*db.iterdump(), str(db.execute("PRAGMA user_version").fetchone())]
    db.close()
    return lines
