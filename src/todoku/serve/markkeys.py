"""The keys of marks (`todoku.cases.marks`): the file `marks.key` in the data folder, a line each.

    20781 6f1d...           day on which it was made, since 1970; the key

A new one is made every ninety days, and old ones go when no mark of theirs can be good any more. Whoever
takes a line out withdraws all marks that were made with it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

from todoku.cases import marks
from todoku.cases.marks import Key

FILE: Final = "marks.key"


def read(folder: Path, now: datetime) -> tuple[Key, ...]:
    """Those by which marks are known. Empty where there is no file: no mark was ever made."""
    with contextlib.suppress(FileNotFoundError):
        return marks.still_good(_parsed((folder / FILE).read_text("ascii", "replace")), now)
    return ()


def current(folder: Path, now: datetime) -> Key:
    """The one to make marks with; made, where it is due. Raises `OSError`."""
    keys = read(folder, now)
    if marks.is_due(keys, now):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = (Key(marks.day_of(now), secrets.token_bytes(32)), *keys)
        new = folder / f"{FILE}.{os.getpid()}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(f"{key.day} {key.secret.hex()}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / FILE)
        keys = read(folder, now)
    return keys[0]


def _parsed(text: str) -> list[Key]:
    found = []
    for line in text.splitlines():
        day, _, secret = line.strip().partition(" ")
        with contextlib.suppress(ValueError):
            found.append(Key(int(day), bytes.fromhex(secret)))
    return [key for key in found if len(key.secret) >= 16]
