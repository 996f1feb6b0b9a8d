"""`todoku partners learn --engine`: the same is learned, whoever reads the logs, and whoever of them dies."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, assume, given, settings

from tests.logs.test_engine_exact import LOGS, SMALL, write
from tests.logs.test_logs_engine import children, cluster, linux, until
from tests.partners.test_command import Home, home, log  # noqa: F401 (a fixture)
from tests.partners.worlds import DAY, NOW, OURS, ZEN, gates, listed, sent
from todoku import cli
from todoku.deliveries.identity import HEAD
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.logs import messages, opening, parts, reader
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.run import Run
from todoku.logs.workers import Local
from todoku.partners import hearing
from todoku.partners.kept_file import NAME
from todoku.partners.learning import Learner, Window
from todoku.partners.values import Evidence
from todoku.settings.own import Own

ALWAYS = Window("a.example", "spamhaus-dbl", 0.0, 4e9)
"""It shows who sent each mail, which a part may have to look up before itself."""
TABLES = ("mail", "uses", "proofs", "logs", "summary", "sights")


def kept(data: Path) -> dict[str, list[Any]]:
    """All of `partners.db` but its random id."""
    with contextlib.closing(sqlite3.connect(data / NAME)) as db:
        out = {t: sorted(db.execute(f"SELECT * FROM {t}").fetchall(), key=repr) for t in TABLES}
        out["origins"] = db.execute("SELECT seq, first, last, own FROM origins").fetchall()
    return out


def learn(folder: Path, data: str, *words: object, lang: str = "en") -> Result:
    where = ["--data", str(folder / data), "--config", str(folder / "t.toml"), "--lang", lang]
    return CliRunner().invoke(cli.main, ["partners", "learn", *map(str, words), *where])


def both(folder: Path, *words: object, engine: tuple[str, ...] = ("--engine", "local", "--workers", "2")) -> Result:  # fmt: skip
    """Learned by one process, and by several: the same is kept, and the same is said."""
    one = learn(folder, "one", *words)
    many = learn(folder, "many", *engine, *words)
    assert (many.exit_code, many.stdout, many.stderr) == (one.exit_code, one.stdout, one.stderr)
    assert kept(folder / "many") == kept(folder / "one")
    return one


class Here:
    """In place of processes: one after another, here."""

    workers = 3

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1)

    def executor(self) -> Executor:
        return self._executor


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextlib.contextmanager
    def opened(*_: object) -> Iterator[Local]:
        yield cast("Local", Here())

    monkeypatch.setattr("todoku.cli.logs_engine.opened", opened)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (messages, opening, parts, reader):
        for name, value in SMALL.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(hearing, "AT_ONCE", 7)
    monkeypatch.setattr("todoku.cli.partners_learn.windows_in", lambda _folder: [ALWAYS])


def one_pass(paths: list[str]) -> Evidence:
    """What one pass over whole logs tells, without parts and without what was learned before."""
    own = Own(addresses=("192.0.2.1",), domains=("ours.example",))
    run = Run(Judge(Diagnoser(load.knowledge(), own=own)), own=own, recipients="off", whole=True)
    learner, source = Learner(gates(), own, [ALWAYS]), None
    for piece in opening.open_logs(paths, None):
        if piece.first:
            source = reader.Source(run, Clock(min(time.time(), piece.written or 0)))
        assert source is not None
        data = piece.data[: piece.data.rfind(b"\n") + 1]
        for delivery in source.read(data, piece.cell):
            learner.add(delivery)
    return learner.take()


@given(LOGS)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_wherever_a_log_is_cut_the_same_is_learned(
    tmp_path_factory: pytest.TempPathFactory,
    here: None,
    small: None,
    logs: list[tuple[list[str], str]],
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    (folder / "t.toml").write_text('[own]\naddresses = ["192.0.2.1"]\ndomains = ["ours.example"]\n')
    (folder / "logs").mkdir()
    paths = write(folder / "logs", logs)
    heads = [gzip.decompress(x) if x[:1] == b"\x1f" else x for x in (Path(p).read_bytes() for p in paths)]  # fmt: skip
    assume(len({x[:HEAD] for x in heads}) == len(heads) == sum(
        not any(x.startswith(y[:HEAD].rstrip(b"\r\n")) for y in heads if y is not x) for x in heads
    ))  # fmt: skip
    both(folder, *paths, *paths[:1])
    wanted = one_pass(paths)
    before = kept(folder / "one")
    assert [tuple(row[:4]) + tuple(row[5:]) for row in before["mail"]] == sorted(
        (*key, *mail) for key, mail in wanted.mail.items()
    )
    assert {(row[1], row[0], row[2]): tuple(row[4:]) for row in before["uses"]} == wanted.uses
    assert {(row[1], row[0]): tuple(row[3:]) for row in before["proofs"]} == wanted.proofs
    with Path(paths[0]).open("ab") as file:  # it grew
        file.write(Path(paths[-1]).read_bytes()[:5_000] if paths[-1][-3:] != ".gz" else b"")
    both(folder, *paths)
    assert len(kept(folder / "one")["logs"]) >= len(before["logs"])


def test_processes_learn_what_one_does(home: Home, small: None) -> None:  # noqa: F811
    """Logs that are cut, packed, known, twice there, none, or grow; and what cannot be read."""
    folder = home.folder
    old = "".join(f"{x}\n" for n in range(700) for x in (
        sent(NOW - 60 * DAY + 900 * n, f"big{n % 40}.example", who="x" * 150),
        *(listed(NOW - 60 * DAY + 900 * n, f"l{n % 9}.example") if n % 60 < 9 else "" for _ in [0]),
    ))  # fmt: skip
    (folder / "old.log").write_text(old)
    assert (folder / "old.log").stat().st_size > opening.HEAD + 20 * messages.CELL
    (folder / "old.gz").write_bytes(gzip.compress(home.log.read_bytes()))
    (folder / "notes").write_text("nothing of a mail server\n" * 3)
    (folder / "empty").write_text("")
    paths = [
        folder / n for n in ("old.log", "mail.log", "old.gz", "notes", "empty", "old.log", "gone")
    ]
    done = both(folder, *paths)
    assert done.exit_code == 1 and "notes" in done.stderr and "gone" in done.stderr
    assert kept(folder / "one")["proofs"] and len(kept(folder / "one")["logs"]) == 2
    assert any(accepted for *_, accepted in kept(folder / "one")["uses"])
    again = both(folder, *paths)
    assert "no delivery that is new" in again.stdout
    with home.log.open("a") as file:
        file.write(
            f"{listed(NOW - DAY, 'new.example')}\n{sent(NOW, 'half.example')}"
        )  # half a line
    both(folder, *paths)
    assert "new.example" in str(kept(folder / "many")["proofs"])
    assert "half.example" not in str(kept(folder / "many")["mail"])


@pytest.mark.parametrize(
    ("words", "en", "ja"),
    [
        (["--engine", "lokal", "x"], "dask://HOST:PORT", "クラスター"),
        (["--workers", "2", "x"], "--engine local", "--engine local"),
        (["--engine", "local", "-"], "standard input", "標準入力"),
        (["--engine", "local", "--cases"], "name those", "読むログを指定"),
    ],
)
def test_what_it_cannot_do_is_said(tmp_path: Path, words: list[str], en: str, ja: str) -> None:
    (tmp_path / "t.toml").write_text("")
    for lang, said in (("en", en), ("ja", ja)):
        done = learn(tmp_path, "data", *words, lang=lang)
        assert done.exit_code == 64
        assert said in done.stderr


def test_a_log_that_is_rotated_meanwhile_is_not_learned(
    home: Home,  # noqa: F811
    small: None,
    here: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By several nothing, as their parts would be of two files; by one process the file that it opened."""
    text = home.log.read_text()
    real = hearing.Hearing.new

    def rotating(self: Any) -> Iterator[Any]:
        for n, heard in enumerate(real(self)):
            yield heard
            if not n and not (home.folder / "mail.log.1").exists():
                home.log.rename(home.folder / "mail.log.1")
                home.log.write_text(f"{sent(NOW, 'other.example')}\n" * 40)

    monkeypatch.setattr(hearing.Hearing, "new", rotating)
    for lang, words in (("en", "was rotated while"), ("ja", "ローテートされました")):
        many = learn(home.folder, "many", "--engine", "local", home.log, lang=lang)
        assert many.exit_code == 75 and words in many.stderr
        assert kept(home.folder / "many")["mail"] == []
        (home.folder / "mail.log.1").rename(home.log)
    assert learn(home.folder, "one", home.log).exit_code == 0
    assert "other.example" not in str(kept(home.folder / "one")["mail"])
    home.log.write_text(text)
    monkeypatch.setattr(hearing.Hearing, "new", real)
    assert learn(home.folder, "two", home.log).exit_code == 0
    assert kept(home.folder / "one")["mail"] == kept(home.folder / "two")["mail"]


