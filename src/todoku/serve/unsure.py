"""Mails of which nobody knows whether they were sent: the worker died between handing one over and
writing that down, and no log tells. None is sent again until a person has said so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.records import Recorded
from todoku.cases.working import Work
from todoku.errors import TodokuError
from todoku.i18n import Sentence, Words
from todoku.serve.orders import Settle

if TYPE_CHECKING:
    from todoku.store.cases import Command, Desk

WORDS: Final[Words] = {
    "unsure": {
        "ja": "案件 {case}: {who} への「{ja}」のメールを送れたかどうか分かりません。二重に送らないよう止めて"
        "います。メールサーバーのログで {message_id} を探し、あれば todoku case settle {case} --sent{more}、"
        "なければ --not-sent（送り直します）で教えてください。",
        "en": 'case {case}: it is not known whether the mail "{en}" to {who} was sent. It is not sent '
        "twice, so it waits. Look for {message_id} in the mail server's log. If it is there: todoku case "
        "settle {case} --sent{more}; if not, --not-sent, and it is sent again.",
    },
    "none": {
        "ja": "案件 {case} に、送れたか分からないメールはありません。何も記録していません。",
        "en": "case {case} has no mail of which it is not known whether it was sent. Nothing was "
        "recorded.",
    },
    "several": {
        "ja": "案件 {case} には、送れたか分からないメールが {n} 通あります。どれのことかを --action（{which}）で"
        "指定してください。何も記録していません。",
        "en": "case {case} has {n} mails of which it is not known whether they were sent. Name one with "
        "--action ({which}). Nothing was recorded.",
    },
    "opened": {"ja": "対応を始めました", "en": "being worked on"},
    "resolved": {"ja": "届くようになりました", "en": "works again"},
    "reminder": {"ja": "作業の催促", "en": "reminder of a task"},
    "letter": {"ja": "解除の依頼", "en": "request"},
    "trial": {"ja": "試し送り", "en": "trial"},
    "administrator": {"ja": "管理者", "en": "the administrator"},
}


class NotUnsure(TodokuError):
    """There is nothing of that kind to be settled. Nothing was recorded."""

    exit_code = 65


def told(
    work: Work, named: Callable[[str], str | None], among: int = 1
) -> tuple[Sentence, dict[str, object]]:
    """The sentence, and its values. `named`: a person's name or address, by `person:3`. `among`:
    how many there are in this case."""
    about = WORDS["letter" if work.action.about is None else work.action.about]
    who = None if work.action.who is None else named(work.action.who) or work.action.who
    if work.action.kind == "try":
        about = WORDS["trial"]
    if work.action.kind in {"send", "try"}:
        who = str((work.intent or {}).get("to", "-"))
    admin = WORDS["administrator"]
    sentence = {
        lang: text.replace("{who}", admin[lang]) if who is None else text
        for lang, text in WORDS["unsure"].items()
    }
    return sentence, {
        "case": work.case,
        "who": who,
        "ja": about["ja"],
        "en": about["en"],
        "message_id": (work.intent or {}).get("message_id", "-"),
        "more": f" --action {work.id}" if among > 1 else "",
    }


def settle(order: Settle, desk: Desk, now: datetime) -> tuple[Recorded, ...]:
    """A person found out. What he says is an event either way: told or sent, or a note. Raises `NotUnsure`,
    `StoreError`."""
    from todoku.store.actions import Queue

    if done := desk.change(order.case, lambda _: (), order=order.source):
        return done
    queue = Queue(desk)
    here = queue.unknown(now, order.case)
    found = [work for work in here if order.action in {None, work.id}]
    if not found:
        raise NotUnsure(WORDS["none"], case=order.case)
    if len(found) > 1:
        which = ", ".join(str(work.id) for work in found)
        raise NotUnsure(WORDS["several"], case=order.case, n=len(found), which=which)
    command = _sent(order, found[0], now) if order.sent else _not_sent(order, now)
    return queue.settle(found[0], done=order.sent, now=now, command=command)


def _sent(order: Settle, work: Work, now: datetime) -> Command:
    action = work.action
    if action.kind in {"send", "try"}:
        message_id = action.key.partition("/")[2]
        letter = ev.Sent(at=now, by=order.by, source=order.source, message_id=message_id)
        return lambda case: commands.sent(case, letter)
    assert action.about is not None  # noqa: S101  mails have it
    event = ev.Told(
        at=now,
        by=order.by,
        source=order.source,
        who=action.who or "admin",
        about=action.about,
        task=action.task,
    )
    return lambda case: commands.tell(case, event)


def _not_sent(order: Settle, now: datetime) -> Command:
    return lambda _: (ev.Noted(at=now, by=order.by, source=order.source, text=order.text),)
