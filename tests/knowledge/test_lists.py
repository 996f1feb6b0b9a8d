"""How lists are asked: each fault of the data is found and named by file, line and list; the data
of the package says what the collected facts say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from todoku.knowledge import check, check_lists, compiling, files, load
from todoku.knowledge.schema import Ask, Desk, ListEntry, Text
from todoku.lists import health
from todoku.lists.codes import LISTINGS, Table, bit, span
from todoku.lists.values import Answer, HealthRecord

LIST: Final = """
schema = 1
id = "test"
origin = "own"
licence = "CC0"

[desks.form]
channel = "form"
url = "https://lists.example/remove"
note = { ja = "一度だけです。", en = "Only once." }

[[lists]]
id = "test-bl"
name = "Test BL"
zones = ["bl.lists.example"]
list_class = "abuse"
desk = "form"
source = ["https://lists.example/"]
date = "2026-11"

[lists.ask]
kinds = ["ipv4", "ipv6"]
tier = "default"
criterion = { ja = "迷惑メールの送信元", en = "senders of spam" }
test = { listed = ["127.0.0.2"], not_listed = ["127.0.0.1"] }
usage = { per_day = 1000, per_second = 2 }
key = { name = "test-key", required = false, pattern = "[a-z]+" }
codes = [
  { code = "127.0.0.2", meaning = { ja = "送信元", en = "sender" }, weight = 3, desk = "form" },
  { code = "127.0.0.4-127.0.0.9", meaning = { ja = "範囲", en = "range" }, class = "range" },
  { code = "127.0.X.9", meaning = { ja = "方針", en = "policy" }, class = "policy" },
  { code = "127.255.255.254", meaning = { ja = "拒否", en = "refused" }, class = "error" },
]

[[lists]]
id = "test-dead"
name = "Test dead"
zones = ["dead.lists.example"]
status = "dead"
source = ["https://lists.example/"]

[lists.ask]
kinds = ["ipv4"]
dead = "wildcard"
became = { ja = "終了した。", en = "It ended." }
moved_to = "test-bl"

[[lists]]
id = "test-dom"
name = "Test domains"
zones = ["dom.lists.example"]
source = ["https://lists.example/"]

