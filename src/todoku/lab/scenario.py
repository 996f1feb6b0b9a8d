"""Scenarios: what a receiver blocks, how its desk answers, and what comes of it. All of it is data
(`data/scenarios/*.toml`, and the texts of the answers in `data/desk.toml`); nothing here does I/O
but reading them."""

from __future__ import annotations

import functools
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Final, Literal, NamedTuple

import msgspec

from todoku.i18n import Language
from todoku.lab.reputation import Rules

Event = Literal["filed", "replied", "confirmed"]
"""A request came in, by the form or by mail; a mail that names its ticket; somebody went to the link that the
desk had sent."""
Which = Literal["all", "first", "rest"]
"""Of the addresses of a request, as they were written down."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the desk does, so long after something happened to a ticket."""

    on: Event
    after: float = 0.0
    """Minutes."""
    answer: str | None = None
    """A text of desk.toml; `None`: it writes nothing."""
    does: Literal["mitigate", "unlist", "nothing"] = "nothing"
    """What the receiver does with these addresses, or the list. With all of them mitigated the ticket is closed:
    what comes later is read and not answered."""
    of: Which = "all"
    insists: bool | None = None
    """With `replied`: only for replies that insist, or only for those that do not."""
    filing: int | None = None
    """With `filed`: only when the same address is asked for the first, second, ... time."""
    forged: bool = False
    """It is somebody else who writes: signed, but not by the desk, and with a claim that our own
    server had found it genuine."""


class Listing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first address on the public list."""

    expires: float | None = None
    """Hours after which it goes by itself."""
    cooling: float = 0.0
    """Hours in which the form turns requests down."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    about: dict[Language, str]
    """In one sentence."""
    rules: Rules
    """Of the receiver."""
    lang: Language | None = None
    """The desk's language, where it is not that of the lab."""
    closed_to_blocked: bool = False
    """The desk's own mailbox refuses mail from addresses that its receiver blocks."""
    house: int = 2
    """How many addresses the house sends from: one, two or three."""
    trials: bool = False
    """Trials to a mailbox of his at the receiver are to prove that mail arrives, and not probes."""
    listing: Listing | None = None
    """What is blocked is not at hotmail.test, but on the public list that partner.test asks."""
    relists: float | None = None
    """Days after all was well at which the receiver blocks the first address again."""
    wrong_desk: bool = False
    """The administrator asks another desk first than the refusal leads to."""
    by_mail: bool = False
    """The desk takes requests by mail."""
    allowed: bool = False
    """The administrator has allowed todoku to write to it by itself."""
    steps: tuple[Step, ...]


class Text(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Gaps: {ticket}, {link}, {ips}, and of these {first} and {rest}, one a line."""

    subject: str
    text: tuple[str, ...]
    """Paragraphs. One about addresses of which there are none is left out."""

    def filled(self, values: Mapping[str, str]) -> tuple[str, str]:
        """Subject and body."""
        kept = [p for p in self.text if all(values[gap] for gap in _gaps(p))]
        return self.subject.format_map(values), "\n\n".join(p.format_map(values) for p in kept)


class Manner(NamedTuple):
    """Of all scenarios."""

    insists: re.Pattern[str]
    """Words of a reply that does not let itself be put off."""
    answers: dict[str, dict[Language, Text]]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    insists: tuple[str, ...]
    answers: dict[str, dict[Language, Text]]


_DATA: Final = resources.files("todoku.lab").joinpath("data")


def scenarios() -> tuple[str, ...]:
    """Their names; `straight`, the story's own, first."""
    found = (f.name for f in _DATA.joinpath("scenarios").iterdir())
    names = (n.removesuffix(".toml") for n in found if n.endswith(".toml"))
    return tuple(sorted(names, key=lambda n: (n != "straight", n)))


def scenario(name: str) -> Scenario:
    """Raises `ValueError` where there is none of that name."""
    if name not in scenarios():
        raise ValueError(f"there is no scenario {name!r}; there are: {', '.join(scenarios())}")
    text = _DATA.joinpath("scenarios", f"{name}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Scenario)


@functools.lru_cache(maxsize=1)
def manner() -> Manner:
    found = msgspec.convert(tomllib.loads(_DATA.joinpath("desk.toml").read_text("utf-8")), _File)
    return Manner(re.compile("|".join(found.insists), re.I), found.answers)


def _gaps(text: str) -> Iterator[str]:
    return (name for _, name, _, _ in string.Formatter().parse(text) if name)
