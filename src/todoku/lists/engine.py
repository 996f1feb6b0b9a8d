"""The loop that asks: questions of many feeds to many servers over UDP, each answered once.

An answer counts only if it comes from the server that was asked (the socket is connected), under
an id that is in use there, and repeats the question (RFC 5452); all else is a stray. Sockets get
their port from the kernel and are changed for new ones after some thousand questions.

A question that gets no answer goes the rounds of its feed's servers: a first round with a short
wait, a second with a longer one. A late answer to an earlier try still counts. SERVFAIL and REFUSED
send it to the next server at once; what does not fit into a packet is asked again over TCP.
"""

from __future__ import annotations

import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Final, Self

from todoku.lists import mmsg, wire
from todoku.lists.lines import SERVERS, Flow, Line, Port, Tries
from todoku.lists.tcp import Call, Calls
from todoku.lists.values import Feed, Key, Server

WINDOW: Final = 64
"""Questions under way at one server: more than about 128 overflow the buffer of a small one."""
CAP: Final = 1024
"""Questions under way in all."""
RETRIES: Final = (1.5, 3.0)
"""Seconds that a try waits, by round."""
TURN: Final = 32
"""Questions that one feed sends before the next has its turn."""
PORT_LIFE: Final = 4096
"""Questions from one source port."""
_MANY: Final = 512
"""Questions after which it pays to set up the fast path."""
_SOON: Final = 0.001
"""Seconds until a full send buffer, or a feed that is ready and gives nothing, is tried again."""

_ABSENT: Final = frozenset(
    bytes((0x80 | high, low << 4 | wire.NXDOMAIN)) + b"\0\1\0\0"
    for high in (0, 1, 4, 5)  # RD, AA
    for low in range(16)  # RA, Z, AD, CD
)
"""Octets 2 to 7 of a whole answer that says "no such name" and nothing else."""


