"""One's own mail servers, met as others meet them: the certificates that they show, and whether they
take abuse@ and postmaster@. No mail is sent: `RSET` and `QUIT` stand at the end (RFC 5321).

Nothing here raises for what a network or a server does."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from todoku.dialogue import Talk, name_for_tls, opportunistic, plain, talking

ADDRESSES: Final = 2
"""Addresses of one host that are tried."""


class Shown(NamedTuple):
    """What a server shows who asks for STARTTLS."""

    starttls: bool | None = None
    """Whether it offers it; `None`: it did not come to that."""
    chain: tuple[bytes, ...] = ()
    """Its certificates (DER), its own first."""
    why: str = ""
    """Where there are none: the words of the system or the server."""


class Heard(NamedTuple):
    """What a server says to recipients."""

    replies: tuple[tuple[str, str], ...] = ()
    """Each recipient with code and words."""
    why: str = ""
    """Where it did not come to that: the words of the system or the server."""
    open: bool = False
    """Whether it was reached at all."""


class Door(NamedTuple):
    """A server, and how it is met."""

    host: str
    addresses: Sequence[str]
    port: int
    helo: str | None
    """`None`: the address from which it is met."""
    wait: float
    """Seconds for the connection and each reply."""
    whole: float
    """Seconds for all of it."""


class _Ended(Exception):
    """By a reply that is no yes: code and words."""


def certificates(door: Door) -> Shown:
    try:
        with _met(door) as talk:
            if not talk.offered:
                return Shown(starttls=False)
            try:
                _good(talk.starttls(context=opportunistic()))
                return Shown(True, _chain(talk.sock))
            except (ssl.SSLError, smtplib.SMTPException, _Ended) as error:
                return Shown(True, why=plain(error))
    except (OSError, smtplib.SMTPException, _Ended) as error:
        return Shown(why=plain(error))


def anchored(door: Door, authority: bytes) -> bool | None:
    """Whether the chain that the server shows ends at this authority (DER), and its certificate names
    the server. `None`: that could not be seen."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(cadata=authority)
        with _met(door) as talk:
            _good(talk.starttls(context=context))
            return True
    except ssl.SSLCertVerificationError:
        return False
    except (OSError, ValueError, smtplib.SMTPException, _Ended):
        return None


def recipients(door: Door, sender: str, mailboxes: Sequence[str]) -> Heard:
    try:
        with _met(door) as talk:
            try:
                if talk.offered:
                    _good(talk.starttls(context=opportunistic()))
                    _good(talk.ehlo())
                _good(talk.mail(sender))
                replies = tuple((each, _said(talk.rcpt(each))) for each in mailboxes)
                with contextlib.suppress(OSError, smtplib.SMTPException):
                    talk.rset()
            except (OSError, smtplib.SMTPException, _Ended) as error:
                return Heard(why=plain(error), open=True)
            return Heard(replies, open=True)
    except _Ended as error:
        return Heard(why=plain(error), open=True)
    except (OSError, smtplib.SMTPException) as error:
        return Heard(why=plain(error))


@contextmanager
def _met(door: Door) -> Iterator[Talk]:
    """Greeted, at the first address that answers. Raises `_Ended`, `OSError`, `SMTPException`."""
    end = time.monotonic() + door.whole
    error: OSError = OSError("no address")
    for address in door.addresses[:ADDRESSES]:
        left = max(0.01, end - time.monotonic())
        host = name_for_tls(door.host, address)
        with contextlib.ExitStack() as stack:
            try:
                helo = door.helo or _literal(address)
                talk = stack.enter_context(
                    talking(host=host, helo=helo, wait=min(door.wait, left), whole=left)
                )
                said = talk.connect(address, door.port)
            except OSError as caught:
                error = caught
                continue
            if said[0] != 220:
                raise _Ended(_said(said))
            _good(talk.ehlo())
            yield talk
            return
    raise error


def _literal(address: str) -> str:
    """The address from which one comes there, as EHLO names it (RFC 5321, section 4.1.3). Connecting a
    datagram socket sends nothing."""
    six = ":" in address
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address, 25))
        return f"[{'IPv6:' if six else ''}{sock.getsockname()[0]}]"


def _chain(sock: Any) -> tuple[bytes, ...]:
    """The library tells the chain since Python 3.13; before, only the object below it does."""
    own = sock.getpeercert(binary_form=True)
    if own is None:
        return ()
    with contextlib.suppress(AttributeError):
        told = getattr(sock, "get_unverified_chain", None) or sock._sslobj.get_unverified_chain
        found = told() or ()
        return tuple(c if isinstance(c, bytes) else c.public_bytes(_DER) for c in found) or (own,)
    return (own,)


_DER: Final = 2
"""`ENCODING_DER` of the module below `ssl`."""


def _good(said: tuple[int, bytes]) -> None:
    if said[0] // 100 != 2:
        raise _Ended(_said(said))


def _said(said: tuple[int, bytes]) -> str:
    code, words = said
    return f"{code} {' '.join(words.decode('utf-8', 'replace').split())}"
