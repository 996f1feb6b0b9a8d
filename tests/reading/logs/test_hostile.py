"""Logs hold what strangers wrote: no fault, no hang, whatever stands in them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.maillogs import SAMPLES
from todoku.model import Refusal
from todoku.reading import logs

SAMPLE_LINES = [
    line
    for path in sorted((SAMPLES / "logs").iterdir())
    for line in path.read_bytes().split(b"\n")
    if line.strip()
]


@settings(max_examples=300)
@given(st.binary(max_size=500))
def test_any_bytes(data: bytes) -> None:
    logs.looks(data)
    logs.read(data)


@settings(max_examples=400)
@given(st.data())
def test_real_lines_cut_and_mixed(data: st.DataObject) -> None:
    """Lines of all formats, cut anywhere, with anything between."""
    picked = data.draw(st.lists(st.sampled_from(SAMPLE_LINES), max_size=6))
    log = b"\n".join(picked)
    start = data.draw(st.integers(0, max(0, len(log) - 1)))
    junk = data.draw(st.binary(max_size=20))
    for mixed in (log[start:], log[:start], log[:start] + junk + log[start:]):
        assert all(isinstance(r, Refusal) for r in logs.read(mixed))
        logs.read_lines(mixed.decode("latin-1").split("\n"))


# What a receiver can write: anything but the end of the line.
ANSWERS = st.text(
    st.characters(exclude_characters="\n\r\x00", exclude_categories=["Cs"]), max_size=80
) | st.sampled_from(
    [
        "x) to=<v@v.example>, relay=none, dsn=2.0.0, status=sent (250 ok",
        "3F2A9C0D51: to=<v@v.example>, relay=none, delay=1, dsn=5.0.0, status=bounced (x)",
        "(in reply to RCPT TO command)) status=bounced (",
        "}; ** v@v.example: 550 x",
        "stat=Sent, dsn=2.0.0, reply=250 ok",
        "delivery 9: success: ",
    ]
)


@settings(max_examples=300)
@given(ANSWERS)
def test_an_answer_never_changes_who_was_refused(said: str) -> None:
    postfix = (
        "Nov 24 10:00:00 m postfix/smtp[1]: 3F2A9C0D51: to=<u@b.example>,"
        " relay=mx.b.example[203.0.113.9]:25, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced"
        f" (host mx.b.example[203.0.113.9] said: 550 5.1.1 {said} (in reply to RCPT TO command))"
    )
    exim = (
        "2026-11-24 10:00:01 1uXyZ1-000ABC-2A ** u@b.example R=r T=t H=mx.b.example [203.0.113.9]:"
        f" SMTP error from remote mail server after end of data: 550 5.1.1 {said}"
    )
    sendmail = (
        "Nov 24 11:00:01 m sm-mta[1]: 4AO200Xy005101: to=<u@b.example>, delay=00:00:01,"
        " xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx.b.example. [203.0.113.9], dsn=5.1.1,"
        f" reply=550 5.1.1 {said}, stat=User unknown"
    )
    for line in (postfix, exim, sendmail):
        found = logs.read(line.encode())
        assert [(r.recipient, r.action) for r in found] == [("u@b.example", "failed")], line


UNITS = [
    b"3F2A9C0D51: to=<", b"to=<a>, ", b"Nov 24 10:00:00 m postfix/smtp[1]: ", b"status=",
    b"a=b, ", b" ** a", b"H=a [1.2.3.4] ", b'DN="\\', b"R=<", b"{LED=", b"};{IP=", b";", b'"",',
    b"_", b"/550-", b"delivery 1: failure: ", b"from=<", b"[", b": ", b"host a[1.2.3.4] said: ",
    b"550-5.7.1 x ", b"\xff", b"\x00", b"a | ", b"<1>", b"@40000000", b'{"MESSAGE":[',
]  # fmt: skip
HEADS = [
    b"", b"Nov 24 10:00:00 m postfix/smtp[1]: 3F2A9C0D51: to=<u@b.example>, relay=none, delay=1, ",
    b"2026-11-24 10:00:01 1uXyZ1-000ABC-2A ** u@b.example ",
    b"Nov 24 11:00:01 m sm-mta[1]: 4AO200Xy005101: to=<u@b.example>, delay=00:00:01, ",
    b"delivery 5: failure: Remote_host_said:_550 ",
    b"2026-11-24T02:00:00.000Z,,E,1,m,,c,SMTP,FAIL,1,<m>,n,u@b.example,",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_with_the_length_only(unit: bytes) -> None:
    """Growth, not seconds: one line of eight times the length in well below 64 times the time. Of
    several the least, in time of this process alone: what else the machine does is not in it."""

    def took(size: int) -> float:
        best = float("inf")
        data = [head + unit * (size // len(unit)) + b" status=bounced (x stat= ," for head in HEADS]
        for _ in range(5):
            start = time.process_time()
            for line in data:
                logs.read(line)
            best = min(best, time.process_time() - start)
        return best

    small, large = took(8_000), took(64_000)
    assert large < 0.05 or large < small * 24, (small, large)


def test_a_line_of_ten_megabytes() -> None:
    line = SAMPLE_LINES[0]
    data = line + b"\n" + b"x" * 10_000_000 + b"\n" + b"status=" * 1_000_000
    start = time.process_time()
    logs.read(data)
    assert time.process_time() - start < 5
