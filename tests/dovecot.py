"""A Dovecot 2.3 of one's own (Debian: dovecot-imapd): in a temporary folder, on loopback, without
systemd and without the machine's configuration. As root its processes run as `dovecot`, `dovenull` and
`nobody`; else all of them as the user who runs the tests."""

from __future__ import annotations

import contextlib
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

PROGRAM: Final = shutil.which("dovecot") or "/usr/sbin/dovecot"
USER: Final = "desk@hoge.test"
PASSWORD: Final = "correct horse \N{LATIN SMALL LETTER E WITH ACUTE}"

needed = pytest.mark.skipif(
    not os.access(PROGRAM, os.X_OK), reason="Dovecot is not installed (Debian: dovecot-imapd)"
)


def _port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Dovecot:
    """`folder`: short, as the paths of sockets are; each parent of it can be entered by all."""

    def __init__(
        self, folder: Path, *, introspection: str | None = None, tls: bool = False
    ) -> None:
        """`introspection`: a URL that is asked whether a token of OAuth 2 is good."""
        self.folder = folder
        self.port = _port()
        self.tls_port = _port()
        self._process: subprocess.Popen[bytes] | None = None
        root = os.geteuid() == 0
        me = pwd.getpwuid(os.geteuid()).pw_name
        self.owner = pwd.getpwnam("nobody") if root else pwd.getpwuid(os.geteuid())
        self.mail = folder / "mail"
        self.mail.mkdir(parents=True)
        if root:
            os.chown(self.mail, self.owner.pw_uid, self.owner.pw_gid)
        if tls:
            self.certificate = _certificate(folder)
        users = folder / "users"
        users.write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (folder / "oauth2").write_text(
            f"introspection_mode = auth\nintrospection_url = {introspection}\n"
            "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
        )
        self._config = folder / "dovecot.conf"
        self._config.write_text(
            f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {"dovecot" if root else me}
default_internal_group = {"dovecot" if root else _group()}
default_login_user = {"dovenull" if root else me}
ssl = {"yes" if tls else "no"}
{f"ssl_cert = <{folder}/cert.pem" if tls else ""}
{f"ssl_key = <{folder}/key.pem" if tls else ""}
disable_plaintext_auth = no
auth_mechanisms = plain {"xoauth2" if introspection else ""}
auth_failure_delay = 0 secs
mail_location = maildir:{self.mail}/%u
maildir_very_dirty_syncs = no
mail_fsync = never
first_valid_uid = 0
login_trusted_networks = 127.0.0.0/8
mail_max_userip_connections = 100
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {users}
}}
{_OAUTH.format(folder=folder) if introspection else ""}
userdb {{
  driver = static
  args = uid={self.owner.pw_uid} gid={self.owner.pw_gid} home={self.mail}/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = {self.tls_port if tls else 0}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Junk {{
    special_use = \\Junk
  }}
}}
""",
            encoding="utf-8",
        )

    def start(self) -> None:
        self._process = subprocess.Popen([PROGRAM, "-F", "-c", str(self._config)])
        until = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as sock:
                    sock.settimeout(5)
                    if sock.recv(4) == b"* OK":
                        return
            except OSError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise AssertionError(f"Dovecot does not start: {self.log}") from None
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Its children end with it: they notice that the master is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(20)

    def kill(self) -> None:
        """All of it at once, in the middle of whatever it does."""
        assert self._process is not None
        children = _children(self._process.pid)
        self.stop(signal.SIGKILL)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder / "run")

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=20) as client:
            client.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())
            yield client

    def put(self, messages: Iterable[bytes], folder: str = "INBOX") -> None:
        """As a delivery agent does it: into the Maildir."""
        home = self.mail / USER
        if folder != "INBOX":
            home /= f".{folder}"
        for part in ("", "tmp", "new", "cur"):
            place = home / part
            place.mkdir(parents=True, exist_ok=True)
            os.chown(place, self.owner.pw_uid, self.owner.pw_gid)
        stamp = time.time_ns()
        for n, message in enumerate(messages):
            path = (
                home / "new" / f"{stamp // 1_000_000_000}.M{stamp % 1_000_000_000:09}N{n:07}.test"
            )
            path.write_bytes(message)
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def flags(self, folder: str = "INBOX") -> list[str]:
        """Of each message, in the order of their UIDs."""
        with self.client() as client:
            client.select(f'"{folder}"', readonly=True)
            _, found = client.uid("FETCH", "1:*", "(FLAGS)")
            return [] if found == [None] else [line.decode() for line in found]


_OAUTH = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2
}}"""


def _group() -> str:
    import grp

    return grp.getgrgid(os.getegid()).gr_name


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *_children(int(child))]
    return found


def _certificate(folder: Path) -> Path:
    """Of 127.0.0.1 and localhost, that vouches for itself."""
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


@contextmanager
def running(folder: Path, **words: object) -> Iterator[Dovecot]:
    server = Dovecot(folder, **words)  # type: ignore[arg-type]
    server.start()
    try:
        yield server
    finally:
        server.stop()
