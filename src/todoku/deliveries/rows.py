"""Attempts as a table of Arrow: one row each, in typed columns. `SCHEMA` is what is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from todoku.logs.clock import Clock
from todoku.logs.messages import sender_of
from todoku.logs.postfix import Sent
from todoku.logs.sums import place_of
from todoku.logs.values import Delivery
from todoku.model import Diagnosis, Identity

if TYPE_CHECKING:
    from todoku.logs.run import Recipients
    from todoku.settings.own import Own

VERSION: Final = 1
_OF_US: Final = frozenset(("ip", "range", "asn", "hostname", "domain", "address"))

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
        ("rule", pa.string()),
        ("delay", pa.float64()),
        ("knowledge", pa.string()),
    ],
    metadata={"todoku.deliveries": str(VERSION)},
)  # fmt: skip


class Rows:
    """Makes tables of what one pass over some logs tells."""

    def __init__(self, knowledge: str, own: Own | None, recipients: Recipients, key: bytes) -> None:
        """`knowledge`: the version that judges; `key`: of the hash of recipients, as the run's."""
        self._knowledge = knowledge
        self._own = own
        self._recipients: Recipients = recipients
        self._key = key

    def refused(self, deliveries: Sequence[Delivery]) -> pa.Table:
        """Those that the reader hands out, whatever became of them."""
        columns: dict[str, list[Any]] = {
            "time": [_micros(d.time) for d in deliveries],
            "host": [d.host for d in deliveries],
            "instance": [d.instance for d in deliveries],
            "transport": [d.transport for d in deliveries],
            "source": [d.source for d in deliveries],
            "queue_id": [d.queue_id for d in deliveries],
            "sender": [d.message.sender for d in deliveries],
            "recipient": [d.recipient for d in deliveries],
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
        columns["knowledge"] = [self._knowledge] * len(deliveries)
        return _table(columns, len(deliveries))

    def sent(self, lines: Sequence[Sent], clock: Clock) -> pa.Table:
        """Deliveries of Postfix as they stand in a log (`Run.sent`); `clock`: that of its source."""
        columns: dict[str, list[Any]] = {name: [] for name in _OF_SENT}
        put = [columns[name].append for name in _OF_SENT]
        for stamp, host, tag, qid, to, relay, delay, status, line in lines:
            instance, _, transport = _text(tag or b"").partition("/")
            name, _, address = _text((relay or b"").rpartition(b":")[0]).rstrip("]").partition("[")
            told = (
                _micros(clock.read(stamp or b"")), _text(host or b""), instance, transport,
                self._source(transport), _text(qid or b""), sender_of(line).sender if line else None,
                self._recipient(to or b""), _text((to or b"").rpartition(b"@")[2].lower()) or None,
                name or None, address or None, _text(status) if status else None, _number(delay),
            )  # fmt: skip
            for add, value in zip(put, told, strict=True):
                add(value)
        columns["outcome"] = ["sent"] * len(lines)
        columns["knowledge"] = [self._knowledge] * len(lines)
        return _table(columns, len(lines))

    def _recipient(self, to: bytes) -> str | None:
        """As `todoku.logs.reader` does it: one person has one name, whatever became of the mail."""
        if self._recipients == "hashed":
            return hashlib.blake2b(to, digest_size=8, key=self._key).hexdigest()
        return _text(to) if self._recipients == "clear" else None

    def _source(self, transport: str) -> str | None:
        addresses = self._own.sends_from(transport) if self._own is not None else ()
        return addresses[0] if len(addresses) == 1 else None


_OF_SENT: Final = (
    "time", "host", "instance", "transport", "source", "queue_id", "sender", "recipient", "domain",
    "relay", "relay_address", "status", "delay",
)  # fmt: skip


def blamed(d: Diagnosis) -> Identity | None:
    """What of ours the answer names as the ground, as `todoku.logs.sums` has it."""
    ours = next((b for b in d.blocked if b.kind in _OF_US), None)
    return ours or next(iter(d.blocked), None)


_DIAGNOSED: Final[dict[str, Callable[[Diagnosis], Any]]] = {
    "receiver": lambda d: d.receiver,
    "gateway": lambda d: d.gateway,
    "reason": lambda d: d.reason or "undecided",
    "receiver_code": lambda d: d.receiver_code,
    "list": lambda d: d.blocklist.id if d.blocklist else None,
    "identity_kind": lambda d: i.kind if (i := blamed(d)) else None,
    "identity": lambda d: i.value if (i := blamed(d)) else None,
    "temporary": lambda d: d.temporary,
    "rule": lambda d: d.rule,
}


def _table(columns: dict[str, list[Any]], rows: int) -> pa.Table:
    arrays = [
        pa.array(columns[f.name], f.type) if f.name in columns else pa.nulls(rows, f.type)
        for f in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _micros(time: float | None) -> int | None:
    return None if time is None else round(time * 1_000_000)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _number(raw: bytes | None) -> float | None:
    try:
        return float(raw) if raw else None
    except ValueError:
        return None
