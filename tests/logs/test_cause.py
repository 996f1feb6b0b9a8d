"""Causes of a block: found where they are planted, and none where there is none."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.logs import trouble, trouble_formats
from tests.logs.logs import new, read
from tests.logs.test_command import REFERENCE
from todoku.cli.cause import _onset
from todoku.cli.render import cause as rendering
from todoku.cli.render.page import Page
from todoku.logs.cause import tally as counting
from todoku.logs.cause.looking import look
from todoku.logs.cause.tally import Tally, address_of, inside, network_of
from todoku.logs.cause.values import PATTERNS, Cause, Looked
from todoku.model import Language

LONG = 100


def looked(mails: list[trouble.Mail], at: float | None = None) -> tuple[Looked, tuple[Cause, ...]]:
    tally = Tally()
    for n, m in enumerate(mails):
        tally.add(trouble.delivery(m, n))
    return look(tally, at)


def test_no_cause_in_a_hundred_quiet_worlds() -> None:
    for seed in range(LONG):
        blocked = trouble.block(random.Random(seed)) if seed % 2 else ()
        mails = sorted([*trouble.quiet(seed), *blocked], key=lambda m: m.time)
        told, found = looked(mails)
        assert found == (), seed
        assert told.found == 0
        assert told.days_before == 14
        assert all(x.known for x in told.looked)


@pytest.mark.parametrize("kind", trouble.PLANTED)
def test_each_planted_cause_is_found(kind: str) -> None:
    pattern, who, name = trouble.WANTED[kind]
    for seed in range(20):
        told, found = looked(trouble.planted(kind, seed))
        assert [(c.pattern, c.who) for c in found] == [(pattern, who)], seed
        (c,) = found
        assert name is None or c.name == name
        assert told.found == 1
        assert c.before is not None
        assert c.now.mails > 3 * c.before.mails
        assert 1 <= len(c.examples) <= 3
        if kind == "leaked-password":
            assert c.networks is not None
            assert c.networks > 50
        assert c.confidence == "guess" if kind == "volume" else True


@pytest.mark.parametrize("kind", ["leaked-password", "script", "forwarding", "backscatter"])
def test_from_a_log_as_it_stands(kind: str) -> None:
    mails = trouble.planted(kind, 5)
    found, _ = read(trouble.lines(mails), new(whole=True))
    tally = Tally()
    for d in found:
        tally.add(d)
    pattern, who, _ = trouble.WANTED[kind]
    told, causes = look(tally, None)
    assert [(c.pattern, c.who) for c in causes] == [(pattern, who)]
    assert told.mails > 0
    queue_ids = {f"{n:010X}" for n in range(len(mails))}
    assert set(causes[0].examples) <= queue_ids


_OTHERS = {
    ("exim", "leaked-password"): "p1@a.example",
    ("sendmail", "leaked-password"): "p1@a.example",
    ("exchange", "leaked-password"): "p1@a.example",
    ("exim", "script"): "cwd=/home/u1033/www",
    ("sendmail", "script"): "uid=1033",
}


@pytest.mark.parametrize(("server", "kind"), _OTHERS)
def test_from_logs_of_other_servers(server: str, kind: str) -> None:
    """Found on the day that it was planted on, and nothing in the days before."""
    found, run = read(
        "\n".join(trouble_formats.FORMATS[server](trouble.planted(kind, 5, 0.7))), new(whole=True)
    )
    assert run.counts.lines == run.counts.understood
    tally = Tally()
    for d in found:
        tally.add(d)
    told, causes = look(tally, None)
    pattern, who, _ = trouble.WANTED[kind]
    assert [(c.pattern, c.who, c.name) for c in causes] == [(pattern, who, _OTHERS[server, kind])]
    assert all(x.known for x in told.looked)
    told, causes = look(tally, trouble.END - 3 * 86_400)
    assert causes == ()
    assert told.days_before >= 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["none", *trouble.PLANTED])
@pytest.mark.parametrize("server", trouble_formats.FORMATS)
def test_every_cause_in_every_format(server: str, kind: str) -> None:
    """By what the log tells: qmail names nobody who hands mail in, Exchange no programs."""
    mails = sorted(
        trouble.quiet(7) if kind == "none" else trouble.planted(kind, 7), key=lambda m: m.time
    )
    found, _ = read("\n".join(trouble_formats.FORMATS[server](mails)), new(whole=True))
    tally = Tally()
    for d in found:
        tally.add(d)
    told, causes = look(tally, None)
    unknown = {x.pattern for x in told.looked if not x.known}
    assert unknown == ({"leaked-password", "forwarding"} if server == "qmail" else set())
    if kind == "none" or kind in unknown:
        assert causes == ()
    else:
        assert [c.pattern for c in causes] == [trouble.WANTED[kind][0]]


def test_what_the_log_does_not_tell_is_not_known() -> None:
    mails = [m._replace(user=None, client=None) for m in trouble.quiet(1)]
    told, found = looked(mails)
    unknown = {x.pattern: x.needs for x in told.looked if not x.known}
    assert unknown == {"leaked-password": "users", "forwarding": "clients"}
    assert found == ()
    told, _ = looked([m for m in trouble.quiet(1) if m.time > trouble.END - 2 * 86_400])
    assert {x.pattern: x.needs for x in told.looked if not x.known} == {"volume": "past"}
    told, found = looked([])
    assert (told.at, found) == (None, ())
    assert not any(x.known for x in told.looked)
    assert [x.pattern for x in told.looked] == list(PATTERNS)


def test_the_block_itself_accuses_nobody() -> None:
    mails = trouble.quiet(2)
    begin = trouble.END - 86_400
    mails = [m._replace(said="block") if m.time > begin else m for m in mails]
    assert looked(mails)[1] == ()


def test_a_cause_long_before_is_found_at_its_time() -> None:
    mails = trouble.planted("script", 4)
    later = [
        m._replace(time=m.time + 6 * 86_400) for m in mails if m.time > trouble.END - 6 * 86_400
    ]
    mails += [m for m in later if m.client != "uid=1033" and m.said != "block"]
    assert looked(mails)[1] == ()
    assert [c.name for c in looked(mails, trouble.END)[1]] == ["uid=1033"]


def test_memory_is_bounded_and_the_loud_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_CELLS", 400)
    tally = Tally()
    mails = trouble.planted("script", 4)
    for n in range(3_000):
        mails.append(trouble.Mail(trouble.END - n * 60, f"once{n}@a.example", "r@b.example"))
    mails.sort(key=lambda m: m.time)
    for n, m in enumerate(mails):
        tally.add(trouble.delivery(m, n))
    assert sum(map(len, tally.names.values())) <= 400
    told, found = look(tally, None)
    assert "uid=1033" in {c.name for c in found}
    assert told.left_out > 2_000
    assert told.left_out_most < 600


def test_addresses() -> None:
    assert address_of("mail.a.example[192.0.2.1]") == "192.0.2.1"
    assert address_of("unknown[IPv6:2001:db8::1]") == "2001:db8::1"
    assert address_of("192.0.2.1") == "192.0.2.1"
    assert address_of("uid=33") is address_of("U=www[1]") is address_of("cwd=/a[1.2.3.4]") is None
    assert network_of("x[192.0.2.77]") == "192.0.2"
    assert network_of("x[2001:db8:5::9]") == network_of("y[2001:db8:5:1::8]") == "2001:0db8:0005"
    assert network_of("x[2001:db8::zz]") is network_of(None) is None
    assert [inside(a) for a in ("10.1.2.3", "127.0.0.1", "fd00::1", "192.0.2.1", "what", None)] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("kind", trouble.PLANTED)
def test_screens_hold_nothing_that_acts(kind: str, lang: Language) -> None:
    import io

    told, causes = looked(trouble.planted(kind, 1))
    evil = tuple(type(c)(**{f: getattr(c, f) for f in c.__struct_fields__} | {"name": "\x1b[2J\r\u202e" + "x" * 9_000}) for c in causes)  # fmt: skip
    for columns in (40, 80):
        out = io.BytesIO()
        page = Page(out, columns=columns)
        for line in rendering.lines(told, evil, lang, page):
            page.write(line)
        text = out.getvalue().decode()
        assert all(line.isprintable() for line in text.split("\n"))
        assert len(text) < 4_000
    assert rendering.recorded(causes, lang)
    assert len(rendering.places(told, lang)) == len(PATTERNS)


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("kind", ["none", "unknown", "narrow", *trouble.PLANTED])
def test_screen(kind: str, lang: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, as it stands in tests/cli/golden; TODOKU_WRITE_GOLDEN=1 after a change that is meant."""
    import io
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    if kind == "none":
        mails = trouble.quiet(1)
    elif kind == "unknown":  # a short log that names nobody who hands mail in
        mails = [m._replace(user=None, client=None) for m in trouble.quiet(1)]
        mails = [m for m in mails if m.time > trouble.END - 2 * 86_400]
    else:
        mails = trouble.planted("leaked-password" if kind == "narrow" else kind, 1)
    told, causes = looked(sorted(mails, key=lambda m: m.time))
    out = io.BytesIO()
    page = Page(out, columns=40 if kind == "narrow" else 80)
    for line in rendering.lines(told, causes, lang, page):
        page.write(line)
    got = out.getvalue().decode()
    path = Path(__file__).parents[1] / "cli" / "golden" / f"cause-{kind}.{lang}.txt"
    if os.environ.get("TODOKU_WRITE_GOLDEN"):
        path.write_text(got)
    assert got == path.read_text()


