"""The screens of `todoku preflight`, whole, in both languages.

Golden files stand in tests/preflight/golden. After a change that is meant:

    TODOKU_WRITE_GOLDEN=1 .venv/bin/python -m pytest tests/preflight/test_screen.py

and read every line of the difference before committing it.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from tests.preflight.test_silence import silent
from tests.preflight.world import (
    HOST,
    NEW,
    OLD,
    SIX,
    SUBJECT,
    good,
    knowledge,
    reverse,
    serving,
    world,
)
from todoku.cli.preflight import _Waiting
from todoku.cli.render.page import Page
from todoku.cli.render.preflight import Screen
from todoku.cli.render.preflight_html import page
from todoku.cli.render.text import width
from todoku.i18n import Language
from todoku.knowledge.schema import Compiled
from todoku.lab.zones import Zones, a, txt
from todoku.lists import wire
from todoku.lists.values import Server
from todoku.preflight import running
from todoku.preflight.report import made
from todoku.preflight.running import Run
from todoku.preflight.values import Report

GOLDEN = Path(__file__).parent / "golden"
DAY = 1_795_478_400.0  # 2026-11-24


@pytest.fixture(autouse=True)
def _two_receivers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with lists of their own grow in number with the knowledge."""
    monkeypatch.setattr(running, "with_lists", lambda *_: {"b": "Bigmail", "w": "Wallmail"})


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return knowledge(tmp_path_factory.mktemp("knowledge"))


def moving() -> Zones:
    """Much that is to be mended, and a past."""
    zones = good()
    zones.lists["pf-abuse.test"].add(NEW, code="127.0.0.2")
    for n in range(100, 130):
        zones.lists["pf-abuse.test"].add(f"203.0.114.{n}", code="127.0.0.2")
    for n in range(200, 230):
        zones.lists["pf-abuse.test"].add(f"203.0.114.{n}", code="127.0.0.3")
    zones.drop(reverse(NEW))
    zones.add(HOST, a(SIX))
    zones.drop("ours.jp", wire.TXT)
    zones.add("ours.jp", txt(f"v=spf1 ip4:{OLD} -all"))
    zones.drop("_dmarc.second.jp")
    zones.add("_dmarc.second.jp", txt("v=DMARC1; p=none"))
    return zones


def report(server: Server, known: Compiled, lang: Language, deadline: float = 8.0) -> Report:
    run = Run(SUBJECT, world(server, known, deadline=deadline), lang)
    list(run)
    return made(run, DAY)


def screen(r: Report, lang: Language, columns: int = 80) -> str:
    out = io.BytesIO()
    shown = Screen(lang, r.subject, Page(out, columns=columns))
    for check in r.checks:
        shown.add(check)
    shown.close(r)
    return out.getvalue().decode()


def golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("TODOKU_WRITE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"{name} differs"


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_screens(lang: Language, known: Compiled) -> None:
    with serving(good()) as server:
        golden(f"good.{lang}", screen(report(server, known, lang), lang))
    with serving(moving()) as server:
        r = report(server, known, lang)
    golden(f"moving.{lang}", screen(r, lang))
    narrow = screen(r, lang, 44)
    body, _, letter = narrow.rpartition("── ")
    assert letter, "the letter stands as it is written"
    wide = [line for line in body.splitlines() if width(line) > 44 and "://" not in line]
    assert [line for line in wide if not set(line.strip()) <= set(".XP?")] == []


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_resolver_that_is_silent(lang: Language, known: Compiled) -> None:
    with silent() as server:
        text = screen(report(server, known, lang, 2.0), lang).replace(str(server), "127.0.0.1:53")
    # Which question was late and which the third to be lost is left to chance: the summary is not.
    verdict = "── " + text.split("── ")[1]
    golden(f"silent.{lang}", verdict)
    for line in verdict.splitlines():
        assert width(line) <= 80


def test_bad_news_hides_no_silence(known: Compiled) -> None:
    zones = good()
    zones.drop("ours.jp", wire.TXT)
    with serving(zones) as server:
        r = report(server, known, "en")
        assert "no answer came" not in screen(r, "en")
    del zones.lists["pf-abuse.test"]
    zones._apexes.remove("pf-abuse.test")
    with serving(zones) as server:
        r = report(server, known, "en")
    assert r.verdict == "no-go"
    told = (
        "Besides, no answer came to 3 of the checks"  # the lists, the policy lists, the neighbours
    )
    assert told in screen(r, "en")
    assert told in page(r, "en")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_terminal_sees_that_more_is_to_come(
    lang: Language, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = _Waiting(15.0, lang, shown=True)
    waiting.show()
    told = capsys.readouterr()
    assert "15" in told.err
    assert "\n" not in told.err
    waiting.clear()
    assert capsys.readouterr().err == "\r\x1b[K"
    hidden = _Waiting(15.0, lang, shown=False)
    hidden.show()
    hidden.clear()
    assert capsys.readouterr() == ("", "")
