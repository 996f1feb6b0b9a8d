"""The structure of a mail, against the standard library's parser as oracle; and character sets."""

from __future__ import annotations

import email
import email.message
from pathlib import Path

import pytest

from todoku.reading import bounce, charset, mbox
from todoku.reading.mail import Entity, looks, normalise, parse
from todoku.reading.usual import usual_report

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "corpora" / "bounces" / "emails"
SAMPLES = sorted((ROOT / "samples" / "bounces").glob("*.eml"))


def mails() -> list[Path]:
    return [*SAMPLES, *sorted(CORPUS.rglob("*.eml"))]


def leaves_of_the_oracle(message: email.message.Message) -> list[str]:
    """The types of the parts that are no multiparts, enclosed mails taken whole."""
    found: list[str] = []
    stack: list[email.message.Message] = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            stack.extend(p for p in reversed(payload) if isinstance(p, email.message.Message))
        else:
            found.append(part.get_content_type())
    return found


def declared(part: Entity) -> str:
    """The type as the oracle would give it."""
    kind = part.kind.type.decode("latin-1")
    return kind if kind.count("/") == 1 else "text/plain"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_parts_are_those_of_the_standard_library(path: Path) -> None:
    data = normalise(path.read_bytes())
    ours = [declared(part) for part in Entity(data, 0, len(data)).leaves()]
    assert ours == leaves_of_the_oracle(email.message_from_bytes(data))


@pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus of bounces is not beside the repository"
)
def test_parts_of_the_corpus() -> None:
    differ = []
    for path in sorted(CORPUS.rglob("*.eml")):
        data = normalise(path.read_bytes())
        ours = [declared(part) for part in Entity(data, 0, len(data)).leaves()]
        if ours != leaves_of_the_oracle(email.message_from_bytes(data)):
            differ.append(path.name)
    # Broken on purpose or by accident: missing boundaries, headers in the middle of a part.
    assert len(differ) <= 40, differ


def test_names_stand_on_one_line() -> None:
    for path in mails():
        for refusal in bounce.read(path.read_bytes()):
            for name in (refusal.recipient, refusal.remote.host, refusal.remote.ip):
                assert name is None or "\n" not in name, path.name


def test_the_short_cut_finds_what_the_long_way_finds() -> None:
    for path in mails():
        raw = normalise(path.read_bytes())
        if usual_report(raw) is not None:
            assert bounce.read(raw) == bounce._read(Entity(raw, 0, len(raw)), 0), path.name


@pytest.mark.parametrize("path", SAMPLES, ids=lambda p: p.stem)
def test_samples_look_like_mails(path: Path) -> None:
    assert looks(path.read_bytes()[:65536])


@pytest.mark.parametrize(
    "text",
    [
        b"550 5.7.1 No such user",
        b"Nov 24 09:12:00 mail postfix/smtp[1]: 4X: to=<a@b.example>, status=bounced",
        b"This is the mail system at host mx.example.\n\n<a@b.example>: gone",
        b"Reason: 550 no\n",
        b"",
    ],
)
def test_other_things_do_not(text: bytes) -> None:
    assert not looks(text)


def test_headers_are_unfolded_and_decoded() -> None:
    mail = parse(
        b"SUBJECT: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\n =?utf-8?Q?_=E8=AA=9E?=\nFrom:\ta\n\n"
    )
    assert mail.text(b"\nsubject:") == "日本 語"
    assert mail.text(b"\nfrom:") == "a"
    assert mail.text(b"\nto:") == ""


@pytest.mark.parametrize("codec", ["iso2022_jp", "cp932", "euc_jp", "utf-8"])
@pytest.mark.parametrize("label", ["", "us-ascii", "iso-8859-1", "right"])
def test_japanese_under_any_label(codec: str, label: str) -> None:
    text = "宛先のメールアドレスが見つかりませんでした。ご確認ください。"
    name = {"iso2022_jp": "iso-2022-jp", "cp932": "Shift_JIS", "euc_jp": "EUC-JP"}.get(codec, codec)
    assert charset.decode(text.encode(codec), name if label == "right" else label) == text


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        ("您的邮件无法送达，请检查收件人地址。", "gb18030", "GB2312"),
        ("К сожалению, письмо не может быть доставлено", "koi8-r", "KOI8-R"),
        ("К сожалению, письмо не может быть доставлено", "cp1251", "windows-1251"),
        ("К сожалению, письмо не может быть доставлено", "koi8-r", ""),
        ("Échec de la remise pour ces destinataires", "cp1252", "iso-8859-1"),
        ("Échec de la remise pour ces destinataires", "cp1252", ""),
        ("Échec de la remise", "utf-8", "iso-8859-1"),
        ("plain", "ascii", "x-no-such-charset"),
        ("①株", "iso2022_jp_2004", "iso-2022-jp"),
    ],
)
def test_other_scripts(text: str, codec: str, label: str) -> None:
    assert charset.decode(text.encode(codec), label) == text


def test_mailboxes_are_split_where_a_mail_begins() -> None:
    box = (
        b"From a@example.com Tue Nov 24 09:36:00 2026\r\nSubject: one\r\n\r\n"
        b">From here on it is text.\r\n\r\nFrom now on, too.\r\n\r\n"
        b"From b@example.com Tue Nov 24 09:36:01 2026\r\nSubject: two\r\n\r\ntext\r\n"
    )
    one, two = mbox.split_mbox([box])
    assert one == b"Subject: one\n\nFrom here on it is text.\n\nFrom now on, too.\n"
    assert two == b"Subject: two\n\ntext\n"
