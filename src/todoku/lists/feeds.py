"""What the engine is fed with: single questions, and the addresses of a range.

Both mind the list's `Pace`: its budget, its rate, and whether it still answers.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from todoku.lists import wire
from todoku.lists.pace import Pace
from todoku.lists.values import Answer, Key, Server

Got = Callable[[Key, Answer], None]


class QuestionFeed:
    """Single questions, in the order in which they were asked; each gives exactly one `Answer`."""

    plain = False

    def __init__(
        self, servers: Sequence[Server], pace: Pace, got: Got, wall: Callable[[], float]
    ) -> None:
        self.servers = servers
        self.pace = pace
        self._got = got
        self._wall = wall
        self._queue: deque[tuple[Key, bytes]] = deque()
        self._printed: dict[Key, str] = {}

    def ask(self, key: Key, question: bytes, printed: str) -> None:
        """`question` in wire form; `printed`: the name as it may be shown."""
        self._queue.append((key, question))
        self._printed[key] = printed

    @property
    def waiting(self) -> list[Key]:
        """Keys without an answer yet."""
        return list(self._printed)

    def give_up(self) -> None:
        """Nothing more is sent, and what comes later is ignored. Keys stay `waiting`."""
        self._queue.clear()

    def take(self, most: int, now: float) -> Sequence[tuple[Key, bytes]]:
        count = self.pace.draw(min(most, len(self._queue)), now) if self._queue else 0
        return [self._queue.popleft() for _ in range(count)]

    def ready_at(self, now: float) -> float | None:
        return self.pace.ready_at(now) if self._queue else None

    def resent(self, count: int) -> None:
        self.pace.spent(count)

    def absent(self, keys: Sequence[Key], sample: bytes, server: Server) -> None:
        for key in keys:
            self.answered(key, sample, server, 0.0)

    def answered(self, key: Key, packet: bytes, server: Server, took: float) -> None:
        printed = self._printed.pop(key, None)
        if printed is None:
            return
        self.pace.alive()
        self._got(
            key,
            wire.answer_of(packet, asked=printed, server=str(server), took=took, at=self._wall()),
        )

    def lost(self, key: Key, server: Server) -> None:
        printed = self._printed.pop(key, None)
        if printed is None:
            return
        self.pace.silent()
        self._got(key, Answer(rcode=None, asked=printed, server=str(server), at=self._wall()))


class SweepFeed:
    """The addresses of a range. Keys are IPv4 addresses as integers."""

    plain = True

    def __init__(
        self,
        servers: Sequence[Server],
        pace: Pace,
        sections: Iterator[tuple[int, bytes]],
        absent: Callable[[Sequence[int]], None],
        answered: Callable[[int, bytes, Server, float], None],
        lost: Callable[[int], None],
    ) -> None:
        self.servers = servers
        self.pace = pace
        self._sections: Iterator[tuple[int, bytes]] | None = sections
        self._absent = absent
        self._answered = answered
        self._lost = lost
        self._under_way = 0
        self._stopped = False
        self.open = False
        """Set when the list has proved itself: nothing is taken before."""

    @property
    def done(self) -> bool:
        return self._sections is None and self._under_way == 0

    def stop(self) -> None:
        """No more is taken; answers under way still count."""
        self._sections = None
        self._stopped = True

    def again(self, address: int, section: bytes) -> bool:
        """Ask this one once more, after the others; `False` where nothing more is asked."""
        if not self._stopped:
            self._sections = itertools.chain(self._sections or (), ((address, section),))
        return not self._stopped

    def take(self, most: int, now: float) -> Sequence[tuple[Key, bytes]]:
        if not self.open or self._sections is None:
            return ()
        count = self.pace.draw(most, now)
        got = list(itertools.islice(self._sections, count))
        if len(got) < count:
            self._sections = None
            self.pace.spent(len(got) - count)
        self._under_way += len(got)
        return got

    def ready_at(self, now: float) -> float | None:
        if not self.open or self._sections is None:
            return None
        return self.pace.ready_at(now)

    def resent(self, count: int) -> None:
        self.pace.spent(count)

    def absent(self, keys: Sequence[Key], sample: bytes, server: Server) -> None:
        self._under_way -= len(keys)
        self.pace.alive()
        self._absent(keys)  # type: ignore[arg-type]

    def answered(self, key: Key, packet: bytes, server: Server, took: float) -> None:
        self._under_way -= 1
        self.pace.alive()
        self._answered(key, packet, server, took)  # type: ignore[arg-type]

    def lost(self, key: Key, server: Server) -> None:
        self._under_way -= 1
        self.pace.silent()
        self._lost(key)  # type: ignore[arg-type]
