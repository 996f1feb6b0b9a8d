"""A refusal and the sentences that tell it, in both languages."""

from __future__ import annotations

import pytest

from todoku.cli.render import verdict
from todoku.cli.render.words import REQUIRES, duration
from todoku.knowledge import load
from todoku.knowledge.catalogue import Catalogue
from todoku.knowledge.schema import Compiled
from todoku.model import Language, Refusal

from .conftest import Judge, Ours, refusal

T = "a@bigmail.example"
MX = "mx1.bigmail.example"

TABLE: list[tuple[str, Refusal, str, str]] = [
    (
        "a block by the receiver's own list",
        refusal("550 BM-001 (X) no mail from 192.0.2.1", host=MX, recipient=T),
        ("Bigmail refuses mail from 192.0.2.1. It is on a blocklist that Bigmail keeps itself "
        "(BM-001, 550, permanent)."),
        ("ビッグメールが 192.0.2.1 からのメールを拒否しています。ビッグメール独自のブロックリストに載っています"
        "（BM-001、550、恒久エラー）。"),
    ),
    (
        "a public list",
        refusal("554 5.7.1 client [192.0.2.1] blocked using xbl.known.example", host="mx.x.example"),
        ("mx.x.example refuses mail from 192.0.2.1. It is on the blocklist Known XBL "
        "(554 5.7.1, permanent)."),
        ("mx.x.example が 192.0.2.1 からのメールを拒否しています。ブロックリスト Known XBL に載っています"
        "（554 5.7.1、恒久エラー）。"),
    ),
    (
        "a temporary refusal, still tried",
        refusal("421 unusual rate of mail from 192.0.2.1", host=MX, action="delayed"),
        ("Bigmail defers mail from 192.0.2.1 and asks to try again. Too many messages or recipients in "
        "a time (421, temporary). This is no block yet; blocks often follow."),
        ("ビッグメールが 192.0.2.1 からのメールの受け取りを先送りしています（再送で届く可能性があります）。"
        "一定時間あたりの通数または宛先数が多すぎます（421、一時エラー）。"
        "まだ遮断ではありませんが、続けると遮断されることがあります。"),
    ),
    (
        "a temporary refusal, given up",
        refusal("452 4.2.2 mailbox is full", host="mx.x.example", recipient="a@x.example", expired=True),
        ("mx.x.example kept deferring mail to a@x.example; the sending server has given up. "
        "The recipient's mailbox is full (452 4.2.2, temporary)."),
        ("mx.x.example が a@x.example 宛てのメールの受け取りを先送りし続け、送信側が再送を打ち切りました。"
        "受信者のメールボックスが一杯です（452 4.2.2、一時エラー）。"),
    ),
    (
        "a refusal for good that the sending server tries again",
        refusal("554 BM-001 no mail from 192.0.2.1", host=MX, action="delayed", stage="CONN"),
        ("Bigmail refuses mail from 192.0.2.1. It is on a blocklist that Bigmail keeps itself "
        "(BM-001, 554, permanent, on connecting). The sending server keeps trying, in vain while the "
        "answer stays the same."),
        ("ビッグメールが 192.0.2.1 からのメールを拒否しています。ビッグメール独自のブロックリストに載っています"
        "（BM-001、554、恒久エラー、接続した時点）。"
        "送信側は再送を続けていますが、この応答が変わらない限り届きません。"),
    ),
    (
        "the recipient",
        refusal("550 5.1.1 nobody of that name here", host=MX, recipient=T, stage="RCPT TO"),
        ("Bigmail refuses mail to a@bigmail.example. There is no such mailbox "
        "(550 5.1.1, permanent, at RCPT TO)."),
        ("ビッグメールが a@bigmail.example 宛てのメールを拒否しました。宛先のメールボックスがありません"
        "（550 5.1.1、恒久エラー、RCPT TO の段階）。"),
    ),
    (
        "a server that is not named after the domain",
        refusal("550 5.1.1 no", host="mx.elsewhere.example", recipient="a@shop.example"),
        ("mx.elsewhere.example, mail server of shop.example, refuses mail to a@shop.example. "
        "There is no such mailbox (550 5.1.1, permanent)."),
        ("shop.example のメールサーバー mx.elsewhere.example が a@shop.example 宛てのメールを拒否しました。"
        "宛先のメールボックスがありません（550 5.1.1、恒久エラー）。"),
    ),
    (
        "nobody answered",
        Refusal(action="failed", recipient="a@x.example", expired=True),
        ("Mail to a@x.example could not be delivered. The queue gave up; no answer of the receiver is "
        "quoted."),
        "a@x.example 宛てのメールを配送できませんでした。送信待ちの期限が切れました。受信側の応答は残っていません。",
    ),
    (
        "nobody answered yet",
        Refusal(action="delayed", recipient="a@x.example", expired=True),
        ("Mail to a@x.example has not arrived yet; the sending server keeps trying. The queue gave up; "
        "no answer of the receiver is quoted."),
        ("a@x.example 宛てのメールはまだ届いていません。送信側が再送を続けています。"
        "送信待ちの期限が切れました。受信側の応答は残っていません。"),
    ),
    (
        "not understood, for good",
        refusal("550 5.3.2 zorble", host="mx.x.example"),
        ("This reply was not understood (550 5.3.2). What is known: the receiver refuses, and sending "
        "the same again does not help. By its code, the receiving system is the ground."),
        ("この応答の意味は分かりませんでした（550 5.3.2）。分かっていること: 受信側が拒否しており、同じまま再送しても"
        "通りません。コードからは、受信側システムの状態が理由と読めます。"),
    ),
    (
        "not understood, for now",
        refusal("450 zorble", host="mx.x.example"),
        ("This reply was not understood (450). What is known: the receiver defers, and a later attempt "
        "may pass."),
        ("この応答の意味は分かりませんでした（450）。分かっていること: 受信側が先送りしており、再送で届く可能性が"
        "あります。"),
    ),
    (
        "a complaint",
        Refusal(kind="complaint", feedback_type="not-spam", reported_by="fbl.x.example"),
        "A recipient says that a message of yours was no spam after all, through fbl.x.example.",
        "受信者が「迷惑メールではない」と報告しました（良い知らせです）（報告元 fbl.x.example）。",
    ),
    (
        "a complaint of an unknown type",
        Refusal(kind="complaint", feedback_type="x-odd"),
        "A feedback report (type x-odd).",
        "フィードバック報告です（種別 x-odd）。",
    ),
    (
        "a success report",
        Refusal(kind="delivered", action="delivered", recipient="a@x.example"),
        "A success report: mail to a@x.example has arrived.",
        "配送完了の通知です。a@x.example 宛てのメールは届いています。",
    ),
    (
        "an aggregate report",
        Refusal(kind="report"),
        "A DMARC or TLS report; it does not tell of refused mail.",
        "DMARC または TLS の集計レポートです。拒否されたメールの通知ではありません。",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("what", "given", "en", "ja"), TABLE, ids=[row[0] for row in TABLE])
def test_verdict(
    what: str, given: Refusal, en: str, ja: str, small: Compiled, judge: Judge
) -> None:
    said: dict[Language, str] = {"en": en, "ja": ja}
    for language, words in said.items():
        (d,) = judge([given], language)
        got = verdict.sentences(d, Catalogue(small), language)
        assert ("" if language == "ja" else " ").join(got) == words


@pytest.mark.parametrize(
    ("kind", "en", "ja"),
    [("yours", "your address 192.0.2.1", "自社のアドレス 192.0.2.1"),
     ("theirs", "192.0.2.7, which is not yours by your settings", "192.0.2.7（設定 [own] にないアドレス）")],
)  # fmt: skip
def test_ours_or_not(kind: str, en: str, ja: str, small: Compiled, judge: Judge) -> None:
    ip = "192.0.2.1" if kind == "yours" else "192.0.2.7"
    r = refusal(f"550 BM-001 (X) no mail from {ip}", host=MX)
    for language, words in (("en", en), ("ja", ja)):
        (d,) = judge([r], language, Ours())
        assert words in verdict.sentences(d, Catalogue(small), language)[0]  # type: ignore[arg-type]


def test_a_failed_look_up_is_never_told_as_a_listing(small: Compiled, judge: Judge) -> None:
    text = "554 client [192.0.2.1] blocked using xbl.known.example; error: open resolver"
    (d,) = judge([refusal(text)])
    (e,) = judge([refusal(text)], "ja")
    assert "does not say that you are listed" in " ".join(
        verdict.sentences(d, Catalogue(small), "en")
    )
    assert "載っているという意味ではありません" in "".join(
        verdict.sentences(e, Catalogue(small), "ja")
    )


@pytest.mark.parametrize(
    ("text", "ja", "en"),
    [
        ("24-48h", "24〜48 時間", "24 to 48 hours"),
        ("24h", "24 時間", "24 hours"),
        ("1d", "1 日", "1 day"),
        ("7d", "7 日", "7 days"),
        ("odd", "odd", "odd"),
    ],
)
def test_durations(text: str, ja: str, en: str) -> None:
    assert (duration(text, "ja"), duration(text, "en")) == (ja, en)


def test_the_words_of_all_desks_are_known() -> None:
    """A desk of the knowledge must not show the id of a condition, or English to a Japanese."""
    for name, desk in load.knowledge().desks.items():
        assert set(desk.requires) <= REQUIRES.keys(), name
        for text in (desk.wait, desk.expires):
            assert not text or not duration(text, "ja").isascii(), (name, text)
