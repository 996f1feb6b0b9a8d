"""What goes wrong while serve works. What it does not know it says, once, and a person can settle it; a
case that cannot be read keeps no other from being worked on; a disk that is full, a database that is
locked and a clock that is wrong pass, and nobody is told twice."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests import postgres
from tests.serve.returned import MailServer
from todoku import settings, store
from todoku.cases import events as ev
from todoku.cases.joining import place_of
from todoku.cli import Failure, main
from todoku.i18n import Language, Sentence, say
from todoku.knowledge import load
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.model import Identity
from todoku.serve import executing, opening, service
from todoku.serve.orders import Settle, fresh_id
from todoku.store import Full
from todoku.store import tables as t
from todoku.store.actions import Queue
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox, People

START = datetime.now(UTC) - timedelta(hours=1)
NOW = START + timedelta(minutes=10)
SATO = "sato@hoge.test"


class Hands:
    """A clock in somebody's hands."""

    factor = 1.0

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


class Relay(list[str]):
    """Instead of the mail server: whom it was given mail for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fault: Exception | None = None
        self.then: Callable[[], object] = lambda: None
        monkeypatch.setattr("todoku.serve.deeds.send", self.send)

    def send(self, _relay: object, to: str, _message: bytes) -> None:
        self.append(to)
        self.then()
        if self.fault is not None:
            raise self.fault


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Relay:
    return Relay(monkeypatch)


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1")
    monkeypatch.setenv("TODOKU_MAIL_SENDER", "postmaster@hoge.test")
    monkeypatch.setenv("TODOKU_DNS_RESOLVER", "127.0.0.1:1")
    (tmp_path / "mail.log").touch()
    monkeypatch.setenv("TODOKU_MAIL_LOG", str(tmp_path / "mail.log"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    return settings.load()


@pytest.fixture
def desk(found: settings.Settings) -> Iterator[Desk]:
    engine = store.connect(found.general.store)
    yield Desk(engine)
    engine.dispose()


Said = list[tuple[Sentence, dict[str, object]]]


@pytest.fixture
def said() -> Said:
    return []


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def serve(
    found: settings.Settings, desk: Desk, said: Said, clock: Hands, tmp_path: Path
) -> Iterator[service.Service]:
    with Kept.open(tmp_path / "kept") as kept:
        means = service.means(found, desk, load.knowledge(), Terms(), kept, "ja", clock)
        yield service.Service("w", found, means, clock, tell=lambda s, v: said.append((s, v)))


def reported(desk: Desk, who: str = SATO, domain: str = "hotmail.com") -> int:
    ref = People(desk).known_as(who, lang="ja")
    event = ev.Reported(at=START, who=ref, lang="ja", to=(domain,), place=place_of(domain=domain))
    return desk.see(event)[0].case


def dies_while_telling(serve: service.Service, relay: Relay, clock: Hands) -> None:
    """What a dead worker leaves: an intent without an outcome."""
    relay.fault = RuntimeError("the power is gone")
    serve.round()
    relay.fault = None
    clock.at = NOW


def run(*words: str, lang: str = "ja") -> str:
    done = CliRunner().invoke(main, ["--lang", lang, *words], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def texts(said: Said, lang: Language = "en") -> list[str]:
    return [say(sentence, lang, **values) for sentence, values in said]


def test_it_is_said_once_and_shown(
    serve: service.Service, desk: Desk, relay: Relay, clock: Hands, said: Said
) -> None:
    reported(desk)
    dies_while_telling(serve, relay, clock)
    said.clear()
    for _ in range(3):
        serve.round()
    (text,) = texts(said)
    assert text.startswith(f'case 1: it is not known whether the mail "being worked on" to {SATO}')
    assert "<todoku." in text and "todoku case settle 1 --sent" in text
    assert relay == [SATO], "it is not sent again by itself"
    shown = run("case", "show", "1")
    assert f"案件 1: {SATO} への「対応を始めました」のメールを送れたかどうか分かりません" in shown
    assert "利用者に連絡" not in shown, "it does not claim to do it by itself"
    assert "（送れたか分からないメールがあります）" in run("case", "list")
    assert "not known whether a mail was sent" in run("case", "list", lang="en")


def test_it_was_sent(
    serve: service.Service, desk: Desk, relay: Relay, clock: Hands, said: Said
) -> None:
    reported(desk)
    dies_while_telling(serve, relay, clock)
    assert run("case", "settle", "1", "--sent") == "案件 1 に記録しました。todoku case show 1\n"
    told = desk.history(1)[-1].event
    assert isinstance(told, ev.Told)
    assert (told.about, told.delivered, told.by is not None) == ("opened", True, True)
    said.clear()
    serve.round()
    assert relay == [SATO]
    assert "送れたか" not in run("case", "show", "1") + run("case", "list")
    assert said == []


def test_it_was_not_sent(serve: service.Service, desk: Desk, relay: Relay, clock: Hands) -> None:
    reported(desk)
    dies_while_telling(serve, relay, clock)
    run("case", "settle", "1", "--not-sent")
    noted = desk.history(1)[-1].event
    assert isinstance(noted, ev.Noted) and noted.text == "メールは送られていませんでした"
    serve.round()
    assert relay == [SATO, SATO]
    assert [ev.name(e.event) for e in desk.history(1)] == ["reported", "noted", "told"]


def test_nothing_to_settle(desk: Desk, serve: service.Service, relay: Relay) -> None:
    reported(desk)
    serve.round()
    for word in ("--sent", "--not-sent"):
        with pytest.raises(Failure, match="送れたか分からないメールはありません"):
            run("case", "settle", "1", word)
    assert len(desk.history(1)) == 2
    with pytest.raises(Failure, match="案件 7 はありません"):
        run("case", "settle", "7", "--sent")


def test_of_several_one_is_named(
    serve: service.Service, desk: Desk, relay: Relay, clock: Hands, said: Said
) -> None:
    reported(desk)
    reported(desk, "suzuki@hoge.test")
    dies_while_telling(serve, relay, clock)
    said.clear()
    serve.round()
    assert len(said) == 2
    ids = [work.id for work in serve.worker.left]
    with pytest.raises(Failure, match=rf"2 通.*--action（{ids[0]}, {ids[1]}）"):
        run("case", "settle", "1", "--sent")
    assert f"--sent --action {ids[1]}" in run("case", "show", "1")
    run("case", "settle", "1", "--sent", "--action", str(ids[1]))
    run("case", "settle", "1", "--not-sent")
    serve.round()
    assert sorted(relay) == [SATO, SATO, "suzuki@hoge.test"]


def test_an_order_to_settle_is_done_once(
    serve: service.Service, desk: Desk, relay: Relay, clock: Hands, found: settings.Settings
) -> None:
    reported(desk)
    reported(desk, "suzuki@hoge.test")
    dies_while_telling(serve, relay, clock)
    ids = [work.id for work in serve.worker.queue.unknown(clock.now())]
    for sent, action in zip((True, False), ids, strict=True):
        order = Settle(id=fresh_id(), by="a", case=1, sent=sent, action=action, text="no")
        first, second = (
            executing.execute(order, desk, lambda: serve.means.diagnoser, found.own, clock.now())
            for _ in range(2)
        )
        assert first == second != ()
    assert len(desk.history(1)) == 4


def newer(desk: Desk, number: int) -> None:
    """An event of a newer todoku in this case."""
    with store.writing(desk.engine) as connection:
        statement = sa.update(t.events).where(t.events.c.case_id == number, t.events.c.seq == 1)
        connection.execute(statement.values(payload='{"event":"reported","v":99}'))


def test_a_case_that_cannot_be_read_keeps_no_other_from_being_worked_on(
    serve: service.Service, desk: Desk, relay: Relay, clock: Hands, said: Said
) -> None:
    reported(desk)
    reported(desk, "suzuki@hoge.test", "example.net")
    newer(desk, 1)
    for _ in range(3):  # and whenever its lease is over
        serve.round()
        clock.at += timedelta(minutes=6)
    (text,) = texts(said)
    assert "1/1" in text and "newer" in text
    assert relay == ["suzuki@hoge.test"]
    assert [ev.name(e.event) for e in desk.history(2)] == ["reported", "told"]


def test_a_mail_of_unknown_fate_in_a_case_that_cannot_be_read(
    serve: service.Service, desk: Desk, relay: Relay, clock: Hands, said: Said
) -> None:
    reported(desk)
    dies_while_telling(serve, relay, clock)
    newer(desk, 1)
    reported(desk, "suzuki@hoge.test", "example.net")
    serve.round()
    assert relay == [SATO, "suzuki@hoge.test"]
    assert any("it is not known whether" in text for text in texts(said))


def test_a_flood_in_a_case_that_cannot_be_read(
    serve: service.Service, desk: Desk, clock: Hands, said: Said, relay: Relay
) -> None:
    for n, value in enumerate(("192.0.2.1", "192.0.2.2"), 1):
        for at in (START, START + timedelta(minutes=1)):
            seen = ev.Refused(
                at=at, identities=(Identity("ip", value),), place=place_of(domain="example.net"),
                first=at, last=at, source=f"message:{n}{at}",
            )  # fmt: skip
            desk.see(seen)
    newer(desk, 1)
    clock.at = START + timedelta(hours=2)
    serve.round()
    serve.round()
    assert sum("1/1" in text for text in texts(said)) == 1
    with desk.engine.connect() as connection:
        found = connection.execute(sa.select(t.tallies.c.case_id, t.tallies.c.since))
        since = {row.case_id: row.since for row in found}
    assert since[1] is not None
    assert since[2] is None, "the other was looked at"


def bounce(log: Path, address: str, domain: str) -> bytes:
    reply = f"550 5.7.1 Client host [{address}] is blocked"
    return MailServer(log).refused(f"a@{domain}", reply, server=f"mx.{domain}[198.51.100.25]")


def test_mail_for_a_case_that_cannot_be_read_waits_and_the_other_is_taken_in(
    serve: service.Service, desk: Desk, said: Said, relay: Relay, tmp_path: Path
) -> None:
    box = tmp_path / "box"
    (box / "new").mkdir(parents=True)
    serve.folder = box
    log = tmp_path / "mail.log"
    (box / "new" / "0").write_bytes(bounce(log, "192.0.2.1", "example.net"))
    serve.round()
    assert ev.name(desk.history(1)[0].event) == "refused"
    with desk.engine.connect() as connection:
        whole = connection.execute(sa.select(t.events.c.payload).where(t.events.c.seq == 1))
        good = whole.scalar_one()
    newer(desk, 1)
    (box / "new" / "1").write_bytes(bounce(log, "192.0.2.1", "example.net") + b"again\n")
    (box / "new" / "2").write_bytes(bounce(log, "192.0.2.1", "example.org"))
    for _ in range(3):
        serve.round()
    assert sum("1/1" in text for text in texts(said)) == 1
    assert ev.name(desk.history(2)[0].event) == "refused"
    assert len(Mailbox(desk).unhandled()) == 1
    with store.writing(desk.engine) as connection:  # the newer todoku is back
        statement = sa.update(t.events).where(t.events.c.case_id == 1, t.events.c.seq == 1)
        connection.execute(statement.values(payload=good))
    serve.round()
    assert Mailbox(desk).unhandled() == []
    assert desk.case(1).refusals == 2 and ev.name(desk.history(1)[-1].event) != "refused"


# The store cannot be used


def always(desk: Desk, pragma: str) -> Callable[[], object]:
    """Set on each connection from now on; returns what ends it."""

    def set_it(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA {pragma}")

    sa.event.listen(desk.engine, "checkout", set_it)
    return lambda: sa.event.remove(desk.engine, "checkout", set_it)


def full(desk: Desk) -> Callable[[], object]:
    """The disk is full: the file can't grow, and its pages hold no more. Returns what makes room."""
    with desk.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    undo = always(desk, f"max_page_count = {pages}")
    none = {"case_id": 999, "kind": "none", "action": "", "not_before": 0, "attempt": 1}
    none |= {"outcome": "done", "outcome_at": 0}
    event = {"case_id": 999, "at": 0, "event": "noted", "payload": ""}
    for n in range(2000):
        with contextlib.suppress(Full), store.writing(desk.engine) as connection:
            connection.execute(sa.insert(t.actions), none | {"key": str(n)})
        with contextlib.suppress(Full), store.writing(desk.engine) as connection:
            connection.execute(sa.insert(t.events), event | {"seq": n, "source": str(n)})

    def room() -> None:
        undo()
        again = always(desk, "max_page_count = 1000000")
        with desk.engine.connect():
            pass
        again()

    return room


