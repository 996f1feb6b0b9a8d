"""Why mail was refused, told once for all rows that share it: the diagnosis without the one message.

A row names its ground by a number, made from what `todoku.logs.sums` groups attempts by; so stored
rows fall into the same groups as those of a log that is read.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

from todoku.logs.sums import Key
from todoku.logs.values import Delivery
from todoku.model import Diagnosis, Evidence, Reply

MOST: Final = 5_000
"""Kept of one pass. Rows of further ones are told from their columns alone."""


class Ground(msgspec.Struct, frozen=True, gc=False):
    """The first attempt with it stands for all."""

    diagnosis: Diagnosis
    example: str | None
    """The answer, masked."""


def number(key: Key) -> int:
    """The ground's number, for `todoku.logs.sums.key_of`: 64 bits with a sign."""
    told = hashlib.blake2b(msgspec.json.encode(key), digest_size=8).digest()
    return int.from_bytes(told, "big", signed=True)


def ground(d: Diagnosis, delivery: Delivery) -> Ground:
    """What may be kept of a diagnosis: nobody's address but the one that is blocked."""
    text = (delivery.template or "") if d.reply.text else ""
    kept = msgspec.structs.replace(
        d,
        source="-",
        recipient=None,
        sender=None,
        message_id=None,
        id=msgspec.UNSET,
        reply=Reply(d.reply.code, d.reply.enhanced, text),
        urls=tuple(url for url in d.urls if url in text),
        evidence=tuple(_moved(d, text)),
    )
    return Ground(kept, delivery.template)


def _moved(d: Diagnosis, text: str) -> list[Evidence]:
    """Evidence by its place in the masked reply; what was masked is none any more."""
    moved = []
    for e in d.evidence:
        at = text.find(d.reply.text[e.start : e.end])
        if at >= 0 and e.end > e.start:
            moved.append(Evidence(e.field, at, at + e.end - e.start))
    return moved


def encode(told: Ground) -> str:
    return msgspec.json.encode(told).decode()


def decode(payload: str) -> Ground | None:
    """`None` for what another version wrote, which this one cannot read."""
    try:
        return msgspec.json.decode(payload, type=Ground)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
