"""How identities stand at lists, over time: since when listed, when gone, when last asked.

What an answer changes is a pure function (`after`); the rest reads and writes its results. An
`unknown` changes nothing but when the list was last asked: it does not end a listing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from todoku.model import Finding, ListingState, Subject

FORGOTTEN: Final = 90 * 86_400.0
"""Seconds. What never was listed, and was not asked for this long, is no longer kept."""

At: TypeAlias = tuple[Subject, str]
"""An identity at a list (its id)."""


class Standing(NamedTuple):
    """How one identity stands at one list. Times are Unix times."""

    state: Literal["listed", "not-listed"] | None
    """The last answer that said yes or no; `None`: none ever did."""
    known_at: float | None
    """When it came."""
    first_seen: float | None
    """Since when it is listed; of the listing that ended, where it is not. `None`: never was."""
    last_seen: float | None
    codes: tuple[str, ...]
    """Of the last listing."""
    text: str | None
    asked_at: float
    asked_state: ListingState
    """The last answer, of whatever kind."""


class Change(NamedTuple):
    """Something that happened to a listing. `gone` has the codes and the text that it had."""

    at: float
    identity: Subject
    list: str
    change: Literal["listed", "changed", "gone"]
    """`changed`: still listed, with other codes."""
    codes: tuple[str, ...]
    text: str | None
    first_seen: float


class Seen(NamedTuple):
    """What a finding says of a listing."""

    state: ListingState
    at: float
    codes: tuple[str, ...] = ()
    text: str | None = None
    partial: bool = False


def seen(finding: Finding) -> Seen:
    at = datetime.fromisoformat(finding.at).timestamp()
    return Seen(finding.state, at, finding.codes, finding.text, finding.partial)


def first_seen(before: Standing | None, finding: Finding) -> str | None:
    """Since when this is listed (RFC 3339), where the finding says that it is: told before the
    finding is recorded."""
    if finding.state != "listed":
        return None
    if before is None or before.state != "listed" or before.first_seen is None:
        return finding.at
    return rfc3339(before.first_seen)


def after(
    before: Standing | None, now_seen: Seen, now: float
) -> tuple[Standing, Literal["listed", "changed", "gone"] | None]:
    """How the identity stands after this answer, and what thereby changed.

    Answers of several processes come in any order: one that is older than the last yes or no says
    nothing new. A last answer from the future is that of a clock that was wrong.
    """
    state, at, codes, text, partial = now_seen
    if before is None:
        before = Standing(None, None, None, None, (), None, at, state)
    elif at >= before.asked_at or before.asked_at > now:
        before = before._replace(asked_at=at, asked_state=state)
    if state == "unknown" or (before.known_at is not None and at < before.known_at <= now):
        return before, None
    listed = before.state == "listed"
    if state == "not-listed":
        return before._replace(state="not-listed", known_at=at), "gone" if listed else None
    if partial and listed:
        codes = before.codes  # an error stands among them: no other listing for that
    known = before._replace(state="listed", known_at=at, last_seen=at, codes=codes, text=text)
    if not listed:
        return known._replace(first_seen=at), "listed"
    return known, "changed" if codes != before.codes else None


_COLUMNS: Final = "state, known_at, first_seen, last_seen, codes, text, asked_at, asked_state"


def standings(db: sqlite3.Connection, identities: Iterable[Subject]) -> dict[At, Standing]:
    """How these stand at all lists that were ever asked about them."""
    rows = (
        ((identity, row[0]), _standing(row[1:]))
        for identity in identities
        for row in db.execute(
            f"SELECT list, {_COLUMNS} FROM standings WHERE kind = ? AND value = ?",  # noqa: S608
            (identity.kind, identity.value),
        )
    )
    return dict(rows)


def listed_at(db: sqlite3.Connection, list_id: str) -> list[str]:
    """All addresses that this list lists, as far as is known."""
    rows = db.execute(
        "SELECT value FROM standings WHERE list = ? AND state = 'listed' AND kind = 'ip'",
        (list_id,),
    )
    return [value for (value,) in rows]


def record(
    db: sqlite3.Connection, answers: Iterable[tuple[Subject, str, Seen]], now: float
) -> dict[At, float]:
    """Write down what was answered. Gives for all that are listed since when."""
    since: dict[At, float] = {}
    stand: dict[tuple[str, str, str], Standing] = {}
    changed: list[tuple[object, ...]] = []
    for identity, list_id, answer in answers:
        key = (identity.kind, identity.value, list_id)
        before = stand.get(key) or _read(db, key)
        stand[key], change = after(before, answer, now)
        s = stand[key]
        if change:
            changed.append((answer.at, *key, change, " ".join(s.codes), s.text, s.first_seen))
        if answer.state == "listed" and s.first_seen is not None:
            since[identity, list_id] = s.first_seen
    db.executemany(
        f"INSERT OR REPLACE INTO standings (kind, value, list, {_COLUMNS})"  # noqa: S608
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*key, *s[:4], " ".join(s.codes), *s[5:]) for key, s in stand.items()],
    )
    db.executemany(
        "INSERT INTO changes (at, kind, value, list, change, codes, text, first_seen)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        changed,
    )
    db.execute(
        "DELETE FROM standings WHERE first_seen IS NULL AND asked_at < ?", (now - FORGOTTEN,)
    )
    return since


def changes(
    db: sqlite3.Connection, identity: Subject | None, since: float | None
) -> Iterator[Change]:
    """What happened, oldest first: to one identity or to all."""
    where, values = ["at >= ?"], [since if since is not None else 0.0]
    if identity is not None:
        where += ["kind = ?", "value = ?"]
    rows = db.execute(
        "SELECT at, kind, value, list, change, codes, text, first_seen FROM changes"  # noqa: S608
        f" WHERE {' AND '.join(where)} ORDER BY at, id",
        (*values, identity.kind, identity.value) if identity is not None else values,
    )
    for at, kind, value, list_id, change, codes, text, first in rows:
        identity_of = {"kind": kind, "value": value}
        row = (at, identity_of, list_id, change, str(codes).split(), text, first)
        yield msgspec.convert(row, Change)


def rfc3339(at: float) -> str:
    """UTC, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _read(db: sqlite3.Connection, key: tuple[str, str, str]) -> Standing | None:
    row = db.execute(
        f"SELECT {_COLUMNS} FROM standings WHERE kind = ? AND value = ? AND list = ?",  # noqa: S608
        key,
    ).fetchone()
    return _standing(row) if row else None


def _standing(row: Sequence[Any]) -> Standing:
    return msgspec.convert((*row[:4], str(row[4]).split(), *row[5:]), Standing)
