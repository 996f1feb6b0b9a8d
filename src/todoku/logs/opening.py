"""Opens logs: files, folders and streams, packed or not, as pieces of whole lines.

`todoku.sources` opens whatever a person may have to diagnose, mails above all. A log is longer and
simpler: it is read in pieces that stay in the processor's cache, and every line counts for itself.
This is the room's one module with I/O; memory stays bounded whatever is unpacked.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, NamedTuple, Protocol

from todoku.logs.messages import CELL
from todoku.sources import why as why_unread

PIECE: Final = 1 << 20
"""Bytes read at once. A line that is longer is cut there: its rest, taken for a line, would say what
its writer pleases."""
HEAD: Final = 1 << 16
CUT: Final = HEAD
"""Bytes before a place where a log may be cut in which a line must end."""
BOMB_FLOOR: Final = 64 << 20
BOMB_RATIO: Final = 2_000
"""More than any log is packed by; deflate's own limit is 1,032."""
_MEMORY: Final = 128 << 20
"""What unpacking may take: `xz -9` needs 65 MB, `zstd --long` 128."""


class Piece(NamedTuple):
    """Whole lines of one source, or why there are no (more) of them."""

    source: str
    """The path as given, for a file in a folder joined with the path below it; `-` for stdin."""
    data: bytes = b""
    first: bool = False
    """With it the source begins; with an error: it could not even be opened."""
    written: float | None = None
    """When the file was last written to, seconds since 1970."""
    cell: int = 0
    """The number of its cell (`todoku.logs.messages`) in the source."""
    error: str | None = None
    """Why it could not be read (on), to stand in brackets: `permission denied`."""


class Readable(Protocol):
    def read(self, n: int, /) -> bytes: ...


def open_logs(paths: Iterable[str], stdin: BinaryIO | None) -> Iterator[Piece]:
    """The pieces of all that `paths` name, in their order. `-` is standard input."""
    for path in files(paths):
        if isinstance(path, Piece):
            yield path
        elif path == "-" and stdin is not None:
            yield from _guarded("-", lambda s=stdin: _stream("-", s, None))  # type: ignore[misc]
        else:
            yield from _file(path)


def files(paths: Iterable[str]) -> Iterator[str | Piece]:
    """The files that `paths` name, `-` as it stands; a piece with an error for what is none."""
    for path in paths:
        if path == "-":
            yield path
        else:
            yield from _path(path)


def _path(path: str) -> Iterator[str | Piece]:
    shown = os.fsencode(path).decode("utf-8", "replace")
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 (names on disk need not be text)
    except (OSError, ValueError) as e:
        yield Piece(shown, first=True, error=why_unread(e))
        return
    if not stat.S_ISDIR(mode):
        if stat.S_ISREG(mode) or stat.S_ISFIFO(mode):
            yield path
        else:
            yield Piece(
                shown, first=True, error="a device" if not stat.S_ISSOCK(mode) else "a socket"
            )
        return
    for folder, folders, files in os.walk(path):  # does not follow links
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            inner = os.path.join(folder, name)  # noqa: PTH118
            if not name.startswith(".") and _is_regular(inner):
                yield inner


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return True  # opening it will say why


def _file(path: str, when: float | None = None) -> Iterator[Piece]:
    source = os.fsencode(path).decode("utf-8", "replace")
    try:
        file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 (closed below)
    except OSError as e:
        yield Piece(source, first=True, error=why_unread(e))
        return
    with file:
        written = os.fstat(file.fileno()).st_mtime if when is None else when
        yield from _guarded(source, lambda: _stream(source, file, written))


def _guarded(source: str, pieces: Callable[[], Iterator[Piece]]) -> Iterator[Piece]:
    """The pieces of one source; an error on the way becomes the last of them."""
    try:
        yield from pieces()
    except (BadError, OSError, ValueError) as e:
        yield Piece(source, error=why(e))


def unpacked(file: Readable) -> tuple[Readable, bool]:
    """The bytes that a file holds, and whether they were packed. Reading them raises `OSError`, or
    what `why` tells of."""
    head = file.read(HEAD) or b""
    engine = next((make for magic, make in _ENGINES if head.startswith(magic)), None)
    reader: Readable = _Joined(head, file)
    return (reader, False) if engine is None else (_Unpacked(reader, engine), True)


def why(error: Exception) -> str | None:
    """Why a source could not be read (on), as in `Piece.error`; `None` for other errors."""
    if isinstance(error, BadError):
        return str(error)
    return why_unread(error) if isinstance(error, OSError | ValueError) else None


def _stream(source: str, file: Readable, written: float | None) -> Iterator[Piece]:
    reader, _ = unpacked(file)
    first = True
    for data, at in _lines(reader):
        yield Piece(source, data, first, written, cell_of(at))
        first = False
    if first:
        yield Piece(source, b"", first, written)


