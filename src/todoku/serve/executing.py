"""The one place where an order becomes events, whoever was given it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from todoku.cases import commands
from todoku.cases.records import Recorded
from todoku.diagnosis import Diagnoser
from todoku.serve import reporting
from todoku.serve.orders import AnyOrder, Close, Report, Settle
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


def _close(order: Close, now: datetime) -> Command:
    return lambda case: commands.close(case, now, order.why, by=order.by, text=order.text)


def _with(order: AnyOrder, command: Command) -> Command:
    """Its events name the order as their source."""
    return lambda case: [replace(event, source=order.source) for event in command(case)]
