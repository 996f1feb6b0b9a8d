"""`todoku report` and `todoku case` with a `serve` on the folder and without one: the same screens."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from todoku import settings
from todoku.cli import Failure, case_report, main
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.serve import giving, listening, opening, orders

REFUSAL = "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from {} weren't sent."
STORY = "Hotmailのアドレスの方へメールが送れない状況です。どうしましょうか?"
WALK: tuple[tuple[tuple[str, ...], str], ...] = (
    (("report", STORY, "--to", "taro@hotmail.com", "--who", "sato@hoge.test", "--since", "0:00"), ""),
    (("report", "\x1b[2J{0} \udcff", "--to", "hotmail.com", "--json"), ""),
    (("case", "show", "1"), ""),
    (("case", "open", "--refusal", "-", "--json"), REFUSAL.format("192.0.2.1")),
    (("case", "open", "--refusal", "-"), REFUSAL.format("192.0.2.1")),
    (("case", "open", "192.0.2.2", "--to", "gmail.com"), ""),
    (("case", "open", "--refusal", "-"), REFUSAL.format("203.0.113.80")),
    (("case", "open", "203.0.113.80", "--to", "hotmail.com"), ""),
    (("report", "x", "--refusal", "-"), "hello"),
    (("report", "x"), ""),
    (("report",), ""),
    (("report", "x", "--to", "hotmail.com", "--who", "sato"), ""),
    (("report", "x", "--to", "a b"), ""),
    (("report", "x", "--to", "hotmail.com", "--since", "soon"), ""),
    (("case", "close", "9", "--why", "gave-up"), ""),
    (("case", "close", "1"), ""),
    (("case", "close", "1", "--why", "joined"), ""),
    (("case", "close", "1", "--why", "gave-up", "--text", "別の手段で"), ""),
    (("case", "close", "1", "--why", "gave-up"), ""),
    (("case", "close", "2", "--why", "not-ours", "--json"), ""),
    (("case", "close", str(10**30), "--why", "gave-up"), ""),
    (("case", "list", "--all"), ""),
    (("case", "show", "1"), ""),
    (("case", "show", "1", "--json"), ""),
)  # fmt: skip
PASSED = 1
"""Orders of the walk that the socket cannot carry."""
EXECUTED = 13


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1,192.0.2.2")
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def run(data: Path, lang: str, words: tuple[str, ...], stdin: str = "") -> tuple[str, str, int]:
    """What is on the screen, without what is another every time; errors, and the exit code."""
    done = CliRunner().invoke(
        main, ["--lang", lang, *words, "--data", str(data)], input=stdin, standalone_mode=False
    )
    if isinstance(done.exception, Failure):
        return done.stdout, done.exception.message, done.exception.code
    text = re.sub(r"order:[0-9a-f]{32}", "order:ID", done.stdout)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d\d/\d\d \d\d:\d\d\b", "WHEN", text)
    return text, done.stderr, -1 if done.exception else 0


class Count:
    executed = 0


@contextmanager
def served(data: Path) -> Iterator[Count]:
    found = settings.load(None, data)
    count = Count()

    def wake() -> None:
        count.executed += 1

    with (
        opening.desk(found) as desk,
        listening.of(
            found, desk, Diagnoser(load.knowledge()), lambda: datetime.now(UTC), wake=wake
        ),
    ):  # fmt: skip
        yield count


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_screens_are_the_same(tmp_path: Path, lang: str) -> None:
    alone = [run(tmp_path / "alone", lang, *step) for step in WALK]
    with served(tmp_path / "served") as count:
        for step, expected in zip(WALK, alone, strict=True):
            assert run(tmp_path / "served", lang, *step) == expected, step
    assert count.executed == EXECUTED
    assert sum(code == 0 for _, _, code in alone) == 11


def test_without_a_store_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`serve` does it: the command opens no database."""
    with served(tmp_path):
        with monkeypatch.context() as patched:
            patched.setattr(opening, "desk", None)
            said, _, code = run(tmp_path, "en", ("report", "x", "--to", "hotmail.com"))
        assert (said, code) == ("Recorded in case 1. todoku case show 1\n", 0)


def test_serve_answers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = ("report", "x", "--to", "hotmail.com")

    def lost(order: orders.AnyOrder, found: settings.Settings) -> None:
        raise giving.Lost

    monkeypatch.setattr(giving, "give", lost)
    assert run(tmp_path, "en", order)[::2] == ("Recorded in case 1. todoku case show 1\n", 0)
    monkeypatch.setenv("TODOKU_GENERAL_STORE", "sqlite:////proc/none/todoku.db")
    _, said, code = run(tmp_path, "ja", order)
    assert code == 75 and "記録されたかどうかは分かりません" in said


# Since when


def since(data: Path, text: str) -> str:
    """As the case shows it."""
    assert run(data, "en", ("report", "x", "--to", "hotmail.com", "--since", text))[2] == 0
    shown = CliRunner().invoke(main, ["--lang", "ja", "case", "show", "1", "--data", str(data)])
    match = re.search(r"「x」（(.*) から）", shown.stdout)
    assert match is not None, shown.stdout
    return match[1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-01-05", "01/05"),
        ("2026-01-05T09:12", "01/05 09:12"),
        ("2026-01-05 09:12", "01/05 09:12"),
        ("2026-01-05T09:12:30+00:00", "01/05 18:12"),
        ("2026-01-05T09:12Z", "01/05 18:12"),
    ],
)
def test_since_when(tmp_path: Path, text: str, shown: str) -> None:
    assert since(tmp_path, text) == shown


def test_since_an_hour_of_today(tmp_path: Path) -> None:
    now = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # 01:00 of the next day in Tokyo
    for text in ("0:12", "00:12"):
        assert case_report.moment(text, now, "en") == datetime(2026, 11, 23, 15, 12, tzinfo=UTC)
    with pytest.raises(Failure, match="still to come"):
        case_report.moment("9:12", now, "en")
    assert since(tmp_path, "0:00") == f"{datetime.now().astimezone():%m/%d}"


@pytest.mark.parametrize("text", ["", "soon", "25:00", "9:1", "2026-13-01", "0001-01-01", "9999-12-31"])  # fmt: skip
def test_since_what_is_no_moment(tmp_path: Path, text: str) -> None:
    _, said, code = run(tmp_path, "ja", ("report", "x", "--to", "hotmail.com", "--since", text))
    assert code == 64 and "何も記録していません" in said and "--since" in said


def test_since_tomorrow(tmp_path: Path) -> None:
    text = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()
    _, said, code = run(tmp_path, "en", ("report", "x", "--to", "hotmail.com", "--since", text))
    assert code == 64 and "still to come" in said
