"""A small name server of our own, on loopback, that says whatever it is told to (`lies`).

with Liar({"good.test": lies.lists("203.0.114.9"), "world.test": lies.world()}) as liar:
    ... ask 127.0.0.1, liar.port ...
    assert liar.count("9.114.0.203.good.test", "A") == 1
"""

from __future__ import annotations

import heapq
import itertools
import select
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from tests.lists import lies


class Liar:
    """The server, in a thread of its own. Zones without a behaviour are refused. `log` has every
    question in the order in which they came."""

    def __init__(
        self,
        zones: Mapping[str, lies.Behaviour],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tcp: bool = True,
        otherwise: lies.Behaviour | None = None,
    ) -> None:
        self.zones = {zone.lower().rstrip("."): behaviour for zone, behaviour in zones.items()}
        self.host = host
        self.log: list[lies.Question] = []
        self.faults: list[BaseException] = []
        self._otherwise = otherwise or lies.fails(lies.REFUSED)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._udp, self._listener = _bound(family, host, port)
        self.port: int = self._udp.getsockname()[1]
        self._tcp = tcp
        if not tcp:
            self._listener.close()
        self._other = socket.socket(family, socket.SOCK_DGRAM)
        self._other.bind((host, 0))
        self._wake, self._stop = socket.socketpair()
        self._open: dict[socket.socket, bytearray] = {}
        self._due: list[tuple[float, int, lies.Packet, tuple[str, int], socket.socket | None]] = []
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._serve, name=f"liar {self}", daemon=True)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.send(b"x")
        self._thread.join(10)
        for s in (self._udp, self._other, self._listener, self._wake, self._stop, *self._open):
            s.close()
        if self.faults:
            raise AssertionError(f"the liar itself failed: {self.faults[0]!r}") from self.faults[0]

    def count(self, name: str, kind: str | None = None) -> int:
        """How often this name was asked for."""
        name, wanted = name.lower().rstrip("."), lies.TYPES[kind] if kind else None
        return sum(q.name == name and wanted in (None, q.type) for q in self.log)

    def names(self, zone: str = "", kind: str | None = None) -> Counter[str]:
        """The names at or below a zone, and how often each was asked for."""
        dotted, wanted = f".{zone.lower().rstrip('.')}", lies.TYPES[kind] if kind else None
        return Counter(
            q.name
            for q in self.log
            if (not zone or f".{q.name}".endswith(dotted)) and wanted in (None, q.type)
        )

    def forget(self) -> None:
        """Count anew."""
        self.log.clear()

    def _serve(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as fault:  # noqa: BLE001  told by __exit__
            self.faults.append(fault)

    def _turn(self) -> bool:
        wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
        reading = [self._udp, self._wake, *self._open]
        if self._tcp:
            reading.append(self._listener)
        ready = select.select(reading, [], [], wait)[0]
        if self._wake in ready:
            return False
        for s in ready:
            if s is self._udp:
                with suppress(BlockingIOError, ConnectionError):
                    for _ in range(1000):
                        data, source = s.recvfrom(65535)
                        self._hear(data, source, None)
            elif s is self._listener:
                with suppress(BlockingIOError, ConnectionError):
                    connection = s.accept()[0]
                    self._open[connection] = bytearray()
            elif s in self._open:
                self._read(s)
        while self._due and self._due[0][0] <= time.monotonic():
            self._send(*heapq.heappop(self._due)[2:])
        return True

    def _read(self, connection: socket.socket) -> None:
        kept = self._open[connection]
        try:
            data, source = connection.recv(65535), connection.getpeername()
        except OSError:
            data, source = b"", ("", 0)
        if not data:
            del self._open[connection]
            connection.close()
            return
        kept += data
        # Several may come at once, and the first may make us hang up.
        while connection in self._open and len(kept) >= 2:
            end = 2 + int.from_bytes(kept[:2], "big")
            if len(kept) < end:
                break
            packet = bytes(kept[2:end])
            del kept[:end]
            self._hear(packet, source, connection)

    def _hear(self, data: bytes, source: tuple[str, int], tcp: socket.socket | None) -> None:
        q = lies.read_question(data, source, tcp is not None)
        if q is None:
            return
        zone = q.name
        while zone and zone not in self.zones:
            zone = zone.partition(".")[2]
        if zone:
            q = q._replace(zone=zone, front=q.name[: -len(zone)].rstrip("."))
        self.log.append(q)
        for packet in self.zones.get(zone, self._otherwise)(q):
            if packet.after:
                due = time.monotonic() + packet.after
                heapq.heappush(self._due, (due, next(self._order), packet, source, tcp))
            else:
                self._send(packet, source, tcp)

    def _send(
        self, packet: lies.Packet, source: tuple[str, int], tcp: socket.socket | None
    ) -> None:
        if tcp is None:
            # Whoever asked may have gone.
            with suppress(ConnectionError, BlockingIOError):
                (self._other if packet.elsewhere else self._udp).sendto(packet.data, source)
        elif tcp in self._open:
            if packet is lies.HANG_UP:
                del self._open[tcp]
                tcp.close()
                return
            with suppress(OSError):
                tcp.settimeout(5)
                tcp.sendall(len(packet.data).to_bytes(2, "big") + packet.data)


def _bound(family: int, host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP socket and a listening TCP one, on one port that is free for both."""
    while True:
        udp = socket.socket(family, socket.SOCK_DGRAM)
        tcp = socket.socket(family, socket.SOCK_STREAM)
        try:
            udp.bind((host, port))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((host, udp.getsockname()[1]))
        except OSError:
            udp.close()
            tcp.close()
            if port:
                raise
            continue
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        tcp.listen(64)
        for s in (udp, tcp):
            s.setblocking(False)
        return udp, tcp
