"""Files to one value: what is refused, what is merged, what is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from todoku.knowledge import cache, load
from todoku.knowledge.compiling import compile_files
from todoku.knowledge.files import DATA
from todoku.knowledge.schema import KnowledgeError

GOOD = """
schema = 1
id = "test-receiver"
name = { ja = "試験", en = "Test" }
hosts = ["*.receiver.example"]
origin = "own"
licence = "CC0"
source = ["https://receiver.example/postmaster"]

[desks.form]
channel = "form"
url = "https://receiver.example/unblock"

[[rules]]
id = "t1"
match = ['\\b(?P<code>T1)\\b']
reason = "listed"
scope = "ip"
list = "test-receiver"
desk = "form"
examples = [{ text = "550 T1 go away", gives = { receiver_code = "T1" } }]
"""


def overlay(folder: Path, text: str, name: str = "receiver.toml") -> Path:
    (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("schema = 1", "schema = 9"), r"receiver.toml:1: `schema = 1` must stand at the top"),
        (('reason = "listed"', 'reason = "no-such"'), r"t1: unknown reason 'no-such'"),
        (('desk = "form"', 'desk = "mail"'), r"t1: unknown desk 'mail'"),
        (('scope = "ip"', 'scope = "planet"'), r"receiver.toml:14: rule 't1': .*planet"),
        (('scope = "ip"', 'scoop = "ip"'), r"receiver.toml:14: rule 't1': .*scoop"),
        (('desk = "form"', 'remedy = ["pray"]'), r"t1: unknown text 'pray'"),
        (("(?P<code>T1)", "(?P<code>T1"), r"t1: pattern .*not a regular expression"),
        (("[[rules]]", "[[rules"), r"receiver.toml: not TOML"),
    ],
)
def test_a_file_at_fault_is_named(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    overlay(tmp_path, GOOD.replace(*change))
    with pytest.raises(KnowledgeError, match=complaint):
        compile_files(DATA, [tmp_path])


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    overlay(tmp_path, GOOD.replace("schema = 1", "schema = 9"), "a.toml")
    overlay(tmp_path, "not toml", "b.toml")
    with pytest.raises(KnowledgeError) as e:
        compile_files(DATA, [tmp_path])
    assert len(e.value.problems) == 2


def test_an_overlay_adds_replaces_and_switches_off(tmp_path: Path) -> None:
    first = tmp_path / "first"
    second = tmp_path / "second"
    first.mkdir()
    second.mkdir()
    overlay(first, GOOD)
    overlay(second, GOOD.replace('id = "t1"', 'id = "t1"\ndisabled = true'))
    with_first = compile_files(DATA, [first])
    with_both = compile_files(DATA, [first, second])
    plain = compile_files(DATA)
    assert [r.id for r in with_first.rules if r.id not in {p.id for p in plain.rules}] == ["t1"]
    assert len(with_both.rules) == len(plain.rules)
    assert with_first.version != plain.version


def test_built_file_is_what_the_folder_says(tmp_path: Path) -> None:
    out = tmp_path / "knowledge.msgpack"
    load.build(DATA, out)
    assert load.unpack(out.read_bytes()) == compile_files(DATA)


def test_the_cache_reads_only_what_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODOKU_CACHE", str(tmp_path / "c"))
    assert cache.read("rules-1") is None
    assert cache.write("rules-1", b"data")
    assert cache.read("rules-1") == b"data"
    (tmp_path / "c" / "rules-1").chmod(0o666)
    assert cache.read("rules-1") is None, "a file that others may write is not trusted"
    (tmp_path / "c" / "rules-1").chmod(0o600)
    (tmp_path / "c").chmod(0o777)
    assert cache.read("rules-1") is None, "nor a folder that others may write"
    assert not cache.write("rules-2", b"data")


def test_no_home_is_made_for_a_user_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TODOKU_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert not cache.write("rules-1", b"data")
    assert not (tmp_path / "nobody").exists()
    (tmp_path / "nobody").mkdir()
    assert cache.write("rules-1", b"data")
    assert cache.read("rules-1") == b"data"


def test_no_place_for_a_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TODOKU_CACHE", str(tmp_path / "file" / "below"))
    assert not cache.write("rules-1", b"data")
    assert cache.read("rules-1") is None


def test_the_cache_keeps_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODOKU_CACHE", str(tmp_path))
    for i in range(7):
        cache.write(f"rules-{i}", b"x")
        os.utime(tmp_path / f"rules-{i}", (i, i))
        cache.used("rules-0")
    cache.write("knowledge-1", b"y")
    left = sorted(path.name for path in tmp_path.glob("rules-*"))
    assert left == ["rules-0", "rules-4", "rules-5", "rules-6"], "those that were used last"
    assert cache.read("knowledge-1") == b"y"
