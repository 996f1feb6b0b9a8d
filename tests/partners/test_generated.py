"""Logs with planted habits: every list that was named is found, and none without a sentence that names it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC
from pathlib import Path

import pytest

from tests.maillogs import SHARED, needs_generator
from tests.partners.worlds import diagnoser, gates
from todoku.diagnosis.blocklists import ListBook
from todoku.knowledge.catalogue import Catalogue
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.partners.learning import Learner

NOW = 1_795_500_000.0


def lists_of(truth: Path) -> set[tuple[str, str]]:
    """Domain and list of all refusals that named one, as the generator tells it."""
    book = ListBook(diagnoser().knowledge.lists)
    out = set()
    for line in truth.read_text().splitlines():
        told = json.loads(line)
        if told.get("blocklist") and told["reply"]:
            entry = book._of_zone(told["blocklist"]) or book._names.get(told["blocklist"])
            id_ = entry.id if entry is not None else told["blocklist"]
            out.add((told["rcpt"].rpartition("@")[2].lower(), id_))
    return out


def same(planted: tuple[str, str], found: tuple[str, str]) -> bool:
    """The generator tells "Spamhaus" where the reply tells which of its lists, and a zone where the
    knowledge has a name."""
    (domain, wanted), (other, list_) = planted, found
    return domain == other and (
        wanted == list_ or list_.startswith(wanted + "-") or f".{list_}." in wanted
    )


@needs_generator
@pytest.mark.parametrize(
    ("form", "lines", "options"),
    [
        ("bsd", 20_000, ["--seed", "3", "--refused", "0.5"]),
        ("iso", 20_000, ["--seed", "7", "--templates", "42", "--refused", "0.5"]),
        ("exim", 8_000, ["--seed", "5", "--templates", "7", "--refused", "0.5"]),
    ],
)
def test_planted_lists_are_found(tmp_path: Path, form: str, lines: int, options: list[str]) -> None:
    log, truth = tmp_path / "log", tmp_path / "truth"
    with log.open("wb") as out:
        subprocess.run(
            [sys.executable, SHARED / "tools" / "gen_maillog.py", "--lines", str(lines), "--format", form, "--truth", truth, *options],
            stdout=out, check=True,
        )  # fmt: skip
    run = Run(Judge(diagnoser()), recipients="off", whole=True)
    learner = Learner(gates(), None)
    for d in Source(run, Clock(NOW, UTC)).read(log.read_bytes()):
        learner.add(d)
    e = learner.take()
    planted = lists_of(truth)
    found = set(e.proofs)
    assert len(planted) > 5
    missed = {p for p in planted if not any(same(p, f) for f in found)}
    assert len(missed) <= 0.01 * len(planted), missed
    for domain, list_ in {f for f in found if not any(same(p, f) for p in planted)}:
        # named by a code, which a rule knows, and which stands in the sentence
        proof = e.proofs[domain, list_]
        rule = Catalogue(diagnoser().knowledge).rules[proof.rule or ""].rule
        assert rule.list == list_
        assert rule.code is None or rule.code.lower() in proof.words.lower()
    lists = {x.id: x for x in diagnoser().knowledge.lists}
    rules = Catalogue(diagnoser().knowledge).rules
    for (_, list_), proof in e.proofs.items():
        entry, owned = lists.get(list_), rules.get(proof.rule or "")
        names = (entry.name, *entry.names, *entry.zones) if entry else (list_,)
        called = any(name.lower() in proof.words.lower() for name in names)
        # else by a code, or "our block list", which a rule of the knowledge knows to be this one
        known = owned is not None and list_ in {owned.rule.list, owned.receiver.id}
        assert called or known, (list_, proof)
    assert not any("rcpt" in p.words for p in e.proofs.values())
