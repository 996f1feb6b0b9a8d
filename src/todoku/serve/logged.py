"""Deliveries as the logs of our own mail servers tell them, rotated ones beside them too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Literal

from todoku.diagnosis import Diagnoser
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.opening import open_logs
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.logs.values import Delivery
from todoku.serve.sentlog import rotated
from todoku.settings.own import Own


def deliveries(
    logs: Iterable[str],
    diagnoser: Diagnoser,
    own: Own,
    since: datetime,
    now: datetime,
    unread: Callable[[str, str], object],
    *,
    recipients: Literal["clear", "off"],
) -> Iterator[Delivery]:
    """Each in full. `unread`: a log that cannot be read, and why."""
    from_ = since.timestamp()
    newest = now.timestamp()
    run = Run(Judge(diagnoser), since=from_, own=own, recipients=recipients, whole=True)
    source: Source | None = None
    for piece in open_logs(rotated(logs, from_), None):
        if piece.error is not None:
            unread(piece.source, piece.error)
            continue
        if source is None or piece.first:
            source = Source(run, Clock(min(newest, piece.written or newest)))
        yield from source.read(piece.data)
