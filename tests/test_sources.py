"""What the user names, as pieces of bytes: files, folders, mailboxes, logs, packed or not."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku import gunzip, sources
from todoku.sources import Item, open_sources

MAIL = b"From: a@a.example\nSubject: x\n\nbody\n"
MESSAGE = b"From MAILER-DAEMON  Tue Nov 24 10:00:00 2026\nReturn-Path: <>\nSubject: %d\n\nbody\n"


def items(*paths: str | Path, stdin: bytes = b"") -> list[Item]:
    return list(open_sources([str(p) for p in paths], io.BytesIO(stdin)))


def names(found: list[Item], below: Path) -> list[str]:
    return [i.source.removeprefix(f"{below}/") for i in found]


def write(path: Path, data: bytes = MAIL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# ── files ─────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_named_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "bounces" / "1.eml")
    monkeypatch.chdir(tmp_path)
    assert [(i.source, i.data) for i in items("bounces/1.eml")] == [("bounces/1.eml", MAIL)]
    assert [i.source for i in items("./bounces")] == ["./bounces/1.eml"]
    assert [i.source for i in items("bounces/")] == ["bounces/1.eml"]
    assert [i.source for i in items(tmp_path / "bounces")] == [f"{tmp_path}/bounces/1.eml"]


def test_several_at_once_and_standard_input(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1"), write(tmp_path / "2", b"")
    found = items(two, "-", one, stdin=b"550 no")
    assert [(i.source, i.data) for i in found] == [
        (str(two), b""),
        ("-", b"550 no"),
        (str(one), MAIL),
    ]


def test_standard_input_may_be_packed() -> None:
    assert [i.data for i in items("-", stdin=gzip.compress(MAIL))] == [MAIL]


def test_what_is_missing_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    one = write(tmp_path / "1")
    found = items(tmp_path / "none", one, tmp_path / "1" / "x", "a\x00b")
    assert [i.error for i in found] == ["no such file", None, "no such file", "not a path"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    write(tmp_path / "in" / "1")
    secret = write(tmp_path / "in" / "2")
    secret.chmod(0)
    (tmp_path / "in" / "3").mkdir(mode=0)
    found = items(tmp_path / "in")
    assert [i.error for i in found] == [None, "permission denied", "permission denied"]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.eml")).write_bytes(MAIL)
    except OSError:
        pytest.skip("this file system takes valid text only")
    (found,) = items(tmp_path)
    assert found.source == f"{tmp_path}/caf\ufffd.eml"
    assert found.data == MAIL


def test_a_mail_is_cut_at_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_MAIL", 200_000)
    big = write(tmp_path / "1", MAIL + b"x" * 300_000)
    exact = write(tmp_path / "2", MAIL + b"x" * (200_000 - len(MAIL)))
    assert [(len(i.data), i.cut) for i in items(big, exact)] == [(200_000, True), (200_000, False)]


# ── folders ───────────────────────────────────────────────────────────────────────────────────


def test_a_folder_is_read_below_and_in_order(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a", "c", "b/x/y/z", "b/x.eml", ".hidden", ".git/x", "b/.hidden"):
        write(tmp_path / name)
    assert names(items(tmp_path), tmp_path) == ["a", "b/1", "b/2", "b/x.eml", "b/x/y/z", "c"]


def test_many_files_stay_in_order(tmp_path: Path) -> None:
    """More than one sorted run, which are merged on the way out."""
    expected = sorted(f"{i * 7919 % 25_013}.eml" for i in range(25_000))
    source = write(tmp_path / "one")
    (tmp_path / "many").mkdir()
    for name in expected:
        os.link(source, tmp_path / "many" / name)
    listed = [Path(p).name for p in sources._listed(str(tmp_path / "many"))]
    assert listed == expected


def test_a_maildir_has_its_mails_in_new_and_cur(tmp_path: Path) -> None:
    box = tmp_path / "Maildir"
    for name in (
        "new/1.host", "cur/2.host:2,S", "tmp/3.host", "dovecot-uidlist", "maildirsize",
        ".Junk/new/4.host", ".Junk/cur/5.host:2,", ".Junk/tmp/6.host", ".Junk/maildirfolder",
    ):  # fmt: skip
        write(box / name)
    for name in ("tmp", ".Junk/tmp"):
        (box / name).mkdir(parents=True, exist_ok=True)
    expected = [".Junk/cur/5.host:2,", ".Junk/new/4.host", "cur/2.host:2,S", "new/1.host"]
    assert names(items(box), box) == expected
    assert sorted(names(items(tmp_path), box)) == sorted(expected)


def test_in_a_maildir_a_file_is_one_mail(tmp_path: Path) -> None:
    write(tmp_path / "new" / "1", MESSAGE % 1 + b"\n" + MESSAGE % 2)
    (tmp_path / "cur").mkdir()
    assert [i.number for i in items(tmp_path)] == [None]


def test_links_are_followed_but_never_in_a_circle(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1")
    write(tmp_path / "other" / "2")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    (tmp_path / "a" / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a" / "to-file").symlink_to(tmp_path / "other" / "2")
    all_items = items(tmp_path / "a")
    found = dict(zip(names(all_items, tmp_path), all_items, strict=True))
    assert found["a/1"].data == MAIL
    assert found["a/to-file"].data == MAIL
    assert (found["a/loop"].error, found["a/loop"].skipped) == (
        "a link to a folder that was read",
        True,
    )
    assert found["a/self"].error == "a link that leads to itself"
    assert found["a/gone"].error == "no such file"
    # `up` is followed once: what lies beside is read, what was read is not read again.
    assert found["a/up/other/2"].data == MAIL
    assert found["a/up/a"].skipped


def test_pipes_and_sockets_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path / "z")
    with socket.socket(socket.AF_UNIX) as s:
        os.chdir(tmp_path)
        s.bind("sock")
        found = items(tmp_path)
    assert [(i.error, i.skipped) for i in found] == [
        ("a named pipe", True),
        ("a socket", True),
        (None, False),
    ]


def test_a_pipe_that_was_named_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["/bin/sh", "-c", f"printf '550 no' > '{pipe}'"]):
        assert [i.data for i in items(pipe)] == [b"550 no"]


# ── mbox ──────────────────────────────────────────────────────────────────────────────────────


def bodies(found: list[Item]) -> list[bytes]:
    return [i.data.strip() for i in found]


def test_an_mbox_is_split(tmp_path: Path) -> None:
    box = write(tmp_path / "box", b"\n".join(MESSAGE % i for i in (1, 2, 3)))
    found = items(box)
    assert [(i.source, i.number) for i in found] == [(str(box), 1), (str(box), 2), (str(box), 3)]
    assert [b"Subject: %d" % i in d for i, d in enumerate(bodies(found), 1)] == [True] * 3


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_an_mbox_with_any_line_ends(tmp_path: Path, end: bytes) -> None:
    data = b"\n".join(MESSAGE % i for i in (1, 2)).replace(b"\n", end)
    assert [i.number for i in items(write(tmp_path / "box", data))] == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        b"From here on 10:00 all is well\n",
        b"\nFrom here on all is well\n",
        b"\nFrom here at 10:00 on\nall is well\n",
        b"\n>From x Tue Nov 24 10:00:00 2026\nSubject: x\n",
    ],
)
def test_words_in_a_mail_do_not_split_it(tmp_path: Path, body: bytes) -> None:
    assert len(items(write(tmp_path / "box", MESSAGE % 1 + body))) == 1


@pytest.mark.parametrize("block", [1, 7, 97, 1000])
def test_an_mbox_is_a_stream(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Messages come out whole wherever the blocks end."""
    monkeypatch.setattr(sources, "BLOCK", block)
    monkeypatch.setattr(sources, "HEAD", 128)
    found = items("-", stdin=b"\n".join(MESSAGE % i for i in range(1, 40)))
    assert [i.number for i in found] == list(range(1, 40))
    assert all(b"Subject: %d\n" % i in d for i, d in enumerate(bodies(found), 1))


