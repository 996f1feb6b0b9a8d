"""DNS packets: what is sent, what is read, and that nothing a stranger sends breaks the reading."""

import contextlib

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.lists import wire
from todoku.lists.values import Answer

QUESTION = wire.question(wire.name("2.0.0.127.bl.test"), wire.A)


def response(
    *sections: list[str], flags: int = dns.flags.QR, rcode: int = 0, **words: str
) -> bytes:
    """A message by dnspython: records as text for answer, authority, additional."""
    m = dns.message.make_response(
        dns.message.make_query(words.get("name", "2.0.0.127.bl.test"), words.get("type", "A"), id=7)
    )
    m.flags = dns.flags.Flag(flags)
    m.set_rcode(dns.rcode.Rcode(rcode))
    for section, lines in zip((m.answer, m.authority, m.additional), sections, strict=False):
        for line in lines:
            name, ttl, kind, data = line.split(" ", 3)
            section.append(dns.rrset.from_text(f"{name}.", int(ttl), "IN", kind, data))
    return m.to_wire()


def answer(packet: bytes) -> Answer:
    return wire.answer_of(
        packet, asked="2.0.0.127.bl.test", server="127.0.0.1:53", took=0.1, at=5.0
    )


# ── out ───────────────────────────────────────────────────────────────────────────────────────


def test_name() -> None:
    assert wire.name("bl.test") == wire.name("bl.test.") == b"\2bl\4test\0"
    assert wire.text_of(b"\2bl\4test\0") == "bl.test"
    assert wire.text_of(b"\3b.l\5t\0st\xff\0") == "b\\046l.t\\000st\\255"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        ".a",
        "a..",
        "x" * 64 + ".test",
        "例.test",
        ".".join(["x" * 63] * 4),
        ".".join(["x"] * 128),
    ],
)
def test_no_name(text: str) -> None:
    with pytest.raises(wire.BadName):
        wire.name(text)


def test_the_longest_names() -> None:
    assert len(wire.name(".".join(["x" * 63] * 3 + ["x" * 61]))) == 255
    assert len(wire.name(".".join(["x"] * 127))) == 255


@pytest.mark.parametrize("recursive", [True, False])
def test_query_is_what_dnspython_sends(recursive: bool) -> None:
    theirs = dns.message.make_query("2.0.0.127.bl.test", "A", id=4711)
    theirs.flags = dns.flags.RD if recursive else dns.flags.Flag(0)
    assert wire.query(4711, QUESTION, recursive) == theirs.to_wire()


# ── in ────────────────────────────────────────────────────────────────────────────────────────


def test_same_question() -> None:
    packet = response(["2.0.0.127.bl.test 60 A 127.0.0.2"])
    assert wire.same_question(packet, QUESTION)
    assert wire.same_question(packet.replace(b"\2bl\4test", b"\2bL\4TesT"), QUESTION)
    assert not wire.same_question(packet, wire.question(wire.name("3.0.0.127.bl.test"), wire.A))
    assert not wire.same_question(packet, wire.question(wire.name("2.0.0.127.bl.test"), wire.TXT))
    assert not wire.same_question(wire.query(7, QUESTION, False), QUESTION), "not a response"
    assert not wire.same_question(packet[:20], QUESTION)


def test_type_is_no_text() -> None:
    """Type 65 and type 97 differ, though `A` and `a` do not."""
    assert not wire.same_question(
        response(name="bl.test", type="TYPE65"), wire.question(wire.name("bl.test"), 97)
    )


def test_listed() -> None:
    packet = response(
        ["2.0.0.127.bl.test 300 A 127.0.0.4", "2.0.0.127.bl.test 120 A 127.0.0.2"],
        flags=dns.flags.QR | dns.flags.AA,
    )
    a = answer(packet)
    assert (a.rcode, a.addresses, a.ttl) == (0, ("127.0.0.4", "127.0.0.2"), 120)
    assert (a.asked, a.server, a.took, a.at) == ("2.0.0.127.bl.test", "127.0.0.1:53", 0.1, 5.0)
    p = wire.parse(packet)
    assert p.id == 7 and p.response and p.authoritative and not p.recursion and not p.truncated
    assert p.question == QUESTION


def test_an_address_of_another_name_is_no_answer() -> None:
    assert answer(response(["other.test 60 A 127.0.0.2"])).addresses == ()


def test_chain() -> None:
    a = answer(
        response(
            [
                "b.test 50 CNAME c.test.",
                "2.0.0.127.bl.test 60 CNAME B.test.",
                "c.test 70 A 127.0.0.9",
            ]
        )
    )
    assert (a.addresses, a.ttl) == (("127.0.0.9",), 50)


