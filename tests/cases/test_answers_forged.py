"""Forged answers, a row each: none is taken for the desk's. The genuine ones beside them are, so that a
check which turns everything away is seen. What is proven: tests/cases/test_answers_authentic.py."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from todoku.cases import answers
from todoku.knowledge import load
from todoku.lab.signing import SELECTOR, key

RULES = load.answers_of(load.knowledge())
DESK = "css.one.microsoft.com"
FROM = f"From: Outlook.com Support <x@{DESK}>"
BODY = "Subject: RE: SRX1234567890ID\r\n\r\nMitigated\r\n192.0.2.1\r\n"
DMARC = f"dmarc=pass header.from={DESK}"
HOP = "Received: from mail.evil.test (mail.evil.test [203.0.113.1])\r\n\tby mx1.hoge.test with ESMTPS id 1; Tue"
DELIVERED = "Return-Path: <x@evil.test>\r\nDelivered-To: postmaster@hoge.test"
LOCAL = "Received: from mx1.hoge.test\r\n\tby mx1.hoge.test (Dovecot) with LMTP id 1; Tue"


def ar(text: str, name: str = "mx1.hoge.test") -> str:
    return f"Authentication-Results: {name}; {text}"


GENUINE = {
    "plain": [ar(DMARC), HOP, FROM],
    "below what delivery adds": [DELIVERED, LOCAL, ar(DMARC), HOP, FROM],
    "folded": [f"Authentication-Results: mx1.hoge.test;\r\n\tdmarc=pass\r\n\theader.from={DESK}", HOP, FROM],
    "upper case": [f"AUTHENTICATION-RESULTS: MX1.HOGE.TEST; DMARC=PASS HEADER.FROM={DESK.upper()}", HOP, FROM],
    "a trailing dot": [ar(DMARC, "mx1.hoge.test."), HOP, FROM],
    "a comment before the name": [ar(DMARC, "(ours; really) mx1.hoge.test"), HOP, FROM],
    "a comment": [ar(f"dmarc=pass (p=reject; dis=none) header.from={DESK}"), HOP, FROM],
    "another filter's field above": [ar("x-spam=no", "filter.hoge.test"), ar(DMARC), HOP, FROM],
    "a name in quotes": [ar(DMARC), HOP, f'From: "Support, Outlook.com" <x@{DESK}>'],
    "an encoded name": [ar(DMARC), HOP, f"From: =?utf-8?b?44K144Od44O844OI?= <x@{DESK}>"],
    "of the organisation": [ar("dkim=pass header.d=microsoft.com"), HOP, FROM],
}  # fmt: skip

EVIL = "dmarc=pass header.from=evil.test; dkim=pass header.d=evil.test; spf=pass smtp.mailfrom=x@evil.test"
FORGED = {
    # where the results stand
    "no results": [HOP, FROM],
    "below a hop": [HOP, ar(DMARC), FROM],
    "below what came and our own that found nothing": [ar("dkim=none; dmarc=none"), HOP, ar(DMARC), FROM],
    "below our own that failed": [ar(f"dmarc=fail header.from={DESK}"), HOP, ar(DMARC), FROM],
    "below a second field of ours": [ar("spf=none"), ar(DMARC), FROM],
    "below a hop that calls itself local": [HOP, LOCAL, ar(DMARC), FROM],
    "below a greeting that says LMTP": [
        "Received: from with LMTP (x [203.0.113.1]) by mx1.hoge.test with ESMTP id 1; Tue", ar(DMARC), FROM],
    "below a comment that says LMTP": [
        "Received: from x (a with LMTP b) by mx1.hoge.test with Microsoft SMTP Server id 15; Tue", ar(DMARC), FROM],
    "below Exchange that was greeted with LMTP": [
        "Received: from x with LMTP by mx1.hoge.test with Microsoft SMTP Server id 15; Tue", ar(DMARC), FROM],
    "below a hop of no protocol": ["Received: by mx.evil.test id 7; Tue", ar(DMARC), FROM],
    "below From": [HOP, FROM, ar(DMARC)],
    "in the body": [HOP, FROM, "To: x@hoge.test\r\n\r\n" + ar(DMARC)],
    "in an enclosed mail": [HOP, FROM, f"Content-Type: message/rfc822\r\n\r\n{ar(DMARC)}"],
    # whose they are
    "of nobody": ["Authentication-Results: ; " + DMARC, HOP, FROM],
    "of another server": [ar(DMARC, "mx.evil.test"), HOP, FROM],
    "of a longer name": [ar(DMARC, "mx1.hoge.test.evil.test"), HOP, FROM],
    "of a shorter name": [ar(DMARC, "hoge.test"), HOP, FROM],
    "of a name with more in front": [ar(DMARC, "amx1.hoge.test"), HOP, FROM],
    "of a name in a comment": ["Authentication-Results: mx.evil.test (mx1.hoge.test); " + DMARC, HOP, FROM],
    "of a name behind the name": ["Authentication-Results: mx.evil.test mx1.hoge.test; " + DMARC, HOP, FROM],
    "of a name of other letters": ["Authentication-Results: mx1.h\u043ege.test; " + DMARC, HOP, FROM],
    "of a name with a path": [ar(DMARC, "mx1.hoge.test/x"), HOP, FROM],
    "in ARC": ["ARC-Authentication-Results: i=1; mx1.hoge.test; " + DMARC, HOP, FROM],
    "in a private field": ["X-Authentication-Results: mx1.hoge.test; " + DMARC, HOP, FROM],
    "in the original field": ["Original-Authentication-Results: mx1.hoge.test; " + DMARC, HOP, FROM],
    "in Received-SPF": [f"Received-SPF: pass (mx1.hoge.test) envelope-from=x@{DESK}", HOP, FROM],
    "of a name behind a comment's": ["Authentication-Results: (mx1.hoge.test;) mx.evil.test; " + DMARC, HOP, FROM],
    "of a name that is folded": ["Authentication-Results: mx1.\r\n\thoge.test; " + DMARC, HOP, FROM],
    "of a name with a blank that is none": ["Authentication-Results: mx1.hoge.test.\u200bevil.test; " + DMARC, HOP, FROM],
    "in a field with a blank before its colon": ["Authentication-Results : mx.evil.test; " + DMARC, HOP, FROM],
    # what they say
    "dkim of a stranger": [ar("dkim=pass header.d=evil.test"), HOP, FROM],
    "dkim of a domain below the desk's name": [ar(f"dkim=pass header.d={DESK}.evil.test"), HOP, FROM],
    "dkim of a name that ends alike": [ar("dkim=pass header.d=evilmicrosoft.com"), HOP, FROM],
    "dkim of a look-alike": [ar("dkim=pass header.d=rnicrosoft.com"), HOP, FROM],
    "dkim of a suffix": [ar("dkim=pass header.d=com"), HOP, FROM],
    "dkim of no domain": [ar("dkim=pass header.s=selector1"), HOP, FROM],
    "dkim of an empty domain": [ar("dkim=pass header.d= header.i=@"), HOP, FROM],
    "dkim that failed": [ar("dkim=fail header.d=microsoft.com"), HOP, FROM],
    "dkim that was not certain": [ar("dkim=neutral header.d=microsoft.com; spf=softfail"), HOP, FROM],
    "dkim for a stranger in i=": [ar("dkim=pass header.d=microsoft.com header.i=@evil.test"), HOP, FROM],
    "dkim twice, d= of both": [ar("dkim=pass header.d=evil.test header.d=microsoft.com"), HOP, FROM],
    "dkim in a comment": [ar("dkim=fail (dkim=pass header.d=microsoft.com)"), HOP, FROM],
    "a result in a comment": [ar(f"dmarc=none (x; {DMARC})"), HOP, FROM],
    "a result in a comment in a comment": [ar(f"dmarc=none (x (y); {DMARC}; z)"), HOP, FROM],
    "a comment that never ends": [ar(f"dmarc=none (x; {DMARC}"), HOP, FROM],
    "a comment that never began": [ar(f"dmarc=none x); {DMARC}"), HOP, FROM],
    "a result in a reason": [ar(f'dkim=fail reason="bad; {DMARC}"'), HOP, FROM],
    "a result in a reason with quotes in it": [ar(f'dkim=fail reason="a\\"; {DMARC}; b"'), HOP, FROM],
    "a quote that never ends": [ar(f'dkim=fail reason="a; {DMARC}'), HOP, FROM],
    "a result in the greeting": [ar(f"spf=none smtp.helo=x;{DESK}; {EVIL}"), HOP, FROM],
    "spf of the greeting": [ar(f"spf=pass smtp.helo={DESK}"), HOP, FROM],
    "spf of a stranger": [ar("spf=pass smtp.mailfrom=x@evil.test"), HOP, FROM],
    "spf of an address with the desk in front": [ar(f"spf=pass smtp.mailfrom={DESK}@evil.test"), HOP, FROM],
    "spf of nobody": [ar("spf=pass smtp.mailfrom=<>"), HOP, FROM],
    "spf that was soft": [ar(f"spf=softfail smtp.mailfrom=x@{DESK}"), HOP, FROM],
    "dmarc of a stranger": [ar("dmarc=pass header.from=evil.test"), HOP, FROM],
    "dmarc of nobody": [ar("dmarc=pass"), HOP, FROM],
    "dmarc of a name below": [ar("dmarc=pass header.from=x.css.one.microsoft.com.evil.test"), HOP, FROM],
    "dmarc that failed though dkim passed": [ar(f"dkim=pass header.d={DESK}; dmarc=fail header.from={DESK}"), HOP, FROM],
    "dmarc that guessed": [ar(f"dmarc=bestguesspass header.from={DESK}"), HOP, FROM],
    "dmarc both ways": [ar(f"{DMARC}; dmarc=fail header.from={DESK}"), HOP, FROM],
    "arc alone": [ar("arc=pass header.oldest-pass=0"), HOP, FROM],
    "a word that is no method": [ar(f"x-dmarc=pass header.from={DESK}"), HOP, FROM],
    # who writes
    "a stranger, all passed": [ar(EVIL), HOP, "From: x@evil.test"],
    "a stranger with the desk's name": [ar(EVIL), HOP, "From: Outlook.com Support <x@evil.test>"],
    "a stranger with its address as name": [ar(EVIL), HOP, f'From: "x@{DESK}" <x@evil.test>'],
    "a stranger with its address as encoded name": [
        ar(EVIL), HOP, "From: =?utf-8?q?=3Cx=40css=2Eone=2Emicrosoft=2Ecom=3E?= <x@evil.test>"],
    "a stranger with its address in a comment": [ar(EVIL), HOP, f"From: x@evil.test (x@{DESK})"],
    "its address, a stranger's in a comment": [ar(EVIL), HOP, f"From: x@{DESK} (x@evil.test)"],
    "two addresses": [ar(f"{EVIL}; {DMARC}"), HOP, f"From: x@{DESK}, x@evil.test"],
    "two addresses, the stranger's first": [ar(f"{EVIL}; {DMARC}"), HOP, f"From: x@evil.test, x@{DESK}"],
    "two fields": [ar(f"{EVIL}; {DMARC}"), HOP, FROM, "From: x@evil.test"],
    "two fields, the stranger's first": [ar(f"{EVIL}; {DMARC}"), HOP, "From: x@evil.test", FROM],
    "a field of other case twice": [ar(f"{EVIL}; {DMARC}"), HOP, "FROM: x@evil.test", f"from: x@{DESK}"],
    "a group of strangers": [ar(EVIL), HOP, f"From: {DESK}: x@evil.test;"],
    "a group of both": [ar(f"{EVIL}; {DMARC}"), HOP, f"From: Desk: x@{DESK}, x@evil.test;"],
    "an empty group": [ar(DMARC), HOP, "From: x@css.one.microsoft.com:;"],
    "a route": [ar(f"{EVIL}; {DMARC}"), HOP, f"From: <@{DESK}:x@evil.test>"],
    "two at signs": [ar(f"{EVIL}; {DMARC}"), HOP, f"From: x@{DESK}@evil.test"],
    "two angle brackets": [ar(EVIL), HOP, f"From: <x@{DESK}> <x@evil.test>"],
    "no address": [ar(DMARC), HOP, "From: Outlook.com Support"],
    "no From": [ar(DMARC), HOP, f"Sender: x@{DESK}"],
    "Sender alone": [ar(EVIL), HOP, "From: x@evil.test", f"Sender: x@{DESK}"],
    "Reply-To alone": [ar(EVIL), HOP, "From: x@evil.test", f"Reply-To: x@{DESK}"],
    "a look-alike": [ar("dmarc=pass header.from=css.one.rnicrosoft.com"), HOP, "From: x@css.one.rnicrosoft.com"],
    "other letters": [ar(DMARC), HOP, "From: x@css.one.m\u0456crosoft.com"],
    "other letters, encoded": [
        ar("dmarc=pass header.from=css.one.xn--mcrosoft-tof.com"), HOP, "From: x@css.one.xn--mcrosoft-tof.com"],
    "a name with more in front": [ar("dmarc=pass header.from=notmicrosoft.com"), HOP, "From: x@notmicrosoft.com"],
    "a name with more behind": [ar(f"dmarc=pass header.from={DESK}.evil.test"), HOP, f"From: x@{DESK}.evil.test"],
    "where anybody has a mailbox": [ar("dmarc=pass header.from=outlook.com"), HOP, "From: support@outlook.com"],
    "a tenant": [ar("dmarc=pass header.from=evil.onmicrosoft.com"), HOP, "From: x@evil.onmicrosoft.com"],
    "another desk": [ar("dmarc=pass header.from=spamhaus.org"), HOP, "From: x@spamhaus.org"],
    "a blank in the address": [ar(DMARC), HOP, f"From: x@evil.test x@{DESK}"],
}  # fmt: skip


def judged(fields: list[str]) -> answers.Answer:
    data = ("\r\n".join(fields) + "\r\n" + BODY).encode()
    return answers.answer(data, RULES, trusted=["mx1.hoge.test"])


@pytest.mark.parametrize("name", GENUINE)
def test_genuine(name: str) -> None:
    found = judged(GENUINE[name])
    assert found.authentic and found.provider == "microsoft-consumer"


@pytest.mark.parametrize("name", FORGED)
def test_forged(name: str) -> None:
    found = judged(FORGED[name])
    # Who writes from another desk's domain may speak for that one, never for this.
    assert not (found.authentic and found.provider == "microsoft-consumer")


def test_there_are_many() -> None:
    assert len(FORGED) >= 60


# Signatures that we verify ourselves, at receipt

NOW = datetime.now(UTC)
PLAIN = (FROM + "\r\n" + BODY).encode()
RECORD = key(7).record


def signed(head: bytes = b"from:subject", **how: object) -> bytes:
    import dkim

    made: bytes = dkim.DKIM(PLAIN, minkey=512).sign(
        SELECTOR.encode(), b"microsoft.com", key(7).private, include_headers=head.split(b":"), **how
    )
    return made + PLAIN


def verified(data: bytes, record: str = RECORD, name: str = "microsoft.com") -> bool:
    def look_up(asked: str) -> bytes:
        return record.encode() if asked == f"{SELECTOR}._domainkey.{name}" else b""

    return answers.answer(data, RULES, look_up=look_up, now=NOW).authentic


def test_a_genuine_signature() -> None:
    assert verified(signed())


GOOD = signed()
SIGNATURES = {
    "a length": (signed(length=True), RECORD),
    "a length, and words behind it": (signed(length=True) + b"198.51.100.9\r\n", RECORD),
    "From not signed": (GOOD.replace(b"h=from : subject", b"h=subject").replace(b"h=from:subject", b"h=subject"), RECORD),
    "Subject not signed": (signed(b"from"), RECORD),
    "words added": (GOOD + b"198.51.100.9\r\n", RECORD),
    "another subject": (GOOD.replace(b"SRX1234567890ID", b"SRX1234567891ID"), RECORD),
    "another From": (GOOD.replace(b"<x@css", b"<y@css"), RECORD),
    "a second From": (b"From: x@evil.test\r\n" + GOOD, RECORD),
    "a second Subject": (b"Subject: RE: SRX9999999999ID\r\n" + GOOD, RECORD),
    "expired": (GOOD.replace(b"; s=", b"; x=1700000000; s=", 1), RECORD),
    "of the future": (GOOD.replace(b"; s=", b"; t=4000000000; s=", 1), RECORD),
    "the key withdrawn": (GOOD, "v=DKIM1; k=rsa; p="),
    "the key of a test": (GOOD, RECORD.replace("v=DKIM1;", "v=DKIM1; t=y;")),
    "no key": (GOOD, ""),
    "another's key": (GOOD, key(8).record),
    "the tag d twice": (GOOD.replace(b"; s=", b"; d=microsoft.com; s=", 1), RECORD),
    "a body hash alone": (b"DKIM-Signature: v=1; a=rsa-sha256; d=microsoft.com; s=lab; bh=x; b=\r\n" + PLAIN, RECORD),
    "no signature": (PLAIN, RECORD),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_that_proves_nothing(name: str) -> None:
    data, record = SIGNATURES[name]
    assert not verified(data, record)


# Signed mails, put in another wrapping: the body is as it was, what is shown is not

QUOTE = (
    "Not qualified for mitigation\r\n192.0.2.1\r\n\r\n> --e\r\n> \r\n> Mitigated\r\n"
    "--e\r\n\r\nMitigated\r\n192.0.2.1\r\n--e--\r\n"
)
"""A desk's no, above words of who asked."""
USUAL = b"from:subject:date:message-id:mime-version"


