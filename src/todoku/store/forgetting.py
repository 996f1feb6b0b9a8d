"""An address is forgotten: it goes from every row that holds it, in any spelling that mail knows.

Events are never changed otherwise. Here they are: instead of the address they say `forgotten-5d1f0c2a@` and
its domain, the same in all rows, so cases fold as before, keep their counts, and what was one stays one.
Mail that names it is erased whole. Each case that was changed notes it, without the address.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from todoku.cases import events as ev
from todoku.reading import mail
from todoku.store import log_tables
from todoku.store import tables as t
from todoku.store.cases import Desk, reading
from todoku.store.rows import lock

BATCH: Final = 200
"""Mails that are looked through between two looks at the database."""
LARGEST: Final = 4 << 20
"""Octets of a part of a mail that are looked through decoded."""
ENCLOSED: Final = 3
"""How deep mails in mails are looked through."""
GONE: Final = "[…]"
"""Instead of other words."""

_BEFORE: Final = r"(?:(?<![A-Za-z0-9.+_-])|(?<=%[0-9A-Fa-f]{2}))"
_AFTER: Final = r"(?![A-Za-z0-9-]|\.[A-Za-z0-9])"


class Spellings:
    """Of one address, and of other words that are to go with it."""

    def __init__(self, address: str, also: Sequence[str] = ()) -> None:
        """`also`: such as a name; in any case of letters, not inside of other words."""
        local, _, domain = address.strip().strip("<>").rpartition("@")
        tag = "" if "+" in local else r"(?:\+[^\s@<>]{1,64})?"
        name = re.escape(local) + tag
        host = "|".join(map(re.escape, _hosts(domain)))
        self.domain = domain.lower()
        self.addresses = tuple(f"{local.lower()}@{host}" for host in _hosts(domain))
        """As they are hashed."""
        self._instead = f"forgotten-{secrets.token_hex(4)}"
        self._address = re.compile(
            rf"{_BEFORE}\"?{name}\"?(?P<sign>@|%40)(?P<host>{host}){_AFTER}"
            rf"|(?<![A-Za-z0-9]){name}(?P<equals>=)(?P<path>{host}){_AFTER}",  # VERP, BATV, SRS
            re.IGNORECASE,
        )
        others = [text.split() for text in also if text.strip()]
        words = "|".join(r"\s+".join(map(re.escape, text)) for text in others)
        self._also = (
            re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])", re.I) if words else None
        )
        self._signs = (local.lower(), *(text[0].lower() for text in others))
        """Where none of these is, nothing is: a look at them is quick."""

    def erase(self, text: str) -> str:
        """The text without it; the same one where it is not there."""
        low = text.lower()
        if not any(sign in low for sign in self._signs):
            return text
        text = self._address.sub(self._replaced, text)
        return text if self._also is None else self._also.sub(GONE, text)

    def _replaced(self, m: re.Match[str]) -> str:
        return f"{self._instead}{m['sign'] or m['equals']}{m['host'] or m['path']}"

    def within(self, value: Any) -> Any:
        """All strings of a JSON value without it."""
        match value:
            case str():
                return self.erase(value)
            case dict():
                return {key: self.within(inner) for key, inner in value.items()}
            case list():
                return [self.within(inner) for inner in value]
            case _:
                return value

    def stored(self, text: str | None) -> str | None:
        """Of a column: JSON, or words. The very text where nothing is to go."""
        if not text:
            return text
        if text[0] in "{[":
            try:
                told = msgspec.json.decode(text)
            except msgspec.DecodeError:
                return self.erase(text)
            erased = self.within(told)
            return text if erased == told else msgspec.json.encode(erased).decode()
        return self.erase(text)

    def are_in(self, message: bytes) -> bool:
        """Whether a mail names it, also encoded."""
        if self._is_in(message):
            return True
        return self._is_inside(mail.parse(message), ENCLOSED)

    def _is_inside(self, whole: mail.Entity, depth: int) -> bool:
        for leaf in whole.leaves():
            content = leaf.content(LARGEST)
            if self._is_in(content) or self._is_told(leaf.decoded(LARGEST)):
                return True
            if not depth or not leaf.type.startswith(b"message/"):
                continue
            if self._is_inside(mail.parse(content), depth - 1):
                return True
        return False

    def _is_in(self, data: bytes) -> bool:
        return self._is_told(data.decode("utf-8", "replace"))

    def _is_told(self, text: str) -> bool:
        return self.erase(text) != text


class Forgotten(NamedTuple):
    """How much was erased."""

    events: int = 0
    cases: tuple[int, ...] = ()
    mails: int = 0
    people: int = 0
    others: int = 0
    """Rows of mail that is not verified, of floods that are counted, of actions."""

    def __bool__(self) -> bool:
        return any(self)

    def and_(self, more: Forgotten) -> Forgotten:
        """Both together."""
        cases = tuple(dict.fromkeys((*self.cases, *more.cases)))
        return Forgotten(
            self.events + more.events,
            cases,
            self.mails + more.mails,
            self.people + more.people,
            self.others + more.others,
        )


def forget(
    desk: Desk,
    spellings: Spellings,
    now: datetime,
    *,
    by: str | None,
    note: str,
    since: datetime | None = None,
) -> Forgotten:
    """From the database. `note`: what the cases note. `since`: of mails, those that came in since. Raises
    `StoreError`; nothing is half done but the mails, and doing it again does the rest."""
    first = 0.0 if since is None else since.timestamp()
    mails = [sha for sha, body in _bodies(desk, first) if spellings.are_in(body)]
    for start in range(0, len(mails), 500):
        desk.transaction(lambda c, at=start: _erase_mails(c, mails[at : at + 500], now))  # type: ignore[misc]
    found: Forgotten = desk.transaction(lambda c: _erase_rows(c, desk, spellings, now, by, note))
    if desk.engine.dialect.name == "sqlite":
        _checkpoint(desk.engine)
    return found._replace(mails=len(mails))


def _bodies(desk: Desk, since: float) -> Iterator[tuple[str, bytes]]:
    """All that are kept, a few at a time: others work meanwhile."""
    m = t.messages.c
    last = ""
    while True:
        query = (
            sa.select(m.sha256, m.body)
            .where(m.body.is_not(None), m.received_at >= since, m.sha256 > last)
            .order_by(m.sha256)
            .limit(BATCH)
            .execution_options(yield_per=20)
        )
        with reading(desk.engine) as connection, connection.execute(query) as rows:
            before = last
            for sha, body in rows:
                last = sha
                yield sha, body
        if last == before:
            return


def _erase_mails(connection: sa.Connection, shas: Sequence[str], now: datetime) -> None:
    m = t.messages
    these = m.c.sha256.in_(shas)
    connection.execute(sa.update(m).where(these).values(body=None))
    new = sa.and_(these, m.c.handled_at.is_(None))
    connection.execute(sa.update(m).where(new).values(handled_at=now.timestamp()))


def _erase_rows(
    connection: sa.Connection,
    desk: Desk,
    spellings: Spellings,
    now: datetime,
    by: str | None,
    note: str,
) -> Forgotten:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE events, cases, actions IN EXCLUSIVE MODE"))
    cases, events = _erase_events(connection, spellings)
    others = 0
    for table, keys, columns in (
        (t.tallies, ("case_id", "seq"), ("payload",)),
        (t.unverified, ("sha256",), ("key", "payload")),
        (log_tables.grounds, ("id",), ("payload",)),
        (t.actions, ("id",), ("key", "action", "intent", "outcome", "why")),
    ):
        others += _erase_columns(connection, spellings, table, keys, columns)
    _erase_columns(connection, spellings, t.cases, ("number",), ("identities", "place"))
    _erase_columns(connection, spellings, t.keys, ("key",), ("key",))
    for number in cases:
        lock(connection, number)
        case = desk.load(connection, number)
        desk.append(connection, case, (ev.Noted(at=now, by=by, text=note),))
    people = _erase_people(connection, spellings)
    return Forgotten(events, tuple(cases), 0, people, others)


def _erase_events(connection: sa.Connection, spellings: Spellings) -> tuple[list[int], int]:
    e = t.events.c
    query = sa.select(e.case_id, e.seq, e.payload).order_by(e.case_id, e.seq)
    changed = [
        (number, seq, erased)
        for number, seq, payload in connection.execute(query)
        if (erased := spellings.stored(payload)) != payload
    ]
    for number, seq, payload in changed:
        row = sa.and_(e.case_id == number, e.seq == seq)
        connection.execute(sa.update(t.events).where(row).values(payload=payload))
    return list(dict.fromkeys(number for number, _, _ in changed)), len(changed)


def _erase_columns(
    connection: sa.Connection,
    spellings: Spellings,
    table: sa.Table,
    keys: Sequence[str],
    columns: Sequence[str],
) -> int:
    """Returns in how many rows."""
    names = tuple(dict.fromkeys((*keys, *columns)))
    rows = connection.execute(sa.select(*(table.c[name] for name in names))).mappings().all()
    count = 0
    for row in rows:
        new = {name: spellings.stored(row[name]) for name in columns}
        changed = {name: value for name, value in new.items() if value != row[name]}
        if changed:
            this = sa.and_(*(table.c[key] == row[key] for key in keys))
            connection.execute(sa.update(table).where(this).values(**changed))
            count += 1
    return count


def _erase_people(connection: sa.Connection, spellings: Spellings) -> int:
    p = t.people.c
    query = sa.select(p.id, p.address, p.name).where(p.address.is_not(None) | p.name.is_not(None))
    found = [
        number
        for number, address, name in connection.execute(query)
        if any(spellings.stored(text) != text for text in (address, name))
    ]
    these = sa.update(t.people).where(p.id.in_(found))
    connection.execute(these.values(address=None, name=None))
    return len(found)


def _checkpoint(engine: sa.Engine) -> None:
    """What was overwritten goes from SQLite's write-ahead log, too."""
    raw: Any = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()


def _hosts(domain: str) -> list[str]:
    """A domain as it is written, in Unicode and for DNS."""
    spellings = {domain.lower()}
    with contextlib.suppress(UnicodeError):
        spellings.add(domain.lower().encode("idna").decode())
    with contextlib.suppress(UnicodeError):
        spellings.add(domain.lower().encode().decode("idna"))
    return sorted(spellings, key=len, reverse=True)
