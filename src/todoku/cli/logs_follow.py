"""`todoku logs --follow`: stores what is written to logs, while it is written (docs/deliveries.md)."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from todoku import store
from todoku.cli.logs_store import WORDS as STORE_WORDS
from todoku.cli.logs_store import Place, StoringReading
from todoku.deliveries import journal
from todoku.deliveries.living import Living
from todoku.deliveries.rows import Rows
from todoku.deliveries.tailing import Tails
from todoku.errors import TodokuError
from todoku.i18n import Language, Words
from todoku.logs.clock import Clock
from todoku.logs.opening import PIECE
from todoku.logs.values import Kept

if TYPE_CHECKING:
    from todoku.deliveries.storing import Log
    from todoku.logs.run import Run

POLL: Final = 0.25
"""Seconds between looks at files that nobody writes to."""
COMMIT: Final = 1.0
"""Seconds after which what was read is stored."""
PATIENCE: Final = 5.0
"""Seconds between tries where the database cannot be used."""

WORDS: Final[Words] = {
    "folder": {
        "ja": "--follow にはファイルを指定してください（{path} はフォルダーです）。ローテーションされた古いログは"
        "自動で見つけます。何も保存していません。",
        "en": "--follow takes files, and {path} is a folder. Logs that were rotated are found by "
        "themselves. Nothing was stored.",
    },
    "none": {
        "ja": "{paths} がありません。ファイルの名前を確かめてください。何も保存していません。",
        "en": "there is no {paths}. See whether the name is right. Nothing was stored.",
    },
    "wait": {
        "ja": "{path} はまだありません。できたら読みます。ほかのファイルは読んでいます。",
        "en": "there is no {path} yet; it will be read once there is. The others are read.",
    },
    "plain": {
        "ja": "標準入力の行には番号がないため、どこまで読んだかを覚えられません。止めて流し直すと、重なった行は二重に、"
        "その間の行は数えられません。ファイルを指定するか、journalctl -o json -f を流してください。",
        "en": "lines on standard input have no numbers, so how far they are read cannot be known: what is "
        "piped in again after a stop counts twice, and what is written meanwhile does not count. Name "
        "the file instead, or pipe in journalctl -o json -f.",
    },
    "waiting": {
        "ja": "{why}\n{seconds} 秒ごとに試し直します。読んだ分は失われません。",
        "en": "{why}\nIt is tried again every {seconds} seconds. Nothing that was read is lost.",
    },
}


class FollowingReading(StoringReading):
    """What is written to some logs, until it is told to end."""

    storing: Living

    def __init__(
        self, place: Place, run: Run, paths: tuple[str, ...], lang: Language,
        *, now: float, year: int | None, quiet: bool,
    ) -> None:  # fmt: skip
        super().__init__(place, run, paths, lang, now=now, year=year, quiet=quiet)
        files = tuple(path for path in paths if path != "-")
        self._tails = Tails(self.storing, files, time.time, year)
        self._input = "-" in paths
        self._piped: Log | None = None
        self._clock: Clock | None = None
        self._head = b""
        self._stop = False
        self._told: set[str] = set()
        self._next_commit = self._next_hour = 0.0

    def _storing(self) -> Living:
        place, run = self.place, self.run
        rows = Rows(run.judge.knowledge, run.own, place.recipients, run.key)
        return Living(
            run, rows, place.folder, place.ledger, time.time, oldest=place.oldest(self.now)
        )

    def read(self) -> None:
        """Until SIGTERM, SIGINT or the end of standard input."""
        self._look()
        with self._signals():
            while not self._stop:
                busy = self._round()
                self._commit()
                if self._progress:
                    self._tick()
                if not (busy or self._input):
                    time.sleep(POLL)
        self._clear()
        for found in self._tails.close():
            self._count(found)
        if self._head:
            self._take(b"", end=True)
        if self._piped is not None:
            self._count(self._piped.end())
        self.storing.keep()
        self._say_unnumbered()

    def kept(self) -> Kept:
        return Kept(
            rows=self.storing.stored,
            logs=self._tails.opened + self._input,
            known=0,
            too_old=self.storing.too_old,
            erased=self._erased,
            folder=str(self.place.folder.path),
        )

    def _look(self) -> None:
        files = [path for path in self.paths if path != "-"]
        for path in files:
            if Path(path).is_dir():
                raise TodokuError(WORDS["folder"], path=self._name(path))
        absent = [path for path in files if not Path(path).exists()]
        if absent and len(absent) == len(self.paths):
            raise TodokuError(WORDS["none"], paths=", ".join(map(self._name, absent[:3])))
        for path in absent:
            self._say("wait", WORDS, path=self._name(path))

    def _round(self) -> bool:
        """One look at all; whether there was anything."""
        if self.storing.full:
            return False  # the database cannot be used: no more is read than can be held
        busy = False
        try:
            for found in self._tails.poll():
                self._count(found)
                busy = True
                if self._stop or self.storing.full:
                    break
        except (*store.UNUSABLE, OSError) as error:
            self._wait(error)
        for path in self._tails.differing:
            if path not in self._told:
                self._told.add(path)
                self.failed = True
                self._say("differs", STORE_WORDS, source=self._name(path))
        if self._input:
            busy = self._read_input(0.0 if busy else POLL) or busy
        return busy

    def _read_input(self, wait: float) -> bool:
        number = sys.stdin.fileno()
        try:
            ready, _, _ = select.select([number], [], [], wait)
        except InterruptedError:
            return False
        if not ready:
            return False
        data = os.read(number, PIECE)
        if not data:
            self._stop = True
            return False
        self._take(data)
        return True

    def _take(self, data: bytes, end: bool = False) -> None:
        """What was piped in. Once the first line is there: is it a journal's?"""
        if self._piped is None:
            data, self._head = self._head + data, b""
            if b"\n" not in data and len(data) < PIECE and not end:
                self._head = data
                return
            numbered = journal.looks(data)
            if not numbered and not self.quiet:
                self._say("plain", WORDS)
            clock = self._clock = Clock(time.time(), year=self.year)
            self._piped = self.storing.piped("-", clock, numbered=numbered)
        self._count(self._piped.feed(data))

    def _commit(self) -> None:
        now = time.monotonic()
        if now < self._next_commit and not (self.storing.full or self._stop):
            return
        self._next_commit = now + COMMIT
        try:
            self.storing.keep()
            self.storing.fold()
            if now >= self._next_hour:
                self._hourly()
                self._next_hour = now + 3_600
        except (*store.UNUSABLE, OSError) as error:
            if self._stop:
                raise
            self._wait(error)
        else:
            self._told.discard("store")

    def _wait(self, error: Exception) -> None:
        self._next_commit = time.monotonic() + PATIENCE
        if "store" not in self._told:
            self._told.add("store")
            told = error.text(self.lang) if isinstance(error, TodokuError) else str(error)
            self._say("waiting", WORDS, why=told, seconds=f"{PATIENCE:.0f}")
        time.sleep(POLL)

    def _hourly(self) -> None:
        self.now = time.time()
        self._tails.tick()
        if self._clock is not None:
            self._clock.move(self.now)
        self.storing.oldest = self.place.oldest(self.now)
        self._tidy()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT end it after what is being read."""

        def stop(*_: object) -> None:
            self._stop = True

        before = {s: signal.signal(s, stop) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
