"""Postmark (postmarkapp.com, "Bounce webhook", "Bounce types")."""

from __future__ import annotations

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, What, told, word

PROVIDER = "postmark"

_TYPES: dict[str, What | None] = {
    "Transient": "deferred",
    "AutoResponder": "auto-reply",
    "SpamComplaint": "complained",
    "ManuallyDeactivated": "dropped",
    "SMTPApiError": "dropped",
    "InboundError": None,
    "Subscribe": None,
    "Unsubscribe": None,
    "Unconfirmed": None,
    "AddressChange": None,
    "OpenRelayTest": None,
    "TemplateRenderingFailed": "dropped",
}
"""All other types (HardBounce, SoftBounce, Blocked, DnsError, ...) are bounces."""


def read(payload: Payload) -> list[Refusal]:
    """The refusal of one record. Bounces of before 2018 have no `RecordType`."""
    record = word(payload, "RecordType") or "Bounce"
    what: What | None
    if record == "Bounce":
        what = _TYPES.get(word(payload, "Type"), "bounced")
    elif record == "SpamComplaint":
        what = "complained"
    elif record == "Delivery":
        what = "delivered"
    else:
        what = None
    if what is None:
        return []
    return [
        told(
            PROVIDER,
            what,
            word(payload, "Email") or word(payload, "Recipient"),
            word(payload, "Details")
            or ("" if what == "delivered" else word(payload, "Description")),
            sender=word(payload, "From"),
            message_id=word(payload, "MessageID"),
        )
    ]