def test_chain_without_end() -> None:
    a = answer(
        response(["2.0.0.127.bl.test 60 CNAME b.test.", "b.test 60 CNAME 2.0.0.127.bl.test."])
    )
    assert a.addresses == ()


@pytest.mark.parametrize(("ttl", "minimum", "kept"), [(3600, 300, 300), (60, 300, 60)])
def test_negative_ttl(ttl: int, minimum: int, kept: int) -> None:
    a = answer(response([], [f"bl.test {ttl} SOA ns.test. a.test. 1 2 3 4 {minimum}"], rcode=3))
    assert (a.rcode, a.addresses, a.ttl) == (3, (), kept)


def test_absent_without_soa_is_not_kept() -> None:
    packet = response(rcode=3)
    assert answer(packet).ttl == 0
    assert wire.negative_ttl(wire.parse(packet)) is None


def test_ttl_beyond_31_bits_is_none() -> None:
    packet = response(["2.0.0.127.bl.test 1193046 A 127.0.0.2"])
    assert answer(packet.replace(b"\x00\x12\x34\x56", b"\x80\x12\x34\x56")).ttl == 0


def test_text() -> None:
    a = answer(
        response(
            [
                '2.0.0.127.bl.test 60 TXT "see https://bl.test/" "?ip=127.0.0.2"',
                '2.0.0.127.bl.test 60 TXT "\\255 \\228\\190\\139"',
            ],
            type="TXT",
        )
    )
    assert a.text == "see https://bl.test/?ip=127.0.0.2\n\ufffd 例"
    assert answer(response(["2.0.0.127.bl.test 60 A 127.0.0.2"])).text is None


def test_text_is_bounded() -> None:
    lines = [f'2.0.0.127.bl.test 60 TXT "{i:0255}"' for i in range(100)]
    found = answer(response(lines, type="TXT")).text
    assert found is not None and len(found) == wire.MAX_TEXT


def test_addresses_of_a_host() -> None:
    packet = response(["2.0.0.127.bl.test 60 AAAA 2001:db8::1"], type="AAAA")
    assert answer(packet).addresses == ("2001:db8::1",)


def test_truncated_keeps_what_is_whole() -> None:
    packet = response(
        ["2.0.0.127.bl.test 60 A 127.0.0.2", "2.0.0.127.bl.test 60 A 127.0.0.3"],
        flags=dns.flags.QR | dns.flags.TC,
    )
    a = answer(packet[:-3])
    assert a.truncated and a.addresses == ("127.0.0.2",)


def test_unreadable_says_nothing() -> None:
    a = answer(response(["2.0.0.127.bl.test 60 A 127.0.0.2"])[:-3])
    assert (a.rcode, a.malformed) == (wire.FORMERR, True)
    assert (a.addresses, a.truncated) == ((), False)


# ── hostile ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("owner", "rest"),
    [
        (b"\xc0\x23", b""),  # to itself
        (b"\x01a\xc0\x23", b""),  # to a label that leads here
        (b"\xc0\xff", b""),  # forwards
        (b"\xc0", b""),  # half a pointer
        (b"\x40a\0", b""),  # an unknown kind of label
        (b"\x80a\0", b""),
        (b"\x3fa", b""),  # a label beyond the end
        ((b"\x3f" + b"a" * 63) * 4 + b"\0", b""),  # a name too long
        (b"\xc0\x0c", b"\0\1\0\1\0\0\0\1\0\5\1\2\3\4\5"),  # an A record of 5 octets
        (b"\xc0\x0c", b"\0\1\0\1\0\0\0\1\0\4\1\2\3"),  # data beyond the end
        (b"\xc0\x0c", b"\0\x1c\0\1\0\0\0\1\0\4\1\2\3\4"),  # an AAAA record of 4 octets
        (b"\xc0\x0c", b"\0\x10\0\1\0\0\0\1\0\3\3ab"),  # a TXT string beyond its record
        (b"\xc0\x0c", b"\0\5\0\1\0\0\0\1\0\4\1a\0\0"),  # octets after a CNAME
        (b"\xc0\x0c", b"\0\6\0\1\0\0\0\1\0\2\0\0"),  # half an SOA
        (b"\xc0\x0c", b"\0\1\0"),
    ],
)
def test_malformed(owner: bytes, rest: bytes) -> None:
    head = b"\0\7\x80\0\0\1\0\1\0\0\0\0" + QUESTION
    assert len(head) == 0x23
    with pytest.raises(wire.Malformed):
        wire.parse(head + owner + rest)


