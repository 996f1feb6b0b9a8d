"""`todoku probe`: what the receiver hears, what is said of it, what is refused. Names and servers are on
loopback, the knowledge is the real one."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from tests.preflight.world import serving
from todoku import probe as smtp
from todoku.cli import Failure, main
from todoku.errors import TodokuError
from todoku.knowledge import load
from todoku.lab.clock import RealClock
from todoku.lab.zones import Zones, a, mx
from todoku.lists import wire

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "probe.schema.json"
SOURCE = "127.0.0.9"
BLOCKED = (
    "550 5.7.1 Unfortunately, messages from [127.0.0.9] weren't sent. Please contact your Internet "
    "service provider since part of their network is on our block list (S3150)."
)
GREYLISTED = (
    "450 4.2.0 <x@partner.example>: Recipient address rejected: Greylisted, try again later"
)
OK = {"CONN": "220 mx ESMTP", "EHLO": "250 mx", "MAIL": "250 ok", "RCPT": "250 ok"}


def zones() -> Zones:
    known = Zones(RealClock())
    for apex in ("com", "de", "example"):
        known.zone(apex)
    for domain, host in (
        ("outlook.com", "outlook-com.olc.protection.outlook.com"),
        ("tenant.example", "tenant-example.mail.protection.outlook.com"),
        ("t-online.de", "mx00.t-online.de"),
        ("gmail.com", "gmail-smtp-in.l.google.com"),
        ("partner.example", "mx.partner.example"),
        ("second.example", "mx.partner.example"),
    ):
        known.add(domain, mx(10, host))
        known.add(host, a("127.0.0.1"))
    known.add("nomail.example", (wire.MX, b"\0\0\0"))  # RFC 7505
    return known


@pytest.fixture(scope="module")
def resolver() -> Iterator[str]:
    with serving(zones()) as server:
        yield str(server)


class Receiver:
    """One that answers as told, and remembers every line."""

    def __init__(self, **says: str) -> None:
        self.says = OK | says
        self.heard: list[str] = []
        self.peers: list[str] = []

    @contextmanager
    def listening(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            thread = threading.Thread(target=self._serve, args=(server,), daemon=True)
            thread.start()
            yield server.getsockname()[1]
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                client, peer = server.accept()
            except OSError:
                return
            self.peers.append(peer[0])
            with client, client.makefile("rb") as lines:
                client.sendall(self.says["CONN"].encode() + b"\r\n")
                for line in lines:
                    text = line.decode().strip()
                    self.heard.append(text)
                    verb = text.partition(" ")[0].upper()
                    client.sendall(self.says.get(verb, "250 ok").encode() + b"\r\n")
                    if verb == "QUIT":
                        break


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolver: str) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_MAIL_SENDER", "postmaster@ours.example")
    monkeypatch.setenv("TODOKU_OWN_HELO", "mx1.ours.example")
    monkeypatch.setenv("TODOKU_DNS_RESOLVER", resolver)
    return tmp_path


def run(*words: str, lang: str = "en") -> Result:
    return CliRunner().invoke(
        main, ["probe", "--lang", lang, "--bind", SOURCE, *words], standalone_mode=False
    )


def ask(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, dict[str, Any]]:
    with receiver.listening() as port:
        monkeypatch.setenv("TODOKU_LAB_PORT", str(port))
        done = run("--json", *words)
    assert done.exception is None, done.exception
    told: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(told)
    return done.return_value, told


def bad(*words: str, lang: str = "en") -> tuple[str, int]:
    error = run(*words, lang=lang).exception
    if isinstance(error, Failure):
        return error.message, error.code
    assert isinstance(error, TodokuError), error
    return error.text("en"), error.exit_code


def test_accepted_as_far_as_it_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    code, told = ask(receiver, monkeypatch, "outlook.com")
    assert (code, told["result"], told["stage"]) == (0, "accepted", "MAIL FROM")
    assert (told["receiver"], told["refuses_at"]) == ("microsoft-consumer", "MAIL FROM")
    assert receiver.heard == [
        "ehlo mx1.ours.example", "mail FROM:<postmaster@ours.example>", "rset", "quit",
    ]  # fmt: skip
    assert receiver.peers == [SOURCE]
    wait = datetime.fromisoformat(told["again"]) - datetime.fromisoformat(told["at"])
    assert wait == timedelta(hours=6)


def test_by_the_id_of_the_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = ask(Receiver(), monkeypatch, "microsoft-consumer")
    assert (code, told["domain"], told["receiver"]) == (0, "outlook.com", "microsoft-consumer")


def test_a_refusal_is_diagnosed(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver(MAIL=BLOCKED)
    code, told = ask(receiver, monkeypatch, "outlook.com")
    assert (code, told["result"], told["stage"]) == (2, "refused", "MAIL FROM")
    diagnosis = told["diagnosis"]
    assert (diagnosis["receiver"], diagnosis["reason"]) == ("microsoft-consumer", "listed")
    assert diagnosis["recipient"] is None
    assert diagnosis["blocked"][0]["value"] == SOURCE
    assert diagnosis["blocked"][0]["own"] is True
    assert diagnosis["who_acts"] == "sender-admin"
    assert diagnosis["removal"]["channel"] == "form"
    assert diagnosis["remedy"]


def test_where_it_refuses_by_its_banner_the_banner_is_the_answer(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    receiver = Receiver()
    code, told = ask(receiver, monkeypatch, "t-online", "--mailbox", "me@t-online.de")
    assert (code, told["result"], told["stage"]) == (0, "accepted", "CONN")
    assert receiver.heard == ["quit"]
    monkeypatch.setenv("TODOKU_GENERAL_DATA", str(home / "another"))
    receiver = Receiver(
        CONN="554 IP=127.0.0.9 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de) (BL)"
    )
    code, told = ask(receiver, monkeypatch, "t-online.de")
    assert (code, told["result"], told["stage"]) == (2, "refused", "CONN")
    assert told["diagnosis"]["receiver"] == "t-online"


def test_what_is_refused_after_the_message_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    code, told = ask(receiver, monkeypatch, "gmail")
    assert (code, told["result"], told["refuses_at"]) == (1, "inconclusive", "END OF DATA")
    assert not any("DATA" in line.upper() for line in receiver.heard)


def test_an_unknown_receiver_proves_nothing_by_taking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    code, told = ask(receiver, monkeypatch, "partner.example")
    assert (code, told["result"]) == (1, "inconclusive")
    assert (told["receiver"], told["refuses_at"]) == (None, None)
    assert not any(line.upper().startswith("RCPT") for line in receiver.heard)


def test_rcpt_to_names_a_mailbox_of_ones_own_alone(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    receiver = Receiver()
    code, told = ask(receiver, monkeypatch, "tenant.example")
    assert (code, told["result"]) == (1, "inconclusive")
    assert (told["receiver"], told["refuses_at"]) == ("microsoft-365", "RCPT TO")
    assert not any(line.upper().startswith("RCPT") for line in receiver.heard)
    monkeypatch.setenv("TODOKU_GENERAL_DATA", str(home / "another"))
    receiver = Receiver()
    code, told = ask(receiver, monkeypatch, "tenant.example", "--mailbox", "me@tenant.example")
    assert (code, told["result"], told["stage"]) == (0, "accepted", "RCPT TO")
    assert [line for line in receiver.heard if line.upper().startswith("RCPT")] == [
        "rcpt TO:<me@tenant.example>"
    ]


def test_a_mailbox_that_is_none_tells_nothing_of_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receiver = Receiver(RCPT="550 5.1.1 <me@tenant.example>: User unknown")
    code, told = ask(receiver, monkeypatch, "tenant.example", "--mailbox", "me@tenant.example")
    assert (code, told["result"], told["stage"]) == (1, "inconclusive", "RCPT TO")
    assert told["diagnosis"]["reason"] == "user-unknown"


@pytest.mark.parametrize(
    ("stage", "says", "result"),
    [
        ("MAIL", GREYLISTED, "greylisted"),
        ("MAIL", "451 4.7.1 Greylisting in action, please come back later", "greylisted"),
        ("CONN", "421 4.3.2 too many connections, try again later", "deferred"),
        ("MAIL", "451 4.3.0 local error", "deferred"),
    ],
)
def test_greylisting_is_no_refusal(
    monkeypatch: pytest.MonkeyPatch, stage: str, says: str, result: str
) -> None:
    code, told = ask(Receiver(**{stage: says}), monkeypatch, "partner.example")
    assert (code, told["result"]) == (1, result)


def test_no_dialogue_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = ask(Receiver(CONN="HTTP/1.1 400 Bad Request"), monkeypatch, "partner.example")
    assert (code, told["result"], told["stage"]) == (3, "failed", None)
    assert told["why"]


def test_once_in_six_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    with receiver.listening() as port:
        monkeypatch.setenv("TODOKU_LAB_PORT", str(port))
        assert run("partner.example").return_value == 1
        before = list(receiver.heard)
        # Another domain at the same servers is the same receiver; a restart forgets nothing.
        for domain in ("partner.example", "second.example"):
            message, code = bad(domain)
            assert code == 75
            assert re.search(r"Again from 20\d\d-\d\d-\d\d \d\d:\d\d [+-]\d{4}", message), message
        message, code = bad("partner.example", lang="ja")
        assert "6 時間に 1 回" in message
        assert receiver.heard == before
        # Another address of ours is asked about by itself.
        assert run("partner.example", "--bind", "127.0.0.8").return_value == 1
        assert receiver.peers == [SOURCE, "127.0.0.8"]


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("not a name",), 64, "not a name"),
        (("no-such-receiver",), 64, "no-such-receiver"),
        (("microsoft-365",), 64, "microsoft-365"),
        (("outlook.com", "--sender", ""), 64, "--sender"),
        (("outlook.com", "--sender", "<>"), 64, "--sender"),
        (("outlook.com", "--sender", "a@b.example>\r\nDATA"), 64, "--sender"),
        (("outlook.com", "--helo", ""), 64, "--helo"),
        (("outlook.com", "--helo", "mx1\r\nDATA"), 64, "--helo"),
        (("outlook.com", "--mailbox", "you@elsewhere.example"), 64, "you@elsewhere.example"),
        (("outlook.com", "--mailbox", "outlook.com"), 64, "--mailbox"),
        (("outlook.com", "--bind", "203.0.113.77"), 64, "203.0.113.77"),
        (("outlook.com", "--bind", "2001:db8::1"), 64, "2001:db8::1"),
        (("outlook.com", "--bind", "x"), 64, "--bind"),
        (("outlook.com", "--resolver", "no resolver"), 64, "no resolver"),
        (("nomail.example",), 3, "nomail.example"),
        (("elsewhere.invalid",), 3, "elsewhere.invalid"),
    ],
)
def test_what_is_refused_sends_nothing(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, part: str, lang: str
) -> None:
    receiver = Receiver()
    with receiver.listening() as port:
        monkeypatch.setenv("TODOKU_LAB_PORT", str(port))
        message, given = bad(*words, lang=lang)
    assert given == code, message
    assert part in message
    assert "\r" not in message
    assert receiver.peers == []


def test_no_sender_is_no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TODOKU_MAIL_SENDER")
    message, code = bad("outlook.com")
    assert code == 64
    assert "null sender" in message


@pytest.mark.parametrize(
    ("never", "target"),
    [
        ("microsoft-consumer", "microsoft-consumer"),
        ("microsoft-consumer", "outlook.com"),
        ("outlook.com", "microsoft-consumer"),
        ("@partner.example", "second.example"),  # the domain of its servers
    ],
)
def test_a_receiver_that_does_not_want_it(
    monkeypatch: pytest.MonkeyPatch, never: str, target: str
) -> None:
    monkeypatch.setenv("TODOKU_CASES_NEVER_PROBE", never)
    receiver = Receiver()
    with receiver.listening() as port:
        monkeypatch.setenv("TODOKU_LAB_PORT", str(port))
        message, code = bad(target)
    assert code == 64
    assert "does not want to be probed" in message
    assert receiver.peers == []


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_screen(monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    with Receiver(MAIL=BLOCKED).listening() as port:
        monkeypatch.setenv("TODOKU_LAB_PORT", str(port))
        done = run("outlook.com", lang=lang)
    assert (done.exception, done.return_value) == (None, 2)
    head = done.stdout.splitlines()[0]
    assert "127.0.0.9" in head
    assert ("拒否しています" if lang == "ja" else "refuses") in head
    assert "S3150" in done.stdout
    assert "outlook-com.olc.protection.outlook.com (127.0.0.1)" in done.stdout


def test_the_furthest_stage_of_every_receiver() -> None:
    knowledge = load.knowledge()
    told = {r.id: smtp.refuses_at(knowledge, r.id) for r in knowledge.receivers}
    assert told["t-online"] == "CONN"
    assert told["microsoft-consumer"] == "MAIL FROM"
    assert told["microsoft-365"] == "RCPT TO"
    assert told["gmail"] == "END OF DATA"
    # some of its rules refuse an address who knows where: what came before proves nothing
    assert told["yahoo"] is None
    assert smtp.farthest(knowledge, "yahoo") == "MAIL FROM"
    assert smtp.refuses_at(knowledge, "no-such-receiver") is None
    for receiver, stage in told.items():
        if stage is not None:
            assert stage in {r.refuses_at for r in knowledge.rules if r.reason in smtp.GROUNDS}, (
                receiver
            )
