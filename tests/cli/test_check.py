"""`todoku check` as a command: what it refuses, what it hands to the run, what it prints where, and
its exit codes. The run itself is replaced by findings made by hand."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import pytest
from click.testing import CliRunner, Result

from tests import worlds
from tests.cli import check_world as w
from tests.cli.check_world import finding, unknown
from todoku import cli
from todoku.cli import check_lists
from todoku.cli.render import check_progress
from todoku.cli.render.check_words import NOTICE, notice
from todoku.i18n import LANGUAGES
from todoku.knowledge.load import lists_of
from todoku.knowledge.schema import Compiled
from todoku.lists import checking
from todoku.lists.kept import Kept
from todoku.lists.plan import Book, Terms
from todoku.lists.values import Clean, Notice, Progress, Request, Server, Unclear, Upstream

ROOT = Path(__file__).parents[2]


def schema(name: str) -> Any:
    return json.loads((ROOT / f"docs/reference/{name}.schema.json").read_text())


SCHEMA = schema("check")
SETTINGS = '[dns]\nresolver = "127.0.0.9"\n[general]\nuse = "private"\n'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return worlds.compiled(tmp_path_factory.mktemp("lists"), w.FILES)


class Check:
    """The command, with a run that gives `events` and notes what it was asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, world: Compiled) -> None:
        self.folder = folder
        self.events: Iterable[Any] = ()
        self.asked: Request | None = None
        self.closed = False
        self.terms: Terms | None = None
        self.settings = folder / "todoku.toml"
        self.settings.write_text(SETTINGS)
        self.data: Path | None = folder / "data"
        monkeypatch.setattr(checking, "run", self._run)
        monkeypatch.setattr("todoku.cli.setup.load.knowledge", lambda overlay: world)

    def _run(
        self,
        request: Request,
        knowledge: Compiled,
        terms: Terms,
        kept: Any,
        *,
        lang: str,
        book: Book,
    ) -> Iterator[Any]:
        assert self.asked is None, "asked twice"
        self.asked = request
        self.terms = terms
        self.lang = lang
        try:
            for event in self.events:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            kept.record([], w.NOW)  # the file is still open
            self.closed = True

    def __call__(self, *words: str, stdin: str = "", lang: str = "en") -> Result:
        self.asked = None
        config = ["--config", str(self.settings)]
        if self.data is not None:
            config += ["--data", str(self.data)]
        return CliRunner().invoke(
            cli.main,
            ["check", *config, "--lang", lang, *words],
            input=stdin,
            env={"HOME": str(self.folder), "COLUMNS": "80"},
        )

    @property
    def request(self) -> Request:
        assert self.asked is not None, "nothing was asked"
        return self.asked


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: Compiled) -> Check:
    return Check(tmp_path, monkeypatch, world)


def answers(*lists: str, who: str = w.IP) -> list[Any]:
    return [finding(x, who=who) for x in lists]


