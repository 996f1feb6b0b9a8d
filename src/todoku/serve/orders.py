"""Orders: what a person may have done to the cases, as values, and how they travel to the
`todoku serve` that runs on the same folder.

    todoku report ──Order──▶ giving ──serve.sock──▶ listening ──▶ executing ──▶ Desk
                               └─────────── no serve there ───────────▲

Through the socket goes one line of JSON each way; `v` in both:

    {"v": 1, "house": "9f2c...", "order": {"do": "close", "id": "...", "by": "root", "case": 1, ...}}
    {"v": 1, "answer": "done", "recorded": [{"case": 1, "seq": 4, "event": {...}}]}
    {"v": 1, "answer": "refused", "code": 66, "ja": "...", "en": "..."}
    {"v": 1, "answer": "passed", "why": "other-house"}

An order has an id, which becomes the `source` of its events: whoever executes it, and however
often, it is done once. So one that got no answer is simply executed again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from todoku import __version__
from todoku.cases import events
from todoku.cases.events import Answered, At, Letter, Why
from todoku.cases.records import Recorded
from todoku.i18n import Language
from todoku.model import Channel, Identity
from todoku.settings import Settings, table

SOCKET: Final = "serve.sock"
LONGEST: Final = 2 << 20
"""Octets of a line. A longer order is executed by the one who has it."""
LONGEST_PATH: Final = 103
"""Octets of a socket's path that every system takes (`sun_path` holds 104 to 108)."""

Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """What all orders have."""

    id: Id | None = None
    """From `fresh_id`; `None`: done as often as it is executed."""
    by: str | None = None
    """The person who gives it."""

    @property
    def source(self) -> str | None:
        """Of its events."""
        return None if self.id is None else f"order:{self.id}"


class Report(Order, frozen=True, kw_only=True, tag="report"):
    """Mail does not arrive, a user says; or an administrator opens a case by hand."""

    words: str = ""
    who: str | None = None
    """A mail address, to be told when it works again."""
    name: str | None = None
    lang: Language = "en"
    since: At | None = None
    to: tuple[str, ...] = ()
    """Domains."""
    identities: tuple[Identity, ...] = ()
    refusal: bytes | None = None
    """A bounce, a reply, whatever `todoku diagnose` reads."""

    def __post_init__(self) -> None:
        """Raises `ValueError`, of which reading a line makes a sentence of its own."""
        if self.who is not None and table.mailbox(self.who) is None:
            raise ValueError("`who` is no mail address")
        if any(domain(each) != each for each in self.to):
            raise ValueError("`to` holds what is no domain")


class Close(Order, frozen=True, kw_only=True, tag="close"):
    """End a case."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    why: Why | None = None
    text: str = ""


class Settle(Order, frozen=True, kw_only=True, tag="settle"):
    """A person found out whether a mail was sent (`todoku.serve.unsure`)."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    sent: bool
    action: int | None = None
    """Which, where a case has several."""
    text: str = ""
    """What is noted where it was not."""


class Cause(Order, frozen=True, kw_only=True, tag="cause"):
    """What earned the block, as a person says; what he did about it; or both."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    cause: str | None = None
    looked: tuple[str, ...] = ()
    """Where he looked, if he found nothing."""
    mended: str | None = None
    evidence: str = ""
    inherited: bool = False
    """An earlier holder of the address earned it."""


class Ask(Order, frozen=True, kw_only=True, tag="ask"):
    """A person asked the desk, or wrote to it again."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    desk: str | None = None
    channel: Channel | None = None
    identities: tuple[Identity, ...] = ()
    ticket: str | None = None
    text: str = ""
    letter: Letter | None = None
    """What he confirmed that todoku sends; then `text` is its words."""

    def __post_init__(self) -> None:
        """Raises `ValueError`, as above."""
        if self.letter is not None and table.mailbox(self.letter.to) is None:
            raise ValueError("`to` is no mail address")


