"""Mailgun: webhooks of 2018 (`event-data`) and the form fields of before (documentation.mailgun.com,
"Webhooks", "Event Structure").

`severity` tells a deferral from a failure. Codes of 600 and above, 498 and 499 are Mailgun's own.
"""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, address, told, word

PROVIDER = "mailgun"

_LEGACY: dict[str, What] = {
    "bounced": "bounced",
    "dropped": "dropped",
    "complained": "complained",
    "delivered": "delivered",
}


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one event, in either form."""
    data = payload.get("event-data")
    return _event(data) if isinstance(data, dict) else _legacy(payload)


def _event(data: Payload) -> list[Refusal]:
    event = word(data, "event")
    status = data.get("delivery-status")
    what: What
    if event == "failed":
        what = "deferred" if word(data, "severity") == "temporary" else "bounced"
        said = word(status, "message") or word(status, "description") or word(data, "reason")
    elif event == "rejected":
        what, said = "dropped", word(data, "reject", "reason")
    elif event in {"complained", "delivered"}:
        what = "complained" if event == "complained" else "delivered"
        said = word(status, "message")
    else:
        return []
    headers = data.get("message")
    return [
        told(
            PROVIDER,
            what,
            word(data, "recipient") or address(word(headers, "headers", "to")),
            said,
            code=word(status, "code"),
            status=word(status, "enhanced-code") or word(status, "bounce-code"),
            sender=word(data, "envelope", "sender"),
            host=word(status, "mx-host"),
            message_id=word(headers, "headers", "message-id"),
        )
    ]


def _legacy(data: Payload) -> list[Refusal]:
    what = _LEGACY.get(word(data, "event"))
    if what is None:
        return []
    said = word(data, "error") or word(data, "description") or word(data, "notification")
    return [
        told(
            PROVIDER,
            what,
            word(data, "recipient"),
            said or word(data, "reason"),
            code=word(data, "code"),
            status=word(data, "code"),
            message_id=word(data, "Message-Id") or word(data, "message-id"),
        )
    ]
