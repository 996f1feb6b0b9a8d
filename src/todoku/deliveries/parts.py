"""Parts: immutable Parquet files, `day=2026-11-24/NAME.parquet`, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

LOCK: Final = ".writing"
READING: Final = ".reading"
COMPACTING: Final = ".compacting"
MERGING: Final = ".merging"
"""A folder for what only the holder of `compacting` writes."""
SPILL: Final = ".spill-"
"""Folders for what does not fit into a reader's memory."""
STAGED: Final = ".staged-"
"""Folders for parts to be that the workers of one command write."""
SUFFIX: Final = ".parquet"
HALF: Final = ".half"


class Part(NamedTuple):
    """A file that has its name, and no row in the manifest yet."""

    name: str
    """The path below the folder."""
    day: str
    rows: int
    bytes: int


class Staged(NamedTuple):
    """A file that is safe on the disk and has no name yet: a part to be."""

    path: Path
    day: str
    rows: int


class Folder:
    """The parts of one installation. All that writes holds `writing`, so that what no manifest
    names is a leftover and not somebody's work."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One writer at a time. The kernel takes the lock back from a process that is killed."""
        import fcntl

        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While it is held, no part that the manifest names, or named when it was read within, is
        taken away. Any number of readers at a time."""
        import fcntl

        if not self.path.is_dir():
            yield
            return
        lock = os.open(self.path / READING, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def compacting(self) -> Iterator[bool]:
        """Whether nobody else makes larger parts of small ones. What a killed one left is gone."""
        with self._alone(COMPACTING) as alone:
            if alone:
                shutil.rmtree(self.path / MERGING, ignore_errors=True)
            yield alone

    @contextmanager
    def _alone(self, name: str) -> Iterator[bool]:
        """Whether nobody else holds this lock, nor can get it within."""
        import fcntl

        lock = os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                alone = True
            except BlockingIOError:
                alone = False
            yield alone
        finally:
            os.close(lock)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder for what workers of this command stage. It goes with the command; what one that was
        killed left, the next that cleans takes away."""
        import fcntl

        place = self.path / f"{STAGED}{uuid.uuid4().hex}"
        with self.writing():
            place.mkdir(mode=0o700)
            lock = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)
            os.close(lock)

    def half(self) -> Path:
        """The path of a part to be, for the holder of `compacting`."""
        folder = self.path / MERGING
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{uuid.uuid4().hex}{HALF}"

    def adopt(self, half: Path, day: str, rows: int) -> Part:
        """Gives a file that is safe on the disk its name. Hold `writing`."""
        return self._named(half, self._day(day) / f"{uuid.uuid4().hex}{SUFFIX}", day, rows)

    def write(self, table: pa.Table, day: str) -> Part:
        """A part of this day (UTC), safe on the disk under its name. Hold `writing`."""
        final = self._day(day) / f"{uuid.uuid4().hex}{SUFFIX}"
        half = final.with_suffix(HALF)
        _write(table, half)
        return self._named(half, final, day, table.num_rows)

    def _day(self, day: str) -> Path:
        folder = self.path / f"day={day}"
        if not folder.is_dir():
            folder.mkdir(mode=0o700)
            _sync(self.path)
        return folder

    def _named(self, half: Path, final: Path, day: str, rows: int) -> Part:
        size = half.stat().st_size
        half.rename(final)
        _sync(final.parent)
        return Part(str(final.relative_to(self.path)), day, rows, size)

    def clean(self, named: Collection[str]) -> list[str]:
        """Takes away what a crash left: half files, and parts that the manifest does not name (these
        only while nobody reads). Hold `writing`, and read the manifest within. Returns what was
        taken away."""
        left = []
        with self._alone(READING) as alone:
            for spill in self.path.glob(f"{SPILL}*") if alone else ():
                shutil.rmtree(spill, ignore_errors=True)
            for place in self.path.glob(f"{STAGED}*"):
                if not _held(place / LOCK):
                    shutil.rmtree(place, ignore_errors=True)
            for path in sorted(self.path.glob("day=*/*")):
                name = str(path.relative_to(self.path))
                if path.suffix == HALF or (alone and path.suffix == SUFFIX and name not in named):
                    path.unlink()
                    left.append(name)
        return left


def stage(table: pa.Table, day: str, place: Path) -> Staged:
    """Writes a part to be of this day (UTC), for `Folder.adopt`, into a folder of `Folder.staging`."""
    path = place / f"{uuid.uuid4().hex}{HALF}"
    _write(table, path)
    return Staged(path, day, table.num_rows)


def _write(table: pa.Table, path: Path) -> None:
    """A new file, safe on the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        pq.write_table(table, file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())


def _held(lock: Path) -> bool:
    """Does a process that lives hold this lock?"""
    import fcntl

    try:
        handle = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
