"""How a new address begins: what went where, and the volumes that follow from it."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.preflight.test_command import Command, words
from tests.preflight.world import good, serving, write_lists
from todoku.i18n import LANGUAGES
from todoku.knowledge import load
from todoku.knowledge.schema import Compiled
from todoku.logs.values import Delivery, Message, Outcome
from todoku.preflight import data
from todoku.preflight.values import WarmUp
from todoku.preflight.volumes import MOST_DAYS, MOST_PLACES, Volume, Volumes
from todoku.preflight.warm_up import SHOWN, warm_up

NOON = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC).timestamp()


@pytest.fixture(scope="module")
def knowledge() -> Compiled:
    return load.knowledge()


def delivery(
    day: int, relay: str | None, domain: str = "x.example", outcome: Outcome = "sent"
) -> Delivery:
    return Delivery(
        time=NOON + day * 86_400, host="mx0", instance="postfix", transport="smtp", source=None,
        queue_id="A", recipient=None, domain=domain, relay=relay, relay_ip=None, outcome=outcome,
        status=None, code=None, enhanced=None, stage=None, template=None, delay=None,
        message=Message(), diagnosis=None,
    )  # fmt: skip


GMAIL = "gmail-smtp-in.l.google.com"


def test_what_went_where(knowledge: Compiled) -> None:
    volumes = Volumes(knowledge, smarthosts=("out.smart.example",))
    for day, n in ((0, 10), (1, 30), (4, 20)):
        for _ in range(n):
            volumes.add(delivery(day, GMAIL, "gmail.com"))
    for outcome in ("bounced", "deferred", "expired"):
        volumes.add(delivery(0, "mx1.partner.co.jp", "other.example", outcome))
    volumes.add(delivery(0, "mx2.partner.co.jp"))
    volumes.add(delivery(0, "out.smart.example", "hotmail.com"))
    volumes.add(delivery(0, "out.smart.example", "small.example"))
    for at_home in (None, "local", "/var/run/lmtp"):
        volumes.add(delivery(0, at_home, "ours.jp"))
    found = {v.receiver or v.place: (v.usual, v.most) for v in volumes.volumes()}
    assert found == {
        "gmail": (20, 30),
        "partner.co.jp": (2, 2),
        "microsoft-consumer": (1, 1),
        "small.example": (1, 1),
    }
    past = volumes.past()
    assert past is not None
    assert (past.first, past.last, past.days, past.messages) == ("2026-11-02", "2026-11-06", 3, 64)
    assert Volumes(knowledge).past() is None


def test_memory_is_bounded(knowledge: Compiled) -> None:
    volumes = Volumes(knowledge)
    for n in range(MOST_PLACES + 50):
        volumes.add(delivery(0, f"mx.p{n}.example"))
    assert len(volumes.volumes()) == MOST_PLACES
    assert volumes.partial
    volumes = Volumes(knowledge)
    for day in range(MOST_DAYS + 30):
        volumes.add(delivery(day, GMAIL))
    past = volumes.past()
    assert past is not None
    assert (past.days, past.first) == (MOST_DAYS, "2026-12-02")


def made(knowledge: Compiled, *volumes: Volume, logs: bool = True) -> WarmUp:
    known = {r.id: r for r in knowledge.receivers}
    counted = Volumes(knowledge)
    counted.add(delivery(0, GMAIL))
    return warm_up(data.warm_up(), known, counted.past() if logs else None, volumes, "en")


@given(st.integers(51, 3_000_000))
def test_no_day_grows_by_more_than_is_said(most: int) -> None:
    habit = data.warm_up().habit
    plan = made(load.knowledge(), Volume("gmail", "Gmail", most, most))
    (ramp,) = plan.ramps
    assert ramp.volumes[0] == habit.start
    assert all(a < b <= a * habit.growth for a, b in itertools.pairwise(ramp.volumes))
    assert len(ramp.volumes) <= habit.days
    assert ramp.reached == (ramp.volumes[-1] == most)
    assert ramp.volumes[-1] <= most


def test_habit_is_below_what_gmail_warns_of() -> None:
    assert 1 < data.warm_up().habit.growth < 2


def test_small_places_are_not_slowed_down(knowledge: Compiled) -> None:
    plan = made(
        knowledge, Volume("gmail", "Gmail", 900, 1900), Volume(None, "partner.example", 5, 50)
    )
    assert [(r.receiver, r.most, r.reached) for r in plan.ramps] == [("gmail", 1900, True)]
    assert plan.ramps[0].volumes == (50, 75, 110, 160, 240, 360, 540, 810, 1200, 1800, 1900)
    assert plan.small == 1


def test_without_logs_it_is_habit(knowledge: Compiled) -> None:
    plan = made(knowledge, logs=False)
    assert {len(r.volumes) for r in plan.ramps} == {SHOWN}
    assert {r.receiver for r in plan.ramps} >= {"gmail", "microsoft-consumer", "yahoo"}
    assert all(r.most is None and not r.reached for r in plan.ramps)


def test_every_number_has_its_source_or_is_habit(knowledge: Compiled) -> None:
    for logs in (True, False):
        plan = made(knowledge, Volume("gmail", "Gmail", 99, 99), logs=logs)
        assert plan.figures
        assert all(f.habit != bool(f.source) for f in plan.figures)
        assert all(a.source and a.date for r in plan.ramps for a in r.advice)


def test_receivers_of_the_data_are_known(knowledge: Compiled) -> None:
    assert {w.receiver for w in data.warm_up().receivers} <= {r.id for r in knowledge.receivers}


LINE = (
    "2026-11-{day:02}T{hour:02}:00:00+09:00 mx0 postfix/smtp[7]: {qid}: to=<u{n}@{domain}>, "
    "relay={relay}[192.0.2.7]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n"
)


def log(folder: Path) -> Path:
    lines = [
        LINE.format(day=day, hour=10, qid=f"{day:02}{n:06X}", n=n, domain="gmail.com", relay=GMAIL)
        for day in (2, 3, 4)
        for n in range(100 * day)
    ]
    path = folder / "mail.log"
    path.write_text("".join(lines))
    return path


@pytest.fixture
def preflight(tmp_path: Path) -> Command:
    return Command(tmp_path, write_lists(tmp_path / "knowledge"))


def test_the_command(preflight: Command, tmp_path: Path) -> None:
    path = log(tmp_path)
    page = tmp_path / "report.html"
    with serving(good()) as server:
        report = preflight(*words(server, "--json", "--logs", str(path))).report
        for lang in LANGUAGES:
            screen = preflight(
                *words(server, "--logs", str(path), "--lang", lang, "--html", str(page))
            )
            for text in (screen.out, page.read_text()):
                assert {"ja": "普段 1 日 300 通", "en": "300 on a usual day"}[lang] in text
                assert {"ja": "慣例、出典なし", "en": "habit, no source"}[lang] in text
                assert "50, 75, 110, 160, 240, 360, 400" in text
        nothing = tmp_path / "other.txt"
        nothing.write_text("no log\n" * 9)
        wrong = preflight(*words(server, "--logs", str(nothing)))
        gone = preflight(*words(server, "--logs", str(tmp_path / "gone.log")))
    plan = report["plan"]["warm_up"]
    assert plan["past"] == {
        "first": "2026-11-02", "last": "2026-11-04", "days": 3, "messages": 900,
    }  # fmt: skip
    (ramp,) = plan["ramps"]
    assert (ramp["receiver"], ramp["usual"], ramp["most"]) == ("gmail", 300, 400)
    assert "9 lines" in wrong.err
    assert "gone.log" in gone.err
    assert (wrong.code, gone.code, wrong.out) == (64, 64, "")
    assert json.dumps(report)  # whole
