"""Who reads the parts: processes of this machine, or those of a dask cluster.

Either is a `concurrent.futures.Executor`. A process that is killed takes nothing along: what it did
not finish is read anew. Only some parts are under way at once, and they are handed out in their
order, so memory does not grow with the log.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

if TYPE_CHECKING:
    from types import TracebackType

A = TypeVar("A")
T = TypeVar("T")

AHEAD: Final = 2
"""Parts for each worker that are under way or wait to be merged."""
TRIES: Final = 4
"""How often a part is begun whose worker was killed: it may be what kills it."""


class LostError(Exception):
    """Workers were killed again and again over the same part."""


class Local:
    """Processes of this machine. They begin with what this one knows, where it can be forked."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            # Where this one is told to stop, nobody waits for what is under way.
            processes = list((self._executor._processes or {}).values())
            self._executor.shutdown(wait=kind is None, cancel_futures=True)
            if kind is not None:
                for process in processes:
                    process.terminate()

    def executor(self) -> Executor:
        if self._executor is None:
            kind = "fork" if sys.platform == "linux" else None
            self._executor = ProcessPoolExecutor(
                self.workers, mp_context=multiprocessing.get_context(kind), initializer=_quiet
            )
        return self._executor

    def again(self) -> None:
        """The executor is broken: the next one is new."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


def _quiet() -> None:
    """A person's Ctrl-C ends the asking process, which ends the others; so does whatever kills it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


_DIE_WITH_PARENT: Final = 1
"""`PR_SET_PDEATHSIG` of prctl(2)."""


class Dask:
    """The workers of a cluster. Its scheduler has a part that was lost read by another worker."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False, retries=TRIES - 1)
        self.threads = sum(client.nthreads().values())
        """Those that are there now; more may come."""
        self.workers = max(1, self.threads)

    def executor(self) -> Executor:
        executor: Executor = self._executor
        return executor

    def again(self) -> None:
        raise LostError


def in_order(
    workers: Local | Dask, do: Callable[[A], T], parts: Iterable[A]
) -> Iterator[tuple[A, T]]:
    """Each part with what `do` made of it, in the order of the parts. Raises what `do` raises, and
    `LostError`."""
    waiting: deque[tuple[A, Future[T] | None]] = deque()
    more = iter(parts)
    lost = 0
    while True:
        while len(waiting) < AHEAD * workers.workers + 1 and (part := next(more, None)) is not None:
            waiting.append((part, None))
        if not waiting:
            return
        try:
            for n, (part, future) in enumerate(waiting):
                if future is None:
                    waiting[n] = (part, workers.executor().submit(do, part))
            part, future = waiting[0]
            assert future is not None  # noqa: S101 (all of them were submitted)
            told = future.result()
        except BrokenExecutor:
            lost += 1
            if lost >= TRIES:
                raise LostError from None
            workers.again()
            waiting = deque(
                (part, future if _is_done(future) else None) for part, future in waiting
            )
            continue
        lost = 0
        waiting.popleft()
        yield part, told


def _is_done(future: Future[T] | None) -> bool:
    return (
        future is not None
        and future.done()
        and not future.cancelled()
        and not isinstance(future.exception(), BrokenExecutor)
    )
