"""Floods: bounces of one incident, taken from a spool into one case."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.serve import returned
from tests.serve.returned import SC_001, MailServer
from todoku import store
from todoku.cases import events as ev
from todoku.cases.answers.reading import goes_to
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.serve import intake as intakes
from todoku.serve import spool
from todoku.serve.intake import Intake, answer_rules
from todoku.serve.proving import Proofs
from todoku.serve.sentlog import SentLog
from todoku.settings.own import Own
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox, Message

NOW = datetime(2026, 11, 24, 0, 12, tzinfo=UTC)
OWN = Own(addresses=("192.0.2.1", "192.0.2.2"), domains=("hoge.test",), helo=("mx1.hoge.test",))


def bounce(n: int, address: str = "192.0.2.1", code: str = "SC-001 (BAY004-MC3F26)") -> bytes:
    reply = f"550 {code} Unfortunately, messages from {address} weren't sent."
    return returned.bounce(f"user{n}@hotmail.com", reply, f"4JYSCK{n:06}", f"<{n}@mx1.hoge.test>")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    engine = store.connect(f"sqlite:///{tmp_path}/todoku.db")
    yield Desk(engine)
    engine.dispose()


@pytest.fixture
def intake(desk: Desk, tmp_path: Path) -> Iterator[Intake]:
    """The log has the mails whose bounces the tests hand over: 1,000 that were refused."""
    diagnoser = Diagnoser(load.knowledge(), language="en", own=OWN)
    server = MailServer(tmp_path / "mail.log", count=-1)
    for n in range(1000):
        server.sent(f"user{n}@hotmail.com", SC_001.format("192.0.2.1"))
    log = SentLog([str(server.log)], tmp_path, diagnoser)
    yield Intake(desk, diagnoser, OWN, answer_rules(), (), proofs=Proofs(desk, OWN, log=log))
    log.close()


def take(intake: Intake, folder: Path, now: datetime = NOW) -> int:
    count = 0
    while intake.collect(folder, now, ours=True):
        pass
    while taken := intake.handle(now):
        count += len(taken)
    return count


def refused(desk: Desk, number: int = 1) -> list[ev.Refused]:
    events = [r.event for r in desk.history(number)]
    return [e for e in events if isinstance(e, ev.Refused)]


def test_a_flood_is_one_event_with_its_count(
    desk: Desk, intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "BATCH", 400)
    spool.make(tmp_path / "spool")
    spool.put(tmp_path / "spool", *map(bounce, range(1000)))
    assert take(intake, tmp_path / "spool") == 1000
    assert list((tmp_path / "spool" / "new").iterdir()) == []
    assert [e.count for e in refused(desk)] == [1000]
    assert len(desk.history(1)) == 1  # 400 and 600: the others tell nothing new
    assert desk.rows()[0]["refusals"] == 1000
    desk.flush(NOW + timedelta(hours=2))
    assert [e.count for e in refused(desk)] == [1000]
    assert desk.case(1).refusals == 1000
    assert len(desk.rows()) == 1


def test_what_is_no_plain_file_in_the_spool_is_left(
    desk: Desk, intake: Intake, tmp_path: Path
) -> None:
    spool.make(tmp_path)
    (tmp_path / "new" / "0").symlink_to("/etc/hostname")
    spool.put(tmp_path, bounce(1))
    assert intake.collect(tmp_path, NOW, ours=True) == 1
    assert intake.collect(tmp_path, NOW, ours=True) == 0
    assert len(Mailbox(desk).unhandled()) == 1


def test_the_same_flood_again_counts_nothing(desk: Desk, intake: Intake, tmp_path: Path) -> None:
    spool.make(tmp_path)
    for _ in range(2):
        spool.put(tmp_path, *map(bounce, range(20)))
        take(intake, tmp_path)
    desk.flush(NOW + timedelta(hours=2))
    assert desk.case(1).refusals == 20


def test_each_address_has_its_case(desk: Desk, intake: Intake, tmp_path: Path) -> None:
    spool.make(tmp_path)
    mails = [bounce(n, f"192.0.2.{1 + n % 2}") for n in range(10)]
    spool.put(tmp_path, *mails, b"Subject: lunch\r\n\r\nAt noon?\r\n", bounce(11, "203.0.113.80"))
    take(intake, tmp_path)
    assert sorted(e.count for n in (1, 2) for e in refused(desk, n)) == [5, 5]
    assert len(desk.rows()) == 2
    assert Mailbox(desk).unhandled() == []


def test_another_worker_did_some_of_them(desk: Desk, intake: Intake, tmp_path: Path) -> None:
    """It took three between this one's look and its count."""
    spool.make(tmp_path)
    spool.put(tmp_path, *map(bounce, range(10)))
    while intake.collect(tmp_path, NOW, ours=True):
        pass
    box = Mailbox(desk)
    look = box.unhandled
    others = [m.sha256 for m in look()[:3]]

    def looked(*most: int) -> list[Message]:
        found = look(*most)
        box.handled(others, NOW)
        return found

    intake._box.unhandled = looked  # type: ignore[method-assign, assignment]
    intake.handle(NOW)
    desk.flush(NOW + timedelta(hours=2))
    assert desk.case(1).refusals == 7


def test_large_messages_are_taken_few_at_a_time(
    desk: Desk, intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "OCTETS", 3000)
    monkeypatch.setattr(spool, "LARGEST", 3000)
    spool.make(tmp_path)
    spool.put(tmp_path, *(bounce(n) + b"x" * 1000 for n in range(9)))
    assert 1 <= intake.collect(tmp_path, NOW, ours=True) < 9
    while intake.collect(tmp_path, NOW, ours=True):
        pass
    assert len(Mailbox(desk).unhandled(100, 3000)) < 9
    while intake.handle(NOW):
        pass
    desk.flush(NOW + timedelta(hours=2))
    assert desk.case(1).refusals == 9


def test_who_is_a_desk_is_known_as_the_rules_have_it(intake: Intake) -> None:
    rules = answer_rules()
    named = {name for desk in rules for name in (*desk.desks, *desk.addresses)}
    addresses = {name if "@" in name else f"help@eu.{name}" for name in named}
    addresses |= {f"x@not{name.rpartition('@')[2]}" for name in named} | {"", "@", "taro@hoge.test"}
    for address in addresses:
        assert intake._is_desk(address) == any(goes_to(address, desk) for desk in rules), address
    assert any(map(intake._is_desk, addresses))