# ── lines ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "HEAD", 64)
    monkeypatch.setattr(sources, "CHUNK", 100)
    monkeypatch.setattr(sources, "BLOCK", 30)


@pytest.mark.usefixtures("small_chunks")
def test_long_logs_come_in_pieces_of_whole_lines() -> None:
    lines = [b"Nov 24 10:00:00 m postfix/smtp[1]: line %d" % i for i in range(100)]
    found = items("-", stdin=b"\n".join(lines) + b"\n")
    assert len(found) > 20
    assert all(i.data.endswith(b"\n") and len(i.data) <= 100 for i in found)
    assert b"".join(i.data for i in found) == b"\n".join(lines) + b"\n"
    seen = 1
    for i in found:
        assert i.first_line == seen
        seen += i.data.count(b"\n")


@pytest.mark.usefixtures("small_chunks")
def test_the_rest_of_a_line_is_never_taken_for_a_line() -> None:
    forged = b"Nov 24 10:00:00 m " + b"x" * 500 + b"\rforged" + b"y" * 500
    found = items("-", stdin=b"first line of a log\n" * 5 + forged + b"\nlast\n")
    data = b"".join(i.data for i in found)
    assert b"forged" not in data
    assert data.endswith(b"last\n")
    assert found[-1].first_line == 7


@pytest.mark.usefixtures("small_chunks")
def test_the_columns_of_a_log_stand_before_each_piece() -> None:
    head = b"#Software: X\n#Fields: a,b\n"
    found = items("-", stdin=head + b"".join(b"row %03d, of many\n" % i for i in range(40)))
    assert [i.preface for i in found[:3]] == [0, 2, 2]
    assert all(i.data.startswith(head) for i in found)
    rows = b"".join(i.data.removeprefix(head) for i in found)
    assert rows == b"".join(b"row %03d, of many\n" % i for i in range(40))
    assert found[1].first_line == found[0].data.count(b"\n") + 1


