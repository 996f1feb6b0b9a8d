"""What `todoku probe` was asked for, read and looked up before a word is said to a receiver: which
receiver, which of its servers, from which address of ours, as whom."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from todoku import probing
from todoku.cases.policy import Policy
from todoku.cli import EX_USAGE, Failure, check_request
from todoku.cli.render.text import short
from todoku.i18n import Language, Words, say
from todoku.settings import Settings, table

if TYPE_CHECKING:
    from todoku.knowledge.schema import Compiled
    from todoku.lists.values import Server
    from todoku.serve.exchangers import Exchanger

EX_NOT_KNOWN: Final = 3
EX_TOO_SOON: Final = 75

WORDS: Final[Words] = {
    "no-target": {
        "ja": "{value} は知識にある受信側の ID でもドメイン名でもありません。何も送っていません。ID の一覧: "
        "todoku knowledge show",
        "en": "{value} is neither the id of a receiver in the knowledge nor a domain. Nothing was sent. "
        "The ids: todoku knowledge show",
    },
    "no-domain": {
        "ja": "{value} のメールサーバーは宛先のドメインごとに違います。探査するドメイン（例: 取引先のドメイン）を"
        "指定してください。何も送っていません。",
        "en": "{value} has other servers for each domain: name the domain you write to. Nothing was sent.",
    },
    "never": {
        "ja": "{value} は探査を望まない受信側です（設定 [cases] never_probe）。何も送っていません。代わりに、実際の"
        "メールが届くかを見るか、その受信側にある自分のメールボックスへ試し送りしてください（todoku case try）。",
        "en": "{value} does not want to be probed ([cases] never_probe of the settings). Nothing was sent. "
        "Look at whether real mail arrives, or send a trial to a mailbox of your own there (todoku case "
        "try).",
    },
    "no-sender": {
        "ja": "送信者のアドレスがありません。--sender か設定 [mail] sender で、受信できる自分のアドレスを指定して"
        "ください（空の送信者は使いません）。何も送っていません。",
        "en": "no sender: give an address of yours that takes mail, by --sender or [mail] sender of the "
        "settings (the null sender is never used). Nothing was sent.",
    },
    "no-mail-address": {
        "ja": "{option} {value} はメールアドレスではありません。何も送っていません。",
        "en": "{option} {value} is no mail address. Nothing was sent.",
    },
    "no-helo": {
        "ja": "--helo {value} はホスト名ではありません。何も送っていません。",
        "en": "--helo {value} is no host name. Nothing was sent.",
    },
    "no-ipv4": {
        "ja": "--bind {value} は IPv4 アドレスではありません（探査は IPv4 だけです）。何も送っていません。",
        "en": "--bind {value} is no IPv4 address (probes go by IPv4 alone). Nothing was sent.",
    },
    "not-here": {
        "ja": "--bind {value} はこのマシンのアドレスではありません。そのアドレスから送るマシンで実行するか、NAT の"
        "内側なら設定 [own] nat に対を書いてください。何も送っていません。",
        "en": "--bind {value} is no address of this machine. Run this where it is, or, behind NAT, write "
        "the pair into [own] nat of the settings. Nothing was sent.",
    },
    "no-route": {
        "ja": "{host}（{address}）への経路がありません（{why}）。何も送っていません。",
        "en": "there is no way to {host} ({address}): {why}. Nothing was sent.",
    },
    "no-resolver": {
        "ja": "リゾルバーが分かりません（/etc/resolv.conf）。--resolver で指定してください。何も送っていません。",
        "en": "no resolver is known (/etc/resolv.conf). Give one by --resolver. Nothing was sent.",
    },
    "no-answer": {
        "ja": "リゾルバー {server} から {domain} のメールサーバーの答えがありません。受け取るかどうかは不明です。"
        "何も送っていません。",
        "en": "the resolver {server} does not tell the mail servers of {domain}: whether it takes mail is "
        "not known. Nothing was sent.",
    },
    "no-servers": {
        "ja": "{domain} には IPv4 で届くメールサーバーがありません。何も送っていません。",
        "en": "{domain} has no mail server that IPv4 reaches. Nothing was sent.",
    },
    "not-there": {
        "ja": "--mailbox {mailbox} のドメインは {domain} ではありません。RCPT TO には、その受信側にある自分のメール"
        "ボックスだけを使います。何も送っていません。",
        "en": "--mailbox {mailbox} is not at {domain}. RCPT TO names only a mailbox of your own at that "
        "receiver. Nothing was sent.",
    },
    "too-soon": {
        "ja": "{receiver} は {source} から {last} に探査したばかりです。受信側に嫌われないよう、同じ送信元からは "
        "{hours} 時間に 1 回までです。次は {again} 以降に実行してください。何も送っていません。",
        "en": "{receiver} was probed from {source} at {last}. It is asked at most once in {hours} hours from "
        "an address, as receivers remember impatient visitors. Again from {again}. Nothing was sent.",
    },
}


class Given(NamedTuple):
    """The options, as given."""

    bind: str | None = None
    helo: str | None = None
    sender: str | None = None
    mailbox: str | None = None
    resolver: str | None = None


# ── what was named ────────────────────────────────────────────────────────────────────────────


def refuse(key: str, lang: Language, code: int = EX_USAGE, **values: str) -> NoReturn:
    shown = {name: short(value, 200) for name, value in values.items()}
    raise Failure(say(WORDS[key], lang, **shown), code)


def target_of(
    knowledge: Compiled, target: str, mailbox: str | None, lang: Language
) -> tuple[str | None, str]:
    """The receiver where one was named by its id, and the domain whose servers are asked."""
    known = {r.id: r for r in knowledge.receivers if r.kind in {"mailbox", "gateway"}}
    named = known.get(target.strip().lower())
    if named is None:
        name = table.host_name(target)
        if name is None or "." not in name:
            refuse("no-target", lang, value=target)
        return None, name
    if mailbox is not None and "@" in mailbox:
        domain = table.host_name(mailbox.rpartition("@")[2])
        if domain is not None and _is_at(named.domains, domain):
            return named.id, domain
    domain = _a_domain(named.id, named.domains)
    if domain is None:
        refuse("no-domain", lang, value=named.id)
    return named.id, domain


def _is_at(domains: Iterable[str], domain: str) -> bool:
    from todoku.knowledge.names import NameTable

    return NameTable((d, 0) for d in domains).find(domain) is not None


def _a_domain(receiver: str, domains: Iterable[str]) -> str | None:
    """One whose servers stand for all: that of its requirements, else the first without a wildcard."""
    from todoku.preflight import data

    told = next((r.domain for r in data.requirements() if r.receiver == receiver), None)
    return told or next((d for d in domains if not {"*", "?"} & set(d)), None)


def refuse_never(policy: Policy, names: Iterable[str | None], lang: Language) -> None:
    """`names`: of the receiver, and its domains."""
    try:
        probing.refuse_never(policy, *names)
    except probing.NeverError as error:
        refuse("never", lang, value=error.name)


def mail_address(option: str, text: str | None, lang: Language) -> str:
    if text is None or text.strip() in {"", "<>"}:
        refuse("no-sender", lang)
    address = table.mailbox(text)
    if address is None:
        refuse("no-mail-address", lang, option=option, value=text)
    return address


def helo_name(found: Settings, given: str | None, lang: Language) -> str:
    name = next(iter(found.own.helo), socket.getfqdn()) if given is None else given
    good = table.host_name(name)
    if good is None:
        refuse("no-helo", lang, value=name)
    return good


def inner_address(found: Settings, bind: str, lang: Language) -> str:
    """The address of this machine that leaves as `bind`."""
    from todoku.preflight.outgoing import source_of
    from todoku.settings.own import parse_ip

    ip = parse_ip(bind)
    if ip is None or ip.version != 4:
        refuse("no-ipv4", lang, value=bind)
    inner = source_of(str(ip), found.own.nat)
    if inner is None:
        refuse("not-here", lang, value=bind)
    return inner


# ── who is asked, and when ────────────────────────────────────────────────────────────────────


def resolver_of(found: Settings, given: str | None, lang: Language) -> Server:
    if given is not None and table.server(given) is None:
        told = {"option": "--resolver", "value": short(given, 60)}
        raise Failure(say(check_request.WORDS["not-a-server"], lang, **told), EX_USAGE)
    named = given or found.dns.resolver
    if named is not None:
        return check_request.server(named, recursive=True)
    from todoku.lists.servers import resolvers

    servers = resolvers()
    if not servers:
        refuse("no-resolver", lang)
    return servers[0]


def server_of(resolver: Server, domain: str, lang: Language) -> Exchanger:
    """The best server of the domain."""
    from todoku.serve.exchangers import NoAnswer, exchangers

    try:
        servers = exchangers(domain, resolver)
    except NoAnswer:
        refuse("no-answer", lang, EX_NOT_KNOWN, server=str(resolver), domain=domain)
    if not servers:
        refuse("no-servers", lang, EX_NOT_KNOWN, domain=domain)
    return servers[0]


def local_address(server: Exchanger, lang: Language) -> str:
    """The address from which this machine would connect. Connecting a datagram socket sends nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((server.address, 25))
            return str(sock.getsockname()[0])
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        refuse("no-route", lang, EX_NOT_KNOWN, host=server.host, address=server.address, why=why)


def too_soon(
    receiver: str, source: str, again: datetime, every: timedelta, lang: Language
) -> NoReturn:
    here = again.astimezone()
    refuse(
        "too-soon",
        lang,
        EX_TOO_SOON,
        receiver=receiver,
        source=source,
        last=f"{here - every:%Y-%m-%d %H:%M}",
        again=f"{here:%Y-%m-%d %H:%M %z}",
        hours=f"{every / timedelta(hours=1):g}",
    )
