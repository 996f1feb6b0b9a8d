"""A user's report that our own domain's DKIM signature proves: over To, too, whole, and now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dkim
import pytest

from todoku import store
from todoku.cases import events as ev
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.lab.signing import SELECTOR, key
from todoku.serve.intake import Intake, Taken, answer_rules
from todoku.serve.usermail import UserMail
from todoku.settings.own import Own
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox
from todoku.store.unverified import Unverified

OWN = Own(addresses=("192.0.2.1",), domains=("hoge.test",))
OVER = (b"from", b"to", b"subject", b"date")


def look_up(name: str) -> bytes:
    return key(7).record.encode() if name == f"{SELECTOR}._domainkey.hoge.test" else b""


def report(
    *,
    sender: str = "sato@hoge.test",
    to: str = "trouble@hoge.test",
    over: tuple[bytes, ...] = OVER,
    domain: str = "hoge.test",
    length: bool = False,
) -> bytes:
    mail = (
        f"From: {sender}\r\nTo: {to}\r\nSubject: help\r\nDate: Tue, 24 Nov 2026 09:00:00 +0900\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        "今朝からホットメールへ送れません。\r\n"
    ).encode()
    made: bytes = dkim.DKIM(mail).sign(
        SELECTOR.encode(),
        domain.encode(),
        key(7).private,
        include_headers=list(over),
        length=length,
    )
    return made + mail


class House:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        diagnoser = Diagnoser(load.knowledge(), language="en", own=OWN)
        users = UserMail("trouble@hoge.test", diagnoser, OWN, look_up)
        # No name is trusted: what is believed is believed for the signature.
        self.intake = Intake(desk, diagnoser, OWN, answer_rules(), (), users=users)

    def take(self, mail: bytes, now: datetime | None = None) -> Taken:
        now = now or datetime.now(UTC)
        Mailbox(self.desk).keep([mail], "test", now)
        (taken,) = self.intake.handle(now)
        return taken


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    engine = store.connect(f"sqlite:///{tmp_path}/todoku.db")
    yield House(Desk(engine))
    engine.dispose()


def test_it_is_believed(house: House) -> None:
    assert house.take(report()).what == "report"
    event = house.desk.history(1)[0].event
    assert isinstance(event, ev.Reported)
    assert (event.who, event.to, event.by) == ("person:1", ("hotmail.com",), None)
    assert event.place is not None and event.place.id == "microsoft-consumer"


def test_of_a_domain_below_ours_too(house: House) -> None:
    assert house.take(report(sender="kato@sales.hoge.test")).what == "report"


def test_as_it_came_to_us_with_the_envelope_on_top(house: House) -> None:
    """Our own LMTP writes it; and a list of ours may have more recipients."""
    envelope = b"Return-Path: <sato@hoge.test>\r\nDelivered-To: trouble@hoge.test\r\n"
    assert (
        house.take(envelope + report(to="boss@hoge.test, Trouble <trouble@hoge.test>")).what
        == "report"
    )


@pytest.mark.parametrize(
    "mail",
    [
        # To somebody else, and handed on to us by him.
        b"Delivered-To: trouble@hoge.test\r\n" + report(to="evil@elsewhere.test"),
        report(over=(b"from", b"subject", b"date")),  # To is anybody's
        b"To: trouble@hoge.test\r\n" + report(to="evil@elsewhere.test"),
        report(domain="elsewhere.test"),
        report(sender="sato@elsewhere.test"),
        report(length=True),
        report().replace("ホットメール".encode(), "ヤフー".encode()),
        report().replace(b"From: sato@", b"From: kato@"),
        b"From: kato@hoge.test\r\n" + report(),
        report().replace(b"; s=", b"; x=100; s=", 1),
        report()[report().index(b"From: ") :],
    ],
    ids=range(11),
)  # fmt: skip
def test_it_is_not(house: House, mail: bytes) -> None:
    assert house.take(mail).what in {"unverified", "nothing"}
    assert house.desk.rows() == []


def test_a_signature_of_the_future(house: House) -> None:
    assert house.take(report(), datetime.now(UTC) - timedelta(days=2)).what == "unverified"
    ((group,), _) = Unverified(house.desk).groups()
    assert (group.kind, group.doubt, group.newest.who) == ("report", "no-proof", "sato@hoge.test")
