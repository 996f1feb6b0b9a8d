"""What came in and could not be proven: bounces of mail that nobody knows we sent, reports of which
nobody knows whether a user of ours wrote them. It is kept and shown, and moves nothing until it is
proven, or a person says what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from todoku.cases.case import Case
from todoku.cases.joining import keys_of
from todoku.cases.provenance import Doubt
from todoku.store import tables as t
from todoku.store.cases import Desk, reading
from todoku.store.rows import plain

Kind = Literal["refusal", "report"]
Settled = Literal["accepted", "not-ours"]

KEPT: Final = timedelta(days=30)
MOST_SHOWN: Final = 5
"""Groups of bounces that are shown with a case,"""
MOST_REPORTS: Final = 100
"""and of reports that are looked through for it."""
c = t.unverified.c


class Unproven(msgspec.Struct, frozen=True, kw_only=True):
    """One message. What it says in full is in the message."""

    sha256: str
    kind: Kind
    doubt: Doubt
    at: float
    """When it was read; Unix time."""
    key: str = ""
    """What it is about: `ip:192.0.2.1@microsoft-consumer`, or only a place."""
    who: str | None = None
    """Who it says that it is from: the server that reports, the user."""
    identities: tuple[str, ...] = ()
    place: str | None = None
    words: str = ""
    """The first of them."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Those that wait and say the same."""

    kind: Kind
    doubt: Doubt
    key: str
    count: int
    first: float
    last: float
    newest: Unproven
    case: int | None = None
    """That they would belong to, where there is one."""


class Late(NamedTuple):
    """One that may be proven by now."""

    at: float
    sha256: str
    body: bytes


ENCODE: Final = msgspec.json.Encoder().encode
DECODE: Final = msgspec.json.Decoder(Unproven).decode


