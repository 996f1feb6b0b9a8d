"""What a case itself tells of its cause, before anybody looks into logs: what the lists' codes say of the
host, and that the address was somebody else's until lately. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from todoku.cases.case import Case
from todoku.knowledge.load import lists_of
from todoku.knowledge.schema import Compiled, Shown, Text
from todoku.lists.codes import Table
from todoku.model import VERSION, Identity

LeadKind = Literal["compromised", "traps", "reputation", "policy", "reused"]
KINDS: Final[tuple[LeadKind, ...]] = ("compromised", "traps", "reputation", "policy", "reused")
"""The most telling first. `policy`: a range that is not meant to send, which is no offence."""
NEW: Final = 14
"""Days. An address that is refused so soon after it was first used has the past of an earlier holder."""


class Lead(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `todoku cause --case N --json`."""

    v: int = VERSION
    kind: Literal["lead"] = "lead"
    lead: LeadKind
    identity: Identity
    list: str | None = None
    """With all but `reused`: by its id,"""
    code: str | None = None
    """its answer,"""
    meaning: Text | None = None
    """and what that means, as its operator says."""
    first_used: str | None = None
    """With `reused`: the day (`[own] first_used`),"""
    days: int | None = None
    """and how many later the first refusal came."""


def leads(case: Case, knowledge: Compiled, first_used: Mapping[str, str]) -> tuple[Lead, ...]:
    """Those of the identities of the case; each list and kind once for each."""
    found = {(x.lead, x.list, x.identity.value): x for x in _all(case, knowledge, first_used)}
    return tuple(sorted(found.values(), key=lambda x: KINDS.index(x.lead)))


def _all(case: Case, knowledge: Compiled, first_used: Mapping[str, str]) -> Iterator[Lead]:
    entries = {entry.id: entry for entry in lists_of(knowledge)}
    for seen in case.findings:
        entry = entries.get(seen.list)
        if seen.state != "listed" or entry is None:
            continue
        for meaning in Table(entry).read(seen.codes).meanings:
            shown: Shown | Literal["policy"] | None = meaning.shows
            if meaning.class_ == "policy":
                shown = "policy"
            if shown is not None:
                yield Lead(
                    lead=shown,
                    identity=seen.identity,
                    list=seen.list,
                    code=meaning.code,
                    meaning=meaning.text,
                )
    refused = case.refused_from or case.opened_at
    for standing in case.standings:
        day = first_used.get(standing.identity.value)
        if day is None or refused is None:
            continue
        began = datetime.fromisoformat(day).replace(tzinfo=UTC)
        days = (refused - began).days
        if -1 <= days <= NEW:  # a day is that of the reader's zone: up to one off
            days = max(0, days)
            yield Lead(lead="reused", identity=standing.identity, first_used=day, days=days)
