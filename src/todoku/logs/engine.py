"""Parts of logs, read by several processes or machines, put together: what one pass over all of them
would have told.

    parts ─▶ count, one after another in any process ─▶ Told ─▶ merged in the order of the parts

One function over a `concurrent.futures.Executor`: whichever runs it (`todoku.logs.workers`), the same
parts tell the same. They are merged in the order in which one pass would read them, as the first
attempt of a group gives its example and diagnosis. Counts of attempts are exact always, names and
kinds as long as no bound of `todoku.logs.sums` is met; beyond, `partial` says so, as it does in one
pass. A part carries its own senders of messages (`todoku.logs.parts`), mails that were refused are
known by a hash (`todoku.logs.daily`), recipients likewise: the key of both is the same in all parts.
"""

from __future__ import annotations

import copy
import threading
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from todoku import __version__
from todoku.logs import sums as sums_of
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.opening import Piece
from todoku.logs.parts import Looking, Part
from todoku.logs.reader import BACK, Source
from todoku.logs.run import Counts, Run
from todoku.logs.sums import Group, Key, Sums

if TYPE_CHECKING:
    from pathlib import Path

    from todoku.diagnosis import Diagnoser
    from todoku.logs.daily import Daily
    from todoku.model import Language
    from todoku.settings.own import Own

HEAD: Final = 65_536
"""Bytes of the beginning of a log that are kept where nothing of it was understood."""


class Asked(NamedTuple):
    """What is asked of all parts."""

    since: float | None
    until: float | None
    own: Own | None
    key: bytes
    """Of the hash of recipients and mails; random, known to these workers alone."""
    year: int | None
    now: float
    language: Language
    overlay: Path | None
    version: str
    """Of todoku, the same in all of them."""
    knowledge: str
    """The version by which all of them judge."""
    zone: tuple[object, ...]
    """`zone()` of whoever asks: days, and stamps without a zone, are those of one place."""

    def __repr__(self) -> str:
        """Without the key: a cluster's workers log what they were asked when it fails."""
        return f"Asked(since={self.since}, until={self.until}, year={self.year})"


class Told(NamedTuple):
    """What a part tells."""

    counts: Counts
    sums: Sums
    daily: Daily
    first: float | None
    """Time of the first attempt."""
    last: float | None
    errors: tuple[Piece, ...]
    """Without the words of the log."""
    name: str
    head: bytes
    """How it begins, where nothing of it was understood."""
    begun: bool
    """There was something to read, if only an empty file."""


class DiffersError(Exception):
    """A worker would judge otherwise than the others: by `what` (`version`, `knowledge`, `zone`),
    which is `theirs` there."""

    def __init__(self, what: str, theirs: str) -> None:
        super().__init__(what, theirs)
        self.what = what
        self.theirs = theirs


def zone() -> tuple[object, ...]:
    return time.tzname, time.timezone, time.altzone if time.daylight else None


def alone() -> threading.Lock:
    """Held while a process reads a part: threads would only wait for each other."""
    return _own.reading


def agree(asked: Asked) -> None:
    """Raises `DiffersError` where this process would read otherwise than the one that asks."""
    if __version__ != asked.version:
        raise DiffersError("version", __version__)
    if zone() != asked.zone:
        raise DiffersError("zone", "/".join(time.tzname))


def count(asked: Asked, part: Part) -> Told:
    """Reads one part. Raises `DiffersError`."""
    with alone():
        return _count(asked, part)


def _count(asked: Asked, part: Part) -> Told:
    agree(asked)
    judge = judge_of(asked, part)
    run = Run(
        judge, since=asked.since, until=asked.until, own=asked.own, key=asked.key,
        earlier=Looking(part),
    )  # fmt: skip
    written = part.log.written
    source = Source(run, Clock(min(asked.now, written), year=asked.year), part.cell)
    sums, errors = Sums(), []
    name, head, begun = "", b"", False
    for piece in part.pieces():
        if piece.error is not None:
            errors.append(piece)
            continue
        if piece.first:
            name, head = piece.source, piece.data[:HEAD]
        begun = True
        for delivery in source.read(piece.data, piece.cell):
            sums.add(delivery)
            run.daily.refused(delivery)
    sums._of.clear()  # of use in this process alone
    if run.counts.understood:
        head = b""
    return Told(
        run.counts, sums, run.daily, source.first, source.last, tuple(errors), name, head, begun
    )


class _Own:
    """What a process that reads parts knows, made once."""

    def __init__(self) -> None:
        self.reading = threading.Lock()
        self.diagnoser: tuple[str, Diagnoser] | None = None
        self.judge: tuple[bytes, Place, Judge] | None = None
        """Of which run, and the last part that it judged."""


