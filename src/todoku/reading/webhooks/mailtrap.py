"""Mailtrap (help.mailtrap.io, "Webhooks")."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, items, told, word

PROVIDER = "mailtrap"

_WHAT: dict[str, What] = {
    "bounce": "bounced",
    "soft bounce": "bounced",
    "reject": "dropped",
    "suspension": "dropped",
    "spam": "complained",
    "spam_complaint": "complained",
    "delivery": "delivered",
}


def read(payload: Payload) -> list[Refusal]:
    """The refusals of a batch of events, or of one of them."""
    out = []
    for event in items(payload, "events") or [payload]:
        what = _WHAT.get(word(event, "event"))
        if what is None:
            continue
        out.append(
            told(
                PROVIDER,
                what,
                word(event, "email"),
                word(event, "response") or word(event, "reason") or word(event, "bounce_category"),
                code=word(event, "response_code"),
                message_id=word(event, "message_id"),
            )
        )
    return out
