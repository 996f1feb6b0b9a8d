"""The vocabulary of todoku, as frozen values.

Everything that one room hands to another is one of these. They know nothing of files, clocks,
networks or of each other's rooms. `msgspec.Struct` is used for all of them: it is as frozen and as
slotted as a dataclass, an order of magnitude cheaper to build, and goes to JSON as it stands.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

VERSION: Final = 1
"""Version of the JSON contract (`v` in every object)."""

Kind = Literal["refusal", "complaint", "auto-reply", "delivered", "report", "not-a-bounce"]
Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]
Stage = Literal["CONN", "EHLO", "STARTTLS", "AUTH", "MAIL FROM", "RCPT TO", "DATA", "END OF DATA"]
IdentityKind = Literal[
    "ip", "range", "asn", "hostname", "domain", "url", "address", "content", "account"
]
Scope = Literal["ip", "range", "asn", "domain"]
ListClass = Literal["abuse", "policy", "range"]
WhoActs = Literal[
    "sender-admin",
    "sender-user",
    "domain-owner",
    "receiver-admin",
    "recipient",
    "hoster",
    "nobody",
]
Channel = Literal["form", "mail", "portal", "automatic", "none"]
Confidence = Literal["certain", "likely", "guess"]
ListRole = Literal["block", "allow", "info"]
EntryClass = Literal["abuse", "policy", "range", "allow", "info", "error"]
ListingState = Literal["listed", "not-listed", "unknown"]
UnknownCause = Literal[
    "timeout",
    "servfail",
    "refused",
    "resolver-refused",
    "unknown-code",
    "not-loopback",
    "list-broken",
    "list-dead",
    "no-key",
    "not-permitted",
    "budget",
    "truncated",
]
Health = Literal["ok", "failed", "untested"]
AnswerClass = Literal[
    "received",
    "mitigated",
    "conditionally-mitigated",
    "not-qualified",
    "nothing-detected",
    "needs-information",
    "delisted",
    "refused",
    "expires",
    "bounce",
    "unrelated",
    "unclear",
]
"""What a desk answered. `mitigated`: the desk itself calls it mitigation; `delisted`: an entry, block or
bad reputation was taken away."""
Asked = Literal[
    "confirm-link",
    "refusal-line",
    "headers",
    "cause",
    "reverse-dns",
    "authentication",
    "logs",
    "contact",
    "registration",
    "other",
]
"""What a desk wants to have."""
Language = Literal["ja", "en"]


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What the receiver answered.

    `code` is the three-digit reply code (RFC 5321, 4.2), `enhanced` the status code of RFC 3463
    (`5.7.1`), `text` the receiver's words: unfolded, continuation lines joined, the words of the
    reporting system taken away. A reply with neither code nor text is not a reply.
    """

    code: int | None = None
    enhanced: str | None = None
    text: str = ""


class Remote(msgspec.Struct, frozen=True, gc=False):
    """The server that answered, as far as the text names it."""

    host: str | None = None
    ip: str | None = None


