"""What must be read in each of the repository's own samples."""

from __future__ import annotations

from pathlib import Path

import pytest

from todoku.model import Refusal
from todoku.reading import read

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "bounces"

# file: (recipient, action, stage, code, enhanced, host, ip, a piece of the text) per recipient
Row = tuple[str, str, str | None, int | None, str | None, str | None, str | None, str]
REFUSALS: dict[str, list[Row]] = {
    "01-hotmail-sc-001": [
        (
            "user@hotmail.com",
            "failed",
            "MAIL FROM",
            550,
            "5.0.0",
            "mx2.hotmail.com",
            "203.0.113.5",
            " to http://mail.live.com/mail/troubleshooting.aspx#errors.",
        ),
    ],
    "02-postfix-two-recipients": [
        (
            "taro@partner.example",
            "failed",
            "RCPT TO",
            550,
            "5.1.1",
            "mx.partner.example",
            "203.0.113.20",
            "nt address rejected: User unknown in virtual mailbox table",
        ),
        (
            "hanako@partner.example",
            "failed",
            "RCPT TO",
            552,
            "5.2.2",
            "mx.partner.example",
            "203.0.113.20",
            "552 5.2.2 <hanako@partner.example>: Mailbox full",
        ),
    ],
    "03-postfix-refused-to-talk": [
        (
            "user@t-online.de",
            "failed",
            "CONN",
            554,
            "4.0.0",
            "mx01.t-online.de",
            "203.0.113.31",
            "contact tosa@rx.t-online.de to clarify.) (BL)",
        ),
    ],
    "04-postfix-multiline-reply": [
        (
            "user@gmail.com",
            "failed",
            "END OF DATA",
            550,
            "5.7.26",
            "gmail-smtp-in.l.google.com",
            "2001:db8::1a",
            "mail/answer/81126#authentication d2e1a72fcca58-7.3 - gsmtp",
        ),
    ],
    "05-postfix-no-server-answered": [
        (
            "user@example.org",
            "failed",
            "CONN",
            None,
            "4.4.1",
            "mx.example.org",
            "203.0.113.225",
            " to mx.example.org[203.0.113.225]:25: Connection timed out",
        ),
    ],
    "06-postfix-delayed": [
        (
            "user@yahoo.example",
            "delayed",
            "MAIL FROM",
            421,
            "4.7.0",
            "mta7.yahoo.example",
            "203.0.113.40",
            "ed due to unexpected volume or user complaints - 4.16.55.1",
        ),
    ],
    "08-postfix-japanese-preamble": [
        (
            "user@example.co.jp",
            "failed",
            "RCPT TO",
            550,
            "5.7.1",
            "mx01.example.co.jp",
            "203.0.113.8",
            "550 5.7.1 Rejected by policy",
        ),
    ],
    "09-delivery-report-utf8-address": [
        (
            "郵便@例え.example",
            "failed",
            "RCPT TO",
            550,
            "5.1.1",
            "mx.example.jp",
            "203.0.113.66",
            "550 5.1.1 User unknown",
        ),
    ],
    "10-sendmail-transcript": [
        (
            "user@gmail.com",
            "failed",
            "END OF DATA",
            550,
            "5.7.1",
            "gmail-smtp-in.l.google.com",
            None,
            ".com/mail/?p=UnsolicitedMessageError for more information.",
        ),
    ],
    "11-sendmail-rcpt-under-data": [
        (
            "user@partner.example",
            "failed",
            "RCPT TO",
            550,
            "5.1.1",
            "mx.partner.example",
            None,
            "550 5.1.1 <user@partner.example>... User unknown",
        ),
    ],
    "12-sendmail-5-text": [
        (
            "taro@partner.example",
            "failed",
            "RCPT TO",
            550,
            None,
            "mx.partner.example",
            None,
            "550 <taro@partner.example>, no such user here",
        ),
    ],
    "13-exim": [
        (
            "user@example.net",
            "failed",
            "MAIL FROM",
            550,
            None,
            "mx.example.net",
            "203.0.113.25",
            "t https://dnsbl.example/remove?ip=192.0.2.1 and try again.",
        ),
        (
            "second@example.net",
            "failed",
            "RCPT TO",
            550,
            "5.2.1",
            "mx.example.net",
            "203.0.113.25",
            "550 5.2.1 <second@example.net>: mailbox disabled",
        ),
    ],
    "14-exim-delayed": [
        (
            "user@example.net",
            "delayed",
            "RCPT TO",
            451,
            "4.7.1",
            "mx.example.net",
            "203.0.113.25",
            "451 4.7.1 Greylisting in action, please come back later",
        ),
    ],
    "15-qmail": [
        (
            "user@outlook.com",
            "failed",
            "END OF DATA",
            550,
            "5.7.1",
            None,
            "203.0.113.104",
            " to http://mail.live.com/mail/troubleshooting.aspx#errors.",
        ),
        (
            "nobody@partner.example",
            "failed",
            "RCPT TO",
            550,
            "5.1.1",
            None,
            "203.0.113.20",
            "550 sorry, no mailbox here by that name (#5.1.1)",
        ),
    ],
    "16-qmail-queue-too-long": [
        (
            "user@example.org",
            "failed",
            "RCPT TO",
            450,
            "4.2.2",
            None,
            "203.0.113.77",
            "450 4.2.2 <user@example.org>: mailbox over quota",
        ),
    ],
    "17-exchange": [
        (
            "taro@corp.example",
            "failed",
            None,
            550,
            "5.1.1",
            None,
            None,
            "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
        ),
    ],
    "18-domino-japanese": [
        (
            "taro@domino.example",
            "failed",
            None,
            None,
            "5.0.0",
            None,
            None,
            "ユーザー taro (taro@domino.example) は、ディレクトリに登録されていません。",
        ),
    ],
    "19-courier": [
        (
            "taro@partner.example",
            "failed",
            "RCPT TO",
            554,
            "5.7.1",
            "mx.partner.example",
            "203.0.113.20",
            "7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
        ),
    ],
    "20-gmail-blocked": [
        (
            "user@partner.example",
            "failed",
            None,
            554,
            "5.7.1",
            "mx.partner.example",
            "203.0.113.20",
            "ilable; Client host [192.0.2.1] blocked using Example List",
        ),
    ],
    "21-gmail-cannot-connect": [
        (
            "user@slow.example",
            "delayed",
            "CONN",
            None,
            None,
            "mx.slow.example",
            "203.0.113.135",
            ") mx.slow.example. [203.0.113.135]:25: Connection refused]",
        ),
    ],
    "22-yahoo": [
        (
            "taro@partner.example",
            "failed",
            None,
            550,
            "5.1.1",
            None,
            None,
            "550: 5.1.1 <taro@partner.example>... User unknown",
        ),
    ],
    "23-au-carrier": [
        (
            "hanako@carrier.example",
            "failed",
            "RCPT TO",
            550,
            None,
            None,
            None,
            "550 <hanako@carrier.example>: User unknown",
        ),
    ],
    "24-kddi-mailbox-full-shift-jis": [
        (
            "hanako@mail.isp.example",
            "failed",
            None,
            None,
            None,
            None,
            None,
            "宛先のメールボックスがいっぱいのため、メールをお届けできませんでした。",
        ),
    ],
    "25-filter-japanese-words-only": [
        ("taro@example.co.jp", "failed", None, None, None, None, None, "理由: 宛先不明のため"),
    ],
    "26-m-filter-base64": [
        (
            "taro@example.co.jp",
            "failed",
            "DATA",
            452,
            "4.3.1",
            None,
            None,
            "452 4.3.1 Insufficient system resources",
        ),
    ],
    "27-lotus-notes": [
        (
            "taro@notes.example",
            "failed",
            None,
            None,
            None,
            None,
            None,
            "User not listed in public Name & Address Book",
        ),
    ],
    "28-gateway-one-line": [
        (
            "taro@imail.example",
            "failed",
            None,
            None,
            None,
            None,
            None,
            "User mailbox exceeds allowed size: taro@imail.example",
        ),
    ],
    "29-opensmtpd": [
        (
            "taro@partner.example",
            "failed",
            None,
            554,
            "5.7.1",
            None,
            None,
            "ked using bl.example.org; https://bl.example.org/192.0.2.1",
        ),
    ],
    "30-dragonfly": [
        (
            "taro@partner.example",
            "failed",
            "RCPT TO",
            550,
            "5.7.26",
            "mx.partner.example",
            "203.0.113.20",
            "550 5.7.26 Multiple authentication checks failed",
        ),
    ],
    "31-1and1": [
        (
            "user@orange.example",
            "failed",
            "END OF DATA",
            550,
            "5.2.0",
            "smtp-in.orange.example",
            "203.0.113.65",
            "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]",
        ),
    ],
    "32-zoho": [
        (
            "taro@partner.example",
            "failed",
            None,
            550,
            "5.1.1",
            None,
            None,
            "550 5.1.1 <taro@partner.example>... User unknown",
        ),
    ],
    "33-powermta": [
        (
            "user@example.org",
            "failed",
            None,
            550,
            "5.7.1",
            "mx.example.org",
            "203.0.113.60",
            "550 5.7.1 [CS] Message blocked due to spam content",
        ),
    ],
    "34-messaging-server": [
        (
            "taro@partner.example",
            "failed",
            "MAIL FROM",
            501,
            "5.1.8",
            "mx.partner.example",
            "203.0.113.20",
            "501 5.1.8 Sender domain does not exist",
        ),
    ],
    "35-amavis": [
        (
            "taro@partner.example",
            "failed",
            None,
            550,
            "5.1.1",
            None,
            "127.0.0.1",
            "550 5.1.1 <taro@partner.example>: User unknown",
        ),
    ],
    "36-forwarded-as-attachment": [
        (
            "user@hotmail.com",
            "failed",
            "MAIL FROM",
            550,
            "5.0.0",
            "mx2.hotmail.com",
            "203.0.113.5",
            " to http://mail.live.com/mail/troubleshooting.aspx#errors.",
        ),
    ],
    "37-forwarded-with-quote-marks": [
        (
            "user@partner.example",
            "failed",
            "RCPT TO",
            554,
            "5.7.1",
            "mx.partner.example",
            None,
            "554 5.7.1 <user@partner.example>: Relay access denied",
        ),
    ],
    "45-ses-sns-notification": [
        ("user@example.com", "failed", None, 550, "5.1.1", None, None, "550 5.1.1 user unknown"),
    ],
    "46-mbox-of-two": [
        (
            "user@example.org",
            "failed",
            "CONN",
            None,
            "4.4.1",
            "mx.example.org",
            "203.0.113.225",
            " to mx.example.org[203.0.113.225]:25: Connection timed out",
        ),
        (
            "user@example.net",
            "failed",
            "MAIL FROM",
            550,
            None,
            "mx.example.net",
            "203.0.113.25",
            "t https://dnsbl.example/remove?ip=192.0.2.1 and try again.",
        ),
        (
            "second@example.net",
            "failed",
            "RCPT TO",
            550,
            "5.2.1",
            "mx.example.net",
            "203.0.113.25",
            "550 5.2.1 <second@example.net>: mailbox disabled",
        ),
    ],
}
OTHERS = {
    "07-postfix-delivered": ("delivered", "user@example.com"),
    "38-complaint-arf": ("complaint", "user@example.com"),
    "39-complaint-microsoft-jmrp": ("complaint", "user@hotmail.example"),
    "40-vacation-japanese": ("auto-reply", "taro@partner.example"),
    "41-dmarc-aggregate": ("report", None),
    "42-tls-report": ("report", None),
    "43-not-a-bounce-letter": ("not-a-bounce", None),
    "44-not-a-bounce-newsletter": ("not-a-bounce", None),
}


