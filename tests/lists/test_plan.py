"""Which lists are asked in a run, why others are not, and how long it takes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.knowledge.schema import Ask, Code, Key, ListEntry, Text, Usage
from todoku.lists import budgets, plan
from todoku.lists.plan import Barred, Book, Cost, Terms, Way

DQS = Key(name="dqs", zone="zen.dq.test", required=False, lifts=True)
ONLY_KEY = Key(name="abx", required=True)


def entry(name: str, status: Any = "alive", **ask: Any) -> ListEntry:
    ask = {"kinds": ("ipv4",), "tier": "default", **ask}
    return ListEntry(id=name, name=name, zones=(f"{name}.test",), status=status, ask=Ask(**ask))


def weighing(weight: float) -> tuple[Code, ...]:
    return (Code(code="127.0.0.2", meaning=Text(ja="x", en="x"), weight=weight),)


@pytest.mark.parametrize(
    ("list_", "terms", "zone", "key"),
    [
        (entry("a"), Terms(), "a.test", None),
        (entry("a", key=DQS), Terms(), "a.test", None),
        (entry("a", key=DQS), Terms(keys={"dqs": "k"}), "zen.dq.test", "k"),
        (entry("a", key=ONLY_KEY), Terms(keys={"abx": "k"}), "a.test", "k"),
        # The free service forbids commercial use; a key, or a private use, lifts that.
        (entry("a", usage=Usage(commercial="agreement")), Terms(use="private"), "a.test", None),
        (
            entry("a", usage=Usage(commercial="agreement"), key=DQS),
            Terms(keys={"dqs": "k"}),
            "zen.dq.test",
            "k",
        ),
    ],
)
def test_a_way(list_: ListEntry, terms: Terms, zone: str, key: str | None) -> None:
    way = plan.way(list_, terms)
    assert isinstance(way, Way)
    assert (way.zone, way.key) == (zone, key)


@pytest.mark.parametrize(
    ("list_", "terms", "cause"),
    [
        (entry("a", "dead"), Terms(), "list-dead"),
        (entry("a", "fraudulent"), Terms(), "list-dead"),
        (entry("a", "merged"), Terms(), "list-dead"),
        (entry("a", "dead", key=DQS), Terms(keys={"dqs": "k"}), "list-dead"),
        (entry("a", key=ONLY_KEY), Terms(), "no-key"),
        (entry("a", key=ONLY_KEY), Terms(keys={"dqs": "k"}), "no-key"),
        (entry("a", usage=Usage(commercial="agreement")), Terms(), "not-permitted"),
        (
            # This key opens another door, and says nothing of the terms.
            entry("a", usage=Usage(commercial="agreement"), key=Key(name="abx", required=False)),
            Terms(keys={"abx": "k"}),
            "not-permitted",
        ),
    ],
)
def test_a_list_that_is_not_asked(list_: ListEntry, terms: Terms, cause: str) -> None:
    barred = plan.way(list_, terms)
    assert isinstance(barred, Barred)
    assert barred.cause == cause


def test_a_list_without_a_zone_and_one_of_which_nobody_tells_the_kind() -> None:
    private = ListEntry(id="p", name="p", ask=Ask(kinds=("ipv4",), tier="key"))
    barred = plan.way(private, Terms())
    assert isinstance(barred, Barred)
    assert barred.cause == "not-permitted"
    vague = plan.way(ListEntry(id="v", name="v", zones=("v.test",)), Terms())
    assert isinstance(vague, Way)
    assert vague.ask.kinds == plan.ALL_KINDS, "its test points decide, kind by kind"


def test_on_ones_own_server_no_terms_hold_and_no_key_is_sent() -> None:
    for list_ in (entry("a", "dead"), entry("a", key=ONLY_KEY), entry("a", key=DQS)):
        way = plan.way(list_, Terms(keys={"dqs": "secret", "abx": "secret"}), own=True)
        assert isinstance(way, Way)
        assert (way.zone, way.key) == ("a.test", None)


def test_what_is_asked_where_no_list_is_named() -> None:
    book = Book(
        [
            entry("light", codes=weighing(1)),
            entry("heavy", codes=weighing(7)),
            entry("part", part_of="heavy"),
            entry("maybe", tier="optional"),
            entry("orphan", tier="optional", part_of="nobody"),
            entry("keyed", tier="key", key=ONLY_KEY),
            entry("dead", "dead", tier="never"),
            entry("skipped"),
        ]
    )
    skip = frozenset({"skipped"})

    def ids(terms: Terms, *tiers: Any) -> list[str]:
        return [e.id for e in book.chosen(terms, tiers or ("default",))]

    assert ids(Terms(skip=skip)) == ["heavy", "light"]
    assert ids(Terms(skip=skip, keys={"abx": "k"})) == ["heavy", "light", "keyed"]
    assert set(ids(Terms(skip=skip), "default", "optional")) == {
        "heavy", "light", "maybe", "orphan",
    }  # fmt: skip
    assert set(ids(Terms(skip=skip, add=("part", "dead")))) == {"heavy", "light", "part", "dead"}
    assert set(ids(Terms())) == {"heavy", "light", "skipped"}


def test_what_must_answer() -> None:
    book = Book(
        [
            entry("a"),
            entry("terms", usage=Usage(commercial="agreement")),
            entry("maybe", tier="optional"),
        ]
    )
    assert book.required(Terms()) == {"a"}, "one that this use forbids decides nothing"
    assert book.required(Terms(use="private")) == {"a", "terms"}
    assert book.required(Terms(add=("maybe",))) == {"a"}
    assert book.required(Terms(required=("maybe",))) == {"maybe"}


def test_a_list_is_found_by_id_zone_and_the_zone_of_its_key() -> None:
    book = Book([entry("a", key=DQS)])
    for name in ("a", "A", "a.test", "A.Test.", "zen.dq.test"):
        found = book.find(name)
        assert found is not None and found.id == "a"
    assert book.find("b") is None


def test_a_zone_that_nobody_knows_is_asked_by_the_defaults() -> None:
    way = plan.way(plan.of_zone("BL.Mine.Test."), Terms())
    assert isinstance(way, Way)
    assert way.zone == "bl.mine.test"
    assert way.ask.kinds == ("ipv4", "ipv6", "domain")
    assert not way.ask.codes


def cost(usage: Usage, n: int, **options: Any) -> Cost:
    way = plan.way(entry("a", usage=usage), Terms(use="private"))
    assert isinstance(way, Way)
    (found,) = plan.costs([way], {"a": n}, **options)
    return found


def test_how_long_a_range_takes() -> None:
    # The figures of guides for list users: a /16 at five a second.
    found = cost(Usage(), 65_536)
    assert found.seconds == pytest.approx(3 * 3600 + 38 * 60, rel=0.01)
    assert found.days == 1
    # The burst is there at once.
    assert cost(Usage(per_second=10), 65_536).seconds == pytest.approx((65_536 - 100) / 10)
    assert cost(Usage(per_second=10), 100).seconds == 0
    # A daily limit below the number of questions spreads them over days.
    slow = cost(Usage(per_day=100_000, per_second=5), 4 * 65_536)
    assert slow.days == 3
    assert slow.seconds == pytest.approx(2 * budgets.DAY + (4 * 65_536 - 200_000 - 50) / 5)
    assert cost(Usage(per_day=10), 65_536, unlimited=True) == Cost(
        "a", "a.test", 65_536, None, None, 1, 0.0
    )
    # No faster than the operator permits, but with an agreement; else as the user likes.
    assert cost(Usage(per_second=5), 100, rate=50).seconds == pytest.approx(10.0)
    assert cost(Usage(per_second=5), 600, rate=50, agreed=True).seconds == pytest.approx(2.0)
    assert cost(Usage(), 600, rate=50).seconds == pytest.approx(2.0)
    assert cost(Usage(per_second=5), 100, rate=1).seconds == pytest.approx(80.0)


def test_how_long_it_takes_after_others_have_asked() -> None:
    noon = 10 * budgets.DAY + 43_200.0
    usage = Usage(per_day=1000, per_second=5)
    used = {"a": budgets.Budget(10, 900, 0.0, noon)}
    assert cost(usage, 100, accounts=used, now=noon) == Cost("a", "a.test", 100, 5, 1000, 1, 20.0)
    later = cost(usage, 150, accounts=used, now=noon)
    assert (later.days, later.seconds) == (2, 43_200.0)  # the burst of the next day
    assert cost(usage, 200, accounts=used, now=noon).seconds == pytest.approx(43_200 + 10)
    # A sweep leaves a hundredth of the day to others, and a fifth of the burst.
    assert cost(usage, 100, accounts=used, now=noon, sweep=True).days == 2
    assert cost(usage, 90, accounts=used, now=noon, sweep=True).seconds == pytest.approx(100 / 5)


@given(
    st.integers(1, 3000), st.integers(1, 2000), st.floats(0.1, 100), st.booleans(),
    st.integers(0, 2000), st.floats(0, 1000),
)  # fmt: skip
def test_it_takes_as_long_as_leases_take(
    wanted: int, per_day: int, per_second: float, sweep: bool, used: int, level: float
) -> None:
    """Reckoned at once, and by asking whenever something is to be had."""
    limit = budgets.Limit(max(per_day, 20), per_second)
    now = start = 10 * budgets.DAY + 80_000.0
    account = budgets.Budget(10, min(used, limit.per_day or 0), min(level, limit.burst), now)
    took = budgets.duration(account, limit, wanted, now, sweep=sweep)
    for _ in range(100_000):
        account, lent = budgets.lease(account, limit, wanted, now, sweep=sweep)
        wanted -= lent.granted
        if not wanted:
            break
        now = lent.wait_until or lent.exhausted_until or now
    assert now - start == pytest.approx(took.seconds, abs=3 + 3 / per_second, rel=0.01)
    assert now // budgets.DAY - 10 + 1 in {took.days, took.days + 1}


def test_lists_of_one_contract_take_as_long_as_all_of_them() -> None:
    terms = Terms(keys={"dqs": "k"})
    ways = [plan.way(entry(name, key=DQS), terms) for name in ("a", "b")]
    both = plan.costs([w for w in ways if isinstance(w, Way)], {"a": 100, "b": 100})
    assert [c.seconds for c in both] == [30.0, 30.0]


def test_a_zone_is_asked_by_its_name() -> None:
    two = msgspec.structs.replace(entry("a", key=DQS), zones=("a.test", "A2.test"))
    book = Book([two])

    def asked(name: str, terms: Terms, *, own: bool = False) -> tuple[str, str | None]:
        way = plan.named(book, name, terms, own=own)
        return (way.zone, way.key) if isinstance(way, Way) else (way.zone, way.cause)

    free, keyed = Terms(), Terms(keys={"dqs": "k"})
    assert asked("a", free) == ("a.test", None)
    assert asked("a", keyed) == ("zen.dq.test", "k")
    for terms in (free, keyed):
        assert asked("a.test", terms) == ("a.test", None)
        assert asked("a2.TEST.", terms) == ("a2.test", None)
        assert asked("a2.test", terms, own=True) == ("a2.test", None)
    assert asked("zen.dq.test", keyed) == ("zen.dq.test", "k")
    assert asked("zen.dq.test", free) == ("zen.dq.test", "no-key")
    assert asked("else.test", free) == ("else.test", None)
    required = Book(
        [msgspec.structs.replace(entry("a", key=ONLY_KEY), zones=("a.test", "a2.test"))]
    )
    way = plan.named(required, "a2.test", Terms(keys={"abx": "k"}))
    assert isinstance(way, Way) and (way.zone, way.key) == ("a2.test", "k")
    assert isinstance(plan.named(required, "a2.test", free), Barred)


def test_what_is_not_asked_costs_nothing() -> None:
    way = plan.way(entry("a"), Terms())
    assert isinstance(way, Way)
    assert list(plan.costs([way], {"b": 5})) == []


def test_lists_of_one_contract_share_its_budget() -> None:
    terms = Terms(keys={"dqs": "k"})
    ways = [plan.way(entry(name, key=DQS), terms) for name in ("a", "b")]
    assert {plan.budget_name(w) for w in ways if isinstance(w, Way)} == {"dqs"}
    free = plan.way(entry("a", key=DQS), Terms())
    assert isinstance(free, Way)
    assert plan.budget_name(free) == "a"
