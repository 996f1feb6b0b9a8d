"""Evidence of what partners do: counts by week that add up exactly, in any order.

An origin is one installation that learns. Its evidence only grows, and `seq` counts its steps; of two
copies of one origin the later holds the earlier. So what several hosts know is put together by taking
the later copy of each origin: done twice, or the other way round, the result is the same. Evidence is
never made less with time: what is old counts for less when it is asked (`todoku.partners.model`).

Nothing here names a person: domains, lists, hosts, own addresses, and receivers' words in which
every address is masked (`todoku.partners.sentence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

import msgspec

from todoku.model import Stage

WEEK: Final = 7 * 86_400
"""Seconds."""
DAY: Final = 86_400.0
MOST_LISTS: Final = 30
"""Lists that one domain is believed to use: a receiver can print any name."""
FORGOTTEN: Final = 260
"""Weeks. What is older than the newest by more is kept no longer."""


def week_of(time: float) -> int:
    """Weeks since 1970-01-01 (they begin on Thursdays, UTC)."""
    return int(time // WEEK)


class MailKey(NamedTuple):
    """Mail to one domain in one week, by the way that it took."""

    domain: str
    gate: str
    """Who took it: an id of the knowledge; the name of the hosts with a dot at its end
    (`mx.partner.example.`); empty where that is not known."""
    source: str
    """The own address that it was sent from; empty where that is not known."""
    week: int


class Mail(NamedTuple):
    mails: int = 0
    """Delivered, or refused for good."""
    refused: int = 0
    """Attempts that were refused or deferred because of the sending side."""


class UseKey(NamedTuple):
    """What one domain did in one week about one list."""

    domain: str
    list: str
    week: int


class Use(NamedTuple):
    named: int = 0
    """Refusals that named the list."""
    within: int = 0
    """Of these, those at a time for which it is known that the identity was listed."""
    accepted: int = 0
    """Mails that were accepted at such a time, from the identity that was listed."""


class Proof(NamedTuple):
    """That a domain uses a list. Of two, the words of the later are kept."""

    first: float
    """Unix time."""
    last: float
    words: str
    stage: Stage | None = None
    code: str | None = None
    """`550 5.7.1`."""
    rule: str | None = None


ProofKey: TypeAlias = tuple[str, str]
"""Domain, list."""


class Evidence(msgspec.Struct):
    """What one origin knows. `first` and `last`: Unix times of the earliest and the latest delivery."""

    mail: dict[MailKey, Mail] = msgspec.field(default_factory=dict)
    uses: dict[UseKey, Use] = msgspec.field(default_factory=dict)
    proofs: dict[ProofKey, Proof] = msgspec.field(default_factory=dict)
    first: float | None = None
    last: float | None = None

    @property
    def cells(self) -> int:
        return len(self.mail) + len(self.uses) + len(self.proofs)


class Origin(NamedTuple):
    """An installation's evidence as it was after `seq` steps of learning."""

    seq: int
    evidence: Evidence


Known: TypeAlias = Mapping[str, Origin]
"""What is known, by the origin's id."""


def merge(a: Evidence, b: Evidence) -> Evidence:
    """What both know, where they learned different deliveries."""
    out = Evidence(dict(a.mail), dict(a.uses), dict(a.proofs), a.first, a.last)
    add(out, b)
    return out


def add(into: Evidence, more: Evidence) -> None:
    """The same in place; `more` stays as it is."""
    for mail_key, mail in more.mail.items():
        m = into.mail.get(mail_key, Mail())
        into.mail[mail_key] = Mail(m.mails + mail.mails, m.refused + mail.refused)
    for use_key, use in more.uses.items():
        u = into.uses.get(use_key, Use())
        into.uses[use_key] = Use(
            u.named + use.named, u.within + use.within, u.accepted + use.accepted
        )
    for key, proof in more.proofs.items():
        mine = into.proofs.get(key)
        into.proofs[key] = proof if mine is None else later(mine, proof)
    into.first = _least(into.first, more.first)
    into.last = _most(into.last, more.last)


def later(a: Proof, b: Proof) -> Proof:
    """Both in one: the words of the later; of two at the same time the greater, so that the order in
    which they come does not matter."""
    newest = max(a, b, key=lambda p: (p.last, p.words, p.stage or "", p.code or "", p.rule or ""))
    return newest._replace(first=min(a.first, b.first))


def union(a: Known, b: Known) -> dict[str, Origin]:
    """What both know: of each origin the later copy. Two that claim the same step and differ (an
    installation was restored from a backup, and learned other things since): the one with more."""
    out = dict(a)
    for id_, origin in b.items():
        mine = out.get(id_)
        if mine is None or _rank(origin) > _rank(mine):
            out[id_] = origin
    return out


def total(known: Known) -> Evidence:
    """All origins added up."""
    out = Evidence()
    for id_ in sorted(known):
        out = merge(out, known[id_].evidence)
    return out


def recent(evidence: Evidence) -> Evidence:
    """Without what is to be forgotten."""
    weeks = [k.week for k in evidence.mail] + [k.week for k in evidence.uses]
    newest = max(weeks, default=0)
    begin = newest - FORGOTTEN
    uses = {k: u for k, u in evidence.uses.items() if k.week >= begin}
    named = {(k.domain, k.list) for k, u in uses.items() if u.named}
    return Evidence(
        {k: m for k, m in evidence.mail.items() if k.week >= begin},
        uses,
        {k: p for k, p in evidence.proofs.items() if k in named},
        evidence.first,
        evidence.last,
    )


def _rank(origin: Origin) -> tuple[object, ...]:
    e = origin.evidence
    return (origin.seq, _sum(e.mail.values()), _sum(e.uses.values()), _order(e))


def _sum(counts: Iterable[Mail] | Iterable[Use]) -> int:
    return sum(sum(c) for c in counts)


def _order(e: Evidence) -> bytes:
    """Any order will do, as long as it is the same everywhere."""
    return msgspec.json.encode(
        (sorted(e.mail.items()), sorted(e.uses.items()), sorted(e.proofs.items()), e.first, e.last)
    )


def _least(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else min(a, b)


def _most(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)