def sample(name: str) -> list[Refusal]:
    return read((SAMPLES / f"{name}.eml").read_bytes())


def test_every_sample_is_in_one_of_the_tables() -> None:
    names = {path.stem for path in SAMPLES.glob("*.eml")}
    assert names == REFUSALS.keys() | OTHERS.keys()


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    got = sample(name)
    assert [r.kind for r in got] == ["refusal"] * len(REFUSALS[name])
    for refusal, (recipient, action, stage, code, enhanced, host, ip, text) in zip(
        got, REFUSALS[name], strict=True
    ):
        reply = refusal.reply
        assert refusal.recipient == recipient
        assert (refusal.action, refusal.stage) == (action, stage)
        assert (reply.code, reply.enhanced) == (code, enhanced)
        assert (refusal.remote.host, refusal.remote.ip) == (host, ip)
        assert text in reply.text


@pytest.mark.parametrize("name", OTHERS)
def test_other_kinds(name: str) -> None:
    (got,) = sample(name)
    assert (got.kind, got.recipient) == OTHERS[name]


def test_the_story_is_read_to_the_last_word() -> None:
    (story,) = sample("01-hotmail-sc-001")
    assert story.reply.text == (
        "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent. Please"
        " contact your Internet service provider since part of their network is on our block list."
        " You can also refer your provider to"
        " http://mail.live.com/mail/troubleshooting.aspx#errors."
    )
    assert story.sender == "info@hoge.example"
    assert story.reported_by == "mx1.hoge.example"
    assert story.message_id == "<20261124.0912@hoge.example>"
    assert story.notice == ""


def test_a_forwarded_bounce_says_the_same() -> None:
    assert sample("36-forwarded-as-attachment") == sample("01-hotmail-sc-001")


def test_the_queue_gave_up() -> None:
    assert [r.expired for r in sample("16-qmail-queue-too-long")] == [True]
    assert [r.expired for r in sample("15-qmail")] == [False, False]


def test_the_kind_of_a_complaint() -> None:
    (complaint,) = sample("38-complaint-arf")
    assert complaint.feedback_type == "abuse"
    assert complaint.sender == "news@hoge.example"
    assert "192.0.2.1" in complaint.reply.text


@pytest.mark.parametrize("name", sorted(REFUSALS.keys() | OTHERS.keys()))
@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_line_ends_change_nothing(name: str, end: bytes) -> None:
    data = (SAMPLES / f"{name}.eml").read_bytes().replace(b"\r\n", b"\n")
    assert read(data.replace(b"\n", end)) == read(data)
