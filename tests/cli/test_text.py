"""Text for a terminal: safe, measured, wrapped."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.cli.render.text import cut, cut_front, pad, safe, width, wrap

ANY = st.text(st.characters(exclude_categories=[]))  # surrogates and all


@given(ANY)
def test_safe_leaves_nothing_that_acts_or_hides(text: str) -> None:
    got = safe(text)
    assert all(c.isprintable() or c == "\u3000" for c in got)
    assert not {unicodedata.category(c) for c in got} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    got.encode()  # no surrogates


@given(ANY)
def test_safe_twice_is_safe_once(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 5.7.1 no", "550 5.7.1 no"),
        ("拒否されました（理由）", "拒否されました（理由）"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\x9b31mb", r"a\x9b31mb"),
        ("a\u202eb", r"a\u202eb"),  # right-to-left override
        ("a\u2066b\u2069", r"a\u2066b\u2069"),
        ("pay\u200bpal", r"pay\u200bpal"),  # zero-width space
        ("a\ufeffb", r"a\ufeffb"),
        ("a\ud800b", r"a\ud800b"),
        ("a\U000e0041b", r"a\U000e0041b"),  # tag character
        ("a\r\nb\tc", "a  b c"),
        ("a\u2028b", "a b"),
        ("a\u3164b", r"a\u3164b"),  # a letter that shows nothing
        ("a" + "\u0301" * 50, "a\u0301\u0301"),
        ("全角\u3000空白", "全角\u3000空白"),
    ],
)
def test_safe(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("拒否", 4), ("ｱｲｳ", 3), ("（a）", 5), ("e\u0301", 1), ("▸x◂", 3), ("", 0)],
)
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns


def test_pad_cut() -> None:
    assert pad("拒否", 6) == "拒否  "
    assert cut("拒否されました", 7) == "拒否さ…"
    assert cut("abc", 3) == "abc"
    assert cut_front("folder/one/two.eml", 9) == "…/two.eml"[-9:]
    assert width(cut_front("フォルダー/二つ目.eml", 12)) <= 12


@given(st.text(st.characters(categories=["Lu", "Ll", "Lo", "Nd", "Po", "Zs"])), st.integers(4, 90))
def test_wrap_loses_nothing_and_fits(text: str, columns: int) -> None:
    text = safe(text)
    lines = wrap(text, columns)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(width(line) <= columns or "://" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "columns", "lines"),
    [
        ("one two three", 8, ["one two", "three"]),
        ("送信を止める。次に直す。", 12, ["送信を止め", "る。次に直", "す。"]),
        ("（理由）と（結果）", 10, ["（理由）と", "（結果）"]),
        ("see https://a.example/very/long/path/that/stays now", 12,
         ["see", "https://a.example/very/long/path/that/stays", "now"]),
        ("x" * 25, 10, ["x" * 10, "x" * 10, "x" * 5]),
        ("", 10, [""]),
    ],
)  # fmt: skip
def test_wrap(text: str, columns: int, lines: list[str]) -> None:
    assert wrap(text, columns) == lines
