"""What happens to a case, as values. Events are appended and never changed.

Stored and printed as JSON: `{"event": "refused", "v": 1, "at": "2026-11-24T00:20:00Z", ...}`
(docs/reference/event.schema.json). Every field that is not said to be ours holds what strangers
wrote, and is data. A change of an event's shape raises the `v` of its class and adds a function to
`records.UPCASTS`; what is stored is never rewritten.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec

from todoku import model
from todoku.model import Channel, Confidence, Identity, ListingState, Removal, Reply, Stage, WhoActs

At: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
"""A moment, with its offset from UTC."""
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]

AnswerClass: TypeAlias = model.AnswerClass
Asked: TypeAlias = model.Asked
Result = Literal["accepted", "refused", "deferred", "junked", "inconclusive", "failed"]
"""What a probe, a trial or real mail met. `junked`: accepted, but put into the junk folder there.
`inconclusive`: accepted so far, but this receiver refuses later than the probe goes. `failed`: it
could not be asked at all."""
Untold = Literal["not-seen", "no-junk-folder", "other-address", "which-address", "no-word"]
"""Why a trial tells nothing. `not-seen`: they took it, and it is neither in the inbox nor in junk.
`no-junk-folder`: they took it, it is not in the inbox, and which folder is junk is not known.
`other-address`: it left from another address. `which-address`: from which is not known. `no-word`: nothing
was heard of it."""
WEBHOOK: Final = "webhook:"
"""How `who` begins where it is one."""
Why = Literal["resolved", "expired", "address-changed", "gave-up", "not-ours", "joined"]
WHYS: Final[tuple[Why, ...]] = get_args(Why)
About = Literal["opened", "resolved", "reminder"]
Proof = Literal["log", "relayed", "mark", "batv", "reproduced", "person"]
"""How a bounce is known to be about a mail of ours (`todoku.cases.provenance`). `log`: our log has the
same refusal. `relayed`: by our log the server that reports had taken the mail. `mark`, `batv`: it came
back to what we signed. `reproduced`: a probe or trial of ours met it. `person`: somebody says so."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where one is blocked: a list or a receiver of the knowledge, else a domain.

    `id` is that of the list where one is named, else of the receiver; `domain:example.jp` where
    the knowledge knows neither."""

    id: str
    zone: str | None = None
    """Set for a list that DNS serves: asking it tells whether one is still on it."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What all events have."""

    v: int = 1
    at: At
    """When it was recorded, by the clock of the machine that did."""
    by: str | None = None
    """The person who did it; `None`: todoku."""
    source: str | None = None
    """What it was read from, or which action or order did it: `message:<sha256>`, `action:17`,
    `order:<id>`. An event of one name and source counts once in a case, and that of an order once
    in all."""


class Reported(Event, frozen=True, kw_only=True, tag="reported"):
    """A person says that mail does not arrive; or an administrator opens a case by hand."""

    who: str | None = None
    """Whom to tell when it works again; `None`: nobody."""
    words: str = ""
    lang: Literal["ja", "en"] | None = None
    since: At | None = None
    """Since when, in that person's words; a day alone is its beginning."""
    to: tuple[str, ...] = ()
    """Domains that could not be reached."""
    place: Place | None = None
    identities: tuple[Identity, ...] = ()


class Refused(Event, frozen=True, kw_only=True, tag="refused"):
    """Mail was refused or deferred, once or many times: a flood is one event."""

    identities: tuple[Identity, ...] = ()
    place: Place | None = None
    reply: Reply = Reply()
    """The newest of them."""
    stage: Stage | None = None
    temporary: bool = False
    host: str | None = None
    count: Count = 1
    first: At
    last: At
    """When the receiver answered so, the first and the last time: earlier than `at`."""
    to: tuple[str, ...] = ()
    """Domains of recipients, the first few."""
    proof: Proof | None = None
    """`None`: recorded before bounces were put to the proof."""
    affected: tuple[str, ...] = ()
    """Users of ours whose mail it was, of those whom the settings want to be told."""
    counted_to: At | None = None
    """When the last of them was counted, where more of the same came after `at`."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One identity at one list, as `todoku check` found it."""

    list: str
    identity: Identity
    state: ListingState
    cause: str | None = None
    codes: tuple[str, ...] = ()
    text: str | None = None


