"""A run of `todoku check`: the lists asked, what they say told as it comes.

The engine, the clocks and what is kept come in as arguments; nothing is printed here.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from todoku.i18n import Language
from todoku.knowledge.load import lists_of
from todoku.knowledge.schema import Compiled, Desk
from todoku.lists import names, plan
from todoku.lists.asking import OneList
from todoku.lists.engine import Engine
from todoku.lists.judging import Judge
from todoku.lists.keeping import Keeper
from todoku.lists.kept import Kept
from todoku.lists.lookup import Addresses, Lookup
from todoku.lists.plan import Barred, Book, Terms, Way
from todoku.lists.sweeping import ListSweep
from todoku.lists.values import Clean, Notice, Progress, Request, Target, Unclear
from todoku.model import Finding, Subject

Event: TypeAlias = Finding | Progress | Notice | Clean | Unclear

STEP: Final = 0.1
"""Seconds that the loop waits for packets at most before it looks after everything else."""
TURN: Final = 0.005
"""Seconds that a sweep may take before it looks after everything else, unless it found something."""
SAVED_EVERY: Final = 3.0
TOLD_EVERY: Final = 0.2
"""Seconds between two saves of a sweep, and between two words on its progress."""
STRANGERS: Final = 8
"""Questions under way at once at a list's own server."""


def run(
    request: Request,
    knowledge: Compiled,
    terms: Terms,
    kept: Kept,
    *,
    lang: Language,
    book: Book | None = None,
    engine: Engine | None = None,
    clock: Callable[[], float] = time.monotonic,
    wall: Callable[[], float] = time.time,
    rng: random.Random | None = None,
) -> Generator[Event, None, None]:
    """Findings as they come: exactly one for each single identity and list that fits it, and for
    ranges those that `request.only` wants, with `Clean` and `Unclear` to count the others.
    `book`: the lists of the knowledge, where somebody has read them.

    Whoever stops early (closes the generator, interrupts) loses nothing that was answered."""
    engine = engine or Engine(clock)
    with engine:
        checking = _Run(
            request,
            knowledge,
            terms,
            kept,
            lang,
            book or Book(lists_of(knowledge)),
            engine,
            clock,
            wall,
            rng or random.Random(),  # noqa: S311
        )
        yield from checking.events()


