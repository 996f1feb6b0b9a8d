"""Mail is written by strangers: whatever stands in it, reading ends, and with an answer."""

from __future__ import annotations

import encodings.aliases
import pkgutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from todoku.model import Refusal
from todoku.reading import bounce, charset, mbox, notice, read
from todoku.reading.mail import MAX_PARTS, parse
from todoku.reading.reply import parse as parse_reply

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "samples" / "bounces").glob("*.eml"))
DATA = [path.read_bytes() for path in SAMPLES]
COMMON = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def well_formed(found: list[Refusal]) -> None:
    for one in found:
        assert isinstance(one, Refusal)
        assert len(one.reply.text) <= 20_000
        assert one.recipient is None or len(one.recipient) <= 1_000
        for name in (one.recipient, one.remote.host, one.remote.ip, one.reported_by):
            assert name is None or "\n" not in name


# ── properties ────────────────────────────────────────────────────────────────────────────────


@COMMON
@given(st.binary(max_size=4000))
def test_any_bytes(data: bytes) -> None:
    well_formed(bounce.read(data))
    well_formed(read(b"From: a@example.com\n" + data))


@COMMON
@given(st.sampled_from(DATA), st.data())
def test_damaged_mails(data: bytes, draw: st.DataObject) -> None:
    """Bytes cut out, doubled or replaced anywhere."""
    for _ in range(draw.draw(st.integers(1, 4))):
        a = draw.draw(st.integers(0, len(data)))
        b = min(len(data), a + draw.draw(st.integers(0, 200)))
        piece = draw.draw(
            st.sampled_from([b"", b"\0", b"\n", b"\r", b"\x1b$B", b"--", b"=?", b"<" * 50, b"\n\n"])
            | st.binary(max_size=30)
        )
        data = data[:a] + piece + draw.draw(st.sampled_from([data[b:], data[a:]]))
    well_formed(read(data))


@COMMON
@given(st.text(max_size=2000))
def test_any_text_as_notice_and_as_reply(text: str) -> None:
    well_formed(notice.read_text(text))
    parse_reply(text)


WORDS = st.sampled_from(
    [
        "550",
        "5.1.1",
        "550-",
        "554-5.7.1",
        "said:",
        "host",
        "mx.example[192.0.2.1]",
        "(in",
        "reply",
        "to",
        "RCPT",
        "TO",
        "command)",
        "<a@example.com>",
        "a@example.com:",
        "Remote",
        "host",
        "said:",
        "SMTP",
        "error",
        "from",
        "remote",
        "mail",
        "server",
        "after",
        ">>>",
        "<<<",
        "DATA",
        "Giving",
        "up",
        "on",
        "192.0.2.1.",
        "refused",
        "to",
        "talk",
        "to",
        "me:",
        "\n",
        "\n\n",
        "'",
        '"',
        "[",
        "]",
        "(",
        ")",
        ":",
        ";",
        "-",
        "connect",
        "to",
        "while",
        "talking",
        "to",
        "mx.example.:",
        "delivered",
        "failed",
        "unknown",
        "421",
        "4.7.0",
    ]
)


@COMMON
@given(st.lists(WORDS, max_size=120))
def test_words_of_notices_in_any_order(words: list[str]) -> None:
    text = " ".join(words)
    well_formed(notice.read_text(text))
    parsed = parse_reply(text)
    assert parsed.reply.code is None or 200 <= parsed.reply.code <= 599


@COMMON
@given(st.binary(max_size=500), st.text(max_size=20))
def test_any_bytes_under_any_label(data: bytes, label: str) -> None:
    assert isinstance(charset.decode(data, label), str)
    assert isinstance(charset.header(b"=?" + label.encode() + b"?B?" + data + b"?="), str)


@COMMON
@given(st.lists(st.binary(max_size=60), max_size=30), st.integers(1, 50))
def test_a_mailbox_is_the_same_in_any_chunks(pieces: list[bytes], step: int) -> None:
    data = b"From a@example.com Tue Nov 24 09:36:00 2026\nSubject: x\n\n" + b"".join(
        p + b"\n\nFrom b Tue Nov 24 09:36:00 2026\nTo: c\n\n" for p in pieces
    )
    chunks = [data[i : i + step] for i in range(0, len(data), step)]
    assert list(mbox.split_mbox(chunks)) == list(mbox.split_mbox([data]))


# ── mails built to hurt ───────────────────────────────────────────────────────────────────────


def nested(depth: int) -> bytes:
    data = b"Subject: x\n"
    for i in range(depth):
        data += b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i)
    return data + b"\n\ntext"


