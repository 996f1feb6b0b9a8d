"""The lists, asked about the identities of a case through `todoku.lists.checking`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from todoku.cases import events as ev
from todoku.i18n import Language
from todoku.knowledge.load import lists_of
from todoku.knowledge.schema import Compiled
from todoku.lists import checking
from todoku.lists.kept import Kept
from todoku.lists.plan import Book, Terms
from todoku.lists.special import special
from todoku.lists.values import Request, Target, Upstream
from todoku.model import Finding, Identity, Subject

DEADLINE: Final = 10.0
"""Seconds; what is later is not known, and that is recorded."""


class Lists:
    """Those that a plain `todoku check` asks, and the list that the case is about."""

    def __init__(
        self,
        knowledge: Compiled,
        terms: Terms,
        kept: Kept,
        upstream: Upstream,
        lang: Language,
        *,
        only: tuple[str, ...] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`only`: these lists, and they may be asked about addresses of which no public list
        speaks: they are our own. `wall`: seconds since 1970; answers age by it."""
        self._knowledge = knowledge
        self._terms = terms
        self._kept = kept
        self._upstream = upstream
        self._lang: Language = lang
        self._only = only
        self._wall = wall
        self._book = Book(lists_of(knowledge))

    def __call__(
        self, identities: Sequence[Identity], place: ev.Place | None, _now: datetime
    ) -> tuple[ev.Seen, ...]:
        targets = tuple(filter(None, map(self._target, identities)))
        if not targets or not self._upstream.servers:
            return ()
        request = Request(
            targets=targets,
            lists=self._lists(place),
            upstream=self._upstream,
            deadline=DEADLINE,
            fresh=place is not None and place.zone is not None,
        )
        events = checking.run(
            request, self._knowledge, self._terms, self._kept, lang=self._lang, wall=self._wall
        )
        with contextlib.closing(events):
            return tuple(_seen(event) for event in events if isinstance(event, Finding))

    def _target(self, identity: Identity) -> Target | None:
        match identity.kind:
            case "ip":
                subject = Subject("ip", identity.value)
            case "hostname":
                subject = Subject("hostname", identity.value)
            case "domain":
                subject = Subject("domain", identity.value)
            case _:
                return None
        if self._only is None and special(subject) is not None:
            return None
        return Target(given=identity.value, subject=subject)

    def _lists(self, place: ev.Place | None) -> tuple[str, ...]:
        chosen = self._only
        if chosen is None:
            chosen = tuple(entry.id for entry in self._book.chosen(self._terms))
        if place is not None and place.zone is not None:
            known = self._book.find(place.id) or self._book.find(place.zone)
            chosen = (*chosen, place.zone if known is None else known.id)
        return tuple(dict.fromkeys(chosen))


def _seen(finding: Finding) -> ev.Seen:
    return ev.Seen(
        list=finding.list,
        identity=Identity(finding.identity.kind, finding.identity.value),
        state=finding.state,
        cause=finding.cause,
        codes=finding.codes,
        text=finding.text,
    )
