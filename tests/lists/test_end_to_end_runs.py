"""What a run asks, and above all what it does not: private addresses, dead lists, keys. The liar's
counters are the proof."""

from __future__ import annotations

import itertools

import pytest

from tests.lists import lies
from tests.lists.command import Command, named
from tests.lists.liar import Liar

IP = "203.0.114.9"
FRONT = "9.114.0.203"
KEY = "s3cr3tk3yofours"
GOOD, WARNING, BAD, UNKNOWN = range(4)


# ── what is asked ───────────────────────────────────────────────────────────────────────────────────


def test_the_reason_is_asked_only_where_something_is_listed(check: Command) -> None:
    with Liar({"plain.test": lies.lists(IP), "other.test": lies.lists()}) as liar:
        done = check(IP, "--resolver", str(liar), *named("plain", "other"))
        assert done.code == BAD
        assert liar.count(f"{FRONT}.plain.test", "A") == 1
        assert liar.count(f"{FRONT}.plain.test", "TXT") == 1
        assert liar.count(f"{FRONT}.other.test", "A") == 1
        assert liar.count(f"{FRONT}.other.test", "TXT") == 0
    finding = done.of("plain")
    assert finding["text"] == f"https://list.example/?{FRONT}"
    assert finding["asked"] == f"{FRONT}.plain.test"
    assert finding["server"] == str(liar)
    (entry,) = finding["entries"]
    assert (entry["code"], entry["meaning"], entry["class"]) == (
        "127.0.0.2",
        "Spam source",
        "abuse",
    )
    assert entry["removal"]["url"] == "https://list.example/remove"


def test_health_is_proved_before_trust(check: Command) -> None:
    with Liar({"plain.test": lies.lists()}) as liar:
        check(IP, "--resolver", str(liar), *named("plain"))
        assert liar.count("2.0.0.127.plain.test", "A") == 1
        assert liar.count("1.0.0.127.plain.test", "A") == 1
        asked = liar.names("plain.test", "A")
        (random,) = [n for n in asked if n.endswith(".2.0.192.plain.test")]
        assert set(asked) == {
            "2.0.0.127.plain.test",
            "1.0.0.127.plain.test",
            f"{FRONT}.plain.test",
            random,
        }


def test_recursion_is_asked_of_a_resolver_alone(check: Command) -> None:
    for way, recursion in (("--resolver", True), ("--server", False)):
        with Liar({"plain.test": lies.lists()}) as liar:
            check(IP, way, str(liar), *named("plain"), "--fresh")
            assert {q.recursion for q in liar.log} == {recursion}


def test_ids_and_ports_are_not_to_be_guessed(check: Command) -> None:
    zones = [f"z{n}.test" for n in range(40)]
    with Liar(dict.fromkeys(zones, lies.lists())) as liar:
        words = [word for zone in zones for word in ("--zone", zone)]
        check(IP, "--server", str(liar), *words)
        numbers = [q.id for q in liar.log]
        assert len(numbers) >= 160
        assert len(set(numbers)) > 150
        steps = {b - a for a, b in itertools.pairwise(numbers)}
        assert len(steps) > 100
        first = {q.source[1] for q in liar.log}
        liar.forget()
        check(IP, "--server", str(liar), *words, "--fresh")
        assert first.isdisjoint({q.source[1] for q in liar.log})


def test_ipv6_goes_by_nibbles_and_only_where_it_is_held(check: Command) -> None:
    lists = lies.lists("2600:1:2:3::/64", kinds=("ipv4", "ipv6"))
    with Liar({"six.test": lists, "plain.test": lies.lists()}) as liar:
        done = check("2600:1:2:3::25", "--resolver", str(liar), *named("six", "plain"))
        assert done.state("six") == ("listed", None)
        assert liar.count(f"{lies.front_of('2600:1:2:3::25')}.six.test", "A") == 1
        assert not liar.names("plain.test")
    assert done.code == BAD


def test_names_go_to_lists_of_names_and_addresses_to_those_of_addresses(check: Command) -> None:
    zones = {
        "plain.test": lies.lists(),
        "names.test": lies.lists("mail.spam-shop.co.uk", kinds=("domain",)),
        "registered.test": lies.lists("spam-shop.co.uk", kinds=("domain",)),
    }
    with Liar(zones) as liar:
        done = check("Mail.Spam-Shop.co.uk.", "--resolver", str(liar),
                     *named("names", "registered"))  # fmt: skip
        assert done.code == BAD
        assert done.state("names") == done.state("registered") == ("listed", None)
        assert liar.count("mail.spam-shop.co.uk.names.test", "A") == 1
        assert liar.count("spam-shop.co.uk.registered.test", "A") == 1
        assert liar.count("mail.spam-shop.co.uk.registered.test") == 0
        liar.forget()
        done = check(IP, "--resolver", str(liar), *named("names", "registered", "plain"))
        assert not liar.names("names.test") and not liar.names("registered.test")
        assert liar.count(f"{FRONT}.plain.test", "A") == 1


