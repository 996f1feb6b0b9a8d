"""The file in which evidence is kept: `partners.db` in the data folder, SQLite through the standard
library. What was learned, from what it was learned, and the summary are written in one transaction.

    with Kept.open(folder) as kept:
        with kept.learning() as step:          # all of it or nothing
            step.add(evidence)
        kept.summary(), kept.view(lists)
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from todoku.partners import kept_rows, values
from todoku.partners.kept_file import NAME, WAIT, open_file, telling, transaction
from todoku.partners.summary import Sights, Summary, View
from todoku.partners.values import Evidence, Mail, MailKey, Origin, Proof, Use, UseKey


class LogRead(NamedTuple):
    """How far one log was learned from; as `todoku.deliveries.ledger.Read`."""

    head_length: int
    head: str
    position: int
    mark: str
    path: str


class PartRead(NamedTuple):
    """A stored part that was learned from; as `todoku.deliveries.parts.Part`."""

    name: str
    day: str
    rows: int


class Kept:
    """One connection. Not to be shared between threads or across a fork."""

    def __init__(self, path: str, db: sqlite3.Connection) -> None:
        self.path = path
        self._db = db

    @classmethod
    def open(cls, folder: Path, *, wait: float = WAIT) -> Self:
        """The file in the data folder, made where it is not there."""
        path = folder / NAME
        kept = cls(str(path), open_file(path, wait))
        try:
            kept._make()
        except BaseException:
            kept.close()
            raise
        return kept

    def _make(self) -> None:
        """The summary, where it had another form before."""
        query = "SELECT EXISTS (SELECT 1 FROM mail) AND NOT EXISTS (SELECT 1 FROM summary)"
        with telling(self.path):
            missing = self._db.execute(query).fetchone()[0]
        if missing:
            with self._writing() as db:
                kept_rows.finish(db)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ── what is asked ─────────────────────────────────────────────────────────────────────────

    def summary(self) -> Summary:
        with telling(self.path):
            row = self._db.execute("SELECT data FROM summary").fetchone()
            return msgspec.msgpack.decode(row[0], type=Summary) if row else Summary()

    def view(self, lists: Iterable[str] | None = None, *, words: bool = True) -> View:
        """What is known about these lists; `None`: about all. Without `words` proofs have none."""
        told = "words" if words else "''"
        with self._reading():
            summary = self.summary()
            found: Sequence[str | None] = [None] if lists is None else sorted(set(lists))
            sights: dict[str, Sights] = {}
            for list_ in found:
                sights |= self._sights(list_)

        def proofs(domains: Collection[str] | None) -> dict[str, list[tuple[str, Proof]]]:
            out: dict[str, list[tuple[str, Proof]]] = {}
            for list_ in found:
                for domain, name, proof in self._proofs(list_, domains, told):
                    out.setdefault(domain, []).append((name, proof))
            return out

        return View(summary, sights, proofs)

    def named(self) -> int:
        """Pairs of partner and list that a refusal named."""
        with telling(self.path):
            pairs = "SELECT DISTINCT list, domain FROM proofs"
            return int(self._db.execute(f"SELECT count(*) FROM ({pairs})").fetchone()[0])  # noqa: S608

    def lists(self, domain: str | None = None) -> set[str]:
        """All lists of which anything was seen, of one partner or of all."""
        where, what = ("", ()) if domain is None else ("WHERE domain = ?", (domain,))
        with telling(self.path):
            rows = self._db.execute(f"SELECT DISTINCT list FROM uses {where}", what)  # noqa: S608
            return {str(list_) for (list_,) in rows}

    def origins(self) -> list[tuple[str, int, bool]]:
        """Id, steps, whether it is this installation."""
        with telling(self.path):
            rows = self._db.execute("SELECT id, seq, own FROM origins ORDER BY number")
            return [(str(id_), int(seq), bool(own)) for id_, seq, own in rows]

    def evidence(self, origin: str) -> Evidence:
        """Of one origin, by its id."""
        with self._reading() as db:
            row = db.execute("SELECT number FROM origins WHERE id = ?", (origin,)).fetchone()
            return self._evidence(int(row[0])) if row else Evidence()

    def _evidence(self, number: int) -> Evidence:
        db = self._db
        (first, last) = db.execute(
            "SELECT first, last FROM origins WHERE number = ?", (number,)
        ).fetchone()
        mail = db.execute(
            "SELECT domain, gate, source, week, mails, refused FROM mail WHERE origin = ?",
            (number,),
        )
        uses = db.execute(
            "SELECT domain, list, week, named, within, accepted FROM uses WHERE origin = ?",
            (number,),
        )
        proofs = db.execute(
            "SELECT domain, list, first, last, words, stage, code, rule FROM proofs WHERE origin = ?",
            (number,),
        )
        return Evidence(
            {MailKey(*row[:4]): Mail(*row[4:]) for row in mail},
            {UseKey(*row[:3]): Use(*row[3:]) for row in uses},
            {(row[0], row[1]): Proof(*row[2:]) for row in proofs},
            first,
            last,
        )

    def _sights(self, list_: str | None) -> dict[str, Sights]:
        where, what = ("", ()) if list_ is None else ("WHERE list = ?", (list_,))
        rows = self._db.execute(f"SELECT list, data FROM sights {where}", what)  # noqa: S608
        return {name: msgspec.msgpack.decode(data, type=Sights) for name, data in rows}

    def _proofs(
        self, list_: str | None, domains: Collection[str] | None, words: str
    ) -> list[tuple[str, str, Proof]]:
        """Domain, list and proof, in the order of lists."""
        where, what = ["true"], list[str]()
        if list_ is not None:
            where, what = ["list = ?"], [list_]
        if domains is not None:
            where.append(f"domain IN ({', '.join('?' * len(domains))})")
            what += domains
        found: dict[tuple[str, str], Proof] = {}
        with telling(self.path):
            for name, domain, *row in self._db.execute(
                f"SELECT list, domain, first, last, {words}, stage, code, rule FROM proofs"  # noqa: S608
                f" WHERE {' AND '.join(where)} ORDER BY list",
                what,
            ):
                proof, mine = Proof(*row), found.get((name, domain))
                found[name, domain] = proof if mine is None else values.later(mine, proof)
        return [(domain, name, proof) for (name, domain), proof in found.items()]

    # ── learning ──────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def learning(self) -> Iterator[Step]:
        """One step: what is added, and from what it was learned; all of it or nothing."""
        with self._writing() as db:
            step = Step(db, kept_rows.own(db))
            yield step
            if step.changed:
                db.execute("UPDATE origins SET seq = seq + 1 WHERE number = ?", (step.number,))
                kept_rows.finish(db)

    @contextmanager
    def merging(self) -> Iterator[Merge]:
        """Copies of origins that others exported; all of it or nothing."""
        with self._writing() as db:
            merge = Merge(self, db)
            yield merge
            if merge.changed:
                kept_rows.finish(db)

    def forget(self) -> None:
        """All of it, from whomever it was learned."""
        with self._writing() as db:
            for table in (
                "origins",
                "mail",
                "uses",
                "proofs",
                "logs",
                "parts",
                "summary",
                "sights",
            ):
                db.execute(f"DELETE FROM {table}")  # noqa: S608

    def rows(self) -> Iterator[tuple[object, ...]]:
        """All evidence, row by row: `origin`, `mail`, `use` or `proof`, then its values. Those of an
        origin follow it."""
        with self._reading() as db:
            for number, *origin in db.execute(
                "SELECT number, id, seq, first, last FROM origins ORDER BY id"
            ).fetchall():
                yield ("origin", *origin)
                for kind, columns in _COLUMNS.items():
                    table = kind if kind == "mail" else kind + "s"
                    query = f"SELECT {columns} FROM {table} WHERE origin = ?"  # noqa: S608
                    for row in db.execute(query, (number,)):
                        yield (kind, *row)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the file, whatever others write."""
        with transaction(self.path, self._db, "BEGIN") as db:
            yield db

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with transaction(self.path, self._db, "BEGIN IMMEDIATE") as db:
            yield db


