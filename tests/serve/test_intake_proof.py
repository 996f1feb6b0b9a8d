"""A bounce counts where something that only our side knows proves it; a stranger's moves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import postgres
from tests.serve import returned
from tests.serve.returned import SC_001, MailServer
from todoku import store
from todoku.cases import events as ev
from todoku.cases import marks
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.model import Identity, Reply
from todoku.serve import intake as intakes
from todoku.serve import markkeys, reporting
from todoku.serve.accepting import NotAccepted, accept
from todoku.serve.intake import Intake, Taken, answer_rules
from todoku.serve.orders import Accept
from todoku.serve.proving import Proofs
from todoku.serve.sentlog import SentLog
from todoku.serve.usermail import UserMail
from todoku.settings.own import Own
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox
from todoku.store.unverified import Unverified

NOW = datetime(2026, 11, 24, 0, 12, tzinfo=UTC)
OWN = Own(addresses=("192.0.2.1",), domains=("hoge.test",), helo=("mx1.hoge.test",))
REPLY = SC_001.format("192.0.2.1")
TO = "taro@hotmail.com"


class House:
    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.folder = folder
        self.engine = store.connect(url or f"sqlite:///{folder}/todoku.db")
        self.desk = Desk(self.engine)
        self.diagnoser = Diagnoser(load.knowledge(), language="en", own=OWN)
        self.server = MailServer(folder / "mail.log")
        self.server.log.touch()
        self.log = SentLog([str(self.server.log)], folder, self.diagnoser)
        proofs = Proofs(self.desk, OWN, log=self.log, folder=folder, batv=("secret",))
        users = UserMail("trouble@hoge.test", self.diagnoser, OWN)
        self.intake = Intake(
            self.desk, self.diagnoser, OWN, answer_rules(), ("mx1.hoge.test",),
            proofs=proofs, users=users,
        )  # fmt: skip
        self.kept = Unverified(self.desk)

    def take(self, *mails: bytes, now: datetime = NOW) -> list[Taken]:
        Mailbox(self.desk).keep(mails, "test", now)
        return self.intake.handle(now)

    def proof(self) -> str | None:
        event = self.desk.history(1)[0].event
        assert isinstance(event, ev.Refused)
        return event.proof

    def doubts(self) -> list[str]:
        return [group.doubt for group in self.kept.groups()[0]]

    def accept(self, mail: Taken, **more: object) -> tuple[object, ...]:
        order = Accept(id="0" * 32, by="tanaka", message=mail.sha256[:8], ours=True)
        import msgspec

        order = msgspec.structs.replace(order, **more)
        return accept(order, self.desk, self.diagnoser, OWN, NOW)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.log.close()
    made.engine.dispose()


def test_our_log_has_the_same_refusal(house: House) -> None:
    (taken,) = house.take(house.server.refused(TO, REPLY))
    assert (taken.what, taken.cases, house.proof()) == ("refusal", (1,), "log")


@pytest.mark.parametrize(
    "forged",
    [
        # All that a stranger can write: our domain, our server's name, a Message-ID that looks ours.
        returned.bounce(TO, REPLY, "4JYSCK000001", "<x@mx1.hoge.test>"),
        returned.bounce(TO, REPLY, "4JYSCK000009", "<1@mx1.hoge.test>"),
        returned.bounce("other@hotmail.com", REPLY, "4JYSCK000001", "<1@mx1.hoge.test>"),
        returned.bounce(TO, REPLY, "ABCDEF", "<x@evil.test>", reporter="mx.evil.test"),
    ],
)
def test_a_stranger_s_bounce_is_kept_and_shown_and_moves_nothing(
    house: House, forged: bytes
) -> None:
    house.server.sent(TO, REPLY)  # by the log of a real refusal nothing else is proven
    (taken,) = house.take(forged)
    assert (taken.what, taken.cases, house.desk.rows()) == ("unverified", (), [])
    ((group,), count) = house.kept.groups()
    assert (count, group.doubt, group.newest.identities) == (1, "no-proof", ("192.0.2.1",))
    assert house.take() == []


def test_who_got_the_mail_cannot_say_that_he_refused_it(house: House) -> None:
    queue_id, message_id = house.server.sent(TO, "250 2.0.0 ok")
    house.take(returned.bounce(TO, REPLY, queue_id, message_id))
    house.take(returned.bounce(TO, REPLY, "AAAAAA", message_id, reporter="mx.evil.test"))
    assert house.desk.rows() == []
    assert house.doubts() == ["delivered"]


def test_the_server_that_took_it_may_report(house: House) -> None:
    _, message_id = house.server.sent(TO, "250 2.0.0 ok")
    house.take(returned.bounce(TO, REPLY, "AAAAAA", message_id, reporter="out7.hotmail.com"))
    assert house.proof() == "relayed"


def test_an_address_that_is_not_ours_is_noted(house: House) -> None:
    house.take(house.server.refused(TO, SC_001.format("203.0.113.80")))
    assert (house.desk.rows(), house.doubts()) == ([], ["not-our-address"])


DESK = "support@css.one.microsoft.com"
TICKET = "SRX1234567890ID"


def asked(house: House) -> str:
    """A case whose desk was asked by mail. Gives its state."""
    house.take(house.server.refused(TO, REPLY))
    request = ev.Requested(
        at=NOW, by="tanaka", desk="microsoft-consumer/support", channel="mail", ticket=TICKET
    )
    house.desk.change(1, lambda _: (request,))
    return house.desk.case(1).state


def about_the_ticket(mail: bytes) -> bytes:
    return mail.replace(b"\nSubject: hello\n", f"\nSubject: Re: {TICKET}\n".encode())


def test_a_request_of_ours_that_comes_back_opens_the_case_again(house: House) -> None:
    assert asked(house) == "requested"
    (taken,) = house.take(about_the_ticket(house.server.refused(DESK, REPLY)))
    (answered,) = [r.event for r in house.desk.history(1) if isinstance(r.event, ev.Answered)]
    assert (answered.class_, answered.authentic, answered.words) == ("bounce", True, DESK)
    assert (house.desk.case(1).state, house.desk.case(1).waiting) == ("open", ())
    assert taken.what == "refusal"  # that too: one more of the same case
    assert [row["number"] for row in house.desk.rows()] == [1]


def test_that_a_request_came_back_is_not_believed_of_a_stranger(house: House) -> None:
    asked(house)
    house.take(about_the_ticket(returned.bounce(DESK, REPLY, "ABCDEF", "<x@evil.test>")))
    assert house.desk.case(1).waiting == ()  # our log may know more soon
    house.take(now=NOW + timedelta(minutes=61))
    case = house.desk.case(1)
    assert case.state == "requested"
    assert [w.answer.class_ for w in case.waiting] == ["bounce"]  # a person looks


def test_forged_returns_of_requests_do_not_wait_in_any_number(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intakes, "WAITING", 3)
    asked(house)
    forged = [returned.bounce(DESK, REPLY, f"A{n}", f"<{n}@evil.test>") for n in range(5)]
    taken = house.take(*map(about_the_ticket, forged))
    assert [t.what for t in taken] == ["unverified"] * 2
    assert len(house.desk.case(1).waiting) == 2


def test_that_we_met_the_same_refusal_does_not_say_that_a_request_came_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(house)
    monkeypatch.setattr("todoku.serve.proving.Ours.reproduced", lambda *_: True)
    house.take(about_the_ticket(returned.bounce(DESK, REPLY, "ABCDEF", "<x@evil.test>")))
    (taken,) = house.take(now=NOW + timedelta(minutes=61))
    assert taken.what == "refusal"
    case = house.desk.case(1)
    assert (case.state, [w.answer.class_ for w in case.waiting]) == ("requested", ["bounce"])


def test_the_log_comes_later_than_the_bounce(house: House) -> None:
    mail = returned.bounce(TO, REPLY, "4JYSCK000001", "<1@mx1.hoge.test>")
    (taken,) = house.take(mail)
    assert taken.what == "unverified"
    house.server.sent(TO, REPLY)
    house.take(now=NOW + timedelta(minutes=1))
    assert house.proof() == "log"
    assert house.doubts() == []


EXIM = "2026-11-24 09:10:00 1vN6jX-0007SD-2A"
SENDMAIL = "Nov 24 09:10:00 mx1 sm-mta[48]: 5AO0A0fN002977:"


@pytest.mark.parametrize(
    "log",
    [
        (
            f'{EXIM} <= sato@hoge.test H=(pc) [192.0.2.9] P=esmtpsa S=500 id=7@hoge.test T="hello"\n'
            f"{EXIM} ** {TO} R=dnslookup T=remote_smtp H=mx2.hotmail.com [198.51.100.25]: SMTP error "
            f"from remote mail server after MAIL FROM:<sato@hoge.test>: {REPLY}\n"
        ),
        (
            f"{SENDMAIL} from=<sato@hoge.test>, size=500, class=0, nrcpts=1, msgid=<7@hoge.test>, "
            "proto=ESMTP, daemon=MTA, relay=pc [192.0.2.9]\n"
            f"{SENDMAIL} to=<{TO}>, delay=00:00:02, xdelay=00:00:01, mailer=esmtp, pri=120494, "
            f"relay=mx2.hotmail.com. [198.51.100.25], dsn=5.0.0, reply={REPLY}, stat=Service unavailable\n"
        ),
    ],
    ids=["exim", "sendmail"],
)
def test_other_logs_prove_too(house: House, log: str) -> None:
    """Their bounces name no queue id that is read; the Message-ID and the recipient have to do."""
    house.server.log.write_text(log)

    def bounce(to: str, message_id: str) -> bytes:
        made = returned.bounce(to, REPLY, "X", message_id)
        return made.replace(b"X-Postfix-Queue-ID: X\n", b"")

    house.take(bounce("b@hotmail.com", "<7@hoge.test>"), bounce(TO, "<8@hoge.test>"))
    assert house.desk.rows() == []
    house.take(bounce(TO, "<7@hoge.test>"))
    assert house.proof() == "log"


def test_many_forged_ones_do_not_keep_the_log_from_proving_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as are looked at in one round came before it, and as many after it."""
    monkeypatch.setattr(intakes, "AGAIN", 3)
    forged = [returned.bounce(TO, REPLY, f"A{n}", f"<{n}@evil.test>") for n in range(8)]
    mail = returned.bounce(TO, REPLY, "4JYSCK000001", "<1@mx1.hoge.test>")
    house.take(*forged[:4], mail, *forged[4:])
    house.server.sent(TO, REPLY)
    for minute in range(1, 5):
        house.take(now=NOW + timedelta(minutes=minute))
    assert house.proof() == "log"
    assert [group.count for group in house.kept.groups()[0]] == [8]
    assert house.desk.case(1).refusals == 1


