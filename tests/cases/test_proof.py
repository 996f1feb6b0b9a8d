"""When a case is over: a table of what was seen after the desk's promise had settled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, NamedTuple

import pytest

from tests.cases.world import IP, ZEN, World
from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.policy import Policy, Proves
from todoku.model import Reply

How = Literal["mail", "trial", "probe", "refused", "deferred", "junked"]
DAY = 24.0


class Seen(NamedTuple):
    """One thing that was met, `hours` after the time to settle."""

    hours: float
    how: How
    host: str = "mx1"
    many: int = 1


def verifying(policy: Policy) -> World:
    w = World(policy)
    w.refuse()
    w.work()
    w.request()
    w.answer("mitigated", max_hours=24.0)
    w.pass_(hours=24)
    w.run(commands.wait_over, w.now)
    assert w.states() == ["verifying"]
    return w


def meet(w: World, seen: Seen, hosts: int) -> None:
    at = w.now
    if seen.how == "probe":
        probed = ev.Probed(at=at, identity=IP, result="accepted", host=seen.host)
        w.run(commands.probe, probed, w.policy, hosts)
        return
    result: Any = {"mail": "accepted", "trial": "accepted"}.get(seen.how, seen.how)
    how: Any = "trial" if seen.how == "trial" else "mail"
    tried = ev.Tried(
        at=at, identity=IP, how=how, result=result, hosts=(seen.host,), count=seen.many,
        first=at, last=at,
    )  # fmt: skip
    w.run(commands.try_, tried, w.policy, hosts)


def days(how: How, *hours: float, host: str = "mx1") -> list[Seen]:
    return [Seen(h, how, host) for h in hours]


TWO = [Seen(1, "mail"), Seen(10, "mail", "mx2"), Seen(26, "mail")]
TABLE: list[tuple[str, Proves, int, list[Seen], str]] = [
    ("three real messages over a day", "mail", 1, days("mail", 1, 10, 25), "resolved"),
    ("two of them", "mail", 1, days("mail", 1, 25), "verifying"),
    ("three within the day", "mail", 1, days("mail", 1, 2, 24.9), "verifying"),
    ("many at once", "mail", 1, [Seen(1, "mail", many=500)], "verifying"),
    ("many at once, and one the day after", "mail", 1,
     [Seen(1, "mail", many=500), Seen(25, "mail")], "resolved"),
    ("at one host, where two answer", "mail", 2, days("mail", 1, 10, 25), "verifying"),
    ("at two hosts, where two answer", "mail", 2, TWO, "resolved"),
    ("at two hosts, where nine answer", "mail", 9, TWO, "resolved"),
    ("a refusal between", "mail", 1,
     [*days("mail", 1, 10), Seen(20, "refused"), *days("mail", 25)], "declined"),
    ("a mere delay between", "mail", 1,
     [*days("mail", 1, 10), Seen(20, "deferred"), *days("mail", 25)], "resolved"),
    ("trials do not do", "mail", 1, days("trial", 1, 10, 25), "verifying"),
    ("nor do probes", "mail", 1, days("probe", 1, 10, 25, 60), "verifying"),
    ("nor all of them together", "mail", 1,
     [Seen(1, "mail"), Seen(10, "trial"), Seen(25, "probe"), Seen(30, "mail")], "verifying"),
    ("too little mail: trials do, after three days", "mail", 1,
     [Seen(1, "trial"), Seen(30, "trial"), Seen(73, "trial")], "resolved"),
    ("too little mail: it counts with them", "mail", 1,
     [Seen(1, "mail"), Seen(30, "trial"), Seen(73, "mail")], "resolved"),
    ("too little mail: probes still do not", "mail", 1,
     days("probe", 1, 30, 73, 100), "verifying"),
    ("trials do, where they may", "trial", 1, days("trial", 1, 10, 25), "resolved"),
    ("real mail does there, too", "trial", 1, days("mail", 1, 10, 25), "resolved"),
    ("probes do not", "trial", 1, days("probe", 1, 10, 25), "verifying"),
    ("probes do, where they may", "probe", 1, days("probe", 1, 10, 25), "resolved"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("proof", "hosts", "seen", "state"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_proves_that_it_is_over(
    proof: Proves, hosts: int, seen: list[Seen], state: str
) -> None:
    w = verifying(Policy(proof=proof))
    settled = w.now
    for each in seen:
        w.now = settled + timedelta(hours=each.hours)
        meet(w, each, hosts)
    assert w.states() == [state]


def test_what_was_sent_before_the_time_to_settle_proves_nothing() -> None:
    w = verifying(Policy(proof="mail"))
    before = w.now - timedelta(hours=20)
    late = ev.Tried(
        at=w.now, identity=IP, how="mail", result="accepted", count=50, first=before, last=before
    )
    w.run(commands.try_, late, w.policy)
    assert w.case.standings[0].mail.count == 0


def test_the_settings_say_how_much() -> None:
    w = verifying(Policy(proof="mail", accepted=1, over=timedelta(0)))
    meet(w, Seen(0, "mail"), 1)
    assert w.states() == ["resolved"]


def test_of_a_public_list_its_own_word_decides() -> None:
    """However mail is to prove it elsewhere."""
    w = World(Policy(proof="mail"))
    w.refuse(place=ZEN)
    w.live_on()
    assert w.case.closed is not None and w.case.closed.why == "resolved"


def test_a_trial_is_asked_for_where_mail_is_scarce() -> None:
    w = verifying(Policy(proof="mail"))
    assert "try" not in w.wants()
    w.pass_(days=3)
    assert "try" in w.wants()
    meet(w, Seen(0, "mail", many=3), 1)
    assert "try" not in w.wants()
    w = verifying(Policy(proof="trial"))
    for n in range(3):  # and again, until it is proven: they have to be spread
        assert "try" in w.wants()
        meet(w, Seen(0, "trial"), 1)
        assert "try" not in w.wants(), n
        w.pass_(hours=12)
    assert w.states() == ["resolved"]


def test_a_probe_that_is_refused_is_the_refusal_of_today() -> None:
    w = verifying(Policy())
    reply = Reply(550, "5.7.1", "today's words")
    w.run(commands.probe, ev.Probed(at=w.now, identity=IP, result="refused", reply=reply), w.policy)
    assert w.case.reply == reply and w.case.refused_to == w.now
    assert w.states() == ["declined"]
