"""Single rows of the case desk's tables, within a transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from todoku.cases import WORDS as CASE_WORDS
from todoku.cases import BrokenEvent, joining
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.records import Recorded, decode, encode
from todoku.store import tables as t


def lock(connection: sa.Connection, *numbers: int) -> None:
    """Nobody else changes these cases until the end of the transaction. SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        query = sa.select(t.cases.c.number).where(t.cases.c.number.in_(numbers))
        connection.execute(query.order_by(t.cases.c.number).with_for_update())


def claim(connection: sa.Connection, strong: Iterable[str], number: int) -> None:
    """Strong keys belong to the first case that had them."""
    rows = [{"key": plain(key), "case_id": number, "strong": True} for key in strong]
    if rows:
        statement = _insert(connection, t.keys).on_conflict_do_nothing()
        connection.execute(statement, rows)


def point(connection: sa.Connection, pointers: Iterable[str], number: int) -> None:
    """Pointers lead to the case that was seen last."""
    rows = [
        {"key": plain(key), "case_id": number, "strong": False} for key in sorted(set(pointers))
    ]
    if rows:
        upsert(connection, t.keys, "key", rows)


def plain(text: str) -> str:
    """As a database can hold it: PostgreSQL takes no NUL, neither takes half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _insert(connection: sa.Connection, table: sa.Table) -> Any:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def upsert(
    connection: sa.Connection, table: sa.Table, key: str, rows: list[dict[str, Any]]
) -> None:
    statement = _insert(connection, table)
    new = {c.name: statement.excluded[c.name] for c in table.c if c.name != key}
    connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=new), rows)


def events_of(connection: sa.Connection, number: int, *, counted: bool = True) -> list[ev.AnyEvent]:
    """In their order; a refusal with what was counted in it since."""
    e, more = t.events.c, t.tallies.c
    both = sa.and_(e.case_id == more.case_id, e.seq == more.seq)
    query = (
        sa.select(e.seq, e.payload, more.payload)
        .select_from(t.events.outerjoin(t.tallies, both))
        .where(e.case_id == number)
        .order_by(e.seq)
    )
    found: list[ev.AnyEvent] = []
    for seq, payload, more_ in connection.execute(query):
        event = decode(payload, f"{number}/{seq}")
        if counted and more_ is not None and isinstance(event, ev.Refused):
            event = joining.with_more(event, counted_in(more_, number, seq))
        found.append(event)
    return found


def counted_in(payload: str, number: int, seq: int) -> ev.Refused:
    """What was counted in an event, as one. Raises `EventError`."""
    where = f"{number}/{seq}/tally"
    counted = decode(payload, where)
    if not isinstance(counted, ev.Refused):
        raise BrokenEvent(CASE_WORDS["broken-event"], where=where, why=ev.name(counted))
    return counted


def of_source(
    connection: sa.Connection, source: str, number: int | None = None
) -> tuple[Recorded, ...]:
    """The events that one source has left, in one case or in all."""
    events = t.events.c
    query = sa.select(events.case_id, events.seq, events.payload).where(
        events.source == plain(source)
    )
    if number is not None:
        query = query.where(events.case_id == number)
    return tuple(
        Recorded(case=case, seq=seq, event=decode(payload, f"{case}/{seq}"))
        for case, seq, payload in connection.execute(query.order_by(events.case_id, events.seq))
    )


def row_of(recorded: Recorded) -> dict[str, Any]:
    event = recorded.event
    return {
        "case_id": recorded.case,
        "seq": recorded.seq,
        "at": event.at.timestamp(),
        "event": ev.name(event),
        "source": None if event.source is None else plain(event.source),
        "payload": encode(event),
    }


def is_counted(connection: sa.Connection, number: int, event: ev.AnyEvent) -> bool:
    """Whether an event of this name and source is there already."""
    if event.source is None:
        return False
    query = sa.select(t.events.c.seq).where(
        t.events.c.case_id == number,
        t.events.c.event == ev.name(event),
        t.events.c.source == plain(event.source),
    )
    return connection.execute(query).first() is not None


def projected(case: Case, next_due: float | None) -> dict[str, Any]:
    def seconds(moment: datetime | None) -> float | None:
        return None if moment is None else moment.timestamp()

    return {
        "number": case.number,
        "seq": case.seq,
        "state": case.state,
        "place": None if case.place is None else plain(case.place.id),
        "identities": plain(" ".join(s.key.replace(" ", "") for s in case.standings)),
        "opened_at": seconds(case.opened_at),
        "changed_at": seconds(case.changed_at),
        "since": seconds(case.since),
        "next_due_at": next_due,
        "closed": None if case.closed is None else case.closed.why,
        "refusals": case.refusals,
        "untold": len(case.untold),
    }
