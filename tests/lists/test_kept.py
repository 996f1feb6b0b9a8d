"""Answers for their TTL, health for its time, budgets for all processes together."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lists.keeping import NOW, RESOLVER, answer, output, program
from todoku.lists.budgets import DAY, Limit
from todoku.lists.kept import HEALTH_VALID, LONGEST, PRUNED, Account, Kept, Question, Want
from todoku.lists.values import Answer, HealthRecord

Q = Question("spamhaus-zen", "zen.example", "1.2.0.192")
OTHERS = [
    Q._replace(list="other"),
    Q._replace(zone="other.example"),
    Q._replace(name="2.2.0.192"),
]


@pytest.fixture
def kept() -> Iterator[Kept]:
    with Kept.open(None) as kept:
        yield kept


# ── answers ───────────────────────────────────────────────────────────────────────────────────


def test_an_answer_holds_for_its_ttl(kept: Kept) -> None:
    said = answer("127.0.0.2", "127.0.0.4", text="<b>listed</b>\x1b[31m", ttl=300)
    kept.keep_answers(RESOLVER, [(Q, said)], NOW)
    assert kept.answers(RESOLVER, [Q, *OTHERS], NOW + 299) == {Q: said}
    assert kept.answers(RESOLVER, [Q], NOW + 300) == {}


def test_an_answer_is_that_of_its_upstream(kept: Kept) -> None:
    kept.keep_answers(RESOLVER, [(Q, answer())], NOW)
    assert kept.answers("direct", [Q], NOW) == {}


def test_a_negative_answer_is_kept_and_what_never_came_is_not(kept: Kept) -> None:
    nothing = Answer(rcode=None, ttl=300, at=NOW)
    servfail = Answer(rcode=2, ttl=0, at=NOW)
    pairs = [(Q, answer(ttl=60)), (OTHERS[0], nothing), (OTHERS[1], servfail)]
    kept.keep_answers(RESOLVER, pairs, NOW)
    assert kept.answers(RESOLVER, [Q, *OTHERS], NOW) == {Q: answer(ttl=60)}


def test_no_answer_is_kept_for_longer_than_a_day(kept: Kept) -> None:
    kept.keep_answers(RESOLVER, [(Q, answer(ttl=2**31 - 1))], NOW)
    assert kept.answers(RESOLVER, [Q], NOW + LONGEST - 1)
    assert not kept.answers(RESOLVER, [Q], NOW + LONGEST)


def test_the_ttl_runs_from_the_answer_not_from_the_keeping(kept: Kept) -> None:
    kept.keep_answers(RESOLVER, [(Q, answer(ttl=60, at=NOW - 50))], NOW)
    assert kept.answers(RESOLVER, [Q], NOW + 9)
    assert not kept.answers(RESOLVER, [Q], NOW + 10)


def test_an_answer_from_the_future_is_not_believed(kept: Kept) -> None:
    """The clock was ahead when it came: nobody knows how old it is."""
    kept.keep_answers(RESOLVER, [(Q, answer(at=NOW + DAY))], NOW + DAY)
    assert kept.answers(RESOLVER, [Q], NOW) == {}


def test_answers_that_have_run_out_go_and_the_file_does_not_grow(kept: Kept) -> None:
    for hour in range(12):
        at = NOW + hour * 3600
        pairs = [(Q._replace(name=f"{n}.{hour}"), answer(ttl=60, at=at)) for n in range(2000)]
        kept.keep_answers(RESOLVER, pairs, at)
        assert _count(kept, "answers") <= 2 * 2000
    for n in range(1 + 4000 // PRUNED):
        kept.keep_answers(RESOLVER, [], NOW + DAY + n)
    assert _count(kept, "answers") == 0


# ── health ────────────────────────────────────────────────────────────────────────────────────


def test_health_holds_for_its_time_by_upstream_and_kind(kept: Kept) -> None:
    good = HealthRecord(state="ok", at=NOW)
    bad = HealthRecord(
        state="failed",
        cause="list-broken",
        detail={"ja": "全世界を載せています", "en": "it lists the world"},
        at=NOW - 60,
    )
    kept.keep_health(RESOLVER, [("a", "ipv4", good), ("a", "ipv6", bad), ("b", "domain", bad)])
    kept.keep_health("direct", [("a", "ipv4", bad)])
    found = kept.health(RESOLVER, NOW)
    assert found == {("a", "ipv4"): good, ("a", "ipv6"): bad, ("b", "domain"): bad}
    assert kept.health(RESOLVER, NOW + HEALTH_VALID - 30) == {("a", "ipv4"): good}
    assert kept.health(RESOLVER, NOW + 30, valid=10) == {}
    assert kept.health(RESOLVER, NOW - 30) == {("a", "ipv6"): bad, ("b", "domain"): bad}


def test_the_last_health_test_counts(kept: Kept) -> None:
    kept.keep_health(RESOLVER, [("a", "ipv4", HealthRecord(state="ok", at=NOW))])
    later = HealthRecord(state="failed", cause="timeout", at=NOW + 5)
    kept.keep_health(RESOLVER, [("a", "ipv4", later)])
    assert kept.health(RESOLVER, NOW + 5) == {("a", "ipv4"): later}


# ── budgets ───────────────────────────────────────────────────────────────────────────────────


def test_many_lists_in_one_transaction_and_lists_of_one_contract_together(kept: Kept) -> None:
    limit = Limit(per_day=60, per_second=3)
    wants = [Want("dqs", 20, limit), Want("psbl", 20), Want("dqs", 20, limit)]
    assert [lent.granted for lent in kept.lease(RESOLVER, wants, NOW)] == [20, 20, 10]
    assert kept.used_today(RESOLVER, NOW) == {"dqs": 30, "psbl": 20}
    assert kept.lease("192.0.2.9", wants[:1], NOW)[0].granted == 20, "another source is another's"
    assert kept.used_today(RESOLVER, NOW + DAY) == {}


def test_what_an_account_did_not_spend_is_there_for_the_next(tmp_path: Path) -> None:
    limit = Limit(per_day=50)
    with Kept.open(tmp_path) as kept:
        account = Account(kept, RESOLVER, "psbl", limit)
        assert account.lease(50, NOW).granted == 50
        assert account.lease(1, NOW).exhausted_until
        account.give_back(40, NOW)
        account.give_back(40, NOW)  # once is enough
    with Kept.open(tmp_path) as kept:
        assert kept.used_today(RESOLVER, NOW) == {"psbl": 10}
        assert Account(kept, RESOLVER, "psbl", limit).lease(50, NOW).granted == 40


LEASING = """
import json, random, sys, time
from pathlib import Path
from todoku.lists.kept import *
folder, seed, seconds, per_day, per_second, back = sys.argv[1:]
chance = random.Random(seed)
limit = Limit(int(per_day), float(per_second))
kept = Kept.open(Path(folder), wait=30)
end = time.time() + float(seconds)
while (now := time.time()) < end:
    wants = [Want(name, chance.randint(1, 40), limit) for name in ("a", "b")]
    lent = dict(zip("ab", kept.lease("u", wants, now)))
    for name, one in lent.items():
        unused = chance.randint(0, one.granted) if back == "back" else 0
        if unused:
            time.sleep(0.001)
            kept.give_back("u", name, limit, one, unused, time.time())
        print(json.dumps([name, one.at, one.granted - unused]))
    if all(one.exhausted_until for one in lent.values()):
        break
    until = max(one.wait_until or 0 for one in lent.values())
    time.sleep(max(0, min(until, end) - time.time()) * chance.random())
