"""From an answer to a finding. The table is the rule; properties hold for every answer."""

from __future__ import annotations

import json
import time
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lists import shapes
from todoku.i18n import LANGUAGES, Language
from todoku.knowledge.load import knowledge, lists_of
from todoku.knowledge.schema import Ask, Code, ListEntry, Text
from todoku.lists import causes, codes, plan
from todoku.lists.judging import MAX_CODES, MAX_TEXT, Judge, stamp
from todoku.lists.values import Answer, HealthRecord
from todoku.model import (
    Finding,
    Health,
    Removal,
    Subject,
    UnknownCause,
    to_json,
)

V4 = Subject("ip", "198.18.0.7")
V6 = Subject("ip", "2001:db8::7")
NAME = Subject("hostname", "mail.example.co.jp")
AT = 1_795_489_200.0

OK = HealthRecord(state="ok", at=AT)
UNTESTED = HealthRecord(state="untested", at=AT)
FAILED = HealthRecord(
    state="failed", cause="list-broken", detail={"ja": "全部載せる", "en": "lists the world"}, at=AT
)


def answer(*addresses: str, rcode: int | None = 0, **more: Any) -> Answer:
    return Answer(
        rcode=rcode,
        addresses=addresses,
        at=AT,
        asked="name.bl.acme.test",
        server="[::1]:53",
        **more,
    )


ABSENT = answer(rcode=3)
NOTHING = answer()

