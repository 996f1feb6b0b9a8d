"""Whatever strangers write: no reader raises, none hangs, and nothing acts on the terminal.

The steps are those of the fuzzer (`fuzz/harness.py`); here hypothesis builds the inputs, and the
cases that are known to hurt mail readers stand by name.
"""

from __future__ import annotations

import base64
import json
import random
import tracemalloc

import pytest
from harness import Check
from hypothesis import HealthCheck, given, settings
from mutation import Mutator
from seeds import seeds, tokens

from tests.hostile import strategies
from todoku import reading

COMMON = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def check() -> Check:
    return Check()


@COMMON
@given(data=strategies.mails())
def test_mails(check: Check, data: bytes) -> None:
    check(data)


@COMMON
@given(data=strategies.payloads())
def test_payloads(check: Check, data: bytes) -> None:
    check(data)


@COMMON
@given(data=strategies.log_lines())
def test_log_lines(check: Check, data: bytes) -> None:
    check(data)


@COMMON
@given(data=strategies.anything)
def test_anything(check: Check, data: bytes) -> None:
    check(data)


def test_changed_seeds(check: Check) -> None:
    """A little of what `make fuzz` does at length; the same inputs each time."""
    texts = seeds()
    mutator = Mutator(texts, tokens(texts), 20261124)
    for _ in range(400):
        check(mutator.fresh())


# ── by name ───────────────────────────────────────────────────────────────────────────────────

BOUNCE = b"From: MAILER-DAEMON@example.com\nSubject: Undelivered Mail\n"
REFUSED = (
    b"<a@example.com>: host mx.example.com[192.0.2.9] said: 550 5.7.1 Client [192.0.2.1] blocked"
    b" using zen.spamhaus.org (in reply to RCPT TO command)\n"
)


def nested(levels: int, *, same_boundary: bool) -> bytes:
    head, tail = BOUNCE, b""
    for n in range(levels):
        b = b"b" if same_boundary else b"b%d" % n
        head += b'Content-Type: multipart/mixed; boundary="' + b + b'"\n\n--' + b + b"\n"
        tail = b"\n--" + b + b"--\n" + tail
    return head + b"Content-Type: text/plain\n\n" + REFUSED + b"\n" + tail


def attached(levels: int) -> bytes:
    return BOUNCE + b"Content-Type: message/rfc822\n\nSubject: x\n" * levels + b"\n" + REFUSED


def report(recipients: int) -> bytes:
    one = b"\nFinal-Recipient: rfc822; u%d@example.com\nAction: failed\nStatus: 5.1.1\n"
    return (
        BOUNCE
        + b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        + b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.com\n"
        + b"".join(one % n for n in range(recipients))
        + b"\n--b--\n"
    )


def mixed_line_ends() -> bytes:
    rng = random.Random(1)
    lines = report(50).split(b"\n")
    return b"".join(line + rng.choice((b"\n", b"\r\n", b"\r")) for line in lines)


NAMED = {
    "10,000 multiparts in each other": nested(10_000, same_boundary=False),
    "10,000 multiparts that share a boundary": nested(10_000, same_boundary=True),
    "10,000 mails attached to each other": attached(10_000),
    "20,000 parts": BOUNCE
    + b"Content-Type: multipart/mixed; boundary=b\n\n"
    + b"--b\nContent-Type: message/rfc822\n\nSubject: y\n\n550 no\n" * 20_000,
    "a boundary that is empty": BOUNCE
    + b'Content-Type: multipart/report; boundary=""\n\n--\n' * 500,
    "a boundary that ends another": BOUNCE
    + b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: multipart/mixed; boundary="b--"\n\n--b--\n--b----\n',
    "headers without end": BOUNCE + b"X-A: b\n" * 200_000,
    "one header line of 1 MB": BOUNCE + b"Subject: " + b"x" * (1 << 20) + b"\n\n" + REFUSED,
    "a folded header of 1 MB": BOUNCE + b"Subject: x" + b"\n y" * 300_000 + b"\n\n" + REFUSED,
    "header names without end": BOUNCE + b"".join(b"H%d: x\n" % n for n in range(50_000)),
    "an encoded word of 1 MB": BOUNCE
    + b"Subject: =?utf-8?B?"
    + base64.b64encode(b"a" * (1 << 20))
    + b"?=\n\n"
    + REFUSED,
    "50,000 encoded words": BOUNCE + b"Subject:" + b" =?iso-2022-jp?B?GyRC?=" * 50_000 + b"\n\n",
    "nothing but NUL": b"\0" * 500_000,
    "NUL between all bytes": report(20).replace(b"", b"\0"),
    "base64 of nothing": BOUNCE + b"Content-Transfer-Encoding: base64\n\n" + b"=" * 300_000,
    "base64 cut anywhere": BOUNCE
    + b"Content-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(REFUSED * 2000)[:-7].replace(b"A", b"*"),
    "quoted-printable of nothing": BOUNCE
    + b"Content-Transfer-Encoding: quoted-printable\n\n"
    + b"=\n" * 200_000
    + b"=" * 1000,
    "100,000 recipients": report(100_000),
    "line ends of all kinds": mixed_line_ends(),
    "nothing but CR": b"From: a@example.com\r" + b"\r" * 500_000,
    "JSON 100,000 deep": b"[" * 100_000,
    "objects 100,000 deep": b'{"text":' * 100_000,
    "objects 100,000 deep, closed": b'{"event-data":' * 100_000 + b"1" + b"}" * 100_000,
    "an NDJSON line of 4 MB": json.dumps({"text": "550 " + "no " * 1_400_000}).encode() + b"\n",
    "a number without end": b'{"text": ' + b"1" * 500_000 + b"}",
    "lone surrogates in JSON": b'{"text": "550 5.7.1 \\ud800 \\udfff no", "id": "\\ud83d"}\n',
    "a log line of 4 MB": b"Nov 24 00:00:00 mx postfix/smtp[1]: 4ABC12345: to=<a@example.com>, status=bounced ("
    + b"host x[192.0.2.1] said: 550 " * 150_000,
    "quote marks without end": b"> " * 200_000 + REFUSED,
    "angle brackets": b"<" * 300_000,
    "brackets and blanks": BOUNCE + b"\n" + b"[ " * 200_000,
    "an mbox of nothing": b"From a Mon Nov 24 00:00:00 2026\nA: b\n\n" * 20_000,
    "all recipients in one line": BOUNCE + b"\n550 " + b"<a@example.com>, " * 30_000,
    "a uuencoded part without end": BOUNCE
    + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n"
    + b"M" * 400_000,
}


@pytest.mark.parametrize("name", NAMED)
def test_by_name(name: str, check: Check) -> None:
    data = NAMED[name]
    tracemalloc.start()
    try:
        reading.read(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * len(data) + (32 << 20), f"{peak >> 20} MB for {len(data) >> 10} KB"
    check(data)


def test_the_answer_is_found_behind_all_that() -> None:
    """Not only does reading end: what can be read is read."""
    assert len(reading.read(NAMED["100,000 recipients"])) > 1000
    assert reading.read(NAMED["line ends of all kinds"])[0].reply.enhanced == "5.1.1"
    for name in ("one header line of 1 MB", "a folded header of 1 MB"):
        assert [r.reply.code for r in reading.read(NAMED[name])] == [550], name
