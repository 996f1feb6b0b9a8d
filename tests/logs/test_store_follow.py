"""Logs that are followed: through rotation of any kind, whoever is killed whenever, each line counts once."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from tests.logs.logs import NOW, diagnoser
from tests.logs.stored import Place, Zygote, command, environ, log, running, times
from todoku import store
from todoku.deliveries import living
from todoku.deliveries.ledger import Ledger
from todoku.deliveries.living import Living
from todoku.deliveries.parts import Folder
from todoku.deliveries.reading import FOLDER, open_stored
from todoku.deliveries.rows import Rows
from todoku.deliveries.tailing import _ROTATED, LEAVING, Tails
from todoku.logs.judging import Judge
from todoku.logs.run import Run


class Follower:
    """A process that follows, in this one; `die` is kill -9."""

    def __init__(self, data: Path, *paths: Path) -> None:
        self.now = NOW
        self.engine = store.connect(f"sqlite:///{data}/todoku.db")
        run = Run(Judge(diagnoser()), key=b"k")
        rows = Rows("v", None, "hashed", b"k")
        folder, ledger = Folder(data / FOLDER), Ledger(self.engine)
        self.storing = Living(run, rows, folder, ledger, lambda: self.now)
        self.tails = Tails(self.storing, tuple(map(str, paths)), lambda: self.now, None)

    def read(self, keep: bool = True) -> None:
        while list(self.tails.poll()):
            pass
        while list(self.tails.poll()):  # what is beside, and all that follows from it
            pass
        if keep:
            self.storing.keep()
            self.storing.fold()

    def die(self) -> None:
        for followed in self.tails._all():
            followed.handle.close()
        self.engine.dispose()


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., Follower]]:
    begun: list[Follower] = []

    def begin(*paths: Path) -> Follower:
        begun.append(Follower(tmp_path / "data", *paths))
        return begun[-1]

    yield begin
    for follower in begun:
        follower.die()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "mail.log"


def outcomes(path: Path) -> Counter[str]:
    data = path.parents[1] / "data"
    with open_stored(data, f"sqlite:///{data}/todoku.db") as stored:
        batches = [b.column("outcome").to_pylist() for b in stored.batches(["outcome"])]
    return Counter(name for batch in batches for name in batch)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as out:
        out.write(data)


def test_what_is_written_and_half_lines(path: Path, follow: Callable[..., Follower]) -> None:
    append(path, log(10))
    one = follow(path)
    one.read()
    assert outcomes(path) == times(10)
    whole = log(5, 10)
    append(path, whole[:300])
    one.read()
    append(path, whole[300:])
    one.read()
    assert outcomes(path) == times(15)
    one.die()
    append(path, log(5, 15))
    two = follow(path)
    two.read()
    assert outcomes(path) == times(20)


def test_renamed(path: Path, follow: Callable[..., Follower]) -> None:
    append(path, log(10))
    one = follow(path)
    one.read()
    append(path, log(5, 10))
    path.rename(path.with_name("mail.log.1"))
    one.read()  # there is none now
    append(path.with_name("mail.log.1"), log(5, 15))  # not told to write elsewhere yet
    append(path, log(5, 20))
    one.read()
    append(path.with_name("mail.log.1"), log(1, 25))
    one.read()
    assert outcomes(path) == times(26)
    one.now += LEAVING + 1
    one.read()
    assert not one.tails._leaving


def test_renamed_and_killed(path: Path, follow: Callable[..., Follower]) -> None:
    append(path, log(10))
    one = follow(path)
    one.read()
    append(path, log(5, 10))
    path.rename(path.with_name("mail.log.1"))
    append(path, log(5, 15))
    one.read(keep=False)
    one.die()
    follow(path).read()
    assert outcomes(path) == times(20)


def test_rotated_twice_and_packed_while_nobody_looked(
    path: Path, follow: Callable[..., Follower]
) -> None:
    append(path.with_name("mail.log.7"), log(10, 9_000))  # older than all that was followed
    os.utime(path.with_name("mail.log.7"), (NOW - 900_000, NOW - 900_000))
    append(path, log(10))
    one = follow(path)
    one.read()
    one.die()
    append(path, log(5, 10))
    with gzip.open(path.with_name("mail.log.2.gz"), "wb") as packed:
        packed.write(path.read_bytes())
    os.utime(path.with_name("mail.log.2.gz"), (NOW - 900, NOW - 900))
    path.unlink()
    append(path.with_name("mail.log.1"), log(5, 15))  # was never seen
    append(path, log(5, 20))
    follow(path).read()
    assert outcomes(path) == times(25)


def test_an_extract_beside_the_log(path: Path, follow: Callable[..., Follower]) -> None:
    """Lines that somebody took out of it, in a file beside it, are no log that was rotated."""
    append(path, log(10))
    one = follow(path)
    one.read()
    path.rename(path.with_name("mail.log.1"))
    append(path.with_name("mail.log.refused"), log(3, 4))
    append(path, log(2, 10))
    one.read()
    one.die()
    follow(path).read()
    assert outcomes(path) == times(12)


@pytest.mark.parametrize(
    ("name", "rotated"),
    [
        ("mail.log.1", True), ("mail.log.12.gz", True), ("mail.log-20261124", True),
        ("mail.log-2026-11-24T00:00.xz", True), ("mail.log.old", True), ("mail.log.0.zst", True),
        ("mail.log.1.bak", False), ("mail.log.refused", False), ("mail.log-b", False), ("mail.log.", False),
    ],
)  # fmt: skip
def test_names_of_rotated_logs(name: str, rotated: bool) -> None:
    assert bool(_ROTATED.fullmatch(name.removeprefix("mail.log"))) == rotated


def test_copied_and_cut(path: Path, follow: Callable[..., Follower]) -> None:
    append(path, log(40))
    one = follow(path)
    one.read()
    for n, (unread, anew) in enumerate(((3, 2), (0, 60), (5, 0), (2, 3))):
        append(path, log(unread, 1_000 * n + 100))
        shutil.copy(path, path.with_name(f"mail.log.{9 - n}"))
        os.truncate(path, 0)
        append(path, log(anew, 1_000 * n + 500))
        one.read()
    assert outcomes(path) == times(40 + 10 + 65)
    one.die()
    append(path, log(2, 8_000))
    shutil.copy(path, path.with_name("mail.log.1"))
    os.truncate(path, 0)
    append(path, log(2, 9_000))
    follow(path).read()
    assert outcomes(path) == times(40 + 10 + 65 + 4)


def test_several_paths_and_one_under_two_names(path: Path, follow: Callable[..., Follower]) -> None:
    other = path.with_name("other.log")
    append(path, log(5))
    append(other, log(5, 100, host="mx2"))
    one = follow(path, other, path.with_name("mail.log.1"))
    one.read()
    path.rename(path.with_name("mail.log.1"))
    append(path, log(5, 5))
    append(path.with_name("mail.log.1"), log(5, 10))
    one.read()
    assert outcomes(path) == times(20)


def test_the_tail_becomes_a_part(
    path: Path, follow: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    def there(one: Follower) -> tuple[int, int]:
        ledger = Ledger(one.engine)
        return len(ledger.parts()), ledger.tail_size()[0]

    append(path, log(10))
    one = follow(path)
    one.read()
    assert there(one) == (0, 20)
    one.now += living.MOST_SECONDS + 1
    one.read()
    assert there(one) == (1, 0)
    append(path, log(2, 10))
    one.read()
    assert there(one) == (1, 4)
    one.now += 12 * 3_600 - living.MOST_SECONDS - 1  # midnight
    one.read()
    assert there(one) == (2, 0)
    append(path, log(20, 20))
    monkeypatch.setattr(living, "MOST_ROWS", 30)
    one.read()
    assert there(one) == (3, 0)
    assert outcomes(path) == times(32)


def test_two_that_follow_the_same(path: Path, follow: Callable[..., Follower]) -> None:
    append(path, log(10))
    one, two = follow(path), follow(path)
    one.read(keep=False)
    two.read(keep=False)
    one.storing.keep()
    with pytest.raises(store.Overtaken):
        two.storing.keep()
    assert outcomes(path) == times(10)


# ── the command ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with running() as zygote:
        yield zygote


@contextlib.contextmanager
def begin(place: Place, *words: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    named = command("--follow", "--json", "--data", place.data, *words)
    with subprocess.Popen(
        named, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def until(place: Place, wanted: Counter[str]) -> None:
    end = time.monotonic() + 20
    while not (place.data / "todoku.db").exists() or place.outcomes() != wanted:
        assert time.monotonic() < end, place.outcomes()
        time.sleep(0.1)


def test_followed_and_ended(zygote: Zygote, tmp_path: Path) -> None:
    place = Place(zygote, tmp_path)
    path = place.logs / "mail.log"
    append(path, log(10))
    with begin(place, path) as child:
        until(place, times(10))
        append(path, log(10, 10) + log(1, 20)[:100])
        until(place, times(20))
        child.terminate()
        out, err = child.communicate(timeout=20)
    assert (child.returncode, err) == (0, b"")
    *_, last = (json.loads(line) for line in out.splitlines())
    assert (last["kind"], last["rows"]) == ("stored", 40)
    append(path, log(1, 20)[100:])
    assert place.store(path)["rows"] == 2
    told = place.run("--stored", "--json")
    assert json.loads(told.stdout.splitlines()[0])["deliveries"]["sent"] == 21


def test_a_tail_that_nobody_follows_any_more(zygote: Zygote, tmp_path: Path) -> None:
    place = Place(zygote, tmp_path)
    place.run("--follow", "--quiet", stdin=log(5))
    path = place.logs / "mail.log"
    append(path, log(5, 100))
    place.store(path)
    assert len(list(place.data.glob("deliveries/day=*/*"))) == 1
    with sqlite3.connect(place.data / "todoku.db") as database:
        database.execute("UPDATE log_tails SET made_at = made_at - 7300")
    database.close()
    append(path, log(1, 110))
    place.store(path)
    assert len(list(place.data.glob("deliveries/day=*/*"))) == 3
    assert place.outcomes() == times(11)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_wrong_use(zygote: Zygote, tmp_path: Path, lang: str) -> None:
    place = Place(zygote, tmp_path)
    for words in (["--follow", place.logs], ["--follow", place.logs / "no.log"], ["--follow", "--stored"],
                  ["--follow", "--since", "7d", "x"]):  # fmt: skip
        done = place.run(*words, lang=lang)
        assert done.returncode != 0 and done.stderr and b"Traceback" not in done.stderr


def journal(numbers: range) -> bytes:
    """As `journalctl -o json` tells deliveries."""
    told = "A1B2C: to=<u@b.example>, relay=mx.b.example[203.0.113.9]:25, delay=1, dsn=2.0.0, status=sent (250 Ok)"
    return "".join(
        json.dumps({"__CURSOR": f"s=a;i={n:x};b=1", "__REALTIME_TIMESTAMP": f"{int(NOW) - n}000000",
                    "_HOSTNAME": "mx1", "SYSLOG_IDENTIFIER": "postfix/smtp", "SYSLOG_PID": "7",
                    "_SYSTEMD_UNIT": "postfix@-.service", "MESSAGE": told}) + "\n"
        for n in numbers
    ).encode()  # fmt: skip


def test_what_is_piped_in_and_ends(zygote: Zygote, tmp_path: Path) -> None:
    place = Place(zygote, tmp_path)
    done = place.run("--follow", stdin=log(5) + b"2026-11-20T00:06:07+00:00 mx1 postfix/smtp[2]: x")
    assert done.returncode == 0
    assert b"twice" in done.stderr
    assert place.outcomes() == times(5)
    for last in (7, 20, 30):
        done = place.run("--follow", stdin=journal(range(1, last + 1)))
        assert (done.returncode, done.stderr) == (0, b"")
    assert place.outcomes() == times(5) + Counter(sent=30)


@pytest.mark.slow
def test_a_journal_that_is_piped_in_and_killed(zygote: Zygote, tmp_path: Path) -> None:
    """Each time it is begun again the pipe shows all there is, and goes on."""
    place = Place(zygote, tmp_path)
    written = 1
    words = command("--follow", "--quiet", "--data", place.data)
    for life in range(5):
        with subprocess.Popen(words, env=environ(), stdin=subprocess.PIPE) as child:
            assert child.stdin is not None
            child.stdin.write(journal(range(1, written)))
            end = time.monotonic() + 1.0 + 0.3 * life
            while time.monotonic() < end:
                child.stdin.write(journal(range(written, written + 30)))
                child.stdin.flush()
                written += 30
                time.sleep(0.02)
            child.kill()
    done = place.run("--follow", stdin=journal(range(1, written)))
    assert (done.returncode, done.stderr) == (0, b"")
    assert place.outcomes() == Counter(sent=written - 1)


def rotate(path: Path, rename: bool) -> None:
    for n in range(40, 0, -1):
        if (before := path.with_name(f"mail.log.{n}")).exists():
            before.rename(path.with_name(f"mail.log.{n + 1}"))
    if rename:
        path.rename(path.with_name("mail.log.1"))
        path.touch()
    else:
        shutil.copy(path, path.with_name("mail.log.1"))
        os.truncate(path, 0)


@pytest.mark.slow
def test_killed_while_logs_are_rotated(zygote: Zygote, tmp_path: Path) -> None:
    """A writer that renames or cuts its log now and then, and `--follow` killed (-9) all the while."""
    place = Place(zygote, tmp_path)
    path = place.logs / "mail.log"
    path.touch()
    written = n = 0
    for life in range(7):
        with begin(place, path):
            if not life:
                append(path, log(20))
                written += 20
                until(place, times(20))
            end = time.monotonic() + 1.0 + 0.17 * life
            while time.monotonic() < end:
                append(path, log(20, written))
                written += 20
                n += 1
                if n % 7 == 0:
                    rotate(path, rename=n % 2 == 1)
                time.sleep(0.03)
    with begin(place, path) as child:
        until(place, times(written))
        child.terminate()
        child.communicate(timeout=20)
    assert child.returncode == 0
    assert place.outcomes() == times(written)
    assert place.lines() == 4 * written
    assert place.store(place.logs)["rows"] == 0
