"""Elements of DER (X.690), as far as keys and certificates need them. Pure."""

from __future__ import annotations


class NotDerError(ValueError):
    """Another element stands there, or it is cut off."""


def opened(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """What an element holds, and what follows it. Raises `NotDerError`."""
    if len(der) < 2 or der[0] != tag:
        raise NotDerError("not the element that should stand here")
    length, at = der[1], 2
    if length & 0x80:
        size = length & 0x7F
        if not 0 < size <= 3 or len(der) < 2 + size:
            raise NotDerError("a length that cannot be")
        length, at = int.from_bytes(der[2 : 2 + size], "big"), 2 + size
    if len(der) < at + length:
        raise NotDerError("cut off")
    return der[at : at + length], der[at + length :]
