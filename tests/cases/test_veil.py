"""Addresses of recipients, shown to one who may not see them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.cases import events as ev
from todoku.cases.veil import event, veiled
from todoku.model import Identity, Reply

AT = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 5.1.1 <taro@example.jp>: User unknown", "550 5.1.1 <t…@example.jp>: User unknown"),
        ("taro.yamada+x@mail.example.jp", "t…@mail.example.jp"),
        ('"taro yamada"@example.jp', "…@example.jp"),
        ("to=<ab@example.jp>", "to=<…@example.jp>"),
        ("rfc822;taro@example.jp", "rfc822;t…@example.jp"),
        ("bounce+taro=example.jp@lists.example", "b…@lists.example"),
        ("?to=taro%40example.jp&x", "?…%40example.jp&x"),
        ("友人のtaro@example.jpへ送れません", "友人のt…@example.jpへ送れません"),
        ("太郎左衛門@例え.jp", "太…@例え.jp"),
        ("TARO@[192.0.2.1]", "T…@[192.0.2.1]"),
        ("write to postmaster@example.jp, no-reply@example.jp or abuse@example.jp",) * 2,
        ("550 <forgotten-5d1f0c2a@example.jp> unknown",) * 2,
        ("550 SC-001 @ noon, 5@10",) * 2,
        ("",) * 2,
    ],
)
def test_veiled(text: str, shown: str) -> None:
    assert veiled(text) == shown
    assert veiled(shown) == shown


@given(st.from_regex(r"[a-z][a-z0-9.+_-]{2,30}", fullmatch=True), st.text(max_size=40))
def test_no_address_is_left(local: str, around: str) -> None:
    if local.strip(".") in {"postmaster", "abuse", "support"}:
        return
    assert f"{local}@example.jp" not in veiled(f"{around} <{local}@example.jp>")


def test_what_is_veiled_of_an_event_and_what_stays() -> None:
    reply = Reply(550, "5.1.1", "<taro@example.jp> unknown")
    mine = Identity("address", "sato@hoge.test")
    refused = ev.Refused(
        at=AT, reply=reply, first=AT, last=AT, to=("example.jp",), identities=(mine,)
    )
    shown = event(refused)
    assert isinstance(shown, ev.Refused)
    assert shown.reply == Reply(550, "5.1.1", "<t…@example.jp> unknown")
    assert msgspec.structs.replace(shown, reply=reply) == refused
    words = event(ev.Reported(at=AT, words="taro@example.jp へ送れません", to=("example.jp",)))
    assert isinstance(words, ev.Reported) and words.words == "t…@example.jp へ送れません"
    letter = ev.Letter(to="help@desk.example", subject="x", sender="postmaster@hoge.test")
    asked = ev.Requested(at=AT, text="said <taro@example.jp> unknown", letter=letter)
    shown = event(asked)
    assert isinstance(shown, ev.Requested)
    assert (shown.text, shown.letter) == ("said <t…@example.jp> unknown", letter)
