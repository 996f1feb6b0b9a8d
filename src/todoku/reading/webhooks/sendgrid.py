"""Twilio SendGrid, Event Webhook (docs.sendgrid.com, "Event Webhook Reference")."""

from __future__ import annotations

import re

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, told, word

PROVIDER = "sendgrid"

_WHAT: dict[str, What] = {
    "bounce": "bounced",
    "blocked": "bounced",
    "deferred": "deferred",
    "dropped": "dropped",
    "spamreport": "complained",
    "delivered": "delivered",
}
_REASONS = re.compile(
    r"\[(?P<said>[^\[\]]{1,4000}(?:\[[^\[\]]{0,400}\][^\[\]]{0,4000}){0,4})\]\s*$"
)


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one event; opens, clicks and the like are none."""
    what = _WHAT.get(word(payload, "event"))
    if what is None:
        return []
    said = word(payload, "reason") or word(payload, "response")
    if said.startswith("Email was deferred") and (m := _REASONS.search(said)):
        said = m["said"]
    return [
        told(
            PROVIDER,
            what,
            word(payload, "email"),
            said,
            status=word(payload, "status"),
            message_id=word(payload, "smtp-id") or word(payload, "sg_message_id"),
        )
    ]
