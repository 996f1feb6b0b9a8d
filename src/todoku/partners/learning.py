"""Deliveries to evidence.

A reply that names a list proves that the partner uses it. Mail that is accepted while the own identity
stands on a list is evidence that it does not. Everything else says nothing, and adds nothing.

When an identity was listed is known from what `todoku check` found (`Window`), and from the refusals
themselves: between two that name the same list and identity, a day apart at most, it was listed. One
step of learning sees only the refusals that it is given; what it thereby misses is not counted, so
evidence is never wrong because logs came in pieces.

What a delivery tells by itself is added up where it is read. What hangs on the order is told as a tape,
and played in the order of all logs, perhaps in another process (`todoku.partners.hearing`).
"""

from __future__ import annotations

import bisect
from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from todoku.logs.daily import about_us
from todoku.logs.sums import blamed
from todoku.logs.values import Delivery
from todoku.model import Diagnosis
from todoku.partners.gates import Gates, well_made
from todoku.partners.sentence import naming, proving
from todoku.partners.values import (
    DAY,
    MOST_LISTS,
    Evidence,
    Mail,
    MailKey,
    Proof,
    Use,
    UseKey,
    add,
    later,
    week_of,
)
from todoku.settings.own import Own, parse_ip

PROVE: Final = frozenset({"listed", "lookup-failed", "reputation", "policy", "refused-client"})
"""Reasons with which a list that is named was asked. (`lookup-failed`: it was asked, and the answer
was taken for an error.)"""
LONGEST_LIST: Final = 100
_HERE: Final = frozenset({"127.0.0.1", "::1"})
MOST_OPEN: Final = 1_000
_SENTENCES: Final = 5_000
_DOMAINS: Final = 200_000


class Window(NamedTuple):
    """Times between which an identity is known to be listed."""

    identity: str
    """An address, or a domain."""
    list: str
    first: float
    last: float


class Word(NamedTuple):
    """A refusal that names a list."""

    domain: str
    list: str
    week: int
    identity: str | None
    """What of ours is listed, where of others, too, could be told that they took mail from it."""
    proof: Proof


Taken: TypeAlias = dict[str, dict[tuple[str, int], "array[float]"]]
"""Mail that was accepted between two words: by own identity, then domain and week, its times."""
Tape: TypeAlias = list[Word | Taken]


class _Open:
    """A list that names one of our identities in refusals: what happened since the last of them."""

    __slots__ = ("first", "last", "since")

    def __init__(self, at: float) -> None:
        self.first = self.last = at
        self.since: dict[tuple[str, int], list[int]] = {}
        """By domain and week: within, accepted."""


