"""The case desk's store: events in, cases out.

Every change is one transaction: the events are appended, and what follows from them (the row of
the case, the keys that lead to it, the actions that are due) is brought up to date with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from todoku.cases import EventError, commands, joining
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.fold import fold
from todoku.cases.joining import Sighting
from todoku.cases.policy import DEFAULT, Policy
from todoku.cases.records import Recorded, as_stored, encode
from todoku.model import Identity
from todoku.store import WORDS, Overtaken, UnknownCase, telling, writing
from todoku.store import tables as t
from todoku.store.planning import plan_rows
from todoku.store.rows import (
    claim,
    counted_in,
    events_of,
    is_counted,
    lock,
    of_source,
    plain,
    point,
    projected,
    row_of,
    upsert,
)

Command: TypeAlias = Callable[[Case], Sequence[ev.AnyEvent]]
Seen: TypeAlias = ev.Reported | ev.Refused | ev.Checked
Result = TypeVar("Result")

TRIES: Final = 8
"""How often a transaction that lost a race is run again."""
# A number for PostgreSQL's advisory lock: sightings find their case one after the other.
JOINING: Final = 0x746F646F6B76


class Desk:
    """All cases of one database."""

    def __init__(self, engine: sa.Engine, policy: Policy = DEFAULT) -> None:
        self.engine = engine
        self.policy = policy

    # Reading

    def case(self, number: int) -> Case:
        """Raises `UnknownCase`."""
        with reading(self.engine) as connection:
            return self.load(connection, number)

    def history(self, number: int, *, counted: bool = True) -> list[Recorded]:
        """All events of a case; without what was `counted` in them, as they were recorded. Raises
        `UnknownCase`."""
        with reading(self.engine) as connection:
            found = events_of(connection, number, counted=counted)
        if not found:
            raise UnknownCase(WORDS["no-case"], case=number)
        return [Recorded(case=number, seq=seq, event=e) for seq, e in enumerate(found, 1)]

    def rows(self, closed: bool = False) -> list[dict[str, Any]]:
        """The rows of all open cases (or all), the last changed first: columns of `tables.cases`."""
        query = sa.select(t.cases).order_by(t.cases.c.changed_at.desc(), t.cases.c.number)
        if not closed:
            query = query.where(t.cases.c.closed.is_(None))
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def find(self, key: str) -> int | None:
        """The case that a key leads to, such as `ticket:SRX1234567890ID`."""
        query = sa.select(t.keys.c.case_id).where(t.keys.c.key == plain(key))
        with reading(self.engine) as connection:
            return connection.execute(query).scalar_one_or_none()

    # Writing

    def change(
        self, number: int, command: Command, order: str | None = None
    ) -> tuple[Recorded, ...]:
        """What the command gives for the case as it is now, appended. Raises `UnknownCase` and
        what the command raises; nothing is written then. `order`: a source; what the case has of
        it already comes back, and the command is not asked."""

        def work(connection: sa.Connection) -> tuple[Recorded, ...]:
            lock(connection, number)
            done = () if order is None else of_source(connection, order, number)
            if done:
                return done
            case = self.load(connection, number)
            return self.append(connection, case, command(case))

        return self.transaction(work)

    def see(
        self, event: Seen, *also: ev.AnyEvent, handled: Sequence[str] = (), order: str | None = None
    ) -> tuple[Recorded, ...]:
        """Something was reported, refused or found listed: it joins its case or opens one, with
        what else is known (`also`: a diagnosis). A refusal that `commands.only_counts` is counted,
        and nothing comes back for it; neither for a check that found no listing. `handled`: the
        messages that are done with it, in the same transaction; nothing is counted where another
        worker did them, and `Overtaken` raised where it did some of them. `order`: a source;
        where any case has this event of it, that comes back and nothing is written, and what a
        person orders is recorded where another refusal would only be counted."""
        event = as_stored(event)
        names = {ev.name(each) for each in (event, *also)}

        def work(connection: sa.Connection) -> tuple[Recorded, ...]:
            if not _handle(connection, handled, event.at):
                return ()
            if isinstance(event, ev.Checked) and not _sighting(event).identities:
                return ()
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(JOINING)))
            if order is not None:
                done = of_source(connection, order)
                done = tuple(each for each in done if ev.name(each.event) in names)
                if done:
                    return done
            seen: list[Recorded] = []
            todo: tuple[Identity, ...] | None = None
            while todo is None or todo:
                recorded, todo = self._join(connection, event, also, todo, order is not None)
                seen += recorded
            return tuple(seen)

        return self.transaction(work)

    def flush(self, now: datetime) -> tuple[int, ...]:
        """What follows from refusals that were only counted, in cases that were not looked at for
        `policy.flood`; which these were. To be called now and then. Raises the `EventError` of a case
        that cannot be read, when the others are done."""
        old = now.timestamp() - self.policy.flood.total_seconds()
        with reading(self.engine) as connection:
            query = sa.select(t.tallies.c.case_id).where(t.tallies.c.since <= old)
            numbers = connection.execute(query.distinct()).scalars().all()
        done: list[int] = []
        unread: EventError | None = None
        for number in numbers:
            try:
                self.transaction(lambda c, n=number: self._flush(c, n))  # type: ignore[misc]
                done.append(number)
            except EventError as error:
                unread = error
        if unread is not None:
            raise unread
        return tuple(done)

    def rebuild(self) -> int:
        """The rows of cases, keys and open actions anew from the events. Returns how many cases.
        Pointers lead to the case that was changed last."""

        def work(connection: sa.Connection) -> int:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("LOCK TABLE events, cases IN EXCLUSIVE MODE"))
            query = (
                sa.select(t.events.c.case_id)
                .group_by(t.events.c.case_id)
                .order_by(sa.func.max(t.events.c.at), t.events.c.case_id)
            )
            numbers = connection.execute(query).scalars().all()
            connection.execute(sa.delete(t.keys))
            connection.execute(sa.delete(t.cases))
            for number in numbers:
                case = self.load(connection, number)
                self.follow(connection, case, before=Case(number=number))
            return len(numbers)

        return self.transaction(work)

    # Within a transaction

    def load(self, connection: sa.Connection, number: int) -> Case:
        found = events_of(connection, number)
        if not found:
            raise UnknownCase(WORDS["no-case"], case=number)
        return fold(found, Case(number=number))

    def append(
        self, connection: sa.Connection, case: Case, events: Sequence[ev.AnyEvent]
    ) -> tuple[Recorded, ...]:
        """Append to a case whose row is locked. Nothing is appended where the first event's source
        counted already."""
        if not events or is_counted(connection, case.number, events[0]):
            return ()
        events = [as_stored(event) for event in events]
        recorded = tuple(
            Recorded(case=case.number, seq=seq, event=event)
            for seq, event in enumerate(events, case.seq + 1)
        )
        connection.execute(sa.insert(t.events), [row_of(each) for each in recorded])
        self.follow(connection, fold(events, case), before=case)
        return recorded

    def transaction(self, work: Callable[[sa.Connection], Result]) -> Result:
        """Run it in one; again where another writer was faster."""
        for left in range(TRIES, 0, -1):
            try:
                with writing(self.engine) as connection:
                    return work(connection)
            except sa.exc.IntegrityError:
                if left == 1:
                    raise
            except sa.exc.OperationalError as error:
                # Deadlock or serialisation failure: PostgreSQL asks to try again.
                if left == 1 or getattr(error.orig, "sqlstate", None) not in {"40P01", "40001"}:
                    raise
        raise AssertionError  # the loop returns or raises

    def _join(
        self,
        connection: sa.Connection,
        event: Seen,
        also: Sequence[ev.AnyEvent],
        identities: tuple[Identity, ...] | None,
        once: bool,
    ) -> tuple[list[Recorded], tuple[Identity, ...]]:
        """One step of `see`: what was written, and the identities that belong elsewhere."""
        sighting = _sighting(event)
        if identities is not None:
            sighting = msgspec.structs.replace(sighting, identities=identities)
        wanted = [plain(key) for key in (*sighting.strong, *sighting.pointers)]
        query = sa.select(t.keys.c.key, t.keys.c.case_id).where(t.keys.c.key.in_(wanted))
        found = dict(connection.execute(query).all())
        query = sa.select(t.cases.c.number).where(
            t.cases.c.number.in_(found.values()),
            t.cases.c.closed.is_(None),
            t.cases.c.identities == "",
        )
        matched = joining.match(sighting, found, connection.execute(query).scalars())
        if matched.case is None:
            highest = connection.execute(sa.select(sa.func.max(t.cases.c.number))).scalar_one()
            case = Case(number=(highest or 0) + 1)
        else:
            lock(connection, matched.case, *matched.absorbs)
            case = self.load(connection, matched.case)
        written: list[Recorded] = []
        for other in matched.absorbs:
            written += self._absorb(connection, case, other, event.at)
            case = self.load(connection, case.number)
        events = self._sighted(connection, case, event, matched.identities, once)
        if events:
            written += self.append(connection, case, (*events, *also))
        point(connection, sighting.pointers, case.number)
        return written, matched.elsewhere

    def _sighted(
        self,
        connection: sa.Connection,
        case: Case,
        event: Seen,
        identities: tuple[Identity, ...],
        once: bool,
    ) -> Sequence[ev.AnyEvent]:
        replace = msgspec.structs.replace
        match event:
            case ev.Reported():
                return commands.report(case, replace(event, identities=identities))
            case ev.Refused():
                event = replace(event, identities=identities)
                if is_counted(connection, case.number, event):
                    return ()
                seq = None if once else commands.only_counts(case, event, self.policy)
                if seq is not None:
                    _count(connection, case.number, seq, event)
                    return ()
                return commands.refuse(case, event)
            case ev.Checked():
                here = tuple(
                    f for f in event.findings if f.state != "listed" or f.identity in identities
                )
                return commands.check(case, replace(event, findings=here), self.policy)

    def _absorb(
        self, connection: sa.Connection, case: Case, other: int, at: datetime
    ) -> list[Recorded]:
        theirs = events_of(connection, other)
        taken = commands.absorb(case, theirs, other, at)
        written = list(self.append(connection, case, taken))
        absorbed = fold(theirs, Case(number=other))
        end = ev.Closed(at=at, why="joined", into=case.number)
        written += self.append(connection, absorbed, (end,))
        point(connection, joining.keys_of(absorbed)[1], case.number)
        return written

    def _flush(self, connection: sa.Connection, number: int) -> None:
        lock(connection, number)
        case = self.load(connection, number)
        self.follow(connection, case)
        these = t.tallies.c.case_id == number
        connection.execute(sa.update(t.tallies).where(these).values(since=None))

    def follow(self, connection: sa.Connection, case: Case, before: Case | None = None) -> None:
        """What follows from a case: its actions, its row, its keys. `before`: as it was when they
        were last brought up to date."""
        next_due = plan_rows(connection, case, self.policy)
        upsert(connection, t.cases, "number", [projected(case, next_due)])
        strong, pointers = joining.keys_of(case)
        old_strong, old_pointers = joining.keys_of(before or case)
        claim(connection, sorted(set(strong) - set(old_strong)), case.number)
        if case.closed is None or case.closed.why != "joined":
            point(connection, set(pointers) - set(old_pointers), case.number)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that only reads: one state of the database throughout."""
    with telling(engine), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def _count(connection: sa.Connection, number: int, seq: int, event: ev.Refused) -> None:
    """More of what an event tells, in the row of the case too."""
    event = commands.tidied(as_stored(event))
    count, here = event.count, (t.tallies.c.case_id == number, t.tallies.c.seq == seq)
    query = sa.select(t.tallies.c.payload, t.tallies.c.since).where(*here)
    found = connection.execute(query).one_or_none()
    since = event.at.timestamp()
    if found is None:
        row = {"case_id": number, "seq": seq, "since": since, "payload": encode(event)}
        connection.execute(sa.insert(t.tallies), row)
    else:
        event = joining.merged(counted_in(found.payload, number, seq), event)
        values = {"payload": encode(event), "since": since if found.since is None else found.since}
        connection.execute(sa.update(t.tallies).where(*here).values(values))
    c = t.cases.c
    more = sa.update(t.cases).where(c.number == number).values(refusals=c.refusals + count)
    connection.execute(more)


def _handle(connection: sa.Connection, shas: Sequence[str], at: datetime) -> bool:
    """Mark messages as done with. False: another worker did."""
    if not shas:
        return True
    statement = (
        sa.update(t.messages)
        .where(t.messages.c.sha256.in_(shas), t.messages.c.handled_at.is_(None))
        .values(handled_at=at.timestamp())
    )
    done = connection.execute(statement).rowcount
    if 0 < done < len(set(shas)):
        raise Overtaken(WORDS["overtaken"])
    return done > 0


def _sighting(event: Seen) -> Sighting:
    match event:
        case ev.Checked():
            listed = [f.identity for f in event.findings if f.state == "listed"]
            return Sighting(identities=tuple(listed), place=event.place)
        case _:
            return Sighting(identities=event.identities, place=event.place, to=event.to)
