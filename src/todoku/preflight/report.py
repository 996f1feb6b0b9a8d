"""The report of a run: what `todoku preflight --json` prints. Pure."""

from __future__ import annotations

from todoku.lists.history import rfc3339
from todoku.preflight.letter import letter
from todoku.preflight.plan import plan
from todoku.preflight.running import Run
from todoku.preflight.values import Plan, Report, WarmUp, judge
from todoku.preflight.volumes import Volumes
from todoku.preflight.warm_up import warm_up


def made(run: Run, now: float, logs: Volumes | None = None) -> Report:
    """Of a run that was iterated over. `now`: Unix time. `logs`: what went where until now."""
    checks, at = run.checks, rfc3339(now)
    verdict = judge(checks).verdict
    # Steps out of what is not known would lead astray.
    steps = Plan()
    if verdict != "unknown":
        changes = plan(run.subject, checks, run.lang)
        steps = Plan(dns=changes, warm_up=_warm_up(run, logs))
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


def _warm_up(run: Run, logs: Volumes | None) -> WarmUp:
    known = {r.id: r for r in run.world.knowledge.receivers}
    past, volumes = (None, []) if logs is None else (logs.past(), logs.volumes())
    return warm_up(run.world.warm_up, known, past, volumes, run.lang)
