"""What could not be proven is kept, found by what it says, and settled once."""

from __future__ import annotations

from datetime import timedelta

from tests.cases.world import START
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox
from todoku.store.unverified import Unproven, Unverified

KEY = "ip:192.0.2.1@microsoft-consumer"


def unproven(sha: str, minutes: int = 0, key: str = KEY) -> Unproven:
    return Unproven(
        sha256=sha,
        kind="refusal",
        doubt="no-proof",
        at=(START + timedelta(minutes=minutes)).timestamp(),
        key=key,
        identities=("192.0.2.1",),
        place="microsoft-consumer",
        words="550 SC-001",
    )


def test_kept_with_its_message_in_one_transaction(desk: Desk) -> None:
    box, kept = Mailbox(desk), Unverified(desk)
    (sha, _), *_ = box.keep([b"one"], "test", START)
    kept.put([unproven(sha)], [sha], START)
    kept.put([unproven(sha)], [sha], START)  # another worker read it too
    assert box.unhandled() == []
    assert kept.find(sha[:8]) == [unproven(sha)]
    groups, count = kept.groups()
    assert (count, groups[0].count, groups[0].key, groups[0].newest) == (1, 1, KEY, unproven(sha))
    assert kept.count() == 1


def test_those_that_say_the_same_are_a_group(desk: Desk) -> None:
    kept = Unverified(desk)
    kept.put([unproven(f"a{n}", n) for n in range(5)], [], START)
    kept.put([unproven("b", 60, "ip:192.0.2.2@gmail")], [], START)
    groups, count = kept.groups(most=1)
    assert (count, [g.key for g in groups]) == (2, ["ip:192.0.2.2@gmail"])
    assert [(g.key, g.count, g.newest.sha256) for g in kept.groups()[0]][1] == (KEY, 5, "a4")
    assert len(kept.alike(unproven("a0"))) == 5
    assert len(kept.find("a")) == 2


def test_what_is_proven_later_is_a_new_message_again(desk: Desk) -> None:
    box, kept = Mailbox(desk), Unverified(desk)
    shas = [sha for sha, _ in box.keep([b"%d" % n for n in range(5)], "test", START)]
    kept.put([unproven(sha, n) for n, sha in enumerate(shas)], shas, START)
    kept.put([unproven("f" * 64, 9)], [], START)  # its text is gone
    since, none = START + timedelta(minutes=1), (0.0, "")
    assert [each.sha256 for each in kept.late(since, none, 10)] == shas[1:]
    first, second = kept.late(since, none, 2)
    assert (first.body, second.sha256) == (b"1", shas[2])
    assert [e.sha256 for e in kept.late(since, second[:2], 10)] == shas[3:]
    assert [e.sha256 for e in kept.late(since, none, 10, octets=1)] == shas[1:2]
    kept.settle([shas[2]], "not-ours", START, "tanaka")
    kept.again(shas[1:3])
    assert [m.sha256 for m in box.unhandled()] == [shas[1]]
    assert kept.find(shas[1]) == []
    assert [u.sha256 for u in kept.find(shas[2])] == [shas[2]]


def test_settled_once(desk: Desk) -> None:
    kept = Unverified(desk)
    kept.put([unproven("a"), unproven("b")], [], START)
    kept.settle(["a"], "accepted", START, "tanaka")
    assert [u.sha256 for u in kept.alike(unproven("b"))] == ["b"]
    kept.put([unproven("a")], [], START)  # the same message again
    assert [u.sha256 for u in kept.alike(unproven("b"))] == ["b"]
    assert [u.sha256 for u in kept.find("a")] == ["a"]


def test_forgotten_after_a_month(desk: Desk) -> None:
    kept = Unverified(desk)
    kept.put([unproven("a"), unproven("b", 60)], [], START)
    assert kept.forget(START + timedelta(days=30, minutes=1)) == 1
    assert [u.sha256 for u in kept.alike(unproven("b"))] == ["b"]
