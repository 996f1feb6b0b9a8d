"""How far a mailbox is read, in one transaction with what was taken. On both databases."""

from __future__ import annotations

import pytest

from tests.cases.world import START
from todoku.store import Overtaken
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox
from todoku.store.positions import Looked, Position, Positions

WHO = ("desk@outlook.example@imap.example", "受信トレイ")
BIG = 2**32 - 1


def test_a_position_moves_on(desk: Desk) -> None:
    positions = Positions(desk)
    assert positions.get(*WHO) is None
    first = Position(BIG, 0, 0)
    positions.put(*WHO, None, first, 1.0)
    second = Position(BIG, BIG, 7, (5, 6))
    positions.put(*WHO, first, second, 2.0)
    assert positions.get(*WHO) == second
    assert positions.get(WHO[0], "INBOX") is None
    assert positions.all() == [Looked(*WHO, second, 2.0)]


def test_who_comes_second_changes_nothing(desk: Desk) -> None:
    positions = Positions(desk)
    first = Position(1, 10, 10)
    positions.put(*WHO, None, first, 1.0)
    with pytest.raises(Overtaken):
        positions.put(*WHO, None, Position(1, 0, 0), 2.0)
    positions.put(*WHO, first, Position(1, 20, 10), 3.0)
    with pytest.raises(Overtaken):
        positions.put(*WHO, first, Position(1, 15, 10), 4.0)
    assert positions.get(*WHO) == Position(1, 20, 10)


def test_messages_and_position_together_or_neither(desk: Desk) -> None:
    positions, mailbox = Positions(desk), Mailbox(desk)
    first = Position(1, 10, 10)
    positions.put(*WHO, None, first, 1.0)
    also = positions.within(*WHO, first, Position(1, 11, 10), 2.0)
    mailbox.keep([b"one"], "imap:x", START, also=also)
    with pytest.raises(Overtaken):
        mailbox.keep([b"two"], "imap:x", START, also=also)
    assert [message.body for message in mailbox.unhandled()] == [b"one"]
