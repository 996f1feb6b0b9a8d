"""Webhook payloads: the shipped samples and the shared corpus, event by event."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.maillogs import MAILLOGS, SAMPLES, needs_maillogs
from todoku.model import Refusal
from todoku.reading import webhooks

Row = tuple[str, str | None, str | None, int | None]


def rows(found: list[Refusal]) -> list[Row]:
    return [(r.kind, r.action, r.recipient, r.reply.code) for r in found]


# ── the shipped samples ───────────────────────────────────────────────────────────────────────

BLOCKED = "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using bl.example"

# provider, action, recipient, sender, code, status, remote, message id
SAMPLES_SAY: dict[str, list[tuple[object, ...]]] = {
    "amazon-ses-sns.json": [
        ("amazon-ses", "failed", "sato@partner.example", "info@hoge.example", 550, "5.7.1",
         "203.0.113.10", "m1@hoge.example"),
    ],
    "amazon-ses-delay.json": [
        ("amazon-ses", "delayed", "abe@old.example", "info@hoge.example", 421, "4.7.0", None,
         "0000-2"),
    ],
    "sendgrid.json": [
        ("sendgrid", "failed", "sato@partner.example", None, 550, "5.7.1", None, "m1@hoge.example"),
        ("sendgrid", "delayed", "abe@old.example", None, 421, "4.7.0", None, "s2"),
    ],
    "mailgun.json": [
        ("mailgun", "failed", "sato@partner.example", "bounce+x@hoge.example", 550, "5.7.1",
         "mx2.partner.example", "m1@hoge.example"),
    ],
    "mailgun-legacy.json": [
        ("mailgun", "failed", "nobody@partner.example", None, 550, "5.1.1", None,
         "m2@hoge.example"),
    ],
    "postmark.json": [
        ("postmark", "failed", "sato@partner.example", "info@hoge.example", 550, "5.7.1", None,
         "m-1"),
    ],
    "sparkpost.json": [
        ("sparkpost", "delayed", "Sato@partner.example", "bounce@hoge.example", 421, "4.7.0",
         "203.0.113.10", "sp-1"),
    ],
    "brevo.json": [
        ("brevo", "failed", "sato@partner.example", None, 550, "5.7.1", None,
         "m1@smtp-relay.example"),
    ],
    "mailjet.json": [
        ("mailjet", "failed", "sato@partner.example", None, 550, "5.7.1", None, "1"),
    ],
    "mandrill.json": [
        ("mandrill", "delayed", "sato@partner.example", "info@hoge.example", 451, "4.7.1",
         "203.0.113.10", "md-1"),
    ],
    "resend.json": [
        ("resend", "failed", "sato@partner.example", "info@hoge.example", 550, "5.7.1", None,
         "re-1"),
    ],
    "postal.json": [
        ("postal", "failed", "sato@partner.example", "info@hoge.example", 550, "5.7.1",
         "mx2.partner.example", "m1@hoge.example"),
    ],
    "mailersend.json": [
        ("mailersend", "failed", "sato@partner.example", "info@hoge.example", 452, "4.2.2", None,
         "ms-1"),
    ],
    "mailtrap.json": [
        ("mailtrap", "failed", "sato@partner.example", None, 550, "5.7.1", None, "mt-1"),
        ("mailtrap", "delivered", "kato@ok.example", None, None, None, None, "mt-2"),
    ],
    "unisender-go.json": [
        ("unisender-go", "failed", "sato@partner.example", None, 450, "4.7.1", None,
         "1sn15Z-0007Le-GtVN"),
    ],
    "complaints.ndjson": [
        ("postmark", None, "mori@mail.example", "news@hoge.example", None, None, None, "m-9"),
        ("mailgun", None, "mori@mail.example", None, None, None, None, "m9@hoge.example"),
        ("sparkpost", None, "mori@mail.example", None, None, None, None, None),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES_SAY)
def test_the_shipped_sample(name: str) -> None:
    data = (SAMPLES / "webhooks" / name).read_bytes()
    assert webhooks.looks(data[:65536])
    assert [
        (
            r.reader.removeprefix("webhook/"),
            r.action,
            r.recipient,
            r.sender,
            r.reply.code,
            r.reply.enhanced,
            r.remote.host or r.remote.ip,
            r.message_id,
        )
        for r in webhooks.read(data)
    ] == SAMPLES_SAY[name]


def test_every_sample_is_in_the_table() -> None:
    assert {p.name for p in (SAMPLES / "webhooks").iterdir()} == set(SAMPLES_SAY)


def test_every_provider_has_a_sample() -> None:
    modules = {p.stem for p in Path(webhooks.__path__[0]).glob("*.py")} - {"__init__", "event"}
    told = {str(row[0]).replace("-", "_") for sample in SAMPLES_SAY.values() for row in sample}
    assert told == modules


def test_the_receivers_words_come_without_their_wrapping() -> None:
    for name in ("amazon-ses-sns", "mailtrap", "postal", "resend", "mailgun", "brevo"):
        data = (SAMPLES / "webhooks" / f"{name}.json").read_bytes()
        assert webhooks.read(data)[0].reply.text == BLOCKED, name


# ── the forms a payload can take ──────────────────────────────────────────────────────────────

EVENT = {"RecordType": "Bounce", "Type": "HardBounce", "Email": "u@b.example", "Details": "550 no"}


def test_one_object_a_list_or_one_a_line() -> None:
    one = msgspec.json.encode(EVENT)
    expected = [("refusal", "failed", "u@b.example", 550)]
    assert rows(webhooks.read(one)) == expected
    assert rows(webhooks.read(b"[" + one + b"," + one + b"]")) == expected * 2
    assert rows(webhooks.read(one + b"\n\n" + one + b"\nnot JSON\n{}\n")) == expected * 2
    assert rows(webhooks.read(b"\xef\xbb\xbf\r\n" + one)) == expected


def test_a_notification_as_the_text_of_a_mail() -> None:
    """SNS over SMTP: the JSON, and a footer behind two dashes."""
    data = (SAMPLES / "webhooks" / "amazon-ses-sns.json").read_bytes()
    inner = msgspec.json.decode(data)["Message"]
    footer = "\n\n--\nIf you wish to stop receiving notifications, click {here}\n"
    for text in (inner, inner + footer, "\n" + data.decode() + footer):
        assert rows(webhooks.read_text(text)) == [
            ("refusal", "failed", "sato@partner.example", 550)
        ]
    assert webhooks.read_text("Dear all, {nothing}") == []
    assert webhooks.read_text("") == []


def test_eventbridge_wraps_in_detail() -> None:
    inner = msgspec.json.decode((SAMPLES / "webhooks" / "amazon-ses-delay.json").read_bytes())
    event = {"source": "aws.ses", "detail-type": "Email Delivery Delayed", "detail": inner}
    assert rows(webhooks.read(msgspec.json.encode(event))) == [
        ("refusal", "delayed", "abe@old.example", 421)
    ]


@pytest.mark.parametrize(
    ("code", "message", "text"),
    [
        (550, "5.1.1 one\n5.1.1 two", "550 5.1.1 one two"),
        (550, "550 5.1.1 one", "550 5.1.1 one"),
        (605, "suppressed", "suppressed"),  # Mailgun's own number, no SMTP code
        (None, "no such host", "no such host"),
    ],
)
def test_codes_that_stand_beside_the_words(code: int | None, message: str, text: str) -> None:
    data = {
        "event": "failed",
        "severity": "permanent",
        "recipient": "u@b.example",
        "delivery-status": {"code": code, "message": message},
    }
    (r,) = webhooks.read(msgspec.json.encode({"event-data": data}))
    assert r.reply.text == text


@pytest.mark.parametrize(
    "payload",
    [
        "{}", "[]", "[1, null]", "null", "5", "{", '{"event": "bounce"}', '{"text": "550 no"}',
        '{"MESSAGE": "x", "SYSLOG_IDENTIFIER": "postfix/smtp"}', '{"a": {"b": []}}', "hello", "",
    ],
)  # fmt: skip
def test_other_json_is_none(payload: str) -> None:
    assert not webhooks.looks(payload.encode())
    assert webhooks.read(payload.encode()) == []


def test_a_long_payload_is_recognised_by_its_head() -> None:
    data = msgspec.json.encode([EVENT] * 2000)
    assert webhooks.looks(data[:65536])
    assert len(webhooks.read(data)) == 2000


# ── the shared corpus: values that its test computed stand as null ────────────────────────────

TELLS: dict[str, list[Row]] = {
    "amazon_ses/test_bounce_event.raw_sns_message": [
        ("refusal", "failed", "jane@example.com", 550)
    ],
    "amazon_ses/test_complaint_event.raw_ses_event": [
        ("complaint", None, "richard@example.com", None)
    ],
    "amazon_ses/test_complaint_event.raw_sns_message": [
        ("complaint", None, "richard@example.com", None)
    ],
    "amazon_ses/test_delivery_event.raw_ses_event": [
        ("delivered", "delivered", "jane@example.com", 250)
    ],
    "amazon_ses/test_multiple_bounce_event.raw_ses_event": [
        ("refusal", "failed", "jane@example.com", None),
        ("refusal", "failed", "richard@example.com", None),
    ],
    "amazon_ses/test_multiple_bounce_event.raw_sns_message": [
        ("refusal", "failed", "jane@example.com", None),
        ("refusal", "failed", "richard@example.com", None),
    ],
    "amazon_ses/test_reject_event.raw_sns_message": [
        ("refusal", "failed", "recipient@example.com", None)
    ],
    "brevo/test_complaint.raw_event": [("complaint", None, "example@domain.com", None)],
    "brevo/test_deferred_event.raw_event": [("refusal", "delayed", "notauser@example.com", 550)],
    "brevo/test_delivered_event.raw_event": [
        ("delivered", "delivered", "recipient@example.com", None)
    ],
    "brevo/test_invalid_email.raw_event": [("refusal", "failed", "recipient@example.com", None)],
    "brevo/test_soft_bounce_event.raw_event": [
        ("refusal", "failed", "recipient@no-mx.example.com", None)
    ],
    "mailersend/test_hard_bounced_event.raw_event": [
        ("refusal", "failed", "invalid@example.com", None)
    ],
    "mailgun/test_alt_smtp_code.raw_event": [("refusal", "failed", "noreply@example.com", 550)],
    "mailgun/test_complained_event.raw_event": [("complaint", None, "recipient@example.com", None)],
    "mailgun/test_defaults_webhook_signing_to_api_key.payload": [
        ("delivered", "delivered", None, None)
    ],
    "mailgun/test_dropped_bounce.raw_event": [("refusal", "failed", "bounce@example.com", None)],
    "mailgun/test_dropped_spam.raw_event": [("refusal", "failed", "complaint@example.com", None)],
    "mailgun/test_dropped_timed_out.raw_event": [
        ("refusal", "failed", "complaint@example.com", None)
    ],
    "mailgun/test_failed_greylisted_event.raw_event": [
        ("refusal", "delayed", "undeliverable@mx.example.com", 450)
    ],
    "mailgun/test_failed_permanent_event.raw_event": [
        ("refusal", "failed", "invalid@example.com", 550)
    ],
    "mailgun/test_invalid_mailbox.raw_event": [("refusal", "failed", "noreply@example.com", 550)],
    "mailgun/test_metadata_message_headers.raw_event": [("delivered", "delivered", None, None)],
    "mailgun/test_rejected_event.raw_event": [("refusal", "failed", "recipient@example.org", None)],
    "mailgun/test_webhook_signing_is_different_from_api_key.payload": [
        ("delivered", "delivered", None, None)
    ],
    "mailgun/test_x_tags.raw_event": [("delivered", "delivered", None, None)],
    "mailjet/test_bounce_event.raw_events": [("refusal", "failed", "invalid@invalid", None)],
    "mailjet/test_bounced_greylist_event.raw_events": [
        ("refusal", "failed", "protected@example.com", None)
    ],
    "mailjet/test_non_grouped_event.raw_event": [
        ("delivered", "delivered", "recipient@example.com", 250)
    ],
    "mailjet/test_spam_event.raw_events": [("complaint", None, "spam@example.com", None)],
    "mailtrap/test_reject_event.payload": [("refusal", "failed", "receiver@example.com", None)],
    "mailtrap/test_sent_event.payload": [("delivered", "delivered", "receiver@example.com", None)],
    "mailtrap/test_soft_bounce_event.payload": [("refusal", "failed", "receiver@example.com", 450)],
    "mandrill/test_hard_bounce_event.raw_events": [
        ("refusal", "failed", "bounce@example.com", 550)
    ],
    "postal/test_bounce_event.raw_event": [("refusal", "failed", "bounce@example.com", None)],
    "postal/test_deferred_event.raw_event": [("refusal", "delayed", "deferred@example.com", None)],
    "postal/test_delivered_event.raw_event": [
        ("delivered", "delivered", "recipient@example.com", 250)
    ],
    "postmark/test_bounce_event.raw_event": [("refusal", "failed", "bounce@example.com", 550)],
    "postmark/test_delivered_event.raw_event": [
        ("delivered", "delivered", "recipient@example.com", None)
    ],
    "resend/test_delivered_event.raw_event": [("delivered", "delivered", "to@example.org", None)],
    "resend/test_delivery_delayed_event.raw_event": [
        ("refusal", "delayed", "delivered@resend.dev", None)
    ],
    "resend/test_hard_bounced_event.raw_event": [("refusal", "failed", "bounced@resend.dev", None)],
    "sendgrid/test_bounce_event.raw_events": [("refusal", "failed", "noreply@example.com", 550)],
    "sendgrid/test_compatibility_message_id_from_smtp_id.raw_events": [
        ("delivered", "delivered", "recipient@example.com", 250)
    ],
    "sendgrid/test_deferred_event.raw_events": [
        ("refusal", "delayed", "recipient@example.com", None)
    ],
    "sendgrid/test_delivered_event.raw_events": [
        ("delivered", "delivered", "recipient@example.com", 250)
    ],
    "sparkpost/test_bounce_challenge_response.raw_events": [
        ("auto-reply", None, "vacationing@example.com", None)
    ],
    "sparkpost/test_delivery_event.raw_events": [
        ("delivered", "delivered", "Recipient@example.com", None)
    ],
    "sparkpost/test_generation_rejection_event.raw_events": [
        ("refusal", "failed", "suppressed@example.com", 554)
    ],
    "unisender_go/test_delivered_event.raw_event": [
        ("delivered", "delivered", "recipient@example.com", None)
    ],
    "unisender_go/test_hard_bounced_event.raw_event": [
        ("refusal", "failed", "bounce@example.com", 555)
    ],
    "unisender_go/test_multiple_event_option.raw_event": [
        ("delivered", "delivered", "cc@example.com", None)
    ],
}
"""Files that tell of a refusal, a complaint or a delivery; all others tell nothing."""

CORPUS = sorted((MAILLOGS / "webhooks").glob("*/*.json"))
# So little of a payload that nothing shows whose it is.
NOT_TOLD = {
    "mailgun/test_metadata_key_conflicts.metadata",
    "mailgun/test_metadata_post_fields.raw_event",
    "mailgun/test_tags.raw_event",
}


@needs_maillogs
@pytest.mark.parametrize("path", CORPUS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_corpus(path: Path) -> None:
    name = f"{path.parent.name}/{path.stem}"
    data = path.read_bytes()
    assert webhooks.looks(data) == (name not in NOT_TOLD)
    found = webhooks.read(data)
    assert rows(found) == TELLS.get(name, [])
    assert {r.reader for r in found} <= {f"webhook/{path.parent.name.replace('_', '-')}"}
    assert all((r.feedback_type == "abuse") == (r.kind == "complaint") for r in found)


@needs_maillogs
def test_the_corpus_is_whole() -> None:
    assert len(CORPUS) == 95


# ── hostile ───────────────────────────────────────────────────────────────────────────────────

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            [
                "event", "email", "msg", "msys", "message_event", "event-data", "delivery-status",
                "RecordType", "Type", "Message", "notificationType", "bounce", "bouncedRecipients",
                "payload", "data", "type", "events", "events_by_user", "event_name", "to", "mail",
                "sg_event_id", "MessageID", "message-id", "recipient", "code", "message", "bounce",
            ]
        ),
        inner | st.sampled_from(["bounce", "Bounce", "failed", "bounced", "email.bounced"]),
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300)
@given(JSON)
def test_any_json_is_read_without_a_fault(value: object) -> None:
    try:
        data = msgspec.json.encode(value)
    except (msgspec.MsgspecError, UnicodeEncodeError, OverflowError):
        return
    webhooks.looks(data)
    assert all(isinstance(r, Refusal) for r in webhooks.read(data))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_a_fault(data: bytes) -> None:
    webhooks.looks(data)
    webhooks.read(data)


def test_nesting_without_end() -> None:
    assert webhooks.read(b'{"Message":' * 100_000) == []
    assert webhooks.read(b"[" * 1_000_000) == []


@pytest.mark.parametrize("name", [n for n in SAMPLES_SAY if n.endswith(".json")])
def test_every_value_may_be_of_any_type(name: str) -> None:
    """Each field of a sample in turn, replaced by a value of another type."""
    payload = msgspec.json.decode((SAMPLES / "webhooks" / name).read_bytes())
    inner = payload.get("Message") if isinstance(payload, dict) else None
    if isinstance(inner, str):
        payload = msgspec.json.decode(inner)
    values: tuple[object, ...] = (None, 5, [], {}, "x", [{}], True)
    for wrong in values:
        for holder, key in list(_places(payload)):
            kept = holder[key]
            holder[key] = wrong
            webhooks.read(msgspec.json.encode(payload))
            holder[key] = kept


def _places(value: object) -> list[tuple[dict, str]]:  # type: ignore[type-arg]
    if isinstance(value, list):
        return [place for item in value for place in _places(item)]
    if isinstance(value, dict):
        own = [(value, key) for key in value]
        return own + [place for item in value.values() for place in _places(item)]
    return []
