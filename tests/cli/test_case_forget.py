"""`todoku case forget`: an address goes from all that todoku keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from todoku.cli import Failure, main
from todoku.serve import spool

REFUSAL = "550 SC-001 <taro@hotmail.com>: messages from 192.0.2.1 weren't sent."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case with the address, and mail that waits."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1")
    monkeypatch.setenv("TODOKU_PRIVACY_CLEAR_FOR", "*")
    monkeypatch.setenv("TODOKU_MAIL_SENDER", "postmaster@hoge.test")
    words = ("report", "taro@hotmail.com へ届きません", "--to", "hotmail.com", "--refusal", "-")
    assert run(*words, stdin=REFUSAL).exception is None
    folder = tmp_path / "XDG_DATA_HOME" / "todoku" / "spool"
    spool.make(folder)
    spool.put(folder, b"To: taro@hotmail.com\r\n\r\nx", b"To: jiro@hotmail.com\r\n\r\nx")
    spool.put(folder, b"To: Taro@hotmail.com\r\n\r\ny")
    return folder


def run(*words: str, stdin: str = "", lang: str = "ja") -> Result:
    return CliRunner().invoke(main, ["--lang", lang, *words], input=stdin, standalone_mode=False)


def test_it_is_gone_and_the_case_goes_on(home: Path) -> None:
    done = run("case", "forget", "taro@hotmail.com", "--yes")
    assert done.exception is None
    said, more = done.stdout.splitlines()
    assert said == (
        "taro@hotmail.com を消しました: 出来事 2 件（案件 1）、メール 2 通、申告者 0 人、その他 0 件。"
        "件数と経過は残っています。"
    )
    assert "docs/privacy.ja.md" in more
    (left,) = (home / "new").iterdir()
    assert left.read_bytes() == b"To: jiro@hotmail.com\r\n\r\nx"
    shown = run("case", "show", "1").stdout
    assert "taro" not in shown
    assert "@hotmail.com へ届きません" in shown
    assert "hotmail.com のアドレスを一つ消去" in shown
    again = run("case", "forget", "taro@hotmail.com", "--yes", lang="en")
    assert again.stdout == "taro@hotmail.com is nowhere.\n"


def test_as_json_with_other_words(home: Path) -> None:
    done = run("case", "forget", "taro@hotmail.com", "--also", "weren't sent", "--yes", "--json")
    assert json.loads(done.stdout) == {
        "v": 1, "events": 2, "cases": [1], "mails": 2, "people": 0, "others": 0,
    }  # fmt: skip
    assert "sent" not in run("case", "show", "1", "--json").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("taro", "--yes"), "no mail address"),
        (("taro@hotmail.com", "--also", "ab", "--yes"), "three letters"),
        (("taro@hotmail.com",), "give --yes"),
        (("taro@hotmail.com", "--json"), "give --yes"),
    ],
)
def test_nothing_is_erased(home: Path, words: tuple[str, ...], said: str) -> None:
    error = run("case", "forget", *words, lang="en").exception
    assert isinstance(error, Failure) and error.code == 64
    assert said in error.message and "Nothing was erased" in error.message
    assert "taro@hotmail.com" in run("case", "show", "1").stdout