RULES: list[
    tuple[
        str,
        ListEntry,
        Answer,
        Literal["listed", "not-listed"] | UnknownCause,
        list[str],
        bool,
    ]
] = [
    # (what it is, list, answer, state or cause, classes of the entries, partial)
    ("no such name", shapes.EXACT, ABSENT, "not-listed", [], False),
    ("a name without addresses", shapes.EXACT, NOTHING, "not-listed", [], False),
    ("no answer", shapes.EXACT, answer(rcode=None), "timeout", [], False),
    ("SERVFAIL", shapes.EXACT, answer(rcode=2), "servfail", [], False),
    ("REFUSED", shapes.EXACT, answer(rcode=5), "refused", [], False),
    ("FORMERR", shapes.EXACT, answer(rcode=1), "refused", [], False),
    ("NOTIMP", shapes.EXACT, answer(rcode=4), "refused", [], False),
    ("any other rcode", shapes.EXACT, answer(rcode=11), "refused", [], False),
    ("truncated", shapes.EXACT, answer(truncated=True), "truncated", [], False),
    ("truncated, partly read", shapes.BARE, answer("127.0.0.2", truncated=True), "truncated", [], False),
    ("SERVFAIL with an address", shapes.BARE, answer("127.0.0.2", rcode=2), "servfail", [], False),
    ("no such name, and yet", shapes.BARE, answer("127.0.0.2", rcode=3), "list-broken", [], False),
    # exact tables
    ("a code", shapes.EXACT, answer("127.0.0.2"), "listed", ["abuse"], False),
    ("a range's first", shapes.EXACT, answer("127.0.0.3"), "listed", ["abuse"], False),
    ("a range's last", shapes.EXACT, answer("127.0.0.7"), "listed", ["abuse"], False),
    ("an address before its range", shapes.EXACT, answer("127.0.0.5"), "listed", ["policy"], False),
    ("a range-wide listing", shapes.EXACT, answer("127.0.0.9"), "listed", ["range"], False),
    ("a shape", shapes.EXACT, answer("127.0.1.99"), "not-listed", ["info"], False),
    ("an address before its shape", shapes.EXACT, answer("127.0.1.7"), "listed", ["abuse"], False),
    ("the narrowest of its ranges", shapes.NESTED, answer("127.0.0.5"), "listed", ["policy"], False),
    ("the wider of its ranges", shapes.NESTED, answer("127.0.0.6"), "listed", ["abuse"], False),
    ("a shape of errors", shapes.NESTED, answer("127.255.255.7"), "no-key", ["error"], False),
    ("good news", shapes.EXACT, answer("127.0.0.200"), "not-listed", ["allow"], False),
    ("an error of its table", shapes.EXACT, answer("127.0.0.255"), "resolver-refused", ["error"], False),
    ("an error with a cause", shapes.EXACT, answer("127.0.0.254"), "budget", ["error"], False),
    ("one of the common errors, named", shapes.EXACT, answer("127.255.255.252"), "no-key", ["error"], False),
    ("one of the common errors", shapes.EXACT, answer("127.255.255.254"), "resolver-refused", ["error"], False),
    ("an unknown code", shapes.EXACT, answer("127.0.0.8"), "unknown-code", [], False),
    ("127.0.0.1", shapes.EXACT, answer("127.0.0.1"), "unknown-code", [], False),
    ("a parked domain", shapes.EXACT, answer("203.0.113.9"), "not-loopback", [], False),
    ("0.0.0.0", shapes.EXACT, answer("0.0.0.0"), "not-loopback", [], False),
    ("what is no address", shapes.EXACT, answer("::1", "nonsense"), "not-loopback", [], False),
    # several addresses
    ("two listings", shapes.EXACT, answer("127.0.0.4", "127.0.0.2"), "listed", ["abuse", "abuse"], False),
    ("twice the same", shapes.EXACT, answer("127.0.0.2", "127.0.0.2"), "listed", ["abuse"], False),
    ("a listing and good news", shapes.EXACT, answer("127.0.0.200", "127.0.0.2"), "listed", ["abuse", "allow"], False),
    ("a listing and an error", shapes.EXACT, answer("127.0.0.255", "127.0.0.2"), "listed", ["abuse", "error"], True),
    ("a listing and an unknown code", shapes.EXACT, answer("127.0.0.8", "127.0.0.2"), "listed", ["abuse"], True),
    ("a listing and a foreign address", shapes.EXACT, answer("203.0.113.9", "127.0.0.2"), "listed", ["abuse"], True),
    ("good news and an error", shapes.EXACT, answer("127.0.0.200", "127.0.0.255"), "resolver-refused", ["allow", "error"], False),
    ("good news and an unknown code", shapes.EXACT, answer("127.0.0.200", "127.0.0.8"), "unknown-code", ["allow"], False),
    ("an error before a foreign address", shapes.EXACT, answer("127.0.0.255", "203.0.113.9"), "resolver-refused", ["error"], False),
    # tables that are open, or not there
    ("open: a code", shapes.OPEN, answer("127.0.0.2"), "listed", ["policy"], False),
    ("open: another code", shapes.OPEN, answer("127.0.0.44"), "listed", ["range"], False),
    ("open: a common error", shapes.OPEN, answer("127.255.255.255"), "resolver-refused", ["error"], False),
    ("open: 127.0.0.1", shapes.OPEN, answer("127.0.0.1"), "unknown-code", [], False),
    ("no table", shapes.BARE, answer("127.0.0.2"), "listed", ["abuse"], False),
    ("no table: any code", shapes.BARE, answer("127.1.2.3"), "listed", ["abuse"], False),
    ("no table: 127.0.0.1", shapes.BARE, answer("127.0.0.1"), "unknown-code", [], False),
    ("no table: 127.0.0.0", shapes.BARE, answer("127.0.0.0"), "unknown-code", [], False),
    ("no table: a common error", shapes.BARE, answer("127.255.255.1"), "resolver-refused", ["error"], False),
    ("no table: the class of the list", shapes.LIST_CLASS, answer("127.0.0.2"), "listed", ["policy"], False),
    ("a wide table and a common error", shapes.WIDE, answer("127.255.255.254"), "resolver-refused", ["error"], False),
    ("unless the table says so itself", shapes.WIDE, answer("127.255.255.1"), "listed", ["abuse"], False),
    # bits of the last octet
    ("a bit", shapes.BITS, answer("127.0.0.2"), "listed", ["abuse"], False),
    ("two bits", shapes.BITS, answer("127.0.0.10"), "listed", ["abuse", "policy"], False),
    ("bits in other octets do not count", shapes.BITS, answer("127.0.2.8"), "listed", ["policy"], False),
    ("a bit that is no listing", shapes.BITS, answer("127.0.0.4"), "not-listed", ["info"], False),
    ("the error bit", shapes.BITS, answer("127.0.0.1"), "resolver-refused", ["error"], False),
    ("the error bit and a listing", shapes.BITS, answer("127.0.0.3"), "listed", ["abuse", "error"], True),
    ("the error bit and information", shapes.BITS, answer("127.0.0.5"), "resolver-refused", ["error", "info"], False),
    ("an unknown bit", shapes.BITS, answer("127.0.0.64"), "unknown-code", [], False),
    ("an unknown bit and a listing", shapes.BITS, answer("127.0.0.66"), "listed", ["abuse"], True),
    ("an unknown bit and information", shapes.BITS, answer("127.0.0.68"), "unknown-code", ["info"], False),
    ("no bit", shapes.BITS, answer("127.0.0.0"), "unknown-code", [], False),
    ("an address before its bits", shapes.BITS, answer("127.255.255.255"), "not-permitted", ["error"], False),
    ("a common error, with bits", shapes.BITS, answer("127.255.255.254"), "resolver-refused", ["error"], False),
    # 127.0.0.1 where a table says what it means
    ("127.0.0.1 as a good sender", shapes.WHITE_ONE, answer("127.0.0.1"), "not-listed", ["allow"], False),
    ("127.0.0.1 as a listing", shapes.BOTNET_ONE, answer("127.0.0.1"), "listed", ["abuse"], False),
    # lists that make nobody listed
    ("an allow list", shapes.STRUCTURED, answer("127.0.5.3"), "not-listed", ["allow"], False),
    ("an allow list's error", shapes.STRUCTURED, answer("127.0.5.255"), "resolver-refused", ["error"], False),
    ("an allow list without a table", shapes.GOOD, answer("127.0.0.2"), "not-listed", ["allow"], False),
    ("a score", shapes.SCORE, answer("127.0.4.87"), "not-listed", ["info"], False),
    ("a list of countries", shapes.COUNTRIES, answer("127.0.0.2"), "not-listed", ["info"], False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "got", "wanted", "classes", "partial"),
    [r[1:] for r in RULES],
    ids=[r[0] for r in RULES],
)
def test_what_an_answer_comes_to(
    entry: ListEntry, got: Answer, wanted: str, classes: list[str], partial: bool
) -> None:
    found = finding(entry, got)
    state = wanted if wanted in {"listed", "not-listed"} else "unknown"
    assert found.state == state
    assert found.cause == (wanted if state == "unknown" else None)
    assert sorted(e.class_ for e in found.entries) == classes
    assert found.partial is partial
    assert set(found.codes) == set(got.addresses)
    assert (found.detail is not None) == (state == "unknown")


