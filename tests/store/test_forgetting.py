"""An address is forgotten: no row holds it, and everything else is as before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cases.world import START
from todoku.cases import events as ev
from todoku.cases.joining import place_of
from todoku.model import Identity, Reply
from todoku.store import tables as t
from todoku.store.cases import Desk
from todoku.store.forgetting import Forgotten, Spellings, forget
from todoku.store.messages import Mailbox, People
from todoku.store.unverified import Unproven, Unverified

TARO = "taro@example.jp"


@pytest.mark.parametrize(
    "text",
    [
        "550 <taro@example.jp>: unknown",
        "TARO@Example.JP.",
        "taro+news@example.jp",
        '"taro"@example.jp',
        "?to=%3Ctaro%40example.jp%3E",
        "bounces+taro=example.jp@lists.test",
        "prvs=0123abcdef=taro@example.jp",
        "友人taro@example.jpへ",
        "taro@example.jp,jiro@example.jp",
    ],
)
def test_each_spelling(text: str) -> None:
    erased = Spellings(TARO).erase(text)
    assert "taro" not in erased.lower()
    assert "example.jp" in erased.lower()


@pytest.mark.parametrize(
    "text",
    ["hataro@example.jp", "x.taro@example.jp", "taro@example.jp.evil.test", "taro@example.jpx",
     "taro@sub.example.jp", "jiro@example.jp", "taro", ""],
)  # fmt: skip
def test_another_s_address_stays(text: str) -> None:
    assert Spellings(TARO).erase(text) == text


def test_other_words_and_a_domain_in_two_alphabets() -> None:
    spellings = Spellings("taro@例え.jp", ("Yamada  Taro", "山田太郎"))
    text = "taro@xn--r8jz45g.jp taro@例え.jp YAMADA\n TARO 山田太郎さん Yamada Tarou"
    erased = spellings.erase(text)
    assert erased.endswith(" […] […]さん Yamada Tarou")
    assert "taro@" not in erased
    assert len({part.partition("@")[0] for part in erased.split()[:2]}) == 1


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"To: taro@example.jp\r\n", b"hello"),
        (b"Content-Transfer-Encoding: base64\r\n", b"PHRhcm9AZXhhbXBsZS5qcD4="),
        (b"Content-Transfer-Encoding: quoted-printable\r\n", b"<tar=\r\no@example=2Ejp>"),
        (b"Content-Type: text/plain; charset=iso-2022-jp\r\n", "山田太郎様".encode("iso-2022-jp")),
        (b"Content-Type: multipart/mixed; boundary=b\r\n",
         (b"--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         b"VG86IHRhcm9AZXhhbXBsZS5qcA0KDQpoZWxsbw==\r\n--b--\r\n")),
    ],
    ids=range(5),
)  # fmt: skip
def test_a_mail_that_names_it(head: bytes, body: bytes) -> None:
    mail = b"Subject: x\r\n" + head + b"\r\n" + body + b"\r\n"
    assert Spellings(TARO, ("山田太郎",)).are_in(mail)
    assert not Spellings("jiro@example.jp", ("鈴木",)).are_in(mail)


def filled(desk: Desk) -> str:
    """Every table holds it. Gives the mail's SHA-256."""
    reply = Reply(550, "5.1.1", f"<{TARO}> is blocked, as 192.0.2.1 is")
    ours = (
        Identity("ip", "192.0.2.1"),
        Identity("address", TARO),
        Identity("address", "jiro@example.jp"),
    )
    refused = ev.Refused(
        at=START, identities=ours, place=place_of(receiver="gmail"), reply=reply,
        first=START, last=START, to=("example.jp",), source="message:1", count=3,
    )  # fmt: skip
    desk.see(refused)
    later = START + timedelta(minutes=1)
    desk.see(ev.Refused(at=later, identities=ours, place=refused.place, reply=reply, first=later, last=later,
                        to=("example.jp",), source="message:2"))  # fmt: skip
    who = People(desk).known_as(TARO, "Taro", "ja")
    desk.see(ev.Reported(at=START, who=who, words=f"{TARO} へ届きません", to=("example.jp",)))
    (sha, _), _ = Mailbox(desk).keep(
        [f"To: {TARO}\r\n\r\nx".encode(), b"To: jiro@example.jp\r\n\r\nx"], "t", START
    )
    unproven = Unproven(
        sha256=sha,
        kind="report",
        doubt="no-proof",
        at=START.timestamp(),
        key=TARO,
        who=TARO,
        words=TARO,
    )
    Unverified(desk).put([unproven], [], START)
    return sha


def everything(desk: Desk) -> str:
    with desk.engine.connect() as connection:
        return repr(
            [connection.execute(sa.select(table)).all() for table in t.metadata.sorted_tables]
        )


def but_notes(desk: Desk, number: int) -> list[Any]:
    return [r.event for r in desk.history(number) if not isinstance(r.event, ev.Noted)]


def test_gone_from_every_table_and_the_case_is_as_it_was(desk: Desk) -> None:
    sha = filled(desk)
    before, rows = desk.case(1), desk.rows()
    assert TARO in everything(desk)
    spellings = Spellings(TARO)
    found = forget(desk, spellings, START + timedelta(hours=1), by="sato", note="one was erased")
    assert TARO not in everything(desk).lower()
    assert "jiro@example.jp" in everything(desk)
    assert (found.cases, found.mails, found.people) == ((1,), 1, 1)
    assert found.events >= 2 and found.others >= 2
    after = desk.case(1)
    assert (after.refusals, after.state, after.to) == (before.refusals, before.state, before.to)
    assert [s.key.replace(spellings._instead, "taro") for s in after.standings] == [
        s.key for s in before.standings
    ]
    assert len(but_notes(desk, 1)) == before.seq
    note = desk.history(1)[-1].event
    assert isinstance(note, ev.Noted) and (note.by, note.text) == ("sato", "one was erased")
    assert Mailbox(desk).body(sha) is None
    (row,) = desk.rows()
    assert row["identities"].replace(spellings._instead, "taro") == rows[0]["identities"]


def test_it_is_whole_afterwards(desk: Desk) -> None:
    """Rebuilt rows are the same; the identity is known again; a flood goes on; again erases nothing."""
    filled(desk)
    spellings = Spellings(TARO)
    forget(desk, spellings, START + timedelta(hours=1), by=None, note="x")
    rows = desk.rows()
    with desk.engine.connect() as connection:
        keys = connection.execute(sa.select(t.keys).order_by(t.keys.c.key)).all()
    desk.rebuild()
    assert desk.rows() == rows
    with desk.engine.connect() as connection:
        assert connection.execute(sa.select(t.keys).order_by(t.keys.c.key)).all() == keys
    assert desk.find("address:jiro@example.jp@gmail") == 1
    desk.flush(START + timedelta(days=1))
    assert desk.case(1).refusals == 4
    again = forget(desk, Spellings(TARO), START + timedelta(days=2), by=None, note="x")
    assert again == Forgotten() and not again


def test_nothing_of_it_is_left_in_the_file(desk: Desk) -> None:
    if desk.engine.dialect.name != "sqlite":
        pytest.skip("of SQLite")
    filled(desk)
    forget(desk, Spellings(TARO), START + timedelta(hours=1), by=None, note="x")
    for end in ("", "-wal"):
        assert TARO.encode() not in Path(f"{desk.engine.url.database}{end}").read_bytes()
