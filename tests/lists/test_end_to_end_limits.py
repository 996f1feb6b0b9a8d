"""Kept answers, deadlines, budgets, and resolvers that do not serve: what is asked again, and when
a run ends."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.lists import lies, servers
from tests.lists.command import Command, named
from tests.lists.liar import Liar

IP = "203.0.114.9"
FRONT = "9.114.0.203"
GOOD, WARNING, BAD, UNKNOWN = range(4)


# ── kept answers ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("held", [True, False])
def test_an_answer_is_kept_for_its_time(check: Command, held: bool) -> None:
    zone = lies.lists(*([IP] if held else []), ttl=2, negative=2)
    with Liar({"plain.test": zone}) as liar:
        words = (IP, "--resolver", str(liar), *named("plain"))
        first = check(*words)
        liar.forget()
        second = check(*words)
        assert not liar.log
        told = ("state", "codes", "text", "entries", "at", "asked", "health")
        assert [second.of("plain")[t] for t in told] == [first.of("plain")[t] for t in told]
        assert second.code == first.code
        check(*words, "--fresh")
        assert liar.count(f"{FRONT}.plain.test", "A") == 1
        assert liar.count("2.0.0.127.plain.test", "A") == 1
        liar.forget()
        time.sleep(2.1)
        check(*words)
        assert liar.count(f"{FRONT}.plain.test", "A") == 1
        # Health holds for longer.
        assert liar.count("2.0.0.127.plain.test", "A") == 0


def test_what_was_not_known_is_asked_again(check: Command) -> None:
    zone = lies.but(lies.lists(), {IP: lies.then(lies.fails(lies.SERVFAIL), lies.lists(IP))})
    with Liar({"plain.test": zone}) as liar:
        words = (IP, "--resolver", str(liar), *named("plain"))
        assert check(*words).state("plain") == ("unknown", "servfail")
        assert check(*words).state("plain") == ("listed", None)


def test_another_upstream_does_not_inherit_answers(check: Command) -> None:
    with Liar({"plain.test": lies.lists(IP)}) as one, Liar({"plain.test": lies.lists()}) as two:
        words = (IP, *named("plain"), "--resolver")
        assert check(*words, str(one)).state("plain") == ("listed", None)
        assert check(*words, str(two)).state("plain") == ("not-listed", None)


def test_since_when(check: Command) -> None:
    with Liar({"plain.test": lies.lists(IP, ttl=0)}) as liar:
        words = (IP, "--resolver", str(liar), *named("plain"))
        first = check(*words).of("plain")
        time.sleep(1.1)
        second = check(*words).of("plain")
    assert second["at"] > first["at"]
    assert second["first_seen"] == first["first_seen"] is not None
    assert first["first_seen"] <= first["at"]


@pytest.mark.parametrize("trouble", ["a file is in the way", "it is no database", "it is cut off"])
def test_where_nothing_can_be_kept_it_is_asked_all_the_same(check: Command, trouble: str) -> None:
    with Liar({"plain.test": lies.lists(IP)}) as liar:
        words = (IP, "--resolver", str(liar), *named("plain"))
        if trouble == "a file is in the way":
            check.data.write_text("not a folder")
        else:
            check(*words)
            (kept,) = [p for p in check.data.iterdir() if p.suffix in {".db", ".sqlite"}]
            whole = kept.read_bytes()
            broken = (
                b"nonsense" * 1000 if trouble == "it is no database" else whole[: len(whole) // 2]
            )
            kept.write_bytes(broken)
        before = {p: p.read_bytes() for p in check.data.rglob("*") if p.is_file()}
        liar.forget()
        done = check(*words)
        assert done.state("plain") == ("listed", None)
        assert done.code == BAD
        assert liar.count(f"{FRONT}.plain.test", "A") == 1
        assert str(check.data) in done.err
        # What a person may still want to save is left as it was.
        assert before == {p: p.read_bytes() for p in before if p.exists()}


# ── deadlines ───────────────────────────────────────────────────────────────────────────────────────


def test_what_is_late_is_not_known_and_the_command_ends_in_time(check: Command) -> None:
    zones = {"plain.test": lies.lists(IP), "other.test": lies.late(6, lies.lists(IP))}
    with Liar(zones) as liar:
        done = check(IP, "--resolver", str(liar), *named("plain", "other"), "--deadline", "1")
    assert done.state("plain") == ("listed", None)
    assert done.state("other") == ("unknown", "timeout")
    assert done.code == BAD
    assert done.took < 5


def test_a_list_that_may_be_asked_slowly(check: Command) -> None:
    """Five questions a second after a burst of fifty: what is late is not known, and nothing is
    asked faster."""
    many = [f"203.0.114.{n}" for n in range(1, 121)]
    with Liar({"slow.test": lies.lists()}) as liar:
        done = check(*many, "--resolver", str(liar), *named("slow"), "--deadline", "3")
        times = sorted(q.at for q in liar.log)
    states = Counter((f["state"], f["cause"]) for f in done.findings)
    assert set(states) == {("not-listed", None), ("unknown", "timeout")}
    assert sum(states.values()) == 120
    assert done.took < 7
    assert 50 < len(times) <= 50 + 5 * 3 + 1
    assert states["not-listed", None] == len(times) - 3
    # A second run has no burst of its own.
    with Liar({"slow.test": lies.lists()}, port=liar.port) as liar:
        check(*many, "--resolver", str(liar), *named("slow"), "--deadline", "1", "--fresh")
        assert len(liar.log) <= 5 * (1 + 4.5)
    assert done.code == UNKNOWN


# ── budgets ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_budget_that_is_used_up(check: Command) -> None:
    many = [f"203.0.114.{n}" for n in range(1, 31)]
    with Liar({"few.test": lies.lists()}) as liar:
        words = ("--resolver", str(liar), *named("few"))
        done = check(*many, *words)
        states = [(f["state"], f["cause"]) for f in done.findings]
        assert len(liar.log) <= 20
        known = states.count(("not-listed", None))
        assert known >= 10
        assert states.count(("unknown", "budget")) == 30 - known
        assert done.code == UNKNOWN
        liar.forget()
        # Used up for the day, for every run.
        again = check("203.0.115.1", *words)
        assert again.state("few") == ("unknown", "budget")
        assert not liar.log
        # Another list has its own.
        with Liar({"plain.test": lies.lists()}) as other:
            done = check("203.0.115.1", "--resolver", str(other), *named("plain"))
            assert done.code == GOOD


def test_two_processes_share_a_budget(check: Command) -> None:
    def many(net: int) -> list[str]:
        return [f"203.0.{net}.{n}" for n in range(1, 61)]

    with Liar({"shared.test": lies.late(0.05, lies.lists())}) as liar:
        words = ("--resolver", str(liar), *named("shared"))
        start = time.monotonic()
        running = [check.start(*many(net), *words) for net in (114, 115, 116)]
        results = [check.end(process, start) for process in running]
        assert len(liar.log) <= 60
    states = [(f["state"], f["cause"]) for done in results for f in done.findings]
    assert len(states) == 180
    assert set(states) == {("not-listed", None), ("unknown", "budget")}
    assert states.count(("not-listed", None)) >= 30


# ── resolvers ───────────────────────────────────────────────────────────────────────────────────────


def sentence(text: str) -> str:
    """The one line that was said."""
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.parametrize("kind", ["closed", "silent"])
def test_a_resolver_that_does_not_answer(check: Command, kind: str) -> None:
    zones = {f"{name}.test": lies.silent() for name in ("plain", "other", "six")}
    with Liar(zones) as liar:
        where = str(liar) if kind == "silent" else f"127.0.0.1:{servers.free_port()}"
        done = check(IP, "--resolver", where, *named("plain", "other", "six"), "--deadline", "2")
    assert done.code == UNKNOWN
    assert where in sentence(done.err)
    assert {(f["state"], f["cause"]) for f in done.findings} <= {("unknown", "timeout")}
    assert done.took < 8


def test_a_resolver_that_has_gone_away(check: Command) -> None:
    """Health is still known from before; that nothing is heard now is said all the same."""
    with Liar({"plain.test": lies.lists(ttl=0, negative=0)}) as liar:
        words = (IP, "--resolver", str(liar), *named("plain"))
        assert check(*words).code == GOOD
    done = check(*words, "--deadline", "2")
    assert done.code == UNKNOWN
    assert done.state("plain") == ("unknown", "timeout")
    assert str(liar) in sentence(done.err)


def test_a_resolver_that_is_turned_away_is_told_once(check: Command) -> None:
    zones = dict.fromkeys(
        ["plain.test", "other.test", "six.test"], lies.addresses("127.255.255.254")
    )
    with Liar(zones) as liar:
        done = check(IP, "--resolver", str(liar), *named("plain", "other", "six"))
    assert {(f["state"], f["cause"]) for f in done.findings} == {("unknown", "resolver-refused")}
    assert done.code == UNKNOWN
    assert str(liar) in sentence(done.err)


def test_only_silence_on_all_of_them_condemns_a_resolver(check: Command) -> None:
    with Liar({"plain.test": lies.lists(), "other.test": lies.silent()}) as liar:
        done = check(IP, "--resolver", str(liar), *named("plain", "other"), "--deadline", "1")
    assert done.state("plain") == ("not-listed", None)
    assert done.state("other") == ("unknown", "timeout")
    assert str(liar) not in done.err
