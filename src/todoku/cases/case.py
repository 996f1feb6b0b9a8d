"""What is known of a case: made from its events by `fold`, never changed by hand."""

from __future__ import annotations

import functools
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec

from todoku.cases.events import (
    Answered,
    Asked,
    CauseFound,
    Closed,
    Detoured,
    Diagnosed,
    Held,
    Mended,
    Place,
    Seen,
)
from todoku.cases.states import State, worst
from todoku.model import Identity, Reply, Stage

FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)


@functools.lru_cache(1024)
def identity_key(identity: Identity) -> str:
    """By which an identity is known again: `ip:192.0.2.1`; an IPv6 address by its /64."""
    value = identity.value.strip().lower()
    if identity.kind != "ip":
        return f"{identity.kind}:{value}"
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return f"ip:{value}"
    if address.version == 6:
        if address.ipv4_mapped is not None:
            return f"ip:{address.ipv4_mapped}"
        return f"ip:{ipaddress.ip_network((int(address), 64), strict=False)}"
    return f"ip:{address}"


def later(moment: datetime, wait: timedelta) -> datetime:
    """The sum, within what a date can be: desks and broken clocks name any year."""
    try:
        return moment + wait
    except OverflowError:
        return LAST if wait > timedelta(0) else FIRST


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What went well since the newest refusal, and since the time to settle."""

    count: int = 0
    first: datetime | None = None
    last: datetime | None = None
    hosts: tuple[str, ...] = ()
    """Which hosts accepted it, the first few."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One identity in the case."""

    key: str
    identity: Identity
    """As first seen: of an IPv6 network the very address."""
    state: State = "open"
    since: datetime
    until: datetime | None = None
    """With `settling`: nothing is asked before."""
    asks: tuple[Asked, ...] = ()
    """What the desk waits for."""
    requested_at: datetime | None = None
    escalations: int = 0
    replied: bool = False
    """What was written last answers the desk's no."""
    refused_at: datetime | None = None
    accepted: Tally = Tally()
    """Messages, trials and probes; for a list: answers "not listed"."""
    delivered: Tally = Tally()
    """Messages and trials: accepted after the end of data."""
    mail: Tally = Tally()
    """Messages alone, as our logs show them."""
    junked: bool = False
    """What was accepted last went to the junk folder."""
    observed: int = 0
    """How often logs told of mail from it."""
    probes: int = 0
    probed_at: datetime | None = None
    vain: int = 0
    """Probes since the last state that told nothing."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who reported, or whose mail came back."""

    who: str
    report: int
    """The `seq` of the first report that is not answered."""
    at: datetime
    words: str = ""
    lang: Literal["ja", "en"] | None = None
    opened: bool = False
    """Told that it is being worked on."""
    done: bool = False
    """Told that it works again."""
    affected: bool = False
    """Has not reported: his mail came back."""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that a person has to look at: not understood, or not proven to be the desk's."""

    seq: int
    answer: Answered


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A letter to the desk that our mail server has not taken yet."""

    seq: int
    """Of the event that has it."""
    at: datetime
    message_id: str
    keys: tuple[str, ...]
    """The identities that it is about."""
    reply: bool
    """To a desk that had said no, or nothing."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A marked mail of which it is not known yet what became of it."""

    seq: int
    """Of the event that has it."""
    at: datetime
    message_id: str
    key: str
    """The identity that is put to the test."""
    sent_at: datetime | None = None
    """When our mail server took it."""


class Flood(msgspec.Struct, frozen=True, kw_only=True):
    """A `refused` event in which more of the same is counted."""

    seq: int
    at: datetime
    """When the last of them was counted."""
    code: int | None
    enhanced: str | None
    temporary: bool
    keys: tuple[str, ...]
    """Of the identities; empty where it is not known which of several were refused."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case after `seq` events. Moments are those of the events; `None` before the first."""

    number: int = 0
    seq: int = 0
    opened_at: datetime | None = None
    changed_at: datetime | None = None
    round: int = 1
    """How often it was opened."""
    place: Place | None = None
    standings: tuple[Standing, ...] = ()
    people: tuple[Person, ...] = ()
    to: tuple[str, ...] = ()
    """Domains that could not be reached, the first few."""

    refusals: int = 0
    refused_from: datetime | None = None
    refused_to: datetime | None = None
    counted_at: datetime | None = None
    """When refusals were recorded or counted the last time."""
    floods: tuple[Flood, ...] = ()
    """The newest of each kind since the case was opened."""
    reply: Reply | None = None
    """The newest refusal that was no mere delay, else the newest."""
    replied_at: datetime | None = None
    stage: Stage | None = None
    deferring: bool = True
    """Mail was never refused for good, only delayed."""

    diagnosis: Diagnosed | None = None
    diagnoses: int = 0
    diagnosed_round: int = 0
    findings: tuple[Seen, ...] = ()
    """The newest of each list and identity."""
    checks: int = 0
    checked_at: datetime | None = None
    checked_round: int = 0
    cause: CauseFound | None = None
    mended: Mended | None = None

    desk: str | None = None
    tickets: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()
    """Message-IDs of what was written to the desk."""
    thread: tuple[str, ...] = ()
    """The same, and those of its answers that count, the newest last."""
    outbox: tuple[Outgoing, ...] = ()
    trials: tuple[Trial, ...] = ()
    hindrances: int = 0
    by_hand: bool = False
    """Something was in the way when todoku was to write to the desk by itself: a person does."""
    requests: int = 0
    escalations: int = 0
    answer: Answered | None = None
    """The newest that counted."""
    waiting: tuple[Waiting, ...] = ()
    waits: int = 0

    held: Held | None = None
    detoured: Detoured | None = None
    released: int = 0
    reminded: tuple[str, ...] = ()
    hooked: tuple[str, ...] = ()
    """What webhooks were told: `opened/NAME/1`, the last of these the round."""
    closed: Closed | None = None

    @property
    def state(self) -> State:
        """The worst of its identities."""
        if self.closed is not None:
            return "closed"
        return worst([standing.state for standing in self.standings])

    @property
    def since(self) -> datetime | None:
        """Since when it shows its state."""
        if self.closed is not None:
            return self.closed.at
        shown = [s.since for s in self.standings if s.state == self.state]
        return max(shown, default=self.opened_at)

    def standing(self, key: str) -> Standing | None:
        return next((s for s in self.standings if s.key == key), None)

    def among(self, *states: State) -> tuple[Standing, ...]:
        """The identities in one of these states."""
        return tuple(s for s in self.standings if s.state in states)

    @property
    def untold(self) -> tuple[Person, ...]:
        """Who reported and was not told yet that it works again."""
        return tuple(person for person in self.people if not person.done)
