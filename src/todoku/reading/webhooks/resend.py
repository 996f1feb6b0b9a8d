"""Resend (resend.com/docs, "Webhooks", "Event types")."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, address, items, told, word

PROVIDER = "resend"

_WHAT: dict[str, What] = {
    "email.bounced": "bounced",
    "email.delivery_delayed": "deferred",
    "email.failed": "dropped",
    "email.suppressed": "dropped",
    "email.complained": "complained",
    "email.delivered": "delivered",
}


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one event, for each of its recipients."""
    what = _WHAT.get(word(payload, "type"))
    data = payload.get("data")
    if what is None or not isinstance(data, dict):
        return []
    codes = [c for c in items(data, "bounce", "diagnosticCode") if isinstance(c, str)]
    said = (
        (codes[0] if codes else "")
        or word(data, "bounce", "message")
        or word(data, "failed", "reason")
        or word(data, "suppressed", "message")
        or word(data, "delivery_delayed", "message")
    )
    return [
        told(
            PROVIDER,
            what,
            address(to),
            said,
            sender=address(word(data, "from")),
            message_id=word(data, "message_id") or word(data, "email_id"),
        )
        for to in items(data, "to")
    ]
