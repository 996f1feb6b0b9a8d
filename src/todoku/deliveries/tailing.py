"""Logs that are followed while they are written, through whatever rotates them.

    renamed, and a new file made    the old one is read to its end, and for a while after that
    copied, and cut to nothing      seen by its size or its beginning; what was not read of it yet
                                    is in the copy
    rotated while nobody looked     what lies beside it and is known by its bytes, or is newer than
                                    one that is and has the name of a rotated log

What is new of a file is decided by its bytes (`todoku.deliveries.identity`): reading one twice does no harm.
"""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from todoku.deliveries.identity import HEAD
from todoku.logs.clock import Clock
from todoku.logs.opening import PIECE, BadError, unpacked
from todoku.store import StoreError

if TYPE_CHECKING:
    from todoku.deliveries.storing import Log, Storing
    from todoku.logs.values import Delivery

LEAVING: Final = 60.0
"""Seconds for which a file that was renamed is read on, after the last line of it."""
AGAIN: Final = 30.0
"""Seconds after which a copy is tried again that could not be read: it was being packed."""

_ROTATED: Final = re.compile(r"[.-](?:[\d._T:-]*\d|old)(?:\.(?:gz|bz2|xz|zst))?")
"""What those that rotate logs add to a name. Another name may be anybody's extract of the log."""

File = tuple[int, int]
"""Device and inode."""


class Rotated(NamedTuple):
    """A file beside a log that is followed."""

    path: str
    written: float
    known: bool
    seen: tuple[int, int, int, float]
    """Device, inode, size, time: as long as they are the same, so is what is in it."""


class Followed:
    """One open file."""

    def __init__(self, path: str, handle: BinaryIO, log: Log, clock: Clock) -> None:
        self.path = path
        self.log = log
        self.clock = clock
        self.handle = handle
        self.read = 0
        """Bytes."""
        self.left: float | None = None
        """When it lost its name."""
        self.head = b""
        status = os.fstat(handle.fileno())
        self.file: File = (status.st_dev, status.st_ino)

    def more(self) -> bytes | None:
        """What was written since; `None` where the file was cut and begins anew."""
        number = self.handle.fileno()
        if os.fstat(number).st_size < self.read or not self._same(number):
            return None
        data = os.pread(number, PIECE, self.read)
        if not self._same(number):  # cut meanwhile: what was read may be of either
            return None
        if len(self.head) < HEAD:
            self.head = (self.head + data)[:HEAD] if len(self.head) == self.read else self.head
        self.read += len(data)
        return data

    def jump(self) -> None:
        """Passes over what is known."""
        if self.log.following.wanted > self.read:
            self.read = self.log.following.wanted
            self.log.following.jump(self.read)

    def _same(self, number: int) -> bool:
        return os.pread(number, len(self.head), 0) == self.head