def test_a_name_in_japanese_and_an_address_of_mail(check: Command) -> None:
    zone = lies.lists("xn--wgv71a119e.jp", "spam.example.net", kinds=("domain",))
    with Liar({"names.test": zone}) as liar:
        words = ("--resolver", str(liar), *named("names"))
        assert check("日本語.jp", *words).state("names") == ("listed", None)
        assert liar.count("xn--wgv71a119e.jp.names.test", "A") == 1
        assert check("info@日本語.jp", *words, "--fresh").state("names") == ("listed", None)
        assert liar.count("xn--wgv71a119e.jp.names.test", "A") == 2


def test_identities_on_standard_input(check: Command) -> None:
    with Liar({"plain.test": lies.lists("203.0.114.2")}) as liar:
        text = "203.0.114.1\n\n# a comment\n203.0.114.2\n203.0.114.1\n"
        done = check("-", "--resolver", str(liar), *named("plain"), stdin=text)
    assert done.state("plain", "203.0.114.1") == ("not-listed", None)
    assert done.state("plain", "203.0.114.2") == ("listed", None)
    assert len(done.findings) == 2


def test_the_addresses_of_a_host_name(check: Command) -> None:
    zones = {
        "hoster.co.jp": lies.lists(servers={"mail": IP}),
        "plain.test": lies.lists(IP),
        "names.test": lies.lists(kinds=("domain",)),
    }
    with Liar(zones) as liar:
        done = check("mail.hoster.co.jp", "--resolver", str(liar), *named("plain", "names"))
        assert done.state("names", "mail.hoster.co.jp") == ("not-listed", None)
        assert done.state("plain", IP) == ("listed", None)
        assert len(done.findings) == 2
        assert liar.count("mail.hoster.co.jp", "A") == 1
    assert done.code == BAD


def test_only_what_the_user_wants_to_see(check: Command) -> None:
    zones = {"plain.test": lies.lists(IP), "other.test": lies.lists(), "six.test": lies.empty()}
    with Liar(zones) as liar:
        words = (IP, "--resolver", str(liar), *named("plain", "other", "six"))
        for shown in ("listed", "not-listed", "unknown"):
            done = check(*words, "--only", shown)
            assert [f["state"] for f in done.findings] == [shown]
            assert done.code == BAD
        quiet = check(*words, "--quiet", as_json=False)
    assert (quiet.code, quiet.out, quiet.err) == (BAD, "", "")


def test_both_languages(check: Command) -> None:
    with Liar({"plain.test": lies.lists(IP), "other.test": lies.empty()}) as liar:
        words = (IP, "--resolver", str(liar), *named("plain", "other"))
        ja = check(*words, "--lang", "ja")
        en = check(*words, "--lang", "en")
        assert ja.of("plain")["entries"][0]["meaning"] == "迷惑メールの送信元"
        assert en.of("plain")["entries"][0]["meaning"] == "Spam source"
        assert ja.of("other")["detail"] != en.of("other")["detail"]
        shown = check(*words, "--lang", "ja", as_json=False)
        assert "迷惑メールの送信元" in shown.out


# ── what is not asked ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "identity", ["10.1.2.3", "192.168.7.9", "127.0.0.1", "192.0.2.1", "203.0.113.80", "169.254.1.1",
                 "fe80::1", "fd00::1", "2001:db8::1", "::1", "::ffff:10.1.2.3", "100.64.0.1"],
)  # fmt: skip
def test_private_and_reserved_addresses_are_not_asked(check: Command, identity: str) -> None:
    with Liar({}, otherwise=lies.empty()) as liar:
        done = check(identity, "--resolver", str(liar), *named("plain", "six"))
        assert not liar.log
        assert not done.findings
        assert "RFC" in done.err
        assert done.code == UNKNOWN


def test_a_private_address_is_asked_where_a_zone_is_named(check: Command) -> None:
    with Liar({"own.test": lies.lists("10.1.2.3")}) as liar:
        done = check("10.1.2.3", "--server", str(liar), "--zone", "own.test")
        assert done.state("own.test") == ("listed", None)
        assert liar.count("3.2.1.10.own.test", "A") == 1
    assert done.code == BAD


