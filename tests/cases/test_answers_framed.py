"""What is supposed, denied, asked, quoted, taken back or another's is not said, whatever it would say alone.

The sentence that decides, of every ninth test answer, is put into each of these frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.cases.answers.samples import SAMPLES, UNSEEN
from todoku.cases import answers
from todoku.knowledge import load

RULES = load.answers_of(load.knowledge())
SUBJECT = "Re: blocked [#55119]"
ASSERTED = {
    "delisted", "mitigated", "conditionally-mitigated", "nothing-detected", "expires", "refused",
    "not-qualified",
}  # fmt: skip
FRAMES = {
    "en": (
        "You say that {}.",
        "Your mail states that {}.",
        "A user told us that {}.",
        "We cannot confirm that {}.",
        "It is not true that {}.",
        "I will find out whether {}.",
        "Perhaps {}.",
        'Our template reads "{}" and is used for everybody.',
        "{}? Who said so?",
        "Nobody here has said that {}.",
        "We assume that {}.",
        "{}. Please ignore this, it was meant for another customer.",
    ),
    "ja": (
        "「{}」とのことですが、当方では把握しておりません。",
        "{}と伺いましたが、事実ではございません。",
        "{}かどうか、確認できておりません。",
        "もし{}のであれば、対応は不要です。",
        "{}でしょうか?",
        "{}。誤送信ですので、このメールは破棄してください。",
    ),
    "de": (
        "Sie schreiben, dass Folgendes gilt: {}.",
        "Ich weiß nicht, ob das stimmt: {}.",
        "{}? Davon weiß ich nichts.",
        "Vielleicht: {}.",
    ),
}


def sentences() -> Iterator[tuple[str, str]]:
    """Those that decide alone, with their language."""
    for sample in [*SAMPLES, *(each for batch in UNSEEN.values() for each in batch)][::9]:
        for words in (
            re.split(r"(?<=[.!。])\s*(?=\S)|\n", sample.body) if sample.form == "plain" else ()
        ):
            said = words.strip().rstrip(".!。")
            if len(said) < 9 or re.search(r"[:;。]|^[\d.]+\s|[A-Z].*\b(?:pls|TTL)\b", said):
                continue
            found = answers.read(SUBJECT, said, RULES)
            language = (found.rule or "")[-2:]
            if found.class_ == sample.class_ and found.class_ in ASSERTED and language in FRAMES:
                yield language, said
                break


def test_what_is_framed_is_not_said() -> None:
    every = list(sentences())
    assert len(every) >= 30
    tried, believed = 0, []
    for language, said in every:
        for frame in FRAMES[language]:
            words = frame.format(said[0].lower() + said[1:] if language == "en" else said)
            tried += 1
            if answers.read(SUBJECT, words, RULES).class_ in ASSERTED:
                believed.append(words)
    assert len(believed) <= 0.02 * tried, believed


@pytest.mark.parametrize(
    "words",
    [
        "We can inform you that the block on 192.0.2.1 has been lifted.",
        "I am pleased to tell you that 192.0.2.1 has been removed from our blocklist.",
        "If you see further rejections, write again; the block on 192.0.2.1 has been lifted.",
        "192.0.2.1 のブロックを解除いたしましたので、ご報告いたします。",
        "Wir teilen Ihnen mit, dass die Sperre von 192.0.2.1 aufgehoben wurde.",
    ],
)
def test_what_the_desk_itself_says_is(words: str) -> None:
    found = answers.read(SUBJECT, words, RULES)
    assert found.class_ == "delisted"
    assert [v.identity.value for v in found.verdicts] == ["192.0.2.1"]
