"""The files of `answers`: checked, laid over each other, and as the documentation has them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from todoku.cases import answers
from todoku.knowledge import check_answers, load
from todoku.knowledge.compiling import compile_files
from todoku.knowledge.files import DATA
from todoku.knowledge.schema import KnowledgeError

DOC = Path(__file__).parents[2] / "docs" / "answers.md"
HEAD = 'schema = 1\ndesk = "{desk}"\norigin = "x"\nlicence = "facts"\nsource = ["x"]\n'
RULE = '[[rules]]\nid = "{id}"\nclass = "delisted"\nlang = "en"\nmatch = [{match}]\n'


def written(folder: Path, text: str) -> Path:
    (folder / "answers").mkdir(exist_ok=True)
    (folder / "answers" / "mine.toml").write_text(text)
    return folder


def problems(folder: Path) -> list[str]:
    return check_answers.problems((folder,), compile_files(DATA, (folder,)))


def test_those_that_come_with_todoku_are_clean() -> None:
    assert check_answers.problems((DATA,), load.knowledge()) == []


def test_no_signer_is_a_domain_where_strangers_have_mailboxes() -> None:
    shared = {"outlook.com", "hotmail.com", "live.com", "msn.com", "gmail.com", "googlemail.com",
              "yahoo.com", "yahoo.co.jp", "aol.com", "gmx.net", "gmx.de", "gmx.com", "web.de", "mail.com",
              "t-online.de", "icloud.com", "me.com", "orange.fr", "comcast.net", "cox.net", "att.net",
              "mail.ru", "docomo.ne.jp", "ezweb.ne.jp", "au.com", "softbank.ne.jp", "onmicrosoft.com"}  # fmt: skip
    for rules in load.answers_of(load.knowledge()):
        assert not shared & set(rules.signers), rules.desk


def test_the_example_of_the_page(tmp_path: Path) -> None:
    found = re.search(r"```toml\n(.*?)```", DOC.read_text("utf-8"), re.S)
    assert found is not None
    text = textwrap.dedent(found[1]).replace('covers = ["example-isp-list"]', "")
    told = problems(written(tmp_path, text))
    assert len(told) == 1 and "give the desk a `name`" in told[0]
    named = text.replace(
        'desk = "example-isp" ', 'name = { ja = "x", en = "x" }\ndesk = "example-isp" '
    )
    assert problems(written(tmp_path, named)) == []


def test_an_overlay_adds_to_a_desk_and_comes_first(tmp_path: Path) -> None:
    text = (
        HEAD.format(desk="microsoft-consumer") + 'signers = ["desk.test"]\n'
        + RULE.format(id="mine-en", match="'our own words for it'")
        + 'examples = [{ text = "Outlook.com support: our own words for it" }]\n'
    )  # fmt: skip
    folder = written(tmp_path, text)
    assert problems(folder) == []
    rules = load.answers_of(compile_files(DATA, (folder,)))
    (desk,) = (r for r in rules if r.desk == "microsoft-consumer")
    assert {"desk.test", "microsoft.com"} <= set(desk.signers)
    assert desk.rules[0].id == "mine-en"
    mail = b"Authentication-Results: mx; dmarc=pass header.from=desk.test\nFrom: a@desk.test\n\nMitigated\n"
    assert answers.answer(mail, rules, trusted=["mx"]).authentic


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ("'x.*y'", "bound it"),
        ("'(?:a+)+b'", "bound it"),
        ("'x?'", "matches the empty text"),
        ("'('", "not a regular expression"),
        ("'a ?b'", "a blank cannot be repeated"),
    ],
)
def test_expressions_that_cannot_serve(tmp_path: Path, match: str, words: str) -> None:
    text = HEAD.format(desk="yahoo") + RULE.format(id="a", match=match)
    with pytest.raises(KnowledgeError, match=re.escape(words)):
        compile_files(DATA, (written(tmp_path, text),))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", "no example"),
        ('examples = [{ text = "nothing of it" }]', "the class is 'unclear'"),
        ('examples = [{ text = "yahoo: mended now for 192.0.2.1", verdicts = { "192.0.2.2" = "delisted" } }]',
         "the verdicts are"),
    ],
)  # fmt: skip
def test_a_rule_must_decide_its_examples(tmp_path: Path, more: str, words: str) -> None:
    text = HEAD.format(desk="yahoo") + RULE.format(id="a", match="'mended now'") + more
    assert any(words in problem for problem in problems(written(tmp_path, text)))
