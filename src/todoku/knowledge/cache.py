"""The user's cache folder: read only where nobody else could have written.

What lies here is rebuilt at will; a compiled pattern database is code in all but name, so a folder
or file that another user owns or may write is treated as absent.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


def folder() -> Path:
    """`$XDG_CACHE_HOME/todoku`, else `~/.cache/todoku`."""
    base = os.environ.get("TODOKU_CACHE") or ""
    if base:
        return Path(base)
    xdg = os.environ.get("XDG_CACHE_HOME") or ""
    root = Path(xdg) if xdg.startswith("/") else Path("~").expanduser() / ".cache"
    return root / "todoku"


def _mine(path: Path, kind: int) -> bool:
    try:
        s = os.lstat(path)
    except OSError:
        return False
    if stat.S_IFMT(s.st_mode) != kind:
        return False
    return s.st_uid == os.geteuid() and not s.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def read(name: str) -> bytes | None:
    """What was kept under this name, or None."""
    root = folder()
    if not _mine(root, stat.S_IFDIR) or not _mine(root / name, stat.S_IFREG):
        return None
    try:
        return (root / name).read_bytes()
    except OSError:
        return None


def used(name: str) -> None:
    """It is of use still: what is not is tidied away first."""
    with contextlib.suppress(OSError):
        os.utime(folder() / name, follow_symlinks=False)


def write(name: str, data: bytes) -> bool:
    """Keep `data`; false where there is no place for it. A reader never sees half of it."""
    import tempfile  # five milliseconds that a run without anything to keep can do without

    root = folder()
    temporary = None
    try:
        if not root.parent.parent.is_dir():
            return False  # no home, as of a user for services: none is made for him
        root.parent.mkdir(mode=0o700, exist_ok=True)
        root.mkdir(mode=0o700, exist_ok=True)
        if not _mine(root, stat.S_IFDIR):
            return False
        fd, temporary = tempfile.mkstemp(dir=root, prefix=".new-")
        with os.fdopen(fd, "wb") as f:
            f.write(data)
        Path(temporary).replace(root / name)
    except OSError:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        return False
    _tidy(root, name)
    return True


def _tidy(root: Path, name: str) -> None:
    """Keep the four of a kind (`knowledge-…`, `rules-…`) that were used last."""
    kind = name.split("-", 1)[0]
    with contextlib.suppress(OSError):
        old = sorted(root.glob(f"{kind}-*"), key=lambda p: p.stat().st_mtime, reverse=True)
        for path in old[4:]:
            path.unlink(missing_ok=True)
