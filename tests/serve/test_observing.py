"""Real mail that the log shows: it proves that a block is gone, or still there, for the right address at
the right receiver, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cases.world import SC001
from todoku import store
from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.due import ActionKind
from todoku.cases.marks import TRIAL
from todoku.cases.policy import Policy
from todoku.cases.working import Deed
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.model import Identity
from todoku.serve import observing
from todoku.serve.arrivals import Met
from todoku.serve.deeds import Wait
from todoku.serve.exchangers import Exchanger, NoAnswer
from todoku.serve.observing import Observe
from todoku.serve.sentlog import SentLog
from todoku.serve.worker import Worker
from todoku.settings.own import Own
from todoku.store.actions import Queue
from todoku.store.cases import Desk

START = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OUTLOOK = "hotmail-com.olc.protection.outlook.com[52.101.9.1]"
S3150 = (
    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet "
    "service provider since part of their network is on our block list (S3150)."
)
TAKEN = "250 2.6.0 <a@b> [InternalId=1] Queued mail for delivery"
OWN = Own(
    addresses=("192.0.2.1", "192.0.2.2"),
    domains=("hoge.test",),
    transports={"smtp": ("192.0.2.1",), "out2/smtp": ("192.0.2.2",)},
    smarthosts=("relay.example.jp",),
)
K = load.knowledge()


class Log:
    """A Postfix's, line by line."""

    def __init__(self, folder: Path, own: Own = OWN) -> None:
        self.path = folder / "mail.log"
        self.path.touch()
        self.folder, self.own = folder, own
        self.count = 0
        self.now = START + 3 * DAY
        self.open()

    def open(self) -> None:
        diagnoser = Diagnoser(K, language="en", own=self.own)
        self.log = SentLog([str(self.path)], self.folder, diagnoser, own=self.own)

    def add(
        self, at: datetime, to: str, reply: str, relay: str = OUTLOOK, transport: str = "smtp"
    ) -> None:
        self.count += 1
        status = {"2": "sent", "4": "deferred", "5": "bounced"}[reply[0]]
        said = (
            f"({reply})"
            if status == "sent"
            else f"(host {relay} said: {reply} (in reply to MAIL FROM command))"
        )
        queue_id = f"4JYSCK{self.count:06}"
        # Postfix names the transport of master.cf in its syslog_name.
        program = "postfix/smtp" if transport == "smtp" else f"postfix/{transport}/smtp"
        stamp = at.isoformat()
        with self.path.open("a") as file:
            file.write(
                f"{stamp} mx1 postfix/cleanup[7]: {queue_id}: message-id=<{queue_id}@hoge.test>\n"
            )
            file.write(
                f"{stamp} mx1 {program}[9]: {queue_id}: to=<{to}>, relay={relay}:25, delay=1, "
                f"delays=0/0/0/1, dsn={reply[0]}.0.0, status={status} {said}\n"
            )

    def met(
        self,
        names: Sequence[str] = ("hotmail.com",),
        source: str = "192.0.2.1",
        since: datetime = START,
    ) -> Met:
        self.log.read_on(self.now.timestamp())
        return self.log.met(names, source, since)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_what_was_accepted_counts_once_however_often_it_is_read(log: Log) -> None:
    for hours in (1, 10, 30):
        log.add(START + timedelta(hours=hours), f"user{hours}@hotmail.com", TAKEN)
    found = log.met()
    assert (found.accepted, found.refused) == (3, None)
    assert (found.first, found.last) == (START + timedelta(hours=1), START + timedelta(hours=30))
    assert found.hosts == ("hotmail-com.olc.protection.outlook.com",)
    log.log.close()
    log.open()  # a start reads some of it again
    assert log.met().accepted == 3
    assert log.met(["hotmail.com", "microsoft-consumer"]).accepted == 3, "not for each name"
    assert log.met(since=START + timedelta(hours=10)).accepted == 1