class Unverified:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def put(self, found: Sequence[Unproven], handled: Iterable[str], now: datetime) -> None:
        """Keep them, and be done with the messages, in one transaction."""
        rows = [
            {
                "sha256": each.sha256,
                "kind": each.kind,
                "doubt": each.doubt,
                "key": plain(each.key),
                "at": each.at,
                "payload": plain(ENCODE(each).decode()),
            }
            for each in found
        ]
        shas = list(handled)

        def work(connection: sa.Connection) -> None:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            if rows:
                insert = dialect.insert(t.unverified).on_conflict_do_nothing()
                connection.execute(insert, rows)
            done = sa.update(t.messages).where(
                t.messages.c.sha256.in_(shas), t.messages.c.handled_at.is_(None)
            )
            connection.execute(done.values(handled_at=now.timestamp()))

        self.desk.transaction(work)

    def groups(self, most: int = 20) -> tuple[list[Group], int]:
        """Those that wait, by what they say; the last first. And how many groups there are."""
        with reading(self.desk.engine) as connection:
            return self._groups(connection, c.settled.is_(None), most)

    def count(self) -> int:
        """How many wait."""
        query = sa.select(sa.func.count()).where(c.settled.is_(None))
        with reading(self.desk.engine) as connection:
            return connection.execute(query).scalar_one()

    def of_case(self, case: Case) -> list[Group]:
        """Those that would belong to it: bounces of its identities at its place, and reports of users
        about its place or domains."""
        keys = [plain(key) for key in keys_of(case)[0]]
        places = {f"domain:{domain}" for domain in case.to}
        if case.place is not None:
            places.add(case.place.id)
        waits = c.settled.is_(None)
        with reading(self.desk.engine) as connection:
            about = sa.and_(waits, c.kind == "refusal", c.key.in_(keys))
            found, _ = self._groups(connection, about, MOST_SHOWN)
            reports, _ = self._groups(connection, sa.and_(waits, c.kind == "report"), MOST_REPORTS)
        return [*found, *(each for each in reports if each.newest.place in places)]

    def _groups(
        self, connection: sa.Connection, which: sa.ColumnElement[bool], most: int
    ) -> tuple[list[Group], int]:
        last = sa.func.max(c.at).label("last")
        query = (
            sa.select(c.kind, c.doubt, c.key, sa.func.count(), sa.func.min(c.at), last)
            .where(which)
            .group_by(c.kind, c.doubt, c.key)
        )
        # A stranger may make as many as he likes: they are counted where they are.
        count = sa.select(sa.func.count()).select_from(query.subquery())
        rows = connection.execute(query.order_by(last.desc()).limit(most)).all()
        found = [self._group(connection, *row) for row in rows]
        return found, connection.execute(count).scalar_one()

    def _group(
        self, connection: sa.Connection, kind: Any, doubt: Any, key: str, n: int, a: float, b: float
    ) -> Group:
        query = sa.select(c.payload).where(
            c.settled.is_(None), c.kind == kind, c.doubt == doubt, c.key == key, c.at == b
        )
        newest = DECODE(connection.execute(query.limit(1)).scalar_one())
        leads = f"@{newest.place}" if kind == "report" else key
        found = sa.select(t.keys.c.case_id).where(t.keys.c.key == leads)
        case = connection.execute(found).scalar_one_or_none()
        return Group(
            kind=kind, doubt=doubt, key=key, count=n, first=a, last=b, newest=newest, case=case
        )

    def find(self, name: str) -> list[Unproven]:
        """Those whose SHA-256 begins so, settled or not; two at most."""
        query = sa.select(c.payload).where(c.sha256.startswith(name, autoescape=True))
        with reading(self.desk.engine) as connection:
            return [DECODE(p) for p in connection.execute(query.limit(2)).scalars()]

    def alike(self, one: Unproven, most: int = 1000) -> list[Unproven]:
        """Those that wait and say the same, itself too."""
        query = sa.select(c.payload).where(
            c.settled.is_(None), c.kind == one.kind, c.doubt == one.doubt, c.key == plain(one.key)
        )
        with reading(self.desk.engine) as connection:
            return [DECODE(p) for p in connection.execute(query.limit(most)).scalars()]

    def late(
        self, since: datetime, after: tuple[float, str], most: int, octets: int = 64 << 20
    ) -> list[Late]:
        """Refusals that wait for a proof and were read since that moment, the oldest first: those
        behind `after` (time and SHA-256), so many, and no more once they have so many octets."""
        m = t.messages.c
        query = (
            sa.select(c.at, c.sha256, m.body)
            .join(t.messages, m.sha256 == c.sha256)
            .where(c.settled.is_(None), c.kind == "refusal", c.doubt == "no-proof")
            .where(c.at >= since.timestamp(), sa.tuple_(c.at, c.sha256) > sa.tuple_(*after))
            .where(m.body.is_not(None))
            .order_by(c.at, c.sha256)
            .limit(most)
            .execution_options(yield_per=20)
        )
        found: list[Late] = []
        with reading(self.desk.engine) as connection, connection.execute(query) as rows:
            for row in rows:
                found.append(Late(*row))
                octets -= len(found[-1].body)
                if octets <= 0:
                    break
        return found

    def again(self, shas: Sequence[str]) -> None:
        """They can be proven now: they wait no longer, and their messages are new ones again."""
        waits = sa.and_(c.sha256.in_(list(shas)), c.settled.is_(None))

        def work(connection: sa.Connection) -> None:
            gone = connection.execute(sa.delete(t.unverified).where(waits).returning(c.sha256))
            new = t.messages.c.sha256.in_(gone.scalars().all())
            connection.execute(sa.update(t.messages).where(new).values(handled_at=None))

        self.desk.transaction(work)

    def settle(
        self, shas: Sequence[str], how: Settled, now: datetime, by: str | None = None
    ) -> None:
        """They wait no longer."""
        values = {"settled": how, "settled_at": now.timestamp(), "settled_by": by and plain(by)}
        statement = sa.update(t.unverified).where(c.sha256.in_(list(shas)), c.settled.is_(None))
        self.desk.transaction(lambda connection: connection.execute(statement.values(**values)))

    def forget(self, now: datetime) -> int:
        """What nobody has looked at for a month goes, as the messages do. Returns how many."""
        old = (now - KEPT).timestamp()
        statement = sa.delete(t.unverified).where(c.at < old)
        return self.desk.transaction(lambda connection: connection.execute(statement).rowcount)
