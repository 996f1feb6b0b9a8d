"""Logs for tests: lines put together, read with the real knowledge, by a clock that stands still."""

from __future__ import annotations

import functools
from datetime import UTC, datetime

from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.logs.values import Delivery

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
HEAD = "Nov 24 09:12:05 mx1 postfix/smtp[2110]: "
SAID = "host mx.b.example[203.0.113.9] said: 550 5.1.1 <u@b.example>: User unknown (in reply to RCPT TO command)"
FIELDS = "3F1A22C0D5: to=<u@b.example>, relay=mx.b.example[203.0.113.9]:25, delay=1.9, delays=0.1/0/0.6/1.2, dsn=5.1.1, "
BOUNCED = f"{FIELDS}status=bounced ({SAID})"
SENT = "3F1A22C0D5: to=<u@b.example>, relay=mx.b.example[203.0.113.9]:25, delay=2.1, delays=0.1/0/0.8/1.2, dsn=2.0.0, status=sent (250 Ok)"
FROM = "3F1A22C0D5: from=<info@a.example>, size=2210, nrcpt=1 (queue active)"


@functools.cache
def diagnoser() -> Diagnoser:
    return Diagnoser(load.knowledge())


def new(**options: object) -> Run:
    options = {"recipients": "clear", **options}
    return Run(Judge(diagnoser()), **options)  # type: ignore[arg-type]


def read(
    data: bytes | str, run: Run | None = None, pieces: int = 1, year: int | None = None
) -> tuple[list[Delivery], Run]:
    """The deliveries of a log that comes in so many pieces of whole lines."""
    raw = data.encode() if isinstance(data, str) else data
    run = run or new()
    source = Source(run, Clock(NOW, UTC, year))
    lines = raw.split(b"\n")
    size = -(-len(lines) // pieces)
    out: list[Delivery] = []
    for at in range(0, len(lines), size):
        out += source.read(b"\n".join(lines[at : at + size]))
    return out, run
