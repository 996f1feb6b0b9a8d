"""The lab as a whole, over real sockets, with a clock that is stepped."""

from __future__ import annotations

import asyncio
import email
import shutil
import smtplib
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

import todoku
from todoku.i18n import Language
from todoku.lab import maildir, reputation, world
from todoku.lab.clock import SteppedClock
from todoku.lab.happenings import Attempted, Changed, Delivered, Met, Queued, Returned
from todoku.lab.reputation import Limit, Rules
from todoku.lab.signing import authentication_results, key, sign, verified, without_claims
from todoku.lab.world import CLEAN, LIST, LISTED, Lab
from todoku.lab.zones import txt

HOUR = 3600
MAIL = (
    b"From: sato@hoge.test\r\nTo: taro@hotmail.test\r\nSubject: =?utf-8?b?44OG44K544OI?=\r\n"
    b"Message-ID: <1@hoge.test>\r\n\r\nhello\r\n.dot\r\n"
)


def live(
    folder: Path, walk: Callable[[Lab, SteppedClock], Awaitable[None]], **more: object
) -> None:
    async def run() -> None:
        clock = SteppedClock()
        async with Lab(folder=folder, clock=clock, **more) as lab:  # type: ignore[arg-type]
            await walk(lab, clock)

    asyncio.run(run())


def send(lab: Lab, source: str = LISTED, to: str = "taro@hotmail.test") -> str:
    return lab.sender.submit("sato@hoge.test", [to], MAIL, source=source)


