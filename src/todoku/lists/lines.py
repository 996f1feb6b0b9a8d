"""What the engine keeps of servers, sockets, feeds and questions that need more than one try."""

from __future__ import annotations

import os
import socket
from collections import deque
from typing import Final, TypeAlias

from todoku.lists import wire
from todoku.lists.values import Feed, Key, Server

SERVERS: Final = 3
"""Servers of a feed that one question is tried at."""
SILENT: Final = 8
"""After so many tries in a row without an answer, a server is asked only where no other can be."""
PAUSES: Final = (0.25, 2.0)
"""Seconds without questions for a server that refused them (ICMP): first, and at most."""


class Line:
    """A server: how many questions are under way there, and which wait for their next try."""

    __slots__ = (
        "busy",
        "flows",
        "head",
        "pause",
        "paused",
        "port",
        "server",
        "silent",
        "waiting",
        "window",
    )

    def __init__(self, server: Server) -> None:
        self.server = server
        self.head = wire.header(server.recursive)
        self.window = 0
        self.flows = 0
        self.busy = 0
        self.waiting: deque[Waiting] = deque()
        self.port: Port | None = None
        self.silent = 0
        self.pause = PAUSES[0]
        self.paused = 0.0
        """Until when nothing is sent."""

    def heard(self) -> None:
        self.silent = 0
        self.pause = PAUSES[0]

    def refused(self, now: float) -> None:
        self.paused = now + self.pause
        self.pause = min(self.pause * 2, PAUSES[1])


class Port:
    """A connected UDP socket and the questions that were asked from it."""

    __slots__ = ("asked", "fd", "ids", "left", "line", "out", "sock")

    def __init__(self, line: Line, life: int) -> None:
        """Raises `OSError` where there is no way to the server."""
        host = line.server.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self.sock.setblocking(False)
            self.sock.connect((host, line.server.port))
        except OSError:
            self.sock.close()
            raise
        self.fd = self.sock.fileno()
        self.line = line
        self.left = life
        """Questions until a new socket takes over."""
        self.asked: dict[bytes, Asked] = {}
        self.ids: list[bytes] = []
        self.out: list[bytes] = []
        """Packets to be sent: of this step, and what the buffer did not take before."""

    def idents(self, count: int) -> list[bytes]:
        """Ids that nobody can guess, that differ and that are not in use."""
        found: list[bytes] = []
        asked = self.asked
        while (more := count - len(found)) > 0:
            if not self.ids:
                raw = os.urandom(512)
                self.ids = list({raw[i : i + 2] for i in range(0, 512, 2)})
            new = self.ids[-more:]
            del self.ids[-more:]
            if found or not asked.keys().isdisjoint(new):
                taken = set(found)
                new = [ident for ident in new if ident not in asked and ident not in taken]
            found += new
        return found

    def ident(self) -> bytes:
        return self.idents(1).pop()


class Flow:
    """A feed, and whose turn it is among its servers."""

    __slots__ = ("absent", "feed", "gone", "lines", "plain", "sample", "turn")

    def __init__(self, feed: Feed, lines: list[Line]) -> None:
        self.feed = feed
        self.plain = feed.plain
        self.lines = lines
        self.turn = 0
        self.gone = False
        self.absent: list[Key] = []
        """Keys of this reading that are to be handed over, and one of their packets."""
        self.sample = b""

    def free(self, now: float) -> Line | None:
        """The server for a first try."""
        lines, silent = self.lines, None
        for i in range(self.turn, self.turn + len(lines)):
            line = lines[i % len(lines)]
            if line.busy < line.window and now >= line.paused:
                if line.silent < SILENT:
                    return line
                silent = silent or line
        return silent


class Tries:
    """A question that is asked more than once."""

    __slots__ = ("count", "failed", "first", "heard", "kept", "over", "sent")

    def __init__(self, first: int, sent: float) -> None:
        self.first = first
        """Index of the server that was asked first."""
        self.count = 1
        self.sent = sent
        self.heard: dict[Port, bytes] = {}
        """Where, and under which id, an answer still counts."""
        self.failed: set[Line] = set()
        """Servers that answered with SERVFAIL or REFUSED."""
        self.kept: tuple[bytes, Server, float] | None = None
        """What the last of those said."""
        self.over = False


Asked: TypeAlias = tuple[Key, bytes, Flow, float, Tries | None]
"""Key, question, feed, when the try is given up (inf: it was, and a late answer still counts)."""
Waiting: TypeAlias = tuple[Key, bytes, Flow, float, Tries]
"""The same, with the seconds that the try will wait."""