[lists.ask]
kinds = ["domain"]
tier = "optional"
names = "registered"
code_mode = "bitmask"
criterion = { ja = "迷惑メールのドメイン", en = "domains of spam" }
codes = [
  { code = "bit 2", meaning = { ja = "黒", en = "black" } },
  { code = "bit 1", meaning = { ja = "拒否", en = "refused" }, class = "error", cause = "refused" },
]
"""


@pytest.fixture
def found(tmp_path: Path) -> Callable[[str], list[str]]:
    def run(text: str) -> list[str]:
        folder = tmp_path / "lists"
        folder.mkdir()
        (folder / "test.toml").write_text(text)
        return [p.replace(f"{folder}/", "") for p in check_lists.problems([tmp_path])]

    return run


def test_a_good_file_has_no_problem(found: Callable[[str], list[str]]) -> None:
    assert found(LIST) == []


DESK, BL, DEAD, DOM = (
    "test.toml: desk test/form",
    "test.toml:12: list test-bl",
    "test.toml:35: list test-dead",
    "test.toml:48: list test-dom",
)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        # ids, zones, heads
        ('id = "test-dom"', 'id = "test-bl"', "test.toml:48: list test-bl: the id stands a second"),
        ('["dom.lists', '["bl.lists', f"{DOM}: the zone bl.lists.example is that of {BL} already"),
        ('["dom.lists', '["DOM.lists', f"{DOM}: 'DOM.lists.example' is no zone"),
        ('example"]\nstatus', 'example "]\nstatus', f"{DEAD}: 'dead.lists.example ' is no zone"),
        ('"test-key",', '"test-key", zone = "dom.lists.example",', f"{DOM}: the zone dom.lists"),
        ('licence = "CC0"', "", f"{BL}: no `origin` or `licence`"),
        ('"2026-11"', '"November"', f"{BL}: 'November' is no date"),
        # words
        ('en = "senders of spam"', 'en = " "', f"{BL}: ask.criterion: no words in en"),
        ('ja = "送信元"', 'ja = ""', f"{BL}: ask.codes '127.0.0.2'.meaning: no words in ja"),
        ('ja = "黒"', 'ja = "black"', f"{DOM}: ask.codes 'bit 2'.meaning: the words in ja are not"),
        ('en = "Only once."', 'en = "一度だけ"', f"{DESK}: note: the words in en are not en"),
        # status, tier, what became of it
        ('dead = "wildcard"', 'tier = "optional"', f"{DEAD}: it is dead, but its tier is"),
        ('dead = "wildcard"', "", f"{DEAD}: it is dead, and no `dead` says"),
        (
            'became = { ja = "終了した。", en = "It ended." }',
            "",
            f"{DEAD}: it is dead, and no `became`",
        ),
        ('status = "dead"\n', "", f"{DEAD}: it is alive, but has `moved_to`"),
        ('status = "dead"\n', "", f"{DEAD}: it is alive, but `dead` says"),
        ('date = "2026-11"', 'status = "documented"', f"{BL}: it is documented: too little"),
        ('source = ["https://lists.example/"]\ndate', "date", f"{BL}: no `source`"),
        (
            'criterion = { ja = "迷惑メールのドメイン", en = "domains of spam" }',
            "",
            f"{DOM}: no `crit",
        ),
        ("test = { listed", "# { listed", f"{BL}: no test point, which the tier 'default' needs"),
        (
            'moved_to = "test-bl"',
            'moved_to = "test-dead"',
            f"{DEAD}: `moved_to` names the list its",
        ),
        (
            'names = "reg',
            'part_of = "test-dead"\nnames = "reg',
            f"{DOM}: `part_of`: test-dead is dead",
        ),
        # what may be asked
        ('zones = ["dom.lists.example"]', "", f"{DOM}: it has no zone, but the tier 'optional'"),
        ('kinds = ["domain"]', "kinds = []", f"{DOM}: it has no `kinds`"),
        ('kinds = ["domain"]', 'kinds = ["ipv4"]', f'{DOM}: `names = "registered"`, but it is not'),
        ('"ipv4", "ipv6"]', '"ipv4", "ipv4"]', f"{BL}: a kind stands twice"),
        ('names = "registered"', "ipv6_prefix = 64", f"{DOM}: `ipv6_prefix`, but it is not asked"),
        ('tier = "default"', 'tier = "default"\nipv6_prefix = 0', f"{BL}: `ipv6_prefix` is 0"),
        # codes
        ('"127.0.X.9"', '"127.0.X"', f"{BL}: code '127.0.X': no address of 127.0.0.0/8"),
        ('"127.0.X.9"', '"127.0.0.999"', f"{BL}: code '127.0.0.999': no address of 127.0.0.0/8"),
        ('"127.0.X.9"', '"10.0.0.2"', f"{BL}: code '10.0.0.2': no address of 127.0.0.0/8"),
        (
            "127.0.0.4-127.0.0.9",
            "127.0.0.9-127.0.0.4",
            f"{BL}: code '127.0.0.9-127.0.0.4': no addr",
        ),
        ('"127.0.X.9"', '"127.0.0.2"', f"{BL}: codes '127.0.0.2' and '127.0.0.2' overlap"),
        ('"127.0.0.2", m', '"127.0.9.X", m', f"{BL}: codes '127.0.9.X' and '127.0.X.9' overlap"),
        (
            '"127.0.0.2", m',
            '"127.0.0.8-127.0.0.13", m',
            f"{BL}: codes '127.0.0.8-127.0.0.13' and '127.0.0.4-127.0.0.9' overlap",
        ),
        ('"bit 1"', '"bit 3"', f"{DOM}: code 'bit 3': no bit of an octet"),
        ('"bit 1"', '"bit 2"', f"{DOM}: code 'bit 2': it stands twice"),
        ('code_mode = "bitmask"', "", f"{DOM}: code 'bit 2': a bit, without"),
        (
            'tier = "default"',
            'tier = "default"\ncode_mode = "bitmask"',
            f'{BL}: `code_mode = "bitm',
        ),
        (
            'class = "policy" }',
            'class = "policy", cause = "budget" }',
            f"{BL}: code '127.0.X.9': a `cause`, but it",
        ),
        (
            '"refused" }, class',
            '"refused" }, weight = 2, class',
            ": an error has neither weight nor",
        ),
        (
            'class = "range" }',
            'class = "range", scope = "ip" }',
            ": class range, but the scope is 'ip'",
        ),
        (
            'tier = "optional"',
            'tier = "optional"\nrole = "allow"',
            f"{DOM}: code 'bit 2': class abuse",
        ),
        ("weight = 3", "weight = 9", f"{BL}: code '127.0.0.2': the weight 9 is not within 0 to 8"),
        (
            "weight = 3",
            "weight = -3",
            f"{BL}: code '127.0.0.2': the weight -3 is not within 0 to 8",
        ),
        (
            '"refused" }, class = "error" }',
            '"refused" } }',
            f"{BL}: code '127.255.255.254': 127.255.2",
        ),
        (
            'tier = "default"',
            'tier = "default"\ncategory_octet = 3',
            f"{BL}: `category_octet`, without",
        ),
        ("weight = 3,", "", None),
        # test points
        (
            'listed = ["127.0.0.2"]',
            'listed = ["test"]',
            f"{BL}: the test point 'test' is domain, for",
        ),
        ('listed = ["127.0.0.2"]', 'listed = ["a b"]', f"{BL}: the test point 'a b' is neither"),
        (
            'listed = ["127.0.0.2"]',
            'listed = ["127.0.0.1"]',
            f"{BL}: the test point '127.0.0.1' is both",
        ),
        (
            '["127.0.0.1"] }',
            '["127.0.0.1"], gives = ["10.0.0.1"] }',
            f"{BL}: the answer '10.0.0.1' of",
        ),
        ('["ipv4", "ipv6"]', '["ipv6"]', None),  # 127.0.0.2 is nobody's address
        # terms
        ("per_day = 1000", "per_day = 0", f"{BL}: `per_day` is 0"),
        ("per_second = 2", "per_second = 0", f"{BL}: `per_second` is 0"),
        ("per_second = 2", 'url = "lists.example"', f"{BL}: 'lists.example' is no URL"),
        ('pattern = "[a-z]+"', 'pattern = "[a-z"', f"{BL}: `key.pattern` is no regular expression"),
        ('name = "test-key"', 'name = "Test key"', f"{BL}: the key's name 'Test key' is not made"),
    ],
)
def test_each_fault_is_named(
    found: Callable[[str], list[str]], old: str, new: str, complaint: str | None
) -> None:
    assert old in LIST
    text = LIST.replace(old, new, 1)
    problems = found(text)
    if complaint is None:
        assert problems == []
    else:
        assert [p for p in problems if complaint in p], problems


def test_a_list_that_became_another_says_which(found: Callable[[str], list[str]]) -> None:
    text = LIST.replace('status = "dead"', 'status = "merged"').replace('moved_to = "test-bl"', "")
    assert [p for p in found(text) if "it is merged, and no `moved_to` says into what" in p]


def test_parts_of_each_other(found: Callable[[str], list[str]]) -> None:
    text = LIST.replace('tier = "default"', 'tier = "default"\npart_of = "test-dom"')
    text = text.replace('tier = "optional"', 'tier = "optional"\npart_of = "test-bl"')
    assert [p for p in found(text) if "it and test-dom are parts of each other" in p]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('desk = "form"\nsource', 'desk = "mail"\nsource', "unknown desk 'test/mail'"),
        ('weight = 3, desk = "form"', 'desk = "x/y"', "unknown desk 'x/y'"),
        ('desk = "form" }', 'list = "no-such" }', "there is no list 'no-such'"),
        ('tier = "default"', 'tier = "default"\npart_of = "gone"', "there is no list 'gone'"),
    ],
)
def test_what_is_not_there_is_named_by_the_compiler(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "test.toml").write_text(LIST.replace(old, new, 1))
    problems = check.problems(files.DATA, [tmp_path])
    assert [p for p in problems if f"test.toml:12: list test-bl: {complaint}" in p], problems


def test_resolvers_are_addresses(tmp_path: Path) -> None:
    (tmp_path / "resolvers.toml").write_text(
        'schema = 1\n[[resolvers]]\nname = "A"\naddresses = ["192.0.2.1", "192.0.2.999"]\n'
        '[[resolvers]]\nname = "B"\naddresses = ["192.0.2.1"]\n'
    )
    wrong, twice = check_lists.problems([tmp_path])
    assert "A: '192.0.2.999' is neither an address nor a network" in wrong
    assert "B: 192.0.2.1 is that of A already" in twice


# ── the package's own ─────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def lists() -> dict[str, ListEntry]:
    return {e.id: e for e in load.lists_of(load.knowledge())}


def test_the_lists_of_the_package_are_sound() -> None:
    assert check_lists.problems([files.DATA]) == []


def test_public_resolvers() -> None:
    public = load.public_resolvers(load.knowledge())
    assert public["8.8.8.8"] == "Google Public DNS"
    assert public["1.1.1.1"].startswith("Cloudflare")
    assert "2620:fe::fe" in public


def test_three_ways_out_of_one_zone(lists: dict[str, ListEntry]) -> None:
    zen = lists["spamhaus-zen"].ask
    assert zen is not None
    desks = {c.code: c.desk for c in zen.codes}
    assert desks["127.0.0.2"] == "spamhaus/sbl"
    assert desks["127.0.0.4"] == "spamhaus/xbl"
    assert desks["127.0.0.10"] == "spamhaus/pbl"
    ways = {load.knowledge().desks[d].note for d in desks.values() if d}
    assert len(ways) == 4


def _health(entry: ListEntry, **given: str) -> Iterator[HealthRecord]:
    """By kind: the listed point answers by the table (or as given), all others NXDOMAIN."""
    ask = entry.ask
    assert ask is not None
    codes = [c.code for c in ask.codes if c.class_ != "error" and bit(c) is None and span(c)]
    codes += [f"127.0.0.{bit(c)}" for c in ask.codes if c.class_ != "error" and bit(c)]
    usual = (*ask.test.gives, *(c.split("-")[0].replace("X", "4") for c in codes), "127.0.0.2")[0]
    for kind in ask.kinds:
        answers = {}
        for p in health.questions(ask, kind, Random(1)):
            address = given.get(p.wants, usual if p.wants == "listed" else None)
            rcode, found = (0, (address,)) if address else (3, ())
            answers[p] = Answer(rcode=rcode, addresses=found, at=0.0)
        yield health.judge(entry, answers, 0.0)


def test_the_points_of_every_list_prove_it(lists: dict[str, ListEntry]) -> None:
    """A sound list is found sound, one that lists the world is not, and neither is one that turns
    the resolver away."""
    tried = 0
    for entry in lists.values():
        if entry.ask is None or entry.ask.tier == "never":
            continue
        for record in _health(entry):
            assert record.state == "ok", (entry.id, record)
            tried += 1
        for record in _health(entry, absent="127.0.0.2", random="127.0.0.2"):
            assert record.state == "failed" or not entry.ask.test.random, (entry.id, record)
        for record in _health(entry, listed="127.255.255.254"):
            assert (record.state, record.cause) == ("failed", "resolver-refused"), entry.id
    assert tried > 140


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("hostkarma", {"absent": "127.0.0.1"}),  # a good sender there
        ("dnswl", {"listed": "127.0.10.0"}),
        ("dronebl", {"listed": "127.0.0.2"}),
        ("surbl", {"listed": "127.0.0.254"}),
        ("uribl", {"listed": "127.0.0.14"}),
        ("spamrats", {"listed": "127.0.0.2"}),
        ("senderscore", {"listed": "127.0.0.31"}),
    ],
)
def test_known_answers_of_test_points(
    lists: dict[str, ListEntry], name: str, given: dict[str, str]
) -> None:
    assert {r.state for r in _health(lists[name], **given)} == {"ok"}


def test_a_refused_resolver_is_no_listing(lists: dict[str, ListEntry]) -> None:
    for name, address in (("uribl", "127.0.0.1"), ("dnswl", "127.0.0.255"), ("surbl", "127.0.0.1")):
        assert {r.cause for r in _health(lists[name], listed=address)} == {"resolver-refused"}
    botnet = Table(lists["senderscore"]).read(["127.0.0.1"])
    assert botnet.lists and botnet.error is None


def test_a_list_of_ones_own_and_one_of_the_package_changed(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "own.toml").write_text(OWN)
    assert check.problems(files.DATA, [tmp_path]) == []
    got = {e.id: e for e in load.lists_of(compiling.compile_files(files.DATA, [tmp_path]))}
    own, spamcop = got["partner-bl"], got["spamcop"]
    assert own.ask is not None and own.ask.tier == "default"
    assert own.ask.codes[0].desk == "partner/desk"
    assert spamcop.ask is not None and spamcop.ask.tier == "candidate"
    assert got["psbl"].ask is not None and got["psbl"].ask.tier == "default"


def test_the_example_of_the_documentation_is_the_tested_one() -> None:
    told = (Path(__file__).parents[2] / "docs" / "knowledge.md").read_text()
    assert OWN.strip() in told


OWN: Final = """
schema = 1
id = "partner"
origin = "Partner's postmaster page"
licence = "facts"