def finding(
    entry: ListEntry,
    got: Answer,
    health: HealthRecord = OK,
    subject: Subject = V4,
    lang: Language = "en",
    **more: Any,
) -> Finding:
    return Judge(entry, shapes.DESKS, lang).finding(subject, got, health, **more)


# ── health comes first ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("got", [answer("127.0.0.2"), ABSENT, answer(rcode=2), answer(rcode=None)])
def test_a_list_that_failed_says_nothing(got: Answer) -> None:
    found = finding(shapes.BARE, got, FAILED)
    assert (found.state, found.cause, found.health) == ("unknown", "list-broken", "failed")
    assert found.detail == "lists the world"
    assert found.entries == ()
    assert found.codes == got.addresses  # the evidence stays


def test_a_failure_keeps_its_cause() -> None:
    refused = HealthRecord(state="failed", cause="resolver-refused", at=AT)
    found = finding(shapes.BARE, answer("127.0.0.2"), refused)
    assert (found.state, found.cause) == ("unknown", "resolver-refused")
    assert found.detail and "Acme BL" in found.detail


def test_an_untested_list_may_list_but_not_clear() -> None:
    assert finding(shapes.BARE, answer("127.0.0.2"), UNTESTED).state == "listed"
    clear = finding(shapes.BARE, ABSENT, UNTESTED)
    assert (clear.state, clear.cause, clear.health) == ("unknown", "list-broken", "untested")
    assert clear.detail and "proves nothing" in clear.detail


def test_an_untested_list_that_was_seen_to_list_something_may_clear() -> None:
    assert finding(shapes.BARE, ABSENT, UNTESTED, proven=True).state == "not-listed"


def test_an_entry_proves_itself() -> None:
    """An untested allow list that knows the address has shown that it lists something."""
    found = finding(shapes.GOOD, answer("127.0.0.2"), UNTESTED)
    assert (found.state, len(found.entries)) == ("not-listed", 1)


def test_the_cause_of_an_answer_beats_that_of_being_untested() -> None:
    assert finding(shapes.BARE, answer(rcode=2), UNTESTED).cause == "servfail"
    assert finding(shapes.BARE, answer("127.255.255.254"), UNTESTED).cause == "resolver-refused"


