"""`todoku check --by-cost`: first what costs most mail, and what it costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import worlds
from tests.cli import check_world as w
from tests.cli.check_world import finding
from tests.cli.test_check import Check
from tests.partners.test_model import NO, YES, partner
from todoku.model import Entry
from todoku.partners.keeping import Kept
from todoku.partners.values import Evidence

IP = "8.8.4.4"


def entry(weight: float) -> Entry:
    return Entry(code="127.0.0.2", meaning="listed", class_="abuse", scope="ip", weight=weight)


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    lists = tmp_path / "lists"
    lists.mkdir()
    made = Check(tmp_path, monkeypatch, worlds.compiled(lists, w.FILES))
    made.events = [
        finding("cop", "listed", IP, entries=(entry(6.0),)),
        finding("brake", "listed", IP, entries=(entry(1.0),)),
    ]
    return made


def learn(check: Check) -> None:
    e = Evidence()
    for n in range(4):
        partner(e, f"m{n}.example", "mimecast", use=YES, list_="brake")
        partner(e, f"p{n}.example", "proofpoint", use=NO, list_="cop")
    assert check.data is not None
    with Kept.open(check.data) as kept, kept.learning() as step:
        step.add(e)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_what_costs_most_comes_first(check: Check, lang: str) -> None:
    plain = check(IP, lang=lang).stdout
    learn(check)
    told = check(IP, "--by-cost", lang=lang).stdout
    assert plain.index("Cop") < plain.index("Brakeacuda")
    assert told.index("Brakeacuda") < told.index("Cop")
    assert len(told) > len(plain) + 200


def test_where_nothing_was_learned_it_says_so(check: Check) -> None:
    plain = check(IP)
    told = check(IP, "--by-cost")
    assert told.stdout == plain.stdout
    assert "todoku partners learn" in told.stderr
    assert told.exit_code == plain.exit_code


@pytest.mark.parametrize("other", ["--json", "--plan", "--history"])
def test_it_is_of_the_screen_alone(check: Check, other: str) -> None:
    told = check(IP, "--by-cost", other)
    assert told.exit_code == 64 and "exclude one another" in told.stderr
