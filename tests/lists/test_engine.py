"""The engine over real sockets. The test itself plays the name servers, and moves the clock: what
is sent over loopback is there at once, so nothing waits and nothing is left to chance."""

from __future__ import annotations

import errno
import itertools
import random
import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from todoku.lists import engine, lines, mmsg, wire
from todoku.lists.engine import Engine
from todoku.lists.lines import SILENT
from todoku.lists.values import Key, Server

Answers = Callable[[bytes], list[bytes]]
MANY = pytest.mark.skipif(isinstance(mmsg.best(), mmsg.Single), reason="no mmsg here")
WAYS = pytest.mark.parametrize(
    "many",
    [
        False,
        pytest.param(
            True, marks=pytest.mark.skipif(isinstance(mmsg.best(), mmsg.Single), reason="no mmsg")
        ),
    ],
)


# ── answers ───────────────────────────────────────────────────────────────────────────────────


def response(query: bytes, rcode: int = 0, *, data: bytes = b"", flags: int = 0x8180) -> bytes:
    """What a server says to a query: an A record where `data` is given."""
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + data if data else b""
    return (
        query[:2]
        + (flags | rcode).to_bytes(2, "big")
        + b"\0\1"
        + (b"\0\1" if data else b"\0\0")
        + b"\0\0\0\0"
        + query[12:]
        + answer
    )


def absent(query: bytes) -> list[bytes]:
    return [response(query, wire.NXDOMAIN)]


def listed(query: bytes) -> list[bytes]:
    return [response(query, data=b"\x7f\0\0\2")]


def silent(_: bytes) -> list[bytes]:
    return []


def fails(rcode: int) -> Answers:
    return lambda query: [response(query, rcode)]


def question(key: int) -> bytes:
    return wire.question(wire.name(f"k{key}.bl.test"), wire.A)


def key_of(query: bytes) -> int:
    return int(wire.text_of(query[12:-4]).lower().split(".")[0][1:])


# ── the players ───────────────────────────────────────────────────────────────────────────────


class Played:
    """A name server that the test plays."""

    def __init__(self, answers: Answers = absent, *, tcp: Answers | None = None) -> None:
        self.sock, self.listener = _bound(tcp is not None)
        self.server = Server("127.0.0.1", self.sock.getsockname()[1])
        self.answers = answers
        self.seen: list[bytes] = []
        self.froms: list[tuple[str, int]] = []
        self.tcp = tcp
        self.calls: list[socket.socket] = []

    def read(self) -> list[tuple[bytes, tuple[str, int]]]:
        """The queries that are there, unanswered."""
        got = []
        with suppress(BlockingIOError):
            while True:
                query, sender = self.sock.recvfrom(1024)
                self.seen.append(query)
                self.froms.append(sender)
                got.append((query, sender))
        return got

    def play(self) -> int:
        """Answer what is there; how much there was."""
        queries = self.read()
        for query, sender in queries:
            for packet in self.answers(query):
                self.sock.sendto(packet, sender)
        return len(queries) + (self._play_tcp() if self.tcp else 0)

    def _play_tcp(self) -> int:
        assert self.tcp is not None
        with suppress(BlockingIOError):
            call, _ = self.listener.accept()
            self.calls.append(call)
        moved = 0
        for call in self.calls[:]:
            if select.select([call], [], [], 0)[0]:
                moved += 1
                stream = call.recv(4096)
                answers = self.tcp(stream[2:]) if stream else [b""]
                for packet in answers:
                    if packet:
                        call.sendall(len(packet).to_bytes(2, "big") + packet)
                    else:
                        call.close()
                        self.calls.remove(call)
        return moved

    def close(self) -> None:
        for s in (self.sock, self.listener, *self.calls):
            s.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bound(tcp: bool) -> tuple[socket.socket, socket.socket]:
    """A socket for packets, and one of the same port that takes calls, or none."""
    for _ in range(100):
        packets, calls = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        packets.bind(("127.0.0.1", 0))
        packets.setblocking(False)
        calls.setblocking(False)
        if not tcp:
            return packets, calls
        try:
            calls.bind(packets.getsockname())
            calls.listen(50)
        except OSError:  # in use by another
            packets.close()
            calls.close()
        else:
            return packets, calls
    raise AssertionError("no port is free for both")


