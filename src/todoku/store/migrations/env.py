"""Alembic runs this for each of its commands. The connection, and its transaction, are ours."""

from alembic import context

from todoku.store import tables
from todoku.store.migrate import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    version_table=VERSION_TABLE,
    # SQLite can alter little in place: Alembic copies the table where it cannot.
    render_as_batch=True,
)
context.run_migrations()
