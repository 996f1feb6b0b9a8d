"""`todoku logs` as a person and as a program meet it."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.logs.logs import BOUNCED, FIELDS, FROM, HEAD, NOW, SENT, diagnoser, new, read
from tests.maillogs import SAMPLES
from todoku.cli.logs import logs as command
from todoku.cli.render import logs as rendering
from todoku.cli.render.page import Page
from todoku.cli.render.text import width
from todoku.knowledge.catalogue import Catalogue
from todoku.logs import sums as counting
from todoku.logs.sums import Sums
from todoku.logs.values import Deliveries, EarlyWarning, NotUnderstood, RefusalGroup, Summary
from todoku.model import Language

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
LISTED = (
    "host mx.b.example[203.0.113.9] refused to talk to me: 554 5.7.1 Service unavailable; "
    "Client host [192.0.2.1] blocked using zen.spamhaus.org"
)
LOG = "\n".join(
    [
        f"{HEAD}{FROM}",
        f"{HEAD}{SENT}",
        f"{HEAD}{BOUNCED}",
        f"{HEAD}{BOUNCED}",
        f"{HEAD}{FIELDS}status=deferred ({LISTED})".replace("09:12:05", "10:12:05"),
        "Nov 24 09:12:05 mx1 sshd[1]: Accepted publickey for root",
        "",
    ]
)


def todoku(*words: str | Path, stdin: str | bytes = b"", lang: str = "en") -> Any:
    environ = os.environ | {"TZ": "UTC", "LC_ALL": "C.UTF-8", "COLUMNS": "80"}
    raw = stdin.encode() if isinstance(stdin, str) else stdin
    return subprocess.run(
        [sys.executable, "-m", "todoku", "logs", "--lang", lang, *map(str, words)],
        input=raw, capture_output=True, env=environ, check=False,
    )  # fmt: skip


def rows(done: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_text(LOG)
    os.utime(path, (NOW, NOW))
    return path


def test_json(log: Path) -> None:
    done = todoku("--json", log)
    assert (done.returncode, done.stderr) == (0, b"")
    summary, *groups = rows(done)
    assert (summary["v"], summary["kind"]) == (1, "summary")
    assert (summary["lines"], summary["understood"]) == (6, 5)
    assert summary["not_understood"] == {"other_programs": 1, "unknown": 0}
    assert summary["deliveries"] == {"sent": 1, "bounced": 2, "deferred": 1, "expired": 0}
    assert (summary["first"], summary["last"]) == ("2026-11-24T09:12:05Z", "2026-11-24T10:12:05Z")
    assert summary["groups"] == len(groups) == 2
    listed, unknown = groups
    assert (listed["reason"], listed["blocklist"]["id"]) == ("listed", "spamhaus-zen")
    assert listed["identity"]["value"] == "192.0.2.1"
    assert listed["outcomes"]["deferred"] == listed["count"] == 1
    assert (unknown["reason"], unknown["count"], unknown["recipients"]) == ("user-unknown", 2, 1)
    assert unknown["senders"] == [{"name": "info@a.example", "count": 2}]
    assert unknown["domains"] == [{"name": "b.example", "count": 2}]
    assert sum(unknown["trend"]) == 2
    assert "u@b.example" not in unknown["example"]


def test_json_is_valid(log: Path) -> None:
    for name, told in zip(
        ("summary", "refusals", "refusals"), rows(todoku("--json", log)), strict=True
    ):
        schema = json.loads((REFERENCE / f"logs-{name}.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        valid = jsonschema.Draft202012Validator(schema)
        valid.validate(told)
        told.pop("kind")
        assert not valid.is_valid(told)


def test_all_samples_through_every_door(tmp_path: Path) -> None:
    by_path = todoku("--json", SAMPLES / "logs")
    summary = rows(by_path)[0]
    assert summary["lines"] == summary["understood"]
    assert set(summary["formats"]) == {
        "postfix",
        "exim",
        "sendmail",
        "qmail",
        "exchange",
        "opensmtpd",
    }
    one = SAMPLES / "logs" / "postfix-iso.log"
    packed = tmp_path / "mail.log.gz"
    packed.write_bytes(gzip.compress(one.read_bytes()))
    wanted = rows(todoku("--json", one))
    assert rows(todoku("--json", packed)) == wanted
    assert rows(todoku("--json", stdin=one.read_bytes())) == wanted
    assert rows(todoku("--json", "-", stdin=one.read_bytes())) == wanted


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        (["--reason", "listed"], ["listed"]),
        (["--receiver", "b.example"], ["listed", "user-unknown"]),
        (["--receiver", "nobody.example"], []),
        (["--receiver", "Gmail"], []),
        (["--since", "2026-11-24T10:00"], ["listed"]),
        (["--until", "2026-11-24T10:00"], ["user-unknown"]),
        (["--since", "2026-11-24T10:00", "--until", "2026-11-24T10:01"], []),
        (["--since", "2030-01-01"], []),
        (["--year", "2024"], ["listed", "user-unknown"]),
    ],
)
def test_options(log: Path, words: list[str], reasons: list[str]) -> None:
    done = todoku("--json", *words, log)
    assert done.returncode == 0, done.stderr
    summary, *groups = rows(done)
    assert [g["reason"] for g in groups] == reasons
    if "--since" in words:
        assert summary["deliveries"]["sent"] == 0
    if "--year" in words:
        assert summary["first"] == "2024-11-24T09:12:05Z"


@pytest.mark.parametrize(
    "words",
    [
        ["--since", "yesterday-ish"],
        ["--until", "2026-13-01"],
        ["--reason", "listd"],
        ["--year", "x"],
        ["--nope"],
    ],
)
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_usage(log: Path, words: list[str], lang: str) -> None:
    done = todoku(*words, log, lang=lang)
    assert done.returncode == 64
    assert done.stdout == b""
    if words[0] == "--reason":
        assert b"listed" in done.stderr


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize(
    ("data", "looks"),
    [
        ("Nov 24 09:12:05 mx1 sshd[1]: Accepted publickey for root\n" * 3, "sshd"),
        ("# A title\n\nSome words.\n", "# A title"),
        ("%PDF-1.7\n", "PDF"),
        ("\x00\x01\x02" * 500, ""),
    ],
)
def test_input_in_which_nothing_was_understood(
    tmp_path: Path, data: str, looks: str, lang: str
) -> None:
    path = tmp_path / "x"
    path.write_text(data)
    for words in ([path], ["--json", path], ["--quiet", path]):
        done = todoku(*words, lang=lang)
        assert done.returncode == 2
        assert done.stdout == b""
        assert looks in done.stderr.decode()
        assert "Traceback" not in done.stderr.decode()


def test_some_not_understood(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("hello\n")
    done = todoku("--json", log, other, tmp_path / "missing")
    assert done.returncode == 1
    assert rows(done)[0]["lines"] == 7
    assert b"other.txt" in done.stderr
    assert b"missing" in done.stderr


def test_an_empty_log_beside_a_full_one(log: Path, tmp_path: Path) -> None:
    empty = tmp_path / "mail.log.1"
    empty.touch()
    assert todoku(log, empty).returncode == 0


def test_nothing_to_read(tmp_path: Path) -> None:
    assert todoku(tmp_path).returncode == 2
    assert todoku(tmp_path / "missing").returncode == 2


# ── the screen ────────────────────────────────────────────────────────────────────────────────


def shown(data: str | bytes, lang: Language, columns: int = 80, full: bool = False) -> str:
    found, run = read(data, new())
    sums = Sums()
    for d in found:
        sums.add(d)
    counts = run.counts
    summary = Summary(
        lines=counts.lines,
        understood=counts.understood,
        not_understood=NotUnderstood(counts.other_programs, counts.unknown),
        deliveries=Deliveries(counts.sent, counts.bounced, counts.deferred, counts.expired),
        first=None,
        last=None,
        formats=(),
        clock_jumps=counts.jumps,
        undecided=sums.undecided,
        groups=len(sums.groups),
        partial=sums.partial,
        knowledge="x",
    )
    out = io.BytesIO()
    page = Page(out, columns=columns)
    catalogue = Catalogue(diagnoser().knowledge)
    bounds = (counts.first, counts.last)
    for line in rendering.lines(summary, sums.ordered(), bounds, catalogue, lang, page, full=full):
        page.write(line)
    return out.getvalue().decode()


def test_screen_in_english() -> None:
    got = shown(LOG, "en")
    for words in (
        "1 delivered, 2", "1 deferred", "1 line is of programs other than mail servers (16.7%)",
        "2 kinds of refusal", "Spamhaus ZEN", "192.0.2.1", "info@a.example 2", "b.example 2",
        "2 attempts to 1 recipient ", "Who acts", "Next",
    ):  # fmt: skip
        assert words in " ".join(got.split()), words
    assert got.index("Spamhaus ZEN") < got.index("info@a.example 2")


def test_screen_in_japanese() -> None:
    got = shown(LOG, "ja")
    for words in ("配送 1 件", "2 種類", "2 回", "宛先", "対応する人", "次の一手"):
        assert words in got, words


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_nothing_refused(lang: Language) -> None:
    assert len(shown(f"{HEAD}{SENT}", lang).splitlines()) <= 4


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_no_line_is_wider_than_the_terminal(lang: Language, columns: int) -> None:
    data = b"".join(p.read_bytes() for p in sorted((SAMPLES / "logs").glob("postfix-*")))
    for line in shown(data, lang, columns).splitlines():
        assert width(line) <= columns + 2 or "://" in line, line


def test_nothing_of_a_log_acts_on_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e\u200b\x9b31m"
    said = f"host mx.b.example[203.0.113.9] said: 550 5.7.1 {evil} blocked"
    data = f"{HEAD}{FROM.replace('info', evil.replace(' ', ''))}\n{HEAD}{FIELDS}status=bounced ({said})"
    data += f"\n{HEAD}{BOUNCED.replace('u@b', f'u{evil}@b{evil}')}"
    for full in (False, True):
        assert all(line.isprintable() for line in shown(data, "en", full=full).split("\n"))
    done = todoku("--json", stdin=data)
    assert done.returncode == 0
    assert all(c.isprintable() for c in done.stdout.decode().replace("\n", ""))


def test_sparkline() -> None:
    page = Page(io.BytesIO())
    assert rendering.sparkline((0, 1, 4, 8, 100), page) == "·▁▁▁█"
    assert rendering.sparkline((0, 1, 100), Page(io.BytesIO(), encoding="ascii")) == ".19"


def test_a_share_that_is_not_nothing() -> None:
    assert rendering.share(1, 100_000) == "< 0.1%"
    assert rendering.share(1, 4) == "25.0%"


# ── sums in bounded memory ────────────────────────────────────────────────────────────────────


def test_counts_stay_exact_when_names_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_NAMES", 50)
    monkeypatch.setattr(counting, "MOST_GROUPS", 5)
    lines = [
        f"{HEAD}{BOUNCED.replace('b.example', f'b{n}.example').replace('<u@', f'<u{n}@')}"
        for n in range(300)
    ]
    found, _ = read("\n".join(lines))
    sums = Sums()
    for d in found:
        sums.add(d)
    assert sum(g.count for g in sums.groups.values()) == 300
    assert len(sums.groups) <= 10
    assert sums.partial


def test_a_trend_holds_every_attempt() -> None:
    buckets = {0: 3, 5: 1, 143: 2}
    got = counting.trend(buckets, 0, 86_399)
    assert (len(got), sum(got), got[0], got[-1]) == (24, 6, 4, 2)
    assert counting.trend({3: 7}, 1800, 1801) == (7,)
    assert counting.trend({}, 0, 1) == ()


def test_the_page_names_every_field() -> None:
    page = (REFERENCE / "json.md").read_text()
    part = page.partition("## `todoku logs --json`")[2].partition("\n## ")[0]
    kinds = (Summary, RefusalGroup, EarlyWarning)
    for name in (name for kind in kinds for name in kind.__struct_fields__):
        assert f"`{name}`" in part, name


def test_the_page_names_every_option() -> None:
    page = (ROOT / "docs" / "logs.md").read_text()
    for option in command.params:
        names = [
            n
            for n in option.opts
            if n.startswith("--") and n not in {"--config", "--lang", "--quiet"}
        ]
        assert all(f"`{n}" in page for n in names), names
