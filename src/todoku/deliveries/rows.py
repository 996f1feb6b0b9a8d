"""Attempts as a table of Arrow: one row each, in typed columns. `SCHEMA` is what is stored."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pyarrow as pa

from todoku.deliveries.grounds import MOST, Ground, ground, number
from todoku.logs.clock import Clock
from todoku.logs.messages import sender_of
from todoku.logs.postfix import Sent
from todoku.logs.sums import blamed, key_of, place_of
from todoku.logs.values import Delivery
from todoku.model import Diagnosis
from todoku.reading.logs.syslog import text as text_of

if TYPE_CHECKING:
    from todoku.logs.run import Recipients
    from todoku.settings.own import Own

VERSION: Final = 1
_KEPT: Final = 20_000
_YEAR_10000: Final = 253_402_300_800
T = TypeVar("T")

SCHEMA: Final = pa.schema(
    [
        ("time", pa.timestamp("us")),  # UTC; null where the line has no stamp
        *((name, pa.string()) for name in (
            "host", "instance", "transport", "source", "queue_id", "sender", "recipient", "domain",
            "relay", "relay_address", "outcome", "status",
        )),
        ("code", pa.int16()),
        *((name, pa.string()) for name in (
            "enhanced", "stage", "reply", "receiver", "gateway", "place", "reason", "receiver_code", "list",
            "identity_kind", "identity",
        )),
        ("temporary", pa.bool_()),
        ("who_acts", pa.string()),
        ("rule", pa.string()),
        ("ground", pa.int64()),
        ("delay", pa.float64()),
        ("knowledge", pa.string()),
    ],
    metadata={"todoku.deliveries": str(VERSION)},
)  # fmt: skip


class Rows:
    """Makes tables of what one pass over some logs tells."""

    def __init__(self, knowledge: str, own: Own | None, recipients: Recipients, key: bytes) -> None:
        """`knowledge`: the version that judges; `key`: of the hash of recipients, as the run's.
        With `recipients` off none is stored, whatever the run tells of them."""
        self._knowledge = knowledge
        self._own = own
        self._recipients: Recipients = recipients
        self._key = key
        self._programs: dict[bytes | None, tuple[str, str, str | None]] = {}
        self._relays: dict[bytes | None, tuple[str | None, str | None]] = {}
        self._numbers: dict[tuple[int, str | None], tuple[Diagnosis, int]] = {}
        self._texts = _Texts(_text)
        self._senders = _Texts(text_of)
        self._domains = _Texts(lambda raw: _text(raw).lower() or None)
        self.grounds: dict[int, Ground] = {}
        """Those of the rows so far, at most `MOST`; whoever stores them empties it."""

    def refused(self, deliveries: Sequence[Delivery]) -> pa.Table:
        """Those that the reader hands out, whatever became of them."""
        off = self._recipients == "off"
        columns: dict[str, Any] = {
            "time": [_micros(d.time) for d in deliveries],
            "host": [d.host for d in deliveries],
            "instance": [d.instance for d in deliveries],
            "transport": [d.transport for d in deliveries],
            "source": [d.source for d in deliveries],
            "queue_id": [d.queue_id for d in deliveries],
            "sender": [d.message.sender for d in deliveries],
            "recipient": [None if off else d.recipient for d in deliveries],
            "domain": [d.domain for d in deliveries],
            "relay": [d.relay for d in deliveries],
            "relay_address": [d.relay_ip for d in deliveries],
            "outcome": [d.outcome for d in deliveries],
            "status": [d.status for d in deliveries],
            "code": [d.code for d in deliveries],
            "enhanced": [d.enhanced for d in deliveries],
            "stage": [d.stage for d in deliveries],
            "reply": [d.template for d in deliveries],
            "delay": [d.delay for d in deliveries],
        }
        for name, of in _DIAGNOSED.items():
            columns[name] = [of(d.diagnosis) if d.diagnosis else None for d in deliveries]
        columns["place"] = [place_of(d.diagnosis, d) if d.diagnosis else None for d in deliveries]
        columns["ground"] = [
            self._ground(d.diagnosis, d) if d.diagnosis else None for d in deliveries
        ]
        columns["knowledge"] = pa.repeat(self._knowledge, len(deliveries))
        return _table(columns, len(deliveries))

    def sent(self, lines: Sequence[Sent], clock: Clock) -> pa.Table:
        """Deliveries of Postfix as they stand in a log (`Run.sent`); `clock`: that of its source."""
        stamps, hosts, tags, ids, tos, relays, delays, statuses, about = (
            zip(*lines, strict=True) if lines else [()] * 9
        )
        programs = [self._programs.get(tag) or self._program(tag) for tag in tags]
        answered = [self._relays.get(relay) or self._relay(relay) for relay in relays]
        read, text, known = clock.read, _text, self._texts.__getitem__
        senders, domains = self._senders, self._domains
        columns: dict[str, Any] = {
            "time": [_micros(read(stamp or b"")) for stamp in stamps],
            "host": list(map(known, hosts)),
            "instance": [p[0] for p in programs],
            "transport": [p[1] for p in programs],
            "source": [p[2] for p in programs],
            "queue_id": [text(qid or b"") for qid in ids],
            "sender": [senders[_sender(line)] for line in about],
            "recipient": self._several(tos),
            "domain": [domains[(to or b"").rpartition(b"@")[2]] for to in tos],
            "relay": [r[0] for r in answered],
            "relay_address": [r[1] for r in answered],
            "status": list(map(known, statuses)),
            "delay": [_number(delay) for delay in delays],
        }
        columns["outcome"] = pa.repeat("sent", len(lines))
        columns["knowledge"] = pa.repeat(self._knowledge, len(lines))
        return _table(columns, len(lines))

    def _ground(self, d: Diagnosis, delivery: Delivery) -> int:
        place = place_of(d, delivery)
        known = self._numbers.get((id(d), place))
        if known is not None and known[0] is d:
            return known[1]
        if len(self._numbers) >= _KEPT:
            self._numbers.clear()
        n = number(key_of(d, delivery))
        self._numbers[id(d), place] = (d, n)
        if n not in self.grounds and len(self.grounds) < MOST:
            self.grounds[n] = ground(d, delivery)
        return n

    def _several(self, recipients: Sequence[bytes | None]) -> list[str | None]:
        """As `todoku.logs.reader` does it: one person has one name, whatever became of the mail."""
        if self._recipients == "clear":
            return [_text(to or b"") for to in recipients]
        if self._recipients == "off":
            return [None] * len(recipients)
        told: list[str | None] = []
        begun = hashlib.blake2b(digest_size=8, key=self._key)
        for to in recipients:
            hashed = begun.copy()  # the key is mixed in once
            hashed.update(to or b"")
            told.append(hashed.hexdigest())
        return told

    def _program(self, tag: bytes | None) -> tuple[str, str, str | None]:
        instance, _, transport = _text(tag or b"").partition("/")
        program = self._programs[tag] = (instance, transport, self._source(transport))
        return _bounded(self._programs, program)

    def _relay(self, relay: bytes | None) -> tuple[str | None, str | None]:
        name, _, address = _text((relay or b"").rpartition(b":")[0]).rstrip("]").partition("[")
        answered = self._relays[relay] = (name or None, address or None)
        return _bounded(self._relays, answered)

    def _source(self, transport: str) -> str | None:
        addresses = self._own.sends_from(transport) if self._own is not None else ()
        return addresses[0] if len(addresses) == 1 else None


class _Texts(dict[bytes | None, str | None]):
    """Bytes that come again and again, as text."""

    def __init__(self, decode: Callable[[bytes], str | None]) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, raw: bytes | None) -> str | None:
        told = None if raw is None else self._decode(raw)
        if len(self) >= _KEPT:
            self.clear()
        self[raw] = told
        return told


def _sender(line: bytes | None) -> bytes | None:
    """Of a line that names it; as `todoku.logs.messages` reads it."""
    if line is None:
        return None
    if line.startswith(b"from=<") and b"\n" not in line:
        end = line.find(b">, ", 6)
        if end > 0:
            return line[6:end]
    told = sender_of(line).sender
    return None if told is None else told.encode("utf-8", "replace")


def _bounded(known: dict[Any, T], value: T) -> T:
    if len(known) > _KEPT:
        known.clear()
    return value


_DIAGNOSED: Final[dict[str, Callable[[Diagnosis], Any]]] = {
    "receiver": lambda d: d.receiver,
    "gateway": lambda d: d.gateway,
    "reason": lambda d: d.reason or "undecided",
    "receiver_code": lambda d: d.receiver_code,
    "list": lambda d: d.blocklist.id if d.blocklist else None,
    "identity_kind": lambda d: i.kind if (i := blamed(d)) else None,
    "identity": lambda d: i.value if (i := blamed(d)) else None,
    "temporary": lambda d: d.temporary,
    "who_acts": lambda d: d.who_acts,
    "rule": lambda d: d.rule,
}


def _table(columns: dict[str, Any], rows: int) -> pa.Table:
    """Columns that are not there are null."""
    arrays = []
    for field in SCHEMA:
        values = columns.get(field.name)
        if values is None:
            values = pa.nulls(rows, field.type)
        elif isinstance(values, list):
            values = pa.array(values, field.type)
        arrays.append(values)
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _micros(time: float | None) -> int | None:
    """`None` for what is no time, or none of a calendar with four digits for the year."""
    return round(time * 1_000_000) if time is not None and 0 <= time < _YEAR_10000 else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _number(raw: bytes | None) -> float | None:
    try:
        value = float(raw) if raw else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
