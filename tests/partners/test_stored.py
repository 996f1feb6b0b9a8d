"""Stored deliveries teach what the same deliveries teach one by one; and every part counts once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.partners.worlds import (
    BARRACUDA,
    DAY,
    NOW,
    OURS,
    OWN,
    ZEN,
    deliveries,
    diagnoser,
    gates,
    learned,
    line,
    listed,
    sent,
)
from todoku.deliveries.rows import Rows
from todoku.partners.keeping import PartRead
from todoku.partners.learning import Sources, Window
from todoku.partners.stored import learn, plan
from todoku.partners.values import Evidence
from todoku.settings.own import Own

T = NOW - 30 * DAY
TRANSPORTS = Own(transports={"smtp": (OURS, "2001:db8::7"), "bulk/smtp": ("198.51.100.8",)}, domains=("ours.example",))  # fmt: skip


def asking(table: pa.Table) -> Any:
    db = duckdb.connect(":memory:")
    db.register("told", table)
    db.execute("CREATE VIEW deliveries AS SELECT * FROM told")
    return lambda sql, *values: db.execute(sql, list(values)).fetchall()


def from_stored(lines: list[str], own: Own, windows: list[Window]) -> Evidence:
    rows = Rows(diagnoser().knowledge.version, own, "hashed", b"k")
    table = rows.refused(deliveries(lines, own))
    names = {e.id: (*e.zones, e.name, *e.names) for e in diagnoser().knowledge.lists}
    return learn(
        asking(table), gates(), Sources(own), own_domains=own.domains, windows=windows, names=names
    )  # fmt: skip


def log(seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    domains = [f"p{n}.example" for n in range(5)] + ["ours.example", "bad", "taken.example"]
    hosts = ["", "eu-smtp-inbound-1.mimecast.com", "mx3.hoster.example", "localhost"]
    at = T
    for _ in range(rng.randrange(1, 60)):
        at += rng.choice((60, 3_600, 40_000, 100_000)) * rng.random()
        domain, host = rng.choice(domains), rng.choice(hosts)
        ip = "127.0.0.1" if host == "localhost" else rng.choice(("203.0.113.9", "2001:db8::9"))
        more = {"host": host, "ip": ip}
        told = rng.random()
        if told < 0.5:
            made = sent(at, domain, **more)
        elif told < 0.75:
            zone = rng.choice((ZEN, BARRACUDA, "bl.spamcop.net", "new.list.example"))
            made = listed(
                at, domain, zone, address=rng.choice((OURS, OURS, "198.51.100.8")), **more
            )
        else:
            said = rng.choice(("550 5.1.1 User unknown", "550 5.7.1 Rejected for policy", "421 4.7.0 try later"))  # fmt: skip
            host = host or f"mx.{domain}"
            made = line(at, domain, f"deferred (host {host}[{ip}] said: {said} (in reply to RCPT TO command))", **more)  # fmt: skip
        yield made.replace("postfix/smtp[", rng.choice(("postfix/smtp[", "postfix/bulk/smtp[")))


@pytest.mark.parametrize("own", [OWN, TRANSPORTS])
@pytest.mark.parametrize("seed", range(12))
def test_the_same_in_sql(seed: int, own: Own) -> None:
    lines = list(log(seed))
    windows = [Window(OURS, "spamcop", T + DAY, T + 4 * DAY)] if seed % 2 else []
    one_by_one, at_once = learned(lines, own, windows), from_stored(lines, own, windows)
    assert at_once.mail == one_by_one.mail
    assert at_once.proofs == one_by_one.proofs
    assert {k: u.named for k, u in at_once.uses.items() if u.named} == {
        k: u.named for k, u in one_by_one.uses.items() if u.named
    }
    assert {k: u.accepted for k, u in at_once.uses.items() if u.accepted} == {
        k: u.accepted for k, u in one_by_one.uses.items() if u.accepted
    }
    assert {k: u.within for k, u in at_once.uses.items() if u.within} == {
        k: u.within for k, u in one_by_one.uses.items() if u.within
    }
    assert at_once.first == pytest.approx(one_by_one.first, abs=1e-5)
    assert at_once.last == pytest.approx(one_by_one.last, abs=1e-5)


A, B, C = (PartRead(name, "2026-11-24", rows) for name, rows in (("a", 5), ("b", 7), ("c", 12)))
D = PartRead("d", "2026-11-25", 3)


def test_a_part_counts_once() -> None:
    assert plan([], [A, B, D]).fresh == [[A, B, D]]
    assert plan([A, B], [A, B, D]).fresh == [[D]]
    assert plan([A, B, D], [A, B, D]) == ([], {}, [], [], 0)


def test_parts_that_were_put_together_count_once() -> None:
    assert plan([A, B], [C, D]) == ([[D]], {}, [C], ["a", "b"], 0)
    more = C._replace(rows=20)
    assert plan([A, B], [more]) == ([], {}, [more], ["a", "b"], 8)  # 8 that cannot be told apart
    assert plan([A, D], [D]) == ([], {}, [], ["a"], 0)  # its time was over


def test_days_that_grow_are_learned_anew() -> None:
    more = C._replace(rows=20)
    day = A.day
    for told in (plan([A, B], [more], young=day), plan([A, B], [more], known={day})):
        assert told == ([], {day: [more]}, [], ["a", "b"], 0)
    assert plan([A], [A, B], young=day) == ([], {day: [A, B]}, [], [], 0)
    assert plan([A, B], [C], young=day) == ([], {}, [C], ["a", "b"], 0)  # nothing is new
    assert plan([A, B], [A, B], young=day) == ([], {}, [], [], 0)


def test_some_days_at_once() -> None:
    parts = [PartRead(f"{n}", f"2026-{1 + n // 28:02}-{1 + n % 28:02}", 1) for n in range(60)]
    batches = plan([], parts).fresh
    assert [len(b) for b in batches] == [28, 28, 4]
    assert [p for b in batches for p in b] == parts
