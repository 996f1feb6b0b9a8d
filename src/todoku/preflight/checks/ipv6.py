"""Whether mail would leave by IPv6 from an address that receivers refuse."""

from __future__ import annotations

import ipaddress
from typing import Final

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check, State

WORDS: Final[Words] = {
    "title": {"ja": "IPv6 からの送信", "en": "sending by IPv6"},
    "wanted": {
        "ja": "IPv6 でも送るなら、その IPv6 アドレスにも逆引きと正引きの一致があること",
        "en": "where mail leaves by IPv6 too, that address has a reverse name that leads back",
    },
    "why": {
        "ja": "逆引きのない IPv6 アドレスからのメールを Gmail などは拒否します。サーバーは受信側に AAAA が"
        "あれば IPv6 を先に使うことがあります。",
        "en": "Gmail and others refuse mail from an IPv6 address without a reverse name, and servers may "
        "prefer IPv6 where the receiver has it.",
    },
    "found.none": {
        "ja": "{host} に IPv6 アドレスはありません。",
        "en": "{host} has no IPv6 address.",
    },
    "found.ok": {
        "ja": "{host} の IPv6 アドレス {six} は逆引きと正引きが一致しています。",
        "en": "{six} of {host} has a reverse name that leads back.",
    },
    "found.no-host": {
        "ja": "ホスト名が分からないため、IPv6 アドレスを調べていません。",
        "en": "no host name is known, so its IPv6 addresses were not looked at.",
    },
    "remedy.no-host": {
        "ja": "--helo でホスト名を指定してください。",
        "en": "give the host name by --helo.",
    },
    "found.no-name": {
        "ja": "{host} の IPv6 アドレス {six} には、正引きに戻る逆引きがありません。",
        "en": "{six} of {host} has no reverse name that leads back.",
    },
    "remedy.no-name": {
        "ja": "逆引きを設定するまで IPv4 だけで送ってください（Postfix: smtp_address_preference = ipv4、"
        "または inet_protocols = ipv4）。",
        "en": "send by IPv4 until it has one (Postfix: smtp_address_preference = ipv4, or "
        "inet_protocols = ipv4).",
    },
    "found.only": {
        "ja": "送信元が IPv6 アドレスです。{host} に IPv4 アドレスはありません。",
        "en": "the sending address is an IPv6 one, and {host} has no IPv4 address.",
    },
    "remedy.only": {
        "ja": "IPv4 アドレスも用意してください。IPv4 だけで受け取る受信側がまだ多くあります。",
        "en": "have an IPv4 address as well: many receivers take mail by IPv4 alone.",
    },
}
SHEET: Final = Sheet(
    "ipv6", WORDS, ("https://support.google.com/a/answer/81126", "RFC 1912, section 2.1")
)
MOST: Final = 8


def look(ask: Ask, ip: str, helo: str | None, lang: Language) -> Check:
    ask = Recorder(ask)
    host = helo
    if host is None:
        pointer = ask(dns.reverse(ip), "PTR")
        if pointer.outcome == "unknown":
            return SHEET.silent(lang, ip, ask.asked)
        host = pointer.records[0] if pointer.records else None
    if host is None:
        return SHEET.tell(lang, ip, "unknown", "no-host", ask.asked, cause="not-asked")
    if ipaddress.ip_address(ip).version == 6:
        four = ask(host, "A")
        if four.outcome == "unknown":
            return SHEET.silent(lang, host, ask.asked)
        state: State = "ok" if four.records else "warning"
        return SHEET.tell(
            lang, host, state, "ok" if four.records else "only", ask.asked, host=host, six=ip
        )
    six = ask(host, "AAAA")
    if six.outcome == "unknown":
        return SHEET.silent(lang, host, ask.asked)
    if not six.records:
        return SHEET.tell(lang, host, "ok", "none", ask.asked, host=host)
    lost: list[str] = []
    for address in six.records[:MOST]:
        names = ask(dns.reverse(address), "PTR")
        back = [n for n in names.records if address in ask(n, "AAAA").records]
        if not back:
            if names.outcome == "unknown" or any(
                a.outcome == "unknown" and a.type == "AAAA" for a in ask.asked
            ):
                return SHEET.silent(lang, host, ask.asked)
            lost.append(address)
    shown = ", ".join(lost or six.records[:MOST])
    if lost:
        return SHEET.tell(lang, host, "warning", "no-name", ask.asked, host=host, six=shown)
    return SHEET.tell(lang, host, "ok", "ok", ask.asked, host=host, six=shown)
