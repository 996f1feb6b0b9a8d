"""Postal (docs.postalserver.io, "Webhooks"). `output` is the receiver's answer, `details` Postal's
account of it."""

from __future__ import annotations

import re

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, told, word

PROVIDER = "postal"

_WHAT: dict[str, What] = {
    "MessageSent": "delivered",
    "MessageDelayed": "deferred",
    "MessageDeliveryFailed": "bounced",
    "MessageBounced": "bounced",
}
_SENDING_TO = re.compile(
    r"sending to (?P<host>[A-Za-z][\w.-]{1,253})(?: \((?P<ip>[0-9A-Fa-f.:]{3,45})\))?"
)
_CODE = re.compile(r"(?<!\d)[245]\d\d[ -]")


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one event about a message that goes out."""
    what = _WHAT.get(word(payload, "event"))
    body = payload.get("payload")
    if what is None or not isinstance(body, dict):
        return []
    message = body.get("message")
    if isinstance(body.get("original_message"), dict):
        message, what = body["original_message"], "bounced"  # a bounce came back as a mail
    if not isinstance(message, dict) or word(message, "direction") == "incoming":
        return []
    output, details = word(body, "output").strip(), word(body, "details")
    said = output if _CODE.search(output) or not _CODE.search(details) else details
    to = _SENDING_TO.search(details[:2000])
    return [
        told(
            PROVIDER,
            what,
            word(message, "to"),
            said,
            sender=word(message, "from"),
            host=to["host"] if to else None,
            ip=to["ip"] if to else None,
            message_id=word(message, "message_id"),
        )
    ]
