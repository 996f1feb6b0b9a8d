"""A real Postfix: its bounces come by LMTP and by pipe, the real one opens a case, a forged one does not;
while `serve` is down it keeps them. Its own instance, on loopback alone."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from tests.serve import returned

POSTFIX = shutil.which("postfix") or "/usr/sbin/postfix"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path(POSTFIX).exists(), reason="Postfix is not installed"),
    pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="Postfix starts as root"),
]
WAIT = 60.0
LISTED = "127.0.0.2"

MAIN = """
compatibility_level = 3.6
queue_directory = {root}/spool
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = out1.todoku.test
mydomain = todoku.test
myorigin = todoku.test
mydestination =
local_recipient_maps =
local_transport = error:5.1.1 null client
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
smtp_dns_support_level = disabled
smtp_host_lookup = native
disable_dns_lookups = yes
smtpd_peername_lookup = no
maillog_file = {root}/log/mail.log
maillog_file_prefixes = {root}
enable_long_queue_ids = yes
default_transport = error:5.4.4 no route
transport_maps = texthash:{root}/etc/transport
sender_dependent_default_transport_maps = texthash:{root}/etc/sender_transport
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
"""
MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 2 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
out1 unix - - n - - smtp -o smtp_bind_address=127.0.0.1 -o syslog_name=postfix-out1
out2 unix - - n - - smtp -o smtp_bind_address=127.0.0.2 -o syslog_name=postfix-out2
out3 unix - - n - - smtp -o smtp_bind_address=127.0.0.3 -o syslog_name=postfix-out3
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
todoku unix - n n - 2 pipe flags=DORhu user=nobody argv={root}/ingest
"""


class Receiver:
    """Refuses one address, as a large provider does. Hooks of aiosmtpd."""

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if session.peer[0] == LISTED:
            return returned.SC_001.format(LISTED)
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        return "250 2.0.0 accepted"


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)


class House:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.smtp, self.lmtp, self.mx = free(), free(), free()
        self.log = root / "log" / "mail.log"
        self.spool = root / "todoku-spool"
        self.running: subprocess.Popen[str] | None = None
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
            "LC_ALL": "C.UTF-8",
            "TODOKU_OWN_ADDRESSES": "127.0.0.1,127.0.0.2,127.0.0.3",
            "TODOKU_OWN_DOMAINS": "todoku.test",
            "TODOKU_OWN_HELO": "out1.todoku.test",
            "TODOKU_MAIL_RELAY": f"127.0.0.1:{self.smtp}",
            "TODOKU_MAIL_SENDER": "postmaster@todoku.test",
            "TODOKU_MAIL_SPOOL": str(self.spool),
            "TODOKU_MAIL_LMTP": f"127.0.0.1:{self.lmtp}",
            "TODOKU_MAIL_LOG": str(self.log),
            "TODOKU_DNS_RESOLVER": "127.0.0.1:1",
        }
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def begin(self) -> None:
        root = self.root
        for part in ("etc", "spool", "data", "log", "home"):
            (root / part).mkdir()
        root.chmod(0o755)
        shutil.chown(root / "data", "postfix")
        for folder in (self.spool, self.spool / "tmp", self.spool / "new"):
            folder.mkdir()
            folder.chmod(0o3777)
        etc = root / "etc"
        (etc / "main.cf").write_text(f"config_directory = {etc}{MAIN.format(root=root)}")
        (etc / "master.cf").write_text(MASTER.format(root=root, smtp=self.smtp).lstrip())
        (etc / "transport").write_text(
            f"pipe.todoku.test todoku:\ntodoku.test lmtp:inet:127.0.0.1:{self.lmtp}\n"
            f".todoku.test lmtp:inet:127.0.0.1:{self.lmtp}\n"
        )
        mx = f"[127.0.0.1]:{self.mx}"
        (etc / "sender_transport").write_text(
            f"@ip1.todoku.test out1:{mx}\n@ip2.todoku.test out2:{mx}\n@ip3.todoku.test out3:{mx}\n"
            f"@pipe.todoku.test out2:{mx}\n"
        )
        self._thread.start()
        serve = self._loop.create_server(
            lambda: SMTP(Receiver(), hostname="mx.hotmail.test", loop=self._loop),
            "127.0.0.1",
            self.mx,
        )
        self._server = asyncio.run_coroutine_threadsafe(serve, self._loop).result(10)
        self.postfix("start")

    def piped_to(self, python: str, packages: Path) -> None:
        """What the pipe runs as nobody: it may read the program and write the spool, and no more."""
        script = self.root / "ingest"
        script.write_text(
            f"#!/bin/sh\nexport HOME=/nonexistent LC_ALL=C PYTHONPATH={packages}\n"
            f"export TODOKU_MAIL_SPOOL={self.spool}\nexec {python} -m todoku ingest -\n"
        )
        script.chmod(0o755)

    def postfix(self, what: str) -> None:
        subprocess.run(
            [POSTFIX, "-c", str(self.root / "etc"), what], check=True, timeout=60,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def end(self) -> None:
        self.stop()
        self.postfix("stop")
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def send(self, sender: str, to: str, mail: bytes | None = None) -> None:
        body = (
            mail
            or (
                f"From: {sender}\r\nTo: {to}\r\nMessage-ID: <{time.time_ns()}@todoku.test>\r\n"
                "Subject: hello\r\n\r\nhello\r\n"
            ).encode()
        )
        with smtplib.SMTP("127.0.0.1", self.smtp, timeout=20) as talk:
            talk.sendmail("" if mail else sender, [to], body)

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
def house() -> Iterator[House]:
    # Short: the path of a socket has hardly 100 bytes. And all of it for Postfix to reach.
    with tempfile.TemporaryDirectory(prefix="tdk", dir="/tmp", ignore_cleanup_errors=True) as name:
        made = House(Path(name))
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
    house.send("news@ip2.todoku.test", "a@hotmail.com")  # nobody takes its bounce yet
    house.send("news@ip1.todoku.test", "b@hotmail.com")
    until(lambda: "status=bounced" in house.log.read_text())
    until(lambda: "status=deferred" in house.log.read_text())
    forged = returned.bounce(
        "c@hotmail.com", returned.SC_001.format("127.0.0.1"), "4ABCDEF", "<c@todoku.test>",
        reporter="out1.todoku.test", came_to="news@todoku.test",
    ).replace(b"\n", b"\r\n")  # fmt: skip
    house.send("", "news@todoku.test", forged)
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
    house.send("news@pipe.todoku.test", "a@hotmail.com")
    until(lambda: list((house.spool / "new").iterdir()))
    house.serve()
    until(lambda: "SC-001" in house.todoku("case", "show", "1"))
    assert '"proof":"log"' in house.todoku("case", "show", "1", "--json")
