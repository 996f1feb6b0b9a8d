"""Raw messages, and the people who reported. Of a bounce the body that was returned is dropped before
anything is written (`todoku.reading.keeping`); a message is known again by the SHA-256 of all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import sqlalchemy as sa

from todoku.i18n import Language
from todoku.reading import keeping
from todoku.store import tables as t
from todoku.store.cases import Desk, reading
from todoku.store.rows import plain

KEEP: Final = timedelta(days=30)


class Message(NamedTuple):
    sha256: str
    origin: str
    received_at: float
    body: bytes


class Person(NamedTuple):
    """`address` and `name` are `None` when they were forgotten."""

    ref: str
    address: str | None
    name: str | None
    lang: str | None


class Mailbox:
    """What came in. A message is kept before anybody is told that it was received, and read later:
    `Desk.see(..., handled=[...])` marks it as done with in the transaction that counts it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._seen: tuple[float, str] | None = None
        """Time and SHA-256 of the last one of `unhandled`, where there may be more behind it."""

    def keep(
        self,
        bodies: Iterable[bytes],
        origin: str,
        now: datetime,
        keep: timedelta = KEEP,
        also: Callable[[sa.Connection], object] = lambda _connection: None,
    ) -> list[tuple[str, bool]]:
        """Store these, in one transaction with `also`; on disk when this returns. For each its
        SHA-256 and whether it is new."""
        expires = (now + keep).timestamp()

        def work(connection: sa.Connection) -> list[tuple[str, bool]]:
            told = []
            known: set[str] = set()
            rows = []
            hashed = [(hashlib.sha256(body).hexdigest(), body) for body in bodies]
            query = sa.select(t.messages.c.sha256)
            for start in range(0, len(hashed), 500):
                shas = [sha for sha, _ in hashed[start : start + 500]]
                found = connection.execute(query.where(t.messages.c.sha256.in_(shas)))
                known.update(found.scalars())
            for sha, body in hashed:
                told.append((sha, sha not in known))
                if sha not in known:
                    known.add(sha)
                    rows.append(
                        {
                            "sha256": sha,
                            "received_at": now.timestamp(),
                            "expires_at": expires,
                            "origin": plain(origin),
                            "body": keeping.before_reading(body),
                        }
                    )
            if rows:
                connection.execute(sa.insert(t.messages), rows)
            also(connection)
            return told

        bodies = list(bodies)
        return self.desk.transaction(work)

    def unhandled(self, most: int = 1000, octets: int = 64 << 20) -> list[Message]:
        """The oldest that nobody is done with: so many of them, but one at least where there is
        any, and no more once they have so many octets together. Where as many came the last time,
        the next ones, and the oldest again after all: some may wait for long."""
        found = self._after(self._seen, most, octets)
        if not found and self._seen is not None:
            found = self._after(None, most, octets)
        full = len(found) == most or sum(len(each.body) for each in found) >= octets
        self._seen = (found[-1].received_at, found[-1].sha256) if full else None
        return found

    def _after(self, seen: tuple[float, str] | None, most: int, octets: int) -> list[Message]:
        m = t.messages.c
        query = (
            sa.select(m.sha256, m.origin, m.received_at, m.body)
            .where(m.handled_at.is_(None), m.body.is_not(None))
            .order_by(m.received_at, m.sha256)
            .limit(most)
            .execution_options(yield_per=20)
        )
        if seen is not None:
            query = query.where(sa.tuple_(m.received_at, m.sha256) > sa.tuple_(*seen))
        found: list[Message] = []
        with reading(self.desk.engine) as connection, connection.execute(query) as rows:
            for row in rows:
                found.append(Message(*row))
                octets -= len(found[-1].body)
                if octets <= 0:
                    break
        return found

    def handled(self, shas: Iterable[str], now: datetime) -> None:
        """Done with, without an event: what is no news of ours."""
        statement = sa.update(t.messages).where(
            t.messages.c.sha256.in_(list(shas)), t.messages.c.handled_at.is_(None)
        )
        self.desk.transaction(lambda c: c.execute(statement.values(handled_at=now.timestamp())))

    def body(self, sha256: str) -> bytes | None:
        """`None`: never seen, or expired."""
        query = sa.select(t.messages.c.body).where(t.messages.c.sha256 == sha256)
        with reading(self.desk.engine) as connection:
            return connection.execute(query).scalar_one_or_none()

    def expire(self, now: datetime, keep: timedelta | None = None) -> int:
        """Forget the bodies whose time is over; what nobody has read yet stays. `keep`: since it came
        in, whatever was meant then. Returns how many."""
        m = t.messages.c
        over = m.expires_at <= now.timestamp()
        if keep is not None:
            over = m.received_at <= (now - keep).timestamp()
        statement = (
            sa.update(t.messages)
            .where(m.body.is_not(None), over, m.handled_at.is_not(None))
            .values(body=None)
        )
        return self.desk.transaction(lambda c: c.execute(statement).rowcount)


class People:
    """Who reported. Events name them by `ref`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def known_as(self, address: str, name: str | None = None, lang: Language | None = None) -> str:
        """The `ref` of an address, new or not; name and language as they were told last."""
        address = plain(address.strip())
        person = t.people.c

        def work(connection: sa.Connection) -> str:
            query = sa.select(person.id).where(person.address == address)
            number = connection.execute(query).scalar_one_or_none()
            told = {"name": name and plain(name), "lang": lang}
            told = {key: value for key, value in told.items() if value}
            if number is None:
                insert = sa.insert(t.people).values(address=address, **told)
                number = connection.execute(insert.returning(person.id)).scalar_one()
            elif told:
                connection.execute(sa.update(t.people).where(person.id == number).values(**told))
            return f"person:{number}"

        return self.desk.transaction(work)

    def get(self, ref: str) -> Person | None:
        number = _number(ref)
        if number is None:
            return None
        query = sa.select(t.people).where(t.people.c.id == number)
        with reading(self.desk.engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return None
        return Person(ref, row["address"], row["name"], row["lang"])

    def forget(self, ref: str) -> None:
        """Erase address and name. The cases keep that somebody reported, not who."""
        number = _number(ref)
        if number is not None:
            statement = sa.update(t.people).where(t.people.c.id == number)
            self.desk.transaction(lambda c: c.execute(statement.values(address=None, name=None)))


def _number(ref: str) -> int | None:
    kind, _, number = ref.partition(":")
    return int(number) if kind == "person" and number.isascii() and number.isdigit() else None
