"""Real name servers for tests: rbldnsd, which most lists run themselves, and unbound, a resolver.

    with rbldnsd({"bl.test": {"ip4trie": ":127.0.0.2:why $\n203.0.114.0/24\n"}}) as lists:
        with unbound({"bl.test": str(lists)}) as resolver:
            ... ask resolver.host, resolver.port ...

Each runs in a temporary folder, on loopback, on a free port, as nobody. A test is skipped, with the
reason, where the Debian package is missing.
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.lists import lies

HEAD = """\
$SOA 600 ns1.{zone} hostmaster.{zone} 0 1h 10m 1d {negative}
$NS 600 ns1.{zone}
$TTL {ttl}
"""

POINTS = {
    "ip4set": "127.0.0.2\n",
    "ip4trie": "127.0.0.2\n",
    "ip4tset": "127.0.0.2\n",
    "ip6trie": "::ffff:7f00:2/128\n",
    "dnset": "test\n",
}
"""What each kind of list always lists (RFC 5782, section 5), as its dataset has it."""

UNBOUND = """\
server:
  directory: "{folder}"
  interface: {host}@{port}
  access-control: 127.0.0.0/8 allow
  access-control: ::1 allow
  chroot: ""
  username: ""
  pidfile: ""
  logfile: ""
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  do-ip6: {ip6}
  # Nothing but the zones below is asked for, so nothing leaves the machine.
  local-zone: "." {elsewhere}
{zones}
remote-control:
  control-enable: no
{stubs}
"""


class Running(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@contextmanager
def rbldnsd(
    zones: Mapping[str, Mapping[str, str]],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    ttl: str = "5m",
    negative: str = "2m",
    points: bool = True,
) -> Iterator[Running]:
    """For each zone, datasets by their type: `{"ip4trie": text}`. Each dataset gets the test points
    of its kind in front, with its default value, unless `points` is false."""
    program = _program("rbldnsd")
    with _folder() as folder:
        specs = []
        for number, (zone, datasets) in enumerate(zones.items()):
            for kind, text in datasets.items():
                default, newline, rest = text.partition("\n")
                if not text.startswith(":"):
                    default, newline, rest = "", "", text
                head = HEAD.format(zone=zone, negative=negative, ttl=ttl)
                listed = POINTS.get(kind, "") if points else ""
                (folder / f"{number}.{kind}").write_text(head + default + newline + listed + rest)
                specs.append(f"{zone}:{kind}:{number}.{kind}")
        user = ["-u", "nobody"] if _may_become_nobody() else []

        def command(port: int) -> list[str]:
            return [program, *user, "-n", "-w", str(folder), "-b", f"{host}/{port}", *specs]

        with _running(command, folder, host, port, f"2.0.0.127.{next(iter(zones))}") as server:
            yield server


@contextmanager
def unbound(
    stubs: Mapping[str, str | Sequence[str]],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    elsewhere: str = "always_nxdomain",
    options: str = "",
) -> Iterator[Running]:
    """A resolver that knows for each zone the servers to ask (`"127.0.0.1:5300"`). Other names get
    what `elsewhere` says, in unbound's words: `always_nxdomain`, `always_refuse`. `options` are
    further lines of its `server` section."""
    program = _program("unbound")
    with _folder() as folder:
        clauses = []
        for zone, where in stubs.items():
            addresses = [where] if isinstance(where, str) else where
            told = "".join(f"  stub-addr: {_at(address)}\n" for address in addresses)
            clauses.append(f'stub-zone:\n  name: "{zone}"\n{told}')

        def command(port: int) -> list[str]:
            text = UNBOUND.format(
                folder=folder,
                host=host,
                port=port,
                ip6="yes" if any("[" in str(where) for where in stubs.values()) else "no",
                elsewhere=elsewhere,
                zones="".join(f'  local-zone: "{zone}" transparent\n' for zone in stubs) + options,
                stubs="".join(clauses),
            )
            (folder / "unbound.conf").write_text(text)
            return [program, "-d", "-c", str(folder / "unbound.conf")]

        with _running(command, folder, host, port, "ready.invalid") as server:
            yield server


def _at(address: str) -> str:
    """`127.0.0.1:53` and `[::1]:53` in unbound's words."""
    host, _, port = address.rpartition(":")
    return f"{host.strip('[]')}@{port}"


def _program(name: str) -> str:
    """Debian keeps servers off the PATH of users."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"no {name} here (Debian: apt-get install {name})")
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="todoku-dns-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_root() -> bool:
    return os.geteuid() == 0


def _may_become_nobody() -> bool:
    """Root of a user namespace of one user (`unshare -r`) may not."""
    ids = Path("/proc/self/uid_map")
    return _is_root() and not (ids.exists() and ids.read_text().split()[-1] == "1")


def _plain_user() -> list[str]:
    """In front of a program that refuses to run as root where there is no other user."""
    if not _is_root() or _may_become_nobody():
        return []
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534"]


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens, by UDP and TCP; it may be taken before it is used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
        while True:
            tcp.bind((host, 0))
            with suppress(OSError):
                udp.bind((host, tcp.getsockname()[1]))
                return int(udp.getsockname()[1])


@contextmanager
def _running(
    command: Callable[[int], list[str]], folder: Path, host: str, port: int | None, probe: str
) -> Iterator[Running]:
    """The server, once it answers the question for `probe`. Where the port was taken meanwhile,
    another is tried."""
    log = folder / "log"
    for _ in range(5):
        server = Running(host, port or free_port(host))
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*_plain_user(), *command(server.port)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
            )
        try:
            if _answers(server, probe, process):
                yield server
                return
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
    pytest.fail(f"{command(0)[0]} does not start: {log.read_text()}")


def _answers(server: Running, name: str, process: subprocess.Popen[bytes]) -> bool:
    question = struct.pack("!6H", 0x7E57, 0x0100, 1, 0, 0, 0) + lies.wire_name(name)
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(0.1)
        s.connect((server.host, server.port))
        end = time.monotonic() + 20
        while time.monotonic() < end and process.poll() is None:
            try:
                s.send(question + struct.pack("!HH", lies.A, 1))
                if s.recv(65535)[:2] == question[:2]:
                    return process.poll() is None
            except ConnectionRefusedError:
                time.sleep(0.02)
            except TimeoutError:
                pass
    return False
