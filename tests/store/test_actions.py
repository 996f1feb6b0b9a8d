"""Work is shared by lease, and nothing that others see is done twice. On both databases."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cases.world import HOUR, IP, MICROSOFT, OTHER_IP, START, refused
from tests.store import consistency
from tests.store.conftest import OpenDesk
from todoku import store
from todoku.cases import commands, working
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.due import Action, ActionKind
from todoku.cases.policy import Policy
from todoku.cases.working import Command, Undone, Work
from todoku.model import Identity
from todoku.store import LeaseLost
from todoku.store import tables as t
from todoku.store.actions import BACK_OFF, LEASE, Queue
from todoku.store.cases import Desk

SECOND = timedelta(seconds=1)


def told(work: Work, at: datetime = START) -> Command:
    about = work.action.about
    assert about is not None
    return lambda case: commands.tell(case, ev.Told(at=at, who="person:1", about=about))


@pytest.fixture
def reported(desk: Desk) -> Desk:
    """One case, of which a user has to be told."""
    desk.see(ev.Reported(at=START, who="person:1", place=MICROSOFT, identities=(IP,)))
    return desk


def take(queue: Queue, now: datetime = START, worker: str = "one") -> Work:
    taken = queue.take(worker, now, kinds={"tell"})
    assert taken is not None
    return taken


@pytest.mark.usefixtures("reported")
class TestLease:
    def test_one_worker_has_it(self, queue: Queue) -> None:
        taken = take(queue)
        assert (taken.case, taken.attempt, taken.action.key) == (1, 1, "tell/opened/person:1/1")
        assert taken.token.startswith("one/")
        assert queue.take("two", START, kinds={"tell"}) is None

    def test_until_it_is_over(self, queue: Queue) -> None:
        first = take(queue)
        assert queue.take("two", START + LEASE - SECOND, kinds={"tell"}) is None
        second = take(queue, START + LEASE, "two")
        assert (second.id, second.attempt) == (first.id, 2)
        with pytest.raises(LeaseLost) as caught:
            queue.intend(first, {}, START + LEASE)
        assert "Nothing was done" in str(caught.value)
        queue.intend(second, {}, START + LEASE)

    def test_an_intent_needs_a_lease_that_runs(self, queue: Queue) -> None:
        taken = take(queue)
        with pytest.raises(LeaseLost):
            queue.intend(taken, {}, START + LEASE)

    def test_nor_before_a_time_that_was_put_off(self, desk: Desk, queue: Queue) -> None:
        taken = take(queue)
        with store.writing(desk.engine) as connection:
            put_off = sa.update(t.actions).where(t.actions.c.id == taken.id)
            connection.execute(put_off.values(not_before=(START + HOUR).timestamp()))
        with pytest.raises(LeaseLost):
            queue.intend(taken, {}, START)

    def test_an_intent_is_recorded_once(self, queue: Queue) -> None:
        taken = take(queue)
        queue.intend(taken, {}, START)
        with pytest.raises(LeaseLost):
            queue.intend(taken, {}, START)

    def test_nothing_before_its_time(self, queue: Queue) -> None:
        assert queue.take("one", START - SECOND) is None
        assert queue.count_due(START - SECOND) == 0
        assert queue.next_at(START - SECOND) == START.timestamp()

    def test_what_is_held_is_next_when_its_lease_is_over(self, queue: Queue) -> None:
        taken = take(queue)
        over = START + queue.lease
        assert queue.next_at(START, {"tell"}) == over.timestamp()
        assert queue.next_at(over, {"tell"}) == over.timestamp()
        assert queue.next_at(START, {"request"}) is None
        assert queue.next_at(START - timedelta(days=1), {"tell"}) is None, "a clock set back"
        queue.intend(taken, {}, START)
        assert queue.next_at(START, {"tell"}) == over.timestamp()
        assert queue.next_at(over, {"tell"}) is None, "it waits for a person"

    def test_a_lease_from_a_clock_that_was_ages_ahead(self, queue: Queue) -> None:
        first = take(queue, START + timedelta(days=4000))
        second = take(queue, START, "two")
        assert second.id == first.id
        with pytest.raises(LeaseLost):
            queue.intend(first, {}, START)

    def test_kinds(self, queue: Queue) -> None:
        assert queue.take("one", START, kinds={"probe", "close"}) is None
        assert queue.take("one", START, kinds=()) is None


def test_a_probe_goes_to_the_worker_that_owns_the_address(desk: Desk, queue: Queue) -> None:
    desk.see(refused(START, Identity("ip", "2001:db8:1:2::25")))
    answer = ev.Answered(at=START, class_="nothing-detected", authentic=True)
    desk.change(1, lambda case: commands.answer(case, answer))
    for identities, kind in ((["ip:192.0.2.1"], None), (["ip:2001:db8:1:2::/64"], "probe")):
        taken = queue.take("one", START, kinds={"probe"}, identities=identities)
        assert (taken and taken.action.kind) == kind


class TestOutcome:
    def test_done(self, reported: Desk, queue: Queue) -> None:
        taken = take(queue)
        queue.intend(taken, {"to": "person:1"}, START)
        (recorded,) = queue.finish(taken, "done", START, told(taken))
        assert recorded.event.source == f"action:{taken.id}"
        assert queue.take("one", START + timedelta(days=400), kinds={"tell"}) is None
        consistency.check(reported)

    def test_done_without_an_event_is_a_fault_of_the_program(
        self, reported: Desk, queue: Queue
    ) -> None:
        taken = take(queue)
        queue.intend(taken, {}, START)
        with pytest.raises(ValueError, match="no event says so"):
            queue.finish(taken, "done", START, lambda _: ())
        assert [w.id for w in queue.unknown(START + LEASE)] == [taken.id]

    def test_failed_is_tried_again_ever_more_slowly(self, reported: Desk, queue: Queue) -> None:
        now = START
        for attempt in range(1, 16):
            taken = take(queue, now)
            assert taken.attempt == attempt
            queue.intend(taken, {}, now)
            queue.finish(taken, "failed", now, why="nobody\x00answers")
            wait = min(BACK_OFF * 2 ** (attempt - 1), timedelta(days=1))
            assert queue.take("one", now + wait - SECOND, kinds={"tell"}) is None
            now += wait
        assert queue.unknown(now + LEASE) == []
        row = next(r for r in consistency.rows(reported, t.actions) if r["outcome"] == "failed")
        assert row["why"] == "nobodyanswers"

    def test_moot_is_planned_again_where_it_still_holds(self, reported: Desk, queue: Queue) -> None:
        taken = take(queue)
        queue.finish(taken, "moot", START)
        assert take(queue).attempt == 2

    def test_what_is_not_wanted_any_more_is_taken_back(self, reported: Desk, queue: Queue) -> None:
        taken = take(queue)
        reported.change(1, told(taken))  # the administrator told him on the telephone
        with pytest.raises(LeaseLost):
            queue.intend(taken, {}, START)
        consistency.check(reported)

    def test_what_is_under_way_is_not(self, reported: Desk, queue: Queue) -> None:
        taken = take(queue)
        queue.intend(taken, {}, START)
        reported.change(1, told(taken))
        queue.finish(taken, "done", START, told(taken))
        assert [ev.name(r.event) for r in reported.history(1)] == ["reported", "told"]
        consistency.check(reported)


class TestUnknown:
    """The worker died between intent and outcome."""

    def test_is_never_simply_done_again(self, reported: Desk, queue: Queue) -> None:
        taken = take(queue)
        queue.intend(taken, {"line": 7}, START)
        assert queue.unknown(START) == [], "it may still be at it"
        after = START + timedelta(days=30)
        assert queue.take("two", after, kinds={"tell"}) is None
        (unknown,) = queue.unknown(after)
        assert (unknown.id, unknown.intent) == (taken.id, {"line": 7})
        assert unknown.intent_at == START.timestamp()

    def test_found_done(self, reported: Desk, queue: Queue) -> None:
        queue.intend(take(queue), {}, START)
        (unknown,) = queue.unknown(START + LEASE)
        queue.settle(unknown, done=True, now=START + LEASE, command=told(unknown))
        assert queue.take("one", START + HOUR, kinds={"tell"}) is None
        assert queue.unknown(START + HOUR) == []
        consistency.check(reported)

    def test_found_not_done(self, reported: Desk, queue: Queue) -> None:
        queue.intend(take(queue), {}, START)
        (unknown,) = queue.unknown(START + LEASE)
        queue.settle(unknown, done=False, now=START + LEASE)
        again = take(queue, START + LEASE)
        assert (again.attempt, again.intent) == (2, None)
        consistency.check(reported)

    def test_the_slow_worker_was_only_slow(self, reported: Desk, queue: Queue) -> None:
        """A person said "not done"; then the first worker reports that it was."""
        slow = take(queue)
        queue.intend(slow, {}, START)
        (unknown,) = queue.unknown(START + LEASE)
        queue.settle(unknown, done=False, now=START + LEASE)
        queue.finish(slow, "done", START + HOUR, told(slow))
        assert queue.take("two", START + HOUR, kinds={"tell"}) is None, "taken back in time"
        assert [ev.name(r.event) for r in reported.history(1)] == ["reported", "told"]

    def test_asking_a_list_is_simply_repeated(self, reported: Desk, queue: Queue) -> None:
        taken = queue.take("one", START, kinds={"check"})
        assert taken is not None
        queue.intend(taken, {}, START)
        again = queue.take("two", START + LEASE, kinds={"check"})
        assert again is not None
        assert (again.id, again.attempt, again.intent) == (taken.id, 2, None)
        assert queue.unknown(START + HOUR) == []
        both = [
            queue.finish(w, "done", START + HOUR, lambda c: (ev.Checked(at=START),))
            for w in (taken, again)
        ]
        assert [len(recorded) for recorded in both] == [1, 0], "one row is one event"

    def test_a_probe_is_repeated_after_six_hours(self, reported: Desk, queue: Queue) -> None:
        answer = ev.Answered(at=START, class_="nothing-detected", authentic=True)
        reported.change(1, lambda case: commands.answer(case, answer))
        taken = queue.take("one", START, kinds={"probe"})
        assert taken is not None
        queue.intend(taken, {}, START)
        assert queue.take("two", START + 6 * HOUR - SECOND, kinds={"probe"}) is None
        assert queue.take("two", START + 6 * HOUR, kinds={"probe"}) is not None


class Teller:
    """The deed `tell`, which fails as often as it is told to."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.letters: list[str] = []

    def intent(self, case: Case, action: Action) -> Mapping[str, Any] | None:
        return {"who": action.who}

    def do(
        self, case: Case, action: Action, intent: Mapping[str, Any] | None, now: datetime
    ) -> Command:
        if self.fails:
            self.fails -= 1
            raise Undone("connection refused")
        self.letters.append(action.key)
        return self.record(case, action, now)

    def find_out(self, case: Case, action: Action, intent: Mapping[str, Any]) -> bool | None:
        return None

    def record(self, case: Case, action: Action, now: datetime) -> Command:
        event = ev.Told(at=now, who=action.who or "", about=action.about or "opened")
        return lambda _: (event,)

    def give_up(self, case: Case, action: Action, now: datetime) -> Command | None:
        event = ev.Told(
            at=now, who=action.who or "", about=action.about or "opened", delivered=False
        )
        return lambda _: (event,)


