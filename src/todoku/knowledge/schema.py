"""The shape of the knowledge files, and of the one file they are compiled to.

A knowledge file is TOML. One file a receiver (`receivers/*.toml`: mailbox providers, gateways,
server defaults, wordings), one a group of lists (`lists/*.toml`), general rules by wording
(`general/*.toml`), and four tables: `reasons.toml`, `texts.toml`, `identities.toml`, `resolvers.toml`.
`docs/knowledge.md` tells how to write one. What is in two modules beside this one (`desks`,
`list_schema`) is to be had here too.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from todoku.knowledge.desks import Desk, DeskLanguage, Field, Text
from todoku.knowledge.list_schema import (
    Ask,
    AskKind,
    Code,
    Key,
    ListEntry,
    Lists,
    ListStatus,
    PublicResolver,
    Resolvers,
    Shown,
    TestPoints,
    Tier,
    Usage,
)
from todoku.model import (
    ListClass,
    Scope,
    Stage,
    WhoActs,
)

__all__ = [
    "SCHEMA",
    "Ask",
    "AskKind",
    "Code",
    "Compiled",
    "Cue",
    "Cues",
    "Desk",
    "DeskLanguage",
    "Example",
    "Field",
    "Gives",
    "Key",
    "Kind",
    "KnowledgeError",
    "ListEntry",
    "ListStatus",
    "Lists",
    "PublicResolver",
    "Reason",
    "Reasons",
    "Receiver",
    "Resolvers",
    "Rule",
    "Shown",
    "Status",
    "Statuses",
    "TestPoints",
    "Text",
    "Texts",
    "Tier",
    "Usage",
]

SCHEMA = 1

Kind = Literal["mailbox", "gateway", "server", "wording", "general"]
"""`mailbox`: runs mailboxes. `gateway`: a filter product or service in front of other people's
mailboxes. `server`: what a mail server prints unless its administrator changed it. `wording`: how
receivers quote a public list. `general`: words that any receiver may use. The last three say
nothing about who the receiver is."""


class Gives(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fields that an example must give. The rule itself and its reason are always checked."""

    receiver: str | msgspec.UnsetType | None = msgspec.UNSET
    gateway: str | msgspec.UnsetType | None = msgspec.UNSET
    receiver_code: str | msgspec.UnsetType | None = msgspec.UNSET
    blocked: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    blocklist: str | msgspec.UnsetType | None = msgspec.UNSET
    temporary: bool | msgspec.UnsetType | None = msgspec.UNSET
    who_acts: WhoActs | msgspec.UnsetType = msgspec.UNSET


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reply that the rule must win, and what the diagnosis must then hold."""

    text: str
    host: str | None = None
    recipient: str | None = None
    stage: Stage | None = None
    gives: Gives = Gives()


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that a receiver says, and what it means."""

    id: str
    match: tuple[str, ...] = ()
    """Regular expressions without look-around, any of which is enough. Upper and lower case are
    equal; text is one line with single blanks. Groups: `code`, `list`, and for the identity that
    is blocked `ip`, `range`, `asn`, `host`, `domain`, `address`, `url`. `{{ip}}`, `{{domain}}`,
    `{{address}}`, `{{host}}`, `{{url}}`, `{{list}}`, `{{range}}`, `{{asn}}` stand for well-made
    groups of that name; `{{any-ip}}` ... match the same without being the blocked identity."""
    phrases: tuple[str, ...] = ()
    """Fixed words, any of which is enough."""
    reason: str
    scope: Scope | None = None
    """What the entry, reputation or limit covers. With `ip` or `range`, an address that the text
    names as the sender's is the blocked identity."""
    stages: tuple[Stage, ...] = ()
    """The rule counts only at these stages (where the stage is known)."""
    refuses_at: Stage | None = None
    """The stage at which this receiver refuses for this ground."""
    known: bool = False
    """The words are common: they count only where the receiver is known from its host, its marks
    or the recipient's domain."""
    rank: int = 0
    """Higher wins. 10 corrects another rule; -10 is so general that anything else is better."""
    code: str | None = None
    """The receiver's own code, where it stands in the text but no group `code` catches it."""
    list: str | None = None
    """Id of the list consulted."""
    list_class: ListClass | None = None
    who: WhoActs | None = None
    desk: str | None = None
    """`desk-id` of this file, or `owner/desk-id` of another."""
    remedy: tuple[str, ...] = ()
    """Ids of texts, of this file or of `texts.toml`. Empty: those of the reason."""
    meaning: Text | None = None
    """What it means, where the reason alone does not say it."""
    temporary: bool | None = None
    """Only where the answer's code does not tell the truth about trying again."""
    doubtful: bool = False
    """This receiver says the same for other grounds too: the verdict is never `certain`."""
    sisimai: str | None = None
    """Sisimai's word, where it differs from that of the reason."""
    precedes_block: bool = False
    """A deferral that tends to come before a block."""
    source: tuple[str, ...] = ()
    """URLs of pages, or where the fact was read."""
    date: str | None = None
    origin: str | None = None
    licence: str | None = None
    aliases: tuple[str, ...] = ()
    disabled: bool = False
    examples: tuple[Example, ...] = ()


class Receiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One receiver, gateway, server or wording: a file of `receivers/` or `general/`."""

    schema: int
    id: str
    name: Text
    kind: Kind = "mailbox"
    hosts: tuple[str, ...] = ()
    """Names of answering hosts: `mx1.example.com`, `*.example.com` (any depth), `mx?.example.com`,
    `mx*.example.com` (within a label)."""
    domains: tuple[str, ...] = ()
    """Recipient domains, the weakest sign: `example.com`, `*.example.com`, `example.*`."""
    called: dict[str, str] = {}
    """What users call it, in lower case, and a domain of it that they mean: `{ "ドコモ" = "docomo.ne.jp" }`.
    No word that means something else, too: "mail", "orange", the program Outlook."""
    marks: tuple[str, ...] = ()
    """Regular expressions of words that only this receiver prints."""
    codes: tuple[str, ...] = ()
    """Regular expressions with a group `code`: how this receiver prints its own codes. Tried
    where the receiver is known and the winning rule caught none."""
    also: tuple[str, ...] = ()
    """Receivers whose rules hold here too."""
    origin: str = ""
    licence: str = ""
    source: tuple[str, ...] = ()
    date: str | None = None
    note: Text | None = None
    desks: dict[str, Desk] = {}
    texts: dict[str, Text] = {}
    rules: tuple[Rule, ...] = ()


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One reason of the vocabulary (diagnosis contract)."""

    title: Text
    """Short, for a table."""
    ground: Text
    """The second sentence of a verdict: what the ground is."""
    who: WhoActs
    remedy: tuple[str, ...]
    remedy_policy: tuple[str, ...] = ()
    """Steps where the list holds addresses that should not send directly (class `policy`)."""
    sisimai: str
    sisimai_unsupported: str | None = None
    """Sisimai's word where neither the stage nor the status code supports the words."""
    sisimai_at_mail: str | None = None
    """Sisimai's word where general words say so at `MAIL FROM`."""
    hardbounce: bool = False


class Reasons(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    reasons: dict[str, Reason]


class Texts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    schema: int
    texts: dict[str, Text]


class Status(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an enhanced status code (RFC 3463, IANA registry) or a reply code means by itself."""

    code: str
    reason: str
    sisimai: str | None = None
    source: tuple[str, ...] = ()


class Statuses(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`general/status.toml`-like tables; the most exact entry wins (`5.7.1` before `5.7`)."""

    schema: int
    enhanced: tuple[Status, ...] = ()
    reply: tuple[Status, ...] = ()


class Cue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Words by which any receiver shows the address that it blocks, or one that is not blocked."""

    match: str
    blocked: bool = True
    why: str = ""


class Cues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`identities.toml`."""

    schema: int
    cues: tuple[Cue, ...]


# ── compiled ──────────────────────────────────────────────────────────────────────────────────


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """All knowledge in one value. Examples are left out; rules know their file by index."""

    format: int
    version: str
    """Short hash of the sources: the `knowledge` field of a diagnosis."""
    receivers: tuple[Receiver, ...]
    rules: tuple[Rule, ...]
    owner: tuple[int, ...]
    """For each rule the index of its receiver."""
    patterns: tuple[str, ...]
    """Expanded regular expressions, rules' first, then marks."""
    digest: str
    """Hash of the patterns, as the engine compiles them."""
    rule_of: tuple[int, ...]
    """For each pattern its rule; -1 - i for a mark of receiver i."""
    literals: tuple[tuple[str, ...], ...]
    """For each pattern lower-cased words, one of which any match must hold (pure path)."""
    lists: tuple[ListEntry, ...]
    asks: msgspec.Raw
    """`dict[str, Ask]` by list id, decoded by who asks lists (`lists_of`): `diagnose` starts
    faster without it."""
    resolvers: msgspec.Raw
    """`dict[str, str]`: address or network of a public resolver to its name, decoded by who asks
    lists (`public_resolvers`)."""
    desks: dict[str, Desk]
    """`owner/desk-id`."""
    texts: dict[str, Text]
    """`id`, or `owner/id` for a file's own."""
    reasons: dict[str, Reason]
    statuses: Statuses
    cues: tuple[Cue, ...]
    cue_words: tuple[tuple[str, ...], ...]
    """For each cue what `literals` is for a pattern."""
    answers: msgspec.Raw
    """`tuple[AnswerRules, ...]`, decoded by who reads desks' answers (`answers_of`)."""


class KnowledgeError(Exception):
    """A knowledge file that cannot be used. `problems` are sentences with file, line and rule."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
