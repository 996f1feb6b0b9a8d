"""Own test answers in three languages, and what must not change what they say."""

from __future__ import annotations

import html
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases.answers.samples import SAMPLES, Sample
from todoku.cases import answers
from todoku.cases.answers import markup, quoting
from todoku.knowledge import load

RULES = load.answers_of(load.knowledge())
CLASSES = set(answers.WORST_FIRST)
each = pytest.mark.parametrize("sample", SAMPLES, ids=[s.name for s in SAMPLES])
OURS = (
    "Hello,\nour address 192.0.2.99 was not qualified for mitigation, and the ticket SRX9999999999ID "
    "says that it has been removed from your block list.\n緩和対象外 ブロックを解除しました。"
)


def read(data: bytes) -> answers.Answer:
    return answers.answer(data, RULES)


def test_there_are_enough_of_them_and_every_class() -> None:
    assert len(SAMPLES) >= 120
    assert {s.class_ for s in SAMPLES} == CLASSES - {"bounce"}  # those are reports: below


@each
def test_sample(sample: Sample) -> None:
    found = read(sample.text())
    assert (found.class_, found.ticket) == (sample.class_, sample.ticket)
    if sample.verdicts is not None:
        assert {v.identity.value: v.class_ for v in found.verdicts} == sample.verdicts
    assert not found.authentic  # nothing here was proven


@each
def test_quotes_and_a_signature_change_nothing(sample: Sample) -> None:
    quoted = "\n".join(f"> {line}" for line in OURS.split("\n"))
    tails = (
        f"\n\nOn Tue, 24 Nov 2026 at 10:00, Admin <admin@hoge.test> wrote:\n{quoted}\n",
        f"\n\n-----Original Message-----\nFrom: Admin\nSent: Tuesday\nTo: Desk\nSubject: x\n\n{OURS}\n",
        f"\n\nFrom: Admin <admin@hoge.test>\nSent: Tuesday, 24 November 2026\nTo: Desk\nSubject: x\n\n{OURS}",
        f"\n\n差出人: Admin <admin@hoge.test>\n送信日時: 2026年11月24日\n宛先: Desk\n件名: x\n\n{OURS}",
        f"\n\n2026年11月24日(火) 10:00 Admin <admin@hoge.test>:\n{quoted}\n",
        f"\n\nVon: Admin\nGesendet: Dienstag\nAn: Desk\nBetreff: x\n\n{OURS}",
        "\n-- \nMail team\nDelisting and mitigation\n",
    )
    for tail in tails:
        found = read(sample.text(sample.body.rstrip() + tail))
        # A mail that has nothing of its own is about what it quotes: then a person must look.
        wanted = {sample.class_, "unclear"} if sample.class_ == "unrelated" else {sample.class_}
        assert found.class_ in wanted, tail
        assert "192.0.2.99" not in {v.identity.value for v in found.verdicts}


@each
def test_html_and_encodings_change_nothing(sample: Sample) -> None:
    lines = "".join(f"<div>{html.escape(x) or '<br>'}</div>\r\n" for x in sample.body.split("\n"))
    page = (
        "<html><head><title>Mitigated</title><style>p{}</style></head><body>"
        f'<div style="display:none">Mitigated</div>{lines}'
        f"<blockquote>{html.escape(OURS)}</blockquote></body></html>"
    )
    only = sample.mail()
    only.set_content(page, subtype="html")
    both = sample.mail()
    both.set_content(sample.body)
    both.add_alternative(page, subtype="html")
    stub = sample.mail()
    stub.set_content("HTML")
    stub.add_alternative(page, subtype="html")
    attached = sample.mail()
    attached.set_content(sample.body)
    attached.add_attachment(OURS, filename="request.txt")
    wanted = {sample.class_, "unclear"} if sample.class_ == "unrelated" else {sample.class_}
    for mail in (only, both, stub, attached):
        assert read(mail.as_bytes()).class_ in wanted
    for codec, encoding in (("utf-8", "base64"), ("utf-8", "quoted-printable")):
        mail = sample.mail()
        mail.set_content(sample.body, charset=codec, cte=encoding)
        assert read(mail.as_bytes()).class_ == sample.class_
    if sample.name.startswith("ja"):
        try:
            raw = sample.body.encode("iso-2022-jp")
        except UnicodeEncodeError:
            return
        head = sample.mail(MIME_Version="1.0").as_bytes().rstrip() + b"\r\n"
        head += b"Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
        assert read(head + raw).class_ == sample.class_


