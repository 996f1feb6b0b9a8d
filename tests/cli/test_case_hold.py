"""`todoku case hold`: what is printed, and what is put on record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import jsonschema
import pytest

from .test_case_request import ROOT, bad, events, good, home

__all__ = ["home"]


def test_it_prints_what_to_apply_and_changes_nothing() -> None:
    shown = good("case", "hold", "1")
    assert "hotmail.com    todoku-hold:" in shown and "postconf -X transport_maps" in shown
    assert shown.isprintable() is False and "\t" not in shown
    assert events()[-1]["event"] == "diagnosed"


def test_another_instance_and_other_domains() -> None:
    made = json.loads(
        good("case", "hold", "1", "live.jp", "--postconf", "postconf -c /etc/postfix-out", "--json")
    )
    schema = json.loads((ROOT / "docs" / "reference" / "hold.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(made)
    assert made["domains"] == ["live.jp"]
    assert made["apply"][-1] == "postfix -c /etc/postfix-out reload"
    assert all("-c /etc/postfix-out" in line for line in made["apply"])


def test_it_is_put_on_record_and_recalled() -> None:
    good("case", "hold", "1", "--done")
    held = events()[-1]
    assert (held["event"], held["how"]) == ("held", "hotmail.com") and held["until"]
    assert "待機" in good("case", "show", "1")
    good("case", "hold", "1", "--released")
    assert events()[-1]["event"] == "released"
    assert "待機にしたメールはありません" in bad("case", "hold", "1", "--released")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["case", "hold", "9"], "案件 9"),
        (["case", "hold", "1", "--done", "--released"], "一緒に使えません"),
        (["case", "hold", "1", "not a domain"], "not a domain はドメイン名ではありません"),
    ],
)
def test_wrong_use_is_told_in_a_sentence(words: list[str], told: str) -> None:
    assert told in bad(*words)
    assert events()[-1]["event"] == "diagnosed"


def test_it_goes_slowly_instead() -> None:
    shown = good("case", "hold", "1", "--slow", lang="en")
    assert "hotmail.com    todoku-slow-1:" in shown and "todoku-hold:" not in shown
    assert "a couple of weeks" in shown, "what the receiver says of volumes"
    good("case", "hold", "1", "--slow", "--done", lang="en")
    assert (events()[-1]["how"], events()[-1]["until"]) == ("hotmail.com (slowly)", None)
    good("case", "hold", "1", "--released")


def test_another_lifetime() -> None:
    made = json.loads(good("case", "hold", "1", "--lifetime", "2", "--json"))
    left = datetime.fromisoformat(made["until"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left <= timedelta(days=2)