[desks.desk]
channel = "mail"
address = "postmaster@partner.example"
requires = ["cause-fixed"]

[[lists]]
id = "partner-bl"
name = "Partner BL"
zones = ["bl.partner.example"]
list_class = "abuse"
desk = "desk"
source = ["https://partner.example/bl"]
date = "2026-11-01"

[lists.ask]
kinds = ["ipv4"]
tier = "default"
criterion = { ja = "パートナー社のトラップ宛てに送信した", en = "sent to Partner's spam traps" }
test = { listed = ["127.0.0.2"], not_listed = ["127.0.0.1"], basis = "operator" }
codes = [
  { code = "127.0.0.2", meaning = { ja = "トラップ", en = "spam trap" }, weight = 4, desk = "desk" },
  { code = "127.0.0.3", meaning = { ja = "動的 IP", en = "dynamic" }, class = "policy" },
]

[[lists]]
id = "spamcop"
name = "SpamCop (not asked by default here)"
zones = ["bl.spamcop.net"]
list_class = "abuse"
desk = "spamcop/expiry"
source = ["https://www.spamcop.net/bl.shtml"]

[lists.ask]
kinds = ["ipv4"]
tier = "candidate"
"""


# ── against the collected facts ───────────────────────────────────────────────────────────────

FACTS: Final = Path(__file__).parents[3] / "shared" / "facts" / "dnsbl.jsonl"
here = pytest.mark.skipif(
    not FACTS.is_file(), reason="the facts ../shared/facts/dnsbl.jsonl are not here"
)

PRIVATE: Final = {
    "(private) ivmSIP": "invaluement",
    "(private) ivmSIP/24": "invaluement-24",
    "(private) ivmURI": "invaluement-uri",
}
KEYED: Final = re.compile(r"\A(?:zen|dbl|sbl|xbl|pbl)\.dq\.spamhaus\.net\Z")
"""The same lists as the public zones, asked with a key."""
ROLES: Final = {"combined": {"block"}, "reputation": {"block", "info"}}


def facts() -> list[dict[str, Any]]:
    if not FACTS.is_file():
        return []
    return [json.loads(line) for line in FACTS.read_text().splitlines()]


def of_zone(zone: str, lists: dict[str, ListEntry]) -> ListEntry:
    if zone in PRIVATE:
        return lists[PRIVATE[zone]]
    (found,) = (e for e in lists.values() if zone in e.zones)
    return found


@here
def test_every_zone_of_the_facts_is_a_list() -> None:
    assert len(facts()) == 443


def _first(fact: dict[str, Any], entry: ListEntry) -> bool:
    """Whether the fact speaks of the zone that is asked, not of a second or former one."""
    return fact["zone"] in PRIVATE or entry.zones[0] == fact["zone"]


@here
@pytest.mark.parametrize("fact", facts(), ids=lambda f: f["zone"])
def test_the_data_says_what_the_facts_say(
    fact: dict[str, Any], lists: dict[str, ListEntry]
) -> None:
    entry = of_zone(fact["zone"], lists)
    ask = entry.ask
    assert ask is not None
    if KEYED.match(fact["zone"]):
        assert ask.key is not None
        assert (ask.key.zone, ask.key.required, ask.key.lifts) == (fact["zone"], False, True)
    elif not _first(fact, entry):
        assert entry.zones[0] in {fact.get("renamed_to"), "bl.mailspike.net"}
        return
    else:
        assert entry.status == fact["status"]
        tier = fact["suggested_tier"]
        assert ask.tier == (tier if ask.kinds else "never")
        _terms(ask, fact.get("usage") or {})
        _time(ask, fact, lists)
    if "role" in fact:
        assert ask.role in ROLES.get(fact["role"], {fact["role"]})
    kinds = {k for k in fact.get("kinds", ()) if k in {"ipv4", "ipv6", "domain"}}
    assert set(ask.kinds) == kinds or "kinds" not in fact
    assert ask.code_mode == fact.get("code_mode", "exact")
    _codes(entry, ask, fact)
    _tests(ask, fact)
    _weights(entry, ask, fact)
    _ways(entry, fact, load.knowledge().desks)


BY_ISP: Final = "e-mail by the ISP"
"""Trend Micro: besides the form of whoever holds the address."""
_HOURS: Final = {"h": 1, "d": 24, "w": 168}


def _ways(entry: ListEntry, fact: dict[str, Any], desks: dict[str, Desk]) -> None:
    """The desk is the one that the facts tell, and entries end when they say."""
    told = fact.get("removal") or {}
    methods = told.get("method", [])
    if methods and BY_ISP not in methods:
        desk = desks[entry.desk or ""]
        wanted = (
            "mail" if "e-mail" in methods
            else "form" if any("form" in m for m in methods)
            else "none" if "none" in methods
            else "automatic"
        )  # fmt: skip
        assert desk.channel == wanted
        assert desk.url == told.get("url", desk.url)
        assert desk.address == told.get("address")
    elif methods:
        assert told["address"] in (desks[entry.desk or ""].note or Text("", "")).en
    ends = re.match(r"(?:about )?(\d+)[.\d]* ?([hdw])", fact.get("expiry", ""))
    if ends is not None:
        expires = desks[entry.desk or ""].expires or ""
        assert int(expires[:-1]) * _HOURS[expires[-1]] == int(ends[1]) * _HOURS[ends[2]]


def _weights(entry: ListEntry, ask: Ask, fact: dict[str, Any]) -> None:
    """No lighter than mailcow weighs it, good news on its own side of nothing."""
    scores = fact.get("weights", {}).get("postscreen_mailcow", {})
    if isinstance(scores, int):
        assert ask.weight is not None and ask.weight >= scores
        return
    table = Table(entry)
    for pattern, score in scores.items():
        code = re.sub(r"\[(\d+)(?:;\d+|\.\.\d+)+\]", r"\1", pattern)
        code = f"127.0.9{code}" if code.startswith(".") else code
        (meaning,) = table.read([code]).meanings
        assert meaning.weight is not None and meaning.weight * score > 0, code
        assert abs(meaning.weight) >= abs(score), code


def _codes(entry: ListEntry, ask: Ask, fact: dict[str, Any]) -> None:
    told = {c.code: c.class_ for c in ask.codes}
    for code, meant in fact.get("codes", {}).items():
        code = {"127.0.10.X": "127.0.10.0-127.0.10.255"}.get(code, code)
        wanted = {"abuse", "range"} if meant["class"] == "listed" else {meant["class"]}
        assert told[code] in wanted, code
    table = Table(entry)  # and the reader of answers sees the same
    for code, meant in fact.get("codes", {}).items():
        address = code.split("-")[0].replace("X", "7" if code != "127.0.10.X" else "3")
        address = re.sub(r"bit (\d+)", r"127.0.0.\1", address)
        (meaning,) = table.read([address]).meanings
        listing = meant["class"] == "listed"
        assert (
            (meaning.class_ in LISTINGS - {"policy"})
            if listing
            else (meaning.class_ == meant["class"])
        ), code


def _tests(ask: Ask, fact: dict[str, Any]) -> None:
    test = fact.get("test")
    if test is None:
        assert not ask.test.listed or KEYED.match(fact["zone"])
    else:
        assert set(test["listed"]) <= set(ask.test.listed)
        assert tuple(test.get("not_listed", ())) == ask.test.not_listed
        basis = fact["test_basis"]
        known = basis if basis in {"operator", "rfc5782"} else "third-party"
        assert ask.test.basis == known


def _terms(ask: Ask, usage: dict[str, Any]) -> None:
    limits = usage.get("limits")
    limits = limits if isinstance(limits, dict) else {}
    assert ask.usage.per_day == limits.get("queries_per_day")
    assert ask.usage.per_second == limits.get("queries_per_second")
    assert (ask.usage.commercial == "agreement") == ("commercial" in usage)
    assert ask.usage.public_resolvers == ("public_resolvers" not in usage)
    assert ask.usage.registration == ("registration" in usage)
    if "key" in usage and "no public DNS zone" not in usage["key"]:
        assert ask.key is not None or ask.part_of == "spamhaus-zen"


def _time(ask: Ask, fact: dict[str, Any], lists: dict[str, ListEntry]) -> None:
    assert ask.since == fact.get("status_date")
    assert ask.lookup_url == fact.get("lookup_url")
    assert ask.dead == fact.get("dead_behaviour")
    if fact["status"] in {"dead", "fraudulent", "merged"}:
        assert ask.became is not None
    for field, id_ in (("part_of", ask.part_of), ("merged_into", ask.moved_to)):
        if field in fact:
            assert id_ == of_zone(fact[field], lists).id
