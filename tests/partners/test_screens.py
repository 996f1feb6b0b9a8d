"""The screens of `todoku partners` and `todoku forecast`, whole, in both languages.

Golden files stand in tests/partners/golden. After a change that is meant:

    TODOKU_WRITE_GOLDEN=1 .venv/bin/python -m pytest tests/partners/test_screens.py

and read every line of the difference before committing it.
"""

from __future__ import annotations

import functools
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.partners.test_model import NO, NOW, YES, W, partner, world
from todoku.cli.render import forecast as costs
from todoku.cli.render import partners as rendering
from todoku.cli.render.page import Page
from todoku.cli.render.text import width
from todoku.knowledge import load
from todoku.knowledge.catalogue import Catalogue
from todoku.model import Language
from todoku.partners import habits
from todoku.partners.forecast import cost, dated, forecast
from todoku.partners.habits import Told, family
from todoku.partners.summary import View, view
from todoku.partners.values import Evidence, Mail, MailKey, Proof, Use, UseKey

GOLDEN = Path(__file__).parent / "golden"
ZEN = family("spamhaus-zen", {})


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@functools.cache
def catalogue() -> Catalogue:
    return Catalogue(load.knowledge())


def rich() -> Evidence:
    e = world()
    partner(e, "big.example", "mimecast", use=Use(12, 12, 2), mails=700)
    e.uses[UseKey("big.example", "spamcop", W - 8)] = Use(2, 2, 0)
    e.proofs["big.example", "spamcop"] = Proof(0.0, 1.79e9, "550 listed at bl.spamcop.net", "CONN")
    for n in (3, 2, 1):
        e.uses[UseKey("big.example", "spamcop", W - n)] = Use(0, 0, 7)
    e.uses[UseKey("big.example", "psbl", W - 2)] = Use(0, 0, 31)
    for n in range(25):
        e.mail[MailKey(f"few{n}.example", "gmail", "", W)] = Mail(1, 1)
    return e


def hostile() -> Evidence:
    e = Evidence()
    evil = "\x1b]0;owned\x07\x1b[2J\u202e\u200b" + "x" * 5_000
    partner(e, "a.example", evil + ".", use=YES, list_=evil)
    partner(e, "b" * 60 + "." + "c" * 60 + ".example", "mimecast", use=NO, list_=evil)
    e.proofs["a.example", evil] = Proof(1.0, 1e30, evil, None, evil)
    return e


def told(v: View, domain: str | None = None) -> list[Told]:
    known = habits.habits(v, {}, NOW, domain)
    return [
        habits.told(p, known.get(p.domain, ()))
        for p in v.summary.partners
        if domain in {None, p.domain}
    ]


def screen(name: str, lang: Language, page: Page) -> Iterator[str]:
    c = catalogue()
    v = view(hostile() if name.startswith("hostile") else rich())
    match name.removeprefix("hostile-"):
        case "partners":
            return rendering.overview(v.summary, told(v), c, lang, page)
        case "partners-silent":
            bare = view(Evidence({MailKey("a.example", "", "", W): Mail(5, 0)}, first=NOW - 9e5, last=NOW))  # fmt: skip
            return rendering.overview(bare.summary, told(bare), c, lang, page)
        case "partner":
            domain = "a.example" if name.startswith("hostile") else "big.example"
            return rendering.one(told(v, domain)[0], c, lang, page)
        case "partner-unknown":
            return rendering.one(told(v, "alone.example")[0], c, lang, page)
        case "forecast":
            list_ = next(iter(v.sights)) if name.startswith("hostile") else "spamhaus-zen"
            return costs.one(forecast(family(list_, {}), v, NOW), c, lang, page)
        case "forecast-unknown":
            return costs.one(forecast(family("uceprotect-1", {}), v, NOW), c, lang, page)
        case "forecast-proven":
            e = Evidence()
            partner(e, "m.example", "mimecast", use=Use(3, 0, 0))
            partner(e, "n.example", "mimecast")
            return costs.one(forecast(ZEN, view(e), NOW), c, lang, page)
        case "listings":
            asked = [("192.0.2.1", "psbl"), ("192.0.2.1", "spamhaus-zen"), ("192.0.2.1", "uceprotect-1")]  # fmt: skip
            since = dict.fromkeys(asked, NOW - 86_400)
            listed = [dated(f, since) for f in cost(asked, {}, v, NOW)]
            return costs.listings(listed, c, lang, page)
        case _:
            raise AssertionError(name)


NAMES = (
    "partners", "partners-silent", "partner", "partner-unknown", "forecast", "forecast-unknown",
    "forecast-proven", "listings",
)  # fmt: skip


def shown(name: str, lang: Language, columns: int = 80) -> str:
    out = io.BytesIO()
    page = Page(out, columns=columns)
    for line in screen(name, lang, page):
        page.write(line)
    return out.getvalue().decode()


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_screen(name: str, lang: Language) -> None:
    got = shown(name, lang)
    path = GOLDEN / f"{name}.{lang}.txt"
    if os.environ.get("TODOKU_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(got)
    assert got == path.read_text()


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("columns", [20, 60, 100])
def test_no_line_is_wider_than_the_terminal(columns: int, lang: Language) -> None:
    for name in (*NAMES, "hostile-partners", "hostile-partner", "hostile-forecast"):
        for line in shown(name, lang, columns).splitlines():
            assert width(line) <= columns + 2 or "://" in line, line


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("name", ["hostile-partners", "hostile-partner", "hostile-forecast"])
def test_nothing_that_a_receiver_said_acts_on_the_terminal(name: str, lang: Language) -> None:
    text = shown(name, lang)
    assert all(line.isprintable() for line in text.split("\n"))
    assert len(text) < 12_000


def test_csv_is_no_formula() -> None:
    e = Evidence()
    partner(e, "a.example", "mimecast", use=YES, list_="=cmd|x")
    e.proofs["a.example", "=cmd|x"] = Proof(1.0, 2.0, '@SUM(1)","\x1b[2J')
    out = io.StringIO()
    rendering.csv(told(view(e)), out)
    head, row = out.getvalue().splitlines()
    assert head.startswith("domain,gateway,mails_a_day")
    assert "'=cmd|x" in row and "'@SUM" in row and "\x1b" not in row
