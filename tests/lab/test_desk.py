"""The desk of the lab: a form over HTTP, answers by signed mail, and what comes of them."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from todoku.cases import answers
from todoku.lab import maildir
from todoku.lab.clock import SteppedClock
from todoku.lab.happenings import Changed, Read, Wrote
from todoku.lab.signing import verified
from todoku.lab.world import DESK, LISTED, Lab
from todoku.serve.intake import answer_rules

MINUTE, HOUR = 60, 3600
US = "postmaster@hoge.test"
(RULES,) = (r for r in answer_rules() if r.desk == "microsoft-consumer")


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
