"""What a person names: the table of what is understood, and of what is told to be wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from todoku.i18n import LANGUAGES
from todoku.lists import identities
from todoku.lists.identities import NotAnIdentity, read, registered_domain
from todoku.lists.special import special, special_range
from todoku.lists.values import Target
from todoku.model import Subject

UNDERSTOOD = [
    # an address, in the spellings of logs, configurations and Japanese keyboards
    ("192.0.2.1", "ip", "192.0.2.1"),
    ("  192.0.2.1\t", "ip", "192.0.2.1"),
    ("[192.0.2.1]", "ip", "192.0.2.1"),
    ("192.0.2.1:25", "ip", "192.0.2.1"),
    ("192.0.2.1/32", "ip", "192.0.2.1"),
    ("192.0.2.1-192.0.2.1", "ip", "192.0.2.1"),
    ("１９２．０．２．１", "ip", "192.0.2.1"),
    ("::ffff:192.0.2.1", "ip", "192.0.2.1"),
    ("::FFFF:C000:0201", "ip", "192.0.2.1"),
    ("2001:DB8:0:0:0:0:0:1", "ip", "2001:db8::1"),
    ("[2001:db8::1]", "ip", "2001:db8::1"),
    ("[2001:db8::1]:25", "ip", "2001:db8::1"),
    ("[IPv6:2001:db8::1]", "ip", "2001:db8::1"),
    ("2001:db8::1/128", "ip", "2001:db8::1"),
    # a name: what somebody registered is a domain, what lies below it a host name
    ("example.jp", "domain", "example.jp"),
    ("example.co.jp", "domain", "example.co.jp"),
    ("mail.example.jp", "hostname", "mail.example.jp"),
    ("Mail.Example.CO.JP.", "hostname", "mail.example.co.jp"),
    ("mail.example.jp:587", "hostname", "mail.example.jp"),
    ("1-2-3-4.example.jp", "hostname", "1-2-3-4.example.jp"),
    ("_dmarc.example.jp", "hostname", "_dmarc.example.jp"),
    ("*.example.jp", "domain", "example.jp"),
    ("co.jp", "domain", "co.jp"),
    ("someone.github.io", "domain", "someone.github.io"),
    ("example.nosuchtopleveldomain", "domain", "example.nosuchtopleveldomain"),
    # national characters (UTS 46, IDNA 2008)
    ("日本語.jp", "domain", "xn--wgv71a119e.jp"),
    ("メール。日本語。jp", "hostname", "xn--4dkua4c.xn--wgv71a119e.jp"),
    ("BÜCHER.example", "domain", "xn--bcher-kva.example"),
    ("faß.de", "domain", "xn--fa-hia.de"),
    ("ｅｘａｍｐｌｅ．ｊｐ", "domain", "example.jp"),
    ("www.食狮.公司.cn", "hostname", "www.xn--85x722f.xn--55qx5d.cn"),
    # a URL is its host, a mail address its domain
    ("https://www.example.co.jp/path?q=a@b", "hostname", "www.example.co.jp"),
    ("http://user:password@example.jp:8080", "domain", "example.jp"),
    ("HTTP://192.0.2.1/", "ip", "192.0.2.1"),
    ("http://[2001:db8::1]:80/", "ip", "2001:db8::1"),
    ("example.jp/path", "domain", "example.jp"),
    ("192.0.2.1/index.html", "ip", "192.0.2.1"),
    ("user@example.jp", "domain", "example.jp"),
    ("<user@example.jp>", "domain", "example.jp"),
    ("Taro <taro@mail.example.jp>", "hostname", "mail.example.jp"),
    ("mailto:user@example.jp", "domain", "example.jp"),
    ("user@[192.0.2.1]", "ip", "192.0.2.1"),
    ("user@[IPv6:2001:db8::1]", "ip", "2001:db8::1"),
]

RANGES = [
    ("192.0.2.0/24", "192.0.2.0/24"),
    ("10.0.0.0/12", "10.0.0.0/12"),
    ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
    ("192.0.2.0-192.0.2.63", "192.0.2.0/26"),
    ("192.0.2.64 - 127", "192.0.2.64/26"),
    ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
]

WRONG = [
    # (given, what the sentence must name in both languages)
    ("", ("192.0.2.0/24",)),
    ("  ", ("192.0.2.0/24",)),
    ("192.0.2.1/24", ("192.0.2.1", "192.0.2.0/24")),
    ("10.0.0.0/8", ("/12", "/16", "16,777,216")),
    ("10.0.0.0/11", ("/12",)),
    ("192.0.2.0/33", ("32",)),
    ("2001:db8::/64", ("2001:db8::/64",)),
    ("2001:db8::1-2001:db8::9", ("IPv6",)),
    ("2001:db8::/129", ("128",)),
    ("fe80::1%eth0", ("eth0", "fe80::1")),
    ("192.168.001.1", ("192.168.1.1",)),
    ("192.0.2", ("192.0.2.0/24",)),
    ("127.1", ("127.1.0.0/16",)),
    ("192.0.2.256", ("255",)),
    ("1.2.3.4.5", ("255",)),
    ("3232235777", ("255",)),
    ("192.0.2.1-192.0.2.6", ("192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/31", "192.0.2.6/32")),
    ("192.0.2.9-192.0.2.1", ("192.0.2.1",)),
    ("AS64500", ("AS64500", "192.0.2.0/24")),
    ("localhost", ("localhost.example.jp",)),
    ("foo..example.jp", ("foo..example.jp",)),
    ("-foo.example.jp", ("-foo",)),
    ("foo bar", ("foo bar",)),
    ("user@", ("user@",)),
    ("http://", ("http://",)),
    ("example.123", ("example.123",)),
    ("0x7f.0.0.1", ("0x7f.0.0.1",)),
    (f"{'x' * 64}.jp", ("63",)),
    (".".join(["x" * 50] * 6), ("253",)),
    ("☃.example.jp", ("☃",)),
]


@pytest.mark.parametrize(("given", "kind", "value"), UNDERSTOOD)
def test_one_identity(given: str, kind: str, value: str) -> None:
    target = read(given)
    assert target.range is None
    assert target.subject is not None
    assert (target.subject.kind, target.subject.value) == (kind, value)
    assert target.given == given.strip()


@pytest.mark.parametrize(("given", "network"), RANGES)
def test_a_range(given: str, network: str) -> None:
    assert read(given) == Target(given=given, range=network)


@pytest.mark.parametrize(("given", "named"), WRONG)
def test_what_is_wrong_is_told_with_what_is_right(given: str, named: tuple[str, ...]) -> None:
    with pytest.raises(NotAnIdentity) as error:
        read(given)
    for lang in ("ja", "en"):
        for words in named:
            assert words in error.value.text(lang), lang
    assert error.value.exit_code == 64


def test_a_name_has_253_characters_at_most() -> None:
    longest = ".".join(["x" * 50] * 4 + ["y" * 46, "jp"])
    assert len(longest) == 253
    assert read(longest).subject == Subject("hostname", longest)
    with pytest.raises(NotAnIdentity):
        read(f"y{longest}")


def test_an_open_bracket_is_forgiven() -> None:
    assert read("[192.0.2.1").subject == Subject("ip", "192.0.2.1")


def test_what_was_given_is_no_command_to_the_terminal() -> None:
    with pytest.raises(NotAnIdentity) as error:
        read("\x1b]0;title\x07" + "x" * 5000)
    for lang in ("ja", "en"):
        text = error.value.text(lang)
        assert text.isprintable()
        assert len(text) < 400


@given(st.text(max_size=80))
def test_any_text_is_read_or_told_wrong(text: str) -> None:
    try:
        target = read(text)
    except NotAnIdentity as error:
        assert all(error.text(lang) for lang in LANGUAGES)  # noqa: PT017 -- most texts are none
        return
    assert (target.subject is None) != (target.range is None)
    if target.subject:
        assert read(target.subject.value).subject == target.subject


@given(st.ip_addresses())
def test_every_address_is_itself(ip: object) -> None:
    target = read(str(ip))
    mapped = getattr(ip, "ipv4_mapped", None)
    assert target.subject == Subject("ip", str(mapped or ip))


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("mail.example.jp", "example.jp"),
        ("a.b.example.co.jp", "example.co.jp"),
        ("city.kawasaki.jp", "city.kawasaki.jp"),  # an exception of the list
        ("a.b.kawasaki.jp", "a.b.kawasaki.jp"),  # a wildcard of the list
        ("x.someone.github.io", "someone.github.io"),  # the private part of the list
        ("xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        ("a.b.xn--p1ai", "b.xn--p1ai"),
        ("a.b.xn--80au.xn--90a3ac", "b.xn--80au.xn--90a3ac"),  # a rule below such a domain
        ("a.b.xn---", "b.xn---"),  # no top-level domain, whatever it stands for
        ("co.jp", None),
        ("jp", None),
    ],
)
def test_the_registered_domain(name: str, domain: str | None) -> None:
    assert registered_domain(name) == domain


def test_the_rules_of_one_top_level_domain_are_those_of_the_whole_list() -> None:
    from publicsuffixlist import PublicSuffixList

    whole = PublicSuffixList()
    rules = sorted(r.lstrip("*!.") for r in whole._publicsuffix if r.isascii())
    names = [f"a.b.{rule}" for rule in rules[::40]]
    assert len(names) > 200
    for name in names:
        assert registered_domain(name) == whole.privatesuffix(name), name


def test_addresses_need_no_public_suffix_list() -> None:
    program = (
        "import sys; from todoku.lists.identities import read; read('192.0.2.0/24');"
        "read('2001:db8::1'); print([m for m in ('publicsuffixlist', 'idna') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("10.1.2.3", "RFC 1918"),
        ("172.31.255.255", "RFC 1918"),
        ("192.168.1.1", "RFC 1918"),
        ("100.64.0.1", "RFC 6598"),
        ("127.0.0.2", "RFC 1122"),
        ("169.254.1.1", "RFC 3927"),
        ("0.1.2.3", "RFC 1122"),
        ("192.0.2.1", "RFC 5737"),
        ("198.51.100.1", "RFC 5737"),
        ("203.0.113.1", "RFC 5737"),
        ("198.19.1.1", "RFC 2544"),
        ("192.88.99.1", "RFC 7526"),
        ("224.0.0.1", "RFC 5771"),
        ("250.0.0.1", "RFC 1112"),
        ("255.255.255.255", "RFC 919"),
        ("2001:db8::1", "RFC 3849"),
        ("3fff::1", "RFC 9637"),
        ("2001:0:1::1", "RFC 4380"),
        ("2002:c000:201::1", "RFC 3056"),
        ("64:ff9b::c000:201", "RFC 6052"),
        ("fd00::1", "RFC 4193"),
        ("fe80::1", "RFC 4291"),
        ("ff02::1", "RFC 4291"),
        ("::1", "RFC 4291"),
        ("::", "RFC 4291"),
        ("4000::1", "RFC 4291"),
        ("mail.example.com", "RFC 6761"),
        ("mail.corp.local", "RFC 6762"),
        ("1.2.0.192.in-addr.arpa", "RFC 3172"),
        ("172.32.0.1", None),
        ("100.128.0.1", None),
        ("8.8.8.8", None),
        ("2001:4860:4860::8888", None),
        ("2400:4000::1", None),
        ("example.jp", None),
        ("notexample.com", None),
    ],
)
def test_what_no_public_list_speaks_of(value: str, why: str | None) -> None:
    subject = read(value).subject
    assert subject is not None
    sentence = special(subject)
    if why is None:
        assert sentence is None
    else:
        assert sentence is not None
        assert set(sentence) == {"ja", "en"}
        for words in sentence.values():
            assert value in words and why in words


def test_a_range_is_special_only_if_all_of_it_is() -> None:
    assert special_range("10.77.0.0/16")
    assert special_range("192.0.2.0/25")
    assert special_range("198.16.0.0/12") is None  # holds 198.18.0.0/15 and others
    assert special_range("8.8.8.0/24") is None


@given(st.ip_addresses())
def test_the_table_agrees_with_the_standard_library(ip: object) -> None:
    """Whatever `ipaddress` calls private, reserved or multicast is special here too. (It calls
    little else so: the tables of Python versions differ in a few anycast addresses.)"""
    import ipaddress

    assert isinstance(ip, ipaddress.IPv4Address | ipaddress.IPv6Address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return
    anycast = ipaddress.ip_network("192.31.196.0/24" if ip.version == 4 else "2001:4:112::/48")
    if (ip.is_private or ip.is_reserved or ip.is_multicast or ip.is_loopback) and ip not in anycast:
        assert special(Subject("ip", str(ip))) is not None
    if ip.is_global and not ip.is_multicast and ip.version == 4:
        found = special(Subject("ip", str(ip)))
        assert found is None or "6to4" in found["en"] or "protocols" in found["en"]


def test_every_sentence_is_there_in_both_languages() -> None:
    for words in identities.WORDS.values():
        assert set(words) == {"ja", "en"}
