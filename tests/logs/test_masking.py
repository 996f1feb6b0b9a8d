"""No recipient stays in a reply that is kept, and no ground is lost by taking him out."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs.logs import FIELDS, HEAD, diagnoser, new, read
from todoku.logs.judging import Judge
from todoku.logs.masking import RECIPIENT, Masks

JUDGE = Judge(diagnoser())


def masked(reply: str, recipient: str) -> str:
    return Masks(JUDGE.by_word).template(reply.encode(), recipient.encode()).decode()


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <Taro.Yamada@b.example>: no such user",
        "550 5.1.1 <TARO.YAMADA@B.EXAMPLE>... User unknown",
        "550 5.1.1 <taro.yamada@inner.b.example>: Recipient address rejected",
        "550 5.1.1 <taro.yamada>: user unknown",
        "550 5.1.1 User 'Taro.Yamada' does not exist",
        "550 no mailbox taro.yamada here",
        "550 5.1.1 unknown user: taro.yamada.",
        "550 see https://b.example/x?to=taro.yamada%40b.example&id=1",
        "550 see https://b.example/x?rcpt=taro.yamada=b.example",
        "550 taro.yamada%b.example@gate.example: relaying denied",
        "550 (taro.yamada) is not here",
        "Sorry,_no_mailbox_taro.yamada_here",
        "452 4.2.2 user taro.yamada over quota, taro.yamada has to delete mail",
    ],
)  # fmt: skip
@pytest.mark.parametrize("recipient", ["taro.yamada@b.example", "Taro.Yamada@B.example"])
def test_the_recipient_however_it_is_written(reply: str, recipient: str) -> None:
    told = masked(reply, recipient)
    assert "yamada" not in told.lower()
    assert "<recipient>" in told


def test_a_name_that_is_no_word_of_replies() -> None:
    assert masked("550 User sato not found", "sato@b.example") == "550 User <recipient> not found"
    assert masked("550 no such user hanako", "hanako+news@b.example").endswith("user <recipient>")


@pytest.mark.parametrize(
    ("reply", "recipient"),
    [
        ("550 spam detected", "spam@b.example"),
        ("550 user unknown", "unknown@b.example"),
        ("550 5.7.1 message blocked", "blocked@b.example"),
        ("550 blacklisted by us", "blacklisted@b.example"),
        ("552 mailbox full", "mailbox@b.example"),
        ("550 no mail from mx1.a.example", "mx1@b.example"),
        ("550 no mail from info.mail-out.a.example", "mail-out@b.example"),
        ("550 5.7.1 code 550 rule 4711", "4711@b.example"),
        ("550 permitted today", "mit@b.example"),
    ],
)
def test_other_words_stay(reply: str, recipient: str) -> None:
    assert masked(reply, recipient) == reply


def test_a_sender_of_the_same_name() -> None:
    reply = "550 mail from info@a.example to info@mx.b.example refused"
    told = masked(reply, "info@b.example")
    assert told == "550 mail from info@a.example to <recipient> refused"


def test_without_the_knowledge_no_bare_word_is_masked() -> None:
    assert Masks().template(b"550 User sato not found", b"sato@b") == b"550 User sato not found"


def test_a_recipient_of_that_name() -> None:
    assert masked("550 <recipient@b.example> x", "recipient@b.example") == "550 <<recipient>> x"


def test_grounds_of_two_recipients_are_not_mixed_up() -> None:
    """Both answers hold the local part, which in one of them is the ground."""
    line = "{head}{fields}status=bounced (host mx.b.example[203.0.113.9] said: 550 5.7.1 {what} found here (in reply to end of DATA command))"
    log = "\n".join(
        line.format(head=HEAD, fields=FIELDS.replace("u@b", f"{who}@b"), what=who)
        for who in ("tanaka", "spam", "virus")
    )
    found, _ = read(log, new())
    first, spam, virus = (d.diagnosis for d in found)
    assert first is not None and spam is not None and virus is not None
    assert len({first.reason, spam.reason, virus.reason}) == 3
    assert found[0].template is not None and "tanaka" not in found[0].template


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=30))
def test_any_bytes(reply: bytes, recipient: bytes) -> None:
    assert isinstance(Masks(JUDGE.by_word).template(reply, recipient), bytes)


@settings(deadline=None)
@given(st.from_regex(rb"[a-z]{3,12}\.[0-9]{1,4}", fullmatch=True))
def test_none_is_left_between_blanks(local: bytes) -> None:
    reply = b"550 " + local.upper() + b" and <" + local + b"> or " + local + b"@c.example."
    told = Masks(JUDGE.by_word).template(reply, local + b"@b.example")
    assert told.count(RECIPIENT) == 3
    assert local not in told.lower()


def test_a_long_reply_full_of_it() -> None:
    begin = time.perf_counter()
    told = masked("a " * 4_000 + "a@b.EXAMPLE", "a@b.example")
    assert time.perf_counter() - begin < 0.5
    assert "EXAMPLE" not in told
