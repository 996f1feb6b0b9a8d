"""What the user named, as pieces of bytes: the input and output in front of `todoku.reading`.

Files, folders, Maildirs, mbox files, standard input, each plain or gzipped, become `Item`s, one
after the other. Memory stays bounded whatever is named: a folder of a million mails, a mailbox or
a log of many gigabytes. What cannot be read becomes an `Item` with an `error`; the others go on.

    a mail                    one item, its first MAX_MAIL bytes
    an mbox                   an item for each message, numbered from 1 (not in a Maildir, where a
                              file is one mail, whatever stands in it)
    lines (logs, NDJSON)      one item up to CHUNK bytes; beyond, pieces that end at line ends
    a folder                  its files and those below, sorted by name in each folder; hidden ones
                              are left out; of a Maildir `new` and `cur` (and its Maildir++ folders)
    .gz                       what it holds, told by its first bytes, not by its name

Links are followed, but no folder is read twice. A named pipe or a terminal is read where the user
named it, and passed over (with a reason) where it merely lies in a folder. Sockets and other
devices are not read: `/dev/zero` has no end.
"""

# A `Path` for each of a million files costs more than to open and read it.
# ruff: noqa: PTH116, PTH118, PTH123

from __future__ import annotations

import errno
import heapq
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Final, Protocol

import msgspec

MAX_MAIL: Final = 48 << 20
"""Bytes read of one mail, or of one JSON document. A bounce says what it has to say long before."""
CHUNK: Final = 8 << 20
"""Size of the pieces of a long log."""
MAX_PREFACE: Final = 4096
"""Bytes of leading `#` lines repeated before each piece (the column names of a CSV log)."""
BLOCK: Final = 1 << 20
HEAD: Final = 1 << 16
FEW: Final = 1 << 14
"""Read first of a file: room for HEAD bytes costs more than reading the few that most mails have."""