def test_other_domains_of_the_receiver_tell_too(log: Log) -> None:
    log.add(START + DAY, "user@outlook.jp", TAKEN)
    assert log.met(["hotmail.com"]).accepted == 0
    assert log.met(["hotmail.com", "microsoft-consumer"]).accepted == 1


def test_only_what_left_from_that_address(log: Log) -> None:
    log.add(START + DAY, "user@hotmail.com", TAKEN, transport="out2")
    assert log.met().accepted == 0
    assert log.met(source="192.0.2.2").accepted == 1


def test_of_several_addresses_an_unknown_one_proves_nothing(tmp_path: Path) -> None:
    log = Log(tmp_path, Own(addresses=("192.0.2.1", "192.0.2.2"), domains=("hoge.test",)))
    log.add(START + DAY, "user@hotmail.com", TAKEN)
    assert log.met().accepted == 0


def test_a_lone_address_needs_no_table(tmp_path: Path) -> None:
    log = Log(tmp_path, Own(addresses=("192.0.2.1",), domains=("hoge.test",)))
    log.add(START + DAY, "user@hotmail.com", TAKEN)
    assert log.met().accepted == 1


def test_what_a_smarthost_took_proves_nothing(log: Log) -> None:
    log.add(START + DAY, "user@hotmail.com", TAKEN, relay="relay.example.jp[198.51.100.1]")
    assert log.met(["hotmail.com", "microsoft-consumer"]).accepted == 0


def test_a_refusal_begins_the_count_anew(log: Log) -> None:
    log.add(START + timedelta(hours=1), "a@hotmail.com", TAKEN)
    log.add(START + timedelta(hours=2), "b@hotmail.com", S3150)
    log.add(START + timedelta(hours=3), "c@hotmail.com", TAKEN)
    found = log.met(["hotmail.com", "microsoft-consumer"])
    assert found.accepted == 1 and found.refused == START + timedelta(hours=2)
    assert "S3150" in found.reply.text and "b@hotmail.com" not in found.reply.text
    assert found.reply.code == 550


def test_a_refusal_on_another_ground_is_another_matter(log: Log) -> None:
    log.add(START + timedelta(hours=1), "a@hotmail.com", TAKEN)
    log.add(START + timedelta(hours=2), "b@hotmail.com", "550 5.1.1 user unknown: no such mailbox")
    found = log.met(["hotmail.com"])
    assert (found.accepted, found.refused) == (1, None)


def test_a_delay_is_neither(log: Log) -> None:
    log.add(START + timedelta(hours=1), "a@hotmail.com", "451 4.7.650 try later (S3150)")
    assert log.met(["hotmail.com", "microsoft-consumer"]) == Met()


def test_a_trial_is_no_real_mail(log: Log) -> None:
    log.add(START + DAY, "a@hotmail.com", TAKEN)
    text = log.path.read_text().replace("message-id=<", f"message-id=<{TRIAL}")
    log.path.write_text(text)
    assert log.met().accepted == 0


def test_clocks_that_are_ahead_prove_nothing_later(log: Log) -> None:
    log.add(START + 400 * DAY, "a@hotmail.com", TAKEN)
    assert log.met().last == log.now


