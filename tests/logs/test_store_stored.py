"""`todoku logs --stored` tells of what is stored what `todoku logs` told of the logs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")

from tests.logs.stored import Place, Zygote, log, running, times
from tests.maillogs import SAMPLES
from todoku.deliveries.asking import AskingError, asking
from todoku.deliveries.reading import open_stored
from todoku.deliveries.report import _offset


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with running() as zygote:
        yield zygote


@pytest.fixture(scope="module")
def place(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Of the 20th to the 22nd, in several parts a day."""
    place = Place(zygote, tmp_path_factory.mktemp("stored"))
    (place.logs / "mail.log").write_bytes(log(3_000))
    place.store(place.logs, most=1_000)
    return place


def told(done: Any) -> list[dict[str, Any]]:
    assert (done.returncode, done.stderr) == (0, b"")
    return [json.loads(line) for line in done.stdout.splitlines()]


LINES = {"lines", "understood", "not_understood"}
"""Of whole days."""


@pytest.mark.parametrize(
    ("words", "zone"),
    [
        ([], "UTC"),
        (["--since", "2026-11-20T23:30", "--until", "2026-11-21T12:00"], "Asia/Tokyo"),
        (["--receiver", "b3.example"], "America/Los_Angeles"),
        pytest.param(["--reason", "listed"], "UTC", marks=pytest.mark.slow),
        pytest.param(["--since", "2027-01-01"], "UTC", marks=pytest.mark.slow),
    ],
)
def test_the_same_report(place: Place, words: list[str], zone: str) -> None:
    wanted = told(place.zygote.run("--json", *words, place.logs, TZ=zone))
    got = told(place.run("--json", "--stored", *words, TZ=zone))
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        leave_out = LINES if "--since" in words else set()
        if words == ["--since", "2027-01-01"]:
            leave_out |= {"formats"}
        assert {k: v for k, v in one.items() if k not in leave_out} == {
            k: v for k, v in other.items() if k not in leave_out
        }


def test_of_all_mail_servers(zygote: Zygote, tmp_path: Path) -> None:
    place = Place(zygote, tmp_path)
    place.store(SAMPLES / "logs", TODOKU_LOGS_KEEP_DELIVERIES="3650")
    wanted = told(zygote.run("--json", SAMPLES / "logs"))
    got = told(place.run("--json", "--stored"))
    assert got[0] == wanted[0]
    by = sorted(got[1:], key=str), sorted(wanted[1:], key=str)
    assert len(by[0]) == len(by[1])
    for one, other in zip(*by, strict=True):
        assert one | {"hosts": []} == other | {"hosts": []}


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_on_the_screen(place: Place, lang: str) -> None:
    done = place.run("--stored", lang=lang)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    for word in ("3,000", "12,000", "Spamhaus ZEN", "192.0.2.1", "s1@a.example"):
        assert word in text
    assert "v1@" not in text


def test_as_a_page(place: Place, tmp_path: Path) -> None:
    done = place.run("--stored", "--html", tmp_path / "x.html", "--quiet")
    assert (done.returncode, done.stdout) == (0, b"")
    page = (tmp_path / "x.html").read_text()
    assert "Spamhaus ZEN" in page and "v1@" not in page


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_wrong_use(place: Place, zygote: Zygote, tmp_path: Path, lang: str) -> None:
    for words in (["--stored", "x.log"], ["--stored", "--store"]):
        done = place.run(*words, lang=lang)
        assert (done.returncode, done.stdout) == (64, b"")
    done = zygote.run("--stored", "--data", tmp_path / "none", lang=lang)
    assert done.returncode != 0 and b"--store" in done.stderr and b"Traceback" not in done.stderr
    done = place.run("--stored", "--receiver", "x' OR '1'='1", "--json", lang=lang)
    assert len(told(done)) == 1


def test_grounds_that_are_not_stored(zygote: Zygote, tmp_path: Path) -> None:
    """The columns of a row tell what is counted, too; less is known of what to do."""
    place = Place(zygote, tmp_path)
    (place.logs / "mail.log").write_bytes(log(40))
    place.store(place.logs)
    wanted = told(place.run("--json", "--stored"))
    with sqlite3.connect(place.data / "todoku.db") as database:
        database.execute("DELETE FROM log_grounds")
    database.close()
    got = told(place.run("--json", "--stored"))
    names = (
        "receiver",
        "place",
        "reason",
        "count",
        "first",
        "last",
        "recipients",
        "example",
    )
    assert sorted(str([g.get(n) for n in names]) for g in got) == sorted(
        str([g.get(n) for n in names]) for g in wanted
    )


def test_questions_of_ones_own(place: Place) -> None:
    with (
        open_stored(place.data, f"sqlite:///{place.data}/todoku.db") as stored,
        asking(stored) as worker,
    ):
        sql = "SELECT outcome, count(*) FROM deliveries GROUP BY 1"
        assert dict(worker.ask(sql)) == times(3_000)
        for bad in (
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT nothing FROM deliveries",
            "SET threads=1",
        ):
            with pytest.raises(AskingError):
                worker.ask(bad)
        assert dict(worker.ask(sql)) == times(3_000)
    with (
        open_stored(place.data, f"sqlite:///{place.data}/todoku.db") as stored,
        asking(stored, first="2026-11-22") as worker,
    ):
        assert worker.ask("SELECT count(*) FROM deliveries") == [(240,)]


@pytest.mark.parametrize(
    ("zone", "month"),
    [
        ("Europe/Berlin", 10),
        pytest.param("Asia/Kolkata", 10, marks=pytest.mark.slow),
        pytest.param("America/New_York", 11, marks=pytest.mark.slow),
    ],
)
def test_days_are_the_readers(
    place: Place, monkeypatch: pytest.MonkeyPatch, zone: str, month: int
) -> None:
    import time

    from todoku.logs.daily import Daily

    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        begin = datetime(2026, month, 1, tzinfo=UTC).timestamp()
        end = begin + 40 * 86_400
        seconds = [begin + n * 1_800 for n in range(40 * 48)]
        sql = _offset(begin, end).replace("epoch_us(time) / 1e6", "t")
        with (
            open_stored(place.data, f"sqlite:///{place.data}/todoku.db") as stored,
            asking(stored) as worker,
        ):
            got = worker.ask(f"SELECT t, CAST(floor((t + {sql}) / 86400) AS BIGINT) FROM"
                             f" (SELECT {begin} + n * 1800 AS t FROM range({len(seconds)}) r(n)) ORDER BY 1")  # fmt: skip
        days = Daily()
        assert [day for _, day in got] == [days.day(t) for t in seconds]
    finally:
        monkeypatch.undo()
        time.tzset()
