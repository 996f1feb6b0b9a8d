"""Unisender Go (godocs.unisender.ru, "Webhook event format")."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, items, told, word

PROVIDER = "unisender-go"

_WHAT: dict[str, What] = {
    "hard_bounced": "bounced",
    "soft_bounced": "bounced",
    "spam": "complained",
    "delivered": "delivered",
}


def read(payload: Payload) -> list[Refusal]:
    """The refusals of a batch by user, or of one event."""
    users = items(payload, "events_by_user")
    if not users:
        return _event(word(payload, "event_name"), payload)
    out = []
    for user in users:
        for event in items(user, "events"):
            if isinstance(event, dict):
                out += _event(word(event, "event_name"), event.get("event_data"))
    return out


def _event(name: str, data: object) -> list[Refusal]:
    what = _WHAT.get(word(data, "status"))
    if name != "transactional_email_status" or what is None:
        return []
    return [
        told(
            PROVIDER,
            what,
            word(data, "email"),
            word(data, "delivery_info", "destination_response")
            or word(data, "delivery_info", "delivery_status"),
            sender=word(data, "sender"),
            message_id=word(data, "job_id"),
        )
    ]
