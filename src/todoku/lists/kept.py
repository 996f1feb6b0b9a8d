"""What `check` keeps: answers for their TTL, health of lists, history, budgets, sweeps.

    with Kept.open(folder) as kept: ...      # KeptError: go on with Kept.open(None), in memory

Everything that depends on whom one asks goes by the upstream's name (`Upstream.name`). Times are
Unix times and come in as arguments. Errors are those of `kept_file`; after one nothing is half
written, and what a `Sweep` holds in memory is still there to be saved again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Final, NamedTuple, Self

import msgspec

from todoku.lists import budgets, history
from todoku.lists.budgets import Budget, Lease, Limit
from todoku.lists.history import At, Change, Standing
from todoku.lists.kept_file import WAIT, KeptFile, blob, open_file
from todoku.lists.sweeps import WITHIN, Hit, Sweep
from todoku.lists.values import Answer, HealthRecord
from todoku.model import Finding, Subject

HEALTH_VALID: Final = 6 * 3600.0
"""Seconds for which a health test is believed."""
LONGEST: Final = 86_400
"""Seconds. No answer is kept for longer, whatever its TTL says (RFC 8767 caps at a week)."""
PRUNED: Final = 1000
"""Answers that have run out and are deleted with each writing, besides as many as were written:
the file does not grow, and no writing takes long."""

_encode: Final = msgspec.msgpack.Encoder().encode
_answer: Final = msgspec.msgpack.Decoder(Answer).decode
_health: Final = msgspec.msgpack.Decoder(HealthRecord).decode


class Question(NamedTuple):
    """What an answer belongs to, besides the upstream. `name`: without a key."""

    list: str
    zone: str
    name: str


class Want(NamedTuple):
    """Questions that are to be asked. `name`: the list, or the contract whose key several share
    (`plan.budget_name`)."""

    name: str
    wanted: int
    limit: Limit = Limit()


class Kept:
    """See above. Not to be shared between threads or across a fork."""

    def __init__(self, file: KeptFile) -> None:
        self._file = file

    @classmethod
    def open(cls, folder: Path | None, *, wait: float = WAIT) -> Self:
        """The file in the data folder, made where it is not there. `None`: in memory, for this
        process alone, so that budgets are then not shared. `wait`: seconds for which another
        process is waited for."""
        return cls(open_file(folder, wait=wait))

    @property
    def path(self) -> str:
        return self._file.path

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is done within is one transaction: all of it is kept, or nothing. Not for sweeps,
        which forget what they saved."""
        with self._file.writing():
            yield

    # ── answers ───────────────────────────────────────────────────────────────────────────────

    def answers(
        self, upstream: str, questions: Iterable[Question], now: float
    ) -> dict[Question, Answer]:
        """Those that are still valid."""
        found = {}
        with self._file.reading() as db:
            for question in questions:
                row = db.execute(
                    "SELECT answer FROM answers"
                    " WHERE upstream = ? AND list = ? AND zone = ? AND name = ? AND until > ?",
                    (upstream, *question, now),
                ).fetchone()
                # One that came later than now is of a clock that was wrong.
                if row and (answer := _answer(blob(row[0]))).at <= now:
                    found[question] = answer
        return found

    def keep_answers(
        self, upstream: str, answers: Iterable[tuple[Question, Answer]], now: float
    ) -> None:
        """Keep each for its TTL; those without one (nothing came, or it must not be kept) are
        left out."""
        rows = [
            (upstream, *question, answer.at + min(answer.ttl, LONGEST), _encode(answer))
            for question, answer in answers
            if answer.ttl > 0 and answer.rcode is not None
        ]
        with self._file.writing() as db:
            db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", rows)
            db.execute(
                "DELETE FROM answers WHERE rowid IN"
                " (SELECT rowid FROM answers WHERE until <= ? OR until > ? LIMIT ?)",
                (now, now + 2 * LONGEST, len(rows) + PRUNED),
            )

    # ── health ────────────────────────────────────────────────────────────────────────────────

    def health(
        self, upstream: str, now: float, *, valid: float = HEALTH_VALID
    ) -> dict[tuple[str, str], HealthRecord]:
        """By name (list, zone and key) and kind of identity (`AskKind`): the tests that are not
        older than `valid`."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT list, kind, record FROM health WHERE upstream = ? AND at > ? AND at <= ?",
                (upstream, now - valid, now),
            ).fetchall()
        return {(list_id, kind): _health(blob(record)) for list_id, kind, record in rows}

    def keep_health(self, upstream: str, records: Iterable[tuple[str, str, HealthRecord]]) -> None:
        """(name, kind of identity, record): the last one stays, and those that nobody would
        believe go."""
        records = list(records)
        with self._file.writing() as db:
            newest = max((r.at for _, _, r in records), default=0.0)
            db.execute("DELETE FROM health WHERE at < ?", (newest - HEALTH_VALID,))
            db.executemany(
                "INSERT OR REPLACE INTO health (upstream, list, kind, at, record)"
                " VALUES (?, ?, ?, ?, ?)",
                [(upstream, name, kind, r.at, _encode(r)) for name, kind, r in records],
            )

    # ── history ───────────────────────────────────────────────────────────────────────────────

    def standings(self, identities: Iterable[Subject]) -> dict[At, Standing]:
        """How these stand at every list that was asked about them (`history.first_seen` tells
        from it what a finding must say)."""
        with self._file.reading() as db:
            return history.standings(db, identities)

    def record(self, findings: Iterable[Finding], now: float) -> dict[At, str]:
        """Write down what single identities' findings say; those for which nothing was asked are
        left out. Gives for all that are listed since when (RFC 3339)."""
        seen = [(f.identity, f.list, history.seen(f)) for f in findings if f.asked is not None]
        with self._file.writing() as db:
            since = history.record(db, seen, now)
        return {at: history.rfc3339(first) for at, first in since.items()}

    def history(
        self, identity: Subject | None = None, since: float | None = None
    ) -> Iterator[Change]:
        """What changed, oldest first: of one identity or of all."""
        with self._file.reading() as db:
            found = list(history.changes(db, identity, since))
        return iter(found)

    # ── budgets ───────────────────────────────────────────────────────────────────────────────

    def lease(
        self, source: str, wants: Sequence[Want], now: float, *, sweep: bool = False
    ) -> list[Lease]:
        """Questions for one or many lists in one transaction, a `Lease` for each want. `source`:
        whom the list sees (the upstream's name, or the address that one asks from)."""
        leases = []
        with self._file.writing() as db:
            for name, wanted, limit in wants:
                held = _budget(db, name, source)
                budget, lent = budgets.lease(held, limit, wanted, now, sweep=sweep)
                _keep_budget(db, name, source, budget)
                leases.append(lent)
        return leases

    def give_back(
        self, source: str, name: str, limit: Limit, lent: Lease, unused: int, now: float
    ) -> None:
        """Questions of a lease that were not sent."""
        with self._file.writing() as db:
            held = _budget(db, name, source)
            if held is not None:
                budget = budgets.give_back(held, limit, lent, unused, now)
                _keep_budget(db, name, source, budget)

    def used_today(self, source: str, now: float) -> dict[str, int]:
        """Questions leased on this day (UTC), by list or contract."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT name, used FROM budgets WHERE source = ? AND day >= ?",
                (source, now // budgets.DAY),
            ).fetchall()
        return msgspec.convert(dict(rows), dict[str, int])

    def accounts(self, source: str) -> dict[str, Budget]:
        """All budgets as they were left, by list or contract."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT name, day, used, level, at FROM budgets WHERE source = ?", (source,)
            ).fetchall()
        return {str(name): msgspec.convert(row, Budget) for name, *row in rows}

    # ── sweeps ────────────────────────────────────────────────────────────────────────────────

    def open_sweep(
        self,
        network: str,
        list_id: str,
        upstream: str,
        now: float,
        *,
        restart: bool = False,
        within: float = WITHIN,
    ) -> Sweep:
        """The one that was stopped (its `done` is above 0), else a new one. `network`: CIDR by its
        first address."""
        sweep = Sweep(network, list_id, upstream, now)
        with self._file.writing() as db:
            sweep.open(db, now, restart=restart, within=within)
        return sweep

    def swept(
        self, network: str, list_id: str, upstream: str, now: float, *, within: float = WITHIN
    ) -> int:
        """Addresses that `open_sweep` would find answered. Nothing is entered."""
        sweep = Sweep(network, list_id, upstream, now)
        with self._file.reading() as db:
            sweep.take_over(db, now, within=within)
        return sweep.done

    def save(self, swept: Sequence[Sweep], now: float, *, finished: bool = False) -> None:
        """What was answered since the last save, in one transaction."""
        with self._file.writing() as db:
            for sweep in swept:
                sweep.save(db, now, finished=finished)
        for sweep in swept:
            sweep.saved(now, finished=finished)

    def hits(self, sweep: Sweep, *, at_once: int = 1000) -> Iterator[Hit]:
        """All that was found so far, by this run and the ones before; saved ones only."""
        behind = None
        while True:
            with self._file.reading() as db:
                found = sweep.hits(db, behind, at_once)
            yield from found
            if len(found) < at_once:
                return
            behind = found[-1].address


