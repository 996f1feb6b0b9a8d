"""The servers themselves: rbldnsd and unbound say what the tests of list checking rely on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import dns.message
import dns.query
import dns.rcode
import pytest

from tests.lists import lies, servers
from tests.lists.liar import Liar

pytestmark = pytest.mark.slow

ZONES = {
    "ip.test": {
        "ip4trie": """\
:127.0.0.2:Spam source, see https://ip.test/?$
203.0.114.9
203.0.115.0/28 :127.0.0.10:Dynamic range
203.0.114.77 :127.0.0.4:
"""
    },
    "set.test": {"ip4set": ":4:Open proxy $\n203.0.116.0-203.0.116.255\n!203.0.116.7\n"},
    "six.test": {"ip6trie": ":127.0.0.3:Listed $\n2001:db8:5::/64\n2600::1/128\n"},
    "rhs.test": {"dnset": ":127.0.1.2:Spammed domain $\n.spam.example\nonly.example :127.0.1.4:Phish\n"},
    "both.test": {
        "ip4trie": ":127.0.0.2:v4 $\n203.0.114.9\n",
        "dnset": ":127.0.1.2:name $\nspam.example\n",
    },
}  # fmt: skip


class Two(NamedTuple):
    lists: servers.Running
    resolver: servers.Running
    liar: Liar


@pytest.fixture(scope="module")
def world() -> Iterator[Two]:
    liar = Liar({"lie.test": lies.lists("203.0.114.9", servers={"ns1": "127.0.0.1"})})
    with liar, servers.rbldnsd(ZONES) as lists:
        stubs = dict.fromkeys(ZONES, str(lists)) | {"lie.test": str(liar)}
        with servers.unbound(stubs) as resolver:
            yield Two(lists, resolver, liar)


def ask(server: servers.Running, name: str, kind: str = "A") -> dns.message.Message:
    question = dns.message.make_query(name, kind)
    return dns.query.udp(question, server.host, port=server.port, timeout=5)


def found(answer: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in answer.answer for item in rrset]


@pytest.mark.parametrize(
    ("identity", "zone", "code", "text"),
    [
        ("127.0.0.2", "ip.test", "127.0.0.2", "Spam source, see https://ip.test/?127.0.0.2"),
        ("127.0.0.1", "ip.test", None, None),
        ("203.0.114.9", "ip.test", "127.0.0.2", "Spam source, see https://ip.test/?203.0.114.9"),
        ("203.0.114.10", "ip.test", None, None),
        ("203.0.115.15", "ip.test", "127.0.0.10", "Dynamic range"),
        ("203.0.115.16", "ip.test", None, None),
        ("203.0.114.77", "ip.test", "127.0.0.4", None),
        ("203.0.116.6", "set.test", "127.0.0.4", "Open proxy 203.0.116.6"),
        ("203.0.116.7", "set.test", None, None),
        ("::ffff:127.0.0.2", "six.test", "127.0.0.3", "Listed ::ffff:7f00:2"),
        ("::ffff:127.0.0.1", "six.test", None, None),
        ("2001:db8:5::25", "six.test", "127.0.0.3", "Listed 2001:db8:5::25"),
        ("2001:db8:5:1::25", "six.test", None, None),
        ("2600::1", "six.test", "127.0.0.3", "Listed 2600::1"),
        ("2600::2", "six.test", None, None),
        ("test", "rhs.test", "127.0.1.2", "Spammed domain test"),
        ("invalid", "rhs.test", None, None),
        ("www.spam.example", "rhs.test", "127.0.1.2", "Spammed domain spam.example"),
        ("only.example", "rhs.test", "127.0.1.4", "Phish"),
        ("203.0.114.9", "both.test", "127.0.0.2", "v4 203.0.114.9"),
        ("spam.example", "both.test", "127.0.1.2", "name spam.example"),
    ],
)
@pytest.mark.parametrize("through", ["lists", "resolver"])
def test_what_is_listed(
    world: Two, through: str, identity: str, zone: str, code: str | None, text: str | None
) -> None:
    server = getattr(world, through)
    name = f"{lies.front_of(identity)}.{zone}"
    answer = ask(server, name)
    assert found(answer) == ([code] if code else [])
    assert answer.rcode() == (dns.rcode.NOERROR if code else dns.rcode.NXDOMAIN)
    if code is None:
        assert answer.authority[0][0].minimum == 120
    if code:
        written = [t.lower() for t in found(ask(server, name, "TXT"))]
        assert written == ([f'"{text}"'.lower()] if text else [])


def test_the_resolver_asks_the_liar_once(world: Two) -> None:
    name = "9.114.0.203.lie.test"
    for _ in range(3):
        assert found(ask(world.resolver, name)) == ["127.0.0.2"]
    assert world.liar.count(name, "A") == 1
    assert [q.recursion for q in world.liar.log if q.name == name] == [False]


def test_the_resolver_tells_name_servers(world: Two) -> None:
    assert found(ask(world.resolver, "lie.test", "NS")) == ["ns1.lie.test."]
    assert found(ask(world.resolver, "ns1.lie.test")) == ["127.0.0.1"]
    assert found(ask(world.resolver, "ip.test", "NS")) == ["ns1.ip.test."]


def test_the_resolver_asks_nobody_else(world: Two) -> None:
    assert ask(world.resolver, "example.com").rcode() == dns.rcode.NXDOMAIN
    with servers.unbound({}, elsewhere="always_refuse") as resolver:
        assert ask(resolver, "example.com").rcode() == dns.rcode.REFUSED


def test_a_list_without_test_points() -> None:
    with servers.rbldnsd({"bl.test": {"ip4set": "203.0.114.9\n"}}, points=False) as lists:
        assert ask(lists, "2.0.0.127.bl.test").rcode() == dns.rcode.NXDOMAIN
        assert found(ask(lists, "9.114.0.203.bl.test")) == ["127.0.0.2"]
