"""Why a command is refused: what is looked at before, and the sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from todoku.cases import WORDS, NotNow, NotThis
from todoku.cases.case import Case, Standing, identity_key
from todoku.cases.states import ASKED
from todoku.model import Identity

Kind = TypeVar("Kind", NotNow, NotThis)


def alive(case: Case) -> None:
    if case.closed is not None:
        raise no(NotNow, "closed", case)


def own_ticket(case: Case, ticket: str | None, owner: int | None) -> None:
    if owner not in {None, case.number}:
        known = ", ".join(case.tickets) or "-"
        raise no(NotThis, "other-ticket", case, ticket=ticket, known=known)


def meant(case: Case, identities: Iterable[Identity]) -> tuple[Standing, ...]:
    """Those that are meant: none named, all."""
    alive(case)
    if not case.standings:
        raise no(NotThis, "no-identity", case)
    named = {identity_key(identity): identity for identity in identities}
    for key, identity in named.items():
        if case.standing(key) is None:
            raise not_in_case(case, identity)
    return tuple(s for s in case.standings if not named or s.key in named)


def instead_of_a_request(case: Case, standings: Sequence[Standing], now: datetime) -> NotNow:
    """Why a desk is not asked: said of the identity that is worst off."""
    ticket = case.tickets[-1] if case.tickets else "-"
    for s in standings:
        if s.state == "declined":
            return no(NotNow, "was-declined", case, ticket=ticket)
    for s in standings:
        if s.state in ASKED:
            since = when(s.requested_at or s.since, now)
            return no(NotNow, "already-requested", case, since=since, ticket=ticket)
    for s in standings:
        if s.state == "settling":
            until = when(s.until or s.since, now)
            return no(NotNow, "promised", case, until=until)
    if any(s.state in {"verifying", "junked"} for s in standings):
        return no(NotNow, "verifying", case)
    return no(NotNow, "already-resolved", case)


def not_in_case(case: Case, identity: Identity) -> NotThis:
    known = ", ".join(s.identity.value for s in case.standings) or "-"
    return no(NotThis, "not-in-case", case, identity=identity.value, known=known)


def no(kind: type[Kind], words: str, case: Case, **values: object) -> Kind:
    return kind(WORDS[words], case=case.number, **values)


def when(moment: datetime, now: datetime) -> str:
    """For a sentence: in the zone of `now`, which is the reader's."""
    try:
        return f"{moment.astimezone(now.tzinfo):%Y-%m-%d %H:%M}"
    except OverflowError:
        return f"{moment:%Y-%m-%d %H:%M}"
