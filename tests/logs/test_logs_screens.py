"""The screens of `todoku logs`, whole, as the command writes them, in both languages.

Golden files stand in tests/cli/golden (`logs-*`). After a change that is meant:

    TODOKU_WRITE_GOLDEN=1 .venv/bin/python -m pytest tests/logs/test_logs_screens.py
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.logs.stored import Zygote, running
from tests.logs.test_warning import RP001, SC001, TSS04

GOLDEN: Final = Path(__file__).parents[1] / "cli" / "golden"
END: Final = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
LISTED = "host mx.b.example[203.0.113.9] refused to talk to me: 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
NOBODY = "host gmail-smtp-in.l.google.com[142.250.1.1] said: 550-5.1.1 The email account that you tried to reach does not exist. Please try 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser x1-2si3.4 - gsmtp (in reply to RCPT TO command)"
FULL = "host mx.c.example[203.0.113.10] said: 452 4.2.2 <u@c.example>: mailbox full (in reply to RCPT TO command)"
RIDDLE = "host mx.d.example[203.0.113.11] said: 550 5.7.1 Rejected: rule 4711 (in reply to end of DATA command)"
TIMEOUT = "connect to mx.e.example[203.0.113.12]:25: Connection timed out"


def mails(hours_ago: float, n: int, sender: str, to: str, why: str = "", every: float = 300) -> Iterator[tuple[float, str]]:  # fmt: skip
    """So many mails of a sender, the first at that time."""
    for k in range(n):
        at = END - hours_ago * 3600 + k * every
        qid = f"{int(at) % 0xFFFFFF:06X}0{k:03X}{len(sender + to + why) % 256:02X}"
        stamp = datetime.fromtimestamp(at, UTC).isoformat()
        relay = "mx.ok.example[203.0.113.99]:25"
        status, dsn = "sent (250 2.0.0 OK)", "2.0.0"
        if why:
            relay = "none" if why.startswith("connect") else why.split(" ")[1] + ":25"
            soft = "refused to talk" in why or " 421 " in why or " 452 " in why or relay == "none"
            status, dsn = (f"{'deferred' if soft else 'bounced'} ({why})", "4.0.0" if soft else "5.0.0")  # fmt: skip
        yield (
            at,
            f"{stamp} mx1 postfix/qmgr[9]: {qid}: from=<{sender}>, size=900, nrcpt=1 (queue active)",
        )
        yield (
            at + 0.1,
            f"{stamp} mx1 postfix/smtp[9]: {qid}: to=<u{k}@{to}>, relay={relay}, delay=1, delays=0/0/0/1, dsn={dsn}, status={status}",
        )


def log(*groups: Iterator[tuple[float, str]]) -> str:
    lines = [line for group in groups for line in group]
    return "\n".join(text for _, text in sorted(lines)) + "\n"


OTHERS: Final = "2026-11-24T12:00:00+00:00 mx1 sshd[1]: Accepted publickey for root\n"
TYPICAL: Final = (
    log(
        mails(47, 240, "info@a.example", "ok.example", every=700),
        mails(20, 36, "news@a.example", "b.example", LISTED),
        mails(20, 4, "info@a.example", "b.example", LISTED, 4000),
        mails(30, 12, "news@a.example", "gmail.com", NOBODY),
        mails(26, 9, "taro@a.example", "outlook.com", SC001),
        mails(6, 1, "", "outlook.com", SC001),
        mails(10, 3, "taro@a.example", "c.example", FULL),
        mails(9, 1, "hanako@a.example", "d.example", RIDDLE),
        mails(5, 2, "hanako@a.example", "e.example", TIMEOUT),
    )
    + OTHERS
)
NOTHING: Final = log(mails(47, 240, "info@a.example", "ok.example", every=700))
WARNING: Final = (
    NOTHING
    + log(
        mails(3, 1, "news@a.example", "yahoo.com", TSS04),
        mails(2, 5, "news@a.example", "outlook.com", RP001),
        mails(1, 2, "news@a.example", "outlook.com", SC001),
    )
    + OTHERS
    + "no line of anything\n"
)
SYSLOG: Final = OTHERS + "2026-11-24T12:00:01+00:00 mx1 CRON[2]: (root) CMD (true)\n"
CASES: Final = {
    "typical": (TYPICAL, 80), "narrow": (TYPICAL, 40), "nothing": (NOTHING, 80),
    "warning": (WARNING, 80), "not-understood": (SYSLOG, 80), "no-log": ("a,b\n1,2\n", 80),
    "filtered": (TYPICAL, 80), "stored": (TYPICAL, 80), "store": (TYPICAL, 80),
}  # fmt: skip
WORDS: Final = {"filtered": ("--receiver", "nobody.example"), "store": ("--store",)}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with running() as z:
        yield z


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("name", CASES)
def test_screen(name: str, lang: str, zygote: Zygote) -> None:
    with tempfile.TemporaryDirectory(prefix="todoku", dir="/tmp") as place:
        screen(name, lang, zygote, Path(place))


def screen(name: str, lang: str, zygote: Zygote, tmp_path: Path) -> None:
    """`tmp_path` is of one length everywhere, as lines are broken where it ends."""
    text, columns = CASES[name]
    (tmp_path / "mail.log").write_text(text)
    env: dict[str, Any] = {
        "COLUMNS": str(columns), "TODOKU_OWN_ADDRESSES": "192.0.2.1", "TODOKU_STORE_DAYS": "36500",
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }  # fmt: skip
    data = ("--data", str(tmp_path / "data")) if name in {"stored", "store"} else ()
    words = (*WORDS.get(name, ()), *data)
    if name == "stored":
        zygote.run("--store", *words, str(tmp_path / "mail.log"), **env)
        done = zygote.run("--stored", *words, lang=lang, **env)
    else:
        done = zygote.run(*words, str(tmp_path / "mail.log"), lang=lang, **env)
    got = (done.stdout + done.stderr).decode().replace(str(tmp_path), "/tmp/todoku-example")
    got += f"[{done.returncode}]\n"
    path = GOLDEN / f"logs-{name}.{lang}.txt"
    if os.environ.get("TODOKU_WRITE_GOLDEN"):
        path.write_text(got)
    assert got == path.read_text()
