"""What a user's words say: where mail does not arrive, by the names that people use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from todoku.cases.userreport import Names, read
from todoku.i18n import Language
from todoku.knowledge import load
from todoku.settings.own import Own

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
OWN = Own(addresses=("192.0.2.1",), domains=("hoge.test",))


@pytest.fixture(scope="module")
def called() -> dict[Language, Names]:
    receivers = load.knowledge().receivers
    return {"ja": Names(receivers, "ja"), "en": Names(receivers, "en")}


def to(words: str, called: dict[Language, Names]) -> tuple[str, ...]:
    mail = (
        "From: sato@hoge.test\r\nTo: trouble@hoge.test\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{words}\r\n"
    ).encode()
    told = read(mail, OWN, called.__getitem__, NOW)
    assert told is not None
    return told.to


@pytest.mark.parametrize(
    ("words", "domains"),
    [
        ("Hotmailへ送れません", ("hotmail.com",)),
        ("ホットメールへ送れません", ("hotmail.com",)),
        ("ﾎｯﾄﾒｰﾙの人に届かない", ("hotmail.com",)),
        ("ＨＯＴＭＡＩＬのアドレスに届きません", ("hotmail.com",)),
        ("ヤフーに送ると戻ってきます", ("yahoo.co.jp",)),
        ("ヤフーメールとドコモの方に届きません", ("yahoo.co.jp", "docomo.ne.jp")),
        ("Yahooへ送れない", ("yahoo.co.jp",)),
        ("昨日からauの携帯に届きません", ("ezweb.ne.jp",)),
        ("ジーメールに送れません", ("gmail.com",)),
        ("ドコモショップの人と話しました", ()),
        ("ニフティーの知人へ", ("nifty.com",)),
        ("I cannot reach anybody at Yahoo since today", ("yahoo.com",)),
        ("my mail to Hotmail and GMail comes back", ("hotmail.com", "gmail.com")),
        # Words that mean something else.
        ("I can't send mail from my mailbox, is it free?", ()),
        ("Outlook shows an error when I send to the orange team", ()),
        ("フランスの取引先に送れません", ()),
        ("taro@partner.example (formerly Hotmail) cannot be reached", ("partner.example",)),
        ("hotmail.co.jp へ送れません", ("hotmail.co.jp",)),
        ("nothotmail に送る", ()),
    ],
)
def test_where_to(words: str, domains: tuple[str, ...], called: dict[Language, Names]) -> None:
    assert to(words, called) == domains


def test_no_name_is_known() -> None:
    assert list(Names((), "ja").find("ホットメール")) == []