@pytest.mark.usefixtures("small_chunks")
@given(st.lists(st.binary(max_size=60).filter(lambda b: b"\n" not in b), max_size=30))
def test_no_line_is_lost_or_made(lines: list[bytes]) -> None:
    data = b"log of lines 0\n" + b"\n".join(lines)
    found = items("-", stdin=data)
    if len(data) < 64 or data.startswith((b"From ", b"\x1f\x8b")):
        return
    assert b"".join(i.data for i in found) == data


# ── gzip ──────────────────────────────────────────────────────────────────────────────────────


def test_a_packed_file_is_told_by_its_bytes(tmp_path: Path) -> None:
    packed = write(tmp_path / "mail.log.1", gzip.compress(b"550 no\n"))
    assert [i.data for i in items(packed)] == [b"550 no\n"]
    plain = write(tmp_path / "liar.gz", b"550 no\n")
    assert [i.data for i in items(plain)] == [b"550 no\n"]


def test_members_follow_each_other_and_padding_is_none() -> None:
    data = gzip.compress(b"one\n") + gzip.compress(b"") + gzip.compress(b"two\n") + b"\0" * 512
    assert [i.data for i in items("-", stdin=data)] == [b"one\ntwo\n"]


def test_a_packed_mbox_is_split() -> None:
    box = b"\n".join(MESSAGE % i for i in range(1, 4))
    assert [i.number for i in items("-", stdin=gzip.compress(box))] == [1, 2, 3]


def test_what_is_cut_off_or_damaged_is_told_behind_what_was_good() -> None:
    whole = gzip.compress(os.urandom(200_000).hex().encode() + b"\n")
    cut = items("-", stdin=whole[: len(whole) // 2])
    assert cut[-1].error == "the gzip file is cut off"
    assert sum(len(i.data) for i in cut) > 10_000
    damaged = items("-", stdin=whole[:5000] + b"\xff" * 500 + whole[5500:])
    assert damaged[-1].error == "the gzip file is damaged"
    assert items("-", stdin=b"\x1f\x8b")[-1].error == "the gzip file is cut off"


def test_a_bomb_is_stopped() -> None:
    bomb = gzip.compress(b"\0" * (64 << 20), 9)
    found = items("-", stdin=bomb)
    assert found[-1].error is not None
    assert "bomb" in found[-1].error
    assert sum(len(i.data) for i in found) <= gunzip.BOMB_FLOOR + (2 << 20)


def test_an_honest_log_is_no_bomb() -> None:
    line = b"Nov 24 10:00:00 m postfix/smtp[%d]: connect from x[192.0.2.%d]\n"
    log = b"".join(line % (i, i % 250) for i in range(150_000))
    found = items("-", stdin=gzip.compress(log))
    assert all(i.error is None for i in found)
    assert sum(len(i.data) for i in found) == len(log)


@given(st.binary(max_size=300))
def test_any_bytes_behind_the_mark_of_gzip(data: bytes) -> None:
    for i in items("-", stdin=b"\x1f\x8b" + data):
        assert isinstance(i, Item)


# ── size ──────────────────────────────────────────────────────────────────────────────────────


def peak(code: str, *args: str) -> int:
    """Peak memory of a process of its own, in MB. (`ru_maxrss` would count what its parent had.)"""
    script = textwrap.dedent(code) + (
        "\nfrom pathlib import Path\n"
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(status.split('VmHWM:')[1].split()[0]) >> 10)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *args], capture_output=True, check=True, text=True
    )
    return int(done.stdout.split()[-1])


linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")


@linux
def test_a_log_of_any_length_needs_little_memory() -> None:
    code = """
        import io
        from todoku.sources import open_sources
        class Endless(io.RawIOBase):
            left = 220
            def read(self, n=-1):
                self.left -= 1
                return (b"Nov 24 10:00:00 m x: line\\n" * 40330)[:n] if self.left > 0 else b""
        assert sum(len(i.data) for i in open_sources(["-"], Endless())) > 200 << 20
    """
    assert peak(code) < 64


@linux
@pytest.mark.slow
def test_a_folder_of_a_million_mails_streams(tmp_path: Path) -> None:
    with_names = tmp_path / "many"
    with_names.mkdir()
    target = write(tmp_path / "mail")
    for i in range(1_000_000):
        try:
            os.link(target, with_names / f"{i:07d}.M{i}P1234.mail.example")
        except OSError:  # more links than this file system allows: begin another file
            target = write(tmp_path / f"mail-{i}")
            os.link(target, with_names / f"{i:07d}.M{i}P1234.mail.example")
    code = """
        import sys
        from todoku.sources import open_sources
        last, count = "", 0
        for i in open_sources([sys.argv[1]]):
            assert i.source > last and i.data
            last, count = i.source, count + 1
        assert count == 1_000_000
    """
    try:
        assert peak(code, str(with_names)) < 100
    finally:
        shutil.rmtree(with_names)  # pytest would keep it


@pytest.fixture(autouse=True)
def stay() -> Iterator[None]:
    here = Path.cwd()
    yield
    os.chdir(here)
