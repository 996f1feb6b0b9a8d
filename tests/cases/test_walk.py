"""Cases as they are lived: the story, and what else desks do. Each test reads as what happens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.cases.world import HOUR, IP, MICROSOFT, OTHER_IP, START, ZEN, World, refused
from todoku.cases import NotNow, NotThis, commands, due
from todoku.cases import events as ev
from todoku.cases.fold import fold
from todoku.cases.policy import Policy
from todoku.model import Identity, Reply


def asked() -> World:
    """Reported, refused, diagnosed, checked; the cause is known; the desk was asked."""
    w = World()
    w.report()
    w.pass_(minutes=8)
    w.refuse()
    w.work()
    w.pass_(minutes=28)
    w.serve(w.tasks()[0])
    w.request(desk="microsoft-consumer")
    return w


def promised() -> World:
    w = asked()
    w.pass_(minutes=52)
    w.answer("conditionally-mitigated", min_hours=24, max_hours=48, words="条件付緩和済み")
    return w


def test_the_story() -> None:
    w = World()
    w.report(words="Hotmailのアドレスの方へメールが送れない状況です。どうしましょうか?")
    assert w.wants() == ["identify"]
    assert w.kinds() == ["tell"]
    w.pass_(minutes=8)
    w.refuse()
    assert w.kinds() == ["tell", "diagnose", "check"]
    w.work()
    assert w.states() == ["open"]
    assert w.wants() == ["cause", "request"]
    w.serve(w.tasks()[0])
    assert w.wants() == ["request"]
    w.pass_(minutes=28)
    w.request(desk="microsoft-consumer")
    assert w.states() == ["requested"]
    assert w.wants() == w.kinds() == []
    w.pass_(minutes=1)
    w.answer("received", ticket="SRX1234567890ID")
    assert w.states() == ["acknowledged"]
    assert w.case.tickets == ("SRX1234567890ID",)
    w.pass_(minutes=51)
    w.answer("conditionally-mitigated", min_hours=24, max_hours=48, words="条件付緩和済み")
    settled = w.now + 48 * HOUR
    assert w.states() == ["settling"]
    assert w.case.standings[0].until == settled
    assert w.next_at() == settled
    w.now = settled - timedelta(seconds=1)
    assert w.kinds() == w.wants() == []
    w.pass_(seconds=1)
    assert w.kinds() == ["wait"]
    w.work()
    assert w.states() == ["verifying"]
    assert isinstance(w.events[-1], ev.Probed)
    for _ in range(4):
        assert w.states() == ["verifying"]
        w.pass_(hours=6)
        w.work()
    assert w.case.state == "closed"
    assert [ev.name(event) for event in w.events] == [
        "reported", "refused", "told", "diagnosed", "checked", "cause-found", "mended",
        "requested", "answered", "answered", "waited", "probed", "probed", "probed", "probed",
        "probed", "told", "closed",
    ]  # fmt: skip
    told = [event.about for event in w.events if isinstance(event, ev.Told)]
    assert told == ["opened", "resolved"]


def test_declined_first() -> None:
    w = asked()
    w.answer("not-qualified")
    assert w.states() == ["declined"]
    assert "escalate" not in w.wants()
    w.pass_(hours=4)
    assert w.wants() == ["escalate"]
    w.serve(w.tasks()[0])
    assert w.states() == ["requested"]
    w.answer("not-qualified")
    w.pass_(hours=23)
    assert w.wants() == []
    w.pass_(hours=1)
    assert w.wants() == ["escalate"]
    w.live_on()
    assert w.case.closed is not None
    assert w.case.closed.why == "resolved"


def test_a_desk_that_says_no_for_ever_is_handed_to_a_person() -> None:
    w = asked()
    for _ in range(5):
        w.answer("refused")
        w.pass_(days=3)
        assert w.wants() == ["escalate"]
        w.serve(w.tasks()[0])
    w.answer("refused")
    w.pass_(days=30)
    assert w.wants() == ["decide"]


def test_nothing_detected_is_looked_at_at_once() -> None:
    w = asked()
    w.answer("nothing-detected")
    assert w.states() == ["verifying"]
    assert w.kinds() == ["probe"]
    w.work("refused")
    assert w.states() == ["declined"]
    w.pass_(hours=4)
    assert w.wants() == ["escalate"]


def test_nothing_detected_does_not_shorten_a_promise() -> None:
    w = promised()
    w.answer("nothing-detected")
    assert w.states() == ["settling"]


def test_a_second_promise_does_not_shorten_the_first() -> None:
    w = promised()
    until = w.case.standings[0].until
    w.answer("mitigated", max_hours=1)
    assert w.case.standings[0].until == until
    w.answer("mitigated", max_hours=72)
    assert w.case.standings[0].until == w.now + 72 * HOUR


def test_a_wait_that_was_lengthened_meanwhile_is_not_over() -> None:
    w = promised()
    w.answer("mitigated", max_hours=72)
    w.add([ev.Waited(at=w.now, until=w.now + 48 * HOUR)])
    assert w.states() == ["settling"]


def test_what_was_accepted_before_the_newest_refusal_proves_nothing() -> None:
    w = asked()
    w.pass_(days=3)
    w.refuse()
    first, last = w.now - 72 * HOUR, w.now - HOUR
    tried = ev.Tried(
        at=w.now, identity=IP, how="mail", result="accepted", count=9, first=first, last=last
    )
    w.run(commands.try_, tried)
    assert w.case.standings[0].accepted.count == 0
    tried = ev.Tried(
        at=w.now + HOUR,
        identity=IP,
        how="mail",
        result="accepted",
        count=9,
        first=first,
        last=w.now + HOUR,
    )
    w.run(commands.try_, tried)
    assert w.case.standings[0].accepted.count == 1, "of the nine only the last is known to be later"
    assert w.states() == ["requested"]


def test_nothing_is_closed_before_all_are_told() -> None:
    w = asked()
    w.add([ev.Probed(at=w.now, identity=IP, result="accepted", proves=(w.case.standings[0].key,))])
    assert w.kinds() == ["tell"]
    w.do(w.due()[0])
    assert w.kinds() == ["close"]


def test_needs_information() -> None:
    w = asked()
    w.answer("needs-information", asks=("refusal-line", "reverse-dns"))
    assert w.states() == ["open"]
    assert w.wants() == ["inform"]
    assert w.case.standings[0].asks == ("refusal-line", "reverse-dns")
    w.serve(w.tasks()[0])
    assert w.states() == ["requested"]
    assert not w.case.standings[0].asks


def test_two_addresses_in_one_answer() -> None:
    w = asked()
    w.refuse(OTHER_IP)
    w.request()
    verdicts = (
        ev.Verdict(identity=IP, class_="mitigated"),
        ev.Verdict(identity=OTHER_IP, class_="not-qualified"),
    )
    w.answer("not-qualified", verdicts=verdicts, max_hours=24)
    assert w.states() == ["settling", "declined"]
    assert w.case.state == "declined"
    assert w.case.standings[0].until == w.now + 24 * HOUR
    w.live_on()
    assert w.states() == ["closed", "closed"]


def test_a_verdict_on_a_foreign_address_moves_nothing() -> None:
    w = asked()
    foreign = Identity("ip", "203.0.113.80")
    w.answer("mitigated", verdicts=(ev.Verdict(identity=foreign, class_="mitigated"),))
    assert w.states() == ["requested"]
    assert len(w.case.standings) == 1


def test_a_link_to_be_clicked_is_reminded_of_within_the_hour() -> None:
    w = asked()
    w.answer("received", asks=("confirm-link",))
    assert w.states() == ["requested"], "not acknowledged before the click"
    assert w.wants() == ["confirm"]
    w.pass_(minutes=20)
    (reminder,) = w.due()
    assert reminder.kind == "remind"
    w.work()
    w.pass_(days=3)
    assert w.kinds() == [], "once"
    w.run(commands.acknowledge, ev.Acknowledged(at=w.now, by="admin"))
    assert w.wants() == []
    assert w.states() == ["acknowledged"]


def test_a_forged_answer_moves_nothing_until_a_person_takes_it() -> None:
    w = asked()
    before = w.case
    w.answer("mitigated", authentic=False)
    assert w.case.standings == before.standings
    assert w.wants() == ["look"]
    w.run(commands.accept, w.now, w.case.seq, "admin")
    assert w.states() == ["settling"]
    assert w.wants() == []


def test_an_unclear_answer_is_read_by_a_person() -> None:
    w = asked()
    w.answer("unclear")
    assert w.wants() == ["look"]
    seq = w.case.seq
    w.run(commands.accept, w.now, seq, "admin", "not-qualified")
    assert w.states() == ["declined"]
    assert "look" not in w.wants()
    read = w.events[-2]
    assert isinstance(read, ev.Answered)
    assert (read.by, read.class_) == ("admin", "not-qualified")


def test_expires() -> None:
    w = asked()
    until = w.now + timedelta(days=3)
    w.answer("expires", until=until)
    assert w.states() == ["settling"]
    assert w.next_at() == until


def test_a_day_that_is_far_off_is_a_persons_matter() -> None:
    w = asked()
    w.answer("expires", until=w.now + timedelta(days=4000))
    w.pass_(days=14)
    assert w.wants() == ["decide"]


def test_our_own_request_bounced() -> None:
    w = asked()
    w.answer("bounce")
    assert w.states() == ["open"]
    assert w.wants() == ["request"]
    w.answer("bounce")
    w.request()
    w.answer("received")
    w.answer("bounce")
    assert w.states() == ["acknowledged"], "what was acknowledged has arrived"


def test_a_silent_desk() -> None:
    w = asked()
    w.pass_(days=7, seconds=-1)
    assert w.wants() == w.kinds() == []
    w.pass_(seconds=1)
    assert w.wants() == ["chase"]
    w.pass_(days=1)
    assert w.kinds() == ["remind"]
    w.work()
    w.serve(w.tasks()[0])
    assert w.states() == ["requested"]
    assert w.wants() == []


def test_refused_while_settling_is_no_failure() -> None:
    w = promised()
    w.pass_(hours=20)
    w.refuse()
    assert w.states() == ["settling"]


def test_a_late_bounce_says_nothing() -> None:
    w = promised()
    long_ago = w.now
    w.pass_(hours=48)
    w.do(w.due()[0])
    w.pass_(hours=1)
    w.refuse(first=long_ago, last=long_ago)
    assert w.states() == ["verifying"]
    w.refuse()
    assert w.states() == ["declined"]


def test_a_limit_after_mitigation_is_no_refusal() -> None:
    w = promised()
    w.pass_(hours=48)
    w.do(w.due()[0])
    w.pass_(hours=1)
    w.refuse(temporary=True, reply=Reply(451, None, "4.7.650 slow down"))
    assert w.states() == ["verifying"]
    assert w.case.reply is not None
    assert w.case.reply.code == 550


def test_a_block_that_only_delays_is_one() -> None:
    w = World()
    w.refuse(temporary=True, reply=Reply(421, None, "[TSS04]"))
    w.request()
    w.answer("mitigated")
    w.pass_(hours=48)
    w.do(w.due()[-1])
    w.pass_(hours=1)
    w.refuse(temporary=True, reply=Reply(421, None, "[TSS04]"))
    assert w.states() == ["declined"]


@pytest.mark.parametrize("closed", [True, False])
def test_refused_after_the_end(closed: bool) -> None:
    w = promised()
    w.live_on()
    if not closed:
        w.case = fold(w.events[:-1])
        assert w.case.state == "resolved"
    if closed:
        w.report("suzuki")
    w.pass_(days=7)
    w.refuse()
    assert w.case.state == "open"
    assert w.case.round >= 2
    assert {"diagnose", "check"} <= set(w.kinds())
    assert "request" in w.wants()
    w.live_on()
    told = [(e.who, e.about) for e in w.events if isinstance(e, ev.Told) and e.about == "resolved"]
    assert told == [("sato", "resolved")] + ([("suzuki", "resolved")] if closed else [])


def test_a_bounce_of_before_the_end_does_not_reopen() -> None:
    w = promised()
    before = w.now
    w.live_on()
    w.pass_(hours=1)
    w.refuse(first=before, last=before)
    assert w.case.state == "closed"
    assert w.case.refusals == 2


def test_not_ours_stays_closed() -> None:
    w = asked()
    w.run(commands.close, w.now, "not-ours", by="admin")
    w.pass_(hours=1)
    w.refuse()
    assert w.case.state == "closed"


def test_what_is_resolved_but_for_one_address() -> None:
    w = asked()
    w.refuse(OTHER_IP)
    w.request()
    w.answer("mitigated")
    w.live_on()
    w.pass_(days=1)
    w.refuse(OTHER_IP)
    assert w.states() == ["closed", "open"]
    w.pass_(days=1)
    w.refuse(IP)
    assert w.states() == ["open", "open"]


def test_a_public_list_is_asked_instead_of_the_receiver() -> None:
    w = World()
    w.refuse(place=ZEN)
    w.work("refused")
    w.request()
    w.answer("delisted")
    w.pass_(hours=48)
    w.deeds.clear()
    while w.case.state != "closed":
        w.work()
        w.pass_(hours=6)
    assert [deed.partition("/")[0] for deed in w.deeds] == ["wait", *["check"] * 5, "close"]


def test_still_listed_after_the_promise() -> None:
    w = World()
    w.refuse(place=ZEN)
    w.work()
    w.request()
    w.answer("delisted")
    w.pass_(hours=48)
    w.do(w.due()[0])
    w.work("refused")
    assert w.states() == ["declined"]


def test_a_block_that_ends_by_itself() -> None:
    """Nobody asked; mail is accepted again."""
    w = asked()
    for n in range(3):
        w.pass_(hours=13)
        tried = ev.Tried(
            at=w.now, identity=IP, how="mail", result="accepted", first=w.now, last=w.now
        )
        w.run(commands.try_, tried)
        assert w.states() == ["requested" if n < 2 else "resolved"]


def test_three_accepted_in_an_hour_prove_nothing() -> None:
    w = asked()
    tried = ev.Tried(
        at=w.now, identity=IP, how="mail", result="accepted", count=3, first=w.now, last=w.now
    )
    w.run(commands.try_, tried)
    assert w.states() == ["requested"]


def test_two_hosts_have_to_accept_where_there_are_two() -> None:
    for hosts, state in ((1, "resolved"), (2, "verifying")):
        w = promised()
        w.pass_(hours=48)
        w.do(w.due()[0])
        last = w.now + 25 * HOUR
        tried = ev.Tried(
            at=last,
            identity=IP,
            result="accepted",
            count=3,
            first=w.now,
            last=last,
            hosts=("mx1",),
        )
        w.run(commands.try_, tried, hosts=hosts)
        assert w.states() == [state]


def test_accepted_but_junked() -> None:
    w = promised()
    w.pass_(hours=48)
    w.do(w.due()[0])
    tried = ev.Tried(at=w.now, identity=IP, result="junked", first=w.now, last=w.now)
    w.run(commands.try_, tried)
    assert w.states() == ["junked"]
    assert w.case.standings[0].accepted.count == 1


def test_probes_that_tell_nothing_give_way_to_a_trial() -> None:
    w = promised()
    w.pass_(hours=48)
    w.do(w.due()[0])
    w.work("inconclusive")
    w.pass_(hours=6)
    w.work("inconclusive")
    w.pass_(hours=6)
    assert w.kinds() == []
    assert w.wants() == ["try"]


def test_a_domain_and_a_receiver_that_forbids_it_are_not_probed() -> None:
    for identity, policy in (
        (Identity("domain", "hoge.example"), Policy()),
        (IP, Policy(never_probed=frozenset({"microsoft-consumer"}))),
    ):
        w = World(policy)
        w.refuse(identity)
        w.request()
        w.answer("mitigated")
        w.pass_(hours=48)
        w.do(next(a for a in w.due() if a.kind == "wait"))
        assert "probe" not in w.kinds()
        assert "try" in w.wants()


def test_two_who_report_are_told_once_each() -> None:
    w = asked()
    w.report("sato")
    w.report("suzuki")
    w.work()
    w.live_on()
    told = [(e.who, e.about) for e in w.events if isinstance(e, ev.Told) and e.about != "reminder"]
    assert sorted(told) == [
        ("sato", "opened"), ("sato", "resolved"), ("suzuki", "opened"), ("suzuki", "resolved"),
    ]  # fmt: skip


def test_who_reports_again_is_told_again() -> None:
    w = asked()
    w.live_on()
    w.pass_(days=1)
    w.report("sato")
    assert w.case.state == "open"
    w.live_on()
    told = [e.about for e in w.events if isinstance(e, ev.Told)]
    assert told == ["opened", "resolved", "opened", "resolved"]


def test_an_address_that_changed_is_good_news_too() -> None:
    w = asked()
    w.run(commands.close, w.now, "address-changed", by="admin")
    assert w.kinds() == ["tell"]
    w.work()
    assert w.kinds() == []
    assert w.case.untold == ()


def test_what_is_held_is_released_after_the_end() -> None:
    w = asked()
    w.run(commands.hold, ev.Held(at=w.now, how="retry:"))
    w.answer("mitigated")
    w.live_on()
    assert w.case.state == "closed"
    released = [e for e in w.events if isinstance(e, ev.Released)]
    assert len(released) == 1
    assert w.case.held is None


def test_todoku_asks_by_itself_only_where_it_may() -> None:
    w = World(Policy(unattended=frozenset({"microsoft-consumer"})))
    w.refuse()
    w.work()
    assert "request" not in w.deeds
    assert w.wants() == ["cause"], "not before the cause is known"
    w.serve(w.tasks()[0])
    assert w.kinds() == ["request"]
    w.do(w.due()[0])
    assert w.kinds() == ["send"] and w.states() == ["requested"]
    w.work()
    assert w.due() == () and w.case.outbox == ()
    w.answer("not-qualified", message_id="<no@desk.test>")
    assert w.wants() == []
    w.pass_(hours=4)
    assert w.kinds() == ["escalate"]
    w.work()
    assert w.case.thread[1] == "<no@desk.test>" and len(w.case.thread) == 3


def by_itself() -> World:
    w = World(Policy(unattended=frozenset({"microsoft-consumer"})))
    w.refuse()
    w.work()
    w.serve(w.tasks()[0])
    return w


def test_what_is_in_the_way_is_put_to_a_person_once() -> None:
    w = by_itself()
    w.run(commands.hinder, ev.Hindered(at=w.now, obstacles=("gaps",)))
    assert w.due() == () and w.wants() == ["request"]
    w.pass_(days=1)
    assert w.kinds() == ["remind"]
    # What is learnt since may have cleared the way.
    w.add([ev.Mended(at=w.now, by="admin", what="closed the relay")])
    assert "request" in w.kinds() and w.wants() == []


def test_a_request_that_was_never_sent_is_a_persons_again() -> None:
    w = by_itself()
    w.do(w.due()[0])
    w.do(w.due()[0], "failed")
    assert w.states() == ["open"] and w.case.outbox == ()
    assert w.due() == () and w.wants() == ["request"]


def test_a_reply_that_was_never_sent_counts_for_nothing() -> None:
    w = by_itself()
    w.work()
    w.answer("refused")
    w.pass_(hours=4)
    w.do(w.due()[0])
    assert w.case.standings[0].escalations == 1
    w.do(w.due()[0], "failed")
    assert w.states() == ["declined"] and w.case.standings[0].escalations == 0
    assert w.wants() == [] and w.due() == ()
    w.pass_(hours=4)
    assert w.wants() == ["escalate"], "after the pause, and a person's"


def test_an_answer_that_overtakes_the_letter_makes_it_pointless() -> None:
    w = by_itself()
    w.do(w.due()[0])
    w.answer("delisted", max_hours=1.0)
    assert "send" not in w.kinds()
    # And it is not taken out again for what comes later.
    w.pass_(hours=2)
    w.work("refused")
    w.pass_(hours=4)
    w.do(w.due()[0])
    assert len([a for a in w.due() if a.kind == "send"]) == 1


def test_a_closed_case_sends_nothing() -> None:
    w = by_itself()
    w.do(w.due()[0])
    w.run(commands.close, w.now, "gave-up", by="admin")
    assert w.due() == ()
    w.report("suzuki")
    assert "send" not in w.kinds()


def test_a_report_alone_waits_for_a_person() -> None:
    w = World()
    w.report(place=None, to=("partner.example",))
    w.work()
    assert w.wants() == ["identify"]
    w.pass_(days=1)
    assert w.kinds() == ["remind"]
    assert [a.kind for a in due.plan(w.case)] == ["remind"]


def test_ipv6_is_one_by_its_network() -> None:
    w = World()
    w.refuse(Identity("ip", "2001:db8:1:2::25"))
    w.refuse(Identity("ip", "2001:DB8:1:2:0:0:0:26"))
    w.refuse(Identity("ip", "2001:db8:1:3::25"))
    assert [s.key for s in w.case.standings] == ["ip:2001:db8:1:2::/64", "ip:2001:db8:1:3::/64"]
    assert w.case.standings[0].identity.value == "2001:db8:1:2::25"


def test_a_clock_that_was_ages_ahead() -> None:
    """Refusals of the year 9000 do not keep a case open for ever."""
    w = World(now=START)
    event = refused(START, first=START.replace(year=9000), last=START.replace(year=9999))
    w.run(commands.refuse, event)
    assert w.case.refused_to == START
    assert w.case.place == MICROSOFT
    w.live_on()
    assert w.case.state == "closed"


# Trials


def found(w: World, result: ev.Result) -> None:
    """What became of the trial."""
    w.pass_(hours=1)
    w.do(next(a for a in w.due() if a.kind == "look"), result)


def send_trial(w: World) -> None:
    w.try_(IP)
    w.do(next(a for a in w.due() if a.kind == "try"))


def verifying() -> World:
    w = promised()
    w.pass_(hours=48)
    w.do(w.due()[0])
    return w


def test_a_trial_is_sent_looked_for_and_over() -> None:
    w = verifying()
    send_trial(w)
    w.pass_(hours=1)
    assert "look" in w.kinds() and "try" not in w.kinds()
    with pytest.raises(NotNow, match="under way"):
        w.try_(IP)
    found(w, "accepted")
    assert w.case.standings[0].accepted.count == 1
    assert "look" not in w.kinds()
    # What is told twice counts once.
    again = [e for e in w.events if isinstance(e, ev.Tried)][-1]
    w.run(commands.trial_over, again)
    assert w.case.standings[0].accepted.count == 1


def real_mail(w: World) -> None:
    """It is accepted, and nobody sees where it goes."""
    w.pass_(hours=30)
    mail = ev.Tried(
        at=w.now, identity=IP, how="mail", result="accepted", count=9, first=w.now - 29 * HOUR,
        last=w.now, hosts=("mx1", "mx2"),
    )  # fmt: skip
    w.run(commands.try_, mail)


def test_a_trial_in_the_junk_folder_is_a_state_of_its_own() -> None:
    w = verifying()
    send_trial(w)
    found(w, "junked")
    assert w.states() == ["junked"]
    assert w.wants() == ["junk"]
    real_mail(w)
    assert w.states() == ["junked"]
    # A later one in the inbox: it was accepted all the time, so that is proven at once.
    send_trial(w)
    found(w, "accepted")
    assert w.states() == ["resolved"]


def test_what_was_junked_can_be_refused_again() -> None:
    w = verifying()
    send_trial(w)
    found(w, "junked")
    w.pass_(hours=1)
    w.refuse()
    assert w.states() == ["declined"]


def test_a_refusal_answers_the_trial_that_went_out_before_it() -> None:
    w = verifying()
    send_trial(w)
    w.pass_(hours=1)
    early = w.now - 2 * HOUR
    w.refuse(first=early, last=early)  # a bounce that comes late
    assert w.case.trials
    w.refuse()
    assert w.case.trials == ()


def test_a_trial_that_no_server_took_is_over() -> None:
    w = verifying()
    w.try_(IP)
    w.do(next(a for a in w.due() if a.kind == "try"), "failed")
    assert w.case.trials == ()
    assert w.states() == ["verifying"]


def test_a_junked_trial_alone_ends_no_request() -> None:
    w = World()
    w.refuse()
    send_trial(w)
    found(w, "junked")
    assert w.states() == ["open"]
    real_mail(w)
    assert w.states() == ["junked"]


def test_a_trial_of_an_address_that_is_not_of_the_case() -> None:
    w = verifying()
    with pytest.raises(NotThis, match="not what case 12 is about"):
        w.try_(OTHER_IP)


@pytest.mark.parametrize("state", ["requested", "acknowledged", "declined"])
def test_who_asked_the_wrong_desk_asks_the_right_one_at_once(state: str) -> None:
    w = World()
    w.refuse()
    w.work()
    w.request(desk="microsoft-365/delist")
    if state == "acknowledged":
        w.answer("received")
    elif state == "declined":
        w.answer("refused")
    assert w.states() == [state]
    with pytest.raises(NotNow):  # the same one is not asked twice
        w.request(desk="microsoft-365/delist")
    with pytest.raises(NotNow):
        w.request()
    w.request(desk="microsoft-consumer/support")
    assert w.states() == ["requested"] and w.case.desk == "microsoft-consumer/support"
    w.answer("mitigated")
    with pytest.raises(NotNow):  # what is promised is waited for, whoever else might be asked
        w.request(desk="microsoft-365/delist")


def test_a_reply_by_itself_quotes_the_refusal_of_today() -> None:
    """Where the last one is days old, the receiver is asked first."""
    w = by_itself()
    w.work()
    w.pass_(days=4)
    w.answer("refused")
    w.pass_(hours=4)
    assert w.kinds() == ["probe"]
    w.do(w.due()[0], "refused")
    assert w.kinds() == ["escalate"] and w.case.refused_to == w.now


def test_what_is_accepted_meanwhile_needs_no_reply() -> None:
    w = by_itself()
    w.work()
    w.pass_(days=4)
    w.answer("refused")
    w.pass_(hours=4)
    for _ in range(5):
        assert w.kinds() == ["probe"]
        w.do(w.due()[0], "accepted")
        w.pass_(hours=6)
    assert w.states() == ["resolved"]


def test_what_probes_cannot_tell_is_a_persons() -> None:
    w = by_itself()
    w.work()
    w.pass_(days=4)
    w.answer("refused")
    w.pass_(hours=4)
    for _ in range(2):
        w.do(w.due()[0], "inconclusive")
        w.pass_(hours=6)
    assert w.kinds() == ["escalate"], "which finds the refusal old, and leaves it to a person"
