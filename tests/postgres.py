"""A real PostgreSQL server for tests: in a temporary folder, on a Unix socket, as an unprivileged
user. No connection leaves the machine, and the machine's own server is left alone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

INSTALL = Path(__file__).parent.parent / "scripts" / "debian-packages"


def folder_of_programs() -> Path | None:
    """Where `initdb` is: Debian keeps it off the PATH."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Server:
    """A running server; `database()` gives the URL of a new, empty database."""

    def __init__(
        self,
        socket: Path,
        programs: Path,
        start: Callable[[], object],
        stop: Callable[[], object],
    ) -> None:
        self.socket = socket
        self._programs = programs
        self.start = start
        self.stop = stop
        """As if the power was cut; `start` brings it back."""

    def database(self) -> str:
        name = f"t{uuid.uuid4().hex[:12]}"
        words = ["-h", str(self.socket), "-U", "todoku", "-E", "UTF8", "-T", "template0", name]
        subprocess.run([self._programs / "createdb", *words], check=True)
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://todoku@/{name}?host={self.socket}"


@contextmanager
def server() -> Iterator[Server]:
    """Starts one, or skips the test with the reason why not."""
    programs = folder_of_programs()
    root = os.geteuid() == 0
    if programs is None and root:
        subprocess.run([INSTALL, "postgresql"], check=False, capture_output=True)
        programs = folder_of_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here (Debian: apt-get install postgresql)")
    user = None
    if root:
        # It refuses to run as root.
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            user = "nobody"
    folder = Path(tempfile.mkdtemp(prefix="todoku-pg-", dir="/tmp"))
    if user:
        shutil.chown(folder, user)
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [programs / program, "-D", folder / "data", *words],
            user=user,
            extra_groups=[] if user else None,
            cwd=folder,
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            log = folder / "log"
            pytest.fail(f"{program}: {done.stdout}\n{log.read_text() if log.exists() else ''}")

    def start() -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
        run("pg_ctl", "-w", "-s", "-l", f"{folder}/log", "-o", options, "start")

    def stop() -> None:
        run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")

    try:
        run("initdb", "-U", "todoku", "--auth=trust", "--encoding=UTF8", "--no-sync")
        start()
        try:
            yield Server(folder, programs, start, stop)
        finally:
            stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
