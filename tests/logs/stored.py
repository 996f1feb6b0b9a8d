"""Logs that are stored by the real command, and what is then in the store, counted.

The command runs in a child of a process that has imported it already (`zygote`): in earnest every
run imports for half a second, which is not what is tried here. It can be told to kill itself (-9)
at the n-th of the calls by which something becomes lasting.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ENVIRON = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "COLUMNS": "80"}


class Done(NamedTuple):
    returncode: int
    stdout: bytes
    stderr: bytes
    points: int
    """Calls by which something became lasting."""


def environ(**more: str) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("TODOKU_", "XDG_"))}
    return plain | ENVIRON | more


def command(*words: str | Path, lang: str = "en") -> list[str]:
    """For a process of its own."""
    return [sys.executable, "-m", "todoku", "logs", "--lang", lang, *map(str, words)]


class Zygote:
    """Runs `todoku logs`, any number of times, one after the other."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "tests.logs.stored"]
        self._process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ(), text=True
        )

    def run(
        self, *words: str | Path, stdin: bytes = b"", lang: str = "en",
        kill_at: int = 0, most: int = 0, small: bool = False, **env: str,
    ) -> Done:  # fmt: skip
        """`kill_at`: the point at which it dies; a number beyond all of them only counts them.
        `most`: rows of a part; `small`: logs have many cells and parts."""
        with tempfile.TemporaryDirectory() as place:
            (Path(place) / "in").write_bytes(stdin)
            asked = {"words": ["logs", "--lang", lang, *map(str, words)], "env": env, "at": place,
                     "kill_at": kill_at, "most": most, "small": small}  # fmt: skip
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            status = int(self._process.stdout.readline())
            out, err = ((Path(place) / name).read_bytes() for name in ("out", "err"))
            points = Path(place) / "points"
            return Done(status, out, err, points.stat().st_size if points.exists() else 0)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


@contextlib.contextmanager
def running() -> Iterator[Zygote]:
    zygote = Zygote()
    yield zygote
    zygote.close()


class Place:
    """A data folder, and the command."""

    def __init__(self, zygote: Zygote, path: Path) -> None:
        self.zygote = zygote
        self.path = path
        self.data = path / "data"
        self.logs = path / "logs"
        self.logs.mkdir()

    def run(self, *words: str | Path, **more: Any) -> Done:
        return self.zygote.run("--data", self.data, *words, **more)

    def store(self, *words: str | Path, **more: Any) -> dict[str, Any]:
        """The last line of the answer: what was stored."""
        done = self.run("--store", "--json", *words, **more)
        assert done.returncode == 0, done.stderr.decode()
        last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert last["kind"] == "stored"
        return last

    def rows(self, *columns: str) -> list[dict[str, Any]]:
        from todoku.deliveries.reading import open_stored

        with open_stored(self.data, f"sqlite:///{self.data}/todoku.db") as stored:
            return [row for batch in stored.batches(columns) for row in batch.to_pylist()]

    def outcomes(self) -> Counter[str]:
        """Stored rows by outcome."""
        return Counter(row["outcome"] for row in self.rows("outcome"))

    def lines(self) -> int:
        from todoku.deliveries.reading import open_stored

        with open_stored(self.data, f"sqlite:///{self.data}/todoku.db") as stored:
            return sum(day.lines for day in stored.days().values())


def log(messages: int, begin: int = 0, host: str = "mx1") -> bytes:
    """Of each message four lines: one attempt that is sent, one that is refused. A message a minute,
    from 2026-11-20 on, for four days."""
    told = []
    for n in range(begin, begin + messages):
        day, minute = 20 + n // 1_440 % 4, n % 1_440
        head = (
            f"2026-11-{day:02d}T{minute // 60:02d}:{minute % 60:02d}:07.123456+00:00 {host} postfix"
        )
        relay = f"relay=mx{n % 7}.b{n % 7}.example[203.0.113.{n % 7}]:25, delay=1, delays=0/0/0/1"
        why = "Client host [192.0.2.1] blocked using zen.spamhaus.org" if n % 2 else "User unknown"
        told.append(
            f"{head}/qmgr[1]: {n:06X}A: from=<s{n % 5}@a.example>, size=1, nrcpt=2 (queue active)\n"
            f"{head}/smtp[2]: {n:06X}A: to=<u{n}@b.example>, {relay}, dsn=2.0.0, status=sent (250 Ok)\n"
            f"{head}/smtp[2]: {n:06X}A: to=<v{n}@b{n % 7}.example>, {relay}, dsn=5.7.1, status=bounced "
            f"(host mx{n % 7}.b{n % 7}.example[203.0.113.{n % 7}] said: 554 5.7.1 <v{n}@b{n % 7}.example>: "
            f"{why} (in reply to RCPT TO command))\n"
            f"{head}/qmgr[1]: {n:06X}A: removed\n"
        )
    return "".join(told).encode()