DEFAULT = ("brake", "known-zen", "cop", "white")
"""The lists of tier default that take an address."""
GOOD = answers(*DEFAULT)


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ([], ["nothing to check", "todoku check 192.0.2.1"]),
            (["--direct", "--server", "127.0.0.1", "x.jp"], ["--server --direct exclude"]),
            (["--resolver", "::1", "--direct", "x.jp"], ["--resolver --direct exclude"]),
            (["--plan", "--history", "x.jp"], ["--plan --history exclude"]),
            (["--resolver", "dns.example", "x.jp"], ["--resolver cannot be dns.example"]),
            (["--server", "127.0.0.1:0", "x.jp"], ["--server cannot be 127.0.0.1:0", "[::1]:5353"]),
            (["--rate", "fast", "x.jp"], ["--rate cannot be fast"]),
            (["--rate", "0", "x.jp"], ["--rate cannot be 0"]),
            (["--rate", "nan", "x.jp"], ["--rate cannot be nan"]),
            (
                ["--rate", "unlimited", "x.jp"],
                ["--rate unlimited is for a name server of your own"],
            ),
            (["--zone", "bl..example", "x.jp"], ["--zone bl..example is no name of a zone"]),
            (["--zone", "", "x.jp"], ["is no name of a zone"]),
            (["--list", "known-xen", "x.jp"], ["no list known-xen", "Near: known-zen"]),
            (["--list", "\x1b[2J", "x.jp"], ["no list \\x1b[2J"]),
            (["300.1.1.1"], ["'300.1.1.1' is no IPv4 address"]),
            (["10.0.0.0/8"], ["too large", "16,777,216"]),
            (["-"], ["nothing to check"]),
            (["--tier", "best", "x.jp"], ["--tier"]),
            (["--only", "bad", "x.jp"], ["--only"]),
            (["--deadline", "-1", "x.jp"], ["--deadline"]),
        ],
    )
    def test_wrong_usage_is_a_sentence(
        self, check: Check, words: list[str], said: list[str]
    ) -> None:
        got = check(*words)
        assert got.exit_code == 64
        assert got.stdout == ""
        for part in said:
            assert part in got.stderr
        assert check.asked is None

    def test_in_japanese(self, check: Check) -> None:
        assert "調べるものが指定されていません" in check(lang="ja").stderr
        assert "近いもの: known-zen" in check("--list", "known-xen", "x.jp", lang="ja").stderr

    @pytest.mark.parametrize("key", ["required", "add", "skip"])
    def test_a_list_of_the_settings_that_is_not_there(self, check: Check, key: str) -> None:
        check.settings.write_text(f'[lists]\n{key} = ["known-xen"]\n')
        got = check(w.IP)
        assert got.exit_code == 78
        assert f"[lists] {key} of the settings names known-xen" in got.stderr
        assert (
            "does not have. Near: known-zen, known-xbl, known-pbl. Nothing was asked." in got.stderr
        )
        assert check.asked is None


class TestKeyInAZone:
    """As it stands in the configuration of a mail server, from which people copy it."""

    @pytest.mark.parametrize("option", ["--zone", "--list"])
    @pytest.mark.parametrize(
        ("zone", "key"),
        [
            ("HUNTER2.zen.dq.known.example.", "known-dqs"),
            ("hunter2.zen.known.example", "known-dqs"),
            ("hunter2.ip.closed.example", "closed"),
        ],
    )
    def test_on_the_command_line(self, check: Check, option: str, zone: str, key: str) -> None:
        for lang in LANGUAGES:
            got = check(option, zone, "203.0.114.9", lang=lang)
            assert got.exit_code == 64
            assert f"<key>.{zone[8:].rstrip('.')}" in got.stderr
            assert "[lists.keys]" in got.stderr
            assert key in got.stderr
            assert "hunter2" not in got.output.lower()
            assert check.asked is None

    def test_in_the_settings(self, check: Check) -> None:
        check.settings.write_text('[lists]\nskip = ["hunter2.zen.dq.known.example"]\n')
        got = check("203.0.114.9")
        assert got.exit_code == 78
        assert "[lists.keys]" in got.stderr
        assert "hunter2" not in got.output

    def test_a_zone_beside_it_is_no_key(self, check: Check) -> None:
        check("--zone", "xzen.dq.known.example", "203.0.114.9")
        assert check.request.lists == ("xzen.dq.known.example",)


class TestKeys:
    def test_one_that_no_list_takes(self, check: Check) -> None:
        check.settings.write_text('[lists.keys]\nknown-dq = "hunter2"\n')
        got = check("203.0.114.9")
        assert got.exit_code == 78
        assert "no list takes a key of that name. Near: known-dqs." in got.stderr
        assert "hunter2" not in got.output
        assert check.asked is None

    def test_one_that_was_not_copied_as_a_whole(self, check: Check) -> None:
        check.settings.write_text(SETTINGS + '[lists.keys]\nknown-dqs = "hunt"\n')
        check.events = answers(*DEFAULT, who="203.0.114.9")
        got = check("203.0.114.9")
        assert got.exit_code == 0
        assert "the key known-dqs in [lists.keys] does not look as such keys do" in got.stderr
        assert "hunt" not in got.output
        assert check("--list", "cop", "203.0.114.9").stderr == ""
        check.settings.write_text(SETTINGS + '[lists.keys]\nknown-dqs = "hunter2"\n')
        assert check("203.0.114.9").stderr == ""