class Checked(Event, frozen=True, kw_only=True, tag="checked"):
    """Lists were asked about the identities of the case."""

    place: Place | None = None
    """With the listing that opens a case."""
    findings: tuple[Seen, ...] = ()
    proves: tuple[str, ...] = ()
    """Identities (`ip:192.0.2.1`) for which this was the last proof that was needed."""


class Diagnosed(Event, frozen=True, kw_only=True, tag="diagnosed"):
    """What the knowledge makes of the refusal."""

    place: Place | None = None
    identities: tuple[Identity, ...] = ()
    receiver: str | None = None
    receiver_code: str | None = None
    reason: str | None = None
    who_acts: WhoActs | None = None
    desk: str | None = None
    """Who decides on removal, by the knowledge's id."""
    removal: Removal | None = None
    refuses_at: Stage | None = None
    """How far a probe has to go to meet this refusal."""
    rule: str | None = None
    confidence: Confidence | None = None
    knowledge: str | None = None


class CauseFound(Event, frozen=True, kw_only=True, tag="cause-found"):
    """Why one was listed; or that nothing was found, and where one looked."""

    cause: str | None = None
    evidence: str = ""
    looked: tuple[str, ...] = ()
    inherited: bool = False
    """An earlier holder of the address earned it: there is nothing here to be mended."""


class Mended(Event, frozen=True, kw_only=True, tag="mended"):
    """The cause is gone."""

    what: str = ""
    evidence: str = ""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A mail to a desk that todoku is to send. Its words are the event's `text`."""

    to: str
    subject: str
    sender: str
    """Our address in From, where the desk answers."""
    name: str = ""
    """Of the person in From."""
    thread: tuple[str, ...] = ()
    """Message-IDs of what it replies to, the oldest first."""


class Requested(Event, frozen=True, kw_only=True, tag="requested"):
    """A desk was asked, or given what it had asked for."""

    desk: str | None = None
    channel: Channel | None = None
    identities: tuple[Identity, ...] = ()
    """Empty, here and below: all of the case."""
    ticket: str | None = None
    text: str = ""
    message_id: str | None = None
    """Where it was asked by mail: that of the letter, `<...>`. What replies to it is this case's."""
    letter: Letter | None = None
    """Set where todoku sends it: what comes of that is a `sent`."""


class Acknowledged(Event, frozen=True, kw_only=True, tag="acknowledged"):
    """The desk has it, under this number."""

    ticket: str | None = None
    identities: tuple[Identity, ...] = ()
    message_id: str | None = None
    """Of the desk's mail that says so."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer says of one identity."""

    identity: Identity
    class_: AnswerClass = msgspec.field(name="class")


class Answered(Event, frozen=True, kw_only=True, tag="answered"):
    """The desk's answer, classed. What is not authentic moves nothing until a person accepts it."""

    class_: AnswerClass = msgspec.field(name="class")
    words: str = ""
    """Those that decided."""
    ticket: str | None = None
    desk: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    until: At | None = None
    """With a class that promises: when it holds everywhere, at the latest."""
    min_hours: float | None = None
    max_hours: float | None = None
    """The desk's own figures."""
    asks: tuple[Asked, ...] = ()
    authentic: bool = False
    message_id: str | None = None
    """Of its mail: what we write next replies to it."""


class AcceptedByPerson(Event, frozen=True, kw_only=True, tag="accepted-by-person"):
    """A named person takes an answer for genuine."""

    answer: int
    """Its `seq`."""


class Waited(Event, frozen=True, kw_only=True, tag="waited"):
    """The time to settle is over for what was to settle until then."""

    until: At


class Probed(Event, frozen=True, kw_only=True, tag="probed"):
    """The receiver was asked by SMTP, without sending mail."""

    identity: Identity
    result: Result
    stage: Stage | None = None
    reply: Reply = Reply()
    host: str | None = None
    proves: tuple[str, ...] = ()


