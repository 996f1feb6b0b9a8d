"""Whole ranges: every listed address is found and nothing is lost, and a sweep that was stopped goes
on without asking again."""

from __future__ import annotations

import ipaddress
import random
import signal
import subprocess
import time
from collections import Counter

import pytest

from tests.lists import lies
from tests.lists.command import Command, Done, named
from tests.lists.liar import Liar

BAD, UNKNOWN, INTERRUPTED = 2, 3, 130


def some_of(network: str, number: int) -> list[str]:
    """So many addresses of a range; the same ones each time."""
    net = ipaddress.ip_network(network)
    chosen = random.Random(network).sample(range(net.num_addresses), number)
    return [str(net[n]) for n in sorted(chosen)]


def listed(done: Done) -> list[str]:
    found = [f["identity"]["value"] for f in done.findings if f["state"] == "listed"]
    return sorted(found, key=ipaddress.ip_address)


def about(liar: Liar, network: str, zone: str = "bl.test") -> Counter[str]:
    """How often each address of the range was asked about."""
    net = ipaddress.ip_network(network)
    asked: Counter[str] = Counter()
    for name, times in liar.names(zone, "A").items():
        front = name.removesuffix(f".{zone}").split(".")
        if len(front) == 4 and ipaddress.ip_address(".".join(front[::-1])) in net:
            asked[".".join(front[::-1])] += times
    return asked


def words(liar: Liar, *more: str) -> list[str]:
    return ["--server", str(liar), "--rate", "unlimited", "--zone", "bl.test", *more]


@pytest.mark.parametrize(("network", "number"), [("203.0.114.0/24", 17), ("203.0.112.0/20", 90)])
def test_every_listed_address_is_found(check: Command, network: str, number: int) -> None:
    held = some_of(network, number)
    with Liar({"bl.test": lies.lists(*held, text="why {0}")}) as liar:
        done = check(network, *words(liar, "--only", "listed"))
        asked = about(liar, network)
        assert set(asked) == {str(a) for a in ipaddress.ip_network(network)}
        assert max(asked.values()) == 1
        texts = liar.names("bl.test", "TXT")
    assert done.code == BAD
    assert listed(done) == held
    assert {f["text"] for f in done.findings} == {f"why {lies.front_of(a)}" for a in held}
    assert len(texts) <= number + 1


@pytest.mark.parametrize(("network", "every"), [("203.0.114.0/24", 10), ("203.0.112.0/20", 50)])
def test_lost_packets_are_asked_again(check: Command, network: str, every: int) -> None:
    held = some_of(network, 40)
    with Liar({"bl.test": lies.drops(every, lies.lists(*held))}) as liar:
        done = check(network, *words(liar, "--only", "listed", "--only", "unknown"))
        assert set(about(liar, network)) == {str(a) for a in ipaddress.ip_network(network)}
    assert listed(done) == held
    assert len(done.findings) == len(held)
    assert done.code == BAD


@pytest.mark.slow
def test_what_stays_lost_is_not_known(check: Command) -> None:
    """Half of the packets are lost: some addresses stay unknown, and none is called clean."""
    network = "203.0.114.0/24"
    held = some_of(network, 100)
    with Liar({"bl.test": lies.drops(2, lies.lists(*held))}) as liar:
        done = check(network, *words(liar))
    states = {f["identity"]["value"]: (f["state"], f["cause"]) for f in done.findings}
    assert len(states) == len(done.findings) == 256
    told = {a for a, state in states.items() if state == ("not-listed", None)}
    assert not told & set(held)
    assert set(listed(done)) <= set(held)
    assert set(states.values()) <= {
        ("listed", None),
        ("not-listed", None),
        ("unknown", "timeout"),
    }
    assert len(listed(done)) > 50


def test_a_range_without_only_tells_of_each_address(check: Command) -> None:
    with Liar({"bl.test": lies.lists("203.0.114.5")}) as liar:
        done = check("203.0.114.0/28", *words(liar))
    assert len(done.findings) == 16
    states = Counter(f["state"] for f in done.findings)
    assert states == {"listed": 1, "not-listed": 15}


def test_a_clean_range_is_good_also_where_nothing_is_shown(check: Command) -> None:
    with Liar({"bl.test": lies.lists()}) as liar:
        done = check("203.0.114.0/24", *words(liar, "--only", "listed"))
    assert done.code == 0 and not done.out


@pytest.mark.parametrize(("lie", "cause"), [
    (lies.world(), "list-broken"),
    (lies.empty(), "list-broken"),
    (lies.addresses("127.255.255.254"), "resolver-refused"),
    (lies.addresses("91.195.240.117"), "not-loopback"),
    (lies.fails(lies.REFUSED), "refused"),
])  # fmt: skip
def test_a_list_that_failed_its_test_is_not_asked_about_a_range(
    check: Command, lie: lies.Behaviour, cause: str
) -> None:
    network = "203.0.114.0/24"
    with Liar({"plain.test": lie}) as liar:
        done = check(network, "--resolver", str(liar), *named("plain"))
        assert not about(liar, network, "plain.test")
    assert done.code == UNKNOWN
    # Said once for the whole range, not of each address.
    assert done.state("plain", network) == ("unknown", cause)
    assert len(done.findings) == 1


def test_an_empty_zone_whose_test_point_nobody_promised(check: Command) -> None:
    """It could be a list that has no test point: it is asked, and nothing is believed that it does
    not list."""
    with Liar({"bl.test": lies.empty()}) as liar:
        done = check("203.0.114.0/26", *words(liar))
        assert len(about(liar, "203.0.114.0/26")) == 64
    assert done.code == UNKNOWN
    states = Counter((f["state"], f["cause"]) for f in done.findings)
    assert states == {("unknown", "list-broken"): 64}


