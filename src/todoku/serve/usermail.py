"""Reports that users send by mail, to `[mail] reports`. One of a user of ours is what `todoku report`
would have made of it; any other is kept, and waits for a person."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from todoku.cases import events as ev
from todoku.cases import provenance, userreport
from todoku.cases.answers.authentic import LookUp
from todoku.cases.userreport import How, Names, UserReport
from todoku.diagnosis import Diagnoser
from todoku.i18n import Language
from todoku.serve import reporting
from todoku.settings import table
from todoku.settings.own import Own
from todoku.store.cases import Desk
from todoku.store.messages import Message, People
from todoku.store.unverified import Unproven


class Reported(NamedTuple):
    """`how`: how it is known that a user of ours wrote it; `None`: it is not."""

    told: UserReport
    how: How | None


class UserMail:
    def __init__(
        self,
        addressed: str | None,
        diagnoser: Diagnoser,
        own: Own,
        look_up: LookUp | None = None,
    ) -> None:
        """`addressed`: where users write to; `None`: nowhere."""
        self._addressed = addressed
        self._diagnoser = diagnoser
        self._own = own
        self._look_up = look_up
        self._called: dict[Language, Names] = {}

    def read(self, message: Message, trusted: Collection[str], now: datetime) -> Reported | None:
        """`None`: it is no report of a user, or nobody wrote it."""
        if self._addressed is None:
            return None
        came_to = (each.lower() for each in provenance.clues(message.body).came_to)
        if self._addressed.lower() not in came_to or userreport.is_automatic(message.body):
            return None
        told = self.told(message.body, now)
        if told is None:
            return None
        how = userreport.proof(
            message.body, told.address, self._own, trusted, self._look_up, now, self._addressed
        )
        return Reported(told, how)

    def told(self, body: bytes, now: datetime) -> UserReport | None:
        """What it says."""
        not_about = (self._addressed,) if self._addressed else ()
        told = userreport.read(body, self._own, self._names, now.astimezone(), not_about=not_about)
        # Who cannot be written to cannot be told.
        return None if told is None or table.mailbox(told.address) is None else told

    def event(
        self, told: UserReport, desk: Desk, now: datetime, source: str, by: str | None = None
    ) -> ev.Reported | None:
        """`None`: it does not tell where mail does not arrive."""
        if not told.to:
            return None
        who = People(desk).known_as(told.address, told.name, told.lang)
        return ev.Reported(
            at=now,
            by=by,
            source=source,
            who=who,
            words=told.words,
            lang=told.lang,
            since=told.since,
            to=told.to,
            place=reporting.place_at(told.to[0], self._diagnoser),
        )

    def unproven(self, message: Message, reported: Reported, now: datetime) -> Unproven:
        told = reported.told
        return Unproven(
            sha256=message.sha256,
            kind="report",
            doubt="no-proof" if reported.how is None else "no-place",
            at=now.timestamp(),
            key=told.address.lower()[:300],
            who=told.address[:300],
            place=f"domain:{told.to[0]}" if told.to else None,
            words=told.words[:300],
        )

    def _names(self, lang: Language) -> Names:
        if lang not in self._called:
            self._called[lang] = Names(self._diagnoser.knowledge.receivers, lang)
        return self._called[lang]
