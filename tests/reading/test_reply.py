"""One reply out of every wrapping."""

from __future__ import annotations

import pytest

from todoku.model import Stage
from todoku.reading.reply import is_temporary, join_continuations, parse, stage_of

# text: (code, enhanced, stage, host, ip, text)
Row = tuple[str, int | None, str | None, Stage | None, str | None, str | None, str]
TABLE: list[Row] = [
    ("550 5.1.1 No such user", 550, "5.1.1", None, None, None, "550 5.1.1 No such user"),
    ("smtp; 550 No such user", 550, None, None, None, None, "550 No such user"),
    ("SMTP;421", 421, None, None, None, None, "421"),
    ("550 sorry (#5.1.1)", 550, "5.1.1", None, None, None, "550 sorry (#5.1.1)"),
    (
        "550 #5.1.0 Address rejected.",
        550,
        "5.1.0",
        None,
        None,
        None,
        "550 #5.1.0 Address rejected.",
    ),
    (
        "550: 5.1.1 <a@b.example> gone",
        550,
        "5.1.1",
        None,
        None,
        None,
        "550: 5.1.1 <a@b.example> gone",
    ),
    (
        "LMTP error after RCPT TO:<a@b.example>: 550 5.1.1 <a@b.example> User doesn't exist: a@b.example",
        550,
        "5.1.1",
        "RCPT TO",
        None,
        None,
        "550 5.1.1 <a@b.example> User doesn't exist: a@b.example",
    ),
    (
        "Delay reason: LMTP error after end of data: 452 4.2.2 <a@b.example> Mailbox is full",
        452,
        "4.2.2",
        "END OF DATA",
        None,
        None,
        "452 4.2.2 <a@b.example> Mailbox is full",
    ),
    (
        "LMTP error after initial connection: 421 4.3.2 Too busy",
        421,
        "4.3.2",
        "CONN",
        None,
        None,
        "421 4.3.2 Too busy",
    ),
    (
        "(host 'mx.b.example' rejected command 'RCPT TO:<a@b.example>' with code 550 (5.1.1) 'No such user')",
        550,
        "5.1.1",
        "RCPT TO",
        "mx.b.example",
        None,
        "550 5.1.1 No such user",
    ),
    (
        "(host 'mx.b.example' rejected command 'DATA' with code 550 (0.0.0) 'Client host [h.example] blocked (it's a list)')",
        550,
        None,
        "DATA",
        "mx.b.example",
        None,
        "550 Client host [h.example] blocked (it's a list)",
    ),
    (
        "Unexpected response from 'mx.b.example': Code: 421, Enhanced code: 4.7.0, Message: Later",
        421,
        "4.7.0",
        None,
        "mx.b.example",
        None,
        "421 4.7.0 Later",
    ),
    (
        "554 554 5.7.0 Header error (state 18).",
        554,
        "5.7.0",
        None,
        None,
        None,
        "554 5.7.0 Header error",
    ),
    (
        "host mx.example[192.0.2.1] said: 550 5.7.1 No (in reply to end of DATA command)",
        550,
        "5.7.1",
        "END OF DATA",
        "mx.example",
        "192.0.2.1",
        "550 5.7.1 No",
    ),
    (
        "host mx.example[2001:db8::1]:25 said: 450 4.7.1 Later (in reply to\n RCPT TO command)",
        450,
        "4.7.1",
        "RCPT TO",
        "mx.example",
        "2001:db8::1",
        "450 4.7.1 Later",
    ),
    (
        "host mx.example[XX.XX.XXX.XXX] said: 550 SC-001 (BAY) no (in reply to MAIL FROM command)",
        550,
        None,
        "MAIL FROM",
        "mx.example",
        "XX.XX.XXX.XXX",
        "550 SC-001 (BAY) no",
    ),
    (
        "host mx.example[192.0.2.1] refused to talk to me: 554 IP=198.51.100.1 (BL)",
        554,
        None,
        "CONN",
        "mx.example",
        "192.0.2.1",
        "554 IP=198.51.100.1 (BL)",
    ),
    (
        "connect to mx.example[192.0.2.1]: server refused to talk to me: 421 Busy",
        421,
        None,
        "CONN",
        "mx.example",
        "192.0.2.1",
        "421 Busy",
    ),
    (
        "host mx.example.org said: 554 5.7.1 Client host rejected (in reply to RCPT TO command)",
        554,
        "5.7.1",
        "RCPT TO",
        "mx.example.org",
        None,
        "554 5.7.1 Client host rejected",
    ),
    (
        (
            "SMTP error from remote mail server after RCPT TO:<a@b.example>:"
            " host mx.example [192.0.2.1]: 550 5.1.1 Unknown"
        ),
        550,
        "5.1.1",
        "RCPT TO",
        "mx.example",
        "192.0.2.1",
        "550 5.1.1 Unknown",
    ),
    (
        (
            "host mx.example [192.0.2.1] SMTP error from remote mail server after"
            " MAIL FROM:<a@b.example> SIZE=1814: 550 No"
        ),
        550,
        None,
        "MAIL FROM",
        "mx.example",
        "192.0.2.1",
        "550 No",
    ),
    (
        "SMTP error from remote server for TEXT command, host: mx.example (192.0.2.1) reason: 550 No",
        550,
        None,
        "END OF DATA",
        "mx.example",
        "192.0.2.1",
        "550 No",
    ),
    (
        "192.0.2.1 does not like recipient. Remote host said: 550 No Giving up on 192.0.2.1.",
        550,
        None,
        "RCPT TO",
        None,
        "192.0.2.1",
        "550 No",
    ),
    (
        "Connected to 192.0.2.1 but my name was rejected. Remote host said: 501 5.0.0 Bad name",
        501,
        "5.0.0",
        "EHLO",
        None,
        "192.0.2.1",
        "501 5.0.0 Bad name",
    ),
    (
        "Remote host said: 550 5.1.1 Unknown [RCPT_TO]",
        550,
        "5.1.1",
        "RCPT TO",
        None,
        None,
        "550 5.1.1 Unknown",
    ),
    (
        "Remote Server returned '550 5.1.1 RESOLVER; no'",
        550,
        "5.1.1",
        None,
        None,
        None,
        "550 5.1.1 RESOLVER; no",
    ),
    (
        "mx.example [192.0.2.1] did not like our final DATA: 550 5.7.1 No",
        550,
        "5.7.1",
        "END OF DATA",
        "mx.example",
        "192.0.2.1",
        "550 5.7.1 No",
    ),
    (
        "5.1.0 - Unknown address error 550-'5.7.1 Access denied' (delivery attempts: 0)",
        550,
        "5.7.1",
        None,
        None,
        None,
        "550 5.7.1 Access denied",
    ),
    (
        "5.3.0 - Other mail system problem 550-'Unknown user' (delivery attempts: 0)",
        550,
        "5.3.0",
        None,
        None,
        None,
        "550 Unknown user",
    ),
    (
        "554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Timed out>",
        421,
        "4.4.2",
        None,
        None,
        None,
        "421 4.4.2 Timed out",
    ),
    # Two servers: the one that refused us is the outer one, and its text keeps the inner.
    (
        (
            "host mx.example[192.0.2.1] said: 550 5.1.1 undeliverable: host in.example[10.0.0.1] said:"
            " 550 unknown (in reply to RCPT TO command)"
        ),
        550,
        "5.1.1",
        "RCPT TO",
        "mx.example",
        "192.0.2.1",
        "550 5.1.1 undeliverable: host in.example[10.0.0.1] said: 550 unknown",
    ),
    # No server answered.
    (
        "connect to mx.example[192.0.2.1]:25: Connection timed out",
        None,
        None,
        "CONN",
        "mx.example",
        "192.0.2.1",
        "connect to mx.example[192.0.2.1]:25: Connection timed out",
    ),
    (
        "lost connection with mx.example[192.0.2.1] while performing the HELO handshake",
        None,
        None,
        "EHLO",
        "mx.example",
        "192.0.2.1",
        "lost connection with mx.example[192.0.2.1] while performing the HELO handshake",
    ),
    ("retry timeout exceeded", None, None, None, None, None, "retry timeout exceeded"),
    ("\u5b9b\u5148\u4e0d\u660e", None, None, None, None, None, "\u5b9b\u5148\u4e0d\u660e"),
    # Numbers that are no reply codes.
    (
        "see http://a.example/550 for 450 reasons",
        None,
        None,
        None,
        None,
        None,
        "see http://a.example/550 for 450 reasons",
    ),
    ("DNS Error: 24275403 lookup", None, None, None, None, None, "DNS Error: 24275403 lookup"),
]


