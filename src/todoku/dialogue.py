"""An SMTP dialogue that ends (RFC 5321): a stranger's server may be slow, or say more than anybody
reads. Bounded are each reply, the whole time, and all bytes.

    with talking(host="mx.example.jp", helo="mx1.example.net", wait=10, whole=30) as talk:
        code, words = talk.connect("192.0.2.1", 25)

Whatever a network or a server does is an `OSError` or an `smtplib.SMTPException`. At the end `QUIT` is
said, and the connection is closed.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

from todoku.lazy import expression

MOST: Final = 1 << 16
"""Bytes of all replies."""
_NAME: Final = expression(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")


class _Bounded:
    """What a server says, up to a bound: a reply may go on in as many lines as it likes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, MOST

    def readline(self, most: int) -> bytes:
        line = self._file.readline(most)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("it says too much")
        return line

    def close(self) -> None:
        self._file.close()


class Talk(smtplib.SMTP):
    file: Any
    _host: str
    """What `starttls` names to the server (RFC 6066), else only known to who connects by it."""
    offered: bool | None = None
    """Whether the server offers STARTTLS, by its first answer to EHLO."""
    _handle: socket.socket | None = None
    """The connection under whatever is put upon it."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._handle = sock.dup()
        return sock

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()

    def cut(self) -> None:
        """From another thread: whoever waits for a reply gets none, nor the end of a handshake."""
        with contextlib.suppress(OSError, AttributeError):
            self._handle.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    def close(self) -> None:
        super().close()
        if self._handle is not None:
            self._handle.close()

    def ehlo(self, name: str = "") -> tuple[int, bytes]:
        said = super().ehlo(name)
        if said[0] == 250 and self.offered is None:
            self.offered = self.has_extn("starttls")
        return said


@contextmanager
def talking(
    *, host: str, helo: str, wait: float, whole: float, source: str | None = None
) -> Iterator[Talk]:
    """`wait`: seconds for each reply; `whole`: for all of it, as whoever sends a byte a minute never
    lets one reply time out. `source`: the address of ours that it comes from. `host`: the server's
    name, for TLS."""
    talk = Talk(
        local_hostname=helo, timeout=wait, source_address=None if source is None else (source, 0)
    )
    talk._host = host
    watch = threading.Timer(whole, talk.cut)
    watch.daemon = True
    watch.start()
    try:
        yield talk
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            talk.quit()
        watch.cancel()
        talk.close()


def opportunistic() -> ssl.SSLContext:
    """TLS that vouches for nobody: names in certificates of mail servers mean nothing without DANE or
    MTA-STS, and nothing that is secret is said."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def name_for_tls(host: str, address: str) -> str:
    """What TLS can name: the DNS may give a server any name."""
    name = host.rstrip(".")
    return name if len(name) <= 253 and _NAME.fullmatch(name) else address


def plain(error: Exception) -> str:
    """The system's words, in one line."""
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(why).split()).lower()
