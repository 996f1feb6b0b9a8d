"""The file in which `check` keeps what it learned: opened, brought to this version, and its
errors as sentences.

`check.db` in the data folder, SQLite through the standard library, used by several processes at
once: write-ahead logging, so that readers never wait, and one writer at a time for milliseconds.

`synchronous=NORMAL` for everything. A process that dies loses nothing that was committed; a power
cut may lose the last transactions (all of them from some moment on, so what remains is
consistent). Lost answers, health and sweeps are asked for again. Lost budgets are what was asked
in the last half minute, as long as Linux holds back what was written: 150 questions at 5 a second.
No fsync is then needed while questions are under way.

    KeptError
    ├── CannotOpen   no permission, no such place, a folder that cannot be written
    ├── Busy         another process holds the file for longer than we wait
    ├── NoSpace      the disk or the file's own limit is full
    ├── Damaged      no database, or one with damaged pages
    └── NewerKept    written by a newer todoku

All say that checking can go on without the file. After any of them the transaction is undone.
`Busy` may be tried again later; a run that met `NoSpace` goes on in memory to its end (`keeping`).
"""

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

NAME: Final = "check.db"
WAIT: Final = 2.0
"""Seconds that a transaction waits for another process: below the deadline of a single check."""

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE answers (
            upstream TEXT NOT NULL, list TEXT NOT NULL, zone TEXT NOT NULL, name TEXT NOT NULL,
            until REAL NOT NULL, answer BLOB NOT NULL,
            UNIQUE (upstream, list, zone, name))""",
        "CREATE INDEX answers_until ON answers (until)",
        """CREATE TABLE health (
            upstream TEXT NOT NULL, list TEXT NOT NULL, kind TEXT NOT NULL,
            at REAL NOT NULL, record BLOB NOT NULL,
            PRIMARY KEY (upstream, list, kind)) WITHOUT ROWID""",
        """CREATE TABLE budgets (
            name TEXT NOT NULL, source TEXT NOT NULL,
            day INTEGER NOT NULL, used INTEGER NOT NULL, level REAL NOT NULL, at REAL NOT NULL,
            PRIMARY KEY (name, source)) WITHOUT ROWID""",
        """CREATE TABLE standings (
            kind TEXT NOT NULL, value TEXT NOT NULL, list TEXT NOT NULL,
            state TEXT, known_at REAL, first_seen REAL, last_seen REAL,
            codes TEXT NOT NULL, text TEXT,
            asked_at REAL NOT NULL, asked_state TEXT NOT NULL,
            PRIMARY KEY (kind, value, list)) WITHOUT ROWID""",
        "CREATE INDEX standings_listed ON standings (list) WHERE state = 'listed'",
        # Only of what never was listed: history that nobody misses.
        "CREATE INDEX standings_never ON standings (asked_at) WHERE first_seen IS NULL",
        """CREATE TABLE changes (
            id INTEGER PRIMARY KEY, at REAL NOT NULL,
            kind TEXT NOT NULL, value TEXT NOT NULL, list TEXT NOT NULL,
            change TEXT NOT NULL, codes TEXT NOT NULL, text TEXT, first_seen REAL NOT NULL)""",
        "CREATE INDEX changes_at ON changes (at)",
        "CREATE INDEX changes_identity ON changes (kind, value, at)",
        """CREATE TABLE sweeps (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            network TEXT NOT NULL, list TEXT NOT NULL, upstream TEXT NOT NULL,
            started REAL NOT NULL, updated REAL NOT NULL, finished REAL,
            answered BLOB NOT NULL, unknown TEXT NOT NULL)""",
        "CREATE INDEX sweeps_of ON sweeps (network, list, upstream)",
        """CREATE TABLE hits (
            sweep INTEGER NOT NULL, place INTEGER NOT NULL,
            state TEXT NOT NULL, answer BLOB NOT NULL,
            PRIMARY KEY (sweep, place)) WITHOUT ROWID""",
    ),
)
"""Statements by version: the first brings an empty file to version 1 (`PRAGMA user_version`).
What a release has shipped is never changed; a change is a further entry."""

WORDS: Final[Words] = {
    "cannot-open": {
        "ja": "確認結果のファイル {path} を使えません（{why}）。ファイルには何も書いていません。確認そのものは"
        "記録なしで続けられます。書き込めるユーザーで実行するか、--data で別のフォルダーを指定してください。",
        "en": "cannot use {path}, where results are kept ({why}). Nothing was written to it, and "
        "checking works without it. Run as a user who may write it, or name another folder with "
        "--data.",
    },
    "busy": {
        "ja": "確認結果のファイル {path} を別のプロセスが使っています。書きかけた分は取り消され、以前の記録は"
        "無事です。確認は記録なしで続けられます。todoku の別の実行かバックアップが終わってから、もう一度"
        "実行してください。",
        "en": "{path}, where results are kept, is in use by another process. What was being written "
        "was undone, what was kept before is safe, and checking works without it. Try again when "
        "the other todoku or the backup is through.",
    },
    "no-space": {
        "ja": "確認結果のファイル {path} に書く空きがありません（{why}）。書きかけた分は取り消され、以前の記録は"
        "無事です。確認は記録なしで続けられますが、空きができてもこの実行では以後記録しません。ディスクの空きを"
        "確保してください。記録は次の実行から再開します。",
        "en": "there is no space left to write {path}, where results are kept ({why}). What was "
        "being written was undone, and what was kept before is safe. Checking works without it, but "
        "this run keeps nothing more, even when there is room again. Make room on the disk: the next run "
        "keeps its results.",
    },
    "damaged": {
        "ja": "確認結果のファイル {path} は壊れています（{why}）。ファイルには手を付けていません。確認は記録なしで"
        "続けられます。{path} と、名前が -wal、-shm で終わる隣のファイルを一緒に別の場所へ移せば、次の実行で"
        "新しく作られます。失われるのは、履歴と、今日それぞれのリストに尋ねた回数です。",
        "en": "{path}, where results are kept, is damaged ({why}). It was left as it is, and "
        "checking works without it. Move it away, together with its neighbours that end in -wal "
        "and -shm: the next run makes a new one. What is lost is the history, and how often each "
        "list was asked today.",
    },
    "newer": {
        "ja": "確認結果のファイル {path} は、より新しい todoku のものです（版 {found}、このプログラムが知るのは "
        "{known} まで）。何も変更していません。確認は記録なしで続けられます。新しい todoku を使うか、--data で"
        "別のフォルダーを指定してください。",
        "en": "{path}, where results are kept, belongs to a newer todoku (its version is {found}, "
        "this program knows up to {known}). Nothing was changed, and checking works without it. "
        "Use the newer todoku, or name another folder with --data.",
    },
}


class KeptError(TodokuError):
    """Nothing can be read or kept now. What was kept before is as it was."""

    exit_code = 69


class CannotOpen(KeptError):
    """The file cannot be opened or written."""


class Busy(KeptError):
    """Another process holds the file."""


class NoSpace(KeptError):
    """No room for what was to be written."""


class Damaged(KeptError):
    """Not a database, or damaged."""


class NewerKept(KeptError):
    """Written by a newer todoku."""


_ERRORS: Final[dict[int, tuple[type[KeptError], str]]] = {
    sqlite3.SQLITE_BUSY: (Busy, "busy"),
    sqlite3.SQLITE_LOCKED: (Busy, "busy"),
    sqlite3.SQLITE_FULL: (NoSpace, "no-space"),
    sqlite3.SQLITE_IOERR_SHMSIZE: (NoSpace, "no-space"),
    sqlite3.SQLITE_CORRUPT: (Damaged, "damaged"),
    sqlite3.SQLITE_NOTADB: (Damaged, "damaged"),
    # A table or column that is not there: the version says that it must be.
    sqlite3.SQLITE_ERROR: (Damaged, "damaged"),
}
"""By extended, then by primary result code. All others (permissions, input and output) are
`CannotOpen`."""


class KeptFile:
    """One connection. Not to be shared between threads or across a fork."""

    def __init__(self, path: str, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """All reads within see one state."""
        return self._transaction("BEGIN")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The write lock is taken at the begin: no other process writes between what is read and
        what is written here. Committed at the end, undone on any error. One within another is part
        of it."""
        return self._transaction("BEGIN IMMEDIATE")

    def close(self) -> None:
        self._db.close()

    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with telling(self.path):
            within = self._db.in_transaction
            if within:
                yield self._db
                return
            self._db.execute(begin)
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")


