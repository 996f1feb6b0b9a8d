"""Questions in SQL to what is stored, answered by a process of its own (`todoku.deliveries.worker`).

    with Asking() as asking:                 # begins while the rest is looked up
        with open_stored(data, url) as stored:
            asking.begin(stored, first="2026-11-17")
            rows = asking.ask("SELECT receiver, count(*) FROM deliveries WHERE time >= ? GROUP BY 1", day)

The table `deliveries` is that of docs/deliveries.md.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from todoku.deliveries.worker import Answer, Begin, Question, read, write
from todoku.errors import TodokuError
from todoku.i18n import Words

if TYPE_CHECKING:
    from todoku.deliveries.reading import Stored

MEMORY: Final = "512MB"
THREADS: Final = 4

WORDS: Final[Words] = {
    "failed": {
        "ja": "保存した配送の集計に失敗しました（{why}）。保存した内容は変わっていません。",
        "en": "computing with stored deliveries failed ({why}). What is stored is as it was.",
    },
    "memory": {
        "ja": "保存した配送の集計がメモリーの上限（{limit}）に収まりません。保存した内容は変わっていません。"
        "--since と --until で期間を狭めてください。",
        "en": "computing with stored deliveries needs more memory than its limit ({limit}). What is "
        "stored is as it was. Choose a shorter time with --since and --until.",
    },
    "missing": {
        "ja": "保存した配送を集計するには追加の部品が要ります（duckdb がありません）。"
        "pip install 'todoku[logs,server]' で入れてください。保存した内容は変わっていません。",
        "en": "computing with stored deliveries needs a part that is not installed (there is no duckdb). "
        "Install it: pip install 'todoku[logs,server]'. What is stored is as it was.",
    },
}


class AskingError(TodokuError):
    """A question was not answered."""

    exit_code = 70


class Asking:
    """The worker; it ends with the `with` block."""

    def __init__(self, memory: str = MEMORY) -> None:
        self._memory = memory
        self._worker = subprocess.Popen(
            [sys.executable, "-m", "todoku.deliveries.worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        worker = self._worker
        if kind is not None:
            worker.kill()
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.close()  # type: ignore[union-attr]
        worker.wait()
        for pipe in (worker.stdout, worker.stderr):
            pipe.close()  # type: ignore[union-attr]

    def begin(self, stored: Stored, first: str | None = None, last: str | None = None) -> None:
        """What the table holds: the parts of these days, and the whole tail."""
        threads = min(THREADS, len(os.sched_getaffinity(0)) if _has_affinity() else THREADS)
        from todoku.deliveries.parts import SPILL

        spill = f"{SPILL}{os.getpid()}"
        parts = stored.parts(first, last) or stored.parts()[:1]  # of some, its columns at least
        names = [part.name for part in parts]
        told = Begin(str(stored.folder.path), names, stored.stream(), self._memory, threads, spill)
        self._send(told)

    def ask(self, sql: str, *values: str | float | None) -> list[tuple[Any, ...]]:
        """The rows. Raises `AskingError`."""
        return self.table(sql, *values).rows

    def table(self, sql: str, *values: str | float | None) -> Answer:
        """The rows, and the names of their columns. Raises `AskingError`."""
        self._send(Question(sql, list(values)))
        data = read(self._worker.stdout)  # type: ignore[arg-type]
        if data is None:
            raise self._died()
        answer = msgspec.msgpack.decode(data, type=Answer)
        if answer.memory:
            raise AskingError(WORDS["memory"], limit=self._memory)
        if answer.error:
            raise AskingError(WORDS["failed"], why=" ".join(answer.error.split())[:300])
        return answer

    def _send(self, value: object) -> None:
        try:
            write(self._worker.stdin, value)  # type: ignore[arg-type]
        except (BrokenPipeError, OSError) as error:
            raise self._died() from error

    def _died(self) -> AskingError:
        worker = self._worker
        worker.kill()
        said = worker.stderr.read().decode("utf-8", "replace")  # type: ignore[union-attr]
        if "No module named 'duckdb'" in said:
            return AskingError(WORDS["missing"])
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "")
        return AskingError(WORDS["failed"], why=last[:300] or f"exit {worker.wait()}")


def _has_affinity() -> bool:
    return hasattr(os, "sched_getaffinity")


@contextlib.contextmanager
def asking(stored: Stored, first: str | None = None, last: str | None = None) -> Iterator[Asking]:
    """A worker for what is stored already."""
    with Asking() as worker:
        worker.begin(stored, first, last)
        yield worker
