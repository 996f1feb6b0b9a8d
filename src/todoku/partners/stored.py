"""Stored deliveries to evidence: the same as `todoku.partners.learning` does one by one, in SQL. Pure:
whoever calls hands in how questions are answered (`todoku.deliveries.asking`)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from todoku.grouping import OURS
from todoku.model import Stage
from todoku.partners.gates import LONGEST, NAME, NUMBERS, Gates
from todoku.partners.keeping import PartRead
from todoku.partners.learning import LONGEST_LIST, PROVE, Sources, Window
from todoku.partners.sentence import proving
from todoku.partners.values import (
    MOST_LISTS,
    WEEK,
    Evidence,
    Mail,
    MailKey,
    Proof,
    Use,
    UseKey,
    later,
)

Ask = Callable[..., list[tuple[Any, ...]]]
"""SQL and what is bound in it, to rows."""
TOGETHER: Final = 28
"""Days of parts that are learned from at once."""
_MOST_WINDOWS: Final = 200
"""Listings looked into at once, those of which most refusals tell: each takes a pass over the rows."""

# Answers of somebody else's server, with a time: what `Learner.add` lets pass.
_FROM: Final = f"""
    SELECT *, epoch(time) AS moment, CAST(floor(epoch(time) / {WEEK}) AS BIGINT) AS week,
           coalesce(contains(relay_address, ':'), false) AS six
    FROM deliveries
    WHERE time IS NOT NULL AND domain IS NOT NULL AND outcome <> 'expired' AND relay <> ''
      AND coalesce(relay_address NOT IN ('127.0.0.1', '::1'), contains(relay, '.'))
      AND length(domain) <= {LONGEST} AND regexp_full_match(domain, '{NAME}')
      AND NOT regexp_full_match(domain, '{NUMBERS}')
