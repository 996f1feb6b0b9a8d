"""Text as people paste it: the rule, an example, what is read of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from todoku.model import Refusal
from todoku.reading import paste
from todoku.reading.literals import unwrap


def codes(text: str) -> list[int | None]:
    return [r.reply.code for r in paste.read(text)]


def one(text: str | bytes) -> Refusal:
    found = paste.read(text)
    assert len(found) == 1, found
    return found[0]


# ── one reply, in any wrapping ────────────────────────────────────────────────────────────────

TWO_LINES = "550 5.7.1 [192.0.2.1] blocked, see https://bl.example/192.0.2.1"


@pytest.mark.parametrize(
    "text",
    [
        "550 5.7.1 [192.0.2.1] blocked, see https://bl.example/192.0.2.1",
        "550-5.7.1 [192.0.2.1] blocked,\n550 5.7.1 see https://bl.example/192.0.2.1",
        "550-5.7.1 [192.0.2.1] blocked,\r\n550 5.7.1 see https://bl.example/192.0.2.1\r\n",
        "550-5.7.1 [192.0.2.1] blocked,\n\n550 5.7.1 see https://bl.example/192.0.2.1",
        "> 550-5.7.1 [192.0.2.1] blocked,\n> 550 5.7.1 see https://bl.example/192.0.2.1",
        "> > 550-5.7.1 [192.0.2.1] blocked,\n>> 550 5.7.1 see https://bl.example/192.0.2.1",
        "| 550-5.7.1 [192.0.2.1] blocked,\n| 550 5.7.1 see https://bl.example/192.0.2.1",
        "smtp; 550-5.7.1 [192.0.2.1] blocked,\n 550 5.7.1 see https://bl.example/192.0.2.1",
        "<<< 550-5.7.1 [192.0.2.1] blocked,\n<<< 550 5.7.1 see https://bl.example/192.0.2.1",
        "- 550 5.7.1 [192.0.2.1] blocked, see https://bl.example/192.0.2.1",
        r"550-5.7.1 [192.0.2.1] blocked,\r\n550 5.7.1 see https://bl.example/192.0.2.1",
        r"550-5.7.1 [192.0.2.1] blocked,\n550 5.7.1 see https://bl.example/192.0.2.1",
        r'"550-5.7.1 [192.0.2.1] blocked,\r\n550 5.7.1 see https:\/\/bl.example\/192.0.2.1"',
        "(550, b'5.7.1 [192.0.2.1] blocked,\\n5.7.1 see https://bl.example/192.0.2.1')",
        "['550-5.7.1 [192.0.2.1] blocked,', '550 5.7.1 see https://bl.example/192.0.2.1']",
        '["550-5.7.1 [192.0.2.1] blocked,", "550 5.7.1 see https://bl.example/192.0.2.1"]',
        "b'550-5.7.1 [192.0.2.1] blocked,\\r\\n550 5.7.1 see https://bl.example/192.0.2.1'",
        '{"response": "550 5.7.1 [192.0.2.1] blocked, see https://bl.example/192.0.2.1", "a": 550}',
    ],
)
def test_a_reply_in_any_wrapping(text: str) -> None:
    r = one(text)
    assert (r.reply.code, r.reply.enhanced, r.reply.text) == (550, "5.7.1", TWO_LINES)


def test_words_of_a_person_around_it() -> None:
    text = (
        "Hello,\n\nsince we moved 500 mailboxes on Monday, this comes back:\n\n"
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred\n\nCan you help?\n"
    )
    assert one(text).reply.text == "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred"


def test_japanese_preamble_and_masked_addresses() -> None:
    text = (
        "以下の宛先への送信に失敗しました。\n\n"
        "<x@hotmail.example>: host mx1.hotmail.example[XX.XX.XXX.XXX] said: 550 SC-001\n"
        "    (BAY004-MC3F26) Unfortunately, messages from 999.999.999.999 weren't sent.\n"
        "    (in reply to MAIL FROM command)\n\nよろしくお願いします。\n"
    )
    for data in (text, text.encode(), text.encode("cp932"), text.encode("iso2022_jp")):
        r = one(data)
        assert (r.recipient, r.stage) == ("x@hotmail.example", "MAIL FROM")
        assert (r.remote.host, r.remote.ip) == ("mx1.hotmail.example", "XX.XX.XXX.XXX")
        assert r.reply.text.endswith("messages from 999.999.999.999 weren't sent.")


def test_utf_16_of_a_windows_editor() -> None:
    assert one("550 5.1.1 キャンペーン".encode("utf-16")).reply.text == "550 5.1.1 キャンペーン"


# ── several ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("550 5.7.1 one\n450 4.2.0 two\n421 three", [550, 450, 421]),
        ("550 5.7.1 one\n550 5.7.1 two", [550, 550]),
        ("550-5.7.1 one\n550 5.7.1 goes on\n550-5.1.1 two\n550 5.1.1 goes on", [550, 550]),
        ("* 550 5.7.1 one\n* 450 4.2.0 two", [550, 450]),
        ("1. 550 5.7.1 one\n2. 450 4.2.0 two", [550, 450]),
        (
            "{'a@b.example': (550, b'5.1.1 no'), 'c@b.example': (452, b'4.2.2 full')}",
            [550, 452],
        ),
    ],
)
def test_several_replies_are_several_refusals(text: str, expected: list[int]) -> None:
    assert codes(text) == expected


def test_smtplib_tells_recipients_and_the_command() -> None:
    text = "smtplib.SMTPRecipientsRefused: {'a@b.example': (550, b'5.1.1 no'), 'c@b.example': (452, b'4.2.2 full')}"
    assert [(r.recipient, r.stage) for r in paste.read(text)] == [
        ("a@b.example", "RCPT TO"),
        ("c@b.example", "RCPT TO"),
    ]
    assert one("smtplib.SMTPDataError: (554, b'5.7.1 spam')").stage == "END OF DATA"


# ── sessions ──────────────────────────────────────────────────────────────────────────────────

SESSION = """\
Trying 203.0.113.9...
Connected to mx.b.example.
220 mx.b.example ESMTP
EHLO mail.a.example
250-mx.b.example
250 SIZE 10240000
MAIL FROM:<s@a.example> SIZE=100
250 2.1.0 Ok
RCPT TO:<u@b.example>
550 5.1.1 <u@b.example>: Recipient address rejected: User unknown
RCPT TO:<v@b.example>
250 2.1.5 Ok
DATA
354 End data with <CR><LF>.<CR><LF>
.
554 5.7.1 rejected as spam
QUIT
221 2.0.0 Bye
Connection closed by foreign host.
"""


def test_a_session_tells_stage_sender_and_recipient() -> None:
    assert [(r.reply.code, r.stage, r.recipient, r.sender) for r in paste.read(SESSION)] == [
        (550, "RCPT TO", "u@b.example", "s@a.example"),
        (554, "END OF DATA", "v@b.example", "s@a.example"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        " -> RCPT TO:<u@b.example>\n<** 550 5.1.1 unknown\n -> QUIT\n<-  221 bye",
        "CLIENT -> SERVER: RCPT TO:<u@b.example>\nSERVER -> CLIENT: 550 5.1.1 unknown",
        "  SMTP>> RCPT TO:<u@b.example>\n  SMTP<< 550 5.1.1 unknown",
        "C: RCPT TO:<u@b.example>\nS: 550 5.1.1 unknown",
    ],
)
def test_sessions_as_programs_print_them(text: str) -> None:
    r = one(text)
    assert (r.stage, r.recipient, r.reply.text) == ("RCPT TO", "u@b.example", "550 5.1.1 unknown")


def test_a_refusal_before_any_command() -> None:
    text = "Trying 203.0.113.9...\nConnected to mx.b.example.\n554 mx.b.example 192.0.2.1 is listed"
    assert one(text).stage == "CONN"


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        (('{"response": {"code": 550, "enhanced_code": {"class": 5, "subject": 7, "detail": 1},'
         ' "content": "blocked"}}'), None),
        ('{"code": 550, "message": "5.7.1 blocked"}', None),
        ('{"response": "550 5.7.1 blocked", "command": "RCPT TO"}', "RCPT TO"),
        (("Error: Message failed: 550 5.7.1 blocked\n    at x.js:550:19\n  code: 'EMESSAGE',\n"
         "  response: '550 5.7.1 blocked',\n  responseCode: 550,\n  command: 'DATA'\n}"), "DATA"),
        (("SMTP Error: data not accepted.SMTP server error: DATA END command failed Detail: blocked"
         " SMTP code: 550 Additional SMTP info: 5.7.1"), "END OF DATA"),
        ('Expected response code 250 but got code "550", with message "550 5.7.1 blocked"', None),
        ("debug: mta: smtp: <<< 550 5.7.1 blocked", None),
        ("mta: <<< 550-5.7.1 block\nmta: <<< 550 5.7.1 ed", None),
        ("**550 5.7.1 blocked**", None),
        ("Nov 24 10:00:00 m smtpd[9]: smtp-out: Error on session 1a: 550 5.7.1 blocked", None),
    ],
)  # fmt: skip
def test_what_mail_libraries_print(text: str, stage: str | None) -> None:
    r = one(text)
    assert (r.reply.code, r.reply.enhanced, r.stage) == (550, "5.7.1", stage)
    assert r.reply.text.replace(" ", "") == "5505.7.1blocked"


# ── pieces of bounces, complaints, logs ───────────────────────────────────────────────────────


def test_fields_of_a_delivery_report() -> None:
    text = (
        "Final-Recipient: rfc822; u@b.example\nAction: failed\nStatus: 5.7.1\n"
        "Remote-MTA: dns; mx.b.example\nDiagnostic-Code: smtp; 550-5.7.1 not\n 550 5.7.1 welcome\n"
    )
    r = one("> " + text.replace("\n", "\n> "))
    assert (r.recipient, r.action, r.remote.host) == ("u@b.example", "failed", "mx.b.example")
    assert r.reply.text == "550 5.7.1 not welcome"


@pytest.mark.parametrize(
    "text",
    [
        "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nOriginal-Rcpt-To: <u@b.example>\n",
        "> Feedback-Type: abuse\n> User-Agent: x/1\n> Original-Rcpt-To: <u@b.example>\n",
        "Hello,\n> This is an email abuse report for an email message\n> received from IP 192.0.2.1",
    ],
)
def test_complaints(text: str) -> None:
    r = one(text)
    assert (r.kind, r.feedback_type) == ("complaint", "abuse")


def test_a_log_line_inside_of_prose_even_when_it_was_folded() -> None:
    text = (
        "Please have a look:\n\n"
        "Nov 24 10:00:00 mail postfix/smtp[1]: 3F2A9C0D51: to=<u@b.example>,\n"
        "relay=mx.b.example[203.0.113.9]:25, delay=1, delays=1/0/0/0, dsn=5.7.1, status=bounced\n"
        "(host mx.b.example[203.0.113.9] said: 554 5.7.1 Service unavailable (in reply to\n"
        "RCPT TO command))\nThanks\n"
    )
    r = one(text)
    assert (r.reader, r.recipient, r.stage) == ("postfix-log", "u@b.example", "RCPT TO")
    assert r.reply.text == "554 5.7.1 Service unavailable"


def test_the_log_line_of_a_script_is_its_words() -> None:
    r = one("Nov 24 10:00:00 web shop[123]: SMTP error: 550 5.7.1 blocked")
    assert (r.reader, r.reply.text) == ("pasted", "550 5.7.1 blocked")


@pytest.mark.parametrize(
    "text",
    [
        "Nov 24 10:00:00 mx postfix/smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.9]: 550 5.1.1 no",
        "NOQUEUE: reject: RCPT from x[192.0.2.9]: 550 5.1.1 no; from=<a@b.example>",
        "2026-11-24 10:00:00 H=(x) [192.0.2.9] F=<a@b.example> rejected RCPT <c@d.example>: 550 no",
    ],
)
def test_what_we_refuse_others_is_left_alone(text: str) -> None:
    assert paste.read(text) == []


# ── without a code, and nothing at all ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "Your message was blocked using bl.example",
        "Requested action not taken: mailbox unavailable",
        "lost connection with mx.b.example[203.0.113.9] while receiving the initial server greeting",
        "connect to mx.b.example[203.0.113.9]:25: Connection timed out",
        "受信者のメールボックスがいっぱいです",
    ],
)
def test_an_answer_without_its_number(text: str) -> None:
    r = one(text)
    assert r.reply.code is None
    assert r.reply.text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\n",
        "Hello",
        "Version 5.7.1 is out",
        "Dear all, thank you for your mail. See you on Monday.",
        "250 2.0.0 Ok: queued as 4B2C",
        "We sell 500 kg of fish a day, and 421 people like it.",
        '{"name": "a", "version": 5}',
        "\ufeff",
    ],
)
def test_nothing_is_nothing(text: str) -> None:
    assert paste.read(text) == []


# ── hostile ───────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=600), st.text(max_size=600)))
def test_never_raises(data: bytes | str) -> None:
    for r in paste.read(data):
        assert isinstance(r, Refusal)


PIECES = st.sampled_from(
    [
        "550", "550-", "550 5.7.1", "421-4.7.0 ", "\n", "\r\n", "> ", ">>> ", "<<< ", "b'", "'", '"',
        "\\", "\\n", "\\u00", "\\ud800", "(550, b'", "['", "{", "}", "[", "]", "RCPT TO:<a@b.example>",
        "<a@b.example>: ", "said: ", "Feedback-Type: ", "Final-Recipient: rfc822; ", "&lt;", "&#0;",
        " 354 ", ".", "DATA", " (in reply to ", "host a[1.2.3.4] said: ", "status=bounced (", "\x00",
        "Nov 24 10:00:00 m postfix/smtp[1]: ", "3F2A9C0D51: to=<", " ** ", "delivery 1: failure: ",
    ]
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_never_raises_on_what_it_looks_for(text: str) -> None:
    unwrap(text)
    paste.read(text)


@pytest.mark.parametrize(
    "unit",
    [
        "(550, b'", "550-", "550 ", "\\\\", "'", '"', "<a@b.example>: ", "&lt;", "> ", "[", "{'a':",
        "host a[1.2.3.4] said: ", "RCPT TO:<", "Nov 24 10:00:00 m postfix/smtp[1]: ", "is on ",
        "user ", "SPF ", "reverse DNS ", "connect to x: ", "conversation with ",
        "Mon 1 a b@c ", "\n\n550-x", "Feedback-Type: x\n",
    ],
)  # fmt: skip
def test_time_grows_with_the_length_only(unit: str) -> None:
    """Growth, not seconds: four times the text in well below sixteen times the time."""

    def took(size: int) -> float:
        text = unit * (size // len(unit))
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            paste.read(text)
            best = min(best, time.perf_counter() - start)
        return best

    # Another process can take the core away: one quiet measurement out of three is enough.
    assert any((large := took(24_000)) < 0.02 or large < took(6_000) * 10 for _ in range(3))


@pytest.mark.parametrize(
    "text",
    [
        "Hi Anna, the parcel could not be delivered because nobody was at home. See you tomorrow!",
        "I think his mailbox is full, can you call him?",
        "My letter was returned, it could not be delivered.",
        "Do you know why my message was rejected?",
        "昨日の荷物は届けられませんでした。よろしくお願いします。",
    ],
)
def test_what_people_tell_each_other_is_no_refusal(text: str) -> None:
    assert paste.read(text) == []


@pytest.mark.parametrize(
    "text",
    [
        'Hello, I get "Recipient address rejected: Access denied" when I write to him.',
        "When I send mail I get this error: Message rejected due to SPF policy",
        "Hi,\n\nmy mail came back with\n\nUser unknown in virtual mailbox table\n\nwhy?",
        "Your message could not be delivered. The recipient's mailbox is full.",
        "mail size limit exceeded (in reply to end of DATA command)",
    ],
)
def test_what_they_quote_is_one(text: str) -> None:
    assert one(text).kind == "refusal"


@pytest.mark.parametrize(
    ("text", "recipient"),
    [
        ("550 5.1.1 <u@b.example>: Recipient address rejected: User unknown", "u@b.example"),
        ("550 5.2.1 <u@b.example>... User is inactive", "u@b.example"),
        ("550 5.1.8 <u@b.example>: Sender address rejected: Domain not found", None),
    ],
)
def test_the_refused_address_of_a_bare_reply(text: str, recipient: str | None) -> None:
    assert one(text).recipient == recipient
