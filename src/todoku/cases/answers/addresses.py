"""Addresses and networks that a text speaks of, and where. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from todoku.model import Identity

_V4: Final = r"\d{1,3}(?:(?:\.|\[\.\]|\(\.\))\d{1,3}){3}"
_V6: Final = r"[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?"
# Japanese letters stand right beside an address; they are no part of it.
_FOUND: Final = re.compile(
    rf"(?:(?<![A-Za-z0-9_.@/-])(?P<four>{_V4})(?:\s*-\s*(?P<last>{_V4}))?"
    rf"|(?<![A-Za-z0-9_.:@/-])(?P<six>{_V6}))"
    r"(?P<size>/\d{1,3})?(?![A-Za-z0-9_@]|\.\d|-\w)",
    re.I,
)
MASKED: Final = re.compile(
    r"(?<![A-Za-z0-9_.])(?:[\dxy#*?]{1,3}\.){3}[\dxy#*?]{1,3}(?![A-Za-z0-9_])", re.I
)
"""As people mask them: `XXX.XXX.XXX.XXX`, `192.0.2.x`, `##.###.###.###`."""
_EDGES: Final = re.compile(r"^[\s\-*•・|:;,.()\[\]<>'\"#=_→⇒]+|[\s\-*•・|:;,.()\[\]<>'\"#=_→⇒]+$")
_MOST: Final = 4000


class Mention(NamedTuple):
    start: int
    end: int
    identity: Identity


def mentions(text: str) -> Iterator[Mention]:
    """In order, each as often as it stands there. What is no address (a version, a date) is none."""
    for n, found in enumerate(_FOUND.finditer(text)):
        if n >= _MOST:
            return
        for identity in _identities(found):
            yield Mention(found.start(), found.end(), identity)


def _identities(found: re.Match[str]) -> Iterator[Identity]:
    try:
        if found["six"]:
            if found["size"]:
                yield _range(found["six"] + found["size"])
            else:
                yield Identity("ip", str(ipaddress.ip_address(found["six"])))
            return
        first = _four(found["four"])
        if found["last"] and found["size"] is None:
            last = _four(found["last"])
            if first < last:
                yield Identity("range", f"{first}-{last}")
            else:
                yield Identity("ip", str(first))
                yield Identity("ip", str(last))
        elif found["size"]:
            yield _range(f"{first}{found['size']}")
        else:
            yield Identity("ip", str(first))
    except ValueError:
        return


def _four(text: str) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(text.replace("[.]", ".").replace("(.)", "."))


def _range(text: str) -> Identity:
    network = ipaddress.ip_network(text, strict=False)
    if network.num_addresses == 1:
        return Identity("ip", str(network.network_address))
    return Identity("range", str(network))


def without(text: str) -> str:
    """A line without its addresses, and what separates them."""
    bare = MASKED.sub(" ", _FOUND.sub(" ", text))
    return " ".join(_EDGES.sub("", bare).split())