@contextlib.contextmanager
def at_work(serve: service.Service) -> Iterator[None]:
    thread = threading.Thread(target=serve.run)
    thread.start()
    try:
        yield
    finally:
        serve.stop()
        thread.join(30)
        assert not thread.is_alive()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "EVERY", 0.1)


def test_the_disk_is_full_and_then_is_not(
    serve: service.Service, desk: Desk, relay: Relay, said: Said, clock: Hands
) -> None:
    reported(desk)
    room = full(desk)
    with at_work(serve):
        until(lambda: said)
        time.sleep(0.5)
        assert relay == [], "nobody is told what could not be written down"
        (text,) = texts(said)
        assert "no room" in text and "goes on where it stopped" in text
        room()
        clock.at = NOW
        until(lambda: relay)
        until(lambda: len(desk.history(1)) == 2)
        until(lambda: len(said) > 1)
    assert texts(said)[1:] == ["the database can be used again; work goes on."]
    assert relay == [SATO]


def test_the_disk_is_full_when_the_mail_is_sent(
    serve: service.Service, desk: Desk, relay: Relay, said: Said, clock: Hands
) -> None:
    """What this process knows needs no finding out, however long it takes to write it down."""
    reported(desk)
    rooms: list[Callable[[], object]] = []
    relay.then = lambda: rooms.append(full(desk))
    with at_work(serve):
        until(lambda: said)
        clock.at = NOW
        relay.then = lambda: None
        rooms[0]()
        until(lambda: len(desk.history(1)) == 2)
    assert [ev.name(e.event) for e in desk.history(1)] == ["reported", "told"]
    assert relay == [SATO]
    assert not any("not known" in text for text in texts(said))


