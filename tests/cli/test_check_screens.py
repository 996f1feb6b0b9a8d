"""The screens of `todoku check`, whole, in both languages.

Golden files stand in tests/cli/golden. After a change that is meant:

    TODOKU_WRITE_GOLDEN=1 .venv/bin/python -m pytest tests/cli/test_check_screens.py

and read every line of the difference before committing it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from msgspec.structs import replace

from tests import worlds
from tests.cli import check_world as w
from tests.cli.check_world import finding, unknown
from todoku.cli.render import check_history, check_plan
from todoku.cli.render.check import Screen
from todoku.cli.render.check_board import Board
from todoku.cli.render.check_entry import span
from todoku.cli.render.check_words import ADVICE, CAUSE
from todoku.cli.render.page import Page
from todoku.cli.render.text import width
from todoku.knowledge.catalogue import Catalogue
from todoku.knowledge.load import lists_of
from todoku.knowledge.schema import Compiled
from todoku.lists.kept import Kept
from todoku.lists.plan import Book, Terms
from todoku.lists.values import Clean, Request, Server, Target, Unclear, Upstream
from todoku.model import Entry, Finding, Language, ListingState, Removal, Subject, UnknownCause

GOLDEN = Path(__file__).parent / "golden"
ALL = frozenset({"listed", "unknown", "not-listed"})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return worlds.compiled(tmp_path_factory.mktemp("lists"), w.FILES)


pytestmark = pytest.mark.usefixtures("tokyo")


def target(text: str) -> Target:
    return Target(given=text, range=text) if "/" in text else Target(
        given=text, subject=w.subject(text)
    )  # fmt: skip


OTHERS = ["cop", "brake", "bl.one.example", "bl.two.example", "bl.three.example"]
CLEAN = [finding(x) for x in ("known-zen", *OTHERS)]
LONG_AGO = "2025-11-22T03:00:00Z"
LISTED = [
    finding(
        "known-zen", "listed", entries=(w.XBL, w.PBL), first_seen=LONG_AGO,
        text="https://known.example/query/ip/198.51.100.7\nPolicy, see https://known.example/pbl",
    ),
    finding("range-2", "listed", entries=(w.LEVEL_2,), first_seen=w.AT),
    finding("cop", "listed", entries=(w.COP,), partial=True),
    finding("geo", entries=(w.JAPAN,)),
    unknown("brake", "resolver-refused", detail="Brakeacuda turned 127.0.0.1:53 away. Register "
            "the resolver's address: https://brakeacuda.example/register"),
    *[finding(x) for x in OTHERS[2:]],
]  # fmt: skip
CAUSES = [
    unknown("known-zen", "not-permitted", asked=None, health="untested"),
    unknown("white", "not-permitted", asked=None, health="untested"),
    unknown("brake", "resolver-refused", detail="Brakeacuda turned 127.0.0.1:53 away."),
    unknown("refusing.example", "resolver-refused", detail="It turned 127.0.0.1:53 away."),
    unknown("cop", "timeout", detail="No answer came from 127.0.0.1:53 in time."),
    unknown("slow.example", "timeout", detail="No answer came from 127.0.0.1:53 in time."),
    unknown("fail.example", "servfail"),
    unknown("refused.example", "refused"),
    unknown("parked.example", "not-loopback", codes=("192.0.2.80",)),
    unknown("odd.example", "unknown-code", codes=("127.0.0.99",)),
    unknown("odder.example", "unknown-code", codes=("127.0.0.98",)),
    unknown("cut.example", "truncated"),
    unknown("spent.example", "budget"),
    unknown("closed", "no-key", detail="Get a key at https://closed.example/ and set it as closed "
            "in [lists.keys].", asked=None),
    unknown("world.example", "list-broken", detail="world.example lists 192.0.2.77, which nobody "
            "ever lists.", health="failed"),
    unknown("sorry", "list-dead", detail="Sorry is out of service (2024-06-05). Its zone is "
            "empty.", asked=None),
    finding("bl.one.example"),
]  # fmt: skip
SEVERAL = [
    *LISTED[:3],
    finding("brake", "listed", entries=(w.COP,)),
    *[finding(x, who="192.0.2.9") for x in OTHERS],
    unknown("known-zen", "timeout", "192.0.2.9", detail="No answer came from 127.0.0.1:53 in time."),
    *[finding(x, who="203.0.113.5") for x in ("known-zen", *OTHERS)],
    finding("white", who="203.0.113.5", entries=(w.TRUST,)),
    finding("known-dbl", "listed", "shop.example", entries=(w.DOMAIN,)),
    unknown("known-zen", "timeout", "2001:db8::25", detail="No answer came from 127.0.0.1:53 in time."),
]  # fmt: skip
RANGE = "198.51.100.0/24"
SWEPT = [
    *[
        finding("known-zen", "listed", f"198.51.100.{n}", entries=(w.XBL,))
        for n in (3, 4, 5, 17, 200, *range(40, 60), 61)
    ],
    *[finding("known-zen", "listed", f"198.51.100.{n}", entries=(w.PBL,)) for n in range(128, 192)],
    *[finding("cop", "listed", f"198.51.100.{n}", entries=(w.COP,)) for n in range(0, 256, 2)],
    *[
        unknown("brake", "timeout", f"198.51.100.{n}", detail="No answer came from 127.0.0.1:53 "
                "in time.")
        for n in range(7)
    ],
    *[unknown("sorry", "list-dead", f"198.51.100.{n}", detail="Sorry is out of service "
              "(2024-06-05).") for n in range(256)],
    Clean(RANGE, "known-zen", "zen.known.example", 166),
    Clean(RANGE, "cop", "bl.cop.example", 128),
    Clean(RANGE, "brake", "b.brakeacuda.example", 249),
]  # fmt: skip

SCREENS: dict[str, tuple[list[str], list[Any], dict[str, Any]]] = {
    "clean": ([w.IP], CLEAN, {}),
    "clean-but": ([w.IP], [*CLEAN, unknown("slow.example", "timeout")], {}),
    "clean-one": ([w.IP], CLEAN[:1], {}),
    "listed": ([w.IP], LISTED, {}),
    "listed-only": ([w.IP], LISTED, {"only": frozenset({"listed"})}),
    "policy": (["192.0.2.9"], [finding("known-zen", "listed", "192.0.2.9", entries=(w.PBL,)),
                               finding("cop", who="192.0.2.9")], {}),
    "range-only": ([w.IP], [LISTED[1], *CLEAN], {}),
    "unknowns": ([w.IP], CAUSES, {}),
    "nothing-known": ([w.IP], CAUSES[4:7], {}),
    "no-list-fits": (["2001:db8::25"], [], {}),
    "allow": ([w.IP], [*CLEAN, finding("white", entries=(w.TRUST,))], {}),
    "several": ([w.IP, "192.0.2.9", "203.0.113.5", "shop.example", "2001:db8::25"], SEVERAL, {}),
    "range": ([RANGE], SWEPT, {}),
    "range-clean": ([RANGE], [Clean(RANGE, "cop", "bl.cop.example", 256)], {}),
    "range-unknown": ([RANGE], SWEPT[-259:-3], {}),
    "dead": ([w.IP], CAUSES[-2:-1], {}),
    "kept": ([w.IP], [finding("cop", at="2025-11-24T15:20:00Z"), *CLEAN[:1]], {}),
}  # fmt: skip


def shown(
    targets: list[str],
    events: Iterable[Finding | Clean | Unclear],
    language: Language,
    world: Compiled,
    columns: int = 80,
    **more: Any,
) -> str:
    board = Board(map(target, targets))
    for event in events:
        if isinstance(event, Clean | Unclear):
            board.count(event)
        else:
            board.add(event)
    out = io.BytesIO()
    page = Page(out, columns=columns)
    options: dict[str, Any] = {"now": w.NOW, "started": w.NOW, "only": ALL} | more
    screen = Screen(Catalogue(world), language, page, **options)
    for line in screen.lines(board):
        page.write(line)
    return out.getvalue().decode()


def golden(name: str, language: Language, got: str) -> None:
    path = GOLDEN / f"check-{name}.{language}.txt"
    if os.environ.get("TODOKU_WRITE_GOLDEN"):
        path.write_text(got)
    assert got == path.read_text()


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str, language: Language, world: Compiled) -> None:
    targets, events, more = SCREENS[name]
    golden(name, language, shown(targets, events, language, world, **more))


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100])
@pytest.mark.parametrize("name", SCREENS)
def test_no_line_is_wider_than_the_terminal(
    name: str, columns: int, language: Language, world: Compiled
) -> None:
    """But for a link, which must stay whole to be opened."""
    targets, events, more = SCREENS[name]
    for line in shown(targets, events, language, world, columns=columns, **more).splitlines():
        assert width(line) <= columns + 2 or "://" in line, line


def test_nothing_of_a_list_acts_on_the_terminal(world: Compiled) -> None:
    """Names of lists, meanings and desks are the knowledge's; codes, words and names of questions
    may hold what a stranger wrote."""
    evil = "\x1b]0;owned\x07\x1b[2J\u202e\u200b\r\x9b31m<script>"
    entry = Entry(
        code=evil, meaning=evil, class_="abuse", scope="ip", list=evil,
        removal=Removal(channel="form", url=f"https://x.example/{evil}", address=evil,
                        requires=(evil,), expires=evil),
    )  # fmt: skip
    bad = finding(evil, "listed", entries=(entry,), text=f"{evil}\n{evil}", asked=evil, zone=evil)
    lost = unknown(evil, "unknown-code", detail=evil, codes=(evil,))
    info = finding("geo", entries=(replace(entry, class_="info"),))
    good = finding("white", entries=(replace(entry, class_="allow"),))
    ranged = finding("cop", "listed", "198.51.100.9", entries=(entry,))
    for targets in ([w.IP], [w.IP, "192.0.2.9", RANGE]):
        for language in ("ja", "en"):
            text = shown(targets, [bad, lost, info, good, ranged], language, world)
            assert all(line.isprintable() for line in text.split("\n"))


def test_a_long_text_does_not_fill_the_screen(world: Compiled) -> None:
    long = "x" * 100_000
    f = finding("cop", "listed", entries=(w.COP,), text="\n".join([long] * 50), asked=long)
    lost = unknown("brake", "unknown-code", codes=("127.0.0.9",) * 64)
    assert len(shown([w.IP], [f, lost], "en", world)) < 6_000


def test_a_large_range_takes_little_memory_and_few_lines(world: Compiled) -> None:
    """Every second address of a /16 at two lists."""
    wide = "10.77.0.0/16"
    events = (
        finding(name, "listed", f"10.77.{n >> 8}.{n & 255}", entries=(w.COP,))
        for n in range(0, 65_536, 2)
        for name in ("cop", "brake")
    )
    text = shown([wide], events, "en", world)
    assert "10.77.0.0/16: 32,768 of 65,536 addresses are listed, on 2 lists." in text
    assert len(text.splitlines()) < 25


def test_what_a_list_cannot_say_of_a_range_is_counted(world: Compiled) -> None:
    events: list[Any] = [
        finding("brake", "unknown", cause="no-key", identity=Subject("range", RANGE)),
        Unclear(RANGE, "cop", "bl.cop.example", "timeout", 6),
        Clean(RANGE, "cop", "bl.cop.example", 250),
    ]
    text = shown([RANGE], events, "en", world)
    assert "none of 256 addresses is listed (1 list answered)." in text
    assert "262 questions got no answer." in text
    assert "no answer in time: Cop (for 6)" in text
    assert "needs a key: Brakeacuda\n" in text


def test_the_addresses_of_a_host_are_told_beside_it(world: Compiled) -> None:
    events = [
        finding("known-dbl", who="mx.a.example"),
        finding("cop", "listed", "192.0.2.9", entries=(w.COP,)),
    ]
    text = shown(["mx.a.example"], events, "en", world)
    assert "2 checked: 1 listed, 1 not listed." in text
    assert "192.0.2.9     LISTED" in text


def test_all_names_where_only_they_are_wanted(world: Compiled) -> None:
    names = [f"bl{n}.example" for n in range(40)]
    text = shown([w.IP], [finding(n) for n in names], "en", world, only=frozenset({"not-listed"}))
    assert all(name in text for name in names)
    assert "(40)" in text


def test_a_long_table_has_what_matters(world: Compiled) -> None:
    ips = [f"203.0.114.{n}" for n in range(200)]
    events = [finding("cop", who=ip) for ip in ips]
    events[7] = finding("cop", "listed", ips[7], entries=(w.COP,))
    events[8] = unknown("cop", "timeout", ips[8])
    text = shown(ips, events, "en", world)
    assert "200 checked: 1 listed, 1 not known, 198 not listed." in text
    assert "198 more are not listed" in text
    assert len(text.splitlines()) < 20
    assert ips[9] in shown(ips, events, "en", world, only=frozenset({"not-listed"}))


def test_a_run_that_was_stopped_says_so(world: Compiled) -> None:
    for events, said in (
        ([], "no listing was found so far, and not all was asked."),
        ([finding("cop", "listed", "198.51.100.9", entries=(w.COP,))], "1 of 256 addresses is"),
    ):
        board = Board([target(RANGE)])
        for event in events:
            board.add(event)
        board.stopped = True
        page = Page(io.BytesIO())
        screen = Screen(
            Catalogue(world), "en", page, now=w.NOW, started=w.NOW, only=ALL  # type: ignore[arg-type]
        )  # fmt: skip
        text = " ".join(screen.lines(board))
        assert said in text
        assert "Stopped before the end" in text


def test_every_cause_has_its_words() -> None:
    assert set(CAUSE) == set(ADVICE) == set(get_args(UnknownCause))


# ── plan and history ──────────────────────────────────────────────────────────────────────────


def request(*targets: str, lists: tuple[str, ...], **more: Any) -> Request:
    upstream = Upstream(kind="resolver", servers=(Server("127.0.0.1"),))
    return Request(targets=tuple(map(target, targets)), lists=lists, upstream=upstream, **more)


PLANS: dict[str, tuple[Request, Terms]] = {
    "plan": (
        request("198.51.0.0/16", "mx.a.example", lists=("known-zen", "brake", "cop", "known-dbl",
                "closed", "white", "sorry")),
        Terms(keys={"known-dqs": "secret"}),
    ),
    "plan-commercial": (request("198.51.0.0/16", lists=("known-zen", "brake")), Terms()),
    "plan-one": (request(w.IP, lists=("cop",)), Terms()),
    "plan-unlimited": (request("10.0.0.0/16", lists=("cop", "x.test"), unlimited=True), Terms()),
    "plan-nobody": (request(w.IP, lists=("sorry",)), Terms()),
}  # fmt: skip


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", PLANS)
def test_plan(name: str, language: Language, world: Compiled) -> None:
    asked, terms = PLANS[name]
    told = check_plan.plan(asked, Book(lists_of(world)), terms, None, w.NOW)
    lines = check_plan.lines(told, Catalogue(world), language, Page(io.BytesIO()))
    golden(name, language, "\n".join(lines) + "\n")


def test_a_plan_shows_no_key(world: Compiled) -> None:
    asked, terms = PLANS["plan"]
    told = check_plan.plan(asked, Book(lists_of(world)), terms, None, w.NOW)
    assert b"secret" not in msgspec.json.encode(told)


@pytest.fixture
def kept() -> Iterator[Kept]:
    """An address that was listed, changed, gone and listed again, and another one."""
    with Kept.open(None) as found:
        for day, codes in enumerate((["4"], ["4"], ["4", "10"], [], ["10"]), 1):
            state: ListingState = "listed" if codes else "not-listed"
            at = f"2025-11-1{day}T03:00:00Z"
            f = finding("known-zen", state, codes=tuple(f"127.0.0.{c}" for c in codes), at=at)
            found.record([f, finding("cop", at=at)], w.NOW)
        f = finding("cop", "listed", "198.51.100.200", entries=(w.COP,))
        found.record([f], w.NOW)
        yield found


HISTORIES = {
    "history": [w.IP],
    "history-none": ["192.0.2.9"],
    "history-range": ["198.51.100.0/24", "198.51.100.200"],
}


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("name", HISTORIES)
def test_history(name: str, language: Language, world: Compiled, kept: Kept) -> None:
    targets = [target(t) for t in HISTORIES[name]]
    page = Page(io.BytesIO())
    lines = check_history.lines(kept, targets, Catalogue(world), language, page)
    golden(name, language, "\n".join(lines) + "\n")


def test_history_as_json(kept: Kept) -> None:
    rows = list(check_history.rows(kept, [target(w.IP)]))
    assert [(r.change, r.codes) for r in rows] == [
        ("listed", ("127.0.0.4",)),
        ("changed", ("127.0.0.4", "127.0.0.10")),
        ("gone", ("127.0.0.4", "127.0.0.10")),
        ("listed", ("127.0.0.10",)),
    ]
    assert rows[0].at == rows[1].first_seen == "2025-11-11T03:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "ja", "en"),
    [
        (0.2, "0 秒", "0 seconds"),
        (61, "1 分 1 秒", "1 minute 1 second"),
        (13_107, "3 時間 38 分", "3 hours 38 minutes"),
        (86_400 + 30, "1 日", "1 day"),
        (200_000, "2 日 7 時間", "2 days 7 hours"),
    ],
)
def test_spans(seconds: float, ja: str, en: str) -> None:
    assert (span(seconds, "ja"), span(seconds, "en")) == (ja, en)
