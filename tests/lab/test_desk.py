"""The desk of the lab: a form over HTTP, answers by signed mail, and what comes of them."""

from __future__ import annotations

import asyncio
import email
import email.policy
import html
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from todoku.cases import answers
from todoku.i18n import Language
from todoku.lab import letters, maildir
from todoku.lab.clock import FastClock, SteppedClock
from todoku.lab.form import FIELDS, Request, checked
from todoku.lab.happenings import Attempted, Changed, Filed, Read, Wrote
from todoku.lab.receiver import replies
from todoku.lab.reputation import Rules
from todoku.lab.scenario import manner, scenario, scenarios
from todoku.lab.signing import verified
from todoku.lab.world import CLEAN, DESK, LISTED, Lab
from todoku.serve.intake import answer_rules

MINUTE, HOUR = 60, 3600
MINUTES = timedelta(minutes=1)
US = "postmaster@hoge.test"
RULES = answer_rules()


def live(folder: Path, walk: Callable[[Lab, SteppedClock], Awaitable[None]], **more: Any) -> None:
    async def run() -> None:
        clock = SteppedClock()
        async with Lab(folder=folder, clock=clock, **more) as lab:
            await walk(lab, clock)

    asyncio.run(run())


def http(url: str, fields: dict[str, str] | bytes | None = None, **headers: str) -> tuple[int, str]:
    data = urllib.parse.urlencode(fields).encode() if isinstance(fields, dict) else fields
    request = urllib.request.Request(
        url, data, {k.replace("_", "-"): v for k, v in headers.items()}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def fields(*addresses: str, **more: str) -> dict[str, str]:
    return {
        "ips": "; ".join(addresses or (LISTED,)),
        "contact": US,
        "domain": "hoge.test",
        "name": "佐藤",
        "error": "550 SC-001 (BAY004-MC3F26) Unfortunately, ...",
    } | more


async def post(lab: Lab, *addresses: str, **more: str) -> str:
    """File a request; gives the ticket that the page names."""
    status, page = await asyncio.to_thread(http, lab.desk.url, fields(*addresses, **more))
    assert status == 200
    found = re.search(r"\bSRX\d{10}ID\b", page)
    assert found is not None
    return found[0]


def reply(lab: Lab, subject: str, body: str, to: str = f"support@{DESK}") -> None:
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = US, to, subject, "<r@hoge.test>"
    mail.set_content(body)
    lab.sender.submit(US, [to], mail.as_bytes())


def mails(lab: Lab, box: str = US) -> list[tuple[bytes, EmailMessage]]:
    raws = [p.read_bytes() for p in maildir.messages(lab.sender.mailbox(box))]
    return [(r, email.message_from_bytes(r, policy=email.policy.default)) for r in raws]


def read(mail: EmailMessage) -> answers.Reading:
    return answers.read(mail["subject"], mail.get_content(), RULES)


def classes(lab: Lab) -> list[str]:
    """Of what the desk wrote to us, as todoku reads it."""
    return [read(m).class_ for _, m in mails(lab) if "SRX" in m["subject"]]


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_story_from_the_form_to_the_mitigation(tmp_path: Path, lang: str) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        assert (await asyncio.to_thread(http, lab.desk.url))[0] == 200
        ticket = await post(lab)
        await clock.advance(5 * MINUTE)
        ((raw, mail),) = mails(lab)
        assert await verified(raw[raw.index(b"DKIM-Signature") :], lab.resolver)
        assert mail["authentication-results"].split() == [
            "mx1.hoge.test;", "dkim=pass", f"header.d={DESK}",
        ]  # fmt: skip
        assert mail["from"].addresses[0].addr_spec == lab.desk.mailbox
        assert mail["subject"].endswith(ticket)
        found = read(mail)
        assert (found.class_, found.ticket) == ("received", ticket)
        assert lab.hotmail.opinions[LISTED].lifted == {}
        await clock.advance(HOUR)
        found = read(mails(lab)[-1][1])
        assert (found.class_, found.ticket) == ("conditionally-mitigated", ticket)
        assert [(v.identity.value, v.class_) for v in found.verdicts] == [
            (LISTED, "conditionally-mitigated")
        ]
        assert (found.min_hours, found.max_hours) == (24, 48)
        assert [c.how for c in lab.happened.of(Changed)] == ["mitigated"]
        assert all(w.delivered and w.ticket == ticket for w in lab.happened.of(Wrote))

    live(tmp_path, walk, lang=lang)


def test_the_story_s_own_words(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab)
        await clock.advance(HOUR)
        first, second = (m for _, m in mails(lab))
        assert first["subject"] == f"Outlook.com に配信の問題が報告されました {ticket}"
        assert first.get_content().splitlines()[:2] == [
            "お客様のチケット番号はこのメールの件名に記載されています。",
            LISTED,
        ]
        lines = second.get_content().splitlines()
        assert lines[lines.index("条件付緩和済み") + 1] == LISTED
        assert read(second).words == "条件付緩和済み"

    live(tmp_path, walk)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_declined_first_and_mitigated_for_one_who_insists(tmp_path: Path, lang: str) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab)
        await clock.advance(2 * HOUR)
        assert classes(lab) == ["received", "not-qualified"]
        reply(lab, f"Re: {ticket}", "> 550 SC-001\nplease\n")
        await clock.advance(2 * HOUR)
        assert lab.happened.of(Read)[-1].insists is False
        assert classes(lab)[2:] == ["not-qualified"]
        reply(lab, "Re:", f"{ticket}\n\n550 SC-001 (BAY004-MC3F26) Unfortunately\n")
        await clock.advance(2 * HOUR)
        read_ = lab.happened.of(Read)[-1]
        assert (read_.ticket, read_.insists, read_.sender) == (ticket, True, US)
        assert classes(lab)[3:] == ["conditionally-mitigated"]
        assert mails(lab)[-1][1]["in-reply-to"] == "<r@hoge.test>"
        assert [c.how for c in lab.happened.of(Changed)] == ["mitigated"]
        reply(lab, f"Re: {ticket}", "550 SC-001\nAgain, by a person please\n")
        await clock.advance(24 * HOUR)
        assert len(mails(lab)) == 4  # what is closed is closed

    live(tmp_path, walk, scenario="declined-first", lang=lang)


