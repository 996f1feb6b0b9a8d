"""What goes on in the lab beside the rest, as tasks: none is lost sight of, and no fault either."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from todoku.lab.clock import Clock


class Work:
    """Belongs to one event loop."""

    def __init__(self, clock: Clock) -> None:
        self.faults: list[BaseException] = []
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, life: Coroutine[Any, Any, None]) -> None:
        """Run it. It says `with clock.working():` at once, or sleeps by the clock."""
        # Counted as work from here on: a stepped clock must not pass before it has begun.
        working = self._clock.working()
        working.__enter__()
        loop = asyncio.get_running_loop()
        task = loop.create_task(life)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        loop.call_soon(working.__exit__, None, None, None)  # after its first turn

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.faults.append(fault)

    async def stop(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