@pytest.mark.slow
def test_on_postgresql_too(tmp_path: Path) -> None:
    """A forged one waits, a late one is proven, a request comes back, a user reports."""
    with postgres.server() as server:
        house = House(tmp_path, server.database())
        try:
            test_the_log_comes_later_than_the_bounce(house)
            house.take(returned.bounce(TO, REPLY, "ABC", "<x@evil.test>"))
            assert house.doubts() == ["no-proof"]
            house.desk.change(1, lambda _: (ev.Requested(at=NOW, by="tanaka", ticket=TICKET),))
            house.take(about_the_ticket(house.server.refused(DESK, REPLY)))
            assert [r.event for r in house.desk.history(1) if isinstance(r.event, ev.Answered)]
            (taken,) = house.take(report(AUTH))
            assert taken.what == "report"
        finally:
            house.log.close()
            house.engine.dispose()


def test_after_an_hour_the_log_is_asked_no_more(house: House) -> None:
    house.take(returned.bounce(TO, REPLY, "4JYSCK000001", "<1@mx1.hoge.test>"))
    house.server.sent(TO, REPLY)
    house.take(now=NOW + timedelta(hours=2))
    assert (house.desk.rows(), house.doubts()) == ([], ["no-proof"])


def test_the_log_comes_later_than_a_request_that_came_back(house: House) -> None:
    """Nobody is asked meanwhile."""
    asked(house)
    assert (
        house.take(
            about_the_ticket(returned.bounce(DESK, REPLY, "4JYSCK000002", "<2@mx1.hoge.test>"))
        )
        == []
    )
    assert house.desk.case(1).waiting == ()
    house.server.sent(DESK, REPLY)
    (taken,) = house.take(now=NOW + timedelta(minutes=1))
    (answered,) = [r.event for r in house.desk.history(1) if isinstance(r.event, ev.Answered)]
    assert (taken.what, answered.class_, answered.authentic) == ("refusal", "bounce", True)
    assert house.desk.case(1).state == "open"