class Questions:
    """A feed of numbered questions, and what became of each."""

    def __init__(
        self, servers: Sequence[Played | Server], keys: Sequence[int] = (), *, plain: bool = False
    ) -> None:
        self.servers: Sequence[Server] = [s.server if isinstance(s, Played) else s for s in servers]
        self.plain = plain
        self.keys = list(keys)
        self.ready = 0.0
        self.taken = 0
        self.again = 0
        self.ends: list[tuple[Key, str]] = []
        self.packets: dict[Key, bytes] = {}
        self.took: dict[Key, float] = {}
        self.by: dict[Key, Server] = {}

    def take(self, most: int, now: float) -> Sequence[tuple[Key, bytes]]:
        if now < self.ready:
            return ()
        assert most > 0
        got, self.keys = self.keys[:most], self.keys[most:]
        self.taken += len(got)
        return [(k, question(k)) for k in got]

    def ready_at(self, now: float) -> float | None:
        return max(self.ready, now) if self.keys else None

    def resent(self, count: int) -> None:
        self.again += count

    def absent(self, keys: Sequence[Key], sample: bytes, server: Server) -> None:
        assert self.plain and wire.parse(sample).rcode == wire.NXDOMAIN
        self.ends += [(k, "absent") for k in keys]

    def answered(self, key: Key, packet: bytes, server: Server, took: float) -> None:
        self.ends.append((key, "answered"))
        self.packets[key], self.took[key], self.by[key] = packet, took, server

    def lost(self, key: Key, server: Server) -> None:
        self.ends.append((key, "lost"))

    def told(self, keys: Sequence[int]) -> Counter[str]:
        """How the questions ended; each of them exactly once."""
        assert sorted(k for k, _ in self.ends) == sorted(keys)  # type: ignore[type-var]
        return Counter(end for _, end in self.ends)


class Play:
    """An engine with its clock, on a stage."""

    def __init__(self, many: bool = False, **words: float) -> None:
        self.now = 1000.0
        self.engine = Engine(lambda: self.now, many=many, **words)  # type: ignore[arg-type]
        self.most = 0

    def run(self, *servers: Played, until: float = 1e9) -> None:
        """Until nothing is left to do, or that time."""
        for _ in range(1_000_000):
            before = len(servers) and sum(len(s.seen) for s in servers)
            self.engine.step(0)
            self.most = max(self.most, self.engine.pending)
            moved = sum(s.play() for s in servers)
            self.engine.step(0)
            if self.engine.idle:
                return
            if not moved and before == sum(len(s.seen) for s in servers):
                wake = self.engine.wake_at
                assert wake is not None, "not idle, and nothing to wait for"
                if wake > until:
                    self.now = until
                    return
                self.now = max(self.now, wake)
        raise AssertionError("without end")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()


@pytest.fixture(params=[False, True], ids=["single", "many"])
def play(request: pytest.FixtureRequest) -> Iterator[Play]:
    if request.param and isinstance(mmsg.best(), mmsg.Single):
        pytest.skip("no mmsg here")
    with Play(request.param) as p:
        yield p


@pytest.fixture
def server() -> Iterator[Played]:
    with Played() as s:
        yield s


@pytest.fixture
def second() -> Iterator[Played]:
    with Played() as s:
        yield s


@pytest.fixture
def dead() -> Server:
    """A port where nobody listens."""
    with Played() as s:
        return s.server


# ── the plain course ──────────────────────────────────────────────────────────────────────────


def test_every_answer_reaches_its_question(play: Play, server: Played) -> None:
    server.answers = lambda q: listed(q) if key_of(q) % 10 == 0 else absent(q)
    feed = Questions([server], range(500))
    play.engine.add(feed)
    play.run(server)
    assert feed.told(range(500)) == {"answered": 500}
    for key, packet in feed.packets.items():
        parsed = wire.parse(packet)
        assert parsed.question == question(key)  # type: ignore[arg-type]
        assert bool(parsed.answers) == (key % 10 == 0)  # type: ignore[operator]
    assert play.engine.strays == 0 and feed.again == 0


def test_plain_feeds_get_absent_ones_in_bulk(play: Play, server: Played) -> None:
    server.answers = lambda q: listed(q) if key_of(q) % 10 == 0 else absent(q)
    feed = Questions([server], range(500), plain=True)
    play.engine.add(feed)
    play.run(server)
    assert feed.told(range(500)) == {"answered": 50, "absent": 450}


def test_no_such_name_behind_an_alias_is_not_plain(play: Play, server: Played) -> None:
    """NXDOMAIN with a CNAME in front says more than that the name is absent."""
    server.answers = lambda q: [response(q, wire.NXDOMAIN, data=b"\x7f\0\0\2")]
    feed = Questions([server], range(3), plain=True)
    play.engine.add(feed)
    play.run(server)
    assert feed.told(range(3)) == {"answered": 3}


