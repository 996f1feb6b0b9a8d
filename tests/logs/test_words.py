"""Words that fit their numbers: what a sentence counts is handed over as a number."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from todoku.i18n import Number, Sentence, say

SRC = Path(__file__).parents[2] / "src" / "todoku"
MODULES = sorted(
    path
    for path in (*SRC.glob("cli/**/*.py"), *SRC.glob("serve/**/*.py"))
    if re.search(r"\{\w+:[^{}]*\|", path.read_text())
)
_CHOICE = re.compile(r"\{(\w+):[^{}]*\|[^{}]*\}")


def test_a_number_and_its_word() -> None:
    words: Sentence = {"ja": "{n} 通", "en": "{n} {n:mail|mails}"}
    told = [say(words, "en", n=Number(n)) for n in (0, 1, 2, 1_234)]
    assert told == ["0 mails", "1 mail", "2 mails", "1,234 mails"]
    assert say(words, "ja", n=Number(1_234)) == "1,234 通"


def _choices(tree: ast.Module) -> dict[str, set[str]]:
    """By a sentence's key: the names that its words are chosen by."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(value, ast.Dict):
                    names = set(_CHOICE.findall(ast.unparse(value)))
                    if names:
                        found.setdefault(str(key.value), set()).update(names)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_what_words_are_chosen_by_is_no_text(path: Path) -> None:
    tree = ast.parse(path.read_text())
    choices = _choices(tree)
    assert choices
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        first = node.args[0].slice if isinstance(node.args[0], ast.Subscript) else node.args[0]
        names = {name for key, those in choices.items() if f"'{key}'" in ast.unparse(first) for name in those}  # fmt: skip
        for keyword in node.keywords:
            if keyword.arg in names:
                assert not isinstance(keyword.value, ast.JoinedStr), ast.unparse(node)