Place = tuple[int, int]
_own: Final = _Own()


def judge_of(asked: Asked, part: Part) -> Judge:
    """One template has one diagnosis, that of the first line with it. So a judge may go on with the
    parts behind those that it knows, as one pass would; for one before them there is a new judge.
    Raises `DiffersError`."""
    place = part.number, part.cell
    known = _own.judge
    if known is not None and known[0] == asked.key and known[1] < place:
        judge = known[2]
    else:
        judge = Judge(_diagnoser(asked))
    _own.judge = asked.key, place, judge
    return judge


def _diagnoser(asked: Asked) -> Diagnoser:
    mark = _mark(asked)
    if _own.diagnoser is None or _own.diagnoser[0] != mark:
        from todoku.diagnosis import Diagnoser
        from todoku.knowledge import load, match

        knowledge = load.knowledge(asked.overlay)
        if knowledge.version != asked.knowledge:
            raise DiffersError("knowledge", knowledge.version)
        scan = match.load(knowledge)
        made = Diagnoser(knowledge, language=asked.language, own=asked.own, scan=scan)
        _own.diagnoser = mark, made
    return _own.diagnoser[1]


def share(asked: Asked, diagnose: Diagnoser) -> None:
    """Processes that are forked from this one need not make it."""
    _own.diagnoser, _own.judge = (_mark(asked), diagnose), None


def _mark(asked: Asked) -> str:
    return repr((asked.overlay, asked.language, asked.own, asked.knowledge))


class Merged:
    """What the parts so far tell."""

    def __init__(self, key: bytes) -> None:
        from todoku.logs.daily import Daily

        self.counts = Counts()
        self.sums = Sums()
        self.daily = Daily(key)
        self._log = -1
        self._last: float | None = None

    def jumped(self, part: Part, told: Told) -> bool:
        """Does the clock go back by much between the part before and this one?"""
        if part.number != self._log or self._last is None or told.first is None:
            return False
        return self._last - told.first > BACK

    def add(self, part: Part, told: Told) -> None:
        merge_counts(self.counts, told.counts)
        merge_sums(self.sums, told.sums)
        self.daily.merge(told.daily)
        self.counts.jumps += self.jumped(part, told)
        if part.number != self._log:
            self._log, self._last = part.number, None
        if told.first is not None:
            self._last = told.last


def merge_counts(into: Counts, part: Counts) -> None:
    """Adds what was read of a further part; `part` stays as it is."""
    into.lines += part.lines
    into.other_programs += part.other_programs
    into.unknown += part.unknown
    into.sent += part.sent
    into.bounced += part.bounced
    into.deferred += part.deferred
    into.expired += part.expired
    into.jumps += part.jumps
    into.first = _least(into.first, part.first)
    into.last = _most(into.last, part.last)
    into.formats |= part.formats


def merge_sums(into: Sums, part: Sums) -> None:
    """Adds the groups of a further part; `part` stays as it is."""
    into.undecided += part.undecided
    into.partial = into.partial or part.partial
    for key, group in part.groups.items():
        _add(into, _place(into, key, group), group)


def _place(into: Sums, key: Key, group: Group) -> Group:
    """The group that takes up `group`: chosen as `Sums` chooses for an attempt."""
    mine = into.groups.get(key)
    if mine is None and len(into.groups) >= sums_of.MOST_GROUPS:
        into.partial = True
        key = (group.diagnosis.receiver, group.diagnosis.reason)
        mine = into.groups.get(key)
    if mine is None:
        mine = into.groups[key] = copy.copy(group)
        mine.bounced = mine.deferred = 0
        mine.buckets, mine.recipients = {}, set()
        mine.senders, mine.domains, mine.hosts = {}, {}, {}
    return mine


def _add(into: Sums, mine: Group, group: Group) -> None:
    mine.bounced += group.bounced
    mine.deferred += group.deferred
    mine.first = _least(mine.first, group.first)
    mine.last = _most(mine.last, group.last)
    for bucket, n in group.buckets.items():
        into._count(mine.buckets, bucket, n)
    more = group.recipients - mine.recipients
    mine.recipients.update(into.some(more))
    for name, n in group.senders.items():
        into._count(mine.senders, name, n)
    for name, n in group.domains.items():
        into._count(mine.domains, name, n)
    for name, n in group.hosts.items():
        into._count(mine.hosts, name, n)


def _least(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else min(a, b)


def _most(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)