@pytest.mark.parametrize("recursive", [True, False])
def test_recursion_is_asked_of_resolvers(play: Play, server: Played, recursive: bool) -> None:
    feed = Questions([server.server._replace(recursive=recursive)], [1])
    play.engine.add(feed)
    play.run(server)
    assert server.seen[0][2:] == wire.query(0, question(1), recursive)[2:]


def test_the_window_holds(play: Play, server: Played) -> None:
    """Never more under way than one server takes, however many there are to ask."""
    number = 100_000 if isinstance(play.engine._packets, mmsg.Many) else 20_000
    feed = Endless(server, number)
    play.engine.add(feed)
    play.run(server)
    assert feed.told(range(number)) == {"absent": number}
    assert play.most == 64


class Endless(Questions):
    """Very many questions, made as they are taken."""

    def __init__(self, server: Played, number: int) -> None:
        super().__init__([server], plain=True)
        self.left = iter(range(number))
        self.done = False

    def take(self, most: int, now: float) -> Sequence[tuple[Key, bytes]]:
        got = [(k, question(k)) for k in itertools.islice(self.left, most)]
        self.done = not got
        return got

    def ready_at(self, now: float) -> float | None:
        return None if self.done else now


def test_a_small_window_for_a_stranger(play: Play, server: Played) -> None:
    feed = Questions([server], range(100))
    play.engine.add(feed, window=8)
    play.run(server)
    assert feed.told(range(100)) and play.most == 8


def test_the_cap_holds_over_all_servers(server: Played, second: Played) -> None:
    with Play(cap=100) as play:
        feed = Questions([server, second], range(1000))
        play.engine.add(feed)
        play.run(server, second)
        assert feed.told(range(1000)) and play.most == 100


def test_first_tries_are_spread_over_the_servers(
    play: Play, server: Played, second: Played
) -> None:
    feed = Questions([server, second], range(1000))
    play.engine.add(feed)
    play.run(server, second)
    assert len(server.seen) == pytest.approx(500, abs=40)


def test_a_slow_feed_is_spread_too(play: Play, server: Played, second: Played) -> None:
    feed = Questions([server, second])
    play.engine.add(feed)
    for key in range(20):
        feed.keys = [key]
        play.run(server, second)
    assert feed.told(range(20)) and len(server.seen) == len(second.seen) == 10


def test_no_feed_starves(play: Play, server: Played) -> None:
    """Ten short lists beside a very long one: they are through long before it."""
    long = Questions([server], range(5000))
    short = [Questions([server], range(50)) for _ in range(10)]
    for feed in (long, *short):
        play.engine.add(feed)
    play.engine.step(0)
    while not all(len(f.ends) == 50 for f in short):
        server.play()
        play.engine.step(0)
    assert len(long.ends) < 200
    play.run(server)
    assert len(long.ends) == 5000


def test_questions_that_come_later(play: Play, server: Played) -> None:
    feed = Questions([server], [1])
    feed.ready = play.now + 7
    play.engine.add(feed)
    play.engine.step(0)
    assert not play.engine.idle and play.engine.wake_at == feed.ready and not server.read()
    play.run(server)
    assert play.now == feed.ready and feed.told([1])
    assert play.engine.wake_at is None


def test_waiting_is_as_long_as_told(server: Played) -> None:
    """With the clock of the machine: a step waits no longer than its timeout."""
    with Engine() as engine:
        engine.step(0.01)
        engine.add(Questions([server], [1]))
        engine.step(0.01)
        assert engine.pending == 1 and not engine.idle


# ── who may answer ────────────────────────────────────────────────────────────────────────────


def test_ids_and_ports_cannot_be_foreseen(play: Play, server: Played) -> None:
    play.engine._port_life = 1000
    feed = Questions([server], range(8000), plain=True)
    play.engine.add(feed)
    play.run(server)
    assert feed.told(range(8000))
    assert 8 <= len(set(server.froms)) <= 9
    ids = [int.from_bytes(q[:2], "big") for q in server.seen]
    assert len(set(ids)) > 7000
    steps = Counter((b - a) % 65536 for a, b in itertools.pairwise(ids))
    assert steps.most_common(1)[0][1] < 10
    assert len(play.engine._ports) <= 2, "the sockets that are done with are closed"


