"""How patient a case is. The settings may change all of it; the rules take it as an argument."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from todoku.settings import Settings

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


Proves: TypeAlias = Literal["probe", "trial", "mail"]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    settle: timedelta = 48 * _HOUR
    """How long a promise needs, where the desk names no figure (Microsoft: 24 to 48 hours)."""
    probe_every: timedelta = 6 * _HOUR
    """A receiver is not asked more often about one source address."""
    check_every: timedelta = 6 * _HOUR

    proof: Proves = "probe"
    """What proves that it is over: real mail that was accepted; also trials; also probes. (For a list,
    its answers "not listed" do.)"""
    accepted: int = 3
    """So many of them do,"""
    over: timedelta = _DAY
    """spread over so long,"""
    hosts: int = 2
    """and accepted by so many hosts, where the receiver has as many."""
    quiet: timedelta = 3 * _DAY
    """Where real mail is to prove it, and so long fewer went there, trials are enough."""
    vain_probes: int = 2
    """After so many probes that tell nothing, a trial is needed."""
    patience: timedelta = 14 * _DAY
    """After so long in one state without a proof, a person decides."""

    pauses: tuple[timedelta, ...] = (4 * _HOUR, _DAY, 3 * _DAY)
    """Before the first, second, ... reply to a desk that said no; the last one repeats."""
    escalations: int = 5
    """After so many, a person decides."""
    fresh: timedelta = 2 * _DAY
    """An older refusal is no proof that mail is refused today."""
    silent: timedelta = 7 * _DAY
    """A desk that has not answered for so long may be asked again."""

    remind_link: timedelta = _HOUR / 3
    """When a person is reminded of a desk that does nothing before a link is clicked;"""
    remind: timedelta = _DAY
    """of any other task."""
    flood: timedelta = _HOUR
    """Refusals that tell nothing new are only counted, and what follows from them is looked at this often."""
    lull: timedelta = _DAY
    """After so long without one, the next is an event of its own."""

    watches_mail: bool = False
    """Logs tell what becomes of real mail, and it may prove that a case is over."""
    unattended: frozenset[str] = frozenset()
    """Desks to which todoku may write without a person."""
    never_probed: frozenset[str] = frozenset()
    """Receivers, or domains, that do not want to be probed."""
    webhooks: tuple[str, ...] = ()
    """Names of those that are told of each case."""


DEFAULT: Final = Policy()


def of(settings: Settings) -> Policy:
    """As the settings have it."""
    own = settings.cases
    return Policy(
        proof=own.proof or ("mail" if settings.mail.log else "probe"),
        watches_mail=bool(settings.mail.log) and own.proof != "probe",
        accepted=int(own.accepted),
        over=timedelta(hours=int(own.over_hours)),
        hosts=int(own.hosts),
        unattended=frozenset(settings.cases.write_to),
        never_probed=frozenset(settings.cases.never_probe),
        webhooks=tuple(sorted(settings.webhooks.names)),
    )