# ── processes that die ────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def much(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """70 MB of log of one host that is listed now and then."""
    folder = tmp_path_factory.mktemp("much")
    (folder / "t.toml").write_text(f'[own]\naddresses = ["{OURS}"]\n')
    with (folder / "mail.log").open("w") as file:
        for n in range(180_000):
            at, domain = NOW - 90 * DAY + 29 * n, f"p{n * 7919 % 1_500}.example"
            bad = n % 20_000 < 1_500 and n * 7919 % 1_500 % 3 == 0
            file.write(f"{listed(at, domain, ZEN) if bad else sent(at, domain)}\n")
    yield folder
    (folder / "mail.log").unlink()


@contextlib.contextmanager
def learning(folder: Path, data: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "todoku", "partners", "learn", "--json", *words,
         "--data", str(folder / data), "--config", str(folder / "t.toml"), str(folder / "mail.log")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"TZ": "UTC"},
    ) as command:  # fmt: skip
        try:
            yield command
        finally:
            command.kill()


@pytest.mark.slow
@linux
def test_who_is_killed_in_the_middle_takes_nothing_along(much: Path, tmp_path: Path) -> None:
    from tests.logs.test_logs_engine import busy

    with learning(much, "one") as command:
        wanted, errors = command.communicate(timeout=120)
    assert (command.returncode, errors) == (0, b"")
    assert json.loads(wanted)["deliveries"] == 180_000 and json.loads(wanted)["named"] > 400
    one = kept(much / "one")
    assert any(accepted for *_, accepted in one["uses"])
    with learning(much, "local", "--engine", "local", "--workers", "2") as command:
        victim = until(lambda: next((p for p in children(command.pid) if busy(p) > 0.1), 0))
        os.kill(victim, signal.SIGKILL)
        out, errors = command.communicate(timeout=120)
    assert (command.returncode, errors, out) == (0, b"", wanted)
    assert kept(much / "local") == one
    with cluster(tmp_path) as (address, (worker, other)):
        before = busy(worker.pid)
        with learning(much, "dask", "--engine", f"dask://{address}") as command:
            until(lambda: busy(worker.pid) > before + 0.3)
            assert command.poll() is None
            worker.kill()
            out, errors = command.communicate(timeout=120)
        assert (command.returncode, errors, out) == (0, b"", wanted)
        assert other.poll() is None
    assert kept(much / "dask") == one
