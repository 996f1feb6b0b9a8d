"""All checks of a subject, side by side, told as they come.

    run = Run(subject, world, lang)
    for check in run: ...

The clock, the resolver, the lists and the knowledge come in with `World`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple, TypeAlias

from todoku.i18n import Language
from todoku.knowledge.load import lists_of
from todoku.knowledge.schema import Compiled
from todoku.lists import checking, plan
from todoku.lists.budgets import PER_SECOND
from todoku.lists.identities import registered_domain
from todoku.lists.kept import Kept
from todoku.lists.plan import Book, Terms, heaviest
from todoku.lists.values import Request, Server, Target, Upstream
from todoku.model import Finding
from todoku.model import Subject as Listed
from todoku.partners.forecast import Forecast
from todoku.preflight.checks import (
    contact_page,
    cost,
    dane,
    dkim,
    dmarc,
    helo,
    ipv6,
    lists,
    mailboxes,
    mta_sts,
    mx,
    neighbours,
    outgoing,
    private_lists,
    probe,
    ptr,
    receivers,
    spf,
    spf_helo,
    tls_rpt,
)
from todoku.preflight.data import ContactPage, Generic, Requirements, WarmUps
from todoku.preflight.dns import Resolver
from todoku.preflight.fetch import Fetch, Fetching
from todoku.preflight.outgoing import WAIT, Met, Way, meet_all
from todoku.preflight.trials import Trial, Trying, by_receiver, met
from todoku.preflight.values import Check, Compared, Subject

THREADS: Final = 24
"""Checks at once. Each waits for answers most of the time."""

_Task: TypeAlias = tuple[Future[list[Check]], Callable[[], list[Check]]]


class World(NamedTuple):
    """Whom one asks, and what one knows."""

    servers: tuple[Server, ...]
    """The resolver."""
    deadline: float
    """Seconds from the start; what is later is not known."""
    knowledge: Compiled
    terms: Terms
    lists: tuple[str, ...]
    """Ids of those that are asked."""
    required: frozenset[str]
    direct: bool
    """Each list's own name servers are asked; the resolver tells them."""
    kept: Callable[[], Kept]
    """Opens it: once in each thread."""
    generic: Generic
    requirements: tuple[Requirements, ...]
    warm_up: WarmUps
    contact_page: ContactPage
    way: Way | None = None
    """Where this is the new host: how it goes out to receivers."""
    trying: Trying = Trying(None)
    """What receivers are asked, from this host."""
    fetching: Fetching | None = None
    """Where one's own web and mail servers are to be met: how."""
    cost: Callable[[Sequence[tuple[str, str]]], Sequence[Forecast]] | None = None
    """What listings (address, list) would cost, where something was learned of partners."""


class Run:
    """One look at a subject. Iterate over it once, then read `checks` and `compared`."""

    def __init__(self, subject: Subject, world: World, lang: Language) -> None:
        self.subject = subject
        self.world = world
        self.lang: Language = lang
        self.checks: tuple[Check, ...] = ()
        """All, in the order in which they are looked at, however they came."""
        self.compared: Compared | None = None
        """The address of today, where one is named."""

    def __iter__(self) -> Iterator[Check]:
        """The checks, each as soon as it is known; last those that follow from others."""
        s, world, lang = self.subject, self.world, self.lang
        ask = Resolver(world.servers, world.deadline)
        fetch = None if world.fetching is None else Fetch(world.fetching, world.deadline)
        trials = _Trials(world)
        tasks: list[Future[list[Check]]] = []
        old: list[Future[list[Check]]] = []
        waiting: SimpleQueue[_Task] = SimpleQueue()
        for found, jobs in (
            (tasks, _jobs(s, world, ask, fetch, trials, lang)), (old, _of_old(s, world, ask, lang)),
        ):  # fmt: skip
            for job in jobs:
                found.append(Future())
                waiting.put((found[-1], job))
        for _ in range(min(THREADS, len(tasks) + len(old))):
            # Whoever stops (Ctrl-C) is not kept waiting for answers: these end with the program.
            threading.Thread(target=_work, args=(waiting,), daemon=True).start()
        for task in as_completed(tasks):
            yield from task.result()
        if s.old is not None:
            told = tuple(check for task in old for check in task.result())
            self.compared = Compared(ip=s.old, checks=told)
        done = [check for task in tasks for check in task.result()]
        last = list(_following(s, world, done, trials.all(), lang))
        self.checks = (*done, *last)
        yield from last