class Item(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One piece of input, or why there is none."""

    source: str
    """The path as given; for a file in a folder joined with the path below it; `-` for stdin."""
    data: bytes = b""
    number: int | None = None
    """Which message of an mbox, from 1."""
    first_line: int = 1
    """Number of the first line of `data` in its file, for pieces of a long one."""
    preface: int = 0
    """How many lines at the head of `data` are repeated from the head of the file."""
    cut: bool = False
    """More followed than was read (MAX_MAIL)."""
    error: str | None = None
    """Why it could not be read, to stand in brackets: `permission denied`."""
    skipped: bool = False
    """With `error`: passed over on purpose (a pipe in a folder), no failure."""


class _Reader(Protocol):
    def read(self, n: int, /) -> bytes: ...


def open_sources(
    paths: Iterable[str | os.PathLike[str]], stdin: BinaryIO | None = None
) -> Iterator[Item]:
    """Everything that `paths` name, in their order. `-` is standard input."""
    for path in paths:
        name = os.fspath(path)
        if name == "-":
            stream = stdin if stdin is not None else sys.stdin.buffer
            yield from _guarded("-", lambda s=stream: _stream("-", s, one_mail=False))  # type: ignore[misc]
            continue
        try:
            is_folder = stat.S_ISDIR(os.stat(name).st_mode)
        except (OSError, ValueError) as e:
            yield Item(source=_shown(name), error=why(e))
            continue
        yield from _folder(name) if is_folder else _file(name, named=True)


# ── folders ───────────────────────────────────────────────────────────────────────────────────


def _folder(top: str) -> Iterator[Item]:
    seen: set[tuple[int, int]] = set()
    stack: list[Iterator[str]] = []

    def enter(path: str) -> Item | None:
        try:
            st = os.stat(path)
            if (st.st_dev, st.st_ino) in seen:
                return Item(
                    source=_shown(path), error="a link to a folder that was read", skipped=True
                )
            seen.add((st.st_dev, st.st_ino))
            stack.append(_listed(path))
        except OSError as e:
            return Item(source=_shown(path), error=why(e))
        return None

    if (problem := enter(top)) is not None:
        yield problem
    while stack:
        path = next(stack[-1], None)
        if path is None:
            stack.pop()
        elif path[-1] != "/":
            data = _small(path)
            if data is None:
                yield from _file(path, named=False)
            elif data.find(b"From ", 0, 96) >= 0:  # perhaps a mailbox
                yield from _plain(_shown(path), data, _NO_MORE, _ONE_MAIL(path))
            else:
                yield Item(source=_shown(path), data=data)
        elif path[-2] == "/":
            yield from _file(path[:-2], named=False)
        elif (problem := enter(path[:-1])) is not None:
            yield problem


def _listed(folder: str) -> Iterator[str]:
    """The paths in a folder, sorted; those of folders with a slash at the end, those of links, pipes
    and the like with two.

    A million names as Python strings weigh 100 MB. So they are kept as sorted runs, each one
    string of bytes, and merged on the way out.
    """
    runs: list[bytes] = []
    names: list[bytes] = []
    has_new = has_cur = False
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name.encode(_NAMES, _ODD_NAMES)
            try:
                mark = (
                    b"/"
                    if entry.is_dir()
                    else b""
                    if entry.is_file(follow_symlinks=False)
                    else b"//"
                )
            except OSError:
                mark = b"//"
            has_new = has_new or (name == b"new" and mark == b"/")
            has_cur = has_cur or (name == b"cur" and mark == b"/")
            names.append(name + mark)
            if len(names) >= 20_000:
                names.sort()
                runs.append(b"\0".join(names))
                names.clear()
    names.sort()
    maildir = has_new and has_cur
    merged = heapq.merge(names, *map(_names, runs)) if runs else iter(names)
    before = os.path.join(folder, "")

    def wanted() -> Iterator[str]:
        for name in merged:
            if maildir:
                # Only these two hold mails; `.Junk/` is a Maildir++ folder, the rest is indexes.
                if name not in {b"new/", b"cur/"} and not (name[:1] == b"." and name[-1:] == b"/"):
                    continue
            elif name[:1] == b".":
                continue
            yield before + name.decode(_NAMES, _ODD_NAMES)

    return wanted()


# What `os.fsencode` would look up for each of a million names.
_NAMES: Final = sys.getfilesystemencoding()
_ODD_NAMES: Final = sys.getfilesystemencodeerrors()


def _names(run: bytes) -> Iterator[bytes]:
    start = 0
    while (end := run.find(b"\0", start)) >= 0:
        yield run[start:end]
        start = end + 1
    yield run[start:]


# ── files ─────────────────────────────────────────────────────────────────────────────────────

_SPECIAL: Final[tuple[tuple[Callable[[int], bool], str], ...]] = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _file(path: str, *, named: bool) -> Iterator[Item]:
    source = _shown(path)
    try:
        # Looked at before it is opened: opening a pipe waits, opening a device may do something.
        st = os.stat(path)
        mode = st.st_mode
        if stat.S_ISREG(mode):
            if (data := _small(path)) is not None and b"From " not in data[:96]:
                yield Item(source=source, data=data)
                return
        else:
            what = next((words for test, words in _SPECIAL if test(mode)), "no file")
            if not named or not (stat.S_ISFIFO(mode) or _is_terminal(path, mode)):
                yield Item(source=source, error=what, skipped=not named)
                return
        file = open(path, "rb", buffering=0)  # noqa: SIM115 (closed below)
    except (OSError, ValueError) as e:
        yield Item(source=source, error=why(e))
        return
    with file:
        yield from _guarded(source, lambda: _stream(source, file, one_mail=_ONE_MAIL(path)))


def _small(path: str) -> bytes | None:
    """The short way to what most files of a folder are: small and not packed. None for all else."""
    try:
        fd = os.open(path, _SAFELY)
    except (OSError, ValueError):
        return None
    try:
        data = os.read(fd, FEW)
        more = b""
        if len(data) == FEW:
            data += os.read(fd, HEAD - FEW)
            more = os.read(fd, 1)
    except OSError:
        return None
    finally:
        os.close(fd)
    return data if data and not more and data[:2] != b"\x1f\x8b" else None


_SAFELY: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""A regular file may be another thing by the time it is opened: nothing waits, no link is followed."""


def _is_terminal(path: str, mode: int) -> bool:
    """The only device with an end (Ctrl-D): `/dev/stdin` of an interactive shell."""
    if not stat.S_ISCHR(mode):
        return False
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        return os.isatty(fd)
    finally:
        os.close(fd)


def _guarded(source: str, items: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """The items of one source; an error on the way becomes the last of them."""
    try:
        yield from items()
    except (OSError, ValueError) as e:
        yield Item(source=source, error=why(e))


_NO_MORE: Final = io.BytesIO()
_ONE_MAIL: Final = re.compile(r"/(?:cur|new)/[^/]+\Z").search


def _stream(source: str, file: _Reader, *, one_mail: object) -> Iterator[Item]:
    """One stream of bytes, by what its head shows it to be."""
    head = _fill(file, HEAD)
    if not head.startswith(b"\x1f\x8b"):
        yield from _plain(source, head, file, one_mail)
        return
    from todoku.gunzip import Gunzip  # many runs meet nothing packed

    packed = Gunzip(head, file)
    yield from _plain(source, _fill(packed, HEAD), packed, one_mail)
    if packed.problem is not None:
        yield Item(source=source, error=packed.problem)


def _plain(source: str, head: bytes, file: _Reader, one_mail: object) -> Iterator[Item]:
    from todoku.reading import mail, mbox  # light, but `todoku --help` needs none of it

    if not one_mail and mbox.looks(head):
        for number, data in enumerate(mbox.split_mbox(_blocks(head, file)), 1):
            yield Item(source=source, data=data, number=number)
    elif len(head) < HEAD:
        yield Item(source=source, data=head)
    elif one_mail or mail.looks(head) or head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[":
        data = head + _fill(file, MAX_MAIL - len(head))
        yield Item(source=source, data=data, cut=len(data) >= MAX_MAIL and bool(file.read(1)))
    else:
        yield from _lines(source, head, file)


def _blocks(head: bytes, file: _Reader) -> Iterator[bytes]:
    yield head
    while block := file.read(BLOCK):
        yield block


def _fill(file: _Reader, size: int) -> bytes:
    """`size` bytes, fewer only at the end of the stream."""
    parts: list[bytes] = []
    while size > 0:
        block = file.read(min(size, BLOCK))
        if not block:
            break
        parts.append(block)
        size -= len(block)
    return parts[0] if len(parts) == 1 else b"".join(parts)


# ── lines ─────────────────────────────────────────────────────────────────────────────────────


def _lines(source: str, head: bytes, file: _Reader) -> Iterator[Item]:
    """Pieces of whole lines. What a line has beyond CHUNK bytes is dropped to its end: the rest of
    a line, taken for a line, would say what its writer pleases."""
    preface = _preface(head)
    before = preface.count(b"\n")
    first = 1
    rest = head
    while True:
        piece = rest + _fill(file, CHUNK - len(rest))
        more = len(piece) >= CHUNK
        end = piece.rfind(b"\n") + 1 if more else len(piece)
        if end == 0:
            end = len(piece)
            rest = _behind_line(file)
            more = bool(rest)
            newlines = 1
        else:
            rest = piece[end:]
            newlines = 0
        data = piece[:end]
        newlines += data.count(b"\n")
        repeated = before if first > 1 else 0
        if data:
            yield Item(
                source=source,
                data=preface + data if repeated else data,
                first_line=first,
                preface=repeated,
            )
        first += newlines
        if not more:
            break


def _behind_line(file: _Reader) -> bytes:
    """Passes over the rest of a line; what was read behind its end."""
    while block := file.read(BLOCK):
        _, newline, behind = block.partition(b"\n")
        if newline:
            return behind or file.read(BLOCK)
    return b""


def _preface(head: bytes) -> bytes:
    """The `#` lines at the head of a log: without its column names no later piece can be read."""
    end = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    while head.startswith(b"#", end) and (newline := head.find(b"\n", end, MAX_PREFACE)) >= 0:
        end = newline + 1
    return head[:end] if end > 3 else b""


# ── words ─────────────────────────────────────────────────────────────────────────────────────

_WHY: Final = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.ELOOP: "a link that leads to itself",
    errno.ENAMETOOLONG: "the path is too long",
    errno.EMFILE: "too many open files",
    errno.EIO: "the disk cannot be read",
    errno.EISDIR: "a folder",
}


def why(e: Exception) -> str:
    """Why it could not be read, to stand in brackets."""
    if isinstance(e, OSError):
        return _WHY.get(e.errno or 0) or (e.strerror or str(e)).lower()
    return "not a path" if "null" in str(e) else str(e)


def _shown(path: str) -> str:
    """A path as valid text: names on disk are bytes, and need not be any."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "replace")
