"""The resolver that is asked: four outcomes, and nothing that a stranger sends breaks it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.preflight.world import HOST, NEW, good, reverse, serving
from todoku.lab.zones import mx, txt
from todoku.lists import wire
from todoku.lists.values import Server
from todoku.preflight.dns import Recorder, Resolver, tags, texts
from todoku.preflight.values import Asked


@contextmanager
def answering(answer: Callable[[bytes], bytes | None]) -> Iterator[tuple[Server, list[bytes]]]:
    """A server that answers each packet by a function; and what it was asked."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.05)
        done = threading.Event()

        def serve() -> None:
            while not done.is_set():
                try:
                    packet, peer = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                asked.append(packet)
                out = answer(packet)
                if out is not None:
                    sock.sendto(out, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Server("127.0.0.1", sock.getsockname()[1]), asked
        finally:
            done.set()
            thread.join()


def header(packet: bytes, rcode: int, *, ident: bytes | None = None, answers: int = 0) -> bytes:
    end = packet.index(b"\0", 12) + 5
    counts = b"\0\1" + answers.to_bytes(2, "big") + b"\0\0\0\0"
    return (ident or packet[:2]) + bytes([0x81, 0x80 | rcode]) + counts + packet[12:end]


def test_what_there_is_and_is_not() -> None:
    zones = good()
    zones.add("many.ours.jp", mx(20, "B.ours.jp"), mx(10, "a.ours.jp"))
    with serving(zones) as server:
        ask = Resolver((server,), 5.0)
        assert ask(HOST, "A") == Asked(name=HOST, type="A", outcome="found", records=(NEW,), ttl=60)
        assert ask(f"{HOST.upper()}.", "A").records == (NEW,)
        assert ask(reverse(NEW), "PTR").records == (HOST,)
        assert ask("many.ours.jp", "MX").records == ("10 a.ours.jp", "20 b.ours.jp")
        no_data = ask(HOST, "AAAA")
        assert (no_data.outcome, no_data.ttl) == ("no-data", 60)
        assert ask("gone.ours.jp", "A").outcome == "no-name"
        refused = ask("elsewhere.org", "A")
        assert (refused.outcome, refused.why) == ("unknown", "refused")
        assert ask.heard


def test_what_the_resolver_says_of_dnssec() -> None:
    """AD (RFC 4035, section 3.2.3) is asked for, and told of every answer by itself."""

    def answer(packet: bytes) -> bytes:
        assert packet[3] & 0x20, "asked for"
        out = bytearray(header(packet, wire.NXDOMAIN))
        out[3] |= 0x20 if b"signed" in packet else 0
        return bytes(out)

    with answering(answer) as (server, _):
        ask = Resolver((server,), 5.0)
        assert [ask(f"{name}.jp", "TLSA").secure for name in ("signed", "not")] == [True, False]


def test_no_name_at_all_is_no_name() -> None:
    ask = Resolver((Server("127.0.0.1", 9),), 1.0)
    for name in ("a..b", "x" * 64 + ".jp", ".".join(["abcdefgh"] * 40), "\udc80.jp"):
        assert ask(name, "A").outcome == "no-name"


def test_long_answers_come_over_tcp() -> None:
    zones = good()
    long = "v=spf1 " + " ".join(f"ip4:198.51.{n}.0/24" for n in range(150)) + " -all"
    zones.drop("ours.jp", wire.TXT)
    zones.add("ours.jp", txt(long))
    with serving(zones) as server:
        assert Resolver((server,), 5.0)("ours.jp", "TXT").records == (long,)


@pytest.mark.parametrize(
    ("rcode", "why"), [(wire.SERVFAIL, "servfail"), (wire.REFUSED, "refused"), (4, "servfail")]
)
def test_failures_are_no_answers(rcode: int, why: str) -> None:
    with answering(lambda packet: header(packet, rcode)) as (server, asked):
        found = Resolver((server,), 5.0)("ours.jp", "MX")
        assert (found.outcome, found.why) == ("unknown", why)
        assert len(asked) == 2  # once more: a failure may pass


@pytest.mark.parametrize(
    "answer",
    [
        lambda p: p[:2] + b"\x81\x80" + b"\xff" * 20,
        lambda p: header(p, 0, answers=5),
        lambda p: header(p, 0, answers=1) + b"\xc0\xff" * 6,
        lambda p: header(p, 0, answers=1) + b"\xc0\x0c\0\1\0\1\0\0\0\1\0\3abc",
    ],
)
def test_garbage_is_no_answer(answer: Callable[[bytes], bytes]) -> None:
    with answering(answer) as (server, _):
        found = Resolver((server,), 2.0, wait=0.2)("ours.jp", "A")
    assert (found.outcome, found.why) in {("unknown", "malformed"), ("unknown", "timeout")}


def test_answers_to_other_questions_are_passed_over() -> None:
    with answering(lambda p: header(p, wire.NXDOMAIN, ident=b"\xff\xff")) as (server, _):
        found = Resolver((server,), 2.0, wait=0.2)("ours.jp", "A")
    assert (found.outcome, found.why) == ("unknown", "timeout")


def test_the_other_resolver_is_asked_too() -> None:
    with serving(good()) as server, answering(lambda _: None) as (dead, asked):
        ask = Resolver((dead, server), 5.0, wait=0.2)
        assert ask(HOST, "A").records == (NEW,)
        assert len(asked) == 1


def test_a_question_is_asked_once_however_many_want_it() -> None:
    def slow(packet: bytes) -> bytes:
        time.sleep(0.05)
        return header(packet, wire.NXDOMAIN)

    with answering(slow) as (server, asked):
        ask = Resolver((server,), 5.0)
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda _: ask("ours.jp", "A").outcome, range(64)))
        assert set(found) == {"no-name"}
        assert len(asked) == 1


def test_after_the_deadline_nothing_is_asked() -> None:
    with answering(lambda p: header(p, wire.NXDOMAIN)) as (server, asked):
        now = [0.0]
        ask = Resolver((server,), 10.0, clock=lambda: now[0])
        assert ask("one.jp", "A").outcome == "no-name"
        now[0] = 10.0
        assert ask("two.jp", "A").why == "late"
        assert ask("one.jp", "A").outcome == "no-name"  # known before
        assert len(asked) == 1


def test_a_recorder_keeps_what_was_asked() -> None:
    with serving(good()) as server:
        ask = Recorder(Resolver((server,), 5.0))
        ask(HOST, "A")
        assert not ask.silent
        ask("elsewhere.org", "A")
        assert [a.name for a in ask.asked] == [HOST, "elsewhere.org"]
        assert ask.silent


def test_texts_and_tags() -> None:
    answer = Asked(
        name="x", type="TXT", outcome="found",
        records=("v=spf1", "V=SPF1 -all", "v=spf10 +all", "other", "v=spf1\t-all"),
    )  # fmt: skip
    assert texts(answer, "v=spf1") == ["v=spf1", "V=SPF1 -all", "v=spf1\t-all"]
    assert tags("v=DMARC1; P = none ;rua=mailto:a@b;;x; p=reject") == {
        "v": "DMARC1", "p": "none", "rua": "mailto:a@b",
    }  # fmt: skip
