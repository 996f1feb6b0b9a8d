"""What `todoku logs` tells of logs, told of what is stored: the same groups and days, by questions.

    told = report(asking, ledger.grounds, ledger.days(), since=..., until=...)
    told.sums, told.counts, told.daily

Attempts, recipients and the named ones are counted by the worker; groups come with the diagnosis that
was stored with them. Of names (senders, domains, hosts) only the first few of each group are fetched.
"""

# SQL is put together from names of this module; what a person or a log wrote is bound.
# ruff: noqa: S608

from __future__ import annotations

import itertools
import time as clock
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from todoku.deliveries.asking import Asking
from todoku.deliveries.grounds import Ground, decode
from todoku.deliveries.ledger import Day
from todoku.grouping import OURS, domain_of
from todoku.logs.daily import Daily
from todoku.logs.run import Counts
from todoku.logs.sums import BUCKET, MOST_GROUPS, SLICES, TOP, Group, Sums
from todoku.model import Blocklist, Diagnosis, Identity, Remote, Reply

REFUSED: Final = "outcome IN ('bounced', 'deferred') AND ground IS NOT NULL"
_SECONDS: Final = "epoch_us(time) / 1e6"
_COLUMNS: Final = (
    "receiver", "gateway", "reason", "receiver_code", "list", "identity_kind", "identity",
    "temporary", "who_acts", "rule", "code", "enhanced", "stage", "reply",
)  # fmt: skip


Grounds = Callable[[Sequence[int]], Mapping[int, str]]


class Told(NamedTuple):
    sums: Sums
    counts: Counts
    daily: Daily
    knowledge: str
    """Versions of the knowledge that made the diagnoses."""