@each
def test_line_ends_change_nothing(sample: Sample) -> None:
    assert read(sample.text().replace(b"\r\n", b"\n")).class_ == sample.class_


def test_a_request_that_bounced() -> None:
    report = (
        b"From: MAILER-DAEMON@mx1.hoge.test\r\nTo: postmaster@hoge.test\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\n<delist@messaging.microsoft.com>: host x said: 550 5.7.511 "
        b"Access denied, banned sender[192.0.2.1]\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx1.hoge.test\r\n\r\nFinal-Recipient: rfc822; %s\r\nAction: failed\r\n"
        b"Status: 5.7.511\r\nDiagnostic-Code: smtp; 550 5.7.511 Access denied, banned sender[192.0.2.1]\r\n\r\n"
        b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: postmaster@hoge.test\r\nSubject: %s\r\n\r\n--b--\r\n"
    )
    ours = read(report % (b"delist@messaging.microsoft.com", b"RE: SRX1234567890ID"))
    assert (ours.class_, ours.provider, ours.ticket, ours.authentic) == (
        "bounce", "microsoft-365", "SRX1234567890ID", False,
    )  # fmt: skip
    assert read(report % (b"postmaster@isp.test", b"Please unblock 192.0.2.1")).class_ == "bounce"
    assert read(report % (b"taro@isp.test", b"lunch")).class_ == "unrelated"


def test_a_bare_reply_is_not_said_to_be_unrelated() -> None:
    assert answers.read("Re: your mail", "Done, please try again.", RULES).class_ == "unclear"
    assert answers.read("lunch?", "At noon?", RULES).class_ == "unrelated"


def test_a_mailing_list_is_no_desk() -> None:
    mail = SAMPLES[3].mail(List_Id="<mailop.example.org>")
    mail.set_content(SAMPLES[3].body)
    assert read(mail.as_bytes()).class_ == "unrelated"


@pytest.mark.parametrize(
    "body",
    [
        "The stale entry has been removed from the list of open issues.",
        "An item has been removed from your wish list.",
        "Your card has been unblocked.",
    ],
)
def test_promises_about_other_things(body: str) -> None:
    """Cards are unblocked, too; in answer to a request of ours the same words say more."""
    assert answers.read("Your account", body, RULES).class_ in {"unclear", "unrelated"}


def test_two_parts_that_say_different_things_are_not_understood() -> None:
    mail = SAMPLES[3].mail()
    mail.set_content(
        "Not qualified for mitigation\n192.0.2.1\n" + "The IP(s) above do not qualify."
    )
    mail.add_alternative("<p>Mitigated</p><p>192.0.2.1</p>", subtype="html")
    assert read(mail.as_bytes()).class_ == "unclear"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("アドレス192.0.2.1は", ["192.0.2.1"]),
        ("IP：192.0.2.1、198.51.100.0/24", ["192.0.2.1", "198.51.100.0/24"]),
        ("[192.0.2.1]:25, 192.0.2[.]2, ip=192.0.2.3;", ["192.0.2.1", "192.0.2.2", "192.0.2.3"]),
        ("192.0.2.1 - 192.0.2.9", ["192.0.2.1-192.0.2.9"]),
        ("2001:DB8::1。 2001:db8:1::/48", ["2001:db8::1", "2001:db8:1::/48"]),
        ("v1.2.3.4.5 999.1.1.1 12:30:45 a@192.0.2.1 build 10.0.0.1-rc", []),
    ],
)
def test_addresses(text: str, found: list[str]) -> None:
    read_ = answers.read("Re: block list", text, RULES)
    assert [identity.value for identity in read_.identities] == found


