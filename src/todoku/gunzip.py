"""gzip (RFC 1952), read piece by piece in bounded memory; decompression bombs are told, not unpacked."""

from __future__ import annotations

import zlib
from typing import Final, Protocol

BLOCK: Final = 1 << 16
"""Packed bytes that are read at a time."""
BOMB_RATIO: Final = 250
"""How many times its packed size a .gz may unpack to. Logs reach 30, deflate's limit is 1,032."""
BOMB_FLOOR: Final = 16 << 20
"""Below this many unpacked bytes no ratio is suspicious."""


class Reader(Protocol):
    def read(self, n: int, /) -> bytes: ...


class Gunzip:
    """The bytes inside of a .gz, piece by piece. Where it is damaged, cut off or looks like a bomb
    it ends, and `problem` says why: what came before is good."""

    def __init__(self, head: bytes, file: Reader) -> None:
        self.problem: str | None = None
        self._file = file
        self._packed = head
        self._engine = zlib.decompressobj(31)
        self._taken = len(head)
        self._given = 0

    def read(self, n: int, /) -> bytes:
        while self.problem is None:
            if self._engine.eof and not self._next_member():
                break
            try:
                out = self._engine.decompress(self._packed, n)
            except zlib.error:
                self.problem = "the gzip file is damaged"
                break
            self._packed = self._engine.unconsumed_tail
            self._given += len(out)
            if self._given > BOMB_FLOOR and self._given > BOMB_RATIO * self._taken:
                self.problem = (
                    f"unpacks to more than {BOMB_RATIO} times its size, as decompression bombs do;"
                    f" stopped after {self._given >> 20} MB"
                )
                break
            if out:
                return out
            if not self._packed and not self._engine.eof:
                self._packed = self._more()
                if not self._packed:
                    self.problem = "the gzip file is cut off"
        return b""

    def _more(self) -> bytes:
        block = self._file.read(BLOCK)
        self._taken += len(block)
        return block

    def _next_member(self) -> bool:
        """Members may follow each other (logs are appended so); anything else is padding."""
        behind = self._engine.unused_data or self._more()
        if not behind.startswith(b"\x1f\x8b"):
            return False
        self._engine = zlib.decompressobj(31)
        self._packed = behind
        return True
