"""TLSA records (RFC 6698) as mail uses them (RFC 7672), held against certificates. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from todoku.preflight.der import NotDerError, opened


class Tlsa(NamedTuple):
    usage: int
    """2: an authority of one's own vouches. 3: the server's own certificate."""
    selector: int
    """0: the whole certificate. 1: its public key."""
    matching: int
    """0: as it is. 1: its SHA-256. 2: its SHA-512."""
    data: bytes

    @property
    def used(self) -> bool:
        """Whether mail uses it (RFC 7672, section 3.1)."""
        return self.usage in {2, 3} and self.selector in {0, 1} and self.matching in {0, 1, 2}


def read(records: Iterable[str]) -> list[Tlsa]:
    """`3 1 1 <hex>`, as in a zone file; what is no record is left out."""
    found = []
    for record in records:
        try:
            usage, selector, matching, *data = record.split()
            told = Tlsa(int(usage), int(selector), int(matching), bytes.fromhex("".join(data)))
        except ValueError:
            continue
        found.append(told)
    return found


def matches(record: Tlsa, certificate: bytes) -> bool:
    """`certificate`: DER."""
    try:
        chosen = certificate if record.selector == 0 else public_key(certificate)
    except NotDerError:
        return False
    digest = {1: hashlib.sha256, 2: hashlib.sha512}.get(record.matching)
    return (chosen if digest is None else digest(chosen).digest()) == record.data


def public_key(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate (RFC 5280, section 4.1). Raises `NotDerError`."""
    signed, _ = opened(certificate, 0x30)
    rest, _ = opened(signed, 0x30)
    if rest[:1] == b"\xa0":  # the version
        _, rest = opened(rest, 0xA0)
    for tag in (0x02, 0x30, 0x30, 0x30, 0x30):  # serial, algorithm, issuer, validity, subject
        _, rest = opened(rest, tag)
    _, after = opened(rest, 0x30)
    return rest[: len(rest) - len(after)]
