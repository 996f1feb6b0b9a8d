"""What the checks say of single findings, by tables; and that every check has its words."""

from __future__ import annotations

import contextlib
import importlib
import json
import pkgutil
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.preflight.table import Table
from tests.preflight.world import HOST, NEW, SIX, der, key_record, reverse
from todoku.i18n import LANGUAGES
from todoku.preflight import checks, data
from todoku.preflight.checks import contact_page, dkim, dmarc, helo, ipv6, mta_sts, mx, ptr, tls_rpt
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check, judge

FACTS = Path(__file__).parents[3] / "shared" / "facts" / "sender_requirements.jsonl"
DOCS = Path(__file__).parents[2] / "docs" / "preflight.md"


def sheets() -> Iterator[Sheet]:
    for module in pkgutil.iter_modules(checks.__path__, f"{checks.__name__}."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Sheet):
                yield value


SHEETS = {sheet.id: sheet for sheet in sheets()}
IDS = {*SHEETS, "receiver"}


# ── names ─────────────────────────────────────────────────────────────────────────────────────

NAMES = [
    (HOST, False, False),
    ("mail.ours.jp", False, False),
    ("mx203.ours.jp", False, False),
    ("smtp-9.ours.jp", False, False),
    ("203-0-114-9.provider.net", False, True),
    ("9.114.0.203.provider.net", False, True),
    ("v203-0-114-9.tokyo.provider.net", False, True),
    ("203000114009.provider.net", False, True),
    ("cb007209.provider.net", False, True),
    ("static-114-9.provider.net", False, True),
    ("ip-114-9.provider.net", False, True),
    ("p114-9.ours.jp", False, False),
    ("203-0-114-90.provider.net", False, False),
    ("p12.dynamic.provider.net", True, False),
    ("dhcp-9.provider.net", True, False),
    ("dynamo.ours.jp", False, False),
    ("mail.dynamic.jp", False, False),  # what somebody registered is no sign
]


@pytest.mark.parametrize(("name", "dynamic", "generic"), NAMES)
def test_names_that_nobody_chose(name: str, dynamic: bool, generic: bool) -> None:
    known = data.generic()
    assert ptr.is_dynamic(name, known) is dynamic
    assert ptr.is_generic(name, NEW, known) is generic


def test_generic_names_of_ipv6() -> None:
    known = data.generic()
    assert ptr.is_generic("2a0f-ab00-0000-0000-0000-0000-0000-0025.provider.net", SIX, known)
    assert not ptr.is_generic(HOST, SIX, known)


def test_one_of_several_names_must_lead_back() -> None:
    table = Table({
        (reverse(NEW), "PTR"): ["gone.ours.jp", HOST],
        (HOST, "A"): [NEW],
    })  # fmt: skip
    check = ptr.look(table, NEW, data.generic(), "en")
    assert (check.state, check.finding) == ("warning", "many")
    table.records[HOST, "A"] = None  # now nobody knows
    assert ptr.look(table, NEW, data.generic(), "en").cause == "unanswered"


def test_a_short_helo() -> None:
    check = helo.look(Table({(reverse(NEW), "PTR"): [HOST]}), NEW, "localhost", "en")
    assert (check.state, check.finding) == ("bad", "short")


def test_helo_and_ipv6_that_nobody_told() -> None:
    empty = Table({})
    assert helo.look(empty, NEW, None, "en").cause == "not-asked"
    assert ipv6.look(empty, NEW, None, "en").cause == "not-asked"
    assert contact_page.look(empty, NEW, None, None, data.contact_page(), "en").cause == "not-asked"


def test_an_address_of_ipv6_alone() -> None:
    table = Table({(HOST, "AAAA"): [SIX]})
    assert ipv6.look(table, SIX, HOST, "en").finding == "only"
    table.records[HOST, "A"] = [NEW]
    assert ipv6.look(table, SIX, HOST, "en").finding == "ok"


# ── keys ──────────────────────────────────────────────────────────────────────────────────────

