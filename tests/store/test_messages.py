"""What came in is kept; what is over is forgotten. On both databases."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cases.world import START
from todoku import store
from todoku.store.cases import Desk
from todoku.store.messages import KEEP, Mailbox, People, Person

DAY = timedelta(days=1)


@pytest.fixture
def mailbox(desk: Desk) -> Mailbox:
    return Mailbox(desk)


def test_the_same_message_twice_counts_once(mailbox: Mailbox) -> None:
    body = b"From: \x00\xff\r\n\r\nhello"
    sha = hashlib.sha256(body).hexdigest()
    assert mailbox.keep([body, body], "lmtp", START) == [(sha, True), (sha, False)]
    assert mailbox.keep([body], "imap", START) == [(sha, False)]
    (message,) = mailbox.unhandled()
    assert (message.sha256, message.origin, message.body) == (sha, "lmtp", body)
    assert mailbox.body(sha) == body
    assert mailbox.body("0" * 64) is None


def test_a_batch(mailbox: Mailbox) -> None:
    bodies = [b"message %d" % n for n in range(1200)]
    assert all(new for _, new in mailbox.keep(bodies, "spool", START))
    assert not any(new for _, new in mailbox.keep(bodies, "spool", START))
    assert len(mailbox.unhandled(most=5000)) == 1200
    assert len(mailbox.unhandled(most=7)) == 7


def test_bodies_expire_and_are_still_known(mailbox: Mailbox) -> None:
    (read, _), (unread, _) = mailbox.keep([b"read", b"unread"], "lmtp", START)
    mailbox.handled([read], START)
    assert mailbox.expire(START + KEEP - DAY) == 0
    assert mailbox.expire(START + KEEP) == 1
    assert mailbox.body(read) is None
    assert mailbox.body(unread) == b"unread", "what nobody has read is not thrown away"
    assert mailbox.keep([b"read"], "lmtp", START + KEEP) == [(read, False)]


def test_people(desk: Desk) -> None:
    people = People(desk)
    ref = people.known_as(" sato@hoge.example ", "佐藤")
    assert people.known_as("sato@hoge.example", lang="ja") == ref
    assert people.get(ref) == Person(ref, "sato@hoge.example", "佐藤", "ja")
    other = people.known_as("suzuki@hoge.example")
    assert other != ref
    people.forget(ref)
    assert people.get(ref) == Person(ref, None, None, "ja")
    assert people.known_as("sato@hoge.example") not in {ref, other}
    for nobody in ("person:999", "person:x", "sato", "", "person:²"):
        assert people.get(nobody) is None


def test_the_returned_body_is_not_in_the_files_of_the_database(tmp_path: Path) -> None:
    """Neither in the database nor in its write-ahead log; the same bounce again still counts once."""
    secret = b"Kumiko is ill and asks for Thursday"
    bounce = (
        b"From: MAILER-DAEMON@mx1.hoge.test\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n'
        b"<a@b.example>: host mx.b.example said: 550 no\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nSubject: our talk\r\n\r\n" + secret + b"\r\n--b--\r\n"
    )
    engine = store.connect(f"sqlite:///{tmp_path}/todoku.db")
    box = Mailbox(Desk(engine))
    ((sha, new),) = box.keep([bounce], "lmtp", START)
    assert new
    assert b"Subject: our talk" in (box.body(sha) or b"")
    assert box.keep([bounce], "lmtp", START) == [(sha, False)]
    found = [path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("todoku.db")]
    assert any(b"our talk" in data for data in found)
    assert not any(b"Kumiko" in data for data in found)
    engine.dispose()


def test_what_has_expired_is_overwritten_in_the_file(tmp_path: Path) -> None:
    engine = store.connect(f"sqlite:///{tmp_path}/todoku.db")
    box = Mailbox(Desk(engine))
    ((sha, _),) = box.keep([b"Subject: 1\r\n\r\n" + b"remember me " * 500], "lmtp", START)
    box.handled([sha], START)
    assert box.expire(START + timedelta(days=31)) == 1
    engine.dispose()  # the last connection takes the log into the file
    assert b"remember me" not in (tmp_path / "todoku.db").read_bytes()


def test_what_nobody_can_be_done_with_does_not_hold_up_the_rest(mailbox: Mailbox) -> None:
    """More than a batch waits for a newer todoku; what came later has its turn, and they have theirs
    again."""
    waiting = [b"Subject: waits %d\r\n\r\n" % n for n in range(25)]
    mailbox.keep(waiting, "lmtp", START)
    mailbox.keep([b"Subject: news\r\n\r\n"], "lmtp", START + DAY)
    seen: list[bytes] = []
    for _ in range(4):
        found = mailbox.unhandled(10)
        seen += [each.body for each in found]
        news = [each.sha256 for each in found if b"news" in each.body]
        mailbox.handled(news, START + DAY)
    assert b"Subject: news\r\n\r\n" in seen
    assert set(waiting) <= set(seen)
    assert len(seen) > len(set(seen))
    assert {each.body for each in mailbox.unhandled(1000)} <= set(waiting)


def test_a_time_that_was_set_later_holds_for_all(mailbox: Mailbox) -> None:
    ((sha, _),) = mailbox.keep([b"Subject: 1\r\n\r\n"], "lmtp", START)
    mailbox.handled([sha], START)
    assert mailbox.expire(START + 6 * DAY, 7 * DAY) == 0
    assert mailbox.expire(START + 7 * DAY, 7 * DAY) == 1
    assert mailbox.body(sha) is None
