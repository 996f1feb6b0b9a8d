"""Brevo, once Sendinblue (developers.brevo.com, "Transactional webhooks")."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, told, word

PROVIDER = "brevo"

_WHAT: dict[str, What] = {
    "hard_bounce": "bounced",
    "soft_bounce": "bounced",
    "deferred": "deferred",
    "blocked": "dropped",
    "invalid_email": "dropped",
    "error": "dropped",
    "complaint": "complained",
    "spam": "complained",
    "delivered": "delivered",
}


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one event."""
    what = _WHAT.get(word(payload, "event"))
    if what is None:
        return []
    return [
        told(
            PROVIDER,
            what,
            word(payload, "email"),
            word(payload, "reason"),
            sender=word(payload, "sender_email"),
            message_id=word(payload, "message-id"),
        )
    ]
