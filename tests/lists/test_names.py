"""The names that lists are asked for."""

from __future__ import annotations

import ipaddress
import itertools
import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.knowledge.schema import Ask, AskKind
from todoku.lists import names, wire
from todoku.lists.names import NoQuestion, fits, kind_of, masked, prefix, printed, question, suffix
from todoku.model import Subject

KEY = "k3yk3yk3yk3yk3yk3yk3yk3yk3"

V4 = Subject("ip", "192.0.2.1")
V6 = Subject("ip", "2001:db8::1")
HOST = Subject("hostname", "mail.example.co.jp")
DOMAIN = Subject("domain", "xn--wgv71a119e.jp")


@pytest.mark.parametrize(
    ("subject", "registered", "name"),
    [
        (V4, False, "1.2.0.192.bl.test"),
        (
            V6,
            False,
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test",
        ),
        (HOST, False, "mail.example.co.jp.bl.test"),
        (HOST, True, "example.co.jp.bl.test"),
        (DOMAIN, True, "xn--wgv71a119e.jp.bl.test"),
        (Subject("domain", "co.jp"), True, "co.jp.bl.test"),
        (Subject("domain", "test"), False, "test.bl.test"),
        (Subject("domain", "_dnsbl_.test"), False, "_dnsbl_.test.bl.test"),
    ],
)
def test_the_name_of_a_question(subject: Subject, registered: bool, name: str) -> None:
    section = question(subject, suffix("BL.test"), "bl.test", registered=registered)
    assert section == wire.question(wire.name(name), wire.A)
    assert printed(subject, "BL.test", registered=registered) == name
    text = question(subject, suffix("bl.test", qtype=wire.TXT), "bl.test", registered=registered)
    assert text == wire.question(wire.name(name), wire.TXT)


def test_a_key_stands_before_the_zone_and_is_never_printed() -> None:
    section = question(V4, suffix("zen.dq.test", KEY), "zen.dq.test")
    assert section == wire.question(wire.name(f"1.2.0.192.{KEY}.zen.dq.test"), wire.A)
    assert printed(V4, "zen.dq.test", KEY) == "1.2.0.192.<key>.zen.dq.test"


