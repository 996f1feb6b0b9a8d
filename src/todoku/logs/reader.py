"""Logs to deliveries: recognises what it is given, piece by piece, whichever mail server wrote it.

    run = Run(judge)
    for delivery in Source(run, clock).read(piece): ...
    run.counts.lines, run.counts.sent, ...

A piece is some megabytes of whole lines. Each is walked over in bulk by `todoku.logs.postfix`; the
lines that this hands back are read one by one by `todoku.logs.lines`. Memory does not grow with
the log.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from todoku.logs.clock import Clock
from todoku.logs.daily import Tally
from todoku.logs.lines import READERS, Lines, Told, postfix_refusal
from todoku.logs.messages import CELL, CELLS, NOTHING
from todoku.logs.pieces import bulk
from todoku.logs.postfix import RECEIVING, walk
from todoku.logs.run import Case, Run
from todoku.logs.values import Delivery, Message, Outcome
from todoku.reading.logs import attempt as attempts
from todoku.reading.logs.attempt import Attempt

if TYPE_CHECKING:
    import re

MOST_REPLY: Final = 8_192
"""Bytes of an answer that are looked at."""
BACK: Final = 600.0
"""Seconds by which stamps may go back: daemons write out of order, and hosts differ."""
_TAGS: Final = 1_000
_DELIVERED: Final = 9
"""Group of `todoku.logs.postfix` that tells of a delivery that was sent."""


class _Program(NamedTuple):
    """What the tag of a line tells."""

    instance: str
    transport: str
    source: str | None
    receives: bool


_Keyed = tuple[
    "re.Match[bytes]",
    Message,
    _Program,
    float | None,
    tuple[bytes | None, bytes, bytes | None, bytes, bytes],
]
"""A line of a refusal, its message, what its tag tells, its time, and the key of its case."""


class Source:
    """The pieces of one file or stream, in order."""

    def __init__(self, run: Run, clock: Clock, cell: int = -1) -> None:
        """`cell`: where reading begins, in the middle of a log of Postfix; 0: at its beginning, with
        what stands before it told by the run's `earlier`."""
        self._run = run
        self._clock = clock
        self._lines = Lines(run.messages)
        self._cell = cell
        self._size = 0
        self._begun = self._postfix = cell > 0
        """Its first piece is a log of Postfix, of which nothing but messages must be remembered."""
        self._now: float | None = None
        self.first: float | None = None
        """The time of the first attempt."""
        self._last: float | None = None
        self._programs: dict[bytes, _Program] = {}
        self._hash = hashlib.blake2b(digest_size=8, key=run.key)
        self._text = functools.lru_cache(4_096)(_text)

    def read(self, data: bytes, cell: int | None = None) -> Iterator[Delivery]:
        """The deliveries of a piece of whole lines that were not sent (with `whole` all). `cell`:
        its number (`todoku.logs.opening`); counted here where it is not known."""
        run, counts = self._run, self._run.counts
        self._turn(len(data), cell)
        data, end, lines = bulk(data)
        counts.lines += lines
        if not end:
            return
        self._bounds(data, end)
        before, counts.formats = counts.formats, set()
        handed_back = 0
        tally: Tally = []
        each = run.whole or run.bounded
        about = run.messages.find if run.whole else run.messages.sender
        refused: list[tuple[re.Match[bytes], Message]] = []
        for found in walk(
            data, end, run.messages, whole=run.whole, each=each, tally=tally, told=run.sent
        ):
            if isinstance(found, int):
                counts.sent += found
            elif isinstance(found, tuple):
                handed_back += 1
                line = data[found[0] : found[1]]
                told = self._line(line)
                if told is not None:
                    yield from self._refused(data, refused)
                    yield from self._attempts(line, told)
            elif found.lastindex == _DELIVERED:
                yield from self._refused(data, refused)
                yield from self._delivered(found)
            else:  # what is known of the message now; a later line may tell of another one
                refused.append((found, about(found[2] + b" " + found[4])))
        yield from self._refused(data, refused)
        for stamp, relays in tally:
            time = self._clock.read(stamp)
            for relay, n in relays.items():
                run.daily.sent(time, relay, n)
        if handed_back < lines:
            counts.formats.add("postfix")
        if not self._begun:
            self._begun, self._postfix = True, counts.formats == {"postfix"}
        counts.formats |= before

    @property
    def last(self) -> float | None:
        """The time that the clock shows after the last attempt."""
        return self._last if self._now is None else self._now

    def _turn(self, size: int, cell: int | None) -> None:
        """A piece begins, perhaps a cell too."""
        if cell is None:
            cell = self._size // CELL
            self._size += size
        if cell != self._cell:
            for _ in range(min(cell - self._cell, CELLS + 1)):
                self._run.messages.turn()
            self._cell = cell
            if self._postfix:
                self._lines = Lines(self._run.messages)
        self._last, self._now = self.last, None

    # ── Postfix, in bulk ──────────────────────────────────────────────────────────────────────

    def _refused(
        self, data: bytes, waiting: list[tuple[re.Match[bytes], Message]]
    ) -> Iterator[Delivery]:
        """Those of a stretch of a log, which are then waiting no more. One kind of work after the other:
        while a piece is walked over, what judges leaves the processor's cache."""
        if not waiting:
            return
        run = self._run
        keyed = list(self._keyed(waiting))
        waiting.clear()
        cases: list[Case] = []
        for m, message, _, _, key in keyed:
            case = run.cases.get(key)
            if case is None:
                line = data[m.start(1) : m.end()]
                case = run.case(key, key[4], key[1], postfix_refusal(line, message))
            cases.append(case)
        for (m, message, program, time, _), case in zip(keyed, cases, strict=True):
            host, qid, to, delay, status = m.group(2, 4, 5, 7, 10)
            yield Delivery(
                time=time,
                host=self._text(host),
                instance=program.instance,
                transport=program.transport,
                source=program.source,
                queue_id=_text(qid),
                recipient=self._recipient(to),
                domain=case.domain,
                relay=case.relay,
                relay_ip=case.relay_ip,
                outcome="bounced" if status == b"bounced" else "deferred",
                status=case.status,
                code=case.diagnosis.reply.code,
                enhanced=case.enhanced,
                stage=case.diagnosis.stage,
                template=case.template,
                delay=_number(delay),
                message=message,
                diagnosis=case.diagnosis,
            )

    def _keyed(self, refused: list[tuple[re.Match[bytes], Message]]) -> Iterator[_Keyed]:
        """Those that count, and counts them."""
        run, counts = self._run, self._run.counts
        for m, message in refused:
            stamp, tag, to, relay, dsn, status, reason = m.group(1, 3, 5, 6, 8, 10, 11)
            program = self._programs.get(tag) or self._program(tag)
            if program.receives:
                continue
            time = self._clock.read(stamp)
            if not self._counts(time):
                continue
            if status == b"bounced":
                counts.bounced += 1
            else:
                counts.deferred += 1
            template = run.masks.template(reason[:MOST_REPLY], to)
            key = (relay, to.rpartition(b"@")[2], dsn, status, template)
            yield m, message, program, time, key

    def _program(self, tag: bytes) -> _Program:
        instance, _, transport = self._text(tag).partition("/")
        program = _Program(
            instance,
            transport,
            self._source(transport),
            tag.rpartition(b"/")[2] in RECEIVING,
        )
        if len(self._programs) < _TAGS:
            self._programs[tag] = program
        return program

    def _delivered(self, m: re.Match[bytes]) -> Iterator[Delivery]:
        stamp, host, tag, qid, to, relay, delay, dsn = m.group(1, 2, 3, 4, 5, 6, 7, 8)
        time = self._clock.read(stamp)
        if not self._counts(time):
            return
        self._run.counts.sent += 1
        self._run.daily.sent(time, relay)
        if not self._run.whole:
            return
        program = self._programs.get(tag) or self._program(tag)
        name, _, ip = self._text((relay or b"").rpartition(b":")[0]).rstrip("]").partition("[")
        yield Delivery(
            time=time,
            host=self._text(host),
            instance=program.instance,
            transport=program.transport,
            source=program.source,
            queue_id=_text(qid),
            recipient=self._recipient(to),
            domain=self._text(to.rpartition(b"@")[2].lower()) or None,
            relay=name or None,
            relay_ip=ip or None,
            outcome="sent",
            status=self._text(dsn) if dsn else None,
            code=None,
            enhanced=None,
            stage=None,
            template=None,
            delay=_number(delay),
            message=self._run.messages.find(host + b" " + qid),
            diagnosis=None,
        )

    # ── line by line ──────────────────────────────────────────────────────────────────────────

    def _line(self, line: bytes) -> Told | None:
        """What a line tells of attempts; `None` where it tells of none."""
        counts = self._run.counts
        told = self._lines.read(line)
        if told.format is not None:
            counts.formats.add(told.format)
        elif told.other:
            counts.other_programs += 1
        else:
            counts.unknown += 1
        return told if told.attempts or told.expired else None

    def _attempts(self, line: bytes, told: Told) -> Iterator[Delivery]:
        stamp = self._lines.stamp(line)
        time = self._clock.read(stamp) if stamp else None
        if not self._counts(time):
            return
        if told.expired:
            self._run.counts.expired += 1
        for attempt in told.attempts:
            delivery = self._attempt(attempt, told, time)
            if delivery is not None:
                yield delivery

    def _attempt(self, attempt: Attempt, told: Told, time: float | None) -> Delivery | None:
        run, counts = self._run, self._run.counts
        assert told.format is not None  # noqa: S101 (the caller saw to it)
        outcome: Outcome = attempt.outcome
        if outcome == "sent":
            counts.sent += 1
            run.daily.sent(time, attempt.remote.host)
            if not run.whole and run.sent is None:
                return None
        elif outcome == "bounced":
            counts.bounced += 1
        elif outcome == "deferred":
            counts.deferred += 1
        message = run.messages.find(told.key) if told.key else NOTHING
        if message.sender is None and (attempt.sender is not None or attempt.message_id):
            message = Message(sender=attempt.sender, message_id=attempt.message_id)
        to = (attempt.recipient or "").encode("utf-8", "replace")
        domain = to.rpartition(b"@")[2]
        case: Case | None = None
        if outcome != "sent":
            reader = READERS[told.format]
            said = "" if attempt.wordless else attempt.text
            template = run.masks.template(said.encode("utf-8", "replace")[:MOST_REPLY], to)
            status = attempt.status.encode() if attempt.status else None
            key = (
                (reader, attempt.remote.host, attempt.remote.ip, attempt.stage, attempt.gave_up),
                domain, status, outcome, template,
            )  # fmt: skip
            sender = message.sender or None
            case = run.cases.get(key) or run.case(
                key, template, domain, lambda: attempts.refusal(attempt, reader, sender)
            )
        d = case.diagnosis if case else None
        return Delivery(
            time=time,
            host=attempt.host,
            instance=told.instance or told.format,
            transport=told.transport,
            source=self._source(told.transport) if told.transport else None,
            queue_id=attempt.queue_id,
            recipient=self._recipient(to) if to else None,
            domain=_text(domain).lower() or None,
            relay=d.remote.host if d else attempt.remote.host,
            relay_ip=d.remote.ip if d else attempt.remote.ip,
            outcome=outcome,
            status=attempt.status,
            code=d.reply.code if d else None,
            enhanced=case.enhanced if case else None,
            stage=d.stage if d else None,
            template=case.template if case else None,
            delay=None,
            message=message,
            diagnosis=d,
        )

    # ── what they share ───────────────────────────────────────────────────────────────────────

    def _counts(self, time: float | None) -> bool:
        """Does an attempt of this time count? Notes how the clock goes."""
        run = self._run
        if time is None:
            return not run.bounded
        now = self._now
        if now is None:  # the first of a piece
            self.first = time if self.first is None else self.first
            if self._last is not None and self._last - time > BACK:
                run.counts.jumps += 1
            self._now = time
        elif time > now:
            self._now = time
        elif now - time > BACK:
            run.counts.jumps += 1
            self._now = time
        return run.since <= time < run.until

    def _bounds(self, data: bytes, end: int) -> None:
        """The times of the first and of the last line that has one, near to either end."""
        counts = self._run.counts
        for lines in (
            data[1 : min(end, 4_096)].split(b"\n"),
            data[max(0, end - 4_096) : end].split(b"\n")[:0:-1],
        ):
            stamps = (self._lines.stamp(line) for line in lines)
            times = (self._clock.read(stamp) for stamp in stamps if stamp)
            time = next((t for t in times if t is not None), None)
            if time is not None:
                counts.first = time if counts.first is None else min(counts.first, time)
                counts.last = time if counts.last is None else max(counts.last, time)

    def _recipient(self, to: bytes) -> str | None:
        run = self._run
        if run.recipients == "hashed":
            hashed = self._hash.copy()  # the key is mixed in once
            hashed.update(to)
            return hashed.hexdigest()
        return _text(to) if run.recipients == "clear" else None

    def _source(self, transport: str) -> str | None:
        if self._run.own is None:
            return None
        addresses = self._run.own.sends_from(transport)
        return addresses[0] if len(addresses) == 1 else None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _number(raw: bytes | None) -> float | None:
    if raw is None:
        return None
    try:
        value = float(raw)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
