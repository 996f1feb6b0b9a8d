"""The work that is due, shared by workers that may die at any moment.

    taken = queue.take("mx1", now)             # by lease: nobody else gets it meanwhile
    queue.intend(taken, {"to": ...}, now)      # before a deed that others see
    ...                                        # the deed
    queue.finish(taken, "done", now, command)  # its events, in the same transaction

A row with an intent and no outcome after its lease is *unknown*: the deed was done or not. Kinds
that `due.REPEATABLE` names are taken again, after the wait that stands there; the others wait in
`unknown` until `settle` says what somebody found out.

Times come from the caller. Workers on several machines need clocks that differ by less than a
lease; a lease from further in the future is of a clock that was wrong, and counts as over.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa

from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.due import REPEATABLE, Action, plan
from todoku.cases.fold import fold
from todoku.cases.records import Recorded
from todoku.cases.working import Work
from todoku.store import UNUSABLE, WORDS, LeaseLost
from todoku.store import tables as t
from todoku.store.cases import Command, Desk, reading
from todoku.store.planning import Outcome
from todoku.store.rows import lock, plain

LEASE: Final = timedelta(minutes=5)
BACK_OFF: Final = timedelta(minutes=1)
"""After a deed that failed; twice as long after each further one, up to a day."""
_Late: TypeAlias = tuple[Work, Outcome, datetime, "Command | None", str, "datetime | None"]
c = t.actions.c


class Failing(NamedTuple):
    """What was tried in vain."""

    action: Action
    why: str
    again_at: float


class Queue:
    """The actions of a desk."""

    def __init__(self, desk: Desk, lease: timedelta = LEASE) -> None:
        self.desk = desk
        self.lease = lease
        self._late: list[_Late] = []

    def case(self, number: int) -> Case:
        return self.desk.case(number)

    def take(
        self,
        worker: str,
        now: datetime,
        kinds: Collection[str] | None = None,
        identities: Collection[str] | None = None,
    ) -> Work | None:
        """The action that has been due longest. `kinds`: only these. `identities`: of probes only
        those from these addresses (a worker probes from addresses that are its own)."""
        query = sa.select(c.id).where(c.outcome_at.is_(None), c.not_before <= now.timestamp())
        query = query.where(self._is_free(now.timestamp()), *_ones_own(kinds, identities))
        query = query.order_by(c.not_before, c.id).limit(1)
        token = f"{plain(worker)}/{uuid.uuid4().hex[:12]}"

        def work(connection: sa.Connection) -> Work | None:
            locked = query.with_for_update(skip_locked=True)
            row = connection.execute(locked).scalar_one_or_none()
            if row is None:
                return None
            again = sa.case((c.leased_by.is_(None), c.attempt), else_=c.attempt + 1)
            until = (now + self.lease).timestamp()
            values = {"lease_until": until, "leased_by": token, "attempt": again}
            values |= {"intent_at": None, "intent": None}
            connection.execute(sa.update(t.actions).where(c.id == row).values(values))
            return _taken(connection, row)

        # A look without the lock of a writer first: mostly there is nothing.
        with reading(self.desk.engine) as connection:
            if connection.execute(query).first() is None:
                return None
        return self.desk.transaction(work)

    def intend(self, taken: Work, intent: Mapping[str, Any], now: datetime) -> None:
        """Record what is about to be done. Raises `LeaseLost`, and then it must not be done."""
        statement = (
            sa.update(t.actions)
            .where(c.id == taken.id, c.leased_by == taken.token, c.intent_at.is_(None))
            .where(c.outcome_at.is_(None), c.lease_until > now.timestamp())
            .where(c.not_before <= now.timestamp())
            .values(intent_at=now.timestamp(), intent=msgspec.json.encode(intent).decode())
        )
        if self.desk.transaction(lambda connection: connection.execute(statement).rowcount) != 1:
            raise LeaseLost(WORDS["lease-lost"], case=taken.case, key=taken.action.key)

    def finish(
        self,
        taken: Work,
        outcome: Outcome,
        now: datetime,
        command: Command | None = None,
        why: str = "",
        again: datetime | None = None,
    ) -> tuple[Recorded, ...]:
        """The outcome and what the command makes of it, together. What was done is recorded even
        where the lease is over; twice recorded, it counts once (its source is `action:ID`). Where
        the store cannot be used, the outcome is kept for `catch_up`. `again`: when what failed may be
        tried again; `None`: after a pause that grows."""

        def work(connection: sa.Connection) -> tuple[Recorded, ...]:
            lock(connection, taken.case)
            values: dict[str, Any] = {"outcome": outcome, "outcome_at": now.timestamp()}
            values |= {"why": plain(why) or None}
            if outcome == "failed":
                wait = min(BACK_OFF * 2 ** min(taken.attempt - 1, 20), timedelta(days=1))
                values["again_at"] = (again or now + wait).timestamp()
            statement = sa.update(t.actions).where(c.id == taken.id, c.outcome_at.is_(None))
            connection.execute(statement.values(**values))
            case = self.desk.load(connection, taken.case)
            events = command(case) if command is not None else ()
            recorded = self.desk.append(connection, case, _sourced(events, taken.id))
            if not recorded:
                self.desk.follow(connection, case)
            after = fold((each.event for each in recorded), case)
            if outcome == "done" and any(
                action.key == taken.action.key for action in plan(after, self.desk.policy)
            ):
                raise ValueError(f"{taken.action.key} is done, but no event says so")
            return recorded

        try:
            return self.desk.transaction(work)
        except UNUSABLE:
            self._late.append((taken, outcome, now, command, why, again))
            raise

    def catch_up(self) -> int:
        """Record the outcomes that the store did not take: what was done here is known, and nobody
        needs to find out. Returns how many there were. Raises the `StoreError` again."""
        count = 0
        while self._late:
            self.finish(*self._late.pop(0))
            count += 1
        return count

    def unknown(self, now: datetime, case: int | None = None) -> list[Work]:
        """Deeds that may have been done or not, and must not simply be done again; of one case."""
        once = [kind for kind, wait in REPEATABLE.items() if wait is None]
        query = (
            sa.select(c.id)
            .where(c.outcome_at.is_(None), c.intent_at.is_not(None), c.kind.in_(once))
            .where(self._is_over(now.timestamp()))
            .order_by(c.id)
        )
        if case is not None:
            query = query.where(c.case_id == case)
        with reading(self.desk.engine) as connection:
            rows = connection.execute(query).scalars().all()
            return [_taken(connection, row) for row in rows]

    def failing(self, case: int) -> list[Failing]:
        """What others would see, did not come about so far, and is tried again."""
        seen = [kind for kind, wait in REPEATABLE.items() if wait is None]
        query = (
            sa.select(c.key, c.not_before, c.action)
            .where(c.case_id == case, c.outcome_at.is_(None), c.attempt > 1, c.kind.in_(seen))
            .order_by(c.not_before, c.id)
        )
        with reading(self.desk.engine) as connection:
            found = []
            for key, not_before, action in connection.execute(query).all():
                last = sa.select(c.why).where(
                    c.case_id == case, c.key == key, c.outcome == "failed"
                )
                why = connection.execute(last.order_by(c.attempt.desc()).limit(1)).scalar()
                if why:
                    told = msgspec.json.decode(action, type=Action)
                    found.append(Failing(told, why, not_before))
            return found

    def settle(
        self, unknown: Work, *, done: bool, now: datetime, command: Command | None = None
    ) -> tuple[Recorded, ...]:
        """Somebody found out. `command`: what records the deed, or who says that it was not done."""
        return self.finish(unknown, "done" if done else "not-done", now, command)

    def count_due(self, now: datetime) -> int:
        """How many actions are due, taken or not."""
        query = sa.select(sa.func.count()).select_from(t.actions)
        query = query.where(c.outcome_at.is_(None), c.not_before <= now.timestamp())
        with reading(self.desk.engine) as connection:
            return connection.execute(query).scalar_one()

    def next_at(
        self,
        now: datetime,
        kinds: Collection[str] | None = None,
        identities: Collection[str] | None = None,
    ) -> float | None:
        """When there is something to take next (Unix time; in the past: now), or to find out. What
        others hold counts when their lease is over, and what waits for a person never."""
        open_ = (c.outcome_at.is_(None), *_ones_own(kinds, identities))
        free = sa.select(c.not_before).where(*open_, c.leased_by.is_(None))
        held = sa.select(c.kind, c.intent_at, c.lease_until).where(
            *open_, c.leased_by.is_not(None), c.not_before <= now.timestamp()
        )
        with reading(self.desk.engine) as connection:
            found = connection.execute(free.order_by(c.not_before).limit(1)).scalar_one_or_none()
            moments = [] if found is None else [found]
            for kind, intent_at, until in connection.execute(held):
                until = until if until <= self._ahead(now.timestamp()) else now.timestamp()
                wait = timedelta(0) if intent_at is None else REPEATABLE[kind]
                if wait is not None:
                    moments.append(max(until, (intent_at or until) + wait.total_seconds()))
                elif until > now.timestamp():
                    moments.append(until)
        return min(moments, default=None)

    def _is_over(self, now: float) -> sa.ColumnElement[bool]:
        """No lease, one that is over, or one from a clock that was far ahead."""
        ahead = self._ahead(now)
        return sa.or_(c.lease_until.is_(None), c.lease_until <= now, c.lease_until > ahead)

    def _ahead(self, now: float) -> float:
        return now + 2 * self.lease.total_seconds()

    def _is_free(self, now: float) -> sa.ColumnElement[bool]:
        repeatable = [
            sa.and_(c.kind == kind, c.intent_at <= now - wait.total_seconds())
            for kind, wait in REPEATABLE.items()
            if wait is not None
        ]
        return sa.and_(self._is_over(now), sa.or_(c.intent_at.is_(None), *repeatable))


def _ones_own(
    kinds: Collection[str] | None, identities: Collection[str] | None
) -> list[sa.ColumnElement[bool]]:
    """What `take` says of them."""
    found: list[sa.ColumnElement[bool]] = []
    if kinds is not None:
        found.append(c.kind.in_(sorted(kinds)))
    if identities is not None:
        own = [c.key.startswith(f"probe/{key}/", autoescape=True) for key in sorted(identities)]
        found.append(sa.or_(c.kind != "probe", *own))
    return found


def _taken(connection: sa.Connection, row: int) -> Work:
    found = connection.execute(sa.select(t.actions).where(c.id == row)).mappings().one()
    intent = found["intent"]
    return Work(
        id=found["id"],
        case=found["case_id"],
        action=msgspec.json.decode(found["action"], type=Action),
        attempt=found["attempt"],
        token=found["leased_by"] or "",
        intent=None if intent is None else msgspec.json.decode(intent),
        intent_at=found["intent_at"],
    )


def _sourced(events: Collection[ev.AnyEvent], row: int) -> list[ev.AnyEvent]:
    source = f"action:{row}"
    return [msgspec.structs.replace(event, source=event.source or source) for event in events]