ED = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="
KEYS = [
    (key_record(2048), None, 2048),
    (key_record(4096), None, 4096),
    (key_record(1024), "small", 1024),
    (key_record(1016), "short", 1016),
    (key_record(512), "short", 512),
    (key_record(2048) + "; t=s:y", "testing", 2048),
    (key_record(2048) + "; t=s", None, 2048),
    ("v=DKIM1; p=", "revoked", 0),
    ("p=!!!", "unreadable", 0),
    (key_record(2048)[:120], "unreadable", 0),
    ("v=DKIM1; k=dsa; p=AAAA", "unreadable", 0),
    ("v=DKIM1; k=ed25519; p=" + "A" * 43 + "=", "young", 256),
    ("v=DKIM1; k=ed25519; p=" + ED, "unreadable", 256),  # a whole SubjectPublicKeyInfo
]


@pytest.mark.parametrize(("record", "fault", "bits"), KEYS)
def test_keys(record: str, fault: str | None, bits: int) -> None:
    key = dkim.read(record)
    assert (key.fault, key.bits) == (fault, bits)


def test_the_length_is_what_others_read() -> None:
    crypto = pytest.importorskip("dkim.crypto")
    for bits in (1024, 2048, 3072):
        theirs = crypto.parse_public_key(der(bits))
        assert theirs["modulus"].bit_length() == dkim.rsa_bits(der(bits)) == bits


@given(st.binary(max_size=64))
def test_no_octets_break_the_reader_of_keys(octets: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert dkim.rsa_bits(octets) >= 0


def test_a_young_key_beside_one_that_all_can_verify() -> None:
    table = Table({
        ("r._domainkey.ours.jp", "TXT"): [key_record(2048)],
        ("e._domainkey.ours.jp", "TXT"): ["v=DKIM1; k=ed25519; p=" + "A" * 43 + "="],
    })  # fmt: skip
    assert [c.state for c in dkim.look(table, "ours.jp", ("r", "e"), "en")] == ["ok", "ok"]
    assert [c.state for c in dkim.look(table, "ours.jp", ("e",), "en")] == ["warning"]
    assert dkim.look(table, "ours.jp", (), "en")[0].cause == "not-asked"


# ── records ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("record", "finding"),
    [
        ("v=DMARC1; p=reject; rua=mailto:a@ours.jp", "ok"),
        ("v=DMARC1;p=none;rua=mailto:a@mail.ours.jp!10m", "ok"),
        ("v=DMARC1; p=none", "no-reports"),
        ("v=DMARC1; p=none; rua=nothing", "no-reports"),
        ("v=DMARC1; p=never; rua=mailto:a@ours.jp", "broken"),
        ("v=DMARC1", "broken"),
        ("v=DMARC2; p=none", "none"),
        ("v=DMARC1; p=none; rua=mailto:a@else.net", "not-allowed"),
        ("v=DMARC1; p=none; rua=mailto:a@allowed.net", "ok"),
    ],
)
def test_dmarc(record: str, finding: str) -> None:
    table = Table({
        ("_dmarc.ours.jp", "TXT"): [record],
        ("ours.jp._report._dmarc.allowed.net", "TXT"): ["v=DMARC1"],
    })  # fmt: skip
    assert dmarc.look(table, "ours.jp", "en").finding == finding


def test_the_policy_of_subdomains_stands_at_the_organization() -> None:
    record = "v=DMARC1; p=reject; sp=none; rua=mailto:a@ours.co.jp"
    check = dmarc.look(Table({("_dmarc.ours.co.jp", "TXT"): [record]}), "news.ours.co.jp", "en")
    assert check.found.startswith("p=none at _dmarc.ours.co.jp")


def test_mta_sts_and_tls_rpt() -> None:
    def sts(**found: list[str]) -> str:
        names = {"record": ("_mta-sts.a.jp", "TXT"), "host": ("mta-sts.a.jp", "A")}
        table = Table({names[n]: r for n, r in found.items()})
        return mta_sts.look(table, "a.jp", None, "en").finding

    assert sts() == "none"
    assert sts(record=["v=STSv1; id=2026;"], host=[NEW]) == "unseen"
    assert sts(record=["v=STSv1; id=2026;"]) == "no-host"
    assert sts(record=["v=STSv1;"], host=[NEW]) == "broken"
    assert sts(record=["v=STSv1; id=1;", "v=STSv1; id=2;"], host=[NEW]) == "broken"

    def rpt(*records: str) -> str:
        return tls_rpt.look(Table({("_smtp._tls.a.jp", "TXT"): records}), "a.jp", "en").finding

    assert rpt() == "none"
    assert rpt("v=TLSRPTv1; rua=mailto:t@a.jp") == "ok"
    assert rpt("v=TLSRPTv1") == "broken"


