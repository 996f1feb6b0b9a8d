"""Of which address something is said: lines that addresses head, sentences that go on, what is still open."""

from __future__ import annotations

import pytest

from todoku.cases import answers
from todoku.knowledge import load
from todoku.model import AnswerClass

RULES = load.answers_of(load.knowledge())
A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"


def told(
    body: str, subject: str = "[AB-1234] Your request"
) -> tuple[AnswerClass, dict[str, AnswerClass]]:
    found = answers.read(subject, body, RULES)
    return found.class_, {v.identity.value: v.class_ for v in found.verdicts}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (
                f"{A} - Removed from our block list.\n{B} - On hold. Please explain the cause of it.\n",
            {A: "delisted", B: "needs-information"},
        ),
        (f"■ {A}\nブロックを解除いたしました。\n\n■ {B}\n解除いたしかねます。\n", {A: "delisted", B: "refused"}),
        (
            f"1. {A}: the block has been lifted.\n2. {B}: your request has been denied.\n3. {C}: not listed.\n",
            {A: "delisted", B: "refused", C: "nothing-detected"},
        ),
        (f"{A}\n{B}\nThe block has been lifted.\n\n{C}\nThe block will not be lifted.\n",
         {A: "delisted", B: "delisted", C: "refused"}),
        (f"{A}  removed\n{B}  NOT removed. Still sending as of 11:20 UTC.\n", {A: "delisted", B: "refused"}),
        (f"We have checked {A}. It is not listed.\nThe entry for {B} has been removed.",
         {A: "nothing-detected", B: "delisted"}),
    ],
)  # fmt: skip
def test_each_address_has_what_is_said_of_it(body: str, wanted: dict[str, AnswerClass]) -> None:
    class_, found = told(body)
    assert found == wanted
    assert class_ == min(wanted.values(), key=list(answers.WORST_FIRST).index)


def test_what_is_still_open_is_worse_than_what_is_done() -> None:
    body = f"The entry for {A} has been removed from our list.\nYour request for {B} is under review.\n"
    assert told(body) == ("received", {A: "delisted", B: "received"})
    # A receipt of the whole request says nothing more than what became of it.
    body = f"We have received your request for {A}.\nThe entry for {A} has been removed from our list.\n"
    assert told(body) == ("delisted", {A: "delisted"})


def test_the_only_address_is_the_one_that_it_is_about() -> None:
    body = f"The block has been lifted. Mail from your side had come from {A} since last Monday.\n"
    assert told(body) == ("delisted", {A: "delisted"})
    body = f"Your request about {A} has been received. A colleague will look into it.\n"
    assert told(body) == ("received", {A: "received"})


def test_words_that_oppose_each_other_below_one_address_are_not_understood() -> None:
    body = f"{A}:\nThe block has been lifted. Your request has been denied.\n\n{B}:\nThe block has been lifted.\n"
    class_, found = told(body)
    assert class_ == "unclear" and not found
