"""`todoku partners learn LOG...`: from what is new in logs, read by this process or by others (`--engine`)."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from todoku import __version__
from todoku.cli import EX_USAGE, Failure
from todoku.cli.render.text import short
from todoku.deliveries.identity import HEAD, Following, hash_of
from todoku.deliveries.ledger import Move, Read
from todoku.i18n import Words, say
from todoku.logs import engine
from todoku.logs.opening import BadError, open_logs, unpacked
from todoku.logs.parts import Log, Part, Stream, Unreadable, logs, parts
from todoku.partners.hearing import AT_ONCE, Heard, Hearing, hear
from todoku.partners.hearing import Log as Reading
from todoku.partners.keeping import LogRead

if TYPE_CHECKING:
    from todoku.cli.partners_learn import Learning
    from todoku.cli.setup import Setup
    from todoku.diagnosis import Diagnoser
    from todoku.partners.keeping import Step
    from todoku.settings.own import Own

EX_TEMPFAIL: Final = 75
_KEY: Final = 16

WORDS: Final[Words] = {
    "replaced": {
        "ja": "読んでいる間にログがローテートされました。取り違えを避けるため何も学んでいません。もう一度実行してください。",
        "en": "a log was rotated while it was read. As its parts could be of two files, nothing was learned. Run it "
        "again.",
    },
}


def learn(
    learning: Learning, paths: Sequence[str], step: Step, by: tuple[str, int | None] | None
) -> None:
    """`by`: the engine and its workers; `None`: this process. Raises `Failure` where nothing was understood
    (nothing is kept then), and `EngineError`."""
    _Logs(learning, paths, step).learn(by)


def asked(found: Setup, diagnose: Diagnoser, own: Own | None, year: int | None) -> engine.Asked:
    return engine.Asked(
        since=None, until=None, own=own, key=os.urandom(_KEY), year=year, now=time.time(),
        language=found.language, overlay=found.overlay, version=__version__,
        knowledge=diagnose.knowledge.version, zone=engine.zone(),
    )  # fmt: skip


class _Logs:
    def __init__(self, learning: Learning, paths: Sequence[str], step: Step) -> None:
        self._learning = learning
        self._paths = paths
        self._step = step
        self._asked = learning.asked
        self._seen = 0
        self._strange: list[str] = []
        self._known: list[Read] = [_read(log) for log in step.logs()]
        """Logs that were learned from, those of this run among them."""

    def learn(self, by: tuple[str, int | None] | None) -> None:
        learning = self._learning
        engine.share(self._asked, learning.diagnose)
        found = list(self._found(streams=by is None))
        again = self._again(found)
        # One process reads each log from one open file, whatever name it has by then.
        whole = [
            x._replace(cut=x.cut and by is not None and n not in again) if isinstance(x, Log) else x
            for n, x in enumerate(found)
        ]
        files = [_file(x) for x in whole]
        with self._workers(by) as workers:
            cut = [_apart(p) for p in parts(whole, workers.workers if workers else 1)]
            new = (p for p in cut if isinstance(p, Part) and p.number not in again)
            told = self._told(workers, new)
            log, number = Reading(), -1
            for part in cut:
                if isinstance(part, Unreadable):
                    learning.unreadable(part.piece, begun=False)
                    continue
                if part.number != number:
                    self._end(log)
                    log, number = Reading(), part.number
                if part.number in again:
                    self._more(part)
                    continue
                for heard in next(told):
                    if not log.broken:
                        log.add(heard)
                        self._take(heard, log.name)
            self._end(log)
        if any(_file(x) != file for x, file in zip(whole, files, strict=True)):
            raise Failure(say(WORDS["replaced"], learning.lang), EX_TEMPFAIL)
        if learning.failed and by is not None and by[0] != "local":
            from todoku.cli.logs_engine import WORDS as ENGINE

            click.echo(f"todoku: {say(ENGINE['same-files'], learning.lang)}", err=True)
        if len(self._strange) == self._seen:
            names = ", ".join(short(str(p), 100) for p in self._paths[:3])
            learning.nothing("not-a-log" if self._seen else "no-files", names)
        for name in self._strange[:5]:
            learning.failed = True
            learning.say("not-this", source=short(name, 200))
        if learning.learner.evidence.cells:
            self._step.add(learning.learner.take())

    def _found(self, *, streams: bool) -> Iterator[Log | Unreadable]:
        for path in self._paths:
            try:
                yield from logs([path])
            except Stream:
                if not streams:
                    from todoku.cli.logs_engine import WORDS

                    raise Failure(say(WORDS["stream"], self._learning.lang), EX_USAGE) from None
                yield Log(path, self._asked.now, -1, packed=True, cut=False)

    def _again(self, found: Sequence[Log | Unreadable]) -> set[int]:
        """Which logs this process reads itself, each in its turn: streams and all behind one, of which nobody
        knows yet how it begins; those that begin as one does that was learned from, or as another before
        them."""
        heads = [(r.head_length, r.head) for r in self._known]
        again = set[int]()
        streamed = False
        for n, log in enumerate(found):
            if isinstance(log, Unreadable):
                continue
            head = b"" if log.size < 0 else _head(log.path)
            streamed = streamed or log.size < 0
            if streamed or any(
                0 < size <= len(head) and hash_of(head[:size]) == told for size, told in heads
            ):
                again.add(n)
            whole = head if len(head) == HEAD else head[: head.rfind(b"\n") + 1]
            heads.append((len(whole), hash_of(whole)))
        return again

    # ── who reads ─────────────────────────────────────────────────────────────────────────────

    def _workers(self, by: tuple[str, int | None] | None) -> Any:
        if by is None:
            return nullcontext()
        from todoku.cli import logs_engine

        return logs_engine.opened(*by, self._asked, self._learning.diagnose)

    def _told(self, workers: Any, new: Iterable[Part]) -> Iterator[Iterable[Heard]]:
        """What each part tells, in their order."""
        windows = self._learning.windows
        if workers is None:
            for part in new:
                yield Hearing(self._asked, windows, part).new()
            return
        from todoku.cli import logs_engine

        do = functools.partial(hear, self._asked, windows)
        for _, heard in logs_engine.each(workers, do, new, self._asked):
            yield heard

    def _more(self, part: Part) -> None:
        """What is new in a log of which a part may be known."""
        log = part.log
        stream = log.size < 0
        following = Following(self._known, _shown(log.path))
        pieces = open_logs((log.path,), sys.stdin.buffer if sys.stdin else None) if stream else part.pieces()  # fmt: skip
        reading = Reading()
        for heard in Hearing(self._asked, self._learning.windows, part).known(following, pieces):
            reading.add(heard)
            self._take(heard, reading.name)
        if following.differs:
            self._learning.failed = True
            self._learning.say("differs", source=short(reading.name or "", 200))
        self._ended(reading, following.move())

    # ── what was heard ────────────────────────────────────────────────────────────────────────

    def _take(self, heard: Heard, name: str | None) -> None:
        learning = self._learning
        if heard.error is not None:
            learning.unreadable(heard.error, begun=name is not None)
        learning.deliveries += heard.deliveries
        learning.learner.untimed += heard.untimed
        learning.learner.take_over(heard.evidence, heard.tape)
        if learning.learner.evidence.cells >= AT_ONCE:
            self._step.add(learning.learner.take())

    def _end(self, log: Reading) -> None:
        """All of a new log was read."""
        self._ended(log, log.move(log.name or ""))

    def _ended(self, log: Reading, move: Move | None) -> None:
        if log.name is None:
            return
        self._seen += 1
        if log.strange:
            self._strange.append(log.name)
        elif move is not None:
            before = _kept(move.before) if move.before is not None else None
            self._step.read(before, _kept(move.after))
            self._known = [r for r in self._known if r != move.before] + [move.after]


def _apart(part: Part | Unreadable) -> Part | Unreadable:
    """Nobody can look back into a stream."""
    if isinstance(part, Unreadable):
        return part
    return part._replace(earlier=tuple(log for log in part.earlier if log.size >= 0))


def _file(log: Log | Unreadable) -> tuple[int, int] | None:
    """Which file a log is that is opened several times."""
    if not isinstance(log, Log) or not log.cut:
        return None
    try:
        told = Path(log.path).stat()
    except OSError:
        return None
    return told.st_dev, told.st_ino


def _head(path: str) -> bytes:
    """How a log begins, unpacked; nothing where it cannot be read: whoever reads it says why."""
    head = b""
    try:
        with Path(path).open("rb", buffering=0) as file:
            reader, _ = unpacked(file)
            while len(head) < HEAD and (more := reader.read(HEAD - len(head))):
                head += more
    except (OSError, ValueError, BadError):
        return b""
    return head[:HEAD]


def _shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _read(log: LogRead) -> Read:
    return Read(*log)


def _kept(read: Read) -> LogRead:
    return LogRead(read.head_length, read.head, read.position, read.mark, read.path)
