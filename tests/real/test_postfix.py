"""A real Postfix: its bounces come by LMTP and by pipe, the real one opens a case, a forged one does not;
while `serve` is down it keeps them. A real Dovecot: the desk's answer is read there, and moves the case. Each
an instance of its own, in a network that is closed, where that is permitted (`tests/closed.py`)."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import closed, dovecot
from tests.postfix import Postfix, Receiver, folder, free, needed
from tests.serve import returned

pytestmark = [pytest.mark.slow, *needed]
WAIT = 60.0
LISTED = "127.0.0.2"

MAIN = """
myhostname = out1.todoku.test
mydomain = todoku.test
myorigin = todoku.test
local_transport = error:5.1.1 null client
default_transport = error:5.4.4 no route
transport_maps = texthash:{root}/etc/transport
sender_dependent_default_transport_maps = texthash:{root}/etc/sender_transport
"""
MASTER = """
out1 unix - - n - - smtp -o smtp_bind_address=127.0.0.1 -o syslog_name=postfix-out1
out2 unix - - n - - smtp -o smtp_bind_address=127.0.0.2 -o syslog_name=postfix-out2
out3 unix - - n - - smtp -o smtp_bind_address=127.0.0.3 -o syslog_name=postfix-out3
todoku unix - n n - 2 pipe flags=DORhu user=nobody argv={root}/ingest
"""


def refused(source: str) -> str | None:
    """As a large provider does it: one address."""
    return returned.SC_001.format(LISTED) if source == LISTED else None


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


class House:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.lmtp = free()
        self.sources: set[str] = set()
        self.receiver = Receiver(self._refused)
        self.postfix = Postfix(root, MAIN, MASTER)
        self.log = self.postfix.log
        self.spool = root / "todoku-spool"
        self.running: subprocess.Popen[str] | None = None
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "TODOKU_CACHE": os.environ["TODOKU_CACHE"],
            "LC_ALL": "C.UTF-8",
            "TODOKU_OWN_ADDRESSES": "127.0.0.1,127.0.0.2,127.0.0.3",
            "TODOKU_OWN_DOMAINS": "todoku.test",
            "TODOKU_OWN_HELO": "out1.todoku.test",
            "TODOKU_MAIL_RELAY": f"127.0.0.1:{self.postfix.port}",
            "TODOKU_MAIL_SENDER": "postmaster@todoku.test",
            "TODOKU_MAIL_SPOOL": str(self.spool),
            "TODOKU_MAIL_LMTP": f"127.0.0.1:{self.lmtp}",
            "TODOKU_MAIL_LOG": str(self.log),
            "TODOKU_DNS_RESOLVER": "127.0.0.1:1",
        }

    def _refused(self, source: str) -> str | None:
        self.sources.add(source)
        return refused(source)

    def begin(self) -> None:
        root = self.root
        (root / "home").mkdir()
        for part in (self.spool, self.spool / "tmp", self.spool / "new"):
            part.mkdir()
            part.chmod(0o3777)
        etc = self.postfix.etc
        (etc / "transport").write_text(
            f"pipe.todoku.test todoku:\ntodoku.test lmtp:inet:127.0.0.1:{self.lmtp}\n"
            f".todoku.test lmtp:inet:127.0.0.1:{self.lmtp}\n"
        )
        mx = f"[127.0.0.1]:{self.receiver.port}"
        (etc / "sender_transport").write_text(
            f"@ip1.todoku.test out1:{mx}\n@ip2.todoku.test out2:{mx}\n@ip3.todoku.test out3:{mx}\n"
            f"@pipe.todoku.test out2:{mx}\n"
        )
        self.postfix.start()

    def piped_to(self, python: str, packages: Path) -> None:
        """What the pipe runs as nobody: it may read the program and write the spool, and no more."""
        script = self.root / "ingest"
        script.write_text(
            f"#!/bin/sh\nexport HOME=/nonexistent LC_ALL=C PYTHONPATH={packages}\n"
            f"export TODOKU_MAIL_SPOOL={self.spool}\nexec {python} -m todoku ingest -\n"
        )
        script.chmod(0o755)

    def end(self) -> None:
        self.stop()
        self.postfix.stop()
        self.receiver.close()

    def todoku(self, *words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "todoku", *words, "--lang", "en"], env=self.environ, text=True,
            capture_output=True, timeout=60, check=False,
        ).stdout  # fmt: skip

    def serve(self) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-m", "todoku", "serve", "--quiet"], env=self.environ, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def stop(self) -> None:
        if self.running is not None:
            self.running.send_signal(signal.SIGTERM)
            assert self.running.wait(WAIT) == 0
            self.running = None


@pytest.fixture
def open_() -> Iterator[str | None]:
    """Why the network is not closed; `None`: it is."""
    with closed.network() as why:
        yield why


@pytest.fixture
def house(open_: str | None) -> Iterator[House]:
    with folder() as root:
        made = House(root)
        made.begin()
        try:
            yield made
        finally:
            made.end()


def for_nobody(folder: Path) -> tuple[str, Path] | None:
    """A Python that the pipe's user may run, and copies of what `ingest` imports: where this one lies
    is often closed to him. `None`: there is none."""
    import click
    import msgspec

    import todoku

    python = next(
        (p for p in ("/usr/bin/python3", "/usr/local/bin/python3") if Path(p).exists()), None
    )
    if python is None:
        return None
    for package in (todoku, click, msgspec):
        source = Path(str(package.__file__)).parent
        ignore = shutil.ignore_patterns("__pycache__", "data")
        shutil.copytree(source, folder / source.name, ignore=ignore)
    nobody = pwd.getpwnam("nobody")
    done = subprocess.run(
        [python, "-c", "import todoku.cli.ingest"], user=nobody.pw_uid, group=nobody.pw_gid,
        extra_groups=[], capture_output=True, check=False, cwd="/", env={"PYTHONPATH": str(folder)},
    )  # fmt: skip
    return (python, folder) if done.returncode == 0 else None


def test_lmtp_a_real_bounce_and_a_forged_one_and_serve_away(house: House) -> None:
    house.postfix.send("a@hotmail.com", "news@ip2.todoku.test")  # nobody takes its bounce yet
    house.postfix.send("b@hotmail.com", "news@ip1.todoku.test")
    until(lambda: "status=bounced" in house.log.read_text())
    until(lambda: "status=deferred" in house.log.read_text())
    forged = returned.bounce(
        "c@hotmail.com", returned.SC_001.format("127.0.0.1"), "4ABCDEF", "<c@todoku.test>",
        reporter="out1.todoku.test", came_to="news@todoku.test",
    ).replace(b"\n", b"\r\n")  # fmt: skip
    house.postfix.send("news@todoku.test", mail=forged)
    house.serve()
    until(lambda: "SC-001" in house.todoku("case", "show", "1"))
    until(lambda: "no proof that it is about our mail" in house.todoku("case", "accept"))
    shown = house.todoku("case", "list")
    assert "127.0.0.2" in shown
    assert "127.0.0.1 ⇄" not in shown
    assert "1 not verified" in shown
    assert '"proof":"log"' in house.todoku("case", "show", "1", "--json")


def test_a_pipe_as_a_user_without_rights(house: House) -> None:
    found = for_nobody(house.root / "lib")
    if found is None:
        pytest.skip("there is no Python that the user nobody may run")
    house.piped_to(*found)
    house.postfix.send("a@hotmail.com", "news@pipe.todoku.test")
    until(lambda: list((house.spool / "new").iterdir()))
    house.serve()
    until(lambda: "SC-001" in house.todoku("case", "show", "1"))
    assert '"proof":"log"' in house.todoku("case", "show", "1", "--json")


TICKET = "SRX1234567890ID"


def answer(authserv: str) -> bytes:
    """As the server of that mailbox has received it."""
    return (
        f"Authentication-Results: {authserv}; dmarc=pass header.from=css.one.microsoft.com\r\n"
        f"Received: from a by {authserv} with ESMTPS; Tue, 24 Nov 2026 01:40:00 +0000\r\n"
        "From: Desk <x@css.one.microsoft.com>\r\nTo: desk@hoge.test\r\n"
        f"Subject: RE: {TICKET}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\nConditionally mitigated\r\n"
        f"{LISTED}\r\nMitigation may take 24 - 48 hours to replicate.\r\n"
    ).encode()


def test_nothing_leaves(open_: str | None) -> None:
    if open_ is not None:
        pytest.skip(f"a closed network is not permitted here: {open_}")
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    with pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("192.0.2.1", 25), 2)
    code = "import socket; socket.create_connection(('192.0.2.1', 25), 2)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "unreachable" in done.stderr


@dovecot.needed
def test_from_a_refused_mail_to_the_desk_s_answer_by_imap(house: House) -> None:
    """Three addresses send, one of them is listed."""
    with dovecot.running(house.root / "d") as box:
        house.environ |= {
            "TODOKU_MAILBOX_DESK_SERVER": f"127.0.0.1:{box.port}",
            "TODOKU_MAILBOX_DESK_TLS": "none",
            "TODOKU_MAILBOX_DESK_USER": dovecot.USER,
            "TODOKU_MAILBOX_DESK_PASSWORD": dovecot.PASSWORD,
            "TODOKU_MAILBOX_DESK_AUTHSERV": "mx.elsewhere.test",
            "TODOKU_MAILBOX_DESK_AFTER": "seen",
        }
        house.serve()
        for n in (1, 2, 3):
            house.postfix.send(f"u{n}@hotmail.com", f"news@ip{n}.todoku.test")
        until(lambda: "SC-001" in house.todoku("case", "show", "1"))
        assert house.sources == {"127.0.0.1", "127.0.0.2", "127.0.0.3"}
        assert sorted(house.receiver.to) == ["u1@hotmail.com", "u3@hotmail.com"]
        assert "our log has it" in house.todoku("case", "show", "1")
        (row,) = house.todoku("case", "list").splitlines()
        assert "127.0.0.2 ⇄ Outlook.com / Hotmail" in row
        cause = ("--cause", "a script", "--mended", "it is off")
        house.todoku(
            "case", "request", "1", *cause, "--offline", "--done", "--anyway", "--ticket", TICKET
        )
        until(lambda: "State: acknowledged" in house.todoku("case", "show", "1"))
        box.put([answer("mx.evil.test"), answer("mx.elsewhere.test")])
        house.todoku("mailbox", "fetch")
        until(lambda: "State: settling" in house.todoku("case", "show", "1"))
        shown = house.todoku("case", "show", "1")
        assert shown.count("Conditionally mitigated") == 2
        assert shown.count("not proven to be theirs") == 1
        assert all("Seen" in flags for flags in box.flags())
        house.stop()
