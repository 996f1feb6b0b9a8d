"""Parts of logs to what they tell of partners, in whichever process reads them.

    parts ─▶ hear, one after another in any process ─▶ Heard ─▶ taken over in the order of the parts

The parts are those of `todoku logs --engine` and know what stands before them (`todoku.logs.parts`), and
what hangs on the order of deliveries is played by one learner: so whoever reads, the same is learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from todoku.deliveries.identity import HEAD, MARK, Bytes, Following, hash_of
from todoku.deliveries.ledger import Move, Read
from todoku.logs.clock import Clock
from todoku.logs.engine import Asked, agree, alone, judge_of
from todoku.logs.opening import Piece
from todoku.logs.parts import Looking, Part
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.partners.gates import Gates
from todoku.partners.learning import Learner, Tape, Window
from todoku.partners.values import Evidence

AT_ONCE: Final = 50_000
"""Cells of evidence, and entries of a tape, that are handed over together."""


class Heard(NamedTuple):
    """What some lines of a log tell."""

    evidence: Evidence
    tape: Tape
    deliveries: int
    untimed: int
    lines: int
    understood: int
    size: int
    """Bytes of whole lines."""
    head: bytes
    """How they begin, and end."""
    tail: bytes
    name: str | None
    """Of the log; `None`: there was nothing to read, not even an empty file."""
    error: Piece | None
    """Why it could not be read (on). Without the words of the log."""


def hear(asked: Asked, windows: Sequence[Window], part: Part) -> tuple[Heard, ...]:
    """A part of which nothing was learned before, for whoever asks from another process. Raises
    `DiffersError`."""
    with alone():
        return tuple(Hearing(asked, windows, part).new())


class Hearing:
    """Reads one part, or a log that may have been learned from before."""

    def __init__(self, asked: Asked, windows: Sequence[Window], part: Part) -> None:
        """Raises `DiffersError`."""
        agree(asked)
        judge = judge_of(asked, part)
        self._run = Run(
            judge, own=asked.own, recipients="off", whole=True, earlier=Looking(part, whole=True)
        )
        self._source = Source(
            self._run, Clock(min(asked.now, part.log.written), year=asked.year), part.cell
        )
        gates = Gates(judge.diagnose.knowledge, asked.own.is_smarthost if asked.own else _nobody)
        self._learner = Learner(gates, asked.own, windows)
        self._part = part
        self._clear()

    def _clear(self) -> None:
        self._deliveries = self._lines = self._understood = self._size = 0
        self._head = self._tail = b""

    def new(self) -> Iterator[Heard]:
        """A part of which nothing was learned before."""
        name: str | None = None
        for piece in self._part.pieces():
            if piece.error is not None:
                yield self._heard(name, piece)
                return
            name = piece.source
            # what follows is half a line, which may yet be written otherwise
            self._hear(piece.data[: piece.data.rfind(b"\n") + 1], piece.cell)
            if self._full:
                yield self._heard(name)
        yield self._heard(name)

    def known(self, following: Following, pieces: Iterable[Piece]) -> Iterator[Heard]:
        """A log that may have been learned from, or is none that can be read twice; `following` then
        tells how far it was read."""
        name, cell = None, 0
        for piece in pieces:
            if piece.error is not None:
                yield self._heard(name, piece)
                break
            name, cell = piece.source, piece.cell
            self._again(following.feed(piece.data), cell)
            if self._full:
                yield self._heard(name)
        self._again(following.end(), cell)
        yield self._heard(name)

    def _again(self, told: Bytes, cell: int) -> None:
        if told.again:
            for _ in self._source.read(told.again, cell):  # who sent the messages
                pass
        if told.new:
            self._hear(told.new, cell)

    def _hear(self, data: bytes, cell: int) -> None:
        counts = self._run.counts
        lines, understood = counts.lines, counts.understood
        add = self._learner.add
        for delivery in self._source.read(data, cell):
            self._deliveries += 1
            add(delivery)
        self._lines += counts.lines - lines
        self._understood += counts.understood - understood
        if len(self._head) < HEAD:
            self._head = (self._head + data[:HEAD])[:HEAD]
        self._size += len(data)
        self._tail = (self._tail + data[-MARK:])[-MARK:]

    @property
    def _full(self) -> bool:
        return self._learner.evidence.cells + self._learner.taped >= AT_ONCE

    def _heard(self, name: str | None, error: Piece | None = None) -> Heard:
        untimed, self._learner.untimed = self._learner.untimed, 0
        told = Heard(
            *self._learner.hand_over(), self._deliveries, untimed, self._lines, self._understood,
            self._size, self._head, self._tail, name, error,
        )  # fmt: skip
        self._clear()
        return told


class Log:
    """How far a log was read that is new, one part after another."""

    def __init__(self) -> None:
        self.lines = self.understood = self._size = 0
        self._head = self._tail = b""
        self.name: str | None = None
        self.broken = False
        """It could not be read on: nothing behind counts."""

    def add(self, heard: Heard) -> None:
        if len(self._head) == self._size:  # else it is as long as it gets
            self._head = (self._head + heard.head)[:HEAD]
        self._size += heard.size
        self._tail = (self._tail + heard.tail)[-MARK:]
        self.lines += heard.lines
        self.understood += heard.understood
        self.name = self.name or heard.name
        self.broken = heard.error is not None

    @property
    def strange(self) -> bool:
        """There were lines, and none of them was understood."""
        return self.lines > 0 and not self.understood

    def move(self, path: str) -> Move | None:
        if not self._size:
            return None
        after = Read(len(self._head), hash_of(self._head), self._size, hash_of(self._tail), path)
        return Move(None, after)


def _nobody(_host: str) -> bool:
    return False
