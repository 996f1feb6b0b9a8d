"""A letter to a desk came back. Its Message-ID, which nobody can guess (`writing.message_id`), proves that
the bounce is about it: only who has seen the letter can name it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.model import Diagnosis
from todoku.store.cases import Desk


def letter_back(found: Sequence[Diagnosis], desk: Desk, source: str, now: datetime) -> int | None:
    """The case whose letter was refused for good, where it is recorded; `None`: no letter of ours."""
    for refusal in found:
        if refusal.action != "failed" or not refusal.message_id:
            continue
        message_id = f"<{refusal.message_id.strip('<>')}>"
        number = desk.find(f"message:{message_id}")
        if number is None:
            continue
        letter = _letter(desk, number, message_id)
        if letter is None:
            continue
        came_back = ev.Answered(
            at=now,
            source=source,
            class_="bounce",
            words=refusal.reply.text,
            desk=letter.desk,
            verdicts=tuple(ev.Verdict(identity=i, class_="bounce") for i in letter.identities),
            authentic=True,
        )
        desk.change(number, partial(commands.answer, event=came_back, policy=desk.policy))
        return number
    return None


def _letter(desk: Desk, number: int, message_id: str) -> ev.Requested | ev.Escalated | None:
    """One that todoku sent: what people sent by other programs has an id that may be guessed."""
    for recorded in desk.history(number):
        event = recorded.event
        if not isinstance(event, ev.Requested | ev.Escalated) or event.letter is None:
            continue
        if event.message_id == message_id:
            return event
    return None
