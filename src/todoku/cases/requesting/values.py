"""What a request is made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec

from todoku.knowledge.schema import DeskLanguage, Field
from todoku.model import Channel, Identity
from todoku.settings import Contact
from todoku.settings.own import Own

Purpose = Literal["request", "inform", "chase", "escalate"]
"""`request`: asked for the first time; `inform`: it wants to know something; `chase`: it has not
answered; `escalate`: it said no."""

ObstacleKind = Literal[
    "not-ours",
    "no-listing",
    "no-desk",
    "ends-by-itself",
    "holder-only",
    "no-refusal",
    "no-contact",
    "no-imprint",
    "no-cause",
    "not-mended",
    "reverse-missing",
    "reverse-unconfirmed",
    "too-early",
    "ends-later",
    "reverse-unknown",
    "contact-elsewhere",
    "needs-account",
    "link-follows",
    "static-only",
    "authentication",
    "other-desk",
    "listed-elsewhere",
    "old-refusal",
    "own-words",
    "own-mailbox",
    "gaps",
]
KINDS: Final[tuple[ObstacleKind, ...]] = get_args(ObstacleKind)
STOPS: Final = frozenset(KINDS[: KINDS.index("ends-later")])
"""With these the desk would certainly not do what is asked, or nothing need be asked; the others
are to be known before."""


class Obstacle(msgspec.Struct, frozen=True, kw_only=True):
    """Something that would make the request fail, or that a person should know before."""

    kind: ObstacleKind
    stops: bool
    about: tuple[str, ...] = ()
    """What it is about: addresses, names of lists, a desk."""
    until: datetime | None = None
    """With `ends-by-itself`, `ends-later`, `too-early`: when. Not known: `None`."""


class Reverse(msgspec.Struct, frozen=True, kw_only=True):
    """The reverse DNS of one address."""

    names: tuple[str, ...] | None = None
    """`None`: not known; empty: it has none."""
    confirmed: bool | None = None
    """Whether one of them leads back to the address."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known besides the case."""

    own: Own
    contact: Contact = Contact()
    reverse: Mapping[str, Reverse] = {}
    """By address."""
    elsewhere: bool = False
    """Letters to desks leave by a way of their own, which is not blocked."""


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the desk's form."""

    field: Field
    label: str
    """In the desk's language."""
    value: str | None
    """`None`: only a person can tell."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What may be sent, or copied into a form."""

    v: int = 1
    case: int
    purpose: Purpose
    desk: str | None
    """By the knowledge's id; `None`: no desk is known."""
    desk_name: str
    channel: Channel
    url: str | None
    address: str | None
    ticket: str | None
    language: DeskLanguage
    identities: tuple[Identity, ...]
    to: tuple[str, ...]
    """Domains that cannot be reached, the first few."""
    obstacles: tuple[Obstacle, ...]
    fields: tuple[Filled, ...]
    subject: str
    letter: str
    translation: str | None
    """The letter in the person's language, where the desk reads another."""
    note: str | None = None
    """What else is known of this desk, in the person's language."""
    wait: str | None = None
    """How long its answer takes, as it says: `24-48h`."""

    @property
    def stopped(self) -> bool:
        return any(o.stops for o in self.obstacles)
