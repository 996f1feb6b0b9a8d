"""The report of a run: what `todoku preflight --json` prints. Pure."""

from __future__ import annotations

from todoku.lists.history import rfc3339
from todoku.preflight.letter import letter
from todoku.preflight.plan import plan
from todoku.preflight.running import Run
from todoku.preflight.values import Plan, Report, judge


def made(run: Run, now: float) -> Report:
    """Of a run that was iterated over. `now`: Unix time."""
    checks, at = run.checks, rfc3339(now)
    verdict = judge(checks).verdict
    # Steps out of what is not known would lead astray.
    steps = Plan() if verdict == "unknown" else plan(run.subject, checks, run.lang)
    return Report(
        verdict=verdict,
        subject=run.subject,
        checks=checks,
        compared_with=run.compared,
        plan=steps,
        letter=letter(run.subject, checks, run.lang, at[:10]),
        resolver=", ".join(map(str, run.world.servers)),
        knowledge=run.world.knowledge.version,
        at=at,
    )
