"""NDJSON of replies: what a line tells, and what is said of lines that tell nothing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.maillogs import SAMPLES
from todoku.model import Refusal, Remote
from todoku.reading import ndjson


def row(**fields: object) -> bytes:
    return msgspec.json.encode(fields)


def reply(line: bytes) -> Refusal:
    found = ndjson.read_line(line)
    assert isinstance(found, Refusal)
    return found


def test_a_reply_and_what_stands_beside_it() -> None:
    r = reply(
        row(
            text="550 5.7.1 blocked",
            id="a1",
            host="mx.b.example",
            ip="203.0.113.9",
            stage="RCPT TO",
            recipient="u@b.example",
            sender="s@a.example",
        )
    )
    assert (r.reply.code, r.reply.enhanced, r.reply.text) == (550, "5.7.1", "550 5.7.1 blocked")
    assert (r.id, r.stage, r.recipient, r.sender) == ("a1", "RCPT TO", "u@b.example", "s@a.example")
    assert r.remote == Remote("mx.b.example", "203.0.113.9")
    assert r.action is None  # what became of the message, no reply tells


def test_what_the_text_tells_comes_first() -> None:
    text = "host mx.b.example[203.0.113.9] said: 550 no (in reply to RCPT TO command)"
    r = reply(row(text=text, host="relay.example", stage="DATA"))
    assert (r.remote.host, r.stage, r.reply.text) == ("mx.b.example", "RCPT TO", "550 no")


@pytest.mark.parametrize(
    ("words", "stage"),
    [
        ("RCPT TO", "RCPT TO"),
        ("rcpt", "RCPT TO"),
        ("mail from", "MAIL FROM"),
        ("CONN", "CONN"),
        ("end of data", "END OF DATA"),
        ("DATA", "DATA"),
        ("nonsense", None),
        (None, None),
    ],
)
def test_stages_as_people_write_them(words: str | None, stage: str | None) -> None:
    assert reply(row(text="550 no", stage=words)).stage == stage


def test_numbers_are_ids_too() -> None:
    assert reply(row(text="550 no", id=7)).id == "7"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "is not JSON"),
        (b'{"text": "550', "is not JSON"),
        (b"550 5.1.1 no", "is not a JSON object"),
        (b"\xff\xfe", "is not a JSON object"),
        (b'{"id": 1}', 'has no "text"'),
        (b'{"text": null}', 'has no "text"'),
        (b'{"text": "' + b"x" * ndjson.MAX_LINE + b'"}', "is longer than"),
        (b'{"text": 5}', "is not a reply"),
        (b'["550 no"]', "is not a JSON object"),
    ],
)
def test_bad_lines_are_values(line: bytes, why: str) -> None:
    bad = ndjson.read_line(line, 17)
    assert isinstance(bad, ndjson.BadLine)
    assert bad.number == 17
    assert bad.why.startswith(why)


def test_bad_lines_are_counted_and_the_others_go_on() -> None:
    data = b'\xef\xbb\xbf{"text": "550 a"}\r\n\n{"text": \n{"text": "450 b"}\n'
    found = list(ndjson.lines(data))
    assert [getattr(r, "number", None) for r in found] == [None, 3, None]
    assert [r.reply.code for r in ndjson.read(data)] == [550, 450]
    assert [b.number for b in ndjson.lines(data, first=101) if isinstance(b, ndjson.BadLine)] == [
        101,  # a byte order mark is none in the midst of a file
        103,
    ]


def test_recognised_by_its_first_line() -> None:
    assert ndjson.looks(b'{"id": 1, "text": "550 no"}\n{"id": 2')
    assert ndjson.looks(b'{"text": "' + b"x" * 5000)  # cut off by the end of the head
    assert not ndjson.looks(b'{"event": "bounce", "email": "a@b.example"}\n')
    assert not ndjson.looks(b'{"MESSAGE": "text"}\n')
    assert not ndjson.looks(b"550 5.1.1 no\n")
    assert not ndjson.looks(b"")


def test_the_shipped_sample() -> None:
    found = ndjson.read((SAMPLES / "replies.ndjson").read_bytes())
    assert [(r.id, r.reply.code, r.stage, r.remote.host) for r in found] == [
        ("1", 550, "RCPT TO", "mx2.partner.example"),
        ("2", 421, "MAIL FROM", "mx.mail.example"),
        ("3", 550, "RCPT TO", "mx.b.example"),
    ]


@given(st.binary(max_size=400))
def test_never_raises(data: bytes) -> None:
    ndjson.looks(data)
    for found in ndjson.lines(data):
        assert isinstance(found, Refusal | ndjson.BadLine)


VALUES = st.one_of(st.none(), st.text(max_size=30), st.integers(), st.just([1]))


@given(
    st.fixed_dictionaries(
        {}, optional={"text": VALUES, "id": VALUES, "host": VALUES, "stage": VALUES, "ip": VALUES}
    )
)
def test_any_object_is_read_or_told_bad(fields: dict[str, object]) -> None:
    try:
        line = msgspec.json.encode(fields)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return
    assert isinstance(ndjson.read_line(line), Refusal | ndjson.BadLine)
