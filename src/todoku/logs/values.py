"""What a log tells, as frozen values: each attempt, and the sums that `todoku logs` prints."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from todoku.model import (
    VERSION,
    Blocklist,
    Diagnosis,
    Identity,
    Removal,
    Stage,
    WhoActs,
)

Outcome = Literal["sent", "deferred", "bounced", "expired"]
"""`expired`: the queue time of a message ran out; its attempts are told by lines of their own."""


class Message(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the other lines of a message tell; `None` where the log holds none of them."""

    sender: str | None = None
    """Envelope sender; empty for notifications."""
    client: str | None = None
    """Who handed it in: `host[address]` (the address alone where it has no name), or a program of this
    machine: `uid=33`, `U=www-data`, `cwd=/home/alice/www`."""
    user: str | None = None
    """The account that was logged in."""
    message_id: str | None = None
    size: int | None = None
    """Bytes."""
    about: str | None = None
    """Queue id of the message that this one, a notification, tells of."""


class Delivery(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One attempt to deliver one message to one recipient."""

    time: float | None
    """Seconds since 1970, UTC; `None` where the line has no stamp."""
    host: str | None
    """The machine that wrote the line."""
    instance: str | None
    """`postfix`, `postfix-out2`: the `syslog_name` of a Postfix; the program elsewhere."""
    transport: str | None
    """`smtp`, `bulk/smtp`; Exim's transport, Exchange's connector."""
    source: str | None
    """The address that it was sent from, where `[own]` knows it for the transport."""
    queue_id: str | None
    recipient: str | None
    """Hashed, in clear or `None`, as was asked for."""
    domain: str | None
    """The recipient's, lower case."""
    relay: str | None
    relay_ip: str | None
    outcome: Outcome
    status: str | None
    """The mail server's own enhanced code (`dsn=`)."""
    code: int | None
    enhanced: str | None
    stage: Stage | None
    template: str | None
    """The receiver's answer without what belongs to this message alone."""
    delay: float | None
    """Seconds from the message's arrival to this attempt."""
    message: Message
    diagnosis: Diagnosis | None
    """`None` for what was sent. Made once for all answers with this template: its recipient,
    sender and words are those of the first of them."""


# ── what is printed ───────────────────────────────────────────────────────────────────────────


class Deliveries(msgspec.Struct, frozen=True, gc=False):
    """Attempts by outcome. `deferred` counts each attempt, not each message."""

    sent: int = 0
    bounced: int = 0
    deferred: int = 0
    expired: int = 0
    """Messages whose queue time ran out."""


class NotUnderstood(msgspec.Struct, frozen=True, gc=False):
    """Lines that no reader of a mail server's log knows."""

    other_programs: int = 0
    """Well-formed lines of programs that are no mail server."""
    unknown: int = 0
    """All else."""


class Watched(msgspec.Struct, frozen=True, gc=False):
    """How far receivers could be watched for a refusal share that rises."""

    receivers: int = 0
    """Held against their own past."""
    unknown: int = 0
    """Their past is too short, or too little mail, to tell anything: below two weeks as a rule."""


class Summary(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The first line of `todoku logs --json`: what was read, and what became of the mail."""

    v: int = VERSION
    kind: Literal["summary"] = "summary"
    lines: int
    understood: int
    """Lines of a mail server whose shape is known."""
    not_understood: NotUnderstood
    deliveries: Deliveries
    first: str | None
    """Time of the earliest attempt (RFC 3339, UTC)."""
    last: str | None
    formats: tuple[str, ...]
    """`postfix`, `exim`, `sendmail`, `qmail`, `exchange`: those that were found."""
    clock_jumps: int
    """How often the stamps of a file went back by more than ten minutes."""
    undecided: int
    """Refused or deferred attempts whose answer was not understood."""
    groups: int
    """How many lines of kind `refusals` follow."""
    warnings: int = 0
    """How many lines of kind `warning` follow these."""
    watched: Watched = Watched()
    partial: bool
    """Too many kinds of refusal, or too long a list of recipients, to keep all apart: counts of
    attempts are exact, those of recipients and senders are at least so many."""
    knowledge: str
    """Version of the knowledge that made the diagnoses."""


class Count(msgspec.Struct, frozen=True, gc=False):
    """A name and how often it occurred."""

    name: str
    count: int


class RefusalGroup(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A further line of `todoku logs --json`: all attempts refused by one receiver on one ground."""

    v: int = VERSION
    kind: Literal["refusals"] = "refusals"
    receiver: str | None
    gateway: str | None
    place: str | None
    """The domain of the answering hosts where no receiver is known."""
    reason: str
    receiver_code: str | None
    blocklist: Blocklist | None
    identity: Identity | None
    """What of ours the answer names as the ground."""
    temporary: bool | None
    """The receiver asks to try again; `None` where no receiver answered."""
    count: int
    outcomes: Deliveries
    first: str | None
    last: str | None
    trend: tuple[int, ...]
    """Attempts in equal slices of the time between the summary's `first` and `last`."""
    recipients: int
    senders: tuple[Count, ...]
    """Those whose mail it was, the most first, at most five; an empty name is a notification's."""
    domains: tuple[Count, ...]
    """The recipients' domains, likewise."""
    hosts: tuple[Count, ...]
    """The answering hosts, likewise."""
    who_acts: WhoActs | None
    remedy: tuple[str, ...]
    removal: Removal | None
    rule: str | None
    example: str | None
    """The answer, without what belongs to one message alone."""


class EarlyWarning(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A line of `todoku logs --json`: what tends to come before a block."""

    v: int = VERSION
    kind: Literal["warning"] = "warning"
    sign: Literal["code", "share"]
    """`code`: an answer that the knowledge knows to precede a block. `share`: a receiver refuses
    more of our mail than it used to."""
    receiver: str | None
    place: str | None
    """The domain of the answering hosts where no receiver is known."""
    identity: Identity | None
    """With `code`: what of ours the answer names."""
    receiver_code: str | None
    rule: str | None
    """The rule that knows the code; its source and date: `todoku knowledge show`."""
    source: tuple[str, ...]
    date: str | None
    since: str | None
    """RFC 3339, UTC; with `share` a date of the reader's calendar."""
    last: str | None
    count: int
    """With `code`: answers. With `share`: mails that were refused in `span`, each counted once."""
    span: Literal["day", "week"] | None
    """The last day, or the last seven days."""
    mails: int | None
    """All mail to that receiver in `span`."""
    share: float | None
    usual: float | None
    """The share of the four weeks before the last seven days."""
    chance: float | None
    """Of so many refusals, or more, if nothing had changed."""
    blocked: bool
    """That receiver refuses this identity for good already; with `share`: any of ours."""
    who_acts: WhoActs | None
    remedy: tuple[str, ...]
    example: str | None
    mails_a_day: float | msgspec.UnsetType | None = msgspec.UNSET
    """With `--by-cost`: mail of yours that a block would stop, that to all partners whose mail this
    receiver runs; `null`: not known."""
    partners: int | msgspec.UnsetType | None = msgspec.UNSET
    """How many these are."""


class Opened(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A further line of `todoku logs --open-cases --json`: a case that was opened, or again."""

    v: int = VERSION
    kind: Literal["case"] = "case"
    case: int
    identities: tuple[Identity, ...]
    place: str
    """The list, else the receiver, else `domain:` and the recipients' domain."""
    count: int
    """Attempts."""


class Kept(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The last line of `todoku logs --store --json`: what was stored."""

    v: int = VERSION
    kind: Literal["stored"] = "stored"
    rows: int
    """Deliveries."""
    logs: int
    """Logs with new lines, of which something was understood."""
    known: int
    """Logs that hold nothing new."""
    too_old: int
    """Deliveries that are older than the settings allow; they are not among `rows`."""
    erased: int
    """Deliveries that were stored and whose time is over."""
    folder: str


class Warnings(NamedTuple):
    """What warns, in the order to be told, and how far that can be known."""

    told: tuple[EarlyWarning, ...]
    watched: Watched