def test_no_id_is_used_twice_at_once(server: Played) -> None:
    with Play(cap=40_000) as play:
        feed = Questions([server], range(30_000))
        server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        play.engine.add(feed, window=30_000)
        play.engine._port_life = 30_000
        play.engine.step(0)
        (port,) = play.engine._ports.values()
        assert len(port.asked) == play.engine.pending == 30_000


@pytest.mark.parametrize(
    "forged",
    [
        lambda q: bytes([q[0] ^ 1]) + response(q)[1:],  # another id
        lambda q: response(q[:12] + question(99)),  # another name
        lambda q: response(q[:-4] + b"\0\x10\0\1"),  # another type
        lambda q: q,  # the question itself: no response
        lambda q: response(q)[:4] + b"\0\0" + response(q)[6:],  # no question
        lambda q: response(q)[:4] + b"\0\2" + response(q)[6:],
        lambda q: response(q, flags=0x8980),  # another operation
        lambda q: q[:2],
        lambda q: b"",
    ],
)
def test_strays_change_nothing(
    play: Play, server: Played, forged: Callable[[bytes], bytes]
) -> None:
    for plain in (False, True):
        feed = Questions([server], [1], plain=plain)
        play.engine.add(feed)
        play.engine.step(0)
        ((query, sender),) = server.read()
        before = play.engine.strays
        for rcode in (0, wire.NXDOMAIN):
            packet = bytearray(forged(query))
            if len(packet) > 3 and packet[2] & 0x80:
                packet[3] |= rcode
            server.sock.sendto(packet, sender)
        play.engine.step(0)
        assert feed.ends == [] and play.engine.strays == before + 2
        server.sock.sendto(response(query), sender)
        play.engine.step(0)
        assert feed.told([1]) == {"answered": 1}


def test_a_stranger_with_the_right_id_is_not_heard(
    play: Play, server: Played, second: Played
) -> None:
    feed = Questions([server], [1])
    play.engine.add(feed)
    play.engine.step(0)
    ((query, sender),) = server.read()
    with suppress(ConnectionRefusedError):
        second.sock.sendto(response(query, data=b"\x7f\0\0\2"), sender)
    play.engine.step(0)
    assert feed.ends == []


def test_a_name_comes_back_in_any_case(play: Play, server: Played) -> None:
    server.answers = lambda q: [response(q[:12] + q[12:-4].upper() + q[-4:], wire.NXDOMAIN)]
    feed = Questions([server], [1], plain=True)
    play.engine.add(feed)
    play.run(server)
    assert feed.told([1]) == {"absent": 1}


def test_an_unreadable_answer_is_still_the_answer(play: Play, server: Played) -> None:
    """Id and question are right; what follows is for `wire.answer_of` to judge."""
    server.answers = lambda q: [response(q, data=b"\x7f\0\0\2")[:-2]]
    feed = Questions([server], [1])
    play.engine.add(feed)
    play.run(server)
    assert feed.told([1]) == {"answered": 1}


# ── no answer, late answers ───────────────────────────────────────────────────────────────────


def test_tries_and_then_it_is_lost(play: Play, server: Played) -> None:
    server.answers = silent
    feed = Questions([server], [1])
    play.engine.add(feed)
    begin = play.now
    play.run(server)
    assert feed.told([1]) == {"lost": 1} and feed.again == 1
    assert play.now - begin == 4.5
    assert server.seen[0] == server.seen[1] and server.froms[0] == server.froms[1]


def test_one_packet_lost(play: Play, server: Played) -> None:
    server.answers = lambda q: absent(q) if len(server.seen) > 1 else []
    feed = Questions([server], [1], plain=True)
    play.engine.add(feed)
    play.run(server)
    assert feed.told([1]) == {"answered": 1} and feed.again == 1


def test_a_late_answer_counts_once(play: Play, server: Played) -> None:
    feed = Questions([server], [1])
    play.engine.add(feed)
    play.engine.step(0)
    play.now += 2
    play.engine.step(0)
    play.engine.step(0)
    queries = server.read()
    assert len(queries) == 2
    for query, sender in queries:
        server.sock.sendto(response(query), sender)
    play.engine.step(0)
    play.engine.step(0)
    assert feed.told([1]) == {"answered": 1} and play.engine.strays == 1 and play.engine.idle


def test_a_late_answer_of_the_first_server_counts(
    play: Play, server: Played, second: Played
) -> None:
    second.answers = silent
    feed = Questions([server, second], [1])
    play.engine.add(feed)
    play.engine.step(0)
    ((query, sender),) = server.read()
    play.now += 2
    play.engine.step(0)
    assert second.play() == 1
    server.sock.sendto(response(query), sender)
    play.engine.step(0)
    assert feed.told([1]) == {"answered": 1} and feed.by[1] == server.server
    assert play.engine.idle and play.engine.pending == 0


