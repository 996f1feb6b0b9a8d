"""MailerSend (developers.mailersend.com, "Webhooks", "Payload example")."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, told, word

PROVIDER = "mailersend"

_WHAT: dict[str, What] = {
    "activity.hard_bounced": "bounced",
    "activity.soft_bounced": "bounced",
    "activity.deferred": "deferred",
    "activity.spam_complaint": "complained",
    "activity.delivered": "delivered",
}


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one activity."""
    what = _WHAT.get(word(payload, "type"))
    if what is None:
        return []
    mail = payload["data"].get("email") if isinstance(payload.get("data"), dict) else None
    morph = payload["data"].get("morph") if isinstance(payload.get("data"), dict) else None
    return [
        told(
            PROVIDER,
            what,
            word(mail, "recipient", "email"),
            word(morph, "reason") or word(morph, "readable_reason"),
            sender=word(mail, "from"),
            message_id=word(mail, "message", "id"),
        )
    ]
