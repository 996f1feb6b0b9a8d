"""One file or stream, fed to its log from its beginning to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from todoku.logs.opening import PIECE, unpacked, why

if TYPE_CHECKING:
    from todoku.deliveries.storing import Log
    from todoku.logs.opening import Readable
    from todoku.logs.values import Delivery

HEAD: Final = 65_536
"""Bytes of the beginning that are kept, to say what a log looks like of which nothing was understood."""


class Feeding:
    """Iterate over it once: the new deliveries, piece by piece; then it tells what became of it."""

    def __init__(self, file: Readable, begin: Callable[[bytes], Log], *, again: bool) -> None:
        """`begin`: makes the log, given how it begins. `again`: the file can be read again, so what is
        known of it may be passed over."""
        self._file = file
        self._begin = begin
        self._again = again
        self.log: Log | None = None
        """`None` where there was nothing to read."""
        self.head = b""
        self.error: str | None = None
        """Why it could not be read to its end, as in `todoku.logs.opening.Piece`."""

    def __iter__(self) -> Iterator[list[Delivery]]:
        packed = False
        blocks = self._blocks()
        while (block := self._next(blocks)) is not None:
            data, packed = block
            if self.log is None:
                self.head = data[:HEAD]
                self.log = self._begin(self.head)
            yield self.log.feed(data)
            if self._again and not packed:
                _jump(self.log, self._file)
        if self.log is not None:
            yield self.log.end(final=packed and self.error is None)

    def _blocks(self) -> Iterator[tuple[bytes, bool]]:
        reader, packed = unpacked(self._file)
        while data := reader.read(PIECE):
            yield data, packed

    def _next(self, blocks: Iterator[tuple[bytes, bool]]) -> tuple[bytes, bool] | None:
        try:
            return next(blocks, None)
        except Exception as error:
            self.error = why(error)
            if self.error is None:
                raise
            return None

    @property
    def state(self) -> str:
        """`new`: there was something new; `known`: nothing; `differs`, `nothing`: of what was new
        nothing was understood."""
        log = self.log
        if log is None:
            return "known"
        if log.following.differs:
            return "differs"
        if not log.lines:
            return "known"
        return "new" if log.understood or log.following.found is not None else "nothing"

    @property
    def whole(self) -> bool:
        """Was all of it read, from its beginning to its end?"""
        log = self.log
        if log is None or log.resumed or self.error is not None:
            return False
        return not log.following.differs and not log.following.held


def _jump(log: Log, file: Readable) -> None:
    """Passes over what is known of a plain file."""
    if not hasattr(file, "seek") or not hasattr(file, "tell"):
        return
    wanted = log.following.wanted
    if wanted > file.tell():
        file.seek(wanted)
        log.following.jump(wanted)
