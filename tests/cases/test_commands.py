"""What a case refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from string import Formatter

import pytest

from tests.cases.world import HOUR, IP, OTHER_IP, START, World, refused
from todoku.cases import WORDS, CaseError, NotNow, NotThis, commands
from todoku.cases import events as ev
from todoku.cases.case import LAST, Case, identity_key, later
from todoku.i18n import LANGUAGES
from todoku.model import Identity

JAPAN = timezone(timedelta(hours=9))


def world(*steps: str) -> World:
    w = World()
    w.report()
    for step in steps:
        match step:
            case "refused":
                w.refuse()
            case "requested":
                w.request(ticket="SRX1234567890ID")
            case "declined" | "promised" | "verifying":
                classes: dict[str, ev.AnswerClass] = {
                    "declined": "not-qualified",
                    "promised": "mitigated",
                    "verifying": "nothing-detected",
                }
                w.answer(classes[step])
            case "resolved":
                w.add([ev.Tried(at=w.now, identity=IP, result="accepted", first=w.now, last=w.now,
                                proves=(identity_key(IP),))])  # fmt: skip
            case _:
                assert step == "closed"
                w.run(commands.close, w.now, "gave-up", by="admin")
    return w


def request(w: World) -> None:
    w.run(commands.request, ev.Requested(at=w.now.astimezone(JAPAN), by="admin"))


def escalate(w: World) -> None:
    w.run(commands.escalate, ev.Escalated(at=w.now.astimezone(JAPAN), by="admin"))


def probe(w: World) -> None:
    commands.may_probe(w.case, IP, w.now.astimezone(JAPAN))


def request_for_another(w: World) -> None:
    w.request(identities=(Identity("ip", "203.0.113.80"),))


def detour(w: World) -> None:
    w.run(commands.detour, ev.Detoured(at=w.now, via="relay.example"))


def release(w: World) -> None:
    w.run(commands.release, ev.Released(at=w.now, what="held"))


def close_without_why(w: World) -> None:
    w.run(commands.close, w.now, None, by="admin")


def close_by_itself(w: World) -> None:
    w.run(commands.close, w.now, "resolved")


def accept_without_name(w: World) -> None:
    w.run(commands.accept, w.now, 1, None)


def accept_nothing(w: World) -> None:
    w.run(commands.accept, w.now, 1, "admin")


def another_ticket(w: World) -> None:
    event = ev.Answered(at=w.now, class_="mitigated", ticket="7096915173", authentic=True)
    w.run(commands.answer, event, owner=99)


def hold(w: World) -> None:
    w.run(commands.hold, ev.Held(at=w.now))


def wait_over(w: World) -> None:
    w.run(commands.wait_over, w.now.astimezone(JAPAN))


REFUSALS: list[tuple[str, Callable[[World], None], type[CaseError], str]] = [
    ("", request, NotThis, "which address is refused is not known"),
    ("refused requested", request, NotNow, "filed on 2026-11-24 09:12 (ticket SRX1234567890ID)"),
    ("refused requested declined", request, NotNow, "Reply to the same ticket (SRX1234567890ID)"),
    ("refused requested promised", request, NotNow, "settles until 2026-11-26 09:12"),
    ("refused requested verifying", request, NotNow, "is being verified"),
    ("refused requested resolved", request, NotNow, "is resolved"),
    ("refused closed", request, NotNow, "case 12 is closed"),
    ("refused", request_for_another, NotThis, "It is about: 192.0.2.1"),
    ("refused", escalate, NotNow, "nothing was requested in case 12"),
    ("refused requested", escalate, NotNow, "due from 2026-12-01 09:12"),
    ("refused requested declined", escalate, NotNow, "due from 2026-11-24 13:12"),
    ("refused requested promised", escalate, NotNow, "settles until"),
    ("refused requested promised", probe, NotNow, "settles until 2026-11-26 09:12"),
    ("refused requested promised", wait_over, NotNow, "settles until 2026-11-26 09:12"),
    ("", probe, NotThis, "192.0.2.1 is not what case 12 is about"),
    ("refused", detour, NotNow, "no record of a mended cause"),
    ("refused", release, NotThis, "no mail is held in case 12"),
    ("refused closed", hold, NotNow, "is closed"),
    ("refused", close_without_why, NotThis, "resolved, expired, address-changed, gave-up, not-ours"),
    ("refused", close_by_itself, NotNow, "not proven yet"),
    ("refused closed", close_by_itself, NotNow, "is closed"),
    ("refused", accept_without_name, NotThis, "needs the name"),
    ("refused", accept_nothing, NotThis, "no answer number 1"),
    ("refused requested", another_ticket, NotThis, "ticket 7096915173 does not belong to case 12"),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "command", "kind", "words"), REFUSALS)
def test_what_is_refused(
    steps: str, command: Callable[[World], None], kind: type[CaseError], words: str
) -> None:
    w = world(*steps.split())
    before = w.case
    with pytest.raises(kind) as caught:
        command(w)
    assert words in str(caught.value)
    assert "Nothing was" in str(caught.value) or "nothing was" in str(caught.value)
    assert caught.value.text("ja") != str(caught.value)
    assert w.case == before


def test_times_are_told_in_the_readers_zone() -> None:
    """09:12 in Japan above is 00:12 here."""
    w = world("refused", "requested")
    with pytest.raises(NotNow, match="filed on 2026-11-24 00:12"):
        w.run(commands.request, ev.Requested(at=w.now.astimezone(UTC), by="admin"))


@pytest.mark.parametrize("name", WORDS)
def test_sentences_say_the_same_in_both_languages(name: str) -> None:
    used = [{field for _, field, _, _ in Formatter().parse(WORDS[name][lang]) if field}
            for lang in LANGUAGES]  # fmt: skip
    assert used[0] == used[1] or name == "already-requested"


def test_only_those_in_need_are_asked_for() -> None:
    w = world("refused", "requested")
    w.refuse(OTHER_IP)
    w.request()
    event = w.events[-1]
    assert isinstance(event, ev.Requested)
    assert event.identities == (OTHER_IP,)


def test_a_ticket_given_at_once_acknowledges() -> None:
    w = world("refused", "requested")
    assert w.states() == ["acknowledged"]


def test_telling_twice_gives_nothing() -> None:
    w = world("refused")
    for about in ("opened", "resolved"):
        told = ev.Told(at=w.now, who="sato", about=about)
        assert commands.tell(w.case, told) == (told,)
        w.add([told])
        assert commands.tell(w.case, told) == ()
    assert commands.tell(w.case, ev.Told(at=w.now, who="sato", about="opened")) == ()
    assert commands.tell(w.case, ev.Told(at=w.now, who="a stranger", about="resolved")) == ()
    remind = ev.Told(at=w.now, who="admin", about="reminder", task="request/1/0/0")
    assert commands.tell(w.case, remind) == (remind,)
    w.add([remind])
    assert commands.tell(w.case, remind) == ()


class TestFlood:
    def test_more_of_the_same_only_counts(self) -> None:
        w = world("refused")
        w.pass_(minutes=24 * 60 - 1)
        assert commands.only_counts(w.case, refused(w.now)) == 2
        w.pass_(minutes=1)
        assert not commands.only_counts(w.case, refused(w.now))

    def test_what_tells_something_is_an_event(self) -> None:
        w = World()
        assert not commands.only_counts(w.case, refused(w.now)), "the first"
        w.refuse()
        assert not commands.only_counts(w.case, refused(w.now, OTHER_IP)), "another address"
        w.answer("nothing-detected")
        assert not commands.only_counts(w.case, refused(w.now)), "while verifying"
        w = world("refused", "closed")
        assert not commands.only_counts(w.case, refused(w.now)), "after the end"


class TestWaiting:
    @pytest.mark.parametrize(
        ("fields", "hours"),
        [
            ({}, 48),
            ({"min_hours": 24.0, "max_hours": 72.0}, 72),
            ({"min_hours": 24.0}, 24),
            ({"max_hours": -1.0}, 48),
            ({"max_hours": float("nan")}, 48),
            ({"max_hours": float("inf")}, 48),
            ({"max_hours": 1e9}, 48),
        ],
    )
    def test_as_long_as_the_desk_says(self, fields: dict[str, float], hours: float) -> None:
        w = world("refused")
        w.answer("mitigated", **fields)
        assert w.case.standings[0].until == w.now + hours * HOUR

    def test_to_the_end_of_time(self) -> None:
        near = datetime.max.replace(tzinfo=UTC) - HOUR
        assert later(near, 48 * HOUR) == LAST
        assert later(START, HOUR) == START + HOUR


def test_absorbing_takes_the_reports_over() -> None:
    nameless = World()
    nameless.report("sato")
    nameless.report("suzuki")
    w = World()
    w.refuse()
    w.add(commands.absorb(w.case, nameless.events, 7, w.now))
    assert [p.who for p in w.case.untold] == ["sato", "suzuki"]
    assert [e.source for e in w.events[1:]] == ["case:7/1", "case:7/2"]


@pytest.mark.parametrize(
    ("identity", "key"),
    [
        (Identity("ip", "192.0.2.1"), "ip:192.0.2.1"),
        (Identity("ip", "2001:DB8:0:0::1"), "ip:2001:db8::/64"),
        (Identity("ip", "::ffff:192.0.2.1"), "ip:192.0.2.1"),
        (Identity("ip", "999.1.1.1"), "ip:999.1.1.1"),
        (Identity("domain", "Hoge.Example"), "domain:hoge.example"),
        (Identity("range", "192.0.2.0/24"), "range:192.0.2.0/24"),
    ],
)
def test_how_an_identity_is_known_again(identity: Identity, key: str) -> None:
    assert identity_key(identity) == key


def test_a_case_without_events_has_a_state() -> None:
    assert Case().state == "open"
    assert Case().since is None
