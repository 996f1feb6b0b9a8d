"""SMTP in the lab (RFC 5321): servers that may refuse before they greet, and a client that tells
exactly who said what at which stage."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import re
import socket
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol

from aiosmtpd.smtp import SMTP

from todoku.lab.nameserver import Resolver
from todoku.model import Stage

WAIT: Final = 60.0
"""Seconds of the machine for one reply."""


class Handler(Protocol):
    """What a server does; beside these the hooks of aiosmtpd."""

    def greet(self, peer: str) -> str | None:
        """Refuse before the greeting: the whole reply. `None`: let them in."""
        ...


class _Server(SMTP):
    """aiosmtpd's, which cannot refuse by its banner, nor be closed with its connections."""

    def __init__(self, owner: Listener, handler: Handler) -> None:
        super().__init__(
            handler,
            hostname=owner.name,
            ident="ESMTP",
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        self._owner = owner
        self._greeter = handler

    def connection_made(self, transport: Any) -> None:
        self._owner.open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.open.discard(self.transport)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        assert self.session is not None and self.transport is not None  # noqa: S101
        refusal = self._greeter.greet(str(self.session.peer and self.session.peer[0]))
        if refusal is None:
            await super()._handle_client()
            return
        await self.push(refusal)
        self.transport.close()


class Listener:
    """One host that answers."""

    def __init__(self, name: str, handler: Handler) -> None:
        self.name = name
        self.open: set[Any] = set()
        self._handler = handler
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Server(self, self._handler), sock=sock)

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for transport in tuple(self.open):
            transport.abort()
        while self.open:  # noqa: ASYNC110  each leaves in `connection_lost`
            await asyncio.sleep(0)
        await self._server.wait_closed()


def bound(hosts: Sequence[str], port: int = 0) -> list[socket.socket]:
    """One listening socket for each host, all on one port: the lab's port 25."""
    while True:
        sockets: list[socket.socket] = []
        chosen = port
        try:
            for host in hosts:
                s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                sockets.append(s)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((host, chosen))
                s.listen(128)
                s.setblocking(False)
                chosen = s.getsockname()[1]
        except OSError as error:
            for s in sockets:
                s.close()
            if port or error.errno != errno.EADDRINUSE:
                raise
            continue
        return sockets


# ── the client ────────────────────────────────────────────────────────────────────────────────


Status = Literal["sent", "deferred", "bounced"]


class Spoken(NamedTuple):
    """A reply: its code and its lines, as they came."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """On one line, as Postfix quotes it: `550 5.7.1 ...`; codes of further lines kept."""
        return " ".join(self.lines)

    @property
    def enhanced(self) -> str | None:
        found = re.match(r"[2-5]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b", self.lines[0])
        return found[1] if found else None


class Outcome(NamedTuple):
    """What became of one recipient at one host. `stage`: where it ended."""

    recipient: str
    status: Status
    host: str | None
    address: str | None
    stage: Stage
    spoken: Spoken | None
    """`None`: there was no reply, and `why` tells."""
    why: str
    elsewhere: bool = False
    """Another host may say something else."""


class _Ended(Exception):
    def __init__(self, stage: Stage, spoken: Spoken | None, why: str = "") -> None:
        super().__init__(why)
        self.stage, self.spoken, self.why = stage, spoken, why


class Client:
    """Delivers to whoever the lab's name server names. Never leaves loopback."""

    def __init__(self, resolver: Resolver, port: int, name: str, source: str) -> None:
        """`port`: the lab's port 25. `name`: the HELO name. `source`: the address it sends from."""
        self._resolver = resolver
        self._port = port
        self._name = name
        self._source = source

    async def deliver(
        self, sender: str, recipients: Sequence[str], domain: str, message: bytes
    ) -> list[Outcome]:
        """Try each host of the domain until one takes or refuses it for good. As Postfix does: a
        greeting that refuses, and 4yz, send us to the next host."""
        try:
            hosts = await self._hosts(domain)
        except (OSError, TimeoutError) as error:
            why = f"Host or domain name not found. Name service error for name={domain}: {error}"
            return [Outcome(r, "deferred", None, None, "CONN", None, why) for r in recipients]
        if not hosts:
            why = f"Host or domain name not found. Name service error for name={domain} type=MX"
            return [Outcome(r, "bounced", None, None, "CONN", None, why) for r in recipients]
        left = list(recipients)
        done: dict[str, Outcome] = {}
        for host, address in hosts:
            for outcome in await self._at(host, address, sender, left, message):
                done[outcome.recipient] = outcome
            left = [r for r in recipients if done[r].elsewhere]
            if not left:
                break
        return [done[r] for r in recipients]

    async def _hosts(self, domain: str) -> list[tuple[str, str]]:
        found = []
        for _, host in await self._resolver.exchangers(domain):
            found += [(host, address) for address in await self._resolver.addresses(host)]
        return found

    async def _at(
        self, host: str, address: str, sender: str, recipients: Sequence[str], message: bytes
    ) -> list[Outcome]:
        def all_of(end: _Ended) -> list[Outcome]:
            return [_outcome(r, host, address, end) for r in recipients]

        if not ipaddress.ip_address(address).is_loopback:
            return all_of(_Ended("CONN", None, f"{address} is outside of the lab"))
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(address, self._port, local_addr=(self._source, 0)), WAIT
            )
        except (OSError, TimeoutError) as error:
            why = f"connect to {host}[{address}]:{self._port}: {error}"
            return all_of(_Ended("CONN", None, why))
        talk = _Talk(reader, writer, host, address)
        try:
            return await self._send(talk, sender, recipients, message)
        except _Ended as end:
            return all_of(end)
        finally:
            await talk.close()

    async def _send(
        self, talk: _Talk, sender: str, recipients: Sequence[str], message: bytes
    ) -> list[Outcome]:
        await talk.expect("CONN", None)
        offers = await talk.expect("EHLO", f"EHLO {self._name}")
        words = {line[4:].split(" ")[0].upper() for line in offers.lines[1:]}
        more = ""
        if not message.isascii() and "8BITMIME" in words:
            more = " BODY=8BITMIME"
        addresses = (sender, *recipients)
        if not all(a.isascii() for a in addresses) and "SMTPUTF8" in words:
            more += " SMTPUTF8"
        await talk.expect("MAIL FROM", f"MAIL FROM:<{sender}>{more}")
        refused: list[Outcome] = []
        taken: list[str] = []
        for recipient in recipients:
            try:
                await talk.expect("RCPT TO", f"RCPT TO:<{recipient}>")
                taken.append(recipient)
            except _Ended as end:
                refused.append(_outcome(recipient, talk.host, talk.address, end))
        if taken:
            try:
                await talk.expect("DATA", "DATA")
                last = _Ended("END OF DATA", await talk.data(message))
            except _Ended as early:
                last = early
            refused += [_outcome(r, talk.host, talk.address, last) for r in taken]
        return refused