class TestGoesOn:
    """One thing that is wrong does not keep the others from being checked."""

    def test_an_identity_that_is_none(self, check: Check) -> None:
        check.events = GOOD
        got = check("nonsense", "203.0.114.9")
        assert [t.given for t in check.request.targets] == ["203.0.114.9"]
        assert "'nonsense' is not a whole name" in got.stderr
        assert got.exit_code == 3

    def test_a_list_that_is_none(self, check: Check) -> None:
        check.events = answers("cop", who="203.0.114.9")
        got = check("--list", "cop", "--list", "nope", "203.0.114.9")
        assert check.request.lists == ("cop",)
        assert "no list nope" in got.stderr
        assert got.exit_code == 3

    @pytest.mark.parametrize("ip", ["10.0.0.1", "192.0.2.1", "::1", "10.0.0.0/24", "mail.local"])
    def test_what_no_public_list_speaks_of(self, check: Check, ip: str) -> None:
        got = check(ip)
        assert "No public list speaks of it. To ask a list of your own, name it" in got.stderr
        assert got.exit_code == 3
        assert check.asked is None
        check.events = answers("cop", who="203.0.114.9")
        got = check(ip, "203.0.114.9")
        assert [t.given for t in check.request.targets] == ["203.0.114.9"]
        assert got.exit_code == 3

    @pytest.mark.parametrize("way", [("--zone", "bl.test"), ("--server", "127.0.0.1:53")])
    def test_but_ones_own_list_may(self, check: Check, way: tuple[str, str]) -> None:
        got = check(*way, "10.0.0.1")
        assert [t.given for t in check.request.targets] == ["10.0.0.1"]
        assert "No public list" not in got.stderr

    def test_a_list_on_standard_input(self, check: Check) -> None:
        check.events = answers(*DEFAULT, who="203.0.114.9")
        lines = "# ours\n203.0.114.9   # out\n\n203.0.114.10\r\n203.0.114.9\n" + "x\n" * 7
        got = check("-", "203.0.114.11", stdin=lines)
        given = [t.given for t in check.request.targets]
        assert given == ["203.0.114.9", "203.0.114.10", "203.0.114.11"]
        assert got.stderr.count("'x' is not a whole name") == 5
        assert "2 more lines could not be read" in got.stderr

    def test_where_nothing_can_be_kept(self, check: Check) -> None:
        (check.folder / "file").write_text("no folder")
        check.settings.write_text(SETTINGS + f'data = "{check.folder}/file"\n')
        check.data = None
        check.events = answers(*DEFAULT, who="203.0.114.9")
        got = check("203.0.114.9")
        assert got.exit_code == 0
        assert "What is found now is not kept." in got.stderr


