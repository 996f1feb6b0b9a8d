"""The tables. Times are Unix times in seconds; the exact moments are in the events.

`events` is the truth and only grows. `cases`, `keys` and the open rows of `actions` follow from it
and can be rebuilt (`todoku.store.cases.Desk.rebuild`).
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from todoku.store import log_tables
from todoku.store.engine import metadata

__all__ = [
    "actions",
    "cases",
    "events",
    "keys",
    "log_tables",
    "mailboxes",
    "messages",
    "metadata",
    "people",
    "tallies",
    "unverified",
]

Number: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time: Final[sa.Double[float]] = sa.Double()

events: Final = sa.Table(
    "events",
    metadata,
    sa.Column("case_id", Number, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Time, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("source", sa.Text),
    sa.Column("payload", sa.Text, nullable=False),
    sa.UniqueConstraint("case_id", "event", "source"),
)
"""Two writers cannot both append the same `seq`; one source counts once."""

cases: Final = sa.Table(
    "cases",
    metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("place", sa.Text),
    sa.Column("identities", sa.Text, nullable=False),
    sa.Column("opened_at", Time),
    sa.Column("changed_at", Time),
    sa.Column("since", Time),
    sa.Column("next_due_at", Time),
    sa.Column("closed", sa.Text),
    sa.Column("refusals", Number, nullable=False),
    sa.Column("untold", sa.Integer, nullable=False),
)
"""One row a case, for finding and listing. `identities`: their keys, a blank between."""
sa.Index("ix_cases_open", cases.c.changed_at, sqlite_where=cases.c.closed.is_(None),
         postgresql_where=cases.c.closed.is_(None))  # fmt: skip

keys: Final = sa.Table(
    "keys",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("case_id", Number, nullable=False),
    sa.Column("strong", sa.Boolean, nullable=False),
)
"""By which sightings find their case (`todoku.cases.joining`)."""

actions: Final = sa.Table(
    "actions",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("case_id", Number, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("not_before", Time, nullable=False),
    sa.Column("lease_until", Time),
    sa.Column("leased_by", sa.Text),
    sa.Column("intent_at", Time),
    sa.Column("intent", sa.Text),
    sa.Column("outcome_at", Time),
    sa.Column("outcome", sa.Text),
    sa.Column("why", sa.Text),
    sa.Column("again_at", Time),
    sa.UniqueConstraint("case_id", "key", "attempt"),
    sqlite_autoincrement=True,  # an id names one row for ever: events have it as their source
)
"""What todoku does next. A row without outcome is open; with an intent it may have been done."""
_undone = actions.c.outcome_at.is_(None)
sa.Index("ix_actions_due", actions.c.not_before, sqlite_where=_undone, postgresql_where=_undone)
sa.Index("ix_actions_of_case", actions.c.case_id, sqlite_where=_undone, postgresql_where=_undone)

tallies: Final = sa.Table(
    "tallies",
    metadata,
    sa.Column("case_id", Number, primary_key=True, autoincrement=False),
    sa.Column("seq", Number, primary_key=True, autoincrement=False),
    sa.Column("since", Time),
    sa.Column("payload", sa.Text, nullable=False),
)
"""What came on top of a `refused` event, which is never changed: `payload` is the further refusals
as one. The event is read together with it. `since`: from when on the case has not been looked at."""

messages: Final = sa.Table(
    "messages",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("received_at", Time, nullable=False),
    sa.Column("expires_at", Time, nullable=False),
    sa.Column("handled_at", Time),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary),
)
"""Raw messages as they came. The row stays when the body has expired: the same message twice
counts once."""
_unhandled = messages.c.handled_at.is_(None)
sa.Index("ix_messages_unhandled", messages.c.received_at,
         sqlite_where=_unhandled, postgresql_where=_unhandled)  # fmt: skip
_kept = messages.c.body.is_not(None)
sa.Index("ix_messages_kept", messages.c.expires_at, sqlite_where=_kept, postgresql_where=_kept)

mailboxes: Final = sa.Table(
    "mailboxes",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("folder", sa.Text, primary_key=True),
    sa.Column("validity", Number, nullable=False),
    sa.Column("taken", Number, nullable=False),
    sa.Column("marked", Number, nullable=False),
    sa.Column("owed", sa.Text, nullable=False),
    sa.Column("looked_at", Time, nullable=False),
)
"""How far each folder of an IMAP mailbox is read (`todoku.store.positions`)."""

people: Final = sa.Table(
    "people",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("address", sa.Text, unique=True),
    sa.Column("name", sa.Text),
    sa.Column("lang", sa.Text),
    sqlite_autoincrement=True,
)
"""Who reported. Events name people as `person:3`, so that a name can be forgotten."""

unverified: Final = sa.Table(
    "unverified",
    metadata,
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("doubt", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("settled", sa.Text),
    sa.Column("settled_at", Time),
    sa.Column("settled_by", sa.Text),
)
"""Messages that are not proven (`todoku.store.unverified`). `key`: what they are about, the same for
those that say the same. Without `settled` they wait for a person, or for a proof."""
_waiting = unverified.c.settled.is_(None)
sa.Index("ix_unverified_waiting", unverified.c.kind, unverified.c.doubt, unverified.c.key,
         unverified.c.at, sqlite_where=_waiting, postgresql_where=_waiting)  # fmt: skip
