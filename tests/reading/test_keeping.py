"""What is kept of a bounce: nothing of the body that came back, and all that is read of it."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from todoku import reading
from todoku.reading import keeping

ROOT = Path(__file__).parent.parent.parent
CORPUS = ROOT.parent / "shared" / "corpora" / "bounces" / "emails"
SECRET = b"Kumiko is ill and asks for Thursday"

HEAD = (
    b"From: MAILER-DAEMON@mx1.hoge.test (Mail Delivery System)\r\nTo: sato@hoge.test\r\n"
    b"Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
)
SAID = b"<taro@hotmail.com>: host mx.hotmail.com[198.51.100.25] said: 550 SC-001 no\r\n"
BACK = (
    b"From: sato@hoge.test\r\nTo: taro@hotmail.com\r\nMessage-ID: <1@hoge.test>\r\nSubject: x\r\n"
)
REPORT = (
    HEAD + b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"preamble " + SECRET + b"\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + SAID + b"\r\n--b\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx1.hoge.test\r\n\r\n"
    b"Final-Recipient: rfc822; taro@hotmail.com\r\nAction: failed\r\nStatus: 5.7.1\r\n"
    b"Diagnostic-Code: smtp; 550 SC-001 no\r\n\r\n--b\r\n"
)
MAILS = {
    "report": REPORT
    + b"Content-Type: message/rfc822\r\n\r\n" + BACK + b"\r\n" + SECRET + b"\r\n--b--\r\n",
    "report, encoded": REPORT
    + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(BACK + b"\r\n" + SECRET) + b"\r\n--b--\r\n",
    "report, a picture beside it": REPORT
    + b"Content-Type: text/plain\r\n\r\n" + SECRET + b"\r\n--b--\r\nepilogue " + SECRET,
    "qmail": HEAD + b"\r\nHi. This is the qmail-send program at hoge.test.\r\n\r\n"
    b"<taro@hotmail.com>:\r\n198.51.100.25 does not like recipient.\r\n"
    b"Remote host said: 550 SC-001 no\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
    + BACK + b"\r\n" + SECRET + b"\r\n",
    "exim": HEAD + b"X-Failed-Recipients: taro@hotmail.com\r\n\r\nA message that you sent could not "
    b"be delivered.\r\n\r\n  taro@hotmail.com\r\n    host mx.hotmail.com [198.51.100.25]\r\n"
    b"    SMTP error from remote mail server after MAIL FROM: 550 SC-001 no\r\n\r\n"
    b"------ This is a copy of the message, including all the headers. ------\r\n\r\n"
    + BACK + b"\r\n" + SECRET + b"\r\n",
    "words, base64": HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(SAID + b"\r\n--- Original message follows ---\r\n\r\n" + BACK + b"\r\n"
    + SECRET),
    "no line announces it": HEAD + b"\r\n" + SAID + b"\r\nDear Taro,\r\n\r\n" + SECRET + b"\r\n",
}  # fmt: skip


def decoded(mail: bytes) -> bytes:
    """With all base64 undone, wherever it stands."""
    found = [mail]
    for line in mail.split(b"\n\n"):
        try:
            found.append(base64.b64decode(line, validate=False))
        except ValueError:
            continue
    return b"\n".join(found)


@pytest.mark.parametrize("name", MAILS)
def test_nothing_of_the_body_is_kept(name: str) -> None:
    mail = MAILS[name]
    kept = keeping.before_reading(mail)
    assert SECRET in decoded(mail.replace(b"\r", b""))
    assert SECRET not in decoded(kept)
    (before,) = reading.read(mail)
    (after,) = reading.read(kept)
    assert after == before
    assert before.reply.text.startswith("550 SC-001")
    assert keeping.before_reading(kept) == kept


@pytest.mark.parametrize("name", ["report", "report, encoded", "qmail", "exim"])
def test_the_returned_headers_are_kept(name: str) -> None:
    assert b"Message-ID: <1@hoge.test>" in keeping.without_body(MAILS[name])


@pytest.mark.parametrize(
    "mail",
    [
        b"From: support@desk.test\r\nSubject: Re: SRX1234567890ID\r\n\r\nNot qualified.\r\n",
        b"From: support@desk.test\r\nDKIM-Signature: v=1\r\nSubject: Re: 1\r\nIn-Reply-To: <1@x>\r\n"
        b"\r\nYour mail was refused: 550 SC-001\r\n> " + SECRET + b"\r\n",
        b"Subject: lunch\r\n\r\nAt noon?\r\n",
        b"",
    ],
)
def test_what_may_be_an_answer_stays_as_it_came(mail: bytes) -> None:
    """To the byte: a signature holds no longer otherwise."""
    assert keeping.before_reading(mail) == mail


def test_a_forwarded_bounce_keeps_its_report() -> None:
    mail = (
        b"From: sato@hoge.test\nSubject: Fwd\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="o"\n\n--o\nContent-Type: text/plain\n\nSee.\n'
        b"--o\nContent-Type: message/rfc822\n\n"
        + MAILS["report"].replace(b"\r", b"")
        + b"\n--o--\n"
    )
    kept = keeping.without_body(mail)
    assert SECRET not in kept
    assert reading.read(kept) == reading.read(mail)
    assert reading.read(kept)[0].recipient == "taro@hotmail.com"


@pytest.mark.parametrize("folder", [ROOT / "samples" / "bounces", CORPUS])
def test_reading_what_is_kept_tells_the_same(folder: Path) -> None:
    if not folder.is_dir():
        pytest.skip("the corpus is not here")
    mails = sorted(folder.rglob("*.eml"))
    assert mails
    for path in mails:
        data = path.read_bytes()
        kept = keeping.without_body(data)
        assert reading.read(kept) == reading.read(data), path.name
        assert keeping.without_body(kept) == kept, path.name
