"""With `--fetch`: one's own web and mail servers on loopback, good ones and hostile ones, by a throw-away
authority."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lists.servers import free_port
from tests.preflight import incoming
from tests.preflight.incoming import HERE, page
from tests.preflight.pki import Authority, needed
from tests.preflight.table import Table
from todoku.i18n import LANGUAGES
from todoku.preflight import data, der, sts, tlsa
from todoku.preflight.checks import contact_page, dane, mailboxes, mta_sts
from todoku.preflight.fetch import Fetch, Fetching, Ports
from todoku.preflight.values import Check

pytestmark = needed

D, MX = "ours.jp", "mx1.ours.jp"
NAMES = (D, f"www.{D}", f"mta-sts.{D}", MX)
GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mx1.ours.jp\r\nmx: *.back.jp\r\nmax_age: 604800\r\n"
POLICY = f"mta-sts.{D}/.well-known/mta-sts.txt"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certified(authority: Authority) -> ssl.SSLContext:
    return authority.certified(*NAMES)


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """Of the same names, by an authority that nobody trusts."""
    return Authority(tmp_path_factory.mktemp("another"), "another").certified(*NAMES)


def names(**more: list[str] | None) -> Table:
    records: dict[tuple[str, str], list[str] | None] = {
        (D, "MX"): [f"10 {MX}"],
        (f"_mta-sts.{D}", "TXT"): ["v=STSv1; id=1"],
    }
    records |= {(name, "A"): [HERE] for name in NAMES}
    return Table({**records, **{(k, "MX"): v for k, v in more.items()}})


def fetch(
    authority: Authority, deadline: float = 8.0, sender: str | None = None, **ports: int
) -> Fetch:
    closed = free_port()
    told = Ports(**{"smtp": closed, "https": closed, "http": closed, **ports})
    how = Fetching(helo="host.ours.jp", sender=sender, ports=told, trust=authority.trust)
    return Fetch(how, deadline)


def state(check: Check) -> str:
    return f"{check.state} {check.finding}"


# ── MTA-STS ───────────────────────────────────────────────────────────────────────────────────


def endless(kind: bytes) -> Callable[[Any], None]:
    def answer(out: Any) -> None:
        out.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n")
        if kind == b"header":
            while True:
                out.write(b"X-And: more\r\n")
        out.write(b"\r\n")
        while True:
            out.write(b"mx: and.more.jp\r\n" * 1000)

    return answer


def slow(out: Any) -> None:
    """A policy, a byte at a time: no single wait is long."""
    for octet in page(GOOD + b"#" * 2000):
        out.write(bytes([octet]))
        time.sleep(0.02)


def unending(out: Any) -> None:
    """The whole policy without its length, and then nothing."""
    out.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + GOOD)
    time.sleep(5)


def policy(*lines: str) -> bytes:
    return page("\n".join(lines).encode())


POLICIES: list[tuple[Any, str]] = [
    (page(GOOD), "ok ok"),
    (page(GOOD.replace(b"\r", b"")), "ok ok"),
    (page(GOOD, "text/plain; charset=utf-8"), "ok ok"),
    (policy("version: STSv1", "mode: testing", "mx: *.ours.jp", "max_age: 86400"), "ok ok"),
    (policy("version: STSv1", "mode: none", "max_age: 86400"), "ok ok"),
    (policy("version: STSv1", "mode: enforce", "mx: *.ours.jp", "max_age: 600"), "warning short"),
    (policy("version: STSv1", "mode: enforce", "mx: old.jp", "max_age: 604800"), "bad uncovered"),
    (policy("version: STSv1", "mode: testing", "mx: old.jp", "max_age: 604800"), "warning uncovered"),
    (policy("version: STSv1", "mode: enforce", "mx: *.jp", "max_age: 604800"), "bad uncovered"),
    (policy("mode: enforce", "mx: *.ours.jp", "max_age: 604800"), "warning no-policy"),
    (policy("version: STSv1", "mode: yes", "mx: *.ours.jp", "max_age: 1"), "warning no-policy"),
    (policy("version: STSv1", "mode: enforce", "mx: a.jp", "max_age: -1"), "warning no-policy"),
    (policy("version: STSv1", "mode: enforce", "mx: a.jp", "max_age: 9999999999"), "warning no-policy"),
    (policy("version: STSv1", "mode: enforce", "max_age: 604800"), "warning no-policy"),
    (page(GOOD, "text/html"), "warning no-policy"),
    (page(b"<!doctype html><title>parked</title>", "text/html"), "warning no-policy"),
    (page(b"", status="404 Not Found"), "warning no-page"),
    (page(b"", status="301 Moved", Location="https://other.jp/mta-sts.txt"), "warning no-page"),
    (page(GOOD, Content_Encoding="gzip"), "warning no-policy"),
    (page(GOOD + b"#" * (1 << 16)), "warning no-policy"),
    (endless(b"body"), "warning no-policy"),
    (endless(b"header"), "warning no-policy"),
    (b"SSH-2.0-OpenSSH\r\n", "warning no-policy"),
    (b"", "unknown unreached"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "expected"), POLICIES, ids=range(len(POLICIES)))
def test_policies(
    answer: Any, expected: str, authority: Authority, certified: ssl.SSLContext
) -> None:
    heard: list[str] = []
    began = time.monotonic()
    with incoming.web({POLICY: answer}, certified, heard) as port:
        check = mta_sts.look(names(), D, fetch(authority, https=port), "en")
    assert state(check) == expected, check.found
    assert heard == [POLICY], "one question, and no redirect followed"
    assert time.monotonic() - began < 6


@pytest.mark.parametrize("answer", [slow, unending])
def test_a_slow_server_is_cut_off(
    answer: Any, authority: Authority, certified: ssl.SSLContext
) -> None:
    """What came until then looks whole, and counts for nothing."""
    began = time.monotonic()
    with incoming.web({POLICY: answer}, certified, []) as port:
        check = mta_sts.look(names(), D, fetch(authority, 0.5, https=port), "en")
    assert state(check) == "unknown unreached"
    assert time.monotonic() - began < 4


def test_a_policy_by_whom_nobody_trusts(
    authority: Authority, certified: ssl.SSLContext, another: ssl.SSLContext
) -> None:
    wrong_name = authority.certified("www.other.jp")
    for context in (another, wrong_name):
        with incoming.web({POLICY: page(GOOD)}, context, []) as port:
            check = mta_sts.look(names(), D, fetch(authority, https=port), "en")
        assert state(check) == "warning certificate", check.found
    with incoming.web({POLICY: page(GOOD)}, None, []) as port:
        check = mta_sts.look(names(), D, fetch(authority, https=port), "en")
    assert state(check) == "warning no-policy", check.found
    # Nobody listens; the time is over; a machine without authorities.
    assert state(mta_sts.look(names(), D, fetch(authority), "en")) == "unknown unreached"
    assert state(mta_sts.look(names(), D, fetch(authority, 0), "en")) == "unknown unreached"


def test_a_machine_that_knows_no_authority(
    authority: Authority, certified: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    paths = ssl.get_default_verify_paths()._replace(capath=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with incoming.web({POLICY: page(GOOD)}, certified, []) as port:
        how = Fetching(ports=Ports(https=port), trust=empty)
        check = mta_sts.look(names(), D, Fetch(how, 8), "en")
    assert (state(check), check.cause) == ("unknown no-authorities", "not-asked")


@given(st.binary(max_size=300))
def test_no_bytes_break_a_policy(body: bytes) -> None:
    try:
        told = sts.read(body)
    except sts.BadPolicyError:
        return
    assert told.mode in {"enforce", "testing", "none"}
    assert 0 <= told.max_age <= sts.LONGEST


# ── DANE ──────────────────────────────────────────────────────────────────────────────────────


def record(usage: int, selector: int, matching: int, certificate: bytes) -> str:
    chosen = certificate if selector == 0 else tlsa.public_key(certificate)
    digest = {0: chosen, 1: hashlib.sha256(chosen).digest(), 2: hashlib.sha512(chosen).digest()}
    return f"{usage} {selector} {matching} {digest[matching].hex()}"


class Signed(Table):
    """By a resolver that says AD."""

    def __call__(self, name: str, kind: str, /) -> Any:
        import msgspec

        return msgspec.structs.replace(super().__call__(name, kind), secure=True)


def held(
    authority: Authority,
    context: ssl.SSLContext | None,
    *records: str,
    kind: type[Table] = Signed,
    mx: tuple[str, ...] = (MX,),
) -> Check:
    known = {**names().records, (f"_25._tcp.{MX}", "TLSA"): list(records)}
    known[D, "MX"] = [f"{n} {host}" for n, host in enumerate(mx)]
    heard: list[str] = []
    with incoming.mail({}, context, heard) as port:
        check = dane.look(kind(known), D, fetch(authority, smtp=port), "en")
    assert {line.split()[0].upper() for line in heard} <= {"EHLO", "STARTTLS", "QUIT"}
    return check


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("usage", [2, 3])
def test_every_kind_of_record(
    usage: int, selector: int, matching: int, authority: Authority, certified: ssl.SSLContext
) -> None:
    certificate = authority.der(D if usage == 3 else None)
    good = record(usage, selector, matching, certificate)
    assert state(held(authority, certified, good)) == "ok ok"
    wrong = good[:-2] + f"{int(good[-2:], 16) ^ 1:02x}"
    assert state(held(authority, certified, wrong)) == "bad mismatch"
    # Beside one that matches, another does no harm: so certificates are changed.
    assert state(held(authority, certified, wrong, good)) == "ok ok"


def test_what_else_may_stand_there(
    authority: Authority, certified: ssl.SSLContext, another: ssl.SSLContext
) -> None:
    own = record(3, 1, 1, authority.der(D))
    assert state(held(authority, another, own)) == "bad mismatch"
    assert state(held(authority, None, own)) == "bad mismatch"  # no STARTTLS
    assert state(held(authority, certified, "1 1 1 00")) == "warning useless"
    assert state(held(authority, certified, "3 1 1 zz", "3 9 1 00")) == "warning useless"
    # By an authority that signed the certificate, but for another name.
    elsewhere = authority.certified("mx.elsewhere.jp")
    assert state(held(authority, elsewhere, record(2, 0, 1, authority.der()))) == "bad mismatch"
    # With a server that has no records, mail still comes.
    assert state(held(authority, another, own, mx=(MX, "b.ours.jp"))) == "warning mismatch"


def test_without_dnssec_it_counts_for_nothing(
    authority: Authority, certified: ssl.SSLContext, another: ssl.SSLContext
) -> None:
    own = record(3, 1, 1, authority.der(D))
    check = held(authority, certified, own, kind=Table)
    assert (state(check), check.cause) == ("unknown insecure", "unseen")
    assert "AD" in check.found
    assert state(held(authority, another, own, kind=Table)) == "warning mismatch"


def test_a_server_that_is_not_reached(authority: Authority) -> None:
    known = {**names().records, (f"_25._tcp.{MX}", "TLSA"): ["3 1 1 00"]}
    check = dane.look(Signed(known), D, fetch(authority), "en")
    assert (state(check), check.cause) == ("unknown unreached", "unanswered")
    assert dane.look(Signed(known), D, fetch(authority, 0), "en").state == "unknown"
    with incoming.mail({"220": "554 go away"}, None, []) as port:
        check = dane.look(Signed(known), D, fetch(authority, smtp=port), "en")
    assert state(check) == "unknown unreached"
    assert "554 go away" in check.details[0].text


@given(st.binary(max_size=200))
def test_no_certificate_breaks_it(octets: bytes) -> None:
    with suppress(der.NotDerError):
        assert tlsa.public_key(b"\x30\x20\x30\x1e" + octets)
    assert not tlsa.matches(tlsa.Tlsa(3, 1, 1, b""), octets)


@given(st.lists(st.text(max_size=20), max_size=4))
def test_no_records_break_it(records: list[str]) -> None:
    for told in tlsa.read(records):
        assert isinstance(told.data, bytes)


# ── abuse@ and postmaster@ ────────────────────────────────────────────────────────────────────


class Box(NamedTuple):
    replies: dict[str, str]
    expected: str


UNKNOWN_USER = "550 5.1.1 <x>: Recipient address rejected: User unknown"
BOXES = [
    Box({}, "ok accepted"),
    Box({"RCPT TO:<abuse@": UNKNOWN_USER}, "warning refused"),
    Box({"RCPT TO": "550 no such user"}, "warning refused"),
    Box({"RCPT TO": "550 5.2.1 mailbox disabled"}, "warning refused"),
    Box({"RCPT TO": "554 5.7.1 Client host [127.0.0.1] blocked"}, "unknown unsettled"),
    Box({"RCPT TO:<postmaster@": "450 4.2.0 Greylisted"}, "unknown unsettled"),
    Box({"MAIL": "550 5.7.1 we do not know you"}, "unknown unreached"),
    Box({"220": "554 5.7.1 on our list"}, "unknown unreached"),
    Box({"EHLO": "500 what"}, "unknown unreached"),
    Box({"RCPT": "hello"}, "unknown unsettled"),
]


@pytest.mark.parametrize("secure", [True, False])
@pytest.mark.parametrize("box", BOXES, ids=range(len(BOXES)))
def test_mailboxes(box: Box, secure: bool, authority: Authority, certified: ssl.SSLContext) -> None:
    heard: list[str] = []
    with incoming.mail(box.replies, certified if secure else None, heard) as port:
        check = mailboxes.look(names(), D, fetch(authority, smtp=port), "en")
    assert state(check) == box.expected, check.found
    verbs = [line.split()[0].upper() for line in heard]
    assert set(verbs) <= {"EHLO", "STARTTLS", "MAIL", "RCPT", "RSET", "QUIT"}, "nothing is sent"
    assert "mail FROM:<>" not in heard
    if check.state == "ok":
        assert [line for line in heard if line.startswith(("mail", "rcpt"))] == [
            "mail FROM:<postmaster@ours.jp>", "rcpt TO:<postmaster@ours.jp>", "rcpt TO:<abuse@ours.jp>",
        ]  # fmt: skip
        assert verbs[-2:] == ["RSET", "QUIT"]
        assert heard[0] == "ehlo host.ours.jp"


def test_the_next_server_is_asked_where_the_best_is_down(authority: Authority) -> None:
    table = names()
    table.records |= {
        (D, "MX"): ["1 down.ours.jp", f"2 {MX}"],
        ("down.ours.jp", "A"): ["127.0.0.99"],
    }
    heard: list[str] = []
    with incoming.mail({}, None, heard) as port:
        check = mailboxes.look(table, D, fetch(authority, sender="me@ours.jp", smtp=port), "en")
    assert state(check) == "ok accepted"
    assert "mail FROM:<me@ours.jp>" in heard
    assert state(mailboxes.look(table, D, fetch(authority), "en")) == "unknown unreached"
    assert state(mailboxes.look(table, D, fetch(authority, 0), "en")) == "unknown unreached"


# ── the contact page ──────────────────────────────────────────────────────────────────────────

IMPRINT = b'<html><a href="/impressum">Impressum</a></html>'
BARE = b"<html>It works!</html>"


def html(body: bytes, **more: Any) -> bytes:
    return page(body, "text/html", **more)


def moved(to: str) -> bytes:
    return html(b"", status="301 Moved Permanently", Location=to)


@pytest.mark.parametrize(
    ("secure", "plain", "expected"),
    [
        ({"ours.jp/": html(IMPRINT)}, {}, "ok ok"),
        ({"www.ours.jp/": html(b"write to office@ours.jp")}, {}, "ok ok"),
        ({"ours.jp/": html("お問い合わせ".encode("shift_jis"))}, {}, "ok ok"),
        ({"ours.jp/": html("会社概要".encode("euc_jp"))}, {}, "ok ok"),
        ({}, {"ours.jp/": html(IMPRINT)}, "ok ok"),
        ({"www.ours.jp/de?x=1": html(IMPRINT)}, {"ours.jp/": moved("https://www.ours.jp/de?x=1")}, "ok ok"),
        ({"ours.jp/": moved("/home"), "ours.jp/home": html(IMPRINT)}, {}, "ok ok"),
        ({"ours.jp/": html(BARE)}, {}, "warning bare"),
        ({}, {}, "warning no-page"),
        ({"ours.jp/": html(b"", status="500 Oops")}, {}, "warning no-page"),
        ({"ours.jp/": moved("https://elsewhere.jp/")}, {}, "unknown led"),
        ({"ours.jp/": moved("https://notours.jp/")}, {}, "unknown led"),
        ({"ours.jp/": moved("https://ours.jp:22/")}, {}, "unknown led"),
        ({"ours.jp/": moved("https://a@ours.jp/")}, {}, "unknown led"),
        ({"ours.jp/": moved("file:///etc/passwd")}, {}, "unknown led"),
        ({"ours.jp/": moved("http://[::1")}, {}, "unknown led"),
        ({"ours.jp/": moved("/"), "www.ours.jp/": html(BARE)}, {}, "warning bare"),
        ({"ours.jp/": moved("/a\x0bb c")}, {}, "warning no-page"),
        ({"ours.jp/": endless(b"body")}, {}, "warning bare"),
    ],
)  # fmt: skip
def test_contact_pages(
    secure: Any, plain: Any, expected: str, authority: Authority, certified: ssl.SSLContext
) -> None:
    heard: list[str] = []
    with ExitStack() as stack:
        https = stack.enter_context(incoming.web(secure, certified, heard))
        http = stack.enter_context(incoming.web(plain, None, heard))
        met = fetch(authority, https=https, http=http)
        check = contact_page.look(names(), HERE, MX, met, data.contact_page(), "en")
    assert state(check) == expected, check.found
    assert {line.partition("/")[0] for line in heard} <= {"ours.jp", "www.ours.jp"}


def test_a_page_that_cannot_be_opened(authority: Authority, another: ssl.SSLContext) -> None:
    known = data.contact_page()
    check = contact_page.look(names(), HERE, MX, fetch(authority), known, "en")
    assert state(check) == "unknown unreached"
    with incoming.web({"ours.jp/": html(IMPRINT)}, another, []) as port:
        check = contact_page.look(names(), HERE, MX, fetch(authority, https=port), known, "en")
    assert state(check) == "unknown unreached"


# ── words ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_it_each_says_that_it_would_settle_it(lang: Any) -> None:
    table = names()
    table.records[f"_25._tcp.{MX}", "TLSA"] = ["3 1 1 00"]
    for check in (
        mta_sts.look(table, D, None, lang),
        dane.look(table, D, None, lang),
        mailboxes.look(table, D, None, lang),
        contact_page.look(table, HERE, MX, None, data.contact_page(), lang),
    ):
        assert state(check) == "unknown unseen"
        assert "--fetch" in (check.remedy or "")
