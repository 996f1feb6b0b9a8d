"""A world on loopback to look at before one moves: names, keys and blocklists of one name server.

    with serving(good()) as server: ...

`good()` is a server as it should be; the others in `test_worlds.py` each break one thing.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lists import overlay
from todoku.knowledge import load
from todoku.knowledge.schema import Compiled
from todoku.lab.clock import RealClock
from todoku.lab.happenings import Happened
from todoku.lab.nameserver import NameServer
from todoku.lab.zones import Zones, a, mx, ptr, txt
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.lists.values import Server
from todoku.preflight import data
from todoku.preflight.running import World
from todoku.preflight.values import Subject

NEW = "203.0.114.9"
OLD = "203.0.115.1"
SIX = "2a0f:ab00::25"
HOST = "mx1.ours.jp"
SUBJECT = Subject(ip=NEW, old=OLD, domains=("ours.jp", "second.jp"), helo=HOST, selectors=("s1",))
"""Two domains that send, from a new address."""

QUICK = "[lists.ask.usage]\nper_second = 1000\n"
LISTS = ("pf-abuse", "pf-names")


def der(bits: int) -> bytes:
    """A SubjectPublicKeyInfo with a modulus of so many bits: its shape is all that counts."""

    def element(tag: int, *parts: bytes) -> bytes:
        body = b"".join(parts)
        size = len(body)
        if size < 128:
            return bytes([tag, size]) + body
        length = size.to_bytes((size.bit_length() + 7) // 8, "big")
        return bytes([tag, 0x80 | len(length)]) + length + body

    modulus = ((1 << (bits - 1)) | 1).to_bytes(bits // 8, "big")
    key = element(0x30, element(0x02, b"\0" + modulus), element(0x02, b"\1\0\1"))
    rsa = element(0x30, bytes.fromhex("06092a864886f70d010101"), b"\5\0")
    return element(0x30, rsa, element(0x03, b"\0" + key))


def key_record(bits: int) -> str:
    return f"v=DKIM1; k=rsa; p={base64.b64encode(der(bits)).decode()}"


def reverse(address: str) -> str:
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def good() -> Zones:
    zones = Zones(RealClock())
    for apex in ("jp", "arpa", "pf-names.test", "provider.net"):
        zones.zone(apex)
    zones.add(HOST, a(NEW))
    zones.add(reverse(NEW), ptr(HOST))
    zones.add("mx0.ours.jp", a(OLD))
    zones.add(reverse(OLD), ptr("mx0.ours.jp"))
    zones.add("ours.jp", a(NEW))
    zones.add("www.ours.jp", a(NEW))
    for domain in SUBJECT.domains:
        zones.add(domain, mx(10, HOST), txt(f"v=spf1 ip4:{OLD} ip4:{NEW} -all"))
        zones.add(f"_dmarc.{domain}", txt(f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}"))
        zones.add(f"s1._domainkey.{domain}", txt(key_record(2048)))
    zones.blocklist("pf-abuse.test")
    zones.add("test.pf-names.test", a("127.0.0.2"))
    return zones


@contextmanager
def serving(zones: Zones) -> Iterator[Server]:
    """The name server, in a thread."""
    loop = asyncio.new_event_loop()
    server = NameServer(zones, RealClock(), Happened())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start("127.0.0.1"), loop).result(5)
        yield Server(server.host, server.port)
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def write_lists(folder: Path) -> Path:
    return overlay.write(
        folder,
        overlay.entry("pf-abuse", tier="default", kinds="ipv4", tables=QUICK),
        overlay.entry(
            "pf-names", tier="default", kinds="domain", points=overlay.DOMAIN_POINTS, tables=QUICK
        ),
    )


@functools.cache
def knowledge(folder: Path) -> Compiled:
    return load.knowledge(write_lists(folder))


def world(server: Server, known: Compiled, *, deadline: float = 8.0) -> World:
    return World(
        servers=(server,),
        deadline=deadline,
        knowledge=known,
        terms=Terms(),
        lists=LISTS,
        required=frozenset(LISTS),
        direct=False,
        kept=lambda: Kept.open(None),
        generic=data.generic(),
        requirements=data.requirements(),
        warm_up=data.warm_up(),
        contact_page=data.contact_page(),
    )
