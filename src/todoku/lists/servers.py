"""Who is asked: the resolvers of the system, and with `--direct` each list's own name servers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from todoku.lists import wire
from todoku.lists.engine import Engine
from todoku.lists.values import Key, Server
from todoku.model import UnknownCause

RESOLV_CONF: Final = Path("/etc/resolv.conf")
WAIT: Final = 5.0
"""Seconds for the servers of all lists."""
MOST_SERVERS: Final = 8
"""Of one list."""
_MOST_RESOLVERS: Final = 3
"""As many as the C library takes (resolv.conf(5), MAXNS)."""


# ── resolvers ─────────────────────────────────────────────────────────────────────────────────


def resolvers(path: Path = RESOLV_CONF) -> tuple[Server, ...]:
    """Those of the system, none where the file cannot be read."""
    try:
        return nameservers(path.read_text("utf-8", "replace"))
    except OSError:
        return ()


def nameservers(text: str) -> tuple[Server, ...]:
    """The `nameserver` lines of a resolv.conf(5)."""
    found: dict[Server, None] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and _is_address(words[1]):
            found[Server(words[1])] = None
    return tuple(found)[:_MOST_RESOLVERS]


def public_resolver(host: str, known: Mapping[str, str]) -> str | None:
    """Whose public resolver an address is, by a table of addresses and networks (CIDR)."""
    address = ip_address(host)
    for place, operator in known.items():
        if address in ip_network(place):
            return operator
    return None


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


# ── a list's own name servers ─────────────────────────────────────────────────────────────────


class Found(dict[str, tuple[Server, ...]]):
    """The name servers of each zone that has some."""

    def __init__(self) -> None:
        super().__init__()
        self.why: dict[str, UnknownCause] = {}
        """Of each other zone, why it has none."""


def find_servers(
    zones: Iterable[str],
    resolvers: Sequence[Server],
    engine: Engine,
    *,
    port: int = 53,
    wait: float = WAIT,
) -> Found:
    """What the resolvers say within so many seconds. `port`: at which the servers are asked."""
    search = _Search(zones, resolvers)
    engine.add(search)
    end = time.monotonic() + wait
    while search.open and (now := time.monotonic()) < end:
        engine.step(min(0.5, end - now))
    engine.drop(search)
    return search.found(port)


class _Search:
    """A feed: NS of the zones, or of the zone that one lies in, and the addresses of the hosts.

    Keys are (zone, name) for NS, and (host, type) for addresses; hosts are names in wire form.
    """

    plain = False

    def __init__(self, zones: Iterable[str], resolvers: Sequence[Server]) -> None:
        self.servers = resolvers
        self.open = 0
        """Questions without an answer."""
        self._queue: deque[tuple[Key, bytes]] = deque()
        self._zones = list(dict.fromkeys(zones))
        self._why: dict[str, UnknownCause] = {}
        self._hosts: dict[str, list[bytes]] = {}
        self._addresses: dict[bytes, dict[str, None]] = {}
        for zone in self._zones:
            self._why[zone] = "timeout"
            self._ask_hosts(zone, wire.name(zone))

    def _ask(self, key: Key, name: bytes, kind: int) -> None:
        self._queue.append((key, wire.question(name, kind)))
        self.open += 1

    def _ask_hosts(self, zone: str, name: bytes) -> None:
        self._ask((zone, name), name, wire.NS)

    # ── as a feed ─────────────────────────────────────────────────────────────────────────────

    def take(self, most: int, now: float) -> Sequence[tuple[Key, bytes]]:
        return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    def ready_at(self, now: float) -> float | None:
        return now if self._queue else None

    def resent(self, count: int) -> None:
        pass

    def absent(self, keys: Sequence[Key], sample: bytes, server: Server) -> None:
        raise AssertionError("not plain")

    def lost(self, key: Key, server: Server) -> None:
        self.open -= 1

    def answered(self, key: Key, packet: bytes, server: Server, took: float) -> None:
        self.open -= 1
        try:
            parsed = wire.parse(packet)
        except wire.Malformed:
            return
        match key:
            case (str(zone), bytes(name)):
                self._hosts_told(zone, name, parsed)
            case (bytes(host), int()):
                records, _ = wire.answering(parsed)
                self._addresses[host] |= dict.fromkeys(wire.address(r.data) for r in records)
            case _:
                raise AssertionError(key)

    # ── what is learned ───────────────────────────────────────────────────────────────────────

    def _hosts_told(self, zone: str, name: bytes, said: wire.Packet) -> None:
        if said.rcode != wire.NOERROR:
            self._why[zone] = _CAUSES.get(said.rcode, "servfail")
            return
        self._why[zone] = "list-broken"
        hosts = [r.data for r in wire.answering(said)[0]][: 2 * MOST_SERVERS]
        if hosts:
            self._hosts[zone] = hosts
            for host in hosts:
                self._ask_addresses(host, said.additional)
            return
        above = next((r.name for r in said.authority if r.type == wire.SOA), None)
        if above is not None and _holds(above, name):
            self._ask_hosts(zone, above)

    def _ask_addresses(self, host: bytes, glue: Iterable[wire.Record]) -> None:
        if host in self._addresses:
            return
        told = [wire.address(r.data) for r in glue if r.name == host and r.type == wire.A]
        self._addresses[host] = dict.fromkeys(told)
        if not told:
            for kind in (wire.A, wire.AAAA):
                self._ask((host, kind), host, kind)

    def found(self, port: int) -> Found:
        """IPv6 counts only where a list has nothing else: many machines have no way there."""
        found = Found()
        for zone in self._zones:
            told = [list(self._addresses[h]) for h in self._hosts.get(zone, ())]
            usable = [[a for a in addresses if _can_be_asked(a)] for addresses in told]
            old = [[a for a in addresses if ":" not in a] for addresses in usable]
            turns = old if any(old) else usable
            # The first address of every host, then the second ones.
            depth = max(map(len, turns), default=0)
            order = dict.fromkeys(a[i] for i in range(depth) for a in turns if i < len(a))
            if order:
                found[zone] = tuple(Server(a, port, recursive=False) for a in order)[:MOST_SERVERS]
            else:
                found.why[zone] = self._why[zone]
        return found


_CAUSES: Final[Mapping[int, UnknownCause]] = {
    wire.REFUSED: "refused",
    wire.NXDOMAIN: "list-broken",
}


def _holds(above: bytes, name: bytes) -> bool:
    """Whether one name lies below the other, which is more than a top-level domain: those servers
    would say of everything that it is absent."""
    return len(above) < len(name) and name.endswith(above) and above[1 + above[0]] != 0


def _can_be_asked(text: str) -> bool:
    address = ip_address(text)
    return not (address.is_unspecified or address.is_multicast or text == "255.255.255.255")
