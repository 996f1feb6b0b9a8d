"""From the answer of a list to a finding: listed, not listed, or not known and why. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from todoku.errors import TodokuError
from todoku.i18n import Language
from todoku.knowledge.schema import Ask, Desk, ListEntry
from todoku.lists import names
from todoku.lists.causes import Why
from todoku.lists.codes import LISTINGS, Meaning, Table
from todoku.lists.values import Answer, HealthRecord
from todoku.model import Entry, Finding, Removal, Scope, Subject, UnknownCause

MAX_TEXT: Final = 1000
"""Characters of a list's own words that are shown."""
MAX_CODES: Final = 64
"""Addresses and entries that are shown; all of them are judged."""


class Judge:
    """What one list says, in the language of the run.

    `zone` is the one that is asked, `key` what stands in front of it: it occurs in no finding.
    `direct`: no resolver stands between, so none can be to blame. Raises `ValueError` for a table
    of codes that cannot be read."""

    def __init__(
        self,
        entry: ListEntry,
        desks: Mapping[str, Desk],
        lang: Language,
        *,
        zone: str | None = None,
        key: str | None = None,
        direct: bool = False,
    ) -> None:
        self.entry = entry
        self.ask = entry.ask or Ask()
        self.table = Table(entry)
        self.zone = zone if zone is not None else (entry.zones[0] if entry.zones else "")
        self._key = key
        self._desks = desks
        self._lang: Language = lang
        self._why = Why(entry, lang, self.zone, keyed=key is not None, direct=direct)

    def finding(
        self,
        subject: Subject,
        answer: Answer,
        health: HealthRecord,
        *,
        text: str | None = None,
        proven: bool = False,
        first_seen: str | None = None,
    ) -> Finding:
        """What an answer to a question about the subject comes to. `text`: the TXT answer.

        Health comes first. A list that failed its test says nothing, whatever it answered. One
        that could not be tested (`untested`: its test point is only assumed, and is absent, but
        it does not list the world either) may say *listed*; that it says *not listed* means
        nothing, for so does an empty zone, unless it is `proven`: seen to list some other
        subject through this upstream."""
        read = self.table.read(answer.addresses)
        cause: UnknownCause | None = None
        detail: str | None = None
        if health.state == "failed":
            cause = health.cause or "list-broken"
            detail = self._told(health) or self._why.not_asked(cause, answer.server)
            read = read._replace(meanings=())
        elif unclear := self._why.unclear(answer, read):
            cause, detail = unclear
        elif not read.meanings and health.state == "untested" and not proven:
            cause, detail = "list-broken", self._told(health) or self._why.say("unproven")
        listed = cause is None and read.lists
        shown = [m for m in read.meanings if listed or m.class_ not in LISTINGS]
        shown.sort(key=lambda m: m.class_ not in LISTINGS)
        return Finding(
            identity=subject,
            list=self.entry.id,
            zone=self.zone,
            role=self.ask.role,
            state="unknown" if cause else "listed" if listed else "not-listed",
            cause=cause,
            partial=listed and read.error is not None,
            codes=read.codes[:MAX_CODES],
            entries=tuple(self._entry(m, subject) for m in shown[:MAX_CODES]),
            text=self._words(answer.text if text is None else text),
            detail=self._masked(detail),
            first_seen=first_seen if listed else None,
            asked=self._masked(answer.asked or None),
            server=answer.server,
            took_ms=None if answer.took is None else round(answer.took * 1000, 3),
            health=health.state,
            at=stamp(answer.at),
        )

    def not_asked(
        self,
        subject: Subject,
        cause: UnknownCause,
        at: float,
        *,
        health: HealthRecord | None = None,
        server: str | None = None,
        why: TodokuError | None = None,
    ) -> Finding:
        """A finding without an answer: the list is dead, its terms or budget forbid the question,
        its health test failed, or the time was up. `at` is now (Unix time), `why` what
        says more than cause and health do."""
        detail = self._told(health) if why is None else why.text(self._lang)
        return Finding(
            identity=subject,
            list=self.entry.id,
            zone=self.zone,
            role=self.ask.role,
            state="unknown",
            cause=cause,
            detail=self._masked(detail or self._why.not_asked(cause, server)),
            server=server,
            health="untested" if health is None else health.state,
            at=stamp(at),
        )

    def _entry(self, m: Meaning, subject: Subject) -> Entry:
        listing = m.class_ in LISTINGS
        weight = self.ask.weight if listing and m.weight is None else m.weight
        return Entry(
            code=m.code,
            meaning=m.text.ja if self._lang == "ja" else m.text.en,
            class_=m.class_,
            scope=self._scope(m, subject),
            weight=weight,
            list=m.list,
            removal=self._removal(m) if listing else None,
        )

    def _scope(self, m: Meaning, subject: Subject) -> Scope:
        """What the entry covers. Of a list that keeps IPv6 by /64, never the one address."""
        if names.kind_of(subject) == "domain":
            return m.scope or self.ask.scope or "domain"
        scope = m.scope or self.ask.scope or ("range" if m.class_ == "range" else "ip")
        if scope == "ip" and self.ask.ipv6_prefix < 128 and names.kind_of(subject) == "ipv6":
            return "range"
        return scope

    def _removal(self, m: Meaning) -> Removal | None:
        """By the desk of the code, else of the list."""
        desk = self._desks.get(m.desk or self.entry.desk or "")
        if desk is None:
            return None
        return Removal(desk.channel, desk.url, desk.address, desk.requires, desk.expires)

    def _words(self, text: str | None) -> str | None:
        """A stranger's words: without the key, and not endless."""
        if not text:
            return None
        text = names.masked(text, self._key)
        return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"

    def _told(self, health: HealthRecord | None) -> str | None:
        return health.detail[self._lang] if health is not None and health.detail else None

    def _masked(self, text: str | None) -> str | None:
        return None if text is None else names.masked(text, self._key)


def stamp(at: float) -> str:
    """Unix time as RFC 3339 in UTC, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