def test_a_silent_server_costs_little(play: Play, server: Played, second: Played) -> None:
    """The next server is asked after the short wait, and soon the silent one is left alone."""
    server.answers = silent
    feed = Questions([server, second], range(2000))
    play.engine.add(feed)
    begin = play.now
    play.run(server, second)
    assert feed.told(range(2000)) == {"answered": 2000}
    assert play.now - begin <= 1.6
    assert SILENT <= len(server.seen) <= 64


def test_a_silent_server_with_no_other_is_still_asked(play: Play, server: Played) -> None:
    server.answers = silent
    feed = Questions([server], range(200))
    play.engine.add(feed)
    play.run(server, until=play.now + 10)
    server.answers = absent
    play.run(server)
    ends = feed.told(range(200))
    assert ends["answered"] > 50 and ends["lost"] > 50


def test_took_is_from_the_try_that_was_answered(play: Play, server: Played) -> None:
    feed = Questions([server], [1])
    play.engine.add(feed)
    play.engine.step(0)
    play.now += 0.25
    server.play()
    play.engine.step(0)
    assert feed.took[1] == pytest.approx(0.25)


Act = st.sampled_from(["answer", "drop", "double", "late", "forge", "servfail", "refuse", "cut"])


@settings(deadline=None)
@given(st.lists(Act, min_size=1, max_size=80), st.integers(1, 3), st.booleans(), st.booleans())
def test_exactly_once_whatever_happens(
    acts: list[str], number: int, plain: bool, many: bool
) -> None:
    """Loss, doubles, reordering, forgeries, failures, late answers in any order."""
    turn = iter(acts * 50)
    late: list[Callable[[], object]] = []

    def answers_of(s: Played) -> Answers:
        def answers(query: bytes) -> list[bytes]:
            good = response(query, wire.NXDOMAIN)
            sender = s.froms[s.seen.index(query)]
            match next(turn, "answer"):
                case "drop":
                    return []
                case "double":
                    return [good, good]
                case "late":
                    late.append(lambda: s.sock.sendto(good, sender))
                    return []
                case "forge":
                    return [response(query[:12] + question(99), wire.NXDOMAIN), query]
                case "servfail":
                    return fails(wire.SERVFAIL)(query)
                case "refuse":
                    return fails(wire.REFUSED)(query)
                case "cut":
                    return [response(query, flags=0x8380)]
                case _:
                    if len(late) > 2:
                        late.pop(0)()
                    return [good]

        return answers

    players = [Played() for _ in range(number)]
    try:
        for s in players:
            s.answers = answers_of(s)
        with Play(many and isinstance(mmsg.best(), mmsg.Many)) as play:
            feed = Questions(players, range(60), plain=plain)
            play.engine.add(feed, window=10)
            play.run(*players)
            feed.told(range(60))
            assert play.engine._busy == 0
            assert all(not p.asked for p in play.engine._ports.values())
    finally:
        for s in players:
            s.close()


def test_storm(play: Play, server: Played, second: Played) -> None:
    """Thousands, with packets lost, doubled and out of order at both servers."""
    dice = random.Random(7)
    held: list[tuple[Played, bytes, tuple[str, int]]] = []

    def answers_of(s: Played) -> Answers:
        def answers(query: bytes) -> list[bytes]:
            if dice.random() < 0.1:
                return []
            held.append((s, response(query, wire.NXDOMAIN), s.froms[-1]))
            if len(held) > 20:
                dice.shuffle(held)
                for who, packet, to in held[10:]:
                    for _ in range(dice.choice([1, 1, 1, 2])):
                        who.sock.sendto(packet, to)
                del held[10:]
            return []

        return answers

    for s in (server, second):
        s.answers = answers_of(s)
    feed = Questions([server, second], range(5000), plain=True)
    play.engine.add(feed)
    play.run(server, second)
    ends = feed.told(range(5000))
    assert ends["lost"] < 50 and ends["answered"] > 100 and play.engine.strays > 100


# ── other servers ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rcode", [wire.SERVFAIL, wire.REFUSED])
def test_a_failure_is_asked_of_the_next_server(
    play: Play, server: Played, second: Played, rcode: int
) -> None:
    server.answers = fails(rcode)
    feed = Questions([server, second], range(100), plain=True)
    play.engine.add(feed)
    begin = play.now
    play.run(server, second)
    feed.told(range(100))
    assert all(wire.parse(p).rcode == wire.NXDOMAIN for p in feed.packets.values())
    assert play.now == begin and feed.again == len(server.seen)