# ── what an entry says ────────────────────────────────────────────────────────────────────────


def test_an_entry_is_told_in_the_language_of_the_run_with_its_way_out() -> None:
    meanings: dict[Language, str] = {"ja": "意味 127.0.0.2", "en": "sense 127.0.0.2"}
    for lang, meaning in meanings.items():
        (e,) = finding(shapes.EXACT, answer("127.0.0.2"), lang=lang).entries
        assert (e.code, e.meaning, e.scope) == ("127.0.0.2", meaning, "ip")
        assert (e.weight, e.list) == (4.0, "acme-sbl")
        assert e.removal == Removal(
            "form", "https://acme.test/remove", None, ("cause-fixed",), "7d"
        )


def test_a_code_may_have_its_own_way_out() -> None:
    (e,) = finding(shapes.EXACT, answer("127.0.0.5")).entries
    assert e.removal == Removal("mail", None, "pbl@acme.test")
    assert e.weight == 1.0  # of the list


def test_nobody_is_removed_from_what_is_no_listing() -> None:
    for got in (answer("127.0.0.200"), answer("127.0.1.1"), answer("127.0.0.255")):
        (e,) = finding(shapes.EXACT, got).entries
        assert e.removal is None
        assert e.weight is None


def test_a_list_without_a_desk_has_no_way_out() -> None:
    (e,) = finding(shapes.SILENT, answer("127.0.0.2")).entries
    assert e.removal is None
    assert e.meaning


def test_a_list_without_a_table_tells_its_criterion() -> None:
    (e,) = finding(shapes.BARE, answer("127.0.0.2"), lang="ja").entries
    assert e.meaning == "スパムを送った"


def test_the_octet_that_a_structured_code_leaves_open_is_named() -> None:
    def meaning(entry: ListEntry, address: str, lang: Language) -> str:
        (e,) = finding(entry, answer(address), lang=lang).entries
        return e.meaning

    assert meaning(shapes.STRUCTURED, "127.0.5.3", "en") == "sense 127.0.X.3 (service provider)"
    assert meaning(shapes.STRUCTURED, "127.0.5.3", "ja") == "意味 127.0.X.3（通信事業者）"
    assert meaning(shapes.STRUCTURED, "127.0.99.3", "en") == "sense 127.0.X.3 (99)"
    assert meaning(shapes.SCORE, "127.0.4.87", "en") == "sense 127.0.4.X (87)"


@pytest.mark.parametrize(
    ("entry", "subject", "got", "scope"),
    [
        (shapes.BARE, V4, "127.0.0.2", "ip"),
        (shapes.BARE, V6, "127.0.0.2", "ip"),
        (shapes.BARE, NAME, "127.0.0.2", "domain"),
        (shapes.SLASH64, V6, "127.0.0.2", "range"),
        (shapes.SLASH64, V4, "127.0.0.2", "ip"),
        (shapes.EXACT, V4, "127.0.0.9", "asn"),
        (shapes.OPEN, V4, "127.0.0.9", "range"),
        (shapes.entry(scope="range"), V4, "127.0.0.2", "range"),
    ],
)
def test_what_an_entry_covers(entry: ListEntry, subject: Subject, got: str, scope: str) -> None:
    (e,) = finding(entry, answer(got), subject=subject).entries
    assert e.scope == scope


def test_codes_are_sorted_as_addresses_and_what_is_none_stands_last() -> None:
    found = finding(shapes.BARE, answer("not one", "203.0.113.9", "127.0.0.2", "8.8.8.8"))
    assert found.codes == ("8.8.8.8", "127.0.0.2", "203.0.113.9", "not one")


def test_the_evidence_of_a_finding() -> None:
    got = answer("127.0.0.4", "127.0.0.10", "127.0.0.2", took=0.0012345)
    found = finding(shapes.BARE, got, text="reason", first_seen="2026-11-01T00:00:00Z")
    assert found.identity == V4
    assert (found.list, found.zone, found.role) == ("acme", "bl.acme.test", "block")
    assert found.codes == ("127.0.0.2", "127.0.0.4", "127.0.0.10")  # as numbers, not as text
    assert [e.code for e in found.entries] == list(found.codes)
    assert (found.asked, found.server, found.took_ms) == ("name.bl.acme.test", "[::1]:53", 1.234)
    assert (found.text, found.first_seen) == ("reason", "2026-11-01T00:00:00Z")
    assert (found.health, found.at) == ("ok", "2026-11-24T03:00:00Z")


