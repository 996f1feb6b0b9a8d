"""A report, a case that is opened by hand, a refusal handed over: what is checked before it counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from todoku import reading
from todoku.cases import events as ev
from todoku.cases.joining import place_of
from todoku.cases.records import Recorded
from todoku.diagnosis import Diagnoser
from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.model import Diagnosis, Identity
from todoku.serve import sightings
from todoku.serve.orders import Report
from todoku.settings.own import Own
from todoku.store.cases import Desk
from todoku.store.messages import People

__all__ = ["NotReported", "Report", "identities_of", "report"]

WORDS: Final[Words] = {
    "not-ours": {
        "ja": "設定 [own] にない {identity} が遮断の対象と書かれています。自分のアドレスなら todoku init --add "
        "{identity}、違うならこの返信はあなた宛てではありません。案件は変更していません。",
        "en": "what is blocked here is {identity}, which [own] of the settings does not name. If it is "
        "yours: todoku init --add {identity}. If not, this refusal is not about you. No case was "
        "changed.",
    },
    "no-refusal": {
        "ja": "渡されたものに拒否の応答は見つかりませんでした。案件は変更していません。何が読めるかは "
        "todoku diagnose で確かめられます。",
        "en": "no refusal was found in what was given. No case was changed. See what can be read with "
        "todoku diagnose.",
    },
    "no-identity": {
        "ja": "この返信には、どのアドレスが遮断されているか書かれていません。todoku case open 192.0.2.1 のように"
        "自分のアドレスを添えてください。案件は変更していません。",
        "en": "the refusal does not tell which address is blocked. Name yours, as in todoku case open "
        "192.0.2.1. No case was changed.",
    },
    "no-place": {
        "ja": "どこに届かないのかが分かりません。--to に宛先のドメインを添えてください。案件は変更していません。",
        "en": "where mail does not arrive is not known. Name the recipients' domain with --to. No case "
        "was changed.",
    },
}


class NotReported(TodokuError):
    """What was given cannot become a case. Nothing was written."""

    exit_code = 65


def report(
    given: Report, desk: Desk, diagnoser: Diagnoser, own: Own, now: datetime
) -> tuple[Recorded, ...]:
    """Record it. Raises `NotReported`, and then nothing was written."""
    for identity in given.identities:
        _ours(identity, own)
    refused: tuple[ev.Refused, ev.Diagnosed] | None = None
    identities, to = given.identities, given.to
    place: ev.Place | None = None
    if given.refusal is not None:
        refused = _refused(given, diagnoser, own, now)
        identities = refused[0].identities
        to = tuple(dict.fromkeys((*to, *refused[0].to)))
        place = refused[0].place
    if place is None and to:
        place = place_at(to[0], diagnoser)
    if place is None:
        raise NotReported(WORDS["no-place"])
    recorded: tuple[Recorded, ...] = ()
    if given.words or given.who or refused is None:
        who = None
        if given.who is not None:
            who = People(desk).known_as(given.who, given.name, given.lang)
        event = ev.Reported(
            at=now, by=given.by, source=given.source, who=who, words=given.words, lang=given.lang,
            since=given.since, to=to, place=place, identities=identities,
        )  # fmt: skip
        recorded += desk.see(event, order=given.source)
    if refused is not None:
        recorded += desk.see(*refused, order=given.source)
    return recorded


def _ours(identity: Identity, own: Own) -> None:
    if not own.tells(identity):
        raise NotReported(WORDS["not-ours"], identity=identity.value)


def _refused(
    given: Report, diagnoser: Diagnoser, own: Own, now: datetime
) -> tuple[ev.Refused, ev.Diagnosed]:
    """The first refusal of what was handed over."""
    found = [diagnoser(refusal) for refusal in reading.read(given.refusal or b"")]
    found = [d for d in found if d.kind == "refusal" and (d.reply.code or d.reply.text)]
    if not found:
        raise NotReported(WORDS["no-refusal"])
    d = next((d for d in found if sightings.split(d.blocked, own)[0]), found[0])
    ours = sightings.split(d.blocked, own)[0]
    if d.blocked and not ours:
        _ours(d.blocked[0], own)
    if not ours and not given.identities:
        raise NotReported(WORDS["no-identity"])
    event = sightings.refused(d, own, now, source=given.source, by=given.by)
    event = msgspec.structs.replace(event, proof="person")
    diagnosed = sightings.diagnosed(d, diagnoser.knowledge, own, now, by=given.by)
    diagnosed = msgspec.structs.replace(diagnosed, source=given.source)
    if not ours:
        event = msgspec.structs.replace(event, identities=given.identities)
        diagnosed = msgspec.structs.replace(diagnosed, identities=given.identities)
    if event.place is None and given.to:
        event = msgspec.structs.replace(event, place=place_at(given.to[0], diagnoser))
    return event, diagnosed


def place_at(domain: str, diagnoser: Diagnoser) -> ev.Place | None:
    """Who receives for a domain, as far as the knowledge tells from its name."""
    from todoku.model import Refusal, Reply

    asked = Refusal(
        action="failed", recipient=f"postmaster@{domain}", reply=Reply(550, None, "550")
    )
    d: Diagnosis = diagnoser(asked)
    return place_of(receiver=d.receiver, domain=domain)


def identities_of(texts: Sequence[str]) -> tuple[Identity, ...]:
    """Raises `todoku.lists.identities.NotAnIdentity`."""
    from todoku.lists import identities

    found = []
    for text in texts:
        target = identities.read(text)
        if target.subject is not None:
            found.append(Identity(target.subject.kind, target.subject.value))
        elif target.range is not None:
            found.append(Identity("range", target.range))
    return tuple(found)
