"""Not known is never missing: whatever answer does not come, a check says what it said before, or
that it does not know. For every check, every world and every question that it asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.preflight.table import Table
from tests.preflight.world import HOST, NEW, SIX, key_record, reverse
from todoku.preflight import data, dns
from todoku.preflight.checks import (
    contact_page,
    dane,
    dkim,
    dmarc,
    helo,
    ipv6,
    mailboxes,
    mta_sts,
    mx,
    ptr,
    spf,
    spf_helo,
    tls_rpt,
)
from todoku.preflight.incoming import Heard, Shown
from todoku.preflight.values import Check
from todoku.preflight.web import Page

Records = dict[tuple[str, str], Sequence[str] | None]
D = "ours.jp"


class Met:
    """One's own servers, as they should be: a `Fetch` without sockets."""

    def page(
        self, _addresses: Any, host: str, _path: str, *, most: int, secure: bool = True
    ) -> Page:
        assert most
        if host.startswith("mta-sts."):
            body = f"version: STSv1\nmode: enforce\nmx: {HOST}\nmx: *.ours.jp\nmax_age: 604800\n"
            return Page(200, "text/plain", "", body.encode(), True)
        to = "" if secure else f"https://www.{D}/"
        return Page(200 if secure else 301, "text/html", to, b"mailto:", True)

    def certificates(self, _host: str, _addresses: Any) -> Shown:
        return Shown(True, (b"",))

    def recipients(self, _host: str, _addresses: Any, _domain: str, names: Sequence[str]) -> Heard:
        return Heard(tuple((name, "250 2.1.5 ok") for name in names), open=True)


MET: Any = Met()

CHECKS: dict[str, Callable[[Any], Check | list[Check]]] = {
    "ptr": lambda ask: ptr.look(ask, NEW, data.generic(), "en"),
    "helo": lambda ask: helo.look(ask, NEW, HOST, "en"),
    "helo by name": lambda ask: helo.look(ask, NEW, None, "en"),
    "ipv6": lambda ask: ipv6.look(ask, NEW, HOST, "en"),
    "ipv6 itself": lambda ask: ipv6.look(ask, SIX, HOST, "en"),
    "spf-helo": lambda ask: spf_helo.look(ask, NEW, HOST, "en"),
    "spf-helo by name": lambda ask: spf_helo.look(ask, NEW, None, "en"),
    "spf": lambda ask: spf.look(ask, D, NEW, HOST, "en"),
    "dkim": lambda ask: dkim.look(ask, D, ("s1",), "en"),
    "dmarc": lambda ask: dmarc.look(ask, D, "en"),
    "mx": lambda ask: mx.look(ask, D, "en"),
    "mta-sts": lambda ask: mta_sts.look(ask, D, None, "en"),
    "tls-rpt": lambda ask: tls_rpt.look(ask, D, "en"),
    "dane": lambda ask: dane.look(ask, D, None, "en"),
    "mailboxes": lambda ask: mailboxes.look(ask, D, None, "en"),
    "mta-sts fetched": lambda ask: mta_sts.look(ask, D, MET, "en"),
    "dane met": lambda ask: dane.look(ask, D, MET, "en"),
    "mailboxes asked": lambda ask: mailboxes.look(ask, D, MET, "en"),
    "contact-page opened": lambda ask: contact_page.look(
        ask, NEW, HOST, MET, data.contact_page(), "en"
    ),
    "contact-page": lambda ask: contact_page.look(ask, NEW, HOST, None, data.contact_page(), "en"),
}

