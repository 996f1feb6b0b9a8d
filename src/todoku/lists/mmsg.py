"""Many packets of a connected UDP socket at once: one call a packet, or on Linux one for 32.

`sendmmsg` and `recvmmsg` halve the processor time of a question. Both ways behave alike; which is
taken is the engine's choice.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any, Final, Protocol

BATCH: Final = 32
"""Packets of one call."""
SIZE: Final = 1024
"""Octets of a packet that are read. Questions say nothing of EDNS, so that answers have at most
512 (RFC 1035, section 4.2.1)."""
_LATER: Final = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS, errno.EINTR}


class Packets(Protocol):
    def send(self, sock: socket.socket, packets: Sequence[bytes]) -> int:
        """How many were sent; the rest is for later (full buffers). Raises `OSError` for all else,
        however many were sent."""
        ...

    def receive(self, sock: socket.socket, into: list[bytes]) -> None:
        """Append what is there, at most `BATCH`. Raises `OSError` for
        what came by ICMP; `into` has what came before it."""
        ...


def _sent(sock: socket.socket, packet: bytes) -> bool:
    try:
        sock.send(packet)
    except OSError as error:
        if error.errno not in _LATER:
            raise
        return False
    return True


class Single:
    """A call a packet."""

    def send(self, sock: socket.socket, packets: Sequence[bytes]) -> int:
        for sent, packet in enumerate(packets):
            if not _sent(sock, packet):
                return sent
        return len(packets)

    def receive(self, sock: socket.socket, into: list[bytes]) -> None:
        try:
            for _ in range(BATCH):
                into.append(sock.recv(SIZE))  # noqa: PERF401 -- what came before an error counts
        except OSError as error:
            if error.errno not in _LATER:
                raise


class Many:
    """Linux: 32 packets a call, through memory that is laid out once."""

    def __init__(self) -> None:
        """Raises `AttributeError` where the C library has no such calls."""
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        self._sendmmsg: Any = libc.sendmmsg
        self._recvmmsg: Any = libc.recvmmsg
        self._sendmmsg.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int]
        self._recvmmsg.argtypes = [*self._sendmmsg.argtypes, ctypes.c_void_p]
        self._errno = ctypes.get_errno
        self._out, self._in = _Slots(ctypes), _Slots(ctypes)

    def send(self, sock: socket.socket, packets: Sequence[bytes]) -> int:
        fd, sent = sock.fileno(), 0
        memory, capacities, address = self._out.memory, self._out.capacities, self._out.address
        while sent < len(packets):
            part = packets[sent : sent + BATCH]
            at = 0
            for i, packet in enumerate(part):
                size = len(packet)
                memory[at : at + size] = packet
                capacities[i] = size
                at += SIZE
            count: int = self._sendmmsg(fd, address, len(part), 0)
            if count < 0:
                if (code := self._errno()) not in _LATER:
                    raise OSError(code, os.strerror(code))
                return sent
            sent += count
            if count < len(part):  # why is not told; if it was ICMP, one more makes it come again
                return sent + _sent(sock, part[count])
        return sent

    def receive(self, sock: socket.socket, into: list[bytes]) -> None:
        count = self._recvmmsg(sock.fileno(), self._in.address, BATCH, socket.MSG_DONTWAIT, None)
        if count < 0:
            if (code := self._errno()) not in _LATER:
                raise OSError(code, os.strerror(code))
            return
        packets = bytes(self._in.memory[: count * SIZE])
        at = 0
        for size in self._in.sizes[:count].tolist():
            into.append(packets[at : at + size])
            at += SIZE


class _Slots:
    """Memory for `BATCH` packets, and the structures of <sys/socket.h> that lead there."""

    def __init__(self, ctypes: Any) -> None:
        class Vector(ctypes.Structure):  # type: ignore[misc]
            _fields_ = (("base", ctypes.c_void_p), ("capacity", ctypes.c_size_t))

        class Header(ctypes.Structure):  # type: ignore[misc]
            _fields_ = (
                ("name", ctypes.c_void_p),
                ("name_size", ctypes.c_uint),
                ("vectors", ctypes.c_void_p),
                ("vector_count", ctypes.c_size_t),
                ("control", ctypes.c_void_p),
                ("control_size", ctypes.c_size_t),
                ("flags", ctypes.c_int),
            )

        class Message(ctypes.Structure):  # type: ignore[misc]
            _fields_ = (("header", Header), ("size", ctypes.c_uint))

        buffer = ctypes.create_string_buffer(BATCH * SIZE)
        kinds: tuple[Any, ...] = (Vector, Message)
        vectors, messages = ((kind * BATCH)() for kind in kinds)
        for i in range(BATCH):
            vectors[i].base = ctypes.addressof(buffer) + i * SIZE
            vectors[i].capacity = SIZE
            messages[i].header.vectors = ctypes.addressof(vectors) + i * ctypes.sizeof(Vector)
            messages[i].header.vector_count = 1
        self.address: int = ctypes.addressof(messages)
        # The views keep alive what they show, and the kernel reads or writes.
        self.memory = memoryview(buffer).cast("B")
        word = ctypes.sizeof(ctypes.c_size_t)
        self.capacities = memoryview(vectors).cast("B").cast("Q" if word == 8 else "I")[1::2]
        step = ctypes.sizeof(Message) // 4
        self.sizes = memoryview(messages).cast("B").cast("I")[Message.size.offset // 4 :: step]


def best() -> Packets:
    """`Many` where it works, else `Single`."""
    if sys.platform == "linux":
        try:
            return Many()
        except (ImportError, AttributeError, OSError):  # a Python or C library without it
            pass
    return Single()
