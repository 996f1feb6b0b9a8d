"""The spool: where mail waits for `todoku serve`. A message is on disk, whole, before anybody is told
that it was received; a machine that dies leaves no half of one.

    tmp/    being written
    new/    waiting (`Intake.collect` takes it into the store)

One message is one file, as it came. Many that are handed over at once are one file too, `*.pack`, each
with a line before it that tells its octets: the disk is waited for once, and they are there all or none.

Whoever hands mail over needs no other right than to write here: an MTA's pipe runs as a user of its
own. In a folder shared with it (`install -d -g todoku -m 3777 tmp new`) files take the folder's group,
which may read them. What is no pack, whatever its name says, is one message.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

PARTS: Final = ("tmp", "new")
MODE: Final = 0o640
OLD: Final = 36 * 3600.0
"""Seconds after which a file that is still being written belongs to nobody (as in a Maildir)."""
PACK: Final = ".pack"
LARGEST: Final = 16 << 20
"""Octets of a pack; a message above that is a file of its own."""
PACKED: Final = 1000
"""Messages of a pack, at most."""


def make(folder: Path) -> None:
    """The folder, where it is not there: for its owner alone."""
    for part in PARTS:
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)


def put(folder: Path, *messages: bytes) -> None:
    """On return they are on disk and in `new`, all of them. Raises `OSError`; what was there of them is
    then taken away again, and whoever hands them over once more hands over nothing twice."""
    there: list[Path] = []
    try:
        for group in _groups(messages):
            name = f"{time.time_ns()}.{os.getpid()}.{secrets.token_hex(8)}"
            there.append(folder / "tmp" / (name if len(group) == 1 else name + PACK))
            _write(there[-1], group[0] if len(group) == 1 else pack(group))
        for n, path in enumerate(there):
            there[n] = path.rename(folder / "new" / path.name)
        _sync(folder / "new")
    except BaseException:
        for path in there:
            with contextlib.suppress(OSError):
                path.unlink()
        raise


def pack(messages: Sequence[bytes]) -> bytes:
    return b"".join(part for each in messages for part in (b"%d\n" % len(each), each))


def read(path: Path, most: int | None = None) -> bytes:
    """A file in the spool, so much of it at most. Raises `OSError`, also for what is no plain file: who may
    write there must not make us read, or wait for, another one."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
        return file.read() if most is None else file.read(most)


def messages(name: str, data: bytes) -> list[bytes]:
    """Those of a file in the spool. Never raises: anybody who may write there may write anything."""
    if not name.endswith(PACK):
        return [data]
    found: list[bytes] = []
    start = 0
    while start < len(data):
        end = data.find(b"\n", start, start + 10)
        length = data[start:end]
        if end < 0 or not length.isdigit() or end + 1 + int(length) > len(data):
            return [data]
        if len(found) == PACKED:
            return [data]
        start = end + 1 + int(length)
        found.append(data[end + 1 : start])
    return found


def _groups(messages: Sequence[bytes]) -> Iterator[list[bytes]]:
    """What goes into one file each."""
    group: list[bytes] = []
    octets = 0
    for message in messages:
        if group and (octets + len(message) > LARGEST or len(group) == PACKED):
            yield group
            group, octets = [], 0
        group.append(message)
        octets += len(message)
    if group:
        yield group


def drop(folder: Path, those: Callable[[bytes], bool]) -> int:
    """Take some messages away, unread. What is left of a pack is put there anew before it goes. Raises
    `OSError`. Returns how many."""
    count = 0
    for path in sorted((folder / "new").iterdir()) if (folder / "new").is_dir() else ():
        if path.is_symlink() or not path.is_file():
            continue
        try:
            found = messages(path.name, read(path))
        except FileNotFoundError:  # it was taken meanwhile
            continue
        left = [message for message in found if not those(message)]
        if len(left) < len(found):
            put(folder, *left)
            path.unlink(missing_ok=True)
            count += len(found) - len(left)
    return count


def tidy(folder: Path, now: float) -> None:
    """Take away what a machine that died left half written: nobody was told that it was received.
    `now`: seconds since 1970."""
    with contextlib.suppress(OSError):
        for path in (folder / "tmp").iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < now - OLD:
                    path.unlink()


def _write(path: Path, message: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    try:
        os.fchmod(file, MODE)  # whatever umask the MTA has
        left = memoryview(message)
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    finally:
        os.close(file)


def _sync(folder: Path) -> None:
    """The folder's names are on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