class Office:
    """A case that is verified, and the worker that watches the log."""

    def __init__(self, folder: Path) -> None:
        policy = Policy(proof="mail", watches_mail=True)
        self.log = Log(folder)
        self.desk = Desk(store.connect(f"sqlite:///{folder}/todoku.db"), policy)
        self.hosts: set[str] | None = {"mx1.hotmail.com"}
        self.now = START
        place = ev.Place(id="microsoft-consumer")
        ours = (Identity("ip", "192.0.2.1"),)
        self.desk.see(
            ev.Refused(
                at=START, identities=ours, place=place, reply=SC001, first=START, last=START,
                to=("hotmail.com",),
            )
        )  # fmt: skip
        answer = ev.Answered(at=START, class_="delisted", authentic=True, max_hours=1.0)
        self.desk.change(1, lambda c: commands.answer(c, answer))
        self.settled = START + timedelta(hours=1)
        means: Any = SimpleNamespace(met=self.met, policy=policy, resolver=object())
        deeds: dict[ActionKind, Deed] = {"observe": Observe(means), "wait": Wait(means)}
        self.worker = Worker("w", Queue(self.desk), deeds, lambda: self.now)

    def met(self, names: Sequence[str], source: str, since: datetime) -> Met:
        self.log.log.read_on(self.now.timestamp())
        return self.log.log.met(names, source, since)

    def exchangers(self, _domain: str, _resolver: object) -> tuple[Exchanger, ...]:
        if self.hosts is None:
            raise NoAnswer("nobody answers")
        return tuple(Exchanger(host, "198.51.100.1") for host in sorted(self.hosts))

    def work_until(self, end: datetime) -> None:
        while self.now < end:
            self.worker.work()
            self.now = min(end, self.now + timedelta(minutes=60))
        self.worker.work()

    @property
    def state(self) -> str:
        return self.desk.case(1).state

    def events(self) -> list[ev.AnyEvent]:
        return [each.event for each in self.desk.history(1)]

    def names(self) -> list[str]:
        return [ev.name(event) for event in self.events()]


class TestDeed:
    """From the log to the case that it resolves, by the worker."""

    @pytest.fixture
    def office(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
        office = Office(tmp_path)
        monkeypatch.setattr(observing, "exchangers", office.exchangers)
        yield office
        office.desk.engine.dispose()
        office.log.log.close()

    def test_three_messages_over_a_day_resolve_the_case(self, office: Office) -> None:
        office.work_until(office.settled + timedelta(hours=40))
        assert office.names()[-1] == "waited", "nothing was seen: no event says so"
        for hours in (1, 10, 30):
            office.log.add(office.settled + timedelta(hours=hours), "taro@hotmail.com", TAKEN)
        office.work_until(office.settled + timedelta(hours=48))
        assert office.state == "resolved"
        (tried,) = [e for e in office.events() if isinstance(e, ev.Tried)]
        assert (tried.how, tried.result, tried.count) == ("mail", "accepted", 3)
        assert tried.proves == ("ip:192.0.2.1",)

    def test_one_host_is_not_enough_where_two_answer(self, office: Office) -> None:
        office.hosts = {"mx1.hotmail.com", "mx2.hotmail.com"}
        office.work_until(office.settled + timedelta(hours=40))
        for hours in (1, 10, 30):
            office.log.add(office.settled + timedelta(hours=hours), "taro@hotmail.com", TAKEN)
        office.work_until(office.settled + timedelta(hours=48))
        assert office.state == "verifying"
        other = "mx2.hotmail.com[198.51.100.9]"
        office.log.add(office.settled + timedelta(hours=50), "taro@hotmail.com", TAKEN, other)
        office.work_until(office.settled + timedelta(hours=60))
        assert office.state == "resolved"

    def test_how_many_hosts_is_not_known(self, office: Office) -> None:
        office.hosts = None
        office.work_until(office.settled + timedelta(hours=40))
        for hours in (1, 10, 30):
            office.log.add(office.settled + timedelta(hours=hours), "taro@hotmail.com", TAKEN)
        office.work_until(office.settled + timedelta(hours=48))
        assert office.state == "verifying" and office.names()[-1] == "waited"
        office.hosts = {"mx1.hotmail.com"}
        office.work_until(office.settled + timedelta(hours=49))
        assert office.state == "resolved"

    def test_a_refusal_that_only_the_log_knows_declines_it(self, office: Office) -> None:
        office.work_until(office.settled + timedelta(hours=3))
        office.log.add(office.settled + timedelta(hours=1), "taro@hotmail.com", TAKEN)
        office.log.add(office.settled + timedelta(hours=2), "taro@hotmail.com", S3150)
        office.work_until(office.settled + timedelta(hours=12))
        assert office.state == "declined"
        case = office.desk.case(1)
        assert "S3150" in (case.reply.text if case.reply else "")
        assert case.refused_to == office.settled + timedelta(hours=2)
