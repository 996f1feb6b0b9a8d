"""`todoku logs --engine`: the same to the last byte, whoever reads, and whoever of them dies."""

from __future__ import annotations

import contextlib
import functools
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.logs.logs import BOUNCED, FROM, HEAD, SENT
from tests.logs.test_command import log, todoku  # noqa: F401 (a fixture)
from tests.maillogs import SAMPLES, SHARED, needs_generator
from todoku.cli import Failure
from todoku.cli.logs import logs as command
from todoku.errors import TodokuError
from todoku.logs.workers import TRIES, Local, LostError, in_order

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


# ── the command ───────────────────────────────────────────────────────────────────────────────


def test_to_the_last_byte(log: Path, tmp_path: Path) -> None:  # noqa: F811
    """Of every format, packed, in a folder, and of what cannot be read; on a terminal and as JSON."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.gz").write_bytes(gzip.compress(f"{HEAD}{FROM}\n{HEAD}{SENT}\n".encode()))
    (folder / "b").write_text(f"{HEAD}{BOUNCED}\n")
    (folder / "c").write_text("# no log at all\n")
    (folder / "d").write_text("")
    paths = [SAMPLES / "logs", log, folder, tmp_path / "is-not-there"]
    for lang, *options in (("ja", "--full"), ("en", "--json", "--since", "2026-11-01")):
        one = todoku(*options, *paths, lang=lang)
        many = todoku(*options, "--engine", "local", "--workers", "3", *paths, lang=lang)
        assert one.stdout
        assert (many.returncode, many.stdout, many.stderr) == (1, one.stdout, one.stderr)


def test_the_page_too(log: Path, tmp_path: Path) -> None:  # noqa: F811
    for name, options in (("one", []), ("many", ["--engine", "local"])):
        done = todoku("--html", tmp_path / name, *options, log)
        assert done.returncode == 0, done.stderr
    one, many = ((tmp_path / name).read_text() for name in ("one", "many"))
    assert "192.0.2.1" in one
    assert one == many


@pytest.mark.parametrize(
    ("options", "code", "en", "ja"),
    [
        (["--engine", "lokal"], 64, "dask://HOST:PORT", "クラスター"),
        (["--engine", "dask://127.0.0.1"], 64, "dask://HOST:PORT", "クラスター"),
        (["--engine", "dask://127.0.0.1:99999"], 64, "dask://HOST:PORT", "クラスター"),
        (["--workers", "2"], 64, "--engine local", "--engine local"),
        (["--workers", "2", "--engine", "dask://127.0.0.1:1"], 64, "--engine local", "dask では"),
        (["--engine", "local", "--follow"], 64, "--follow", "--follow"),
        (
            ["--engine", "dask://127.0.0.1:1", "--store"],
            64,
            "--engine local",
            "フォルダーのある機械",
        ),
        (["--engine", "local", "-"], 64, "standard input", "標準入力"),
    ],
)
def test_what_it_cannot_do_is_said(
    options: list[str],
    code: int,
    en: str,
    ja: str,
    log: Path,  # noqa: F811
) -> None:
    for lang, words in (("en", en), ("ja", ja)):
        found, said = failed("--lang", lang, *options, log)
        assert found == code
        assert words in said


def failed(*words: str | Path) -> tuple[int, str]:
    """The exit code, and what is said."""
    done = CliRunner().invoke(command, [str(w) for w in words], standalone_mode=False)
    if isinstance(done.exception, Failure):
        return done.exception.code, done.exception.message
    assert isinstance(done.exception, TodokuError)
    return done.exception.exit_code, str(done.exception)


def test_a_pipe_cannot_be_read_apart(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code, said = failed("--lang", "en", "--engine", "local", pipe)
    assert code == 64
    assert "or a pipe" in said


def test_nothing_understood_is_an_error_here_too(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("nothing of a mail server\n" * 3)
    code, said = failed("--lang", "en", "--engine", "local", path)
    assert (code, said) == failed("--lang", "en", path)
    assert code == 2
    assert "3 lines" in said


# ── processes that die ────────────────────────────────────────────────────────────────────────


def _double(folder: Path, part: int) -> int:
    """Part 3 kills its process when it is read first; part 13 always; 23 raises."""
    if part == 13 or (part == 3 and not (folder / "3").exists()):
        (folder / str(part)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if part == 23:
        raise ValueError(part)
    return 2 * part


def test_what_a_killed_process_did_not_finish_is_read_anew(tmp_path: Path) -> None:
    do = functools.partial(_double, tmp_path)
    with Local(2) as workers:
        assert list(in_order(workers, do, range(10))) == [(n, 2 * n) for n in range(10)]
    assert (tmp_path / "3").exists()


def test_a_part_that_always_kills_is_given_up(tmp_path: Path) -> None:
    do = functools.partial(_double, tmp_path)
    with Local(2) as workers, pytest.raises(LostError):
        list(in_order(workers, do, [1, 13, 2]))
    with Local(2) as workers, pytest.raises(ValueError, match="23"):
        list(in_order(workers, do, [1, 23, 2]))


def test_only_some_parts_are_under_way() -> None:
    taken: list[int] = []

    def parts() -> Iterator[int]:
        for n in range(50):
            taken.append(n)
            yield n

    with Local(2) as workers:
        for n, (part, _) in enumerate(in_order(workers, abs, parts())):
            assert part == n
            assert len(taken) <= n + 6
    assert TRIES > 1


# ── the command, and processes that die ───────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def much(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """80 MB of log."""
    path = tmp_path_factory.mktemp("much") / "mail.log"
    tool = SHARED / "tools" / "gen_maillog.py"
    done = subprocess.run(
        [sys.executable, str(tool), "--lines", "100000"], stdout=subprocess.PIPE, check=True
    )
    path.write_bytes(done.stdout * 8)
    yield path
    path.unlink()


@contextlib.contextmanager
def running(*words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-m", "todoku", "logs", "--json", *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"TZ": "UTC"},
    ) as command:  # fmt: skip
        try:
            yield command
        finally:
            command.kill()


def children(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(n) for n in told.split()]


def busy(pid: int) -> float:
    """Seconds of processor that a process has taken."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (told := what()):
        assert time.monotonic() < end, "nothing came of waiting"
        time.sleep(0.01)
    return told


