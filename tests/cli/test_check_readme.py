"""The screen of `todoku check` in the READMEs is what the package says of such answers."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from todoku.cli.render.check import Screen
from todoku.cli.render.check_board import Board
from todoku.cli.render.page import Page
from todoku.knowledge import load
from todoku.knowledge.catalogue import Catalogue
from todoku.lists import names, plan, wire
from todoku.lists.judging import Judge
from todoku.lists.values import Answer, HealthRecord, Target
from todoku.model import Finding, Language, Subject

ROOT = Path(__file__).parents[2]
NOW = 1_795_500_000.0
WHO = Subject("ip", "198.51.100.7")
SAID = {
    "spamhaus-zen": (wire.NOERROR, "127.0.0.4", "https://www.spamhaus.org/query/ip/198.51.100.7"),
    "barracuda": (wire.REFUSED, None, None),
}
"""Answers that are more than "no such name": rcode, address, words."""


TERMS = plan.Terms(use="private")


def findings(language: Language) -> Iterator[Finding]:
    knowledge = load.knowledge()
    for entry in plan.Book(load.lists_of(knowledge)).chosen(TERMS):
        way = plan.way(entry, TERMS)
        if isinstance(way, plan.Barred) or not names.fits(way.ask, WHO):
            continue
        rcode, code, text = SAID.get(entry.id, (wire.NXDOMAIN, None, None))
        answer = Answer(
            rcode=rcode,
            addresses=(code,) if code else (),
            text=text,
            asked=names.printed(WHO, way.zone),
            server="127.0.0.1:53",
            took=0.01,
            at=NOW,
        )
        judge = Judge(entry, knowledge.desks, language)
        since = "2026-11-22T03:00:00Z" if code else None
        yield judge.finding(WHO, answer, HealthRecord(state="ok", at=NOW), first_seen=since)


def shown(language: Language) -> str:
    lists = [e.id for e in plan.Book(load.lists_of(load.knowledge())).chosen(TERMS)]
    board = Board([Target(given=WHO.value, subject=WHO)], lists)
    for f in findings(language):
        board.add(f)
    out = io.BytesIO()
    page = Page(out)
    every = frozenset(("listed", "not-listed", "unknown"))
    c = Catalogue(load.knowledge())
    screen = Screen(c, language, page, now=NOW, started=NOW, only=every)  # type: ignore[arg-type]
    for line in screen.lines(board):
        page.write(line)
    return out.getvalue().decode()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(("name", "language"), [("README.md", "en"), ("README.ja.md", "ja")])
def test_the_screen_is_real(name: str, language: Language) -> None:
    """After a change that is meant: TODOKU_WRITE_GOLDEN=1"""
    path = ROOT / name
    text = path.read_text()
    m = re.search(r"^```\n\$ todoku check [^\n]+\n(.*?)```$", text, re.M | re.S)
    assert m is not None
    got = shown(language)
    if os.environ.get("TODOKU_WRITE_GOLDEN"):
        path.write_text(text[: m.start(1)] + got + text[m.end(1) :])
    else:
        assert m[1] == got
