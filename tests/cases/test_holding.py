"""Mail that waits in one's own queue: what a person applies works in a real Postfix, and undone it
leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.postfix import Postfix, Receiver, needed, sending_to, within
from todoku.cases import NotNow, NotThis
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.due import plan
from todoku.cases.fold import fold
from todoku.cases.holding import Holding, holding, script, slow_script
from todoku.cases.tasks import tasks
from todoku.i18n import LANGUAGES

from .world import START, refused


def a_case(*more: ev.AnyEvent, to: tuple[str, ...] = ("outlook.test", "hotmail.test")) -> Case:
    return fold([refused(START, to=to), *more], Case(number=12))


def test_what_is_to_be_applied() -> None:
    made = holding(a_case(), START)
    assert made.content == ("outlook.test\ttodoku-hold:\nhotmail.test\ttodoku-hold:\n")
    assert made.until == START + timedelta(days=5)
    assert holding(a_case(), START, ["Example.JP"]).domains == ("example.jp",)
    assert (made.slow, made.file) == (
        "outlook.test\ttodoku-slow-12:\nhotmail.test\ttodoku-slow-12:\n",
        "todoku-hold-12",
    )
    for lang in LANGUAGES:
        assert "#   - 500 a day" in script(made, lang, START, advice=["500 a day"])
        text = script(made, lang, START)
        for part in (made.content, *made.apply, *made.undo, *made.slowly, "2026-11-29 00:12"):
            assert part.strip() in text
        text = slow_script(made, lang, 20, ["500 a day"])
        for part in (made.slow, *made.slowly, *made.undo, "500 a day", " 20 "):
            assert part.strip() in text
        assert "todoku-hold:" not in text


def test_what_cannot_be_held() -> None:
    with pytest.raises(NotThis, match="knows no domain"):
        holding(a_case(to=()), START)
    # What a stranger wrote as a domain is no line of a map.
    with pytest.raises(NotThis):
        holding(a_case(to=("x.test\tdiscard:\n*",)), START)
    with pytest.raises(NotNow, match="is closed"):
        holding(a_case(ev.Closed(at=START, why="gave-up")), START)


def test_within_what_a_receiver_takes_in_a_day() -> None:
    made = holding(a_case(), START, delay=173)
    assert any("todoku-slow-12_destination_rate_delay=173s" in line for line in made.slowly)


def test_a_person_is_told_before_it_goes_back() -> None:
    until = START + timedelta(days=5)
    case = a_case(ev.Held(at=START, how="outlook.test", until=until))
    (task,) = [t for t in tasks(case) if t.kind == "queue"]
    assert task.since == until - timedelta(days=1)
    reminder = next(a for a in plan(case) if a.task == task.key)
    assert reminder.not_before == task.since, "a day later it would be too late"
    released = fold([ev.Released(at=START, what="held")], case)
    assert not [t for t in tasks(released) if t.kind == "queue"]
    # After the end it can still be taken back.
    over = fold([ev.Closed(at=START, why="resolved")], case)
    assert holding(over, START).undo
    assert {t.kind for t in tasks(over)} == {"queue", "release"}


# In a real Postfix


def real(test: Any) -> Any:
    for mark in (pytest.mark.slow, *needed):
        test = mark(test)
    return test


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def postfix(receiver: Receiver) -> Iterator[Postfix]:
    with sending_to(receiver) as server:
        yield server


def apply(postfix: Postfix, made: Holding) -> None:
    (postfix.etc / made.file).write_text(made.content)
    postfix.sh("\n".join(made.apply))


def undo(postfix: Postfix, made: Holding) -> None:
    postfix.sh("\n".join(made.undo))


@real
def test_it_waits_and_flows_again_and_postconf_is_as_before(
    postfix: Postfix, receiver: Receiver
) -> None:
    before = postfix.settings()
    made = holding(a_case(to=("outlook.test",)), START, postconf=postfix.postconf)
    apply(postfix, made)
    apply(postfix, made)  # a second time changes nothing
    assert postfix.sh(f"{postfix.postconf} -h transport_maps").count(made.file) == 1
    postfix.send("taro@outlook.test")
    postfix.send("hanako@fine.test")
    assert within(20, lambda: receiver.to == ["hanako@fine.test"])
    queue = postfix.queue()
    assert "taro@outlook.test" in queue and "deferred transport" in queue
    undo(postfix, made)
    assert postfix.settings() == before
    postfix.sh(f"postqueue -c {postfix.etc} -f")
    assert within(30, lambda: "taro@outlook.test" in receiver.to)
    assert postfix.queue() == ""


@real
def test_it_goes_slowly_whether_it_waited_before_or_not(
    postfix: Postfix, receiver: Receiver
) -> None:
    before = postfix.settings()
    made = holding(a_case(to=("outlook.test",)), START, postconf=postfix.postconf)
    (postfix.etc / made.file).write_text(made.slow)
    postfix.sh("\n".join(made.slowly))
    for n in range(3):
        postfix.send(f"u{n}@outlook.test")
    assert within(20, lambda: len(receiver.to) == 1)
    assert not within(4, lambda: len(receiver.to) > 1)
    undo(postfix, made)
    assert postfix.settings() == before


@real
def test_two_cases_do_not_undo_each_other(postfix: Postfix, receiver: Receiver) -> None:
    before = postfix.settings()
    # The name of the one's file begins with that of the other's.
    one = holding(a_case(to=("outlook.test",)), START, postconf=postfix.postconf)
    other = fold([refused(START, to=("gmail.test",))], Case(number=1))
    two = holding(other, START, postconf=postfix.postconf)
    apply(postfix, one)
    apply(postfix, two)
    undo(postfix, one)
    postfix.send("taro@gmail.test")
    postfix.send("hanako@outlook.test")
    assert within(20, lambda: receiver.to == ["hanako@outlook.test"])
    undo(postfix, two)
    assert postfix.settings() == before


@real
def test_maps_that_were_there_stay(postfix: Postfix, receiver: Receiver) -> None:
    other = postfix.etc / "transport"
    other.write_text("fine.test\terror:5.1.1 no\n")
    postfix.sh(f"{postfix.postconf} -e 'transport_maps = texthash:{other}'")
    before = postfix.settings()
    made = holding(a_case(to=("outlook.test",)), START, postconf=postfix.postconf)
    apply(postfix, made)
    maps = postfix.sh(f"{postfix.postconf} -h transport_maps")
    assert maps.split()[0].endswith(made.file) and maps.split()[1] == f"texthash:{other}"
    undo(postfix, made)
    assert postfix.settings() == before
