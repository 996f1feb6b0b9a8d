"""Notices in words: the shapes, apart from whole mails."""

from __future__ import annotations

import pytest

from todoku.model import Refusal
from todoku.reading import transcript
from todoku.reading.notice import read_text
from todoku.reading.phrases import plain_words, split


def only(text: str) -> Refusal:
    (refusal,) = read_text(text)
    return refusal


@pytest.mark.parametrize(
    ("text", "recipient"),
    [
        ("<a@b.example>: unknown user", "a@b.example"),
        (
            "could not be delivered:\n  * a@b.example\n\nSMTP:RCPT host 192.0.2.1: 550 no",
            "a@b.example",
        ),
        ("Your message to a@b.example couldn't be delivered.", "a@b.example"),
        ("The following message to <a@b.example> was undeliverable.\n550 no", "a@b.example"),
        ("Did not reach the following recipient: a@b.example", "a@b.example"),
        ('the following address failed:\n\n"a@b.example":\n550 no', "a@b.example"),
        (
            "delivery failed\nRecipient: <a@b.example>\n>>> RCPT TO:<a@b.example>\n<<< 550 no",
            "a@b.example",
        ),
        ("配信できませんでした。\n宛先：a@b.example\n", "a@b.example"),
    ],
)
def test_recipients(text: str, recipient: str) -> None:
    assert only(text).recipient == recipient


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "",
        "Write to a@b.example if you like.",
        "delivery failed, for help contact\n<help@b.example>\n",
        "A message sent by\n  <me@b.example>\ncould not be delivered.",
    ],
)
def test_addresses_that_are_no_recipients(text: str) -> None:
    assert read_text(text) == []


def test_an_address_inside_the_answer_is_no_second_recipient() -> None:
    refusal = only(
        "<a@b.example>: host mx.b.example[192.0.2.1] said: 550 5.1.1\n"
        "    <a@b.example>: Recipient address rejected (in reply to RCPT TO\n    command)\n"
    )
    assert refusal.reply.text == "550 5.1.1 <a@b.example>: Recipient address rejected"
    assert refusal.stage == "RCPT TO"


def test_two_languages_name_a_recipient_once() -> None:
    body = "  a@b.example\n    SMTP error from remote mail server after end of data:\n    550 no\n"
    assert only(f"Доставить не удалось:\n\n{body}\n****\nfailed:\n\n{body}").stage == "END OF DATA"


def test_a_code_alone_gives_way_to_the_whole_answer() -> None:
    refusal = only(
        "Your message to a@b.example couldn't be delivered.\n\nStatus code: 550 5.1.10\n\n"
        "Original Message Details\nSubject: x\n\nError Details\n"
        "Error:  550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found\n"
    )
    assert refusal.reply.text == "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found"


def test_words_without_an_answer_lose_what_every_notice_says() -> None:
    text = (
        "This message was created automatically by mail delivery software.\n\n"
        "a@b.example\n\nThe recipient's mailbox is full.\n\n"
        "If you do so, please include this problem report.\n"
    )
    assert plain_words(text, "a@b.example") == "The recipient's mailbox is full."
    assert plain_words("理由: 宛先不明\n") == "宛先不明"


@pytest.mark.parametrize(
    "line",
    [
        "--- Below this line is a copy of the message.",
        "------ This is a copy of the message, including all the headers. ------",
        "----- Original message -----",
        "Original message headers:",
        "   ----- Unsent message follows -----",
        "Message headers follow.",
        "En-têtes de message d'origine :",
    ],
)
def test_where_the_returned_message_begins(line: str) -> None:
    text = f"It failed.\n{line}\n\nFrom: a@b.example\n"
    words, tail = split(text, text.lower())
    assert (words, tail) == ("It failed.\n", "From: a@b.example\n")


def test_a_sentence_about_the_message_is_no_such_line() -> None:
    text = "It failed.\nThe original message was received at Tue\n"
    assert split(text, text.lower()) == (text, "")


def test_a_session_with_several_servers() -> None:
    found = transcript.answers(
        "... while talking to mx1.b.example.:\n<<< 421 busy\n"
        "... while talking to mx2.b.example.:\n>>> MAIL From:<me@a.example>\n"
        "<<< 553-5.1.8 no such\n<<< 553 5.1.8 domain\n501 5.6.0 Data format error\n"
    )
    assert [(a.host, a.stage, a.text) for a in found] == [
        ("mx1.b.example", "CONN", "421 busy"),
        ("mx2.b.example", "MAIL FROM", "553 5.1.8 no such domain"),
    ]


def test_a_delivery_programs_words_are_kept() -> None:
    (answer,) = transcript.answers(
        "   ----- Transcript of session follows -----\n"
        "mail.local: unknown user: taro\n554 <taro@b.example>... Service unavailable\n"
    )
    assert answer.addresses == ("taro@b.example",)
    assert answer.text.endswith("(mail.local: unknown user: taro)")
    assert not answer.quoted


def test_postfixs_own_session_report() -> None:
    refusal = only(
        "Transcript of session follows.\n\n Out: 220 mx.example ESMTP\n In:  MAIL FROM:<a@b.example>\n"
        " Out: 250 2.1.0 Ok\n In:  RCPT TO:<c@d.example>\n Out: 250 2.1.5 Ok\n In:  DATA\n"
        " Out: 354 End data\n Out: 451 4.3.0 Error: queue file write error\n In:  QUIT\n"
    )
    assert (refusal.recipient, refusal.stage, refusal.reply.code) == (
        "c@d.example",
        "END OF DATA",
        451,
    )
