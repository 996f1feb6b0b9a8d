"""The fixtures themselves: what the liar says is what it was told to say, as dnspython reads it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from tests.lists import lies
from tests.lists.liar import Liar

LISTED = "203.0.114.9"
NAME = "9.114.0.203.bl.test"


def ask(
    liar: Liar, name: str = NAME, kind: str = "A", *, tcp: bool = False, timeout: float = 2
) -> dns.message.Message:
    question = dns.message.make_query(name, kind)
    how: Callable[..., dns.message.Message] = dns.query.tcp if tcp else dns.query.udp
    return how(question, liar.host, port=liar.port, timeout=timeout)


def found(answer: dns.message.Message) -> list[str]:
    return [item.to_text() for rrset in answer.answer for item in rrset]


def told(behaviour: lies.Behaviour, *, packets: int = 1, name: str = NAME) -> list[bytes]:
    """The packets that come back over UDP, as they are."""
    question = dns.message.make_query(name, "A", id=0x1234)
    with Liar({"bl.test": behaviour}) as liar, socket.socket(type=socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.sendto(question.to_wire(), (liar.host, liar.port))
        return [s.recv(65535) for _ in range(packets)]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_list_by_rfc_5782(host: str) -> None:
    kinds = ("ipv4", "ipv6", "domain")
    held = (LISTED, "203.0.115.0/28", "2001:db8:5::/64", "2600::1", "spam.example")
    zones = {"bl.test": lies.lists(*held, kinds=kinds, codes=("127.0.0.2", "127.0.0.4"))}
    with Liar(zones, host=host) as liar:
        answer = ask(liar)
        assert found(answer) == ["127.0.0.2", "127.0.0.4"]
        assert answer.flags & dns.flags.QR and answer.flags & dns.flags.AA
        assert found(ask(liar, kind="TXT")) == ['"https://list.example/?9.114.0.203"']
        yes = ["2.0.0.127", "15.115.0.203", "test", "TEST", "spam.example"]
        yes += [lies.front_of(i) for i in ("::ffff:127.0.0.2", "2001:db8:5::77", "2600::1")]
        no = ["1.0.0.127", "16.115.0.203", "invalid", "www.spam.example", "10.114.0.203"]
        no += [lies.front_of(i) for i in ("::ffff:127.0.0.1", "2001:db8:5:1::77", "2600::2")]
        assert [found(ask(liar, f"{n}.bl.test")) != [] for n in yes] == [True] * len(yes)
        for name in no:
            answer = ask(liar, f"{name}.bl.test")
            assert answer.rcode() == dns.rcode.NXDOMAIN and not answer.answer
            (authority,) = answer.authority
            assert authority.rdtype == dns.rdatatype.SOA and authority[0].minimum == 120
        assert ask(liar, "2.0.0.127.other.test").rcode() == dns.rcode.REFUSED


def test_nibbles_and_octets() -> None:
    assert lies.front_of("203.0.114.9") == "9.114.0.203"
    assert lies.front_of("2001:db8::1") == "1.0.0.0" + ".0" * 20 + ".8.b.d.0.1.0.0.2"
    assert lies.front_of("Example.COM") == "example.com"


def test_it_counts_what_it_is_asked() -> None:
    with Liar({"bl.test": lies.lists(), "key.test": lies.lists()}) as liar:
        ask(liar)
        ask(liar, NAME.upper())
        ask(liar, kind="TXT")
        ask(liar, tcp=True)
        assert liar.count(NAME) == 4
        assert liar.count(NAME, "A") == 3
        assert liar.names("bl.test", "TXT") == {NAME: 1}
        assert liar.names("key.test") == {}
        assert [q.tcp for q in liar.log] == [False] * 3 + [True]
        liar.forget()
        assert not liar.log


def test_its_own_name_servers() -> None:
    with Liar({"bl.test": lies.lists(servers={"ns1": "127.0.0.9"})}) as liar:
        assert found(ask(liar, "bl.test", "NS")) == ["ns1.bl.test."]
        assert found(ask(liar, "ns1.bl.test")) == ["127.0.0.9"]
        assert found(ask(liar, "bl.test", "SOA"))[0].startswith("ns1.bl.test. hostmaster.bl.test.")


def test_a_key_in_front_of_the_zone() -> None:
    zone = lies.keyed("s3cret", lies.lists(LISTED), lies.fails(lies.REFUSED))
    with Liar({"bl.test": zone}) as liar:
        assert found(ask(liar, "9.114.0.203.s3cret.bl.test")) == ["127.0.0.2"]
        assert ask(liar, "8.114.0.203.s3cret.bl.test").rcode() == dns.rcode.NXDOMAIN
        assert ask(liar).rcode() == dns.rcode.REFUSED


@pytest.mark.parametrize(
    ("behaviour", "rcode", "records"),
    [
        (lies.world(), "NOERROR", ["127.0.0.2"]),
        (lies.empty(), "NXDOMAIN", []),
        (lies.empty(rcode=lies.NOERROR), "NOERROR", []),
        (lies.lists(nodata=True), "NOERROR", []),
        (lies.fails(lies.SERVFAIL), "SERVFAIL", []),
        (lies.fails(lies.REFUSED), "REFUSED", []),
        (lies.fails(lies.FORMERR), "FORMERR", []),
        (lies.fails(lies.NOTIMP), "NOTIMP", []),
        (lies.addresses("127.255.255.254"), "NOERROR", ["127.255.255.254"]),
        (lies.addresses("91.195.240.117"), "NOERROR", ["91.195.240.117"]),
        (lies.addresses("127.255.255.255", "127.0.0.2"), "NOERROR", ["127.255.255.255", "127.0.0.2"]),
        (lies.alias("a.test", "b.test"), "NOERROR", ["a.test.", "b.test.", "127.0.0.2"]),
        (lies.but(lies.lists(), {LISTED: lies.fails(lies.SERVFAIL)}), "SERVFAIL", []),
        (lies.only("A", lies.fails(lies.REFUSED), lies.world()), "REFUSED", []),
        (lies.odd_case(lies.world()), "NOERROR", ["127.0.0.2"]),
        (lies.no_edns(lies.world()), "NOERROR", ["127.0.0.2"]),
    ],
)  # fmt: skip
def test_answers(behaviour: lies.Behaviour, rcode: str, records: list[str]) -> None:
    with Liar({"bl.test": behaviour}) as liar:
        answer = ask(liar)
        assert dns.rcode.to_text(answer.rcode()) == rcode
        assert found(answer) == records


def test_a_question_with_an_option_record() -> None:
    question = dns.message.make_query(NAME, "A", use_edns=0)
    with Liar({"bl.test": lies.no_edns(lies.world())}) as liar:
        answer = dns.query.udp(question, liar.host, port=liar.port, timeout=2)
        assert answer.rcode() == dns.rcode.FORMERR


def test_records_in_turn() -> None:
    with Liar({"bl.test": lies.rotating("127.0.0.2", "127.0.0.3", "127.0.0.4")}) as liar:
        orders = [[r.to_text() for r in _as_sent(liar)] for _ in range(3)]
        assert orders == [
            ["127.0.0.2", "127.0.0.3", "127.0.0.4"],
            ["127.0.0.3", "127.0.0.4", "127.0.0.2"],
            ["127.0.0.4", "127.0.0.2", "127.0.0.3"],
        ]


def _as_sent(liar: Liar) -> dns.rrset.RRset:
    (rrset,) = ask(liar).answer
    return rrset


def test_late_and_silent() -> None:
    zones = {"late.test": lies.late(0.3, lies.world()), "silent.test": lies.silent()}
    with Liar(zones) as liar:
        start = time.monotonic()
        assert found(ask(liar, "x.late.test")) == ["127.0.0.2"]
        assert 0.25 < time.monotonic() - start < 1.5
        with pytest.raises(dns.exception.Timeout):
            ask(liar, "x.silent.test", timeout=0.2)
        assert liar.count("x.silent.test") == 1


def test_every_nth_is_dropped() -> None:
    answered = []
    with Liar({"bl.test": lies.drops(3, lies.world())}) as liar:
        for n in range(6):
            try:
                ask(liar, f"{n}.bl.test", timeout=0.2)
                answered.append(n)
            except dns.exception.Timeout:
                pass
    assert answered == [0, 1, 3, 4]


def test_then_another() -> None:
    behaviour = lies.then(lies.fails(lies.SERVFAIL), lies.fails(lies.REFUSED), lies.world())
    with Liar({"bl.test": behaviour}) as liar:
        got = [dns.rcode.to_text(ask(liar).rcode()) for _ in range(4)]
        assert got == ["SERVFAIL", "REFUSED", "NOERROR", "NOERROR"]
        assert ask(liar, "other.bl.test").rcode() == dns.rcode.SERVFAIL


def test_truncated() -> None:
    zones = {
        "works.test": lies.truncated(lies.world()),
        "hangs.test": lies.truncated(lies.world(), tcp=lies.silent()),
        "closes.test": lies.truncated(lies.world(), tcp=lies.hang_up()),
    }
    with Liar(zones) as liar:
        answer = ask(liar, "x.works.test")
        assert answer.flags & dns.flags.TC and not answer.answer
        answer = ask(liar, "x.works.test", tcp=True)
        assert not answer.flags & dns.flags.TC and found(answer) == ["127.0.0.2"]
        with pytest.raises(dns.exception.Timeout):
            ask(liar, "x.hangs.test", tcp=True, timeout=0.2)
        with pytest.raises(EOFError):
            ask(liar, "x.closes.test", tcp=True)
    with Liar(zones, tcp=False) as liar:
        assert ask(liar, "x.works.test").flags & dns.flags.TC
        with pytest.raises(ConnectionRefusedError):
            ask(liar, "x.works.test", tcp=True)


def test_a_text_of_64_kib_by_tcp() -> None:
    text = b"<b>" * 21000
    behaviour = lies.truncated(lies.lists(LISTED, text=text))
    with Liar({"bl.test": behaviour}) as liar:
        answer = ask(liar, kind="TXT", tcp=True)
        (record,) = answer.answer[0]
        assert b"".join(record.strings) == text


@pytest.mark.parametrize(
    "text",
    [
        b"\x1b[31mred\x1b[0m",
        "\u202egnp.exe".encode(),
        b"<script>alert(1)</script>",
        b"\xff\xfe\x00bad",
        b"",
    ],
)
def test_hostile_texts_come_as_they_are(text: bytes) -> None:
    with Liar({"bl.test": lies.lists(LISTED, text=text)}) as liar:
        (record,) = ask(liar, kind="TXT").answer[0]
        assert b"".join(record.strings) == text


def test_several_texts_are_several_records() -> None:
    with Liar({"bl.test": lies.lists(LISTED, text=("one", "two"))}) as liar:
        assert sorted(found(ask(liar, kind="TXT"))) == ['"one"', '"two"']


def test_a_wrong_id() -> None:
    (packet,) = told(lies.wrong_id(lies.world()))
    assert packet[:2] == b"\x47\x34"
    (packet,) = told(lies.world())
    assert packet[:2] == b"\x12\x34"


def test_a_wrong_question() -> None:
    (packet,) = told(lies.wrong_question(lies.world()))
    message = dns.message.from_wire(packet)
    assert message.id == 0x1234
    assert message.question[0].name.to_text() == "2.0.0.127.elsewhere.test."


def test_no_question_and_no_answer() -> None:
    (packet,) = told(lies.no_question(lies.fails(lies.REFUSED)))
    message = dns.message.from_wire(packet)
    assert not message.question and message.rcode() == dns.rcode.REFUSED
    (packet,) = told(lies.not_an_answer(lies.world()))
    assert not dns.message.from_wire(packet).flags & dns.flags.QR


def test_twice_and_both() -> None:
    first, second = told(lies.duplicated(lies.world()), packets=2)
    assert first == second
    first, second = told(lies.both(lies.wrong_id(lies.world()), lies.world()), packets=2)
    assert first[:2] != second[:2] and first[2:] == second[2:]


def test_from_another_port() -> None:
    zones = {"bl.test": lies.elsewhere(lies.world())}
    with Liar(zones) as liar, socket.socket(type=socket.SOCK_DGRAM) as s:
        s.settimeout(2)
        s.sendto(dns.message.make_query(NAME, "A").to_wire(), (liar.host, liar.port))
        _, source = s.recvfrom(65535)
        assert source[0] == liar.host and source[1] != liar.port


@pytest.mark.parametrize("behaviour", [lies.loop(), lies.cut_off(), lies.garbage()])
def test_packets_that_nobody_can_read(behaviour: lies.Behaviour) -> None:
    (packet,) = told(behaviour)
    assert packet[:2] == b"\x12\x34"
    with pytest.raises(dns.exception.DNSException):
        dns.message.from_wire(packet)


def test_bytes() -> None:
    empty, words = told(lies.raw(b"", b"nonsense"), packets=2)
    assert (empty, words) == (b"", b"nonsense")


def test_what_is_no_question_gets_no_answer() -> None:
    with Liar({"bl.test": lies.world()}) as liar, socket.socket(type=socket.SOCK_DGRAM) as s:
        s.connect((liar.host, liar.port))
        s.settimeout(0.2)
        for packet in (b"", b"x", b"\0" * 12, b"\xff" * 40, told(lies.world())[0]):
            s.send(packet)
        with pytest.raises(TimeoutError):
            s.recv(100)
        assert not liar.log
        assert found(ask(liar)) == ["127.0.0.2"]


def test_a_fault_of_a_behaviour_fails_the_test() -> None:
    def broken(_: lies.Question) -> list[lies.Packet]:
        raise KeyError("broken")

    told = pytest.raises(AssertionError, match="broken")
    with told, Liar({"bl.test": broken}) as liar, pytest.raises(dns.exception.Timeout):
        ask(liar, timeout=0.2)
