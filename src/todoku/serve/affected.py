"""Whose mail came back because of a case: senders, recipients, and the messages that are to be sent again.
As our mail servers' logs tell it, rotated ones beside them too, and the bounces that are still kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec

from todoku.cases import events as ev
from todoku.cases import provenance
from todoku.cases.case import Case, identity_key
from todoku.cases.marks import TRIAL
from todoku.cases.records import Recorded
from todoku.diagnosis import Diagnoser
from todoku.logs.values import Delivery
from todoku.model import VERSION, Diagnosis
from todoku.reading import mail
from todoku.serve import sightings
from todoku.serve.logged import deliveries
from todoku.serve.sifting import refusals, written
from todoku.settings.own import Own

BEFORE: Final = timedelta(hours=1)
"""Clocks of two servers differ: so much earlier than the first refusal still counts."""


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """A message that came back: one line of `todoku case show --affected --json`."""

    v: int = VERSION
    case: int
    at: datetime | None
    sender: str | None
    """`None`: not known."""
    recipient: str | None
    message_id: str | None
    queue_id: str | None
    known_by: Literal["log", "bounce"]


def returned(
    case: Case,
    history: Iterable[Recorded],
    logs: Iterable[str],
    body: Callable[[str], bytes | None],
    diagnoser: Diagnoser,
    own: Own,
    now: datetime,
    unread: Callable[[str, str], object],
) -> list[Returned]:
    """Each message and recipient once, the earliest first. `body`: of a mail that came in, by its hash.
    `unread`: a log that cannot be read, and why."""
    found: dict[tuple[str | None, str | None], Returned] = {}
    for each in (
        *_in_logs(case, logs, diagnoser, own, now, unread),
        *_in_bounces(case, history, body, diagnoser),
    ):
        if TRIAL in (each.message_id or ""):  # of nobody
            continue
        key = (each.message_id or each.queue_id, each.recipient and each.recipient.lower())
        found.setdefault(key, each)
    return sorted(found.values(), key=lambda r: (r.at or now, r.sender or "", r.recipient or ""))


def _in_logs(
    case: Case,
    logs: Iterable[str],
    diagnoser: Diagnoser,
    own: Own,
    now: datetime,
    unread: Callable[[str, str], object],
) -> Iterator[Returned]:
    if case.refused_from is None:
        return
    since = case.refused_from - BEFORE
    for delivery in deliveries(logs, diagnoser, own, since, now, unread, recipients="clear"):
        if delivery.outcome == "bounced" and _is_of(case, delivery):
            yield Returned(
                case=case.number,
                at=None if delivery.time is None else datetime.fromtimestamp(delivery.time, UTC),
                sender=delivery.message.sender,
                recipient=delivery.recipient,
                message_id=_bracketed(delivery.message.message_id),
                queue_id=delivery.queue_id,
                known_by="log",
            )


def _is_of(case: Case, delivery: Delivery) -> bool:
    d = delivery.diagnosis
    if d is None or not _is_there(case, d):
        return False
    keys = {s.key for s in case.standings}
    named = {identity_key(i) for i in d.blocked}
    if named & keys:
        return True
    return not named and f"ip:{delivery.source}" in keys


def _is_there(case: Case, d: Diagnosis) -> bool:
    place = sightings.place(d)
    return place is not None and case.place is not None and place.id == case.place.id


def _in_bounces(
    case: Case,
    history: Iterable[Recorded],
    body: Callable[[str], bytes | None],
    diagnoser: Diagnoser,
) -> Iterator[Returned]:
    for each in history:
        event = each.event
        if not isinstance(event, ev.Refused) or event.temporary or event.proof in {None, "person"}:
            continue
        kind, _, sha = (event.source or "").partition(":")
        data = body(sha) if kind == "message" else None
        if data is None:
            continue
        queue_id = provenance.clues(data).queue_id
        for d in refusals(data, diagnoser):
            if not d.temporary and _is_there(case, d):
                yield Returned(
                    case=case.number,
                    at=written(data) or event.last,
                    sender=d.sender or _came_to(data),
                    recipient=d.recipient,
                    message_id=_bracketed(d.message_id),
                    queue_id=queue_id,
                    known_by="bounce",
                )


def _bracketed(message_id: str | None) -> str | None:
    bare = (message_id or "").strip().strip("<>")
    return f"<{bare}>" if bare else None


def _came_to(data: bytes) -> str | None:
    """A bounce goes to who sent the mail."""
    text = mail.parse(data).text(b"\nto:").strip().strip("<>")
    return text if "@" in text and " " not in text else None
