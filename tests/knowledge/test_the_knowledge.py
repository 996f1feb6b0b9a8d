"""The shipped knowledge itself: clean, complete, the same in both engines, never slow."""

from __future__ import annotations

import json
import re
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from todoku.diagnosis import Diagnoser
from todoku.knowledge import check, match
from todoku.knowledge.compiling import compile_files
from todoku.knowledge.files import DATA, files, read_toml, shape_of
from todoku.knowledge.schema import Compiled, Receiver
from todoku.model import Refusal, Remote
from todoku.reading.reply import parse

SHARED = Path(__file__).resolve().parents[3] / "shared"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the corpora and facts (../shared) are not on this machine"
)


@pytest.fixture(scope="module")
def knowledge() -> Compiled:
    return compile_files(DATA)


def test_every_rule_wins_its_examples() -> None:
    assert check.problems(DATA) == []


def receivers() -> Iterator[Receiver]:
    for path in files(DATA):
        if shape_of(path) is Receiver:
            yield read_toml(path, Receiver)


def test_both_languages_are_written() -> None:
    """A Japanese text holds Japanese, an English one does not."""
    kana = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
    for path in files(DATA):
        data = tomllib.loads(path.read_text())
        for name, text in data.get("texts", {}).items():
            assert kana.search(text["ja"]), f"{path.name}: texts.{name}"
            assert not kana.search(text["en"]), f"{path.name}: texts.{name}"


def test_what_blocks_an_address_has_a_way_out_or_says_that_there_is_none(
    knowledge: Compiled,
) -> None:
    diagnose = Diagnoser(knowledge, scan=match.pure(knowledge))
    for r in receivers():
        for rule in r.rules:
            for example in rule.examples:
                d = diagnose(check.refusal_of(example))
                if d.reason in ("listed", "reputation"):
                    assert d.removal is not None, f"{r.id}/{rule.id}"
                assert d.remedy, f"{r.id}/{rule.id}"


@needs_shared
def test_every_published_reply_is_understood_by_a_rule(knowledge: Compiled) -> None:
    """All replies of the facts, from a host of their receiver: never by their code alone."""
    diagnose = Diagnoser(knowledge, scan=match.pure(knowledge))
    hosts = {r.id: r.hosts[0] for r in knowledge.receivers if r.hosts}
    missing = []
    for line in (SHARED / "facts" / "receivers.jsonl").read_text().splitlines():
        row = json.loads(line)
        if "example" not in row:
            continue
        host = hosts.get(row["receiver"], "").replace("*.", "mx.").translate({42: "1", 63: "1"})
        text, code = row["example"], row["code"]
        if re.fullmatch(r"[45]\.\d\.\d{1,3}", code) and code not in text:
            text = f"{row.get('reply', '550')} {code} {text}"  # some are quoted without it
        got = parse(text)
        refusal = Refusal(reply=got.reply, notice=got.notice, remote=Remote(host or None))
        if diagnose(refusal).rule is None:
            missing.append((row["receiver"], row["code"], row["example"]))
    assert missing == []


def texts() -> list[str]:
    out = [e.text for r in receivers() for rule in r.rules for e in rule.examples]
    corpus = SHARED / "corpora" / "bounces"
    if corpus.is_dir():
        out += [json.loads(x)["text"] for x in (corpus / "replies.jsonl").read_text().splitlines()]
        reference = (corpus / "reference.jsonl").read_text().splitlines()
        out += [json.loads(x)["diagnosticcode"] or "" for x in reference]
    return out


def test_the_pure_engine_gives_the_same_answers(
    knowledge: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TODOKU_PURE", raising=False)
    monkeypatch.setenv("TODOKU_CACHE", str(tmp_path))
    fast = match.build(knowledge)
    if fast is None:
        pytest.skip("hyperscan has no wheel for this machine")
    one = Diagnoser(knowledge, scan=fast)
    other = Diagnoser(knowledge, scan=match.pure(knowledge))
    for text in texts():
        got = parse(text)
        for recipient in (None, "a@hotmail.com", "a@docomo.ne.jp"):
            refusal = Refusal(reply=got.reply, notice=got.notice, recipient=recipient)
            assert one(refusal) == other(refusal), text


def test_what_is_looked_for_later_stands_below_what_spares_it(knowledge: Compiled) -> None:
    """A winner above `highest_of_rest` ends the search: nothing of the rest may reach it."""
    later = match.rest(knowledge)
    judge = Diagnoser(knowledge, scan=match.pure(knowledge))
    assert len(knowledge.patterns) // 5 < len(later) < len(knowledge.patterns) // 2
    assert all(judge.rules.standing(p).rank <= judge.rules.highest_of_rest for p in later)
    owners = {knowledge.owner[knowledge.rule_of[p]] for p in later}
    others = set(range(len(knowledge.receivers))) - owners
    homes = frozenset[int]().union(*(judge.receivers.family[i] for i in others))
    assert not owners & homes, "somebody's own, and so raised"


HOSTILE = [
    "550 " + unit * 200
    for unit in ("a", "1.", "[", "<a@", "a.b-", "x@y.", ":", " - ", "https://a/", "AS1", "blocked ")
] + ["550 5.7.1 " + "client [" * 60 + "192.0.2." * 60, "550 " + "宛先" * 200]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: t[4:14])
def test_no_pattern_grows_faster_than_the_text(knowledge: Compiled, text: str) -> None:
    """Four times the text: about four times the work of all patterns together, never sixteen."""
    expressions = match.Expressions(knowledge.patterns)
    for i in range(len(knowledge.patterns)):
        expressions[i].search(b"")

    def cost(raw: bytes) -> float:
        best = 9.0
        for _ in range(2):
            begin = time.perf_counter()
            for i in range(len(knowledge.patterns)):
                expressions[i].search(raw)
            best = min(best, time.perf_counter() - begin)
        return best

    # Another process can take the core away: one quiet measurement out of three is enough.
    raw, four = text.encode(), (text * 4).encode()
    assert any(cost(four) < 9 * cost(raw) + 0.01 for _ in range(3))
