"""Early warning: what tends to come before a block, and receivers that refuse more than they used to.

    refusals by group ─▶ codes  that precede a block, as the knowledge says
    mail by day ───────▶ shares that rose above a receiver's own past (todoku.logs.change)

Pure. docs/early-warning.md tells what the alarms are worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from todoku.diagnosis.receivers import Receivers
from todoku.knowledge.schema import Compiled, Rule
from todoku.logs.change import look
from todoku.logs.clock import rfc3339
from todoku.logs.daily import Daily, Day
from todoku.logs.sums import Group
from todoku.logs.values import EarlyWarning, Warnings, Watched
from todoku.model import Identity, Refusal, Remote

FRESH: Final = 3 * 86_400
"""Seconds before the end of the log: a code that was seen last before them warns of nothing now."""
_BLOCKS: Final = frozenset(("listed", "reputation"))


Who = tuple[str | None, str | None]
"""A receiver, else a place."""
Blocked = dict[Who, list[Identity | None]]
"""Who refuses for good because of which of our identities; `None`: not told."""


def warnings(
    groups: Iterable[Group], daily: Daily, knowledge: Compiled, end: float | None
) -> Warnings:
    """`end`: the time of the log's last line."""
    groups = list(groups)
    blocked: Blocked = {}
    for g in groups:
        if g.bounced and not g.diagnosis.temporary and g.diagnosis.reason in _BLOCKS:
            blocked.setdefault((g.diagnosis.receiver, g.place), []).append(g.identity)
    codes = sorted(_codes(groups, knowledge, blocked, end), key=lambda w: w.blocked)
    shares, watched = _shares(daily, knowledge, blocked, end)
    return Warnings((*codes, *shares), watched)


def _codes(
    groups: Iterable[Group], knowledge: Compiled, blocked: Blocked, end: float | None
) -> Iterable[EarlyWarning]:
    rules: dict[str, Rule] = {
        f"{knowledge.receivers[knowledge.owner[n]].id}/{rule.id}": rule
        for n, rule in enumerate(knowledge.rules)
        if rule.precedes_block
    }
    for g in groups:
        d = g.diagnosis
        rule = rules.get(d.rule or "")
        if rule is None or not d.temporary:
            continue
        if end is not None and g.last is not None and g.last < end - FRESH:
            continue
        yield EarlyWarning(
            sign="code",
            receiver=d.receiver,
            place=g.place,
            identity=g.identity,
            receiver_code=d.receiver_code,
            rule=d.rule,
            source=d.sources or rule.source,
            date=rule.date,
            since=rfc3339(g.first),
            last=rfc3339(g.last),
            count=g.count,
            span=None,
            mails=None,
            share=None,
            usual=None,
            chance=None,
            blocked=any(
                i is None or g.identity is None or i.value == g.identity.value
                for i in blocked.get((d.receiver, g.place), ())
            ),
            who_acts=d.who_acts,
            remedy=d.remedy,
            example=g.example,
        )


def _shares(
    daily: Daily, knowledge: Compiled, blocked: Blocked, end: float | None
) -> tuple[list[EarlyWarning], Watched]:
    if end is None:
        return [], Watched(0, 0)
    today = daily.day(end)
    told: list[EarlyWarning] = []
    known = unknown = 0
    for (receiver, place), days in sorted(by_receiver(daily, knowledge).items(), key=str):
        if not any(d.day > today - 7 for d in days):
            continue
        looked = look(days, today)
        known += looked.known
        unknown += not looked.known
        rise = looked.rise
        if rise is None:
            continue
        told.append(
            EarlyWarning(
                sign="share",
                receiver=receiver,
                place=place,
                identity=None,
                receiver_code=None,
                rule=None,
                source=(),
                date=None,
                since=_date(rise.since),
                last=_date(today),
                count=rise.refused,
                span=rise.span,
                mails=rise.mails,
                share=round(rise.refused / rise.mails, 4),
                usual=round(rise.usual, 4),
                chance=float(f"{rise.chance:.2g}"),
                blocked=(receiver, place) in blocked,
                who_acts="sender-admin",
                remedy=(),
                example=None,
            )
        )
    told.sort(key=lambda w: -((w.share or 0) - (w.usual or 0)) * (w.mails or 0))
    return told, Watched(known, unknown)


def by_receiver(daily: Daily, knowledge: Compiled) -> Mapping[Who, list[Day]]:
    """Days by receiver, where the knowledge knows the host, else by the host's domain."""
    who = _namer(knowledge)
    names: dict[str, Who] = {}
    sums: dict[Who, dict[int, list[int]]] = {}
    for (host, day), (sent, refused) in daily.cells.items():
        name = names.get(host)
        if name is None:
            name = names[host] = who(host)
        cell = sums.setdefault(name, {}).setdefault(day, [0, 0])
        cell[0] += sent
        cell[1] += refused
    return {
        name: [Day(day, sent + refused, refused) for day, (sent, refused) in sorted(days.items())]
        for name, days in sums.items()
    }


def _namer(knowledge: Compiled) -> Callable[[str], Who]:
    receivers = Receivers(knowledge)

    def who(host: str) -> Who:
        # A wildcard covers what is below it: `domain_of` took off the label of a single host.
        for name in (host, f"x.{host}", f"mx1.{host}"):
            found = receivers.places(Refusal(remote=Remote(name, None))).host
            if found is not None:
                return knowledge.receivers[found].id, None
        return None, host

    return who


def _date(day: int) -> str | None:
    told = rfc3339(day * 86_400.0)
    return told and told[:10]
