"""What was seen of partners about a list: how often they named it, what they took while an own identity
stood on it, how likely it is that they use it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import msgspec

from todoku.logs.clock import rfc3339
from todoku.model import VERSION, Stage
from todoku.partners import model
from todoku.partners.model import Shares
from todoku.partners.summary import Partner, Sight, View
from todoku.partners.values import Proof

State = Literal["proven", "ended", "accepts"]
"""`proven`: it named the list when it refused. `ended`: it did, and took mail from listed identities
since. `accepts`: it took such mail, and never named the list."""


class Family(NamedTuple):
    """A list, with the lists that hold it and those that it holds. They are taken for one: receivers
    name a part of what they ask, or the whole, as it comes."""

    list: str
    members: frozenset[str]


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """What one partner does about one list."""

    list: str
    state: State
    chance: float
    """That it refuses mail because of this list today."""
    named: int
    """Refusals that named it."""
    accepted: int
    """Mails that it took while the identity that sent them was listed."""
    first: str | None = None
    """When it named the list first, and last (RFC 3339, UTC)."""
    last: str | None = None
    stage: Stage | None = None
    code: str | None = None
    words: str | None = None
    """What it said the last time; addresses are masked."""
    rule: str | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A line of `todoku partners --json`."""

    v: int = VERSION
    kind: Literal["partner"] = "partner"
    domain: str
    gateway: str | None
    """Who runs its mail: an id of the knowledge, or the name of its hosts with a dot at the end."""
    mails_a_day: float
    mails: int
    """Delivered or refused for good, in all that was learned."""
    refused: int
    """Attempts that were refused or deferred because of the sending side."""
    first: str
    """Date of the week of the first delivery, and of the last (RFC 3339)."""
    last: str
    lists: tuple[Habit, ...]
    """Of all other lists nothing is known."""
    mx: tuple[str, ...] | None = None
    """The hosts that take its mail today, by the DNS; `None`: not asked (`--mx`), or no answer."""
    mx_gateway: str | None = None
    """Who runs these, as in `gateway`."""


def family(list_: str, holds: Mapping[str, str]) -> Family:
    """`holds`: by the id of a part, the list that holds it (`part_of` of the knowledge)."""
    above = {list_}
    at = list_
    while at in holds and holds[at] not in above:
        at = holds[at]
        above.add(at)
    below = {list_}
    while more := {part for part, whole in holds.items() if whole in below} - below:
        below |= more
    return Family(list_, frozenset(above | below))


class Seen(NamedTuple):
    weeks: tuple[int, ...]
    named: int
    accepted: int
    portion: float
    """Of its mail, what it refuses while it uses the list: customers of a gateway can let some of their
    users' mail through."""
    proofs: list[tuple[str, Proof]]


def seen_of(family: Family, view: View) -> dict[str, Seen]:
    """What was seen of each domain about a family of lists."""
    proofs: dict[str, list[tuple[str, Proof]]] = {}
    sights: dict[str, Sight] = {}
    for list_ in sorted(family.members):
        for domain, proof in view.proofs.get(list_, ()):
            proofs.setdefault(domain, []).append((list_, proof))
        for sight in view.sights.get(list_, ()):
            mine = sights.get(sight.domain)
            sights[sight.domain] = sight if mine is None else _both(mine, sight)
    out = {}
    for domain, s in sights.items():
        own = proofs.get(domain, [])
        weeks, named = s.weeks, s.named
        if not own and named:  # named, and no sentence (that was forgotten): it proves nothing
            weeks, named = tuple(w for w in weeks if not model.was_named(w)), 0
        if weeks:
            # near 1 where little was seen
            portion = (s.refused + 1) / (s.refused + s.taken + 1)
            out[domain] = Seen(weeks, named, s.accepted, portion, own)
    return out


def _both(a: Sight, b: Sight) -> Sight:
    """Of two lists of a family. A week in which one was named is one in which it refused."""
    weeks: dict[int, int] = {}
    for seen in (*a.weeks, *b.weeks):
        weeks[seen >> 2] = weeks.get(seen >> 2, 0) | seen
    return Sight(
        a.domain, tuple(sorted(weeks.values())), a.named + b.named, a.accepted + b.accepted,
        a.refused + b.refused, a.taken + b.taken,
    )  # fmt: skip


def shares_of(seen: Mapping[str, Seen], partners: Iterable[Partner], now: float) -> Shares:
    """The shares of all gateways, from what was seen of their customers."""
    groups: dict[str, list[tuple[int, ...]]] = {}
    for partner in partners:
        s = seen.get(partner.domain)
        if s is not None:
            groups.setdefault(partner.group, []).append(s.weeks)
    return Shares({g: model.told(weeks, now) for g, weeks in groups.items()})


def habits(
    view: View, holds: Mapping[str, str], now: float, domain: str | None = None
) -> dict[str, tuple[Habit, ...]]:
    """By domain, the likeliest first; of one partner or of all. `holds`: as in `family`."""
    groups = {p.domain: p.group for p in view.summary.partners}
    out: dict[str, list[Habit]] = {}
    for list_ in sorted(view.sights):
        of = family(list_, holds)
        shares = shares_of(seen_of(of, view), view.summary.partners, now)
        alone = Family(list_, frozenset({list_}))
        found = seen_of(alone, view)
        if domain is not None:
            found = {domain: found[domain]} if domain in found else {}
        for name, seen in found.items():
            habit = _habit(list_, seen, shares.share(groups.get(name, "")), now)
            out.setdefault(name, []).append(habit)
    return {
        name: tuple(sorted(found, key=lambda h: (-h.chance, h.list))) for name, found in out.items()
    }


def _habit(list_: str, seen: Seen, share: float, now: float) -> Habit:
    chance = model.chance(seen.weeks, share, now)
    if not seen.proofs:
        return Habit(list=list_, state="accepts", chance=chance, named=0, accepted=seen.accepted)
    ((_, proof),) = seen.proofs
    return Habit(
        list=list_,
        state="proven" if chance >= 0.5 else "ended",
        chance=chance,
        named=seen.named,
        accepted=seen.accepted,
        first=rfc3339(proof.first),
        last=rfc3339(proof.last),
        stage=proof.stage,
        code=proof.code,
        words=proof.words,
        rule=proof.rule,
    )


def around(lists: Iterable[str], holds: Mapping[str, str]) -> set[str]:
    """These, the lists that hold them and those that they hold: what a judgement on them needs."""
    out: set[str] = set()
    for list_ in lists:
        out |= family(list_, holds).members
    return out


def told(partner: Partner, lists: tuple[Habit, ...]) -> Told:
    return Told(
        domain=partner.domain,
        gateway=partner.gate or None,
        mails_a_day=round(partner.rate, 3),
        mails=partner.mails,
        refused=partner.refused,
        first=_date(partner.first),
        last=_date(partner.last),
        lists=lists,
    )


def _date(week: int) -> str:
    day = datetime.fromtimestamp(0, UTC) + timedelta(weeks=min(week, 400_000))
    return day.strftime("%Y-%m-%d")
