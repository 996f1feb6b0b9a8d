"""`todoku case show N --affected`: whose mail came back, by logs and bounces, each message once."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.serve import returned
from todoku import settings
from todoku.cases import events as ev
from todoku.serve import opening
from todoku.store.messages import Mailbox

from .test_case_request import ROOT, bad, good, home, run

__all__ = ["home"]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "affected.schema.json").read_text())
SAID = "host mx1.hotmail.com[198.51.100.7] said: 550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150). (in reply to MAIL FROM command)"
LATER = "host mx1.hotmail.com[198.51.100.7] said: 451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. (in reply to MAIL FROM command)"


def line(n: int, who: str, to: str, status: str, said: str) -> str:
    at = f"{datetime.now(UTC).astimezone():%b %d %H:%M:%S}"
    dsn = {"bounced": "5.7.1", "deferred": "4.7.650", "sent": "2.0.0"}[status]
    return (
        f"{at} mx1 postfix/cleanup[7]: 4ABC{n:03}: message-id=<{n}@hoge.test>\n"
        f"{at} mx1 postfix/qmgr[9]: 4ABC{n:03}: from=<{who}>, size=500, nrcpt=1 (queue active)\n"
        f"{at} mx1 postfix/smtp[8]: 4ABC{n:03}: to=<{to}>, relay=mx1.hotmail.com[198.51.100.7]:25, "
        f"delay=1, delays=0/0/0/1, dsn={dsn}, status={status} ({said})\n"
    )


@pytest.fixture
def log(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = home / "mail.log"
    monkeypatch.setenv("TODOKU_MAIL_LOG", str(made))
    made.write_text(
        line(2, "sato@hoge.test", "taro@hotmail.com", "bounced", SAID)
        + line(2, "sato@hoge.test", "taro@hotmail.com", "bounced", SAID)
        + line(3, "suzuki@hoge.test", "jiro@outlook.com", "bounced", SAID)
        + line(4, "suzuki@hoge.test", "saburo@hotmail.com", "deferred", LATER)
        + line(5, "suzuki@hoge.test", "shiro@hotmail.com", "sent", "250 2.0.0 taken")
        + line(6, "suzuki@hoge.test", "goro@gmail.com", "bounced", "550 5.1.1 no such user")
    )
    with gzip.open(home / "mail.log.1.gz", "wt") as old:
        old.write(line(1, "tanaka@hoge.test", "taro@hotmail.com", "bounced", SAID))
    return made


def listed(*words: str) -> list[dict[str, Any]]:
    found = [
        json.loads(row)
        for row in good("case", "show", "1", "--affected", "--json", *words).splitlines()
    ]
    for each in found:
        jsonschema.Draft202012Validator(SCHEMA).validate(each)
    return found


def test_what_came_back_and_no_more(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert log.exists()
    monkeypatch.setenv("TODOKU_PRIVACY_CLEAR_FOR", "*")
    assert {(r["sender"], r["recipient"], r["message_id"], r["known_by"]) for r in listed()} == {
        ("tanaka@hoge.test", "taro@hotmail.com", "<1@hoge.test>", "log"),
        ("sato@hoge.test", "taro@hotmail.com", "<2@hoge.test>", "log"),
        ("suzuki@hoge.test", "jiro@outlook.com", "<3@hoge.test>", "log"),
    }
    shown = good("case", "show", "1", "--affected", lang="en")
    assert "messages: 3, senders: 3, recipients: 2" in shown
    assert "Sent again now they would come back" in shown
    good("case", "close", "1", "--why", "resolved")
    assert "届くようになった" in good("case", "show", "1", "--affected")


def test_a_bounce_and_its_line_in_the_log_are_one_message_and_a_trial_is_nobody_s(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TODOKU_PRIVACY_CLEAR_FOR", "*")
    log.write_text(
        line(2, "sato@hoge.test", "taro@hotmail.com", "bounced", SAID)
        + line(7, "postmaster@hoge.test", "me@hotmail.com", "bounced", SAID).replace(
            "<7@hoge.test>", "<todoku.try.7@hoge.test>"
        )
    )
    (log.parent / "mail.log.1.gz").unlink()
    reply = SAID.partition("said: ")[2].partition(" (in reply")[0]
    with opening.desk(settings.load()) as desk:
        now = datetime.now(UTC)
        body = returned.bounce("taro@hotmail.com", reply, "4ABC002", "<2@hoge.test>")
        Mailbox(desk).keep([body], "test", now)
        sha = hashlib.sha256(body).hexdigest()
        event = ev.Refused(at=now, first=now, last=now, proof="log", source=f"message:{sha}")
        desk.change(1, lambda _: (event,))
    assert [(r["message_id"], r["known_by"]) for r in listed()] == [("<2@hoge.test>", "log")]
    log.write_text("")
    assert [(r["queue_id"], r["known_by"]) for r in listed()] == [("4ABC002", "bounce")]


def test_recipients_are_masked(log: Path) -> None:
    assert log.exists()
    done = run("case", "show", "1", "--affected", lang="en")
    assert "taro@" not in done.stdout and "t…@hotmail.com" in done.stdout
    assert "sato@hoge.test" in done.stdout and "<2@hoge.test>" in done.stdout
    assert "clear_for" in done.stderr
    assert {r["recipient"] for r in listed()} == {"t…@hotmail.com", "j…@outlook.com"}


def test_without_a_log_and_with_one_that_is_not_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run("case", "show", "1", "--affected", lang="en")
    assert "no mail that came back was found" in done.stdout and "[mail] log" in done.stderr
    monkeypatch.setenv("TODOKU_MAIL_LOG", str(home / "gone.log"))
    done = run("case", "show", "1", "--affected")
    assert "gone.log" in done.stderr and "読めません" in done.stderr
    assert "案件 9" in bad("case", "show", "9", "--affected")
