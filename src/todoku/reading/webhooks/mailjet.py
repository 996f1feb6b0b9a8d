"""Mailjet, Event API (dev.mailjet.com, "Webhook events"). `comment` holds the receiver's answer."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, told, word

PROVIDER = "mailjet"

_WHAT: dict[str, What] = {
    "bounce": "bounced",
    "blocked": "dropped",
    "spam": "complained",
    "sent": "delivered",
}


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one event. `sent` is told when the receiver has taken the message."""
    what = _WHAT.get(word(payload, "event"))
    if what is None:
        return []
    return [
        told(
            PROVIDER,
            what,
            word(payload, "email"),
            word(payload, "comment") or word(payload, "smtp_reply") or word(payload, "error"),
            message_id=word(payload, "Message_GUID") or word(payload, "MessageID"),
        )
    ]