def test_another_process_keeps_the_database_for_a_while(
    serve: service.Service, desk: Desk, relay: Relay, said: Said
) -> None:
    reported(desk)
    always(desk, "busy_timeout = 50")
    other = sqlite3.connect(str(desk.engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with at_work(serve):
        until(lambda: said)
        time.sleep(0.3)
        (text,) = texts(said)
        assert "another process has kept the database" in text
        other.execute("ROLLBACK")
        until(lambda: relay)
        until(lambda: len(desk.history(1)) == 2)
    other.close()
    assert relay == [SATO]


@pytest.mark.slow
def test_the_database_server_is_away_for_a_while(
    found: settings.Settings, relay: Relay, said: Said, clock: Hands, tmp_path: Path
) -> None:
    with postgres.server() as server:
        desk = Desk(store.connect(server.database()))
        with Kept.open(tmp_path / "kept") as kept:
            means = service.means(found, desk, load.knowledge(), Terms(), kept, "ja", clock)
            served = service.Service(
                "w", found, means, clock, tell=lambda s, v: said.append((s, v))
            )
            reported(desk)
            relay.then = server.stop  # it has the mail; the outcome cannot be written down
            with at_work(served):
                until(lambda: said)
                relay.then = lambda: None
                server.start()
                until(lambda: len(said) > 1)
                until(lambda: len(desk.history(1)) == 2)
        assert relay == [SATO]
        assert texts(said)[-1] == "the database can be used again; work goes on."
        desk.engine.dispose()


# Clocks


def test_a_clock_that_is_set_back_and_forth(
    serve: service.Service, desk: Desk, relay: Relay, clock: Hands, said: Said
) -> None:
    reported(desk)
    serve.round()
    for hours in (-24 * 30, 0, -1, 24, -24, 1):
        clock.at = START + timedelta(hours=hours)
        serve.round()
        assert 0 < serve.worker.rest() <= 60
    assert relay.count(SATO) == 1
    reported(desk, "suzuki@hoge.test")
    clock.at = START - timedelta(days=30)
    serve.round()
    assert "suzuki@hoge.test" not in relay, "nothing before its time"
    clock.at = START + timedelta(hours=1)
    serve.round()
    serve.round()
    assert relay.count("suzuki@hoge.test") == 1
    assert [ev.name(e.event) for e in desk.history(1)].count("told") == len(relay)
    assert said == []


def test_a_worker_that_died_with_a_clock_far_ahead(
    serve: service.Service, desk: Desk, relay: Relay, clock: Hands
) -> None:
    """Its lease is not waited for."""
    reported(desk)
    assert Queue(desk).take("dead", START + timedelta(days=3000)) is not None
    serve.round()
    assert relay == [SATO]


# Power


def test_no_file_of_mail_leaves_its_place_before_it_is_on_disk(
    serve: service.Service,
    desk: Desk,
    relay: Relay,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of what the database has written only what it has synchronised is there after a power cut: the
    whole log, as every commit does that."""
    box = tmp_path / "box"
    for part in ("tmp", "new", "cur"):
        (box / part).mkdir(parents=True)
    (box / "new" / "1").write_bytes(b"Subject: hello\n\nhello\n")
    serve.folder = box
    moved: list[int] = []
    replace = Path.replace

    def watched(path: Path, target: Path) -> Path:
        with desk.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        there = tmp_path / f"after{len(moved)}.db"
        for end in ("", "-wal"):
            file = Path(f"{desk.engine.url.database}{end}")
            Path(f"{there}{end}").write_bytes(file.read_bytes())
        with contextlib.closing(sqlite3.connect(there)) as rest:
            moved.append(rest.execute("SELECT count(*) FROM messages").fetchone()[0])
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", watched)
    serve.round()
    assert moved == [1]
    assert not (box / "new" / "1").exists()


def test_a_disk_that_is_full_before_it_begins_stops_nothing_by_itself(
    found: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process id is for the sentence of another: the database says what there is no room for."""

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with (
        opening.alone(found),
        pytest.raises(opening.Served, match=r"process \?"),
        opening.alone(found),
    ):
        pass
