"""Worlds that are good but for one thing, and what each check must say of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.preflight.world import (
    HOST,
    NEW,
    OLD,
    SIX,
    SUBJECT,
    good,
    key_record,
    knowledge,
    reverse,
    serving,
    world,
    write_lists,
)
from todoku.knowledge import load
from todoku.knowledge.schema import Compiled
from todoku.lab.zones import Zones, a, mx, ptr, txt
from todoku.lists import wire
from todoku.lists.kept import Kept
from todoku.preflight.report import made
from todoku.preflight.running import Run
from todoku.preflight.values import Report, Subject


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return knowledge(tmp_path_factory.mktemp("knowledge"))


def look(zones: Zones, known: Compiled, subject: Subject = SUBJECT) -> Report:
    with serving(zones) as server:
        run = Run(subject, world(server, known), "en")
        list(run)
        return made(run, time.time())


def states(report: Report) -> dict[str, str]:
    """`spf ours.jp`: `bad not-covered`; a check of the address by its id alone."""
    found = {}
    for c in report.checks:
        name = c.id if c.about in {NEW, HOST} and c.id != "lists" else f"{c.id} {c.about}"
        found[name] = f"{c.state} {c.finding}"
    return found


# ── worlds ────────────────────────────────────────────────────────────────────────────────────


def _as_it_is(zones: Zones) -> None:
    pass


def _reused(zones: Zones) -> None:
    zones.lists["pf-abuse.test"].add(NEW, code="127.0.0.2")


def _on_a_policy_list(zones: Zones) -> None:
    zones.lists["pf-abuse.test"].add(NEW, code="127.0.0.3")


def _bad_neighbours(zones: Zones) -> None:
    for n in range(100, 200):
        zones.lists["pf-abuse.test"].add(f"203.0.114.{n}", code="127.0.0.2")


def _some_neighbours(zones: Zones) -> None:
    for n in range(100, 120):
        zones.lists["pf-abuse.test"].add(f"203.0.114.{n}", code="127.0.0.2")


def _policy_neighbours(zones: Zones) -> None:
    for n in range(100, 250):
        zones.lists["pf-abuse.test"].add(f"203.0.114.{n}", code="127.0.0.3")


def _no_ptr(zones: Zones) -> None:
    zones.drop(reverse(NEW))


def _generic_ptr(zones: Zones) -> None:
    zones.drop(reverse(NEW))
    zones.add(reverse(NEW), ptr("v203-0-114-9.provider.net"))
    zones.add("v203-0-114-9.provider.net", a(NEW))


def _dynamic_ptr(zones: Zones) -> None:
    zones.drop(reverse(NEW))
    zones.add(reverse(NEW), ptr("p12.dynamic.provider.net"))
    zones.add("p12.dynamic.provider.net", a(NEW))


def _astray(zones: Zones) -> None:
    zones.drop(HOST)
    zones.add(HOST, a("203.0.116.1"))


def _other_helo(zones: Zones) -> None:
    zones.add("other.ours.jp", a(NEW))
    zones.drop(reverse(NEW))
    zones.add(reverse(NEW), ptr("other.ours.jp"))


def _spf_without(zones: Zones) -> None:
    zones.drop("ours.jp", wire.TXT)
    zones.add("ours.jp", txt(f"v=spf1 ip4:{OLD} -all"))


def _eleven(zones: Zones, term: str) -> None:
    zones.drop("ours.jp", wire.TXT)
    for n in range(11):
        zones.add(f"s{n}.ours.jp", txt("v=spf1 ip4:203.0.117.1 -all"))
    includes = " ".join(f"include:s{n}.ours.jp" for n in range(11))
    zones.add("ours.jp", txt(term.format(includes=includes, ip=NEW)))


def _eleven_look_ups(zones: Zones) -> None:
    _eleven(zones, "v=spf1 {includes} ip4:{ip} -all")


def _eleven_behind(zones: Zones) -> None:
    _eleven(zones, "v=spf1 ip4:{ip} {includes} -all")


def _no_spf(zones: Zones) -> None:
    zones.drop("ours.jp", wire.TXT)


def _two_spf(zones: Zones) -> None:
    zones.add("ours.jp", txt("v=spf1 mx -all"))


def _weak_key(zones: Zones) -> None:
    zones.drop("s1._domainkey.ours.jp")
    zones.add("s1._domainkey.ours.jp", txt(key_record(512)))


def _small_key(zones: Zones) -> None:
    zones.drop("s1._domainkey.ours.jp")
    zones.add("s1._domainkey.ours.jp", txt(key_record(1024)))


def _no_key(zones: Zones) -> None:
    zones.drop("s1._domainkey.ours.jp")


def _no_reports(zones: Zones) -> None:
    zones.drop("_dmarc.ours.jp")
    zones.add("_dmarc.ours.jp", txt("v=DMARC1; p=none"))


def _no_dmarc(zones: Zones) -> None:
    zones.drop("_dmarc.ours.jp")


def _reports_elsewhere(zones: Zones) -> None:
    zones.drop("_dmarc.ours.jp")
    zones.add("_dmarc.ours.jp", txt("v=DMARC1; p=none; rua=mailto:x@provider.net"))


def _null_mx(zones: Zones) -> None:
    zones.drop("ours.jp", wire.MX)
    zones.add("ours.jp", (wire.MX, b"\0\0\0"))


def _no_such_domain(zones: Zones) -> None:
    zones.drop("second.jp")
    zones.drop("_dmarc.second.jp")
    zones.drop("s1._domainkey.second.jp")


def _lost_mx(zones: Zones) -> None:
    zones.add("ours.jp", mx(20, "gone.ours.jp"))


def _six_without_ptr(zones: Zones) -> None:
    zones.add(HOST, a(SIX))


def _helo_spf_without(zones: Zones) -> None:
    zones.add(HOST, txt(f"v=spf1 ip4:{OLD} -all"))


def _helo_spf_good(zones: Zones) -> None:
    zones.add(HOST, txt("v=spf1 a -all"))


def _helo_spf_twice(zones: Zones) -> None:
    zones.add(HOST, txt("v=spf1 a -all"))
    zones.add(HOST, txt("v=spf1 mx -all"))


def _sts_published(zones: Zones) -> None:
    zones.add("_mta-sts.ours.jp", txt("v=STSv1; id=1"))
    zones.add("mta-sts.ours.jp", a(NEW))


def _tlsa_published(zones: Zones) -> None:
    zones.add(f"_25._tcp.{HOST}", (52, bytes([3, 1, 1]) + b"\0" * 32))


def _broken_sts(zones: Zones) -> None:
    zones.add("_mta-sts.ours.jp", txt("v=STSv1; id=1"))


def _useless_tlsa(zones: Zones) -> None:
    zones.add(f"_25._tcp.{HOST}", (52, bytes([1, 1, 1]) + b"\0" * 32))


def _no_page(zones: Zones) -> None:
    zones.drop("www.ours.jp")
    zones.drop("ours.jp", wire.A)


def _on_a_list_of_names(zones: Zones) -> None:
    zones.add("second.jp.pf-names.test", a("127.0.0.2"))


class Row(NamedTuple):
    breaks: Callable[[Zones], None]
    expected: dict[str, str]
    verdict: str


GMAIL: Final = "receiver gmail"
ROWS: Final = [
    Row(
        _as_it_is,
        {
            f"lists {NEW}": "ok clear",
            "lists ours.jp": "ok clear",
            "lists second.jp": "ok clear",
            f"lists {HOST}": "ok clear",
            "policy-lists": "ok clear",
            "neighbours": "ok ok",
            "ptr": "ok ok",
            "helo": "ok ok",
            "spf-helo": "ok none",
            "ipv6": "ok none",
            "contact-page ours.jp": "unknown unseen",
            "spf ours.jp": "ok ok",
            "spf second.jp": "ok ok",
            "dkim ours.jp": "ok ok",
            "dkim second.jp": "ok ok",
            "dmarc ours.jp": "ok ok",
            "dmarc second.jp": "ok ok",
            "alignment ours.jp": "ok both",
            "alignment second.jp": "ok both",
            "mx ours.jp": "ok ok",
            "mx second.jp": "ok ok",
            "mta-sts ours.jp": "ok none",
            "mta-sts second.jp": "ok none",
            "tls-rpt ours.jp": "ok none",
            "tls-rpt second.jp": "ok none",
            "dane ours.jp": "ok none",
            "dane second.jp": "ok none",
            "mailboxes ours.jp": "unknown unseen",
            "mailboxes second.jp": "unknown unseen",
            "private-lists": "unknown unseen",
            "receiver apple-icloud": "unknown open",
            GMAIL: "unknown open",
            "receiver gmx-webde-ionos": "ok met",
            "receiver microsoft-consumer": "unknown open",
            "receiver orange-fr": "unknown unseen",
            "receiver t-online": "unknown open",
            "receiver yahoo": "unknown open",
        },
        "go-with-care",
    ),
    Row(_reused, {f"lists {NEW}": "bad listed", "policy-lists": "ok clear"}, "no-go"),
    Row(
        _on_a_policy_list,
        {
            f"lists {NEW}": "ok clear",
            "policy-lists": "bad listed",
            "receiver microsoft-consumer": "bad unmet",
        },
        "no-go",
    ),
    Row(_on_a_list_of_names, {"lists second.jp": "bad listed", "lists ours.jp": "ok clear"}, "no-go"),
    Row(_bad_neighbours, {f"lists {NEW}": "ok clear", "neighbours": "bad many"}, "no-go"),
    Row(_some_neighbours, {"neighbours": "warning some"}, "go-with-care"),
    Row(_policy_neighbours, {"neighbours": "ok ok"}, "go-with-care"),
    Row(
        _no_ptr,
        {"ptr": "bad none", "helo": "warning no-name", GMAIL: "bad unmet"},
        "no-go",
    ),
    Row(
        _generic_ptr,
        {
            "ptr": "warning generic",
            "helo": "warning other-name",
            GMAIL: "unknown open",
            "receiver gmx-webde-ionos": "bad unmet",
        },
        "go-with-care",
    ),
    Row(_dynamic_ptr, {"ptr": "bad dynamic", "receiver t-online": "bad unmet"}, "no-go"),
    Row(_astray, {"ptr": "bad astray", "helo": "bad elsewhere"}, "no-go"),
    Row(_other_helo, {"ptr": "ok ok", "helo": "warning other-name"}, "go-with-care"),
    Row(
        _spf_without,
        {
            "spf ours.jp": "bad not-covered",
            "spf second.jp": "ok ok",
            "alignment ours.jp": "warning dkim",
            GMAIL: "warning unmet",
        },
        "no-go",
    ),
    Row(_eleven_look_ups, {"spf ours.jp": "bad look-ups"}, "no-go"),
    Row(_eleven_behind, {"spf ours.jp": "warning above"}, "go-with-care"),
    Row(_no_spf, {"spf ours.jp": "bad none"}, "no-go"),
    Row(_two_spf, {"spf ours.jp": "bad two-records"}, "no-go"),
    Row(_weak_key, {"dkim ours.jp": "bad short", "alignment ours.jp": "warning spf"}, "no-go"),
    Row(_small_key, {"dkim ours.jp": "warning small"}, "go-with-care"),
    Row(_no_key, {"dkim ours.jp": "bad missing"}, "no-go"),
    Row(_no_reports, {"dmarc ours.jp": "warning no-reports", GMAIL: "unknown open"}, "go-with-care"),
    Row(_no_dmarc, {"dmarc ours.jp": "warning none", GMAIL: "warning unmet"}, "go-with-care"),
    Row(_reports_elsewhere, {"dmarc ours.jp": "warning not-allowed"}, "go-with-care"),
    Row(
        _null_mx,
        {"mx ours.jp": "bad null", "mailboxes ours.jp": "bad no-mail", "mx second.jp": "ok ok"},
        "no-go",
    ),
    Row(
        _no_such_domain,
        {"mx second.jp": "bad no-domain", "spf second.jp": "bad none", "dkim second.jp": "bad missing"},
        "no-go",
    ),
    Row(_lost_mx, {"mx ours.jp": "warning some"}, "go-with-care"),
    Row(_six_without_ptr, {"ipv6": "warning no-name", "ptr": "ok ok"}, "go-with-care"),
    Row(_broken_sts, {"mta-sts ours.jp": "warning no-host"}, "go-with-care"),
    Row(_helo_spf_without, {"spf-helo": "warning not-covered", "spf ours.jp": "ok ok"}, "go-with-care"),
    Row(_helo_spf_good, {"spf-helo": "ok ok"}, "go-with-care"),
    Row(_helo_spf_twice, {"spf-helo": "warning broken"}, "go-with-care"),
    Row(_sts_published, {"mta-sts ours.jp": "unknown unseen"}, "go-with-care"),
    Row(_tlsa_published, {"dane ours.jp": "unknown unseen"}, "go-with-care"),
    Row(_useless_tlsa, {"dane ours.jp": "warning useless"}, "go-with-care"),
    Row(
        _no_page,
        {"contact-page ours.jp": "warning none", "receiver t-online": "bad unmet"},
        "go-with-care",
    ),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.breaks.__name__.lstrip("_"))
def test_what_is_broken_is_found(row: Row, known: Compiled) -> None:
    zones = good()
    row.breaks(zones)
    report = look(zones, known)
    found = states(report)
    assert {name: found.get(name) for name in row.expected} == row.expected
    assert report.verdict == row.verdict


def test_what_is_not_broken_stays_good(known: Compiled) -> None:
    """The first row names every check, so that a broken world can be held against it."""
    assert set(ROWS[0].expected) == set(states(look(good(), known)))


def test_one_of_two_is_enough_for_each_domain_by_itself(known: Compiled) -> None:
    """Mail of one domain passes by DKIM, and that of the other by SPF: "SPF or DKIM" is met."""
    zones = good()
    _spf_without(zones)
    zones.drop("s1._domainkey.second.jp")
    report = look(zones, known)
    gmail = next(c for c in report.checks if c.id == "receiver" and c.about == "gmail")
    found = {d.text.partition(" (")[0]: d.state for d in gmail.details}
    assert found["SPF or DKIM passes"] == "ok"
    assert found["SPF and DKIM both pass"] == "warning"
    zones.drop("second.jp", wire.TXT)
    gmail = next(c for c in look(zones, known).checks if c.about == "gmail")
    assert next(d.state for d in gmail.details if d.text.startswith("SPF or")) == "bad"


def test_a_second_run_goes_on_where_the_first_stopped(known: Compiled, tmp_path: Path) -> None:
    """By a list whose rate is too small for 256 questions within the deadline."""
    folder = tmp_path / "knowledge"
    write_lists(folder)
    for path in folder.rglob("*.toml"):
        path.write_text(path.read_text().replace("per_second = 1000", "per_second = 16"))
    slow = load.knowledge(folder)
    zones = good()
    for n in range(250, 256):
        zones.lists["pf-abuse.test"].add(f"203.0.114.{n}", code="127.0.0.2")
    told, maps = [], []
    with serving(zones) as server:
        # At last one that permits the rest at once.
        for knowledge_, deadline in ((slow, 0.5), (slow, 0.5), (known, 8.0)):
            all_ = world(server, knowledge_, deadline=deadline)
            run = Run(SUBJECT, all_._replace(kept=lambda: Kept.open(tmp_path / "data")), "en")
            list(run)
            check = next(c for c in run.checks if c.id == "neighbours")
            told.append(f"{check.state} {check.finding}")
            maps.append(check.map or "")
    assert told == ["unknown few", "unknown few", "ok ok"]
    lost = [marks.count("?") for marks in maps]
    assert lost[0] > lost[1] > lost[2] == 0
    assert maps[-1] == "." * 250 + "X" * 6
