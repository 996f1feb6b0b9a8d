"""One range at one list in one run: its addresses asked, what is listed told, the rest counted."""

from __future__ import annotations

import ipaddress
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from todoku.knowledge.schema import AskKind
from todoku.lists import names, wire
from todoku.lists.asking import NO_WORDS, Emit, OneList
from todoku.lists.feeds import SweepFeed
from todoku.lists.history import rfc3339
from todoku.lists.sweeps import Hit, Sweep
from todoku.lists.values import Answer, Clean, HealthRecord, Server, Unclear
from todoku.model import Finding, ListingState, Subject, UnknownCause

REFUSALS: Final = 20
"""So many answers in a row that are none, and the list is asked no more."""


class ListSweep:
    """See above. `sweep` holds what was answered; findings of what is listed are emitted as they
    come, of the others where `only` wants them."""

    def __init__(
        self,
        one: OneList,
        sweep: Sweep,
        given: str,
        emit: Emit,
        only: frozenset[ListingState],
        rng: random.Random,
    ) -> None:
        self.one = one
        self.sweep = sweep
        self.given = given
        self.listed = 0
        self._emit = emit
        self._only = only
        self._words_wanted = 0
        self._refused = 0
        self._why: UnknownCause | None = None
        self._asked_again: set[int] = set()
        self._told: set[int] = set()
        """Addresses that have a finding, or none but a count."""
        self._unclear: Counter[UnknownCause] = Counter()
        net = ipaddress.ip_network(sweep.network)
        self._first = int(net.network_address)
        self._before = bytes(sweep.answered) if sweep.done else None
        """What the run that was stopped had asked."""
        self._before_at = sweep.updated
        way = one.way
        self._end = names.suffix(way.zone, way.key)
        sections = names.sweep(
            self._first,
            net.max_prefixlen - net.prefixlen,
            self._end,
            seed=rng.getrandbits(32),
            done=sweep.answered if sweep.done else None,
        )
        self.feed = SweepFeed(
            one.servers, one.pace, sections, sweep.absent, self._answered, self._lost
        )
        one.on_health.append(self._healthy)
        one.prove("ipv4")
        if (record := one.health.get("ipv4")) is not None:
            self._healthy("ipv4", record)

    @property
    def done(self) -> bool:
        return self.feed.done and self._words_wanted == 0

    @property
    def complete(self) -> bool:
        return self.done and self.sweep.done == self.sweep.size

    def resume(self, hits: Iterable[Hit]) -> None:
        """What the run that was stopped had found: told again, as this run's."""
        for address, state, answer in hits:
            if state == "listed":
                self._found(address, answer)

    # ── what comes back ───────────────────────────────────────────────────────────────────────

    def _healthy(self, kind: AskKind, record: HealthRecord) -> None:
        if kind != "ipv4":
            return
        if record.state == "failed":
            self._why = record.cause or "list-broken"
            self.feed.stop()
        else:
            self.feed.open = True

    def _answered(self, address: int, packet: bytes, server: Server, took: float) -> None:
        subject = self._subject(address)
        way = self.one.way
        answer = wire.answer_of(
            packet,
            asked=names.printed(subject, way.zone, way.key),
            server=str(server),
            took=took,
            at=self.one.now(),
        )
        if not answer.addresses and answer.rcode in {wire.NOERROR, wire.NXDOMAIN}:
            self.sweep.absent((address,))
            self._refused = 0
        elif self.one.judge.table.read(answer.addresses).lists and answer.text is None:
            self._refused = 0
            self._words_wanted += 1
            self.one.words(subject, lambda words: self._with_words(address, answer, words))
        else:
            self._found(address, answer)

    def _with_words(self, address: int, answer: Answer, words: Answer) -> None:
        self._words_wanted -= 1
        self._found(address, msgspec.structs.replace(answer, text=words.text or NO_WORDS))

    def _found(self, address: int, answer: Answer) -> None:
        """More came back than "no such name"."""
        finding = self._finding(address, answer)
        if finding.state == "unknown":
            self._unknown(address, finding)
            return
        self._refused = 0
        self._told.add(address)
        if finding.state == "listed":
            self.listed += 1
            self.one.prove_by_listing()
        self.sweep.found(address, answer, finding)
        if finding.state == "listed" or finding.entries or finding.state in self._only:
            self._emit(finding)

    def _unknown(self, address: int, finding: Finding) -> None:
        """An answer that is none. An address keeps no mark then: who goes on asks again."""
        cause = finding.cause or "list-broken"
        self._told.add(address)
        self._unclear[cause] += 1
        self.sweep.unknown[cause] += 1
        if "unknown" in self._only:
            self._emit(finding)
        self._refused += 1
        if self._refused >= REFUSALS:
            self._why = cause
            self.feed.stop()

    def _lost(self, address: int) -> None:
        if address not in self._asked_again:  # among thousands, some are lost in every try
            self._asked_again.add(address)
            question = names.question(self._subject(address), self._end, self.one.way.zone)
            if self.feed.again(address, question):
                return
        self._told.add(address)
        self._unclear["timeout"] += 1
        self.sweep.unknown["timeout"] += 1
        if "unknown" in self._only:
            self._emit(self._not_asked(address, "timeout"))

    # ── the end ───────────────────────────────────────────────────────────────────────────────

    def end(self, cause: UnknownCause | None = None) -> Iterator[Finding | Clean | Unclear]:
        """What is left to tell once nothing more comes. `cause`: why the rest was not asked."""
        self.feed.stop()
        record = self.one.health.get("ipv4")
        proven = record is not None and (record.state == "ok" or self.one.proven)
        clean = self.sweep.done - sum(map(self.sweep.has, self._told))
        why: UnknownCause = (record.cause if record is not None else None) or "list-broken"
        if clean and not proven:
            self._unclear[why] += clean
        if ("not-listed" if proven else "unknown") in self._only:
            for address in self._answered_addresses():
                if address not in self._told:
                    yield self._finding(address, self._absent(address))
        yield from self._rest(cause)
        zone, list_id = self.one.judge.zone, self.one.way.entry.id
        if proven and clean:
            yield Clean(self.given, list_id, zone, clean)
        for why, number in self._unclear.items():
            yield Unclear(self.given, list_id, zone, why, number)

    def _rest(self, cause: UnknownCause | None) -> Iterator[Finding]:
        """Addresses that were not asked, or whose answer was not waited for."""
        why = self._why or cause or self.one.why_ended() or "timeout"
        if not self.sweep.done and not self._told:
            # Not one line for each of 65,536 addresses that say the same.
            yield self.one.not_asked(
                Subject("range", self.sweep.network), why, self.one.health.get("ipv4")
            )
            return
        for address in self.sweep.missing():
            if address not in self._told:
                self._unclear[why] += 1
                if "unknown" in self._only:
                    yield self._not_asked(address, why)

    def _answered_addresses(self) -> Iterator[int]:
        flags = self.sweep.answered
        place = flags.find(1)
        while place >= 0:
            yield self._first + place
            place = flags.find(1, place + 1)

    def _absent(self, address: int) -> Answer:
        way = self.one.way
        shown = names.printed(self._subject(address), way.zone, way.key)
        old = self._before is not None and self._before[address - self._first]
        at = self._before_at if old else self.one.now()
        server = str(self.one.servers[0])
        return Answer(rcode=wire.NXDOMAIN, asked=shown, server=server, at=at)

    def _finding(self, address: int, answer: Answer) -> Finding:
        now = self.one.now()
        subject = self._subject(address)
        record = self.one.health.get("ipv4") or HealthRecord(state="untested", at=now)
        since = self.one.since(subject) if address in self.sweep.before else rfc3339(now)
        return self.one.judge.finding(
            subject, answer, record, proven=self.one.proven, first_seen=since
        )

    def _not_asked(self, address: int, cause: UnknownCause) -> Finding:
        return self.one.not_asked(self._subject(address), cause, self.one.health.get("ipv4"))

    def _subject(self, address: int) -> Subject:
        return self.sweep.subject(address)
