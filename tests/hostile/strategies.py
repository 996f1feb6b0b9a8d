"""Mails, payloads and lines as strangers write them who want to do harm."""

from __future__ import annotations

import base64
import json
import quopri
from typing import Any

from hypothesis import strategies as st

# What terminals act on or hide, and what decoders stumble over.
NASTY = (
    "\x1b[2J\x1b[31m", "\x1b]0;title\x07", "\x9b31m", "\x90q\x9c", "\u202e", "\u2066", "\u200b",
    "\ufeff", "\u2028", "\x00", "\x08\x08", "\r", "\x7f", "\ud800", "\U000e0041", "\u0301" * 40,
    "\uffff", "\x85", "%s{}%(a)s", "\x0b\x0c",
)  # fmt: skip

words = st.one_of(
    st.sampled_from(
        (
            "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org",
            "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent.",
            "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",
            "host mx.example.com[192.0.2.9] said: 550-5.1.1 no 550 5.1.1 such user (in reply to RCPT TO command)",
            "Remote host said: 553 sorry", "mailbox full", "<a@example.com>:", "-----",
        )
    ),
    st.sampled_from(NASTY),
    st.text(max_size=60),
)  # fmt: skip
texts = st.lists(words, max_size=8).map(" ".join)
raw = texts.map(lambda t: t.encode("utf-8", "surrogatepass"))

labels = st.sampled_from(
    [
        "utf-8",
        "us-ascii",
        "iso-2022-jp",
        "shift_jis",
        "euc-jp",
        "gb18030",
        "utf-7",
        "utf-16",
        "utf-32",
        "koi8-r",
        "iso-8859-1",
        "hex",
        "rot13",
        "zip",
        "base64",
        "idna",
        "punycode",
        "unicode_escape",
        "undefined",
        "mbcs",
        "x-unknown",
        "../../etc",
    ]
)
encodings = st.sampled_from(
    ("7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "BASE64 ", "x-gzip", "")
)
boundaries = st.sampled_from(("b", "b-", "--", "b--", " ", "", '"', "b" * 200, "=_b", "\x1b[2J"))


@st.composite
def encoded_words(draw: st.DrawFn) -> bytes:
    """RFC 2047, right or broken, small or enormous."""
    label = draw(labels)
    inner = draw(raw)
    way = draw(st.sampled_from("BbQqX"))
    body = base64.b64encode(inner) if way in "Bb" else quopri.encodestring(inner, header=True)
    word = b"=?" + label.encode() + b"?" + way.encode() + b"?" + body
    word += draw(st.sampled_from((b"?=", b"?", b"", b"?==")))
    return word * draw(st.sampled_from((1, 1, 2, 300)))


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    name = draw(
        st.sampled_from(
            (
                b"Subject", b"From", b"To", b"Return-Path", b"Auto-Submitted", b"X-Failed-Recipients",
                b"Content-Type", b"Received", b"Final-Recipient", b"Diagnostic-Code", b"Status", b"Action",
                b"Remote-MTA", b"Feedback-Type", b"Message-ID", b"", b" ", b"\xff", b"A" * 3000,
            )
        )
    )  # fmt: skip
    value = draw(st.one_of(raw, encoded_words(), st.binary(max_size=50)))
    fold = draw(st.sampled_from((b"", b"\n ", b"\n\t\n ", b"\r ", b"\n" + b" " * 500)))
    return name + b": " + value + fold * draw(st.sampled_from((1, 1, 60))) + b"\n"


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """MIME headers and a body that may or may not fit them."""
    encoding = draw(encodings)
    body = draw(st.one_of(raw, st.binary(max_size=200)))
    if encoding.strip().lower() == "base64" and draw(st.booleans()):
        body = base64.encodebytes(body)
    elif encoding == "quoted-printable" and draw(st.booleans()):
        body = quopri.encodestring(body)
    body = draw(st.sampled_from((body, body[:-3], body * 20, body.replace(b"\n", b"\r"))))
    kind = draw(
        st.sampled_from(
            (
                "text/plain", "text/html", "message/delivery-status", "message/rfc822", "text/rfc822-headers",
                "message/feedback-report", "message/global-delivery-status", "application/gzip", "x",
            )
        )
    )  # fmt: skip
    head = f"Content-Type: {kind}; charset={draw(labels)}\nContent-Transfer-Encoding: {encoding}\n"
    return head.encode(), body


def _nested(
    children: st.SearchStrategy[tuple[bytes, bytes]],
) -> st.SearchStrategy[tuple[bytes, bytes]]:
    @st.composite
    def build(draw: st.DrawFn) -> tuple[bytes, bytes]:
        boundary = draw(boundaries).encode()
        kind = draw(
            st.sampled_from(
                (b"multipart/report", b"multipart/mixed", b"multipart/", b"message/rfc822")
            )
        )
        parts = draw(st.lists(children, max_size=4))
        body = b"".join(b"\n--" + boundary + b"\n" + head + b"\n" + inner for head, inner in parts)
        close = draw(st.sampled_from((b"\n--" + boundary + b"--\n", b"", b"\n--" + boundary)))
        quote = draw(st.sampled_from((b'"', b"", b"'")))
        return (
            b"Content-Type: " + kind + b"; boundary=" + quote + boundary + quote + b"\n",
            body + close,
        )

    return build()


parts = st.recursive(bodies(), _nested, max_leaves=12)


@st.composite
def mails(draw: st.DrawFn) -> bytes:
    head = b"".join(draw(st.lists(headers(), max_size=8)))
    mime, body = draw(parts)
    mail = (
        draw(st.sampled_from((b"From: MAILER-DAEMON@example.com\n", b"Received: x\n", b""))) + head
    )
    mail += mime + draw(st.sampled_from((b"\n", b"", b"\r\n\r\n"))) + body
    ends = draw(st.sampled_from((b"\n", b"\r\n", b"\r", b"\n\0")))
    return mail.replace(b"\n", ends) if ends != b"\n" else mail


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            (
                "text", "id", "host", "stage", "recipient", "event", "event-data", "Message", "Type", "mail",
                "MessageId", "notificationType", "bounce", "bouncedRecipients", "RecordType", "msys", "email",
                "reason", "status", "delivery-status", "type", "data", "payload", "MESSAGE", "code", "events",
            )
        ),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    values = draw(st.lists(json_values, min_size=1, max_size=4))
    lines = [json.dumps(v, ensure_ascii=draw(st.booleans())) for v in values]
    out = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(st.sampled_from((out, out[:-1], b"\xef\xbb\xbf" + out, out + b"\0")))


@st.composite
def log_lines(draw: st.DrawFn) -> bytes:
    heads = (
        b"Nov 24 00:00:00 mx postfix/smtp[1]: 4ABCDEF12: to=<a@example.com>, dsn=5.7.1, status=bounced (",
        b"2026-11-24 00:00:00 1uXyZ1-000ABC-2A ** a@example.com R=dnslookup T=remote_smtp: ",
        b"@40000000419f13a508f3214c delivery 5: failure: ",
        b"Nov 24 00:00:00 mx sm-mta[1]: o6SGfUfN002977: to=<a@example.com>, dsn=5.0.0, stat=",
        b'{"__REALTIME_TIMESTAMP":"1","SYSLOG_IDENTIFIER":"postfix/smtp","MESSAGE":"',
    )
    return b"\n".join(
        draw(st.sampled_from(heads)) + draw(raw) + draw(st.sampled_from((b")", b"", b'"}')))
        for _ in range(draw(st.integers(1, 5)))
    )


anything = st.one_of(mails(), payloads(), log_lines(), raw, st.binary(max_size=500))
