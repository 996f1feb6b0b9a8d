"""The desk on both databases: sightings find their case, commands are run, all in one piece."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cases.world import HOUR, IP, MICROSOFT, OTHER_IP, SC001, START, ZEN, refused
from tests.store import consistency
from tests.store.conftest import OpenDesk
from todoku import store
from todoku.cases import NewerEvent, NotNow, commands
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.records import Recorded, decode
from todoku.model import Identity, Reply
from todoku.store import Overtaken, UnknownCase
from todoku.store import tables as t
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox


def reported(who: str = "person:1", **fields: object) -> ev.Reported:
    return ev.Reported(at=START, who=who, **({"place": MICROSOFT} | fields))  # type: ignore[arg-type]


def names(desk: Desk, number: int = 1) -> list[str]:
    return [ev.name(recorded.event) for recorded in desk.history(number)]


class TestSeeing:
    def test_a_refusal_opens_a_case(self, desk: Desk) -> None:
        (recorded,) = desk.see(refused(START))
        assert (recorded.case, recorded.seq) == (1, 1)
        (row,) = desk.rows()
        assert (row["number"], row["state"], row["place"]) == (1, "open", "microsoft-consumer")
        assert row["identities"] == "ip:192.0.2.1"
        assert row["next_due_at"] == START.timestamp()
        assert {key for _, key, _ in consistency.open_actions(desk)} == {
            "diagnose/0", "check/0", "remind/cause/1/0/0", "remind/request/1/0/0",
        }  # fmt: skip
        consistency.check(desk)

    def test_what_belongs_together_joins(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(reported(identities=(IP,)))
        desk.see(reported("person:2"))
        later = START + 2 * HOUR
        listed = ev.Seen(list="microsoft-consumer", identity=IP, state="listed")
        desk.see(ev.Checked(at=later, place=MICROSOFT, findings=(listed,)))
        desk.see(refused(later, temporary=True))
        assert names(desk) == ["refused", "reported", "reported", "checked", "refused"]
        assert len(desk.rows()) == 1
        consistency.check(desk)

    def test_what_does_not_does_not(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(refused(START, OTHER_IP))
        desk.see(refused(START, place=ZEN))
        desk.see(refused(START, Identity("ip", "2001:db8:1:2::1")))
        desk.see(refused(START, Identity("ip", "2001:db8:1:2::2")))
        assert sorted(row["number"] for row in desk.rows()) == [1, 2, 3, 4]
        consistency.check(desk)

    def test_one_event_about_addresses_of_several_cases(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(refused(START, OTHER_IP))
        third = Identity("ip", "192.0.2.3")
        recorded = desk.see(refused(START + 25 * HOUR, IP, OTHER_IP, third))
        assert [each.case for each in recorded] == [1, 2]
        assert len(desk.case(1).standings) == 2
        assert [s.identity for s in desk.case(2).standings] == [OTHER_IP]
        consistency.check(desk)

    def test_a_diagnosis_comes_along(self, desk: Desk) -> None:
        diagnosed = ev.Diagnosed(at=START, place=MICROSOFT, desk="microsoft-consumer")
        desk.see(refused(START), diagnosed)
        assert names(desk) == ["refused", "diagnosed"]
        assert "diagnose/0" not in {key for _, key, _ in consistency.open_actions(desk)}

    def test_a_check_without_a_listing_opens_nothing(self, desk: Desk) -> None:
        clean = ev.Seen(list="spamhaus-zen", identity=IP, state="not-listed")
        assert desk.see(ev.Checked(at=START, place=ZEN, findings=(clean,))) == ()
        assert desk.rows() == []

    def test_the_first_refusal_names_what_a_user_reported(self, desk: Desk) -> None:
        desk.see(reported())
        desk.see(refused(START))
        assert names(desk) == ["reported", "refused"]
        consistency.check(desk)

    def test_reports_find_their_way_to_the_case(self, desk: Desk) -> None:
        """Two users reported a domain; that its mail is Microsoft's tells only the refusal, and
        for that address there is a case."""
        desk.see(refused(START))
        desk.see(reported("person:1", place=None, to=("partner.example",)))
        desk.see(reported("person:2", place=None, to=("partner.example",)))
        assert names(desk, 2) == ["reported", "reported"]
        desk.see(refused(START + HOUR, to=("partner.example",)))
        assert names(desk, 1) == ["refused", "reported", "reported"]
        assert names(desk, 2) == ["reported", "reported", "closed"]
        assert desk.case(1).to[-1] == "partner.example"
        closed = desk.history(2)[-1].event
        assert isinstance(closed, ev.Closed)
        assert (closed.why, closed.into) == ("joined", 1)
        assert [p.who for p in desk.case(1).untold] == ["person:1", "person:2"]
        desk.see(reported("person:3", place=None, to=("partner.example",)))
        assert names(desk, 1)[-1] == "reported"
        consistency.check(desk)

    def test_refused_after_the_end_reopens(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.change(1, lambda case: commands.close(case, START + HOUR, "gave-up", by="admin"))
        assert desk.rows() == []
        desk.see(refused(START + 2 * HOUR))
        assert names(desk) == ["refused", "closed", "refused", "reopened"]
        (row,) = desk.rows()
        assert row["state"] == "open"
        consistency.check(desk)

    def test_one_source_counts_once(self, desk: Desk) -> None:
        event = refused(START, source="message:abc")
        assert len(desk.see(event)) == 1
        assert desk.see(event) == ()
        desk.change(1, lambda case: commands.close(case, START, "gave-up", by="admin"))
        assert desk.see(event) == (), "not even reopened"
        assert names(desk) == ["refused", "closed"]

    def test_one_report_counts_once(self, desk: Desk) -> None:
        event = reported(source="message:abc")
        assert len(desk.see(event)) == 1
        assert desk.see(event) == ()
        note = ev.Noted(at=START, text="", source="message:abc")
        for n in (1, 0):
            assert len(desk.change(1, lambda _: (note,))) == n
        assert names(desk) == ["reported", "noted"]

    def test_what_was_taken_over_is_found_by_all_its_domains(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(reported(place=None, to=("a.example", "b.example")))
        desk.see(refused(START + HOUR, to=("a.example",)))
        desk.see(reported("person:2", place=None, to=("b.example",)))
        assert names(desk, 1) == ["refused", "reported", "reported"]

    def test_a_place_that_no_database_could_hold(self, desk: Desk) -> None:
        desk.see(refused(START, Identity("domain", "a\x00\ud800b"), place=ev.Place(id="x\x00")))
        assert len(desk.rows()) == 1
        consistency.check(desk)


def flood(desk: Desk, number: int = 1) -> list[tuple[int, int]]:
    """Of each `refused` event: what it counts, and how much of that came after it was recorded."""
    with desk.engine.connect() as connection:
        rows = connection.execute(sa.select(t.tallies.c.seq, t.tallies.c.payload))
        more = {seq: decode(payload) for seq, payload in rows}
    return [
        (r.event.count, getattr(more.get(r.seq), "count", 0))
        for r in desk.history(number)
        if isinstance(r.event, ev.Refused)
    ]


class TestFlood:
    def test_it_is_one_event_with_its_count_however_long_it_goes_on(self, desk: Desk) -> None:
        desk.see(refused(START))
        for hours in range(1, 100):
            assert desk.see(refused(START + hours * HOUR, count=1000)) == ()
            desk.flush(START + hours * HOUR)
        (recorded,) = desk.history(1)
        event = recorded.event
        assert isinstance(event, ev.Refused)
        assert (event.count, event.at, event.first, event.last, event.counted_to) == (
            99_001, START, START, START + 99 * HOUR, START + 99 * HOUR,
        )  # fmt: skip
        case = desk.case(1)
        assert (case.refusals, case.refused_to, case.seq) == (99_001, START + 99 * HOUR, 1)
        assert desk.rows()[0]["refusals"] == 99_001
        desk.flush(START + 200 * HOUR)
        consistency.check(desk)

    def test_after_a_day_without_one_it_is_another(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(refused(START + 20 * HOUR))
        desk.see(refused(START + 43 * HOUR))
        assert flood(desk) == [(3, 2)]
        desk.see(refused(START + 67 * HOUR))
        desk.see(refused(START + 68 * HOUR))
        assert flood(desk) == [(3, 2), (2, 1)]
        assert desk.case(1).refusals == 5
        desk.flush(START + 70 * HOUR)
        consistency.check(desk)

    def test_the_case_is_looked_at_once_an_hour(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(refused(START + HOUR / 2))
        desk.see(refused(START + HOUR / 2, count=5))
        assert desk.rows()[0]["refusals"] == 7
        assert desk.flush(START + HOUR) == ()
        assert desk.flush(START + 1.5 * HOUR) == (1,)
        assert desk.flush(START + 9 * HOUR) == ()
        desk.see(refused(START + 10 * HOUR))
        assert desk.flush(START + 11 * HOUR) == (1,)
        assert flood(desk) == [(8, 7)]
        consistency.check(desk)

    def test_several_kinds_in_turn_are_one_event_each(self, desk: Desk) -> None:
        """A receiver that says 550 and 421 by turns makes two events of it, not one a batch."""
        kinds: list[dict[str, Any]] = [
            {"reply": SC001},
            {"reply": Reply(421, None, "later"), "temporary": True},
        ]
        for n in range(40):
            desk.see(refused(START + n * HOUR, **kinds[n % 2]))
        assert [count for count, _ in flood(desk)] == [20, 20]
        case = desk.case(1)
        assert case.reply == SC001 and case.refusals == 40

    def test_the_newest_refusal_speaks(self, desk: Desk) -> None:
        other = Reply(550, "5.7.606", "banned")
        desk.see(refused(START))
        desk.see(refused(START + HOUR, reply=other))
        assert desk.case(1).reply == other
        newest = Reply(SC001.code, SC001.enhanced, "the same, in other words")
        desk.see(refused(START + 2 * HOUR, reply=newest))
        assert desk.case(1).reply == newest and len(flood(desk)) == 2

    def test_what_opens_the_case_again_is_an_event_and_begins_anew(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(refused(START))
        desk.change(1, lambda case: commands.close(case, START + HOUR, "gave-up", by="admin"))
        for hours in (2, 3, 4):
            desk.see(refused(START + hours * HOUR))
        assert names(desk) == ["refused", "closed", "refused", "reopened"]
        assert flood(desk) == [(2, 1), (3, 2)]
        assert desk.case(1).state == "open"

    def test_it_goes_on_while_a_person_works_on_it(self, desk: Desk) -> None:
        desk.see(refused(START))
        asked = ev.Requested(at=START + HOUR, by="admin", channel="form", identities=(IP,))
        desk.change(1, lambda case: commands.request(case, asked))
        desk.see(refused(START + 2 * HOUR))
        desk.see(refused(START + 3 * HOUR, count=4))
        assert flood(desk) == [(6, 5)]
        case = desk.case(1)
        assert (case.state, case.refusals, case.refused_to) == ("requested", 6, START + 3 * HOUR)

    def test_one_source_is_counted_once(self, desk: Desk) -> None:
        desk.see(refused(START, source="message:abc"))
        desk.see(refused(START + HOUR / 2, source="message:abc"))
        assert flood(desk) == [(1, 0)]

    def test_what_is_counted_survives_other_news(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(refused(START + HOUR / 2))
        desk.see(refused(START + HOUR / 2, reply=Reply(421, None, "later")))
        assert desk.case(1).refusals == 3
        assert flood(desk) == [(2, 1), (1, 0)]


class TestMessages:
    def test_a_message_is_counted_in_the_transaction_that_is_done_with_it(self, desk: Desk) -> None:
        mailbox = Mailbox(desk)
        (first,) = mailbox.keep([b"550 SC-001"], "lmtp", START)
        assert mailbox.keep([b"550 SC-001", b"other"], "lmtp", START)[0] == (first[0], False)
        desk.see(refused(START), handled=[first[0]])
        assert [m.body for m in mailbox.unhandled()] == [b"other"]
        assert desk.see(refused(START + 9 * HOUR), handled=[first[0]]) == ()
        assert names(desk) == ["refused"]

    def test_another_worker_did_a_part(self, desk: Desk) -> None:
        mailbox = Mailbox(desk)
        shas = [sha for sha, _ in mailbox.keep([b"a", b"b"], "lmtp", START)]
        desk.see(refused(START), handled=shas[:1])
        with pytest.raises(Overtaken):
            desk.see(refused(START + 9 * HOUR), handled=shas)
        assert names(desk) == ["refused"]
        assert [m.body for m in mailbox.unhandled()] == [b"b"]


class TestChanging:
    def test_a_refused_command_writes_nothing(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.change(1, lambda case: commands.request(case, ev.Requested(at=START)))
        before = consistency.rows(desk, t.events)
        with pytest.raises(NotNow):
            desk.change(1, lambda case: commands.request(case, ev.Requested(at=START)))
        assert consistency.rows(desk, t.events) == before

    def test_an_unknown_case(self, desk: Desk) -> None:
        for ask in (desk.case, desk.history, lambda n: desk.change(n, lambda _: ())):
            with pytest.raises(UnknownCase) as caught:
                ask(7)
            assert "no case 7" in str(caught.value)
            assert "todoku case list" in caught.value.text("ja")

    def test_an_error_half_way_leaves_all_as_it_was(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        desk.see(refused(START))
        before = [consistency.rows(desk, table) for table in t.metadata.tables.values()]

        def breaks(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr("todoku.store.cases.claim", breaks)
        with pytest.raises(RuntimeError):
            desk.change(1, lambda case: commands.request(case, ev.Requested(at=START)))
        after = [consistency.rows(desk, table) for table in t.metadata.tables.values()]
        assert after == before

    def test_an_event_of_a_newer_todoku(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(refused(START, OTHER_IP))
        with store.writing(desk.engine) as connection:
            newer = sa.func.replace(t.events.c.payload, '"v":1', '"v":7')
            update = sa.update(t.events).where(t.events.c.case_id == 1)
            connection.execute(update.values(payload=newer))
        with pytest.raises(NewerEvent, match="1/1"):
            desk.case(1)
        assert desk.case(2).state == "open"
        assert len(desk.rows()) == 2

    def test_tickets_lead_to_their_case(self, desk: Desk) -> None:
        desk.see(refused(START))
        asked = ev.Requested(at=START, ticket="SRX1234567890ID")
        desk.change(1, lambda case: commands.request(case, asked))
        assert desk.find("ticket:SRX1234567890ID") == 1
        assert desk.find("ticket:SRX9999999999ID") is None

    def test_letters_lead_to_their_case(self, desk: Desk) -> None:
        """A desk's answer replies to one of them."""
        desk.see(refused(START))
        asked = ev.Requested(at=START, message_id="<1@hoge.test>")
        desk.change(1, lambda case: commands.request(case, asked))
        later = ev.Answered(at=START, class_="refused", authentic=True)
        desk.change(1, lambda case: commands.answer(case, later))
        again = ev.Escalated(at=START + 200 * HOUR, message_id="<2@hoge.test>")
        desk.change(1, lambda case: commands.escalate(case, again))
        assert [desk.find(f"message:<{n}@hoge.test>") for n in (1, 2, 3)] == [1, 1, None]
        desk.rebuild()
        assert desk.find("message:<2@hoge.test>") == 1

    def test_what_is_planned_follows_the_events(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.change(1, lambda case: commands.request(case, ev.Requested(at=START)))
        for hours in (48, 72):
            answer = ev.Answered(
                at=START, class_="mitigated", max_hours=hours, authentic=True, source=str(hours)
            )
            desk.change(1, lambda case, a=answer: commands.answer(case, a))  # type: ignore[misc]
        until = (START + 72 * HOUR).timestamp()
        assert (1, "wait/0", until) in consistency.open_actions(desk)
        cancelled = {r["key"] for r in consistency.rows(desk, t.actions) if r["outcome"]}
        assert "remind/request/1/0/0" in cancelled
        consistency.check(desk)


class TestAtOnce:
    """Writers at the same moment."""

    N = 6

    def together(self, desks: list[Desk], work: object) -> list[object]:
        start = threading.Barrier(len(desks))

        def run(n: int) -> object:
            start.wait()
            return work(desks[n], n)  # type: ignore[operator]

        with ThreadPoolExecutor(len(desks)) as pool:
            return list(pool.map(run, range(len(desks))))

    def test_sightings_of_one_thing_open_one_case(self, open_desk: OpenDesk) -> None:
        desks = [open_desk() for _ in range(self.N)]
        self.together(
            desks, lambda d, n: d.see(reported(f"person:{n}", identities=(IP,), to=("a.example",)))
        )
        assert names(desks[0]) == ["reported"] * self.N
        assert len(desks[0].rows()) == 1
        consistency.check(desks[0])

    def test_reports_without_an_identity_too(self, open_desk: OpenDesk) -> None:
        desks = [open_desk() for _ in range(self.N)]
        self.together(desks, lambda d, n: d.see(reported(f"person:{n}")))
        assert len(desks[0].rows()) == 1

    def test_different_things_get_different_numbers(self, open_desk: OpenDesk) -> None:
        desks = [open_desk() for _ in range(self.N)]
        self.together(desks, lambda d, n: d.see(refused(START, Identity("ip", f"192.0.2.{n}"))))
        assert sorted(row["number"] for row in desks[0].rows()) == [1, 2, 3, 4, 5, 6]

    def test_a_request_is_filed_once(self, open_desk: OpenDesk) -> None:
        desks = [open_desk() for _ in range(self.N)]
        desks[0].see(refused(START))

        def ask(desk: Desk, n: int) -> bool:
            event = ev.Requested(at=START, by=f"admin {n}")
            try:
                return bool(desk.change(1, lambda case: commands.request(case, event)))
            except NotNow:
                return False

        assert sorted(map(bool, self.together(desks, ask))) == [False] * 5 + [True]
        assert names(desks[0]) == ["refused", "requested"]

    def test_two_cannot_append_the_same_number(self, desk: Desk) -> None:
        """Were the locks to fail: the second writer's event is refused, and read again."""
        desk.see(refused(START))
        stale = desk.case(1)
        desk.change(1, lambda _: (ev.Noted(at=START, text="first"),))
        with pytest.raises(sa.exc.IntegrityError), store.writing(desk.engine) as connection:
            desk.append(connection, stale, [ev.Noted(at=START, text="second")])
        assert names(desk) == ["refused", "noted"]


def test_a_clock_that_goes_backwards(desk: Desk) -> None:
    desk.see(refused(START))
    for n in range(5):
        at = START - n * timedelta(days=1)
        desk.change(1, lambda _, at=at: (ev.Noted(at=at, text=""),))  # type: ignore[misc]
        desk.see(refused(at, reply=SC001))
    assert desk.case(1).state == "open"
    assert [recorded.seq for recorded in desk.history(1)] == list(
        range(1, len(desk.history(1)) + 1)
    )
    consistency.check(desk)


def test_an_empty_desk(desk: Desk) -> None:
    assert desk.rows() == []
    assert desk.rebuild() == 0
    assert Case().number == 0


class TestFloods:
    def test_of_several_addresses_of_one_case(self, desk: Desk) -> None:
        third = Identity("ip", "192.0.2.3")
        desk.see(refused(START, IP, third))
        for identity in (IP, third, IP):
            assert desk.see(refused(START, identity)) == ()
        assert flood(desk) == [(4, 3)]
        (recorded,) = desk.see(refused(START + 30 * HOUR, third))
        assert isinstance(recorded.event, ev.Refused) and recorded.event.identities == (third,)
        assert desk.see(refused(START + 31 * HOUR, IP)) != ()
        assert [count for count, _ in flood(desk)] == [4, 1, 1]


class TestOrders:
    """What a person orders is done once, whoever executes it and however often."""

    ORDER = f"order:{'a' * 32}"

    def test_an_event_of_an_order_counts_once_in_all_cases(self, desk: Desk) -> None:
        desk.see(refused(START))
        event = reported(source=self.ORDER)
        first = desk.see(event, order=self.ORDER)
        # Meanwhile the place leads to another case.
        desk.see(refused(START + HOUR, OTHER_IP))
        desk.see(reported("person:2"))
        assert [r.case for r in first] == [1] and names(desk, 2)[-1] == "reported"
        assert desk.see(event, order=self.ORDER) == first
        assert names(desk, 1).count("reported") + names(desk, 2).count("reported") == 2
        consistency.check(desk)

    def test_a_refusal_and_its_diagnosis_come_back_together(self, desk: Desk) -> None:
        diagnosed = ev.Diagnosed(at=START, place=MICROSOFT, source=self.ORDER)
        event = refused(START, source=self.ORDER)
        first = desk.see(event, diagnosed, order=self.ORDER)
        assert [ev.name(r.event) for r in first] == ["refused", "diagnosed"]
        assert desk.see(event, diagnosed, order=self.ORDER) == first
        assert len(names(desk)) == 2

    def test_a_refusal_of_an_order_is_an_event_of_its_own(self, desk: Desk) -> None:
        desk.see(refused(START))
        desk.see(refused(START))
        event = refused(START, source=self.ORDER)
        first = desk.see(event, order=self.ORDER)
        desk.see(refused(START + HOUR / 2))
        assert desk.see(event, order=self.ORDER) == first
        assert [r.event.count for r in first if isinstance(r.event, ev.Refused)] == [1]
        assert first[0].event.source == self.ORDER
        assert flood(desk) == [(2, 1), (2, 1)]

    def test_a_command_is_not_asked_again(self, desk: Desk) -> None:
        desk.see(refused(START))

        def close(case: Case) -> list[ev.Closed]:
            assert case.closed is None
            return [ev.Closed(at=START, why="gave-up", source=self.ORDER)]

        first = desk.change(1, close, order=self.ORDER)
        assert desk.change(1, close, order=self.ORDER) == first
        assert names(desk) == ["refused", "closed"]

    def test_two_who_execute_one_order_at_once(self, open_desk: OpenDesk) -> None:
        desks = [open_desk() for _ in range(4)]
        start = threading.Barrier(len(desks))

        def work(desk: Desk) -> tuple[Recorded, ...]:
            start.wait()
            return desk.see(reported(source=self.ORDER), order=self.ORDER)

        with ThreadPoolExecutor(len(desks)) as pool:
            found = set(pool.map(work, desks))
        assert len(found) == 1
        assert names(desks[0]) == ["reported"]
