"""Builds the pattern database in the background, so that the next run is fast.

The first run of a new knowledge answers with the pure engine; compiling the database takes some
seconds that nobody should wait for. The command line calls `start`, which leaves a detached
process of low priority behind (`python -m todoku.knowledge.warm`). It says nothing, whatever
happens: at worst the next run tries again.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from todoku.knowledge import cache, load, match
from todoku.knowledge.schema import Compiled

AGAIN_AFTER: Final = 600
"""Seconds before another attempt is made for the same knowledge."""
LONGEST: Final = 300
"""Seconds after which a build is given up."""


def start(knowledge: Compiled, overlay: Path | None = None) -> bool:
    """Start a build where one is of use; true where a process was started.

    The caller has found that there is no database. Nothing is started where there is no compiled
    engine or it is not wanted, where the cache cannot be written, or shortly after another start.
    """
    if not sys.executable or not hasattr(os, "posix_spawn") or match.is_built(knowledge):
        return False
    stamp = f"warming-{knowledge.version}"
    if _is_recent(stamp) or not cache.write(stamp, b""):
        return False
    # -P: the current folder may hold anything, and must not be searched for modules.
    words = [sys.executable, "-P", "-m", "todoku.knowledge.warm"]
    if overlay is not None:
        words.append(str(overlay.absolute()))
    nothing = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        os.posix_spawn(sys.executable, words, os.environ, file_actions=nothing)
    except OSError:
        return False
    return True


def _is_recent(stamp: str) -> bool:
    if cache.read(stamp) is None:
        return False
    try:
        return time.time() - (cache.folder() / stamp).stat().st_mtime < AGAIN_AFTER
    except OSError:
        return False


def main(arguments: list[str]) -> int:
    """Build and keep the database, unless another process is at it."""
    with contextlib.suppress(OSError):
        os.setsid()  # a closed terminal or Ctrl-C is none of our business
    with contextlib.suppress(OSError):
        os.nice(15)
    signal.alarm(LONGEST)
    overlay = Path(arguments[0]) if arguments else None
    with contextlib.suppress(Exception), _alone() as alone:
        if alone:
            knowledge = load.knowledge(overlay)
            if not match.is_built(knowledge):
                match.build(knowledge)
    return 0


@contextlib.contextmanager
def _alone() -> Iterator[bool]:
    """Whether this is the only process that builds; held as long as the context lasts."""
    import fcntl

    fd = os.open(cache.folder() / "warm.lock", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(fd)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
