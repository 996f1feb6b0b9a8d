"""Desks' answers, in the words in which they were published."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.cases import answers
from todoku.knowledge import load

RULES = load.answers_of(load.knowledge())
VERDICT_JA = """\
ご報告いただいた IP の調査を完了しましたのでご連絡いたします。以下に調査結果をまとめましたのでご覧ください。
条件付緩和済み
192.0.2.1
上記の IP アドレスにつきましては、条件付きの緩和処置を実施いたしました。ブロックは解除されましたが、IP アドレスの評価が確立されるまで、メールの送信制限を受ける可能性がございます。
緩和処置がシステムへ完全に反映されるまで、24 - 48 時間程度かかる場合がございます。
問題が改善していないと思われる場合は、改めて調査させていただきますので、本メールへご返信くださいますようお願いいたします。
"""


def test_the_story_is_received() -> None:
    found = answers.read(
        "Outlook.com に配信の問題が報告されました SRX1234567890ID",
        "お客様のチケット番号はこのメールの件名に記載されています。\n192.0.2.1\n"
        "注: エラーの可能性は低いのですが、もしエラーが表示された場合は、特定の IP または IP 範囲を"
        "再送信してください。\n",
        RULES,
    )
    assert (found.class_, found.ticket) == ("received", "SRX1234567890ID")
    assert [(v.identity.value, v.class_) for v in found.verdicts] == [("192.0.2.1", "received")]


def test_the_story_is_mitigated() -> None:
    found = answers.read("RE: SRX1234567890ID", VERDICT_JA, RULES)
    assert found.class_ == "conditionally-mitigated"
    assert found.words == "条件付緩和済み"
    assert found.ticket == "SRX1234567890ID"
    assert (found.min_hours, found.max_hours) == (24, 48)
    assert [(v.identity.value, v.class_) for v in found.verdicts] == [
        ("192.0.2.1", "conditionally-mitigated")
    ]


@pytest.mark.parametrize(
    ("body", "class_", "words"),
    [
        (
            (
                "Not qualified for mitigation\n192.0.2.1\nOur investigation has determined that the "
                "above IP(s) do not qualify for mitigation."
            ),
            "not-qualified",
            "Not qualified for mitigation",
        ),
        ("緩和対象外\n192.0.2.1\n緩和処置の対象外となります。", "not-qualified", "緩和対象外"),
        (
            (
                "Conditionally mitigated\n192.0.2.1\nOur investigation has determined that the above "
                "IP(s) qualify for conditional mitigation."
            ),
            "conditionally-mitigated",
            "Conditionally mitigated",
        ),
        (
            (
                "Mitigated\n192.0.2.1\nThese IP(s) have been unblocked but may be subject to low daily "
                "email limits until they have established a good reputation."
            ),
            "mitigated",
            "Mitigated",
        ),
        (
            (
                "Thank you or contacting the Outlook.com Deliverability Support. We have implemented "
                "mitigation on the IP 192.0.2.1 and this process may take 24 - 48 hours"
            ),
            "mitigated",
            "We have implemented mitigation",
        ),
        (
            "We were unable to identify anything on our side that would prevent your mail",
            "nothing-detected",
            "unable to identify anything on our side",
        ),
        (
            "We are concerned with a pattern of irregular mail traffic originating from your IPs.",
            "refused",
            "pattern of irregular mail traffic originating from your IPs",
        ),
        ("Please complete the attached form for 192.0.2.1, listed since Monday.", "unclear", ""),
    ],
)
def test_published_answers(body: str, class_: str, words: str) -> None:
    found = answers.read("", body, RULES)
    assert (found.class_, found.words) == (class_, words)


def test_each_address_has_the_verdict_above_it_and_the_worst_counts() -> None:
    body = "Conditionally mitigated\n192.0.2.1\n\nNot qualified for mitigation\n192.0.2.2\n"
    found = answers.read("", body, RULES)
    assert found.class_ == "not-qualified"
    assert {v.identity.value: v.class_ for v in found.verdicts} == {
        "192.0.2.1": "conditionally-mitigated",
        "192.0.2.2": "not-qualified",
    }


def test_an_address_below_two_words_that_differ_has_no_verdict() -> None:
    sentence = "I do not see anything offhand that would be preventing your mail."
    body = f"Not qualified for mitigation\n192.0.2.1\n\n{sentence}\n192.0.2.2\n"
    found = answers.read("", body, RULES)
    assert found.class_ == "not-qualified"
    assert {v.identity.value: v.class_ for v in found.verdicts} == {"192.0.2.1": "not-qualified"}


def test_what_we_wrote_ourselves_is_no_answer() -> None:
    assert answers.read("", "> Conditionally mitigated\n> 192.0.2.1\n", RULES).class_ == "unclear"


@pytest.mark.parametrize("text", ["24-48 hours", "24 - 48 hours", "24〜48 時間", "24 to 48 hours"])
def test_hours(text: str) -> None:
    assert answers.read("", text, RULES).wait == (None, None, None)
    found = answers.read("", f"Conditionally mitigated. It takes {text}.", RULES)
    assert (found.min_hours, found.max_hours) == (24, 48)


def test_words_broken_over_lines_and_full_width_digits() -> None:
    found = answers.read("", "do not\nqualify for\r\nmitigation ２４ - ４８ 時間", RULES)
    assert (found.class_, found.max_hours) == ("not-qualified", 48)


@given(st.text(max_size=400), st.text(max_size=100))
def test_anything_is_read(body: str, subject: str) -> None:
    found = answers.read(subject, body + "\nNot qualified for mitigation", RULES)
    assert found.class_ in {"not-qualified", "refused"}


def test_a_postmaster_who_answers_is_no_bounce() -> None:
    mail = (
        b"From: postmaster@isp.example\r\nTo: postmaster@hoge.test\r\nSubject: Re: unblock 192.0.2.10\r\n\r\n"
        b"We have decided to keep 192.0.2.10 on our deny list.\r\n\r\n> Could you please unblock 192.0.2.10? "
        b"Our invoices to\r\n> purchasing@isp.example are rejected.\r\n"
    )
    assert answers.answer(mail, RULES).class_ == "refused"


@pytest.mark.parametrize(
    ("why", "believed"),
    [
        ("As you have secured the account, ", True),
        ("Since no further spam was seen, ", True),
        ("Given the measures that you describe, ", True),
        ("As soon as you have secured the account, ", False),
        ("As your predecessor wrote, ", False),
        ("Because the tool says so, ", False),
    ],
)
def test_why_it_was_done_may_stand_before_it(why: str, believed: bool) -> None:
    found = answers.read("[AB-1234]", f"{why}the block on 192.0.2.1 has been lifted.", RULES)
    assert (found.class_ == "delisted") is believed


def test_a_sentence_without_end_takes_no_time() -> None:
    """Strangers write them: each demand in it was once looked at with all that follows."""
    words = "please send we have no the of and request 12345 " * 400
    began = time.process_time()
    assert answers.read("[AB-1234]", words, RULES).class_ in {"unclear", "needs-information"}
    assert time.process_time() - began < 15