def test_failure_everywhere_is_told(play: Play, server: Played, second: Played) -> None:
    server.answers = second.answers = fails(wire.SERVFAIL)
    feed = Questions([server, second], [1], plain=True)
    play.engine.add(feed)
    play.run(server, second)
    assert feed.told([1]) == {"answered": 1}
    assert wire.parse(feed.packets[1]).rcode == wire.SERVFAIL
    assert len(server.seen) == len(second.seen) == 1


def test_failure_with_one_server_is_told_at_once(play: Play, server: Played) -> None:
    server.answers = fails(wire.REFUSED)
    feed = Questions([server], [1])
    play.engine.add(feed)
    play.run(server)
    assert feed.told([1]) == {"answered": 1} and len(server.seen) == 1


def test_failure_and_then_silence_is_a_failure(play: Play, server: Played, second: Played) -> None:
    server.answers, second.answers = fails(wire.SERVFAIL), silent
    feed = Questions([server, second], [1])
    play.engine.add(feed)
    play.run(server, second)
    assert feed.told([1]) == {"answered": 1} and feed.by[1] == server.server


def test_at_most_three_servers_are_troubled(play: Play) -> None:
    players = [Played(silent) for _ in range(5)]
    feed = Questions(players, [1])
    play.engine.add(feed)
    play.run(*players)
    assert feed.told([1]) == {"lost": 1}
    assert [len(s.seen) for s in players] == [2, 2, 2, 0, 0]
    for s in players:
        s.close()


# ── nobody there ──────────────────────────────────────────────────────────────────────────────


def test_a_dead_port_is_told_soon(play: Play, dead: Server) -> None:
    feed = Questions([dead], range(10))
    play.engine.add(feed)
    begin = play.now
    play.run()
    assert feed.told(range(10)) == {"lost": 10}
    assert play.now - begin < 2.5


def test_a_dead_port_does_not_burn_the_list_down(play: Play, dead: Server) -> None:
    """A server that restarts in the middle of a sweep must not make all of it unknown."""
    feed = Questions([dead], range(10_000))
    play.engine.add(feed)
    play.run(until=play.now + 5)
    assert len(feed.ends) < 1000


def test_beside_a_dead_port_the_other_server_answers_at_once(
    play: Play, dead: Server, second: Played
) -> None:
    feed = Questions([dead, second], range(500))
    play.engine.add(feed)
    begin = play.now
    play.run(second)
    assert feed.told(range(500)) == {"answered": 500} and play.now - begin < 0.1


def test_a_server_comes_back(play: Play) -> None:
    with Played() as gone:
        address = gone.server
    feed = Questions([address], range(500))
    play.engine.add(feed)
    play.run(until=play.now + 0.2)
    with Played() as back:
        back.sock.close()
        back.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        back.sock.bind((address.host, address.port))
        back.sock.setblocking(False)
        play.run(back)
    assert feed.told(range(500)) == {"answered": 500}


