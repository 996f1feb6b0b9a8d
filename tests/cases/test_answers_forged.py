"""Forged answers, a row each: none is taken for the desk's. The genuine ones beside them are, so that a
check which turns everything away is seen. What is proven: tests/cases/test_answers_authentic.py."""

from __future__ import annotations

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


def test_a_stranger_s_signature() -> None:
    evil = GOOD.replace(b"d=microsoft.com", b"d=evil.test")
    assert not verified(evil, name="evil.test")
