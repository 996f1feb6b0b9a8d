"""What `serve` asks one resolver: which hosts take mail for a domain (MX records, RFC 5321, section
5.1), and the keys of signatures (TXT records, RFC 6376)."""

from __future__ import annotations

import random
import socket
from typing import Final, NamedTuple

from todoku.lists import wire
from todoku.lists.values import Server

WAIT: Final = 5.0
TRIES: Final = 2
MOST: Final = 20
"""Hosts of one domain that are looked up."""


class Exchanger(NamedTuple):
    host: str
    address: str


class NoAnswer(Exception):
    """The resolver is silent, or fails: what there is, is not known."""


def exchangers(domain: str, resolver: Server, wait: float = WAIT) -> tuple[Exchanger, ...]:
    """Best first, each host with its addresses. Empty: it takes no mail. Raises `NoAnswer`."""
    records = sorted(
        (int.from_bytes(d[:2], "big"), wire.text_of(d[2:]))
        for d in _ask(domain, wire.MX, resolver, wait)
    )
    hosts = [host for _, host in records] or [domain]
    if hosts == [""]:  # "no mail", RFC 7505
        return ()
    return tuple(
        Exchanger(host, wire.address(data))
        for host in hosts[:MOST]
        for data in _ask(host, wire.A, resolver, wait)
        if len(data) == 4
    )


def txt(name: str, resolver: Server, wait: float = WAIT) -> bytes:
    """The first TXT record of a name, its parts put together. Empty: there is none, or none is
    known: what it would have proved is not proven."""
    try:
        records = _ask(name, wire.TXT, resolver, wait)
    except NoAnswer:
        return b""
    return b"".join(wire.strings(records[0])) if records else b""


def _ask(name: str, kind: int, server: Server, wait: float) -> list[bytes]:
    try:
        question = wire.question(wire.name(name.lower()), kind)
    except wire.BadName:
        return []
    for _ in range(TRIES):
        packet = _udp(question, server, wait)
        if packet is None:
            continue
        if packet.truncated:
            packet = _tcp(question, server, wait) or packet
        if packet.rcode in {wire.NOERROR, wire.NXDOMAIN}:
            return [record.data for record in wire.answering(packet)[0]]
    raise NoAnswer(f"{server} does not tell the servers of {name}")


def _query(question: bytes) -> bytes:
    return wire.query(random.SystemRandom().getrandbits(16), question, recursive=True)


def _udp(question: bytes, server: Server, wait: float) -> wire.Packet | None:
    query = _query(question)
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(wait)
            sock.connect((server.host, server.port))
            sock.send(query)
            packet = sock.recv(4096)
    except OSError:
        return None
    return _parsed(packet, query)


def _tcp(question: bytes, server: Server, wait: float) -> wire.Packet | None:
    query = _query(question)
    try:
        with socket.create_connection((server.host, server.port), wait) as sock:
            sock.sendall(len(query).to_bytes(2, "big") + query)
            with sock.makefile("rb") as file:
                packet = file.read(int.from_bytes(file.read(2), "big"))
    except OSError:
        return None
    return _parsed(packet, query)


def _parsed(packet: bytes, query: bytes) -> wire.Packet | None:
    if packet[:2] != query[:2] or not wire.same_question(packet, query[12:]):
        return None
    try:
        return wire.parse(packet)
    except wire.Malformed:
        return None