def has_file(folder: Path) -> bool:
    """Whether anything was ever kept there."""
    return (folder / NAME).exists()


def open_file(folder: Path | None, *, wait: float = WAIT) -> KeptFile:
    """The file in this folder, made on first use; `None`: in memory, for this process alone."""
    if folder is None:
        db = sqlite3.connect(":memory:", isolation_level=None)
        migrate(db, ":memory:")
        return KeptFile(":memory:", db)
    path = folder / NAME
    with telling(str(path)):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(path, timeout=wait, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = NORMAL")
            _version(db, str(path))
            _write_ahead(db, wait)
            migrate(db, str(path))
        except BaseException:
            db.close()
            raise
    return KeptFile(str(path), db)


def migrate(db: sqlite3.Connection, path: str) -> None:
    """Bring the file to this version, one process at a time, all or nothing."""
    if _version(db, path) == len(MIGRATIONS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for version in range(_version(db, path), len(MIGRATIONS)):
            for statement in MIGRATIONS[version]:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _version(db: sqlite3.Connection, path: str) -> int:
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    if not 0 <= found <= len(MIGRATIONS):
        raise NewerKept(WORDS["newer"], path=path, found=found, known=len(MIGRATIONS))
    return found


def _write_ahead(db: sqlite3.Connection, wait: float) -> None:
    """The file keeps this. SQLite's own waiting does not hold for the change (sqlite.org/wal.html),
    so several first openers wait here."""
    until = time.monotonic() + wait
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def blob(value: object) -> bytes:
    """A column of bytes. (Others are read by `msgspec.convert`: SQLite has no checksums, and a
    damaged page may hold anything.)"""
    if isinstance(value, bytes):
        return value
    raise msgspec.ValidationError(f"{type(value).__name__} where bytes should be")


@contextmanager
def telling(path: str) -> Iterator[None]:
    """Errors of SQLite and of the operating system as sentences."""
    try:
        yield
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:  # a damaged value
        raise Damaged(WORDS["damaged"], path=path, why=str(error)) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        if code is None:
            if not isinstance(error, sqlite3.OperationalError):
                raise  # a fault of ours: a closed connection, a wrong parameter
            code = sqlite3.SQLITE_CORRUPT  # text that is not UTF-8
        other = CannotOpen, "cannot-open"
        kind, sentence = _ERRORS.get(code) or _ERRORS.get(code & 0xFF, other)
        raise kind(WORDS[sentence], path=path, why=str(error)) from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CannotOpen(WORDS["cannot-open"], path=path, why=why) from error