def test_a_mark_in_the_envelope_id_or_the_return_path(house: House) -> None:
    key = markkeys.current(house.folder, NOW)
    assert markkeys.current(house.folder, NOW) == key
    mark = marks.mark(key, NOW, TO)
    house.take(returned.bounce("other@hotmail.com", REPLY, "A", "<a@b>", envelope_id=mark))
    assert house.desk.rows() == []  # it was made for somebody else
    house.take(returned.bounce(TO, REPLY, "A", "<a@b>", came_to=f"news+{mark}@hoge.test"))
    assert house.proof() == "mark"
    late = NOW + timedelta(days=16)
    assert not marks.holds(mark, (key,), late, TO)
    assert marks.holds(marks.mark(key, NOW), (key,), NOW, "anybody@x.test")
    assert not marks.holds(mark[:-1] + ("0" if mark[-1] != "0" else "1"), (key,), NOW, TO)
    later = NOW + timedelta(days=100)
    assert markkeys.current(house.folder, later) != key
    assert key in markkeys.read(house.folder, later)
    assert key not in markkeys.read(house.folder, NOW + timedelta(days=200))


def test_a_return_path_that_our_server_signed(house: House) -> None:
    import hashlib
    import hmac

    day = (marks.day_of(NOW) + 7) % 1000
    told = f"0{day:03}sato@hoge.test".encode()
    sign = hmac.new(b"secret", told, hashlib.sha1).hexdigest()[:6]
    path = f"prvs=0{day:03}{sign}=sato@hoge.test"
    assert not marks.batv_holds(path, ("secret",), NOW + timedelta(days=8))
    assert not marks.batv_holds(path, ("another",), NOW)
    house.take(returned.bounce(TO, REPLY, "A", "<a@b>", came_to=path))
    assert house.proof() == "batv"