class Refusal(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One recipient refused or deferred by one receiver in one attempt, as the input tells it.

    Made by a reader, without any judgement: the reason, the receiver and the way out are the
    business of `todoku.diagnosis`. The other kinds of mail that a reader recognises (complaints,
    automatic replies, success reports, mails that are no bounce) travel in the same value.
    """

    kind: Kind = "refusal"
    reader: str = ""
    """Which reader understood it: `delivery-report`, `qmail`, `postfix-log`, `webhook/mailgun`..."""
    action: Action | None = None
    recipient: str | None = None
    """The address that was refused, without angle brackets, as printed (never lower-cased)."""
    sender: str | None = None
    """Envelope sender of the refused message, where the returned message or the log tells it."""
    reported_by: str | None = None
    """Host name of the system that wrote the report."""
    remote: Remote = Remote()
    stage: Stage | None = None
    reply: Reply = Reply()
    notice: str = ""
    """Words of the reporting system about this recipient, where they say more than the reply does
    ("retry timeout exceeded", "Connection timed out"). Empty where the reply says it all."""
    expired: bool = False
    """The reporting system gave up after its queue time."""
    cut: bool = False
    """Only the first line of an answer of several was kept: what it leaves open is not told."""
    feedback_type: str | None = None
    """RFC 5965 `Feedback-Type`, complaints only."""
    message_id: str | None = None
    id: str | None = None
    """The caller's own id (NDJSON input)."""


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Something that can be listed. `scope` is what the entry covers, where told."""

    kind: IdentityKind
    value: str
    scope: Scope | None = None
    own: bool | None = None
    """Whether the settings name it as ours; `None` where no `[own]` is set."""


class Blocklist(msgspec.Struct, frozen=True, gc=False):
    """The list that the receiver consulted: `id` of the knowledge, `zone` where DNS serves it."""

    id: str
    zone: str | None = None
    class_: ListClass | None = msgspec.field(default=None, name="class")


class Removal(msgspec.Struct, frozen=True, gc=False):
    """The way out of a list or a bad reputation."""

    channel: Channel
    url: str | None = None
    address: str | None = None
    requires: tuple[str, ...] = ()
    expires: str | None = None
    """When it ends by itself, as the operator words it (`24h`, `7d`), where known."""


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """Where in `reply.text` a field was read; offsets count Unicode code points."""

    field: str
    start: int
    end: int


class Sisimai(msgspec.Struct, frozen=True, gc=False):
    """The verdict in Sisimai's words, for those who migrate."""

    reason: str
    hardbounce: bool


class Diagnosis(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The binding answer of `todoku diagnose` (docs/reference/diagnosis.schema.json)."""

    v: int = VERSION
    source: str = "-"
    kind: Kind
    action: Action | None
    recipient: str | None
    sender: str | None
    reported_by: str | None
    remote: Remote
    stage: Stage | None
    reply: Reply
    reason: str | None
    temporary: bool | None
    receiver: str | None
    gateway: str | None
    receiver_code: str | None
    blocked: tuple[Identity, ...]
    blocklist: Blocklist | None
    urls: tuple[str, ...]
    removal: Removal | None
    who_acts: WhoActs | None
    remedy: tuple[str, ...]
    rule: str | None
    confidence: Confidence | None
    evidence: tuple[Evidence, ...]
    sources: tuple[str, ...]
    sisimai: Sisimai | None
    feedback_type: str | None = None
    id: str | msgspec.UnsetType | None = msgspec.UNSET
    message_id: str | None = None
    refused_by: Literal["receiver", "own-smarthost"] | None = None
    """Who answered, where `[own]` names our smarthosts; `None` where nothing is set."""
    knowledge: str | None = None
    """Version of the knowledge that made this diagnosis."""


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What a list was asked about: an address, a host name or a domain; a range only where the list
    could say nothing of any of its addresses."""

    kind: Literal["ip", "range", "hostname", "domain"]
    value: str


class Entry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One answer code of a list, and what it means there."""

    code: str
    meaning: str
    """In the language of the run."""
    class_: EntryClass = msgspec.field(name="class")
    scope: Scope
    weight: float | None = None
    """How much other mail systems make of it: 1 is a hint, 7 refuses by itself."""
    list: str | None = None
    """The part list that this code stands for (`spamhaus-pbl`), where a zone serves several."""
    removal: Removal | None = None


class Finding(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The binding answer of `todoku check`: one identity at one list."""

    v: int = VERSION
    identity: Subject
    list: str
    zone: str
    role: ListRole
    state: ListingState
    cause: UnknownCause | None = None
    """Only with `unknown`."""
    partial: bool = False
    """The answer held an error beside what it says."""
    codes: tuple[str, ...] = ()
    """All addresses of the answer, sorted."""
    entries: tuple[Entry, ...] = ()
    text: str | None = None
    """The list's own words (TXT), untrusted."""
    detail: str | None = None
    """For `unknown`: the proof, or what to do, as one sentence in the language of the run."""
    first_seen: str | None = None
    asked: str | None = None
    """The name that was asked, a key masked; `None` where nothing was asked."""
    server: str | None = None
    took_ms: float | None = None
    health: Health = "untested"
    at: str
    """When this was answered (RFC 3339, UTC); earlier than now where a kept answer still holds."""


def to_json(value: Any) -> bytes:
    """The JSON of any value of this module, one line, UTF-8."""
    return msgspec.json.encode(value)
