"""A person says of what could not be proven whether it is ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from todoku.cases import joining
from todoku.cases.records import Recorded
from todoku.diagnosis import Diagnoser
from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.serve import reporting, sightings
from todoku.serve.orders import Accept
from todoku.serve.sifting import refusals, written
from todoku.serve.usermail import UserMail
from todoku.settings.own import Own
from todoku.store.messages import Mailbox
from todoku.store.unverified import Unproven, Unverified

if TYPE_CHECKING:
    from todoku.cases import events as ev
    from todoku.store.cases import Desk

WORDS: Final[Words] = {
    "none": {
        "ja": "{name} で始まる未確認のメールはありません。何も記録していません。一覧: todoku case accept",
        "en": "no unverified mail begins with {name}. Nothing was recorded. All of them: todoku case accept",
    },
    "several": {
        "ja": "{name} で始まる未確認のメールは複数あります。もう少し長く指定してください。何も記録していません。",
        "en": "several unverified mails begin with {name}. Give more of it. Nothing was recorded.",
    },
    "not-understood": {
        "ja": "{name} からは、だれがどのアドレスを拒否したのか読み取れません。何も記録していません。応答が分かるなら "
        "todoku report --refusal に貼り付け、不要なら --not-ours で除けてください。",
        "en": "{name} does not tell who refused what, as far as it can be read. Nothing was recorded. If you know "
        "the reply, give it to todoku report --refusal; else lay it aside with --not-ours.",
    },
    "expired": {
        "ja": "{name} の本文は保存期間が過ぎて消去済みです。何も記録していません。同じ内容は todoku report --refusal "
        "で渡せます。",
        "en": "the text of {name} has been erased, as its time was over. Nothing was recorded. The same can "
        "be given to todoku report --refusal.",
    },
}


class NotAccepted(TodokuError):
    """Nothing was written."""

    exit_code = 65


def accept(
    order: Accept, desk: Desk, diagnoser: Diagnoser, own: Own, now: datetime
) -> tuple[Recorded, ...]:
    """What a person takes for ours is an event with his name; the rest is laid aside. Raises
    `NotAccepted`, `reporting.NotReported`."""
    kept = Unverified(desk)
    found = kept.find(order.message.lower())
    if len(found) != 1:
        key = "several" if found else "none"
        raise NotAccepted(WORDS[key], name=order.message)
    one = found[0]
    alike = (
        [one.sha256, *(each.sha256 for each in kept.alike(one))] if order.alike else [one.sha256]
    )
    shas = list(dict.fromkeys(alike))
    if not order.ours:
        kept.settle(shas, "not-ours", now, order.by)
        return ()
    box = Mailbox(desk)

    def bodies() -> Iterator[bytes]:
        """Those that are not erased; one at a time, as they may be large."""
        return filter(None, map(box.body, shas))

    body = next(bodies(), None)
    if body is None:
        raise NotAccepted(WORDS["expired"], name=order.message)
    if one.doubt == "not-understood" and not refusals(body, diagnoser):
        raise NotAccepted(WORDS["not-understood"], name=order.message)
    source = f"message:{one.sha256}"
    events: Sequence[ev.Refused | ev.Reported]
    if one.kind == "refusal":
        events = joining.gather(
            event for each in bodies() for event in _refusals(order, each, one, diagnoser, own, now)
        )
    else:
        events = _report(order, body, diagnoser, own, desk, now, source)
    recorded: tuple[Recorded, ...] = ()
    for event in events:
        recorded += desk.see(event, order=source)
    kept.settle(shas, "accepted", now, order.by)
    return recorded


def _refusals(
    order: Accept, body: bytes, one: Unproven, diagnoser: Diagnoser, own: Own, now: datetime
) -> tuple[ev.Refused, ...]:
    found = refusals(body, diagnoser)
    ours = [d for d in found if sightings.split(d.blocked, own)[0]]
    if not ours:
        identity = next((d.blocked[0].value for d in found if d.blocked), "-")
        raise reporting.NotReported(reporting.WORDS["not-ours"], identity=identity)
    source, when = f"message:{one.sha256}", written(body)
    return joining.gather(
        replace(
            sightings.refused(d, own, now, when=when, source=source, by=order.by), proof="person"
        )
        for d in ours
    )


def _report(
    order: Accept,
    body: bytes,
    diagnoser: Diagnoser,
    own: Own,
    desk: Desk,
    now: datetime,
    source: str,
) -> tuple[ev.Reported, ...]:
    users = UserMail(None, diagnoser, own)
    told = users.told(body, now)
    if told is not None and order.to:
        told = told._replace(to=order.to)
    event = None if told is None else users.event(told, desk, now, source, by=order.by)
    if event is None:
        raise reporting.NotReported(reporting.WORDS["no-place"])
    return (event,)
