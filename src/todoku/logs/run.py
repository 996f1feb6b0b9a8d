"""One pass over some logs: what is asked of it, what was read so far, and what its sources share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from todoku.logs.daily import Daily
from todoku.logs.judging import Judge, Key
from todoku.logs.lines import Format
from todoku.logs.masking import Masks
from todoku.logs.messages import Earlier, Messages
from todoku.logs.postfix import Sent
from todoku.model import Diagnosis

if TYPE_CHECKING:
    from todoku.settings.own import Own

Recipients = Literal["off", "hashed", "clear"]


class Counts(msgspec.Struct):
    """What was read so far."""

    lines: int = 0
    other_programs: int = 0
    unknown: int = 0
    sent: int = 0
    bounced: int = 0
    deferred: int = 0
    expired: int = 0
    jumps: int = 0
    first: float | None = None
    last: float | None = None
    formats: set[Format] = msgspec.field(default_factory=set)

    @property
    def understood(self) -> int:
        return self.lines - self.other_programs - self.unknown


class Case(NamedTuple):
    """What all lines with one template share."""

    diagnosis: Diagnosis
    relay: str | None
    relay_ip: str | None
    domain: str | None
    status: str | None
    template: str
    enhanced: str | None
    """The receiver's; `None` where no receiver answered."""


class Run:
    """One pass over some logs. What lines tell of messages is shared by its sources: a rotated log
    goes on in the next file."""

    def __init__(
        self,
        judge: Judge,
        *,
        since: float | None = None,
        until: float | None = None,
        own: Own | None = None,
        recipients: Recipients = "hashed",
        key: bytes = b"",
        whole: bool = False,
        earlier: Earlier | None = None,
    ) -> None:
        """`since` and `until` bound the attempts that are counted (from, to below). `key` (at most
        64 bytes) is that of the hash of recipients. `whole`: deliveries that were sent are told of
        too, and of each message all that is known, not its sender alone. `earlier`: what stands before
        the first source, where that is a part of a log."""
        self.judge = judge
        self.since = -math.inf if since is None else since
        self.until = math.inf if until is None else until
        self.bounded = since is not None or until is not None
        self.own = own
        self.recipients: Recipients = recipients
        self.key = key
        self.whole = whole
        self.sent: list[Sent] | None = None
        """A list here, without `whole`: what was sent is told of too, Postfix's as it stands in the log
        in this list, which whoever reads empties."""
        self.counts = Counts()
        self.daily = Daily(key)
        self.messages = Messages(earlier)
        self.masks = Masks(judge.by_word)
        self.cases: dict[Key, Case] = {}