def test_words_of_a_list_are_not_endless() -> None:
    for length, shown in ((MAX_TEXT, "x" * MAX_TEXT), (4000, "x" * (MAX_TEXT - 1) + "…")):
        assert finding(shapes.BARE, answer("127.0.0.2"), text="x" * length).text == shown


def test_a_flood_of_addresses_is_judged_whole_and_shown_in_part() -> None:
    flood = [f"127.0.1.{n}" for n in range(256) if n != 7] * 2 + ["127.0.200.1"] * 3
    found = finding(shapes.EXACT, answer(*flood, "127.0.1.7"))
    assert found.state == "listed"
    assert len(found.codes) == len(found.entries) == MAX_CODES
    assert found.entries[0].class_ == "abuse"


# ── keys ──────────────────────────────────────────────────────────────────────────────────────


def test_what_is_kept_of_answers_read_before_is_bounded() -> None:
    table = codes.Table(shapes.EXACT)
    for n in range(2 * codes.MOST_KNOWN):
        addresses = (f"127.1.{n >> 8}.{n & 255}", "127.0.0.2")
        assert table.read(addresses) == table.read(list(addresses))
    assert len(table._known) == codes.MOST_KNOWN


def test_a_key_is_in_nothing_that_is_said() -> None:
    key = "SeCrEtKeY0123456789abcdef1"
    judge = Judge(shapes.KEYED, shapes.DESKS, "en", zone="dq.acme.test", key=key)
    got = answer("127.0.0.2", text=f"see https://acme.test/?k={key.lower()}&x={key}")
    got = msgspec.structs.replace(got, asked=f"7.0.18.198.{key.upper()}.dq.acme.test")
    broken = HealthRecord(
        state="failed", cause="refused", detail={"ja": f"{key} は…", "en": f"{key} is..."}, at=AT
    )
    for found in (
        judge.finding(V4, got, OK),
        judge.finding(V4, got, broken),
        judge.not_asked(V4, "refused", AT, health=broken),
    ):
        assert key.lower() not in to_json(found).decode().lower()
        assert found.zone == "dq.acme.test"
    shown = judge.finding(V4, got, OK)
    assert shown.asked == "7.0.18.198.<key>.dq.acme.test"
    assert shown.text == "see https://acme.test/?k=<key>&x=<key>"


# ── not asked ─────────────────────────────────────────────────────────────────────────────────

DEAD = shapes.entry(
    status="dead",
    dead="wildcard",
    since="2024-07-22",
    became=Text(ja="閉鎖した。", en="It closed."),
)
MERGED = shapes.entry(status="merged", moved_to="acme-new")
GONE_ON = shapes.entry(status="dead", since="2019", moved_to="acme-new")
FRAUD = shapes.entry(status="fraudulent", became=Text(ja="金を取る。", en="It takes money."))
PRIVATE = msgspec.structs.replace(
    shapes.entry(kinds=(), lookup_url="https://acme.test/look"), zones=()
)

WHY: list[tuple[ListEntry, UnknownCause, tuple[str, ...]]] = [
    (DEAD, "list-dead", ("Acme BL", "2024-07-22", "closed", "take it out")),
    (MERGED, "list-dead", ("acme-new", "--list acme-new")),
    (GONE_ON, "list-dead", ("out of service (2019)", "--list acme-new")),
    (FRAUD, "list-dead", ("no list to be trusted", "takes money")),
    (shapes.KEYED, "no-key", ("https://acme.test/terms", "acme-dq", "[lists.keys]")),
    (shapes.KEYED, "not-permitted", ("commercial", "acme-dq", 'use = "private"')),
    (shapes.REGISTERED, "not-permitted", ("agreement", "https://acme.test/register")),
    (PRIVATE, "not-permitted", ("public DNS", "https://acme.test/look")),
    (shapes.KEYED, "budget", ("1,000 a day",)),
    (shapes.BARE, "budget", ("used up",)),
    (shapes.BARE, "timeout", ("in time",)),
    (shapes.BARE, "servfail", ("SERVFAIL",)),
    (shapes.BARE, "resolver-refused", ("--direct",)),
    (shapes.BARE, "list-broken", ("health test",)),
    (shapes.BARE, "refused", ("health test",)),
]