def _outcome(recipient: str, host: str, address: str, end: _Ended) -> Outcome:
    code = end.spoken.code if end.spoken else 0
    greeting = end.stage == "CONN"
    status: Status
    if code // 100 == 2:
        status = "sent"
    elif code // 100 == 5 and not greeting:
        status = "bounced"
    else:
        status = "deferred"  # a banner that refuses too: Postfix's smtp_skip_5xx_greeting
    elsewhere = status == "deferred" and end.stage != "END OF DATA"
    return Outcome(recipient, status, host, address, end.stage, end.spoken, end.why, elsewhere)


class _Talk:
    """One connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        host: str,
        address: str,
    ) -> None:
        self.host, self.address = host, address
        self._reader, self._writer = reader, writer
        self._over = False

    async def expect(self, stage: Stage, command: str | None) -> Spoken:
        """Say it, and hear a good reply. Raises `_Ended`."""
        if command is not None:
            self._writer.write(command.encode("utf-8", "surrogateescape") + b"\r\n")
        spoken = await self._hear(stage)
        if spoken.code // 100 not in {2, 3}:
            raise _Ended(stage, spoken)
        return spoken

    async def data(self, message: bytes) -> Spoken:
        lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
        if not lines.endswith(b"\r\n"):
            lines += b"\r\n"
        stuffed = re.sub(rb"(?m)^\.", b"..", lines)
        self._writer.write(stuffed + b".\r\n")
        return await self._hear("END OF DATA")

    async def _hear(self, stage: Stage) -> Spoken:
        lost = f"lost connection with {self.host}[{self.address}] while waiting for a reply"
        lines: list[str] = []
        try:
            await self._writer.drain()
            while True:
                line = await asyncio.wait_for(self._reader.readline(), WAIT)
                if not line.endswith(b"\n"):
                    raise _Ended(stage, None, lost)
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                lines.append(text)
                if text[3:4] != "-":
                    break
        except (OSError, TimeoutError, ValueError) as error:
            self._over = True
            raise _Ended(stage, None, f"{lost} ({error})") from error
        if not re.match(r"[2-5]\d\d( |$)", lines[-1]):
            raise _Ended(stage, None, f"{self.host} does not speak SMTP: {lines[-1][:100]!r}")
        code = int(lines[-1][:3])
        self._over = code == 421 or (stage == "CONN" and code >= 400)
        return Spoken(code, tuple(lines))

    async def close(self) -> None:
        try:
            if not self._over:
                self._writer.write(b"QUIT\r\n")
                await self._hear("CONN")
        except _Ended:
            pass
        finally:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