def test_with_a_clock_that_runs(tmp_path: Path) -> None:
    async def run() -> None:
        async with Lab(folder=tmp_path, clock=FastClock(36_000), lang="en") as lab:
            verdict = asyncio.create_task(
                lab.happened.next(Wrote, lambda w: w.answer == "conditionally-mitigated")
            )
            ticket = await post(lab)
            assert (await verdict).ticket == ticket
            minutes = (lab.happened.of(Wrote)[-1].at - lab.happened.of(Filed)[-1].at) / MINUTES
            assert 52 <= minutes < 300

    asyncio.run(run())


# The other scenarios


def test_nothing_detected_and_the_block_stands(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab)
        await clock.advance(48 * HOUR)
        assert classes(lab) == ["received", "nothing-detected"]
        assert lab.hotmail.blocks(LISTED)
        reply(lab, f"Re: {ticket}", "550 5.7.1 Unfortunately, messages weren't sent (S3150).")
        await clock.advance(3 * HOUR)
        assert classes(lab)[2:] == ["conditionally-mitigated"]
        await clock.advance(30 * HOUR)
        assert not lab.hotmail.blocks(LISTED)

    live(tmp_path, walk, scenario="nothing-detected", lang="en")


def test_the_desk_wants_to_know_more(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab)
        await clock.advance(HOUR)
        assert [w.answer for w in lab.happened.of(Wrote)] == ["received", "needs-information"]
        reply(lab, f"Re: {ticket}", "2026-11 より送信しています。")
        await clock.advance(HOUR)
        assert classes(lab)[2:] == ["conditionally-mitigated"]

    live(tmp_path, walk, scenario="needs-information")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_two_addresses_and_two_verdicts(tmp_path: Path, lang: str) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab, LISTED, CLEAN)
        await clock.advance(HOUR)
        found = read(mails(lab)[-1][1])
        assert {v.identity.value: v.class_ for v in found.verdicts} == {
            LISTED: "conditionally-mitigated",
            CLEAN: "not-qualified",
        }
        assert [c.source for c in lab.happened.of(Changed)] == [LISTED]
        for _ in range(2):  # twice, and answered once
            reply(lab, f"Re: {ticket}", "550 5.7.1 Unfortunately (S3140)")
        await clock.advance(2 * HOUR)
        assert [c.source for c in lab.happened.of(Changed)] == [LISTED, CLEAN]
        (last,) = [w for w in lab.happened.of(Wrote) if w.answer == "conditionally-mitigated"]
        found = read(mails(lab)[-1][1])
        assert [(v.identity.value, v.class_) for v in found.verdicts] == [
            (CLEAN, "conditionally-mitigated")
        ]
        assert last.delivered

    live(tmp_path, walk, scenario="mixed", lang=lang)


