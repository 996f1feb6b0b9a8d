"""The shape of what all knowledge files share: a sentence, and a desk at which one asks."""

from __future__ import annotations

from typing import Literal

import msgspec

from todoku.model import Channel


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
