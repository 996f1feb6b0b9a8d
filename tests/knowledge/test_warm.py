"""The database is built in the background, once, quietly, and only where it can be kept."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from todoku.knowledge import cache, compiling, files, load, match, warm
from todoku.knowledge.schema import Compiled, KnowledgeError

pytestmark = pytest.mark.skipif(match._hyperscan() is None, reason="no compiled engine here")


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compiled:
    """A knowledge of one rule, and a cache of its own."""
    monkeypatch.setenv("TODOKU_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "few"
    folder.mkdir()
    for name in ("reasons.toml", "texts.toml", "identities.toml"):
        (folder / name).write_bytes((files.DATA / name).read_bytes())
    (folder / "one.toml").write_text(
        'schema = 1\nid = "one"\nname = { ja = "1", en = "1" }\n'
        '[[rules]]\nid = "x"\nphrases = ["zorble"]\nreason = "policy"\n'
    )
    return compiling.compile_files(folder)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    calls: list[list[str]] = []
    monkeypatch.setattr(os, "posix_spawn", lambda path, words, *a, **k: calls.append(words))
    return calls


def test_started_once(few: Compiled, started: list[list[str]]) -> None:
    assert warm.start(few) is True
    assert warm.start(few) is False  # somebody is at it
    ((python, *words),) = started
    assert python == sys.executable
    assert words == ["-P", "-m", "todoku.knowledge.warm"]


def test_started_again_where_the_first_came_to_nothing(
    few: Compiled, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert warm.start(few, Path("rules")) is True
    later = time.time() + warm.AGAIN_AFTER + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert warm.start(few, Path("rules")) is True
    assert started[-1][-1] == str(Path("rules").absolute())


def test_not_started_where_it_is_built(few: Compiled, started: list[list[str]]) -> None:
    match.build(few)
    assert warm.start(few) is False
    assert started == []


def test_never_with_the_pure_engine(
    few: Compiled, started: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TODOKU_PURE", "1")
    assert warm.start(few) is False
    assert started == []


def test_never_where_the_cache_cannot_be_written(
    few: Compiled, started: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TODOKU_CACHE", str(tmp_path / "file" / "cache"))
    assert warm.start(few) is False
    assert started == []


@pytest.fixture
def quick(few: Compiled, monkeypatch: pytest.MonkeyPatch) -> Compiled:
    """`warm.main` of this process, without what it does to its process."""
    monkeypatch.setattr(os, "setsid", lambda: None)
    monkeypatch.setattr(os, "nice", lambda n: None)
    monkeypatch.setattr(signal, "alarm", lambda n: None)
    monkeypatch.setattr(load, "knowledge", lambda overlay: few)
    cache.write("there", b"")
    return few


def test_it_builds(quick: Compiled) -> None:
    assert not match.is_built(quick)
    assert warm.main([]) == 0
    assert match.is_built(quick)


def test_only_one_builds(quick: Compiled) -> None:
    with (cache.folder() / "warm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert warm.main([]) == 0
    assert not match.is_built(quick)


def test_it_never_says_anything(quick: Compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(overlay: object) -> Compiled:
        raise KnowledgeError(["x"])

    monkeypatch.setattr(load, "knowledge", broken)
    assert warm.main([]) == 0


def test_the_current_folder_is_not_searched(tmp_path: Path) -> None:
    """Mails are diagnosed where they lie, and strangers may have put files there."""
    (tmp_path / "msgspec.py").write_text("open('owned', 'w')")
    (tmp_path / "todoku.py").write_text("open('owned', 'w')")
    subprocess.run(
        [sys.executable, "-P", "-m", "todoku.knowledge.warm", str(tmp_path / "none")],
        cwd=tmp_path, check=True, env={"TODOKU_PURE": "1", "HOME": str(tmp_path)},
    )  # fmt: skip
    assert not (tmp_path / "owned").exists()
