"""What is ours: the `[own]` of the settings, and the question whether something is covered by it.

Pure: no name is looked up. An IP is ours if it is listed, lies in one of our ranges, is one that a
transport sends from or the public side of our NAT; a name is ours if it is a HELO name, one of our
domains or below one; a URL and a mail address are as much ours as their host.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from todoku.model import Identity

IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """The section `[own]`. Values are in the form that `todoku.settings` gives them: addresses
    compressed, names in lower case and ASCII, no final dot."""

    addresses: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    helo: tuple[str, ...] = ()
    dkim_selectors: tuple[str, ...] = ()
    transports: Mapping[str, tuple[str, ...]] = {}
    nat: Mapping[str, str] = {}
    smarthosts: tuple[str, ...] = ()
    first_used: Mapping[str, str] = {}
    """By address the day from which on it was used, YYYY-MM-DD."""

    @property
    def given(self) -> bool:
        """Whether the settings name anything by which an identity could be known as ours."""
        return bool(
            self.addresses
            or self.ranges
            or self.domains
            or self.helo
            or self.transports
            or self.nat
            or self.smarthosts
        )

    def tells(self, identity: Identity) -> bool | None:
        """Whether the identity is ours; `None` where `[own]` is empty, or cannot tell: it knows
        nothing of AS numbers, of accounts at a receiver, or of contents."""
        if not self.given or identity.kind in {"asn", "account", "content"}:
            return None
        return self.covers(identity)

    def covers(self, identity: Identity) -> bool:
        """Whether the identity is ours, or (a range) holds an address of ours."""
        value = identity.value
        match identity.kind:
            case "ip":
                return self._covers_ip(value)
            case "range":
                return self._covers_range(value)
            case "hostname" | "domain":
                return self._covers_name(value)
            case "url":
                host = host_of_url(value)
                return self._covers_ip(host) or self._covers_name(host)
            case "address":
                return self._covers_name(value.rpartition("@")[2])
            case "asn" | "account" | "content":
                return False

    def sends_from(self, transport: str) -> tuple[str, ...]:
        """The addresses that a transport sends from, as the world sees them (NAT applied)."""
        return tuple(self.nat.get(ip, ip) for ip in self.transports.get(transport, ()))

    def is_smarthost(self, host: str | None, ip: str | None = None) -> bool:
        """Whether an answering server is one that we hand our mail to, by name or address."""
        names = {name for name in (host and normal_name(host), ip and normal_ip(ip)) if name}
        return any(smarthost in names for smarthost in self.smarthosts)

    def _single_ips(self) -> Iterable[str]:
        yield from self.addresses
        for ips in self.transports.values():
            yield from ips
        for private, public in self.nat.items():
            yield private
            yield public
        yield from self.smarthosts

    def _covers_ip(self, text: str) -> bool:
        ip = parse_ip(text)
        if ip is None:
            return False
        return str(ip) in set(self._single_ips()) or any(ip in r for r in _networks(self.ranges))

    def _covers_range(self, text: str) -> bool:
        networks = parse_range(text)
        if not networks:
            return False
        singles = [ip for ip in map(parse_ip, self._single_ips()) if ip is not None]
        return any(
            any(ip in network for ip in singles)
            or any(
                own.version == network.version and own.overlaps(network)
                for own in _networks(self.ranges)
            )
            for network in networks
        )

    def _covers_name(self, text: str) -> bool:
        name = normal_name(text)
        if not name:
            return False
        return (
            name in self.helo
            or name in self.smarthosts
            or any(name == domain or name.endswith("." + domain) for domain in self.domains)
        )


@functools.lru_cache(1024)
def parse_ip(text: str) -> IP | None:
    """An address in any usual spelling: in brackets, with a zone, IPv4 mapped into IPv6."""
    text = text.strip().strip("[]")
    if text[:5].lower() == "ipv6:":
        text = text[5:]
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def normal_ip(text: str) -> str | None:
    ip = parse_ip(text)
    return None if ip is None else str(ip)


def parse_range(text: str) -> tuple[Network, ...]:
    """A range in the spellings that receivers use: `192.0.2.0/24` (host bits may be set),
    `192.0.2.0-192.0.2.63`, `192.0.2.0-63`, `192.0.2.*`, `192.0.2`, a single address."""
    text = text.strip().strip("[]")
    try:
        if "/" in text:
            return (ipaddress.ip_network(text, strict=False),)
        first, dash, last = (part.strip() for part in text.partition("-"))
        if dash:
            if last.isdigit() and "." in first:
                last = f"{first.rpartition('.')[0]}.{last}"
            return _between(ipaddress.ip_address(first), ipaddress.ip_address(last))
        numbers = text.rstrip(".*").split(".")
        if ":" not in text and 1 <= len(numbers) < 4:
            padded = ".".join(numbers + ["0"] * (4 - len(numbers)))
            return (ipaddress.ip_network(f"{padded}/{8 * len(numbers)}"),)
        return (ipaddress.ip_network(text),)
    except (ValueError, TypeError):
        return ()


def _between(first: IP, last: IP) -> tuple[Network, ...]:
    if isinstance(first, ipaddress.IPv4Address) and isinstance(last, ipaddress.IPv4Address):
        return tuple(ipaddress.summarize_address_range(first, last))
    if isinstance(first, ipaddress.IPv6Address) and isinstance(last, ipaddress.IPv6Address):
        return tuple(ipaddress.summarize_address_range(first, last))
    return ()


def normal_name(text: str) -> str:
    """A host or domain name in lower case and ASCII, without the final dot."""
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return name
    return name


def host_of_url(url: str) -> str:
    """The host of a URL, with or without a scheme. No error for whatever is no URL."""
    rest = url.partition("://")[2] or url
    for end in "/?#":
        rest = rest.partition(end)[0]
    host = rest.rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


@functools.lru_cache(maxsize=8)
def _networks(ranges: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in ranges)
