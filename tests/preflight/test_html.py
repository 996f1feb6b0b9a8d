"""The HTML report: whole, self-contained, harmless, and the same in what it says."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path

import pytest

from tests.preflight.test_screen import moving, report
from tests.preflight.world import HOST, NEW, good, knowledge, serving
from todoku.cli.render.preflight_html import page, write
from todoku.i18n import Language
from todoku.knowledge.schema import Compiled
from todoku.lab.zones import txt
from todoku.lists import wire
from todoku.preflight.values import Report

OUTSIDE = {"src", "href", "srcset", "action", "formaction", "poster", "data", "xlink:href"}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return knowledge(tmp_path_factory.mktemp("knowledge"))


class Reader(html.parser.HTMLParser):
    """Tags closed in order, nothing that loads or runs; and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not OUTSIDE & {name for name, _ in attrs}, attrs
        assert not any(name.startswith("on") for name, _ in attrs), attrs
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def read(r: Report, lang: Language) -> Reader:
    text = page(r, lang)
    assert not re.search(r"url\(|@import|<script|javascript:", text, re.I)
    return Reader(text)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_it_says_what_the_report_says(lang: Language, known: Compiled) -> None:
    with serving(moving()) as server:
        r = report(server, known, lang)
    found = read(r, lang)
    text = "".join(found.words)
    for c in r.checks:
        assert c.found in text
        if c.state != "ok":
            assert c.remedy is None or c.remedy in text
            assert c.why in text
        assert all(d.text in text for d in c.details)
        assert all(a.name in text for a in c.evidence)
    assert r.letter is not None
    assert r.letter.splitlines()[0] in text
    assert all(step.text in text for step in r.plan.dns)
    assert found.tags.count("svg") == 3  # the states, the map, the days
    assert found.tags.count("rect") == 4 + 256 + 14
    other = {"ja": "what to do", "en": "対処"}[lang]
    assert other not in text


def test_what_strangers_write_is_text(known: Compiled) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=y>\"'&\x1b[31m\u202e"
    zones = good()
    zones.drop("ours.jp", wire.TXT)
    zones.add("ours.jp", txt(f"v=spf1 {evil} -all"))
    zones.drop("_dmarc.ours.jp")
    zones.add("_dmarc.ours.jp", txt(f"v=DMARC1; p={evil}"))
    with serving(zones) as server:
        r = report(server, known, "en")
    found = read(r, "en")
    assert not {"script", "img"} & set(found.tags)
    text = "".join(found.words)
    assert "<script>alert(1)</script>" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_file_is_whole_or_not_there(tmp_path: Path, known: Compiled) -> None:
    with serving(good()) as server:
        r = report(server, known, "en")
    write(tmp_path / "report.html", r, "en")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert f"<title>Preflight of {NEW}</title>" in (tmp_path / "report.html").read_text()
    assert HOST in (tmp_path / "report.html").read_text()
    with pytest.raises(OSError, match="nowhere"):
        write(tmp_path / "nowhere" / "report.html", r, "en")
