"""What a person names, read as an address, a range or a name that a list can be asked about."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.lazy import expression
from todoku.lists.values import Target
from todoku.model import Subject

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

IP: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LARGEST: Final = 12
"""Prefix length of the largest IPv4 range that is taken at once: a million addresses."""

_MAX_SHOWN: Final = 80
_LABEL: Final = expression(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_SCHEME: Final = expression(r"[a-z][a-z0-9+.-]*://", re.I)
_DIGITS: Final = expression(r"[0-9.]+")
_ASN: Final = expression(r"as ?[0-9]+(\.[0-9]+)?", re.I)
_PORT: Final = expression(r"([^:]+):[0-9]{1,5}")

WORDS: Final[Words] = {
    "empty": {
        "ja": "調べる対象が空です。IP アドレス、範囲（192.0.2.0/24）、ドメイン、ホスト名のいずれかを指定してください。",
        "en": "Nothing was named. Give an IP address, a range (192.0.2.0/24), a domain or a host name.",
    },
    "not-one": {
        "ja": "「{given}」は IP アドレスでも範囲でもドメイン名でもありません。192.0.2.1、2001:db8::1、192.0.2.0/24、example.jp のように指定してください。",
        "en": "'{given}' is no IP address, range or domain name. Right are 192.0.2.1, 2001:db8::1, 192.0.2.0/24 or example.jp.",
    },
    "zone-id": {
        "ja": "「{given}」の %{zone} はこのマシンの中だけの印です。リストにはゾーン ID のないアドレスで尋ねます: {address}",
        "en": "'{given}': %{zone} means something on this machine alone. Lists are asked for an address without a zone id: {address}",
    },
    "leading-zeros": {
        "ja": "「{given}」の先頭の 0 は 8 進数とも読めます。{plain} のことなら、そう書いてください。",
        "en": "'{given}': leading zeros may mean octal numbers. If {plain} is meant, write that.",
    },
    "octets": {
        "ja": "「{given}」は IPv4 アドレスではありません。0 から 255 の数が四つ必要です。",
        "en": "'{given}' is no IPv4 address: it takes four numbers from 0 to 255.",
    },
    "short": {
        "ja": "「{given}」は IPv4 アドレスではありません。0 から 255 の数が四つ必要です。範囲のことなら {range} と書いてください。",
        "en": "'{given}' is no IPv4 address: it takes four numbers from 0 to 255. If a range is meant, write {range}.",
    },
    "host-bits": {
        "ja": "「{given}」は二通りに読めます。アドレス {address} か範囲 {network} のどちらかを指定してください。",
        "en": "'{given}' may mean two things. Write the address {address}, or the range {network}.",
    },
    "prefix": {
        "ja": "「{given}」の / の後は 0 から {most} の数でなければなりません。",
        "en": "'{given}': what follows / must be a number from 0 to {most}.",
    },
    "too-large": {
        "ja": "{given} は大きすぎます（{count:,} アドレス）。一度に調べられるのは /12 までで、公開リストの利用制限の中では /16 でも何時間もかかります。自分の範囲を /16 ごとに指定してください。",
        "en": "{given} is too large ({count:,} addresses). At most a /12 is taken at once, and within the limits of public lists a /16 already takes hours. Name the ranges that are yours, a /16 at a time.",
    },
    "ipv6-range": {
        "ja": "{given} は IPv6 の範囲で、すべては尋ねられません。実際に送信するアドレスを一つずつ指定してください（標準入力なら -）。",
        "en": "{given} is an IPv6 range, too large to ask for every address. Name the addresses that send, one by one (or - for a list on stdin).",
    },
    "many-ranges": {
        "ja": "「{given}」は一つの CIDR では書けません。次のように分けて指定してください: {ranges}",
        "en": "'{given}' is not one range in CIDR form. Name its parts: {ranges}",
    },
    "asn": {
        "ja": "リストに AS 番号（{given}）では尋ねられません。その AS のうち自分の範囲を 192.0.2.0/24 のように指定してください。",
        "en": "Lists cannot be asked about an AS number ({given}). Name the ranges in it that are yours, like 192.0.2.0/24.",
    },
    "single-label": {
        "ja": "「{given}」だけでは名前が足りません。{given}.example.jp のようにドメインまで指定してください。",
        "en": "'{given}' is not a whole name. Give it with its domain, like {given}.example.jp.",
    },
    "label": {
        "ja": "「{given}」は名前として正しくありません（「{label}」）。使えるのは英数字とハイフン、国際化ドメイン名の文字で、ドットの間は 1 から 63 文字です。",
        "en": "'{given}' is no valid name ('{label}'). Names have letters, digits and hyphens or the characters of internationalised names, 1 to 63 between two dots.",
    },
    "long-name": {
        "ja": "「{given}」は長すぎます。名前は 253 文字までです。",
        "en": "'{given}' is too long: a name has at most 253 characters.",
    },
}


class NotAnIdentity(TodokuError):
    """What was given is no address, range or name; the sentence says what would be."""

    exit_code = 64


def read(text: str) -> Target:
    """The target that a text names. Raises `NotAnIdentity`.

    Understood are addresses (bare, in brackets, with a port, IPv4 within IPv6), ranges (CIDR,
    first and last address), names (any case, final dot, national characters), URLs (their host)
    and mail addresses (their domain)."""
    given = text.strip()
    rest = _narrow(given)
    if not rest:
        _wrong("empty")
    if _SCHEME.match(rest):
        return _host(given, _host_of(rest))
    before, slash, after = rest.partition("/")
    if "@" in before:
        return _host(given, rest.rpartition("@")[2])
    if slash:
        base = before.strip().strip("[]")
        if _address_like(base) and _DIGITS.fullmatch(after.strip()):
            return _range(given, base, after.strip())
        return _host(given, _host_of(rest))
    first, _, last = (part.strip() for part in rest.partition("-"))
    if _address_like(first) and _address_like(last):
        return _between(given, first, last)
    return _host(given, rest)


def registered_domain(name: str) -> str | None:
    """The part of a name that somebody registered (`example.co.jp`), by the public suffix list;
    `None` for a public suffix itself. The name is in ASCII and lower case."""
    return _suffixes(name.rpartition(".")[2]).privatesuffix(name)


# ── addresses ─────────────────────────────────────────────────────────────────────────────────


def _address_like(text: str) -> bool:
    return text.count(":") > 1 or bool(_DIGITS.fullmatch(text))


def _address(given: str, text: str) -> IP:
    """A single address; IPv4 within IPv6 (`::ffff:192.0.2.1`) is the IPv4 address."""
    address, percent, zone = text.partition("%")
    if percent and ":" in address:
        _wrong("zone-id", given=given, zone=zone, address=address)
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        _no_address(given, text)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def _no_address(given: str, text: str) -> NoReturn:
    octets = text.strip(".").split(".")
    if ":" in text or not all(octets):
        _wrong("not-one", given=given)
    good = all(o.isdecimal() and len(o) <= 9 and int(o) <= 255 for o in octets)
    if good and len(octets) == 4:
        plain = ".".join(str(int(o)) for o in octets)
        _wrong("leading-zeros", given=given, plain=plain)
    if good and len(octets) in {2, 3}:
        padded = ".".join([str(int(o)) for o in octets] + ["0"] * (4 - len(octets)))
        _wrong("short", given=given, range=f"{padded}/{8 * len(octets)}")
    _wrong("octets", given=given)


def _range(given: str, base: str, prefix: str) -> Target:
    ip = _address(given, base)
    mapped = ":" in base and ip.version == 4
    if prefix.isdecimal() and mapped:
        prefix = str(int(prefix) - 96)
    try:
        network = ipaddress.ip_network(f"{ip}/{prefix}", strict=False)
    except ValueError:
        _wrong("prefix", given=given, most=ip.max_prefixlen)
    if network.network_address != ip:
        _wrong("host-bits", given=given, address=ip, network=network)
    return _of_network(given, network)


def _of_network(given: str, network: Network) -> Target:
    if network.prefixlen == network.max_prefixlen:
        return _single(given, network.network_address)
    if network.version == 6:
        _wrong("ipv6-range", given=network)
    if network.prefixlen < LARGEST:
        _wrong("too-large", given=network, count=network.num_addresses)
    return Target(given=given, range=str(network))


def _between(given: str, first: str, last: str) -> Target:
    """`192.0.2.0-192.0.2.63`, or `192.0.2.0-63`."""
    low = _address(given, first)
    if last.isdecimal() and low.version == 4:
        last = f"{first.rpartition('.')[0]}.{last}"
    high = _address(given, last)
    if isinstance(low, ipaddress.IPv6Address) or isinstance(high, ipaddress.IPv6Address):
        _wrong("ipv6-range", given=given)
    if high < low:
        _wrong("not-one", given=given)
    networks = list(ipaddress.summarize_address_range(low, high))
    if len(networks) > 1:
        parts = " ".join(map(str, networks[:8])) + (" ..." if len(networks) > 8 else "")
        _wrong("many-ranges", given=given, ranges=parts)
    return _of_network(given, networks[0])


def _single(given: str, ip: IP) -> Target:
    return Target(given=given, subject=Subject("ip", str(ip)))


# ── names ─────────────────────────────────────────────────────────────────────────────────────


def _host(given: str, text: str) -> Target:
    """An address or name, as a URL, a mail address or a person writes it."""
    text = text.strip()
    if text.startswith("["):
        inside, _, after = text[1:].partition("]")
        if after and not re.fullmatch(r":[0-9]{1,5}", after):
            _wrong("not-one", given=given)
        text = re.sub(r"^ipv6:", "", inside, flags=re.I)
    elif port := _PORT.fullmatch(text):
        text = port[1]
    if not text:
        _wrong("not-one", given=given)
    if _address_like(text):
        return _single(given, _address(given, text))
    if _ASN.fullmatch(text):
        _wrong("asn", given=given)
    name = _name(given, text)
    registered = registered_domain(name)
    below = registered is not None and registered != name
    return Target(given=given, subject=Subject("hostname" if below else "domain", name))


def _name(given: str, text: str) -> str:
    """In ASCII and lower case, without the final dot. `*.example.jp` is `example.jp`."""
    labels = text.removesuffix(".").removeprefix("*.").lower().split(".")
    labels = [_a_label(given, label) for label in labels]
    for label in labels:
        if not _LABEL.fullmatch(label):
            _wrong("label", given=given, label=label)
    name = ".".join(labels)
    if len(name) > 253:
        _wrong("long-name", given=given)
    if len(labels) == 1:
        _wrong("single-label", given=name)
    if labels[-1].isdecimal():  # RFC 3696, section 2: no top-level domain is all digits
        _wrong("not-one", given=given)
    return name


def _a_label(given: str, label: str) -> str:
    """IDNA 2008 (`idna`): by the `idna` codec of the standard library, which is IDNA 2003,
    `faß.de` would be `fass.de`, which is somebody else's."""
    if label.isascii():
        return label
    import idna

    try:
        return idna.encode(label, uts46=True).decode("ascii")
    except idna.IDNAError:
        _wrong("label", given=given, label=label)


