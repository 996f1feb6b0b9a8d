"""What the reverse DNS says of addresses, asked of a resolver: for the draft of a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from todoku.cases.requesting import Reverse
from todoku.lists.values import Server

if TYPE_CHECKING:
    from todoku.preflight.dns import Resolver

DEADLINE: Final = 4.0
"""Seconds for all of them; what is later is not known."""
MOST: Final = 20


def reverse_of(addresses: Iterable[str], servers: Sequence[Server]) -> dict[str, Reverse]:
    """By address; those that nobody answered for are not known. Without servers nothing is."""
    from todoku.preflight import dns

    wanted = list(dict.fromkeys(addresses))[:MOST]
    if not servers or not wanted:
        return {}
    ask = dns.Resolver(servers, DEADLINE)
    return {address: _one(ask, address) for address in wanted}


def _one(ask: Resolver, address: str) -> Reverse:
    from todoku.preflight import dns

    told = ask(dns.reverse(address), "PTR")
    if told.outcome == "unknown":
        return Reverse()
    version = ipaddress.ip_address(address).version
    names = tuple(name.rstrip(".") for name in told.records)
    forward = [dns.addresses(ask, name, versions=(version,)) for name in names]
    if any(found is not None and address in found for found in forward):
        return Reverse(names=names, confirmed=True)
    return Reverse(names=names, confirmed=None if None in forward else False)
