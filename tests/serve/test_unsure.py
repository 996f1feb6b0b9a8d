"""What serve does not know it says, once, and a person can settle it; a case that cannot be read does
not keep the others from being worked on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from todoku import settings, store
from todoku.cases import events as ev
from todoku.cases.joining import place_of
from todoku.cli import Failure, main
from todoku.i18n import Language, Sentence, say
from todoku.knowledge import load
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.model import Identity
from todoku.serve import executing, service
from todoku.serve.orders import Settle, fresh_id
from todoku.store import tables as t
from todoku.store.cases import Desk
from todoku.store.messages import People

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
        monkeypatch.setattr("todoku.serve.deeds.send", self.send)

    def send(self, _relay: object, to: str, _message: bytes) -> None:
        self.append(to)
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
    assert "申告者に連絡" not in shown, "it does not claim to do it by itself"
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
    assert desk.tally(1) is not None
    assert desk.tally(2) is None, "that of the other became an event"
