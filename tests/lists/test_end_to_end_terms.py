"""What a user may wish for and what an operator permits: rates, zones, keys; and a plan that knows
what other runs left."""

from __future__ import annotations

import json
import signal
import time

from tests.lists import lies
from tests.lists.command import Command, named
from tests.lists.liar import Liar

IP = "203.0.114.9"
FRONT = "9.114.0.203"
KEY = "k3yoftests"
MANY = [f"203.0.114.{n}" for n in range(1, 121)]


# ── rates ─────────────────────────────────────────────────────────────────────────────────────


def asked_within_two_seconds(check: Command, *words: str) -> tuple[int, str]:
    with Liar({"slow.test": lies.lists()}) as liar:
        done = check(*MANY, "--resolver", str(liar), *named("slow"), "--deadline", "2", *words)
        return len(liar.log), done.err


def test_nobody_is_asked_faster_than_permitted_and_it_is_said(check: Command) -> None:
    number, said = asked_within_two_seconds(check, "--rate", "100")
    assert 50 <= number <= 50 + 5 * 2 + 1
    assert "at most 5 questions a second are permitted" in said and "--agreed" in said


def test_who_has_an_agreement_says_so(check: Command) -> None:
    number, said = asked_within_two_seconds(check, "--rate", "1000", "--agreed")
    assert number == 120 + 3 and not said


def test_a_slower_rate_is_anybodys_choice(check: Command) -> None:
    number, said = asked_within_two_seconds(check, "--rate", "1")
    assert number <= 20 + 2 and not said


# ── zones ─────────────────────────────────────────────────────────────────────────────────────


def test_the_zone_that_was_named_is_asked(check: Command) -> None:
    zones = {"double.test": lies.lists(), "second.test": lies.lists(IP)}
    with Liar(zones) as liar:
        words = (IP, "--resolver", str(liar))
        second = check(*words, "--zone", "Second.test.")
        assert second.state("double") == ("listed", None)
        assert second.of("double")["zone"] == "second.test"
        assert not liar.names("double.test")
        # Its answers and its health are its own.
        liar.forget()
        first = check(*words, *named("double"))
        assert first.state("double") == ("not-listed", None)
        assert first.of("double")["zone"] == "double.test"
        assert liar.count("2.0.0.127.double.test", "A") == 1
        assert not liar.names("second.test")


def test_a_sweep_of_another_zone_is_another_sweep(check: Command) -> None:
    def slow(*held: str) -> lies.Behaviour:
        return lies.late(0.05, lies.lists(*held))

    with Liar({"double.test": slow(), "second.test": slow("203.0.112.77")}) as liar:
        words = ("203.0.112.0/22", "--only", "listed", "--server", str(liar), "--rate", "unlimited")
        process = check.start(*words, "--zone", "double.test")
        while len(liar.log) < 500:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        check.end(process, time.monotonic())
        assert len(set(liar.names("double.test"))) < 1024
        done = check(*words, "--zone", "second.test")
        assert len({n for n in liar.names("second.test") if n.endswith(".203.second.test")}) == 1024
    assert [f["identity"]["value"] for f in done.findings] == ["203.0.112.77"]


def test_two_zones_of_one_list_are_not_mixed(check: Command) -> None:
    with Liar({}, otherwise=lies.world()) as liar:
        words = (IP, "--resolver", str(liar), "--zone", "double.test", "--zone", "second.test")
        done = check(*words)
        assert not liar.log
    assert done.code == 64 and not done.out
    assert "double.test, second.test are zones of one list" in done.err


def test_a_zone_that_opens_to_a_key_alone_needs_it(check: Command) -> None:
    check.secrets.append(KEY)
    zones = {
        "lockable.test": lies.lists(),
        "keyed.test": lies.keyed(KEY, lies.lists(IP), lies.fails(lies.REFUSED)),
    }
    with Liar(zones) as liar:
        words = (IP, "--resolver", str(liar), "--zone")
        assert check(*words, "keyed.test").state("lockable") == ("unknown", "no-key")
        assert not liar.log
        check.set(lists_keys=f"tests-key={KEY}")
        assert check(*words, "keyed.test").state("lockable") == ("listed", None)
        # Whoever names the open zone wants that one, and sends it no key.
        assert check(*words, "lockable.test").state("lockable") == ("not-listed", None)
        assert not [n for n in liar.names("lockable.test") if KEY in n]


# ── keys ──────────────────────────────────────────────────────────────────────────────────────


def test_a_new_key_is_tested_anew(check: Command) -> None:
    """What the old one was told is not believed of the new one, which may not open."""
    other = "an0therkey"
    check.secrets += [KEY, other]
    zone = lies.keyed(KEY, lies.lists(), lies.fails(lies.REFUSED))
    with Liar({"locked.test": zone}) as liar:
        words = (IP, "--resolver", str(liar), *named("locked"))
        check.set(lists_keys=f"tests-key={KEY}")
        assert check(*words).state("locked") == ("not-listed", None)
        liar.forget()
        assert check(*words).state("locked") == ("not-listed", None)
        assert not liar.log
        check.set(lists_keys=f"tests-key={other}")
        done = check(*words)
        assert done.state("locked") == ("unknown", "refused")
        assert done.of("locked")["health"] == "failed"
    for file in check.data.iterdir():
        assert KEY.encode() not in file.read_bytes() and other.encode() not in file.read_bytes()


# ── plans ─────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_knows_what_was_asked_today_and_what_a_stopped_sweep_has(check: Command) -> None:
    def plan(*words: str) -> dict[str, float]:
        (row,) = json.loads(check(*words, "--plan", as_json=False).out)["lists"]
        return dict(row)

    with Liar({"slow.test": lies.lists(), "few.test": lies.lists()}) as liar:
        words = ("203.0.114.0/24", "--json", "--resolver", str(liar))
        slow, few = named("slow"), named("few")
        # A sweep leaves a fifth of the burst of 50 to others.
        assert plan(*words, *slow)["questions"] == 259
        assert plan(*words, *slow)["seconds"] == (259 - 40) / 5
        check(*words, *slow, "--deadline", "2", as_json=False)
        left = 259 - len([n for n in liar.names("slow.test") if n.endswith(".203.slow.test")])
        then = plan(*words, *slow)
        assert then["questions"] == left < 259 - 30
        assert (left - 40) / 5 < then["seconds"] <= left / 5 + 10
        assert plan(*words, *slow, "--restart")["questions"] == 259
        # Twenty a day, of which a few are used.
        assert plan(IP, *words[1:], *few)["days"] == 1
        check(*MANY[:15], *words[1:], *few, as_json=False)
        assert plan(IP, *words[1:], *few)["days"] == 2


def test_a_plan_counts_the_addresses_of_host_names(check: Command) -> None:
    with Liar({}) as liar:
        words = ("mx.name.jp", "--plan", "--resolver", str(liar), *named("six", "names"))
        told = json.loads(check(*words, "--json", as_json=False).out)
        assert {row["list"]: row["questions"] for row in told["lists"]} == {"six": 5, "names": 4}
        assert told["hosts"] == 1
        screen = check(*words, as_json=False)
        assert "counted as one IPv4 and one IPv6 address" in " ".join(screen.out.split())
        assert not liar.log
