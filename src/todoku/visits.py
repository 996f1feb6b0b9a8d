"""When a receiver was last probed, from which address of ours, and what it said: a small file in the data
folder.

A receiver remembers an impatient visitor, so the visit is written down before it is made: one that is
cut short counts too, and two commands that start at once make one visit.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from todoku.errors import TodokuError
from todoku.i18n import Words

FILE: Final = "probes.json"

WORDS: Final[Words] = {
    "unusable": {
        "ja": "探査の記録 {path} を扱えません（{why}）。前回の探査が分からないため、何も送っていません。",
        "en": "the record of probes, {path}, cannot be used ({why}). As it is not known when the last "
        "one was, nothing was sent.",
    },
    "broken": {
        "ja": "探査の記録 {path} が壊れています。前回の探査が分からないため、何も送っていません。6 時間以内に"
        "探査していないと分かっていれば、このファイルを消して再実行してください。",
        "en": "the record of probes, {path}, is broken. As it is not known when the last one was, nothing "
        "was sent. If you know of none in the last six hours, delete the file and try again.",
    },
}


class VisitsError(TodokuError):
    """The file cannot be read or written."""

    exit_code = 74


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    receiver: str
    """An id of the knowledge, else the domain of its servers."""
    source: str
    """Our address, as they see it."""
    at: datetime
    said: dict[str, Any] | None = None
    """What came of it (`todoku probe --json`); `None`: it was cut short."""


def enter(folder: Path, visit: Visit, every: timedelta) -> datetime | None:
    """Write the visit down, unless it would come too soon: then when it may be made. Visits older than
    `every` are forgotten. Raises `VisitsError`."""
    path = folder / FILE
    try:
        with _locked(path):
            # What is later than it can be was written while the clock was wrong.
            known = [v for v in _read(path) if abs(visit.at - v.at) < every]
            for each in known:
                if (each.receiver, each.source) == (visit.receiver, visit.source):
                    return each.at + every
            _write(path, [*known, visit])
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise VisitsError(WORDS["unusable"], path=path, why=why) from error
    return None


def note(folder: Path, visit: Visit, said: dict[str, Any]) -> None:
    """What came of a visit that was entered. Raises `VisitsError`."""
    path = folder / FILE
    try:
        with _locked(path):
            known = _read(path)
            _write(
                path, [msgspec.structs.replace(v, said=said) if v == visit else v for v in known]
            )
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise VisitsError(WORDS["unusable"], path=path, why=why) from error


def last(folder: Path, receiver: str, source: str) -> Visit | None:
    """The visit that is remembered. Raises `VisitsError`."""
    found = [v for v in _read(folder / FILE) if (v.receiver, v.source) == (receiver, source)]
    return max(found, key=lambda v: v.at, default=None)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _read(path: Path) -> list[Visit]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    try:
        visits = msgspec.json.decode(content, type=list[Visit])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VisitsError(WORDS["broken"], path=path) from error
    if any(v.at.tzinfo is None for v in visits):
        raise VisitsError(WORDS["broken"], path=path)
    return visits


def _write(path: Path, visits: list[Visit]) -> None:
    """Whole or not at all."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(msgspec.json.encode(visits))
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