def test_dead_lists_and_those_whose_terms_forbid_it_are_not_asked(check: Command) -> None:
    with Liar({}, otherwise=lies.world()) as liar:
        done = check(IP, "--resolver", str(liar), *named("gone", "terms", "locked"))
        assert done.state("gone") == ("unknown", "list-dead")
        assert "2024-06-05" in done.of("gone")["detail"]
        assert done.state("terms") == ("unknown", "not-permitted")
        assert done.state("locked") == ("unknown", "no-key")
        assert not liar.log
        assert {f["asked"] for f in done.findings} == {None}
    assert done.code == UNKNOWN


def test_terms_are_no_matter_where_the_use_is_private(check: Command) -> None:
    check.set(general_use="private")
    with Liar({"terms.test": lies.lists()}) as liar:
        done = check(IP, "--resolver", str(liar), *named("terms"))
        assert done.state("terms") == ("not-listed", None)
    assert done.code == GOOD


def test_dead_lists_that_are_shipped_are_not_asked(check: Command) -> None:
    with Liar({}, otherwise=lies.world()) as liar:
        done = check(IP, "--resolver", str(liar), *named("sorbs", "ahbl", "nixspam"))
        assert not liar.log
    assert {(f["state"], f["cause"]) for f in done.findings} == {("unknown", "list-dead")}


@pytest.mark.parametrize("more", ["--plan", "--history"])
def test_what_only_tells_asks_nothing(check: Command, more: str) -> None:
    with Liar({"plain.test": lies.lists(IP)}) as liar:
        words = (IP, "--resolver", str(liar), *named("plain"))
        assert check(*words).code == BAD
        liar.forget()
        done = check(*words, more, as_json=False)
        assert not liar.log
    assert done.code == 0
    assert "plain" in done.out


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["ja", "en"])
def test_keys_go_where_they_belong_and_are_never_shown(check: Command, language: str) -> None:
    check.secrets.append(KEY)
    check.set(lists_keys=f"tests-key={KEY}")
    zones = {
        "locked.test": lies.keyed(KEY, lies.lists(IP), lies.fails(lies.REFUSED)),
        "keyed.test": lies.keyed(KEY, lies.but(lies.lists(), {IP: lies.fails(lies.SERVFAIL)}),
                                 lies.fails(lies.REFUSED)),
        "plain.test": lies.lists(IP),
    }  # fmt: skip
    with Liar(zones) as liar:
        words = (IP, "--resolver", str(liar), *named("locked", "lockable", "plain"),
                 "--lang", language)  # fmt: skip
        done = check(*words)
        assert done.state("locked") == ("listed", None)
        assert done.state("lockable") == ("unknown", "servfail")
        assert done.of("locked")["asked"] is not None
        for more in ([], ["--fresh"], ["--plan"], ["--quiet"], ["--history"]):
            check(*words, *more, as_json=False)
        with_key = [q.name for q in liar.log if KEY in q.name]
        assert with_key
        assert all(n.endswith((f".{KEY}.locked.test", f".{KEY}.keyed.test")) for n in with_key)
        without = {n.partition(".")[0] for n in liar.names("locked.test") if KEY not in n}
        assert not without and not liar.names("lockable.test")
        assert not [n for n in liar.names("plain.test") if KEY in n]
    # Nor is it kept: the file of what is kept can be copied, and sent with a report.
    kept = [path for path in check.data.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if KEY.encode() in path.read_bytes()]


def test_a_key_is_not_told_even_where_all_goes_wrong(check: Command) -> None:
    check.secrets.append(KEY)
    check.set(lists_keys=f"tests-key={KEY}")
    with Liar({}, otherwise=lies.garbage()) as liar:
        words = ("--resolver", str(liar), *named("locked"), "--deadline", "1")
        assert check(IP, *words).code == UNKNOWN
        assert check(IP, *words, as_json=False).code == UNKNOWN
        check("no such thing", *words, as_json=False)
    check.set(lists_keys=f"tests-key={KEY} {KEY}")
    check(IP, *named("locked"), as_json=False)


def test_a_list_that_can_do_without_a_key_is_asked_without(check: Command) -> None:
    with Liar({"lockable.test": lies.lists(IP)}) as liar:
        done = check(IP, "--resolver", str(liar), *named("lockable"))
    assert done.state("lockable") == ("listed", None)


@pytest.mark.parametrize("zone", ["locked.test", "keyed.test", "zen.dq.spamhaus.net"])
def test_a_key_in_the_name_of_a_zone_is_refused_and_not_shown(check: Command, zone: str) -> None:
    """As it stands in the configuration of a mail server, from which people copy it."""
    check.secrets.append(KEY)
    with Liar({}, otherwise=lies.world()) as liar:
        words = (IP, "--resolver", str(liar), "--zone", f"{KEY.upper()}.{zone}.")
        done = check(*words, as_json=False)
        assert not liar.log
    assert done.code == 64
    assert "[lists.keys]" in done.err and not done.out
