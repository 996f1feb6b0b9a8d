"""`partners.db`: opened, brought to this version, and its errors as sentences."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from todoku.errors import TodokuError
from todoku.i18n import Words

NAME: Final = "partners.db"
WAIT: Final = 30.0
_CACHE: Final = 131_072
"""KiB of pages in memory while learning."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE origins (
            number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL,
            first REAL, last REAL, own INTEGER NOT NULL)""",
        """CREATE TABLE mail (
            domain TEXT NOT NULL, gate TEXT NOT NULL, source TEXT NOT NULL, week INTEGER NOT NULL,
            origin INTEGER NOT NULL, mails INTEGER NOT NULL, refused INTEGER NOT NULL,
            PRIMARY KEY (domain, gate, source, week, origin)) WITHOUT ROWID""",
        """CREATE TABLE uses (
            list TEXT NOT NULL, domain TEXT NOT NULL, week INTEGER NOT NULL, origin INTEGER NOT NULL,
            named INTEGER NOT NULL, within INTEGER NOT NULL, accepted INTEGER NOT NULL,
            PRIMARY KEY (list, domain, week, origin)) WITHOUT ROWID""",
        """CREATE TABLE proofs (
            list TEXT NOT NULL, domain TEXT NOT NULL, origin INTEGER NOT NULL,
            first REAL NOT NULL, last REAL NOT NULL, words TEXT NOT NULL,
            stage TEXT, code TEXT, rule TEXT,
            PRIMARY KEY (list, domain, origin)) WITHOUT ROWID""",
        "CREATE INDEX uses_domain ON uses (domain)",
        "CREATE INDEX proofs_domain ON proofs (domain)",
        """CREATE TABLE logs (
            head_length INTEGER NOT NULL, head TEXT NOT NULL, position INTEGER NOT NULL,
            mark TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (head_length, head)) WITHOUT ROWID""",
        "CREATE TABLE parts (name TEXT PRIMARY KEY, day TEXT NOT NULL, rows INTEGER NOT NULL) WITHOUT ROWID",
        "CREATE TABLE days (day TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID",
        "CREATE TABLE events (name TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE sights (list TEXT PRIMARY KEY, data BLOB NOT NULL)",
        "CREATE TABLE summary (one INTEGER PRIMARY KEY CHECK (one = 1), data BLOB NOT NULL)",
    ),
    # Columns; `Kept.summary` makes them anew.
    ("DELETE FROM summary", "DELETE FROM sights"),
)
"""Statements by version (`PRAGMA user_version`). What a release has shipped is never changed."""

WORDS: Final[Words] = {
    "cannot-open": {
        "ja": "取引先の記録 {path} を使えません（{why}）。何も変更していません。読み書きできるユーザーで実行するか、"
        "--data で別のフォルダーを指定してください。",
        "en": "cannot use {path}, where partners are kept ({why}). Nothing was changed. Run as a user who "
        "may read and write it, or name another folder with --data.",
    },
    "busy": {
        "ja": "取引先の記録 {path} を別の todoku が書き込み中です。何も変更していません。終わってから、もう一度"
        "実行してください。",
        "en": "another todoku is writing {path}, where partners are kept. Nothing was changed. Try again "
        "when it is through.",
    },
    "damaged": {
        "ja": "取引先の記録 {path} は壊れています（{why}）。何も変更していません。バックアップから戻すか、"
        "-wal、-shm で終わる隣のファイルと一緒に移してから、todoku partners learn で学び直してください。",
        "en": "{path}, where partners are kept, is damaged ({why}). Nothing was changed. Restore it from a "
        "backup, or move it away with its neighbours that end in -wal and -shm and learn anew: todoku "
        "partners learn",
    },
    "newer": {
        "ja": "取引先の記録 {path} は、より新しい todoku のものです（版 {found}、このプログラムが知るのは {known} まで）。"
        "何も変更していません。新しい todoku を使ってください。",
        "en": "{path}, where partners are kept, belongs to a newer todoku (its version is {found}, this "
        "program knows up to {known}). Nothing was changed. Use the newer todoku.",
    },
}


class KeptError(TodokuError):
    """The file cannot be used now; what was kept is as it was."""

    exit_code = 69


class Busy(KeptError):
    """Another process writes it."""

    exit_code = 75


def has_file(folder: Path) -> bool:
    """Whether anything was ever learned there."""
    return (folder / NAME).exists()


def open_file(path: Path, wait: float = WAIT) -> sqlite3.Connection:
    """A connection that begins and ends its transactions by itself."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise KeptError(WORDS["cannot-open"], path=path, why=why) from error
    with telling(str(path)):
        db = sqlite3.connect(path, timeout=wait, isolation_level=None)
        try:
            _prepare(db, str(path), wait)
        except BaseException:
            db.close()
            raise
    return db


def _prepare(db: sqlite3.Connection, path: str, wait: float) -> None:
    _version(db, path)
    until = time.monotonic() + wait
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")
    db.execute(f"PRAGMA cache_size = -{_CACHE}")
    if _version(db, path) == len(MIGRATIONS):
        return
    with transaction(path, db, "BEGIN IMMEDIATE"):
        for version in range(_version(db, path), len(MIGRATIONS)):
            for statement in MIGRATIONS[version]:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(db: sqlite3.Connection, path: str) -> int:
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    if not 0 <= found <= len(MIGRATIONS):
        raise KeptError(WORDS["newer"], path=path, found=found, known=len(MIGRATIONS))
    return found


@contextmanager
def transaction(path: str, db: sqlite3.Connection, begin: str) -> Iterator[sqlite3.Connection]:
    with telling(path):
        within = db.in_transaction
        if within:
            yield db
            return
        db.execute(begin)
        try:
            yield db
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")


_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


@contextmanager
def telling(path: str) -> Iterator[None]:
    """Errors of SQLite as sentences."""
    try:
        yield
    except msgspec.MsgspecError as error:
        raise KeptError(WORDS["damaged"], path=path, why=str(error)) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            raise
        if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise Busy(WORDS["busy"], path=path) from error
        key = "damaged" if code & 0xFF in _DAMAGED else "cannot-open"
        raise KeptError(WORDS[key], path=path, why=str(error)) from error
