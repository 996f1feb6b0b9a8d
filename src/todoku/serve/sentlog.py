"""What our mail servers' logs say of the mail that we sent: to whom, and what became of it.

`serve` reads on in the logs (`[mail] log`) and remembers, for two weeks, each delivery under what a
bounce of it would name: Message-ID and recipient, queue id and recipient. The file `sent.db` in the
data folder holds hashes alone, keyed with a secret of its own, and can be deleted: it is made anew from
what is there of the logs.

Of trials (`todoku case try`), which go to mailboxes of our own, it keeps what they answered, too.

Of other mail it keeps, under such hashes, which host of a receiver took it, and of a refusal its words
without what belongs to the message (`todoku.serve.arrivals`).

A log that goes on in a new file is followed: what was left of the old one is read first, where it lies
beside it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from todoku.cases.answers.authentic import organisation
from todoku.cases.marks import TRIAL
from todoku.cases.provenance import Logged
from todoku.diagnosis import Diagnoser
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.logs.values import Delivery
from todoku.model import Reply
from todoku.serve import arrivals
from todoku.serve.arrivals import Arrivals, Met
from todoku.settings.own import Own

KEPT: Final = 14 * 86_400.0
"""Seconds."""
PIECE: Final = 1 << 20
AT_ONCE: Final = 64 << 20
"""Octets that are read in one round: a flood of lines must not keep `serve` from its work."""
FIRST: Final = 512 << 20
"""Octets before its end at which a log is begun."""
AGAIN: Final = 4 << 20
"""Octets read again after a start: the Message-ID of a mail stands before its deliveries."""

REFUSED: Final = 1
SENT: Final = 2

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS secret (key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, inode INTEGER, offset INTEGER);
CREATE TABLE IF NOT EXISTS sent (
    key INTEGER PRIMARY KEY, outcome INTEGER NOT NULL, relay INTEGER NOT NULL, at REAL NOT NULL,
    recipient INTEGER
);
CREATE INDEX IF NOT EXISTS sent_at ON sent (at);
CREATE TABLE IF NOT EXISTS trials (
    message_id TEXT NOT NULL, recipient TEXT NOT NULL, outcome INTEGER NOT NULL, at REAL NOT NULL,
    code INTEGER, enhanced TEXT, text TEXT NOT NULL, host TEXT, source TEXT,
    PRIMARY KEY (message_id, recipient)
);
CREATE TABLE IF NOT EXISTS forgotten (recipient INTEGER PRIMARY KEY, at REAL NOT NULL);
"""
"""`recipient`: a hash by which a person's rows are found when he is to be forgotten; 0: of no one person;
null: of before there was this column. `forgotten`: what is read again of a log does not bring them back."""
PUT_TRIAL: Final = """
INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (message_id, recipient) DO UPDATE SET outcome = excluded.outcome, at = excluded.at, code = excluded.code,
    enhanced = excluded.enhanced, text = excluded.text, host = excluded.host, source = excluded.source
WHERE excluded.outcome >= outcome
"""
PUT: Final = """
INSERT INTO sent (key, outcome, relay, at, recipient) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (key) DO UPDATE SET outcome = outcome | excluded.outcome, at = excluded.at,
    relay = CASE WHEN excluded.relay = 0 THEN relay ELSE excluded.relay END
"""


Answered = Literal["deferred", "refused", "sent"]
_ANSWERS: Final[tuple[Answered, ...]] = get_args(Answered)
"""Each says more than the one before."""


class Trial(NamedTuple):
    """What a log says of a trial."""

    outcome: Answered
    at: datetime
    reply: Reply
    host: str | None
    """Who answered."""
    source: str | None
    """The address that it left from, where `[own]` knows it."""


class Unread(NamedTuple):
    """A log that cannot be read."""

    path: str
    why: str


