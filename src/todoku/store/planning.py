"""The rows of a case's actions, kept to its plan in the transaction of the events that changed it."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa

from todoku.cases.case import Case
from todoku.cases.due import Action, plan
from todoku.cases.policy import Policy
from todoku.store import tables as t
from todoku.store.rows import plain

Outcome = Literal["done", "failed", "not-done", "moot", "cancelled"]
"""`failed`: certainly not done, to be tried again. `not-done`: found out so after a crash. `moot`:
the case had moved on. `cancelled`: it was not due any more before a worker began with it."""
AGAIN: Final = frozenset({"failed", "not-done", "moot", "cancelled"})
"""After these, an action that the plan still holds gets a new row with the next attempt."""


def plan_rows(connection: sa.Connection, case: Case, policy: Policy) -> float | None:
    """Bring the rows to the plan. Returns when the next one is due."""
    wanted = {plain(action.key): action for action in plan(case, policy)}
    rows = _rows(connection, case.number, list(wanted))
    at = case.changed_at.timestamp() if case.changed_at else 0.0
    for each in rows:
        if each["outcome_at"] is None and each["key"] not in wanted:
            _set(connection, each["id"], outcome="cancelled", outcome_at=at)
    latest = {row["key"]: row for row in rows}  # in the order of attempts
    new = []
    times = []
    for key, action in wanted.items():
        time = action.not_before.timestamp()
        if (row := latest.get(key)) is None:
            new.append(_row(case.number, action, 1, time))
        elif row["outcome_at"] is None:
            time = time if row["attempt"] == 1 else max(time, row["not_before"])
            text = msgspec.json.encode(action).decode()
            if row["intent_at"] is None and (row["not_before"], row["action"]) != (time, text):
                _set(connection, row["id"], not_before=time, action=text)
        elif row["outcome"] in AGAIN:
            time = max(time, row["again_at"] or time)
            new.append(_row(case.number, action, row["attempt"] + 1, time))
        else:
            continue  # one key is one deed
        times.append(time)
    if new:
        connection.execute(sa.insert(t.actions), new)
    return min(times, default=None)


def _rows(connection: sa.Connection, number: int, keys: list[str]) -> list[dict[str, Any]]:
    """The open ones, and those of these keys."""
    c = t.actions.c
    query = (
        sa.select(
            c.id, c.key, c.attempt, c.not_before, c.action, c.intent_at,
            c.outcome_at, c.outcome, c.again_at,
        )
        .where(c.case_id == number, sa.or_(c.outcome_at.is_(None), c.key.in_(keys)))
        .order_by(c.key, c.attempt)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def _row(number: int, action: Action, attempt: int, time: float) -> dict[str, Any]:
    return {
        "case_id": number,
        "key": plain(action.key),
        "attempt": attempt,
        "kind": action.kind,
        "action": msgspec.json.encode(action).decode(),
        "not_before": time,
    }


def _set(connection: sa.Connection, row: int, **values: object) -> None:
    """Unless a worker recorded its intent in this moment."""
    statement = sa.update(t.actions).where(t.actions.c.id == row, t.actions.c.intent_at.is_(None))
    connection.execute(statement.values(**values))