"""  # noqa: S608
_REASONS: Final = ", ".join(f"'{reason}'" for reason in sorted(PROVE))
_NAMED: Final = f"outcome <> 'sent' AND list IS NOT NULL AND reason IN ({_REASONS})"
_ABOUT_US: Final = (
    f"(who_acts IN ({', '.join(repr(w) for w in sorted(OURS))}) OR reason = 'undecided')"
)


class Plan(NamedTuple):
    """What is new of what is stored."""

    fresh: list[list[PartRead]]
    """Parts to learn from, some days at once."""
    again: dict[str, list[PartRead]]
    """Days to learn anew, with all their parts: what they taught takes the place of what they had."""
    same: list[PartRead]
    """Parts that took the place of learned ones."""
    gone: list[str]
    missed: int
    """Rows that are new and lie in one part with others that are not: they are not learned from."""


def plan(
    learned: Iterable[PartRead],
    stored: Sequence[PartRead],
    *,
    young: str = "9",
    known: Collection[str] = (),
) -> Plan:
    """Days from `young` on (`2026-11-22`) still grow, and their parts are put together: they are learned
    as a whole, and those of `known`, too, of which it is kept what they taught."""
    before = {p.name: p for p in learned}
    there = {p.name for p in stored}
    replaced: dict[str, int] = {}
    for p in before.values():
        if p.name not in there:
            replaced[p.day] = replaced.get(p.day, 0) + p.rows
    by_day: dict[str, list[PartRead]] = {}
    for p in stored:
        by_day.setdefault(p.day, []).append(p)
    fresh: list[list[PartRead]] = []
    again: dict[str, list[PartRead]] = {}
    same: list[PartRead] = []
    missed = 0
    for day, parts in sorted(by_day.items()):
        new = [p for p in parts if p.name not in before]
        more = sum(p.rows for p in new) - replaced.get(day, 0)
        if not new:
            continue
        if replaced.get(day) and more == 0:
            same += new
        elif day >= young or day in known:
            again[day] = parts
        elif replaced.get(day):
            same += new
            missed += max(0, more)
        else:
            fresh.append(new)
    cuts = range(0, len(fresh), TOGETHER)
    batches = [list(itertools.chain.from_iterable(fresh[n : n + TOGETHER])) for n in cuts]
    return Plan(batches, again, same, [name for name in before if name not in there], missed)


def learn(
    ask: Ask,
    gates: Gates,
    sources: Sources,
    *,
    own_domains: Collection[str] = (),
    windows: Iterable[Window] = (),
    names: Mapping[str, Sequence[str]] = {},
    smarthosts: Collection[str] = (),
) -> Evidence:
    """`names`: by list, what replies call it (of a long one the words around it are kept)."""
    e = Evidence()
    learning = _Learning(ask, gates, sources, own_domains, smarthosts, names)
    learning.mail(e)
    learning.named(e)
    learning.listed(e, [*windows, *learning.between()])
    return e


class _Learning:
    def __init__(
        self,
        ask: Ask,
        gates: Gates,
        sources: Sources,
        own: Collection[str],
        smarthosts: Collection[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        self._ask = ask
        self._gates = gates
        self._sources = sources
        self._names = names
        self._from = _FROM
        if own:
            self._from += f" AND domain NOT IN ({', '.join(map(_quoted, own))})"
        self._named = _NAMED
        if smarthosts:  # what they say is not a partner's word
            ours = ", ".join(map(_quoted, smarthosts))
            self._named += (
                f" AND lower(rtrim(relay, '.')) NOT IN ({ours})"
                f" AND coalesce(relay_address NOT IN ({ours}), true)"
            )

    def mail(self, e: Evidence) -> None:
        rows = self._ask(f"""
            WITH d AS ({self._from})
            SELECT domain, relay, six, relay_address IS NULL, transport, receiver, gateway,
                   reason IS NULL, week, count(*) FILTER (WHERE outcome IN ('sent', 'bounced')),
                   count(*) FILTER (WHERE {_ABOUT_US}), min(moment), max(moment)
            FROM d GROUP BY ALL
        """)  # noqa: S608
        mail = e.mail
        for domain, relay, six, nowhere, transport, receiver, gateway, sent, week, n, refused, first, last in rows:  # fmt: skip
            e.first = first if e.first is None else min(e.first, first)
            e.last = last if e.last is None else max(e.last, last)
            if not n and not refused:
                continue
            gate = self._gates.of(relay, domain)
            if not sent:
                gate = self._gates.named(gate, gateway, receiver)
            source = "" if nowhere else self._sources.of(transport, six=six)
            key = MailKey(domain, gate, source, week)
            before = mail.get(key)
            mail[key] = Mail(n, refused) if before is None else Mail(before[0] + n, before[1] + refused)  # fmt: skip

    def named(self, e: Evidence) -> None:
        """Refusals that named a list, and the words of the last."""
        rows = self._ask(f"""
            WITH d AS ({self._from})
            SELECT domain, list, week, reply, stage, code, enhanced, rule, count(*), min(moment), max(moment)
            FROM d WHERE {self._named} GROUP BY ALL ORDER BY min(moment)
        """)  # noqa: S608
        lists: dict[str, set[str]] = {}
        for domain, list_, week, reply, stage, code, enhanced, rule, n, first, last in rows:
            list_ = list_[:LONGEST_LIST]
            mine = lists.setdefault(domain, set())
            if list_ not in mine and len(mine) >= MOST_LISTS:
                continue
            called = next((x for x in self._names.get(list_, ()) if x.lower() in (reply or "").lower()), None)  # fmt: skip
            words = proving(reply or "", domain, named=called)
            if not words:
                continue
            mine.add(list_)
            key = UseKey(domain, list_, week)
            e.uses[key] = _plus(e.uses.get(key), Use(named=n))
            told = " ".join(str(c) for c in (code, enhanced) if c) or None
            proof = Proof(first, last, words, _stage(stage), told, rule)
            known = e.proofs.get((domain, list_))
            e.proofs[domain, list_] = proof if known is None else later(known, proof)

    def between(self) -> list[Window]:
        """Times between refusals that name the same list and identity, a day apart at most."""
        ours = sorted(self._sources.all)
        marks = ", ".join("?" for _ in ours) or "NULL"
        rows = self._ask(
            f"""
            WITH d AS ({self._from}), named AS (
                SELECT lower(rtrim(identity, '.')) AS identity, list, moment FROM d
                WHERE {self._named} AND reason = 'listed'
                  AND (identity_kind IN ('domain', 'hostname') OR identity_kind = 'ip' AND identity IN ({marks}))
            ), apart AS (
                SELECT *, coalesce(moment - lag(moment) OVER (PARTITION BY identity, list ORDER BY moment) > 86400, true) AS begins
                FROM named
            ), numbered AS (
                SELECT *, sum(CAST(begins AS INTEGER)) OVER (PARTITION BY identity, list ORDER BY moment
                    ROWS UNBOUNDED PRECEDING) AS n
                FROM apart
            )
            SELECT identity, list, min(moment), max(moment) FROM numbered GROUP BY identity, list, n
            HAVING max(moment) > min(moment) ORDER BY count(*) DESC LIMIT {_MOST_WINDOWS}
            """,  # noqa: S608
            *ours,
        )
        return [Window(i, l[:LONGEST_LIST], first, last) for i, l, first, last in rows]  # noqa: E741

    def listed(self, e: Evidence, windows: Iterable[Window]) -> None:
        """What happened while an identity was listed."""
        for w in _joined(windows):
            named = self._ask(
                f"""WITH d AS ({self._from})
                SELECT domain, week, count(*) FROM d WHERE {self._named} AND reason = 'listed'
                  AND list = ? AND lower(rtrim(identity, '.')) = ? AND moment BETWEEN ? AND ? GROUP BY ALL""",  # noqa: S608
                w.list, w.identity, w.first, w.last,
            )  # fmt: skip
            for domain, week, n in named:
                key = UseKey(domain, w.list, week)
                if key in e.uses:  # else it was no partner's word
                    e.uses[key] = _plus(e.uses[key], Use(within=n))
            accepted = self._ask(
                f"""WITH d AS ({self._from})
                SELECT domain, week, relay, transport, six, relay_address IS NULL,
                       coalesce(lower(split_part(sender, '@', -1)) = ?, false), count(*)
                FROM d WHERE outcome = 'sent' AND moment BETWEEN ? AND ? GROUP BY ALL""",  # noqa: S608
                w.identity, w.first, w.last,
            )  # fmt: skip
            for domain, week, relay, transport, six, nowhere, sender, n in accepted:
                source = "" if nowhere else self._sources.of(transport, six=six)
                if (source == w.identity or sender) and self._gates.of(relay, domain):  # fmt: skip
                    key = UseKey(domain, w.list, week)
                    e.uses[key] = _plus(e.uses.get(key), Use(accepted=n))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plus(a: Use | None, b: Use) -> Use:
    return b if a is None else Use(a.named + b.named, a.within + b.within, a.accepted + b.accepted)


def _joined(windows: Iterable[Window]) -> list[Window]:
    """Those of one identity at one list that overlap are one: what happened in both counts once."""
    out: list[Window] = []
    for w in sorted(windows):
        last = out[-1] if out else None
        if last is not None and last[:2] == w[:2] and w.first <= last.last:
            out[-1] = last._replace(last=max(last.last, w.last))
        else:
            out.append(w)
    return out


_STAGES: Final[frozenset[Stage]] = frozenset(
    ("CONN", "EHLO", "STARTTLS", "AUTH", "MAIL FROM", "RCPT TO", "DATA", "END OF DATA")
)


def _stage(told: str | None) -> Stage | None:
    return next((s for s in _STAGES if s == told), None)