@pytest.mark.parametrize(("entry", "cause", "words"), WHY)
def test_what_is_not_asked_says_why(
    entry: ListEntry, cause: UnknownCause, words: tuple[str, ...]
) -> None:
    found = Judge(entry, {}, "en").not_asked(V4, cause, AT)
    assert (found.state, found.cause, found.asked) == ("unknown", cause, None)
    assert found.health == "untested"
    assert found.detail is not None
    for part in words:
        assert part in found.detail
    ja = Judge(entry, {}, "ja").not_asked(V4, cause, AT).detail
    assert ja is not None
    assert any(ord(c) > 0x3000 for c in ja)


@pytest.mark.parametrize(
    ("since", "became", "told"),
    [
        ("2013-03", None, " (2013-03)."),
        ("2013-03", "It lists the world.", " (2013-03). It lists the world."),
        ("2013-03-02", "Closed in 2013-03.", ". Closed in 2013-03."),
        (None, "It is gone.", ". It is gone."),
    ],
)
def test_the_date_of_a_death_is_told_once(since: str | None, became: str | None, told: str) -> None:
    ask = Ask(since=since, became=Text(ja=became, en=became) if became else None)
    entry = ListEntry(id="x", name="X", zones=("x.test",), status="dead", ask=ask)
    finding = Judge(entry, {}, "en").not_asked(V4, "list-dead", AT)
    assert finding.detail == f"X is out of service{told}"


def test_no_list_of_the_knowledge_tells_the_date_of_its_death_twice() -> None:
    for entry in lists_of(knowledge()):
        if entry.ask is None or entry.ask.since is None or entry.status not in plan.GONE:
            continue
        for lang in LANGUAGES:
            said = Judge(entry, {}, lang).not_asked(V4, "list-dead", AT).detail or ""
            assert said.count(entry.ask.since) < 2, said


def test_entries_of_a_policy_list_do_not_end_by_themselves() -> None:
    """Those of Abusix that are for abuse end after five days; this desk is for all its refusals,
    whether a code tells more or not."""
    compiled = knowledge()
    desks = {e.id: compiled.desks[e.desk or ""] for e in lists_of(compiled) if "abusix" in e.id}
    assert desks["abusix-policy"].expires is None
    assert desks["abusix-black"].expires == "5d"


@pytest.mark.parametrize(
    ("entry", "direct", "words", "never"),
    [
        (shapes.BARE, False, ("[::1]:53", "of your own", "--direct"), ()),
        (shapes.BARE, True, ("this machine",), ("--direct", "resolver of")),
        (shapes.REGISTERED, False, ("Register", "https://acme.test/register"), ("of your own",)),
        (shapes.KEYED, False, ("acme-dq", "https://acme.test/terms"), ()),
    ],
)
def test_who_is_turned_away_is_told_what_helps(
    entry: ListEntry, direct: bool, words: tuple[str, ...], never: tuple[str, ...]
) -> None:
    judge = Judge(entry, {}, "en", direct=direct)
    found = judge.finding(V4, answer("127.255.255.254"), OK)
    assert found.detail is not None
    for part in words:
        assert part in found.detail
    for part in never:
        assert part not in found.detail


def test_whoever_has_a_key_is_not_told_to_get_one() -> None:
    judge = Judge(shapes.KEYED, {}, "en", key="k" * 20)
    found = judge.finding(V4, answer("127.255.255.254"), OK)
    assert found.detail and "Get a key" not in found.detail


def test_every_sentence_is_there_in_both_languages() -> None:
    for words in causes.WORDS.values():
        assert set(words) == set(LANGUAGES)


# ── sentences ─────────────────────────────────────────────────────────────────────────────────

