"""The HTML report of logs: whole, alone, and nothing of a log acts in it."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.logs.logs import FIELDS, HEAD
from tests.logs.test_command import LOG, todoku

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J"
VOID = {"meta", "rect", "br"}


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert not any(name.startswith("on") or name in {"src", "href"} for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_page_of_its_own(tmp_path: Path, lang: str) -> None:
    evil = f"{HEAD}{FIELDS}status=bounced (host mx.b.example[203.0.113.9] said: 550 {EVIL})"
    log, page = tmp_path / "mail.log", tmp_path / "report.html"
    log.write_text(f"{LOG}{evil}\n")
    done = todoku("--quiet", "--html", page, log, lang=lang)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    text = page.read_text()
    tags = Tags()
    tags.feed(text)
    assert tags.open == []
    assert not tags.seen & {"script", "img", "link", "iframe"}
    assert f'<html lang="{lang}">' in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text
    assert text.count("<section") == 3
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize(("n", "words"), [(31, "1 more kind<"), (32, "2 more kinds<")])
def test_more_kinds_than_are_told_in_full(tmp_path: Path, n: int, words: str) -> None:
    page = tmp_path / "report.html"
    said = "(host mx.b{k}.example[203.0.113.9] said: 550 5.7.1 Spam)"
    lines = (f"{HEAD}{FIELDS.replace('mx.b.', f'mx.b{k}.')}status=bounced {said}" for k in range(n))
    text = "".join(f"{x.format(k=k)}\n" for k, x in enumerate(lines))
    done = todoku("--quiet", "--html", page, stdin=text)
    assert (done.returncode, done.stderr) == (0, b"")
    assert page.read_text().count("<section") == 30
    assert words in page.read_text()


def test_nothing_refused_is_a_page_too(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    sent = LOG.splitlines()[1]
    assert todoku("--quiet", "--html", page, stdin=f"{sent}\n").returncode == 0
    assert "Nothing was refused" in page.read_text()


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    done = todoku("--html", tmp_path / "no" / "x.html", stdin=LOG)
    assert done.returncode == 74
    assert b"x.html" in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here")
def test_a_browser_shows_it(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    todoku("--quiet", "--html", page, stdin=LOG)
    done = subprocess.run(
        [
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'c'}",
            "--window-size=400,900", "--dump-dom", page.as_uri(),
        ],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    assert re.search(rb"<h1>Report of the mail logs</h1>", done.stdout)
    assert done.stdout.count(b"<svg") >= 2
