"""Evidence as rows of `partners.db`: put in, taken out, and summed up when it changed."""

from __future__ import annotations

import os
import sqlite3
import time

import msgspec

from todoku.partners import values
from todoku.partners.summary import sights, summarise
from todoku.partners.values import MOST_LISTS, Evidence, Mail, MailKey, Proof, Use, UseKey


def insert(db: sqlite3.Connection, number: int, e: Evidence) -> None:
    db.executemany(
        "INSERT INTO mail VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " mails = mails + excluded.mails, refused = refused + excluded.refused",
        ((*key, number, *mail) for key, mail in sorted(e.mail.items())),  # as the table is sorted
    )
    db.executemany(
        "INSERT INTO uses VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " named = named + excluded.named, within = within + excluded.within,"
        " accepted = accepted + excluded.accepted",
        ((k.list, k.domain, k.week, number, *use) for k, use in sorted(e.uses.items())),
    )
    for (domain, list_), proof in e.proofs.items():
        row = db.execute(
            "SELECT first, last, words, stage, code, rule FROM proofs"
            " WHERE list = ? AND domain = ? AND origin = ?",
            (list_, domain, number),
        ).fetchone()
        if row is None and lists(db, domain, number) >= MOST_LISTS:
            continue  # without a sentence it proves nothing
        both = values.later(Proof(*row), proof) if row else proof
        db.execute(
            "INSERT OR REPLACE INTO proofs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (list_, domain, number, *both),
        )
    if e.first is not None:
        db.execute(
            "UPDATE origins SET first = min(coalesce(first, ?), ?), last = max(coalesce(last, ?), ?)"
            " WHERE number = ?",
            (e.first, e.first, e.last, e.last, number),
        )


def lists(db: sqlite3.Connection, domain: str, number: int) -> int:
    query = "SELECT count(*) FROM proofs WHERE domain = ? AND origin = ?"
    return int(db.execute(query, (domain, number)).fetchone()[0])


def finish(db: sqlite3.Connection) -> None:
    """Forgets what is too old, or of a clock that was wrong, and makes the summary."""
    now = time.time()
    for table in ("mail", "uses"):
        db.execute(f"DELETE FROM {table} WHERE week > ?", (values.week_of(now) + 1,))  # noqa: S608
    (newest,) = db.execute("SELECT max(week) FROM mail").fetchone()
    begin = (newest or 0) - values.FORGOTTEN
    db.execute("DELETE FROM mail WHERE mails = 0 AND refused = 0")
    db.execute("DELETE FROM uses WHERE named = 0 AND within = 0 AND accepted = 0")
    db.execute("DELETE FROM mail WHERE week < ?", (begin,))
    if db.execute("DELETE FROM uses WHERE week < ?", (begin,)).rowcount:
        db.execute(
            "DELETE FROM proofs WHERE NOT EXISTS (SELECT 1 FROM uses u WHERE u.list = proofs.list"
            " AND u.domain = proofs.domain AND u.origin = proofs.origin AND u.named > 0)"
        )
    first, last = db.execute("SELECT min(first), max(last) FROM origins").fetchone()
    last = last if last is None else min(last, now)
    rows = db.execute("SELECT domain, gate, source, week, mails, refused FROM mail ORDER BY domain")
    made = summarise(((MailKey(*r[:4]), Mail(r[4], r[5])) for r in rows), first, last)
    data = msgspec.msgpack.encode(made)
    db.execute("INSERT OR REPLACE INTO summary VALUES (1, ?)", (data,))
    db.execute("DELETE FROM sights")
    uses = db.execute(
        "SELECT domain, list, week, sum(named), sum(within), sum(accepted) FROM uses"
        " GROUP BY list, domain, week ORDER BY list, domain, week"
    )
    proven = set(db.execute("SELECT domain, list FROM proofs"))
    found = sights(((UseKey(*r[:3]), Use(*r[3:])) for r in uses), proven, made.domains)
    encoded = [(list_, msgspec.msgpack.encode(seen)) for list_, seen in found]
    db.executemany("INSERT INTO sights VALUES (?, ?)", encoded)


def drop(db: sqlite3.Connection, number: int) -> None:
    db.execute("DELETE FROM origins WHERE number = ?", (number,))
    for table in ("mail", "uses", "proofs"):
        db.execute(f"DELETE FROM {table} WHERE origin = ?", (number,))  # noqa: S608


def own(db: sqlite3.Connection) -> int:
    """The number of this installation's origin, made where there is none."""
    row = db.execute("SELECT number FROM origins WHERE own = 1").fetchone()
    if row is not None:
        return int(row[0])
    cursor = db.execute(
        "INSERT INTO origins (id, seq, own) VALUES (?, 0, 1)", (os.urandom(8).hex(),)
    )
    assert cursor.lastrowid is not None  # noqa: S101
    return cursor.lastrowid
