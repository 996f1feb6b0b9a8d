"""A worker: does what is due, sleeps until something is, and says what went wrong.

What a deed throws that is not `Undone` leaves open whether it was done. The row keeps its intent,
and after the lease `find_out` asks; what nobody can find out waits for a person.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from todoku.cases import EventError, working
from todoku.cases.due import ActionKind
from todoku.cases.working import MOST_ATTEMPTS, Deed, Work
from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.store import LeaseLost, StoreError
from todoku.store.actions import Queue

LONGEST: Final = 60.0
"""Seconds that a worker sleeps at most: another process may have made something due."""
SHORTEST: Final = 1.0
"""After a round in which something is due that nobody can take yet."""


WORDS: Final[Words] = {
    "not-taken": {
        "ja": "案件 {case} の窓口への手紙を、まだ送れていません（{why}）。間隔を延ばしながら {most} 回まで試します。"
        "それでも送れなければ、依頼はあなたの作業に戻ります。",
        "en": "the letter to the desk of case {case} could not be sent yet ({why}). It is tried {most} "
        "times, with growing pauses; then asking is your task again.",
    },
}


class NotTaken(TodokuError):
    """A letter that our mail server did not take; it is tried again."""


class Worker:
    def __init__(
        self,
        name: str,
        queue: Queue,
        deeds: Mapping[ActionKind, Deed],
        clock: Callable[[], datetime],
        *,
        identities: Collection[str] | None = None,
        tell: Callable[[Exception], object] = lambda _error: None,
    ) -> None:
        """`identities`: keys of the addresses that are on this machine; probes of others are left
        to the worker that has them. `tell`: what went wrong."""
        self.name = name
        self.queue = queue
        self.deeds = deeds
        self.clock = clock
        self.identities = identities
        self.left: list[Work] = []
        """Deeds of which nobody knows whether they were done: a person must be asked."""
        self._tell = tell
        self._stop = threading.Event()
        self._woken = threading.Event()

    def work(self, most: int = 1000) -> int:
        """Do what is due now. Returns how many actions were tried. Raises `StoreError`."""
        done = self.queue.catch_up()
        self.left = working.find_out(self.queue, self.deeds, self.clock)
        while done < most and not self._stop.is_set():
            try:
                taken = working.step(self.queue, self.name, self.deeds, self.clock, self.identities)
            except LeaseLost:  # another worker has it: nothing was done here
                done += 1
                continue
            except StoreError:
                raise  # nothing else can be done either
            except Exception as error:  # noqa: BLE001  one deed must not end the others
                self._tell(error)
                done += 1
                continue
            if taken is None:
                break
            if taken.failed is not None and taken.action.kind == "send":
                why = " ".join(taken.failed.split())[:300]
                told = {"case": taken.case, "why": why, "most": MOST_ATTEMPTS}
                self._tell(NotTaken(WORDS["not-taken"], **told))
            done += 1
        try:
            self.queue.desk.flush(self.clock())
        except EventError as error:
            self._tell(error)
        return done

    def run(self) -> None:
        """Until `stop`."""
        while not self._stop.is_set():
            self._woken.clear()
            if self.work() == 0:
                self._woken.wait(self.rest())

    def rest(self) -> float:
        """Seconds until there is something to do here."""
        now = self.clock()
        at = self.queue.next_at(now, self.deeds, self.identities)
        if at is None:
            return LONGEST
        return min(max(at - now.timestamp(), SHORTEST), LONGEST)

    def wake(self) -> None:
        """Something may be due."""
        self._woken.set()

    def stop(self) -> None:
        """After the action under way. Any thread, and a signal handler, may."""
        self._stop.set()
        self._woken.set()
