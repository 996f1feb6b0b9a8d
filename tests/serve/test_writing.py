"""Letters to desks, sent by the real worker through a real SMTP server on loopback: confirmed or
allowed, once, by the way that is not blocked, and again with pauses where nobody takes them."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.cases.world import SC001
from tests.serve.returned import bounce
from todoku import settings, store
from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.due import ActionKind, plan
from todoku.cases.policy import Policy
from todoku.cases.requesting import Reverse
from todoku.cases.requesting.composing import NOT_MAIL
from todoku.cases.requesting.values import KINDS
from todoku.cases.tasks import tasks
from todoku.cases.working import MOST_ATTEMPTS, Deed
from todoku.cli import Failure
from todoku.cli.case_request import _at_work
from todoku.cli.render import case as screen
from todoku.cli.render.case_request import short_words
from todoku.cli.serve import _check_desks
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.model import Identity
from todoku.serve import executing, reversing, unsure
from todoku.serve.deeds import Means, all_of
from todoku.serve.intake import Intake, answer_rules
from todoku.serve.orders import Ask, Settle, fresh_id
from todoku.serve.worker import NotTaken, Worker
from todoku.settings import Contact
from todoku.settings.own import Own
from todoku.store.actions import LEASE, Queue
from todoku.store.cases import Desk
from todoku.store.messages import People

replace = msgspec.structs.replace
START = datetime(2026, 11, 24, 0, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
IP = Identity("ip", "192.0.2.1")
DESK = "apple-icloud/postmaster"
OWN = Own(addresses=("192.0.2.1",), domains=("hoge.test",), helo=("mx1.hoge.test",))
ME = Contact(name="佐藤 花子", email="postmaster@hoge.test", company="Hoge K.K.")


class Relay:
    """A mail server of ours. `says`: its answer at a stage; `on_data`: what happens before that."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], EmailMessage]] = []
        self.says: dict[str, str] = {}
        self.on_data: Callable[[], object] = lambda: None

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if "RCPT" in self.says:
            return self.says["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        self.on_data()
        if "DATA" in self.says:
            return self.says["DATA"]
        body = envelope.original_content or b""
        mail = email.message_from_bytes(body, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.taken.append((envelope.mail_from or "", envelope.rcpt_tos, mail))
        return "250 2.0.0 queued"


@contextmanager
def standing(relay: Relay) -> Iterator[tuple[str, int]]:
    held = Controller(relay, hostname="127.0.0.1", port=0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        held.port = free.getsockname()[1]
    held.start()
    try:
        yield ("127.0.0.1", held.port)
    finally:
        held.stop()


class Office:
    """A data folder with a case at a desk that takes mail, and the worker on it."""

    def __init__(self, folder: Path, relay: tuple[str, int], *, allowed: bool = False) -> None:
        self.now = START
        self.relay = relay
        policy = Policy(unattended=frozenset({DESK}) if allowed else frozenset())
        self.desk = Desk(store.connect(f"sqlite:///{folder}/todoku.db"), policy)
        self.queue = Queue(self.desk)
        self.told: list[Exception] = []
        self.sent: bool | None = None
        """What the mail log says of a Message-ID."""
        self.diagnoser = Diagnoser(load.knowledge(), language="en", own=OWN)
        self.means = Means(
            desk=self.desk,
            people=People(self.desk),
            diagnoser=self.diagnoser,
            own=OWN,
            lists=lambda _identities, _place, _now: (),
            resolver=None,
            relay=("127.0.0.1", 1),
            desk_relay=relay,
            sender="bounces@hoge.test",
            data=folder,
            admin="postmaster@hoge.test",
            helo="mx1.hoge.test",
            contact=ME,
            was_sent=lambda _message_id: self.sent,
        )
        self.open()

    def worker(self, **means: Any) -> Worker:
        deeds = all_of(replace(self.means, **means))
        # Its domain has no servers here, and nobody to tell.
        kinds: dict[ActionKind, Deed] = {
            k: d for k, d in deeds.items() if k in {"request", "escalate", "send", "wait"}
        }
        return Worker("w", self.queue, kinds, lambda: self.now, tell=self.told.append)

    def open(self) -> None:
        place = ev.Place(id="apple-icloud")
        refused = ev.Refused(
            at=self.now, identities=(IP,), place=place, reply=SC001, first=self.now,
            last=self.now, to=("icloud.com",),
        )  # fmt: skip
        told = ev.Diagnosed(at=self.now, place=place, identities=(IP,), desk=DESK)
        self.desk.see(refused, told)
        self.add(ev.CauseFound(at=self.now, by="admin", looked=("mail log",)))

    def add(self, *events: ev.AnyEvent) -> None:
        self.desk.change(1, lambda _: events)

    def confirm(self) -> None:
        letter = ev.Letter(
            to="icloudadmin@apple.com",
            subject="unblock",
            sender="postmaster@hoge.test",
            name="花子",
        )
        order = Ask(
            id=fresh_id(), by="admin", case=1, desk=DESK, channel="mail", text="解除を\n.\nお願いします。\n",
            letter=letter,
        )  # fmt: skip
        executing.execute(order, self.desk, lambda: self.diagnoser, OWN, self.now)

    def decline(self, class_: ev.AnswerClass = "not-qualified", **more: Any) -> None:
        answer = ev.Answered(
            at=self.now, class_=class_, authentic=True, message_id="<no.1@apple.test>",
            ticket="APL-4711", **more,
        )  # fmt: skip
        self.desk.change(1, lambda case: commands.answer(case, answer))

    @property
    def state(self) -> str:
        return self.desk.case(1).state

    def names(self) -> list[str]:
        return [ev.name(r.event) for r in self.desk.history(1)][3:]

    def last(self, kind: type[ev.AnyEvent]) -> Any:
        return [r.event for r in self.desk.history(1) if isinstance(r.event, kind)][-1]


def reverse(*_: object) -> dict[str, Reverse]:
    return {"192.0.2.1": Reverse(names=("mx1.hoge.test",), confirmed=True)}


@pytest.fixture(autouse=True)
def _reverse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reversing, "reverse_of", reverse)


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def address(relay: Relay) -> Iterator[tuple[str, int]]:
    with standing(relay) as where:
        yield where


def test_a_confirmed_letter_goes_out_once(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address)
    office.confirm()
    assert office.state == "requested", "a second person is told that it is on its way"
    worker = office.worker()
    assert (worker.work(), worker.work()) == (1, 0)
    [(sender, recipients, mail)] = relay.taken
    assert (sender, recipients) == ("bounces@hoge.test", ["icloudadmin@apple.com"])
    assert str(mail["from"]) == "花子 <postmaster@hoge.test>"
    assert mail["auto-submitted"] is None and mail["references"] is None
    assert mail.get_content().splitlines() == ["解除を", ".", "お願いします。"]
    asked, sent = office.last(ev.Requested), office.last(ev.Sent)
    assert str(mail["message-id"]) == asked.message_id == sent.message_id
    assert asked.message_id.startswith("<todoku.") and len(asked.message_id) > 40
    assert sent.delivered and office.names() == ["requested", "sent"]
    assert office.desk.find(f"message:{asked.message_id}") == 1, "what replies to it is found"


def test_nothing_is_sent_that_nobody_allowed(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address)
    office.now += 100 * HOUR
    assert office.worker().work() == 0
    assert relay.taken == [] and office.state == "open"


def test_todoku_writes_by_itself_where_the_settings_allow_it(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address, allowed=True)
    office.worker().work()
    assert office.names() == ["requested", "sent"]
    [(_, recipients, mail)] = relay.taken
    assert recipients == ["icloudadmin@apple.com"]
    body = mail.get_content()
    assert "SC-001" in body and "mail log" in body and "[to be filled in]" not in body
    assert office.last(ev.Requested).by is None


def test_what_is_in_the_way_stops_it(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address, allowed=True)
    office.worker(contact=Contact(name="Sato")).work()
    assert office.last(ev.Hindered).obstacles == ("no-contact",)
    assert relay.taken == [] and office.worker().work() == 0, "a person looks first"
    office.add(ev.Mended(at=office.now, by="admin", what="set the contact"))
    office.worker().work()
    assert len(relay.taken) == 1


def test_what_is_not_known_is_waited_for(
    relay: Relay, address: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reversing, "reverse_of", lambda *_: {"192.0.2.1": Reverse()})
    office = Office(tmp_path, address, allowed=True)
    office.worker().work()
    assert relay.taken == [] and office.names() == [], "neither sent nor put aside"
    monkeypatch.setattr(reversing, "reverse_of", reverse)
    office.now += HOUR
    office.worker().work()
    assert len(relay.taken) == 1


def test_no_way_but_the_blocked_one_is_none(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address, allowed=True)
    for way in (None, ("192.0.2.1", address[1])):
        office.worker(desk_relay=way, relay=address).work()
        assert office.last(ev.Hindered).obstacles == ("own-mailbox",)
        office.add(ev.Mended(at=office.now, by="admin", what="something"))
    assert relay.taken == []


def test_a_reply_replies_to_the_desks_last_word_after_a_pause(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address, allowed=True)
    office.worker().work()
    office.decline()
    office.now += 3 * HOUR
    assert office.worker().work() == 0, "haste does harm"
    office.now += HOUR
    office.worker().work()
    assert office.names() == ["requested", "sent", "answered", "escalated", "sent"]
    mail = relay.taken[1][2]
    asked = office.last(ev.Requested).message_id
    assert mail["in-reply-to"] == "<no.1@apple.test>"
    assert mail["references"].split() == [asked, "<no.1@apple.test>"]
    assert str(mail["subject"]).startswith("Re: APL-4711: ")
    assert "SC-001" in mail.get_content() and "have a person look" in mail.get_content()
    assert office.desk.case(1).standings[0].escalations == 1


def test_it_insists_a_few_times_and_then_a_person_decides(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address, allowed=True)
    office.worker().work()
    pauses = []
    for _ in range(6):
        office.decline()
        began = office.now
        for wait in (3, 1, 20, 48):
            office.now += wait * HOUR
            office.desk.see(  # mail is refused all the time
                ev.Refused(
                    at=office.now, identities=(IP,), place=ev.Place(id="apple-icloud"),
                    reply=SC001, first=office.now, last=office.now, to=("icloud.com",),
                )
            )  # fmt: skip
            if office.worker().work():
                break
        pauses.append((office.now - began) / HOUR)
    assert pauses[:5] == [4, 24, 72, 72, 72] and len(relay.taken) == 6
    assert [t.kind for t in tasks(office.desk.case(1)) if t.since <= office.now] == ["decide"]


def test_an_old_refusal_is_not_todays(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address, allowed=True)
    office.worker().work()
    office.now += 72 * HOUR
    office.decline()
    office.now += 4 * HOUR
    assert office.worker().work() == 0 and len(relay.taken) == 1
    plan_ = [a.kind for a in plan(office.desk.case(1), office.desk.policy)]
    assert "probe" in plan_ and "escalate" not in plan_, "it is asked what they say today"
    vain = ev.Probed(at=office.now, identity=IP, result="inconclusive")
    office.add(vain, vain)
    office.worker().work()
    assert office.last(ev.Hindered).obstacles == ("old-refusal",) and len(relay.taken) == 1


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("RCPT", "450 4.7.1 later"),
        ("DATA", "451 4.3.0 disk full"),
        ("DATA", "554 5.7.1 no"),
    ],
)
def test_what_the_relay_does_not_take_is_tried_again_with_pauses(
    stage: str, answer: str, relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address)
    office.confirm()
    relay.says = {stage: answer}
    worker = office.worker()
    assert worker.work() == 1
    assert office.names() == ["requested"] and office.state == "requested"
    [told] = office.told
    assert isinstance(told, NotTaken) and answer in told.text("en") and "案件 1" in told.text("ja")
    assert worker.work() == 0, "not at once"
    (failing,) = office.queue.failing(1)
    assert answer in failing.why and failing.again_at > office.now.timestamp()
    shown = "\n".join(
        screen.case(
            office.desk.case(1), office.desk.history(1), str, str, office.desk.policy, "ja",
            office.now, failing=[failing],
        )
    )  # fmt: skip
    assert f"まだできていません: 窓口への手紙を送信（127.0.0.1:{address[1]}: {answer}" in shown
    relay.says = {}
    office.now += HOUR
    assert worker.work() == 1
    assert office.names() == ["requested", "sent"] and len(relay.taken) == 1
    assert office.queue.failing(1) == []


