"""What `todoku preflight` was asked for, read before anything is looked at: addresses, domains, names, and
the resolver. What is left out is taken from the settings."""

from __future__ import annotations

from typing import Final, NamedTuple, NoReturn

import msgspec

from todoku.cli import EX_USAGE, Failure, check_request
from todoku.cli.render.text import short
from todoku.i18n import Language, Words, say
from todoku.lazy import expression
from todoku.lists import identities
from todoku.lists.values import Server
from todoku.preflight.values import Subject
from todoku.settings import Settings, table

_WORD: Final = expression(r"[!-~]{1,253}")
_SELECTOR: Final = expression(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")

WORDS: Final[Words] = {
    "no-address": {
        "ja": "{option} {value} は IP アドレスではありません。何も調べていません。",
        "en": "{option} {value} is no IP address. Nothing was looked at.",
    },
    "no-name": {
        "ja": "{option} {value} はドメイン名ではありません。何も調べていません。",
        "en": "{option} {value} is no domain. Nothing was looked at.",
    },
    "no-selector": {
        "ja": "--selector {value} はセレクターとして使えません（署名の s= の値です）。何も調べていません。",
        "en": "--selector {value} cannot be one: it is what stands behind s= in a signature. Nothing "
        "was looked at.",
    },
    "no-domain": {
        "ja": "送信に使うドメインを --domain で指定してください（複数可）。設定 [own] domains にあれば省けます。",
        "en": "name the domains that send, by --domain (more than one may be given); those of the "
        "settings ([own] domains) are taken where there are some.",
    },
    "not-public": {
        "ja": "--ip {value}: {why} インターネットから見える送信元アドレスを指定してください（NAT の内側なら"
        "外側のアドレス）。何も調べていません。",
        "en": "--ip {value}: {why} Give the address that the internet sees (behind NAT the outer one). "
        "Nothing was looked at.",
    },
    "waiting": {
        "ja": "答えを待っています（全体で最長 {seconds} 秒）",
        "en": "waiting for answers ({seconds} seconds at most in all)",
    },
    "same": {
        "ja": "--ip と --old が同じアドレスです。何も調べていません。",
        "en": "--ip and --old are the same address. Nothing was looked at.",
    },
    "no-resolver": {
        "ja": "リゾルバーが分かりません（/etc/resolv.conf）。--resolver で指定してください。何も調べていません。",
        "en": "no resolver is known (/etc/resolv.conf). Give one by --resolver. Nothing was looked at.",
    },
}


def refuse(key: str, lang: Language, **values: str) -> NoReturn:
    shown = {name: short(value, 200) for name, value in values.items()}
    raise Failure(say(WORDS[key], lang, **shown), EX_USAGE)


class Given(NamedTuple):
    """What is asked of receivers: the options as given, domains read already."""

    probe: bool
    partners: tuple[str, ...]
    mailboxes: tuple[str, ...]
    sender: str | None
    arrived: tuple[str, ...]


def given_of(
    probe: bool,
    partners: tuple[str, ...],
    mailboxes: tuple[str, ...],
    sender: str | None,
    arrived: tuple[str, ...],
    lang: Language,
) -> Given:
    read = [
        tuple(dict.fromkeys(domain(option, each, lang) for each in given))
        for option, given in (("--partner", partners), ("--arrived", arrived))
    ]
    return Given(probe, read[0], mailboxes, sender, read[1])


def also_written(subject: Subject, domains: tuple[str, ...], lang: Language) -> Subject:
    """With these domains, too, as they were written."""
    more = {domain("--partner", d, lang): d.strip() for d in domains if not d.isascii()}
    return msgspec.structs.replace(subject, written=subject.written | more)


def subject_of(
    found: Settings,
    ip: str,
    old: str | None,
    domains: tuple[str, ...],
    helo: str | None,
    selectors: tuple[str, ...],
    lang: Language,
) -> Subject:
    """What is left out is taken from `[own]`."""
    own = found.own
    given = {domain("--domain", d, lang): d for d in domains or own.domains}
    names = tuple(given)
    if not names:
        refuse("no-domain", lang)
    for selector in selectors:
        if not _SELECTOR.fullmatch(selector):
            refuse("no-selector", lang, value=selector)
    if helo is None and len(own.helo) == 1:
        helo = own.helo[0]
    if helo is not None:
        given[_host("--helo", helo, lang)] = helo
        helo = _host("--helo", helo, lang)
    subject = Subject(
        ip=_address("--ip", ip, lang),
        old=None if old is None else _address("--old", old, lang),
        domains=names,
        helo=helo,
        selectors=tuple(s.lower() for s in selectors) or own.dkim_selectors,
        written={name: d.strip() for name, d in given.items() if not d.isascii()},
    )
    if subject.ip == subject.old:
        refuse("same", lang)
    return subject


def _address(option: str, text: str, lang: Language) -> str:
    from todoku.lists.special import special

    try:
        target = identities.read(text)
    except identities.NotAnIdentity:
        refuse("no-address", lang, option=option, value=text)
    if target.subject is None or target.subject.kind != "ip":
        refuse("no-address", lang, option=option, value=text)
    why = special(target.subject)
    if why is not None and option == "--ip":
        refuse("not-public", lang, value=text, why=why[lang])
    return target.subject.value


def domain(option: str, text: str, lang: Language) -> str:
    try:
        target = identities.read(text)
    except identities.NotAnIdentity:
        refuse("no-name", lang, option=option, value=text)
    if target.subject is None or target.subject.kind == "ip":
        refuse("no-name", lang, option=option, value=text)
    return target.subject.value


def _host(option: str, text: str, lang: Language) -> str:
    """What EHLO says may be no full name: that is for a check to tell. Yet it is one word."""
    if not text.isascii():
        return domain(option, text, lang)
    name = text.strip().rstrip(".").lower()
    if not _WORD.fullmatch(name):
        refuse("no-name", lang, option=option, value=text)
    return name


def servers_of(found: Settings, resolver: str | None, lang: Language) -> tuple[Server, ...]:
    if resolver is not None and table.server(resolver) is None:
        told = {"option": "--resolver", "value": short(resolver, 60)}
        raise Failure(say(check_request.WORDS["not-a-server"], lang, **told), EX_USAGE)
    named = resolver or found.dns.resolver
    if named is not None:
        return (check_request.server(named, recursive=True),)
    from todoku.lists.servers import resolvers

    servers = resolvers()
    if not servers:
        refuse("no-resolver", lang)
    return servers
