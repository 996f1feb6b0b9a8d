"""What holds for any sequence of events at all: hostile, late, repeated, contradicting."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases.strategies import START, events, histories, moments
from tests.cases.world import IP, World
from todoku.cases import commands, due, records, tasks
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.fold import apply, fold
from todoku.cases.policy import Policy
from todoku.cases.states import WORST_FIRST

unhurried = settings(deadline=None)


@given(histories)
@unhurried
def test_any_history_gives_a_case_and_says_what_is_next(history: list[ev.AnyEvent]) -> None:
    case = fold(history)
    assert case.seq == len(history)
    assert case.state in WORST_FIRST
    plan = due.plan(case)
    keys = [action.key for action in plan]
    assert len(keys) == len(set(keys))
    wanted = [task.key for task in tasks.tasks(case)]
    assert len(wanted) == len(set(wanted))
    if history and case.state != "closed":
        assert plan or wanted, "it can't end"


@given(histories)
@unhurried
def test_the_same_events_give_the_same_case(history: list[ev.AnyEvent]) -> None:
    read = [records.decode(records.encode(event)) for event in history]
    assert fold(read) == fold(read)
    assert [records.encode(event) for event in read] == [records.encode(event) for event in history]


@given(histories, histories)
@unhurried
def test_appending_never_changes_the_past(
    history: list[ev.AnyEvent], more: list[ev.AnyEvent]
) -> None:
    before = fold(history)
    copy = fold(history)
    after = fold(more, before)
    assert before == copy
    assert after == fold([*history, *more])
    reported = {p.who for p in before.people}
    assert reported <= {p.who for p in after.people}
    assert {s.key for s in before.standings} <= {s.key for s in after.standings}
    assert after.refusals >= before.refusals


@given(histories, st.data())
@unhurried
def test_nothing_is_asked_before_its_time(history: list[ev.AnyEvent], data: st.DataObject) -> None:
    case = fold(history)
    now = data.draw(moments)
    for action in due.due(case, now):
        for standing in case.standings:
            if standing.key in action.identities and action.kind == "probe":
                assert standing.state == "verifying"
                assert standing.probed_at is None or standing.probed_at + timedelta(hours=6) <= now
    for s in case.among("settling"):
        assert not [a for a in due.plan(case) if a.kind == "probe" and s.key in a.identities]


@given(histories, events)
@unhurried
def test_a_closed_case_moves_only_by_being_reopened(
    history: list[ev.AnyEvent], event: ev.AnyEvent
) -> None:
    case = fold([*history, ev.Closed(at=START, why="gave-up")])
    after = apply(case, event)
    if isinstance(event, ev.Reopened):
        assert after.closed is None
    else:
        assert after.closed == case.closed
        assert after.state == "closed"
        assert not [a for a in due.plan(after) if a.kind not in {"tell", "remind"}]


@given(histories)
@unhurried
def test_every_case_can_be_closed(history: list[ev.AnyEvent]) -> None:
    case = fold([*history, ev.Reopened(at=START)])
    closed = fold(commands.close(case, START, "gave-up", by="admin"), case)
    assert closed.state == "closed"


@given(histories, events)
@unhurried
def test_a_repeated_event_moves_nothing_more(
    history: list[ev.AnyEvent], event: ev.AnyEvent
) -> None:
    """The store drops what comes twice from one source; what slips through does no harm."""
    once = apply(fold(history), event)
    twice = apply(once, event)
    if isinstance(event, (ev.Reported, ev.Told, ev.Closed, ev.Requested, ev.Acknowledged)):
        assert [s.state for s in twice.standings] == [s.state for s in once.standings]
        assert [p.who for p in twice.untold] == [p.who for p in once.untold]


def test_no_events_give_an_empty_case() -> None:
    assert fold([]) == Case()
    assert due.plan(Case()) == ()
    assert Policy() == Policy()


def test_a_reply_that_bounces_leaves_the_no_as_it_was() -> None:
    w = World()
    w.refuse()
    w.request()
    w.answer("not-qualified")
    assert w.states() == ["declined"]
    w.pass_(hours=5)
    w.add([ev.Escalated(at=w.now, desk="microsoft-consumer", identities=(IP,))])
    assert (w.states(), w.case.standings[0].escalations) == (["requested"], 1)
    w.answer("bounce")
    assert (w.states(), w.case.standings[0].escalations) == (["declined"], 0)
    assert w.case.by_hand
    # A reply to silence is none to a no, and a request is none either.
    w.add([ev.Requested(at=w.now, desk="microsoft-consumer", identities=(IP,))])
    w.add([ev.Escalated(at=w.now, desk="microsoft-consumer", identities=(IP,))])
    w.answer("bounce")
    assert w.states() == ["open"]
