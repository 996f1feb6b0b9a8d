"""Nothing leaves the machine: a hook that refuses every socket to another one.

Used twice: by the conftest of this folder, and as `sitecustomize` of the commands that its tests
start. There the environment names a file that tells of what was refused, since a program may hide
an exception. It knows the standard library alone.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any, Final

REPORT: Final = "TODOKU_TEST_OUTSIDE"
"""The variable that names the file."""

_NAMES: Final = frozenset({"localhost", "", None})


class OutsideError(Exception):
    """A test tried to leave the machine."""


class Guard:
    """Refuses while `on`; `seen` has what it refused."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.on or not event.startswith("socket."):
            return
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            host = args[1][0] if isinstance(args[1], tuple) else None
        elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
            host = args[0]
        else:
            return
        if not is_here(host):
            self.refuse(f"{event} {args[1:] if event[7] in 'cs' else args}")

    def refuse(self, what: str) -> None:
        self.seen.append(what)
        if path := os.environ.get(REPORT):
            with open(path, "a", encoding="utf-8") as report:  # noqa: PTH123  no imports for this
                report.write(what + "\n")
        raise OutsideError(f"this leaves the machine: {what}")


def is_here(host: object) -> bool:
    """Loopback, a Unix socket, or nothing at all."""
    text = host.decode() if isinstance(host, bytes) else host
    if text in _NAMES:
        return True
    try:
        address = ipaddress.ip_address(str(text).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


if os.environ.get(REPORT):
    Guard().on = True