class Account:
    """One list's budget for one run: leases, and hands back what was not sent."""

    def __init__(
        self, kept: Kept, source: str, name: str, limit: Limit, *, sweep: bool = False
    ) -> None:
        self._kept = kept
        self._source = source
        self._name = name
        self._limit = limit
        self._sweep = sweep
        self._last: Lease | None = None

    def lease(self, wanted: int, now: float) -> Lease:
        wants = [Want(self._name, wanted, self._limit)]
        (lent,) = self._kept.lease(self._source, wants, now, sweep=self._sweep)
        if lent.granted:
            self._last = lent
        return lent

    def give_back(self, unused: int, now: float) -> None:
        """Of the last lease: what is older is spent, as far as the list is concerned."""
        if self._last is not None:
            last, self._last = self._last, None
            self._kept.give_back(self._source, self._name, self._limit, last, unused, now)


def _budget(db: Connection, name: str, source: str) -> Budget | None:
    row = db.execute(
        "SELECT day, used, level, at FROM budgets WHERE name = ? AND source = ?", (name, source)
    ).fetchone()
    return msgspec.convert(row, Budget) if row else None


def _keep_budget(db: Connection, name: str, source: str, budget: Budget) -> None:
    db.execute(
        "INSERT OR REPLACE INTO budgets (name, source, day, used, level, at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (name, source, *budget),
    )
