"""Mail comes in by `todoku ingest` and by LMTP: on disk before it is acknowledged, whole or not at all."""

from __future__ import annotations

import os
import smtplib
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from todoku.serve import lmtp, spool

BOUNCE = (
    b"From: MAILER-DAEMON@mx1.hoge.test\r\nSubject: Undelivered Mail\r\n\r\n"
    b"<a@hotmail.com>: host mx2.hotmail.com[198.51.100.25] said: 550 SC-001\r\n"
)


def waiting(folder: Path) -> list[bytes]:
    files = sorted((folder / "new").iterdir())
    return [m for path in files for m in spool.messages(path.name, path.read_bytes())]


class TestSpool:
    def test_whole_and_readable_by_its_group(self, tmp_path: Path) -> None:
        spool.make(tmp_path / "s")
        old = os.umask(0o077)
        try:
            spool.put(tmp_path / "s", BOUNCE, b"second")
        finally:
            os.umask(old)
        assert waiting(tmp_path / "s") == [BOUNCE, b"second"]
        (mode,) = {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "s" / "new").iterdir()}
        assert mode == 0o640
        assert stat.S_IMODE((tmp_path / "s" / "new").stat().st_mode) == 0o700

    def test_many_are_one_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Also those that look like a pack, or are empty; a large one is a file of its own."""
        monkeypatch.setattr(spool, "LARGEST", 100)
        spool.make(tmp_path)
        mails = [b"3\nabc", b"", b"\0\xff", b"x" * 101, b"7\n"]
        spool.put(tmp_path, *mails)
        names = sorted(p.name.rpartition(".")[2] for p in (tmp_path / "new").iterdir())
        assert (len(names), names.count("pack")) == (3, 1)
        assert waiting(tmp_path) == mails

    @pytest.mark.parametrize(
        "foreign", [b"Subject: x\n\ny", b"5\nabc", b"-1\nabc", b"3\nabcx", b"99999999999\n", b"3"]
    )
    def test_what_is_no_pack_is_one_message(self, foreign: bytes) -> None:
        assert spool.messages("1.pack", foreign) == [foreign]

    def test_only_plain_files_are_read(self, tmp_path: Path) -> None:
        """Whoever may write there may make a link to what he may not read, or a pipe to wait for."""
        spool.make(tmp_path / "s")
        (tmp_path / "secret").write_bytes(b"3\nabc3\ndef")
        new = tmp_path / "s" / "new"
        (new / "1.pack").symlink_to(tmp_path / "secret")
        os.mkfifo(new / "2")
        spool.put(tmp_path / "s", b"abc", b"x")
        for name in ("1.pack", "2"):
            with pytest.raises(OSError, match=name):
                spool.read(new / name)
        assert spool.drop(tmp_path / "s", lambda mail: mail == b"abc") == 1
        left = [p for p in new.iterdir() if p.is_file() and not p.is_symlink()]
        assert [p.read_bytes() for p in left] == [b"x"]
        assert (tmp_path / "secret").read_bytes() == b"3\nabc3\ndef"

    def test_many_messages_in_packs_of_some(self, tmp_path: Path) -> None:
        spool.make(tmp_path)
        mails = [b"%d" % n for n in range(2 * spool.PACKED + 1)]
        spool.put(tmp_path, *mails)
        assert len(list((tmp_path / "new").iterdir())) == 3
        assert waiting(tmp_path) == mails
        many = spool.pack([b""] * (spool.PACKED + 1))
        assert spool.messages("x.pack", many) == [many]

    def test_all_or_none(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The disk is full in the middle of the third."""
        monkeypatch.setattr(spool, "LARGEST", 1)
        spool.make(tmp_path)
        write, written = os.write, 0

        def full(file: int, data: bytes) -> int:
            nonlocal written
            written += 1
            if written == 3:
                raise OSError(28, "No space left on device")
            return write(file, data)

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            spool.put(tmp_path, b"1", b"2", b"3")
        assert [list((tmp_path / part).iterdir()) for part in spool.PARTS] == [[], []]

    def test_a_slow_disk_writes_the_rest(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        spool.make(tmp_path)
        write = os.write
        monkeypatch.setattr(os, "write", lambda file, data: write(file, bytes(data)[:7]))
        spool.put(tmp_path, BOUNCE)
        assert waiting(tmp_path) == [BOUNCE]

    def test_what_a_dead_machine_left_half_written_goes(self, tmp_path: Path) -> None:
        spool.make(tmp_path)
        spool.put(tmp_path, BOUNCE)
        old, new = tmp_path / "tmp" / "old", tmp_path / "tmp" / "new"
        for path, age in ((old, 37), (new, 1)):
            path.write_bytes(b"half")
            os.utime(path, (1e9 - age * 3600, 1e9 - age * 3600))
        spool.tidy(tmp_path, 1e9)
        assert list((tmp_path / "tmp").iterdir()) == [new]
        assert waiting(tmp_path) == [BOUNCE]
        spool.tidy(tmp_path / "nowhere", 1e9)


class TestIngest:
    @staticmethod
    def run(tmp_path: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "todoku", "ingest", "--lang", "en", *words],
            input=stdin,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C"},
            capture_output=True,
            check=False,
        )

    @staticmethod
    def spool(tmp_path: Path) -> Path:
        return tmp_path / ".local/share/todoku/spool"

    def test_a_pipe(self, tmp_path: Path) -> None:
        """As a local delivery agent calls it: it says nothing, which would end up in a bounce."""
        done = self.run(tmp_path, "-", stdin=b"From a@b Tue Nov 24 00:00:00 2026\n" + BOUNCE)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert waiting(self.spool(tmp_path)) == [BOUNCE]

    def test_lines_that_look_like_an_mbox_are_one_message(self, tmp_path: Path) -> None:
        message = BOUNCE + b"\r\nFrom the desk of\r\n\r\nFrom a@b Tue Nov 24 00:00:00 2026\r\nx\r\n"
        assert self.run(tmp_path, "-", stdin=message).returncode == 0
        assert waiting(self.spool(tmp_path)) == [message]

    def test_files_folders_and_an_mbox(self, tmp_path: Path) -> None:
        (tmp_path / "one.eml").write_bytes(BOUNCE)
        box = tmp_path / "box" / "new"
        box.mkdir(parents=True)
        (tmp_path / "box" / "cur").mkdir()
        (box / "1").write_bytes(BOUNCE)
        (tmp_path / "mbox").write_bytes(
            b"From a@b Tue Nov 24 00:00:00 2026\n"
            + BOUNCE.replace(b"\r\n", b"\n")
            + b"\nFrom a@b Tue Nov 24 00:00:01 2026\nSubject: x\n\nx\n"
        )
        words = [str(tmp_path / name) for name in ("one.eml", "box", "mbox")]
        done = self.run(tmp_path, *words)
        assert done.returncode == 0
        assert done.stdout == b"4 taken in; todoku serve reads them.\n"
        assert len(waiting(self.spool(tmp_path))) == 4

    def test_what_cannot_be_read_is_told_and_the_others_are_taken(self, tmp_path: Path) -> None:
        (tmp_path / "one.eml").write_bytes(BOUNCE)
        done = self.run(tmp_path, str(tmp_path / "none.eml"), str(tmp_path / "one.eml"))
        assert done.returncode == 65
        assert b"none.eml (no such file" in done.stderr
        assert len(waiting(self.spool(tmp_path))) == 1

    def test_no_place_to_put_it_lets_the_mta_keep_it(self, tmp_path: Path) -> None:
        (tmp_path / ".local").write_text("a file")
        done = self.run(tmp_path, "-", stdin=BOUNCE)
        assert done.returncode == 75
        assert b"run it again later" in done.stderr
        assert b"Traceback" not in done.stderr

    def test_nothing(self, tmp_path: Path) -> None:
        assert self.run(tmp_path).returncode == 64
        assert self.run(tmp_path, "-").returncode == 65

    def test_it_imports_no_database(self, tmp_path: Path) -> None:
        code = (
            "import sys; sys.argv = ['todoku', 'ingest', '-']\n"
            "from todoku.cli import main\n"
            "try: main()\nexcept SystemExit: pass\n"
            "print(sorted({'sqlalchemy', 'asyncio', 'hyperscan', 'aiosmtpd'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=BOUNCE,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            capture_output=True,
            check=True,
        )
        assert done.stdout == b"[]\n"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[lmtp.Door]:
    made = lmtp.Door("127.0.0.1", 0, tmp_path)
    made.start()
    yield made
    made.stop()