def wrapped(fields: str, body: str, signed_: bytes = USUAL, d: bytes = b"microsoft.com") -> bytes:
    """Signed as it is."""
    import dkim

    data = f"{FROM}\r\nSubject: RE: SRX1234567890ID\r\n{fields}\r\n{body}".encode()
    made: bytes = dkim.DKIM(data, minkey=512).sign(
        SELECTOR.encode(), d, key(7).private, include_headers=signed_.split(b":")
    )
    return made + data


def type_of(kind: str, encoding: str = "") -> str:
    more = f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    return f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\n{more}"


TYPED = USUAL + b":content-type"
ALL = TYPED + b":content-transfer-encoding"
YES = "Mitigated\r\n192.0.2.1\r\n"
ALTERNATIVE = "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + YES + "--b--\r\n"
WRAPPED_GENUINE = {
    "a plain text": wrapped("", YES, b"from:subject"),
    "as Google signs": wrapped(type_of("multipart/alternative; boundary=b"), ALTERNATIVE),
    "as Microsoft signs": wrapped(type_of("text/plain; charset=utf-8", "quoted-printable"), YES.replace("ted", "ted=20") + "=E6=97=A5 a=3Db\r\n", TYPED),
    "words in another charset": wrapped(type_of("text/plain; charset=iso-8859-1"), YES),
    "base64": wrapped(type_of("text/plain; charset=utf-8", "base64"), "TWl0aWdhdGVkDQoxOTIuMC4yLjENCg==\r\n"),
    "HTML": wrapped(type_of("text/html; charset=utf-8"), "<html><p>Mitigated<p>192.0.2.1</html>"),
    "Japanese": wrapped(type_of("text/plain; charset=iso-2022-jp"), YES + "\x1b$B4|8B\x1b(B\r\n"),
    "a preamble, all signed": wrapped(type_of("multipart/mixed; boundary=b"), "Multipart.\r\n" + ALTERNATIVE, ALL),
}  # fmt: skip
MIXED = type_of("multipart/mixed; boundary=e")
REWRAPPED = {
    "a boundary out of the quotation": wrapped(MIXED, QUOTE),
    "a boundary, with a type oversigned by nobody": wrapped(MIXED, QUOTE, USUAL + b":to:to:cc"),
    "a boundary of a text that had no type": wrapped("", QUOTE).replace(b"\r\nSubject", b"\r\nContent-Type: multipart/mixed; boundary=e\r\nSubject", 1),
    "a boundary below a preamble": wrapped(type_of("multipart/mixed; boundary=b"), "Multipart.\r\n" + ALTERNATIVE),
    "a second type above": b"Content-Type: multipart/mixed; boundary=e\r\n" + wrapped(type_of("text/plain"), QUOTE, ALL),
    "a second type below": wrapped(type_of("text/plain"), QUOTE, ALL).replace(b"\r\n\r\n", b"\r\ncontent-type: multipart/mixed; boundary=e\r\n\r\n", 1),
    "a second encoding above": b"Content-Transfer-Encoding: base64\r\n" + wrapped(type_of("text/plain", "7bit"), YES, ALL),
    "a second Message-ID": b"Message-ID: <1@evil.test>\r\n" + wrapped("Message-ID: <2@d.test>\r\n", YES),
    "a second To": b"To: a@hoge.test\r\n" + wrapped("To: b@evil.test\r\n", YES),
    "parts shown as one text": wrapped(type_of("text/plain"), ALTERNATIVE),
    "enclosed words shown as its own": wrapped(type_of("text/plain"), "Hello\r\n" + ALTERNATIVE),
    "text shown as HTML, its lines joined": wrapped(type_of("text/html"), "Declined\r\n> <p>Mitigated 192.0.2.1"),
    "HTML shown as text": wrapped(type_of("text/plain"), "<html><!--\r\nMitigated\r\n192.0.2.1\r\n--></html>"),
    "an encoding that makes lines": wrapped(type_of("text/plain", "quoted-printable"), "> x=0AMitigated=0A192.0.2.1\r\n", TYPED),
    "an encoding that makes tags": wrapped(type_of("text/html", "quoted-printable"), "<html>=3Cp=3EMitigated 192.0.2.1", TYPED),
    "an encoding added to what had none": wrapped(type_of("text/plain"), "> =4Ditigated=0D\r\n", TYPED).replace(b"MIME-V", b"Content-Transfer-Encoding: quoted-printable\r\nMIME-V", 1),
    "base64 over words": wrapped(type_of("text/plain", "base64"), "Declined: see below\r\nTWl0aWdhdGVkDQoxOTIuMC4yLjENCg==\r\n", TYPED),
    "an encoding of its own": wrapped(type_of("text/plain", "x-uuencode"), YES, TYPED),
    "UTF-7": wrapped(type_of("text/plain; charset=utf-7"), YES + "> x+AAo-Mitigated"),
    "UTF-16": wrapped(type_of("text/plain; charset=utf-16le"), YES),
    "a charset nobody knows": wrapped(type_of("text/plain; charset=x-unknown"), YES),
    "octets that are not of the charset": wrapped(type_of("text/plain; charset=us-ascii"), YES + "\u00e9"),
    "escapes that belong to Japanese": wrapped(type_of("text/plain; charset=utf-8"), YES + "\x1b$B4|8B\x1b(B"),
    "an attachment": wrapped(type_of("message/rfc822"), BODY),
    "a body begun by CR alone": wrapped("", "No.\r\n").replace(b"Subject: RE: SRX1234567890ID\r\n", b"Subject: RE: SRX1234567890ID\r\nX-A: b\r\rMitigated\r192.0.2.1\r\n", 1),
    "a field begun by CR alone": wrapped("", YES, USUAL + b":content-type").replace(b"\r\nSubject", b"\r\nX-A: b\rContent-Type: text/html\r\nSubject", 1),
    "a field below two thousand lines": wrapped("", YES, b"from").replace(b"From: Outlook", b"X: 1\r\n" * 2000 + b"From: Outlook", 1),
    "below five signatures of others": b"DKIM-Signature: v=1; d=evil.test\r\n" * 5 + wrapped(MIXED, QUOTE),
    "lines that are no fields": wrapped("", YES).replace(b"\r\nSubject", b"\r\n" + b"From here\r\n" * 2000 + b"Subject", 1),
}  # fmt: skip
RESULT = (ar("dkim=pass header.d=microsoft.com; dmarc=pass header.from=" + DESK) + "\r\n").encode()
BY_SPF = RESULT.replace(b"; dkim", f"; spf=pass smtp.mailfrom=x@{DESK}; dkim".encode())