class Hold(Order, frozen=True, kw_only=True, tag="hold"):
    """A person lets mail wait in the queue."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    how: str = ""
    until: At | None = None


class Detour(Order, frozen=True, kw_only=True, tag="detour"):
    """A person lets it go by another server."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    via: str


class Release(Order, frozen=True, kw_only=True, tag="release"):
    """It waits no longer, or goes its usual way again."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    what: Literal["held", "detoured"] = "held"


class Try(Order, frozen=True, kw_only=True, tag="try"):
    """A person has a trial sent (`todoku.serve.trying`)."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    identity: Identity
    to: str
    sender: str
    mailbox: str | None = None

    def __post_init__(self) -> None:
        if table.mailbox(self.to) is None or table.mailbox(self.sender) is None:
            raise ValueError("`to` or `sender` is no mail address")


class Notice(Order, frozen=True, kw_only=True, tag="notice"):
    """Refusals that a person has from his own logs (`todoku.serve.noticing`)."""

    refused: events.Refused
    diagnosed: events.Diagnosed


class Hear(Order, frozen=True, kw_only=True, tag="hear"):
    """A desk's answer that a person has, as it was read. Its `source` is its mail, so that it counts
    once whoever hands it over, and however often."""

    case: Annotated[int, msgspec.Meta(ge=1, le=(1 << 63) - 1)]
    event: Answered
    mail: bytes
    accept: bool = False
    """He takes it for genuine."""


class Accept(Order, frozen=True, kw_only=True, tag="accept"):
    """A person says of an unverified mail whether it is ours (`todoku.serve.accepting`)."""

    message: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-fA-F]{6,64}\Z")]
    """How its SHA-256 begins."""
    ours: bool
    alike: bool = False
    """All that say the same are settled with it."""
    to: tuple[str, ...] = ()
    """With a user's report: the domains where mail does not arrive."""


AnyOrder: TypeAlias = (
    Report | Close | Settle | Cause | Ask | Hold | Detour | Release | Try | Notice | Hear | Accept
)
"""An order of a new kind is a struct here and a branch in `executing.execute`."""


# What travels


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    v: Literal[1] = 1
    house: str
    order: AnyOrder


class Done(msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="done"):
    v: Literal[1] = 1
    recorded: tuple[Recorded, ...]


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="refused"):
    """An error that a person can put right. Nothing was written."""

    v: Literal[1] = 1
    code: int
    """The command's exit code."""
    ja: str
    en: str


PassedWhy = Literal["unread", "too-long", "too-many", "other-house", "fault"]


class Passed(msgspec.Struct, frozen=True, kw_only=True, tag_field="answer", tag="passed"):
    """Not executed here: do it yourself."""

    v: Literal[1] = 1
    why: PassedWhy


Answer: TypeAlias = Done | Refused | Passed


def domain(text: str) -> str | None:
    """The domain itself, or of an address there, as the settings would have it; `None`: neither."""
    kind = next(s for s in table.SETTINGS if (s.section, s.key) == ("own", "domains"))
    return kind.read(text.strip().rpartition("@")[2])


def fresh_id() -> str:
    return os.urandom(16).hex()


def house(settings: Settings) -> str:
    """A mark of all that an order's outcome depends on besides the store: the program, and the
    settings by which it judges. A `serve` that has others (the file was changed since it began)
    passes the order back."""
    parts = (
        __version__,
        settings.general.store,
        settings.knowledge.overlay,
        settings.cases,
        settings.lab.clock,
        settings.own,
    )
    told = msgspec.json.encode(parts, order="deterministic")
    return hashlib.sha256(told).hexdigest()


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """The path of a socket in a form that fits an address, however long it is. Where it cannot be
    shortened (no /proc), the system's own error follows."""
    if len(os.fsencode(path)) <= LONGEST_PATH or not Path("/proc/self/fd").is_dir():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
