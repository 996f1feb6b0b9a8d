"""Servers of receivers, met from the new host: connect, hear the greeting, EHLO, QUIT (RFC 5321).

No mail is begun (`MAIL FROM`): whether a receiver takes mail from here is a question of its own.
"""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from todoku.dialogue import plain, talking
from todoku.preflight import dns
from todoku.preflight.checks.mx import exchangers
from todoku.preflight.dns import Ask

WAIT: Final = 8.0
"""Seconds for the connection, and then for all that is said."""
HOSTS: Final = 2
"""Servers of one receiver that are tried."""


class Met(NamedTuple):
    """How one receiver's server was met."""

    receiver: str
    host: str = ""
    reply: str = ""
    """What it said where it did not greet, code and words: at once, else at EHLO."""
    open: bool | None = None
    """Whether a connection came about; `None`: its servers are not known."""
    refused: bool = False
    """For good (5yz); for now (4yz) says nothing of the address."""
    starttls: bool | None = None
    why: str = ""
    """Without a connection: the system's words."""


def is_here(address: str) -> bool:
    """Whether this machine has the address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((address, 0))
        except OSError:
            return False
    return True


def meet(
    ask: Ask,
    receiver: str,
    domain: str,
    source: str,
    helo: str,
    *,
    port: int = 25,
    wait: float = WAIT,
) -> Met:
    """The best server that can be reached. Never raises for what a network or a server does."""
    answer = ask(domain, "MX")
    version = 6 if ":" in source else 4
    last = Met(receiver)
    for host in list(filter(None, exchangers(answer.records)))[:HOSTS]:
        for address in (dns.addresses(ask, host, versions=(version,)) or ())[:1]:
            last = _talk(Met(receiver, host), address, source, helo, port, wait)
            if last.open:
                return last
    return last


def _talk(met: Met, address: str, source: str, helo: str, port: int, wait: float) -> Met:
    with talking(host=met.host, helo=helo, wait=wait, whole=wait, source=source) as talk:
        try:
            code, words = talk.connect(address, port)
            if code == 220:
                code, words = talk.ehlo()
        except smtplib.SMTPException as error:  # it answered, and then hung up or spoke nonsense
            return met._replace(open=True, why=plain(error))
        except OSError as error:
            return met._replace(open=False, why=plain(error))
        if code >= 400:
            said = " ".join(words.decode("utf-8", "replace").split())
            return met._replace(open=True, refused=code >= 500, reply=f"{code} {said}")
        return met._replace(open=True, starttls=talk.offered)


class Way(NamedTuple):
    """How the new host goes out."""

    source: str | None
    """The address of this machine; `None`: it is another machine."""
    port: int = 25


def meet_all(
    ask: Ask, domains: Mapping[str, str], way: Way, helo: str, wait: float = WAIT
) -> list[Met]:
    """All receivers (id to domain) side by side, each once."""
    met: dict[str, Met] = {}
    source = way.source
    if source is None:
        return []

    def one(receiver: str, domain: str) -> None:
        met[receiver] = meet(ask, receiver, domain, source, helo, port=way.port, wait=wait)

    # Daemons, for whoever stops is not kept waiting.
    threads = [threading.Thread(target=one, args=pair, daemon=True) for pair in domains.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [met[receiver] for receiver in domains if receiver in met]


def source_of(ip: str, nat: Mapping[str, str]) -> str | None:
    """The address of this machine that the world sees as `ip`: itself, or one behind NAT (private to
    public); `None` where this machine has neither."""
    inside: Sequence[str] = [private for private, public in nat.items() if public == ip]
    return next((a for a in (ip, *inside) if is_here(a)), None)
