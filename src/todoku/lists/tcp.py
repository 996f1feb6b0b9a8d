"""Questions over TCP (RFC 7766), for answers that did not fit into a packet.

Nothing here blocks: the engine's loop tells which socket is ready, and what time it is.
"""

from __future__ import annotations

import errno
import os
import select
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from todoku.lists.lines import Flow
from todoku.lists.values import Server

WAIT: Final = 5.0
"""Seconds from the start to the whole answer."""
AT_ONCE: Final = 16
"""Connections at once; the other questions wait."""


class Call:
    """One question. `what`: the caller's own words for it. A length has two octets, so an answer
    has at most 65,535."""

    sock: socket.socket

    def __init__(self, server: Server, query: bytes, flow: Flow, what: Any) -> None:
        self.server = server
        self.flow = flow
        self.what = what
        self.ident = query[:2]
        self.begun = 0.0
        self._out = len(query).to_bytes(2, "big") + query
        self._in = bytearray()

    def start(self, now: float) -> int:
        """The socket to wait for. Raises `OSError`."""
        self.begun = now
        family = socket.AF_INET6 if ":" in self.server.host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        code = self.sock.connect_ex((self.server.host, self.server.port))
        if code not in {0, errno.EINPROGRESS}:
            self.close()
            raise OSError(code, os.strerror(code))
        return self.sock.fileno()

    def go_on(self) -> bytes | None:
        """The answer, once it is whole. Raises `OSError`."""
        try:
            if self._out:
                self._out = self._out[self.sock.send(self._out) :]
                return None
            more = self.sock.recv(65_537 - len(self._in))
        except BlockingIOError:
            return None
        if not more:
            raise ConnectionError("closed before the answer was whole")
        self._in += more
        end = 2 + int.from_bytes(self._in[:2], "big")
        return bytes(self._in[2:end]) if len(self._in) >= end > 2 else None

    @property
    def events(self) -> int:
        return select.POLLOUT if self._out else select.POLLIN

    def close(self) -> None:
        self.sock.close()


class Calls:
    """All that are under way. `done(call, answer)` is called once for each; `None`: it failed."""

    def __init__(self, poll: select.poll, done: Callable[[Call, bytes | None], None]) -> None:
        self._poll = poll
        self._done = done
        self._open: dict[int, Call] = {}
        self._waiting: deque[Call] = deque()

    def __len__(self) -> int:
        return len(self._open) + len(self._waiting)

    def __contains__(self, fd: int) -> bool:
        return fd in self._open

    @property
    def due(self) -> list[float]:
        return [call.begun + WAIT for call in self._open.values()]

    def add(self, call: Call, now: float) -> None:
        call.begun = now
        self._waiting.append(call)
        self._begin(now)

    def _begin(self, now: float) -> None:
        while self._waiting and len(self._open) < AT_ONCE:
            call = self._waiting.popleft()
            try:
                fd = call.start(now)
            except OSError:
                self._done(call, None)
                continue
            self._open[fd] = call
            self._poll.register(fd, call.events)

    def ready(self, fd: int, now: float) -> None:
        call = self._open[fd]
        try:
            answer = call.go_on()
        except OSError:
            self._end(fd, None, now)
            return
        if answer is None:
            self._poll.modify(fd, call.events)
        else:
            self._end(fd, answer, now)

    def expire(self, now: float) -> None:
        for fd in [fd for fd, call in self._open.items() if now >= call.begun + WAIT]:
            if fd in self._open:
                self._end(fd, None, now)

    def drop(self, flow: Flow, now: float) -> None:
        """Hang up, and say nothing."""
        self._waiting = deque(c for c in self._waiting if c.flow is not flow)
        for fd in [fd for fd, call in self._open.items() if call.flow is flow]:
            self._hang_up(fd)
        self._begin(now)

    def _end(self, fd: int, answer: bytes | None, now: float) -> None:
        call = self._hang_up(fd)
        self._begin(now)
        self._done(call, answer)

    def _hang_up(self, fd: int) -> Call:
        call = self._open.pop(fd)
        self._poll.unregister(fd)
        call.close()
        return call