def open_part(
    path: str, begin: int, end: int | None, cell: int, written: float | None
) -> Iterator[Piece]:
    """The pieces of a log that is not packed, or of its cells from `cell` on, whose lines stand from
    `begin` (as `cut` tells) to below `end`: the same as those of the whole log."""
    if not cell and end is None:
        yield from _file(path, written)
        return
    source = os.fsencode(path).decode("utf-8", "replace")

    def pieces() -> Iterator[Piece]:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (names on disk need not be text)
            at = begin_of(cell)
            file.seek(begin)
            rest = _all(file, at - begin)
            reader: Readable = file if end is None else _Limited(file, end - at)
            first = not cell
            if first:
                reader = _Joined(reader.read(HEAD), reader)
            for data, block in _lines(reader, rest, at):
                yield Piece(source, data, first, written, cell_of(block))
                first = False
            if first:
                yield Piece(source, b"", first, written)

    yield from _guarded(source, pieces)


def cut(path: str, cell: int) -> int | None:
    """Where the first line of a cell begins; `None` where that line is too long to be cut before."""
    if not cell:
        return 0
    at = begin_of(cell) - CUT
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        file.seek(at)
        end = _all(file, CUT).rfind(b"\n") + 1
    return at + end if end else None


def is_packed(head: bytes) -> bool:
    return any(head.startswith(magic) for magic, _ in _ENGINES)


def _all(file: Readable, n: int) -> bytes:
    """So many bytes, fewer only at the end."""
    data = b""
    while len(data) < n and (block := file.read(n - len(data))):
        data += block
    return data


class _Limited:
    """So many bytes of a file, with the blocks of the whole file."""

    def __init__(self, file: Readable, left: int) -> None:
        self._file = file
        self._left = left

    def read(self, n: int, /) -> bytes:
        data = self._file.read(min(n, self._left)) or b""
        self._left -= len(data)
        return data


def cell_of(at: int) -> int:
    """The cell of a block by where it begins."""
    return max(0, at - HEAD) // CELL


def begin_of(cell: int) -> int:
    """Where the first block of a cell begins."""
    return HEAD + cell * CELL if cell else 0


def _lines(file: Readable, rest: bytes = b"", at: int = 0) -> Iterator[tuple[bytes, int]]:
    """Pieces that end where a line ends, and where the block begins in which they end. `rest`: what
    stands before the first block, which begins at `at`."""
    begin, passing = at, False
    while block := file.read(PIECE):
        begin, at = at, at + len(block)
        if passing:  # over the rest of a line
            _, newline, block = block.partition(b"\n")
            passing = not newline
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join((rest, memoryview(block)[:end])), begin  # one copy, not two
            rest = block[end:]
            continue
        rest += block
        if len(rest) > PIECE:
            yield rest[:PIECE] + b"\n", begin
            rest, passing = b"", True
    if rest:
        yield rest, begin


class _Joined:
    """What was read already, then the rest."""

    def __init__(self, head: bytes, file: Readable) -> None:
        self._head = head
        self._file = file

    def read(self, n: int, /) -> bytes:
        head, self._head = self._head, b""
        return head or self._file.read(n) or b""


# ── packed ────────────────────────────────────────────────────────────────────────────────────


class BadError(Exception):
    """The packed file is at fault, or cannot be unpacked here."""


class _Engine(Protocol):
    """As the decompressors of `lzma` and `compression.zstd`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """The same for gzip (RFC 1952)."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._engine.eof

    @property
    def needs_input(self) -> bool:
        return not self._engine.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._engine.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._engine.decompress(self._engine.unconsumed_tail + data, max_length)


def _gzip() -> _Engine:
    return _Gzip()


def _xz() -> _Engine:
    import lzma

    return lzma.LZMADecompressor(memlimit=_MEMORY)


def _bzip2() -> _Engine:
    import bz2

    return bz2.BZ2Decompressor()


def _zstd() -> _Engine:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            module = __import__(name, fromlist=["ZstdDecompressor"])
        except ImportError:
            continue
        window = {module.DecompressionParameter.window_log_max: _MEMORY.bit_length() - 1}
        engine: _Engine = module.ZstdDecompressor(options=window)
        return engine
    raise BadError("packed with zstd, which Python 3.14 can unpack, or backports.zstd")


_ENGINES: Final[tuple[tuple[bytes, Callable[[], _Engine]], ...]] = (
    (b"\x1f\x8b", _gzip),
    (b"\xfd7zXZ\x00", _xz),
    (b"BZh", _bzip2),
    (b"\x28\xb5\x2f\xfd", _zstd),
)


class _Unpacked:
    """The bytes inside of a packed file. Several may follow each other, as logs are appended."""

    def __init__(self, file: Readable, make: Callable[[], _Engine]) -> None:
        self._file = file
        self._make = make
        self._engine = make()
        self._taken = self._given = 0

    def read(self, n: int, /) -> bytes:
        while True:
            packed = b""
            if self._engine.eof:
                packed = self._engine.unused_data or self._more()
                if not packed or not packed.strip(b"\0"):
                    return b""  # the end, perhaps padded
                self._engine = self._make()
            elif self._engine.needs_input:
                packed = self._more()
                if not packed:
                    raise BadError("the packed file is cut off")
            try:
                out = self._engine.decompress(packed, n)
            except MemoryError:
                raise
            except Exception as e:
                raise BadError("the packed file is damaged") from e
            self._given += len(out)
            if self._given > BOMB_FLOOR and self._given > BOMB_RATIO * self._taken:
                raise BadError(f"unpacks to more than {BOMB_RATIO:,} times its size")
            if out:
                return out

    def _more(self) -> bytes:
        block = self._file.read(HEAD)
        self._taken += len(block)
        return block
