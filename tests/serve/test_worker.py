"""The worker's deeds in the lab: the story, and what can go wrong with a probe or a word to people."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.cases.test_answers import VERDICT_JA
from tests.serve.world import OWN, SATO, WORDS, Serving, live, rules
from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.policy import Policy
from todoku.cases.tasks import tasks
from todoku.lab.world import LISTED
from todoku.model import Identity
from todoku.serve.deeds import all_of
from todoku.serve.exchangers import txt
from todoku.serve.intake import Intake
from todoku.serve.proving import Proofs
from todoku.store.unverified import Unverified
from todoku.visits import FILE, Visit, VisitsError, enter

HOUR = timedelta(hours=1)
TICKET = "SRX1234567890ID"


async def until_asked(s: Serving) -> None:
    """Reported, refused, diagnosed, checked; a person has filed the form."""
    assert await s.report() == 1
    await s.work()
    await s.bounce()
    await s.work()
    asked = ev.Requested(at=s.clock.now(), by="admin", channel="form")
    s.desk.change(1, lambda case: commands.request(case, asked))


async def until_promised(s: Serving) -> None:
    await until_asked(s)
    received = "お客様のチケット番号はこのメールの件名に記載されています。\n" + LISTED + "\n"
    await s.answer(f"Outlook.com に配信の問題が報告されました {TICKET}", received)
    await s.collect()
    await s.clock.advance(3000)
    s.lab.hotmail.mitigate(LISTED)
    await s.answer(f"RE: {TICKET}", VERDICT_JA.replace("192.0.2.1", LISTED))
    await s.collect()


async def live_on(s: Serving) -> None:
    for _ in range(60):
        await s.work()
        at = s.queue.next_at(s.clock.now())
        if at is None:
            return
        await s.clock.advance(max(1.0, at - s.clock.now().timestamp()))
    raise AssertionError(s.names())


def test_the_story(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await until_promised(s)
        await live_on(s)
        assert s.names() == [
            "reported", "told", "refused", "diagnosed", "checked", "requested", "acknowledged",
            "answered", "waited", "probed", "probed", "probed", "probed", "probed", "told",
            "closed",
        ]  # fmt: skip
        refused, diagnosed = s.events()[2:4]
        assert isinstance(refused, ev.Refused)
        assert refused.reply.text.startswith("550 SC-001 (BAY004-MC3F26)")
        assert refused.identities == (Identity("ip", LISTED, own=True),)
        assert isinstance(diagnosed, ev.Diagnosed)
        assert diagnosed.receiver_code == "SC-001"
        assert diagnosed.desk == "microsoft-consumer/support"
        assert diagnosed.refuses_at == "MAIL FROM"
        answered = s.events()[7]
        assert isinstance(answered, ev.Answered)
        assert (answered.words, answered.authentic) == ("条件付緩和済み", True)
        probed = [e for e in s.events() if isinstance(e, ev.Probed)]
        assert {e.result for e in probed} == {"accepted"}
        assert {e.host for e in probed} == {"mx1.hotmail.test", "mx2.hotmail.test"}
        told = [email.message_from_bytes(m, policy=email.policy.default) for m in s.mails(SATO)]
        assert [str(m["subject"]) for m in told] == [
            "【対応中】hotmail.test へメールが届かない件（案件 1）",
            "【復旧】Outlook.com / Hotmail（個人向け）へメールを送れるようになりました（案件 1）",
        ]
        for message in told:
            assert message["return-path"] == "<>"
            assert message["auto-submitted"] == "auto-generated"
            assert WORDS in message.get_content()

    live(tmp_path, walk)


def test_a_promise_that_does_not_hold_is_declined(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await until_promised(s)
        s.lab.hotmail.block(LISTED, "S3140")
        await s.clock.advance(49 * 3600)
        await s.work()
        probed = s.events()[-1]
        assert isinstance(probed, ev.Probed)
        assert (probed.result, probed.stage, probed.reply.code) == ("refused", "MAIL FROM", 550)
        assert s.desk.case(1).state == "declined"

    live(tmp_path, walk)


def test_an_answer_that_nobody_signed_moves_nothing(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await until_asked(s)
        verdict = VERDICT_JA.replace("192.0.2.1", LISTED)
        await s.answer(f"RE: {TICKET}", verdict, signer="evil.test")
        await s.collect()
        case = s.desk.case(1)
        assert case.state == "requested"
        assert [w.answer.authentic for w in case.waiting] == [False]
        assert case.waiting[0].answer.class_ == "conditionally-mitigated"

    live(tmp_path, walk)


def test_a_signature_is_verified_at_receipt_where_our_own_server_says_nothing(
    tmp_path: Path,
) -> None:
    async def walk(s: Serving) -> None:
        resolver = s.means.resolver
        assert resolver is not None
        s.intake = Intake(
            s.desk,
            s.means.diagnoser,
            OWN,
            rules(),
            (),
            look_up=partial(txt, resolver=resolver),
            proofs=Proofs(s.desk, OWN, log=s.log),
        )
        await until_promised(s)
        assert s.desk.case(1).state == "settling"

    live(tmp_path, walk, start=datetime.now(UTC))  # the signer's clock is the machine's


@pytest.mark.parametrize("taken_away", [True, False])
def test_a_result_that_came_with_the_mail_proves_nothing(tmp_path: Path, taken_away: bool) -> None:
    async def walk(s: Serving) -> None:
        # By our own server, as it should be (RFC 8601, section 5); not every server does it.
        s.lab.sender.takes_claims_away = taken_away
        await until_asked(s)
        body = VERDICT_JA.replace("192.0.2.1", LISTED)
        forged = (
            "Authentication-Results: mx1.hoge.test; dkim=pass header.d=desk.hotmail.test\r\n"
            f"From: support@desk.hotmail.test\r\nSubject: {TICKET}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n" + body
        ).encode()
        s.lab.sender.submit("a@evil.test", ["postmaster@hoge.test"], forged)
        await s.clock.rest()
        (mail,) = (m for m in s.mails("postmaster@hoge.test") if b"evil" in m)
        assert (b"header.d=desk.hotmail.test" in mail) is not taken_away
        await s.collect()
        assert s.desk.case(1).state == "requested"

    live(tmp_path, walk)


def test_the_same_bounce_and_the_same_answer_count_once(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await until_promised(s)
        before = s.names()
        box = s.lab.sender.mailbox("postmaster@hoge.test")
        for path in list((box / "cur").iterdir()):
            path.rename(box / "new" / path.name)
        await s.collect()
        assert s.names() == before

    live(tmp_path, walk)


def test_a_relay_that_is_down_is_tried_again(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await s.report()
        good = s.means.relay
        s.worker.deeds["tell"].means = type(s.means)(  # type: ignore[attr-defined]
            **{f: getattr(s.means, f) for f in s.means.__struct_fields__} | {"relay": (good[0], 1)}
        )
        await s.work()
        assert s.names() == ["reported"]
        s.worker.deeds["tell"].means = s.means  # type: ignore[attr-defined]
        await s.clock.advance(61)
        await s.work()
        assert s.names() == ["reported", "told"]
        assert len(s.mails(SATO)) == 1

    live(tmp_path, walk)


def test_a_word_whose_outcome_is_not_known_is_asked_about_and_not_sent_twice(
    tmp_path: Path,
) -> None:
    async def walk(s: Serving) -> None:
        await s.report()
        taken = s.queue.take("dead", s.clock.now())
        assert taken is not None
        deed = s.worker.deeds["tell"]
        case = s.desk.case(1)
        intent = deed.intent(case, taken.action)
        assert intent is not None
        s.queue.intend(taken, intent, s.clock.now())
        await s.aside(deed.do, case, taken.action, intent, s.clock.now())  # and there it dies
        await s.work()
        assert s.names() == ["reported"]
        await s.clock.advance(301)
        await s.work()
        assert s.names() == ["reported", "told"]
        assert len(s.mails(SATO)) == 1

    live(tmp_path, walk)


def test_who_was_forgotten_is_not_told(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await s.report()
        s.people.forget("person:1")
        await s.work()
        told = s.events()[-1]
        assert isinstance(told, ev.Told)
        assert not told.delivered

    live(tmp_path, walk)


def test_a_refusal_of_somebody_else_s_address_is_no_case(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        s.lab.sender.submit(
            "postmaster@hoge.test", ["taro@hotmail.test"], b"Subject: x\r\n\r\nx\r\n"
        )
        await s.clock.rest()
        (path,) = (s.lab.sender.mailbox("postmaster@hoge.test") / "new").iterdir()
        path.write_bytes(path.read_bytes().replace(LISTED.encode(), b"203.0.113.80"))
        (taken,) = await s.collect()
        assert taken.what == "unverified"
        ((group,), _) = Unverified(s.desk).groups()
        assert (group.doubt, group.newest.identities) == ("not-our-address", ("203.0.113.80",))
        assert s.desk.rows() == []
        assert await s.collect() == []

    live(tmp_path, walk)


def test_what_a_person_asked_counts_too(tmp_path: Path) -> None:
    """And the other way round: one record of visits for both."""

    async def walk(s: Serving) -> None:
        await until_promised(s)
        await s.clock.advance_to(s.clock.now() + timedelta(hours=47))
        every = s.policy.probe_every
        asked = s.clock.now()
        by_hand = Visit(receiver="microsoft-consumer", source=LISTED, at=asked)
        assert enter(s.folder, by_hand, every) is None
        await s.clock.advance(2 * 3600)
        await s.work()
        assert s.names()[-1] == "waited"
        at = s.queue.next_at(s.clock.now())
        assert at == (asked + every).timestamp()
        await s.clock.advance_to(asked + every)
        await s.work()
        assert s.names()[-1] == "probed"
        again = replace(by_hand, at=s.clock.now() + every / 2)
        assert enter(s.folder, again, every) == asked + 2 * every

    live(tmp_path, walk)


def test_a_record_of_visits_that_cannot_be_read_is_told_and_nothing_is_sent(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await until_promised(s)
        await s.clock.advance(49 * 3600)
        (s.folder / FILE).write_text("[{")
        await s.aside(s.worker.work)
        assert s.names()[-1] == "waited"
        assert [type(e) for e in s.troubles] == [VisitsError]
        s.troubles.clear()
        (s.folder / FILE).unlink()
        await live_on(s)
        assert s.names()[-1] == "closed"

    live(tmp_path, walk)


def test_a_receiver_that_does_not_want_to_be_probed(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await until_promised(s)
        await s.clock.advance(49 * 3600)
        await s.work()
        assert "probed" not in s.names()
        assert [t.kind for t in tasks(s.desk.case(1), s.policy)] == ["try", "decide"]
        assert not (s.folder / FILE).exists()

    live(tmp_path, walk, policy=Policy(never_probed=frozenset({"microsoft-consumer"})))


def test_rcpt_to_names_a_mailbox_of_ours_alone(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await until_promised(s)
        s.lab.hotmail.opinions.pop(LISTED)
        at = ev.Diagnosed(at=s.clock.now(), refuses_at="RCPT TO", receiver="microsoft-consumer")
        s.desk.change(1, lambda _: (at,))
        await s.clock.advance(49 * 3600)
        await s.work()
        probed = s.events()[-1]
        assert isinstance(probed, ev.Probed)
        assert (probed.result, probed.stage) == ("inconclusive", "MAIL FROM")
        s.means = replace(s.means, mailboxes=("me@elsewhere.test", "taro@hotmail.test"))
        s.worker.deeds = all_of(s.means)
        await s.clock.advance(6 * 3600)
        await s.work()
        probed = s.events()[-1]
        assert isinstance(probed, ev.Probed)
        assert (probed.result, probed.stage) == ("accepted", "RCPT TO")

    live(tmp_path, walk)