def test_mx_of_which_some_are_not_known() -> None:
    table = Table({("a.jp", "MX"): ["10 one.a.jp", "20 two.a.jp"], ("one.a.jp", "A"): None})
    assert mx.look(table, "a.jp", "en").cause == "unanswered"
    table.records["two.a.jp", "A"] = [NEW]
    assert mx.look(table, "a.jp", "en").state == "ok"


# ── words ─────────────────────────────────────────────────────────────────────────────────────


def _gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_every_check_has_its_words_and_sources(sheet: Sheet) -> None:
    assert sheet.source
    assert {"title", "wanted", "why"} <= set(sheet.words)
    for key, sentence in sheet.words.items():
        assert set(sentence) == set(LANGUAGES), key
        assert _gaps(sentence["ja"]) == _gaps(sentence["en"]), key
    remedies = {k.partition(".")[2] for k in sheet.words if k.startswith("remedy.")}
    findings = {k.partition(".")[2] for k in sheet.words if k.startswith("found.")}
    assert remedies <= findings
    # What is left without anything to do is good news, or cannot be helped.
    idle = {"ok", "accepted", "arrived", "settled", "none", "clear", "both", "six", "no-list"}
    assert findings - remedies <= idle, sheet.id


def test_every_check_is_documented() -> None:
    page = DOCS.read_text()
    for id_ in IDS:
        assert f"`{id_}`" in page, id_
        for source in SHEETS[id_].source if id_ in SHEETS else ():
            assert source in page, (id_, source)


# ── requirements ──────────────────────────────────────────────────────────────────────────────


def test_requirements_name_checks_that_there_are() -> None:
    for rules in data.requirements():
        for r in rules.requirements:
            for id_ in (i for wanted in r.checks for i in wanted.split("|")):
                assert id_ in IDS, r.id
            for name in r.fails:
                id_, _, finding = name.partition("/")
                assert f"found.{finding}" in SHEETS[id_].words, name
            assert r.checks or r.look or r.level == "info", r.id
            assert not r.bulk or rules.applies is not None, r.id
            assert r.source


def test_ids_of_requirements_are_unique() -> None:
    ids = [r.id for rules in data.requirements() for r in rules.requirements]
    assert len(ids) == len(set(ids)) >= 48


@pytest.mark.skipif(not FACTS.exists(), reason="no facts here")
def test_no_fact_is_lost() -> None:
    facts = {f["id"]: f for f in map(json.loads, FACTS.read_text().splitlines())}
    kept = {r.id: (rules, r) for rules in data.requirements() for r in rules.requirements}
    assert set(kept) == set(facts)
    for id_, fact in facts.items():
        rules, r = kept[id_]
        assert rules.receiver == fact["receiver"]
        assert r.codes == tuple(fact.get("refusal_codes", ()))
        assert r.level == fact["level"]


# ── verdict ───────────────────────────────────────────────────────────────────────────────────


def _check(state: str, cause: str | None = None, id_: str = "spf") -> Check:
    return Check(
        id=id_, about="x", title="", state=state, cause=cause, finding="", found="", wanted="",  # type: ignore[arg-type]
        why="", source=(),
    )  # fmt: skip


OK, WARNING, BAD = _check("ok"), _check("warning"), _check("bad")
SILENT, UNSEEN = _check("unknown", "unanswered"), _check("unknown", "unseen", "private-lists")


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([OK], "go"),
        ([OK, WARNING], "go-with-care"),
        ([OK, UNSEEN], "go-with-care"),  # private lists: never more, without real mail or a probe
        ([OK, _check("unknown", "not-asked", "dkim")], "go-with-care"),
        ([OK, SILENT], "unknown"),
        ([OK, SILENT, BAD], "no-go"),
        ([OK, WARNING, BAD, UNSEEN], "no-go"),
        ([OK, _check("unknown", "unanswered", "neighbours")], "go-with-care"),
        ([OK, _check("bad", None, "receiver")], "go-with-care"),  # who does not send there may go
        ([UNSEEN], "unknown"),  # nothing is known at all
        ([], "unknown"),
    ],
)
def test_the_verdict(found: list[Check], verdict: str) -> None:
    assert judge(found).verdict == verdict
    assert judge(reversed(found)).verdict == verdict
