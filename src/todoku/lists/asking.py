"""One list in one run: its health, its questions about single identities, its findings.

Health is asked along with the first question, so that one address at sixty lists takes one round
trip; nothing is told before the list has proved itself. TXT is asked only of what is listed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec

from todoku.knowledge.schema import AskKind
from todoku.lists import health, names, wire
from todoku.lists.feeds import QuestionFeed
from todoku.lists.health import Point
from todoku.lists.judging import Judge
from todoku.lists.pace import Pace
from todoku.lists.plan import Way
from todoku.lists.values import Answer, HealthRecord, Key, Server
from todoku.model import Finding, Subject, UnknownCause

Emit: TypeAlias = Callable[[Finding], None]
Told: TypeAlias = Callable[[Answer], None]


class About(NamedTuple):
    """Key of a question about a subject that was asked for."""

    subject: Subject


class Words(NamedTuple):
    """Key of a question for the list's words (TXT) about what it lists."""

    subject: Subject


NO_WORDS: Final = ""
"""`Answer.text` of a listing whose words were asked for and are not there."""


class OneList:
    """See above. `emit` takes each finding as it comes; exactly one for every subject of `add`,
    once `end` was called."""

    def __init__(
        self,
        way: Way,
        judge: Judge,
        servers: Sequence[Server],
        pace: Pace,
        emit: Emit,
        since: Callable[[Subject, str], str | None],
        wall: Callable[[], float],
        rng: random.Random,
        *,
        direct: bool = False,
    ) -> None:
        self.way = way
        self.judge = judge
        self.servers = servers
        self.pace = pace
        self.feed = QuestionFeed(servers, pace, self._got, wall)
        self.health: dict[AskKind, HealthRecord] = {}
        self.tested: dict[AskKind, HealthRecord] = {}
        """What was found out in this run."""
        self.answers: dict[Subject, Answer] = {}
        """What came in this run, to be kept."""
        self.proven = False
        """The list was seen to list something in this run."""
        self.on_health: list[Callable[[AskKind, HealthRecord], None]] = []
        self._emit = emit
        self._since = since
        self._wall = wall
        self._rng = rng
        self._direct = direct
        self._end = names.suffix(way.zone, way.key)
        self._end_of_words = names.suffix(way.zone, way.key, wire.TXT)
        self._registered = way.ask.names == "registered"
        self._points: dict[AskKind, dict[Point, Answer | None]] = {}
        self._early: dict[AskKind, list[tuple[Subject, Answer]]] = {}
        """Answered before the list has proved itself."""
        self._open: dict[Subject, None] = {}
        """No finding yet."""
        self._unproven: list[tuple[Subject, Answer]] = []
        self._wants: dict[Subject, Told] = {}

    def now(self) -> float:
        """Unix time."""
        return self._wall()

    def since(self, subject: Subject) -> str | None:
        """Since when it is listed here, if it is."""
        return self._since(subject, self.way.entry.id)

    def why_ended(self) -> UnknownCause | None:
        """Why the list is asked no more."""
        if self.pace.exhausted:
            return "budget"
        return "timeout" if self.pace.silenced else None

    def ask_at(self, servers: Sequence[Server]) -> None:
        """Its own name servers, where these are asked."""
        self.servers = self.feed.servers = servers

    # ── what is asked ─────────────────────────────────────────────────────────────────────────

    def add(self, subject: Subject, kept: Answer | None = None) -> None:
        """Ask about a subject that fits, or take what is known of it."""
        if subject in self._open:
            return
        self._open[subject] = None
        self.prove(names.kind_of(subject))
        if kept is not None:
            self._answered(subject, kept)
            return
        try:
            self._ask(About(subject), subject, self._end)
        except names.NoQuestion as error:  # a name too long for this zone
            found = self.judge.not_asked(subject, "refused", self._wall(), why=error)
            self._tell(subject, found)

    def prove(self, kind: AskKind) -> None:
        """Ask for the list's health, unless that is known or under way."""
        if kind in self.health or kind in self._points:
            return
        points = health.questions(self.way.ask, kind, self._rng)
        self._points[kind] = dict.fromkeys(points)
        for point in points:
            self._ask(point, point.subject, self._end)

    def words(self, subject: Subject, told: Told) -> None:
        """Ask for the list's words about something that it lists."""
        self._wants[subject] = told
        self._ask(Words(subject), subject, self._end_of_words)

    def _ask(self, key: Key, subject: Subject, end: bytes) -> None:
        plain = isinstance(key, Point) or not self._registered
        question = names.question(subject, end, self.way.zone, registered=not plain)
        shown = names.printed(subject, self.way.zone, self.way.key, registered=not plain)
        self.feed.ask(key, question, shown)

    # ── what comes back ───────────────────────────────────────────────────────────────────────

    def _got(self, key: Key, answer: Answer) -> None:
        match key:
            case Point(kind=kind):
                self._points[kind][key] = answer
                if all(a is not None for a in self._points[kind].values()):
                    self._healthy(kind)
            case About(subject):
                self._answered(subject, answer)
            case Words(subject):
                self._wants.pop(subject)(answer)
            case _:
                pass

    def _healthy(self, kind: AskKind) -> None:
        """All points of a kind are answered: the list is judged, then what it said so far."""
        answers = {p: a for p, a in self._points[kind].items() if a is not None}
        record = self._judged(answers)
        self.tested[kind] = record
        self.believe(kind, record)

    def _judged(self, answers: Mapping[Point, Answer]) -> HealthRecord:
        keyed = self.way.key is not None
        return health.judge(self.way.entry, answers, self._wall(), keyed=keyed, direct=self._direct)

    def believe(self, kind: AskKind, record: HealthRecord) -> None:
        """The list's health is this: found out now, or kept from before."""
        self.health[kind] = record
        for told in self.on_health:
            told(kind, record)
        for subject, answer in self._early.pop(kind, []):
            self._answered(subject, answer)

    def _answered(self, subject: Subject, answer: Answer) -> None:
        if subject not in self._open:
            return
        kind = names.kind_of(subject)
        record = self.health.get(kind)
        if record is None:
            self._early.setdefault(kind, []).append((subject, answer))
            return
        lists = record.state != "failed" and self.judge.table.read(answer.addresses).lists
        if lists and answer.text is None:
            self.words(subject, lambda words: self._listed(subject, answer, words))
            return
        self._conclude(subject, answer, record)

    def _listed(self, subject: Subject, answer: Answer, words: Answer) -> None:
        answer = msgspec.structs.replace(answer, text=words.text or NO_WORDS)
        self._conclude(subject, answer, self.health[names.kind_of(subject)])

    def _conclude(self, subject: Subject, answer: Answer, record: HealthRecord) -> None:
        if subject not in self._open:
            return
        self.answers[subject] = answer
        finding = self.judge.finding(
            subject, answer, record, proven=self.proven, first_seen=self.since(subject)
        )
        if record.state == "untested":
            if finding.state == "listed":
                self.prove_by_listing()
            elif finding.cause == "list-broken":
                self._unproven.append((subject, answer))  # another one may prove the list
                return
        self._tell(subject, finding)

    def prove_by_listing(self) -> None:
        """The list has listed something: what it does not list is then not listed."""
        self.proven = True
        waiting, self._unproven = self._unproven, []
        for subject, answer in waiting:
            self._conclude(subject, answer, self.health[names.kind_of(subject)])

    def _tell(self, subject: Subject, finding: Finding) -> None:
        del self._open[subject]
        self._emit(finding)

    # ── the end ───────────────────────────────────────────────────────────────────────────────

    def end(self) -> None:
        """Nothing more comes: what is open is not known."""
        cause: UnknownCause = self.why_ended() or "timeout"
        self.feed.give_up()
        for kind, points in list(self._points.items()):
            if kind not in self.health:
                self._end_health(kind, points, cause)
        for subject, told in list(self._wants.items()):
            self._wants.pop(subject)
            told(Answer(rcode=None, at=self._wall()))
        unproven, self._unproven = self._unproven, []
        for subject, answer in unproven:
            record = self.health[names.kind_of(subject)]
            self._tell(subject, self.judge.finding(subject, answer, record))
        for subject in list(self._open):
            found = self.health.get(names.kind_of(subject))
            why = found.cause if found is not None and found.cause else cause
            self._tell(subject, self.not_asked(subject, why, found))

    def _end_health(
        self, kind: AskKind, points: dict[Point, Answer | None], cause: UnknownCause
    ) -> None:
        """A health test that was not finished says nothing, unless what came proves it broken."""
        now = self._wall()
        given = {p: a or Answer(rcode=None, at=now) for p, a in points.items()}
        record = self._judged(given)
        if record.state == "failed" and any(points.values()) and record.cause != "timeout":
            self.believe(kind, record)
            return
        self._early.pop(kind, None)
        self.health[kind] = HealthRecord(state="untested", cause=cause, at=now)

    def not_asked(
        self, subject: Subject, cause: UnknownCause, record: HealthRecord | None = None
    ) -> Finding:
        server = str(self.servers[0]) if self.servers else None
        return self.judge.not_asked(subject, cause, self._wall(), health=record, server=server)


def fitting(way: Way, subjects: Iterable[Subject]) -> list[Subject]:
    """The subjects that this list is asked about."""
    return [s for s in subjects if names.fits(way.ask, s)]