class Learner:
    """Takes deliveries, best in the order of time, and gives evidence."""

    def __init__(self, gates: Gates, own: Own | None, windows: Iterable[Window] = ()) -> None:
        self._gates = gates
        self._own = own if own is not None and own.given else None
        self._sources = Sources(own)
        self._windows: dict[str, dict[str, list[tuple[float, float]]]] = {}
        for w in sorted(windows, key=lambda w: (w.identity, w.list, w.first, w.last)):
            self._windows.setdefault(w.identity, {}).setdefault(w.list, []).append(
                (w.first, w.last)
            )
        self._open: dict[str, dict[str, _Open]] = {}
        self._tape: Tape = []
        self.taped = 0
        """What is on it."""
        self._sentences: dict[tuple[int, str, str], tuple[Diagnosis, str]] = {}
        self._lists: dict[str, set[str]] = {}
        self.untimed = 0
        """Deliveries without a time: not learned from."""
        self.evidence = Evidence()

    def take(self) -> Evidence:
        """What was learned since the last time. What is open stays so."""
        tape = self._taken_off()
        self._play(tape)
        out, self.evidence = self.evidence, Evidence()
        return out

    def hand_over(self) -> tuple[Evidence, Tape]:
        """The same, for the learner who has all of it: he takes it over in the order of the logs."""
        out, self.evidence = self.evidence, Evidence()
        return out, self._taken_off()

    def take_over(self, evidence: Evidence, tape: Tape) -> None:
        add(self.evidence, evidence)
        self._play(tape)

    def _taken_off(self) -> Tape:
        tape, self._tape, self.taped = self._tape, [], 0
        return tape

    def _play(self, tape: Tape) -> None:
        for entry in tape:
            if isinstance(entry, dict):
                self._since(entry)
            else:
                self._said(entry)

    def add(self, d: Delivery) -> None:
        domain, time = d.domain, d.time
        if domain is None or d.outcome == "expired" or not d.relay or d.relay_ip in _HERE:
            return
        if d.relay_ip is None and "." not in d.relay:  # `local`, `none`: no server answered
            return
        if not well_made(domain) or (self._own is not None and domain in self._own.domains):
            return
        if time is None:
            self.untimed += 1
            return
        gate = (
            self._gates.of(d.relay, domain)
            if d.diagnosis is None
            else self._gates.told(d.diagnosis, d.relay, domain)
        )
        source = ""
        if d.relay_ip is not None:
            source = self._sources.of(d.transport, six=":" in d.relay_ip)
        week = week_of(time)
        mail = d.outcome in {"sent", "bounced"}
        refused = d.diagnosis is not None and about_us(d.diagnosis)
        if mail or refused:
            self._count(MailKey(domain, gate, source, week), mail, refused)
        e = self.evidence
        e.first = time if e.first is None else min(e.first, time)
        e.last = time if e.last is None else max(e.last, time)
        if d.outcome == "sent":
            if gate:  # not our smarthost's yes
                self._accepted(d, domain, source, week, time)
        elif d.diagnosis is not None:
            self._refused(d, d.diagnosis, domain, week, time)

    def _count(self, key: MailKey, mail: bool, refused: bool) -> None:
        m = self.evidence.mail.get(key, Mail())
        self.evidence.mail[key] = Mail(m.mails + mail, m.refused + refused)

    # ── accepted ──────────────────────────────────────────────────────────────────────────────

    def _accepted(self, d: Delivery, domain: str, source: str, week: int, time: float) -> None:
        sender = (d.message.sender or "").rpartition("@")[2].lower()
        for identity in (source, sender):
            if not identity:
                continue
            for list_, times in self._windows.get(identity, {}).items():
                if _covers(times, time):
                    self._use(UseKey(domain, list_, week), Use(accepted=1))
            last = self._tape[-1] if self._tape else None
            if not isinstance(last, dict):
                last = {}
                self._tape.append(last)
            last.setdefault(identity, {}).setdefault((domain, week), array("d")).append(time)
            self.taped += 1

    def _since(self, taken: Taken) -> None:
        """Mail that was accepted since the last word."""
        for identity, cells in taken.items():
            for list_, o in self._open.get(identity, {}).items():
                windows = self._windows.get(identity, {}).get(list_, [])
                for key, times in cells.items():
                    n = sum(0 <= t - o.last <= DAY and not _covers(windows, t) for t in times)
                    if n:
                        o.since.setdefault(key, [0, 0])[1] += n

    # ── refused ───────────────────────────────────────────────────────────────────────────────

    def _refused(self, d: Delivery, why: Diagnosis, domain: str, week: int, time: float) -> None:
        named = why.blocklist
        if named is None or why.reason not in PROVE or why.refused_by == "own-smarthost":
            return
        words = self._words(d, why, domain)
        if not words:
            return
        code = " ".join(str(c) for c in (why.reply.code, why.reply.enhanced) if c) or None
        proof = Proof(time, time, words, d.stage or why.stage, code, why.rule)
        self._tape.append(Word(domain, named.id[:LONGEST_LIST], week, self._listed(why), proof))
        self.taped += 1

    def _said(self, word: Word) -> None:
        domain, list_, week, _, proof = word
        if len(self._lists) >= _DOMAINS:
            self._lists.clear()
        lists = self._lists.setdefault(domain, set())
        if list_ not in lists and len(lists) >= MOST_LISTS:
            return
        lists.add(list_)
        self._use(UseKey(domain, list_, week), Use(named=1, within=self._within(word)))
        mine = self.evidence.proofs.get((domain, list_))
        self.evidence.proofs[domain, list_] = proof if mine is None else later(mine, proof)

    def _listed(self, why: Diagnosis) -> str | None:
        if why.reason != "listed":
            return None
        identity = _ours(why)
        if identity is None or (parse_ip(identity) and identity not in self._sources.all):
            return None  # of nobody could be told that he accepted mail from it
        return identity

    def _within(self, word: Word) -> int:
        """1 where others, too, could have told at this time whether they use the list."""
        domain, list_, week, identity, proof = word
        if identity is None:
            return 0
        time = proof.last
        windows = self._windows.get(identity, {}).get(list_)
        if windows and _covers(windows, time):
            return 1
        if len(self._open) >= MOST_OPEN:
            self._open.clear()
        opened = self._open.setdefault(identity, {})
        o = opened.get(list_)
        if o is None or abs(time - o.last) > DAY:
            o = opened[list_] = _Open(time)
            o.since[domain, week] = [1, 0]
            return 0
        if time <= o.first:  # nothing lies between
            o.since.setdefault((domain, week), [0, 0])[0] += 1
            return 0
        for (who, when), (within, accepted) in o.since.items():
            self._use(UseKey(who, list_, when), Use(within=within, accepted=accepted))
        o.since.clear()
        o.last = max(o.last, time)
        return 1

    def _use(self, key: UseKey, more: Use) -> None:
        u = self.evidence.uses.get(key, Use())
        self.evidence.uses[key] = Use(
            u.named + more.named, u.within + more.within, u.accepted + more.accepted
        )

    def _words(self, d: Delivery, why: Diagnosis, domain: str) -> str:
        template = d.template or why.reply.text
        key = (id(why), domain, template)
        known = self._sentences.get(key)
        if known is not None and known[0] is why:
            return known[1]
        words = proving(template, domain, named=naming(why))
        if len(self._sentences) >= _SENTENCES:
            self._sentences.clear()
        self._sentences[key] = (why, words)
        return words


