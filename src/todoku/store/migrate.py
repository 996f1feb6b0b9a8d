"""Bringing a database to this program's version. Alembic, without an `alembic.ini`.

Each migration is a file in `migrations/versions`, made by `scripts/new_migration.py`. All that are
due run in one transaction, one process at a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from todoku.store import WORDS, MigrationFailed, NewerStore, writing
from todoku.store.engine import plain, shown

VERSION_TABLE: Final = "todoku_version"
"""Our own name, so that a database shared with another program is not taken for ours."""
# A number for PostgreSQL's advisory lock: the same in every todoku.
LOCK: Final = 0x746F646F6B75


def config(connection: sa.Connection) -> Config:
    """For Alembic's commands; `migrations/env.py` takes the connection out of it."""
    made = _config()
    made.attributes["connection"] = connection
    return made


def _config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.set_main_option("path_separator", "os")
    return made


def versions(engine: sa.Engine) -> tuple[str | None, str | None]:
    """The version of the database (`None`: it is empty), and the newest that we know."""
    with engine.connect() as connection:
        return _current(connection), _scripts().get_current_head()


def upgrade(engine: sa.Engine, target: str = "head") -> None:
    """Run the migrations that are missing. Nothing is written where none is."""
    scripts = _scripts()
    with engine.connect() as connection:
        if _is_there(engine, connection, scripts, target):
            return
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        if _is_there(engine, connection, scripts, target):
            return  # another process was first
        try:
            command.upgrade(config(connection), target)
        except sa.exc.SQLAlchemyError as error:
            raise MigrationFailed(
                WORDS["migration"], url=shown(engine.url), why=plain(error)
            ) from error


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _current(connection: sa.Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _is_there(
    engine: sa.Engine, connection: sa.Connection, scripts: ScriptDirectory, target: str
) -> bool:
    current = _current(connection)
    head = scripts.get_current_head()
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise NewerStore(WORDS["newer"], url=shown(engine.url), found=current, known=head)
    return current == (head if target == "head" else target)
