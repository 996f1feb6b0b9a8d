"""How a finding counts, and what a run comes to: the exit code. Pure.

    2  an identity is listed, for abuse or by policy
    1  only entries that cover a range or an AS, or say something that is no listing
    3  none lists, and something that must be known is not
    0  every required list answered, and none lists

A listing wins over what is not known, as with monitoring plug-ins a worse state does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from todoku.lists.values import Clean, Target, Unclear
from todoku.model import Entry, Finding

GOOD: Final = 0
WARNING: Final = 1
BAD: Final = 2
UNKNOWN: Final = 3

Grade: TypeAlias = Literal["listed", "wide", "noted", "clear", "unknown"]
"""`wide`: listed, but by nothing that the identity did or is. `noted`: an entry that is no
listing. `clear`: nothing bad is said."""


def grade(f: Finding) -> Grade:
    """How bad a finding is. What a list of the role `info` says is never more than `wide`."""
    if f.state == "unknown":
        return "unknown"
    if f.state == "listed":
        own = any(e.class_ in {"abuse", "policy"} for e in f.entries)
        return "listed" if own and f.role == "block" else "wide"
    noted = f.role != "allow" and any(e.class_ == "info" for e in f.entries)
    return "noted" if noted else "clear"


def weight(entries: Iterable[Entry]) -> float:
    """The weight of the heaviest listing among them."""
    return max((e.weight or 0.0 for e in entries if counts(e)), default=0.0)


def counts(e: Entry) -> bool:
    """Whether the entry is a listing."""
    return e.class_ in {"abuse", "policy", "range"}


class Outcome:
    """Gathers a run as it comes, in little memory, and tells the exit code at its end."""

    def __init__(self, required: frozenset[str]) -> None:
        self.required = required
        self.grades: set[Grade] = set()
        """Of all findings, those apart that only a list that is not required could not tell."""
        self._heard: set[str] = set()
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._missing = False

    def add(self, f: Finding) -> None:
        g = grade(f)
        if f.list in self.required:
            if g != "unknown":
                self._heard.add(f.identity.value)
            self.grades.add(g)
        elif g == "noted" and f.role == "info":
            pass  # lists of countries or networks have an entry for everybody
        elif g != "unknown":
            self.grades.add(g)

    def clean(self, c: Clean) -> None:
        if c.list in self.required:
            self._heard.add(c.given)

    def unclear(self, u: Unclear) -> None:
        if u.list in self.required:
            self.grades.add("unknown")

    def addresses(self, host: str, addresses: Iterable[str]) -> None:
        """A host name's addresses are checked along with it: what is heard of them counts."""
        self._addresses[host] = tuple(addresses)

    def missing(self) -> None:
        """Something that was named could not be asked about."""
        self._missing = True

    def exit_code(self, targets: Iterable[Target]) -> int:
        if "listed" in self.grades:
            return BAD
        if "wide" in self.grades:
            return WARNING
        if self._missing or "unknown" in self.grades or not all(map(self._was_heard, targets)):
            return UNKNOWN
        return WARNING if "noted" in self.grades else GOOD

    def _was_heard(self, t: Target) -> bool:
        """A target about which no required list said anything is not known to be good."""
        if t.subject is None:
            return t.given in self._heard
        names = (t.subject.value, *self._addresses.get(t.subject.value, ()))
        return any(name in self._heard for name in names)