def test_a_ticket_between_japanese_letters() -> None:
    assert answers.read("受付番号はSRX1234567890IDです", "", RULES).ticket == "SRX1234567890ID"
    assert answers.read("", "お問い合わせ番号：ＡＢ－１２３４５", RULES).ticket == "AB-12345"


def test_the_threads_that_it_belongs_to() -> None:
    mail = SAMPLES[0].mail(Message_ID="<a@x>", In_Reply_To="<b@x>", References="<c@x> <b@x>")
    mail.set_content("x")
    found = read(mail.as_bytes())
    assert found.thread.message_id == "<a@x>"
    assert found.thread.replies_to == ("<b@x>", "<c@x>")


@pytest.mark.parametrize(
    ("text", "low", "high", "until"),
    [
        ("It has been removed from our list. Allow 24-48 hours.", 24, 48, None),
        ("It has been removed from our list. This takes up to 48 hours.", None, 48, None),
        ("It has been removed from our list; allow 2 business days.", None, 48, None),
        ("ブロックを解除しました。反映まで最大 2 時間かかります。", None, 2, None),
        ("Die Sperre wurde aufgehoben. Das dauert 1 bis 2 Stunden.", 1, 2, None),
        (
            "The listing expires automatically on 2026-12-01 10:00 UTC.",
            None,
            None,
            "2026-12-01T10:00",
        ),
        ("登録は 2026年12月1日 に自動的に解除されます。", None, None, "2026-12-01T23:59"),
        (
            "Spam was seen in the last 24 hours. It has been removed from our list.",
            None,
            None,
            None,
        ),
    ],
)
def test_how_long_it_takes(
    text: str, low: float | None, high: float | None, until: str | None
) -> None:
    wait = answers.read("Re: 192.0.2.1", text, RULES).wait
    assert (wait.min_hours, wait.max_hours) == (low, high)
    assert (wait.until is None) == (until is None)
    assert until is None or (wait.until is not None and wait.until.isoformat().startswith(until))


@given(st.binary(max_size=600) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace")))
@settings(max_examples=60, deadline=None)
def test_anything_is_read(data: bytes) -> None:
    for prefix in (b"", b"From: a@microsoft.com\r\nSubject: x\r\nContent-Type: text/html\r\n\r\n"):
        assert read(prefix + data).class_ in CLASSES


@pytest.mark.parametrize(
    "text",
    ["<" * 200_000, "<div>" * 60_000, "<!--" * 60_000, "> " * 60_000, "192.0.2.1 " * 20_000,
     "has been removed " * 12_000, "not " * 60_000, "From: x\n" * 20_000, "&#" * 90_000,
     "if " * 60_000 + "has been removed from our list", "a" * 300_000, "緩和" * 60_000, "(" * 200_000,
     "ticket " * 40_000, "\n" * 300_000, "1.1.1.1-" * 30_000, ":" * 200_000],
)  # fmt: skip
def test_nothing_takes_long(text: str) -> None:
    head = b"From: a@microsoft.com\r\nSubject: x\r\nContent-Type: text/%s\r\n\r\n"
    for kind in (b"plain", b"html"):
        start = time.process_time()
        read(head % kind + text.encode())
        assert time.process_time() - start < 8


def test_text_of_markup() -> None:
    page = (
        "<table><tr><td>192.0.2.1</td><td>Mitigated</td></tr></table><script>x</script>a<br>b&amp;c"
    )
    assert markup.text_of(page) == "192.0.2.1 \t Mitigated\na\nb&c"
    assert markup.text_of("<blockquote>old</blockquote>new") == "> old\nnew"


def test_a_forwarded_answer_is_read_and_is_nobody_s() -> None:
    body = (
        "---------- Forwarded message ---------\nFrom: Desk <x@css.one.microsoft.com>\nDate: today\n"
        "Subject: RE: SRX1234567890ID\nTo: admin\n\nNot qualified for mitigation\n192.0.2.1\n"
    )
    found = quoting.split(body)
    assert found.forwarded and re.match("Not qualified", found.own)
