"""Hostile words of a list, and wrong ones of a user."""

from __future__ import annotations

import re
import socket

import pytest

from tests.lists import lies
from tests.lists.command import Command, named
from tests.lists.liar import Liar

IP = "203.0.114.9"
GOOD, WARNING, BAD, UNKNOWN = range(4)


# ── hostile words ───────────────────────────────────────────────────────────────────────────────────

TEXTS = {
    "escape codes": b"\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "bidi": "safe \u202egnp.exe\u202c \u2066x\u2069".encode(),
    "html": b"<script>alert(1)</script><img src=x onerror=alert(1)>",
    "not utf-8": b"\xff\xfe\xc0\xafbad\x80",
    "line ends": b"one\r\ntwo\nthree\x00four\x0bfive",
    "rich markup": b"[bold red]x[/] [link=file:///etc/passwd]y[/link]",
    "long": b"A" * 60_000,
    "empty": b"",
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_words_of_a_list_do_no_harm(check: Command, name: str) -> None:
    zone = lies.truncated(lies.lists(IP, text=TEXTS[name])) if name == "long" else lies.lists(
        IP, text=TEXTS[name]
    )  # fmt: skip
    with Liar({"plain.test": zone}) as liar:
        words = (IP, "--resolver", str(liar), *named("plain"))
        done = check(*words)
        shown = check(*words, as_json=False)
    assert done.code == shown.code == BAD
    text = done.of("plain")["text"]
    if name == "long":
        assert text is None or len(text) <= 60_000
        assert len(shown.out) < 10_000
    elif name == "html":
        assert text == TEXTS[name].decode()
    elif name == "escape codes":
        assert "red" in text and "\x1b" not in done.out
    elif name == "rich markup":
        assert "[bold red]x[/]" in shown.out


def test_hostile_words_by_the_thousand_records(check: Command) -> None:
    zone = lies.truncated(lies.lists(IP, text=[f"reason {n}" for n in range(2000)]))
    with Liar({"plain.test": zone}) as liar:
        done = check(IP, "--resolver", str(liar), *named("plain"), as_json=False)
    assert done.code == BAD
    assert len(done.out) < 10_000


# ── wrong use ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "words",
    [
        ["not an address"],
        ["203.0.114.256"],
        ["203.0.0.0/7"],
        ["203.0.114.9/33"],
        [IP, *named("no-such-list")],
        [IP, "--resolver", "not a server"],
        [IP, "--resolver", "127.0.0.1:99999"],
        [IP, "--rate", "-1"],
        [IP, "--deadline", "soon"],
        [],
    ],
)
def test_wrong_use_is_a_sentence(check: Command, words: list[str]) -> None:
    with Liar({}, otherwise=lies.world()) as liar:
        if words and "--resolver" not in words:
            words = [*words, "--resolver", str(liar)]
        done = check(*words, as_json=False)
        assert done.code in {64, 78}, done
        assert done.err.strip() and not done.out
        assert not liar.log


def test_one_wrong_identity_does_not_lose_the_others(check: Command) -> None:
    with Liar({"plain.test": lies.lists(IP)}) as liar:
        text = f"nonsense here\n{IP}\n"
        done = check("-", "--resolver", str(liar), *named("plain"), stdin=text)
    assert done.state("plain", IP) == ("listed", None)
    assert re.search("nonsense", done.err)
    assert done.code == BAD


def test_nothing_is_asked_of_the_system_resolver_beside_the_named_one(check: Command) -> None:
    """The watched command would have failed; this says so of the resolver of this machine too."""
    with Liar({"plain.test": lies.lists()}) as liar, socket.socket(type=socket.SOCK_DGRAM) as s:
        try:
            s.bind(("127.0.0.1", 53))
        except OSError:
            pytest.skip("port 53 of 127.0.0.1 is taken, or not ours to take")
        s.settimeout(0.1)
        assert check(IP, "--resolver", str(liar), *named("plain")).code == GOOD
        with pytest.raises(TimeoutError):
            s.recv(100)


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_failed_look_up_is_told_from_an_answer_that_cannot_be_read(
    check: Command, language: str
) -> None:
    broken = lies.raw(reply_without_end)
    zones = {"plain.test": lies.but(lies.lists(), {IP: broken}),
             "other.test": lies.but(lies.lists(), {IP: lies.fails(lies.SERVFAIL)})}  # fmt: skip
    with Liar(zones) as liar:
        done = check(IP, "--resolver", str(liar), *named("plain", "other"), "--lang", language,
                     as_json=False)  # fmt: skip
    servfail, unreadable = {
        "ja": ("名前解決の失敗（SERVFAIL）: The list other", "読めない応答: The list plain"),
        "en": ("the look-up failed (SERVFAIL): The list other",
               "an answer that cannot be read: The list plain"),
    }[language]  # fmt: skip
    assert servfail in done.out and unreadable in done.out


def reply_without_end(q: lies.Question) -> bytes:
    """It promises an answer, and ends."""
    return q.id.to_bytes(2, "big") + b"\x81\x80\0\1\0\1\0\0\0\0" + q.section
