"""Where todoku keeps what it must not forget: SQLite by default, PostgreSQL by URL.

    engine = store.connect(settings.general.store)   # reached, and brought to this version
    with store.writing(engine) as connection: ...

This module imports without SQLAlchemy (the extra `server`), so that its errors can be told.
Commands that keep nothing never import it.

    StoreError
    ├── MissingExtra    SQLAlchemy, Alembic or psycopg is not installed
    ├── Unreachable     no server answers, or it turns us away; the file cannot be opened
    ├── NewerStore      written by a newer todoku
    ├── MigrationFailed could not be brought to this version, and was left as it was
    ├── Busy, Full, Broken   another process does not let go; no room; the disk or server fails
    ├── UnknownCase     there is no case of that number
    └── LeaseLost, Overtaken    another worker was faster
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from todoku.errors import TodokuError
from todoku.i18n import Words

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

WORDS: Final[Words] = {
    "missing-extra": {
        "ja": "データベースを使うには追加の部品が要ります（{module} がありません）。何も変更していません。"
        "pip install 'todoku[server]' で入れてください。",
        "en": "the database needs parts that are not installed (there is no {module}). Nothing was "
        "changed. Install them: pip install 'todoku[server]'",
    },
    "no-server": {
        "ja": "データベース {url} に接続できません（{why}）。何も変更していません。サーバーが動いているか、"
        "設定 [general] store の URL を確かめてください。",
        "en": "cannot reach the database {url} ({why}). Nothing was changed. See whether its server "
        "runs, and whether [general] store in the settings is right.",
    },
    "no-file": {
        "ja": "データベースのファイル {path} を開けません（{why}）。何も変更していません。書き込めるユーザーで"
        "実行するか、--data で別のフォルダーを指定してください。",
        "en": "cannot open the database file {path} ({why}). Nothing was changed. Run as a user who "
        "may write it, or name another folder with --data.",
    },
    "newer": {
        "ja": "データベース {url} は、より新しい todoku のものです（版 {found}、このプログラムが知るのは "
        "{known} まで）。何も変更していません。新しい todoku を使うか、バックアップから戻してください。",
        "en": "the database {url} belongs to a newer todoku (its version is {found}, this program "
        "knows up to {known}). Nothing was changed. Use the newer todoku, or restore a backup.",
    },
    "migration": {
        "ja": "データベース {url} をこの版に合わせられませんでした（{why}）。変更はすべて取り消され、元の"
        "ままです。以前の todoku はそのまま使えます。",
        "en": "the database {url} could not be brought to this version ({why}). All was taken back; "
        "it is as it was, and the todoku of before still works with it.",
    },
    "busy": {
        "ja": "データベース {url} を別のプロセスが {seconds} 秒以上使い続けています。何も変更していません。"
        "ほかの todoku が止まっていないか確かめ、もう一度実行してください。",
        "en": "another process has kept the database {url} to itself for {seconds} seconds. Nothing "
        "was changed. See whether another todoku hangs, and run it again.",
    },
    "full": {
        "ja": "データベース {url} に書き込む空きがありません（{why}）。途中までの変更は取り消され、記録は"
        "元のままです。空きを作れば続きから再開します。",
        "en": "there is no room to write to the database {url} ({why}). The change was taken back and "
        "the records are as they were. Make room; work then goes on where it stopped.",
    },
    "broken": {
        "ja": "データベース {url} を読み書きできません（{why}）。途中までの変更は取り消されました。ディスクと"
        "権限を確かめ、壊れているならバックアップから戻してください。",
        "en": "the database {url} cannot be read or written ({why}). What was begun was taken back. See "
        "to its disk and permissions; if it is damaged, restore a backup.",
    },
    "lost-server": {
        "ja": "データベース {url} との接続が切れました（{why}）。確定していない変更は取り消されました。"
        "サーバーが戻れば再開できます。",
        "en": "the connection to the database {url} was lost ({why}). What was not committed was taken "
        "back. Work goes on when its server is back.",
    },
    "no-case": {
        "ja": "案件 {case} はありません。何も変更していません。一覧: todoku case list",
        "en": "there is no case {case}. Nothing was changed. All cases: todoku case list",
    },
    "lease-lost": {
        "ja": "案件 {case} の作業「{key}」は、別の作業者に移ったか取り消されました。何もしていません。",
        "en": "the action {key} of case {case} went to another worker or was cancelled. Nothing was "
        "done.",
    },
    "overtaken": {
        "ja": "この一部は別の作業者が処理済みです。何も記録していません。読み直してください。",
        "en": "another worker has handled some of these. Nothing was recorded. Read them again.",
    },
}


class StoreError(TodokuError):
    """The store cannot be used. What was in it before is still there."""

    exit_code = 69


class MissingExtra(StoreError):
    """A package of the extra `server` is not installed."""


class Unreachable(StoreError):
    """The server does not answer or turns us away, or the file cannot be opened."""


class NewerStore(StoreError):
    """The database was written by a newer todoku."""


class MigrationFailed(StoreError):
    """A migration failed; its transaction was rolled back."""


class Busy(StoreError):
    """Another process does not let go of the SQLite file."""

    exit_code = 75


class Full(StoreError):
    """No room on the disk. The transaction was rolled back."""

    exit_code = 74


class Broken(StoreError):
    """The disk fails or may not be written. The transaction was rolled back."""

    exit_code = 74


UNUSABLE: Final = (Unreachable, Busy, Full, Broken)
"""What passes when somebody has seen to it."""


class UnknownCase(StoreError):
    """There is no case of that number."""

    exit_code = 66


class LeaseLost(StoreError):
    """An action is no longer this worker's. It was not done."""


class Overtaken(StoreError):
    """Another worker handled a part of this."""


def connect(url: str) -> Engine:
    """The engine for a store URL: reached, checked and migrated to this program's version."""
    with _needing_extra():
        from todoku.store import engine, migrate
    made = engine.make(url)
    try:
        with telling(made):
            migrate.upgrade(made)
    except BaseException:
        made.dispose()
        raise
    return made


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write: SQLite takes its write lock at the begin, so that it waits
    for other writers there and never fails half-way. Committed at the end, rolled back on error.
    """
    options = {"todoku_write": True}
    with (
        telling(engine),
        engine.connect().execution_options(**options) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def telling(engine: Engine) -> Iterator[None]:
    """What a disk or a server does to a transaction, in sentences. Errors of ours, and those that
    a second try can mend, pass."""
    from sqlalchemy.exc import DBAPIError

    from todoku.store.engine import told

    try:
        yield
    except DBAPIError as error:
        sentence = told(engine, error)
        if sentence is None:
            raise
        raise sentence from error


@contextmanager
def _needing_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in {"sqlalchemy", "alembic", "psycopg"}:
            raise
        raise MissingExtra(WORDS["missing-extra"], module=module) from error
