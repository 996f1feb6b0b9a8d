"""What would make a request fail, before it is sent: each of these is in somebody's experience a
refused or ignored request. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from todoku.cases.case import Case, Standing, later
from todoku.cases.policy import Policy
from todoku.cases.requesting.desks import Chosen
from todoku.cases.requesting.values import STOPS, Facts, Obstacle, ObstacleKind, Purpose, Reverse
from todoku.cases.tasks import pause, silence
from todoku.model import Identity
from todoku.settings.own import Own

_SPAN: Final = re.compile(r"\A(\d{1,4})([hd])\Z")
_HOURS: Final = {"h": 1, "d": 24}


def obstacles(
    case: Case,
    chosen: Chosen,
    facts: Facts,
    purpose: Purpose,
    standings: Sequence[Standing],
    now: datetime,
    policy: Policy,
    gaps: Sequence[str] = (),
) -> tuple[Obstacle, ...]:
    """Those that stop first. `gaps`: what the letter leaves open, by the labels."""
    found = [
        *_whether_to_ask(case, chosen, facts, standings),
        *_when(case, chosen, purpose, standings, now, policy),
        *_what_is_missing(case, chosen, facts, now, policy),
        *_cause(case, chosen, purpose),
        *_reverse(chosen, facts, standings),
        *_to_know(case, chosen, facts, standings),
        *((_one("gaps", *gaps),) if gaps else ()),
    ]
    return tuple(sorted(found, key=lambda o: not o.stops))


def _one(
    kind: ObstacleKind, *about: str, until: datetime | None = None, stops: bool | None = None
) -> Obstacle:
    stops = kind in STOPS if stops is None else stops
    return Obstacle(kind=kind, stops=stops, about=about, until=until)


def _whether_to_ask(
    case: Case, chosen: Chosen, facts: Facts, standings: Sequence[Standing]
) -> Iterator[Obstacle]:
    if strange := [s.identity.value for s in standings if facts.own.tells(s.identity) is False]:
        yield _one("not-ours", *strange)
    if case.diagnosis is not None and case.diagnosis.reason == "lookup-failed":
        yield _one("no-listing")
    told = None if case.diagnosis is None else case.diagnosis.desk
    asked = case.requests and chosen.id == case.desk
    if asked and told is not None and told != chosen.id:
        yield _one("other-desk", told)
    elif chosen.expected is not None and chosen.id != told:
        yield _one("other-desk", chosen.expected)
    if chosen.desk.channel == "none":
        yield _one("no-desk")
    if "owner" in chosen.desk.requires:
        # The holder of a range is who was given it by a registry: one address is a hoster's.
        held = [s for s in standings if _covered(s.identity, facts)]
        if len(held) < len(standings):
            yield _one("holder-only", *(s.identity.value for s in standings if s not in held))


def _covered(identity: Identity, facts: Facts) -> bool:
    """Whether it lies in a range that is ours; of a name, whether it is ours."""
    if identity.kind == "ip":
        return Own(ranges=facts.own.ranges).covers(identity)
    return bool(facts.own.tells(identity))


def _when(
    case: Case,
    chosen: Chosen,
    purpose: Purpose,
    standings: Sequence[Standing],
    now: datetime,
    policy: Policy,
) -> Iterator[Obstacle]:
    seen = max((t for t in (case.refused_to, case.opened_at) if t is not None), default=now)
    span = lasts(chosen.desk.expires)
    until = None if span is None else later(seen, span)
    if chosen.desk.channel == "automatic":
        yield _one("ends-by-itself", until=until)
    elif until is not None and until > now:
        yield _one("ends-later", until=until)
    if purpose in {"chase", "escalate"}:
        wait = pause if purpose == "escalate" else silence
        soonest = min(wait(s, policy) for s in standings)
        if soonest > now:
            yield _one("too-early", until=soonest)


def _what_is_missing(
    case: Case, chosen: Chosen, facts: Facts, now: datetime, policy: Policy
) -> Iterator[Obstacle]:
    desk, contact = chosen.desk, facts.contact
    by_list = case.place is not None and case.place.zone is not None
    if case.reply is None or not case.reply.text:
        yield _one("no-refusal", stops="refusal-line" in desk.requires or not by_list)
    elif case.refused_to is not None and now - case.refused_to > policy.fresh:
        yield _one("old-refusal", f"{case.refused_to:%Y-%m-%d}")
    if contact.email is None or contact.name is None:
        yield _one("no-contact")
    elif facts.own.domains and not _at_ours(contact.email, facts):
        yield _one("contact-elsewhere", contact.email)
    if contact.imprint is None and ("contact-page" in desk.requires or "imprint" in desk.fields):
        yield _one("no-imprint")
    written = [
        case.cause.cause or "" if case.cause and not case.cause.inherited else "",
        case.mended.what if case.mended else "",
    ]
    if "ja" not in desk.languages and not all(map(str.isascii, written)):
        yield _one("own-words")


def _at_ours(email: str, facts: Facts) -> bool:
    return bool(facts.own.covers(Identity("address", email)))


def _cause(case: Case, chosen: Chosen, purpose: Purpose) -> Iterator[Obstacle]:
    if purpose in {"chase", "inform"} or chosen.desk.channel in {"automatic", "none"}:
        return
    must = "cause-fixed" in chosen.desk.requires
    inherited = case.cause is not None and case.cause.inherited
    if case.cause is None and case.mended is None:
        yield _one("no-cause", stops=must)
    elif case.mended is None and case.cause is not None and case.cause.cause and not inherited:
        yield _one("not-mended", stops=must)


def _reverse(chosen: Chosen, facts: Facts, standings: Sequence[Standing]) -> Iterator[Obstacle]:
    must = "reverse-dns" in chosen.desk.requires
    found: dict[ObstacleKind, list[str]] = {}
    for s in standings:
        if s.identity.kind != "ip":
            continue
        known = facts.reverse.get(s.identity.value, Reverse())
        if known.names is None:
            found.setdefault("reverse-unknown", []).append(s.identity.value)
        elif not known.names:
            found.setdefault("reverse-missing", []).append(s.identity.value)
        elif known.confirmed is False:
            found.setdefault("reverse-unconfirmed", []).append(s.identity.value)
    for kind, values in found.items():
        if kind != "reverse-unknown" or must:
            yield _one(kind, *values, stops=must and kind != "reverse-unknown")


def _to_know(
    case: Case, chosen: Chosen, facts: Facts, standings: Sequence[Standing]
) -> Iterator[Obstacle]:
    wants = chosen.desk.requires
    if "account" in wants:
        yield _one("needs-account")
    if "confirm-link" in wants:
        yield _one("link-follows")
    if "static-address" in wants:
        yield _one("static-only", *(s.identity.value for s in standings))
    if "authentication" in wants:
        yield _one("authentication")
    if chosen.desk.channel == "mail" and not facts.elsewhere:
        yield _one("own-mailbox", *(s.identity.value for s in standings))
    here = None if case.place is None else case.place.id
    listed = dict.fromkeys(f.list for f in case.findings if f.state == "listed" and f.list != here)
    if listed:
        yield _one("listed-elsewhere", *listed)


def lasts(span: str | None) -> timedelta | None:
    """`24h` or `7d`."""
    m = _SPAN.match(span or "")
    return None if m is None else timedelta(hours=int(m[1]) * _HOURS[m[2]])