class TestStep:
    def test_until_nothing_is_due(self, reported: Desk, queue: Queue) -> None:
        teller = Teller()
        deeds: dict[ActionKind, working.Deed] = {"tell": teller}
        assert working.step(queue, "one", deeds, lambda: START) is not None
        assert working.step(queue, "one", deeds, lambda: START) is None
        assert teller.letters == ["tell/opened/person:1/1"]

    def test_who_cannot_be_reached_does_not_keep_a_case_open(
        self, reported: Desk, queue: Queue
    ) -> None:
        teller = Teller(fails=100)
        clock = [START]
        for _ in range(working.MOST_ATTEMPTS):
            taken = working.step(queue, "one", {"tell": teller}, lambda: clock[0])
            assert taken is not None
            clock[0] += timedelta(days=1)
        assert working.step(queue, "one", {"tell": teller}, lambda: clock[0]) is None
        event = reported.history(1)[-1].event
        assert isinstance(event, ev.Told)
        assert not event.delivered
        consistency.check(reported)

    def test_what_the_case_wants_no_more_is_moot(self, reported: Desk, queue: Queue) -> None:
        """A promise that was lengthened while the worker had the end of the wait in hand."""
        first = ev.Answered(at=START, class_="mitigated", max_hours=1, authentic=True, source="1")
        reported.change(1, lambda case: commands.answer(case, first))

        class Waiter(Teller):
            def intent(self, case: Case, action: Action) -> Mapping[str, Any] | None:
                longer = ev.Answered(
                    at=START, class_="mitigated", max_hours=9, authentic=True, source="2"
                )
                reported.change(1, lambda case: commands.answer(case, longer))
                return None

            def do(self, case: Case, *_: object) -> Command:
                return lambda case: commands.wait_over(case, START + HOUR)

        deeds: dict[ActionKind, working.Deed] = {"wait": Waiter()}
        assert working.step(queue, "one", deeds, lambda: START + HOUR) is not None
        assert reported.case(1).state == "settling"
        assert queue.take("one", START + 2 * HOUR, kinds={"wait"}) is None
        taken = queue.take("one", START + 9 * HOUR, kinds={"wait"})
        assert taken is not None
        consistency.check(reported)

    def test_a_deed_that_must_not_be_repeated_needs_an_intent(
        self, reported: Desk, queue: Queue
    ) -> None:
        class Careless(Teller):
            def intent(self, case: Case, action: Action) -> Mapping[str, Any] | None:
                return None

        careless = Careless()
        with pytest.raises(TypeError, match="needs an intent"):
            working.step(queue, "one", {"tell": careless}, lambda: START)
        assert careless.letters == []

    def test_what_nobody_knows_is_left_to_a_person(self, reported: Desk, queue: Queue) -> None:
        queue.intend(take(queue), {}, START)
        (left,) = working.find_out(queue, {"tell": Teller()}, lambda: START + LEASE)
        assert left.action.who == "person:1"


def test_many_workers_take_each_action_once(open_desk: OpenDesk) -> None:
    desk = open_desk()
    for n in range(20):
        identity = Identity("ip", f"192.0.2.{n}")
        desk.see(ev.Reported(at=START, who="person:1", place=MICROSOFT, identities=(identity,)))
    queues = [Queue(open_desk()) for _ in range(4)]

    def take_all(n: int) -> list[int]:
        taken = []
        while work := queues[n].take(f"worker {n}", START, kinds={"tell"}):
            taken.append(work.id)
        return taken

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(take_all, range(4)))
    everything = [each for share in shares for each in share]
    assert len(everything) == len(set(everything)) == 20


def test_another_policy_plans_anew(open_desk: OpenDesk) -> None:
    """Settings that changed hold for a case from its next event, or a rebuild."""
    desk = open_desk()
    desk.see(refused(START))
    desk.see(refused(START, OTHER_IP))
    hasty = open_desk(Policy(remind=HOUR))
    hasty.rebuild()
    reminders = {time for _, key, time in consistency.open_actions(desk) if "remind" in key}
    assert reminders == {(START + HOUR).timestamp()}
    consistency.check(hasty)