# ── the command ───────────────────────────────────────────────────────────────────────────────


def todoku(tmp_path: Path, *words: str | Path, command: str = "cause") -> Any:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("TODOKU_")} | {
        "TZ": "UTC", "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "TODOKU_OWN_ADDRESSES": "192.0.2.1", "COLUMNS": "80",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "todoku", *command.split(), *map(str, words)],
        stdin=subprocess.DEVNULL, capture_output=True, env=environ, check=False, text=True,
    )  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_text(trouble.lines(trouble.planted("leaked-password", 3)) + "\n")
    return path


def test_command(tmp_path: Path, log: Path) -> None:
    done = todoku(tmp_path, "--json", log)
    assert (done.returncode, done.stderr) == (0, "")
    first, *causes = map(json.loads, done.stdout.splitlines())
    assert (first["v"], first["kind"], first["found"]) == (1, "looked", 1)
    assert [c["pattern"] for c in causes] == ["leaked-password"]
    for name, row in (("cause-looked", first), ("cause", causes[0])):
        schema = json.loads((REFERENCE / f"{name}.schema.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(row)
    shown = todoku(tmp_path, log, "192.0.2.1").stdout
    assert "p1@a.example" in shown
    assert "password" in shown
    assert "パスワード" in todoku(tmp_path, "--lang", "ja", log).stdout
    assert todoku(tmp_path, "--at", "soon", log).returncode == 64
    assert todoku(tmp_path, "--identity", "x", log).returncode == 64
    nothing = todoku(tmp_path, "--at", "2026-11-10", "--quiet", log)
    assert (nothing.returncode, nothing.stdout) == (0, "")


def test_a_case_is_told_once(tmp_path: Path, log: Path) -> None:
    data = ("--data", tmp_path / "data")
    opened = todoku(tmp_path, "192.0.2.1", "--to", "b.example", *data, command="case open")
    assert opened.returncode == 0, opened.stderr
    at = ("--case", "1", "--at", "2026-11-19T20:00", *data, log)
    assert "Recorded in case 1" in todoku(tmp_path, *at).stdout
    todoku(tmp_path, *at)
    none = ("--case", "1", "--at", "2026-11-12", *data, log)
    assert todoku(tmp_path, *none).returncode == 0
    shown = todoku(tmp_path, "1", "--json", *data, command="case show").stdout
    events = [json.loads(line) for line in shown.splitlines()]
    causes = [e for e in events if e["event"] == "cause-found"]
    assert len(causes) == 2
    assert "p1@a.example" in causes[0]["cause"]
    assert causes[0]["by"]
    assert causes[1]["cause"] is None
    assert len(causes[1]["looked"]) == len(PATTERNS)


def test_the_onset_of_a_block() -> None:
    assert _onset([], None, None, 0.0) is None