_Counts = tuple[list[tuple[MailKey, Mail]], list[tuple[UseKey, Use]]]
_COLUMNS: Final = {
    "mail": "domain, gate, source, week, mails, refused",
    "use": "domain, list, week, named, within, accepted",
    "proof": "domain, list, first, last, words, stage, code, rule",
}


class Step:
    """What one step of learning adds."""

    def __init__(self, db: sqlite3.Connection, number: int) -> None:
        self._db = db
        self.number = number
        self.changed = False

    def logs(self) -> list[LogRead]:
        rows = self._db.execute("SELECT head_length, head, position, mark, path FROM logs")
        return [LogRead(*row) for row in rows]

    def parts(self) -> list[PartRead]:
        """Stored parts that were learned from."""
        return [PartRead(*row) for row in self._db.execute("SELECT name, day, rows FROM parts")]

    def add(self, evidence: Evidence) -> None:
        kept_rows.insert(self._db, self.number, evidence)
        self.changed = True

    def read(self, before: LogRead | None, after: LogRead) -> None:
        if before is not None:
            self._db.execute("DELETE FROM logs WHERE head_length = ? AND head = ?", before[:2])
        self._db.execute("INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?, ?)", after)
        self.changed = True

    def days(self) -> set[str]:
        """Days (of stored deliveries) of which it is kept what they taught."""
        return {str(day) for (day,) in self._db.execute("SELECT day FROM days")}

    def learn_day(self, day: str, evidence: Evidence) -> None:
        """What a day teaches takes the place of what it taught before."""
        row = self._db.execute("SELECT data FROM days WHERE day = ?", (day,)).fetchone()
        if row is not None:
            mail, uses = msgspec.msgpack.decode(row[0], type=_Counts)
            less = Evidence(
                {k: Mail(-m.mails, -m.refused) for k, m in mail},
                {k: Use(-u.named, -u.within, -u.accepted) for k, u in uses},
            )
            kept_rows.insert(self._db, self.number, less)
        kept_rows.insert(self._db, self.number, evidence)
        told = msgspec.msgpack.encode((list(evidence.mail.items()), list(evidence.uses.items())))
        self._db.execute("INSERT OR REPLACE INTO days VALUES (?, ?)", (day, told))
        self.changed = True

    def settle(self, day: str) -> None:
        """Days before this one stay as they are."""
        self._db.execute("DELETE FROM days WHERE day < ?", (day,))

    def fresh(self, events: Iterable[str]) -> set[str]:
        """Of these events of cases (`12:5`) those that were not learned from; they now count as learned."""
        fresh = set(events) - {str(n) for (n,) in self._db.execute("SELECT name FROM events")}
        self._db.executemany("INSERT INTO events VALUES (?)", [(name,) for name in fresh])
        return fresh

    def learned(self, parts: Iterable[PartRead], gone: Iterable[str] = ()) -> None:
        """Parts that were learned from now, and names of those that are there no longer."""
        self._db.executemany("DELETE FROM parts WHERE name = ?", [(name,) for name in gone])
        self._db.executemany("INSERT OR REPLACE INTO parts VALUES (?, ?, ?)", parts)
        self.changed = True


