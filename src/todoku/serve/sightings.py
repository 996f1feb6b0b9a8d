"""From a diagnosis to what a case is told of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from todoku.cases import events as ev
from todoku.cases.joining import place_of
from todoku.knowledge.schema import Compiled, Rule
from todoku.model import Diagnosis, Identity
from todoku.settings.own import Own


def place(d: Diagnosis) -> ev.Place | None:
    """Where one is blocked."""
    listed = d.blocklist
    domain = (d.recipient or "").rpartition("@")[2] or None
    return place_of(
        blocklist=None if listed is None else listed.id,
        zone=None if listed is None else listed.zone,
        receiver=d.receiver,
        domain=domain,
    )


def split(blocked: Sequence[Identity], own: Own) -> tuple[tuple[Identity, ...], ...]:
    """Those that are ours, and those that certainly are not."""
    ours = tuple(i for i in blocked if own.tells(i))
    return ours, tuple(i for i in blocked if own.tells(i) is False)


def refused(
    d: Diagnosis,
    own: Own,
    now: datetime,
    *,
    when: datetime | None = None,
    source: str | None = None,
    by: str | None = None,
) -> ev.Refused:
    """The refusal as an event. `when`: the receiver's answer; `None`: not known, taken for now."""
    domain = (d.recipient or "").rpartition("@")[2].lower()
    return ev.Refused(
        at=now,
        by=by,
        source=source,
        identities=split(d.blocked, own)[0],
        place=place(d),
        reply=d.reply,
        stage=d.stage,
        temporary=bool(d.temporary),
        host=d.remote.host,
        first=when or now,
        last=when or now,
        to=(domain,) if domain else (),
    )


def diagnosed(
    d: Diagnosis, knowledge: Compiled, own: Own, now: datetime, by: str | None = None
) -> ev.Diagnosed:
    rule, owner = rule_of(d.rule, knowledge)
    desk = None
    if rule is not None and rule.desk:
        desk = rule.desk if "/" in rule.desk else f"{owner}/{rule.desk}"
    elif d.blocklist is not None:
        entry = next((e for e in knowledge.lists if e.id == d.blocklist.id), None)
        desk = None if entry is None else entry.desk
    return ev.Diagnosed(
        at=now,
        by=by,
        place=place(d),
        identities=split(d.blocked, own)[0],
        receiver=d.receiver,
        receiver_code=d.receiver_code,
        reason=d.reason,
        who_acts=d.who_acts,
        desk=desk,
        removal=d.removal,
        refuses_at=(rule.refuses_at if rule is not None else None) or d.stage,
        rule=d.rule,
        confidence=d.confidence,
        knowledge=d.knowledge,
    )


def rule_of(name: str | None, knowledge: Compiled) -> tuple[Rule | None, str]:
    """The rule `microsoft-consumer/sc-001`, and whose it is."""
    owner, _, id_ = (name or "").partition("/")
    for number, rule in enumerate(knowledge.rules):
        if rule.id == id_ and knowledge.receivers[knowledge.owner[number]].id == owner:
            return rule, owner
    return None, owner