def test_two_questions() -> None:
    with pytest.raises(wire.Malformed):
        wire.parse(b"\0\7\x80\0\0\2\0\0\0\0\0\0" + QUESTION * 2)


@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    with contextlib.suppress(wire.Malformed):
        wire.parse(data)
    wire.same_question(data, QUESTION)
    answer(data)


SAMPLE = response(
    [
        "2.0.0.127.bl.test 60 CNAME b.bl.test.",
        "b.bl.test 60 A 127.0.0.2",
        'b.bl.test 60 TXT "a" "b"',
        "b.bl.test 60 AAAA ::1",
    ],
    ["bl.test 60 SOA ns.bl.test. a.bl.test. 1 2 3 4 5", "bl.test 60 NS ns.bl.test."],
    ["ns.bl.test 60 A 127.0.0.1"],
)


@given(
    st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=8),
    st.integers(0, len(SAMPLE)),
)
def test_any_damage(changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(SAMPLE)
    for at, value in changes:
        data[at] = value
    for packet in (bytes(data), bytes(data[:end])):
        with contextlib.suppress(wire.Malformed):
            wire.parse(packet)
        wire.same_question(packet, QUESTION)
        answer(packet)


# ── beside dnspython ──────────────────────────────────────────────────────────────────────────

labels = st.text("abcxyzABC0129-_", min_size=1, max_size=12)
names = st.lists(labels, min_size=1, max_size=6).map(".".join)
octets = st.integers(0, 255)
v4 = st.lists(octets, min_size=4, max_size=4).map(lambda o: ".".join(map(str, o)))
v6 = st.integers(0, 2**128 - 1).map(
    lambda i: ":".join(f"{i >> s & 0xFFFF:x}" for s in range(112, -1, -16))
)
strings = st.lists(
    st.binary(max_size=40).map(lambda b: '"' + "".join(f"\\{c:03d}" for c in b) + '"'),
    min_size=1,
    max_size=3,
).map(" ".join)
number = st.integers(0, 2**31 - 1)
soa = st.tuples(names, names, number, number, number, number, number).map(
    lambda t: " ".join(f"{x}." if isinstance(x, str) else str(x) for x in t)
)
data_of = {
    "A": v4,
    "AAAA": v6,
    "TXT": strings,
    "CNAME": names.map("{}.".format),
    "NS": names.map("{}.".format),
    "SOA": soa,
    "TYPE999": st.just("\\# 3 01c00c"),
}
record = st.sampled_from(sorted(data_of)).flatmap(
    lambda kind: st.tuples(names, number, st.just(kind), data_of[kind]).map(
        lambda r: f"{r[0]} {r[1]} {r[2]} {r[3]}"
    )
)
records = st.lists(record, max_size=6)


def flat(section: list[dns.rrset.RRset]) -> list[tuple[bytes, int, int, bytes]]:
    """A section as dnspython reads it, in the terms of `wire.Record`."""
    rows = []
    for rrset in section:
        for data in rrset:
            raw = data.to_wire()
            assert raw is not None
            if rrset.rdtype in {dns.rdatatype.NS, dns.rdatatype.CNAME}:
                raw = raw.lower()
            if rrset.rdtype == dns.rdatatype.SOA:
                raw = raw[:-20].lower() + raw[-20:]
            owner = rrset.name.to_wire()
            assert owner is not None
            rows.append((owner.lower(), int(rrset.rdtype), rrset.ttl, raw))
    return rows


@given(
    names, st.sampled_from(["A", "TXT", "NS", "SOA"]), records, records, records, st.integers(0, 10)
)
def test_as_dnspython_reads_it(
    asked: str, kind: str, answers: list[str], authority: list[str], more: list[str], rcode: int
) -> None:
    packet = response(answers, authority, more, rcode=rcode, name=asked, type=kind)
    theirs = dns.message.from_wire(packet, one_rr_per_rrset=True)
    ours = wire.parse(packet)
    assert (ours.id, ours.rcode, ours.truncated) == (theirs.id, theirs.rcode(), False)
    assert ours.question[:-4] == dns.name.from_text(asked.lower()).to_wire()
    assert wire.same_question(packet, ours.question)
    for section, same in (
        (ours.answers, theirs.answer),
        (ours.authority, theirs.authority),
        (ours.additional, theirs.additional),
    ):
        assert [tuple(r) for r in section] == flat(same)


@given(names)
def test_names_as_dnspython_writes_them(text: str) -> None:
    assert wire.name(text) == dns.name.from_text(text).to_wire()
    assert wire.text_of(wire.name(text)) == text