@given(st.ip_addresses())
def test_addresses_are_reversed_as_for_reverse_lookups(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    reverse = ip.reverse_pointer.rsplit(".", 2)[0]
    assert prefix(Subject("ip", str(ip))) + b"\0" == wire.name(reverse)


def test_ipv6_with_embedded_ipv4_is_asked_by_nibbles() -> None:
    point = Subject("ip", "::ffff:7f00:2")
    assert printed(point, "bl.test").startswith("2.0.0.0.0.0.f.7.f.f.f.f.0.")
    assert kind_of(point) == "ipv6"


@pytest.mark.parametrize(
    ("kinds", "subject", "fitting"),
    [
        (("ipv4",), V4, True),
        (("ipv4",), V6, False),
        (("ipv4", "ipv6"), V6, True),
        (("ipv4", "ipv6"), HOST, False),
        (("domain",), HOST, True),
        (("domain",), DOMAIN, True),
        (("domain",), V4, False),
        (("domain",), V6, False),
        ((), V4, False),
    ],
)
def test_lists_are_asked_only_what_they_hold(
    kinds: tuple[AskKind, ...], subject: Subject, fitting: bool
) -> None:
    assert fits(Ask(kinds=kinds), subject) is fitting


def test_a_name_of_255_octets_is_asked_and_a_longer_one_refused() -> None:
    zone = "bl.example.test"
    room = 255 - len(suffix(zone)) + 4
    labels = [63, 63, 63]
    rest = room - sum(n + 1 for n in labels)
    fits_just = Subject("hostname", ".".join("x" * n for n in [*labels, rest - 1]))
    assert len(question(fits_just, suffix(zone), zone)) == 255 + 4
    too_long = Subject("hostname", fits_just.value + "x")
    with pytest.raises(NoQuestion) as error:
        question(too_long, suffix(zone), zone)
    for lang in ("ja", "en"):
        assert zone in error.value.text(lang) and "255" in error.value.text(lang)


@pytest.mark.parametrize("key", ["", "two.labels", "blank key", "ü" * 8, "x" * 64, "a\n"])
def test_a_key_that_is_no_label_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(NoQuestion) as error:
        suffix("bl.test", key)
    for lang in ("ja", "en"):
        assert "bl.test" in error.value.text(lang)
        assert not key.strip() or key not in error.value.text(lang)
    assert error.value.__cause__ is None


@pytest.mark.parametrize("zone", ["", ".", "a..b", "x" * 64, "é.test", ".".join(["x" * 60] * 5)])
def test_a_zone_that_is_no_name_is_refused(zone: str) -> None:
    with pytest.raises(NoQuestion):
        suffix(zone)
    with pytest.raises(NoQuestion) as error:
        suffix(zone, KEY)
    assert KEY not in json.dumps([error.value.text("ja"), error.value.text("en")])
    assert error.value.__suppress_context__  # its context would name the key


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"asked with {KEY}.", "asked with <key>."),
        (f"https://list.test/?k={KEY.upper()}&ip=1", "https://list.test/?k=<key>&ip=1"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_a_key_is_masked_wherever_it_is_repeated(text: str, shown: str) -> None:
    assert masked(text, KEY) == shown
    assert masked(text, None) == text
    assert masked(text, "") == text


# ── sweeps ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "network", ["10.77.3.9/32", "10.77.3.8/31", "10.77.3.128/26", "10.77.3.0/24", "10.76.0.0/15"]
)
def test_a_sweep_asks_about_each_address_once(network: str) -> None:
    net = ipaddress.ip_network(network)
    base, bits = int(net.network_address), 32 - net.prefixlen
    seen = list(names.sweep(base, bits, suffix("bl.test"), seed=1))
    assert sorted(n for n, _ in seen) == list(range(base, base + (1 << bits)))
    for n, section in seen[:: max(len(seen) // 500, 1)]:
        subject = Subject("ip", str(ipaddress.ip_address(n)))
        assert section == question(subject, suffix("bl.test"), "bl.test")


@given(st.integers(0, 13), st.integers(0, 2**32 - 1), st.integers(0, 2**64))
def test_any_range_in_any_order_is_complete(bits: int, address: int, seed: int) -> None:
    base = address >> bits << bits
    seen = [n for n, _ in names.sweep(base, bits, suffix("bl.test"), seed=seed)]
    assert len(seen) == 1 << bits
    assert set(seen) == set(range(base, base + (1 << bits)))


@given(st.integers(0, 11), st.sets(st.integers(0, 2047)), st.integers(0, 2**64))
def test_a_sweep_goes_on_where_another_stopped(bits: int, marked: set[int], seed: int) -> None:
    marked = {i for i in marked if i < 1 << bits}
    done = bytearray(i in marked for i in range(1 << bits))
    base = 0x0A4D0000
    seen = [n - base for n, _ in names.sweep(base, bits, suffix("bl.test"), seed=seed, done=done)]
    assert sorted(seen) == sorted(set(range(1 << bits)) - marked)


def test_the_order_is_the_seeds_and_even_over_the_range() -> None:
    def order(seed: int) -> list[int]:
        return [n for n, _ in names.sweep(0x0A4D0000, 16, suffix("bl.test"), seed=seed)]

    assert order(1) == order(1)
    assert order(1) != order(2)
    first = order(1)[:2560]  # stopped after ten questions to each /24
    assert {n >> 8 for n in first} == set(range(0x0A4D00, 0x0A4E00))
    assert len({n & 255 for n in first}) == 256


def test_what_is_marked_while_the_sweep_runs_is_not_asked_again() -> None:
    done = bytearray(1 << 16)
    asked = 0
    for _ in names.sweep(0x0A4D0000, 16, suffix("bl.test"), seed=1, done=done):
        asked += 1
        if asked == 1000:
            done[:] = b"\2" * len(done)
    assert 1000 <= asked <= 1000 + 256


def test_in_a_round_most_of_equal_length_stand_together() -> None:
    """They leave in one call (`mmsg`)."""
    asked = list(names.sweep(0x0A4D0000, 16, suffix("bl.test"), seed=3))
    for at in range(0, 65_536, 256):
        lengths = [len(section) for _, section in asked[at : at + 256]]
        assert len(list(itertools.groupby(lengths))) <= 7
        assert len({address >> 8 for address, _ in asked[at : at + 256]}) == 256


def test_a_sweep_holds_little() -> None:
    tracemalloc.start()
    try:
        for _ in names.sweep(0x0A4D0000, 16, suffix("zen.spamhaus.test"), seed=1):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300_000  # a list of its questions would take 8 MB
