"""Causes and what was looked at, as frozen values."""

from __future__ import annotations

from typing import Literal

import msgspec

from todoku.model import VERSION, Confidence

Kind = Literal["user", "sender", "client", "script", "forwarded", "notified"]
"""`user`: an account that logged in. `sender`: an envelope sender. `client`: a host that handed mail in
without logging in. `script`: a program of this machine, by user id. `forwarded`: mail of strangers sent
on, by the domain that it goes to. `notified`: notifications to strangers, likewise."""

Pattern = Literal[
    "leaked-password", "volume", "spam", "stale-list", "unknown-recipients", "forwarding", "backscatter"
]  # fmt: skip
PATTERNS: tuple[Pattern, ...] = (
    "leaked-password", "volume", "spam", "stale-list", "unknown-recipients", "forwarding", "backscatter",
)  # fmt: skip


class Period(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one of them did in a day; of the past: in a day on average."""

    mails: float
    """Recipients that were taken or refused for good."""
    unknown: float
    """Of these: recipients that do not exist."""
    spam: float
    """Answers that call the mail itself spam, malware or the like, deferrals too."""
    refused: float
    """Answers that find fault with the mail: spam, or a sender that is not proven (which forwarding
    brings about)."""


class Cause(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A line of `todoku cause --json`: what may have earned the block."""

    v: int = VERSION
    kind: Literal["cause"] = "cause"
    pattern: Pattern
    who: Kind
    name: str
    """As the log has it, so data of strangers: a user, an address, `uid=33`, a domain."""
    confidence: Confidence
    """`likely`: two signs that have little to do with each other. `guess`: one. Never `certain`: a
    log tells what was sent, not why."""
    first: str
    """Begin of the day that it is about (24 hours; RFC 3339, UTC)."""
    last: str
    now: Period
    before: Period | None
    """`None`: the log holds no day before."""
    networks: int | None
    """With `leaked-password`: from how many networks (/24, /48) that user sent."""
    night: float | None
    """Share of the mail sent between 22 and 6 o'clock."""
    domains: int | None
    """How many domains the mail in question went to; at most 64 are counted in an hour."""
    examples: tuple[str, ...]
    """Queue ids."""


class LookedAt(msgspec.Struct, frozen=True, gc=False):
    """One pattern."""

    pattern: Pattern
    known: bool
    """False: the log does not tell what is needed."""
    needs: Literal["users", "clients", "past"] | None = None
    """With false: what the log does not hold."""


class Looked(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The first line of `todoku cause --json`."""

    v: int = VERSION
    kind: Literal["looked"] = "looked"
    at: str | None
    """The time round which was looked: the three days that end an hour after it."""
    first: str | None
    """Begin of these days, and of the log."""
    log_first: str | None
    days_before: int
    """Whole days that they are held against."""
    found: int
    """How many lines of kind `cause` follow."""
    looked: tuple[LookedAt, ...]
    mails: int
    """Mails in these three days."""
    left_out: int
    """Names that were forgotten to bound memory; none of them had more than `left_out_most` mails."""
    left_out_most: int
