"""Files, folders and streams, packed or not, as pieces of whole lines."""

from __future__ import annotations

import bz2
import gzip
import importlib
import importlib.util
import io
import lzma
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from todoku.logs import opening
from todoku.logs.opening import PIECE, Piece, open_logs

LINES = b"".join(b"line %d of a log\n" % n for n in range(200_000))


def zstd(data: bytes) -> bytes:
    for home in ("compression.zstd", "backports.zstd"):
        try:
            module = importlib.import_module(home)
        except ImportError:
            continue
        checked = {module.CompressionParameter.checksum_flag: 1}  # as the command does it
        packed: bytes = module.compress(data, options=checked)
        return packed
    pytest.skip("zstd cannot be packed here")


PACKERS = [gzip.compress, lzma.compress, bz2.compress, zstd]


def text(pieces: list[Piece]) -> bytes:
    assert [p.error for p in pieces] == [None] * len(pieces)
    return b"".join(p.data for p in pieces)


@pytest.mark.parametrize("pack", [bytes, *PACKERS])
def test_packed_or_not(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(pack(LINES))
    os.utime(path, (1e9, 1e9))
    pieces = list(open_logs([str(path)], None))
    assert text(pieces) == LINES
    assert [p.first for p in pieces] == [True] + [False] * (len(pieces) - 1)
    assert {(p.source, p.written) for p in pieces} == {(str(path), 1e9)}
    assert len(pieces) > 2
    assert all(p.data.endswith(b"\n") and len(p.data) < 3 * PIECE for p in pieces)
    assert text(list(open_logs(["-"], io.BytesIO(pack(LINES))))) == LINES


@pytest.mark.parametrize("pack", PACKERS)
def test_several_in_one_file(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "x"
    path.write_bytes(pack(b"a\n") + pack(b"") + pack(b"b\n") + b"\0" * 100)
    assert text(list(open_logs([str(path)], None))) == b"a\nb\n"


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("harm", ["cut off", "damaged"])
def test_a_packed_file_that_is_harmed(
    tmp_path: Path, pack: Callable[[bytes], bytes], harm: str
) -> None:
    packed = bytearray(pack(LINES))
    if harm == "damaged":
        packed[len(packed) // 2 : len(packed) // 2 + 400] = b"\xaa" * 400
    else:
        del packed[len(packed) // 2 :]
    path = tmp_path / "x"
    path.write_bytes(packed)
    *good, last = open_logs([str(path)], None)
    assert last.error == f"the packed file is {harm}"
    assert LINES.startswith(text(good)[:1000])


def has_zstd() -> bool:
    homes = ("compression", "backports")
    return any(importlib.util.find_spec(h) and importlib.util.find_spec(f"{h}.zstd") for h in homes)


@pytest.mark.skipif(has_zstd(), reason="zstd can be unpacked here")
def test_zstd_says_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"x" * 100)
    (piece,) = open_logs([str(path)], None)
    assert "backports.zstd" in (piece.error or "")


@pytest.mark.parametrize("pack", [bz2.compress, zstd])
def test_a_bomb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(opening, "BOMB_FLOOR", 1 << 20)
    path = tmp_path / "x"
    path.write_bytes(pack(b"\n" * (50 << 20)))
    *_, last = open_logs([str(path)], None)
    assert "2,000 times" in (last.error or "")


def test_a_line_without_end_is_one_line() -> None:
    data = b"a\n" + b"x" * (5 * PIECE) + b"\nstatus=sent\n"
    got = text(list(open_logs(["-"], io.BytesIO(data))))
    first, long, last, rest = got.split(b"\n")
    assert (first, last, rest) == (b"a", b"status=sent", b"")
    assert PIECE <= len(long) <= 2 * PIECE


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("b/2", "a", ".hidden/3", ".4"):
        (tmp_path / name).write_text(f"{name}\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path)
    pieces = list(open_logs([str(tmp_path)], None))
    assert text(pieces) == b"a\nb/2\n"


@pytest.mark.parametrize(
    ("path", "why"), [("missing", "no such file"), ("/dev/zero", "a device"), ("\0", "not a path")]
)
def test_what_cannot_be_opened(tmp_path: Path, path: str, why: str) -> None:
    name = path if path[0] in "/\0" else str(tmp_path / path)
    (piece,) = open_logs([name], None)
    assert piece.error == why


def test_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", f"printf 'a\\nb' > '{pipe}'"]):
        assert text(list(open_logs([str(pipe)], None))) == b"a\nb"


def test_an_empty_file_is_a_source(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    (piece,) = open_logs([str(tmp_path / "x")], None)
    assert (piece.data, piece.first, piece.error) == (b"", True, None)
