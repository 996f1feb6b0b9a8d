"""Whether all that follows from the events does."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from todoku.cases.due import plan
from todoku.store import tables as t
from todoku.store.cases import Desk


def rows(desk: Desk, table: sa.Table) -> list[dict[str, Any]]:
    with desk.engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def open_actions(desk: Desk) -> set[tuple[int, str, float]]:
    return {
        (row["case_id"], row["key"], row["not_before"])
        for row in rows(desk, t.actions)
        if row["outcome_at"] is None
    }


def check(desk: Desk) -> None:
    """Rows of cases, keys and actions are what the events give, and a rebuild changes nothing."""
    found = desk.rows(closed=True)
    planned = set()
    for row in found:
        case = desk.case(row["number"])
        assert (row["seq"], row["state"]) == (case.seq, case.state)
        assert row["seq"] == len(desk.history(row["number"]))
        actions = plan(case, desk.policy)
        planned |= {(case.number, a.key) for a in actions}
    in_hand = {
        (row["case_id"], row["key"])
        for row in rows(desk, t.actions)
        if row["outcome_at"] is None and row["intent_at"] is not None
    }
    actual = {(number, key) for number, key, _ in open_actions(desk)}
    assert actual - in_hand <= planned <= actual
    actions_before = open_actions(desk)
    strong = {r["key"]: r["case_id"] for r in rows(desk, t.keys) if r["strong"]}
    keys = {r["key"] for r in rows(desk, t.keys)}
    desk.rebuild()
    assert desk.rows(closed=True) == found
    assert open_actions(desk) == actions_before
    assert {r["key"]: r["case_id"] for r in rows(desk, t.keys) if r["strong"]} == strong
    assert {r["key"] for r in rows(desk, t.keys)} == keys
