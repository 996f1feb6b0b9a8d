"""A resolver that is silent, refuses or fails: nothing is taken for absent, and nothing hidden."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.preflight.world import NEW, SUBJECT, good, knowledge, serving, world
from todoku.knowledge.schema import Compiled
from todoku.lab.clock import RealClock
from todoku.lab.zones import Zones, txt
from todoku.lists import wire
from todoku.lists.values import Server
from todoku.preflight.dns import Resolver
from todoku.preflight.report import made
from todoku.preflight.running import Run
from todoku.preflight.values import EXIT, Report


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return knowledge(tmp_path_factory.mktemp("knowledge"))


@contextmanager
def silent() -> Iterator[Server]:
    """A port that takes questions and never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        yield Server("127.0.0.1", sock.getsockname()[1])


def report(server: Server, known: Compiled, deadline: float) -> Report:
    run = Run(SUBJECT, world(server, known, deadline=deadline), "en")
    list(run)
    return made(run, time.time())


def all_unknown(r: Report) -> None:
    known = [(c.id, c.about, c.state, c.finding) for c in r.checks if c.state != "unknown"]
    assert known == []
    assert r.verdict == "unknown"
    assert EXIT[r.verdict] == 3
    assert r.letter is None


def test_a_resolver_that_never_answers(known: Compiled) -> None:
    with silent() as server:
        began = time.monotonic()
        r = report(server, known, 2.0)
        took = time.monotonic() - began
    all_unknown(r)
    assert took < 4.0, "done within the deadline, and the checks that follow"
    # Everything that a good world has is there, unknown and with its question.
    with serving(good()) as server:
        whole = report(server, known, 8.0)
    assert sorted(c.id for c in r.checks) == sorted(c.id for c in whole.checks)
    for c in r.checks:
        if c.cause == "unanswered" and c.id in {"ptr", "spf", "mx", "dmarc"}:
            assert any(a.outcome == "unknown" for a in c.evidence), c.id


def test_a_resolver_that_refuses_everything(known: Compiled) -> None:
    with serving(Zones(RealClock())) as server:
        r = report(server, known, 8.0)
    all_unknown(r)
    spf = next(c for c in r.checks if c.id == "spf")
    assert "REFUSED" in spf.found


def test_one_zone_that_fails_leaves_the_others_told(known: Compiled) -> None:
    """Only what lies below provider.net is refused: an SPF record that includes it is not known,
    and never "does not cover"."""
    zones = good()
    zones.drop("ours.jp", wire.TXT)
    zones.add("ours.jp", txt("v=spf1 include:spf.elsewhere.org -all"))
    with serving(zones) as server:
        r = report(server, known, 8.0)
    found = {(c.id, c.about): (c.state, c.finding) for c in r.checks}
    assert found["spf", "ours.jp"] == ("unknown", "silent")
    assert found["spf", "second.jp"] == ("ok", "ok")
    assert found["alignment", "ours.jp"] == ("unknown", "open")
    assert found["ptr", NEW] == ("ok", "ok")
    assert r.verdict == "unknown"


def test_what_is_bad_stays_bad_though_much_is_not_known(known: Compiled) -> None:
    zones = good()
    del zones.lists["pf-abuse.test"]
    zones._apexes.remove("pf-abuse.test")
    zones.drop("ours.jp", wire.TXT)
    with serving(zones) as server:
        r = report(server, known, 8.0)
    found = {(c.id, c.about): c.state for c in r.checks}
    assert found["lists", NEW] == "unknown"
    assert found["spf", "ours.jp"] == "bad"
    assert r.verdict == "no-go"


def test_the_resolver_is_given_up_after_three_lost_questions() -> None:
    with silent() as server:
        ask = Resolver((server,), 60.0, wait=0.05)
        began = time.monotonic()
        why = [ask(f"n{n}.ours.jp", "A").why for n in range(50)]
        assert time.monotonic() - began < 2.0
    assert why[:3] == ["timeout"] * 3
    assert set(why[3:]) == {"cut-off"}
