"""What belongs together, and what does not."""

from __future__ import annotations

import pytest

from tests.cases.world import HOUR, IP, MICROSOFT, OTHER_IP, START, World, refused
from todoku.cases import events as ev
from todoku.cases.joining import Match, Sighting, gather, keys_of, match, place_of
from todoku.model import Identity, Reply

HERE = "ip:192.0.2.1@microsoft-consumer"
THERE = "ip:192.0.2.2@microsoft-consumer"


def sighting(*identities: Identity, to: tuple[str, ...] = ()) -> Sighting:
    return Sighting(identities=identities, place=MICROSOFT, to=to)


def test_the_list_counts_before_the_receiver_before_the_domain() -> None:
    assert place_of(blocklist="spamhaus-zen", zone="zen.spamhaus.org", receiver="gmx") == ev.Place(
        id="spamhaus-zen", zone="zen.spamhaus.org"
    )
    assert place_of(receiver="gmx", domain="gmx.de") == ev.Place(id="gmx")
    assert place_of(domain="Partner.Example") == ev.Place(id="domain:partner.example")
    assert place_of() is None


def test_keys() -> None:
    seen = sighting(IP, OTHER_IP, to=("Hotmail.com",))
    assert seen.strong == (HERE, THERE)
    assert seen.pointers == ("@microsoft-consumer", "@domain:hotmail.com")


@pytest.mark.parametrize(
    ("seen", "found", "nameless", "expected"),
    [
        (sighting(IP), {}, [], Match(case=None, identities=(IP,))),
        (sighting(IP), {HERE: 3}, [], Match(case=3, identities=(IP,))),
        # Another address at the same receiver is another case.
        (sighting(IP), {"@microsoft-consumer": 4}, [], Match(case=None, identities=(IP,))),
        # A report alone joins the case that was seen there last.
        (sighting(), {"@microsoft-consumer": 4}, [], Match(case=4)),
        (sighting(), {}, [], Match(case=None)),
        # The first refusal gives a nameless case its identity;
        (sighting(IP), {"@microsoft-consumer": 4}, [4], Match(case=4, identities=(IP,))),
        # where there is a case for it, this takes over the reports, also those for a domain.
        (
            sighting(IP, to=("hotmail.com",)),
            {HERE: 3, "@microsoft-consumer": 4, "@domain:hotmail.com": 5},
            [4, 5],
            Match(case=3, identities=(IP,), absorbs=(4, 5)),
        ),
        (
            sighting(IP, to=("hotmail.com",)),
            {"@microsoft-consumer": 4, "@domain:hotmail.com": 5},
            [4, 5],
            Match(case=4, identities=(IP,), absorbs=(5,)),
        ),
        # What belongs to another case is a sighting of its own.
        (
            sighting(IP, OTHER_IP),
            {HERE: 3, THERE: 4},
            [],
            Match(case=3, identities=(IP,), elsewhere=(OTHER_IP,)),
        ),
        (sighting(IP, OTHER_IP), {HERE: 3}, [], Match(case=3, identities=(IP, OTHER_IP))),
        (
            Sighting(to=("partner.example",)),
            {"@domain:partner.example": 6},
            [6],
            Match(case=6),
        ),
    ],
)
def test_where_it_goes(
    seen: Sighting, found: dict[str, int], nameless: list[int], expected: Match
) -> None:
    assert match(seen, found, nameless) == expected


def test_the_keys_of_a_case() -> None:
    w = World()
    w.refuse(to=("hotmail.com",))
    w.request(ticket="SRX1234567890ID")
    strong, pointers = keys_of(w.case)
    assert strong == (HERE,)
    assert pointers == ("@microsoft-consumer", "@domain:hotmail.com", "ticket:SRX1234567890ID")


def test_a_batch_becomes_few_events() -> None:
    events = [refused(START + n * HOUR, to=(f"d{n}.example",)) for n in range(5)]
    events.append(refused(START + 9 * HOUR, temporary=True, reply=Reply(421, None, "later")))
    events.append(refused(START, OTHER_IP))
    first, second = gather(events)
    assert first.count == 6
    assert (first.first, first.last, first.at) == (START, START + 9 * HOUR, START + 9 * HOUR)
    assert first.reply.code == 550, "a refusal for good says more than a delay"
    assert not first.temporary
    assert len(first.to) == 5
    assert (second.count, second.identities) == (1, (OTHER_IP,))


def test_a_flood_is_one_event() -> None:
    (event,) = gather(refused(START, to=(f"d{n}.example",)) for n in range(20_000))
    assert event.count == 20_000
    assert len(event.to) == 50