GOOD: Records = {
    (HOST, "A"): [NEW],
    (HOST, "AAAA"): [SIX],
    (HOST, "TXT"): ["v=spf1 a -all"],
    (reverse(NEW), "PTR"): [HOST],
    (dns.reverse(SIX), "PTR"): [HOST],
    (D, "MX"): [f"10 {HOST}", "20 b.ours.jp"],
    ("b.ours.jp", "A"): [NEW],
    (D, "A"): [NEW],
    (D, "TXT"): ["v=spf1 a:b.ours.jp include:i.jp exists:%{i}.e.jp mx -all"],
    ("i.jp", "TXT"): ["v=spf1 redirect=r.jp"],
    ("r.jp", "TXT"): ["v=spf1 ip4:203.0.117.0/24 -all"],
    ("s1._domainkey.ours.jp", "TXT"): [key_record(2048)],
    ("_dmarc.ours.jp", "TXT"): ["v=DMARC1; p=none; rua=mailto:a@ours.jp,mailto:b@else.net"],
    ("ours.jp._report._dmarc.else.net", "TXT"): ["v=DMARC1"],
    ("_mta-sts.ours.jp", "TXT"): ["v=STSv1; id=1"],
    ("mta-sts.ours.jp", "A"): [NEW],
    ("www.ours.jp", "A"): [NEW],
    ("_smtp._tls.ours.jp", "TXT"): ["v=TLSRPTv1; rua=mailto:a@ours.jp"],
    (f"_25._tcp.{HOST}", "TLSA"): ["3 1 1 00"],
}
WORLDS: dict[str, Records] = {
    "good": GOOD,
    "empty": {},
    "null": {**GOOD, (D, "MX"): ["0 "]},
    "astray": {**GOOD, (HOST, "A"): ["203.0.117.1"], (reverse(NEW), "PTR"): ["x.jp", HOST]},
    "no names": {k: v for k, v in GOOD.items() if k[1] != "PTR"},
    "no addresses": {k: v for k, v in GOOD.items() if k[1] not in {"A", "AAAA"}},
    "by its name": {**GOOD, (D, "TXT"): ["v=spf1 ptr:ours.jp -all"]},
    "not covered": {
        **GOOD,
        (D, "TXT"): ["v=spf1 ptr:else.net a:x1.jp include:i.jp a:x2.jp -all"],
    },
}


def states(check: Check | list[Check]) -> list[tuple[str, str | None]]:
    return [(c.state, c.cause) for c in ([check] if isinstance(check, Check) else check)]


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("name", CHECKS)
def test_an_answer_that_does_not_come(name: str, world: str) -> None:
    look, records = CHECKS[name], WORLDS[world]
    table = Table(records)
    before = states(look(table))
    assert not any(cause == "unanswered" for _, cause in before)
    assert table.asked
    for question in dict.fromkeys(table.asked):
        after = states(look(Table({**records, question: None})))
        for was, now in zip(before, after, strict=True):
            assert now in {was, ("unknown", "unanswered")}, question


@pytest.mark.parametrize("name", CHECKS)
def test_none_comes(name: str) -> None:
    class Silent(Table):
        def __call__(self, name: str, kind: str, /) -> Any:
            self.records[name, kind] = None
            return super().__call__(name, kind)

    assert set(states(CHECKS[name](Silent({})))) == {("unknown", "unanswered")}


RECORD = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["v=spf1 mx -all", "v=DMARC1; p=none", "v=STSv1; id=1", "v=TLSRPTv1; rua=x", "p=AAAA"]),
)  # fmt: skip
NAME = st.sampled_from(["", HOST, D, "a.jp", "x" * 63 + ".jp", "dyn-1.isp.net", "\x1b.jp"])
RECORDS = st.one_of(
    st.none(),
    st.lists(RECORD, max_size=3),
)
BY_TYPE = {
    "TXT": RECORDS,
    "PTR": st.one_of(st.none(), st.lists(NAME, max_size=3)),
    "MX": st.one_of(st.none(), st.lists(NAME.map(lambda n: f"10 {n}"), max_size=3)),
    "A": st.one_of(st.none(), st.lists(st.sampled_from([NEW, "203.0.117.1"]), max_size=2)),
    "AAAA": st.one_of(st.none(), st.lists(st.just(SIX), max_size=1)),
    "TLSA": st.one_of(st.none(), st.lists(st.text(max_size=8), max_size=2)),
}


@given(st.data(), st.sampled_from(sorted(CHECKS)))
def test_no_records_break_a_check(data: st.DataObject, name: str) -> None:
    class World(Table):
        """Answers drawn as they are asked for, and kept."""

        def __call__(self, name: str, kind: str, /) -> Any:
            if (name, kind) not in self.records:
                self.records[name, kind] = data.draw(BY_TYPE[kind])
            return super().__call__(name, kind)

    for state, cause in states(CHECKS[name](World({}))):
        assert (cause is None) == (state != "unknown")
