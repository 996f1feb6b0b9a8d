"""`todoku knowledge`: check, show, explain."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from todoku.cli import main
from todoku.knowledge import files, load
from todoku.knowledge.check import problems

BLOCKED = "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent."
RULE = """\
schema = 1
id = "partner"
name = { ja = "取引先", en = "Partner" }
hosts = ["*.partner.example"]
origin = "own observation"
licence = "facts"
[[rules]]
id = "r4711"
phrases = ["Rejected: rule 4711"]
reason = "policy"
source = ["own observation"]
examples = [{ text = "550 5.7.1 Rejected: rule 4711", host = "mx.partner.example" }]
"""


@pytest.fixture(autouse=True)
def quiet_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TODOKU_PURE", "1")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The package's knowledge with one receiver only, which is quickly checked."""
    folder = tmp_path / "base"
    (folder / "receivers").mkdir(parents=True)
    for name in ("reasons.toml", "texts.toml", "identities.toml"):
        (folder / name).write_bytes((files.DATA / name).read_bytes())
    (folder / "receivers" / "microsoft-consumer.toml").write_text(
        'schema = 1\nid = "microsoft-consumer"\nname = { ja = "M", en = "M" }\n'
        'hosts = ["*.hotmail.com"]\n'
    )
    return folder


def run(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["knowledge", *words], input=stdin)


def told(*words: str) -> Any:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


# ── show ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "what", "found"),
    [
        ("microsoft-consumer", "receiver", "microsoft-consumer"),
        ("microsoft-consumer/sc-001", "rule", "microsoft-consumer/sc-001"),
        ("SC-001", "rule", "microsoft-consumer/sc-001"),
        ("microsoft-consumer/support", "desk", "microsoft-consumer/support"),
        ("zen.spamhaus.org", "list", "spamhaus-zen"),
        ("Spamhaus PBL", "list", "spamhaus-pbl"),
        ("reverse-dns", "reason", "reverse-dns"),
        ("hotmail.com", "receiver", "microsoft-consumer"),
    ],
)
def test_show_by_whatever_it_is_called(name: str, what: str, found: str) -> None:
    got = told("show", name)
    assert (got["v"], got["what"], got["name"]) == (1, what, found)
    assert got[what]
    for lang in ("ja", "en"):
        done = run("show", name, "--lang", lang)
        assert done.exit_code == 0
        assert found in done.stdout


def test_show_everything() -> None:
    got = told("show")
    assert "microsoft-consumer" in [r["id"] for r in got["receivers"]]
    assert "microsoft-consumer/sc-001" in got["rules"]
    text = run("show").stdout
    for name in ("microsoft-consumer", "spamhaus-zen", "reverse-dns"):
        assert name in text


@pytest.mark.parametrize(
    ("name", "near"),
    [("microsoft-consumr", "microsoft-consumer"), ("spamhaus-zne", "spamhaus-zen"), ("zzzzqq", "")],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, near: str) -> None:
    done = run("show", name)
    assert done.exit_code == 1
    assert near in done.stderr
    assert "knowledge show" in done.stderr


# ── explain ───────────────────────────────────────────────────────────────────────────────────


def test_explain_names_the_winner_and_the_receiver() -> None:
    got = told("explain", BLOCKED)
    assert got["matches"][0]["rule"] == got["diagnosis"]["rule"] == "microsoft-consumer/sc-001"
    assert "SC-001" in got["matches"][0]["words"]
    assert ("mark", "microsoft-consumer") in [(s["by"], s["receiver"]) for s in got["signs"]]


def test_explain_takes_host_and_recipient() -> None:
    text = "550 5.1.1 user unknown"
    got = told("explain", text, "--host", "mx1.hotmail.com", "--recipient", "a@hotmail.com")
    assert next((s["by"], s["receiver"]) for s in got["signs"]) == ("host", "microsoft-consumer")
    assert got["diagnosis"]["recipient"] == "a@hotmail.com"


def test_explain_in_words() -> None:
    for lang, words in (("en", "wins (reason:"), ("ja", "を採用しました")):
        done = run("explain", BLOCKED, "--lang", lang)
        assert done.exit_code == 0
        assert words in done.stdout
    assert run("explain", "-", stdin=BLOCKED).stdout == run("explain", BLOCKED).stdout


def test_explain_a_rule_by_its_name() -> None:
    assert "bold" not in run("explain", "microsoft-consumer/sc-001").stdout
    assert told("explain", "microsoft-consumer/sc-001")["what"] == "rule"


def test_explain_nothing() -> None:
    assert run("explain", "-", stdin="").exit_code == 64


def test_rules_that_cannot_count_are_told_with_the_reason() -> None:
    from todoku.diagnosis import Diagnoser
    from todoku.diagnosis.explain import explain
    from todoku.model import Refusal, Reply

    knowledge = load.knowledge()
    known = next(i for i, r in enumerate(knowledge.rules) if r.known and r.phrases)
    words = knowledge.rules[known].phrases[0]
    told = explain(Diagnoser(knowledge), Refusal(reply=Reply(550, None, f"550 {words}")))
    owner = knowledge.receivers[knowledge.owner[known]].id
    left = {m.rule: m.left_out for m in told.matches}
    assert left[f"{owner}/{knowledge.rules[known].id}"] in {"receiver-not-known", None}
    counted = [m for m in told.matches if m.left_out is None]
    assert [m.standing for m in counted] == sorted((m.standing for m in counted), reverse=True)


# ── new rules ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "more", "receiver"),
    [
        ("550 5.7.1 Rejected: rule 4711 at mx.partner.example", [], "new-receiver"),
        ("550 5.7.1 zorble quux", ["--host", "mx1.partner.co.jp"], "partner-co-jp"),
        ("550 5.7.1 zorble quux", ["--host", "mx2.hotmail.com"], "microsoft-consumer"),
        ('550 5.7.1 "quoted" \\ back\x1b[2J 拒否', ["--recipient", "a@x.example"], "x-example"),
    ],
)
def test_a_proposed_rule_is_a_knowledge_file_that_wins_its_example(
    text: str, more: list[str], receiver: str, tmp_path: Path, base: Path
) -> None:
    done = run("explain", text, "--new", *more)
    assert done.exit_code == 0
    assert tomllib.loads(done.stdout)["id"] == receiver
    assert f"{receiver}.toml" in done.stderr
    folder = tmp_path / "over" / "receivers"
    folder.mkdir(parents=True)
    (folder / f"{receiver}.toml").write_text(done.stdout)
    assert problems(base, [tmp_path / "over"]) == []


# ── check ─────────────────────────────────────────────────────────────────────────────────────


def test_check_a_folder(tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "DATA", base)
    over = tmp_path / "over"
    (over / "receivers").mkdir(parents=True)
    path = over / "receivers" / "partner.toml"
    path.write_text(RULE)
    done = run("check", str(over))
    assert done.exit_code == 0
    assert "(1 rules, 1 examples, 0 lists)" in done.stdout
    path.write_text(RULE.replace('reason = "policy"', 'reason = "polizy"'))
    done = run("check", str(over), "--json")
    assert done.exit_code == 1
    (problem,) = json.loads(done.stdout)["problems"]
    assert "partner/r4711" in problem
    assert "polizy" in problem
    path.write_text(RULE.replace('Rejected: rule 4711"]', 'Rejected: rule 9"]'))
    done = run("check", str(over))
    assert done.exit_code == 1
    assert f"{path}:7: rule partner/r4711: its example is not matched" in done.stdout


def test_check_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert run("check", str(tmp_path / "none")).exit_code == 64