@pytest.mark.slow
@needs_generator
@linux
def test_a_process_is_killed_in_the_middle(much: Path) -> None:
    wanted = todoku("--json", much).stdout
    with running("--engine", "local", "--workers", "2", much) as command:
        victim = until(lambda: next((p for p in children(command.pid) if busy(p) > 0.1), 0))
        assert command.poll() is None
        os.kill(victim, signal.SIGKILL)
        out, errors = command.communicate(timeout=120)
    assert (command.returncode, errors) == (0, b"")
    assert out == wanted


@pytest.mark.slow
@needs_generator
@linux
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_command(how: signal.Signals, much: Path) -> None:
    with running("--engine", "local", "--workers", "2", much) as command:
        workers = until(lambda: [p for p in children(command.pid) if busy(p) > 0.1])
        os.kill(command.pid, how)
        assert command.wait(30) != 0
        assert b"Traceback" not in command.communicate()[1]
    until(lambda: not any(Path(f"/proc/{p}").exists() for p in workers), 10)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A dask scheduler and two workers, each a process; the address and the workers."""
    pytest.importorskip("distributed")
    place = folder / "scheduler.json"
    common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(place)]
    each = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
    with contextlib.ExitStack() as stack:

        def start(name: str, *words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{name}", *common, *words],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
                env=os.environ | {"TZ": "UTC"},
            )  # fmt: skip
            stack.callback(process.wait, 30)
            stack.callback(process.kill)
            return process

        start("scheduler", "--port", "0")
        until(lambda: place.exists() and place.read_text().rstrip().endswith("}"))
        workers = [start("worker", *each) for _ in range(2)]
        import json

        from distributed import Client

        address = json.loads(place.read_text())["address"]
        with Client(address, timeout="30s", set_as_default=False) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(2, timeout=60)
        yield address.removeprefix("tcp://"), workers


@pytest.mark.slow
@needs_generator
@linux
def test_a_worker_of_a_cluster_is_killed_in_the_middle(much: Path, tmp_path: Path) -> None:
    wanted = todoku("--json", much).stdout
    with cluster(tmp_path) as (address, (one, other)):
        before = busy(one.pid)
        with running("--engine", f"dask://{address}", much) as command:
            until(lambda: busy(one.pid) > before + 0.3)
            assert command.poll() is None
            one.kill()
            out, errors = command.communicate(timeout=120)
        assert (command.returncode, errors) == (0, b"")
        assert out == wanted
        assert other.poll() is None
        # What the workers cannot open is said, with what to do.
        gone = todoku("--engine", f"dask://{address}", tmp_path / "is-not-there", lang="ja")
        assert gone.returncode == 2
        assert "同じパス" in gone.stderr.decode()
        away = subprocess.run(
            [sys.executable, "-m", "todoku", "logs", "--engine", f"dask://{address}", str(much)],
            env=os.environ | {"TZ": "Asia/Tokyo"}, capture_output=True, check=False,
        )  # fmt: skip
        assert (away.returncode, away.stdout) == (69, b"")
        assert b"time zone" in away.stderr
        other.kill()
        other.wait()
        empty = todoku("--engine", f"dask://{address}", much)
        assert empty.returncode == 69
        assert b"no workers" in empty.stderr


def test_a_scheduler_that_is_not_there(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    pytest.importorskip("distributed")
    monkeypatch.setattr("todoku.cli.logs_engine._CONNECT", "1s")
    code, said = failed("--lang", "en", "--engine", "dask://127.0.0.1:9", log)
    assert code == 69
    assert "cannot reach the dask scheduler at 127.0.0.1:9" in said


@pytest.mark.slow
@pytest.mark.parametrize("what", ["scheduler", "worker"])
def test_the_page_starts_a_cluster_as_dask_has_it(what: str) -> None:
    """The units and options of docs/scale.md."""
    pytest.importorskip("distributed")
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
    unit = next(x for x in page.splitlines() if x.startswith("ExecStart=") and f"dask {what}" in x)
    options = {w for w in unit.split() if w.startswith("--")}
    done = subprocess.run(
        [sys.executable, "-m", f"distributed.cli.dask_{what}", "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for option in options | {"--protocol", "--tls-ca-file", "--tls-cert", "--tls-key"}:
        assert option in done.stdout
        assert option in page