def test_a_zone_without_a_test_point_that_lists_something(check: Command) -> None:
    zone = lies.but(lies.lists("203.0.114.9"), {"127.0.0.2": lies.empty()})
    with Liar({"bl.test": zone}) as liar:
        done = check("203.0.114.0/26", *words(liar))
    assert done.code == BAD
    assert listed(done) == ["203.0.114.9"]
    states = Counter((f["state"], f["cause"]) for f in done.findings)
    assert states == {("listed", None): 1, ("not-listed", None): 63}


def test_what_cannot_be_known_of_a_range_is_told(check: Command) -> None:
    odd = {"203.0.114.7": lies.fails(lies.SERVFAIL), "203.0.114.9": lies.addresses("192.0.2.80")}
    with Liar({"bl.test": lies.but(lies.lists(), odd)}) as liar:
        done = check("203.0.114.0/24", *words(liar, "--only", "listed", "--only", "unknown"))
    causes = {f["identity"]["value"]: f["cause"] for f in done.findings}
    assert causes == {"203.0.114.7": "servfail", "203.0.114.9": "not-loopback"}
    assert done.code == UNKNOWN


# ── stopped, and gone on ──────────────────────────────────────────────────────────────────────

RANGE = "203.0.112.0/21"
HELD = some_of(RANGE, 50)


def slow(held: list[str], seconds: float = 0.05) -> lies.Behaviour:
    """64 at once, a twentieth of a second each: the range takes two seconds."""
    return lies.late(seconds, lies.lists(*held))


def stopped(
    check: Command, liar: Liar, how: signal.Signals, after: float
) -> subprocess.Popen[bytes]:
    """A sweep that was stopped in the midst of it, when the liar was asked about enough."""
    process = check.start(RANGE, *words(liar, "--only", "listed"))
    end = time.monotonic() + 20
    while len(liar.log) < 700 and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(after)
    assert process.poll() is None, process.communicate()
    process.send_signal(how)
    return process


def test_interrupted_and_gone_on(check: Command) -> None:
    with Liar({"bl.test": slow(HELD)}) as liar:
        process = stopped(check, liar, signal.SIGINT, 0)
        first = check.end(process, time.monotonic())
        assert first.code == INTERRUPTED
        before = about(liar, RANGE)
        assert 600 < len(before) < 2048
        second = check(RANGE, *words(liar, "--only", "listed"))
        asked = about(liar, RANGE)
    # All is told, that which the first run found as well.
    assert second.code == BAD
    assert listed(second) == HELD
    assert len(asked) == 2048
    # Only what was under way when it stopped may be asked twice.
    again = [a for a, times in asked.items() if times > 1]
    assert len(again) <= 128
    assert max(asked.values()) <= 2


def test_killed_and_gone_on(check: Command) -> None:
    """It is saved every three seconds, and killed after some four of its six."""
    with Liar({"bl.test": slow(HELD, 0.18)}) as liar:
        process = stopped(check, liar, signal.SIGKILL, 2.0)
        process.communicate()
        before = about(liar, RANGE)
        assert 900 < len(before) < 2048
        second = check(RANGE, *words(liar, "--only", "listed"))
        asked = about(liar, RANGE)
    assert second.code == BAD
    assert listed(second) == HELD
    assert len(asked) == 2048
    # What was answered since the last save is asked again, and no more than that.
    again = [a for a, times in asked.items() if times > 1]
    assert 0 < len(again) < len(before) / 2
    assert max(asked.values()) <= 2


def test_begun_anew_where_the_user_wants_it(check: Command) -> None:
    with Liar({"bl.test": slow(HELD)}) as liar:
        process = stopped(check, liar, signal.SIGINT, 0)
        check.end(process, time.monotonic())
        liar.forget()
        done = check(RANGE, *words(liar, "--only", "listed", "--restart"))
        assert len(about(liar, RANGE)) == 2048
    assert listed(done) == HELD


def test_a_finished_sweep_is_asked_anew(check: Command) -> None:
    with Liar({"bl.test": lies.lists("203.0.114.9")}) as liar:
        more = words(liar, "--only", "listed")
        assert listed(check("203.0.114.0/25", *more)) == ["203.0.114.9"]
        liar.forget()
        assert listed(check("203.0.114.0/25", *more)) == ["203.0.114.9"]
        assert len(about(liar, "203.0.114.0/25")) == 128


def test_two_sweeps_of_one_range_at_the_same_time(check: Command) -> None:
    with Liar({"bl.test": slow(HELD)}) as liar:
        start = time.monotonic()
        running = [check.start(RANGE, *words(liar, "--only", "listed")) for _ in range(2)]
        results = [check.end(process, start) for process in running]
    for done in results:
        assert done.code == BAD
        assert listed(done) == HELD


def test_the_budget_ends_a_sweep_and_tomorrow_is_another_day(check: Command) -> None:
    with Liar({"shared.test": lies.lists("203.0.114.9")}) as liar:
        done = check("203.0.114.0/24", "--resolver", str(liar), *named("shared"))
        asked = about(liar, "203.0.114.0/24", "shared.test")
        assert 30 <= len(asked) <= 60
        assert len(liar.log) <= 60
    states = Counter((f["state"], f["cause"]) for f in done.findings)
    assert states["unknown", "budget"] == 256 - len(asked)
    assert done.code in {BAD, UNKNOWN}
