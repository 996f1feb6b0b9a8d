"""Who is asked: resolv.conf, public resolvers, and a list's own name servers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lists import lies
from tests.lists.liar import Liar
from todoku.lists.engine import Engine
from todoku.lists.servers import Found, find_servers, nameservers, public_resolver, resolvers
from todoku.lists.values import Server

# ── resolvers ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("nameserver 192.0.2.1\n", ["192.0.2.1"]),
        ("# nameserver 192.0.2.1\n;nameserver 192.0.2.1\nsearch a.test\n", []),
        ("nameserver\t192.0.2.1 # the first\r\nnameserver 2001:db8::1\n", None),
        ("nameserver fe80::1%eth0\n", ["fe80::1%eth0"]),
        ("nameserver resolver.test\nnameserver 192.0.2.300\nnameserver\nnameservers 192.0.2.1", []),
        ("nameserver 192.0.2.1\n" * 2 + "nameserver 192.0.2.2", ["192.0.2.1", "192.0.2.2"]),
        ("".join(f"nameserver 192.0.2.{i}\n" for i in range(1, 6)), None),
    ],
)
def test_resolv_conf(text: str, found: list[str] | None) -> None:
    servers = nameservers(text)
    if found is None:
        assert servers[0] == Server("192.0.2.1") and 1 < len(servers) <= 3
    else:
        assert servers == tuple(Server(host, 53, recursive=True) for host in found)


def test_the_file(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    assert resolvers(path) == ()
    path.write_bytes(b"# \xff\nnameserver 192.0.2.1\n")
    assert resolvers(path) == (Server("192.0.2.1"),)


@pytest.mark.parametrize(
    ("host", "whose"),
    [
        ("192.0.2.53", "One"),
        ("2001:DB8::53", "One"),
        ("198.51.100.7", "Two"),
        ("2001:db8:2::7", "Two"),
        ("192.0.2.54", None),
        ("127.0.0.53", None),
    ],
)
def test_public_resolvers(host: str, whose: str | None) -> None:
    known = {
        "192.0.2.53": "One",
        "2001:db8::53": "One",
        "198.51.100.0/24": "Two",
        "2001:db8:2::/48": "Two",
    }
    assert public_resolver(host, known) == whose


# ── a list's own name servers ─────────────────────────────────────────────────────────────────


def found(
    zones: Mapping[str, lies.Behaviour], *names: str, wait: float = 5.0
) -> tuple[Found, Liar]:
    with (
        Liar(zones) as liar,
        Engine(retries=(0.1, 0.1)) as engine,
    ):
        resolver = Server("127.0.0.1", liar.port, recursive=True)
        servers = find_servers(names or tuple(zones), [resolver], engine, port=5353, wait=wait)
        assert not engine.pending and all(q.recursion for q in liar.log)
        return servers, liar


def own(*hosts: str) -> tuple[Server, ...]:
    return tuple(Server(host, 5353, recursive=False) for host in hosts)


def test_of_a_zone() -> None:
    servers, liar = found(
        {
            "good.test": lies.lists(servers={"ns1": "127.0.0.3", "ns2": "127.0.0.4"}),
            "other.test": lies.lists(servers={"ns1": "127.0.0.5"}),
        }
    )
    assert servers == {"good.test": own("127.0.0.3", "127.0.0.4"), "other.test": own("127.0.0.5")}
    assert servers.why == {}
    assert liar.count("ns1.good.test", "AAAA") == 1


def test_of_the_zone_above() -> None:
    """A zone without a cut of its own is served by those of the zone that it lies in."""
    parent = lies.lists(servers={"ns1": "127.0.0.3"}, nodata=True)
    servers, liar = found({"parent.test": parent}, "a.list.parent.test")
    assert servers == {"a.list.parent.test": own("127.0.0.3")}
    assert liar.names(kind="NS") == {"a.list.parent.test": 1, "parent.test": 1}


def says(*records: lies.Record, authority: tuple[lies.Record, ...] = ()) -> lies.Behaviour:
    """NS of a zone, and more."""

    def behave(q: lies.Question) -> list[lies.Packet]:
        if q.type == lies.NS and not q.front:
            return [lies.Packet(lies.reply(q, records, authority))]
        return [lies.Packet(lies.reply(q, (), [lies.soa(q.zone)], lies.NXDOMAIN))]

    return behave


def ns(host: str) -> lies.Record:
    return lies.Record(lies.NS, lies.wire_name(host))


def with_glue(host: str, address: str) -> lies.Behaviour:
    def behave(q: lies.Question) -> list[lies.Packet]:
        told = [ns(host), lies.a(address)._replace(owner=lies.wire_name(host))]
        packet = lies.reply(q, told)
        # The second record stands in the additional section.
        return [lies.Packet(packet[:6] + b"\0\1\0\0\0\1" + packet[12:])]

    return behave


def test_glue_spares_a_question() -> None:
    servers, liar = found({"good.test": with_glue("ns.good.test", "127.0.0.9")})
    assert servers == {"good.test": own("127.0.0.9")}
    assert liar.names() == {"good.test": 1}


def test_hosts_that_serve_several_lists_are_asked_once() -> None:
    zones = {f"list{i}.test": says(ns("ns1.hosts.test")) for i in range(5)}
    zones["hosts.test"] = lies.lists(servers={"ns1": "127.0.0.3"})
    servers, liar = found(zones, *list(zones)[:5])
    assert set(servers.values()) == {own("127.0.0.3")} and len(servers) == 5
    assert liar.count("ns1.hosts.test", "A") == 1


def hosts(addresses: Mapping[str, list[lies.Record]]) -> lies.Behaviour:
    def behave(q: lies.Question) -> list[lies.Packet]:
        told = [r for r in addresses.get(q.front, []) if r.type == q.type]
        return [lies.Packet(lies.reply(q, told, [] if told else [lies.soa(q.zone)]))]

    return behave


def aaaa(last: int) -> lies.Record:
    return lies.Record(lies.AAAA, b"\x20\x01\x0d\xb8" + bytes(11) + bytes([last]))


def test_ipv6_counts_where_there_is_nothing_else() -> None:
    servers, _ = found(
        {
            "both.test": says(ns("a.hosts.test"), ns("b.hosts.test")),
            "new.test": says(ns("b.hosts.test")),
            "hosts.test": hosts({"a": [lies.a("127.0.0.3"), aaaa(1)], "b": [aaaa(2)]}),
        },
        "both.test",
        "new.test",
    )
    assert servers == {"both.test": own("127.0.0.3"), "new.test": own("2001:db8::2")}


def test_few_of_many_and_each_host_first() -> None:
    many = {f"h{i}": [lies.a(f"127.0.{i}.{j}") for j in range(1, 5)] for i in range(6)}
    servers, _ = found(
        {"many.test": says(*(ns(f"{h}.hosts.test") for h in many)), "hosts.test": hosts(many)},
        "many.test",
    )
    assert len(servers["many.test"]) == 8
    assert {s.host for s in servers["many.test"][:6]} == {f"127.0.{i}.1" for i in range(6)}


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        (lies.silent(), "timeout"),
        (lies.fails(lies.SERVFAIL), "servfail"),
        (lies.fails(lies.REFUSED), "refused"),
        (lies.empty(), "list-broken"),  # NXDOMAIN: there is no such zone
        (says(), "list-broken"),
        (lies.garbage(), "timeout"),
        (lies.loop(), "timeout"),  # nobody can read it
        (says(ns("ns.nowhere.test")), "list-broken"),
        (says(authority=(lies.soa("test"),)), "list-broken"),  # a top-level domain
        (says(authority=(lies.soa("bad.test"),)), "list-broken"),  # leads nowhere
        (says(authority=(lies.soa("elsewhere.test"),)), "list-broken"),
    ],
)
def test_why_there_is_none(behaviour: lies.Behaviour, why: str) -> None:
    servers, liar = found({"bad.test": behaviour})
    assert servers == {} and servers.why == {"bad.test": why}
    assert len(liar.names()) <= 2


@pytest.mark.parametrize("address", ["0.0.0.0", "224.0.0.1", "255.255.255.255"])
def test_addresses_that_nobody_has(address: str) -> None:
    servers, _ = found({"bad.test": lies.lists(servers={"ns1": address})})
    assert servers.why == {"bad.test": "list-broken"}


def test_no_longer_than_told() -> None:
    """One slow list does not keep the others from being asked."""
    with (
        Liar(
            {"good.test": lies.lists(servers={"ns1": "127.0.0.3"}), "bad.test": lies.silent()}
        ) as liar,
        Engine() as engine,
    ):
        resolver = Server("127.0.0.1", liar.port)
        servers = find_servers(["bad.test", "good.test"], [resolver], engine, port=5353, wait=0.4)
        assert engine.pending == 0
    assert servers == {"good.test": own("127.0.0.3")} and servers.why == {"bad.test": "timeout"}