"""


@pytest.mark.parametrize("back", ["spend", "back"])
def test_processes_together_never_exceed_the_rate(tmp_path: Path, back: str) -> None:
    spent = _lease_by_many(tmp_path, seconds=1.5, per_day=100_000, per_second=200, back=back)
    for name in "ab":
        of_list = sorted((at, count) for n, at, count in spent if n == name)
        for i in range(len(of_list)):
            total = 0
            for at, count in of_list[i:]:
                total += count
                assert total <= 2000 + 200 * (at - of_list[i][0]) + 0.01
        assert sum(count for _, count in of_list) > 1500, "and they are not held up"


@pytest.mark.parametrize("back", ["spend", "back"])
def test_processes_together_never_exceed_the_day(tmp_path: Path, back: str) -> None:
    spent = _lease_by_many(tmp_path, seconds=20, per_day=3000, per_second=1e6, back=back)
    days = {int(at // DAY) for _, at, _ in spent}
    if len(days) > 1:
        pytest.skip("the test ran over midnight UTC")
    for name in "ab":
        total = sum(count for n, _, count in spent if n == name)
        assert total == 3000 if back == "spend" else 2900 < total <= 3000


def test_a_process_that_dies_between_lease_and_spending_takes_nothing_from_the_file(
    tmp_path: Path,
) -> None:
    """What it leased counts as used: that errs on the side of the list."""
    source = (
        "import os, sys; from pathlib import Path; from todoku.lists.kept import *\n"
        f"Kept.open(Path(sys.argv[1])).lease('u', [Want('a', 10)], {NOW})\n"
        "os.kill(os.getpid(), 9)"
    )
    process = program(source, tmp_path)
    process.communicate(timeout=60)
    assert process.returncode == -9
    with Kept.open(tmp_path) as kept:
        assert kept.used_today("u", NOW) == {"a": 10}


def _lease_by_many(
    folder: Path, *, seconds: float, per_day: int, per_second: float, back: str
) -> list[tuple[str, float, int]]:
    arguments = (str(seconds), str(per_day), str(per_second), back)
    processes = [program(LEASING, folder, str(seed), *arguments) for seed in range(4)]
    lines = itertools.chain.from_iterable(output(p) for p in processes)
    return [tuple(json.loads(line)) for line in lines]


def _count(kept: Kept, table: str) -> int:
    found: int = kept._file._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return found