class Tails:
    """The logs of some paths."""

    def __init__(
        self, storing: Storing, paths: tuple[str, ...], now: Callable[[], float], year: int | None
    ) -> None:
        """`now`: Unix time; `year` as `Clock` takes it."""
        self._storing = storing
        self._paths = paths
        self._now = now
        self._year = year
        self._open: dict[str, Followed] = {}
        self._leaving: list[Followed] = []
        self._folders: dict[str, int] = {}
        """By path: when something was last made, renamed or removed beside it, as it was looked at."""
        self._try_again: dict[str, float] = {}
        self._seen: set[tuple[int, int, int, float]] = set()
        self.opened = 0
        """Logs so far."""
        self.differing: list[str] = []
        """Logs that begin as a known one and are another: nothing of them is read."""

    def poll(self) -> Iterator[list[Delivery]]:
        """The deliveries of what was written since, at most a piece of each file. Nothing: all is
        read."""
        for path in self._paths:
            self._look(path)
        read = False
        for followed in [*self._leaving, *self._open.values()]:
            data = followed.more()
            if data is None:
                yield self._cut(followed)
            elif data:
                read = True
                yield from self._feed(followed, data)
            elif followed.left is not None and self._now() - followed.left > LEAVING:
                self._leaving.remove(followed)
                yield self._end(followed)
        if not read:
            for path in self._paths:
                if self._changed(path):
                    yield from self._beside(path)

    def _feed(self, followed: Followed, data: bytes) -> Iterator[list[Delivery]]:
        if followed.left is not None:
            followed.left = self._now()
        yield followed.log.feed(data)
        if len(data) < PIECE:
            yield followed.log.hurry()
        followed.jump()
        if followed.log.following.differs and followed.path not in self.differing:
            self.differing.append(followed.path)

    def tick(self) -> None:
        """Time goes on: call it about once an hour."""
        for followed in (*self._open.values(), *self._leaving):
            followed.clock.move(self._now())

    def close(self) -> Iterator[list[Delivery]]:
        """Puts all away; half a last line waits for the next time."""
        for followed in (*self._leaving, *self._open.values()):
            yield self._end(followed)
        self._open, self._leaving = {}, []

    def _look(self, path: str) -> None:
        """Is it another file now? Then that one is read, too."""
        try:
            status = os.stat(path)  # noqa: PTH116 (names need not be text)
        except OSError:
            status = None  # between rename and create
        now = self._open.get(path)
        if status is not None and now is not None and now.file == (status.st_dev, status.st_ino):
            return
        if now is not None:
            now.left = self._now()
            self._leaving.append(self._open.pop(path))
        if status is None or not stat.S_ISREG(status.st_mode):
            return
        file = (status.st_dev, status.st_ino)
        if not any(f.file == file for f in self._all()):  # else another name of what is read
            self._begin(path)

    def _all(self) -> list[Followed]:
        return [*self._leaving, *self._open.values()]

    def _begin(self, path: str) -> None:
        try:
            handle = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 (closed by _end)
        except OSError:
            return
        clock = Clock(min(os.fstat(handle.fileno()).st_mtime, self._now()), year=self._year)
        self._open[path] = Followed(path, handle, self._storing.log(_shown(path), clock), clock)
        self.opened += 1

    def _cut(self, followed: Followed) -> list[Delivery]:
        """It was copied and begins anew: the copy holds what was not read of it."""
        found = self._end(followed)
        if followed.left is not None:
            self._leaving.remove(followed)
        else:
            del self._open[followed.path]
            self._folders.pop(followed.path, None)
            self._begin(followed.path)
        return found

    def _end(self, followed: Followed) -> list[Delivery]:
        found = followed.log.end()
        followed.handle.close()
        return found

    # ── what was rotated ──────────────────────────────────────────────────────────────────────

    def _changed(self, path: str) -> bool:
        """Was something made or renamed beside it, or is it time to look again?"""
        try:
            status = os.stat(os.path.dirname(path) or ".")  # noqa: PTH116, PTH120
        except OSError:
            return False
        before, self._folders[path] = self._folders.get(path), status.st_mtime_ns
        return before != status.st_mtime_ns or self._try_again.get(path, math.inf) <= self._now()

    def _beside(self, path: str) -> Iterator[list[Delivery]]:
        """Reads copies that are known, and those that are newer than one of them."""
        self._try_again.pop(path, None)
        known = False
        for rotated in self._rotated(path):
            known = known or rotated.known
            newer = known and _ROTATED.fullmatch(rotated.path[len(path) :])
            if not (rotated.known or newer) or rotated.seen in self._seen:
                continue
            try:
                self._storing.keep()  # so that what is open is known as far as it was read
            except StoreError:
                self._later(path)
                raise
            try:
                yield from self._whole(rotated)
            except (BadError, OSError):
                self._later(path)
            else:
                self._seen.add(rotated.seen)
            if self._now() - rotated.written < AGAIN:
                self._later(path)  # it may not be whole yet

    def _later(self, path: str) -> None:
        self._try_again[path] = self._now() + AGAIN

    def _rotated(self, path: str) -> list[Rotated]:
        """By the time of their last line; without those that are open anyway, and their copies."""
        folder, name = os.path.split(path)
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208 (names need not be text)
        except OSError:
            return []
        found = []
        for other in names:
            if not other.startswith((f"{name}.", f"{name}-")):
                continue
            inner = os.path.join(folder, other)  # noqa: PTH118
            try:
                status = os.stat(inner)  # noqa: PTH116
                file = (status.st_dev, status.st_ino)
                if not stat.S_ISREG(status.st_mode) or any(f.file == file for f in self._all()):
                    continue
                seen = (*file, status.st_size, status.st_mtime)
                head = b""
                if seen not in self._seen:
                    with Path(inner).open("rb") as handle:
                        head = unpacked(handle)[0].read(HEAD)
            except (BadError, OSError):
                self._later(path)
                continue
            if any(f.head and head.startswith(f.head) for f in self._all()):
                continue
            known = seen in self._seen or self._storing.knows(head)
            found.append(Rotated(inner, status.st_mtime, known, seen))
        return sorted(found, key=lambda r: r.written)

    def _whole(self, rotated: Rotated) -> Iterator[list[Delivery]]:
        with open(rotated.path, "rb", buffering=0) as handle:  # noqa: PTH123
            reader, packed = unpacked(handle)
            clock = Clock(min(rotated.written, self._now()), year=self._year)
            log = self._storing.log(_shown(rotated.path), clock)
            self.opened += 1
            try:
                while data := reader.read(PIECE):
                    yield log.feed(data)
                    if not packed and log.following.wanted > handle.tell():
                        handle.seek(log.following.wanted)
                        log.following.jump(log.following.wanted)
            except (BadError, OSError):
                packed = False
                raise
            finally:
                found = log.end(final=packed)
            yield found


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")
