"""Mailboxes as files (Maildir): written whole, or not at all."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

_PARTS: Final = ("tmp", "new", "cur")


def box(root: Path, address: str) -> Path:
    """Where the mailbox of an address lies: `root/hoge.test/postmaster`."""
    local, _, domain = address.lower().rpartition("@")
    return root / _safe(domain) / _safe(local)


def deliver(folder: Path, message: bytes, unique: str, now: datetime) -> Path:
    """Put a message into `new`; on return it is on disk. `unique`: no other message has it."""
    for part in _PARTS:
        (folder / part).mkdir(parents=True, exist_ok=True)
    name = f"{int(now.timestamp())}.{_safe(unique)}.lab"
    temporary, final = folder / "tmp" / name, folder / "new" / name
    write(temporary, message)
    temporary.replace(final)
    sync(final.parent)
    return final


def messages(folder: Path) -> list[Path]:
    """All messages of a mailbox, oldest first."""
    found = [p for part in ("new", "cur") for p in (folder / part).glob("*") if p.is_file()]
    return sorted(found, key=lambda p: p.name)


def write(path: Path, data: bytes) -> None:
    """The file is on disk on return."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """So are the names in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _safe(text: str) -> str:
    """A file name and nothing else: no separator, no leading dot."""
    name = quote(text, safe="+=-_.", errors="replace")[:200] or "%00"
    return "%2E" + name[1:] if name.startswith(".") else name