def times(n: int) -> Counter[str]:
    """Outcomes of so many messages of `log`."""
    return Counter({"sent": n, "bounced": n})


# ── in the child ──────────────────────────────────────────────────────────────────────────────


def count_points(place: str, kill_at: int) -> None:
    """Before and after each call by which something becomes lasting; killed at one of them."""
    import sqlite3

    import sqlalchemy

    from todoku.deliveries import parts

    points = os.open(f"{place}/points", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    seen = 0

    def point() -> None:
        nonlocal seen
        seen += 1
        os.write(points, b".")
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(real: Any) -> Any:
        def call(*words: Any, **named: Any) -> Any:
            point()
            told = real(*words, **named)
            point()
            return told

        return call

    parts._sync = watched(parts._sync)
    for name in ("rename", "unlink"):
        setattr(Path, name, watched(getattr(Path, name)))

    class Connection(sqlite3.Connection):
        commit = watched(sqlite3.Connection.commit)

    real = sqlalchemy.create_engine

    def create(url: Any, **named: Any) -> Any:
        named.setdefault("connect_args", {})["factory"] = Connection
        return real(url, **named)

    sqlalchemy.create_engine = create


SMALL = {"PIECE": 1_024, "HEAD": 512, "CUT": 512, "CELL": 2_048, "CELLS": 3, "LEAST": 2_048,
         "MOST": 8_192, "FEW": 15}  # fmt: skip
"""The sizes of `todoku.logs` and of what is staged."""


def make_small() -> None:
    from todoku.cli import logs_store
    from todoku.deliveries import feeding, identity, staging, storing
    from todoku.logs import messages, opening, parts, reader

    for module in (messages, opening, parts, reader, feeding, logs_store):
        for name, value in SMALL.items():
            if hasattr(module, name):
                setattr(module, name, value)
    vars(staging)["FEW"], vars(storing)["MOST"] = SMALL["FEW"], 40
    vars(identity)["HEAD"] = 256  # within the first block, as it is


def child(asked: dict[str, Any]) -> None:
    place = asked["at"]
    for n, (name, mode) in enumerate(
        (("in", os.O_RDONLY), ("out", os.O_WRONLY | os.O_CREAT), ("err", os.O_WRONLY | os.O_CREAT))
    ):
        os.dup2(os.open(f"{place}/{name}", mode, 0o600), n)
    os.environ.update(asked["env"])
    if asked["most"]:
        from todoku.deliveries import feeding, storing

        vars(storing)["MOST"], vars(feeding)["PIECE"] = asked["most"], 20_000
    if asked["small"]:
        make_small()
    if asked["kill_at"]:
        count_points(place, asked["kill_at"])
    from todoku.cli import main

    status = 70
    try:
        main(args=asked["words"], prog_name="todoku")
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve() -> None:
    import alembic.command  # noqa: F401
    import pyarrow.compute  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401

    import todoku.cli.logs
    import todoku.cli.logs_engine_store
    import todoku.cli.logs_store
    import todoku.cli.setup
    import todoku.deliveries.key
    import todoku.deliveries.reading
    import todoku.deliveries.staging
    import todoku.deliveries.storing
    import todoku.serve.privacy
    import todoku.settings
    import todoku.store.migrate  # noqa: F401
    from todoku.knowledge import load, match

    match.load(load.knowledge())
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            child(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
