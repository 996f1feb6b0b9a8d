"""What a case itself tells of its cause: codes of lists, and addresses that were somebody else's."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from tests.cases.world import IP, START, refused
from todoku import settings
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.fold import fold
from todoku.cases.requesting import Facts, choose, draft
from todoku.cli import main
from todoku.knowledge import load
from todoku.serve import opening
from todoku.serve.leads import leads
from todoku.settings.own import Own

K = load.knowledge()
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/reference/cause-lead.schema.json").read_text("utf-8")
)


def seen(list_: str, *codes: str, state: Any = "listed") -> ev.Seen:
    return ev.Seen(list=list_, identity=IP, state=state, codes=codes)


def a_case(*findings: ev.Seen) -> Case:
    return fold([refused(START), ev.Checked(at=START, findings=findings)], Case(number=12))


@pytest.mark.parametrize(
    ("findings", "told"),
    [
        ([seen("spamhaus-zen", "127.0.0.4")], ["compromised"]),
        ([seen("spamhaus-zen", "127.0.0.3")], ["reputation"]),
        ([seen("spamhaus-zen", "127.0.0.10")], ["policy"]),
        ([seen("spamhaus-zen", "127.0.0.3", "127.0.0.4")], ["compromised", "reputation"]),
        ([seen("psbl", "127.0.0.2")], ["traps"]),
        ([seen("psbl", "127.0.0.2"), seen("dronebl", "127.0.0.9")], ["compromised", "traps"]),
        # What does not say, or is not known to be listed, tells nothing.
        ([seen("spamcop", "127.0.0.2")], []),
        ([seen("spamhaus-zen", "127.0.0.4", state="not-listed")], []),
        ([seen("spamhaus-zen", "127.255.255.254", state="unknown")], []),
        ([seen("a-list-of-tomorrow", "127.0.0.4")], []),
    ],
)
def test_what_lists_say_of_the_host(findings: list[ev.Seen], told: list[str]) -> None:
    assert [lead.lead for lead in leads(a_case(*findings), K, {})] == told


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2026-11-24", 0),
        ("2026-11-20", 4),
        ("2026-11-10", 14),
        ("2026-11-09", None),
        ("2020-01-01", None),
        ("2026-11-25", 0),  # tomorrow, where the sun rises later
        ("2026-11-27", None),
    ],
)
def test_an_address_that_was_somebody_elses(day: str, told: int | None) -> None:
    found = leads(a_case(), K, {"192.0.2.1": day, "192.0.2.9": "2026-11-24"})
    assert [lead.days for lead in found] == ([] if told is None else [told])


def test_what_was_inherited_needs_no_mending() -> None:
    said = ev.CauseFound(at=START, cause="以前の使用者", looked=("volume", "spam"), inherited=True)
    case = fold([said], a_case())
    chosen = choose(case, K, "microsoft-365/delist-mail")
    own = Own(addresses=("192.0.2.1",))
    made = draft(case, chosen, K, Facts(own=own), START + timedelta(hours=1), "en")
    kinds = {o.kind for o in made.obstacles}
    assert not {"no-cause", "not-mended", "own-words"} & kinds
    assert "earlier holder sent" in made.letter and "looked at: volume, spam" in made.letter
    assert "以前の使用者" not in made.letter


# On the command line


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1")
    return tmp_path


def opened(*findings: ev.Seen) -> None:
    with opening.desk(settings.load(None, None)) as desk:
        desk.see(refused(START, to=("hotmail.com",)), ev.Checked(at=START, findings=findings))


def run(*words: str, lang: str = "en") -> str:
    done = CliRunner().invoke(main, ["--lang", lang, "cause", *words], standalone_mode=False)
    assert done.exception is None, done.exception
    return done.stdout


def last() -> ev.CauseFound:
    with opening.desk(settings.load(None, None)) as desk:
        event = desk.history(1)[-1].event
    assert isinstance(event, ev.CauseFound)
    return event


def test_a_listing_is_the_cause_on_record(home: Path) -> None:
    opened(seen("spamhaus-zen", "127.0.0.4"))
    told = run("--case", "1", "--quiet")
    assert told == ""
    assert "a compromised host" in (last().cause or "") and not last().inherited
    again = run("--case", "1")
    assert "192.0.2.1: a compromised host" in again and "No log was read" in again
    assert "乗っ取り" in run("--case", "1", lang="ja")
    with opening.desk(settings.load(None, None)) as desk:
        names = [ev.name(each.event) for each in desk.history(1)]
    assert names.count("cause-found") == 1, "in whatever language it is told again"
    (line,) = run("--case", "1", "--json").splitlines()
    jsonschema.validate(json.loads(line), SCHEMA)


def test_a_re_used_address_is_one_where_nothing_else_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TODOKU_OWN_FIRST_USED", "192.0.2.1=2026-11-21")
    opened()
    told = run("--case", "1")
    assert "refused 3 days after its first use (2026-11-21)" in told
    assert last().inherited


def test_a_listing_outweighs_that(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODOKU_OWN_FIRST_USED", "192.0.2.1=2026-11-21")
    opened(seen("spamhaus-zen", "127.0.0.4"))
    run("--case", "1")
    assert not last().inherited and "first use" not in (last().cause or "")
