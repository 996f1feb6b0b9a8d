"""What a scenario is about, looked for in the events of its cases: an end that is good by chance is none.
Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from todoku.cases import events as ev
from todoku.lab.scenario import Scenario


def kept(
    scenario: Scenario, histories: Sequence[Sequence[ev.AnyEvent]], addresses: Sequence[str]
) -> bool:
    """`histories`: the events of each case. `addresses`: of the house, the first one blocked."""
    return all(_promises(scenario, [e for events in histories for e in events], addresses))


def _promises(
    scenario: Scenario, events: Sequence[ev.AnyEvent], addresses: Sequence[str]
) -> Iterator[bool]:
    asked = [e for e in events if isinstance(e, ev.Requested)]
    again = [e for e in events if isinstance(e, ev.Escalated)]
    sent = [e for e in events if isinstance(e, ev.Sent)]
    if scenario.house > 2:  # the others are no business of the desk's
        probed = {e.identity.value for e in events if isinstance(e, ev.Probed)}
        named = {i.value for e in asked for i in e.identities}
        yield named == probed == {addresses[0]}
    if scenario.trials:
        trials = [e.result for e in events if isinstance(e, ev.Tried) and e.how == "trial"]
        yield "junked" in trials and trials[-1] == "accepted"
    if scenario.relists is not None:
        refused = [n for n, e in enumerate(events) if isinstance(e, ev.Refused)]
        ends = [n for n, e in enumerate(events) if isinstance(e, ev.Closed)]
        told = [e for e in events if isinstance(e, ev.Told) and e.about == "resolved"]
        yield len(ends) == len(told) == 2 and any(ends[0] < n < ends[1] for n in refused)
    if scenario.wrong_desk:
        yield len({e.desk for e in asked}) == 2
    if scenario.by_mail:
        yield len(sent) == len(asked) + len(again) > 0 and all(e.delivered for e in sent)
    if scenario.allowed:
        yield all(e.by is None for e in (*asked, *again)) and bool(again)
    listing = scenario.listing
    if listing is not None:
        states = [f.state for e in events if isinstance(e, ev.Checked) for f in e.findings]
        yield "listed" in states and states[-1] == "not-listed"
        yield bool(asked) is (listing.expires is None)
        turned_down = any(isinstance(e, ev.Noted) for e in events)
        yield turned_down is (listing.cooling > 0)
