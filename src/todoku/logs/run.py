"""One pass over some logs: what is asked of it, what was read so far, and what its sources share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from todoku.logs.daily import Daily
from todoku.logs.judging import Judge, Key
from todoku.logs.lines import Format
from todoku.logs.masking import Masks
from todoku.logs.messages import Earlier, Messages
from todoku.logs.postfix import Sent
from todoku.model import Diagnosis, Refusal

if TYPE_CHECKING:
    from todoku.settings.own import Own

_CASES: Final = 20_000

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

    def case(
        self, key: Key, template: bytes, domain: bytes, refusal: Callable[[], Refusal]
    ) -> Case:
        """Of a template that is not among `cases`, or not for all its lines."""
        d = self.judge.known(key) or self.judge.judge(key, template, refusal)
        case = Case(
            d,
            d.remote.host,
            d.remote.ip,
            _text(domain).lower() or None,
            _text(key[2]) if isinstance(key[2], bytes) else None,
            _text(self._readable(d, template)),
            d.reply.enhanced if d.reply.code is not None else None,
        )
        if self.judge.known(key) is not None:
            if len(self.cases) >= _CASES:
                self.cases.clear()
            self.cases[key] = case
        return case

    def _readable(self, d: Diagnosis, template: bytes) -> bytes:
        """The receiver's words with what belongs to one message masked; the mail server's own
        where no receiver answered."""
        if not d.reply.text:
            return template
        to = (d.recipient or "").encode("utf-8", "replace")
        return self.masks.template(d.reply.text.encode("utf-8", "replace"), to)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
