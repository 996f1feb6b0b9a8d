"""Write the next migration, with the difference between the tables in the code and the last one.

    .venv/bin/python scripts/new_migration.py "cases and their events"

Read what it wrote: Alembic sees tables and columns, but neither renamings nor data.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from todoku import store
from todoku.store import migrate


def main(words: list[str]) -> int:
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    with tempfile.TemporaryDirectory() as folder:
        engine = store.connect(f"sqlite:///{Path(folder)}/new.db")
        _, head = migrate.versions(engine)
        with engine.connect() as connection:
            command.revision(
                migrate.config(connection),
                message=words[0],
                autogenerate=True,
                rev_id=f"{int(head or 0) + 1:04}",
            )
        engine.dispose()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