class Trying(Event, frozen=True, kw_only=True, tag="trying"):
    """A person has a marked mail sent to a mailbox of our own at the receiver. Whether our server took
    it is a `sent`, what became of it a `tried`."""

    identity: Identity
    to: str
    """That mailbox's address."""
    sender: str
    """Of ours, in From and in the return path."""
    message_id: str
    mailbox: str | None = None
    """The settings' name of the account in which it is looked for; `None`: logs and bounces alone tell."""


class Tried(Event, frozen=True, kw_only=True, tag="tried"):
    """Mail went out: a marked trial, or real mail as the logs show it."""

    identity: Identity
    how: Literal["trial", "mail"] = "trial"
    result: Result
    reply: Reply = Reply()
    hosts: tuple[str, ...] = ()
    count: Count = 1
    first: At
    last: At
    proves: tuple[str, ...] = ()
    message_id: str | None = None
    """Of the trial that this is the outcome of."""
    folder: str | None = None
    """In which it was found, where one looked."""
    why: Untold | None = None
    """With `inconclusive`: why it tells nothing."""


class Escalated(Event, frozen=True, kw_only=True, tag="escalated"):
    """The desk was asked to look again, by a person there."""

    desk: str | None = None
    ticket: str | None = None
    identities: tuple[Identity, ...] = ()
    text: str = ""
    message_id: str | None = None
    """Of the letter, as above."""
    letter: Letter | None = None
    """As above."""


class Sent(Event, frozen=True, kw_only=True, tag="sent"):
    """Our mail server took a letter to the desk or a trial, or never did."""

    message_id: str
    delivered: bool = True
    """False: it was tried often enough, and left at that."""
    why: str = ""
    """With that: what was said the last time."""


class Hindered(Event, frozen=True, kw_only=True, tag="hindered"):
    """todoku was to write to the desk by itself, and something is in the way: a person is asked."""

    obstacles: tuple[str, ...] = ()
    """Their kinds (docs/requests.md)."""


class Held(Event, frozen=True, kw_only=True, tag="held"):
    """Mail for that receiver waits in the queue."""

    how: str = ""
    until: At | None = None
    """When the queue gives it up."""


class Detoured(Event, frozen=True, kw_only=True, tag="detoured"):
    """Mail for that receiver goes another way."""

    via: str


class Released(Event, frozen=True, kw_only=True, tag="released"):
    """What was held or detoured goes its usual way again."""

    what: Literal["held", "detoured"]


class Told(Event, frozen=True, kw_only=True, tag="told"):
    """A person was told, or a webhook."""

    who: str
    """`person:3`, `admin`, `webhook:NAME`."""
    about: About
    task: str | None = None
    """With `reminder`: what of."""
    delivered: bool = True
    """False: every way to reach them failed, and it is left at that."""


class Noted(Event, frozen=True, kw_only=True, tag="noted"):
    """A person's note."""

    text: str
    answers: tuple[int, ...] = ()
    """Answers (`seq`) that a person has looked at and that need nothing more."""


class Closed(Event, frozen=True, kw_only=True, tag="closed"):
    """The end, for now."""

    why: Why
    text: str = ""
    into: int | None = None
    """With `joined`: the case that goes on with it."""


class Reopened(Event, frozen=True, kw_only=True, tag="reopened"):
    """It is not over."""

    why: str = ""
    identities: tuple[Identity, ...] = ()


AnyEvent: TypeAlias = (
    Reported
    | Refused
    | Checked
    | Diagnosed
    | CauseFound
    | Mended
    | Requested
    | Acknowledged
    | Answered
    | AcceptedByPerson
    | Waited
    | Probed
    | Trying
    | Tried
    | Escalated
    | Sent
    | Hindered
    | Held
    | Detoured
    | Released
    | Told
    | Noted
    | Closed
    | Reopened
)


def name(event: Event) -> str:
    return str(event.__struct_config__.tag)
