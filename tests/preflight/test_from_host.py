"""From the new host: receivers on loopback are met and probed by the real rules, and one's own servers met.
A table of (world, check, expected state)."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import jsonschema
import msgspec
import pytest

from tests.lists.servers import free_port
from tests.preflight import incoming
from tests.preflight.incoming import HERE, page
from tests.preflight.pki import Authority, needed
from tests.preflight.test_worlds import states
from tests.preflight.world import HOST, NEW, SIX, SUBJECT, good, knowledge, serving, world
from todoku import settings
from todoku.cli import Failure, preflight_probe
from todoku.cli.preflight_request import Given
from todoku.i18n import Language
from todoku.knowledge.schema import Compiled
from todoku.lab.zones import Zones, a, mx
from todoku.lists.values import Server
from todoku.preflight import data
from todoku.preflight.fetch import Fetching, Ports
from todoku.preflight.outgoing import Way
from todoku.preflight.report import made
from todoku.preflight.running import Run
from todoku.preflight.trials import Trial, by_receiver
from todoku.preflight.values import Report, Subject

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "preflight.schema.json"
SOURCE = "127.0.0.9"
NUMBER: Final = {rules.domain: n for n, rules in enumerate(data.requirements(), 41)}
"""Each big receiver answers at an address of its own: 127.0.0.41 and so on."""
PARTNER = "partner.net"
NUMBER[PARTNER] = 60
BIG = tuple(d for d in NUMBER if d != PARTNER)
HOSTS: Final = {
    "outlook.com": "outlook-com.olc.protection.outlook.com",
    "gmail.com": "gmail-smtp-in.l.google.com",
    "t-online.de": "mx00.t-online.de",
}
BLOCKED = (
    "550 5.7.1 Unfortunately, messages from [203.0.114.9] weren't sent. Please contact your Internet "
    "service provider since part of their network is on our block list (S3150)."
)
GREYLISTED = "450 4.2.0 <x>: Recipient address rejected: Greylisted, try again later"
NOTHING = Given(False, (), (), None, ())
PROBE = NOTHING._replace(probe=True, sender="postmaster@ours.jp")
ARRIVED = ("gmail.com", "gmx.net", "icloud.com", "orange.fr", "yahoo.com")
"""Where a probe proves nothing: these refuse after the message."""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return knowledge(tmp_path_factory.mktemp("knowledge"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certified(authority: Authority) -> ssl.SSLContext:
    return authority.certified("mx", "ours.jp", "www.ours.jp", "mta-sts.ours.jp", "in.ours.jp")


def zones() -> Zones:
    """A good world, with the big receivers and a partner; our own servers are on loopback."""
    known = good()
    for apex in ("com", "net", "de", "fr"):
        known.zone(apex)
    for domain, number in NUMBER.items():
        host = HOSTS.get(domain, f"mx.{domain}")
        known.add(domain, mx(10, host))
        known.add(host, a(f"127.0.0.{number}"))
    for name in ("ours.jp", "www.ours.jp", "second.jp"):
        known.drop(name, 1)
        known.add(name, a(HERE))
    for domain in SUBJECT.domains:
        known.drop(domain, 15)
        known.add(domain, mx(10, "in.ours.jp"))
    known.add("in.ours.jp", a(HERE))
    return known


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


class Receivers:
    """All of them, on one port, each with its own replies."""

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        replies: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.context = context
        self.replies = replies or {}
        self.heard: dict[str, list[str]] = {domain: [] for domain in NUMBER}

    @contextmanager
    def listening(self) -> Iterator[int]:
        port = free_port()
        with ExitStack() as stack:
            for domain, number in NUMBER.items():
                replies = self.replies.get(domain, {})
                stack.enter_context(
                    incoming.mail(
                        replies, self.context, self.heard[domain], f"127.0.0.{number}", port
                    )
                )
            yield port

    def verbs(self) -> set[str]:
        return {line.partition(" ")[0].upper() for lines in self.heard.values() for line in lines}


def look(
    known: Compiled,
    folder: Path,
    port: int,
    given: Given = NOTHING,
    *,
    source: str | None = SOURCE,
    fetching: Fetching | None = None,
    lang: Language = "en",
    server: Server | None = None,
    deadline: float = 8.0,
) -> Report:
    found = msgspec.structs.replace(
        settings.load(None, folder), own=settings.Own(nat={SOURCE: NEW})
    )
    way = Way(source, port)
    with ExitStack() as stack:
        asked = server or stack.enter_context(serving(zones()))
        trying = preflight_probe.trying(found, known, SUBJECT, given, way, asked, deadline, lang)
        all_ = world(asked, known, deadline=deadline)
        run = Run(SUBJECT, all_._replace(way=way, trying=trying, fetching=fetching), lang)
        list(run)
        return made(run, time.time())


class Row(NamedTuple):
    replies: dict[str, dict[str, str]]
    given: Given
    expected: dict[str, str]
    verdict: str


PORT, TLS, OWN = "port-25", "starttls", "private-lists"
ROWS = {
    "met": Row(
        {}, NOTHING,
        {PORT: "ok ok", TLS: "warning stripped", OWN: "unknown unseen"},
        "go-with-care",
    ),
    "met and refused": Row(
        {"outlook.com": {"220": "554 5.7.1 on our list"}}, NOTHING,
        {PORT: "bad refused", OWN: "unknown unseen"},
        "no-go",
    ),
    "probed": Row(
        {}, PROBE._replace(partners=(PARTNER,)),
        {
            PORT: "ok ok",
            "probe outlook.com": "ok accepted",
            "probe yahoo.com": "unknown open",
            "probe t-online.de": "ok accepted",
            "probe gmx.net": "unknown mailbox",
            "probe gmail.com": "unknown late",
            "probe icloud.com": "unknown late",
            "probe orange.fr": "unknown late",
            f"probe {PARTNER}": "unknown open",
            "receiver microsoft-consumer": "ok taken",
            "receiver t-online": "ok taken",
            "receiver yahoo": "unknown open",  # some of its rules refuse who knows where
            "receiver gmail": "unknown open",
            "receiver orange-fr": "unknown unseen",
            OWN: "unknown some",
        },
        "go-with-care",
    ),
    "probed, and real mail arrived": Row(
        {}, PROBE._replace(arrived=ARRIVED),
        {
            "probe gmail.com": "ok arrived",
            "receiver gmail": "ok taken",
            "receiver orange-fr": "ok taken",
            OWN: "ok settled",
        },
        "go-with-care",
    ),
    "real mail arrived everywhere": Row(
        {}, NOTHING._replace(arrived=("hotmail.com", "orange.fr", "t-online.de")),
        {
            "probe outlook.com": "ok arrived",
            "receiver microsoft-consumer": "ok taken",
            OWN: "ok settled",
        },
        "go-with-care",
    ),
    "on a list of its own": Row(
        {"outlook.com": {"MAIL": BLOCKED}}, PROBE,
        {
            PORT: "ok ok",
            "probe outlook.com": "bad blocked",
            "receiver microsoft-consumer": "bad refused",
            "receiver yahoo": "unknown open",
            OWN: "bad refused",
        },
        "no-go",
    ),
    "refused at the greeting": Row(
        {"t-online.de": {"220": "554 IP=203.0.114.9 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de) (BL)"}},
        PROBE,
        {PORT: "bad refused", "probe t-online.de": "bad blocked", "receiver t-online": "bad refused"},
        "no-go",
    ),
    "refused for another ground": Row(
        {"yahoo.com": {"MAIL": "550 5.1.8 <postmaster@ours.jp>: Sender address rejected: Domain not found"}},
        PROBE,
        {"probe yahoo.com": "bad refused", "receiver yahoo": "bad refused", OWN: "unknown some"},
        "no-go",
    ),
    "greylisted": Row(
        {"outlook.com": {"MAIL": GREYLISTED}}, PROBE,
        {"probe outlook.com": "unknown later", "receiver microsoft-consumer": "unknown open"},
        "go-with-care",
    ),
    "held for its reputation": Row(
        {"yahoo.com": {"220": "421 4.7.0 [TSS04] Messages from 203.0.114.9 temporarily deferred due to unexpected volume or user complaints"}},
        PROBE,
        {PORT: "ok ok", "probe yahoo.com": "warning held", "receiver yahoo": "unknown open"},
        "go-with-care",
    ),
    "a mailbox of ours": Row(
        {}, PROBE._replace(partners=(PARTNER,), mailboxes=(f"me@{PARTNER}", "me@gmail.com")),
        {f"probe {PARTNER}": "unknown open", "probe gmail.com": "unknown late"},
        "go-with-care",
    ),
    "a mailbox that is none": Row(
        {"gmail.com": {"RCPT": "550 5.1.1 The email account that you tried to reach does not exist."}},
        PROBE._replace(mailboxes=("me@gmail.com",)),
        {"probe gmail.com": "unknown no-mailbox", "receiver gmail": "unknown open"},
        "go-with-care",
    ),
    "a partner by another name of a big one": Row(
        {}, PROBE._replace(partners=("hotmail.com",), mailboxes=("me@outlook.com",)),
        {"probe outlook.com": "ok accepted", "probe hotmail.com": "None"},
        "go-with-care",
    ),
    "no such partner": Row(
        {}, PROBE._replace(partners=("nowhere.net",)),
        {"probe nowhere.net": "unknown no-servers"},
        "go-with-care",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_from_the_new_host(name: str, known: Compiled, tmp_path: Path) -> None:
    row = ROWS[name]
    receivers = Receivers(replies=row.replies)
    with receivers.listening() as port:
        report = look(known, tmp_path, port, row.given)
    found = states(report)
    assert {key: str(found.get(key)) for key in row.expected} == row.expected
    assert report.verdict == row.verdict
    assert receivers.verbs() <= {"EHLO", "MAIL", "RCPT", "RSET", "QUIT"}, "no mail is sent"
    for domain, lines in receivers.heard.items():
        assert sum(line.upper().startswith("QUIT") for line in lines) <= 1, "one visit each"
        assert not any("<>" in line for line in lines), "never the null sender"
        named = [line for line in lines if line.upper().startswith("RCPT")]
        ours = [m for m in row.given.mailboxes if m.endswith(f"@{domain}")]
        assert named == [f"rcpt TO:<{m}>" for m in ours if domain != "outlook.com"]
        if not row.given.probe:
            assert {line.partition(" ")[0].upper() for line in lines} <= {"EHLO", "QUIT"}


@needed
def test_it_may_be_go(
    known: Compiled, tmp_path: Path, authority: Authority, certified: ssl.SSLContext
) -> None:
    """Where all that a look can settle is settled."""
    sites = {"ours.jp/": page(b'<a href="/impressum">Impressum</a>', "text/html")}
    with ExitStack() as stack:
        port = stack.enter_context(Receivers(certified).listening())
        own = stack.enter_context(incoming.mail({}, certified, []))
        site = stack.enter_context(incoming.web(sites, certified, []))
        fetching = Fetching(
            helo=HOST, ports=Ports(smtp=own, https=site, http=free_port()), trust=authority.trust
        )
        report = look(known, tmp_path, port, PROBE._replace(arrived=ARRIVED), fetching=fetching)
    wrong = {name: state for name, state in states(report).items() if not state.startswith("ok")}
    assert wrong == {}
    assert report.verdict == "go"


def test_the_letter_tells_of_the_refusal(known: Compiled, tmp_path: Path) -> None:
    receivers = Receivers(replies={"outlook.com": {"MAIL": BLOCKED}})
    with receivers.listening() as port:
        report = look(known, tmp_path, port, PROBE, lang="ja")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator(schema).validate(json.loads(msgspec.json.encode(report)))
    assert report.letter is not None
    assert "S3150" in report.letter
    blocked = next(c for c in report.checks if c.finding == "blocked")
    assert blocked.remedy is not None
    assert "https://" in blocked.remedy  # the desk
    assert blocked.found.count("550 5.7.1") == 1


def test_once_in_six_hours(known: Compiled, tmp_path: Path) -> None:
    """What settled something still counts; the others may not be asked yet."""
    receivers = Receivers(replies={"outlook.com": {"MAIL": BLOCKED}})
    with receivers.listening() as port:
        first = states(look(known, tmp_path, port, PROBE))
        asked = {d: len(lines) for d, lines in receivers.heard.items()}
        report = look(known, tmp_path, port, PROBE)
    found = states(report)
    for domain in BIG:
        before = first[f"probe {domain}"]
        settled = before in {"ok accepted", "bad blocked"}
        assert found[f"probe {domain}"] == (before if settled else "unknown too-soon")
        later = receivers.heard[domain][asked[domain] :]
        assert {line.partition(" ")[0].upper() for line in later} <= {"EHLO", "QUIT"}
    assert found["port-25"] == "ok ok"  # met, and no more
    assert found["receiver t-online"] == "ok taken"
    earlier = next(c for c in report.checks if c.id == "probe" and c.about == "t-online.de")
    assert "it may be asked again from" in earlier.details[0].text


def test_a_record_that_is_broken_lets_nothing_out(known: Compiled, tmp_path: Path) -> None:
    (tmp_path / "probes.json").write_text("{")
    receivers = Receivers()
    with receivers.listening() as port:
        report = look(known, tmp_path, port, PROBE)
    assert {states(report)[f"probe {d}"] for d in BIG} == {"unknown no-record"}
    assert "MAIL" not in receivers.verbs()


def test_port_25_is_closed(known: Compiled, tmp_path: Path) -> None:
    probed = look(known, tmp_path, free_port(), PROBE)
    for report in (probed, look(known, tmp_path, free_port())):
        found = states(report)
        assert found["port-25"] == "bad closed"
        assert found["starttls"] == "unknown not-met"
        assert report.verdict == "no-go"
    assert {states(probed)[f"probe {d}"] for d in BIG} == {"unknown failed"}
    assert states(probed)["receiver microsoft-consumer"] == "unknown open"


def test_a_resolver_that_is_cut_off(known: Compiled, tmp_path: Path) -> None:
    gone = Server("127.0.0.1", free_port())
    report = look(known, tmp_path, free_port(), PROBE, server=gone, deadline=1.0)
    assert {c.state for c in report.checks} == {"unknown"}
    assert report.verdict == "unknown"
    assert not (tmp_path / "probes.json").exists(), "nobody was visited"


def test_a_receiver_that_takes_for_ever(known: Compiled, tmp_path: Path) -> None:
    """Greetings never come: done within the deadline, and nothing hidden."""
    began = time.monotonic()
    with ExitStack() as stack:
        port = free_port()
        for number in NUMBER.values():
            sock = stack.enter_context(_deaf(f"127.0.0.{number}", port))
            assert sock
        report = look(known, tmp_path, port, PROBE, deadline=2.0)
    assert time.monotonic() - began < 5.0
    assert {states(report)[f"probe {d}"] for d in BIG} == {"unknown failed"}


@contextmanager
def _deaf(host: str, port: int) -> Iterator[Any]:
    import socket

    with socket.create_server((host, port)) as sock:
        yield sock


@pytest.mark.parametrize(
    ("given", "source", "says"),
    [
        (NOTHING._replace(partners=(PARTNER,)), SOURCE, "--partner goes with --probe"),
        (NOTHING._replace(mailboxes=("a@b.jp",)), SOURCE, "--mailbox goes with --probe"),
        (PROBE, None, "does not have 203.0.114.9"),
        (PROBE._replace(sender=None), SOURCE, "no sender"),
        (PROBE._replace(sender="<>"), SOURCE, "null sender"),
        (PROBE._replace(mailboxes=("me@elsewhere.net",)), SOURCE, "--mailbox me@elsewhere.net is at none"),
        (PROBE._replace(mailboxes=("me",)), SOURCE, "is no mail address"),
    ],
)  # fmt: skip
def test_wrong_usage_asks_nobody(
    given: Given, source: str | None, says: str, known: Compiled, tmp_path: Path
) -> None:
    with pytest.raises(Failure, match=says) as caught:
        look(known, tmp_path, free_port(), given, source=source)
    assert caught.value.code == 64


def test_of_several_at_one_receiver_the_worst_counts() -> None:
    good, no, late = (Trial(r, r, "x") for r in ("accepted", "refused", "too-soon"))
    for trials in ([good, late], [late, good]):
        assert by_receiver(trials) == {"x": good}
    for trials in ([good, no, late], [no, late, good]):
        assert by_receiver(trials) == {"x": no}
    assert by_receiver([Trial("a.jp", "accepted")]) == {}


def test_there_is_no_visit_in_vain(known: Compiled, tmp_path: Path) -> None:
    receivers = Receivers()
    with receivers.listening() as port:
        report = look(known, tmp_path, port, PROBE, deadline=0.3)
    assert {states(report)[f"probe {d}"] for d in BIG} == {"unknown no-time"}
    assert not (tmp_path / "probes.json").exists()
    assert "MAIL" not in receivers.verbs()


def test_probes_go_by_ipv4_alone(known: Compiled, tmp_path: Path) -> None:
    found = settings.load(None, tmp_path)
    six = Subject(ip=SIX, domains=("ours.jp",))
    with pytest.raises(Failure, match="IPv4 alone"):
        preflight_probe.trying(
            found, known, six, PROBE, Way(SIX), Server("127.0.0.1", 9), 1.0, "en"
        )
