"""The values of the room, and the verdict. Pure.

A check has four states. `unknown` always says why: `unanswered` (asked, and nothing usable came),
`unseen` (no question in the DNS could tell) or `not-asked`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from todoku.model import VERSION

State: TypeAlias = Literal["ok", "warning", "bad", "unknown"]
Cause: TypeAlias = Literal["unanswered", "unseen", "not-asked"]
Verdict: TypeAlias = Literal["go", "go-with-care", "no-go", "unknown"]
Outcome: TypeAlias = Literal["found", "no-data", "no-name", "unknown"]
Why: TypeAlias = Literal["timeout", "servfail", "refused", "malformed", "late", "cut-off"]

EXIT: Final[dict[Verdict, int]] = {"go": 0, "go-with-care": 1, "no-go": 2, "unknown": 3}

RECEIVER: Final = "receiver"
"""What one receiver asks: who does not send there may go."""
PRIVATE: Final = "private-lists"
"""The check whose `unknown` no DNS can settle: receivers' own lists."""
SIDE: Final = frozenset(
    {
        "neighbours", "mta-sts", "tls-rpt", "dane", "ipv6", "spf-helo", "contact-page", "mailboxes",
        "probe", "cost",
    }
)  # fmt: skip
"""What these leave open decides nothing: mail goes out without them."""

WORST: Final[tuple[State, ...]] = ("bad", "unknown", "warning", "ok")


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to send."""

    ip: str
    old: str | None = None
    """The address that sends today."""
    domains: tuple[str, ...] = ()
    helo: str | None = None
    """What the server says in EHLO; `None`: not told."""
    selectors: tuple[str, ...] = ()
    written: dict[str, str] = {}
    """International names, which stand here as the DNS has them (`xn--...`): as they were given."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One question and what came: the evidence of a check."""

    name: str
    type: str
    outcome: Outcome
    """`no-name`: NXDOMAIN. `no-data`: the name is there without such a record."""
    records: tuple[str, ...] = ()
    ttl: int | None = None
    """Seconds; of a negative answer by its SOA (RFC 2308)."""
    why: Why | None = None
    """Only with `unknown`."""
    secure: bool = False
    """Whether the resolver says that DNSSEC holds (AD, RFC 4035)."""


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a check that holds several: an entry of a list, a requirement of a receiver."""

    text: str
    state: State | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at, in the language of the run."""

    id: str
    about: str
    """The address, name, domain or receiver that was looked at."""
    title: str
    state: State
    cause: Cause | None = None
    """Only with `unknown`."""
    finding: str
    """What was found, as a word for programs: `astray`, `no-reports`, `silent`."""
    found: str
    wanted: str
    why: str
    remedy: str | None = None
    """`None`: nothing is to be done."""
    source: tuple[str, ...]
    codes: tuple[str, ...] = ()
    """Refusal codes that a good state prevents."""
    evidence: tuple[Asked, ...] = ()
    details: tuple[Detail, ...] = ()
    map: str | None = None
    """Of a /24: 256 characters, one an address: `.` not listed, `P` by policy, `X` for abuse, `?`
    not known."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a move. `wait`: seconds until the next may follow."""

    text: str
    name: str | None = None
    type: str | None = None
    ttl: int | None = None
    wait: int = 0
    source: tuple[str, ...] = ()


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number of the plan, and where it is from."""

    value: float
    text: str
    source: tuple[str, ...] = ()
    habit: bool = True
    """What administrators do: no source gives the number."""


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver says of new senders, or a limit of its own."""

    text: str
    source: tuple[str, ...]
    date: str


class Ramp(msgspec.Struct, frozen=True, kw_only=True):
    """How mail to one receiver begins."""

    receiver: str | None
    """By the knowledge's id; `None`: not known to it."""
    name: str
    usual: int | None = None
    """Messages on a usual day (the median of days with mail), by one's own logs."""
    most: int | None = None
    """On the busiest day, by one's own logs; `None`: no logs, or nothing went there."""
    volumes: tuple[int, ...] = ()
    """At most so many messages, day by day, from the first on; then, with `reached`, as always."""
    reached: bool = False
    """Whether the busiest day is reached within the plan."""
    advice: tuple[Advice, ...] = ()


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What the logs cover. Days are of UTC."""

    first: str
    last: str
    days: int
    """Days with mail."""
    messages: int
    """Taken or refused by other servers."""


class WarmUp(msgspec.Struct, frozen=True, kw_only=True):
    """Days and volumes for each receiver."""

    past: Past | None
    """`None`: no logs were given, so the volumes are habit from end to end."""
    figures: tuple[Figure, ...]
    """The numbers by which the volumes were made."""
    ramps: tuple[Ramp, ...]
    small: int = 0
    """Further places to which one day's mail is below the start: nothing is to be slowed down."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    dns: tuple[Step, ...] = ()
    warm_up: WarmUp | None = None
    """`null` where the verdict is not known."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The old address, looked at in the same way."""

    ip: str
    checks: tuple[Check, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The binding answer of `todoku preflight --json`."""

    v: int = VERSION
    verdict: Verdict
    subject: Subject
    checks: tuple[Check, ...]
    compared_with: Compared | None = None
    plan: Plan
    letter: str | None = None
    """To the hoster, in the language of the run, where the address carries a past."""
    resolver: str
    knowledge: str
    at: str
    """When it was looked at (RFC 3339, UTC)."""


class Reason(NamedTuple):
    """Which checks decided."""

    verdict: Verdict
    by: tuple[Check, ...]


def worst(states: Iterable[State]) -> State:
    """Of several; `ok` of none."""
    found = set(states)
    return next((s for s in WORST if s in found), "ok")


def judge(checks: Iterable[Check]) -> Reason:
    """`no-go` where something is bad; else `unknown` where something that decides did not answer;
    else `go-with-care` where something warns, or cannot be seen from here; else `go`.

    What is bad stays bad, whatever else is not known: it is to be mended in any case. What fails
    one receiver alone asks for care."""
    checks = tuple(checks)
    # Both only follow from others: from a refusal by a probe, above all.
    bad = tuple(c for c in checks if c.state == "bad" and c.id not in {RECEIVER, PRIVATE})
    if bad:
        return Reason("no-go", bad)
    silent = tuple(c for c in checks if c.cause == "unanswered" and c.id not in SIDE)
    if silent or not any(c.state in {"ok", "warning"} for c in checks):
        return Reason("unknown", silent or checks)
    care = tuple(c for c in checks if c.state != "ok")
    return Reason("go-with-care" if care else "go", care)
