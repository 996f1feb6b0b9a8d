"""One way of asking a list, in a process of its own: `lists_peers.py WAY PORT NAMES`.

NAMES is a file of names, one a line, prepared before the time is taken. Prints one JSON object:
seconds, those of the processor among them, how many were found, how many failed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

ZONE = "bl.test"


class Told(NamedTuple):
    seconds: float
    processor: float
    """Seconds of it, of this process."""
    found: int
    failed: int


class Watch:
    """Times from when it is made."""

    def __init__(self) -> None:
        self._begin = time.perf_counter(), time.process_time()

    def told(self, found: int, failed: int) -> Told:
        now = time.perf_counter(), time.process_time()
        seconds, processor = (n - b for n, b in zip(now, self._begin, strict=True))
        return Told(seconds, processor, found, failed)


def aiodns(port: int, names: Sequence[str]) -> Told:
    """200 under way, as pydnsbl has them."""
    import aiodns as peer

    async def ask(resolver: Any, slots: asyncio.Semaphore, name: str) -> int:
        async with slots:
            try:
                await resolver.query(name, "A")
            except peer.error.DNSError as error:
                return 0 if error.args[0] == 4 else -1  # 4: there is no such name
            return 1

    async def all_of_them() -> Told:
        resolver = peer.DNSResolver(["127.0.0.1"], udp_port=port, timeout=5, tries=2)
        slots = asyncio.Semaphore(200)
        watch = Watch()
        done = await asyncio.gather(*(ask(resolver, slots, name) for name in names))
        return watch.told(done.count(1), done.count(-1))

    return asyncio.run(all_of_them())


def pydnsbl(port: int, names: Sequence[str]) -> Told:
    import aiodns as resolving
    import pydnsbl as peer
    from pydnsbl.providers import Provider

    addresses = [".".join(name.removesuffix(f".{ZONE}").split(".")[::-1]) for name in names]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    checker = peer.DNSBLIpChecker(providers=[Provider(ZONE)], loop=loop)

    async def here() -> Any:
        return resolving.DNSResolver(["127.0.0.1"], udp_port=port, timeout=5, tries=2)

    checker._resolver = loop.run_until_complete(here())
    watch = Watch()
    done = checker.bulk_check(addresses)
    told = watch.told(sum(r.blacklisted for r in done), 0)
    return told._replace(failed=sum(bool(r.failed_providers) for r in done))


def engine(port: int, names: Sequence[str]) -> Told:
    """todoku's engine alone, one feed a name: all that one address needs at many lists."""
    from todoku.lists import wire
    from todoku.lists.engine import Engine
    from todoku.lists.values import Key, Server

    class One:
        plain = False

        def __init__(self, name: str) -> None:
            self.servers: Sequence[Server] = (Server("127.0.0.1", port, recursive=False),)
            self.left = [(name, wire.question(wire.name(name), wire.A))]
            self.found = self.failed = 0

        def take(self, most: int, now: float) -> Sequence[tuple[Key, bytes]]:
            got, self.left = self.left[:most], self.left[most:]
            return got

        def ready_at(self, now: float) -> float | None:
            return now if self.left else None

        def resent(self, count: int) -> None:
            pass

        def absent(self, keys: Sequence[Key], sample: bytes, server: Server) -> None:
            pass

        def answered(self, key: Key, packet: bytes, server: Server, took: float) -> None:
            self.found += len(wire.parse(packet).answers)

        def lost(self, key: Key, server: Server) -> None:
            self.failed += 1

    watch = Watch()
    feeds = [One(name) for name in names]
    with Engine() as asking:
        for feed in feeds:
            asking.add(feed)
        while not asking.idle:
            asking.step(1)
    return watch.told(sum(f.found for f in feeds), sum(f.failed for f in feeds))


WAYS = {"aiodns": aiodns, "pydnsbl": pydnsbl, "engine": engine}

if __name__ == "__main__":
    way, port, file = sys.argv[1:]
    told = WAYS[way](int(port), Path(file).read_text("ascii").split())
    print(json.dumps(told._asdict()))