SENTENCES: list[tuple[ListEntry, Answer, str, str]] = [
    (
        shapes.BARE,
        answer(rcode=None),
        "[::1]:53 から時間内に応答がありませんでした。しばらくしてから調べ直してください。",
        "No answer came from [::1]:53 in time. Ask again later.",
    ),
    (
        shapes.BARE,
        msgspec.structs.replace(answer(rcode=None), server=None),
        "リストのネームサーバーから時間内に応答がありませんでした。しばらくしてから調べ直してください。",
        "No answer came from the list's name servers in time. Ask again later.",
    ),
    (
        shapes.BARE,
        answer(rcode=4),
        "[::1]:53 は NOTIMP を返し、この問い合わせには答えませんでした。リストのネームサーバーに直接尋ねるには --direct を付けます。",
        "[::1]:53 answered NOTIMP: it does not answer this question. Ask the list's own name servers: --direct.",
    ),
    (
        shapes.EXACT,
        answer(*(f"127.0.2.{n}" for n in range(1, 5))),
        "応答 127.0.2.1, 127.0.2.2, 127.0.2.3, 127.0.2.4 の意味が分かりません。掲載とも未掲載とも言えません。",
        "The meaning of the answer 127.0.2.1, 127.0.2.2, 127.0.2.3, 127.0.2.4 is not known: it proves neither a listing nor its absence.",
    ),
    (
        shapes.EXACT,
        answer(*(f"127.0.2.{n}" for n in range(1, 6))),
        "応答 127.0.2.1, 127.0.2.2, 127.0.2.3, 127.0.2.4, … の意味が分かりません。掲載とも未掲載とも言えません。",
        "The meaning of the answer 127.0.2.1, 127.0.2.2, 127.0.2.3, 127.0.2.4, … is not known: it proves neither a listing nor its absence.",
    ),
    (
        shapes.REGISTERED,
        answer("127.255.255.254"),
        "Acme BL は [::1]:53 からの問い合わせを断りました（リストに共通のエラーコード）。リゾルバーのアドレスを https://acme.test/register で登録してください。",
        "Acme BL turned [::1]:53 away (an error code that lists share). Register the resolver's address at https://acme.test/register.",
    ),
    (
        shapes.REGISTERED,
        msgspec.structs.replace(answer("127.255.255.254"), server=None),
        "Acme BL はこのリゾルバーからの問い合わせを断りました（リストに共通のエラーコード）。リゾルバーのアドレスを https://acme.test/register で登録してください。",
        "Acme BL turned this resolver away (an error code that lists share). Register the resolver's address at https://acme.test/register.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "got", "ja", "en"), SENTENCES)
def test_a_detail_reads_as_written(entry: ListEntry, got: Answer, ja: str, en: str) -> None:
    assert finding(entry, got, lang="ja").detail == ja
    assert finding(entry, got, lang="en").detail == en


# ── properties ────────────────────────────────────────────────────────────────────────────────

octets = st.integers(0, 255)
loopback = st.builds("127.{}.{}.{}".format, octets, octets, octets)
near = st.builds("127.0.0.{}".format, octets)
errors = st.builds("127.255.255.{}".format, octets)
addresses = st.lists(
    st.one_of(near, loopback, errors, st.ip_addresses(v=4).map(str), st.text(max_size=9)),
    max_size=6,
).map(tuple)
answers = st.builds(
    Answer,
    rcode=st.one_of(st.none(), st.sampled_from([0, 0, 0, 3]), st.integers(0, 15)),
    addresses=addresses,
    text=st.one_of(st.none(), st.text(max_size=1200)),
    truncated=st.booleans(),
    asked=st.text(max_size=30),
    server=st.one_of(st.none(), st.just("127.0.0.1:53")),
    took=st.one_of(st.none(), st.floats(0, 10)),
    at=st.floats(0, 4e9),
)
healths = st.sampled_from([OK, UNTESTED, FAILED, HealthRecord(state="failed", at=AT)])
lists = st.sampled_from(sorted(shapes.ALL.values(), key=str))
subjects = st.sampled_from([V4, V6, NAME])
languages = st.sampled_from(LANGUAGES)


@given(lists, subjects, answers, healths, st.booleans(), languages)
def test_any_answer_gives_a_sound_finding(
    entry: ListEntry,
    subject: Subject,
    got: Answer,
    health: HealthRecord,
    proven: bool,
    lang: Language,
) -> None:
    found = finding(entry, got, health, subject, lang, proven=proven)
    assert msgspec.json.decode(to_json(found), type=Finding) == found
    assert (found.state == "unknown") == (found.cause is not None) == (found.detail is not None)
    listings = [e for e in found.entries if e.class_ in codes.LISTINGS]
    assert (found.state == "listed") == bool(listings)
    assert not found.partial or found.state == "listed"
    assert found.role == "block" or found.state != "listed"
    assert list(found.codes) == sorted(set(found.codes), key=found.codes.index)
    if health.state == "failed":
        assert found.state == "unknown"
    if health.state == "untested" and not proven and not found.entries:
        assert found.state != "not-listed"
    if got.rcode not in {0, 3} or got.truncated:
        assert found.state == "unknown"
    if not any(brace in address for address in got.addresses for brace in "{}"):
        assert "{" not in (found.detail or ""), "nothing is left to be filled in"


@given(lists, st.lists(errors, min_size=1, max_size=3), subjects)
def test_the_common_errors_never_list(
    entry: ListEntry, addresses: list[str], subject: Subject
) -> None:
    if entry is shapes.WIDE and "127.255.255.1" in addresses:
        return  # its table says so
    found = finding(entry, answer(*addresses), subject=subject)
    assert found.state == "unknown"
    assert found.cause not in {None, "unknown-code"}


@given(lists, st.lists(st.ip_addresses(v=4), min_size=1, max_size=3))
def test_addresses_outside_loopback_never_list(entry: ListEntry, ips: list[object]) -> None:
    texts = [str(ip) for ip in ips if not str(ip).startswith("127.")]
    if texts:
        found = finding(entry, answer(*texts))
        assert (found.state, found.cause) == ("unknown", "not-loopback")


@given(st.from_regex(r"[A-Za-z0-9-]{12,40}", fullmatch=True), answers, healths, lists, languages)
def test_a_key_never_occurs_in_the_json(
    key: str, got: Answer, health: HealthRecord, entry: ListEntry, lang: Language
) -> None:
    got = msgspec.structs.replace(
        got, text=f"{got.text}{key}{key.upper()}", asked=f"1.2.{key}.zone.test"
    )
    found = Judge(entry, shapes.DESKS, lang, key=key).finding(V4, got, health)
    assert key.lower() not in json.dumps(json.loads(to_json(found))).lower()


@given(st.lists(near, max_size=5), st.randoms())
def test_the_order_of_addresses_means_nothing(addresses: list[str], random: Any) -> None:
    shuffled = list(addresses)
    random.shuffle(shuffled)
    for entry in (shapes.EXACT, shapes.BITS, shapes.BARE):
        assert finding(entry, answer(*addresses)) == finding(entry, answer(*shuffled))


# ── codes ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0",
        "127.0.0.256",
        "127.0.0.x.1",
        "",
        "127.0.0.2-",
        "bits",
        "bit x",
        "127.0.0.02",
        "a-b",
    ],
)
def test_a_code_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        codes.span(Code(code=text, meaning=Text(ja="", en="")))