def test_no_way_to_the_server(
    play: Play, second: Played, dead: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system itself says no: no route, a firewall."""

    def port(line: lines.Line, life: int) -> lines.Port:
        if line.server == dead:
            raise OSError(errno.ENETUNREACH, "no route")
        return lines.Port(line, life)

    monkeypatch.setattr(engine, "Port", port)
    alone, both = Questions([dead], [1]), Questions([dead, second], range(50))
    play.engine.add(alone)
    play.engine.add(both)
    play.run(second)
    assert alone.told([1]) == {"lost": 1}
    assert both.told(range(50)) == {"answered": 50}


# ── truncated ─────────────────────────────────────────────────────────────────────────────────


def cut(query: bytes) -> list[bytes]:
    return [response(query, flags=0x8380)]


def test_truncated_is_asked_again_by_tcp(play: Play) -> None:
    with Played(cut, tcp=listed) as server:
        feed = Questions([server], range(40), plain=True)
        play.engine.add(feed)
        play.run(server)
    assert feed.told(range(40)) == {"answered": 40}
    assert all(len(wire.parse(p).answers) == 1 for p in feed.packets.values())


def test_tcp_in_pieces(play: Play) -> None:
    with Played(cut, tcp=silent) as server:
        feed = Questions([server], [1])
        play.engine.add(feed)
        for _ in range(5):
            play.engine.step(0)
            server.play()
        (call,) = server.calls
        whole = listed(b"..")[0]
        query = server.seen[0]
        ident = next(iter(play.engine._calls._open.values())).ident
        whole = listed(ident + query[2:])[0]
        for octet in len(whole).to_bytes(2, "big") + whole:
            call.sendall(bytes([octet]))
            play.engine.step(0)
    assert feed.told([1]) == {"answered": 1} and feed.packets[1] == whole


@pytest.mark.parametrize(
    "tcp",
    [
        None,  # nobody listens
        silent,  # no answer
        lambda q: [b""],  # hangs up
        lambda q: [bytes([q[0] ^ 1]) + listed(q)[0][1:]],  # another id
        lambda q: listed(q[:12] + question(99)),  # another question
        lambda q: [b"x"],  # no message
    ],
)
def test_where_tcp_fails_the_truncated_one_is_told(play: Play, tcp: Answers | None) -> None:
    with Played(cut, tcp=tcp) as server:
        feed = Questions([server], range(30), plain=True)
        play.engine.add(feed)
        play.run(server)
    assert feed.told(range(30)) == {"answered": 30}
    assert all(wire.parse(p).truncated for p in feed.packets.values())


# ── full buffers ──────────────────────────────────────────────────────────────────────────────


def test_a_full_buffer_loses_nothing(play: Play, server: Played) -> None:
    class Narrow(mmsg.Single):
        def send(self, sock: socket.socket, packets: Sequence[bytes]) -> int:
            return super().send(sock, packets[:3])

    play.engine._packets = Narrow()
    feed = Questions([server], range(200))
    play.engine.add(feed)
    play.engine.step(0)
    assert play.engine.pending == 64 and len(server.read()) == 3
    assert play.engine.wake_at == pytest.approx(play.now + 0.001)
    server.seen.clear()
    play.run(server)
    assert feed.told(range(200)) == {"answered": 200} and feed.again == 3


def test_what_was_dropped_is_not_sent(play: Play, server: Played) -> None:
    class Full(mmsg.Single):
        def send(self, sock: socket.socket, packets: Sequence[bytes]) -> int:
            return 0

    feed = Questions([server], range(10))
    play.engine._packets = Full()
    play.engine.add(feed)
    play.engine.step(0)
    play.engine.drop(feed)
    play.engine._packets = mmsg.Single()
    play.engine.step(0)
    assert not server.read() and play.engine.idle and play.engine.wake_at is None


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.ENOBUFS])
def test_full_is_no_error(code: int) -> None:
    sock: Any = Says(code, after=2)
    assert mmsg.Single().send(sock, [b"a", b"b", b"c", b"d"]) == 2
    mmsg.Single().receive(sock, [])


@pytest.mark.parametrize("code", [errno.ECONNREFUSED, errno.EPERM, errno.ENETUNREACH])
def test_icmp_is_an_error(code: int) -> None:
    sock: Any = Says(code, after=2)
    with pytest.raises(OSError, match="x"):
        mmsg.Single().send(sock, [b"a", b"b", b"c", b"d"])
    got: list[bytes] = []
    with pytest.raises(OSError, match="x"):
        mmsg.Single().receive(Says(code, after=2), got)  # type: ignore[arg-type]
    assert got == [b"p", b"p"]


class Says:
    """A socket that lets some packets pass, and then says an error."""

    def __init__(self, code: int, after: int) -> None:
        self.code, self.left = code, after

    def send(self, packet: bytes) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError(self.code, "x")
        return len(packet)

    def recv(self, size: int) -> bytes:
        self.send(b"")
        return b"p"


@MANY
def test_errors_of_many(server: Played) -> None:
    way: Any = mmsg.Many()
    way._recvmmsg = lambda *_: -1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        way._errno = lambda: errno.EAGAIN
        way.receive(sock, [])
        way._errno = lambda: errno.ECONNREFUSED
        with pytest.raises(ConnectionRefusedError):
            way.receive(sock, [])


class Parting(Says):
    """One that lets single packets pass, and says an error of those that are to be parted."""

    def __init__(self, code: int) -> None:
        super().__init__(0, after=1000)
        self.error = code
        self.singles: list[bytes] = []
        self.asked = 0

    def send(self, packet: bytes) -> int:
        self.singles.append(packet)
        return super().send(packet)

    def sendmsg(self, *_: object) -> int:
        self.asked += 1
        raise OSError(self.error, "x")


@MANY
@pytest.mark.parametrize("code", [errno.EIO, errno.EINVAL])
def test_where_no_message_is_parted_packets_go_one_by_one(code: int) -> None:
    sock: Any = Parting(code)
    way = mmsg.Many()
    packets = [b"one", b"two", b"six", b"four", b"five"]
    assert way.send(sock, packets) == way.send(sock, packets) == 5
    assert sock.singles == packets * 2 and sock.asked == 1


@MANY
def test_a_full_buffer_takes_none_of_those_that_leave_together() -> None:
    sock: Any = Parting(errno.EAGAIN)
    assert mmsg.Many().send(sock, [b"four", b"one", b"two", b"five"]) == 1
    assert sock.singles == [b"four"]


@MANY
def test_icmp_is_an_error_of_those_that_leave_together_too() -> None:
    sock: Any = Parting(errno.ECONNREFUSED)
    with pytest.raises(ConnectionRefusedError):
        mmsg.Many().send(sock, [b"one", b"two"])


@MANY
def test_those_of_one_size_arrive_as_they_were(server: Played) -> None:
    sent = [random.Random(i).randbytes(40) for i in range(100)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(server.server[:2])
        assert mmsg.Many().send(sock, sent) == 100
        assert [q for q, _ in server.read()] == sent


# ── leaving ───────────────────────────────────────────────────────────────────────────────────


def test_drop_in_the_middle(play: Play, server: Played, second: Played) -> None:
    stays, goes = (Questions([server, second], range(200)) for _ in range(2))
    second.answers = cut
    for feed in (stays, goes):
        play.engine.add(feed, window=20)
    for _ in range(3):
        play.engine.step(0)
        server.play()
        second.play()
    play.engine.step(0)
    play.engine.drop(goes)
    before = len(goes.ends)
    assert 0 < before < 200
    play.run(server, second)
    assert stays.told(range(200))
    assert len(goes.ends) == before
    play.engine.drop(stays)
    assert not play.engine._ports and not play.engine._lines and play.engine.idle


@pytest.mark.parametrize("why", ["answered", "lost", "absent"])
def test_drop_from_within(play: Play, server: Played, dead: Server, why: str) -> None:
    """A feed is dropped by what it is told, another one is added."""
    if why == "lost":
        server.answers = silent
    goes = Questions([server], range(100), plain=why == "absent")
    after = Questions([server], range(5))

    def told(*_: object) -> None:
        if goes.taken >= 0:
            goes.taken = -1
            play.engine.drop(goes)
            server.answers = absent
            play.engine.add(after)

    setattr(goes, why, told)
    play.engine.add(goes)
    play.run(server)
    assert goes.ends == [] and after.told(range(5)) == {"answered": 5}


def test_a_dropped_feed_may_come_back(play: Play, server: Played) -> None:
    feed = Questions([server], range(10))
    play.engine.add(feed)
    play.engine.step(0)
    play.engine.drop(feed)
    feed.keys = list(range(10))
    play.engine.add(feed)
    play.run(server)
    assert feed.told(range(10)) == {"answered": 10}


# ── the two ways ──────────────────────────────────────────────────────────────────────────────


def test_where_the_c_library_has_no_such_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        def __init__(self) -> None:
            raise OSError(errno.ENOPROTOOPT, "no such option")

    monkeypatch.setattr(mmsg, "Many", Without)
    assert isinstance(mmsg.best(), mmsg.Single)


@MANY
def test_many_questions_take_the_fast_way(server: Played) -> None:
    with Engine(lambda: 0.0) as engine:
        feed = Questions([server], range(2000), plain=True)
        engine.add(feed)
        engine.step(0)
        assert isinstance(engine._packets, mmsg.Single)
        while not engine.idle:
            engine.step(0)
            server.play()
        assert isinstance(engine._packets, mmsg.Many)
        assert feed.told(range(2000)) == {"absent": 2000}


@WAYS
def test_packets_pass_unchanged(server: Played, many: bool) -> None:
    way: mmsg.Packets = mmsg.Many() if many else mmsg.Single()
    sent = [random.Random(i).randbytes(i) for i in range(12, 280)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(server.server[:2])
        for i in range(0, len(sent), 50):
            part = sent[i : i + 50]
            assert way.send(sock, part) == len(part)
            assert [q for q, _ in server.read()] == part
            for p in part:
                server.sock.sendto(p, sock.getsockname())
            got: list[bytes] = []
            way.receive(sock, got)
            way.receive(sock, got)
            way.receive(sock, got)
            assert got == part
        server.sock.sendto(b"x" * 5000, sock.getsockname())
        got = []
        way.receive(sock, got)
        assert got == [b"x" * mmsg.SIZE]
