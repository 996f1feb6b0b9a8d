"""SparkPost (developers.sparkpost.com, "Webhooks", "Event types", "Bounce classification codes")."""

from __future__ import annotations

from typing import Any

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, told, word

PROVIDER = "sparkpost"

_WHAT: dict[str, What] = {
    "bounce": "bounced",
    "out_of_band": "bounced",
    "delay": "deferred",
    "policy_rejection": "dropped",
    "generation_failure": "dropped",
    "generation_rejection": "dropped",
    "spam_complaint": "complained",
    "delivery": "delivered",
}
_AUTO_REPLY = "60"
_NO_BOUNCE = {"80", "90"}
"""Classes of what came back and is no bounce: a wish to subscribe, and to unsubscribe."""


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one event; a ping is `{"msys": {}}`."""
    body: Any = payload.get("msys")
    if not isinstance(body, dict):
        return []
    for name in ("message_event", "gen_event"):
        event = body.get(name)
        if isinstance(event, dict):
            return _event(event)
    return []


def _event(event: Payload) -> list[Refusal]:
    what = _WHAT.get(word(event, "type"))
    klass = word(event, "bounce_class")
    if what is None or klass in _NO_BOUNCE:
        return []
    if what == "bounced" and klass == _AUTO_REPLY:
        what = "auto-reply"
    return [
        told(
            PROVIDER,
            what,
            word(event, "raw_rcpt_to") or word(event, "rcpt_to"),
            word(event, "raw_reason") or word(event, "reason"),
            code=word(event, "error_code"),
            sender=word(event, "msg_from"),
            ip=word(event, "ip_address"),
            feedback_type=word(event, "fbtype"),
            message_id=word(event, "message_id"),
        )
    ]