BROKEN = {"a second type below"}
"""There the signature does not hold, either."""


def holds(data: bytes) -> bool:
    """Whether the library finds it good."""
    import dkim

    n = data.count(b"d=evil.test")  # so many stand above it
    data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return bool(dkim.DKIM(data, minkey=512).verify(n, dnsfunc=lambda *_, **__: RECORD.encode()))


@pytest.mark.parametrize("name", WRAPPED_GENUINE)
def test_a_genuine_wrapping(name: str) -> None:
    assert verified(WRAPPED_GENUINE[name])
    assert answers.answer(
        RESULT + WRAPPED_GENUINE[name], RULES, trusted=["mx1.hoge.test"]
    ).authentic


@pytest.mark.parametrize("name", REWRAPPED)
def test_another_wrapping_proves_nothing(name: str) -> None:
    """Nor where our own server found that the signature holds, as it does. Words that come from the
    desk's own servers were changed by nobody."""
    data = REWRAPPED[name]
    assert holds(data) == (name not in BROKEN)
    assert not verified(data)
    found = answers.answer(RESULT + data, RULES, trusted=["mx1.hoge.test"])
    assert not found.authentic and found.how == "not-covered"
    assert answers.answer(BY_SPF + data, RULES, trusted=["mx1.hoge.test"]).how == "dmarc"


def test_fifty_thousand_lines_take_no_time() -> None:
    begun = time.process_time()
    for line in (
        b"X: 1\r\n",
        b"From: x@evil.test\r\n",
        b"DKIM-Signature: v=1; d=microsoft.com\r\n",
    ):
        assert not verified(line * 50_000 + GOOD)
    assert time.process_time() - begun < 5


def test_a_stranger_s_signature() -> None:
    evil = GOOD.replace(b"d=microsoft.com", b"d=evil.test")
    assert not verified(evil, name="evil.test")