class Engine:
    """`clock`: monotonic seconds. `many`: whether packets go in batches (`mmsg.Many`); `None`: as
    soon as there are many."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        cap: int = CAP,
        retries: tuple[float, ...] = RETRIES,
        port_life: int = PORT_LIFE,
        many: bool | None = None,
    ) -> None:
        self._clock = clock
        self._cap = cap
        self._retries = retries
        self._port_life = port_life
        self._packets: mmsg.Packets = mmsg.Many() if many else mmsg.Single()
        self._until_many = inf if many is not None else _MANY
        self._lines: dict[Server, Line] = {}
        self._flows: list[Flow] = []
        self._ports: dict[int, Port] = {}
        self._to_send: set[Port] = set()
        self._poll = select.poll()
        self._calls = Calls(self._poll, self._called)
        self._busy = 0
        self._look_at = inf
        """When the first try may be due to be given up."""
        self.strays = 0
        """Packets that answer nothing that was asked: forged, late or doubled ones."""

    # ── the face ──────────────────────────────────────────────────────────────────────────────

    def add(self, feed: Feed, *, window: int = WINDOW) -> None:
        """Ask what this feed gives. `window`: questions under way at each of its servers (few for
        servers of strangers)."""
        lines = []
        for server in dict.fromkeys(feed.servers):
            line = self._lines.setdefault(server, Line(server))
            line.window = max(line.window, window)
            line.flows += 1
            lines.append(line)
        self._flows.append(Flow(feed, lines))

    def drop(self, feed: Feed) -> None:
        """Forget this feed and its questions under way; nothing is told of them."""
        for flow in [f for f in self._flows if f.feed is feed]:
            flow.gone = True
            self._flows.remove(flow)
            for port in self._ports.values():
                for ident in [i for i, a in port.asked.items() if a[2] is flow]:
                    self._forget(port, ident)
                port.out = [p for p in port.out if p[:2] in port.asked]
            for line in flow.lines:
                line.waiting = deque(w for w in line.waiting if w[2] is not flow)
                line.flows -= 1
            self._calls.drop(flow, self._clock())
        self._sweep()

    @property
    def busy(self) -> bool:
        """Whether any server was asked something that it may still answer."""
        return self._busy > 0

    @property
    def pending(self) -> int:
        """Questions that were taken from a feed and have no answer yet."""
        waiting = sum(not w[4].over for line in self._lines.values() for w in line.waiting)
        return self._busy + waiting + len(self._calls)

    @property
    def idle(self) -> bool:
        """Nothing is under way, and no feed has anything, now or later."""
        if self.pending:
            return False
        now = self._clock()
        return all(flow.feed.ready_at(now) is None for flow in self._flows)

    @property
    def wake_at(self) -> float | None:
        """When (by the clock) there is something to do, if no packet comes before."""
        now = self._clock()
        times = self._calls.due
        if self._busy:
            times.append(self._look_at)
        if self._to_send:
            times.append(now + _SOON)
        lines = self._lines.values()
        times += [n.paused for n in lines if n.waiting and n.busy < n.window]
        if self._busy < self._cap:
            for flow in self._flows:
                ends = [line.paused for line in flow.lines if line.busy < line.window]
                ready = flow.feed.ready_at(now) if ends else None
                if ready is not None:
                    times.append(max(ready, min(ends), now + _SOON))
        return min(times, default=None)

    def step(self, timeout: float) -> None:
        """Send what can be sent, wait at most so many seconds for packets, hand over what came."""
        now = self._clock()
        if now >= self._look_at:
            self._give_up(now)
        self._calls.expire(now)
        self._fill(now)
        for port in list(self._to_send):
            self._send(port, now)
        came = self._poll.poll(
            0
        )  # often there is something, and no need to reckon how long to wait
        if not came and timeout > 0:
            if (wake := self.wake_at) is not None:
                timeout = max(0.0, min(timeout, wake - self._clock()))
            came = self._poll.poll(timeout * 1000)
        for fd, _ in came:
            if fd in self._ports:
                self._read(self._ports[fd])
            elif fd in self._calls:
                self._calls.ready(fd, self._clock())

    def close(self) -> None:
        for flow in self._flows[:]:
            self.drop(flow.feed)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ── out ───────────────────────────────────────────────────────────────────────────────────

    def _fill(self, now: float) -> None:
        """Next tries first, then new questions: who was served goes to the end of the queue."""
        for line in self._lines.values():
            while line.waiting and now >= line.paused and line.busy < line.window:
                self._try_again(line, now)
        gave = True
        while gave:
            gave = False
            for flow in self._flows[:]:
                if self._busy >= self._cap:
                    return
                free = None if flow.gone else flow.free(now)
                if free is None:
                    continue
                most = min(TURN, free.window - free.busy, self._cap - self._busy)
                got = flow.feed.take(most, now)
                if got and not flow.gone:
                    gave = True
                    self._flows.remove(flow)
                    self._flows.append(flow)
                    flow.turn = (flow.lines.index(free) + 1) % len(flow.lines)
                    self._ask(flow, free, got, now)

    def _ask(self, flow: Flow, line: Line, got: Sequence[tuple[Key, bytes]], now: float) -> None:
        port = self._port(line, len(got))
        if port is None:
            for key, question in got:
                self._next(key, question, flow, Tries(flow.lines.index(line), now))
            line.refused(now)
            return
        due = now + self._retries[0]
        self._look_at = min(self._look_at, due)
        line.busy += len(got)
        self._busy += len(got)
        asked, head, send = port.asked, line.head, port.out.append
        for ident, (key, question) in zip(port.idents(len(got)), got, strict=True):
            asked[ident] = (key, question, flow, due, None)
            send(ident + head + question)
        self._to_send.add(port)

    def _try_again(self, line: Line, now: float) -> None:
        key, question, flow, wait, tries = line.waiting.popleft()
        if tries.over:
            return
        port = self._port(line, 1)
        if port is None:
            self._next(key, question, flow, tries)
            line.refused(now)
            return
        ident = tries.heard.get(port) or port.ident()
        tries.heard[port] = ident
        tries.sent = now
        port.asked[ident] = (key, question, flow, now + wait, tries)
        port.out.append(ident + line.head + question)
        self._look_at = min(self._look_at, now + wait)
        line.busy += 1
        self._busy += 1
        self._to_send.add(port)
        flow.feed.resent(1)

    def _port(self, line: Line, questions: int) -> Port | None:
        """The socket for so many questions; `None` where there is no way to the server."""
        port = line.port
        if port is None or port.left <= 0:
            try:
                new = Port(line, self._port_life)
            except OSError:
                return None
            self._poll.register(new.fd, select.POLLIN)
            self._ports[new.fd] = line.port = new
            port = new
            self._sweep()
        port.left -= questions
        self._until_many -= questions
        if self._until_many <= 0:
            self._packets = mmsg.best()
            self._until_many = inf
        return port

    def _send(self, port: Port, now: float) -> None:
        out = port.out
        try:
            sent = self._packets.send(port.sock, out)
        except OSError:
            out.clear()
            self._to_send.discard(port)
            self._refused(port, now)
            return
        if sent == len(out):
            out.clear()
            self._to_send.discard(port)
        else:
            port.out = [p for p in out[sent:] if p[:2] in port.asked]

    # ── in ────────────────────────────────────────────────────────────────────────────────────

    def _read(self, port: Port) -> None:
        """One batch: the server gets new questions while it still has some."""
        packets: list[bytes] = []
        refused = False
        try:
            self._packets.receive(port.sock, packets)
        except OSError:
            refused = True
        now = self._clock()
        self._sort(port, packets, now)
        if refused:
            self._refused(port, now)

    def _sort(self, port: Port, packets: list[bytes], now: float) -> None:
        """Each packet to its question."""
        asked, line, strays, answered = port.asked, port.line, 0, 0
        last, flows = None, []
        for packet in packets:
            ident = packet[:2]
            entry = asked.pop(ident, None)
            if entry is None:
                strays += 1
                continue
            key, question, flow, _, tries = entry
            if (
                packet[2:8] in _ABSENT
                and flow.plain
                and tries is None
                and (packet.startswith(question, 12) or wire.same_question(packet, question))
            ):
                answered += 1
                if flow is not last:
                    last = flow
                    if not flow.absent:
                        flow.sample = packet
                        flows.append(flow)
                flow.absent.append(key)
                continue
            asked[ident] = entry
            if not wire.same_question(packet, question):
                strays += 1
            else:
                line.heard()
                self._answered(port, ident, packet, now)
        self.strays += strays
        if answered:
            line.busy -= answered
            self._busy -= answered
            line.heard()
        for flow in flows:
            keys, flow.absent = flow.absent, []
            if not flow.gone:
                flow.feed.absent(keys, flow.sample, line.server)

    def _answered(self, port: Port, ident: bytes, packet: bytes, now: float) -> None:
        key, question, flow, due, tries = port.asked[ident]
        line = port.line
        took = now - (due - self._retries[0] if tries is None else tries.sent)
        self._forget(port, ident)
        if packet[3] & 15 in {wire.SERVFAIL, wire.REFUSED} and len(flow.lines) > 1:
            if tries is None:
                tries = Tries(flow.lines.index(line), due - self._retries[0])
            tries.failed.add(line)
            tries.kept = (packet, line.server, took)
            if due != inf:
                self._next(key, question, flow, tries)
            return
        if tries is not None:
            self._end(tries)
        if packet[2] & 2:
            query = port.ident() + line.head + question
            self._calls.add(Call(line.server, query, flow, (key, question, packet, took)), now)
        else:
            flow.feed.answered(key, packet, line.server, took)

    def _called(self, call: Call, answer: bytes | None) -> None:
        """What came by TCP, or else the packet that was too short."""
        key, question, packet, took = call.what
        if answer and answer[:2] == call.ident and wire.same_question(answer, question):
            packet = answer
        call.flow.feed.answered(key, packet, call.server, took + self._clock() - call.begun)

    # ── no answer ─────────────────────────────────────────────────────────────────────────────

    def _give_up(self, now: float) -> None:
        """The tries whose time is up; an answer to them still counts until the last one's is."""
        self._look_at = inf
        for port in list(self._ports.values()):
            line = port.line
            for ident, entry in list(port.asked.items()):
                key, question, flow, due, tries = entry
                if due > now:
                    self._look_at = min(self._look_at, due)
                elif port.asked.get(ident) is entry:  # else dropped by what was told before
                    line.silent += 1
                    if tries is None:
                        tries = Tries(flow.lines.index(line), due - self._retries[0])
                    self._forget(port, ident)
                    tries.heard[port] = ident
                    port.asked[ident] = (key, question, flow, inf, tries)
                    self._next(key, question, flow, tries)
        self._sweep()

    def _refused(self, port: Port, now: float) -> None:
        """ICMP says that nobody listens there, or that there is no way: none of the tries there
        will be answered."""
        line = port.line
        line.refused(now)
        for ident, entry in list(port.asked.items()):
            key, question, flow, due, tries = entry
            if due != inf and port.asked.get(ident) is entry:
                self._forget(port, ident)
                if tries is None:
                    tries = Tries(flow.lines.index(line), due - self._retries[0])
                self._next(key, question, flow, tries)

    def _next(self, key: Key, question: bytes, flow: Flow, tries: Tries) -> None:
        """The next try of a question, or its end."""
        if flow.gone:
            return
        servers = min(len(flow.lines), SERVERS)
        while tries.count < servers * len(self._retries):
            turn, at = divmod(tries.count, servers)
            tries.count += 1
            line = flow.lines[(tries.first + at) % len(flow.lines)]
            if line not in tries.failed:
                line.waiting.append((key, question, flow, self._retries[turn], tries))
                return
        self._end(tries)
        if tries.kept is not None:
            flow.feed.answered(key, *tries.kept)
        else:
            flow.feed.lost(key, flow.lines[tries.first].server)

    def _end(self, tries: Tries) -> None:
        tries.over = True
        for port, ident in list(tries.heard.items()):
            self._forget(port, ident)

    def _forget(self, port: Port, ident: bytes) -> None:
        _, _, _, due, tries = port.asked.pop(ident)
        if due != inf:
            port.line.busy -= 1
            self._busy -= 1
        if tries is not None:
            tries.heard.pop(port, None)

    def _sweep(self) -> None:
        """Close the sockets that nothing is expected from."""
        for server, line in list(self._lines.items()):
            if not line.flows:
                line.port = None
                del self._lines[server]
        for fd, port in list(self._ports.items()):
            if port.line.port is not port and not port.asked and not port.out:
                self._poll.unregister(fd)
                port.sock.close()
                del self._ports[fd]
