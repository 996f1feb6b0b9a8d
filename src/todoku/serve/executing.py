"""The one place where an order becomes events, whoever was given it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.answers.tickets import forms
from todoku.cases.case import Case, identity_key
from todoku.cases.records import Recorded
from todoku.cases.states import ASKED
from todoku.diagnosis import Diagnoser
from todoku.serve import reporting, writing
from todoku.serve.orders import (
    Accept,
    AnyOrder,
    Ask,
    Cause,
    Close,
    Detour,
    Hear,
    Hold,
    Notice,
    Release,
    Report,
    Settle,
    Try,
)
from todoku.settings.own import Own
from todoku.store.cases import Command, Desk


def execute(
    order: AnyOrder, desk: Desk, diagnoser: Callable[[], Diagnoser], own: Own, now: datetime
) -> tuple[Recorded, ...]:
    """Do it, or find that it was done: an order of one id is done once, and what was recorded
    comes back every time. Raises `TodokuError` where it cannot be; then nothing was written.
    `diagnoser` is asked for where there is something to read."""
    match order:
        case Report():
            return reporting.report(order, desk, diagnoser(), own, now)
        case Close():
            return desk.change(order.case, _with(order, _close(order, now)), order=order.source)
        case Settle():
            from todoku.serve import unsure

            return unsure.settle(order, desk, now)
        case Cause():
            return desk.change(order.case, _with(order, _cause(order, now)), order=order.source)
        case Ask():
            return desk.change(order.case, _with(order, _ask(order, desk, now)), order=order.source)
        case Hold():
            held = ev.Held(at=now, by=order.by, how=order.how, until=order.until)
            hold = _with(order, lambda case: commands.hold(case, held))
            return desk.change(order.case, hold, order=order.source)
        case Detour():
            gone = ev.Detoured(at=now, by=order.by, via=order.via)
            detour = _with(order, lambda case: commands.detour(case, gone))
            return desk.change(order.case, detour, order=order.source)
        case Release():
            freed = ev.Released(at=now, by=order.by, what=order.what)
            release = _with(order, lambda case: commands.release(case, freed))
            return desk.change(order.case, release, order=order.source)
        case Try():
            from todoku.serve import trying

            wanted = ev.Trying(
                at=now,
                by=order.by,
                identity=order.identity,
                to=order.to,
                sender=order.sender,
                mailbox=order.mailbox,
                message_id=trying.message_id(order.sender),
            )
            want = _with(order, lambda case: commands.want_trial(case, wanted))
            return desk.change(order.case, want, order=order.source)
        case Notice():
            from todoku.serve import noticing

            return noticing.notice(order, desk, own, now)
        case Accept():
            from todoku.serve import accepting

            return accepting.accept(order, desk, diagnoser(), own, now)
        case Hear():
            from todoku.serve import answering

            return answering.hear(order, desk, now)


def _close(order: Close, now: datetime) -> Command:
    return lambda case: commands.close(case, now, order.why, by=order.by, text=order.text)


def _cause(order: Cause, now: datetime) -> Command:
    def command(case: Case) -> commands.Events:
        said: commands.Events = ()
        if order.cause or order.looked:
            found = ev.CauseFound(
                at=now,
                by=order.by,
                cause=order.cause,
                evidence=order.evidence,
                looked=order.looked,
                inherited=order.inherited,
            )
            said += commands.find_cause(case, found)
        if order.mended or not said:
            said += commands.mend(case, ev.Mended(at=now, by=order.by, what=order.mended or ""))
        return said

    return command


def _ask(order: Ask, desk: Desk, now: datetime) -> Command:
    """Asked for the first time, or given what it wanted; else asked again. A letter that is to be
    sent gets its Message-ID, which nobody can guess, before it goes out."""
    keys = (f"ticket:{form}" for form in forms(order.ticket)) if order.ticket else ()
    owner = next(filter(None, map(desk.find, keys)), None)
    letter = order.letter
    message_id = None if letter is None else writing.message_id(letter)

    def command(case: Case) -> commands.Events:
        named = {identity_key(i) for i in order.identities}
        those = [s for s in case.standings if not named or s.key in named]
        elsewhere = commands.asks_another(case, order.desk)
        if not elsewhere and any(s.state in {"declined", *ASKED} for s in those):
            again = ev.Escalated(
                at=now,
                by=order.by,
                desk=order.desk,
                identities=order.identities,
                ticket=order.ticket,
                text=order.text,
                message_id=message_id,
                letter=letter,
            )
            return commands.escalate(case, again, desk.policy, owner)
        first = ev.Requested(
            at=now,
            by=order.by,
            desk=order.desk,
            channel=order.channel,
            identities=order.identities,
            ticket=order.ticket,
            text=order.text,
            message_id=message_id,
            letter=letter,
        )
        return commands.request(case, first, owner)

    return command


def _with(order: AnyOrder, command: Command) -> Command:
    """Its events name the order as their source."""
    return lambda case: [replace(event, source=order.source) for event in command(case)]
