"""The shape of `lists/*.toml` and of `resolvers.toml`: a blocklist, how it is asked, what its answers mean."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from todoku.knowledge.desks import Desk, Text
from todoku.model import EntryClass, ListClass, ListRole, Scope, UnknownCause

AskKind = Literal["ipv4", "ipv6", "domain"]
Tier = Literal["default", "key", "optional", "candidate", "never"]
ListStatus = Literal[
    "alive",
    "conflicting",
    "documented",
    "unknown",
    "merged",
    "renamed",
    "fraudulent",
    "dead",
]


Shown: TypeAlias = Literal["compromised", "traps", "reputation"]
"""`compromised`: an infected or exploited host, an open proxy, guessed passwords. `traps`: mail to
addresses that never asked for any. `reputation`: much mail that people do not want, by measure."""


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one answer of a list means.

    `code` is an address (`127.0.0.2`), a range (`127.0.0.5-127.0.0.7`), a shape with `X` for any
    octet (`127.0.X.3`), or, where `code_mode` is `bitmask`, a bit of the last octet (`bit 8`).
    The most exact entry wins: address, range, shape."""

    code: str
    meaning: Text
    class_: EntryClass = msgspec.field(name="class", default="abuse")
    scope: Scope | None = None
    weight: float | None = None
    desk: str | None = None
    list: str | None = None
    """Id of the part list that this code stands for."""
    cause: UnknownCause | None = None
    """With class `error`: what the error is. Without it: `resolver-refused`."""
    shows: Shown | None = None
    """What such an entry says of the host, where its operator says so: what to look for first."""


class TestPoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Names and addresses that the list always, or never, lists (RFC 5782, section 5)."""

    __test__ = False  # no class of tests

    listed: tuple[str, ...] = ()
    not_listed: tuple[str, ...] = ()
    basis: Literal["operator", "rfc5782", "third-party"] = "rfc5782"
    """Who says so; `rfc5782`: assumed."""
    gives: tuple[str, ...] = ()
    """What a listed point answers, where it is no code of a listing."""
    random: bool = True
    """A random address of 192.0.2.0/24, or a random name below `invalid`, is never listed.
    False for lists of bogons, which may list such ranges on purpose."""


class Usage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The operator's terms."""

    per_day: int | None = None
    per_second: float | None = None
    commercial: Literal["free", "agreement", "not-told"] = "not-told"
    """`agreement`: commercial use of the free service is forbidden without one."""
    public_resolvers: bool = True
    """Whether questions from public resolvers are answered."""
    registration: bool = False
    """The resolver's address must be registered with the operator first."""
    url: str | None = None
    """Where one registers, or gets a key or an agreement."""
    note: Text | None = None


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A private label in front of the zone: `<query>.<key>.<zone>`."""

    name: str
    """Of the key in `[lists] keys`; lists of one contract share it: `spamhaus-dqs`."""
    zone: str | None = None
    """The zone that takes the key, where it is another than the public one."""
    required: bool = True
    """False: without a key the public zone is asked."""
    lifts: bool = False
    """With a key the terms for commercial use and public resolvers no longer apply."""
    pattern: str | None = None
    """Regular expression of a well-made key."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a list is asked by DNS, and what its answers mean (`[lists.ask]`)."""

    role: ListRole = "block"
    kinds: tuple[AskKind, ...] = ()
    """Never asked for a kind that does not stand here. Empty: nobody tells, or it is asked by hashes;
    named by a person, it is asked for whatever its health test proves."""
    tier: Tier = "never"
    names: Literal["host", "registered"] = "host"
    """For domains: asked as given, or by the registered domain (public suffix list)."""
    ipv6_prefix: int = 128
    """What an IPv6 entry covers: 64 where the list keeps /64 only."""
    code_mode: Literal["exact", "bitmask", "structured"] = "exact"
    codes: tuple[Code, ...] = ()
    open: bool = False
    """Codes besides those of the table are listings too. Always so without a table."""
    category_octet: int | None = None
    """Structured codes: the octet (1 to 4) whose value `categories` names."""
    categories: dict[str, Text] = {}
    criterion: Text | None = None
    """What gets one listed, in a sentence: the meaning of codes that no table names."""
    list_class: ListClass | None = None
    """Class of codes that no table names; default: that of the list, else `abuse`."""
    scope: Scope | None = None
    weight: float | None = None
    test: TestPoints = TestPoints()
    lookup_url: str | None = None
    usage: Usage = Usage()
    key: Key | None = None
    part_of: str | None = None
    """Id of a list whose zone holds this one's entries too."""
    moved_to: str | None = None
    """Id of the list that it was merged into or renamed to."""
    dead: Literal["wildcard", "empty", "timeout", "servfail", "refused", "unknown"] | None = None
    """What a zone without service answers."""
    since: str | None = None
    """Date of the status: when it died, or was last seen alive."""
    became: Text | None = None
    """What became of it, for a person who names it; or on what the status rests."""
    note: Text | None = None
    """A trap to know."""


class ListEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A public or private blocklist: what refusals call it, and how it is asked."""

    id: str
    name: str
    zones: tuple[str, ...] = ()
    """DNS zones, the first being the one to show and to ask."""
    names: tuple[str, ...] = ()
    """Other names that refusals call it by: `Spamhaus PBL`, `BRBL`."""
    operator: str | None = None
    list_class: ListClass | None = None
    status: ListStatus = "alive"
    desk: str | None = None
    source: tuple[str, ...] = ()
    date: str | None = None
    ask: Ask | None = None
    """Left out of `Compiled.lists`; `Compiled.asks` has them all."""


class Lists(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file of `lists/`: one operator's lists and its desks."""

    schema: int
    id: str
    origin: str = ""
    licence: str = ""
    desks: dict[str, Desk] = {}
    texts: dict[str, Text] = {}
    lists: tuple[ListEntry, ...] = ()


class PublicResolver(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A resolver that anybody may ask, and that many lists therefore turn away."""

    name: str
    addresses: tuple[str, ...]
    """Addresses and networks (CIDR)."""


class Resolvers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`resolvers.toml`."""

    schema: int
    origin: str = ""
    licence: str = ""
    source: tuple[str, ...] = ()
    date: str | None = None
    resolvers: tuple[PublicResolver, ...] = ()