def test_a_probe_that_met_the_same(house: House) -> None:
    house.take(house.server.refused(TO, REPLY))
    probed = ev.Probed(
        at=NOW, identity=Identity("ip", "192.0.2.1"), result="refused", reply=Reply(550, None, "x")
    )
    house.desk.change(1, lambda _: (probed,))
    (taken,) = house.take(returned.bounce("b@hotmail.com", REPLY, "A", "<a@b>"))
    assert taken.what == "refusal"
    (taken,) = house.take(returned.bounce("b@hotmail.com", "554" + REPLY[3:], "A", "x"))
    assert taken.what == "unverified"


def test_a_person_s_word(house: House) -> None:
    (one,) = house.take(returned.bounce(TO, REPLY, "A", "<1@b>"))
    (two,) = house.take(returned.bounce(TO, REPLY, "A", "<2@b>"))
    assert len(house.accept(one)) == 1
    event = house.desk.history(1)[0].event
    assert isinstance(event, ev.Refused)
    assert (event.proof, event.by) == ("person", "tanaka")
    assert len(house.accept(one)) == 1, "what was recorded comes back"
    assert len(house.desk.history(1)) == 1
    assert [u.sha256 for g in house.kept.groups()[0] for u in (g.newest,)] == [two.sha256]
    assert house.accept(two, ours=False) == ()
    assert house.doubts() == []
    with pytest.raises(NotAccepted):
        house.accept(Taken("f" * 64, "unverified"))
    (foreign,) = house.take(returned.bounce(TO, SC_001.format("203.0.113.80"), "A", "<3@b>"))
    with pytest.raises(reporting.NotReported, match=r"203\.0\.113\.80"):
        house.accept(foreign)


def report(head: str, words: str = "今朝から Hotmail へ送れません。") -> bytes:
    return (
        f"{head}From: =?utf-8?b?5L2Q6Jek?= <sato@hoge.test>\r\nTo: trouble@hoge.test\r\n"
        "Subject: =?utf-8?b?5Yqp44GR44Gm?=\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        f"{words}\r\n"
    ).encode()


AUTH = "Authentication-Results: mx1.hoge.test; auth=pass smtp.auth=sato\r\n"
ESMTPSA = "Received: from pc (pc [192.0.2.9]) by mx1.hoge.test (Postfix) with ESMTPSA id A; x\r\n"


@pytest.mark.parametrize("head", [AUTH, ESMTPSA])
def test_a_user_s_report(house: House, head: str) -> None:
    (taken,) = house.take(report(head))
    assert (taken.what, taken.cases) == ("report", (1,))
    event = house.desk.history(1)[0].event
    assert isinstance(event, ev.Reported)
    assert (event.who, event.to, event.lang) == ("person:1", ("hotmail.com",), "ja")
    assert event.words == "今朝から Hotmail へ送れません。"
    assert event.place is not None and event.place.id == "microsoft-consumer"
    assert event.since is not None
    assert house.take(report(head)) == [], "the same mail again"