def enclosed(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\nSubject: bounce\n\n" * depth + b"From: a@b.example\n\nx"


HURTING = {
    "multiparts in multiparts": nested(5_000),
    "mails in mails": enclosed(5_000),
    "parts without end": b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n\nx\n" * 50_000,
    "headers without end": b"Subject: x\n" + b"X-Header: y\n" * 200_000,
    "one header without end": b"Subject: " + b"x\n " * 400_000,
    "no line end": b"From: a@b.example " + b"x" * 2_000_000,
    "only line ends": b"From: a\n" + b"\n" * 2_000_000,
    "only carriage returns": b"From: a\r" + b"\r" * 2_000_000,
    "NULs": b"From: mailer-daemon\nSubject: failure\n\n" + b"\0" * 500_000,
    "at signs": b"From: mailer-daemon\nSubject: failure\n\n" + b"@" * 200_000,
    "an address in an address": b"From: mailer-daemon\nSubject: failure\n\nmessage to a@b=@c failed",
    "addresses": b"From: mailer-daemon\nSubject: failure\n\n" + b"<a@b.example>:\n" * 20_000,
    "angle brackets": b"From: mailer-daemon\nSubject: failure\n\n" + b"<" * 200_000,
    "quote marks": b"From: mailer-daemon\nSubject: failure\n\n" + b"> " * 200_000,
    "codes": b"From: mailer-daemon\nSubject: failure\n\nto a@b.example\n" + b"550 " * 50_000,
    "code lines": b"From: mailer-daemon\nSubject: failure\n\nto a@b.example\n" + b"550-\n" * 50_000,
    "a session": b"From: mailer-daemon\nSubject: failure\n\n" + b">>> DATA\n<<< 550 x\n" * 20_000,
    "blanks": b"From: mailer-daemon\nSubject: failure\n\nmessage to " + b" \n" * 200_000,
    "an encoded word": b"Subject: =?utf-8?Q?" + b"=41" * 300_000 + b"?=\n\nx",
    "encoded words": b"Subject: " + b"=?utf-8?B?QQ==?= " * 50_000 + b"\n\nx",
    "bad base64": b"From: mailer-daemon\nContent-Transfer-Encoding: base64\n\n" + b"=A" * 200_000,
    "escapes": b"From: mailer-daemon\nSubject: failure\n\n" + b"\x1b$B" * 100_000,
    "recipients of a report": b"Content-Type: multipart/report; boundary=b\n\n--b\n"
    b"Content-Type: message/delivery-status\n\n"
    + b"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n"
    * 30_000,
    "a field without end": b"Content-Type: multipart/report; boundary=b\n\n--b\n"
    b"Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\n"
    b"Diagnostic-Code: smtp; 550 " + b"x\n " * 200_000,
    "markup": b"Content-Type: text/html\nFrom: mailer-daemon\nSubject: failure\n\n"
    + b"<style" * 100_000,
    "boundaries alike": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bb\n" * 200_000,
    "from lines": b"From a Tue Nov 24 09:36:00 2026\nTo: b\n\n" * 20_000,
}


@pytest.mark.parametrize("name", HURTING)
def test_mails_built_to_hurt(name: str) -> None:
    begun = time.process_time()
    well_formed(read(HURTING[name]))
    # Generous, for slow machines; a pattern that goes wrong takes minutes.
    assert time.process_time() - begun < 5


PUMPS = [
    "550-",
    "550 5.7.1 ",
    "host a[",
    "said: ",
    "SMTP error from remote mail server after RCPT TO:<",
    "Remote host said: ",
    "Giving up on ",
    "1.1.1.1 does not like recipient ",
    "(in reply to ",
    "expired <",
    "connect to a",
    "while ",
    "lost connection with a",
    "<<< ",
    "smtp; ",
    "x-a; ",
    "'",
    "[",
    "5.1.",
    "returned '550 ",
    "a@",
    "a.",
    " ",
    "#",
    "MAIL FROM:<> SIZE=1 ",
]


@pytest.mark.parametrize("pump", PUMPS)
def test_replies_grow_no_faster_than_their_length(pump: str) -> None:
    def cost(size: int) -> float:
        text = (pump * (size // len(pump) + 1))[:size]
        return min(_timed(text) for _ in range(5))

    small, large = cost(1000), cost(8000)
    assert large < max(small * 40, 0.02)  # eight times as long; quadratic would be 64 times


def _timed(text: str) -> float:
    begun = time.perf_counter()
    parse_reply(text)
    parse_reply(f"host mx.example[192.0.2.1] said: {text}")
    return time.perf_counter() - begun


# ── size ──────────────────────────────────────────────────────────────────────────────────────


def with_attachment(size: int) -> bytes:
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\n"
    head, _, tail = DATA[0].partition(b"Good morning,")
    return head + b"Good morning,\n" + line * (size // len(line)) + tail


def test_thirty_megabytes_cost_little_and_grow_in_proportion() -> None:
    costs = {}
    for size in (3_000_000, 30_000_000):
        data = with_attachment(size)
        begun = time.process_time()
        found = read(data)
        costs[size] = time.process_time() - begun
        assert [r.reply.code for r in found] == [550]
    assert costs[30_000_000] < 1.0
    assert costs[30_000_000] < max(costs[3_000_000] * 30, 0.2)


def test_the_number_of_parts_is_bounded() -> None:
    assert len(parse(HURTING["parts without end"]).leaves()) <= MAX_PARTS + 1
    assert len(parse(nested(5_000)).leaves()) == 1


def test_no_name_of_a_codec_raises() -> None:
    """A label may name any codec of Python, also those that are no character set."""
    names = {module.name for module in pkgutil.iter_modules(encodings.__path__)}
    for name in sorted(names | set(encodings.aliases.aliases.values())):
        for data in (b"\xff\xfe\x80 550 no", b"\x1b$B\xff", b"\\u12 \\N{x \xe9"):
            assert isinstance(charset.decode(data, name), str), name
