"""The same through real servers: unbound as the resolver, rbldnsd with the lists."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from tests.lists.servers import rbldnsd, unbound
from tests.preflight.world import (
    HOST,
    NEW,
    OLD,
    SIX,
    SUBJECT,
    key_record,
    knowledge,
    reverse,
    world,
)
from todoku.knowledge.schema import Compiled
from todoku.lists.values import Server
from todoku.preflight.report import made
from todoku.preflight.running import Run
from todoku.preflight.values import Report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return knowledge(tmp_path_factory.mktemp("knowledge"))


def zones(*records: tuple[str, str, str], apexes: Iterable[str]) -> str:
    """Lines of unbound's `server` section. TXT is cut into strings of 255."""
    lines = [f'  local-zone: "{apex}." static' for apex in apexes]
    for name, kind, value in records:
        if kind == "TXT":
            value = " ".join(f'"{value[i : i + 255]}"' for i in range(0, len(value), 255))
        lines.append(f"  local-data: '{name}. 3600 IN {kind} {value}'")
    return "\n".join(lines) + "\n"


def good(spf: str = f"v=spf1 ip4:{OLD} ip4:{NEW} -all") -> str:
    records = [
        (HOST, "A", NEW),
        (reverse(NEW), "PTR", f"{HOST}."),
        ("mx0.ours.jp", "A", OLD),
        (reverse(OLD), "PTR", "mx0.ours.jp."),
        ("www.ours.jp", "A", NEW),
    ]
    for domain in SUBJECT.domains:
        records += [
            (domain, "MX", f"10 {HOST}."),
            (domain, "TXT", spf),
            (f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=reject; rua=mailto:d@{domain}"),
            (f"s1._domainkey.{domain}", "TXT", key_record(4096)),
        ]
    apexes = ["ours.jp", "second.jp", "114.0.203.in-addr.arpa", "115.0.203.in-addr.arpa"]
    return zones(*records, apexes=apexes)


def look(options: str, listed: str, known: Compiled, names: str = "") -> tuple[Report, float]:
    data = {
        "pf-abuse.test": {"ip4set": f":127.0.0.2:why $\n{listed}"},
        "pf-names.test": {"dnset": f":127.0.0.2:why $\n{names}"},
    }
    with (
        rbldnsd(data) as lists,
        unbound(dict.fromkeys(data, str(lists)), options=options) as resolver,
    ):
        server = Server(resolver.host, resolver.port)
        began = time.monotonic()
        run = Run(SUBJECT, world(server, known), "en")
        list(run)
        return made(run, time.time()), time.monotonic() - began


def states(report: Report) -> dict[tuple[str, str], tuple[str, str]]:
    return {(c.id, c.about): (c.state, c.finding) for c in report.checks}


def test_a_good_server(known: Compiled) -> None:
    report, took = look(good(), "", known)
    wrong = {k: v for k, v in states(report).items() if v[0] not in {"ok", "unknown"}}
    assert wrong == {}
    assert {c.cause for c in report.checks if c.state == "unknown"} == {"unseen"}
    assert report.verdict == "go-with-care"
    assert took < 3.0


def test_an_address_with_a_past(known: Compiled) -> None:
    spf = "v=spf1 " + " ".join(f"ip4:198.51.{n}.0/24" for n in range(120)) + f" ip4:{OLD} -all"
    listed = f"{NEW}\n203.0.114.64/26\n203.0.114.200 :127.0.0.3:line\n"
    report, _ = look(good(spf), listed, known)
    found = states(report)
    assert found["lists", NEW] == ("bad", "listed")
    assert found["policy-lists", NEW] == ("ok", "clear")
    assert found["neighbours", NEW] == ("bad", "many")
    assert found["spf", "ours.jp"] == ("bad", "not-covered")
    around = next(c.map for c in report.checks if c.id == "neighbours")
    assert around is not None
    assert around[64:128] == "X" * 64
    assert (around[9], around[200], around[201]) == ("X", "P", ".")
    assert report.verdict == "no-go"
    assert report.letter is not None
    # An hour's TTL is lowered before the record is changed.
    step = report.plan.dns[0]
    assert (step.name, step.type, step.ttl, step.wait) == ("ours.jp", "TXT", 3600, 3600)


BROKEN = {
    ("ptr", NEW): ("warning", "generic"),
    ("helo", HOST): ("warning", "other-name"),
    ("ipv6", HOST): ("warning", "no-name"),
    ("policy-lists", NEW): ("bad", "listed"),
    ("neighbours", NEW): ("warning", "some"),
    ("lists", NEW): ("ok", "clear"),
    ("lists", "second.jp"): ("bad", "listed"),
    ("spf", "ours.jp"): ("bad", "look-ups"),
    ("dkim", "ours.jp"): ("bad", "short"),
    ("dmarc", "ours.jp"): ("warning", "no-reports"),
    ("mx", "ours.jp"): ("bad", "null"),
    ("mailboxes", "ours.jp"): ("bad", "no-mail"),
    ("mx", "second.jp"): ("warning", "some"),
    ("spf", "second.jp"): ("ok", "ok"),
}


def test_many_things_are_broken_at_once(known: Compiled) -> None:
    generic, eleven = "v203-0-114-9.provider.jp", " ".join(f"include:s{n}.jp" for n in range(11))
    records = [
        (HOST, "A", NEW),
        (HOST, "AAAA", SIX),
        (reverse(NEW), "PTR", f"{generic}."),
        (generic, "A", NEW),
        ("ours.jp", "MX", "0 ."),
        ("ours.jp", "TXT", f"v=spf1 {eleven} ip4:{NEW} -all"),
        ("s1._domainkey.ours.jp", "TXT", key_record(512)),
        ("_dmarc.ours.jp", "TXT", "v=DMARC1; p=none"),
        ("second.jp", "MX", f"10 {HOST}."),
        ("second.jp", "MX", "20 gone.second.jp."),
        ("second.jp", "TXT", f"v=spf1 ip4:{NEW} -all"),
        *((f"s{n}.jp", "TXT", "v=spf1 ip4:203.0.117.1 -all") for n in range(11)),
    ]
    apexes = ["jp", "114.0.203.in-addr.arpa", "115.0.203.in-addr.arpa", "ip6.arpa"]
    listed = f"{NEW} :127.0.0.3:line\n203.0.114.64/28\n"
    report, _ = look(zones(*records, apexes=apexes), listed, known, names="second.jp\n")
    found = states(report)
    assert {key: found.get(key) for key in BROKEN} == BROKEN
    assert report.verdict == "no-go"


def test_a_resolver_whose_zone_fails(known: Compiled) -> None:
    """A stub whose server is dead: SERVFAIL, which is no missing record."""
    data = {"pf-abuse.test": {"ip4set": ":127.0.0.2:why $\n"}}
    options = good().replace('local-zone: "second.jp." static', 'local-zone: "x.jp." static')
    options = "\n".join(line for line in options.splitlines() if "second.jp" not in line) + "\n"
    with (
        rbldnsd(data) as lists,
        unbound(
            {"pf-abuse.test": str(lists), "second.jp": "127.0.0.1:9"}, options=options
        ) as resolver,
    ):
        run = Run(SUBJECT, world(Server(resolver.host, resolver.port), known), "en")
        list(run)
        report = made(run, time.time())
    found = states(report)
    for id_ in ("spf", "dkim", "dmarc", "mx", "mailboxes"):
        assert found[id_, "second.jp"] == ("unknown", "silent"), id_
    assert found["spf", "ours.jp"] == ("ok", "ok")
    assert report.verdict == "unknown"
