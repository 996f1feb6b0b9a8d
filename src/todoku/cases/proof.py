"""What proves that mail arrives again. Pure."""

from __future__ import annotations

from todoku.cases.case import FIRST, Case, Standing
from todoku.cases.policy import Policy, Proves
from todoku.cases.states import UNDECIDED
from todoku.cases.tasks import suffices


def proves(case: Case, policy: Policy, hosts: int) -> tuple[str, ...]:
    """The keys of identities of which it is proven that they are free again. `hosts`: how many answer
    for the receiver."""
    now = case.changed_at or FIRST
    listed = case.place is not None and case.place.zone is not None
    return tuple(
        s.key
        for s in case.standings
        if proven(s, policy, hosts, by="probe" if listed else suffices(s, policy, now))
    )


def proven(standing: Standing, policy: Policy, hosts: int, by: Proves) -> bool:
    """Whether enough was accepted, long enough, by enough of the `hosts` that answer there. `by`:
    what counts."""
    if standing.state not in {*UNDECIDED, "verifying"}:
        return False
    tally = {"probe": standing.accepted, "trial": standing.delivered, "mail": standing.mail}[by]
    if tally.first is None or tally.last is None:
        return False
    return (
        tally.count >= policy.accepted
        and tally.last - tally.first >= policy.over
        and (hosts < 2 or len(tally.hosts) >= min(policy.hosts, hosts))
    )
