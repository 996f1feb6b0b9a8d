"""Whether the desk wrote it: nothing that a stranger can write proves anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.cases import answers
from todoku.cases.answers import authentic
from todoku.knowledge import load
from todoku.lab.signing import SELECTOR, key

RULES = load.answers_of(load.knowledge())
BODY = "Subject: RE: SRX1234567890ID\r\n\r\nMitigated\r\n192.0.2.1\r\n"
FROM = "From: Outlook.com Support <x@css.one.microsoft.com>\r\n"
PASS = "dmarc=pass header.from=css.one.microsoft.com"
RECEIVED = "Received: from a (a [203.0.113.1]) by mx1.hoge.test with ESMTPS; Tue, 24 Nov 2026\r\n"
LMTP = (
    "Received: from mx1.hoge.test by mx1.hoge.test (Dovecot) with LMTP id 1; Tue, 24 Nov 2026\r\n"
)


def results(text: str, name: str = "mx1.hoge.test") -> str:
    return f"Authentication-Results: {name};\r\n\t{text}\r\n"


def judged(head: str, sender: str = FROM) -> answers.Answer:
    data = (head + sender + BODY).encode()
    return answers.answer(data, RULES, trusted=["MX1.hoge.test"])


@pytest.mark.parametrize(
    ("head", "how"),
    [
        (results(PASS) + RECEIVED, "dmarc"),
        (results(PASS), "dmarc"),
        (LMTP + results(PASS) + RECEIVED, "dmarc"),
        (results("dkim=pass (2048-bit key) header.d=microsoft.com header.s=s") + RECEIVED, "dkim"),
        (results("spf=pass smtp.mailfrom=b@css.one.microsoft.com") + RECEIVED, "spf"),
        (results('dkim=pass reason="it; holds" header.i=@microsoft.com'), "dkim"),
        (results("dkim=pass header.d=microsoft.com header.i=desk@css.microsoft.com"), "dkim"),
        (results("dkim=pass header.i=@microsoft.com header.d=microsoft.com"), "dkim"),
        (results(PASS, "mx1.hoge.test 1"), "dmarc"),
        (results("dmarc=pass header.from=evil.test", "mx.other.test") + results(PASS), "dmarc"),
    ],
)
def test_proven(head: str, how: str) -> None:
    found = judged(head)
    assert (found.authentic, found.how, found.provider) == (True, how, "microsoft-consumer")


@pytest.mark.parametrize(
    "head",
    [
        "",
        RECEIVED + results(PASS),  # came with the mail
        "Received: from evil by mx.evil.test\r\n" + results(PASS),
        results("dkim=none") + results(PASS),  # only the topmost
        results(PASS, "mx.evil.test"),
        results(PASS, "mx1.hoge.test.evil.test"),
        results("dmarc=fail header.from=css.one.microsoft.com; dkim=pass header.d=microsoft.com"),
        results("dmarc=pass header.from=evil.test"),
        results("dkim=pass header.d=evil.test"),
        results("dkim=pass header.d=microsoft.com.evil.test"),
        results("dkim=pass header.d=com"),
        results(f"dkim=fail ({PASS}; dkim=pass header.d=microsoft.com)"),
        results(f'dkim=fail reason="x; {PASS}"'),
        results(f"dkim=fail (x (; {PASS}"),
        results("dkim=pass header.d=evil.test header.d=microsoft.com"),
        results("dkim=pass header.d=evil.test header.d=microsoft.com header.i=@microsoft.com"),
        # i= outside of d=
        results("dkim=pass header.d=microsoft.com header.i=@evil.test"),
        results("dkim=pass header.d=microsoft.com header.i=desk@microsoft.com.evil.test"),
        results("dkim=pass header.d=microsoft.com header.i=desk@evilmicrosoft.com"),
        results("dkim=pass header.d=css.one.microsoft.com header.i=@microsoft.com"),
        results("spf=pass smtp.helo=css.one.microsoft.com smtp.mailfrom=a@evil.test"),
        "Authentication-Results: evil (mx1.hoge.test); " + PASS + "\r\n",
        "X-Authentication-Results: mx1.hoge.test; " + PASS + "\r\n",
        "Received: from x with LMTP (evil) by mx1.hoge.test with ESMTP id 1\r\n" + results(PASS),
    ],
)
def test_not_proven(head: str) -> None:
    assert not judged(head).authentic


@pytest.mark.parametrize(
    "sender",
    [
        "From: Outlook.com Support <support@evil.test>\r\n",
        "From: support@css.one.microsoft.com <support@evil.test>\r\n",
        "From: outlook.com.support@outlook.com\r\n",
        "From: Microsoft <x@microsoft.com.evil.test>\r\n",
        "From: Microsoft <x@notmicrosoft.com>\r\n",
        "From: a@evil.test, x@css.one.microsoft.com\r\n",
        "From: a@evil.test\r\nFrom: x@css.one.microsoft.com\r\n",
        "From: =?utf-8?q?x=40css.one.microsoft.com?= <a@evil.test>\r\n",
        "From: <x@css.one.microsoft.com> <a@evil.test>\r\n",
        'From: "x@css.one.microsoft.com" <a@gmail.com>\r\n',
        "",
    ],
)
def test_a_foreign_sender_is_no_desk_whatever_passed(sender: str) -> None:
    for domain in ("evil.test", "css.one.microsoft.com", "outlook.com", "gmail.com", "notmicrosoft.com",
                   "microsoft.com.evil.test"):  # fmt: skip
        assert not judged(results(f"dmarc=pass header.from={domain}"), sender).authentic


def test_one_desk_does_not_speak_for_another() -> None:
    data = (
        results("dmarc=pass header.from=spamhaus.org") + "From: x@spamhaus.org\r\n" + BODY
    ).encode()
    found = answers.answer(data, RULES, trusted=["mx1.hoge.test"])
    assert found.provider != "microsoft-consumer" or not found.authentic


# Signatures, verified at receipt


def signed(*, length: bool = False, domain: str = "microsoft.com",
           head: tuple[bytes, ...] = (b"from", b"subject"), identity: bytes | None = None) -> bytes:  # fmt: skip
    import dkim

    data = (FROM + BODY).encode()
    signer = dkim.DKIM(data, minkey=512)
    pair = key(7)
    made: bytes = signer.sign(
        SELECTOR.encode(), domain.encode(), pair.private,
        identity=identity, include_headers=list(head), length=length,
    )  # fmt: skip
    return made + data


def look_up(name: str) -> bytes:
    return key(7).record.encode() if name == f"{SELECTOR}._domainkey.microsoft.com" else b""


def verified(data: bytes, now: datetime | None = None) -> answers.Answer:
    now = now or datetime.now(UTC)
    return answers.answer(data, RULES, look_up=look_up, now=now)


def test_a_signature_that_holds() -> None:
    found = verified(signed())
    assert (found.authentic, found.how) == (True, "dkim-verified")


def test_a_signature_for_somebody_outside_of_its_domain_is_none() -> None:
    assert verified(signed(identity=b"desk@css.microsoft.com")).authentic
    outside = signed(identity=b"desk@evilmicrosoft.com")
    assert b"i=desk@evilmicrosoft.com" in outside.replace(b"\r\n ", b"")
    assert not verified(outside).authentic


def test_signatures_that_prove_nothing() -> None:
    good = signed()
    assert not verified(good.replace(b"192.0.2.1", b"192.0.2.2")).authentic
    assert not verified(signed(length=True)).authentic
    assert not verified(signed(head=(b"from",))).authentic
    assert not verified(good, datetime.now(UTC) - timedelta(days=2)).authentic  # of the future
    assert not verified(good.replace(b"; s=", b"; x=100; s=", 1)).authentic
    assert not answers.answer(good, RULES, look_up=lambda _: b"", now=datetime.now(UTC)).authentic
    assert not answers.answer(good, RULES).authentic  # nobody asked DNS
    for above in (b"Subject: RE: SRX9999999999ID\r\n", b"Content-Type: text/html\r\n"):
        assert not verified(above + above + good).authentic
    assert not verified(b"Subject: RE: SRX9999999999ID\r\n" + good).authentic
    assert not verified(signed(domain="hoge.test")).authentic
    evil = (FROM + BODY).encode()
    assert not verified(
        b"DKIM-Signature: v=1; a=rsa-sha256; d=microsoft.com; s=lab\r\n" + evil
    ).authentic


@given(st.text(max_size=200))
def test_results_are_read_whatever_they_are(text: str) -> None:
    authentic.parsed(text)
    line = " ".join(text.split())
    if not line.startswith(("mx1.hoge.test", "MX1")):
        head = f"Authentication-Results: {line}\r\n"
        data = (head + FROM + BODY).encode("utf-8", "replace")
        assert not answers.answer(data, RULES, trusted=["mx2.hoge.test"]).authentic
