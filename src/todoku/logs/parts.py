"""Logs cut into parts that can be read apart, each with what stands before it.

A log of Postfix that is not packed is cut between cells (`todoku.logs.messages`), where a line ends;
others, and small ones, are one part. A part knows what stands before it (`Looking`): a message may be
tried in this part whose sender an earlier one names. Only where this is asked, and only as far as
one pass would remember, the earlier cells are read once more.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

from todoku.logs.lines import Lines
from todoku.logs.messages import CELL, CELLS, Messages
from todoku.logs.opening import HEAD, Piece, cell_of, cut, files, is_packed, open_part
from todoku.logs.pieces import noted

LEAST: Final = 8 << 20
MOST: Final = 256 << 20
"""Bytes of a part of a log that is cut."""
_ROUND: Final = 3 / 4
"""Of what is left, what the workers are given next in equal shares: most is read in large parts, whose
sums are few to put together, and small ones at the end see to it that all end at once."""
_MISSES: Final = 8
"""Messages that are looked for in a cell before it is read."""


class Log(NamedTuple):
    """A file, as it was when the reading began."""

    path: str
    written: float
    size: int
    packed: bool
    cut: bool
    """It can be read in parts: of its beginnings nothing but messages must be remembered."""


class Part(NamedTuple):
    """A log, or some of its cells."""

    log: Log
    number: int
    """Of the log among all of them."""
    cell: int = 0
    begin: int = 0
    """Where its first line begins."""
    end: int | None = None
    """Where its last line ends; `None`: at the end of the log."""
    earlier: tuple[Log, ...] = ()
    """The logs before, the latest first."""

    def pieces(self) -> Iterator[Piece]:
        return open_part(self.log.path, self.begin, self.end, self.cell, self.log.written)


class Unreadable(NamedTuple):
    """What takes the place of a file that is none."""

    piece: Piece


class Stream(ValueError):
    """Standard input or a pipe: it can be read once, and here alone."""


def logs(paths: Iterable[str]) -> list[Log | Unreadable]:
    """The files that `paths` name. Raises `Stream` for what is none."""
    found: list[Log | Unreadable] = []
    for path in files(paths):
        if isinstance(path, Piece):
            found.append(Unreadable(path))
            continue
        if path == "-":
            raise Stream(path)
        found.append(look(path))
    return found


def look(path: str) -> Log:
    """A file as it is now. Raises `Stream`."""
    try:
        told = os.stat(path)  # noqa: PTH116 (names on disk need not be text)
        if not stat.S_ISREG(told.st_mode):
            raise Stream(path)
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123
            head = file.read(HEAD) or b""
    except OSError:  # told by whoever opens it to read it
        return Log(path, 0.0, 0, packed=False, cut=False)
    packed = is_packed(head)
    can = told.st_size > HEAD + CELL and not packed
    if can:
        formats = noted(head[: head.rfind(b"\n") + 1], Messages(), Lines(Messages()))
        can = formats == {"postfix"}
    return Log(path, told.st_mtime, told.st_size, packed, can)


def parts(
    found: Iterable[Log | Unreadable], workers: int, passed: Collection[int] = ()
) -> Iterator[Part | Unreadable]:
    """In the order in which one pass would read them; the larger ones come first. `passed`: numbers of
    logs that are not read, and only stand before others."""
    logs = list(enumerate(found))
    sizes = (log.size for n, log in logs if isinstance(log, Log) and n not in passed)
    shares = _Shares(sum(sizes), max(workers, 1))
    earlier: tuple[Log, ...] = ()
    for number, log in logs:
        if isinstance(log, Unreadable):
            yield log
            continue
        if number in passed:
            earlier = (log, *earlier)[:CELLS]
            continue
        for part in _cut(Part(log, number, earlier=earlier), shares):
            shares.took((log.size if part.end is None else part.end) - part.begin)
            yield part
        earlier = (log, *earlier)[:CELLS]


class _Shares:
    """How large the next part should be."""

    def __init__(self, left: int, workers: int) -> None:
        self._left = left
        self._workers = workers
        self._more = 0
        """Parts of this round that are not taken yet."""
        self._share = 0

    @property
    def cells(self) -> int:
        if not self._more:
            self._more = self._workers
            self._share = min(max(int(self._left * _ROUND) // self._workers, LEAST), MOST)
        return max(1, self._share // CELL)

    def took(self, size: int) -> None:
        """A part of so many bytes."""
        self._left -= size
        self._more = max(0, self._more - 1)


def _cut(part: Part, shares: _Shares) -> Iterator[Part]:
    log = part.log
    last = cell_of(log.size - 1) if log.cut else 0
    cell = shares.cells
    while cell <= last:
        begin = cut(log.path, cell)
        if begin is not None and begin > part.begin:
            yield part._replace(end=begin)
            part = part._replace(cell=cell, begin=begin)
        cell += shares.cells
    yield part


class _Cell:
    """What one cell tells of messages, read when it is asked for."""

    def __init__(self, pieces: list[bytes], *, whole: bool) -> None:
        self._pieces = pieces
        self._whole = whole
        self._misses = 0
        self._found: dict[bytes, bytes] | None = None

    def get(self, key: bytes) -> bytes | None:
        if self._found is None:
            queue_id = key.rpartition(b" ")[2]
            if self._misses < _MISSES and not any(queue_id in data for data in self._pieces):
                self._misses += 1
                return None
            messages = Messages()
            lines = Lines(messages)
            for data in self._pieces:
                noted(data, messages, lines, whole=self._whole)
            self._found, self._pieces = messages.senders(), []
        return self._found.get(key)


class Looking:
    """The cells before a part (`todoku.logs.messages.Earlier`)."""

    def __init__(self, part: Part, *, whole: bool = False) -> None:
        """`whole`: as in `Run`."""
        self._cells: list[_Cell] = []
        """The latest first."""
        self._more = (_Cell(data, whole=whole) for data in _cells_before(part))

    def entries(self, key: bytes, cells: int) -> Iterator[bytes]:
        for n in range(cells):
            if n == len(self._cells):
                cell = next(self._more, None)
                if cell is None:
                    return
                self._cells.append(cell)
            if (lines := self._cells[n].get(key)) is not None:
                yield lines


def _cells_before(part: Part) -> Iterator[list[bytes]]:
    yield from _cells(part.log, part.cell, part.begin)
    for log in part.earlier:
        if log.packed:
            yield from _last(open_part(log.path, 0, None, 0, log.written))
        else:
            yield from _cells(log, cell_of(log.size - 1) + 1, None)


def _cells(log: Log, below: int, end: int | None) -> Iterator[list[bytes]]:
    """The cells of a log below a number, the last first."""
    begun = end is not None
    while below > 0:
        cell = below - 1
        while (begin := cut(log.path, cell)) is None:
            cell -= 1
        found: dict[int, list[bytes]] = {}
        for piece in open_part(log.path, begin, _until(log, end), cell, log.written):
            if piece.error is None:
                found.setdefault(piece.cell, []).append(piece.data)
        for number in range(below - 1, cell - 1, -1):
            begun = begun or number in found  # the last ones may hold no end of a line
            if begun:
                yield found.get(number, [])
        below, end = cell, begin


def _until(log: Log, end: int | None) -> int:
    return log.size if end is None else end


def _last(pieces: Iterator[Piece]) -> Iterator[list[bytes]]:
    """The last cells of a log that is packed, the last first."""
    kept: deque[tuple[int, list[bytes]]] = deque(maxlen=CELLS)
    last = -1
    for piece in pieces:
        if piece.error is not None:
            continue
        if piece.cell != last:
            kept.extend((n, []) for n in range(max(last + 1, piece.cell - CELLS), piece.cell + 1))
            last = piece.cell
        kept[-1][1].append(piece.data)
    for _, data in reversed(kept):
        yield data
