"""The map of partners as a page: whole, alone, and nothing that a receiver said acts in it."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.partners.test_model import NOW, YES, partner
from tests.partners.test_screens import catalogue, rich, told
from todoku.cli.render import partners_html
from todoku.model import Language
from todoku.partners.summary import view
from todoku.partners.values import Evidence, Proof

VOID = {"meta", "rect", "br", "line"}
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\u202e"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") or name in {"src", "href"} for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def made(e: Evidence, lang: Language) -> str:
    v = view(e)
    return partners_html.page(v.summary, told(v), catalogue(), lang)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_page_of_its_own(lang: Language) -> None:
    e = rich()
    partner(e, "evil.example", EVIL + ".", use=YES, list_=EVIL)
    e.proofs["evil.example", EVIL] = Proof(1.0, NOW, EVIL)
    text = made(e, lang)
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert {"svg", "details", "table"} <= set(tags.seen)
    assert not {"script", "img", "link", "iframe", "a"} & set(tags.seen)
    assert "\x1b" not in text and "\u202e" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("<tr>") == len(view(e).summary.partners)


def test_the_bars_are_shares_of_mail() -> None:
    text = made(rich(), "en")
    assert (
        "Mimecast, Spamhaus ZEN: 5 partners use it (140 mails a day), 0 hardly (0.0), 1 not known (10.0)"
        in text
    )
    assert (
        "Proofpoint, Spamhaus ZEN: 0 partners use it (0.0 mails a day), 4 hardly (40.0), 1 not known (10.0)"
        in text
    )


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_many_are_bounded(monkeypatch: pytest.MonkeyPatch, lang: Language) -> None:
    monkeypatch.setattr(partners_html, "MOST", 10)
    monkeypatch.setattr(partners_html, "GATES", 1)
    text = made(rich(), lang)
    assert text.count("<tr>") == 10
    assert partners_html.WORDS["others"][lang] in text
    assert "27" in text  # of 37


def test_nothing_known_is_said() -> None:
    e = Evidence()
    partner(e, "a.example", "mimecast")
    assert "Nothing was seen of any list yet." in made(e, "en")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium here")
def test_a_browser_shows_it(tmp_path: Path) -> None:
    page, picture = tmp_path / "p.html", tmp_path / "p.png"
    page.write_text(made(rich(), "ja"))
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/c",
         "--window-size=1000,1400", f"--screenshot={picture}", page.as_uri()],
        check=True, capture_output=True, timeout=90,
    )  # fmt: skip
    assert picture.stat().st_size > 20_000
