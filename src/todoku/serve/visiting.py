"""Whom a probe visits, by the name under which visits are kept (`todoku.visits`): a person's probe and
one of `serve` count for each other."""

from __future__ import annotations

from todoku.cases.case import Case
from todoku.knowledge.schema import Compiled
from todoku.model import Refusal, Remote


def whose(knowledge: Compiled, host: str, domain: str) -> str | None:
    """Who answers there: by the host's name, else by the domain."""
    from todoku.diagnosis.receivers import Receivers

    asked = Refusal(remote=Remote(host=host.rstrip(".")), recipient=f"postmaster@{domain}")
    place = Receivers(knowledge).places(asked)
    number = place.host if place.host is not None else place.domain
    return None if number is None else knowledge.receivers[number].id


def registered(host: str) -> str:
    """For one that the knowledge does not have: the domain of its servers."""
    from todoku.lists.identities import registered_domain

    return registered_domain(host.rstrip(".").lower()) or host.lower()


def is_at(knowledge: Compiled, case: Case, domain: str) -> bool:
    """Whether a mailbox of this domain is at the receiver of a case, as far as that is known."""
    if domain in case.to:
        return True
    theirs = {case.place and case.place.id, case.diagnosis and case.diagnosis.receiver}
    return whose(knowledge, domain, domain) in theirs - {None}
