"""The names that lists are asked for, in wire form: `1.2.0.192.zen.spamhaus.org`.

A question section is what stands for the subject (`prefix`), then key, zone and type (`suffix`).
Both are made once; a sweep only joins octets from tables.
"""

from __future__ import annotations

import itertools
import random
import re
import socket
from collections.abc import Iterator
from typing import Final

from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.knowledge.schema import Ask, AskKind
from todoku.lists import wire
from todoku.lists.identities import registered_domain
from todoku.model import Subject

KEY_SHOWN: Final = "<key>"

_MOST: Final = 255
"""Octets of a name (RFC 1035, 2.3.4)."""
_OCTETS: Final = tuple(bytes((len(str(n)),)) + str(n).encode() for n in range(256))
"""Each octet of an address as a label."""
_NIBBLES: Final = {c: b"\1" + c.encode() for c in "0123456789abcdef"}

WORDS: Final[Words] = {
    "zone": {
        "ja": "「{zone}」は DNS のゾーン名として正しくありません。",
        "en": "'{zone}' is no valid name of a DNS zone.",
    },
    "key": {
        "ja": "{zone} のキーがラベルとして使えません（英数字とハイフン、63 文字まで）。設定 [lists] keys を確かめてください。",
        "en": "The key for {zone} cannot stand in a name (letters, digits and hyphens, at most 63). Look at [lists] keys in the settings.",
    },
    "too-long": {
        "ja": "{value} を {zone} に尋ねる名前は DNS の上限の 255 オクテットを超えます。",
        "en": "The name that asks {zone} about {value} would exceed the 255 octets of DNS.",
    },
}


class NoQuestion(TodokuError):
    """A name that cannot be asked. Its sentence never holds a key."""

    exit_code = 64


def kind_of(subject: Subject) -> AskKind:
    """As what a list is asked about it."""
    if subject.kind in {"hostname", "domain"}:
        return "domain"
    return "ipv6" if ":" in subject.value else "ipv4"


def fits(ask: Ask, subject: Subject) -> bool:
    """Whether the list may be asked: addresses never go to lists of names, nor names to lists of
    addresses (some answer such questions with an error that looks like a listing)."""
    return kind_of(subject) in ask.kinds


def suffix(zone: str, key: str | None = None, qtype: int = wire.A) -> bytes:
    """What follows the subject in a question section: key, zone, type, class. Raises `NoQuestion`,
    without the key."""
    if key is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,63}", key):
        raise NoQuestion(WORDS["key"], zone=zone)
    try:
        name = wire.name(zone.lower())
    except wire.BadName:
        raise NoQuestion(WORDS["zone"], zone=zone) from None
    label = b"" if key is None else bytes((len(key),)) + key.encode()
    return wire.question(label + name, qtype)


def prefix(subject: Subject, *, registered: bool = False) -> bytes:
    """The subject's labels: an address reversed, by octets or by nibbles; a name as it stands, or
    (`registered`) the registered domain that it belongs to."""
    if subject.kind == "ip":
        if ":" not in subject.value:
            return b"".join([_OCTETS[n] for n in socket.inet_aton(subject.value)[::-1]])
        full = socket.inet_pton(socket.AF_INET6, subject.value).hex()
        return b"".join([_NIBBLES[c] for c in reversed(full)])
    return wire.name(asked_name(subject.value, registered=registered))[:-1]


def asked_name(name: str, *, registered: bool) -> str:
    return (registered_domain(name) or name) if registered else name


def question(subject: Subject, end: bytes, zone: str, *, registered: bool = False) -> bytes:
    """The question section about the subject; `end` is the `suffix`. Raises `NoQuestion` for a
    name that is too long; `zone` is for that sentence."""
    section = prefix(subject, registered=registered) + end
    if len(section) > _MOST + 4:
        raise NoQuestion(WORDS["too-long"], value=subject.value, zone=zone)
    return section


def printed(
    subject: Subject, zone: str, key: str | None = None, *, registered: bool = False
) -> str:
    """The name as it may be shown: a key is masked."""
    if subject.kind != "ip":
        front = asked_name(subject.value, registered=registered)
    elif ":" in subject.value:
        front = ".".join(reversed(socket.inet_pton(socket.AF_INET6, subject.value).hex()))
    else:
        front = ".".join(reversed(subject.value.split(".")))
    return ".".join(part for part in (front, KEY_SHOWN if key else "", zone.lower()) if part)


def masked(text: str, key: str | None) -> str:
    """A list's words without the key that it was asked with, in whatever case it repeats it."""
    if not key or key.lower() not in text.lower():
        return text
    return re.sub(re.escape(key), KEY_SHOWN, text, flags=re.I)


# ── sweeps ────────────────────────────────────────────────────────────────────────────────────


def sweep(
    base: int, bits: int, end: bytes, *, seed: int, done: bytes | bytearray | None = None
) -> Iterator[tuple[int, bytes]]:
    """(address, question section) for each of the 2^bits IPv4 addresses from `base` on, once.
    `end` is the `suffix`.

    Asked in rounds, one address of every /24 in each, so that a sweep that was stopped has seen
    all of the range alike; which ones, and in what order, only the seed tells. In a round, most
    of equal length stand together: they can be sent at once.

    `done` marks those that need no more asking: octet `i`, for the address `base + i`, is not 0.
    It may change while the sweep runs, and is looked at a round ahead."""
    return itertools.chain.from_iterable(_rounds(base, bits, end, seed, done))


def _rounds(
    base: int, bits: int, end: bytes, seed: int, done: bytes | bytearray | None
) -> Iterator[list[tuple[int, bytes]]]:
    draw = random.Random(seed)  # noqa: S311 -- for an even load, not a secret
    near = 1 << min(bits, 8)
    rows = [
        (n - base, b"".join([_OCTETS[n >> 8 & 255], _OCTETS[n >> 16 & 255], _OCTETS[n >> 24], end]))
        for n in range(base, base + (1 << bits), near)
    ]
    columns = [(i, _OCTETS[(base & 255) + i]) for i in range(near)]
    turns = list(range(near))
    for drawn in (rows, columns, turns):
        draw.shuffle(drawn)
    rows.sort(key=_length)
    columns.sort(key=_length)
    for turn in turns:
        # Row r meets column r + turn: over all turns, every column once.
        pairs = zip(rows, itertools.cycle(columns[turn:] + columns[:turn]), strict=False)
        if done is None:
            yield [(base + i + j, low + rest) for (i, rest), (j, low) in pairs]
        else:
            yield [(base + i + j, low + rest) for (i, rest), (j, low) in pairs if not done[i + j]]


def _length(label: tuple[int, bytes]) -> int:
    return len(label[1])
