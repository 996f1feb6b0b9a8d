"""Mailchimp Transactional, once Mandrill (mailchimp.com/developer, "Webhooks")."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, items, told, word

PROVIDER = "mandrill"

_WHAT: dict[str, What] = {
    "hard_bounce": "bounced",
    "soft_bounce": "bounced",
    "deferral": "deferred",
    "reject": "dropped",
    "spam": "complained",
    "delivered": "delivered",
}


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one event; changes of the deny list are none."""
    what = _WHAT.get(word(payload, "event"))
    message = payload.get("msg")
    if what is None or not isinstance(message, dict):
        return []
    last = next((e for e in reversed(items(message, "smtp_events"))), None)
    said = word(message, "diag") or word(last, "diag") or word(message, "bounce_description")
    return [
        told(
            PROVIDER,
            what,
            word(message, "email"),
            said,
            sender=word(message, "sender"),
            ip=word(last, "destination_ip"),
            message_id=word(message, "_id"),
        )
    ]