def test_of_one_address_nothing_is_said_of_others(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        await post(lab)
        await clock.advance(HOUR)
        assert read(mails(lab)[-1][1]).class_ == "conditionally-mitigated"

    live(tmp_path, walk, scenario="mixed")


def test_nothing_begins_before_the_link_is_opened(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab)
        await clock.advance(24 * HOUR)
        ((_, mail),) = mails(lab)
        link = re.search(r"http://\S+", mail.get_content())
        assert link is not None and link[0].startswith(lab.desk.url)
        # To look is not to confirm: programs follow links, too.
        status, page = await asyncio.to_thread(http, link[0])
        assert status == 200 and ticket in page
        await clock.advance(24 * HOUR)
        assert len(mails(lab)) == 1
        assert (await asyncio.to_thread(http, link[0] + "x", b""))[0] == 404
        for _ in range(2):
            assert (await asyncio.to_thread(http, link[0], b""))[0] == 200
        await clock.advance(HOUR)
        assert [w.answer for w in lab.happened.of(Wrote)] == [
            "confirm-link", "received", "conditionally-mitigated",
        ]  # fmt: skip
        assert [c.how for c in lab.happened.of(Changed)] == ["mitigated"]

    live(tmp_path, walk, scenario="confirm-link")


def test_a_forger_is_faster_than_the_desk(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        await post(lab)
        await clock.advance(HOUR)
        mail = mails(lab)[-1][1]
        assert lab.happened.of(Wrote)[-1].forged
        assert mail["from"].addresses[0].addr_spec == lab.desk.mailbox
        assert read(mail).class_ == "conditionally-mitigated"
        # It is well signed, by somebody else; its own claim was taken away, or stands below.
        results = mail.get_all("authentication-results", [])
        assert results[0].split() == ["mx1.hoge.test;", "dkim=pass", "header.d=forger.test"]
        assert len(results) == (1 if lab.sender.takes_claims_away else 2)
        assert not lab.happened.of(Changed)
        await clock.advance(3 * HOUR)
        assert f"header.d={DESK}" in mails(lab)[-1][1]["authentication-results"]
        assert len(lab.happened.of(Changed)) == 1

    async def careless(lab: Lab, clock: SteppedClock) -> None:
        lab.sender.takes_claims_away = False
        await walk(lab, clock)

    live(tmp_path / "a", walk, scenario="forged")
    live(tmp_path / "b", careless, scenario="forged")


def test_the_first_request_is_never_answered(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        await post(lab)
        await clock.advance(8 * 24 * HOUR)
        assert not lab.happened.of(Wrote)
        ticket = await post(lab)
        await clock.advance(HOUR)
        assert {w.ticket for w in lab.happened.of(Wrote)} == {ticket}
        assert classes(lab) == ["received", "conditionally-mitigated"]

    live(tmp_path, walk, scenario="silent")


def test_the_desk_writes_english(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        assert 'lang="en"' in (await asyncio.to_thread(http, lab.desk.url))[1]
        await post(lab)
        await clock.advance(5 * HOUR)
        assert classes(lab) == ["received", "mitigated"]
        assert all(m["subject"].isascii() for _, m in mails(lab))

    live(tmp_path, walk, scenario="english", lang="ja")


@pytest.mark.parametrize("way", ["another address", "the form"])
def test_the_reply_is_itself_refused(tmp_path: Path, way: str) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab)
        await clock.advance(HOUR)
        assert classes(lab) == ["received", "not-qualified"]
        reply(lab, f"Re: {ticket}", "550 5.7.1 Unfortunately (S3150)")
        await clock.advance(HOUR)
        assert not lab.happened.of(Read)
        bounce = mails(lab)[-1][0]
        assert b"multipart/report" in bounce and b"S3150" in bounce
        if way == "the form":
            await post(lab)
        else:
            mail = f"Subject: {ticket}\r\n\r\n550 5.7.1 Unfortunately (S3150)\r\n".encode()
            lab.sender.submit(US, [lab.desk.mailbox], mail, source=CLEAN)
        await clock.advance(2 * HOUR)
        assert classes(lab)[-1] == "conditionally-mitigated"
        assert [c.how for c in lab.happened.of(Changed)] == ["mitigated"]

    live(tmp_path, walk, scenario="bounced-request")


def test_the_docs_tell_of_all_scenarios() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/lab.md").read_text("utf-8")
    rows = dict(re.findall(r"(?m)^\| `([\w-]+)` \| (.+?) \|$", page.partition("## The desk")[2]))
    assert rows == {name: scenario(name).about["en"] for name in scenarios()}


@pytest.mark.parametrize("name", scenarios())
def test_scenarios_are_whole(name: str) -> None:
    found = scenario(name)
    assert set(found.about) == {"ja", "en"}
    assert LISTED in found.rules.blocked or (found.listing and not found.rules.blocked)
    assert set(found.rules.blocked) <= {LISTED, CLEAN}
    assert set(found.rules.blocked.values()) <= set(replies())
    way_out = any(step.does != "nothing" for step in found.steps)
    assert way_out or (found.listing and found.listing.expires)
    langs: tuple[Language, ...] = ("ja", "en") if found.lang is None else (found.lang,)
    for step in found.steps:
        assert all(step.answer is None or manner().answers[step.answer][lang] for lang in langs)


@pytest.mark.parametrize(
    ("name", "lang"), [(name, lang) for name, texts in manner().answers.items() for lang in texts]
)
def test_answers_are_read_as_what_they_are(name: str, lang: Language) -> None:
    values = {
        "ticket": "SRX1234567890ID",
        "link": "http://127.0.1.80:8080/confirm/x",
        "ips": f"{LISTED}\n{CLEAN}",
        "first": LISTED,
        "rest": CLEAN,
    }
    subject, body = manner().answers[name][lang].filled(values)
    found = answers.read(subject, body, RULES)
    assert found.ticket == "SRX1234567890ID"
    assert [i.value for i in found.identities] == [LISTED, CLEAN]
    wanted = {"mixed": "not-qualified", "confirm-link": "needs-information"}.get(name, name)
    assert found.class_ == wanted
    asked = {"confirm-link": {"confirm-link"}, "needs-information": {"refusal-line"}}
    assert set(found.asks) >= asked.get(name, set())


def test_an_unknown_scenario_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'stright'.*straight, .*declined-first"):
        Lab(folder=tmp_path, scenario="stright")
    with pytest.raises(ValueError, match="there is no scenario"):
        scenario("../desk")


def test_rules_of_its_own_beat_the_scenario_s(tmp_path: Path) -> None:
    lab = Lab(folder=tmp_path, scenario="mixed", rules=Rules(blocked={CLEAN: "S3150"}))
    assert lab.rules.blocked == {CLEAN: "S3150"}
    assert set(Lab(folder=tmp_path, scenario="mixed").rules.blocked) == {LISTED, CLEAN}


def test_the_same_seed_gives_the_same_tickets(tmp_path: Path) -> None:
    found: dict[int, list[str]] = {}
    for n, seed in enumerate((1, 1, 2)):

        async def walk(lab: Lab, clock: SteppedClock, n: int = n) -> None:
            found[n] = [await post(lab) for _ in range(2)]

        live(tmp_path / str(n), walk, seed=seed)
    assert found[0] == found[1] != found[2]
    assert len(set(found[0] + found[2])) == 4


# Mail to the desk


@pytest.mark.parametrize(
    ("subject", "body", "names", "insists"),
    [
        ("Re: {ticket}", "550 5.7.1 Unfortunately", True, True),
        ("Re: Outlook.com に配信の問題が報告されました {ticket}", "担当の方の確認を", True, True),
        ("また", "{ticket} の再調査をお願いします", True, True),
        ("Re: {ticket}", "Please have a person review it.", True, True),
        ("Re: {ticket}", "ありがとうございました", True, False),
        ("Re: {ticket}", "ok\n> 550 5.7.1 Unfortunately\n> a person", True, False),
        ("Re: your mail", "550 5.7.1 Unfortunately, by a person please", False, False),
        ("Re: SRX0000000000ID", "550 5.7.1 Unfortunately", False, False),
        ("Re: X{ticket}X", "550 5.7.1 Unfortunately", False, False),
    ],
)
def test_which_replies_insist(
    tmp_path: Path, subject: str, body: str, names: bool, insists: bool
) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab)
        await clock.advance(HOUR)
        before = len(lab.happened.of(Wrote))
        reply(lab, subject.format(ticket=ticket), body.format(ticket=ticket))
        await clock.advance(3 * HOUR)
        found = lab.happened.of(Read)[-1]
        assert (found.ticket, found.insists) == (ticket if names else None, insists)
        # What belongs to no ticket is answered by nothing.
        assert len(lab.happened.of(Wrote)) - before == (1 if names else 0)

    live(tmp_path, walk, scenario="declined-first")


def test_what_machines_send_is_not_answered(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ticket = await post(lab)
        await clock.advance(HOUR)
        mail = f"Subject: Undelivered\r\n\r\n{ticket}\r\n550 5.7.1 no\r\n".encode()
        lab.sender.submit("", [lab.desk.mailbox], mail)
        await clock.advance(3 * HOUR)
        assert lab.happened.of(Read)[-1] == Read(
            at=lab.happened.of(Read)[-1].at, ticket=ticket, sender="", subject="Undelivered",
            insists=False,
        )  # fmt: skip
        assert len(lab.happened.of(Wrote)) == 2

    live(tmp_path, walk, scenario="declined-first")


def test_the_desk_has_one_mailbox(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        reply(lab, "x", "y", to=f"SUPPORT@{DESK}")
        reply(lab, "x", "y", to=f"postmaster@{DESK}")
        await clock.rest()
        assert len(lab.happened.of(Read)) == 1
        assert sum(a.status == "bounced" for a in lab.happened.of(Attempted)) == 1

    live(tmp_path, walk)


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"Subject: ", b"Content-Type: text/plain; x"])
)
@example(b"=?x?b?=?=\r\n", b"Subject: ")
@example(b'; charset="\xff"\r\n\r\n\xff', b"Content-Type: text/plain")
@example(b"\r\nContent-Transfer-Encoding: base64\r\n\r\n=", b"Content-Type: text/plain")
def test_any_mail_is_read(rest: bytes, head: bytes) -> None:
    found = letters.read(head + rest)
    assert found.tickets == () or b"SRX" in rest


def test_a_desk_whose_contact_is_nowhere(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        await post(lab, contact="a@nowhere.test")
        await clock.advance(HOUR)
        assert [w.delivered for w in lab.happened.of(Wrote)] == [False, False]
        assert len(lab.happened.of(Changed)) == 1

    live(tmp_path, walk)


# What strangers send to the form

BAD = [
    ({"ips": ""}, "IP アドレス"),
    ({"ips": " ;,; "}, "空欄"),
    ({"ips": "192.0.2.1; <script>alert(1)</script>"}, "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ({"ips": "192.0.2.0/24"}, "192.0.2.0/24"),
    ({"ips": "999.1.1.1"}, "999.1.1.1"),
    ({"ips": "fe80::1%<b>"}, "fe80::1%&lt;b&gt;"),
    ({"ips": " ".join(f"192.0.2.{n}" for n in range(60))}, "50"),
    ({"contact": ""}, "空欄"),
    ({"contact": "nobody"}, "nobody"),
    ({"contact": 'a"@hoge.test'}, "a&quot;@hoge.test"),
    ({"contact": "a@hoge.test>\r\nRCPT TO:<b@hoge.test"}, "RCPT"),
    ({"contact": "a@hoge.test\r\nBcc: b@hoge.test"}, "Bcc"),
    ({"contact": "a@b@hoge.test"}, "a@b@hoge.test"),
    ({"contact": "佐藤@hoge.test"}, "佐藤@hoge.test"),
    ({"contact": "a@日本語.test"}, "a@日本語.test"),
    ({"contact": "a@[127.0.0.1]"}, "127.0.0.1"),
    ({"contact": "a" * 300 + "@hoge.test"}, "254"),
    ({"domain": ""}, "空欄"),
    ({"domain": "hoge test"}, "hoge test"),
    ({"domain": "-.test"}, "-.test"),
    ({"domain": '"><img src=x>'}, "&quot;&gt;&lt;img src=x&gt;"),
    ({"error": "x" * 5000}, "4000"),
]


@pytest.mark.parametrize(("wrong", "told"), BAD)
def test_nonsense_is_told_in_a_sentence(wrong: dict[str, str], told: str) -> None:
    found = checked(fields() | wrong, "ja")
    assert isinstance(found, list) and found
    page = " ".join(html.escape(sentence) for sentence in found)
    assert told in page and page.endswith("。")


@given(st.fixed_dictionaries({name: st.text(max_size=60) for name in FIELDS}))
def test_any_field_is_taken_or_told(given_: dict[str, str]) -> None:
    found = checked(given_, "en")
    if isinstance(found, Request):
        assert not re.search(r"[\s<>\0]", found.contact) and found.contact.isascii()
        assert found.addresses and found.contact.count("@") == 1


def test_hostile_requests_get_a_page_and_file_nothing(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        url = lab.desk.url

        async def ask(
            data: dict[str, str] | bytes, at: str = "", **headers: str
        ) -> tuple[int, str]:
            return await asyncio.to_thread(http, url + at, data, **headers)

        status, page = await ask(fields("<b>1</b>", error='"</textarea><script>x</script>'))
        assert status == 400 and "<script" not in page and "<b>" not in page
        assert "&lt;script&gt;" in page  # what was written is still there to be mended
        assert (await ask(b"ips=%ff%fe"))[0] == 400
        assert (await ask(b"\xff\xfe=1"))[0] == 400
        assert (await ask(b"a&" * 60))[0] == 400
        assert (await ask(b""))[0] == 400
        assert (await ask(b"x" * 70_000))[0] == 413
        assert (await ask(fields(), "confirm/"))[0] == 404
        assert (await ask(fields(), "../etc/passwd"))[0] == 404
        assert (await ask(b"{}", Content_Type="application/json"))[0] == 415
        assert not lab.happened.of(Filed)

        async def say(octets: bytes) -> bytes:
            host, port = urllib.parse.urlsplit(url).hostname, urllib.parse.urlsplit(url).port
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(octets)
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return answer

        post_ = b"POST / HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        assert b" 411 " in await say(post_ + b"\r\n")
        assert b" 411 " in await say(post_ + b"Content-Length: -1\r\n\r\n")
        assert b" 411 " in await say(post_ + "Content-Length: ４\r\n\r\n".encode())
        assert b" 413 " in await say(post_ + b"Content-Length: 99999999999999\r\n\r\n")
        assert await say(post_ + b"Content-Length: 100\r\n\r\nips=1") == b""
        assert b" 404 " in await say(b"GET http://[/ HTTP/1.0\r\n\r\n")
        assert b" 501 " in await say(b"DELETE / HTTP/1.0\r\n\r\n")
        assert b" 400 " in await say(b"\x16\x03\x01\x00\xff\r\n\r\n")
        assert b" 414 " in await say(b"GET /" + b"a" * 70_000 + b" HTTP/1.0\r\n\r\n")
        assert await say(b"") == b""
        head = await say(b"HEAD / HTTP/1.0\r\n\r\n")
        assert b" 200 " in head and head.endswith(b"\r\n\r\n")
        assert not lab.happened.of(Filed)
        assert lab.desk.faults == []
        # And it still stands.
        assert await post(lab)
        found = lab.happened.of(Filed)[-1]
        assert (found.contact, found.domain, found.addresses) == (US, "hoge.test", (LISTED,))

    live(tmp_path, walk)


def test_many_at_once(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        tickets = await asyncio.gather(*(post(lab, f"192.0.2.{n}") for n in range(20)))
        assert len(set(tickets)) == 20
        await clock.advance(HOUR)
        assert len(mails(lab)) == 40
        assert {w.ticket for w in lab.happened.of(Wrote)} == set(tickets)

    live(tmp_path, walk)


def test_a_request_as_people_write_it(tmp_path: Path) -> None:
    async def walk(lab: Lab, clock: SteppedClock) -> None:
        ips = f"{LISTED}，{CLEAN}\r\n[2001:DB8::1];{LISTED}"
        await post(lab, ips=ips, domain="日本語.test", name="\0佐藤", error="550 <x>\r\n続き")
        found = lab.happened.of(Filed)[-1]
        assert found.addresses == (LISTED, CLEAN, "2001:db8::1")
        assert found.domain == "日本語.test" and found.error == "550 <x>\r\n続き"

    live(tmp_path, walk)
