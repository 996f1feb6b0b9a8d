"""The states of a blocked identity, and what leads from one to another: the whole table.

docs/cases.md draws it; a test holds the picture and the table together. What is not in the table
changes nothing. Two principles explain most of it:

- A promise of the desk is tested, not argued with: while settling or verifying, later words of the
  desk change no state. Probes and mail decide.
- What is proven stays proven until mail is refused again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

State = Literal[
    "open",
    "requested",
    "acknowledged",
    "declined",
    "settling",
    "verifying",
    "junked",
    "resolved",
    "closed",
]

WORST_FIRST: Final[tuple[State, ...]] = (
    "declined",
    "open",
    "requested",
    "acknowledged",
    "settling",
    "junked",
    "verifying",
    "resolved",
    "closed",
)
"""A case shows the worst state of its identities."""

UNDECIDED: Final[tuple[State, ...]] = ("open", "requested", "acknowledged", "declined")
"""The desk has promised nothing."""
ASKED: Final[tuple[State, ...]] = ("requested", "acknowledged")

Trigger: TypeAlias = str
"""The name of an event; `answered CLASS`; `refused` (mail, probe or trial, or still listed) and
`proved` (enough was accepted; `proved junked`: and put into the junk folder), whichever event brings
it; `junked` and `inbox`: where a trial was found; `unsent request` and `unsent reply` (to a
desk that had said no, or nothing): our mail server never took the letter."""


def _to(state: State, *froms: State) -> Mapping[State, State]:
    return {old: state for old in froms if old != state}


_PROMISE: Final = _to("settling", *UNDECIDED, "verifying", "junked")
_NO: Final = _to("declined", "open", *ASKED)

MOVES: Final[Mapping[Trigger, Mapping[State, State]]] = {
    "requested": _to("requested", "open", "acknowledged", "declined"),
    "escalated": _to("requested", *UNDECIDED),
    "acknowledged": _to("acknowledged", "open", "requested"),
    "answered received": _to("acknowledged", "open", "requested"),
    "answered mitigated": _PROMISE,
    "answered conditionally-mitigated": _PROMISE,
    "answered delisted": _PROMISE,
    "answered expires": _PROMISE,
    "answered nothing-detected": _to("verifying", *UNDECIDED),
    "answered needs-information": _to("open", *ASKED, "declined"),
    "answered not-qualified": _NO,
    "answered refused": _NO,
    "answered bounce": _to("open", "requested"),
    "unsent request": _to("open", "requested"),
    "unsent reply": _to("declined", "requested"),
    "answered unclear": {},
    "answered unrelated": {},
    "junked": {"verifying": "junked"},
    "inbox": {"junked": "verifying"},
    "waited": _to("verifying", "settling"),
    "proved": _to("resolved", *UNDECIDED, "verifying"),
    "proved junked": _to("junked", *UNDECIDED, "verifying"),
    "refused": {"verifying": "declined", "junked": "declined", "resolved": "open"},
    "closed": _to("closed", *UNDECIDED, "settling", "verifying", "junked", "resolved"),
    "reopened": _to("open", "resolved", "closed"),
}


def moved(state: State, trigger: Trigger) -> State:
    """Where the trigger leads: the same state where the table names no other."""
    return MOVES.get(trigger, {}).get(state, state)


def worst(states: list[State]) -> State:
    """`open` where there are none: a case whose identity is not known yet."""
    return min(states, key=WORST_FIRST.index, default="open")
