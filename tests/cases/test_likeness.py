"""The second reader of answers: what it was fitted to, what it may overrule, what it costs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases.answers.samples import KEPT, digest
from todoku.cases import answers
from todoku.cases.answers import likeness as room
from todoku.cases.answers.likeness import FITTED, Fitted, likeness, pieces
from todoku.cases.answers.weighing import RULE
from todoku.knowledge import load

RULES = load.answers_of(load.knowledge())
HEAD = b"From: desk@isp.example\r\nSubject: Re: blocked\r\n\r\n"


def test_it_was_fitted_to_the_letters_that_are_here() -> None:
    import msgspec

    fitted = msgspec.json.decode(FITTED.read_bytes(), type=Fitted)
    assert fitted.letters == digest(), "letters changed: make fit ARGS=--write"
    assert len(fitted.bias) == len(fitted.classes)


def test_a_piece_is_of_a_word_and_numbers_are_alike() -> None:
    assert pieces("It is") == pieces("it  IS\n")
    assert pieces("198.51.100.7 in 24 h") == pieces("203.0.113.99 in 3 h")
    assert pieces("2001:db8::5 in") == pieces("203.0.113.0/24 in")
    assert set(pieces("at")) == {" at", "at ", " at "}
    assert not pieces("")


@given(st.text(max_size=400))
def test_all_shares_are_one(text: str) -> None:
    shares = likeness().shares(text)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in shares.values())


def test_words_of_a_class_are_like_it() -> None:
    told = {
        "Your address is off our blocklist again, sorry for the trouble.": "delisted",
        "該当のIPアドレスの規制を解除いたしました。": "delisted",
        "We will not remove this listing.": "refused",
        "Bitte senden Sie uns die vollständige Fehlermeldung.": "needs-information",
        "We have received your request and will reply soon.": "received",
    }
    for text, class_ in told.items():
        shares = likeness().shares(text)
        assert max(shares, key=lambda each: shares[each]) == class_, text


def test_only_the_head_of_a_long_letter_is_looked_at() -> None:
    head = "We will not remove this listing. " * (room.MOST // 33 + 1)
    assert likeness().shares(head) == likeness().shares(head + "has been removed " * 9999)
    began = time.process_time()
    likeness().shares("".join(chr(0x4E00 + n) for n in range(20_000)))
    assert time.process_time() - began < 0.5


def unheard(words: str) -> answers.Answer:
    return answers.answer(HEAD + words.encode() + b"\r\n", RULES)


def test_what_no_rule_knows_is_of_the_class_that_it_is_like() -> None:
    letters = [s for s in KEPT if answers.answer(s.text(), RULES).rule == RULE]
    assert letters, "no letter of kept/ is understood by its likeness alone"
    for letter in letters:
        found = answers.answer(letter.text(), RULES)
        shares = likeness().shares(answers.letter(letter.text()).texts[0])
        assert shares[found.class_] == max(shares.values()), letter.name
        assert found.words or found.class_ == "unrelated"


@pytest.mark.parametrize(
    "words",
    [
        "Once the cause is mended, your address will be removed from the list.",
        "A user told us that your address has been removed from the list.",
        "I think it was removed from our list.",
        "Has your address been removed from the list?",
    ],
)
def test_what_a_rule_met_and_did_not_believe_stays_unbelieved(words: str) -> None:
    shares = likeness().shares(words)
    assert unheard(words).class_ in {"unclear", "needs-information"}, shares


def test_a_person_is_told_that_no_rule_decided() -> None:
    from todoku.cli.render.case_answer import WHOLE, lines

    letter = next(s for s in KEPT if answers.answer(s.text(), RULES).rule == RULE)
    found = answers.answer(letter.text(), RULES)
    for lang in ("ja", "en"):
        assert WHOLE[lang] in "\n".join(lines(found, str, lang))
