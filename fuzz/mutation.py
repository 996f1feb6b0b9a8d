"""Changes that make a good input a bad one: shared by both fuzzers."""

from __future__ import annotations

import base64
import gzip
import random
from typing import Final

LARGEST: Final = 60_000


class Mutator:
    """Turns an input into another one. The same seed gives the same sequence."""

    def __init__(self, seeds: list[bytes], tokens: list[bytes], seed: int) -> None:
        self.rng = random.Random(seed)
        self._seeds = seeds or [b"550 no\n"]
        self._tokens = tokens
        self._ways = (
            self._token, self._token, self._cut, self._repeat, self._bytes, self._splice,
            self._lines, self._swap, self._nest, self._pack, self._long, self._same_line_ends,
        )  # fmt: skip

    def fresh(self) -> bytes:
        return self.change(self.rng.choice(self._seeds))

    def change(self, data: bytes) -> bytes:
        for _ in range(self.rng.choice((1, 1, 2, 3, 5, 8))):
            data = self.rng.choice(self._ways)(data)[:LARGEST]
        return data

    def _at(self, data: bytes) -> int:
        return self.rng.randrange(len(data) + 1)

    def _span(self, data: bytes, most: int = 4000) -> tuple[int, int]:
        a = self._at(data)
        return a, min(len(data), a + self.rng.randrange(1, most))

    def _token(self, data: bytes) -> bytes:
        at = self._at(data)
        over = self.rng.choice((0, 0, 1, 8))
        return data[:at] + self.rng.choice(self._tokens) + data[at + over :]

    def _cut(self, data: bytes) -> bytes:
        a, b = self._span(data)
        return data[:a] + data[b:]

    def _repeat(self, data: bytes) -> bytes:
        a, b = self._span(data, 200)
        return data[:b] + data[a:b] * self.rng.choice((1, 3, 50, 2000)) + data[b:]

    def _bytes(self, data: bytes) -> bytes:
        out = bytearray(data)
        for _ in range(self.rng.randrange(1, 12)):
            if out:
                out[self.rng.randrange(len(out))] = self.rng.randrange(256)
        return bytes(out)

    def _splice(self, data: bytes) -> bytes:
        other = self.rng.choice(self._seeds)
        a, b = self._span(other)
        at = self._at(data)
        return data[:at] + other[a:b] + data[at:]

    def _lines(self, data: bytes) -> bytes:
        """Lines put in another order, doubled or left out."""
        lines = data.split(b"\n")
        for _ in range(self.rng.randrange(1, 5)):
            i, j = self.rng.randrange(len(lines)), self.rng.randrange(len(lines))
            match self.rng.randrange(3):
                case 0:
                    lines[i], lines[j] = lines[j], lines[i]
                case 1:
                    lines.insert(i, lines[j])
                case _:
                    del lines[i]
                    lines = lines or [b""]
        return b"\n".join(lines)

    def _swap(self, data: bytes) -> bytes:
        """One word of the input by another of its words."""
        words = data.split()
        if len(words) < 2:
            return data
        return data.replace(self.rng.choice(words), self.rng.choice(words), self.rng.choice((1, 9)))

    def _nest(self, data: bytes) -> bytes:
        """The input as a part, or as an attached mail, of one that may have the same boundary."""
        b = self.rng.choice((b"x", b"=_b", b"-", b"x--", data[:20].split(b"\n")[0]))
        kind = self.rng.choice((b"message/rfc822", b"text/plain", b"message/delivery-status"))
        head = b'Subject: failure\nContent-Type: multipart/report; boundary="' + b + b'"\n\n'
        for _ in range(self.rng.choice((1, 1, 3, 40))):
            data = (
                head
                + b"--"
                + b
                + b"\nContent-Type: "
                + kind
                + b"\n\n"
                + data
                + b"\n--"
                + b
                + b"--\n"
            )
        return data

    def _pack(self, data: bytes) -> bytes:
        a, b = self._span(data)
        middle = data[a:b]
        packed = self.rng.choice((base64.encodebytes, gzip.compress, bytes.hex))(middle)
        raw = packed.encode() if isinstance(packed, str) else packed
        return data[:a] + raw + data[b:]

    def _long(self, data: bytes) -> bytes:
        """A run that a careless pattern tries to read in two ways."""
        run = self.rng.choice(
            (b" ", b"\t", b"\n", b"a", b"1", b".", b"<", b"=", b"[", b"-", b"\xe3\x81\x82")
        )
        at = self._at(data)
        return data[:at] + run * self.rng.choice((80, 1000, 20_000)) + data[at:]

    def _same_line_ends(self, data: bytes) -> bytes:
        return data.replace(b"\n", self.rng.choice((b"\r", b"\r\n", b"\n\n", b"\0", b"\\n")))
