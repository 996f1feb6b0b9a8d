"""`todoku demo`, as a person and as a program sees it: the story, on loopback, to its end."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from todoku.cli import EX_PIPE, Failure
from todoku.cli.demo import demo as demo_command
from todoku.cli.lab import lab as lab_command
from todoku.lab.scenario import scenarios
from todoku.lab.world import CLEAN, LISTED

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/reference/event.schema.json").read_text("utf-8"))

WALK = (
    "reported", "refused", "diagnosed", "checked", "requested", "acknowledged", "answered",
    "waited", "probed", "told", "closed",
)  # fmt: skip
"""In this order, with others between them."""


@functools.cache
def demo(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "todoku", "demo", *words],
        env=os.environ | {"NO_COLOR": "1"} | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def events(*words: str, **environ: str) -> list[dict[str, object]]:
    done = demo("--json", *words, **environ)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def in_order(names: list[object], walk: tuple[str, ...]) -> bool:
    rest = iter(names)
    return all(step in rest for step in walk)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_story_straight(lang: str) -> None:
    told = events("--lang", lang)
    for line in told:
        jsonschema.validate(line, SCHEMA)
    names = [line["event"] for line in told]
    assert in_order(names, WALK), names
    by_name = {line["event"]: line for line in told}
    assert {line["v"] for line in told} == {1}
    assert by_name["reported"]["words"]
    assert str(by_name["refused"]["reply"]["text"]).startswith("550 SC-001 ")  # type: ignore[index]
    assert by_name["diagnosed"]["receiver_code"] == "SC-001"
    assert by_name["checked"]["findings"]
    assert str(by_name["acknowledged"]["ticket"]).startswith("SRX")
    assert by_name["answered"]["class"] == "conditionally-mitigated"
    if lang == "ja":
        assert by_name["answered"]["words"] == "条件付緩和済み"
    assert by_name["answered"]["authentic"] is True
    assert by_name["closed"]["why"] == "resolved"
    assert [line["about"] for line in told if line["event"] == "told"][-1] == "resolved"
    moments = [str(line["at"]) for line in told]
    assert moments == sorted(moments)


def each_scenario() -> Iterator[Any]:
    """In both languages; the second one is slow."""
    for n, name in enumerate(s for s in scenarios() if s != "straight"):
        first, second = ("ja", "en") if n % 2 else ("en", "ja")
        yield pytest.param(name, first)
        yield pytest.param(name, second, marks=pytest.mark.slow)


@pytest.mark.parametrize(("scenario", "lang"), list(each_scenario()))
def test_each_scenario_ends_well(scenario: str, lang: str) -> None:
    told = events("--scenario", scenario, "--lang", lang)
    names = [line["event"] for line in told]
    walk: tuple[str, ...] = ("reported", "requested", "answered", "waited", "probed", "closed")
    if scenario.startswith("list-"):  # the list itself is asked
        walk = ("reported", "refused", "checked", "checked", "checked", "told", "closed")
        assert "probed" not in names and "answered" not in names
    assert in_order(names, walk), names
    tells = [e for e in told if e["event"] == "told" and e["about"] == "resolved"]
    assert all(e["delivered"] is True for e in tells)
    assert len(tells) == (2 if scenario == "relisted" else 1)


def test_a_forged_answer_moves_nothing() -> None:
    told = events("--scenario", "forged", "--lang", "en")
    answers = [e for e in told if e["event"] == "answered"]
    assert [e["authentic"] for e in answers] == [False, True]
    before = told[: told.index(answers[1])]
    assert "waited" not in [e["event"] for e in before]


def test_declined_first_takes_a_reply_that_insists() -> None:
    told = events("--scenario", "declined-first", "--lang", "ja")
    names = [line["event"] for line in told]
    walk = ("requested", "acknowledged", "answered", "escalated", "answered", "waited", "probed")
    assert in_order(names, walk), names
    classes = [line["class"] for line in told if line["event"] == "answered"]
    assert classes[0] == "not-qualified"
    assert classes[-1] == "conditionally-mitigated"


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_request_that_comes_back_is_made_by_another_way(lang: str) -> None:
    told = events("--scenario", "bounced-request", "--lang", lang)
    walk = ("answered", "escalated", "answered", "escalated", "acknowledged", "answered", "waited")
    assert in_order([line["event"] for line in told], walk)
    declined, bounced, mitigated = [e for e in told if e["event"] == "answered"]
    assert declined["class"] == "not-qualified"
    assert (bounced["class"], bounced["authentic"]) == ("bounce", True)
    assert bounced["words"] == "support@support.hotmail.test"
    assert mitigated["class"] == "conditionally-mitigated"
    # The letter was written in vain; the form, by which he asks again, gives a ticket of its own.
    first, second = [e["ticket"] for e in told if e["event"] == "acknowledged"]
    assert mitigated["ticket"] == second != first
    assert declined["ticket"] == bounced["ticket"] == first
    assert {e["case"] for e in told} == {1}


def test_letters_leave_by_the_address_that_is_free() -> None:
    """The desk refuses what comes from the blocked one, and gets one letter each time."""
    told = events("--scenario", "by-itself", "--lang", "en")
    names = [line["event"] for line in told]
    walk = (
        "mended",
        "requested",
        "sent",
        "acknowledged",
        "answered",
        "escalated",
        "sent",
        "answered",
    )
    assert in_order(names, walk), names
    assert names.count("sent") == 2 and all(e["delivered"] for e in told if e["event"] == "sent")
    (asked,) = [e for e in told if e["event"] == "requested"]
    (again,) = [e for e in told if e["event"] == "escalated"]
    assert asked["by"] is again["by"] is None, "nobody had to confirm"
    answers = [e for e in told if e["event"] in {"acknowledged", "answered"}]
    assert again["letter"]["thread"] == [  # type: ignore[index]
        asked["message_id"], *(e["message_id"] for e in answers[:2])
    ]  # fmt: skip
    assert "S3150" in str(again["text"]) and str(answers[0]["ticket"]) in str(again["letter"])


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_two_addresses_are_asked_for_at_once_and_get_two_verdicts(lang: str) -> None:
    told = events("--scenario", "mixed", "--lang", lang)
    both = {LISTED, CLEAN}
    (requested,) = [e for e in told if e["event"] == "requested"]
    assert {i["value"] for i in requested["identities"]} == both  # type: ignore[attr-defined]
    mixed, rest = [e for e in told if e["event"] == "answered"]
    assert mixed["class"] == "not-qualified"  # the worst of them
    assert verdicts(mixed) == {LISTED: "conditionally-mitigated", CLEAN: "not-qualified"}
    assert verdicts(rest) == {CLEAN: "conditionally-mitigated"}
    (escalated,) = [e for e in told if e["event"] == "escalated"]
    assert [i["value"] for i in escalated["identities"]] == [CLEAN]  # type: ignore[attr-defined]
    accepted = [e for e in told if e["event"] == "probed" and e["result"] == "accepted"]
    assert {e["identity"]["value"] for e in accepted} == both  # type: ignore[index]
    assert {e["case"] for e in told} == {1}


def verdicts(answered: dict[str, object]) -> dict[str, str]:
    found: list[dict[str, Any]] = answered["verdicts"]  # type: ignore[assignment]
    return {v["identity"]["value"]: v["class"] for v in found}


@pytest.mark.parametrize(
    ("scenario", "lang", "words"),
    [
        ("mixed", "ja", f"{LISTED}: 条件付きで緩和されました、{CLEAN}: 緩和の対象外とされました"),
        (
            "mixed",
            "en",
            f"{LISTED}: conditionally mitigated, {CLEAN}: not qualified for mitigation",
        ),
        ("bounced-request", "ja", "依頼のメールが届きませんでした: support@support.hotmail.test"),
        ("bounced-request", "en", "our request did not arrive: support@support.hotmail.test"),
    ],
)
def test_the_screen_tells_each_verdict_and_what_came_back(
    scenario: str, lang: str, words: str
) -> None:
    done = demo("--scenario", scenario, "--lang", lang)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout


def test_the_screen_tells_it_for_a_person() -> None:
    done = demo("--lang", "ja")
    assert done.returncode == 0, done.stderr
    for words in (
        "佐藤「Hotmailのアドレスの方へメールが送れない状況です。どうしましょうか?」",
        "550 SC-001",
        "条件付緩和済み",
        "taro@hotmail.test の受信トレイに届く",
        "届きました。",
    ):
        assert words in done.stdout


def test_the_screen_of_its_page_is_real() -> None:
    page = (ROOT / "docs/demo.md").read_text("utf-8")
    block = re.search(r"^```\n\$ todoku demo --lang en\n((?:.*\n)+?)```$", page, re.M)
    assert block is not None
    assert _masked(demo("--lang", "en").stdout) == _masked(block[1])


@pytest.mark.parametrize("scenario", ["bounced-request", "mixed"])
def test_what_its_page_shows_of_others_is_real(scenario: str) -> None:
    page = (ROOT / "docs/demo.md").read_text("utf-8")
    block = re.search(rf"(?s)`{scenario}`.*?^```\n(.+?)^```$", page, re.M)
    assert block is not None
    shown = _masked(block[1] + "It took").splitlines()
    lines = iter(_masked(demo("--scenario", scenario, "--lang", "en").stdout).splitlines())
    assert len(shown) >= 3
    assert all(line in lines for line in shown)  # in this order


def _masked(screen: str) -> str:
    """Without the number of the ticket, and the seconds that it took."""
    told, took, _ = screen.partition("It took")
    assert took
    return re.sub(r"\bSRX\d{10}ID\b", "SRX0000000000ID", told)


def test_it_touches_nothing_of_the_user_s(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    own = {"HOME": str(home), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    broken = {"TODOKU_MAIL_RELAY": "127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
    events(**own, **broken, TMPDIR=str(tmp_path))
    left = [p.name for p in tmp_path.iterdir()]
    assert left == ["home"]
    assert not (home / ".local").exists()
    assert not (home / ".config").exists()


def test_the_reader_goes_away() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "todoku", "demo", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) == EX_PIPE
    assert process.stderr.read() == ""
    process.stderr.close()


def test_interrupted_it_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "todoku", "demo", "--json", "--lang", "en"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in said
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_scenario() -> None:
    done = demo("--scenario", "stright", "--lang", "en")
    assert done.returncode == 64
    assert "straight" in done.stderr
    assert set(scenarios()) >= {"straight", "declined-first"}


def test_without_the_parts_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todoku.cli.demo.PARTS", ("no_such_part",))
    for command in (demo_command, lab_command):
        ended = CliRunner().invoke(command, ["--lang", "en"], standalone_mode=False)
        assert isinstance(ended.exception, Failure)
        assert ended.exception.code == 69
        assert "pip install 'todoku[server]'" in ended.exception.message