class Number(set[str]):
    """So many different ones, of which nobody has to know the names."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __bool__(self) -> bool:
        return self._n > 0


def report(
    asking: Asking,
    grounds: Grounds,
    days: Mapping[str, Day],
    *,
    since: float | None = None,
    until: float | None = None,
    domain: str | None = None,
) -> Told:
    """`since` and `until` bound the attempts (from, to below; Unix time). `domain`: one that has to be
    among the domains of each group that has mail to it. Raises `AskingError`."""
    where, values = _bounds(since, until)
    counts = _counts(asking, where, values, days, since, until)
    sums = Sums()
    groups = _groups(asking, where, values, grounds, sums)
    _slices(asking, where, values, groups, _within(counts, since, until))
    for column, names in (("sender", "senders"), ("domain", "domains"), ("relay", "hosts")):
        for ground, name, n in asking.ask(_named(column, where), *values):
            if ground in groups:
                getattr(groups[ground], names)[name] = n
    if domain is not None:
        sql = f"SELECT ground, count(*) FROM deliveries WHERE {REFUSED} AND {where} AND domain = ? GROUP BY 1"
        for ground, n in asking.ask(sql, *values, domain):
            if ground in groups:
                groups[ground].domains[domain] = n
    versions = asking.ask(f"SELECT DISTINCT knowledge FROM deliveries WHERE {where}", *values)
    knowledge = ", ".join(sorted(version for (version,) in versions if version))
    return Told(sums, counts, _daily(asking, where, values, counts), knowledge)


Values = list[str | float | None]


def _bounds(since: float | None, until: float | None) -> tuple[str, Values]:
    told, values = ["true"], list[str | float | None]()
    for seconds, sign in ((since, ">="), (until, "<")):
        if seconds is not None:
            told.append(f"time {sign} make_timestamp(CAST(? AS BIGINT))")
            values.append(round(seconds * 1_000_000))
    return " AND ".join(told), values


def _counts(
    asking: Asking, where: str, values: Values, days: Mapping[str, Day],
    since: float | None, until: float | None,
) -> Counts:  # fmt: skip
    """Lines are told by whole days, of UTC: those with a part in the time."""
    counts = Counts()
    sql = (
        f"SELECT outcome, count(*), min({_SECONDS}), max({_SECONDS}) FROM deliveries"
        f" WHERE {where} GROUP BY 1"
    )
    for outcome, n, first, last in asking.ask(sql, *values):
        if outcome in {"sent", "bounced", "deferred"}:
            setattr(counts, outcome, n)
        for name, value, better in (("first", first, min), ("last", last, max)):
            known = getattr(counts, name)
            if value is not None:
                setattr(counts, name, value if known is None else better(known, value))
    total = Day()
    for day, told in days.items():
        if (since is None or day >= _day(since)) and (until is None or day <= _day(until)):
            total = total.plus(told)
    counts.lines, counts.other_programs, counts.unknown = total[:3]
    counts.expired, counts.jumps = total.expired, total.jumps
    counts.first = min((t for t in (counts.first, total.first) if t is not None), default=None)
    counts.last = max((t for t in (counts.last, total.last) if t is not None), default=None)
    counts.formats = set(total.formats)  # type: ignore[arg-type]
    return counts


def _groups(
    asking: Asking, where: str, values: Values, grounds: Grounds, sums: Sums
) -> dict[int, Group]:
    """By their number; those with the most attempts, where there are too many."""
    sql = (
        "SELECT ground, any_value(reason), any_value(place), min({s}), max({s}),"
        " count(*) FILTER (outcome = 'bounced'), count(*) FILTER (outcome = 'deferred'),"
        " count(DISTINCT recipient)"
        f" FROM deliveries WHERE {REFUSED} AND {where} GROUP BY 1 ORDER BY count(*) DESC, ground"
    ).replace("{s}", _SECONDS)
    found = asking.ask(sql, *values)
    sums.undecided = sum(row[5] + row[6] for row in found if row[1] == "undecided")
    sums.partial = len(found) > MOST_GROUPS
    found = sorted(found[:MOST_GROUPS], key=lambda row: row[3] or 0.0)  # as a log tells them
    told = _diagnoses(asking, where, values, grounds, [row[0] for row in found])
    groups: dict[int, Group] = {}
    for number, _, place, first, last, bounced, deferred, recipients in found:
        group = Group(told[number].diagnosis, place, told[number].example)
        group.bounced, group.deferred = bounced, deferred
        group.first, group.last = first, last
        group.recipients = Number(recipients)
        groups[number] = sums.groups[number,] = group
    return groups


def _diagnoses(
    asking: Asking, where: str, values: Values, grounds: Grounds, numbers: Sequence[int]
) -> dict[int, Ground]:
    """As they are stored; where one is not, from the columns of a row."""
    stored = {n: ground for n, told in grounds(numbers).items() if (ground := decode(told))}
    if len(stored) < len(numbers):
        any_of = ", ".join(f"any_value({name})" for name in _COLUMNS)
        sql = f"SELECT ground, {any_of} FROM deliveries WHERE {REFUSED} AND {where} GROUP BY 1"
        for number, *columns in asking.ask(sql, *values):
            if number not in stored:
                stored[number] = _told(dict(zip(_COLUMNS, columns, strict=True)))
    return stored


def _told(row: Mapping[str, Any]) -> Ground:
    """A ground from the columns of a row, where none is stored: it tells less."""
    identity = None
    if row["identity_kind"] is not None and row["identity"] is not None:
        identity = Identity(row["identity_kind"], row["identity"])
    d = Diagnosis(
        kind="refusal", action=None, recipient=None, sender=None, reported_by=None, remote=Remote(),
        stage=row["stage"], reply=Reply(row["code"], row["enhanced"], row["reply"] or ""),
        reason=row["reason"], temporary=row["temporary"], receiver=row["receiver"],
        gateway=row["gateway"], receiver_code=row["receiver_code"],
        blocked=(identity,) if identity else (),
        blocklist=Blocklist(row["list"]) if row["list"] else None, urls=(), removal=None,
        who_acts=row["who_acts"], remedy=(), rule=row["rule"], confidence=None, evidence=(),
        sources=(), sisimai=None,
    )  # fmt: skip
    return Ground(d, row["reply"])


def _within(c: Counts, since: float | None, until: float | None) -> tuple[float, float] | None:
    """The time that is told of."""
    if c.first is None or c.last is None:
        return None
    first = c.first if since is None else max(c.first, since)
    last = c.last if until is None else min(c.last, until)
    return (first, last) if first <= last else None


def _slices(
    asking: Asking, where: str, values: Values, groups: dict[int, Group],
    bounds: tuple[float, float] | None,
) -> None:  # fmt: skip
    """Attempts by the slices that `todoku.logs.sums.trend` divides the time into."""
    if bounds is None:
        return
    begin, end = int(bounds[0]) // BUCKET, int(bounds[1]) // BUCKET + 1
    slices = max(1, min(SLICES, end - begin))
    bucket = f"CAST(floor({_SECONDS} / {BUCKET}) AS BIGINT)"
    sql = (
        f"SELECT ground, min(bucket), count(*) FROM (SELECT ground, {bucket} AS bucket FROM deliveries"
        f" WHERE {REFUSED} AND time IS NOT NULL AND {where})"
        " GROUP BY ground, (bucket - ?) * ? // ?"
    )
    for ground, at, n in asking.ask(sql, *values, begin, slices, end - begin):
        if ground in groups:
            groups[ground].buckets[at] = n


def _named(column: str, where: str) -> str:
    """The most frequent names of each group; one more than is shown, which tells that there are."""
    return (
        f"SELECT ground, {column}, count(*) AS n FROM deliveries"
        f" WHERE {REFUSED} AND {column} IS NOT NULL AND {where} GROUP BY 1, 2"
        f" QUALIFY row_number() OVER (PARTITION BY ground ORDER BY n DESC, {column}) <= {TOP + 1}"
    )


def _daily(asking: Asking, where: str, values: Values, counts: Counts) -> Daily:
    """As `todoku.logs.daily` counts: a mail that is refused several times a day counts once."""
    daily = Daily()
    if counts.first is None or counts.last is None:
        return daily
    day = f"CAST(floor(({_SECONDS} + {_offset(counts.first, counts.last)}) / 86400) AS BIGINT)"
    known = f"relay IS NOT NULL AND relay <> '' AND time IS NOT NULL AND {where}"
    ours = ", ".join(f"'{who}'" for who in sorted(OURS))
    sent = f"SELECT relay, {day}, count(*) FROM deliveries WHERE outcome = 'sent' AND {known} GROUP BY 1, 2"
    refused = (
        "SELECT relay, day, count(*) FROM"
        f" (SELECT {day} AS day, arg_min(relay, time) AS relay FROM deliveries WHERE {REFUSED}"
        f" AND (who_acts IN ({ours}) OR reason = 'undecided') AND {known}"
        " GROUP BY 1, host, queue_id, recipient) GROUP BY 1, 2"
    )
    for at, sql in enumerate((sent, refused)):
        for relay, day_, n in asking.ask(sql, *values):
            cell = [0, 0]
            cell[at] = n
            daily.add({(domain_of(relay), day_): cell})
    return daily


def _offset(first: float, last: float) -> str:
    """SQL for the seconds that the reader's clock is ahead of UTC, at each `time`."""
    steps: list[tuple[float, int]] = []
    for seconds in itertools.chain(_hours(first, last), (last,)):
        ahead = _ahead(seconds)
        if not steps or steps[-1][1] != ahead:
            steps.append((seconds, ahead))
    if len(steps) < 2:
        return str(steps[0][1] if steps else 0)
    cases = " ".join(
        f"WHEN {_SECONDS} < {after[0]:.0f} THEN {ahead}"
        for (_, ahead), after in itertools.pairwise(steps)
    )
    return f"(CASE {cases} ELSE {steps[-1][1]} END)"


def _hours(first: float, last: float) -> range:
    """Whole hours, or, of a time that is too long for these, days."""
    step = 3_600 if last - first < 20 * 366 * 86_400 else 86_400
    begin = int(first) // step * step
    return range(begin, min(int(last), begin + 200_000 * step) + 1, step)


def _ahead(seconds: float) -> int:
    try:
        return clock.localtime(seconds).tm_gmtoff
    except (ValueError, OverflowError, OSError):
        return 0


def _day(seconds: float) -> str:
    try:
        return clock.strftime("%Y-%m-%d", clock.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "9999-12-31" if seconds > 0 else "0000-01-01"
