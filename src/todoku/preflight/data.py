"""What ages: receivers' requirements, their advice for a new address, and the words of generic names,
as files of the knowledge (`knowledge/data/requirements/`)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from todoku.knowledge.files import DATA, read_toml
from todoku.knowledge.schema import Text

FOLDER: Final = DATA / "requirements"
GENERIC: Final = "generic-names.toml"
WARM_UP: Final = "warm-up.toml"
CONTACT_PAGE: Final = "contact-page.toml"
_OTHERS: Final = frozenset({GENERIC, WARM_UP, CONTACT_PAGE})

Level: TypeAlias = Literal["required", "recommended", "info"]
Look: TypeAlias = Literal["message", "log", "process", "portal", "web"]


class Generic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what names are known that nobody chose."""

    schema: int
    words: tuple[str, ...]
    dynamic: tuple[str, ...]
    source: tuple[str, ...]
    date: str


class ContactPage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By what a page is known that says who runs a host."""

    schema: int
    words: tuple[str, ...]
    """In lower case."""
    source: tuple[str, ...]
    date: str


class Habit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers of a warm-up that no source gives."""

    start: int
    """Messages to one receiver on the first day."""
    growth: float
    """Each day to the day before."""
    days: int
    """Of the longest plan."""


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a receiver says of new senders, or a limit of its own."""

    text: Text
    source: tuple[str, ...]
    date: str


class Warmed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    receiver: str
    """By the knowledge's id."""
    advice: tuple[Told, ...]
    per_day: int | None = None
    """Recipients that it takes in a day, as one of the `advice` says."""


class WarmUps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a new address begins."""

    schema: int
    date: str
    habit: Habit
    receivers: tuple[Warmed, ...]


class Requirement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that a receiver asks of senders."""

    id: str
    level: Level = "required"
    bulk: bool = False
    """Asked of those only that `applies` describes, not of everybody."""
    wants: Text
    checks: tuple[str, ...] = ()
    """Ids of checks that settle it; several by `|` where one is enough: `spf|dkim`. Empty: the DNS
    cannot tell, and `look` says where it shows."""
    fails: tuple[str, ...] = ()
    """Findings (`dmarc/none`) by which it is not met, though the check only warns."""
    look: Look | None = None
    codes: tuple[str, ...] = ()
    """Refusal codes that keeping it prevents."""
    since: str | None = None
    source: tuple[str, ...]


class Requirements(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one receiver: a file."""

    schema: int
    receiver: str
    """By the knowledge's id."""
    name: Text
    domain: str
    """A domain of its mailboxes: its servers are those that are met from the new host."""
    applies: Text | None = None
    """To whom the requirements for bulk apply."""
    date: str
    requirements: tuple[Requirement, ...]


@functools.cache
def generic(folder: Path = FOLDER) -> Generic:
    return read_toml(folder / GENERIC, Generic)


@functools.cache
def contact_page(folder: Path = FOLDER) -> ContactPage:
    return read_toml(folder / CONTACT_PAGE, ContactPage)


@functools.cache
def warm_up(folder: Path = FOLDER) -> WarmUps:
    return read_toml(folder / WARM_UP, WarmUps)


@functools.cache
def requirements(folder: Path = FOLDER) -> tuple[Requirements, ...]:
    """In the order of the files' names."""
    found = sorted(p for p in folder.glob("*.toml") if p.name not in _OTHERS)
    return tuple(read_toml(path, Requirements) for path in found)
