"""Mail that goes by another server meanwhile: only after the cause was mended, and without a trace when it
is undone; what that server refuses comes back at once."""

from __future__ import annotations

import pytest

from tests.postfix import Receiver, needed, sending_to, within
from todoku.cases import NotNow, NotThis
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.detouring import Relay, detouring, relay, script
from todoku.cases.fold import fold
from todoku.cases.tasks import tasks
from todoku.i18n import LANGUAGES

from .world import START, refused

MENDED = ev.Mended(at=START, by="admin", what="closed the open relay")
VIA = Relay("relay.hoge.test", 587)


def a_case(*more: ev.AnyEvent, to: tuple[str, ...] = ("outlook.test",)) -> Case:
    return fold([refused(START, to=to), *more], Case(number=12))


def test_what_is_to_be_applied() -> None:
    made = detouring(a_case(MENDED), VIA)
    assert made.content == "outlook.test\ttodoku-detour-12:[relay.hoge.test]:587\n"
    assert not any("soft_bounce" in line for line in made.apply), "a refusal for good stays one"
    for lang in LANGUAGES:
        text = script(made, lang, ["ok: SPF"], ["news@hoge.test (3,120)"])
        for part in (made.content, *made.apply, *made.undo, "# ok: SPF", "news@hoge.test (3,120)"):
            assert part.strip() in text


def test_not_before_the_cause_was_mended() -> None:
    with pytest.raises(NotNow, match="no record of a mended cause"):
        detouring(a_case(), VIA)
    with pytest.raises(NotNow, match="closed"):
        detouring(a_case(MENDED, ev.Closed(at=START, why="gave-up")), VIA)
    with pytest.raises(NotThis):
        detouring(a_case(MENDED, to=("x.test\tdiscard:\n*",)), VIA)


def test_the_case_recalls_it() -> None:
    gone = ev.Detoured(at=START, via=str(VIA))
    over = a_case(MENDED, gone, ev.Closed(at=START, why="resolved"))
    assert [t.kind for t in tasks(over)] == ["release"]
    assert detouring(over, VIA).undo
    assert tasks(fold([ev.Released(at=START, what="detoured")], over)) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("relay.example.jp", Relay("relay.example.jp", 25)),
        ("Relay.Example.JP:587", Relay("relay.example.jp", 587)),
        ("[192.0.2.25]:2525", Relay("192.0.2.25", 2525)),
        ("[relay.example.jp]", Relay("relay.example.jp", 25)),
        ("192.0.2.25", Relay("192.0.2.25", 25)),
        ("[2001:db8::25]:25", Relay("2001:db8::25", 25)),
        ("2001:db8::25", Relay("2001:db8::25", 25)),
        ("relay.example.jp:99999", None),
        ("relay example", None),
        ("", None),
        ("x]:25 error:", None),
    ],
)
def test_relays(text: str, found: Relay | None) -> None:
    assert relay(text) == found


@pytest.mark.slow
@needed[0]
@needed[1]
def test_it_flows_by_the_relay_and_undone_it_leaves_no_trace() -> None:
    blocking, other = Receiver(lambda _: "550 5.7.1 you are on our list"), Receiver()
    try:
        with sending_to(blocking) as postfix:
            before = postfix.settings()
            via = Relay("127.0.0.1", other.port)
            made = detouring(a_case(MENDED), via, postconf=postfix.postconf)
            (postfix.etc / made.file).write_text(made.content)
            for _ in range(2):  # a second time changes nothing
                postfix.sh("\n".join(made.apply))
            postfix.send("taro@outlook.test")
            assert within(20, lambda: other.to == ["taro@outlook.test"])
            assert blocking.to == []
            # What the relay refuses comes back at once (the blocking server takes bounces).
            other.refuses = lambda _: "550 5.7.1 not from you either"
            postfix.send("hanako@outlook.test")
            assert within(20, lambda: blocking.to == ["sato@hoge.test"])
            assert postfix.queue() == ""
            postfix.sh("\n".join(made.undo))
            assert postfix.settings() == before
    finally:
        blocking.close()
        other.close()
