"""The policy of MTA-STS (RFC 8461, section 3.2): bytes to a `Policy`. Pure."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

Mode: TypeAlias = Literal["enforce", "testing", "none"]
Fault: TypeAlias = Literal["version", "mode", "max-age", "mx", "long", "kind", "nonsense"]

LONGEST: Final = 31_557_600
"""Seconds: no `max_age` is above a year."""
_MODES: Final[dict[str, Mode]] = {"enforce": "enforce", "testing": "testing", "none": "none"}


class Policy(NamedTuple):
    mode: Mode
    max_age: int
    """Seconds for which senders keep it."""
    mx: tuple[str, ...]
    """Patterns, in lower case."""


class BadPolicyError(ValueError):
    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault: Fault = fault


def read(body: bytes) -> Policy:
    """Of fields given twice the first counts, but each `mx` does. Raises `BadPolicyError`."""
    fields: dict[str, str] = {}
    mx: list[str] = []
    for line in body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        name, colon, value = (part.strip(" \t") for part in line.partition(":"))
        if colon and name == "mx":
            mx.append(value.rstrip(".").lower())
        elif colon:
            fields.setdefault(name, value)
    if fields.get("version") != "STSv1":
        raise BadPolicyError("version")
    mode = _MODES.get(fields.get("mode", ""))
    if mode is None:
        raise BadPolicyError("mode")
    age = fields.get("max_age", "")
    if not (age.isascii() and age.isdigit() and len(age) <= 10 and int(age) <= LONGEST):
        raise BadPolicyError("max-age")
    if mode != "none" and not any(mx):
        raise BadPolicyError("mx")
    return Policy(mode, int(age), tuple(filter(None, mx)))


def covers(policy: Policy, host: str) -> bool:
    """`*.example.jp` stands for one label (RFC 8461, section 4.1)."""
    host = host.rstrip(".").lower()
    return any(
        pattern == host or (pattern[:2] == "*." and host.partition(".")[2] == pattern[2:])
        for pattern in policy.mx
    )
