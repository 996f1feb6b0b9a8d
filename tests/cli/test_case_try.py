"""`todoku case try`: to which mailbox, what is refused, and what is told where nobody does the work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.serve.test_serve import Relay
from todoku import settings
from todoku.cases import events as ev
from todoku.serve import opening
from todoku.serve.mailboxes.polling import Pollers

from .test_case_request import bad, events, home, run

__all__ = ["home"]


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    made = Relay()
    monkeypatch.setenv("TODOKU_MAIL_RELAY", f"127.0.0.1:{made.port}")
    yield made
    made.close()


def test_it_is_sent_here_where_no_serve_runs(relay: Relay) -> None:
    done = run("case", "try", "1", "--to", "me@hotmail.com", "--wait", "1", lang="en")
    assert (done.exception, done.return_value) == (None, 3)
    (mail,) = relay.mails
    assert b"To: me@hotmail.com" in mail and b"Message-ID: <todoku.try." in mail
    trying, sent = events()[-2:]
    assert (trying["event"], trying["identity"]["value"]) == ("trying", "192.0.2.1")
    assert (sent["event"], sent["message_id"]) == ("sent", trying["message_id"])
    assert "our mail server has it" in done.stdout and "Not known yet" in done.stderr
    assert "neither [mail] log" in done.stderr
    # Once more: it waits for the same one.
    done = run("case", "try", "1", "--to", "me@hotmail.com", "--wait", "0")
    assert "もう頼まれています" in done.stderr
    assert len(relay.mails) == 1 and events()[-1]["event"] == "sent"


def test_a_running_serve_does_it(relay: Relay) -> None:
    with opening.alone(settings.load()):
        done = run("case", "try", "1", "--to", "me@hotmail.com", "--wait", "0")
    assert done.return_value == 3 and relay.mails == []
    assert events()[-1]["event"] == "trying"


def test_the_log_tells(relay: Relay, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = home / "mail.log"
    log.write_text("")
    monkeypatch.setenv("TODOKU_MAIL_LOG", str(log))
    run("case", "try", "1", "--to", "me@hotmail.com", "--wait", "0")
    message_id = events()[-1]["message_id"]
    head = "Nov 24 09:12:00 mx1 postfix/"
    log.write_text(
        f"{head}cleanup[7]: 4ABCDEF: message-id={message_id}\n"
        f"{head}smtp[8]: 4ABCDEF: to=<me@hotmail.com>, relay=mx1.hotmail.com[198.51.100.7]:25, delay=1, "
        "delays=0/0/0/1, dsn=5.7.1, status=bounced (host mx1.hotmail.com[198.51.100.7] said: 550 5.7.1 no)\n"
        # Who has got it knows its Message-ID, and may send us another mail with the same.
        f"{head}cleanup[7]: 4ABCDEE: message-id={message_id}\n"
        f"{head}local[8]: 4ABCDEE: to=<sato@hoge.test>, relay=local, delay=1, delays=0/0/0/1, dsn=2.0.0, "
        "status=sent (delivered to mailbox)\n"
    )
    done = run("case", "try", "1", "--wait", "20", "--json")
    assert (done.exception, done.return_value) == (None, 2)
    tried = json.loads(done.stdout.splitlines()[-1])
    assert (tried["result"], tried["reply"]["code"]) == ("refused", 550)
    assert tried["hosts"] == ["mx1.hotmail.com"]


def test_a_server_of_ours_that_does_not_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODOKU_MAIL_RELAY", "127.0.0.1:1")
    done = run("case", "try", "1", "--to", "me@hotmail.com", "--wait", "1", lang="en")
    assert done.return_value == 3 and events()[-1]["event"] == "trying"


def test_the_mailbox_of_the_settings(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, address in (("a", "me@gmail.com"), ("b", "me@outlook.jp")):
        monkeypatch.setenv(f"TODOKU_MAILBOX_{name}_SERVER".upper(), "127.0.0.1:1")
        monkeypatch.setenv(f"TODOKU_MAILBOX_{name}_USER".upper(), "me")
        monkeypatch.setenv(f"TODOKU_MAILBOX_{name}_PASSWORD".upper(), "x")
        monkeypatch.setenv(f"TODOKU_MAILBOX_{name}_ADDRESS".upper(), address)
    done = run("case", "try", "1", "--wait", "3", lang="en")
    assert done.exception is None
    trying = next(e for e in events() if e["event"] == "trying")
    assert (trying["to"], trying["mailbox"]) == ("me@outlook.jp", "b")
    assert "mailbox b: cannot reach 127.0.0.1:1" in done.stderr


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "[mailbox.NAME]"),
        (("--to", "me@gmail.com"), "me@gmail.com"),
        (("--to", "me@hotmail.com>\r\nDATA"), "--to"),
        (("--to", "me@hotmail.com", "--from", "<>"), "--from"),
        (("--mailbox", "seed"), "seed"),
        (("--to", "me@hotmail.com", "--address", "192.0.2.9"), "192.0.2.9"),
    ],
)
def test_wrong_use_sends_nothing(
    relay: Relay, words: tuple[str, ...], part: str, lang: str
) -> None:
    message = bad("case", "try", "1", *words, lang=lang)
    assert part in message and "\r" not in message
    assert relay.mails == [] and events()[-1]["event"] == "diagnosed"


def test_a_case_that_does_not_exist_or_is_over(relay: Relay) -> None:
    assert "案件 9" in bad("case", "try", "9", "--to", "me@hotmail.com")
    run("case", "close", "1", "--why", "gave-up")
    assert "終了" in bad("case", "try", "1", "--to", "me@hotmail.com")
    assert relay.mails == []


def test_that_mail_waits_is_said(relay: Relay) -> None:
    with opening.desk(settings.load()) as desk:
        at = desk.case(1).changed_at
        assert at is not None
        desk.change(1, lambda _: (ev.Held(at=at, how="hotmail.com"),))
    done = run("case", "try", "1", "--to", "me@hotmail.com", "--wait", "0")
    assert "待機にされています" in done.stderr


def test_a_mailbox_for_trials_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    words = {"SERVER": "127.0.0.1:1", "USER": "me", "PASSWORD": "x", "TAKES": "trials"}
    for key, value in words.items():
        monkeypatch.setenv(f"TODOKU_MAILBOX_SEED_{key}", value)
    for what in ("fetch", "list"):
        done = run("mailbox", what, lang="en")
        assert "seed: trials are looked for in it" in done.stdout and not done.stderr
    found = settings.load()
    with opening.desk(found) as desk:
        assert Pollers(found, desk, lambda: datetime.now(UTC), lambda *_: None).all == []
