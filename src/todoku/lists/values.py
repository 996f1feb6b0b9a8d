"""What the parts of the room hand to one another."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from todoku.model import Health, ListingState, Subject, UnknownCause


class Server(NamedTuple):
    """A name server. `recursive`: it is asked to find the answer itself (RD)."""

    host: str
    port: int = 53
    recursive: bool = True

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Answer(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What came back to one question, as facts: no judgement, nothing that ages."""

    rcode: int | None
    """`None`: nothing came before the time was up."""
    addresses: tuple[str, ...] = ()
    """Of all A records, in the order of the packet."""
    text: str | None = None
    """TXT records: the strings of a record joined, records on lines of their own."""
    truncated: bool = False
    """The answer did not fit, and TCP did not bring it either."""
    malformed: bool = False
    """It cannot be read; the rcode is FORMERR."""
    ttl: int = 0
    """Seconds it may be kept (RFC 1035; RFC 2308 for a negative one)."""
    asked: str = ""
    """The name, a key masked."""
    server: str | None = None
    took: float | None = None
    """Seconds."""
    at: float
    """When it came, or was given up (Unix time)."""


class HealthRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Whether a list can be trusted through one upstream: it lists its test point, and not the
    world. `failed` always has a cause and, in both languages, the proof."""

    state: Health
    cause: UnknownCause | None = None
    detail: dict[Literal["ja", "en"], str] | None = None
    at: float


Key: TypeAlias = Hashable
"""How a feed knows its own questions again."""


class Feed(Protocol):
    """The questions for one list at its servers: what the engine asks, and tells the answers."""

    servers: Sequence[Server]
    """In the order in which they are tried; the engine spreads first tries over all of them."""
    plain: bool
    """True: answers that say only "no such name" are handed over in bulk (`absent`), without
    their packets. False: every answer goes to `answered`."""

    def take(self, most: int, now: float) -> Sequence[tuple[Key, bytes]]:
        """Up to `most` questions to be sent now, each as (key, question section in wire form)."""
        ...

    def ready_at(self, now: float) -> float | None:
        """When `take` will have something (<= now: at once); `None`: not before an answer to a
        question under way, or never."""
        ...

    def resent(self, count: int) -> None:
        """So many questions were sent once more: they count against the budget."""
        ...

    def absent(self, keys: Sequence[Key], sample: bytes, server: Server) -> None:
        """NXDOMAIN for these. `sample` is one of the packets, for its negative TTL."""
        ...

    def answered(self, key: Key, packet: bytes, server: Server, took: float) -> None:
        """A packet whose id, server and question match. A truncated one (TC set) means that TCP
        failed too. SERVFAIL and REFUSED come only after other servers of the feed were tried."""
        ...

    def lost(self, key: Key, server: Server) -> None:
        """No answer from any server in any try."""
        ...


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the lists are asked through."""

    kind: Literal["resolver", "server", "direct"]
    """The user's resolver; one named server that holds the zones itself; or each list's own."""
    servers: tuple[Server, ...]
    """With `direct`: the resolver that tells the lists' servers."""

    @property
    def name(self) -> str:
        """By which health, answers and budgets are kept."""
        return self.kind if self.kind == "direct" else f"{self.kind} {self.servers[0]}"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One identity that a person named."""

    given: str
    subject: Subject | None = None
    """A single address, host name or domain; `None` for a range."""
    range: str | None = None
    """CIDR, by its first address."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What `todoku check` was asked to do."""

    targets: tuple[Target, ...]
    lists: tuple[str, ...]
    """Ids of the knowledge, or zones of its lists that are to be asked, in order of weight. Zones
    that the knowledge does not have are asked by the defaults of RFC 5782."""
    upstream: Upstream
    unlimited: bool = False
    """No list's rate or budget is minded: the server is one's own."""
    rate: float | None = None
    """Questions a second for each list, instead of what the knowledge says; no more than the
    operators permit."""
    agreed: bool = False
    """The operators agreed to `rate`, or the server is one's own."""
    deadline: float | None = None
    """Seconds from the start; what is late is `unknown`."""
    only: frozenset[ListingState] = frozenset({"listed", "not-listed", "unknown"})
    """Of ranges: the findings that are made. Of single identities all are."""
    fresh: bool = False
    """Kept answers and kept health are not used."""
    restart: bool = False
    """A sweep that was stopped begins anew."""


class Progress(NamedTuple):
    """How far a sweep is: questions done and in all, listed so far, seconds that are left at
    this rate."""

    done: int
    total: int
    listed: int
    left: float | None


class Notice(NamedTuple):
    """Something said once for a run: the resolver is a public one, a sweep goes on."""

    key: str
    values: dict[str, Any]


class Clean(NamedTuple):
    """How many identities of a target a list does not list, told once at the end for each list and
    target. A sweep of 65,536 addresses makes no finding for each where `only` leaves these out,
    and yet the verdict and the exit code must know that the list answered."""

    given: str
    """`Target.given`."""
    list: str
    zone: str
    number: int


class Unclear(NamedTuple):
    """How many addresses of a range a list could not tell of, and why: once at the end for each
    list, range and cause. They make a finding each only where `only` wants the unknown ones."""

    given: str
    list: str
    zone: str
    cause: UnknownCause
    number: int