class SentLog:
    """Of one thread. `tell` is called for a log that cannot be read."""

    def __init__(
        self,
        paths: Sequence[str],
        folder: Path,
        diagnoser: Diagnoser,
        tell: Callable[[Unread], object] = lambda _unread: None,
        own: Own | None = None,
    ) -> None:
        """`own`: what is ours; without it what real mail meets is not kept."""
        self.paths = tuple(paths)
        self._file = folder / "sent.db"
        self._judge = Judge(diagnoser)
        self._own = own
        self._arrivals = None if own is None else Arrivals(diagnoser, own)
        self._tell = tell
        self._db: sqlite3.Connection | None = None
        self._key = b""
        self._logs: dict[str, _Log] = {}

    def read_on(self, now: float) -> int:
        """What was written since. Returns how many deliveries there were."""
        if not self.paths:
            return 0
        db = self._open()
        count, left = 0, AT_ONCE
        for path in self.paths:
            log = self._logs.get(path)
            if log is None:
                log = self._logs[path] = _Log(path, db, self._judge, self._own)
            try:
                for data, offset in log.pieces(left):
                    left -= len(data)
                    rows: list[tuple[int, int, int, float, int]] = []
                    trials: list[tuple[object, ...]] = []
                    arrived: list[tuple[object, ...]] = []
                    forgotten = dict(db.execute("SELECT recipient, at FROM forgotten"))
                    for delivery in log.deliveries(data, now):
                        count += 1
                        to = _recipient(self._hash, delivery.recipient or "")
                        if (delivery.time or 0.0) <= forgotten.get(to, -1.0):
                            continue
                        rows += self._rows(delivery, now, to)
                        trials += _trial(delivery, now)
                        if self._arrivals is not None:
                            arrived += self._arrivals.rows(delivery, now, self._hash, to)
                    with db:
                        db.executemany(PUT, rows)
                        db.executemany(PUT_TRIAL, trials)
                        db.executemany(arrivals.PUT, arrived)
                        db.execute(
                            "INSERT OR REPLACE INTO files VALUES (?, ?, ?)",
                            (path, log.inode, offset),
                        )
            except OSError as error:
                self._tell(Unread(path, (error.strerror or str(error)).lower()))
        if count:
            with db:
                db.execute("DELETE FROM sent WHERE at < ?", (now - KEPT,))
                db.execute("DELETE FROM trials WHERE at < ?", (now - KEPT,))
                db.execute("DELETE FROM met WHERE at < ?", (now - KEPT,))
                db.execute("DELETE FROM forgotten WHERE at < ?", (now - KEPT,))
        return count

    def logged(
        self, message_id: str | None, queue_id: str | None, recipient: str, reporter: str | None
    ) -> Logged | None:
        """See `provenance.Known`."""
        if not self.paths:
            return None
        to = recipient.lower()
        by_message = self._found("id", _bare(message_id), to) if message_id else None
        by_queue = self._found("queue", queue_id, to) if queue_id else None
        refused = [row[0] & REFUSED for row in (by_message, by_queue) if row is not None]
        given = bool(message_id) + bool(queue_id)
        if given and len(refused) == given and all(refused):
            return Logged(refused=True, taken_by_reporter=False, delivered=False)
        if by_message is None:
            return None
        outcome, relay = by_message
        taken = bool(outcome & SENT and reporter) and relay == self._server(reporter)
        return Logged(refused=False, taken_by_reporter=taken, delivered=bool(outcome & SENT))

    def was_sent(self, message_id: str) -> bool | None:
        """Whether a mail of this Message-ID was queued: some delivery of it was tried. That it was
        not cannot be known: the log may be of another server, or late."""
        if not self.paths:
            return None
        return True if self._found("sent", _bare(message_id)) is not None else None

    def trial(self, message_id: str, to: str) -> Trial | None:
        """What became of one, as far as the logs tell. Who has got it knows its Message-ID, and may send
        us a mail that has the same: only what went to that mailbox counts."""
        if not self.paths:
            return None
        query = "SELECT outcome, at, code, enhanced, text, host, source FROM trials "
        query += "WHERE message_id = ? AND recipient = ?"
        row = self._open().execute(query, (_bare(message_id), to.lower())).fetchone()
        if row is None:
            return None
        outcome, at, code, enhanced, text, host, source = row
        reply = Reply(code=code, enhanced=enhanced, text=text)
        return Trial(_ANSWERS[outcome], datetime.fromtimestamp(at, UTC), reply, host, source)

    def met(self, names: Sequence[str], source: str, since: datetime) -> Met:
        """What real mail from `source` met at domains and receivers, after a moment."""
        return arrivals.met(self._open(), self._hash, names, source, since)

    def close(self) -> None:
        for log in self._logs.values():
            log.close()
        self._logs.clear()
        if self._db is not None:
            self._db.close()
            self._db = None

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._db, self._key = _opened(self._file)
        return self._db

    def _hash(self, *parts: str) -> int:
        return _hashed(self._key, *parts)

    def _server(self, host: str | None) -> int:
        return self._hash("server", organisation(host)) if host else 0

    def _found(self, *parts: str) -> tuple[int, int] | None:
        query = "SELECT outcome, relay FROM sent WHERE key = ?"
        row = self._open().execute(query, (self._hash(*parts),)).fetchone()
        return None if row is None else (int(row[0]), int(row[1]))

    def _rows(
        self, delivery: Delivery, now: float, recipient: int
    ) -> Iterator[tuple[int, int, int, float, int]]:
        to = (delivery.recipient or "").lower()
        outcome = SENT if delivery.outcome == "sent" else REFUSED
        relay = self._server(delivery.relay) if outcome == SENT else 0
        message_id = delivery.message.message_id
        if to and message_id:
            yield self._hash("id", _bare(message_id), to), outcome, relay, now, recipient
        if to and delivery.queue_id:
            yield self._hash("queue", delivery.queue_id, to), outcome, relay, now, recipient
        if message_id:
            yield self._hash("sent", _bare(message_id)), outcome, 0, now, 0