def test_the_story_s_bounce_is_real_and_is_read_as_the_story_s(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        send(lab)
        await clock.rest()
        met = lab.happened.of(Met)[-1]
        assert met.stage == "MAIL FROM" and met.source == LISTED
        (path,) = maildir.messages(lab.sender.mailbox("sato@hoge.test"))
        raw = path.read_bytes()
        bounce = email.message_from_bytes(raw)
        assert bounce.get_content_type() == "multipart/report"
        assert [p.get_content_type() for p in bounce.get_payload()] == [  # type: ignore[union-attr]
            "text/plain",
            "message/delivery-status",
            "text/rfc822-headers",
        ]
        assert not bounce.defects
        (found,) = todoku.diagnose(raw)
        assert found.receiver == "microsoft-consumer" and found.receiver_code == "SC-001"
        assert found.stage == "MAIL FROM" and found.temporary is False
        assert [i.value for i in found.blocked] == [LISTED]
        assert found.recipient == "taro@hotmail.test" and found.message_id == "<1@hoge.test>"
        logged = todoku.diagnose(lab.sender.log.path.read_bytes())
        assert any(d.receiver_code == "SC-001" and d.stage == "MAIL FROM" for d in logged)

    live(tmp_path, walk)


def test_another_source_address_is_accepted(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        send(lab, CLEAN)
        await clock.rest()
        (mail,) = maildir.messages(
            maildir.box(lab.folder / "receivers", "taro@hotmail.test") / "inbox"
        )
        assert mail.read_bytes().endswith(b"hello\r\n.dot\r\n")
        assert not lab.happened.of(Returned)

    live(tmp_path, walk)


def test_submission_over_smtp_is_on_disk_when_acknowledged(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        def submit() -> None:
            with smtplib.SMTP(*lab.submission) as smtp:
                smtp.sendmail("sato@hoge.test", ["taro@hotmail.test"], MAIL)

        await asyncio.to_thread(submit)
        await clock.rest()
        assert lab.happened.of(Delivered)[-1].mailbox == "sato@hoge.test"

    live(tmp_path, walk)


def test_a_mitigation_reaches_one_host_before_the_other(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        lab.hotmail.mitigate(LISTED)
        for hours, welcome in ((0, set()), (7, {"mx1"}), (24, {"mx1", "mx2"})):
            await clock.advance(hours * HOUR)
            met = {
                h.partition(".")[0]
                for h in lab.hotmail.hosts
                if await lab.hotmail.refusal("MAIL FROM", h, LISTED, "a@hoge.test", None) is None
            }
            assert met == welcome

    live(tmp_path, walk)


def test_limits_then_growth_until_they_end(tmp_path: Path) -> None:
    rules = Rules(blocked={LISTED: "S3140"}, settles=(0,), limit=Limit(hour=2, doubles=2, ends=6))

    async def walk(lab: Lab, clock: SteppedClock) -> None:
        lab.hotmail.mitigate(LISTED)
        for _ in range(12):
            send(lab)
        await clock.rest()
        deferred = [a for a in lab.happened.of(Attempted) if a.status == "deferred"]
        assert deferred and all("RP-001" in a.reply for a in deferred)
        assert lab.hotmail.opinions[LISTED].limited
        await clock.advance(24 * HOUR)
        sent = [a for a in lab.happened.of(Attempted) if a.status == "sent"]
        assert len([a for a in sent if a.recipient == "taro@hotmail.test"]) == 12
        send(lab)
        await clock.rest()
        assert lab.happened.of(Changed)[-1].how == "limits-ended"
        assert not lab.sender.queued()

    live(tmp_path, walk, rules=rules)


def test_complaints_take_a_mitigation_away() -> None:
    rules = Rules(complaints=2)
    now = SteppedClock().now()
    opinion = reputation.mitigated(reputation.blocked("S3140"), ("a",), now, rules)
    later = now + timedelta(days=3)
    assert not reputation.refuses(opinion, "a", later)
    opinion = reputation.complained(opinion, "S3140", rules)
    assert not reputation.refuses(opinion, "a", later)
    assert reputation.refuses(reputation.complained(opinion, "S3140", rules), "a", later)


def test_greylisting_defers_and_then_lets_in(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        send(lab)
        await clock.rest()
        first = lab.happened.of(Attempted)[-1]
        assert first.status == "deferred" and first.reply.startswith("451 4.7.1")
        await clock.advance(HOUR)
        assert lab.happened.of(Attempted)[-1].status == "sent"

    live(tmp_path, walk, rules=Rules(greylist=5))


def test_a_banner_that_refuses_defers_warns_and_at_last_bounces(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        send(lab)
        await clock.advance(5 * HOUR)
        assert [r.action for r in lab.happened.of(Returned)] == ["delayed"]
        await clock.advance(5 * 24 * HOUR)
        assert [r.action for r in lab.happened.of(Returned)] == ["delayed", "failed"]
        last = maildir.messages(lab.sender.mailbox("sato@hoge.test"))[-1].read_bytes()
        (found,) = todoku.diagnose(last)
        assert found.stage == "CONN" and found.reply.code == 554
        assert b"refused to talk to me" in last.replace(b"\r\n    ", b" ")

    live(tmp_path, walk, rules=Rules(blocked={LISTED: "banner"}))


def test_replies_of_several_lines_and_unknown_domains(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        send(lab, CLEAN, "nobody@hotmail.test")
        send(lab, CLEAN, "someone@gmail.com")
        await clock.rest()
        replies = {a.recipient: a for a in lab.happened.of(Attempted)}
        assert replies["nobody@hotmail.test"].reply.count("550") == 2
        assert replies["nobody@hotmail.test"].status == "bounced"
        # Names that are not the lab's are nobody's here.
        assert replies["someone@gmail.com"].host is None

    live(tmp_path, walk)


def test_lists_test_points_expiry_and_who_asks_them(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        async def ask(front: str, kind: str = "A", tcp: bool = False) -> dns.message.Message:
            query = dns.message.make_query(f"{front}.{LIST}", kind)
            how = dns.query.tcp if tcp else dns.query.udp
            return await asyncio.to_thread(how, query, lab.names.host, 5, lab.names.port)

        assert (await ask("2.0.0.127")).answer[0][0].to_text() == "127.0.0.2"
        assert (await ask("1.0.0.127")).rcode() == dns.rcode.NXDOMAIN
        lab.list_(CLEAN, text="spam seen", expires=timedelta(hours=2))
        front = ".".join(reversed(CLEAN.split(".")))
        for tcp in (False, True):
            assert "spam seen" in (await ask(front, "TXT", tcp)).answer[0][0].to_text()
        send(lab, CLEAN, "taro@partner.test")
        await clock.rest()
        (found,) = todoku.diagnose(
            maildir.messages(lab.sender.mailbox("sato@hoge.test"))[-1].read_bytes()
        )
        assert found.blocklist is not None and found.blocklist.zone == LIST
        await clock.advance(2 * HOUR)
        assert (await ask(front)).rcode() == dns.rcode.NXDOMAIN
        send(lab, CLEAN, "taro@partner.test")
        await clock.rest()
        assert lab.happened.of(Attempted)[-1].status == "sent"

    live(tmp_path, walk)


def test_signatures_hold_by_the_lab_s_dns_and_fail_when_touched(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        lab.zones.add("lab._domainkey.hotmail.test", txt(key(1).record))
        signed = sign(MAIL, "hotmail.test", key(1).private)
        assert await verified(signed, lab.resolver)
        assert "dkim=pass" in await authentication_results("mx1", signed, lab.resolver)
        assert not await verified(signed.replace(b"hello", b"hallo"), lab.resolver)

    live(tmp_path, walk)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from todoku.lab.clock import SteppedClock
from todoku.lab.reputation import Rules
from todoku.lab.world import Lab

async def main():
    clock = SteppedClock()
    async with Lab(folder=Path(sys.argv[1]), clock=clock, rules=Rules(greylist=5)) as lab:
        lab.sender.submit("sato@hoge.test", ["taro@hotmail.test"], b"Subject: x\\r\\n\\r\\nx\\r\\n")
        await clock.rest()
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_the_queue_survives_a_kill(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=60)
    assert killed.returncode == -9

    async def walk(lab: Lab, clock: SteppedClock) -> None:
        assert len(lab.sender.queued()) == 1
        await clock.advance(HOUR)
        assert [a.status for a in lab.happened.of(Attempted)] == ["sent"]
        assert not lab.sender.queued()

    live(tmp_path, walk, rules=Rules())


def test_two_labs_side_by_side(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        async with Lab(folder=tmp_path / "b", clock=clock, rules=Rules()) as other:
            send(lab)
            send(other)
            await clock.rest()
            assert [a.status for a in lab.happened.of(Attempted)] == ["bounced"]
            assert [a.status for a in other.happened.of(Attempted)] == ["sent"]

    live(tmp_path / "a", walk)


def test_nothing_listens_outside_loopback(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        tables = [Path(f"/proc/self/net/{t}") for t in ("tcp", "udp")]
        if not all(t.exists() for t in tables):
            pytest.skip("needs Linux's /proc")
        ports = {lab.smtp_port, lab.names.port, lab.submission[1]}
        hosts = set()
        for table in tables:
            for line in table.read_text().splitlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                host, _, port = local.partition(":")
                if int(port, 16) in ports and state in {"0A", "07"}:
                    hosts.add(bytes.fromhex(host)[::-1][0])
        assert hosts == {127}

    live(tmp_path, walk)


def test_the_null_return_path_over_smtp(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        def submit() -> None:
            with smtplib.SMTP(*lab.submission) as smtp:
                smtp.sendmail("", ["sato@hoge.test"], MAIL)

        await asyncio.to_thread(submit)
        await clock.rest()
        assert lab.happened.of(Queued)[-1].sender == ""
        (path,) = maildir.messages(lab.sender.mailbox("sato@hoge.test"))
        assert path.read_bytes().startswith(b"Return-Path: <>\r\n")

    live(tmp_path, walk)


CLAIMS = [
    b"Authentication-Results: mx1.hoge.test; dkim=pass header.d=a.test\r\n",
    b"AUTHENTICATION-RESULTS : MX1.hoge.test 1;\r\n dkim=pass\r\n\theader.d=a.test\r\n",
    b'Authentication-Results:\r\n ((a) b)"mx1.hoge.test" (c);dkim=pass header.d=a.test\r\n',
    b"Authentication-Results: mx1.hoge.test\n",
]
HONEST = b"Authentication-Results: mx.other.test; dkim=pass header.d=b.test\r\n"


@pytest.mark.parametrize("claim", CLAIMS)
def test_claims_of_our_own_results_are_taken_away_on_arrival(claim: bytes) -> None:
    body = b"\r\n\r\n" + claim
    assert without_claims(claim + HONEST + b"Subject: x" + body, "mx1.hoge.test") == (
        HONEST + b"Subject: x" + body
    )
    assert without_claims(b"Subject: x\r\n" + claim, "mx1.hoge.test") == b"Subject: x\r\n"
    assert without_claims(claim + body, "mx2.hoge.test") == claim + body


def test_a_machine_without_these_addresses_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 192.0.2.0/24 is nobody's (RFC 5737).
    monkeypatch.setitem(world.HOSTS, "mx1.hotmail.test", "192.0.2.25")
    monkeypatch.setitem(world.HOSTS, "mx2.hotmail.test", "192.0.2.26")
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(world.NoAddresses) as raised:
        live(tmp_path, None)  # type: ignore[arg-type]
    nothings: dict[Language, str] = {"ja": "何も始めていません", "en": "Nothing was started"}
    for lang, nothing in nothings.items():
        text = raised.value.text(lang)
        assert nothing in text and "127.0.1" not in text
        assert "sudo ifconfig lo0 alias 192.0.2.25; sudo ifconfig lo0 alias 192.0.2.26" in text
    assert not list(tmp_path.iterdir())


WITHOUT = """
import asyncio, sys
from pathlib import Path
from todoku.lab.world import Lab, NoAddresses

async def main():
    async with Lab(folder=Path(sys.argv[1])):
        pass

try:
    asyncio.run(main())
except NoAddresses as error:
    print(error)
"""


def test_a_machine_whose_loopback_is_down(tmp_path: Path) -> None:
    alone = ["unshare", "-n", "-r"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"]).returncode:
        pytest.skip("needs network namespaces")
    run = subprocess.run(
        [*alone, sys.executable, "-c", WITHOUT, str(tmp_path)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "127.0.1.80" in run.stdout and "sudo ip link set lo up" in run.stdout
    assert run.stderr == ""
