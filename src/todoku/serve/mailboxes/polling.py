"""Mailboxes are looked into once a minute, each by a thread of its own: one that hangs or is broken
stops neither the others nor `serve`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from todoku.i18n import Sentence
from todoku.serve.mailboxes.login import Login, log_in
from todoku.serve.mailboxes.reader import Reader
from todoku.serve.mailboxes.session import Session
from todoku.serve.mailboxes.trouble import WORDS, LoginRefused, NotSignedIn, Trouble, words
from todoku.serve.once import Once
from todoku.settings import Settings
from todoku.settings.mailboxes import Mailbox
from todoku.store import UNUSABLE, StoreError
from todoku.store.cases import Desk

EVERY: Final = 60.0
"""Seconds between two looks,"""
LONGEST: Final = 3600.0
"""and at most, where it does not work; the pause doubles."""
REFUSED: Final = 600.0
"""After a refused login: servers lock accounts that are tried too often."""
END: Final = 10.0
"""Seconds that the end of a thread is waited for."""
MOST_TOLD: Final = 200

Tell = Callable[[Sentence, dict[str, object]], object]


def pause(trouble: Exception, before: float, every: float = EVERY) -> float:
    """Seconds until the next try; `before`: the pause before this one."""
    if isinstance(trouble, NotSignedIn):
        return every  # nobody was asked
    first = max(REFUSED, every) if isinstance(trouble, LoginRefused) else every
    return min(max(first, before * 2), max(LONGEST, every))


class Poller:
    """One mailbox. `take` may be called by hand, too."""

    def __init__(
        self,
        box: Mailbox,
        settings: Settings,
        desk: Desk,
        now: Callable[[], datetime],
        tell: Tell,
        taken: Callable[[], object] = lambda: None,
        *,
        every: float = EVERY,
    ) -> None:
        """`tell` gets what should be known, once; `taken`: called when there is something new."""
        self.box = box
        self._login = Login(box, settings, time.time)
        self._every = every
        self._stop = threading.Event()
        self._session: Session | None = None
        self._tell = tell
        self._once = Once(tell, MOST_TOLD)
        self._reader = Reader(box, desk, now, self._once, taken=taken, stopped=self._stop.is_set)
        self._thread = threading.Thread(target=self._run, name=f"mailbox {box.name}", daemon=True)

    def take(self) -> int:
        """Look into it, now. Returns how many messages were taken. Raises `Trouble`, `StoreError`."""
        session = self._session = Session(self.box)
        try:
            log_in(session, self._login)
            return self._reader.read(session)
        finally:
            self._session = None
            session.close()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Whatever it waits for, it waits no more: what was not finished is read again."""
        self._stop.set()
        session = self._session
        if session is not None:
            session.cut()

    def join(self) -> None:
        if self._thread.ident is not None:
            self._thread.join(END)

    def _run(self) -> None:
        rest = 0.0
        while not self._stop.wait(rest):
            try:
                self.take()
            except UNUSABLE:  # told by those who work on the cases
                rest = self._every
            except StoreError:
                rest = self._every
            except Exception as error:  # noqa: BLE001  of one mailbox
                if self._stop.is_set():
                    return
                rest = pause(error, rest if self._failing else 0.0, self._every)
                self._failed(error)
            else:
                rest = self._every
                if self._failing:
                    self._tell(WORDS["again"], {"name": self.box.name})
                    self._failing = False
                    self._once.forget()

    _failing = False

    def _failed(self, error: Exception) -> None:
        self._failing = True
        if isinstance(error, Trouble):
            self._once(error.sentence, error.values)
        else:
            why = words(f"{type(error).__name__}: {error}")
            self._once(WORDS["fault"], {"name": self.box.name, "why": why})


class Pollers:
    """All of the settings, while a `with` lasts."""

    def __init__(
        self,
        settings: Settings,
        desk: Desk,
        now: Callable[[], datetime],
        tell: Tell,
        taken: Callable[[], object] = lambda: None,
        *,
        every: float = EVERY,
    ) -> None:
        self.all: Sequence[Poller] = [
            Poller(box, settings, desk, now, tell, taken, every=every)
            for box in settings.mailboxes
            if box.takes != "trials"
        ]

    def __enter__(self) -> Self:
        for poller in self.all:
            poller.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for poller in self.all:
            poller.stop()
        for poller in self.all:
            poller.join()
