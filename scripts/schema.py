#!/usr/bin/env python3
"""Write docs/reference/*.schema.json from the types of the code.

    python scripts/schema.py            write them
    python scripts/schema.py --check    exit 1 and name those that differ (tests/test_contract.py)

Two sides. What todoku prints (`diagnosis`): every field is always there, `null` where it is not
known, so all are required, and more may be added. What todoku reads (knowledge files): fields with
a default may be left out, and no others are allowed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import fields

from todoku.cases.answers import Answer
from todoku.cases.detouring import Printed
from todoku.cases.events import AnyEvent
from todoku.cases.holding import Holding
from todoku.cases.records import KINDS, version
from todoku.cases.requesting import Draft
from todoku.cli.mailbox import Standing
from todoku.cli.partners_cost import CaseCost
from todoku.cli.partners_learn import Learned
from todoku.cli.render.check_history import Row
from todoku.cli.render.check_plan import Plan
from todoku.diagnosis.explain import Explanation
from todoku.knowledge import schema
from todoku.knowledge.answers import AnswerRules
from todoku.knowledge.files import DATA, read_toml
from todoku.logs.cause.values import Cause, Looked
from todoku.logs.values import EarlyWarning, Kept, Opened, RefusalGroup, Summary
from todoku.model import VERSION, Diagnosis, Finding
from todoku.partners.forecast import Forecast
from todoku.partners.habits import Told
from todoku.preflight.values import Report
from todoku.probing import Probed
from todoku.serve.affected import Returned
from todoku.serve.leads import Lead

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

OUTPUT: dict[str, tuple[type, str]] = {
    "diagnosis": (
        Diagnosis,
        "One line of `todoku diagnose --json`; docs/reference/json.md tells more.",
    ),
    "check": (
        Finding,
        "One line of `todoku check --json`; docs/reference/json.md tells more.",
    ),
    "check-plan": (Plan, "What `todoku check --plan --json` prints."),
    "check-history": (Row, "One line of `todoku check --history --json`."),
    "logs-summary": (
        Summary,
        "The first line of `todoku logs --json`; docs/logs.md tells more.",
    ),
    "logs-refusals": (RefusalGroup, "Lines of `todoku logs --json`, one a kind of refusal."),
    "logs-warning": (
        EarlyWarning,
        "The last lines of `todoku logs --json`; docs/early-warning.md tells more.",
    ),
    "logs-case": (Opened, "A further line of `todoku logs --open-cases --json`: a case."),
    "logs-stored": (Kept, "The last line of `todoku logs --store --json`."),
    "cause-looked": (
        Looked,
        "The first line of `todoku cause --json`; docs/cause.md tells more.",
    ),
    "cause": (Cause, "Each further line of `todoku cause --json`."),
    "cause-lead": (Lead, "The first lines of `todoku cause --case N --json`, if there are any."),
    "preflight": (Report, "What `todoku preflight --json` prints; docs/preflight.md tells more."),
    "probe": (Probed, "What `todoku probe --json` prints; docs/probe.md tells more."),
    "answer": (Answer, "One line of `todoku case answer --json`; docs/answers.md tells more."),
    "draft": (Draft, "What `todoku case request --json` prints; docs/requests.md tells more."),
    "mailbox": (Standing, "One line of `todoku mailbox list --json`; docs/intake.md tells more."),
    "hold": (Holding, "What `todoku case hold --json` prints; docs/cases.md tells more."),
    "detour": (Printed, "What `todoku case detour --json` prints; docs/cases.md tells more."),
    "affected": (
        Returned,
        "One line of `todoku case show --affected --json`; docs/cases.md tells more.",
    ),
    "partners": (Told, "One line of `todoku partners --json`; docs/partners.md tells more."),
    "partners-learned": (Learned, "What `todoku partners learn --json` prints."),
    "case-cost": (
        CaseCost,
        "A line of `todoku case list --by-cost --json`, before the events of each case.",
    ),
    "forecast": (Forecast, "One line of `todoku forecast --json`; docs/forecast.md tells more."),
    "knowledge-explain": (Explanation, "What `todoku knowledge explain --json` prints."),
}
INPUT: dict[str, tuple[type, str]] = {
    "knowledge-receiver": (schema.Receiver, "A file of `receivers/` or `general/`."),
    "knowledge-lists": (schema.Lists, "A file of `lists/`."),
    "knowledge-reasons": (schema.Reasons, "`reasons.toml`."),
    "knowledge-texts": (schema.Texts, "`texts.toml`."),
    "knowledge-identities": (schema.Cues, "`identities.toml`."),
    "knowledge-resolvers": (schema.Resolvers, "`resolvers.toml`."),
    "knowledge-answers": (AnswerRules, "A file of `answers/`."),
    "knowledge-status": (schema.Statuses, "`general/status.toml`."),
}  # fmt: skip


def output_schema(shape: type, about: str) -> dict[str, Any]:
    """The schema of something printed: all fields required but those that may be unset."""
    (top,), defs = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    for struct in _structs(shape):
        told = defs[struct.__name__]
        optional = {f.encode_name for f in fields(struct) if f.default is msgspec.UNSET}
        told["required"] = [n for n in told["properties"] if n not in optional]
        for name, value in told["properties"].items():
            value.pop("default", None)
            if name == "v":
                told["properties"][name] = {"const": VERSION}
    if shape is Diagnosis:
        reasons = read_toml(DATA / "reasons.toml", schema.Reasons).reasons
        defs["Diagnosis"]["properties"]["reason"]["description"] = (
            f"Today's: {', '.join(reasons)}. More may be added."
        )
    if shape is Finding:  # a cause is told always and only where nothing is known
        defs["Finding"]["if"] = {"properties": {"state": {"const": "unknown"}}}
        defs["Finding"]["then"] = {"properties": {"cause": {"type": "string"}}}
        defs["Finding"]["else"] = {"properties": {"cause": {"type": "null"}}}
    if shape is Explanation:  # the command adds the version in front
        defs["Explanation"]["properties"] = {
            "v": {"const": VERSION},
            **defs["Explanation"]["properties"],
        }
        defs["Explanation"]["required"].insert(0, "v")
    return {"$schema": DIALECT, "title": shape.__name__, "description": about, **top, "$defs": defs}


def input_schema(shape: type, about: str) -> dict[str, Any]:
    """The schema of something read, as msgspec checks it."""
    (top,), defs = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    return {"$schema": DIALECT, "title": shape.__name__, "description": about, **top, "$defs": defs}


def event_schema() -> dict[str, Any]:
    """The events of a case, as `--json` prints them: with the case and their number in it."""
    (top,), defs = msgspec.json.schema_components([AnyEvent], ref_template="#/$defs/{name}")
    for name, kind in KINDS.items():
        told = defs[kind.__name__]
        place = {"type": "integer", "minimum": 1}
        told["properties"] = {
            "v": {"const": version(kind)}, "case": place, "seq": place, "event": {"const": name},
            **{n: p for n, p in told["properties"].items() if n not in {"v", "event"}},
        }  # fmt: skip
    for told in defs.values():
        if "properties" in told:
            told["required"] = list(told["properties"])
            for value in told["properties"].values():
                value.pop("default", None)
    about = "One event of a case, a line of `todoku case show --json`; docs/cases.md tells more."
    return {"$schema": DIALECT, "title": "Event", "description": about, **top, "$defs": defs}


def _structs(shape: type, seen: set[type] | None = None) -> Iterable[type[msgspec.Struct]]:
    """A struct and all structs in its fields."""
    seen = set() if seen is None else seen
    if shape in seen:
        return
    seen.add(shape)
    if issubclass(shape, msgspec.Struct):
        yield shape
        for f in fields(shape):
            yield from _in_type(f.type, seen)


def _in_type(kind: Any, seen: set[type]) -> Iterable[type[msgspec.Struct]]:
    if isinstance(kind, type):
        yield from _structs(kind, seen)
    for inner in getattr(kind, "__args__", ()):
        yield from _in_type(inner, seen)


def all_schemas() -> dict[str, str]:
    """File name to content."""
    told = {n: output_schema(*x) for n, x in OUTPUT.items()}
    told |= {n: input_schema(*x) for n, x in INPUT.items()}
    told["event"] = event_schema()
    return {
        f"{name}.schema.json": msgspec.json.format(msgspec.json.encode(s), indent=2).decode() + "\n"
        for name, s in told.items()
    }


def main(arguments: list[str]) -> int:
    stale = []
    for name, text in all_schemas().items():
        path = FOLDER / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text)
    if stale:
        verb = "differ" if "--check" in arguments else "written"
        print(f"{verb}: {', '.join(stale)}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
