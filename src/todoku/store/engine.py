"""SQLAlchemy engines for the two databases, set up so that nothing acknowledged is lost."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import URL

from todoku.store import WORDS, Broken, Busy, Full, MissingExtra, StoreError, Unreachable

BUSY_SECONDS: Final = 30
CONNECT_SECONDS: Final = 10
AWAY: Final = ("08", "53300", "57P01", "57P02", "57P03")
"""SQLSTATEs of PostgreSQL: no connection, too many of them, shut down, starting."""

metadata: Final = sa.MetaData(
    # Names for what databases would name in ways of their own, so that migrations can refer to it.
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables. Rooms that keep something declare theirs on it."""


def make(url: str) -> sa.Engine:
    """An engine whose database answers."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    return _postgresql(parsed)


def shown(url: URL) -> str:
    """The URL for people: without its password."""
    return url.render_as_string(hide_password=True)


def _sqlite(url: URL) -> sa.Engine:
    path = Path(url.database or "")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # It will hold addresses and texts of other people's mail.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Unreachable(WORDS["no-file"], path=path, why=why) from error
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    _reach(engine, "no-file", path=path)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    """For each new connection. `synchronous=FULL`: a commit survives a power cut."""
    # The driver begins no transactions of its own (it would leave out those of DDL): _begin does.
    connection.isolation_level = None
    _write_ahead(connection)
    # What is erased is overwritten: it is no longer in the file.
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Write-ahead logging, which the file keeps. SQLite does not wait while another connection
    makes the same change (sqlite.org/wal.html): so several first openers do."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("todoku_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> sa.Engine:
    url = url.set(drivername="postgresql+psycopg")
    # A standard connection string may name these itself.
    defaults: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "todoku",
    }
    arguments = {key: value for key, value in defaults.items() if key not in url.query}
    try:
        engine = sa.create_engine(url, connect_args=arguments, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise MissingExtra(WORDS["missing-extra"], module="psycopg") from error
    except ImportError as error:  # psycopg is there, but neither its binary part nor libpq
        raise MissingExtra(WORDS["missing-extra"], module="psycopg[binary]") from error
    _reach(engine, "no-server", url=shown(url))
    return engine


def _reach(engine: sa.Engine, sentence: str, **words: object) -> None:
    try:
        with engine.connect() as connection:
            # For SQLite the first look at the file itself.
            connection.exec_driver_sql(
                "PRAGMA schema_version" if engine.dialect.name == "sqlite" else "SELECT 1"
            )
    except sa.exc.DBAPIError as error:
        engine.dispose()
        raise Unreachable(WORDS[sentence], why=plain(error), **words) from error
    except sqlite3.Error as error:  # from _prepare
        engine.dispose()
        raise Unreachable(WORDS[sentence], why=str(error), **words) from error


def plain(error: Exception) -> str:
    """The database's own words, on one line."""
    original = getattr(error, "orig", None) or error
    return " ".join(str(original).split()) or type(original).__name__


def told(engine: sa.Engine, error: sa.exc.DBAPIError) -> StoreError | None:
    """What the database's error means for a person; `None` for one that says a program is wrong,
    or that a second try can mend."""
    words = {"url": shown(engine.url), "why": plain(error)}
    if engine.dialect.name == "postgresql":
        state = getattr(error.orig, "sqlstate", None)
        # Without a state it is libpq that speaks: there is no server, or none yet.
        away = state is None and isinstance(error, sa.exc.OperationalError)
        if error.connection_invalidated or away or (state or "").startswith(AWAY):
            return Unreachable(WORDS["lost-server"], **words)
        if state in {"53100", "53200"}:
            return Full(WORDS["full"], **words)
        return Broken(WORDS["broken"], **words) if state == "25006" else None
    name = getattr(error.orig, "sqlite_errorname", "")
    if name.startswith("SQLITE_BUSY"):
        return Busy(WORDS["busy"], url=words["url"], seconds=BUSY_SECONDS)
    if name == "SQLITE_FULL":
        return Full(WORDS["full"], **words)
    broken = (
        "SQLITE_IOERR",
        "SQLITE_READONLY",
        "SQLITE_CORRUPT",
        "SQLITE_CANTOPEN",
        "SQLITE_NOTADB",
    )
    if name.startswith(broken):
        return Broken(WORDS["broken"], **words)
    return None