class _Trials:
    """Receivers that are asked, each once, by whoever comes first."""

    def __init__(self, world: World) -> None:
        self._probe = world.trying.probe
        self._arrived = world.trying.arrived
        self.big = {rules.domain: rules.receiver for rules in world.requirements}
        asked = [] if self._probe is None else [*self.big, *world.trying.partners]
        self._known: dict[str, Future[Trial]] = {d: Future() for d in (*asked, *self._arrived)}

    @property
    def domains(self) -> list[str]:
        return list(self._known)

    def make(self, domain: str) -> Trial:
        told = self._known[domain]
        try:
            told.set_result(self._made(domain))
        except BaseException as error:
            told.set_exception(error)
            raise
        return told.result()

    def _made(self, domain: str) -> Trial:
        if domain in self._arrived or self._probe is None:
            return Trial(domain, "arrived", self._arrived[domain])
        trial = self._probe(domain)
        receiver = self.big.get(domain)
        # Whatever name its servers have today, it is the one that was meant.
        return trial if receiver is None else trial._replace(receiver=receiver)

    def of(self, domain: str) -> Trial | None:
        """Waits for it; `None`: it is not asked."""
        told = self._known.get(domain)
        return None if told is None else told.result()

    def all(self) -> list[Trial]:
        return [told.result() for told in self._known.values()]


def _work(waiting: SimpleQueue[_Task]) -> None:
    while True:
        try:
            task, job = waiting.get_nowait()
        except Empty:
            return
        try:
            task.set_result(job())
        except BaseException as error:  # noqa: BLE001  told to whoever waits for it
            task.set_exception(error)


def _of_old(
    s: Subject, world: World, ask: Resolver, lang: Language
) -> Iterator[Callable[[], list[Check]]]:
    """What can be said of an address alone."""
    if (ip := s.old) is not None:
        yield lambda: _lists([ip], world, lang)
        yield lambda: [ptr.look(ask, ip, world.generic, lang, s.domains)]


def _jobs(
    s: Subject,
    world: World,
    ask: Resolver,
    fetch: Fetch | None,
    trials: _Trials,
    lang: Language,
) -> Iterator[Callable[[], list[Check]]]:
    yield lambda: _lists([s.ip, *_names(s)], world, lang)
    yield lambda: [_neighbours(s.ip, world, lang)]
    yield lambda: [ptr.look(ask, s.ip, world.generic, lang, s.domains)]
    yield lambda: [helo.look(ask, s.ip, s.helo, lang)]
    yield lambda: [spf_helo.look(ask, s.ip, s.helo, lang)]
    yield lambda: [ipv6.look(ask, s.ip, s.helo, lang)]
    yield lambda: [contact_page.look(ask, s.ip, s.helo, fetch, world.contact_page, lang)]
    for domain in s.domains:
        yield from _of_domain(domain, s, ask, fetch, lang)
    # Last what may be slow; behind the probes that which waits for them.
    names = {r.id: str(getattr(r.name, lang)) for r in world.knowledge.receivers}
    for domain in trials.domains:
        yield partial(_tried, trials, domain, s, names, lang)
    if (way_out := world.way) is not None:
        yield lambda: _outgoing(s, world, way_out, ask, trials, lang)


def _tried(
    trials: _Trials, domain: str, s: Subject, names: Mapping[str, str], lang: Language
) -> list[Check]:
    trial = trials.make(domain)
    return [probe.judge(trial, s.ip, names.get(trial.receiver or ""), lang)]


def _outgoing(
    s: Subject, world: World, way_out: Way, ask: Resolver, trials: _Trials, lang: Language
) -> list[Check]:
    """Whoever was probed is not visited once more."""
    if way_out.source is None:
        return outgoing.not_here(s.ip, lang)
    found: dict[str, Met] = {}
    domains: dict[str, str] = {}
    for domain, receiver in trials.big.items():
        trial = trials.of(domain)
        if trial is not None and trial.made:
            found[receiver] = met(receiver, trial)
        else:
            domains[receiver] = domain
    name = s.helo or f"[{'IPv6:' if ':' in s.ip else ''}{s.ip}]"  # RFC 5321, section 4.1.3
    wait = min(WAIT, world.deadline)
    found |= {m.receiver: m for m in meet_all(ask, domains, way_out, name, wait)}
    return outgoing.judge(s.ip, [found[r] for r in trials.big.values() if r in found], lang)


def _of_domain(
    domain: str, s: Subject, ask: Resolver, fetch: Fetch | None, lang: Language
) -> Iterator[Callable[[], list[Check]]]:
    yield lambda: [spf.look(ask, domain, s.ip, s.helo, lang)]
    yield lambda: dkim.look(ask, domain, s.selectors, lang)
    yield lambda: [dmarc.look(ask, domain, lang)]
    yield lambda: [mx.look(ask, domain, lang)]
    yield lambda: [mta_sts.look(ask, domain, fetch, lang)]
    yield lambda: [tls_rpt.look(ask, domain, lang)]
    yield lambda: [dane.look(ask, domain, fetch, lang)]
    yield lambda: [mailboxes.look(ask, domain, fetch, lang)]


