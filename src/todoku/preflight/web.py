"""One page of a web server, by an address that the resolver told: bounded in time and bytes, and never
led elsewhere (whoever asks follows a redirect himself, or does not)."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from todoku.dialogue import plain

ADDRESSES: Final = 2
"""Addresses of one host that are tried."""

Why: TypeAlias = Literal["unreached", "late", "certificate", "no-authorities", "nonsense"]


class Page(NamedTuple):
    status: int
    kind: str
    """Its media type, in lower case."""
    location: str
    """Where a redirect leads."""
    body: bytes
    whole: bool
    """`False`: there is more than was to be read."""


class NoPageError(Exception):
    def __init__(self, why: Why, words: str = "") -> None:
        super().__init__(words or why)
        self.why: Why = why
        self.words = words
        """The system's, or the library's."""


def get(
    addresses: Sequence[str],
    host: str,
    path: str,
    *,
    port: int,
    context: ssl.SSLContext | None,
    wait: float,
    whole: float,
    most: int,
) -> Page:
    """`context`: how the server's certificate is proved; `None`: plain HTTP. `wait`: seconds for a
    connection and each packet; `whole`: for all of it. `most`: bytes of the page. Raises
    `NoPageError`, and nothing else for what a network or a server does."""
    from http.client import HTTPException

    end = time.monotonic() + whole
    error: OSError | None = None
    for address in addresses[:ADDRESSES]:
        left = end - time.monotonic()
        if left <= 0:
            raise NoPageError("late")
        try:
            sock = socket.create_connection((address, port), min(wait, left))
        except OSError as caught:
            error = caught
            continue
        with sock, _cut_after(sock, end - time.monotonic()) as watch:
            try:
                page = _talk(sock, host, path, context, most)
            except ssl.SSLCertVerificationError as caught:
                if not _any_authority(context):
                    raise NoPageError("no-authorities") from caught
                raise NoPageError("certificate", caught.verify_message) from caught
            except (OSError, HTTPException, ValueError) as caught:
                if watch.over:
                    raise NoPageError("late") from caught
                if isinstance(caught, TimeoutError | ConnectionError):
                    raise NoPageError("unreached", plain(caught)) from caught
                raise NoPageError("nonsense", plain(caught)) from caught
            if watch.over:  # a page that was cut off looks like one that ended
                raise NoPageError("late")
            return page
    raise NoPageError("unreached", plain(error) if error else "")


def _talk(
    sock: socket.socket, host: str, path: str, context: ssl.SSLContext | None, most: int
) -> Page:
    from http.client import HTTPConnection, HTTPException

    talk = HTTPConnection(host)
    talk.sock = sock if context is None else context.wrap_socket(sock, server_hostname=host)
    with contextlib.closing(talk):
        headers = {
            "Host": host, "User-Agent": "todoku", "Accept": "text/plain, text/html",
            "Accept-Encoding": "identity", "Connection": "close",
        }  # fmt: skip
        talk.request("GET", path, headers=headers)
        with contextlib.closing(talk.getresponse()) as response:
            if response.getheader("Content-Encoding", "identity").lower() != "identity":
                raise HTTPException("it is packed, though that was not asked for")
            body = response.read(most + 1)
            return Page(
                status=response.status,
                kind=response.getheader("Content-Type", "").partition(";")[0].strip().lower(),
                location=response.getheader("Location", ""),
                body=body[:most],
                whole=len(body) <= most,
            )


class _Watch:
    over = False


@contextmanager
def _cut_after(sock: socket.socket, seconds: float) -> Iterator[_Watch]:
    """Whoever sends a byte now and then never lets a single wait end. The handle stays the
    connection's, whatever is put upon it."""
    handle, watch = sock.dup(), _Watch()

    def cut() -> None:
        watch.over = True
        with contextlib.suppress(OSError):
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, seconds), cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()
        handle.close()


def _any_authority(context: ssl.SSLContext | None) -> bool:
    """Whether this machine knows any that vouches for servers: else it proves nothing of them."""
    if context is not None and context.cert_store_stats()["x509_ca"]:
        return True
    with contextlib.suppress(OSError):
        return any(Path(ssl.get_default_verify_paths().capath).iterdir())
    return False
