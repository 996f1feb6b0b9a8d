"""Addresses and names that are nobody's on the public internet, so no public list speaks of them."""

from __future__ import annotations

import functools
import ipaddress
from typing import Final, TypeAlias

from todoku.i18n import Sentence
from todoku.model import Subject

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_KINDS: Final[dict[str, tuple[str, str]]] = {
    "private": ("プライベートアドレス", "a private address"),
    "unique-local": ("ユニークローカルアドレス", "a unique local address"),
    "shared": ("通信事業者の共有アドレス", "an address that carriers share among customers"),
    "loopback": ("ループバックアドレス", "a loopback address"),
    "link-local": ("リンクローカルアドレス", "a link-local address"),
    "site-local": ("廃止されたサイトローカルアドレス", "a site-local address, long withdrawn"),
    "this-network": ("「このネットワーク」を表すアドレス", 'an address of "this network"'),
    "protocol": ("プロトコル用に予約されたアドレス", "an address set aside for protocols"),
    "documentation": ("文書の例示用アドレス", "an address for examples in documents"),
    "benchmarking": ("性能試験用アドレス", "an address for benchmarks"),
    "multicast": ("マルチキャストアドレス", "a multicast address"),
    "broadcast": ("ブロードキャストアドレス", "the broadcast address"),
    "reserved": ("未割り当ての予約アドレス", "a reserved address that nobody holds"),
    "discard": ("破棄専用アドレス", "an address whose packets are discarded"),
    "6to4": ("6to4 のアドレス", "a 6to4 address"),
    "teredo": ("Teredo のアドレス", "a Teredo address"),
    "nat64": ("NAT64 で作られたアドレス", "an address made by NAT64"),
    "orchid": ("ORCHID（経路のない識別子）", "an ORCHID, an identifier without a route"),
    "srv6": ("SRv6 の識別子", "an SRv6 identifier"),
    "local-name": ("手元のネットワークだけの名前", "a name of a local network"),
    "test-name": ("試験・例示用に予約された名前", "a name reserved for tests and examples"),
    "onion": ("DNS にない Tor の名前", "a Tor name, which DNS does not have"),
    "reverse": ("逆引き用の名前", "a name for reverse look-ups"),
}

_NETWORKS: Final = (
    ("0.0.0.0/8", "this-network", "RFC 1122"),
    ("10.0.0.0/8", "private", "RFC 1918"),
    ("100.64.0.0/10", "shared", "RFC 6598"),
    ("127.0.0.0/8", "loopback", "RFC 1122"),
    ("169.254.0.0/16", "link-local", "RFC 3927"),
    ("172.16.0.0/12", "private", "RFC 1918"),
    ("192.0.0.0/24", "protocol", "RFC 6890"),
    ("192.0.2.0/24", "documentation", "RFC 5737"),
    ("192.88.99.0/24", "6to4", "RFC 7526"),
    ("192.168.0.0/16", "private", "RFC 1918"),
    ("198.18.0.0/15", "benchmarking", "RFC 2544"),
    ("198.51.100.0/24", "documentation", "RFC 5737"),
    ("203.0.113.0/24", "documentation", "RFC 5737"),
    ("224.0.0.0/4", "multicast", "RFC 5771"),
    ("255.255.255.255/32", "broadcast", "RFC 919"),
    ("240.0.0.0/4", "reserved", "RFC 1112"),
    ("::1/128", "loopback", "RFC 4291"),
    ("64:ff9b::/96", "nat64", "RFC 6052"),
    ("64:ff9b:1::/48", "nat64", "RFC 8215"),
    ("100::/64", "discard", "RFC 6666"),
    ("2001::/32", "teredo", "RFC 4380"),
    ("2001:2::/48", "benchmarking", "RFC 5180"),
    ("2001:10::/28", "orchid", "RFC 4843"),
    ("2001:20::/28", "orchid", "RFC 7343"),
    ("2001:db8::/32", "documentation", "RFC 3849"),
    ("2001::/23", "protocol", "RFC 2928"),
    ("2002::/16", "6to4", "RFC 3056"),
    ("3fff::/20", "documentation", "RFC 9637"),
    ("5f00::/16", "srv6", "RFC 9602"),
    ("fc00::/7", "unique-local", "RFC 4193"),
    ("fe80::/10", "link-local", "RFC 4291"),
    ("fec0::/10", "site-local", "RFC 3879"),
    ("ff00::/8", "multicast", "RFC 4291"),
)
"""Registries of special-purpose addresses (RFC 6890); the first that holds an address counts."""

_GLOBAL: Final = "2000::/3"
"""All that IPv6 routes today (RFC 4291, section 2.4)."""

_NAMES: Final = {
    "localhost": ("local-name", "RFC 6761"),
    "local": ("local-name", "RFC 6762"),
    "internal": ("local-name", "ICANN 2024"),
    "home.arpa": ("local-name", "RFC 8375"),
    "test": ("test-name", "RFC 6761"),
    "invalid": ("test-name", "RFC 6761"),
    "example": ("test-name", "RFC 6761"),
    "example.com": ("test-name", "RFC 6761"),
    "example.net": ("test-name", "RFC 6761"),
    "example.org": ("test-name", "RFC 6761"),
    "onion": ("onion", "RFC 7686"),
    "arpa": ("reverse", "RFC 3172"),
}

_SENTENCE: Final[Sentence] = {
    "ja": "{value} は{kind}です（{source}）。公開のリストには載りません。",
    "en": "{value} is {kind} ({source}). No public list speaks of it.",
}


def special(subject: Subject) -> Sentence | None:
    """Why no public list speaks of an address or name, as a whole sentence; `None` where one may.
    `localhost` and `test` stand for all names below them."""
    if subject.kind in {"ip", "range"}:
        return special_range(subject.value)
    labels = subject.value.split(".")
    for at in range(len(labels)):
        if found := _NAMES.get(".".join(labels[at:])):
            return _sentence(subject.value, *found)
    return None


def special_range(text: str) -> Sentence | None:
    """The same for a whole range, or an address: `None` unless all of it is of one such kind."""
    wanted = ipaddress.ip_network(text)
    for network, kind, source in _networks():
        if _within(wanted, network):
            return _sentence(text, kind, source)
    if wanted.version == 6 and not _within(wanted, ipaddress.ip_network(_GLOBAL)):
        return _sentence(text, "reserved", "RFC 4291")
    return None


def _within(inner: Network, outer: Network) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen


@functools.cache
def _networks() -> tuple[tuple[Network, str, str], ...]:
    return tuple((ipaddress.ip_network(text), kind, rfc) for text, kind, rfc in _NETWORKS)


def _sentence(value: str, kind: str, source: str) -> Sentence:
    ja, en = _KINDS[kind]
    return {
        "ja": _SENTENCE["ja"].format(value=value, kind=ja, source=source),
        "en": _SENTENCE["en"].format(value=value, kind=en, source=source),
    }
