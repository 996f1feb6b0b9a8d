"""Amazon SES, by SNS or EventBridge (SES Developer Guide, "Amazon SNS notification contents").

SNS wraps the notification as a string: `{"Type": "Notification", "Message": "{...}"}`. Over SNS
to an address, the same stands as the text of a mail, with a footer behind it.
"""

from __future__ import annotations

import re

import msgspec

from todoku.model import Refusal
from todoku.reading.webhooks.event import Payload, address, items, told, word

PROVIDER = "amazon-ses"


def read(payload: Payload) -> list[Refusal]:
    """The events of one notification, whatever it is wrapped in."""
    if isinstance(payload.get("Message"), str):
        try:
            payload = msgspec.json.decode(payload["Message"], type=dict)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return []  # the text of a confirmation
    elif isinstance(payload.get("detail"), dict):
        payload = payload["detail"]
    kind = (word(payload, "notificationType") or word(payload, "eventType")).lower()
    mail = payload.get("mail")
    common = {
        "sender": word(mail, "source"),
        "message_id": word(mail, "commonHeaders", "messageId") or word(mail, "messageId"),
    }
    if kind == "bounce":
        return _bounce(payload.get("bounce"), common)
    if kind == "deliverydelay":
        return _delay(payload.get("deliveryDelay"), common)
    if kind == "complaint":
        complaint = payload.get("complaint")
        feedback = word(complaint, "complaintFeedbackType")
        return [
            told(PROVIDER, "complained", word(r, "emailAddress"), feedback_type=feedback, **common)
            for r in items(complaint, "complainedRecipients")
        ]
    if kind == "delivery":
        delivery = payload.get("delivery")
        return [
            told(
                PROVIDER,
                "delivered",
                address(r),
                word(delivery, "smtpResponse"),
                ip=word(delivery, "remoteMtaIp"),
                reported_by=_host(word(delivery, "reportingMTA")),
                **common,
            )
            for r in items(delivery, "recipients")
        ]
    if kind in {"reject", "rendering failure"}:
        said = word(payload, "reject", "reason") or word(payload, "failure", "errorMessage")
        return [
            told(PROVIDER, "dropped", address(r), said, **common)
            for r in items(mail, "destination")
        ]
    return []


def _bounce(bounce: object, common: dict[str, str]) -> list[Refusal]:
    # Where no answer is passed on, SES's own classes are all that is known: `Mailbox Full`.
    classes = f"{word(bounce, 'bounceType')} bounce: {word(bounce, 'bounceSubType')}"
    own = _CAMEL.sub(" ", classes) if word(bounce, "bounceType") else ""
    return [
        told(
            PROVIDER,
            "deferred" if word(r, "action") == "delayed" else "bounced",
            word(r, "emailAddress"),
            word(r, "diagnosticCode") or own,
            status=word(r, "status"),
            ip=word(bounce, "remoteMtaIp"),
            reported_by=_host(word(bounce, "reportingMTA")),
            **common,
        )
        for r in items(bounce, "bouncedRecipients")
    ]


def _delay(delay: object, common: dict[str, str]) -> list[Refusal]:
    own = _CAMEL.sub(" ", word(delay, "delayType"))
    return [
        told(
            PROVIDER,
            "deferred",
            word(r, "emailAddress"),
            word(r, "diagnosticCode") or own,
            status=word(r, "status"),
            reported_by=_host(word(delay, "reportingMTA")),
            **common,
        )
        for r in items(delay, "delayedRecipients")
    ]


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _host(value: str) -> str:
    """`dns; mx.example` without its type."""
    return value.rpartition(";")[2].strip()
