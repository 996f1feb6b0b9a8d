"""The shape of the knowledge files, and of the one file they are compiled to.

A knowledge file is TOML. One file a receiver (`receivers/*.toml`: mailbox providers, gateways,
server defaults, wordings), one a group of lists (`lists/*.toml`), general rules by wording
(`general/*.toml`), and four tables: `reasons.toml`, `texts.toml`, `identities.toml`, `resolvers.toml`.
`docs/knowledge.md` tells how to write one.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from todoku.model import (
    Channel,
    EntryClass,
    ListClass,
    ListRole,
    Scope,
    Stage,
    UnknownCause,
    WhoActs,
)

SCHEMA = 1

Kind = Literal["mailbox", "gateway", "server", "wording", "general"]
"""`mailbox`: runs mailboxes. `gateway`: a filter product or service in front of other people's
mailboxes. `server`: what a mail server prints unless its administrator changed it. `wording`: how
receivers quote a public list. `general`: words that any receiver may use. The last three say
nothing about who the receiver is."""


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence in both languages."""

    ja: str
    en: str


DeskLanguage = Literal["de", "en", "fr", "ja"]
"""Languages in which todoku writes to desks. To one that reads none of them it writes English."""
Field = Literal[
    "address",
    "authenticator",
    "code",
    "company",
    "company-kind",
    "contact-email",
    "contact-name",
    "description",
    "domain",
    "host-name",
    "imprint",
    "mail-kind",
    "mended",
    "phone",
    "recipient",
    "recipient-domain",
    "reference",
    "refusal",
    "shared",
    "time-zone",
    "title",
]
"""What desks ask for, in their forms or in mail to them. `reference`: a number of theirs that stands
in the refusal; `authenticator`: another, beside it."""


class Desk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who decides on removal at a receiver or list, and how one asks."""

    channel: Channel
    url: str | None = None
    address: str | None = None
    requires: tuple[str, ...] = ()
    """What must hold before one asks: `cause-fixed`, `reverse-dns`, `owner`, `contact-page`,
    `authentication`, `account`, `confirm-link`, ..."""
    expires: str | None = None
    """When an entry goes away by itself: `24h`, `7d`."""
    wait: str | None = None
    """How long an answer or its effect takes: `24-48h`."""
    fields: tuple[Field, ...] = ()
    """What the form or mail must hold, in the order of the form; empty: what one would tell any desk."""
    languages: tuple[DeskLanguage, ...] = ("en",)
    """In which it reads what it is told, the best first."""
    note: Text | None = None
    source: tuple[str, ...] = ()
    date: str | None = None


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
