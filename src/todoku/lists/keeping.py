"""A run's dealings with what is kept. Where the file cannot be used (any more) the run goes on in
memory, and says so once: nothing that is asked depends on what is kept but the budgets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from todoku.i18n import Language
from todoku.lists import names, plan
from todoku.lists.asking import OneList
from todoku.lists.budgets import Limit
from todoku.lists.history import At, Standing, rfc3339
from todoku.lists.kept import Account, Kept, Question
from todoku.lists.kept_file import Busy, KeptError
from todoku.lists.pace import Granted, Pace
from todoku.lists.plan import Way
from todoku.lists.sweeps import Hit, Sweep
from todoku.lists.values import Answer, HealthRecord, Notice, Request, Server
from todoku.model import Finding, Subject

T = TypeVar("T")

AN_HOUR: Final = 3600
NAME_SERVERS: Final = "NS"
"""As a question's name: no question about an identity has it."""


class Keeper:
    """See above. `tell` takes the notice; `clock` is the engine's, `wall` Unix time."""

    def __init__(
        self,
        kept: Kept,
        request: Request,
        lang: Language,
        tell: Callable[[Notice], None],
        clock: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._kept = self._given = kept
        self._request = request
        self._lang: Language = lang
        self._tell = tell
        self._clock = clock
        self._wall = wall
        self._source = request.upstream.name
        self._tested: dict[tuple[str, str], HealthRecord] | None = None
        self._standings: dict[At, Standing] = {}
        self._known: set[Subject] = set()
        self._paces: list[Pace] = []
        self._unwilling = request.fresh or request.unlimited
        """Nothing of former runs is believed: the user wants it so, or asks his own server, which
        may change its mind at any time and minds no question."""

    def _do(self, deed: Callable[[Kept], T]) -> T:
        try:
            return deed(self._kept)
        except KeptError as error:
            self._kept = Kept.open(None)
            self._tell(Notice("not-kept", {"why": error.text(self._lang)}))
            return deed(self._kept)

    # ── before ────────────────────────────────────────────────────────────────────────────────

    def pace(self, way: Way) -> Pace:
        """The pace of a list, which leases from the account that all processes share."""
        if self._request.unlimited:
            return Pace(None, None, self._clock)
        rate = plan.permitted(way, self._request.rate, agreed=self._request.agreed)
        limit = Limit(way.ask.usage.per_day, rate)
        name = plan.budget_name(way)
        sweep = any(target.range is not None for target in self._request.targets)
        opened: tuple[Kept, Account] | None = None

        def account(kept: Kept) -> Account:
            """Another one where the run had to go on in memory."""
            nonlocal opened
            if opened is None or opened[0] is not kept:
                opened = kept, Account(kept, self._source, name, limit, sweep=sweep)
            return opened[1]

        def lease(wanted: int) -> Granted:
            now = self._wall()
            got = self._do(lambda kept: account(kept).lease(wanted, now))
            wait = None if got.wait_until is None else max(got.wait_until - now, 0.001)
            return Granted(got.granted, wait)

        def give_back(unused: int) -> None:
            with suppress(KeptError):  # a little is then counted that was not asked
                account(self._kept).give_back(unused, self._wall())

        pace = Pace(lease, give_back, self._clock)
        self._paces.append(pace)
        return pace

    def health(self, way: Way) -> dict[str, HealthRecord]:
        """Of a list, by kind. What failed is tested again: it may be well by now."""
        if self._unwilling:
            return {}
        if self._tested is None:
            self._tested = self._do(lambda kept: kept.health(self._source, self._wall()))
        return {
            kind: record
            for (name, kind), record in self._tested.items()
            if name == tested_name(way) and record.state != "failed"
        }

    def answers(self, pairs: Iterable[tuple[Way, Subject]]) -> dict[tuple[str, Subject], Answer]:
        """By list and subject: what still holds."""
        if self._unwilling:
            return {}
        asked = {_question(way, s): (way.entry.id, s) for way, s in pairs}
        found = self._do(lambda kept: kept.answers(self._source, asked, self._wall()))
        return {asked[question]: answer for question, answer in found.items()}

    def name_servers(self, zones: Sequence[str]) -> dict[str, tuple[Server, ...]]:
        """Lists' own servers, as they were found in the last hour."""
        if self._request.fresh:
            return {}
        asked = {Question("", zone, NAME_SERVERS): zone for zone in zones}
        found = self._do(lambda kept: kept.answers(self._source, asked, self._wall()))
        return {
            asked[question]: tuple(Server(host, recursive=False) for host in answer.addresses)
            for question, answer in found.items()
        }

    def keep_name_servers(self, found: Mapping[str, Sequence[Server]]) -> None:
        now = self._wall()
        answers = [
            (
                Question("", zone, NAME_SERVERS),
                Answer(rcode=0, addresses=tuple(s.host for s in servers), ttl=AN_HOUR, at=now),
            )
            for zone, servers in found.items()
        ]
        self._do(lambda kept: kept.keep_answers(self._source, answers, now))

    def since(self, subject: Subject, list_id: str) -> str:
        """If it is listed: since when, as far as is known; else from now on."""
        if subject not in self._known:
            self.learn([subject])
        before = self._standings.get((subject, list_id))
        if before is None or before.state != "listed" or before.first_seen is None:
            return rfc3339(self._wall())
        return rfc3339(before.first_seen)

    def learn(self, subjects: Sequence[Subject]) -> None:
        """How these stood at the lists; at once, where there are many."""
        self._known.update(subjects)
        self._standings |= self._do(lambda kept: kept.standings(subjects))

    def open_sweep(self, network: str, way: Way) -> tuple[Sweep, list[Hit]]:
        """The sweep that was stopped, with what it had found, else a new one."""
        source = swept_at(way, self._source)

        def deed(kept: Kept) -> tuple[Sweep, list[Hit]]:
            now, restart = self._wall(), self._request.restart
            sweep = kept.open_sweep(network, way.entry.id, source, now, restart=restart)
            return sweep, list(kept.hits(sweep)) if sweep.done else []

        return self._do(deed)

    # ── while it runs, and after ──────────────────────────────────────────────────────────────

    def save(self, sweeps: Sequence[Sweep]) -> None:
        try:
            self._kept.save(sweeps, self._wall())
        except Busy:
            pass  # another process writes: the next save has it all
        except KeptError:
            self._do(lambda kept: kept.save(sweeps, self._wall()))

    def close(
        self,
        findings: Sequence[Finding],
        lists: Sequence[OneList],
        finished: Sequence[Sweep],
        stopped: Sequence[Sweep],
    ) -> None:
        """All that was learned, in few transactions; also when the run was stopped."""

        def deed(kept: Kept) -> None:
            now = self._wall()
            with kept.together():
                if findings:
                    kept.record(findings, now)
                if not self._request.unlimited:
                    self._keep_answers(kept, lists, now)
                for pace in self._paces:
                    pace.close()
            if finished:
                kept.save(finished, now, finished=True)
            if stopped:
                kept.save(stopped, now)

        self._do(deed)
        if self._kept is not self._given:
            self._kept.close()

    def _keep_answers(self, kept: Kept, lists: Sequence[OneList], now: float) -> None:
        answers = [(_question(one.way, s), a) for one in lists for s, a in one.answers.items()]
        if answers:
            kept.keep_answers(self._source, answers, now)
        tested = [
            (tested_name(one.way), kind, r) for one in lists for kind, r in one.tested.items()
        ]
        if tested:
            kept.keep_health(self._source, tested)


def tested_name(way: Way) -> str:
    """What a health test belongs to: the list, its zone and its key. Another key may not open."""
    return f"{way.entry.id} {_door(way)}"


def swept_at(way: Way, source: str) -> str:
    """What a sweep belongs to besides its range and list: the upstream, and a zone that is not the
    list's first."""
    usual = way.key is not None or way.zone == plan.first_zone(way.entry)
    return source if usual else f"{source} {way.zone}"


def _question(way: Way, subject: Subject) -> Question:
    registered = subject.kind != "ip" and way.ask.names == "registered"
    name = names.asked_name(subject.value, registered=registered)
    return Question(way.entry.id, _door(way), name)


def _door(way: Way) -> str:
    """The zone, and a mark of the key: too short to tell it, and another one for another key."""
    if way.key is None:
        return way.zone
    from hashlib import blake2b

    mark = blake2b(way.key.encode(), digest_size=4, person=b"todoku").hexdigest()
    return f"{way.zone} {mark}"
