"""Equal refusals are one row."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from todoku import grouping
from todoku.grouping import Groups, domain_of, key_of, template
from todoku.model import Blocklist, Diagnosis, Identity, Refusal, Remote, Reply

PLAIN = Diagnosis(
    kind="refusal",
    action="failed",
    recipient="a@x.example",
    sender=None,
    reported_by=None,
    remote=Remote("mx1.x.example", None),
    stage=None,
    reply=Reply(550, "5.7.1", "550 5.7.1 go away"),
    reason="policy",
    temporary=False,
    receiver=None,
    gateway=None,
    receiver_code=None,
    blocked=(),
    blocklist=None,
    urls=(),
    removal=None,
    who_acts="sender-admin",
    remedy=(),
    rule=None,
    confidence="guess",
    evidence=(),
    sources=(),
    sisimai=None,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("550 Requested action not taken q4F1xA2bC3", "550 Requested action not taken z9XyW8vU7t"),
        ("450 4.2.0 <a@x.example>: Greylisted", "450 4.2.0 <other.name@y.example>: Greylisted"),
        ("421 4.7.0 [203.0.113.7] slow down", "421 4.7.0 [198.51.100.99] slow down"),
        ("421 [2001:db8::1] slow down", "421 [2001:db8:0:4::25] slow down"),
        ("550 see https://x.example/e?ip=1&t=2", "550 see https://x.example/e?ip=3&t=4"),
        ("451 try at 2026-11-24T03:00:00Z", "451 try at 2026-11-25T23:59:59+09:00"),
        ("451 since Tue, 24 Nov 2026 03:00:00 +0000", "451 since Wed, 5 Nov 2025 13:00:00 +0000"),
        ("451 until 03:00:00", "451 until 23:59:59"),
        ("550 mx3.bigmail.example says no", "550 mx12.bigmail.example says no"),
        ("550 ticket 0123456789", "550 ticket 998877665544"),
        ("550 id 8c7a63a4-9f5b-4a86-9b5f-1c1b1c1b1c1b", "550 id 11111111-2222-4333-8444-555555555555"),
        ("550  two   blanks", "550 two blanks"),
    ],
)  # fmt: skip
def test_what_belongs_to_one_message_is_masked(one: str, other: str) -> None:
    assert template(one) == template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("550 5.7.1 no", "550 5.7.2 no"),
        ("550 no", "554 no"),
        ("550 SC-001 no", "550 SC-002 no"),
        ("421 TSS04", "421 TSS05"),
        ("550 blocked by policy", "550 blocked by list"),
        ("550 see https://x.example/a", "550 see https://x.example/b"),
    ],
)
def test_what_tells_grounds_apart_stays(one: str, other: str) -> None:
    assert template(one) != template(other)


@pytest.mark.parametrize(
    ("change", "equal"),
    [
        ({"recipient": "b@x.example"}, True),
        ({"source": "other.eml"}, True),
        ({"remote": Remote("mx2.x.example", "192.0.2.9")}, True),
        ({"reply": Reply(550, "5.7.1", "550 5.7.1 go away")}, True),
        ({"reply": Reply(550, "5.7.1", "550 5.7.1 stay away")}, False),
        ({"reason": "listed"}, False),
        ({"temporary": True}, False),
        ({"receiver": "bigmail"}, False),
        ({"remote": Remote("mx.y.example", None)}, False),
        ({"receiver_code": "X1"}, False),
        ({"blocked": (Identity("ip", "192.0.2.1"),)}, False),
        ({"blocklist": Blocklist("zen")}, False),
        ({"refused_by": "own-smarthost"}, False),
        ({"action": "delayed"}, False),
    ],
)
def test_equal(change: dict[str, object], equal: bool) -> None:
    assert (key_of(replace(PLAIN, **change)) == key_of(PLAIN)) is equal


def test_where_a_rule_decides_the_words_do_not() -> None:
    ruled = replace(PLAIN, rule="x/y")
    other = replace(ruled, reply=Reply(550, "5.7.1", "quite other words"))
    assert key_of(ruled) == key_of(other)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("mx3.bigmail.example", "bigmail.example"),
        ("mail.bigmail.example", "mail.bigmail.example"),
        ("MX1.X.Example.", "x.example"),
        ("mx1.example", "mx1.example"),
    ],
)
def test_numbered_hosts_are_one_place(host: str, domain: str) -> None:
    assert domain_of(host) == domain


def test_groups() -> None:
    groups = Groups()
    for n in range(3):
        groups.add(replace(PLAIN, recipient=f"{n}@x.example", source=f"{n}.eml"))
    groups.add(replace(PLAIN, recipient="0@x.example"))
    groups.add(replace(PLAIN, reason="listed"))
    first, second = groups.ordered()
    assert (first.first.reason, first.count) == ("listed", 1)
    assert (second.count, second.recipients, second.others) == (4, 3, 2)
    assert second.sources == ["0.eml", "1.eml", "2.eml", "-"]
    assert groups.total == 5


def test_what_matters_most_comes_first() -> None:
    def one(reason: str, who: str = "sender-admin", **more: object) -> Diagnosis:
        return replace(PLAIN, reason=reason, who_acts=who, rule="x/y", **more)

    wanted = [
        one("listed"),
        one("listed", "receiver-admin", receiver_code="X1"),
        one("reputation", temporary=True),
        one("rate-limit"),
        one("undecided", "nobody"),
        one("spam-content"),
        one("user-unknown", "sender-user"),
        one("greylisted", "nobody", temporary=True),
        replace(PLAIN, kind="auto-reply", reason="auto-reply", who_acts="nobody"),
    ]
    groups = Groups()
    for d in reversed(wanted):
        for _ in range(50 if d.reason == "user-unknown" else 1):
            groups.add(d)
    assert [g.first for g in groups.ordered()] == wanted


def test_a_hostile_input_makes_no_endless_number_of_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouping, "MOST_GROUPS", 10)
    groups = Groups()
    for n in range(500):
        groups.add(replace(PLAIN, receiver_code=f"C{n}", reason=("listed", "policy")[n % 2]))
    assert len(groups) <= 12
    assert sum(g.count for g in groups.ordered()) == groups.total == 500


@pytest.mark.parametrize("piece", ["a.", "1.", "a@", "1:", "http://", "2026-", "[", "<", "é", "-1"])
def test_masking_stays_linear(piece: str) -> None:
    def cost(n: int) -> float:
        text = piece * n
        start = time.perf_counter()
        template(text)
        return time.perf_counter() - start

    cost(10)
    assert cost(200_000) < 0.5  # only so many characters are compared


def test_other_kinds_by_kind() -> None:
    a = replace(PLAIN, kind="complaint", feedback_type="abuse")
    assert key_of(a) == key_of(replace(a, recipient="z@z.example"))
    assert key_of(a) != key_of(replace(a, feedback_type="fraud"))
    assert Refusal(kind="auto-reply").kind == "auto-reply"
