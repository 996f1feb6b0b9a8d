"""The table: what a list does, and what `todoku check` makes of it. Beside each list stands one that
is healthy, which no lie may harm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.lists import lies, overlay
from tests.lists.command import Command, named
from tests.lists.liar import Liar

IP = "203.0.114.9"
GOOD, WARNING, BAD, UNKNOWN = range(4)


class Row(NamedTuple):
    """A list, and the finding that `IP` gets there when it is asked beside a healthy one."""

    name: str
    behaviour: lies.Behaviour
    state: str
    cause: str | None
    code: int
    codes: tuple[str, ...] = ()
    partial: bool = False
    health: str = "ok"
    settings: Mapping[str, str] = MappingProxyType({})
    """Of the list, for `overlay.entry`."""


def odd(behaviour: lies.Behaviour) -> lies.Behaviour:
    """A list in good health that behaves like this about `IP` alone."""
    return lies.but(lies.lists(), {IP: behaviour})


def clear(name: str, behaviour: lies.Behaviour, **settings: str) -> Row:
    return Row(name, behaviour, "not-listed", None, GOOD, settings=settings)


def listed(
    name: str, behaviour: lies.Behaviour, *codes: str, code: int = BAD, partial: bool = False
) -> Row:
    return Row(name, behaviour, "listed", None, code, codes or ("127.0.0.2",), partial)


def unknown(
    name: str,
    behaviour: lies.Behaviour,
    cause: str,
    *codes: str,
    health: str = "ok",
    **settings: str,
) -> Row:
    return Row(name, behaviour, "unknown", cause, UNKNOWN, codes, False, health, settings)


BIG = 2**31 - 1
HERE = lies.lists(IP)
STRANGER = lies.a("127.0.0.2")._replace(owner=lies.wire_name("stranger.test"))


def table() -> list[Row]:
    """Anew for each test: some behaviours count what they are asked."""
    return [
        # The truth, in all its forms.
        clear("clear", lies.lists()),
        clear("clear-nodata", lies.lists(nodata=True)),
        listed("listed", HERE),
        listed("listed-no-text", lies.lists(IP, text=None)),
        listed("several-records", odd(lies.addresses("127.0.0.3", "127.0.0.2")), "127.0.0.2", "127.0.0.3"),
        listed("text-silent", lies.only("TXT", lies.silent(), HERE)),
        listed("text-servfail", lies.only("TXT", lies.fails(lies.SERVFAIL), HERE)),
        listed("in-turn", odd(lies.rotating("127.0.0.3", "127.0.0.2")), "127.0.0.2", "127.0.0.3"),
        listed("policy", odd(lies.addresses("127.0.0.3")), "127.0.0.3"),
        listed("range", odd(lies.addresses("127.0.0.9")), "127.0.0.9", code=WARNING),
        listed("alias", odd(lies.alias("a.alias.test", "b.alias.test"))),
        Row("info", odd(lies.addresses("127.0.0.20")), "not-listed", None, WARNING, ("127.0.0.20",)),
        Row("allow", HERE, "not-listed", None, GOOD, ("127.0.0.2",), settings={"role": "allow"}),
        Row("bits", odd(lies.addresses("127.0.0.6")), "listed", None, BAD, ("127.0.0.6",),
            settings={"codes": overlay.BITS}),
        listed("huge-ttl", lies.lists(IP, ttl=BIG, negative=BIG)),
        clear("huge-negative-ttl", lies.lists(ttl=BIG, negative=BIG)),
        listed("zero-ttl", lies.lists(IP, ttl=0, negative=0)),
        # Answers that need care, and are true.
        listed("late", lies.late(0.4, HERE)),
        listed("twice", lies.duplicated(HERE, 3)),
        listed("odd-case", lies.odd_case(HERE)),
        listed("no-edns", lies.no_edns(HERE)),
        listed("truncated", lies.truncated(HERE)),
        listed("second-try", lies.then(lies.silent(), HERE)),
        listed("every-third-lost", lies.drops(3, HERE)),
        clear("wrong-id-first", lies.both(lies.wrong_id(lies.world()), lies.lists())),
        clear("wrong-question-first", lies.both(lies.wrong_question(lies.world()), lies.lists())),
        clear("other-port-first", lies.both(lies.elsewhere(lies.world()), lies.lists())),
        clear("garbage-first", lies.both(lies.garbage(), lies.raw(b"", b"\0"), lies.lists())),
        clear("echo-first", lies.both(lies.not_an_answer(lies.world()), lies.lists())),
        listed("first-answer-counts", lies.both(HERE, lies.empty())),
        # Records that are none of this answer's.
        clear("foreign-owner", odd(lies.records(STRANGER))),
        clear("self-alias", odd(lies.alias("9.114.0.203.self-alias.test", then=()))),
        unknown("short-record", odd(lies.records(lies.Record(lies.A, b"\x7f\0"))), "servfail"),
        unknown("in-spite", odd(lies.records(lies.a("127.0.0.2"), rcode=lies.NXDOMAIN)),
                "list-broken", "127.0.0.2"),
        # A list that is not to be believed.
        unknown("world", lies.world(), "list-broken", "127.0.0.2", health="failed"),
        unknown("empty", lies.empty(), "list-broken", health="failed"),
        unknown("empty-nodata", lies.empty(rcode=lies.NOERROR), "list-broken", health="failed"),
        unknown("parked", lies.addresses("91.195.240.117"), "not-loopback", "91.195.240.117", health="failed"),
        unknown("rewritten", lies.both(lies.but(lies.addresses("198.51.100.80"), {"127.0.0.2": lies.lists()})),
                "not-loopback", "198.51.100.80", health="failed"),
        # A list, or a resolver, that does not say.
        unknown("silent", lies.silent(), "timeout", health="untested"),
        unknown("silent-here", odd(lies.silent()), "timeout"),
        unknown("servfail", lies.fails(lies.SERVFAIL), "servfail", health="failed"),
        unknown("servfail-here", odd(lies.fails(lies.SERVFAIL)), "servfail"),
        unknown("refused", lies.fails(lies.REFUSED), "refused", health="failed"),
        unknown("refused-here", odd(lies.fails(lies.REFUSED)), "refused"),
        unknown("formerr-here", odd(lies.fails(lies.FORMERR)), "refused"),
        unknown("notimp-here", odd(lies.fails(lies.NOTIMP)), "refused"),
        unknown("wrong-id", lies.wrong_id(HERE), "timeout", health="untested"),
        unknown("wrong-question", lies.wrong_question(HERE), "timeout", health="untested"),
        unknown("other-port", lies.elsewhere(HERE), "timeout", health="untested"),
        unknown("garbage", lies.garbage(), "timeout", health="untested"),
        unknown("nothing-in-it", lies.raw(b""), "timeout", health="untested"),
        unknown("loop-here", odd(lies.loop()), "servfail"),
        unknown("cut-off-here", odd(lies.cut_off()), "servfail"),
        unknown("tcp-hangs-here", odd(lies.truncated(lies.world(), lies.silent())), "timeout"),
        unknown("tcp-closes-here", odd(lies.truncated(lies.world(), lies.hang_up())), "truncated"),
        # A list that answers, and says no listing.
        unknown("typing-error", lies.addresses("127.255.255.252"), "resolver-refused", "127.255.255.252", health="failed"),
        unknown("public-resolver", lies.addresses("127.255.255.254"), "resolver-refused", "127.255.255.254", health="failed"),
        unknown("too-many", lies.addresses("127.255.255.255"), "resolver-refused", "127.255.255.255", health="failed"),
        unknown("too-many-here", odd(lies.addresses("127.255.255.255")), "resolver-refused", "127.255.255.255"),
        unknown("names-resolver", lies.addresses("127.0.0.1", text="your resolver 192.0.2.53 is blocked"),
                "resolver-refused", "127.0.0.1", health="failed", codes=overlay.BITS),
        unknown("own-error-code", odd(lies.addresses("127.0.1.255")), "refused", "127.0.1.255"),
        unknown("code-one", odd(lies.addresses("127.0.0.1")), "unknown-code", "127.0.0.1"),
        unknown("strange-code", odd(lies.addresses("127.0.0.77")), "unknown-code", "127.0.0.77"),
        unknown("parked-here", odd(lies.addresses("91.195.240.117")), "not-loopback", "91.195.240.117"),
        unknown("alias-outside", odd(lies.alias("ad.example", then=("91.195.240.117",))),
                "not-loopback", "91.195.240.117"),
        # Both at once.
        listed("error-beside", odd(lies.addresses("127.255.255.254", "127.0.0.2")),
               "127.0.0.2", "127.255.255.254", partial=True),
        listed("strange-beside", odd(lies.addresses("127.0.0.77", "127.0.0.2")),
               "127.0.0.2", "127.0.0.77", partial=True),
    ]  # fmt: skip


ROWS = {row.name: row for row in table()}


@pytest.fixture
def liar() -> Iterator[Liar]:
    zones = {f"{row.name}.test": row.behaviour for row in table()}
    with Liar({**zones, "healthy.test": lies.lists()}) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entries = [overlay.entry(row.name, **row.settings) for row in ROWS.values()]
    return overlay.write(tmp_path_factory.mktemp("lies"), overlay.entry("healthy"), *entries)


def wanted(row: Row) -> dict[str, Any]:
    codes = list(row.codes)
    return {"state": row.state, "cause": row.cause, "partial": row.partial, "codes": codes,
            "health": row.health}  # fmt: skip


def told(finding: dict[str, Any]) -> dict[str, Any]:
    return {key: finding[key] for key in ("state", "cause", "partial", "codes", "health")}


@pytest.mark.parametrize("name", ROWS)
def test_what_a_list_does(name: str, liar: Liar, folder: Path, check: Command) -> None:
    row = ROWS[name]
    check.set(knowledge_overlay=str(folder))
    done = check(
        IP, "--resolver", str(liar), *named(name, "healthy"),
        "--deadline", "1" if row.cause == "timeout" else "5",
    )  # fmt: skip
    assert told(done.of(name)) == wanted(row)
    assert done.code == row.code, done.err
    assert done.state("healthy") == ("not-listed", None)
    if row.state == "unknown":
        assert done.of(name)["detail"]


@pytest.mark.parametrize("way", ["--resolver", "--server"])
def test_all_of_them_at_once(way: str, liar: Liar, folder: Path, check: Command) -> None:
    check.set(knowledge_overlay=str(folder))
    done = check(
        IP, way, str(liar), *named(*ROWS, "healthy"), "--deadline", "5",
    )  # fmt: skip
    found = {name: told(done.of(name)) for name in ROWS}
    # In five seconds silence is proved, and a list that failed its test is said to have failed.
    proved = [
        row._replace(health=row.health.replace("untested", "failed")) for row in ROWS.values()
    ]
    assert found == {row.name: wanted(row) for row in proved}
    assert done.state("healthy") == ("not-listed", None)
    assert done.code == BAD
    assert done.took < 12


def test_a_thousand_addresses_in_one_answer(check: Command, folder: Path) -> None:
    many = [f"127.0.{n // 250}.{n % 250 + 2}" for n in range(1000)]
    zone = odd(lies.truncated(lies.addresses(*many)))
    check.set(knowledge_overlay=str(folder))
    with Liar({"listed.test": zone}) as liar:
        done = check(IP, "--resolver", str(liar), *named("listed"))
        shown = check(IP, "--resolver", str(liar), *named("listed"), as_json=False)
    finding = done.of("listed")
    assert (finding["state"], finding["partial"]) == ("listed", True)
    assert 1 <= len(finding["codes"]) <= 100
    assert {e["code"] for e in finding["entries"]} >= {"127.0.0.2", "127.0.0.3", "127.0.0.9"}
    assert done.code == BAD
    assert len(shown.out) < 5000