@pytest.mark.parametrize(
    "head",
    [
        "",
        AUTH.replace("mx1.hoge.test", "mx.evil.test"),
        "Received: from x by mx1.hoge.test with ESMTP id A; x\r\n" + AUTH,
        "Received: from a by mx1.hoge.test with ESMTPSA ([192.0.2.9]) by mx1.hoge.test with ESMTP; x\r\n",
        ESMTPSA.replace("mx1.hoge.test", "mx.evil.test"),
    ],
)
def test_nobody_knows_who_wrote_it(house: House, head: str) -> None:
    (taken,) = house.take(report(head))
    assert (taken.what, house.desk.rows()) == ("unverified", [])
    ((group,), _) = house.kept.groups()
    assert (group.kind, group.doubt, group.newest.who) == ("report", "no-proof", "sato@hoge.test")
    house.accept(taken)
    event = house.desk.history(1)[0].event
    assert isinstance(event, ev.Reported) and event.by == "tanaka"


@pytest.mark.parametrize(
    "head", ["Auto-Submitted: auto-replied\r\n", "Precedence: bulk\r\n", "Return-Path: <>\r\n"]
)
def test_a_program_is_no_user(house: House, head: str) -> None:
    (taken,) = house.take(report(AUTH + head))
    assert (taken.what, house.desk.rows(), house.doubts()) == ("nothing", [], [])


def test_a_report_that_does_not_tell_where(house: House) -> None:
    (taken,) = house.take(report(AUTH, "届きません。"))
    assert house.doubts() == ["no-place"]
    with pytest.raises(reporting.NotReported):
        house.accept(taken)
    house.accept(taken, to=("partner.example",))
    assert house.desk.case(1).to == ("partner.example",)


def test_the_log_goes_on_in_another_file(house: House) -> None:
    house.take(house.server.refused("a@hotmail.com", REPLY))
    old = house.server.refused("b@hotmail.com", REPLY)  # written, and not read yet
    house.server.log.rename(house.folder / "mail.log.1")
    new = house.server.refused("c@hotmail.com", REPLY)
    assert [t.what for t in house.take(old, new)] == ["refusal", "refusal"]
    house.log.close()  # and after a start
    assert [t.what for t in house.take(house.server.refused("d@hotmail.com", REPLY))] == ["refusal"]
    assert house.log.was_sent("<1@mx1.hoge.test>") is True
    assert house.log.was_sent("<99@mx1.hoge.test>") is None


def odd(head: str, words: str = "Something went wrong with your mail.") -> bytes:
    return f"{head}Subject: =?utf-8?b?6YWN6YCB?= failed\nTo: sato@hoge.test\n\n{words}\n".encode()


def test_a_bounce_in_which_nothing_can_be_read_is_shown(house: House) -> None:
    """Kept and shown, never dropped; what is no mail system's, and what tells no refusal, is not."""
    mails = (
        odd("From: MAILER-DAEMON@mx.odd.test\n"),
        odd('From: x@odd.test\nContent-Type: multipart/report; boundary="b"\n', "--b\n\n--b--"),
        odd("From: news@odd.test\n"),
        b"Return-Path: <>\r\nDelivered-To: bounces@hoge.test\r\n\0\xff rubble \x80\r\n\r\n\x1b$B",
        b"",
    )
    assert [t.what for t in house.take(*mails)] == ["nothing", *["unverified"] * 4]
    groups, _ = house.kept.groups()
    assert {g.doubt for g in groups} == {"not-understood"}
    assert {(g.newest.who, g.newest.words) for g in groups} == {
        ("MAILER-DAEMON@mx.odd.test", "配送 failed"),
        ("x@odd.test", "配送 failed"),
        (None, "Return-Path: <> Delivered-To: bounces@hoge.test � rubble � $B"),
    }
    groups = [g for g in groups if g.newest.who]
    one = Taken(groups[0].newest.sha256, "unverified")
    with pytest.raises(NotAccepted, match="does not tell who refused what"):
        house.accept(one)
    house.accept(one, ours=False)
    assert house.doubts() == ["not-understood"] * 2
    assert house.desk.rows() == []
