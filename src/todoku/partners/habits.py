"""What was seen of partners about a list: how often they named it, what they took while an own identity
stood on it, how likely it is that they use it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from todoku.logs.clock import rfc3339
from todoku.model import VERSION, Stage
from todoku.partners import model
from todoku.partners.model import Shares
from todoku.partners.summary import Partner, Sights, Summary, View, sights_of
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


def seen_of(family: Family, view: View) -> Sights:
    """What was seen of partners about a family of lists."""
    found = [view.sights[list_] for list_ in sorted(family.members) if list_ in view.sights]
    if len(found) < 2:
        return found[0] if found else Sights()
    rows: dict[int, _Row] = {}
    for sights in found:
        weeks = map(sights.courses.__getitem__, sights.course)
        for row in zip(
            sights.partners, weeks, sights.named, sights.accepted, sights.refused, sights.taken,
            strict=True,
        ):  # fmt: skip
            mine = rows.get(row[0])
            rows[row[0]] = row if mine is None else _both(mine, row)
    return sights_of([rows[n] for n in sorted(rows)])


_Row: TypeAlias = tuple[int, tuple[int, ...], int, int, int, int]


def _both(a: _Row, b: _Row) -> _Row:
    """Of two lists of a family. A week in which one was named is one in which it refused."""
    weeks: dict[int, int] = {}
    for seen in (*a[1], *b[1]):
        weeks[seen >> 2] = weeks.get(seen >> 2, 0) | seen
    return a[0], tuple(sorted(weeks.values())), a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5]


def shares_of(seen: Sights, summary: Summary, now: float) -> Shares:
    """The shares of all gateways, from what was seen of their customers."""
    says = [model.says(weeks, now) for weeks in seen.courses]
    groups: dict[int, model.Told] = {}
    pairs = Counter(zip(map(summary.groups.__getitem__, seen.partners), seen.course, strict=True))
    for (group, course), n in pairs.items():
        t, more = groups.get(group, model.Told()), says[course]
        groups[group] = model.Told(t.yes + n * more.yes, t.no + n * more.no)
    return Shares({summary.names[group]: told for group, told in groups.items()})


def habits(
    view: View, holds: Mapping[str, str], now: float, domain: str | None = None
) -> dict[str, tuple[Habit, ...]]:
    """By domain, the likeliest first; of one partner or of all. `holds`: as in `family`."""
    summary = view.summary
    out: dict[str, list[Habit]] = {}
    place = None if domain is None else summary.place(domain)
    if domain is not None and place is None:
        return {}
    proofs = view.proofs(None if domain is None else [domain])
    for list_, sights in sorted(view.sights.items()):
        if place is None:
            rows: Iterable[int] = range(len(sights.partners))
        elif place in sights.partners:
            rows = [sights.partners.index(place)]
        else:
            continue
        shares = shares_of(seen_of(family(list_, holds), view), summary, now)
        chances: dict[tuple[int, int], float] = {}
        for row in rows:
            n = sights.partners[row]
            course, group = sights.course[row], summary.groups[n]
            p = chances.get((course, group))
            if p is None:
                share = shares.share(summary.names[group])
                p = chances[course, group] = model.chance(sights.courses[course], share, now)
            name = summary.domains[n]
            proof = dict(proofs.get(name, ())).get(list_) if sights.named[row] else None
            habit = _habit(list_, p, sights.named[row], sights.accepted[row], proof)
            out.setdefault(name, []).append(habit)
    return {
        name: tuple(sorted(found, key=lambda h: (-h.chance, h.list))) for name, found in out.items()
    }


def _habit(list_: str, chance: float, named: int, accepted: int, proof: Proof | None) -> Habit:
    if proof is None:
        return Habit(list=list_, state="accepts", chance=chance, named=0, accepted=accepted)
    return Habit(
        list=list_,
        state="proven" if chance >= 0.5 else "ended",
        chance=chance,
        named=named,
        accepted=accepted,
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
