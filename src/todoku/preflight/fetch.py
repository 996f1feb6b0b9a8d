"""With `--fetch`: what one's own servers show, met at the addresses that the resolver tells. Opt-in, as
it leaves the resolver: the web server of a domain and the servers of its mail are connected to.

Checks are given a `Fetch`, or `None`.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from todoku.preflight import incoming, web
from todoku.preflight.incoming import Door, Heard, Shown
from todoku.preflight.web import NoPageError, Page

WAIT: Final = 8.0
"""Seconds for a connection, and for each reply."""


class Ports(NamedTuple):
    smtp: int = 25
    https: int = 443
    http: int = 80


class Fetching(NamedTuple):
    """How servers are met."""

    helo: str | None = None
    """What is said in EHLO; `None`: the address from which they are met."""
    sender: str | None = None
    """An address of ours for `MAIL FROM`; `None`: postmaster@ of the domain itself."""
    ports: Ports = Ports()
    trust: ssl.SSLContext | None = None
    """By whom web servers are vouched for; `None`: by those this machine trusts."""


class Fetch:
    """Until the deadline, from any number of threads. What does not come in time raises or says so."""

    def __init__(self, how: Fetching, deadline: float) -> None:
        """`deadline`: seconds from now."""
        self._how = how
        self._end = time.monotonic() + deadline

    def page(
        self, addresses: Sequence[str], host: str, path: str, *, most: int, secure: bool = True
    ) -> Page:
        """Raises `NoPageError`."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise NoPageError("late")
        how = self._how
        return web.get(
            addresses, host, path,
            port=how.ports.https if secure else how.ports.http,
            context=(how.trust or ssl.create_default_context()) if secure else None,
            wait=min(WAIT, left), whole=left, most=most,
        )  # fmt: skip

    def certificates(self, host: str, addresses: Sequence[str]) -> Shown:
        door = self._door(host, addresses)
        return Shown(why="late") if door is None else incoming.certificates(door)

    def anchored(self, host: str, addresses: Sequence[str], authority: bytes) -> bool | None:
        door = self._door(host, addresses)
        return None if door is None else incoming.anchored(door, authority)

    def recipients(
        self, host: str, addresses: Sequence[str], domain: str, mailboxes: Sequence[str]
    ) -> Heard:
        door = self._door(host, addresses)
        sender = self._how.sender or f"postmaster@{domain}"
        return Heard(why="late") if door is None else incoming.recipients(door, sender, mailboxes)

    def _door(self, host: str, addresses: Sequence[str]) -> Door | None:
        left = self._end - time.monotonic()
        if left <= 0:
            return None
        return Door(host, addresses, self._how.ports.smtp, self._how.helo, min(WAIT, left), left)
