"""The JSON contract: schemas are those of the code, output is valid, the page names every field."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import jsonschema
import msgspec
import pytest

import todoku
from todoku.cli.render.check_history import Row
from todoku.cli.render.check_plan import Plan
from todoku.diagnosis import explain
from todoku.knowledge import files, load
from todoku.knowledge.schema import Lists, Reasons, Receiver
from todoku.model import (
    Diagnosis,
    Entry,
    EntryClass,
    Finding,
    Health,
    ListingState,
    ListRole,
    Refusal,
    Reply,
    Subject,
    UnknownCause,
)

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
BOUNCES = ROOT.parent / "shared" / "corpora" / "bounces" / "emails" / "maildir"


@pytest.fixture(scope="module")
def scripts() -> ModuleType:
    spec = importlib.util.spec_from_file_location("schema", ROOT / "scripts" / "schema.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((REFERENCE / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_schemas_are_those_of_the_code(scripts: ModuleType) -> None:
    """After a change that is meant: python scripts/schema.py"""
    for name, text in scripts.all_schemas().items():
        assert (REFERENCE / name).read_text() == text, f"{name} differs"


def output(d: Diagnosis) -> Any:
    return json.loads(msgspec.json.encode(d))


TEXTS = [
    "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent.",
    "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org",
    "550 5.1.1 <a@x.example>: User unknown",
    "550 zorble",
    "From: a@x.example\nTo: b@y.example\nSubject: lunch\n\nAt noon?\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_every_field_is_always_there(text: str) -> None:
    valid = validator("diagnosis")
    found = todoku.diagnose(text)
    assert found
    for d in found:
        row = output(d)
        valid.validate(row)
        row.pop("reason")
        assert not valid.is_valid(row)


def test_the_id_is_the_one_field_that_may_be_absent() -> None:
    (with_id,) = todoku.diagnose(json.dumps({"id": 7, "text": TEXTS[0]}) + "\n")
    (without,) = todoku.diagnose(TEXTS[0])
    assert output(with_id)["id"] == "7"
    assert "id" not in output(without)


@pytest.mark.skipif(not BOUNCES.is_dir(), reason="the corpora are not beside the repository")
def test_the_corpus_is_valid() -> None:
    valid = validator("diagnosis")
    for d in todoku.diagnose(BOUNCES):
        valid.validate(output(d))


SAMPLES = ROOT / "samples"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples here")
def test_the_samples_are_valid() -> None:
    valid = validator("diagnosis")
    found = todoku.diagnose(SAMPLES)
    assert found
    for d in found:
        valid.validate(output(d))


def test_explain_is_valid() -> None:
    from todoku.diagnosis import Diagnoser

    judge = Diagnoser(load.knowledge())
    for text in TEXTS[:4]:
        told = explain.explain(judge, Refusal(reply=Reply(550, None, text)))
        row = {"v": 1, **json.loads(msgspec.json.encode(told))}
        validator("knowledge-explain").validate(row)


def test_the_knowledge_is_valid() -> None:
    """So that an editor with the schema at hand agrees with `todoku knowledge check`."""
    valid: dict[type, jsonschema.Draft202012Validator] = {
        Receiver: validator("knowledge-receiver"),
        Lists: validator("knowledge-lists"),
        Reasons: validator("knowledge-reasons"),
    }
    for path in files.files(files.DATA):
        found = valid.get(files.shape_of(path))
        if found is not None:
            found.validate(tomllib.loads(path.read_text()))


def test_the_page_names_every_field_and_reason() -> None:
    page = (REFERENCE / "json.md").read_text()
    named = set(re.findall(r"`([\w.-]+)`", page))
    assert set(Diagnosis.__struct_fields__) <= named
    reasons = files.read_toml(files.DATA / "reasons.toml", Reasons).reasons
    table = page.partition("### Reasons")[2].partition("###")[0]
    assert set(re.findall(r"^\| `([\w-]+)`", table, re.M)) == set(reasons)


def test_the_page_names_every_field_and_cause_of_check() -> None:
    page = (REFERENCE / "json.md").read_text()
    chapter = page.partition("## `todoku check --json`")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([\w.-]+)`", chapter))
    for struct in (Finding, Entry, Subject, Plan, Row):
        assert {f.encode_name for f in msgspec.structs.fields(struct)} - {"v"} <= named
    for words in (UnknownCause, EntryClass, ListRole, Health, ListingState):
        assert set(get_args(words)) <= named


@pytest.mark.parametrize(("chapter", "schema"), [("diagnose", "diagnosis"), ("check", "check")])
def test_the_example_of_the_page_is_valid(chapter: str, schema: str) -> None:
    page = (REFERENCE / "json.md").read_text().partition(f"## `todoku {chapter} --json`")[2]
    example = page.partition("```json\n")[2].partition("```")[0]
    validator(schema).validate(json.loads(example))
