"""Probes, against the lab's receivers and against servers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serve.world import Serving, live
from todoku import probe
from todoku.lab.happenings import Arrived, Met
from todoku.lab.world import CLEAN, HOSTS, LISTED
from todoku.lists.values import Server
from todoku.serve.exchangers import NoAnswer, exchangers


def question(port: int, **more: object) -> probe.Question:
    known: dict[str, object] = {
        "host": "mx1.hotmail.test",
        "address": HOSTS["mx1.hotmail.test"],
        "source": LISTED,
        "helo": "mx1.hoge.test",
        "sender": "postmaster@hoge.test",
        "stage": "MAIL FROM",
    } | more
    return probe.Question(port=port, **known)  # type: ignore[arg-type]


def test_a_blocked_address_is_refused_and_another_is_not(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        found = await s.aside(probe.ask, question(s.lab.smtp_port))
        assert (found.result, found.stage, found.reply.code) == ("refused", "MAIL FROM", 550)
        assert found.reply.text.startswith("550 SC-001 (BAY004-MC3F26)")
        found = await s.aside(probe.ask, question(s.lab.smtp_port, source=CLEAN))
        assert (found.result, found.stage) == ("accepted", "MAIL FROM")
        met = s.lab.happened.of(Met)
        assert [(m.source, m.sender) for m in met] == [(LISTED, "postmaster@hoge.test")]
        assert s.lab.happened.of(Arrived) == []

    live(tmp_path, walk)


def test_a_banner_that_refuses(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        s.lab.hotmail.block(LISTED, "banner")
        found = await s.aside(probe.ask, question(s.lab.smtp_port))
        assert (found.result, found.stage, found.reply.code) == ("refused", "CONN", 554)

    live(tmp_path, walk)


def test_what_is_refused_later_than_the_probe_goes_is_inconclusive(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        q = question(s.lab.smtp_port, source=CLEAN, stage="END OF DATA")
        assert (await s.aside(probe.ask, q)).result == "inconclusive"
        q = question(s.lab.smtp_port, source=CLEAN, stage="RCPT TO")
        assert (await s.aside(probe.ask, q)).result == "inconclusive"
        q = question(s.lab.smtp_port, source=CLEAN, stage="RCPT TO", recipient="taro@hotmail.test")
        assert (await s.aside(probe.ask, q)).result == "accepted"

    live(tmp_path, walk)


def test_never_the_null_sender() -> None:
    with pytest.raises(ValueError, match="sender"):
        probe.ask(question(25, sender=""))


@contextmanager
def saying(*replies: bytes) -> Iterator[int]:
    """A server that says these, whatever it hears, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                for n, each in enumerate(replies):
                    if n:
                        client.recv(1000)
                    client.sendall(each)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize(
    ("replies", "result", "stage"),
    [
        ((b"220 a\r\n", b"250 a\r\n", b"451 4.7.1 later\r\n"), "deferred", "MAIL FROM"),
        ((b"220 a\r\n", b"502 what\r\n", b"250 a\r\n", b"250 ok\r\n"), "accepted", "MAIL FROM"),
        ((b"220 a\r\n", b"250 a\r\n"), "failed", None),
        ((b"HTTP/1.1 400 Bad Request\r\n\r\n",), "failed", None),
        ((b"\xff\xfe\0\r\n",), "failed", None),
        ((b"",), "failed", None),
        ((b"421 busy\r\n",), "deferred", "CONN"),
    ],
)
def test_any_server(replies: tuple[bytes, ...], result: str, stage: str | None) -> None:
    with saying(*replies) as port:
        q = question(port, address="127.0.0.1", source="127.0.0.1")
        found = probe.ask(q, wait=2)
    assert (found.result, found.stage) == (result, stage)


def test_nobody_is_there() -> None:
    found = probe.ask(question(1, address="127.0.0.1", source="127.0.0.1"), wait=2)
    assert found.result == "failed"
    assert "refused" in found.why


