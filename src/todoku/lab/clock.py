"""The one clock of the lab: everything in it, and whoever lives with it, asks this for the time.

    RealClock()                      the machine's
    FastClock(3600)                  an hour passes in a second, in every process that has its `text`
    SteppedClock()                   stands still until somebody says `await clock.advance(3600)`

With a stepped clock days pass in milliseconds, yet nothing is skipped: before each step everything
that is under way (`with clock.working():`) comes to its end, and every sleeper wakes at its time.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

STORY: Final = datetime(2026, 11, 24, 0, 12, tzinfo=UTC)
"""When the story begins, where nobody says otherwise: 09:12 in Tokyo."""

_POLL: Final = 0.0005


class Clock(Protocol):
    @property
    def factor(self) -> float:
        """Seconds that pass on it in one of the machine's, if nobody advances it."""
        ...

    def now(self) -> datetime:
        """The time, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of this clock."""
        ...

    def working(self) -> AbstractContextManager[None]:
        """While something is under way: a clock that is stepped waits for its end. Whoever wakes
        from `sleep` enters it before anything else is awaited. Any thread may."""
        ...


class RealClock:
    factor = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def working(self) -> AbstractContextManager[None]:
        return nullcontext()


class FastClock:
    """Runs `factor` times as fast as the machine's. Never goes backwards."""

    def __init__(
        self, factor: float, start: datetime | None = None, *, since: float | None = None
    ) -> None:
        """`start`: what it shows at `since`, a reading of `time.monotonic()`; by default now."""
        if factor <= 0:
            raise ValueError(f"a clock cannot run {factor} times as fast")
        self.factor = factor
        self.start = start or datetime.now(UTC)
        self.since = time.monotonic() if since is None else since

    def now(self) -> datetime:
        return self.start + timedelta(seconds=(time.monotonic() - self.since) * self.factor)

    async def sleep(self, seconds: float) -> None:
        end = self.now() + timedelta(seconds=seconds)
        await asyncio.sleep(max(0.0, seconds / self.factor))
        # The loop's timer may be early by its resolution, which is long here.
        while (left := (end - self.now()).total_seconds()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left / self.factor)

    def working(self) -> AbstractContextManager[None]:
        return nullcontext()

    @property
    def text(self) -> str:
        """Enough for another process of this machine to have the same clock (`of`)."""
        return f"{self.factor!r} {self.start.isoformat()} {self.since!r}"

    @classmethod
    def of(cls, text: str) -> FastClock:
        factor, start, since = text.split()
        return cls(float(factor), datetime.fromisoformat(start), since=float(since))


class SteppedClock:
    """Moves only in `advance`. All of it but `now` and `working` belongs to one event loop."""

    factor = 0.0

    def __init__(self, start: datetime = STORY) -> None:
        self._now = start
        self._busy = 0
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        due = self._now + timedelta(seconds=max(0.0, seconds))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (due, next(self._order), future))
        await future

    @contextmanager
    def working(self) -> Iterator[None]:
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    @property
    def next_due(self) -> datetime | None:
        """When the next sleeper wakes."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)  # cancelled
        return self._sleepers[0][0] if self._sleepers else None

    async def advance(self, seconds: float) -> None:
        """Let so much time pass."""
        await self.advance_to(self._now + timedelta(seconds=seconds))

    async def advance_to(self, moment: datetime) -> None:
        await self.rest()
        while (due := self.next_due) is not None and due <= moment:
            self._now = max(self._now, due)
            heapq.heappop(self._sleepers)[2].set_result(None)
            await self.rest()
        self._now = max(self._now, moment)

    async def rest(self) -> None:
        """Until nothing is under way; no time passes."""
        for _ in range(4):  # whoever was just woken or started gets its turn
            await asyncio.sleep(0)
        while self._busy:
            await asyncio.sleep(_POLL)
            if not self._busy:
                for _ in range(4):
                    await asyncio.sleep(0)
