"""What happens in the lab, as values: for tests, for the demo's eyes, and for nobody in the product.

lab.happened.of(Answered)                      all of a kind, oldest first
await lab.happened.next(Delivered)             the next one
lab.happened.listen(print)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from todoku.model import Stage


class Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="what"):
    at: datetime
    """By the lab's clock."""


class Asked(Happening, frozen=True, kw_only=True, tag="asked"):
    """The name server was asked."""

    name: str
    type: int
    rcode: int
    found: int
    """Records in the answer."""


class Listed(Happening, frozen=True, kw_only=True, tag="listed"):
    zone: str
    address: str


class Unlisted(Happening, frozen=True, kw_only=True, tag="unlisted"):
    zone: str
    address: str


class Met(Happening, frozen=True, kw_only=True, tag="met"):
    """A receiver said yes (after the end of data) or no to somebody."""

    host: str
    source: str
    stage: Stage
    code: int
    reply: str
    sender: str | None = None
    recipients: tuple[str, ...] = ()


class Arrived(Happening, frozen=True, kw_only=True, tag="arrived"):
    """Mail lies in a mailbox of a receiver."""

    host: str
    source: str
    recipient: str
    folder: Literal["inbox", "junk"]
    path: str


class Changed(Happening, frozen=True, kw_only=True, tag="changed"):
    """What a receiver thinks of a source address."""

    receiver: str
    source: str
    how: Literal["blocked", "mitigated", "limits-ended", "complained"]


class Filed(Happening, frozen=True, kw_only=True, tag="filed"):
    """A request came in by the desk's form."""

    ticket: str
    addresses: tuple[str, ...]
    contact: str
    domain: str
    error: str
    by_mail: bool = False


class Wrote(Happening, frozen=True, kw_only=True, tag="wrote"):
    """The desk wrote a mail."""

    ticket: str
    answer: str
    """Its name in desk.toml."""
    to: str
    subject: str
    delivered: bool
    forged: bool = False
    """It was somebody else, in the desk's name."""


class Read(Happening, frozen=True, kw_only=True, tag="read"):
    """The desk got a mail. `ticket`: which one it belongs to, where it names one."""

    ticket: str | None
    sender: str
    subject: str
    insists: bool


class Queued(Happening, frozen=True, kw_only=True, tag="queued"):
    """The sending server took a message; it is on disk."""

    queue_id: str
    sender: str
    recipients: tuple[str, ...]


class Attempted(Happening, frozen=True, kw_only=True, tag="attempted"):
    """The sending server tried to deliver to one recipient."""

    queue_id: str
    recipient: str
    source: str | None
    host: str | None
    status: Literal["sent", "deferred", "bounced"]
    reply: str


class Returned(Happening, frozen=True, kw_only=True, tag="returned"):
    """A report went back to the sender."""

    queue_id: str
    action: Literal["failed", "delayed"]
    to: str


class Delivered(Happening, frozen=True, kw_only=True, tag="delivered"):
    """Mail lies in a mailbox of our own."""

    queue_id: str
    mailbox: str
    path: str


H = TypeVar("H", bound=Happening)


class Happened:
    """All of it. Belongs to one event loop."""

    def __init__(self) -> None:
        self.all: deque[Happening] = deque(maxlen=100_000)
        self._listeners: list[Callable[[Happening], object]] = []

    def add(self, happening: Happening) -> None:
        self.all.append(happening)
        for listener in tuple(self._listeners):
            listener(happening)

    def listen(self, listener: Callable[[Happening], object]) -> Callable[[], None]:
        """Call it with each from now on. Returns what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def of(self, kind: type[H]) -> list[H]:
        return [h for h in self.all if isinstance(h, kind)]

    async def next(
        self, kind: type[H], where: Callable[[H], bool] = lambda _: True, *, within: float = 10
    ) -> H:
        """The next of a kind. Raises `TimeoutError` after `within` seconds of the machine."""
        found: asyncio.Future[H] = asyncio.get_running_loop().create_future()

        def look(happening: Happening) -> None:
            if not found.done() and isinstance(happening, kind) and where(happening):
                found.set_result(happening)

        stop = self.listen(look)
        try:
            return await asyncio.wait_for(found, within)
        finally:
            stop()