def test_exchangers(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        resolver = Server(s.lab.names.host, s.lab.names.port)
        found = await asyncio.to_thread(exchangers, "hotmail.test", resolver)
        assert found == (
            ("mx1.hotmail.test", HOSTS["mx1.hotmail.test"]),
            ("mx2.hotmail.test", HOSTS["mx2.hotmail.test"]),
        )
        assert await asyncio.to_thread(exchangers, "nothing.hotmail.test", resolver) == ()
        with pytest.raises(NoAnswer):
            await asyncio.to_thread(exchangers, "elsewhere.example", resolver)

    live(tmp_path, walk)


class _Heard(list[bytes]):
    """What a server hears that says yes to everything, from greeting to QUIT."""

    @contextmanager
    def at(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listening:

            def serve() -> None:
                client, _ = listening.accept()
                with client, client.makefile("rb") as lines:
                    client.sendall(b"220 a\r\n")
                    for line in lines:
                        self.append(line.split(b":")[0].split()[0].upper())
                        client.sendall(b"250 ok\r\n")

            thread = threading.Thread(target=serve)
            thread.start()
            yield listening.getsockname()[1]
            thread.join(5)


@pytest.mark.parametrize(
    ("stage", "heard", "reached", "result"),
    [
        ("CONN", [b"QUIT"], "CONN", "accepted"),
        ("EHLO", [b"EHLO", b"QUIT"], "EHLO", "accepted"),
        ("STARTTLS", [b"EHLO", b"QUIT"], "EHLO", "inconclusive"),
        ("MAIL FROM", [b"EHLO", b"MAIL", b"RSET", b"QUIT"], "MAIL FROM", "accepted"),
        ("END OF DATA", [b"EHLO", b"MAIL", b"RSET", b"QUIT"], "MAIL FROM", "inconclusive"),
        (None, [b"EHLO", b"MAIL", b"RSET", b"QUIT"], "MAIL FROM", "accepted"),
    ],
)
def test_no_further_than_it_refuses(
    stage: str | None, heard: list[bytes], reached: str, result: str
) -> None:
    log = _Heard()
    with log.at() as port:
        q = question(port, address="127.0.0.1", source="127.0.0.1", stage=stage)
        found = probe.ask(q, wait=2)
    assert (found.stage, found.result) == (reached, result)
    assert log == heard


@contextmanager
def endless(piece: bytes, pause: float) -> Iterator[int]:
    """A server that greets for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client, contextlib.suppress(OSError):
                client.sendall(b"220-")
                while True:
                    client.sendall(piece)
                    time.sleep(pause)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)
        assert not thread.is_alive()


def test_one_that_says_too_much() -> None:
    with endless(b"more\r\n220-" * 500, 0) as port:
        found = probe.ask(question(port, address="127.0.0.1", source="127.0.0.1"), wait=2)
    assert found.result == "failed"
    assert "too much" in found.why


def test_one_that_takes_for_ever() -> None:
    with endless(b"x", 0.05) as port:
        began = time.monotonic()
        q = question(port, address="127.0.0.1", source="127.0.0.1")
        found = probe.ask(q, wait=2, whole=0.5)
    assert time.monotonic() - began < 2
    assert found.result == "failed"


@contextmanager
def encrypting(folder: Path, heard: list[bytes]) -> Iterator[int]:
    """A server that offers STARTTLS and refuses at `MAIL FROM`, by a certificate nobody vouches for."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=another.name", "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def talk(client: socket.socket) -> bool:
        """Whether TLS is to begin."""
        with client.makefile("rb") as lines:
            for line in lines:
                verb = line.split()[0].upper()
                heard.append(verb)
                client.sendall(
                    {b"EHLO": b"250-a\r\n250 STARTTLS\r\n", b"MAIL": b"550 5.7.1 no\r\n"}.get(
                        verb, b"220 ok\r\n" if verb == b"STARTTLS" else b"250 ok\r\n"
                    )
                )
                if verb == b"STARTTLS":
                    return True
        return False

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                client.sendall(b"220 a\r\n")
                if talk(client):
                    with context.wrap_socket(client, server_side=True) as inner:
                        heard.append(b"TLS")
                        talk(inner)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(5)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
@pytest.mark.parametrize(
    ("stage", "result", "last"),
    [("MAIL FROM", "refused", [b"MAIL", b"QUIT"]), ("STARTTLS", "accepted", [b"QUIT"])],
)
def test_starttls_where_it_is_offered(
    tmp_path: Path, stage: str, result: str, last: list[bytes]
) -> None:
    heard: list[bytes] = []
    with encrypting(tmp_path, heard) as port:
        q = question(port, address="127.0.0.1", source="127.0.0.1", stage=stage)
        found = probe.ask(q, wait=5)
    assert (found.result, found.stage) == (result, stage)
    assert heard == [b"EHLO", b"STARTTLS", b"TLS", b"EHLO", *last]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
@pytest.mark.parametrize("host", [".mx..example", "", "a" * 64, "\0", "m\xfcller.example"])
def test_a_server_that_has_any_name(tmp_path: Path, host: str) -> None:
    with encrypting(tmp_path, []) as port:
        q = question(port, address="127.0.0.1", source="127.0.0.1", host=host)
        assert probe.ask(q, wait=5).result == "refused"
