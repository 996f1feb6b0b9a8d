"""The rows of the cases for `todoku case list`, read without SQLAlchemy, whose import alone takes longer
than all of this: somebody waits for it, and a flood may be coming in meanwhile.

    listed(url, now)    rows and unsure cases; `None`: the long way (`todoku.store.connect`) has to be
                        gone, which migrates, or says in a sentence what is wrong
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from todoku.cases.due import REPEATABLE

COLUMNS: Final = (
    "number", "seq", "state", "place", "identities", "opened_at", "changed_at", "since",
    "next_due_at", "closed", "refusals", "untold",
)  # fmt: skip
ALL: Final = (
    "SELECT number, seq, state, place, identities, opened_at, changed_at, since, next_due_at, closed,"
    " refusals, untold FROM cases ORDER BY changed_at DESC, number"
)
OPEN: Final = ALL.replace(" ORDER", " WHERE closed IS NULL ORDER")
BEGUN: Final = (
    "SELECT case_id, kind, lease_until FROM actions"
    " WHERE outcome_at IS NULL AND intent_at IS NOT NULL"
)
UNVERIFIED: Final = "SELECT count(*) FROM unverified WHERE settled IS NULL"
AT_ONCE: Final = timedelta()
AHEAD: Final = 600.0
"""Seconds; a lease from further in the future is of a clock that was wrong (`store.actions`)."""
SQLITE: Final = "sqlite:///"
_URL: Final = re.compile(r"postgres(?:ql)?(?:\+psycopg)?(://.*)", re.S)


class Listed(NamedTuple):
    rows: list[dict[str, Any]]
    """As `Desk.rows` has them."""
    unsure: set[int]
    """Cases with a mail of which nobody knows whether it was sent."""
    unverified: int = 0
    """Mails that came in and wait for a proof, or a person."""


def listed(url: str, now: float, closed: bool = False) -> Listed | None:
    """`now`: seconds since 1970. `closed`: the closed ones too."""
    try:
        with _reading(url) as ask:
            if ask("SELECT version_num FROM todoku_version") != [(newest(),)]:
                return None
            rows = ask(ALL if closed else OPEN)
            begun = ask(BEGUN)
            ((unverified,),) = ask(UNVERIFIED)
    except Exception:  # noqa: BLE001  whatever it is: the long way tells it in a sentence
        return None
    unsure = {
        case
        for case, kind, until in begun
        if REPEATABLE.get(kind, AT_ONCE) is None and not (until and now < until <= now + AHEAD)
    }
    return Listed([dict(zip(COLUMNS, row, strict=True)) for row in rows], unsure, unverified)


def newest() -> str:
    """The newest version of the tables that this program knows, by the names of its migrations."""
    folder = resources.files("todoku.store").joinpath("migrations", "versions")
    names = (entry.name for entry in folder.iterdir())
    return max(name[:4] for name in names if name[:4].isdigit() and name.endswith(".py"))


@contextlib.contextmanager
def _reading(url: str) -> Iterator[Any]:
    """What asks: all of it sees one state of the database, and nothing is written or created."""
    if url.startswith(SQLITE):
        import sqlite3

        path = Path(url.removeprefix(SQLITE).partition("?")[0])
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=30)
        ) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN")
            yield lambda text: connection.execute(text).fetchall()
        return
    import psycopg

    named = _URL.fullmatch(url)
    assert named is not None  # noqa: S101  the settings take no other
    with psycopg.connect(f"postgresql{named[1]}", connect_timeout=10) as server:
        server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        server.read_only = True
        yield lambda text: server.execute(text).fetchall()
