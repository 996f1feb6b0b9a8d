"""`todoku case try` through a real Postfix into a real Dovecot: inbox, junk, refused; the bounce of a trial
is proven by its mark alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests import dovecot
from tests.postfix import Postfix, Receiver, folder, needed, sending_to, within
from tests.serve import returned
from todoku.cases.marks import holds
from todoku.cases.provenance import clues
from todoku.serve import markkeys

pytestmark = [pytest.mark.slow, *needed, dovecot.needed]
HERE = "127.0.0.1"
ME = "me@hotmail.com"


class Provider(Receiver):
    """Puts what it takes into mailboxes, as its filter thinks best."""

    def __init__(self, mailbox: dovecot.Dovecot) -> None:
        self.blocks = True
        self.into = "INBOX"
        self._mailbox = mailbox
        super().__init__(lambda ip: returned.SC_001.format(ip) if self.blocks else None)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if ME in envelope.rcpt_tos:
            trace = (
                f"Received: from out1.hoge.test ([{session.peer[0]}])\r\n\tby mx.hotmail.test\r\n"
            )
            self._mailbox.put([trace.encode() + bytes(envelope.content)], self.into)
        return await super().handle_DATA(server, session, envelope)


class House:
    def __init__(self, root: Path, postfix: Postfix, box: dovecot.Dovecot) -> None:
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "TODOKU_CACHE": os.environ["TODOKU_CACHE"],
            "TODOKU_GENERAL_DATA": str(root / "todoku"),
            "LC_ALL": "C.UTF-8",
            "TODOKU_OWN_ADDRESSES": HERE,
            "TODOKU_OWN_DOMAINS": "hoge.test",
            "TODOKU_OWN_HELO": "out1.hoge.test",
            "TODOKU_MAIL_RELAY": f"127.0.0.1:{postfix.port}",
            "TODOKU_MAIL_SENDER": "postmaster@hoge.test",
            "TODOKU_MAIL_LOG": str(postfix.log),
            "TODOKU_DNS_RESOLVER": "127.0.0.1:1",
            "TODOKU_MAILBOX_SEED_SERVER": f"127.0.0.1:{box.port}",
            "TODOKU_MAILBOX_SEED_TLS": "none",
            "TODOKU_MAILBOX_SEED_USER": dovecot.USER,
            "TODOKU_MAILBOX_SEED_PASSWORD": dovecot.PASSWORD,
            "TODOKU_MAILBOX_SEED_ADDRESS": ME,
            "TODOKU_MAILBOX_SEED_TAKES": "trials",
        }

    def todoku(self, *words: str, stdin: bytes = b"", **more: Any) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "todoku", *words, "--lang", "en"], env=self.environ | more,
            input=stdin, capture_output=True, timeout=90, check=False,
        )  # fmt: skip
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, done.stdout.decode()

    def tried(self, **more: Any) -> tuple[int, dict[str, Any]]:
        code, shown = self.todoku("case", "try", "1", "--json", "--wait", "40", **more)
        events = [json.loads(line) for line in shown.splitlines()]
        return code, next(e for e in reversed(events) if e["event"] in {"tried", "refused", "sent"})


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def test_inbox_junk_refused(stack: ExitStack) -> None:
    box = stack.enter_context(dovecot.running(stack.enter_context(folder())))
    provider = Provider(box)
    stack.callback(provider.close)
    postfix = stack.enter_context(sending_to(provider))
    house = House(postfix.root, postfix, box)
    refusal = returned.SC_001.format(HERE).encode()
    assert (
        house.todoku("report", "x", "--to", "hotmail.com", "--refusal", "-", stdin=refusal)[0] == 0
    )

    code, said = house.tried()
    assert (code, said["result"], said["reply"]["code"]) == (2, "refused", 550)
    # Its bounce is known by the mark in its envelope, without any log.
    assert within(20, lambda: provider.mails)
    mark = clues(provider.mails[-1]).envelope_id
    now = datetime.now(UTC)
    keys = markkeys.read(Path(house.environ["TODOKU_GENERAL_DATA"]), now)
    assert mark is not None and holds(mark, keys, now, ME)
    assert not holds(mark, keys, now, "other@hotmail.com")

    provider.blocks = False
    code, said = house.tried()
    assert (code, said["result"], said["folder"]) == (0, "accepted", "INBOX")
    provider.into = "Junk"
    code, said = house.tried(TODOKU_MAIL_LOG="")
    assert (code, said["result"], said["folder"]) == (1, "junked", "Junk")
    assert box.flags("Junk") == [r"1 (UID 1 FLAGS (\Recent))"], "looked at, and left unread"
