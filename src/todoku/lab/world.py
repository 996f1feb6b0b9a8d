"""The world of the story on loopback, whole: one process, real sockets, one clock.

async with Lab(clock=SteppedClock(), folder=tmp) as lab:
    lab.sender.submit("sato@hoge.test", ["taro@hotmail.test"], mail)
    await lab.clock.advance(1)

All that would be port 25 is one free port, `smtp_port`, on an address for each host.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, Self

from todoku.errors import TodokuError
from todoku.i18n import Language, Words
from todoku.lab import zones
from todoku.lab.clock import Clock, RealClock
from todoku.lab.desk import FORGER, Desk
from todoku.lab.happenings import Happened, Listed, Unlisted
from todoku.lab.nameserver import NameServer, Resolver
from todoku.lab.receiver import Receiver
from todoku.lab.reputation import Rules
from todoku.lab.scenario import scenario as scenario_of
from todoku.lab.sender import Door, Patience, SendingServer
from todoku.lab.signing import SELECTOR, key
from todoku.lab.smtp import Handler, Listener, bound

NAME_SERVER: Final = "127.0.1.53"
HOSTS: Final = {
    "mx1.hoge.test": "127.0.1.10",
    "mx2.hoge.test": "127.0.1.11",
    "mx3.hoge.test": "127.0.1.12",
    "mx1.hotmail.test": "127.0.1.25",
    "mx2.hotmail.test": "127.0.1.26",
    "mx.partner.test": "127.0.1.35",
    "support.hotmail.test": "127.0.1.80",
}
"""Those of hoge.test are one server with three source addresses; mail comes in at mx1."""
DESK: Final = "support.hotmail.test"
LISTED: Final = HOSTS["mx1.hoge.test"]
CLEAN: Final = HOSTS["mx2.hoge.test"]
THIRD: Final = HOSTS["mx3.hoge.test"]
LIST: Final = "bl.lab.test"
"""The blocklist that partner.test asks."""
MAILBOXES: Final = ("taro", "hanako", "postmaster")
SUBMISSION: Final = "127.0.0.1"

WORDS: Final[Words] = {
    "addresses": {
        "ja": "このマシンでは {missing} が使えないため、実験環境を始められません。何も始めていません。次を"
        "実行してから、もう一度お試しください: {remedy}",
        "en": "the lab cannot stand here: this machine does not have {missing}. Nothing was started. "
        "Run this and try again: {remedy}",
    },
}


class NoAddresses(TodokuError):
    """Loopback addresses are missing. All of 127/8 is there on Linux, and on other systems what
    was configured."""


class Lab:
    def __init__(
        self,
        *,
        folder: Path,
        clock: Clock | None = None,
        scenario: str = "straight",
        lang: Language = "ja",
        rules: Rules | None = None,
        patience: Patience | None = None,
        seed: int = 0,
    ) -> None:
        """`scenario`: one of `scenario.scenarios()`, else `ValueError`. `lang`: how the desk writes. `rules`:
        those of hotmail.test, instead of the scenario's."""
        self.scenario = scenario_of(scenario)
        self.folder = folder
        self.clock: Clock = clock or RealClock()
        self.happened = Happened()
        self.zones = zones.Zones(self.clock)
        self._lang: Language = lang
        self.rules = rules or self.scenario.rules
        self._patience = patience
        self._seed = seed
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        parts = (self.sender, self.hotmail, self.partner, self.desk)
        faults = [fault for part in parts for fault in part.faults]
        if faults:
            raise RuntimeError(f"the lab itself failed: {faults[0]!r}") from faults[0]

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        _require((NAME_SERVER, *HOSTS.values()))
        self._names()
        self.names = NameServer(self.zones, self.clock, self.happened)
        await self.names.start(NAME_SERVER)
        stack.push_async_callback(self.names.stop)
        self.resolver = Resolver(self.names.host, self.names.port)
        served = [h for h in HOSTS if h not in {"mx2.hoge.test", "mx3.hoge.test"}]
        sockets = dict(zip(served, bound([HOSTS[h] for h in served]), strict=True))
        for sock in sockets.values():
            stack.callback(sock.close)
        self.smtp_port: int = next(iter(sockets.values())).getsockname()[1]
        self.hotmail = self._receiver("hotmail.test", self.rules, ())
        self.partner = self._receiver("partner.test", Rules(), (LIST,))
        self.sender = SendingServer(
            "mx1.hoge.test",
            ["hoge.test", "other.hoge.test", "third.hoge.test"],
            {"hoge.test": LISTED, "other.hoge.test": CLEAN, "third.hoge.test": THIRD},
            self.folder,
            clock=self.clock,
            happened=self.happened,
            resolver=self.resolver,
            port=self.smtp_port,
            seed=self._seed,
            patience=self._patience,
        )
        signing = key(self._seed)
        self.zones.zone(FORGER)
        for signer in (DESK, FORGER):
            self.zones.add(f"{SELECTOR}._domainkey.{signer}", zones.txt(signing.record))
        self.desk = Desk(
            DESK,
            HOSTS[DESK],
            scenario=self.scenario,
            lang=self._lang,
            receiver=self.hotmail,
            clock=self.clock,
            happened=self.happened,
            resolver=self.resolver,
            port=self.smtp_port,
            key=signing,
            seed=self._seed,
            unlist=self.unlist,
        )
        if self.scenario.listing is not None:
            hours = self.scenario.listing.expires
            expires = None if hours is None else timedelta(hours=hours)
            self.list_(LISTED, expires=expires)
        handlers: dict[str, Handler] = {
            "mx1.hoge.test": Door(self.sender, relays=False),
            DESK: self.desk,
        }
        for receiver in (self.hotmail, self.partner):
            handlers |= {host: receiver.host(host) for host in receiver.hosts}
        for host, sock in sockets.items():
            listener = Listener(host, handlers[host])
            await listener.start(sock)
            stack.push_async_callback(listener.stop)
        self.submission = await self._door(stack, None)
        self.other_submission = await self._door(stack, CLEAN)
        self.desk.start()
        stack.push_async_callback(self.desk.stop)
        self.sender.start()
        stack.push_async_callback(self.sender.stop)

    async def _door(self, stack: contextlib.AsyncExitStack, source: str | None) -> tuple[str, int]:
        """Where the house takes mail for sending. `source`: that is sent from this address."""
        (sock,) = bound([SUBMISSION])
        door = Listener("mx1.hoge.test", Door(self.sender, relays=True, source=source))
        await door.start(sock)
        stack.push_async_callback(door.stop)
        host, port = sock.getsockname()
        return host, port

    def _receiver(self, domain: str, rules: Rules, lists: Sequence[str]) -> Receiver:
        return Receiver(
            domain,
            [h for h in HOSTS if h.endswith(f".{domain}") and h != DESK],
            self.folder / "receivers",
            clock=self.clock,
            happened=self.happened,
            resolver=self.resolver,
            rules=rules,
            lists=lists,
            mailboxes=MAILBOXES,
        )

    def _names(self) -> None:
        for zone in ("lab.test", "hoge.test", "hotmail.test", "partner.test", "127.in-addr.arpa"):
            self.zones.zone(zone)
        self.zones.blocklist(LIST)
        for host, address in HOSTS.items():
            self.zones.add(host, zones.a(address))
            reverse = ".".join(reversed(address.split(".")))
            self.zones.add(f"{reverse}.in-addr.arpa", zones.ptr(host))
        self.zones.add("hoge.test", zones.mx(10, "mx1.hoge.test"))
        spf = f"v=spf1 ip4:{LISTED} ip4:{CLEAN} ip4:{THIRD} -all"
        self.zones.add("hoge.test", zones.txt(spf))
        for domain in ("other.hoge.test", "third.hoge.test"):
            self.zones.add(domain, zones.mx(10, "mx1.hoge.test"), zones.txt(spf))
        self.zones.add(
            "hotmail.test", zones.mx(10, "mx1.hotmail.test"), zones.mx(10, "mx2.hotmail.test")
        )
        self.zones.add("partner.test", zones.mx(10, "mx.partner.test"))
        self.zones.add(DESK, zones.mx(10, DESK))

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those that the house sends from."""
        return (LISTED, CLEAN, THIRD)[: self.scenario.house]

    # The public list

    def list_(self, address: str, **more: object) -> None:
        """Put an address on the list (`Blocklist.add`)."""
        self.zones.lists[LIST].add(address, **more)  # type: ignore[arg-type]
        self.happened.add(Listed(at=self.clock.now(), zone=LIST, address=address))

    def unlist(self, address: str) -> None:
        self.zones.lists[LIST].remove(address)
        self.happened.add(Unlisted(at=self.clock.now(), zone=LIST, address=address))


def _require(addresses: Sequence[str]) -> None:
    """Raises `NoAddresses` where this machine lacks some."""
    missing = []
    for address in addresses:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind((address, 0))
                sock.connect((address, 9))  # by UDP, so nothing is sent
            except OSError as error:
                if error.errno not in {errno.EADDRNOTAVAIL, errno.ENETUNREACH}:
                    raise
                missing.append(address)
    if missing:
        if sys.platform == "linux":  # all or none
            remedy = "sudo ip link set lo up"
        else:
            remedy = "; ".join(f"sudo ifconfig lo0 alias {address}" for address in missing)
        raise NoAddresses(WORDS["addresses"], missing=", ".join(missing), remedy=remedy)
