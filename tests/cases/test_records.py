"""Events as they are stored and printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from tests.cases.strategies import START, events
from todoku.cases import BrokenEvent, NewerEvent, UnknownEvent, records
from todoku.cases import events as ev

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "event.schema.json").read_text())
VALID = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


@given(events)
@settings(deadline=None, max_examples=300)
def test_every_event_survives_and_is_what_the_schema_says(event: ev.AnyEvent) -> None:
    text = records.encode(event)
    read = records.decode(text, "1/1")
    assert records.encode(read) == text
    printed = records.to_json(records.Recorded(case=1, seq=1, event=event))
    assert b"\n" not in printed
    assert printed.startswith(b'{"v":1,"case":1,"seq":1,"event":"' + ev.name(event).encode())
    VALID.validate(json.loads(printed))


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ('{"event":"teleported","v":1}', UnknownEvent, '"teleported"'),
        ('{"event":"told","v":2}', NewerEvent, "version 2, this program knows up to 1"),
        ('{"event":"told","v":0}', BrokenEvent, "told has no version 0"),
        ('{"event":"told","v":1,"at":"2026-11-24T00:00:00Z"}', BrokenEvent, "`who`"),
        ('{"event":"waited","v":1,"at":"2026-11-24T00:00:00","until":1}', BrokenEvent, "12/3"),
        ('{"event":"told","v":"1"}', BrokenEvent, "12/3"),
        ("", BrokenEvent, "12/3"),
        ("[1]", BrokenEvent, "12/3"),
        (b"\xff\xfe", BrokenEvent, "12/3"),
        ("[" * 100_000, BrokenEvent, "12/3"),
    ],
)
def test_what_cannot_be_read_is_told(text: str | bytes, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        records.decode(text, "12/3")
    assert words in str(caught.value)
    assert "12/3" in str(caught.value)


def test_old_versions_are_read_by_upcasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Had `noted` been shaped otherwise in versions 1 and 2."""

    class Noted3(ev.Event, frozen=True, kw_only=True, tag="noted"):
        v: int = 3
        text: str
        tone: str

    def second(raw: dict[str, Any]) -> dict[str, Any]:
        return {**raw, "text": raw["words"]}

    def third(raw: dict[str, Any]) -> dict[str, Any]:
        return {**raw, "tone": "calm"}

    monkeypatch.setattr(records, "KINDS", {**records.KINDS, "noted": Noted3})
    monkeypatch.setattr(records, "UPCASTS", {("noted", 1): second, ("noted", 2): third})
    at = '"at":"2026-11-24T00:00:00Z"'
    for stored in (
        f'{{"event":"noted","v":1,{at},"words":"hello"}}',
        f'{{"event":"noted","v":2,{at},"text":"hello"}}',
        f'{{"event":"noted","v":3,{at},"text":"hello","tone":"calm"}}',
    ):
        read: Any = records.decode(stored)
        assert (read.v, read.text, read.tone) == (3, "hello", "calm")
    with pytest.raises(BrokenEvent, match="words"):
        records.decode(f'{{"event":"noted","v":1,{at}}}')


def test_every_version_that_was_ever_written_can_be_read() -> None:
    for name, kind in records.KINDS.items():
        for older in range(1, records.version(kind)):
            assert (name, older) in records.UPCASTS


def test_strings_that_are_no_unicode() -> None:
    noted = ev.Noted(at=START, text="half \ud83d and \x00")
    read = records.decode(records.encode(noted))
    assert isinstance(read, ev.Noted)
    assert read.text == "half \ufffd and \x00"