def forget(folder: Path, addresses: Sequence[str], at: float) -> int:
    """All that is kept of mail to these (lower case), with any tag behind a `+`; returns how many rows.
    `at`: now, Unix time. `serve` may be at work. Raises `sqlite3.Error`."""
    file = folder / "sent.db"
    if not file.exists():
        return 0
    db, key = _opened(file)
    try:
        hashes = {_recipient(functools.partial(_hashed, key), each) for each in addresses}
        clear = {address for (address,) in db.execute("SELECT DISTINCT recipient FROM trials")}
        bare = {_untagged(each) for each in addresses}
        gone = 0
        with db:
            db.execute("PRAGMA secure_delete = ON")
            for one in hashes:
                db.execute("INSERT OR REPLACE INTO forgotten VALUES (?, ?)", (one, at))
                for table in ("sent", "met"):
                    # What was written before rows told whose they are may be his.
                    query = f"DELETE FROM {table} WHERE recipient = ? OR recipient IS NULL"  # noqa: S608
                    gone += db.execute(query, (one,)).rowcount
            for one in clear:
                if _untagged(one) in bare:
                    statement = "DELETE FROM trials WHERE recipient = ?"
                    gone += db.execute(statement, (one,)).rowcount
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
    return gone


def _opened(file: Path) -> tuple[sqlite3.Connection, bytes]:
    """The database, made where there is none, and its key."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    # It can be made anew, so the disk is not waited for.
    db = sqlite3.connect(file, timeout=30, check_same_thread=False)
    db.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + SCHEMA + arrivals.SCHEMA
    )
    with db:
        for table in ("sent", "met"):
            if all(row[1] != "recipient" for row in db.execute(f"PRAGMA table_info({table})")):
                db.execute(f"ALTER TABLE {table} ADD COLUMN recipient INTEGER")
        row = db.execute("SELECT key FROM secret").fetchone()
        if row is None:
            row = (secrets.token_bytes(32),)
            db.execute("INSERT INTO secret VALUES (?)", row)
    return db, row[0]


def _hashed(key: bytes, *parts: str) -> int:
    text = "\0".join(parts).encode("utf-8", "replace")
    found = hashlib.blake2b(text, key=key, digest_size=8).digest()
    return int.from_bytes(found, "big", signed=True)


def _recipient(hashed: Callable[..., int], address: str) -> int:
    """Whose mail it is; what stands behind a `+` is the same person's."""
    return hashed("to", _untagged(address))