def _host_of(url: str) -> str:
    """The authority of a URL, with or without a scheme, without its user."""
    rest = _SCHEME.sub("", url, count=1)
    return re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]


@functools.lru_cache(maxsize=64)
def _suffixes(top: str) -> PublicSuffixList:
    """The rules below one top-level domain: to read the other nine in ten would take 40 ms."""
    from publicsuffixlist import PSLFILE, PublicSuffixList

    ends = [top]
    if top.startswith("xn--"):
        with contextlib.suppress(UnicodeError):  # no such top-level domain, so no rules
            ends.append(top[4:].encode().decode("punycode"))
    with Path(PSLFILE).open(encoding="utf-8") as lines:
        return PublicSuffixList([line for line in lines if line.rstrip().endswith(tuple(ends))])


def _narrow(text: str) -> str:
    """Without the quotes and angle brackets around it; full-width characters, which Japanese
    keyboards write, as plain ones."""
    if not text.isascii():
        import unicodedata

        text = unicodedata.normalize("NFKC", text).replace("。", ".")
    return text.strip().strip("<>\"'").strip()


def _wrong(key: str, **values: object) -> NoReturn:
    shown = {k: _shown(v) if isinstance(v, str) else v for k, v in values.items()}
    raise NotAnIdentity(WORDS[key], **shown)


def _shown(text: str) -> str:
    """Short, and without what a terminal would obey."""
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return plain if len(plain) <= _MAX_SHOWN else plain[: _MAX_SHOWN - 1] + "…"
