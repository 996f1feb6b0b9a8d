"""`todoku check` against the name server that most lists run, through the resolver that most users
should run; and all tests of this folder with the outside cut off."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lists import lies, overlay, servers
from tests.lists.command import ROOT, Command, Done, named
from tests.lists.liar import Liar
from tests.lists.test_end_to_end import IP, table, told, wanted

pytestmark = pytest.mark.slow

BAD = 2

ZONES = {
    "ip.test": {
        "ip4trie": """\
:127.0.0.2:Spam source, see https://ip.test/?$
203.0.114.9
203.0.114.64/28 :127.0.0.10:Dynamic range
203.0.115.0/24 :127.0.0.4:Open proxy
"""
    },
    "set.test": {"ip4set": ":3:Sends spam $\n203.0.114.9\n203.0.114.11\n"},
    "v6.test": {"ip6trie": ":127.0.0.3:Listed $\n2600:1:2:3::/64\n2600:9::1/128\n"},
    "rhs.test": {"dnset": ":127.0.1.2:Spammed domain\n.spam-shop.com\nonly.org :127.0.1.4:Phish\n"},
}


class Real(NamedTuple):
    lists: servers.Running
    resolver: servers.Running


@pytest.fixture(scope="module")
def real() -> Iterator[Real]:
    with (
        servers.rbldnsd(ZONES) as lists,
        servers.unbound(dict.fromkeys(ZONES, str(lists))) as resolver,
    ):
        yield Real(lists, resolver)


@pytest.fixture(params=["--server", "--resolver"])
def way(request: pytest.FixtureRequest, real: Real) -> tuple[str, str]:
    server = real.lists if request.param == "--server" else real.resolver
    return request.param, str(server)


def zones(*names: str) -> list[str]:
    return [word for name in names for word in ("--zone", name)]


def listed(done: Done) -> dict[str, list[str]]:
    return {f["identity"]["value"]: f["codes"] for f in done.findings if f["state"] == "listed"}


def test_addresses(check: Command, way: tuple[str, str]) -> None:
    many = ["203.0.114.9", "203.0.114.10", "203.0.114.70", "203.0.115.200"]
    done = check(*many, *way, *zones("ip.test"))
    assert done.code == BAD
    assert listed(done) == {
        "203.0.114.9": ["127.0.0.2"],
        "203.0.114.70": ["127.0.0.10"],
        "203.0.115.200": ["127.0.0.4"],
    }
    assert done.state("ip.test", "203.0.114.10") == ("not-listed", None)
    assert done.of("ip.test", "203.0.114.9")["text"] == (
        "Spam source, see https://ip.test/?203.0.114.9"
    )
    assert {f["health"] for f in done.findings} == {"ok"}


def test_several_lists(check: Command, way: tuple[str, str]) -> None:
    done = check("203.0.114.9", *way, *zones("ip.test", "set.test"))
    assert done.state("ip.test") == done.state("set.test") == ("listed", None)


def test_ipv6(check: Command, way: tuple[str, str]) -> None:
    done = check("2600:1:2:3::25", "2600:9::1", "2600:9::2", *way, *zones("v6.test"))
    assert listed(done) == {"2600:1:2:3::25": ["127.0.0.3"], "2600:9::1": ["127.0.0.3"]}
    assert done.state("v6.test", "2600:9::2") == ("not-listed", None)


def test_domains(check: Command, way: tuple[str, str]) -> None:
    many = ["spam-shop.com", "www.spam-shop.com", "only.org", "www.only.org"]
    done = check(*many, *way, *zones("rhs.test"))
    found = listed(done)
    assert found == {
        "spam-shop.com": ["127.0.1.2"],
        "www.spam-shop.com": ["127.0.1.2"],
        "only.org": ["127.0.1.4"],
    }
    assert done.state("rhs.test", "www.only.org") == ("not-listed", None)


def test_a_range(check: Command, way: tuple[str, str]) -> None:
    rate = ["--rate", "unlimited"] if way[0] == "--server" else ["--rate", "100000"]
    done = check("203.0.112.0/22", *way, *rate, *zones("ip.test"), "--only", "listed")
    assert done.code == BAD
    wanted = {"203.0.114.9", *(f"203.0.114.{n}" for n in range(64, 80))}
    wanted |= {f"203.0.115.{n}" for n in range(256)}
    assert set(listed(done)) == wanted
    assert listed(done)["203.0.115.0"] == ["127.0.0.4"]


def test_a_whole_sixteen(check: Command, real: Real) -> None:
    done = check(
        "10.77.0.0/16", "--server", str(real.lists), "--rate", "unlimited",
        *zones("ip.test", "set.test"), "--only", "listed",
    )  # fmt: skip
    assert (done.code, done.out) == (0, ""), done.err


THROUGH_A_RESOLVER = {
    **{name: {} for name in (
        "clear", "clear-nodata", "listed", "listed-no-text", "several-records", "in-turn", "policy",
        "range", "info", "allow", "bits", "huge-ttl", "huge-negative-ttl", "zero-ttl", "late",
        "odd-case", "truncated", "wrong-id-first", "foreign-owner", "world", "empty",
        "empty-nodata", "parked", "rewritten", "servfail", "servfail-here", "typing-error",
        "public-resolver", "too-many", "too-many-here", "names-resolver", "own-error-code",
        "code-one", "strange-code", "parked-here", "error-beside", "strange-beside",
    )},
    # A resolver says SERVFAIL for all that it cannot use.
    **{name: {"cause": "servfail"} for name in (
        "refused", "refused-here", "formerr-here", "notimp-here", "loop-here", "cut-off-here",
        "tcp-closes-here",
    )},
}  # fmt: skip
"""Rows of the table, and what differs where a resolver stands between."""


def test_the_table_through_a_resolver(check: Command, tmp_path: Path) -> None:
    rows = {row.name: row for row in table() if row.name in THROUGH_A_RESOLVER}
    entries = [overlay.entry(name, **row.settings) for name, row in rows.items()]
    check.set(knowledge_overlay=str(overlay.write(tmp_path / "lists", *entries)))
    with Liar({f"{name}.test": row.behaviour for name, row in rows.items()}) as liar:
        stubs = {f"{name}.test": str(liar) for name in rows}
        with servers.unbound(stubs) as resolver:
            done = check(IP, "--resolver", str(resolver), *named(*rows), "--deadline", "30")
    found = {name: told(done.of(name)) for name in rows}
    expected = {name: wanted(row) | THROUGH_A_RESOLVER[name] for name, row in rows.items()}
    assert found == expected


# ── the lists' own servers ────────────────────────────────────────────────────────────────────


def direct_hosts(third: int, number: int) -> list[str]:
    """Addresses of loopback on which we may listen at port 53, where name servers are."""
    hosts = [f"127.0.{third}.{n}" for n in range(1, number + 1)]
    for host in hosts:
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            try:
                s.bind((host, 53))
            except OSError as error:
                pytest.skip(f"port 53 of {host} cannot be listened on here ({error.strerror})")
    return hosts


def test_direct(check: Command) -> None:
    one, two = direct_hosts(53, 2)
    zone = lies.lists("203.0.114.9", servers={"ns1": one, "ns2": two})
    other = lies.lists("203.0.114.9", servers={"ns": two})
    with (
        Liar({"plain.test": zone}, host=one, port=53) as first,
        Liar({"plain.test": zone, "other.test": other}, host=two, port=53) as second,
        servers.unbound({"plain.test": str(first), "other.test": str(second)}) as resolver,
    ):
        check.set(dns_resolver=str(resolver))
        words = ("--direct", *named("plain", "other"))
        done = check("203.0.114.9", *words)
        assert done.state("plain") == done.state("other") == ("listed", None)
        assert done.of("other")["server"] in {two, f"{two}:53"}
        name = "9.114.0.203.plain.test"
        asked = [q for q in [*first.log, *second.log] if q.name == name]
        assert asked and not any(q.recursion for q in asked)
        assert len([q for q in asked if q.type == lies.A]) == 1
        first.forget()
        second.forget()
        # Whose servers these are is kept.
        check("203.0.114.8", *words)
        assert not [q for q in [*first.log, *second.log] if q.type == lies.NS]


def test_direct_where_one_server_is_silent(check: Command) -> None:
    one, two = direct_hosts(54, 2)
    zone = lies.lists("203.0.114.9", servers={"ns1": one, "ns2": two})
    with (
        Liar({"plain.test": zone}, host=two, port=53) as living,
        Liar({"plain.test": lies.silent()}, host=one, port=53) as silent,
        servers.unbound({"plain.test": str(living)}) as resolver,
    ):
        check.set(dns_resolver=str(resolver))
        words = ("--direct", *named("plain"), "--deadline", "8")
        for address, state in (("203.0.114.9", "listed"), ("203.0.114.8", "not-listed")):
            done = check(address, *words)
            assert done.state("plain") == (state, None)
        assert living.log
        assert not [q for q in silent.log if q.recursion]


def test_direct_where_a_zone_has_no_servers(check: Command) -> None:
    with servers.unbound({}) as resolver:
        check.set(dns_resolver=str(resolver))
        done = check("203.0.114.9", "--direct", *named("plain"))
    assert done.of("plain")["state"] == "unknown"
    assert done.code == 3


# ── with the outside cut off ──────────────────────────────────────────────────────────────────


def cut_off() -> list[str]:
    """The words in front of a command that give it a network of its own: loopback, and no more."""
    for words in (["unshare", "-n", "-r"], ["unshare", "-n"]):
        up = [*words, "ip", "link", "set", "lo", "up"]
        try:
            if subprocess.run(up, capture_output=True).returncode == 0:
                return words
        except FileNotFoundError:
            pytest.skip("no unshare or ip here (Debian: util-linux, iproute2)")
    pytest.skip("this system permits nobody a network of his own (unshare -n -r)")


NETWORK = sorted(
    str(path.relative_to(ROOT))
    for path in Path(__file__).parent.glob("test_*.py")
    if re.search(r"^(from|import) .*\b(liar|servers|socket)\b", path.read_text(), re.M)
)
"""The tests that speak to a server."""


def test_all_of_it_with_the_outside_cut_off(tmp_path: Path) -> None:
    words = cut_off()
    this = f"tests/lists/{Path(__file__).name}::{test_all_of_it_with_the_outside_cut_off.__name__}"
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run = [*pytest_, "--basetemp", str(tmp_path / "tests"), *NETWORK, "--deselect", this]
    script = 'ip link set lo up && test -z "$(ip route show)" && exec "$@"'
    done = subprocess.run(
        [*words, "sh", "-c", script, "sh", *run],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