class TestLmtp:
    def test_on_disk_before_it_is_acknowledged(self, door: lmtp.Door, tmp_path: Path) -> None:
        with smtplib.LMTP("127.0.0.1", door.port) as talk:
            talk.sendmail("", ["bounces@hoge.test"], BOUNCE)
            assert waiting(tmp_path) == [
                b"Return-Path: <>\r\nDelivered-To: bounces@hoge.test\r\n" + BOUNCE
            ]

    def test_each_recipient_has_its_reply(self, door: lmtp.Door, tmp_path: Path) -> None:
        """RFC 2033, section 4.2."""
        with socket.create_connection(("127.0.0.1", door.port), 10) as s, s.makefile("rwb") as f:

            def say(line: bytes) -> bytes:
                f.write(line + b"\r\n")
                f.flush()
                while (reply := f.readline())[3:4] == b"-":
                    pass
                return reply

            assert f.readline().startswith(b"220")
            assert say(b"LHLO mx1").startswith(b"250")
            assert say(b"MAIL FROM:<>").startswith(b"250")
            assert say(b"RCPT TO:<a@hoge.test>").startswith(b"250")
            assert say(b"RCPT TO:<b@hoge.test>").startswith(b"250")
            assert say(b"DATA").startswith(b"354")
            f.write(BOUNCE + b".\r\n")
            f.flush()
            assert f.readline().startswith(b"250 2.0.0 kept")
            assert f.readline().startswith(b"250 2.0.0 kept")
            assert say(b"NOOP").startswith(b"250")
        assert len(waiting(tmp_path)) == 1

    def test_lines_are_as_long_as_mail_has_them(
        self, door: lmtp.Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is too long or too large is turned away once for each recipient, and the dialogue goes on."""
        long = BOUNCE + b"<p>" + b"x" * 200_000 + b"\r\n"
        with smtplib.LMTP("127.0.0.1", door.port) as talk:
            talk.sendmail("", ["a@hoge.test"], long)
        assert [mail.endswith(long) for mail in waiting(tmp_path)] == [True]
        monkeypatch.setattr(lmtp, "MOST", 3_000_000)
        for line, code in ((b"y" * (lmtp.LONGEST + 9), b"500"), (b"y" * 900 + b"\r\n", b"552")):
            with socket.create_connection(("127.0.0.1", door.port), 10) as s, s.makefile("rb") as f:
                s.sendall(
                    b"LHLO mx1\r\nMAIL FROM:<>\r\nRCPT TO:<a@hoge.test>\r\nRCPT TO:<b@hoge.test>\r\nDATA\r\n"
                )
                while not (f.readline()).startswith(b"354"):
                    pass
                s.sendall(line * (4000 if code == b"552" else 1) + b"\r\n.\r\nNOOP\r\n")
                codes = [f.readline()[:3] for _ in range(3)]
            assert codes == [code, code, b"250"]
        assert len(waiting(tmp_path)) == 1

    def test_a_full_disk_is_a_delay_and_nothing_half_is_kept(
        self, door: lmtp.Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(spool, "put", full)
        with (
            smtplib.LMTP("127.0.0.1", door.port) as talk,
            pytest.raises(smtplib.SMTPDataError) as refused,
        ):
            talk.sendmail("", ["a@hoge.test"], BOUNCE)
        assert refused.value.smtp_code == 451
        monkeypatch.undo()
        with smtplib.LMTP("127.0.0.1", door.port) as talk:
            talk.sendmail("", ["a@hoge.test"], BOUNCE)
        assert len(waiting(tmp_path)) == 1

    def test_many_at_once_are_flushed_together(
        self, door: lmtp.Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put, batches = spool.put, []
        held = threading.Event()

        def counted(folder: Path, *messages: bytes) -> None:
            held.wait(10)
            batches.append(len(messages))
            put(folder, *messages)

        monkeypatch.setattr(spool, "put", counted)

        def send(n: int) -> None:
            with smtplib.LMTP("127.0.0.1", door.port) as talk:
                talk.sendmail("", ["a@hoge.test"], BOUNCE + str(n).encode())

        threads = [threading.Thread(target=send, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        threading.Timer(0.7, held.set).start()
        for thread in threads:
            thread.join(20)
        assert len(waiting(tmp_path)) == 20
        assert sum(batches) == 20
        assert len(batches) < 10

    def test_commands_may_come_together(self, door: lmtp.Door, tmp_path: Path) -> None:
        """RFC 2920, which RFC 2033 wants of every LMTP server."""
        with socket.create_connection(("127.0.0.1", door.port), 10) as s, s.makefile("rb") as f:
            f.readline()
            s.sendall(b"LHLO mx1\r\n")
            said = [f.readline()]
            while said[-1][3:4] == b"-":
                said.append(f.readline())
            assert b"250-PIPELINING\r\n" in said
            for n in range(3):
                s.sendall(b"MAIL FROM:<>\r\nRCPT TO:<a@hoge.test>\r\nDATA\r\n")
                s.sendall(BOUNCE + b"%d\r\n.\r\nNOOP\r\n" % n)
            codes = b" ".join(f.readline()[:3] for _ in range(15))
        assert codes == b" ".join([b"250 250 354 250 250"] * 3)
        assert len(waiting(tmp_path)) == 3

    def test_garbage_and_a_client_that_goes_away(self, door: lmtp.Door, tmp_path: Path) -> None:
        for line in (b"\0\xff\r\n", b"EHLO x\r\n", b"DATA\r\n", b"LHLO x\r\nMAIL FROM:<>\r\n"):
            with socket.create_connection(("127.0.0.1", door.port), 10) as s:
                s.sendall(line)
        with smtplib.LMTP("127.0.0.1", door.port) as talk:
            talk.sendmail("", ["a@hoge.test"], BOUNCE)
        assert len(waiting(tmp_path)) == 1

    def test_the_port_is_taken(self, door: lmtp.Door, tmp_path: Path) -> None:
        other = lmtp.Door("127.0.0.1", door.port, tmp_path)
        with pytest.raises(OSError, match="in use"):
            other.start()
