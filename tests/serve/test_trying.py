"""Trials: what becomes of a marked mail, as logs, a bounce and a mailbox tell it."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.serve.test_serve import Relay
from tests.serve.world import Serving, live
from todoku.cases import commands, marks
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.lab.world import LISTED
from todoku.model import Identity, Reply
from todoku.serve import markkeys, trying
from todoku.serve.mailboxes.trouble import WORDS as TROUBLE
from todoku.serve.mailboxes.trouble import Trouble
from todoku.serve.sentlog import Trial
from todoku.serve.submitting import send
from todoku.serve.trying import GIVES_UP, SHOWS, Found, judged
from todoku.settings.own import Own

SENT = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)
IP = Identity("ip", "192.0.2.1")
ONE = Own(addresses=("192.0.2.1",))
TWO = Own(
    domains=("b.test",), addresses=("192.0.2.1", "192.0.2.2"), transports={"out2": ("192.0.2.2",)}
)
EVENT = ev.Trying(
    at=SENT, identity=IP, to="me@hotmail.com", sender="a@b.test", message_id="<todoku.try.1@b.test>"
)
TOOK = Reply(code=250, text="250 2.0.0 taken")
NO = Reply(code=550, text="550 SC-001 weren't sent. [192.0.2.1]")
LATER = Reply(code=451, text="451 later")
HERE = (
    "from mx.hotmail.com by mailbox.hotmail.com",
    "from mx1.b.test (mx1.b.test [192.0.2.1]) by mx.hotmail.com",
    "from desk.b.test (desk.b.test [192.0.2.10]) by mx1.b.test",
)
OTHER = (HERE[0], HERE[1].replace("192.0.2.1", "192.0.2.10"), HERE[2].replace("2.10", "2.1"))


def said(outcome: Any, reply: Reply, source: str | None = None) -> Trial:
    return Trial(outcome, SENT, reply, "mx1.hotmail.com", source)


@pytest.mark.parametrize(
    ("logged", "found", "own", "after", "result", "why"),
    [
        # Nothing is known yet.
        (None, None, ONE, timedelta(0), None, None),
        (None, Found(None), ONE, GIVES_UP / 2, None, None),
        (said("deferred", LATER), None, ONE, GIVES_UP / 2, None, None),
        (said("sent", TOOK), Found(None), ONE, SHOWS / 2, None, None),
        # The mailbox tells, whatever the log does.
        (None, Found("inbox", "INBOX"), ONE, timedelta(0), "accepted", None),
        (None, Found("junk", "Junk"), ONE, timedelta(0), "junked", None),
        (said("sent", TOOK), Found("junk", "Junk"), ONE, timedelta(0), "junked", None),
        # The log alone.
        (said("sent", TOOK), None, ONE, timedelta(0), "accepted", None),
        (said("refused", NO), None, ONE, timedelta(0), "refused", None),
        (said("refused", NO), Found(None), ONE, timedelta(0), "refused", None),
        # Taken, and gone.
        (said("sent", TOOK), Found(None), ONE, SHOWS, "inconclusive", "not-seen"),
        (said("sent", TOOK), Found(None, knows_junk=False), ONE, SHOWS, "inconclusive", "no-junk-folder"),
        # It ends.
        (said("deferred", LATER), None, ONE, GIVES_UP, "deferred", None),
        (None, None, ONE, GIVES_UP, "inconclusive", "no-word"),
        # From which address.
        (said("sent", TOOK, "192.0.2.2"), None, TWO, timedelta(0), "inconclusive", "other-address"),
        (said("refused", NO, "192.0.2.2"), None, TWO, timedelta(0), "inconclusive", "other-address"),
        (said("sent", TOOK, "192.0.2.1"), None, TWO, timedelta(0), "accepted", None),
        (said("sent", TOOK), None, TWO, timedelta(0), "inconclusive", "which-address"),
        (said("refused", NO), None, TWO, timedelta(0), "refused", None),
        (said("refused", LATER), None, TWO, timedelta(0), "inconclusive", "which-address"),
        (None, Found("inbox", "INBOX", HERE), TWO, timedelta(0), "accepted", None),
        (None, Found("inbox", "INBOX", OTHER), TWO, timedelta(0), "inconclusive", "which-address"),
        (None, Found("inbox", "INBOX"), TWO, timedelta(0), "inconclusive", "which-address"),
        (said("sent", TOOK), None, Own(), timedelta(0), "inconclusive", "which-address"),
    ],
)  # fmt: skip
def test_what_became_of_it(
    logged: Trial | None, found: Found | None, own: Own, after: timedelta, result: str | None,
    why: str | None,
) -> None:  # fmt: skip
    judge = judged(EVENT, SENT, logged, found, own, SENT + after)
    assert (judge and judge.result, judge and judge.why) == (result, why)
    if judge is not None:
        assert judge.message_id == EVENT.message_id
        assert judge.folder == (
            found.folder if found and result in {"accepted", "junked"} else None
        )


def test_a_server_that_sends_from_its_own_address_proves_nothing_of_ours() -> None:
    for logged, found in (
        (said("sent", TOOK), None),
        (said("refused", NO), None),
        (None, Found("inbox", "INBOX", HERE)),
    ):
        judge = judged(EVENT, SENT, logged, found, ONE, SENT, handed_on=True)
        assert judge is not None
        assert (judge.result, judge.why) == ("inconclusive", "other-address")


# In the lab


async def asked(s: Serving, identity: str = LISTED) -> None:
    wanted = ev.Trying(
        at=s.clock.now(), by="admin", identity=Identity("ip", identity), to="taro@hotmail.test",
        sender="postmaster@hoge.test", mailbox="seed",
        message_id=trying.message_id("postmaster@hoge.test"),
    )  # fmt: skip
    s.desk.change(1, lambda case: commands.want_trial(case, wanted))
    await s.work()
    await s.clock.advance(3)
    s.log.read_on(s.clock.now().timestamp())
    await s.work()


async def opened(s: Serving) -> None:
    await s.report()
    await s.bounce()
    await s.work()


def test_refused_again_as_the_log_tells(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await opened(s)
        await asked(s)
        tried = s.events()[-1]
        assert isinstance(tried, ev.Tried)
        assert (tried.result, tried.reply.code, tried.hosts) == (
            "refused",
            550,
            ("mx1.hotmail.test",),
        )
        assert "SC-001" in tried.reply.text
        # Its bounce is proven to be ours, and is of the same case.
        taken = await s.collect()
        assert [t.what for t in taken] == ["refusal"]

    live(tmp_path, walk)


@pytest.mark.parametrize(("where", "result"), [("inbox", "accepted"), ("junk", "junked")])
def test_accepted_and_where_it_went(tmp_path: Path, where: Any, result: str) -> None:
    async def walk(s: Serving) -> None:
        await opened(s)
        s.lab.hotmail.opinions.pop(LISTED)
        s.seen = Found(None)
        await asked(s)
        assert s.names()[-1] == "sent"  # taken, and nobody knows where it is
        s.seen = Found(where, where.upper())
        at = s.queue.next_at(s.clock.now())
        assert at is not None
        await s.clock.advance(at - s.clock.now().timestamp())
        await s.work()
        tried = next(e for e in s.events() if isinstance(e, ev.Tried))
        assert (tried.result, tried.folder) == (result, where.upper())
        assert s.desk.case(1).standings[0].junked is (where == "junk")

    live(tmp_path, walk)


def test_a_mailbox_that_cannot_be_read_is_looked_into_again(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        await opened(s)
        s.lab.hotmail.opinions.pop(LISTED)
        s.seen = Trouble(TROUBLE["slow"], name="seed", server="x", seconds=10)
        await asked(s)
        await s.clock.advance(3600)
        await s.work()
        assert s.names()[-1] == "sent"
        # For a day; then that they took it is all that is known.
        await s.clock.advance(24 * 3600)
        await s.work()
        tried = next(e for e in s.events() if isinstance(e, ev.Tried))
        assert (tried.result, tried.folder) == ("accepted", None)

    live(tmp_path, walk)


# The mark


def test_the_mark_goes_with_the_envelope_where_the_server_knows_of_it(tmp_path: Path) -> None:
    """RFC 3461; the relay of this test offers nothing."""
    key = markkeys.current(tmp_path, SENT)
    mark = marks.mark(key, SENT, "me@hotmail.com")
    relay = Relay()
    send(
        ("127.0.0.1", relay.port),
        "me@hotmail.com",
        b"a: b\r\n\r\n",
        sender="a@b.test",
        envelope_id=mark,
    )
    relay.close()
    assert len(relay.mails) == 1
    made = email.message_from_bytes(
        trying.message(Case(number=1), EVENT, "hotmail.com", SENT, "ja"),
        policy=email.policy.default,
    )
    assert made["message-id"] == EVENT.message_id
    assert "迷惑" not in made.get_content()