def test_a_relay_that_never_takes_it_gives_the_task_back(tmp_path: Path) -> None:
    office = Office(tmp_path, ("127.0.0.1", 1))  # nobody listens there
    office.confirm()
    for _ in range(MOST_ATTEMPTS):
        office.worker().work()
        office.now += 3 * HOUR
    sent = office.last(ev.Sent)
    assert sent.delivered is False and "127.0.0.1:1" in sent.why
    assert isinstance(office.told[-1], NotTaken)
    assert office.state == "open" and office.desk.case(1).outbox == ()
    assert office.worker().work() == 0
    office.confirm()
    assert office.state == "requested"


class Killed(BaseException):
    """The process dies."""


def killed_in_data(office: Office, relay: Relay) -> None:
    """The relay takes it, and the worker dies before it hears so."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    worker = office.worker()
    finish = office.queue.finish
    office.queue.finish = die  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        worker.work()
    office.queue.finish = finish  # type: ignore[method-assign]
    assert len(relay.taken) == 1


@pytest.mark.parametrize("known", [True, None])
def test_what_nobody_knows_is_asked_about_and_never_repeated(
    known: bool | None, relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address)
    office.confirm()
    killed_in_data(office, relay)
    office.now += LEASE + HOUR
    office.sent = known
    worker = office.worker()
    worker.work()
    if known:  # the mail log has it
        assert office.names() == ["requested", "sent"]
    else:
        assert office.names() == ["requested"]
        [work] = worker.left
        sentence, values = unsure.told(work, str)
        assert "icloudadmin@apple.com" in sentence["en"].format(**values)
        assert "解除の依頼" in sentence["ja"].format(**values)
        order = Settle(id=fresh_id(), by="admin", case=1, sent=True)
        executing.execute(order, office.desk, lambda: office.diagnoser, OWN, office.now)
        assert office.last(ev.Sent).by == "admin"
    office.now += HOUR
    assert office.worker().work() == 0 and len(relay.taken) == 1


def test_what_a_person_found_not_sent_is_sent(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address)
    office.confirm()
    killed_in_data(office, relay)
    relay.taken.clear()
    office.now += LEASE + HOUR
    office.worker().work()
    order = Settle(id=fresh_id(), by="admin", case=1, sent=False, text="not in the log")
    executing.execute(order, office.desk, lambda: office.diagnoser, OWN, office.now)
    office.worker().work()
    assert len(relay.taken) == 1 and office.last(ev.Sent).delivered


def test_an_answer_that_comes_first_stops_the_letter(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address)
    office.confirm()
    office.decline("delisted")
    assert office.worker().work() == 0 and relay.taken == []


def test_headers_cannot_be_smuggled_in(
    relay: Relay, address: tuple[str, int], tmp_path: Path
) -> None:
    office = Office(tmp_path, address)
    letter = ev.Letter(
        to="icloudadmin@apple.com", subject="x\r\nBcc: all@hoge.test", sender="postmaster@hoge.test",
        name="a\nB: c", thread=("<a@b>\r\nBcc: x@y",),
    )  # fmt: skip
    asked = ev.Requested(at=office.now, text="-", message_id="<1@hoge.test>", letter=letter, by="x")
    office.add(asked)
    office.worker().work()
    [(_, recipients, mail)] = relay.taken
    assert recipients == ["icloudadmin@apple.com"]
    assert mail["bcc"] is None and mail["b"] is None


def test_an_address_that_is_none_is_told(tmp_path: Path, relay: Relay, address: Any) -> None:
    office = Office(tmp_path, address)
    letter = ev.Letter(to="not an address", subject="-", sender="nobody", name="x")
    asked = ev.Requested(at=office.now, text="-", message_id="<1@hoge.test>", letter=letter, by="x")
    office.add(asked)
    office.worker().work()
    assert relay.taken == [] and isinstance(office.told[0], NotTaken)


class TestComesBack:
    """A bounce of a letter opens its case again: that it names the letter proves it."""

    @pytest.fixture
    def office(self, address: tuple[str, int], tmp_path: Path) -> Office:
        office = Office(tmp_path, address, allowed=True)
        office.worker().work()
        assert office.names() == ["requested", "sent"]
        return office

    def taken_in(self, office: Office, message_id: str, **more: Any) -> None:
        reply = "550 5.1.1 <icloudadmin@apple.com>: no such user"
        mail = bounce("icloudadmin@apple.com", reply, "4JYSCK000001", message_id, **more)
        box = office.means.data / "new-mail"
        box.mkdir()
        (box / "1.eml").write_bytes(mail)
        intake = Intake(office.desk, office.diagnoser, OWN, answer_rules(), [])
        intake.collect(box, office.now)
        intake.handle(office.now)

    def test_it_is_a_persons_task_again(self, office: Office, relay: Relay) -> None:
        self.taken_in(office, office.last(ev.Requested).message_id)
        answer = office.last(ev.Answered)
        assert (answer.class_, answer.authentic) == ("bounce", True)
        assert "no such user" in answer.words and office.state == "open"
        assert office.worker().work() == 0, "todoku would only do the same again"
        assert "request" in [t.kind for t in tasks(office.desk.case(1))]
        assert len(relay.taken) == 1

    def test_a_guess_moves_nothing(self, office: Office) -> None:
        self.taken_in(office, "<todoku.00000000000000000000000000000000@hoge.test>")
        assert office.state == "requested"

    def test_a_delay_is_none(self, office: Office) -> None:
        mail = bounce(
            "icloudadmin@apple.com", "451 4.7.1 later", "4JYSCK000001",
            office.last(ev.Requested).message_id,
        ).replace(b"Action: failed", b"Action: delayed")  # fmt: skip
        box = office.means.data / "new-mail"
        box.mkdir()
        (box / "1.eml").write_bytes(mail)
        intake = Intake(office.desk, office.diagnoser, OWN, answer_rules(), [])
        intake.collect(box, office.now)
        assert [t.what for t in intake.handle(office.now)]
        assert office.state == "requested"


@pytest.mark.parametrize(
    ("desk", "said"),
    [
        ("apple-icloud/postmaster", None),
        ("apple-icloud/nobody", "is no desk of the knowledge"),
        ("microsoft-consumer/support", "takes no mail"),
        ("polspam/removal", "takes no mail"),  # its address is told in the refusal alone
    ],
)
def test_serve_does_not_begin_with_a_desk_it_cannot_write_to(desk: str, said: str | None) -> None:
    found = settings.load(None, None, {"HOME": "/nowhere", "TODOKU_CASES_WRITE_TO": desk})
    if said is None:
        _check_desks(found, load.knowledge(), "en")
        return
    with pytest.raises(Failure, match=said):
        _check_desks(found, load.knowledge(), "en")


def test_everything_that_may_hinder_has_words() -> None:
    for kind in (*KINDS, NOT_MAIL):
        assert short_words(kind, "en") and short_words(kind, "ja") != kind


def test_whether_a_serve_listens(tmp_path: Path) -> None:
    """A socket that a dead process left is none."""
    path = tmp_path / "serve.sock"
    assert not _at_work(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.bind(str(path))
        line.listen(1)
        assert _at_work(path)
    assert path.exists() and not _at_work(path)
