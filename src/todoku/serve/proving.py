"""What this side knows of its own mail, put together for `todoku.cases.provenance`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from todoku.cases import EventError, marks
from todoku.cases import events as ev
from todoku.cases.case import identity_key
from todoku.cases.provenance import Logged
from todoku.model import Diagnosis, Reply
from todoku.serve import markkeys, sightings
from todoku.serve.sentlog import SentLog
from todoku.settings.own import Own
from todoku.store.cases import Desk

REPRODUCES: Final = timedelta(days=2)
"""So long a refusal that we met ourselves speaks for a bounce that says the same."""


class Proofs:
    def __init__(
        self,
        desk: Desk,
        own: Own,
        *,
        log: SentLog | None = None,
        folder: Path | None = None,
        batv: Sequence[str] = (),
    ) -> None:
        """`folder`: where the keys of marks are. `batv`: keys of our servers."""
        self.log = log
        self._desk = desk
        self._own = own
        self._folder = folder
        self._batv = tuple(batv)

    @property
    def has_log(self) -> bool:
        """Whether there is a log that may know more later."""
        return self.log is not None and bool(self.log.paths)

    def read_on(self, now: datetime) -> bool:
        """Whether our log tells more than before."""
        return self.log is not None and self.log.read_on(now.timestamp()) > 0

    def at(self, now: datetime) -> Ours:
        """As it is known now."""
        keys = () if self._folder is None else markkeys.read(self._folder, now)
        return Ours(self._desk, self._own, self.log, keys, self._batv, now)


class Ours:
    """A `provenance.Known`."""

    def __init__(
        self,
        desk: Desk,
        own: Own,
        log: SentLog | None,
        keys: Sequence[marks.Key],
        batv: Sequence[str],
        now: datetime,
    ) -> None:
        self._desk = desk
        self._own = own
        self._log = log
        self._keys = tuple(keys)
        self._batv = tuple(batv)
        self._now = now
        self._met: dict[tuple[object, ...], bool] = {}

    def logged(
        self, message_id: str | None, queue_id: str | None, recipient: str, reporter: str | None
    ) -> Logged | None:
        if self._log is None:
            return None
        return self._log.logged(message_id, queue_id, recipient, reporter)

    def marked(self, text: str, recipient: str | None) -> bool:
        return bool(self._keys) and marks.holds(text, self._keys, self._now, recipient)

    def signed(self, came_to: str) -> bool:
        return bool(self._batv) and marks.batv_holds(came_to, self._batv, self._now)

    def reproduced(self, d: Diagnosis) -> bool:
        place = sightings.place(d)
        if place is None:
            return False
        keys = tuple(identity_key(i) for i in sightings.split(d.blocked, self._own)[0])
        key = (place.id, d.reply.code, d.reply.enhanced, *keys)
        if key not in self._met:
            self._met[key] = any(self._reproduced(k, place.id, d) for k in keys)
        return self._met[key]

    def _reproduced(self, key: str, place: str, d: Diagnosis) -> bool:
        number = self._desk.find(f"{key}@{place}")
        if number is None:
            return False
        try:
            history = self._desk.history(number)
        except EventError:  # of a newer todoku
            return False
        return any(
            isinstance(r.event, ev.Probed | ev.Tried)
            and r.event.result == "refused"
            and identity_key(r.event.identity) == key
            and _same(r.event.reply, d.reply)
            and abs(self._now - r.event.at) <= REPRODUCES
            for r in history
        )


def _same(one: Reply, other: Reply) -> bool:
    """The same codes; `5.0.0` is what a mail server writes where the receiver gave none."""
    told = [r.enhanced for r in (one, other) if r.enhanced and not r.enhanced.endswith(".0.0")]
    return one.code == other.code and len(set(told)) < 2
