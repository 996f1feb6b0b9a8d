"""Writing files that a person would miss: whole or not at all, with a copy of the one before."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def keep(path: Path) -> Path | None:
    """A copy of the present file under a name that is free."""
    if not path.exists():
        return None
    number = 1
    while True:
        backup = path.with_name(f"{path.name}.bak{number}")
        with contextlib.suppress(FileExistsError):
            handle = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as copy:
                copy.write(path.read_bytes())
                copy.flush()
                os.fsync(copy.fileno())
            return backup
        number += 1


def write(path: Path, content: bytes, mode: int) -> None:
    """All or nothing, also when the power fails."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode)
        if path.exists():
            there = path.stat()
            with contextlib.suppress(OSError):  # only root may give files away
                os.chown(temporary, there.st_uid, there.st_gid)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
