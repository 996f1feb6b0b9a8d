"""Webhooks: what mail providers post when a message was refused, deferred or complained about.

One module a provider. A payload is one JSON object, a list of them, or one a line. It is told by
its own fields, so nobody has to say whose it is; events that are no refusal (opened, clicked,
subscribed, received) give nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

import msgspec

from todoku.model import Refusal

MAX_EVENTS: Final = 100_000

_MAILGUN_EVENTS: Final = frozenset(
    {
        "accepted",
        "bounced",
        "clicked",
        "complained",
        "delivered",
        "dropped",
        "failed",
        "opened",
        "rejected",
        "stored",
        "unsubscribed",
    }
)
# How each provider's payload is told; the first that fits has it.
_TOLD_BY: Final[tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...]] = (
    (
        "amazon_ses",
        lambda o: (
            "notificationType" in o
            or ("eventType" in o and "mail" in o)
            or ("Type" in o and "Message" in o and "MessageId" in o)
            or o.get("source") == "aws.ses"
        ),
    ),
    ("sparkpost", lambda o: "msys" in o),
    ("mailgun", lambda o: "event-data" in o),
    ("postmark", lambda o: "RecordType" in o or ("BouncedAt" in o and "TypeCode" in o)),
    ("unisender_go", lambda o: "events_by_user" in o or "event_name" in o),
    ("mailtrap", lambda o: isinstance(o.get("events"), list) or "sending_stream" in o),
    ("mailersend", lambda o: str(o.get("type", "")).startswith("activity.")),
    ("resend", lambda o: str(o.get("type", "")).startswith("email.") and "data" in o),
    ("postal", lambda o: str(o.get("event", "")).startswith("Message") and "payload" in o),
    (
        "mandrill",
        lambda o: (
            ("event" in o and isinstance(o.get("msg"), dict))
            or (str(o.get("type")) in {"blacklist", "whitelist"} and "reject" in o)
        ),
    ),
    ("sendgrid", lambda o: "event" in o and ("sg_event_id" in o or "sg_message_id" in o)),
    ("mailjet", lambda o: "event" in o and ("MessageID" in o or "mj_contact_id" in o)),
    ("brevo", lambda o: "event" in o and "email" in o and "message-id" in o),
    (
        "mailgun",
        lambda o: (
            str(o.get("event")) in _MAILGUN_EVENTS
            and bool({"recipient", "message-headers", "X-Mailgun-Sid", "X-Mailgun-Tag"} & o.keys())
        ),
    ),
    ("sendgrid", lambda o: "event" in o and "email" in o and "smtp-id" in o),
)
_KEYS: Final = re.compile(
    rb'"(?:notificationType|eventType|TopicArn|msys|event-data|RecordType|events_by_user|event_name'
    rb'|sending_stream|sg_event_id|sg_message_id|MessageID|message-id|X-Mailgun-Sid|smtp-id)"'
)


def looks(head: bytes) -> bool:
    """Do these first bytes begin a provider's payload?"""
    head = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] not in {b"{", b"["}:
        return False
    for piece in (head, head.partition(b"\n")[0]):
        try:
            value = msgspec.json.decode(piece)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            continue
        first = value[0] if isinstance(value, list) and value else value
        return isinstance(first, dict) and _provider(first) is not None
    # Cut off by the end of the head: by the names of the fields alone.
    return len(head) >= 4000 and _KEYS.search(head) is not None


def read(data: bytes) -> list[Refusal]:
    """All refusals, complaints and deliveries of a payload."""
    out: list[Refusal] = []
    for value in _values(data):
        events = value if isinstance(value, list) else [value]
        for event in events[:MAX_EVENTS]:
            if isinstance(event, dict):
                out += _read_one(event)
    return out


def read_text(text: str) -> list[Refusal]:
    """The same for the text of a mail: SNS sends notifications to addresses, too, with a footer
    behind the JSON."""
    start = text.find("{")
    if start < 0 or text[:start].strip():
        return []
    end = text.find("\n--\n", start)
    body = text[start : end if end >= 0 else len(text)].strip()
    return read(body.encode("utf-8", "replace"))


def _values(data: bytes) -> Iterator[Any]:
    data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        yield msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        for line in data.split(b"\n"):
            if line.lstrip()[:1] in {b"{", b"["}:
                try:
                    value = msgspec.json.decode(line)
                except (msgspec.DecodeError, UnicodeError, RecursionError):
                    continue
                yield value


def _provider(event: dict[str, Any]) -> str | None:
    return next((name for name, fits in _TOLD_BY if fits(event)), None)


def _read_one(event: dict[str, Any]) -> list[Refusal]:
    name = _provider(event)
    if name is None:
        return []
    found: list[Refusal] = import_module(f"{__name__}.{name}").read(event)
    return found
