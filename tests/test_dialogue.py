"""A dialogue ends, whatever the server does."""

from __future__ import annotations

import smtplib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from todoku.dialogue import MOST, name_for_tls, opportunistic, talking

Manner = Callable[[socket.socket], None]


@contextmanager
def serving(manner: Manner) -> Iterator[int]:
    """One connection, served so."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                try:
                    manner(client)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)
        assert not thread.is_alive()


def drip(client: socket.socket, octets: bytes) -> None:
    for octet in octets:
        client.sendall(bytes([octet]))
        time.sleep(0.05)


def slow_greeting(client: socket.socket) -> None:
    drip(client, b"220-" + b"x" * 10_000)


def endless_greeting(client: socket.socket) -> None:
    while True:
        client.sendall(b"220-and more\r\n" * 1000)


def slow_handshake(client: socket.socket) -> None:
    """A record of TLS whose end never comes."""
    client.sendall(b"220 mx\r\n")
    client.recv(1000)
    client.sendall(b"250-mx\r\n250 STARTTLS\r\n")
    client.recv(1000)
    client.sendall(b"220 go\r\n")
    drip(client, b"\x16\x03\x03\x40\x00\x02" + bytes(10_000))


@pytest.mark.parametrize(
    ("manner", "says"),
    [(slow_greeting, None), (endless_greeting, "too much"), (slow_handshake, None)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_it_ends(manner: Manner, says: str | None) -> None:
    began = time.monotonic()
    with (
        serving(manner) as port,
        pytest.raises((OSError, smtplib.SMTPException), match=says),
        talking(host="mx.test", helo="mx1.ours.jp", wait=5, whole=0.6) as talk,
    ):
        talk.connect("127.0.0.1", port)
        talk.ehlo()
        talk.starttls(context=opportunistic())
    assert time.monotonic() - began < 3
    assert MOST < 1 << 20


def test_what_tls_names() -> None:
    assert name_for_tls("mx1.ours.jp.", "127.0.0.1") == "mx1.ours.jp"
    for odd in ("", ".a", "a" * 64 + ".jp", "m\xfcller.example", "a\0b"):
        assert name_for_tls(odd, "127.0.0.1") == "127.0.0.1"
