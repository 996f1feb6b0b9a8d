"""What receivers say of the address when they are asked from it. Who asks comes in from outside: here is
only what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

from todoku.model import Stage
from todoku.preflight.outgoing import Met

Result: TypeAlias = Literal[
    "accepted", "inconclusive", "greylisted", "deferred", "refused", "failed",
    "too-soon", "never", "unresolved", "no-servers", "no-record", "no-time", "arrived",
]  # fmt: skip
"""Those of a probe; then why none was made; `arrived`: real mail did, by the word of a person."""
NOT_MADE: Final[frozenset[Result]] = frozenset(
    {"too-soon", "never", "unresolved", "no-servers", "no-record", "no-time", "arrived"}
)
GOOD: Final[frozenset[Result]] = frozenset({"accepted", "arrived"})
"""By these it is settled that the receiver takes mail from the address."""
PAST: Final = frozenset({"listed", "reputation", "refused-client"})
"""Reasons of a refusal that lie in the address, not in how it was set up."""


class Trial(NamedTuple):
    domain: str
    """Whose servers were asked."""
    result: Result
    receiver: str | None = None
    """By the knowledge's id."""
    host: str = ""
    stage: Stage | None = None
    """Where it ended."""
    refuses_at: Stage | None = None
    """The furthest stage at which this receiver refuses an address; `None`: not known."""
    mailbox: str | None = None
    """The one of ours that `RCPT TO` named."""
    reply: str = ""
    """Code and words."""
    reason: str | None = None
    """Of a refusal, by the diagnosis;"""
    remedy: str | None = None
    """what is to be done by whoever sends from there already;"""
    desk: str | None = None
    """and who may be asked for removal: a page or an address."""
    starttls: bool | None = None
    why: str = ""
    """With `failed` or `no-record`: what went wrong."""
    again: str = ""
    """With `too-soon` and `at`: when it may be asked again."""
    at: str = ""
    """Where it was asked before this run, and has said enough: when."""

    @property
    def made(self) -> bool:
        """In this run."""
        return self.result not in NOT_MADE and not self.at


class Trying(NamedTuple):
    """Who is asked, and by whom."""

    probe: Callable[[str], Trial] | None
    """Asks a domain's servers; `None`: nobody is to be asked."""
    partners: tuple[str, ...] = ()
    """Domains that are asked beside the big receivers."""
    arrived: Mapping[str, str | None] = {}
    """Domains to which real mail from the address arrived, by the word of a person, and the
    receiver's id."""


def by_receiver(trials: Iterable[Trial]) -> dict[str, Trial]:
    """Of several at one receiver, which has many names, a refusal counts; else what is settled."""
    found: dict[str, Trial] = {}
    for trial in sorted(trials, key=lambda t: (t.result == "refused", t.result in GOOD)):
        if trial.receiver is not None:
            found[trial.receiver] = trial
    return found


def met(receiver: str, trial: Trial) -> Met:
    """The same visit, as far as it tells of port 25 and STARTTLS."""
    if trial.result == "failed":
        return Met(receiver, trial.host, open=False, why=trial.why)
    early = trial.stage in {"CONN", "EHLO"}
    return Met(
        receiver,
        trial.host,
        reply=trial.reply if early else "",
        open=True,
        refused=early and trial.result == "refused",
        starttls=trial.starttls,
    )