class _Run:
    def __init__(
        self,
        request: Request,
        knowledge: Compiled,
        terms: Terms,
        kept: Kept,
        lang: Language,
        book: Book,
        engine: Engine,
        clock: Callable[[], float],
        wall: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self.request = request
        self.engine = engine
        self.clock = clock
        self.wall = wall
        self.rng = rng
        self.lang: Language = lang
        self.desks: Mapping[str, Desk] = knowledge.desks
        self.upstream = request.upstream
        self.started = clock()
        self.out: deque[Event] = deque()
        self.lists: list[OneList] = []
        self.barred: list[Barred] = []
        self.sweeps: list[ListSweep] = []
        self.singles: dict[Subject, None] = {}
        self.lookup: Lookup | None = None
        self._findings: list[Finding] = []
        """Of single identities: what history learns."""
        self._lately: deque[tuple[float, int]] = deque(maxlen=int(10 / TOLD_EVERY))
        self.keeper = Keeper(kept, request, lang, self.out.append, clock, wall)
        own = request.unlimited
        for name in request.lists:
            way = plan.named(book, name, terms, own=own)
            if isinstance(way, Barred):
                self.barred.append(way)
            else:
                self.lists.append(self._list(way))

    # ── the run ───────────────────────────────────────────────────────────────────────────────

    def events(self) -> Iterator[Event]:
        kept = False
        try:
            self._begin()
            yield from self._drain()
            yield from self._ask()
            self._end()
            kept = True
            self._keep()
            yield from self._drain()
        finally:
            if not kept:
                self._keep()

    def _begin(self) -> None:
        """What needs no question: kept answers, lists that are not asked; then the first feeds."""
        targets = self.request.targets
        singles = [t.subject for t in targets if t.subject is not None]
        if self.upstream.kind == "direct":
            self._find_servers()
        for one in self.lists:
            self.engine.add(one.feed, window=self._window())
        self._believe_kept()
        self._add(singles)
        self._look_up([s for s in singles if s.kind == "hostname"])
        for target in targets:
            if target.range is not None:
                self._sweep(target, target.range)

    def _ask(self) -> Iterator[Event]:
        """The loop: until everything is answered, given up, or the time is up."""
        deadline = self.request.deadline
        end = None if deadline is None else self.started + deadline
        save_at = tell_at = self.clock()
        while not self._finished():
            now = self.clock()
            if end is not None and now >= end:
                break
            self.engine.step(STEP if end is None else min(STEP, end - now))
            while self.sweeps and self.engine.busy and not self.out and self.clock() < now + TURN:
                self.engine.step(TURN)
            yield from self._drain()
            if not self.sweeps:
                continue
            now = self.clock()
            if now - save_at >= SAVED_EVERY:
                save_at = now
                self.keeper.save([s.sweep for s in self.sweeps])
            if now - tell_at >= TOLD_EVERY:
                tell_at = now
                yield self._progress(now)

    def _finished(self) -> bool:
        if self.engine.pending:
            return False
        return self.engine.idle

    def _drain(self) -> Iterator[Event]:
        while self.out:
            event = self.out.popleft()
            if isinstance(event, Finding) and event.identity in self.singles:
                self._findings.append(event)
            yield event

    def _end(self) -> None:
        """What did not come is not known."""
        if self.lookup is not None:
            self.lookup.end()
        for one in self.lists:
            one.end()
        for sweep in self.sweeps:
            self.out.extend(sweep.end())
        self._notices()

    # ── lists ─────────────────────────────────────────────────────────────────────────────────

    def _list(self, way: Way) -> OneList:
        direct = self.upstream.kind != "resolver"  # nobody between to blame
        judge = Judge(way.entry, self.desks, self.lang, zone=way.zone, key=way.key, direct=direct)
        servers = () if self.upstream.kind == "direct" else self.upstream.servers
        return OneList(
            way, judge, servers, self.keeper.pace(way), self.out.append, self.keeper.since, self.wall,
            self.rng, direct=direct,
        )  # fmt: skip

    def _window(self) -> int:
        return STRANGERS if self.upstream.kind == "direct" else 64

    def _find_servers(self) -> None:
        """Each list's own name servers, told by the resolver. A list that has none is not asked."""
        from todoku.lists.servers import find_servers

        zones = [one.way.zone for one in self.lists]
        known = self.keeper.name_servers(zones)
        new = [zone for zone in zones if zone not in known]
        if new:
            found = find_servers(new, self.upstream.servers, self.engine)
            self.keeper.keep_name_servers(found)
            known |= found
            for one in self.lists:
                if one.way.zone not in known:
                    way, why = one.way, found.why.get(one.way.zone, "timeout")
                    self.barred.append(Barred(way.entry, way.ask, way.zone, why))
        self.lists = [one for one in self.lists if one.way.zone in known]
        for one in self.lists:
            one.ask_at(known[one.way.zone])

    def _believe_kept(self) -> None:
        """Health that was tested in the last hours is not tested again."""
        for one in self.lists:
            health = self.keeper.health(one.way)
            for kind in plan.ALL_KINDS:
                if (record := health.get(kind)) is not None:
                    one.believe(kind, record)

    # ── single identities ─────────────────────────────────────────────────────────────────────

    def _add(self, subjects: Sequence[Subject]) -> None:
        """Ask about these, wherever no kept answer holds."""
        new = [s for s in dict.fromkeys(subjects) if s not in self.singles]
        self.singles |= dict.fromkeys(new)
        self.keeper.learn(new)
        pairs = [(one, s) for one in self.lists for s in new if names.fits(one.way.ask, s)]
        kept = self.keeper.answers((one.way, s) for one, s in pairs)
        for one, subject in pairs:
            one.add(subject, kept.get((one.way.entry.id, subject)))
        for barred in self.barred:
            for subject in new:
                if names.fits(barred.ask, subject):
                    self._not_asked(barred, subject)

    def _not_asked(self, barred: Barred, subject: Subject) -> None:
        judge = Judge(barred.entry, self.desks, self.lang, zone=barred.zone)
        self.out.append(judge.not_asked(subject, barred.cause, self.wall()))

    def _look_up(self, hosts: Sequence[Subject]) -> None:
        """The addresses of host names are checked too."""
        if not hosts:
            return
        if self.upstream.kind == "server":
            for host in hosts:
                self.out.append(Notice("addresses-unknown", {"name": host.value}))
            return
        self.lookup = Lookup(hosts, self.upstream.servers, self._addresses, self.wall, self.clock)
        self.engine.add(self.lookup.feed)

    def _addresses(self, found: Addresses) -> None:
        if found.addresses:
            told = {"name": found.host.value, "addresses": found.addresses}
            self.out.append(Notice("addresses", told))
            subjects = [Subject("ip", a) for a in found.addresses]
            self._add(subjects)
        else:
            key = "no-addresses" if found.known else "addresses-unknown"
            self.out.append(Notice(key, {"name": found.host.value}))

    # ── ranges ────────────────────────────────────────────────────────────────────────────────

    def _sweep(self, target: Target, network: str) -> None:
        for one in self.lists:
            if "ipv4" not in one.way.ask.kinds:
                continue
            stored, hits = self.keeper.open_sweep(network, one.way)
            self.keeper.learn([stored.subject(address) for address in stored.before])
            sweep = ListSweep(
                one, stored, target.given, self.out.append, self.request.only, self.rng
            )
            if stored.done:
                sweep.resume(hits)
                told = {"done": stored.done, "total": stored.size, "list": one.way.entry.id}
                self.out.append(Notice("resumed", told))
            self.sweeps.append(sweep)
            self.engine.add(sweep.feed, window=self._window())
        for barred in self.barred:
            if "ipv4" in barred.ask.kinds:
                self._not_asked(barred, Subject("range", network))

    def _progress(self, now: float) -> Progress:
        done = sum(s.sweep.done for s in self.sweeps)
        total = sum(s.sweep.size for s in self.sweeps)
        # By the last ten seconds: a burst at the start, or a run before, says nothing of the rate.
        self._lately.append((now, done))
        since, before = self._lately[0]
        left = (total - done) * (now - since) / (done - before) if done > before else None
        return Progress(done, total, sum(s.listed for s in self.sweeps), left)

    # ── the end ───────────────────────────────────────────────────────────────────────────────

    def _notices(self) -> None:
        """What concerns the upstream is said once, not once a list."""
        if self.upstream.kind == "direct":
            return
        server = str(self.upstream.servers[0])
        asked = [one.pace for one in self.lists if one.pace.asked]
        if asked and not any(pace.heard for pace in asked):
            self.out.append(Notice("resolver-silent", {"server": server}))
        turned = [
            one.way.entry.name
            for one in self.lists
            if any(r.cause == "resolver-refused" for r in one.tested.values())
        ]
        if turned and self.upstream.kind == "resolver":
            values = {"lists": ", ".join(turned), "server": server}
            self.out.append(Notice("resolver-refused", values))

    def _keep(self) -> None:
        self.keeper.close(
            self._findings,
            self.lists,
            [s.sweep for s in self.sweeps if s.complete],
            [s.sweep for s in self.sweeps if not s.complete],
        )
