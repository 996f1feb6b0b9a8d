"""The screens of `todoku diagnose`, whole, in both languages.

Golden files stand in tests/cli/golden. After a change that is meant:

    TODOKU_WRITE_GOLDEN=1 .venv/bin/python -m pytest tests/cli/test_screens.py

and read every line of the difference before committing it.
"""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest

from todoku.cli.render import screen
from todoku.cli.render.page import Page
from todoku.cli.render.text import width
from todoku.grouping import Groups
from todoku.knowledge.catalogue import Catalogue
from todoku.knowledge.schema import Compiled
from todoku.model import Language, Refusal, Reply

from .conftest import Judge, Ours, refusal

GOLDEN = Path(__file__).parent / "golden"

BLOCKED = refusal(
    "550 BM-001 (AB12) Sorry, we take no mail from 192.0.2.1. See "
    "https://postmaster.bigmail.example/codes#bm-001 (in reply to MAIL FROM command)",
    host="mx2.bigmail.example",
    recipient="taro@bigmail.example",
)
SLOW = refusal(
    "421 4.7.28 unusual rate of mail from your network 192.0.2.1; try again later",
    host="mx1.bigmail.example",
    recipient="hanako@bigmail.example",
    action="delayed",
)
POLICY = refusal(
    "554 5.7.1 Service unavailable; Client host [203.0.113.80] blocked using dul.known.example; "
    "https://known.example/q?ip=203.0.113.80",
    host="mail.partner.example",
    recipient="sato@partner.example",
    stage="RCPT TO",
)
LOOKUP = refusal(
    "554 5.7.1 Service unavailable; Client host [203.0.113.80] blocked using xbl.known.example; "
    "Error: open resolver",
    host="mail.partner.example",
    recipient="sato@partner.example",
)
GATEWAY = refusal(
    "550 5.7.1 DMARC says no to info@ours.example",
    host="mx.wall.example",
    recipient="keiko@bigmail.example",
    stage="END OF DATA",
)
NOBODY = [
    refusal(
        f"550 5.1.1 <{who}@bigmail.example>: nobody of that name here (q{n}AbC12x)",
        host=f"mx{n}.bigmail.example",
        recipient=f"{who}@bigmail.example",
    )
    for n, who in enumerate(("ichiro", "jiro", "saburo"), 1)
]
RIDDLE = refusal(
    "550 5.7.1 Rejected: rule 4711 at mx.partner.example",
    host="mx.partner.example",
    recipient="tanaka@partner.example",
)
SILENT = Refusal(action="failed", recipient="x@gone.example", notice="", expired=True)
FULL = refusal("452 4.2.2 mailbox is full", host="mx.else.example", recipient="k@else.example")
OTHERS = [
    Refusal(kind="complaint", feedback_type="abuse", reported_by="fbl.bigmail.example"),
    Refusal(kind="auto-reply", recipient="suzuki@partner.example"),
    Refusal(kind="delivered", action="relayed", recipient="abe@partner.example"),
    Refusal(kind="not-a-bounce"),
]

SCREENS: dict[str, tuple[list[Refusal], dict[str, Any]]] = {
    "blocked": ([BLOCKED], {}),
    "blocked-ours": ([BLOCKED], {"own": Ours()}),
    "not-ours": ([POLICY], {"own": Ours()}),
    "own-relay": (
        [refusal("550 5.7.1 relaying not permitted", host="relay.ours.example", recipient="a@b.example")],
        {"own": Ours()},
    ),
    "slow": ([SLOW] * 312, {}),
    "policy-list": ([POLICY], {}),
    "lookup-failed": ([LOOKUP], {}),
    "gateway": ([GATEWAY], {}),
    "nobody": (NOBODY, {}),
    "not-understood": ([RIDDLE], {}),
    "expired": ([SILENT], {}),
    "complaint": (OTHERS[:1], {}),
    "auto-reply": (OTHERS[1:2], {}),
    "relayed": (OTHERS[2:3], {}),
    "not-a-bounce": (OTHERS[3:], {}),
    "no-bounces": (OTHERS[1:] * 7, {}),
    "two-kinds": ([BLOCKED, *NOBODY, *OTHERS[1:]], {}),
    "many": ([BLOCKED, SLOW, POLICY, LOOKUP, GATEWAY, *NOBODY, RIDDLE, SILENT, FULL, *OTHERS], {}),
}  # fmt: skip


def shown(
    refusals: list[Refusal],
    language: Language,
    small: Compiled,
    judge: Judge,
    columns: int = 80,
    full: bool = False,
    **more: Any,
) -> str:
    groups = Groups()
    for d in judge(refusals, language, **more):
        groups.add(d)
    out = io.BytesIO()
    page = Page(out, columns=columns)
    for line in screen.lines(groups, Catalogue(small), language, page, full=full):
        page.write(line)
    return out.getvalue().decode()


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str, language: Language, small: Compiled, judge: Judge) -> None:
    refusals, more = SCREENS[name]
    got = shown(refusals, language, small, judge, **more)
    path = GOLDEN / f"{name}.{language}.txt"
    if os.environ.get("TODOKU_WRITE_GOLDEN"):
        path.write_text(got)
    assert got == path.read_text()


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100])
@pytest.mark.parametrize("name", SCREENS)
def test_no_line_is_wider_than_the_terminal(
    name: str, columns: int, language: Language, small: Compiled, judge: Judge
) -> None:
    """But for a link, which must stay whole to be opened."""
    refusals, more = SCREENS[name]
    for line in shown(refusals, language, small, judge, columns=columns, **more).splitlines():
        assert width(line) <= columns + 2 or "://" in line, line


def test_nothing_of_a_mail_acts_on_the_terminal(small: Compiled, judge: Judge) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202e\u200b\r\x9b31m"
    r = Refusal(
        action="failed",
        recipient=f"a{evil}@b.example",
        sender=evil,
        reported_by=evil,
        message_id=evil,
        reply=Reply(550, "5.7.1", f"550 5.7.1 {evil} blocked https://x.example/{evil}"),
    )
    complaint = Refusal(kind="complaint", feedback_type=evil, reported_by=evil)
    for refusals in ([r], [complaint], [r, complaint, *SCREENS["many"][0]]):
        for full in (False, True):
            text = shown(refusals, "en", small, judge, full=full)
            assert all(line.isprintable() for line in text.split("\n"))


def test_a_hostile_mail_does_not_fill_the_screen(small: Compiled, judge: Judge) -> None:
    long = "x" * 100_000
    r = Refusal(
        action="failed",
        recipient=f"{long}@{long}.example",
        reported_by=long,
        reply=Reply(550, "5.7.1", f"550 5.7.1 {long} nobody of that name here"),
    )
    for refusals in (
        [r],
        [r, r],
        [r, *SCREENS["many"][0]],
        [Refusal(kind="complaint", feedback_type=long)],
    ):
        assert len(shown(refusals, "en", small, judge, full=True)) < 20_000


def test_the_deciding_words_are_shown_however_late_they_come(small: Compiled, judge: Judge) -> None:
    text = "550 5.1.1 " + "word " * 300 + "nobody of that name here" + " word" * 300
    got = shown([refusal(text, host="mx1.bigmail.example")], "en", small, judge)
    assert "▸nobody of that name" in got
    assert len(re.findall(r"\bword\b", got)) == 300