class TestRequest:
    def test_by_default(self, check: Check) -> None:
        check("203.0.114.9", "example.jp")
        r = check.request
        assert r.lists == ("brake", "known-zen", "known-dbl", "cop", "white")
        assert r.upstream.kind == "resolver"
        assert r.upstream.servers == (Server("127.0.0.9", 53, recursive=True),)
        assert (r.rate, r.unlimited, r.deadline) == (None, False, 5.0)
        assert not r.fresh
        assert not r.restart
        assert check.terms == Terms(use="private")
        assert check.lang == "en"

    def test_the_words_of_the_command_line(self, check: Check) -> None:
        words = "--server [::1]:5301 --rate 2.5 --deadline 9 --fresh --restart --only listed"
        check(*words.split(), "--zone", "BL.Test.", "--list", "kzen", "203.0.114.9")
        r = check.request
        assert r.lists == ("known-zen", "bl.test")
        assert r.upstream.kind == "server"
        assert r.upstream.servers == (Server("::1", 5301, recursive=False),)
        assert (r.rate, r.unlimited, r.deadline) == (2.5, False, 9.0)
        assert r.fresh
        assert r.restart

    def test_unlimited(self, check: Check) -> None:
        check("--server", "127.0.0.1", "--rate", "unlimited", "203.0.114.9")
        assert check.request.unlimited
        assert check.request.rate is None

    def test_who_asks_faster_than_permitted_is_told(self, check: Check) -> None:
        check.events = answers(*DEFAULT, who="203.0.114.9")
        got = check("--rate", "21", "203.0.114.9")
        assert "Brakeacuda: at most 20 questions a second are permitted, so it is not" in got.stderr
        assert (check.request.rate, check.request.agreed) == (21, False)
        got = check("--rate", "21", "--agreed", "203.0.114.9")
        assert (check.request.rate, check.request.agreed, got.stderr) == (21, True, "")
        assert check.request.rate == 21
        for words in (("--rate", "20"), ("--rate", "99", "--server", "::1"), ("--list", "cop")):
            assert check(*words, "203.0.114.9").stderr == ""

    @pytest.mark.parametrize(
        ("words", "deadline"),
        [
            (["203.0.114.9"], 5.0),
            (["203.0.114.0/24"], None),
            (["203.0.114.9", "203.0.115.0/30"], None),
            (["--deadline", "7", "203.0.114.0/24"], 7.0),
            (["--deadline", "0", "203.0.114.9"], None),
            ([f"203.0.114.{n}" for n in range(16)], 5.0),
            ([f"203.0.114.{n}" for n in range(17)], None),
        ],
    )
    def test_deadline(self, check: Check, words: list[str], deadline: float | None) -> None:
        check(*words)
        assert check.request.deadline == deadline

    def test_direct_asks_the_resolver_for_servers(self, check: Check) -> None:
        servers = (Server("127.0.0.9"),)
        check("--direct", "203.0.114.9")
        assert check.request.upstream == Upstream(kind="direct", servers=servers)
        check.settings.write_text(SETTINGS.replace("[general]", "direct = true\n[general]"))
        check("203.0.114.9")
        assert check.request.upstream == Upstream(kind="direct", servers=servers)
        check("--resolver", "127.0.0.2:5353", "203.0.114.9")
        named = Upstream(kind="resolver", servers=(Server("127.0.0.2", 5353),))
        assert check.request.upstream == named

    def test_only_what_is_shown_of_a_range_is_made(self, check: Check) -> None:
        check("203.0.114.0/24")
        assert check.request.only == {"listed"}
        check("--json", "203.0.114.0/24")
        assert check.request.only == {"listed", "not-listed", "unknown"}
        check("--json", "--only", "unknown", "203.0.114.0/24")
        assert check.request.only == {"listed", "unknown"}


class TestLists:
    """Which lists are asked, and which of them decide."""

    @pytest.fixture
    def book(self, world: Compiled) -> Book:
        return Book(lists_of(world))

    @pytest.mark.parametrize(
        ("tiers", "more"),
        [
            ((), set()),
            (("default",), set()),
            (("key",), {"closed"}),
            (("optional",), {"closed", "range-2", "geo"}),  # not the parts of a whole
            (("candidate", "key"), {"closed", "range-2", "geo"}),
        ],
    )
    def test_tiers(self, book: Book, tiers: tuple[str, ...], more: set[str]) -> None:
        terms = Terms(use="private")
        got = check_lists.choose(book, terms, tiers=tiers)
        assert set(got.ids) == {*DEFAULT, "known-dbl"} | more
        assert got.required == {*DEFAULT, "known-dbl"}

    def test_what_the_use_does_not_permit_is_asked_for_and_decides_nothing(
        self, book: Book
    ) -> None:
        got = check_lists.choose(book, Terms(use="commercial"))
        assert "known-zen" in got.ids
        assert got.required == {"brake", "cop", "white", "known-dbl"}

    def test_a_key_opens_and_permits(self, book: Book) -> None:
        got = check_lists.choose(book, Terms(keys={"closed": "x", "known-dqs": "y"}))
        assert "closed" in got.ids
        assert got.required == {*DEFAULT, "known-dbl"}

    def test_settings(self, book: Book) -> None:
        terms = Terms(use="private", required=("cop", "geo"), add=("range-2", "known-xbl"),
                      skip=frozenset({"brake", "white"}))  # fmt: skip
        got = check_lists.choose(book, terms)
        assert set(got.ids) == {"known-zen", "known-dbl", "cop", "geo", "range-2", "known-xbl"}
        assert got.required == {"cop", "geo"}

    def test_named_ones_are_asked_whatever_the_settings_skip(self, book: Book) -> None:
        terms = Terms(skip=frozenset({"brake"}), required=("cop",))
        got = check_lists.choose(book, terms, lists=["brake", "sorry"], zones=["x.test"])
        assert got.ids == ("brake", "sorry", "x.test")
        assert got.required == set(got.ids)
        assert got.by_zone

    @pytest.mark.parametrize(
        ("name", "id_"),
        [
            ("known-zen", "known-zen"),
            ("Known-ZEN", "known-zen"),
            ("zen.known.example", "known-zen"),
            ("ZEN.known.example.", "known-zen"),
            ("zen.dq.known.example", "known-zen"),
            ("Known ZEN", "known-zen"),
            ("kzen", "known-zen"),
            ("zen", None),
        ],
    )
    def test_names(self, book: Book, name: str, id_: str | None) -> None:
        assert [e.id for e in check_lists.find(book, name)] == ([id_] if id_ else [])

    def test_no_list_left(self, check: Check) -> None:
        check.settings.write_text(
            '[lists]\nskip = ["brake", "known-zen", "known-dbl", "cop", "white"]\n'
        )
        got = check("203.0.114.9")
        assert got.exit_code == 64
        assert "there is no list to ask" in got.stderr


