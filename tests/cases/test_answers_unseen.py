"""Answers that were written before anybody looked at what the rules say of them. The shares are those
that may be told to users (docs/answers.md); a class that is wrong and sure of itself is a defect."""

from __future__ import annotations

import functools

import pytest

from tests.cases.answers.samples import KEPT, UNSEEN, Sample
from todoku.cases import answers
from todoku.knowledge import load

RULES = load.answers_of(load.knowledge())
ALL = [sample for samples in UNSEEN.values() for sample in samples]


@functools.cache
def reading(data: bytes) -> answers.Answer:
    return answers.answer(data, RULES)


@pytest.mark.parametrize("sample", ALL, ids=[s.name for s in ALL])
def test_none_is_wrong_and_sure(sample: Sample) -> None:
    found = reading(sample.text())
    assert found.class_ in {"unclear", *sample.class_.split("/")}, found.words
    assert not found.authentic


@pytest.mark.parametrize("name", UNSEEN)
def test_most_are_understood(name: str) -> None:
    samples = UNSEEN[name]
    found = [(s, reading(s.text())) for s in samples]
    right = sum(a.class_ in s.class_.split("/") for s, a in found)
    tickets = sum(a.ticket == s.ticket for s, a in found)
    told = [
        {v.identity.value: v.class_ for v in a.verdicts}.get(address) == class_
        for s, a in found
        for address, class_ in (s.verdicts or {}).items()
    ]
    waits = [(s.wait, wait(a)) for s, a in found if s.wait not in {None, "-"}]
    none = [wait(a) for s, a in found if s.wait == "-"]
    asks = [(set(s.asks), set(a.asks)) for s, a in found if s.asks]
    assert right >= 0.75 * len(samples)
    assert tickets >= 0.95 * len(samples)
    assert sum(told) >= 0.8 * len(told)
    assert sum(said == read for said, read in waits) >= 0.8 * len(waits)
    assert sum(each != "-" for each in none) <= 0.05 * len(none)
    assert sum(said == read for said, read in asks) >= 0.8 * len(asks)


def wait(found: answers.Answer) -> str:
    """As the samples write it."""
    told = found.wait
    if told is None:
        return "-"
    if told.until is not None:
        return f"until={told.until:%Y-%m-%dT%H:%M}"
    low, high = ("" if each is None else f"{each:g}" for each in (told.min_hours, told.max_hours))
    return f"{low}-{high}"


def test_letters_that_nothing_was_written_for_are_understood() -> None:
    """What may be told to users: of letters that neither rules nor the second reader know."""
    found = [(s, answers.answer(s.text(), RULES)) for s in KEPT]
    right = sum(a.class_ in s.class_.split("/") for s, a in found)
    sure_and_wrong = [s.name for s, a in found if a.class_ not in {"unclear", *s.class_.split("/")}]
    assert right >= 0.75 * len(found)
    assert len(sure_and_wrong) <= 0.03 * len(found), sure_and_wrong
    assert sum(a.ticket == s.ticket for s, a in found) >= 0.95 * len(found)
