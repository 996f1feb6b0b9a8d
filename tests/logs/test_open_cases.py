"""`todoku logs --open-cases`: what one's own log says of one's own addresses becomes cases, each once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

pytest.importorskip("sqlalchemy")

from tests.logs.test_command import REFERENCE
from todoku import settings
from todoku.cases import events as ev
from todoku.cli import main
from todoku.serve import opening

OURS, STRANGER = "192.0.2.1", "198.51.100.7"
CONFIG = f"""
[own]
addresses = ["{OURS}"]
domains = ["example.jp"]
[mail]
sender = "postmaster@example.jp"
"""


def line(
    n: int, said: str, *, day: int = 1, to: str = "hotmail.com", status: str = "bounced"
) -> str:
    return (
        f"2026-11-{day:02d}T03:{n:02d}:00+00:00 mx1 postfix/smtp[7]: 3F1A22C{n:03X}: to=<u{n}@{to}>, "
        f"relay=mx.{to}[203.0.113.5]:25, delay=1, delays=0/0/0/1, dsn=5.7.1, status={status} "
        f"(host mx.{to}[203.0.113.5] said: {said} (in reply to MAIL FROM command))\n"
    )


def hotmail(address: str) -> str:
    return (
        f"550 5.7.1 Unfortunately, messages from [{address}] weren't sent. Please contact your Internet "
        "service provider since part of their network is on our block list (S3140)."
    )


def zen(address: str) -> str:
    return f"554 5.7.1 Service unavailable; Client host [{address}] blocked using zen.spamhaus.org"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "todoku.toml").write_text(CONFIG)
    return tmp_path


def run(place: Path, *words: str) -> Result:
    given = ("--data", str(place / "data"), "--config", str(place / "todoku.toml"))
    return CliRunner().invoke(main, ["logs", str(place / "mail.log"), *given, *words])


def cases(place: Path) -> list[list[ev.AnyEvent]]:
    found = settings.load(place / "todoku.toml", place / "data")
    with opening.desk(found) as desk:
        return [
            [each.event for each in desk.history(number)]
            for number in sorted(row["number"] for row in desk.rows(True))
        ]


def test_each_once(place: Path) -> None:
    log = place / "mail.log"
    log.write_text(
        "".join(line(n, hotmail(OURS)) for n in range(3))
        + line(3, zen(OURS), to="partner.example")
        + line(4, zen(OURS), to="other.example", status="deferred")
        + line(5, hotmail(STRANGER))
        + line(6, "550 5.1.1 no such user")
    )
    done = run(place, "--open-cases", "--json")
    assert done.exit_code == 0, done.stderr
    told = [json.loads(x) for x in done.stdout.splitlines() if '"kind":"case"' in x]
    schema = json.loads((REFERENCE / "logs-case.schema.json").read_text())
    for one in told:
        jsonschema.Draft202012Validator(schema).validate(one)
    assert {(one["place"], one["count"]) for one in told} == {
        ("microsoft-consumer", 3),
        ("spamhaus-zen", 2),
    }
    assert [[i["value"] for i in one["identities"]] for one in told] == [[OURS], [OURS]]
    first, second = cases(place)
    for events in (first, second):
        refused, diagnosed = events
        assert isinstance(refused, ev.Refused)
        assert isinstance(diagnosed, ev.Diagnosed)
        assert refused.proof == "log"
        assert refused.first.month == 11
        assert diagnosed.receiver_code or diagnosed.place
    again = run(place, "--open-cases", "--lang", "ja")
    assert again.exit_code == 0, again.stderr
    assert "新しい案件はありません" in again.stdout
    assert cases(place) == [first, second]


def test_what_came_after_a_case_was_closed_opens_it_again(place: Path) -> None:
    log = place / "mail.log"
    log.write_text(line(1, hotmail(OURS)))
    assert "Opened case 1" in run(place, "--open-cases", "--lang", "en").stdout
    closing = ["--data", str(place / "data"), "--config", str(place / "todoku.toml")]
    closed = CliRunner().invoke(main, ["case", "close", "1", "--why", "gave-up", *closing])
    assert closed.exit_code == 0, closed.output
    assert "No new case" in run(place, "--open-cases", "--lang", "en").stdout
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)  # stamps know no less
    refused = line(2, hotmail(OURS)).replace("2026-11-01T03:02:00+00:00", later.isoformat())
    log.write_text(log.read_text() + refused)
    assert "Opened case 1" in run(place, "--open-cases", "--lang", "en").stdout
    assert [ev.name(each) for each in cases(place)[0]].count("reopened") == 1


def test_filters_hold(place: Path) -> None:
    (place / "mail.log").write_text(
        line(1, hotmail(OURS)) + line(2, zen(OURS), to="partner.example")
    )
    run(place, "--open-cases", "--receiver", "partner.example")
    (only,) = cases(place)
    assert isinstance(only[0], ev.Refused)
    assert only[0].place == ev.Place(id="spamhaus-zen", zone="zen.spamhaus.org")


def test_nothing_is_ours_where_nothing_is_named(place: Path) -> None:
    (place / "todoku.toml").write_text("")
    (place / "mail.log").write_text(line(1, hotmail(OURS)))
    done = run(place, "--open-cases", "--lang", "en")
    assert done.exit_code == 64
    assert "[own]" in done.stderr
    assert not (place / "data").exists()