def _following(
    s: Subject, world: World, done: Sequence[Check], trials: Sequence[Trial], lang: Language
) -> Iterator[Check]:
    aligned = []
    for domain in s.domains:
        own = [c for c in done if c.about == domain]
        policy = next(c for c in own if c.id == "spf")
        aligned.append(dmarc.aligned(domain, policy, [c for c in own if c.id == "dkim"], lang))
    yield from aligned
    big = frozenset(rules.receiver for rules in world.requirements)
    own_lists = with_lists(world.knowledge, lang)
    yield private_lists.judge(s.ip, own_lists, trials, big, lang)
    by = by_receiver(trials)
    for rules in world.requirements:
        trial = by.get(rules.receiver)
        yield receivers.judge(rules, [*done, *aligned], trial, lang)


def with_lists(knowledge: Compiled, lang: Language) -> dict[str, str]:
    """Receivers whose refusals name a list of their own, as a rule of theirs says: ids and names."""
    own = {rule.list for rule in knowledge.rules if rule.list}
    found = [r for r in knowledge.receivers if r.id in own and r.kind == "mailbox"]
    return {r.id: str(getattr(r.name, lang)) for r in found}


# ── lists ─────────────────────────────────────────────────────────────────────────────────────


def _names(s: Subject) -> list[str]:
    return list(dict.fromkeys([*s.domains, *([s.helo] if s.helo and "." in s.helo else [])]))


def _lists(about: Iterable[str], world: World, lang: Language) -> list[Check]:
    targets = tuple(Target(given=name, subject=_listed(name)) for name in about)
    found: dict[str, list[Finding]] = {t.given: [] for t in targets}
    policy = policy_lists(world.knowledge)
    request = Request(
        targets=targets,
        lists=world.lists,
        upstream=_upstream(world),
        deadline=world.deadline,
    )
    for finding in _ask(request, world, lang):
        if finding.identity.value in found:  # those of a name's other addresses are left
            found[finding.identity.value].append(finding)
    checks = [
        check
        for name, findings in found.items()
        for check in lists.judge(name, findings, world.required, policy, lang)
    ]
    for t in targets:
        listed = [(t.given, f.list) for f in found[t.given] if f.state == "listed"]
        if world.cost is not None and listed and t.subject is not None and t.subject.kind == "ip":
            told = cost.judge(t.given, world.cost(listed), lang)
            checks += [told] if told is not None else []
    return checks


def _upstream(world: World) -> Upstream:
    return Upstream(kind="direct" if world.direct else "resolver", servers=world.servers)


def policy_lists(knowledge: Compiled) -> frozenset[str]:
    """Those that hold ranges which are not meant to send, alone or among others."""
    return frozenset(
        e.id
        for e in lists_of(knowledge)
        if e.list_class == "policy" or (e.ask and any(c.class_ == "policy" for c in e.ask.codes))
    )


def _listed(name: str) -> Listed:
    if ":" in name or name.replace(".", "").isdigit():
        return Listed("ip", name)
    registered = registered_domain(name)
    return Listed("hostname" if registered not in {None, name} else "domain", name)


def _neighbours(ip: str, world: World, lang: Language) -> Check:
    around = neighbours.network(ip)
    chosen = neighbour_list(world)
    findings: list[Finding] = []
    if around is not None and chosen is not None:
        request = Request(
            targets=(Target(given=around, range=around),),
            lists=(chosen,),
            upstream=_upstream(world),
            deadline=world.deadline,
            only=frozenset({"listed", "unknown"}),
        )
        findings = list(_ask(request, world, lang))
    return neighbours.judge(ip, chosen, findings, lang)


def neighbour_list(world: World) -> str | None:
    """The one that is asked about the neighbours: it may be asked, and by its own rate quickest;
    of several alike the one of the most weight."""
    book = Book(lists_of(world.knowledge))
    found = []
    for name in world.lists:
        entry = book.find(name)
        if entry is None or entry.ask is None or entry.ask.role != "block":
            continue
        if "ipv4" in entry.ask.kinds and isinstance(plan.way(entry, world.terms), plan.Way):
            rate = entry.ask.usage.per_second or PER_SECOND
            found.append((rate, heaviest(entry), entry.id))
    return max(found)[2] if found else None


def _ask(request: Request, world: World, lang: Language) -> Iterator[Finding]:
    with world.kept() as kept:
        events = checking.run(request, world.knowledge, world.terms, kept, lang=lang)
        with contextlib.closing(events):
            for event in events:
                if isinstance(event, Finding):
                    yield event
