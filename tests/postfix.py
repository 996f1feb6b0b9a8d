"""A Postfix of one's own (Debian: postfix): its own configuration, queue and log in a temporary folder,
on loopback, without DNS. Only root starts it."""

from __future__ import annotations

import asyncio
import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import pytest
from aiosmtpd.smtp import SMTP

PROGRAM: Final = shutil.which("postfix") or "/usr/sbin/postfix"
needed = (
    pytest.mark.skipif(not os.access(PROGRAM, os.X_OK), reason="Postfix is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root starts Postfix"),
)

MAIN: Final = """\
compatibility_level = 3.6
config_directory = {root}/etc
queue_directory = {root}/spool
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
mydestination =
local_recipient_maps =
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
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
"""
MASTER: Final = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 2 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
lmtp      unix  - - n - - lmtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """`root`: an empty folder, short, as the paths of sockets are, that Postfix can reach."""

    def __init__(self, root: Path, main: str, master: str = "") -> None:
        """`main`, `master`: more lines of main.cf and master.cf; `{root}` is the folder."""
        self.root = root
        self.port = free()
        self.log = root / "log" / "mail.log"
        for part in ("etc", "spool", "data", "log"):
            (root / part).mkdir(mode=0o755)
        root.chmod(0o755)
        shutil.chown(root / "data", "postfix")
        (self.etc / "main.cf").write_text((MAIN + main).format(root=root))
        (self.etc / "master.cf").write_text((MASTER + master).format(root=root, port=self.port))

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def postconf(self) -> str:
        """The command, for this instance."""
        return f"postconf -c {self.etc}"

    def settings(self) -> str:
        """All that was set: of main.cf and of master.cf."""
        return self.sh(f"{self.postconf} -n; {self.postconf} -M")

    def queue(self) -> str:
        return self.sh(f"postqueue -c {self.etc} -j")

    def start(self) -> None:
        self._postfix("start")

    def stop(self) -> None:
        self._postfix("stop")

    def _postfix(self, what: str) -> None:
        # Its daemons would keep a pipe open for ever.
        subprocess.run(
            [PROGRAM, "-c", str(self.etc), what], check=True, timeout=60,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def sh(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-ec", command], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def send(self, to: str, sender: str = "sato@hoge.test", mail: bytes | None = None) -> None:
        """`mail`: instead of a short one; then it comes from the null sender."""
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = sender, to, "hello"
        made["Message-ID"] = f"<{time.time_ns()}@{sender.rpartition('@')[2]}>"
        made.set_content("hello")
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as talk:
            talk.sendmail("" if mail else sender, [to], mail or made.as_bytes())


class Receiver:
    """A server behind it. `refuses`: the reply to `MAIL FROM`, by the address that connects."""

    def __init__(self, refuses: Callable[[str], str | None] = lambda _: None) -> None:
        self.port = free()
        self.refuses = refuses
        self.taken: list[tuple[str, str]] = []
        """Whence (the address that connected) and to whom."""
        self.mails: list[bytes] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        serve = self._loop.create_server(
            lambda: SMTP(self, hostname="mx.hotmail.test", loop=self._loop), "127.0.0.1", self.port
        )
        self._server = asyncio.run_coroutine_threadsafe(serve, self._loop).result(10)

    @property
    def to(self) -> list[str]:
        return [to for _, to in self.taken]

    async def handle_MAIL(  # noqa: N802
        self, _server: Any, session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        # Bounces end here, too.
        if address not in {"", "<>"} and (no := self.refuses(session.peer[0])) is not None:
            return no
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken += [(session.peer[0], to) for to in envelope.rcpt_tos]
        self.mails.append(bytes(envelope.content))
        return "250 2.0.0 accepted"

    def close(self) -> None:
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


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as made:
        return int(made.getsockname()[1])


def within(seconds: float, true: Callable[[], object]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.1)
    return bool(true())


@contextmanager
def folder() -> Iterator[Path]:
    # Short: the path of a socket has hardly 100 bytes. And all of it for Postfix to reach.
    with tempfile.TemporaryDirectory(prefix="tdk", dir="/tmp", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def sending_to(receiver: Receiver, main: str = "", master: str = "") -> Iterator[Postfix]:
    """One at work, that sends everything to this receiver."""
    with folder() as root:
        route = (
            f"myhostname = out1.hoge.test\ndefault_transport = smtp:[127.0.0.1]:{receiver.port}\n"
        )
        server = Postfix(root, route + main, master)
        server.start()
        try:
            yield server
        finally:
            server.stop()