def _covers(times: list[tuple[float, float]], time: float) -> bool:
    at = bisect.bisect_right(times, (time, float("inf"))) - 1
    return at >= 0 and any(first <= time <= last for first, last in times[max(0, at - 3) : at + 1])


def _ours(d: Diagnosis) -> str | None:
    """The address or domain that the reply names as the ground."""
    b = blamed(d)
    if b is None or b.kind not in {"ip", "domain", "hostname"}:
        return None
    if b.kind != "ip":
        return b.value.lower().rstrip(".")
    ip = parse_ip(b.value)
    return None if ip is None else str(ip)


class Sources:
    """Which address mail left from, where that is beyond doubt: a list has the address, and a host has
    one of each family."""

    def __init__(self, own: Own | None) -> None:
        self._own = own if own is not None and own.given else None
        self._single = ("", "")
        if self._own is not None and not self._own.transports and not self._own.ranges:
            addresses = [self._own.nat.get(a, a) for a in self._own.addresses]
            self._single = (_one(addresses, six=False), _one(addresses, six=True))
        transports = self._own.transports if self._own is not None else ()
        told = (self.of(t, six=six) for t in (*transports, None) for six in (False, True))
        self.all = frozenset(filter(None, told))
        """All addresses that `of` can tell."""

    def of(self, transport: str | None, *, six: bool) -> str:
        """Empty where it is not known. `six`: the other side's address is one of IPv6."""
        if self._own is None or not self._own.transports:
            return self._single[six]
        return _one(self._own.sends_from(transport or ""), six=six)


def _one(addresses: Iterable[str], *, six: bool) -> str:
    found = {str(ip) for a in addresses if (ip := parse_ip(a)) is not None}
    fitting = [a for a in found if (":" in a) == six]
    return fitting[0] if len(fitting) == 1 else ""
