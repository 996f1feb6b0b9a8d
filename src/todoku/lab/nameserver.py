"""The lab's name server, and a small asker for those in the lab. UDP and TCP, loopback only."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import Any, Final

from todoku.lab.clock import Clock
from todoku.lab.happenings import Asked, Happened
from todoku.lab.zones import MX, Zones
from todoku.lists import wire

_WAIT: Final = 5.0


class NameServer:
    def __init__(self, zones: Zones, clock: Clock, happened: Happened) -> None:
        self._zones = zones
        self._clock = clock
        self._happened = happened
        self._udp: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.host = ""
        self.port = 0

    async def start(self, host: str) -> None:
        udp, tcp = _pair(host)
        loop = asyncio.get_running_loop()
        self.host, self.port = udp.getsockname()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self._answer), sock=udp)
        self._tcp = await asyncio.start_server(self._serve, sock=tcp)

    async def stop(self) -> None:
        if self._udp is not None:
            self._udp.close()
        if self._tcp is not None:
            self._tcp.close()
        for writer in tuple(self._open):
            writer.close()
        if self._tcp is not None:
            await self._tcp.wait_closed()

    def _answer(self, packet: bytes, udp: bool) -> bytes | None:
        limit = 65535
        if udp:  # with EDNS (RFC 6891) the size that everybody can take
            limit = 1232 if packet[10:12] not in {b"", b"\0\0"} else 512
        response = self._zones.respond(packet, limit)
        if response is None:
            return None
        out, name, kind, found = response
        rcode = out[3] & 15
        self._happened.add(
            Asked(at=self._clock.now(), name=name, type=kind, rcode=rcode, found=found)
        )
        return out

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                out = self._answer(await reader.readexactly(length), udp=False)
                if out is None:
                    break
                writer.write(len(out).to_bytes(2, "big") + out)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes, bool], bytes | None]) -> None:
        self._answer = answer
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        out = self._answer(data, True)
        if out is not None and self._transport is not None:
            self._transport.sendto(out, addr)


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on one free port."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            udp.bind((host, 0))
            tcp.bind((host, udp.getsockname()[1]))
        except OSError as error:
            udp.close()
            tcp.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        tcp.listen(64)
        for s in (udp, tcp):
            s.setblocking(False)
        return udp, tcp


class Resolver:
    """Asks one name server, over UDP."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._ident = 0

    async def ask(self, name: str, kind: int) -> list[bytes]:
        """The data of the records; empty where there are none. Raises `OSError` where the server
        fails or is silent."""
        try:
            question = wire.question(wire.name(name.lower()), kind)
        except wire.BadName:
            return []
        self._ident = (self._ident + 1) & 0xFFFF
        query = wire.query(self._ident, question, recursive=True)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()

        def take(packet: bytes, _udp: bool) -> None:
            if not answer.done() and packet[:2] == query[:2]:
                answer.set_result(packet)

        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Udp(take), remote_addr=self._server
        )
        try:
            transport.sendto(query)
            packet = wire.parse(await asyncio.wait_for(answer, _WAIT))
        except wire.Malformed as error:
            raise OSError(f"{name}: the name server's answer cannot be read") from error
        finally:
            transport.close()
        if packet.rcode not in {wire.NOERROR, wire.NXDOMAIN}:
            raise OSError(f"{name}: the name server answers with code {packet.rcode}")
        return [r.data for r in wire.answering(packet)[0]]

    async def addresses(self, host: str) -> list[str]:
        return [wire.address(data) for data in await self.ask(host, wire.A)]

    async def exchangers(self, domain: str) -> list[tuple[int, str]]:
        """MX records, best first; without one the domain itself (RFC 5321, section 5.1)."""
        found = [
            (int.from_bytes(d[:2], "big"), wire.text_of(d[2:])) for d in await self.ask(domain, MX)
        ]
        return sorted(found) or [(0, domain)]

    async def text(self, name: str) -> list[str]:
        records = [wire.Record(b"", wire.TXT, 0, d) for d in await self.ask(name, wire.TXT)]
        return [wire.text([r]) for r in records]

    async def pointers(self, address: str) -> list[str]:
        name = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
        return [wire.text_of(d) for d in await self.ask(name, 12)]
