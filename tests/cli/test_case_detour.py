"""`todoku case detour`: what is looked at before a relay sends our mail, what is printed and recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.preflight.world import serving
from todoku.lab.clock import RealClock
from todoku.lab.zones import Zones, a, txt

from .test_case_affected import SAID, line
from .test_case_request import ROOT, bad, events, good, home, run
from .test_probe import Receiver

__all__ = ["home"]
SCHEMA = ROOT / "docs" / "reference" / "detour.schema.json"


@pytest.fixture(scope="module")
def resolver() -> Iterator[str]:
    known = Zones(RealClock())
    known.zone("test")
    known.add("relay.hoge.test", a("127.0.0.1"))
    known.add("hoge.test", txt("v=spf1 ip4:127.0.0.1 -all"))
    known.add("other.test", txt("v=spf1 ip4:192.0.2.1 -all"))
    with serving(known) as server:
        yield str(server)


@pytest.fixture(autouse=True)
def dns(home: Path, resolver: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TODOKU_DNS_RESOLVER", resolver)
    monkeypatch.setenv("TODOKU_OWN_HELO", "mx1.hoge.test")
    return home


def mended() -> None:
    good("case", "request", "1", "--mended", "closed the open relay", "--cause", "x", "--offline")


def looked(receiver: Receiver, *words: str) -> dict[str, Any]:
    with receiver.listening() as port:
        shown = good("case", "detour", "1", "--via", f"relay.hoge.test:{port}", "--json", *words)
    made: dict[str, Any] = json.loads(shown)
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(made)
    return made


def test_a_relay_that_may_send_our_mail() -> None:
    mended()
    receiver = Receiver()
    made = looked(receiver)
    assert {(c["check"], c["state"]) for c in made["checks"]} == {
        ("address", "ok"), ("spf", "ok"), ("dkim", "unknown"), ("permission", "ok"),
    }  # fmt: skip
    assert made["detour"]["domains"] == ["hotmail.com"]
    # It was asked, and nothing was sent.
    assert [text.split(":")[0].lower() for text in receiver.heard] == [
        "ehlo mx1.hoge.test", "mail from", "rcpt to", "quit",
    ]  # fmt: skip
    assert events()[-1]["event"] == "mended"


@pytest.mark.parametrize(
    ("says", "state", "part"),
    [
        ({"RCPT": "554 5.7.1 Relay access denied"}, "bad", "Relay access denied"),
        ({"MAIL": "530 5.7.0 Authentication required"}, "unknown", "smtp_sasl_password_maps"),
        ({"CONN": "421 busy"}, "unknown", "421 busy"),
    ],
)
def test_one_that_does_not_take_it(says: dict[str, str], state: str, part: str) -> None:
    mended()
    receiver = Receiver(**says)
    with receiver.listening() as port:
        message = bad("case", "detour", "1", "--via", f"relay.hoge.test:{port}", lang="en")
        assert part in message and "--anyway" in message
    made = looked(Receiver(**says), "--anyway")
    assert [c["state"] for c in made["checks"] if c["check"] == "permission"] == [state]


def test_spf_that_does_not_permit_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mended()
    monkeypatch.setenv("TODOKU_OWN_DOMAINS", "hoge.test,other.test,silent.example")
    with Receiver().listening() as port:
        message = bad("case", "detour", "1", "--via", f"relay.hoge.test:{port}", lang="en")
    assert "SPF of other.test does not permit 127.0.0.1 (fail): add ip4:127.0.0.1" in message
    assert "hoge.test permits" not in message
    # Its mail leaves from elsewhere: from the very address that is blocked.
    made = looked(Receiver(), "--anyway", "--leaves-from", "192.0.2.1")
    assert {"address": "bad"}.items() <= {c["check"]: c["state"] for c in made["checks"]}.items()


def test_the_domains_come_from_the_relays_in_the_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mended()
    log = home / "mail.log"
    at = f"{datetime.now(UTC).astimezone():%b %d %H:%M:%S}"
    news = "".join(
        line(n, "news@hoge.test", f"u{n}@hotmail.com", "sent", "250 ok") for n in range(200, 310)
    )
    log.write_text(
        line(1, "sato@hoge.test", "taro@hotmail.com", "bounced", SAID) + news
        # A customer's domain, known by the host that takes its mail.
        + f"{at} mx1 postfix/smtp[8]: 4DEF01: to=<a@live-abc.test>, relay=outlook-com.olc.protection.outlook.com"
        "[198.51.100.8]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n"
        f"{at} mx1 postfix/smtp[8]: 4DEF02: to=<a@elsewhere.test>, relay=mx.elsewhere.test[198.51.100.9]:25, "
        "delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)\n"
    )  # fmt: skip
    monkeypatch.setenv("TODOKU_MAIL_LOG", str(log))
    assert looked(Receiver())["detour"]["domains"] == ["hotmail.com", "live-abc.test"]
    with Receiver().listening() as port:
        shown = good("case", "detour", "1", "--via", f"relay.hoge.test:{port}", lang="en")
    assert "news@hoge.test (110)" in shown and "sato" not in shown
    assert "live-abc.test    todoku-detour-1:[relay.hoge.test]" in shown
    assert "# ok: the SPF of hoge.test permits 127.0.0.1" in shown
    # `hold` knows them, too.
    held = json.loads(good("case", "hold", "1", "--json"))
    assert held["domains"] == ["hotmail.com", "live-abc.test"]


def test_it_is_put_on_record_and_recalled() -> None:
    assert "原因を直した記録がない" in bad(
        "case", "detour", "1", "--via", "relay.hoge.test", "--done"
    )
    mended()
    good("case", "detour", "1", "--via", "relay.hoge.test:587", "--done")
    assert (events()[-1]["event"], events()[-1]["via"]) == ("detoured", "[relay.hoge.test]:587")
    good("case", "detour", "1", "--released")
    assert (events()[-1]["event"], events()[-1]["what"]) == ("released", "detoured")
    assert "迂回" in bad("case", "detour", "1", "--released")


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "--via"),
        (("--via", "x]:25 error:"), "--via"),
        (("--via", "relay.hoge.test", "--leaves-from", "x"), "--leaves-from"),
        (("--via", "relay.hoge.test", "--done", "--released"), "--done"),
        (("--via", "relay.hoge.test", "not a domain"), "not a domain"),
    ],
)
def test_wrong_use(words: tuple[str, ...], part: str, lang: str) -> None:
    mended()
    assert part in bad("case", "detour", "1", *words, lang=lang)
    assert events()[-1]["event"] == "mended"


def test_nobody_is_asked_before_the_cause_was_mended() -> None:
    receiver = Receiver()
    with receiver.listening() as port:
        done = run("case", "detour", "1", "--via", f"relay.hoge.test:{port}", "--anyway")
    assert "原因を直した記録がない" in str(done.exception)
    assert receiver.peers == []
