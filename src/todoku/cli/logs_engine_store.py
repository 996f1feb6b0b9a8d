"""`todoku logs --store --engine local`: the logs are read by several processes, and stored by this one."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from todoku import __version__
from todoku.cli import EX_USAGE, Failure
from todoku.cli.logs_engine import WORDS as ENGINE
from todoku.cli.logs_engine import EngineError, cores
from todoku.cli.logs_store import Place, StoringReading
from todoku.i18n import Language, Words, say
from todoku.logs import engine
from todoku.logs.engine import Merged
from todoku.logs.opening import unpacked, why
from todoku.logs.parts import Log, Part, Stream, Unreadable, logs, parts
from todoku.logs.run import Run
from todoku.logs.workers import Local, LostError, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from todoku.deliveries.ledger import Read
    from todoku.deliveries.staging import Asked, Cut, Found, Unit

WORDS: Final[Words] = {
    "lost": {
        "ja": "同じ部分を読むワーカーが何度も強制終了しました（メモリー不足のことが多いです）。それより前の分は保存済みで、"
        "二重にはなりません。--workers を減らすか、--engine なしで、もう一度実行してください（続きから保存します）。",
        "en": "workers were killed again and again over the same part of the logs (for want of memory, as a "
        "rule). What was stored before it counts, and counts once. Run it again with fewer --workers, or "
        "without --engine: it goes on where that stood.",
    },
    "replaced": {
        "ja": "{source} は読んでいる間に別のファイルに替わりました（ローテーションなど）。読めたところまで保存しました。"
        "もう一度実行すると、残りを続きから保存します。",
        "en": "{source} was replaced by another file while it was read (rotated, say). What was read of it "
        "before is stored. Run it again: it goes on where that stood.",
    },
}


class _Here(NamedTuple):
    """A log that this process reads itself: it begins as one before it does, and may be the same."""

    part: Part


class _Plan:
    """Who reads which log, and from where on."""

    def __init__(self, storing: StoringReading, found: list[Log | Unreadable]) -> None:
        self._reading = storing
        self._firsts: set[bytes] = set()
        """How the logs so far begin, up to the end of their first line."""
        self.known: set[int] = set()
        """Logs that were read to their end before, by number."""
        self.here: set[int] = set()
        self.cuts: dict[int, Cut] = {}
        self._whole: dict[int, tuple[Read | None, tuple[int, int]]] = {}
        self.found = [
            self._look(number, log) if isinstance(log, Log) else log
            for number, log in enumerate(found)
        ]

    def items(self, workers: int) -> Iterator[Unreadable | _Here | Unit]:
        """In the order of one pass."""
        from todoku.deliveries.staging import Unit

        for part in parts(self.found, workers, self.known):
            if isinstance(part, Unreadable):
                yield part
            elif part.number in self.here:
                yield _Here(part)
            elif (cut := self.cuts.get(part.number)) is not None:
                end = cut.end if part.end is None else part.end
                yield Unit(part._replace(end=end), None, cut.file)
            else:
                yield Unit(part, *self._whole[part.number])

    def _look(self, number: int, log: Log) -> Log:
        from todoku.deliveries.identity import HEAD, LONGEST
        from todoku.deliveries.staging import Cut, last_line_end
        from todoku.deliveries.storing import file_of

        whole = log._replace(cut=False)
        try:
            with open(log.path, "rb", buffering=0) as file:  # noqa: PTH123 (names need not be text)
                status = os.fstat(file.fileno())
                if self._reading.storing.whole(file_of(status)):
                    self.known.add(number)
                    return log
                reader, head = unpacked(file)[0], b""
                while len(head) < HEAD and (block := reader.read(HEAD)):
                    head += block
                end = last_line_end(file.fileno(), status.st_size, LONGEST) if log.cut else None
        except Exception as error:
            if why(error) is None:
                raise
            # whoever reads it will say why it cannot be read
            self.here.add(number)
            return whole
        storing = self._reading.storing
        read = storing.known(head)
        if self._is_twin(head[:HEAD]) or (read is not None and not storing.holds(read)):
            self.here.add(number)
            return whole
        if end is None or read is not None:
            self._whole[number] = read, (status.st_dev, status.st_ino)
            return whole
        self.cuts[number] = Cut(log.path, status, head, end)
        return log

    def _is_twin(self, head: bytes) -> bool:
        """May it be the same log as one before it? Then it goes on where that was read to. Lines by which
        all logs of a kind begin (`#Fields:`) tell nothing."""
        end, preface = 0, True
        while preface:
            begin, end = end, head.find(b"\n", end) + 1
            if not end:
                return True
            preface = head[begin : begin + 1] == b"#"
        first = head[:end]
        if first in self._firsts:
            return True
        self._firsts.add(first)
        return False


class EngineStoring(StoringReading):
    """The same pass, in parts that others read; what they read is stored in the order of one pass."""

    def __init__(
        self, workers: int | None, overlay: Path | None, place: Place, run: Run,
        paths: tuple[str, ...], lang: Language, *, now: float, year: int | None, quiet: bool,
    ) -> None:  # fmt: skip
        super().__init__(place, run, paths, lang, now=now, year=year, quiet=quiet)
        self._workers = workers or cores()
        self._read = engine.Asked(
            since=None, until=None, own=run.own, key=run.key, year=year, now=now, language=lang,
            overlay=overlay, version=__version__, knowledge=run.judge.knowledge, zone=engine.zone(),
        )  # fmt: skip
        self._merged = Merged(run.key)
        self.sums, run.counts, run.daily = (
            self._merged.sums, self._merged.counts, self._merged.daily,
        )  # fmt: skip
        self._begun: set[int] = set()
        self._broken: set[int] = set()

    def read(self) -> None:
        """As `StoringReading.read`. Raises `EngineError`, too."""
        from todoku.deliveries.staging import Asked

        try:
            plan = _Plan(self, logs(self.paths))
        except Stream:
            raise Failure(say(ENGINE["stream"], self.lang), EX_USAGE) from None
        self._files += len(plan.known)
        self._known += len(plan.known)
        engine.share(self._read, self.run.judge.diagnose)
        with self.place.folder.staging() as staging, Local(self._workers) as workers:
            asked = Asked(
                self._read, staging, self.place.recipients, self.place.shown, self.storing.oldest
            )
            try:
                self._all(plan, asked, workers)
            except LostError:
                raise EngineError(WORDS["lost"]) from None
            self._clear()
            self._judge_heads(self._files, self._heads)
            self.storing.keep()
        self._tidy()

    def _all(self, plan: _Plan, asked: Asked, workers: Local) -> None:
        from todoku.deliveries.staging import Unit, store

        items = list(plan.items(workers.workers))
        found = in_order(
            workers, functools.partial(store, asked), (x for x in items if isinstance(x, Unit))
        )
        for item in items:
            if isinstance(item, Unreadable):
                self._unreadable(item.piece)
            elif isinstance(item, _Here):
                self._earlier, self._remembers = item.part.earlier, False
                self._file(item.part.log.path)
            else:
                self._take(item, next(found)[1], plan.cuts.get(item.part.number))
            if self.storing.full:
                self.storing.keep()
            if self._progress:
                self._tick()

    def _take(self, unit: Unit, found: Found, cut: Cut | None) -> None:
        """What a worker tells of a unit."""
        number, told = unit.part.number, found.told
        if number in self._broken:
            return
        if told.begun and number not in self._begun:
            self._begun.add(number)
            self._files += 1
        for piece in told.errors:
            self._unreadable(piece)
        if cut is None:
            self._merged.add(unit.part, told)
            self.storing.adopt(found)
            if told.begun:
                self._judge(told.name, found.state, told.head)
            return
        assert unit.part.end is not None  # noqa: S101 (of each part that was cut)
        whole = found.state == "new" and cut.adopt(
            self.storing, found, unit.part.end, self._merged.jumped(unit.part, told)
        )
        if whole:
            self._merged.add(unit.part, told)
            return
        self._broken.add(number)
        if told.errors:
            return
        self.failed = True
        self._say("replaced", WORDS, source=self._name(told.name))
