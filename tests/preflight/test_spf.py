"""SPF as RFC 7208 has it: a table of records, addresses and results."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.preflight.table import Table
from todoku.preflight.spf import MOST, Spf, evaluate

IP = "203.0.114.9"
SIX = "2a0f:ab00::25"


def spf(record: str, ip: str = IP, **more: Any) -> Spf:
    """`TXT_b_jp=[...]`: further names of the world."""
    records: dict[tuple[str, str], list[str] | None] = {("a.jp", "TXT"): [record]}
    for name, found in more.items():
        kind, _, rest = name.partition("_")
        records[rest.replace("__", "-").replace("_", "."), kind] = found
    return evaluate(Table(records), "a.jp", ip, helo="mx.a.jp")


@pytest.mark.parametrize(
    ("record", "result"),
    [
        (f"v=spf1 ip4:{IP} -all", "pass"),
        ("v=spf1 ip4:203.0.114.0/24 -all", "pass"),
        ("v=spf1 ip4:203.0.115.0/24 -all", "fail"),
        ("v=spf1 ip4:203.0.115.0/24 ~all", "softfail"),
        ("v=spf1 ip4:203.0.115.0/24 ?all", "neutral"),
        ("v=spf1 ip4:203.0.115.0/24", "neutral"),
        ("V=SPF1 IP4:203.0.114.9 -ALL", "pass"),
        (f"v=spf1 -all ip4:{IP}", "fail"),  # what stands behind `all` is never seen
        (f"v=spf1 -ip4:{IP} +all", "fail"),
        ("v=spf1 unknown=x ip4:203.0.114.9 -all", "pass"),
        ("v=spf10 ip4:203.0.114.9", "none"),
        ("v=spf1", "neutral"),
        (f"v=spf1 ip6:{SIX} -all", "fail"),
    ],
)
def test_terms_that_ask_nothing(record: str, result: str) -> None:
    found = spf(record)
    assert (found.result, found.look_ups) == (result, 0)


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 ip4:203.0.114.9.1 -all",
        "v=spf1 ip4:2a0f:ab00::1 -all",
        "v=spf1 ip6:203.0.114.9 -all",
        "v=spf1 ip4 -all",
        "v=spf1 include: -all",
        "v=spf1 foo:bar -all",
        f"v=spf1 ip4:{IP} bogus -all",  # an error anywhere spoils the whole record
        "v=spf1 a/33 -all",
        "v=spf1 exists:%{z}.a.jp -all",
        "v=spf1 redirect=b.jp redirect=c.jp",
    ],
)
def test_what_cannot_be_read_is_a_permanent_error(record: str) -> None:
    found = spf(record)
    assert (found.result, found.error) == ("permerror", "syntax")


def test_terms_that_ask() -> None:
    assert spf("v=spf1 a -all", A_a_jp=[IP]).result == "pass"
    assert spf("v=spf1 a:b.jp/24 -all", A_b_jp=["203.0.114.200"]).result == "pass"
    assert spf("v=spf1 a//64 -all", SIX, AAAA_a_jp=["2a0f:ab00::1"]).result == "pass"
    assert spf("v=spf1 mx -all", MX_a_jp=["10 m.a.jp"], A_m_a_jp=[IP]).result == "pass"
    assert spf("v=spf1 mx -all", MX_a_jp=["0 "]).result == "fail"  # the null MX
    assert spf("v=spf1 include:b.jp -all", TXT_b_jp=[f"v=spf1 ip4:{IP} -all"]).result == "pass"
    assert spf("v=spf1 include:b.jp ~all", TXT_b_jp=["v=spf1 -all"]).result == "softfail"
    assert spf("v=spf1 redirect=b.jp", TXT_b_jp=["v=spf1 -all"]).result == "fail"
    assert spf("v=spf1 exists:%{ir}.b.jp -all", A_9_114_0_203_b_jp=["127.0.0.2"]).result == "pass"
    assert spf("v=spf1 exists:%{l}.%{d2}.%{h}.b.jp -all", A_postmaster_a_jp_mx_a_jp_b_jp=["127.0.0.2"]).result == "pass"  # fmt: skip
    pointer: dict[str, Any] = {"PTR_9_114_0_203_in__addr_arpa": ["h.a.jp"], "A_h_a_jp": [IP]}
    assert spf("v=spf1 ptr -all", **pointer).result == "pass"
    assert spf("v=spf1 ptr:b.jp -all", **pointer).result == "fail"


def test_errors_of_what_is_included() -> None:
    found = spf("v=spf1 include:b.jp -all", TXT_b_jp=["no record"])
    assert (found.result, found.error, found.where) == ("permerror", "no-include", "b.jp")
    found = spf("v=spf1 include:a.jp -all")
    assert (found.result, found.error) == ("permerror", "loop")
    found = evaluate(Table({("a.jp", "TXT"): ["v=spf1 -all", "v=spf1 +all"]}), "a.jp", IP)
    assert (found.result, found.error) == ("permerror", "two-records")


def test_silence_is_no_answer() -> None:
    found = spf("v=spf1 include:b.jp -all", TXT_b_jp=None)
    assert (found.result, found.error, found.where) == ("temperror", "silent", "b.jp")
    # What was let through before the silence is let through.
    assert spf(f"v=spf1 ip4:{IP} include:b.jp -all", TXT_b_jp=None).result == "pass"


def world(n: int) -> dict[str, Any]:
    return {f"TXT_s{i}_jp": ["v=spf1 ip4:203.0.117.1 -all"] for i in range(n)}


def includes(n: int) -> str:
    return " ".join(f"include:s{i}.jp" for i in range(n))


def test_ten_look_ups_and_no_more() -> None:
    assert spf(f"v=spf1 {includes(10)} ip4:{IP} -all", **world(10)).result == "pass"
    found = spf(f"v=spf1 {includes(11)} ip4:{IP} -all", **world(11))
    assert (found.result, found.error, found.look_ups) == ("permerror", "look-ups", 11)
    # An address that stands in front is let through; others cost all of them.
    found = spf(f"v=spf1 ip4:{IP} {includes(11)} -all", **world(11))
    assert (found.result, found.error, found.look_ups) == ("pass", None, 11)


def test_two_look_ups_may_lead_to_nothing() -> None:
    assert spf(f"v=spf1 a:x.jp a:y.jp ip4:{IP} -all").result == "pass"
    found = spf(f"v=spf1 a:x.jp a:y.jp a:z.jp ip4:{IP} -all")
    assert (found.result, found.error, found.void) == ("permerror", "void", 3)


def test_a_record_without_end_ends() -> None:
    """Each includes the two after it: 2^40 terms for whoever follows them all."""
    records: dict[tuple[str, str], list[str] | None] = {
        (f"n{i}.jp", "TXT"): [f"v=spf1 include:n{i + 1}.jp include:n{i + 2}.jp -all"]
        for i in range(40)
    }
    table = Table(records)
    found = evaluate(table, "n0.jp", IP)
    assert found.result == "permerror"
    assert len(table.asked) < 3 * MOST


@given(st.text(max_size=200), st.sampled_from([IP, SIX]))
def test_nothing_that_a_stranger_writes_raises(rest: str, ip: str) -> None:
    assert evaluate(Table({("a.jp", "TXT"): [f"v=spf1 {rest}"]}), "a.jp", ip).result


TERMS = st.sampled_from(
    ["a", "mx", "ptr", "include", "exists", "ip4", "ip6", "all", "redirect", "exp", ":", "=", "/",
     "%{i}", "%{d1r}", "%", " ", "-", "b.jp", "24", "//64", IP]
)  # fmt: skip


@given(st.lists(TERMS, max_size=30))
def test_nor_what_looks_like_a_record(parts: list[str]) -> None:
    record = "v=spf1 " + "".join(parts)
    assert evaluate(Table({("a.jp", "TXT"): [record], ("b.jp", "TXT"): None}), "a.jp", IP).result
