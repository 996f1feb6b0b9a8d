"""A network that is closed: loopback and nothing else, for this thread and all that it starts. Linux; root."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

CLONE_NEWNET: Final = 0x40000000
SIOCSIFFLAGS: Final = 0x8914
UP_AND_RUNNING: Final = 0x1 | 0x40
OURS: Final = "/proc/thread-self/ns/net"


@contextmanager
def network() -> Iterator[str | None]:
    """Gives why there is none, where it is not permitted: what is inside then runs on the open machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        before = os.open(OURS, os.O_RDONLY)
    except OSError as error:
        yield str(error)
        return
    try:
        if not hasattr(libc, "unshare") or libc.unshare(CLONE_NEWNET):
            yield os.strerror(ctypes.get_errno())
            return
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                up = struct.pack("16sh14x", b"lo", UP_AND_RUNNING)
                fcntl.ioctl(sock, SIOCSIFFLAGS, up)
            yield None
        finally:
            if libc.setns(before, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "cannot go back to the open network")
    finally:
        os.close(before)
