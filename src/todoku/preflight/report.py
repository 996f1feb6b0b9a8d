"""The report of a run: what `todoku preflight --json` prints. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from todoku.lists.history import rfc3339
from todoku.preflight.letter import letter
from todoku.preflight.plan import plan
from todoku.preflight.running import Run
from todoku.preflight.values import Check, Report, judge


def made(run: Run, checks: Sequence[Check], now: float) -> Report:
    """`now`: Unix time."""
    at = rfc3339(now)
    return Report(
        verdict=judge(checks).verdict,
        subject=run.subject,
        checks=tuple(checks),
        compared_with=run.compared,
        plan=plan(run.subject, checks, run.lang),
        letter=letter(run.subject, checks, run.lang, at[:10]),
        resolver=", ".join(map(str, run.world.servers)),
        knowledge=run.world.knowledge.version,
        at=at,
    )
