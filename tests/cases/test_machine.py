"""A case lived at random: a desk that says anything at any time, bounces that come late, a clock that
jumps, a person who does or does not do something, a worker that does what is due.

After every step the promises of the case desk hold; and from wherever it got to, a good world leads
to the end, with everybody told exactly once for what they reported.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from tests.cases.strategies import classes, results
from tests.cases.world import IP, MICROSOFT, OTHER_IP, ZEN, World, refused
from todoku.cases import CaseError, commands, due
from todoku.cases import events as ev
from todoku.cases.case import identity_key
from todoku.cases.fold import fold
from todoku.cases.policy import Policy
from todoku.cases.standings import PROMISES
from todoku.model import Identity

whom = st.sampled_from(["sato", "suzuki"])
ips = st.sampled_from([IP, OTHER_IP])


class CaseMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.reports: Counter[str] = Counter()

    @initialize(
        place=st.sampled_from([MICROSOFT, ZEN]), unattended=st.booleans(), mail=st.booleans()
    )
    def begin(self, place: ev.Place, unattended: bool, mail: bool) -> None:
        self.place = place
        desks = frozenset({"microsoft-consumer"}) if unattended else frozenset[str]()
        self.world.policy = Policy(
            unattended=desks, watches_mail=mail, proof="mail" if mail else "probe"
        )
        self.world.refuse(place=place)

    # Time

    @rule(hours=st.sampled_from([0.01, 1, 7, 25, 49, 24 * 8]))
    def time_passes(self, hours: float) -> None:
        self.world.pass_(hours=hours)

    @rule(hours=st.sampled_from([0.5, 5, 72]))
    def the_clock_goes_back(self, hours: float) -> None:
        self.world.pass_(hours=-hours)

    # What comes in

    @rule(who=whom)
    def somebody_reports(self, who: str) -> None:
        self.world.report(who, place=self.place)
        self.reports[who] += 1

    @rule(ip=ips, temporary=st.booleans(), late=st.sampled_from([0, 1, 30, 100]))
    def mail_is_refused(self, ip: Identity, temporary: bool, late: int) -> None:
        when = self.world.now - timedelta(hours=late)
        event = refused(
            self.world.now, ip, place=self.place, first=when, last=when, temporary=temporary
        )
        self.world.run(commands.refuse, event)

    @rule(ip=ips, result=results, count=st.integers(1, 5))
    def mail_is_seen(self, ip: Identity, result: ev.Result, count: int) -> None:
        now = self.world.now
        first = now - timedelta(hours=30)
        event = ev.Tried(
            at=now, identity=ip, how="mail", result=result, count=count, first=first, last=now
        )
        self.world.run(commands.try_, event, self.world.policy)

    @rule(
        class_=classes,
        authentic=st.booleans(),
        hours=st.sampled_from([None, 24.0, 48.0]),
        asks=st.sampled_from([(), ("confirm-link",), ("headers",)]),
        mixed=st.one_of(st.none(), classes),
    )
    def the_desk_answers(
        self,
        class_: ev.AnswerClass,
        authentic: bool,
        hours: float | None,
        asks: tuple[ev.Asked, ...],
        mixed: ev.AnswerClass | None,
    ) -> None:
        verdicts: tuple[ev.Verdict, ...] = ()
        if mixed is not None:
            verdicts = (
                ev.Verdict(identity=IP, class_=class_),
                ev.Verdict(identity=OTHER_IP, class_=mixed),
            )
        before = self.world.case
        self.world.answer(
            class_, authentic=authentic, max_hours=hours, asks=asks, verdicts=verdicts
        )
        if not authentic:
            assert self.world.case.standings == before.standings

    # What people do

    @rule(identities=st.sampled_from([(), (IP,), (OTHER_IP,)]))
    def a_person_asks_the_desk(self, identities: tuple[Identity, ...]) -> None:
        before = self.world.case
        try:
            self.world.request(identities=identities)
        except CaseError:
            assert self.world.case == before
        else:
            event = self.world.events[-1]
            assert isinstance(event, ev.Requested)
            for identity in event.identities:
                standing = before.standing(identity_key(identity))
                assert standing is not None
                assert standing.state == "open"

    @rule(ip=ips)
    def a_person_has_a_trial_sent(self, ip: Identity) -> None:
        before = self.world.case
        try:
            self.world.try_(ip)
        except CaseError:
            assert self.world.case == before

    @rule()
    def a_person_insists(self) -> None:
        before = self.world.case
        event = ev.Escalated(at=self.world.now, by="admin")
        try:
            self.world.run(commands.escalate, event, self.world.policy)
        except CaseError:
            assert self.world.case == before

    @precondition(lambda self: self.world.case.waiting)
    @rule(class_=st.one_of(st.none(), classes))
    def a_person_accepts_an_answer(self, class_: ev.AnswerClass | None) -> None:
        seq = self.world.case.waiting[0].seq
        self.world.run(commands.accept, self.world.now, seq, "admin", class_)
        assert seq not in [w.seq for w in self.world.case.waiting]

    @precondition(lambda self: self.world.tasks())
    @rule(data=st.data())
    def a_person_does_a_task(self, data: st.DataObject) -> None:
        wanted = [task for task in self.world.tasks() if task.kind not in {"decide", "identify"}]
        if wanted:
            self.world.serve(data.draw(st.sampled_from(wanted)))

    @rule(why=st.sampled_from(ev.WHYS))
    def a_person_closes(self, why: ev.Why) -> None:
        try:
            self.world.run(commands.close, self.world.now, why, by="admin")
        except CaseError:
            assert self.world.case.closed is not None

    # What the worker does

    @precondition(lambda self: self.world.due())
    @rule(data=st.data(), result=results)
    def something_due_is_done(self, data: st.DataObject, result: ev.Result) -> None:
        action = data.draw(st.sampled_from(self.world.due()))
        self.world.do(action, result)
        assert action.key not in [a.key for a in due.plan(self.world.case, self.world.policy)]

    # What always holds

    @invariant()
    def it_can_go_on(self) -> None:
        case = self.world.case
        if case.seq and case.state != "closed":
            plan = due.plan(case, self.world.policy)
            assert plan or self.world.tasks()

    @invariant()
    def no_deed_is_done_twice(self) -> None:
        deeds = Counter(self.world.deeds)
        assert all(n == 1 for n in deeds.values()), deeds

    @invariant()
    def nobody_is_told_twice(self) -> None:
        told = Counter(
            (event.who, event.about)
            for event in self.world.events
            if isinstance(event, ev.Told) and event.about != "reminder"
        )
        for (who, _), n in told.items():
            assert n <= self.reports[who]

    @invariant()
    def no_report_is_lost(self) -> None:
        assert {p.who for p in self.world.case.people} == set(self.reports)
        since_told: dict[str, bool] = {}
        for event in self.world.events:
            if isinstance(event, ev.Reported) and event.who:
                since_told[event.who] = True
            if isinstance(event, ev.Told) and event.about == "resolved":
                since_told[event.who] = False
        assert {p.who for p in self.world.case.untold} == {w for w, x in since_told.items() if x}

    @invariant()
    def nothing_is_probed_before_its_time(self) -> None:
        """Six hours after the probe before, and not before any moment that the desk promised since
        the identity was opened, whatever the clock did."""
        probed: dict[str, datetime] = {}
        promised: dict[str, datetime] = {}
        case = World().case
        for event in self.world.events:
            before, case = case, fold([event], case)
            if isinstance(event, ev.Probed):
                key = identity_key(event.identity)
                assert event.at >= promised.get(key, event.at), "before the promise"
                if key in probed:
                    assert event.at - probed[key] >= timedelta(hours=6), "too often"
                probed[key] = event.at
            answer = event
            if isinstance(event, ev.AcceptedByPerson):
                answer = self.world.events[event.answer - 1]
            heeded = isinstance(answer, ev.Answered) and (answer.authentic or answer is not event)
            for standing in case.standings:
                key = standing.key
                old = before.standing(key)
                if old is None or old.state in {"resolved", "closed"}:
                    promised.pop(key, None)
                elif heeded and isinstance(answer, ev.Answered) and answer.until is not None:
                    classes_ = {identity_key(v.identity): v.class_ for v in answer.verdicts}
                    class_ = classes_.get(key, None if classes_ else answer.class_)
                    if class_ in PROMISES:
                        promised[key] = max(answer.until, promised.get(key, answer.until))

    @invariant()
    def nothing_is_asked_twice(self) -> None:
        """Between two requests there is something that allows the second: an answer, a refusal
        after the end, a person who reopened."""
        asked: set[str] = set()
        case = World().case
        for event in self.world.events:
            if isinstance(event, ev.Requested):
                for identity in event.identities:
                    assert identity_key(identity) not in asked, "a request filed twice"
                    asked.add(identity_key(identity))
            before = case
            case = fold([event], case)
            for standing in case.standings:
                old = before.standing(standing.key)
                if old is not None and old.state != standing.state == "open":
                    asked.discard(standing.key)
                if standing.state == "open" and standing.asks:
                    asked.discard(standing.key)

    def teardown(self) -> None:
        world = self.world
        if not world.case.seq:
            return
        if world.case.state == "closed":
            world.report("sato", place=self.place)
            self.reports["sato"] += 1
        world.now = max([world.now, *(e.at for e in world.events)])
        world.policy = replace(world.policy, patience=timedelta(days=4000))
        world.live_on()
        if world.case.closed is not None and world.case.closed.why == "resolved":
            assert world.case.untold == ()
        self.nobody_is_told_twice()
        self.no_deed_is_done_twice()
        self.nothing_is_probed_before_its_time()


CaseMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestCase = CaseMachine.TestCase