LISTED = finding("cop", "listed", "203.0.114.9", entries=(w.COP,))
LATE = unknown("known-zen", "timeout", "203.0.114.9")


class TestExitCode:
    """Through the whole command; tests/lists/test_outcome.py has the table."""

    @pytest.mark.parametrize(
        ("events", "code"),
        [
            (answers(*DEFAULT, who="203.0.114.9"), 0),
            ([LISTED, LATE], 2),
            ([LATE, *answers("cop", "brake", "white", who="203.0.114.9")], 3),
            ([], 3),
            ([finding("range-2", "listed", "203.0.114.9", entries=(w.LEVEL_2,)),
              *answers(*DEFAULT, who="203.0.114.9")], 1),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize(
        "words", [(), ("--json",), ("--quiet",), ("--only", "not-listed"), ("--json", "--only", "unknown")]
    )  # fmt: skip
    def test_it_is_the_same_whatever_is_shown(
        self, check: Check, events: list[Any], code: int, words: tuple[str, ...]
    ) -> None:
        check.events = events
        assert check(*words, "203.0.114.9").exit_code == code

    def test_a_range(self, check: Check) -> None:
        clean = [Clean("203.0.114.0/24", x, "z", 256) for x in DEFAULT]
        check.events = clean
        assert check("203.0.114.0/24").exit_code == 0
        check.events = [*clean, Unclear("203.0.114.0/24", "cop", "z", "timeout", 1)]
        assert check("203.0.114.0/24").exit_code == 3
        check.events = [*clean, LISTED]
        assert check("203.0.114.0/24").exit_code == 2

    def test_a_host_name_is_as_good_as_what_is_known_of_its_address(self, check: Check) -> None:
        told = Notice("addresses", {"name": "mx.a.jp", "addresses": ("203.0.114.9",)})
        check.events = [told, *answers("cop", who="203.0.114.9")]
        got = check("--list", "cop", "mx.a.jp")
        assert got.exit_code == 0
        assert "mx.a.jp has 203.0.114.9, which is checked too." in got.stderr
        check.events = answers("cop", who="203.0.114.9")
        assert check("--list", "cop", "mx.a.jp").exit_code == 3


class TestOutput:
    def test_json_is_findings_and_nothing_else(self, check: Check) -> None:
        check.events = [
            Notice("resolver-refused", {"lists": "Cop", "server": "127.0.0.9:53"}),
            LISTED, Progress(1, 9, 1, 3.0), LATE, *GOOD,
        ]  # fmt: skip
        got = check("--json", "203.0.114.9")
        rows = [json.loads(line) for line in got.stdout.splitlines()]
        assert [(r["list"], r["state"]) for r in rows[:2]] == [
            ("cop", "listed"),
            ("known-zen", "unknown"),
        ]
        assert len(rows) == 6
        for row in rows:
            jsonschema.validate(row, SCHEMA)
        assert "Cop turned away this resolver (127.0.0.9:53)" in got.stderr

    def test_only(self, check: Check) -> None:
        check.events = [LISTED, LATE, *GOOD]
        got = check("--json", "--only", "unknown", "203.0.114.9")
        assert [json.loads(x)["state"] for x in got.stdout.splitlines()] == ["unknown"]
        got = check("--only", "unknown", "203.0.114.9")
        assert "NOT KNOWN" in got.stdout
        assert "LISTED" not in got.stdout

    def test_hostile_words_do_no_harm_as_json(self, check: Check) -> None:
        text = "\x1b[2J\x7f\u202e\x9b31m"
        check.events = [finding("cop", "listed", "203.0.114.9", entries=(w.COP,), text=text)]
        got = check("--json", "203.0.114.9")
        assert json.loads(got.stdout)["text"] == text
        assert all(c.isprintable() or c == "\n" for c in got.stdout)

    def test_quiet_says_nothing_but_why_nothing_is_known(self, check: Check) -> None:
        check.events = [Notice("going-on", {"done": 1, "total": 2}), LISTED]
        got = check("--quiet", "203.0.114.9")
        assert (got.stdout, got.stderr) == ("", "")
        check.events = [Notice("resolver-silent", {"server": "127.0.0.9:53"})]
        got = check("--quiet", "203.0.114.9")
        assert got.stdout == ""
        assert "127.0.0.9:53 does not answer, so nothing is known." in got.stderr
        assert got.exit_code == 3

    def test_that_sweeps_go_on_is_told_once(self, check: Check) -> None:
        check.events = [
            Notice("resumed", {"done": 1_000, "total": 65_536, "list": x}) for x in DEFAULT
        ] + [Progress(4_000, 262_144, 0, None)]
        got = check("203.0.0.0/16")
        assert "going on where it stopped (4,000 of 262,144 are done" in got.stderr
        assert got.stderr.count("todoku:") == 1

    def test_what_was_found_is_shown_after_an_interruption(self, check: Check) -> None:
        check.events = [LISTED, KeyboardInterrupt()]
        got = check("203.0.114.9")
        assert got.exit_code == 130
        assert "203.0.114.9 is on 1 list that matters." in got.stdout
        assert "Stopped before the end" in got.stdout
        got = check("--json", "203.0.114.9")
        assert got.exit_code == 130
        assert json.loads(got.stdout)["state"] == "listed"

    @pytest.mark.parametrize("words", [(), ("--json",)])
    def test_a_reader_that_has_gone_does_not_lose_what_was_learned(
        self, check: Check, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
    ) -> None:
        """`todoku check ... | head`"""

        def gone(*_: object) -> NoReturn:
            raise BrokenPipeError

        monkeypatch.setattr("todoku.cli.check.harmless_json", gone)
        monkeypatch.setattr("todoku.cli.render.check_board.Board.add", gone)
        monkeypatch.setattr("todoku.cli.os.dup2", lambda *_: None)
        check.events = [LISTED, *GOOD]
        assert check(*words, "203.0.114.9").exit_code == 141
        assert check.closed

    def test_the_key_of_the_settings_shows_nowhere(self, check: Check) -> None:
        check.settings.write_text('[lists.keys]\nknown-dqs = "hunter2"\n')
        check.events = [LISTED, RuntimeError("boom")]
        for words in ([], ["--json"], ["--plan"], ["--plan", "--json"]):
            got = check(*words, "203.0.114.9")
            assert "hunter2" not in got.output

    def test_plan_asks_nothing(self, check: Check) -> None:
        got = check("--plan", "203.0.114.0/24")
        assert check.asked is None
        assert got.exit_code == 0
        assert "questions to 4 lists" in got.stdout
        told = json.loads(check("--plan", "--json", "203.0.114.0/24").stdout)
        jsonschema.validate(told, schema("check-plan"))
        assert told["questions"] == 4 * 259 == sum(x["questions"] for x in told["lists"])
        assert check("--plan", "--quiet", "203.0.114.0/24").stdout == ""

    def test_history_asks_nothing(self, check: Check) -> None:
        got = check("--history", "10.0.0.1")
        assert check.asked is None
        assert got.exit_code == 0
        assert got.stdout == "No listing of 10.0.0.1 was ever seen.\nIt was never asked about.\n"
        assert check("--history", "--json", "10.0.0.1").stdout == ""
        with Kept.open(check.data) as kept:
            kept.record([finding("cop", "listed", entries=(w.COP,))], w.NOW)
        row = json.loads(check("--history", "--json", w.IP).stdout)
        jsonschema.validate(row, schema("check-history"))
        assert (row["list"], row["change"], row["codes"]) == ("cop", "listed", ["127.0.0.2"])


class TestResolver:
    @pytest.mark.parametrize("server", ["203.0.113.53", "203.0.113.53:5353", "2001:db8:53::1"])
    def test_a_public_one_is_told_once_and_first(self, check: Check, server: str) -> None:
        told = {"lists": "Cop, Brakeacuda", "server": server}
        check.events = [LISTED, Notice("resolver-refused", told)]
        got = check("--resolver", server, "203.0.114.9")
        assert got.stderr.startswith("todoku: ")
        assert "is a public resolver (Open DNS Company)" in got.stderr
        assert got.stderr.count("todoku:") == 1
        assert check("--quiet", "--resolver", server, "203.0.114.9").stderr == ""

    def test_nothing_of_the_kind_is_said_of_others(self, check: Check) -> None:
        check.events = [LISTED]
        for words in (("--resolver", "127.0.0.1"), ("--server", "203.0.113.53"), ("--direct",)):
            assert check(*words, "203.0.114.9").stderr == ""

    def test_none_is_known(self, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("todoku.lists.servers.resolvers", tuple)
        check.settings.write_text("")
        got = check("--quiet", "203.0.114.9")
        assert got.exit_code == 3
        assert "no resolver is known (/etc/resolv.conf)" in got.stderr
        assert check.asked is None


class TestNotices:
    def test_all_that_the_room_says_have_words(self) -> None:
        import re

        source = "".join(p.read_text() for p in (ROOT / "src/todoku/lists").glob("*.py"))
        said = set(re.findall(r'Notice\(\s*"([a-z-]+)"', source))
        assert "resolver-silent" in said
        assert said - {"resumed"} <= set(NOTICE)

    @pytest.mark.parametrize("lang", LANGUAGES)
    def test_values_are_made_safe(self, lang: Any) -> None:
        told = notice(Notice("no-addresses", {"name": "a\x1b[2J"}), lang)
        assert "a\\x1b[2J" in told


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_progress_is_one_line_after_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, err = Clock(), io.StringIO()
    monkeypatch.setattr(check_progress, "time", clock)
    monkeypatch.setattr(sys, "stderr", err)
    line = check_progress.Line("en")
    line.show(Progress(1, 65_536, 0, None))
    line.clear()
    assert err.getvalue() == ""
    clock.now = 1.1
    line.show(Progress(10_000, 65_536, 3, 11_107.0))
    line.show(Progress(10_001, 65_536, 3, 11_107.0))
    line.clear()
    line.clear()
    assert err.getvalue() == (
        "\r\x1b[K10,000 of 65,536 questions, 3 listed, about 3 hours 5 minutes left\r\x1b[K"
    )


def test_progress_of_single_identities(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, err = Clock(), io.StringIO()
    monkeypatch.setattr(check_progress, "time", clock)
    monkeypatch.setattr(sys, "stderr", err)
    line = check_progress.Line("ja")
    for n in range(20):
        clock.now = n * 0.055
        line.answered()
    line.clear()
    assert err.getvalue() == "\r\x1b[K20 件の答え。残りを待っています\r\x1b[K"


HEAVY = {
    "asyncio", "concurrent.futures", "dns", "logging", "multiprocessing", "rich", "sqlalchemy",
    "ssl", "subprocess", "hyperscan", "todoku.store", "todoku.diagnosis", "todoku.reading",
    "todoku.knowledge.compiling", "todoku.knowledge.match", "difflib",
}  # fmt: skip


def test_it_imports_nothing_heavy(tmp_path: Path, free_port: Callable[[], int]) -> None:
    """Nothing listens at the server, so the run is short: the imports are those of any run."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "from todoku.cli import main\n"
        f"main(['check', '--json', '--quiet', '--server', '127.0.0.1:{free_port()}', '--zone', "
        "'bl.test', '--deadline', '0.05', '203.0.114.9'])\n"
    )

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            env={"HOME": str(tmp_path), "PATH": "", "TODOKU_CACHE": os.environ["TODOKU_CACHE"]},
            check=False,
        )

    run()  # may have to compile the knowledge
    done = run()
    assert done.returncode == 3, done.stderr
    (row,) = map(json.loads, done.stdout.splitlines())
    assert row["state"] == "unknown"
    loaded = set(done.stderr.decode().split())
    assert {m for m in loaded if m in HEAVY or m.split(".")[0] in HEAVY} == set()


@pytest.fixture
def free_port() -> Callable[[], int]:
    import socket

    def find() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            port: int = s.getsockname()[1]
            return port

    return find