def test_a_bit_is_no_span_and_a_span_no_bit() -> None:
    meaning = Text(ja="", en="")
    assert codes.span(Code(code="bit 8", meaning=meaning)) is None
    assert codes.bit(Code(code="bit 8", meaning=meaning)) == 8
    assert codes.bit(Code(code="127.0.0.8", meaning=meaning)) is None


def test_every_list_of_the_knowledge_can_be_judged() -> None:
    compiled = knowledge()
    for entry in lists_of(compiled):
        judge = Judge(entry, compiled.desks, "ja")
        ask = entry.ask or Ask()
        for at in (answer("127.255.255.254"), answer("127.0.0.255"), ABSENT):
            assert judge.finding(V4, at, OK).list == entry.id
        for c in ask.codes:
            first = codes.span(c)
            if first is not None:
                got = ".".join(str(first.low >> s & 255) for s in (24, 16, 8, 0))
                assert judge.table.read([got]).meanings, (entry.id, c.code)


def test_a_thousand_findings_are_quick() -> None:
    judge = Judge(shapes.EXACT, shapes.DESKS, "en")
    got = answer("127.0.0.2")
    before = time.process_time()
    for _ in range(1000):
        judge.finding(V4, got, OK)
    assert time.process_time() - before < 0.5


def test_time_is_told_in_utc() -> None:
    assert stamp(0) == "1970-01-01T00:00:00Z"


def test_health_of_a_finding_is_that_of_the_list() -> None:
    states: tuple[Health, ...] = ("ok", "untested", "failed")
    for state in states:
        record = HealthRecord(state=state, at=AT)
        assert finding(shapes.BARE, answer("127.0.0.2"), record).health == state
