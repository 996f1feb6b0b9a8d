"""The guard that keeps the tests of this folder on the machine."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lists import guard
from tests.lists.command import Command


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        (b"127.0.0.1", True),
        ("localhost", True),
        (None, True),
        ("192.0.2.1", False),
        ("0.0.0.0", False),
        ("2001:db8::1", False),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%lo", False),
        ("dns.example", False),
    ],
)
def test_what_is_here(host: object, here: bool) -> None:
    assert guard.is_here(host) is here


def leave(s: socket.socket) -> None:
    s.sendto(b"x", ("192.0.2.1", 53))


@pytest.mark.parametrize(
    "deed",
    [
        leave,
        lambda s: s.connect(("192.0.2.1", 53)),
        lambda s: s.sendmsg([b"x"], [], 0, ("192.0.2.1", 53)),
        lambda s: socket.getaddrinfo("dns.example", 53),
        lambda s: socket.gethostbyname("dns.example"),
    ],
)
def test_what_leaves_is_refused_and_told(
    deed: Callable[[socket.socket], object], outside: list[str]
) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as s, pytest.raises(guard.OutsideError):
        deed(s)
    assert len(outside) == 1
    outside.clear()


def test_a_started_program_is_watched_too(tmp_path: Path) -> None:
    program = """
import socket
s = socket.socket(type=socket.SOCK_DGRAM)
try:
    s.connect(("192.0.2.1", 53))
except Exception as error:
    print(type(error).__name__)
s.connect(("127.0.0.1", 53))
"""
    command = Command(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", program], env=command.environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("OutsideError\n", "")
    assert "192.0.2.1" in command.report.read_text()