@pytest.mark.parametrize("row", TABLE, ids=[row[0][:40] for row in TABLE])
def test_parse(row: Row) -> None:
    text, code, enhanced, stage, host, ip, words = row
    got = parse(text)
    assert (got.reply.code, got.reply.enhanced) == (code, enhanced)
    assert (got.stage, got.remote.host, got.remote.ip) == (stage, host, ip)
    assert got.reply.text == words
    assert bool(got.notice) == (code is None)


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("550-5.7.1 a 550-5.7.1 b 550 5.7.1 c", "550 5.7.1 a b c"),
        ("550-a 550-b 550 c", "550 a b c"),
        ("550-5.7.1 see https: 550 5.7.1 //a.example/x", "550 5.7.1 see https://a.example/x"),
        ("552-5.7.0 a 552-5.7.0  b 552 5.7.0  c", "552 5.7.0 a b c"),
        ("550 5.7.1 more than 550 messages", "550 5.7.1 more than 550 messages"),
        ("550-192.0.2.1 is listed 550 at bl.example", "550 192.0.2.1 is listed at bl.example"),
    ],
)
def test_continuation_lines(text: str, joined: str) -> None:
    assert join_continuations(text) == joined


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        ("end of DATA", "END OF DATA"),
        ("DATA", "DATA"),
        ("RCPT TO:<a@b.example>", "RCPT TO"),
        ("pipelined MAIL FROM", "MAIL FROM"),
        ("initial connection", "CONN"),
        ("receiving the initial server greeting", "CONN"),
        ("EHLO mx.example", "EHLO"),
        ("STARTTLS", "STARTTLS"),
        ("AUTH", "AUTH"),
        ("sending message body", "END OF DATA"),
        ("nothing of the kind", None),
    ],
)
def test_stages(words: str, stage: Stage | None) -> None:
    assert stage_of(words) == stage


def test_the_first_digit_says_whether_to_try_again() -> None:
    assert is_temporary(parse("421 4.7.0 later").reply) is True
    assert is_temporary(parse("550 4.2.1 the code beats the status").reply) is False
    assert is_temporary(parse("4.4.1 no code").reply) is True
    assert is_temporary(parse("gone").reply) is None
