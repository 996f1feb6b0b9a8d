"""Marks by which a bounce is known as one of our mail, whoever reports it.

    todoku.1f3a.50e4.9c0d2e7b61a45f03c8d1        key, day, signature

A mark goes out as the envelope id of a mail (RFC 3461, section 4.4) or in its return path (VERP:
`news+todoku.1f3a.50e4....@example.jp`), and comes back with the bounce. Whoever gets the mail sees it,
so it ends after two weeks, and may be made for one recipient alone: then it proves nothing of others.

BATV (draft-levine-smtp-batv) signs return paths in the mail server: `prvs=0123abcdef=user@example.jp`,
a key's number, the last day, and six digits of a signature. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

DAY: Final = 86_400
LASTS: Final = 14
"""Days: longer than any server tries to deliver."""
NEW_KEY: Final = 90
"""Days until marks are made with a new key."""
TRIAL: Final = "todoku.try."
"""How the Message-IDs of trials begin."""
MARK: Final = re.compile(
    r"todoku\.(?P<key>[0-9a-f]{4})\.(?P<day>[0-9a-f]{4,6})\.(?P<sign>[0-9a-f]{20})(?![0-9a-f])",
    re.I,
)
PRVS: Final = re.compile(
    r"prvs=(?P<key>\d)(?P<day>\d{3})(?P<sign>[0-9a-f]{6})=(?P<address>[^@=\s]{1,200}@[^@\s]{1,255})",
    re.I,
)
BATV_LASTS: Final = 7


class Key(NamedTuple):
    """`day`: since 1970, on which it was made."""

    day: int
    secret: bytes

    @property
    def name(self) -> str:
        return hashlib.sha256(b"name" + self.secret).hexdigest()[:4]


def day_of(now: datetime) -> int:
    return int(now.timestamp() // DAY)


def mark(key: Key, now: datetime, recipient: str | None = None) -> str:
    """`recipient`: for mail to this one alone."""
    day = day_of(now)
    return f"todoku.{key.name}.{day:04x}.{_sign(key, day, recipient)}"


def holds(text: str, keys: Sequence[Key], now: datetime, recipient: str | None) -> bool:
    """Whether a mark of ours that is not over stands in it, for this recipient or for all."""
    for m in MARK.finditer(text):
        day = int(m["day"], 16)
        if not -1 <= day_of(now) - day <= LASTS:
            continue
        for key in keys:
            if key.name == m["key"].lower() and any(
                hmac.compare_digest(_sign(key, day, about), m["sign"].lower())
                for about in ({recipient, None} if recipient else {None})
            ):
                return True
    return False


def still_good(keys: Sequence[Key], now: datetime) -> tuple[Key, ...]:
    """Those by which a mark may still be known, the newest first."""
    oldest = day_of(now) - NEW_KEY - LASTS
    return tuple(sorted((k for k in keys if k.day >= oldest), reverse=True))


def is_due(keys: Sequence[Key], now: datetime) -> bool:
    """Whether a new key is to be made."""
    return not any(day_of(now) - key.day < NEW_KEY for key in keys)


def _sign(key: Key, day: int, recipient: str | None) -> str:
    about = f"mark {day} {(recipient or '').lower()}".encode("utf-8", "replace")
    return hmac.new(key.secret, about, hashlib.sha256).hexdigest()[:20]


def batv_holds(came_to: str, keys: Sequence[str], now: datetime) -> bool:
    """Whether it is a return path signed with one of these keys, and not over."""
    m = PRVS.fullmatch(came_to.strip("<> "))
    if m is None:
        return False
    left = (int(m["day"]) - day_of(now)) % 1000
    if left > BATV_LASTS:
        return False
    local, _, domain = m["address"].rpartition("@")
    signed = (
        f"{m['key']}{m['day']}{local}@{domain}",
        f"{m['key']}{m['day']}{local}@{domain.lower()}",
    )
    return any(
        hmac.compare_digest(
            # SHA-1 is what BATV says; nothing else rests on it.
            hmac.new(key.encode(), text.encode("utf-8", "replace"), hashlib.sha1).hexdigest()[:6],
            m["sign"].lower(),
        )
        for key in keys
        for text in signed
    )