def _untagged(address: str) -> str:
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


class _Log:
    """One log, as it grows."""

    def __init__(self, path: str, db: sqlite3.Connection, judge: Judge, own: Own | None) -> None:
        self.path = path
        self._run = Run(judge, own=own, recipients="clear", whole=True)
        self._source: Source | None = None
        self._file: int | None = None
        row = db.execute("SELECT inode, offset FROM files WHERE path = ?", (path,)).fetchone()
        self.inode: int | None = None if row is None else int(row[0])
        self._offset = 0 if row is None else int(row[1])
        self._fresh = True

    def pieces(self, most: int) -> Iterator[tuple[bytes, int]]:
        """Whole lines that were not read yet, and where they end. Raises `OSError`."""
        while most > 0:
            self._follow()
            assert self._file is not None  # noqa: S101
            data = os.pread(self._file, PIECE, self._offset)
            end = data.rfind(b"\n") + 1
            if not end and len(data) == PIECE:  # no line of a mail server's: passed over
                self._offset += len(data)
                continue
            if not end:
                if not self._moved_on():
                    return
                continue
            self._offset += end
            most -= end
            yield data[:end], self._offset

    def deliveries(self, data: bytes, now: float) -> Iterator[Delivery]:
        if self._source is None:
            self._source = Source(self._run, Clock(now))
        return self._source.read(data)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _follow(self) -> None:
        """Open what was read last; a log that was never read is begun not too far from its end."""
        if self._file is not None:
            if os.fstat(self._file).st_size < self._offset:  # cut off where it lies
                self._offset = 0
            return
        known = self.inode
        path = Path(self.path)
        if known is not None and path.stat().st_ino != known:
            path = next((p for p in _beside(path) if p.stat().st_ino == known), path)
        self._file = os.open(path, os.O_RDONLY)
        found = os.fstat(self._file)
        self.inode = found.st_ino
        if known is None:
            self._offset = max(0, found.st_size - FIRST)
        elif known != found.st_ino or found.st_size < self._offset:
            self._offset = 0
        elif self._fresh:
            self._offset = max(0, self._offset - AGAIN)
        self._fresh = False

    def _moved_on(self) -> bool:
        """Whether the log goes on in another file, which is opened then."""
        try:
            if Path(self.path).stat().st_ino == self.inode:
                return False
        except FileNotFoundError:  # between the one and the other
            return False
        self.close()
        self.inode, self._offset = -1, 0
        return True


def rotated(logs: Iterable[str], since: float) -> Iterator[str]:
    """These logs with the rotated ones before each, as far as they can tell of what has been since."""
    for path in map(Path, logs):
        old = ((p.stat().st_mtime, str(p)) for p in _beside(path))
        yield from (name for at, name in sorted(old) if at >= since)
        yield str(path)


def _trial(delivery: Delivery, now: float) -> Iterator[tuple[object, ...]]:
    message_id = _bare(delivery.message.message_id)
    to = (delivery.recipient or "").lower()
    if not message_id.startswith(TRIAL) or not to or delivery.outcome == "expired":
        return
    outcome: Answered = "refused" if delivery.outcome == "bounced" else delivery.outcome
    said = (delivery.code, delivery.enhanced, delivery.template or "")
    at = now if delivery.time is None else min(now, delivery.time)
    yield message_id, to, _ANSWERS.index(outcome), at, *said, delivery.relay, delivery.source


def _beside(path: Path) -> Iterator[Path]:
    """Where a log may have been moved to: `mail.log.1`, `mail.log-20261124`."""
    for other in path.parent.glob(f"{path.name}[.-]*"):
        if stat.S_ISREG(other.lstat().st_mode):
            yield other


def _bare(message_id: str | None) -> str:
    return (message_id or "").strip().strip("<>")