class Merge:
    """Takes copies of origins in, row by row: of two of one origin the later counts."""

    def __init__(self, kept: Kept, db: sqlite3.Connection) -> None:
        self._kept = kept
        self._db = db
        self.changed = False

    def take(self, id_: str, seq: int, copies: Iterable[Evidence]) -> bool:
        """One origin's copy, in pieces. Whether it told anything new."""
        db = self._db
        row = db.execute("SELECT number, seq, own FROM origins WHERE id = ?", (id_,)).fetchone()
        if row is not None and row[1] > seq:
            for _ in copies:
                pass
            return False
        cursor = db.execute(
            "INSERT INTO origins (id, seq, own) VALUES (?, ?, 0)", (os.urandom(16).hex(), seq)
        )
        number = cursor.lastrowid
        assert number is not None  # noqa: S101
        for piece in copies:
            kept_rows.insert(db, number, piece)
        if row is not None:
            mine, own_seq, own = row
            if own_seq == seq:
                ours = Origin(seq, self._kept._evidence(mine))
                theirs = Origin(seq, self._kept._evidence(number))
                if values.union({id_: ours}, {id_: theirs})[id_] is ours:
                    kept_rows.drop(db, number)
                    return False
            if own:
                # A later copy of ourselves: this file was restored from a backup. What is learned
                # from now on is another origin's, as that copy knows things that this file forgot.
                db.execute("DELETE FROM logs")
                db.execute("DELETE FROM parts")
            kept_rows.drop(db, mine)
        db.execute("UPDATE origins SET id = ? WHERE number = ?", (id_, number))
        self.changed = True
        return True
