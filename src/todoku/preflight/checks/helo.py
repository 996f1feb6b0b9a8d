"""The name that the server says in EHLO resolves to the address, and is the one that the address has."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

WORDS: Final[Words] = {
    "title": {"ja": "HELO の名前", "en": "HELO name"},
    "wanted": {
        "ja": "サーバーが EHLO で名乗る名前が {ip} に解決し、逆引きと同じであること",
        "en": "the name said in EHLO resolves to {ip}, and is the address's reverse name",
    },
    "why": {
        "ja": "RFC 5321 は解決できる完全な名前を求め、多くの受信側が解決できない名前を拒否します。",
        "en": "RFC 5321 asks for a full name that resolves, and many receivers refuse one that does not.",
    },
    "found.ok": {"ja": "{helo} は {ip} で、逆引きとも一致します。", "en": "{helo} is {ip}, and {ip} is {helo}."},
    "found.not-told": {
        "ja": "HELO の名前が指定されておらず、逆引きからも分かりません。",
        "en": "no HELO name was given, and there is no reverse name to take it from.",
    },
    "remedy.not-told": {
        "ja": "--helo で名前（Postfix なら smtp_helo_name）を指定してください。",
        "en": "give it by --helo (in Postfix: smtp_helo_name).",
    },
    "found.short": {
        "ja": "「{helo}」は完全なホスト名ではありません。",
        "en": "'{helo}' is no fully qualified host name.",
    },
    "remedy.short": {
        "ja": "自分のドメインの完全な名前（例: mx1.自社ドメイン）にしてください。",
        "en": "say a full name below your own domain, such as mx1.your-domain.",
    },
    "found.unresolved": {
        "ja": "{helo} には A / AAAA レコードがありません。",
        "en": "{helo} has no A or AAAA record.",
    },
    "remedy.unresolved": {
        "ja": "{helo} に {ip} を指す A / AAAA レコードを加えてください。",
        "en": "give {helo} an A or AAAA record with {ip}.",
    },
    "found.elsewhere": {
        "ja": "{helo} は {where} で、{ip} ではありません。",
        "en": "{helo} is {where}, not {ip}.",
    },
    "remedy.elsewhere": {
        "ja": "{helo} の A / AAAA レコードに {ip} を加えるか、{ip} に解決する名前を名乗ってください。",
        "en": "add {ip} to the addresses of {helo}, or say a name that resolves to {ip}.",
    },
    "found.other-name": {
        "ja": "{helo} は {ip} に解決しますが、逆引きは {names} です。",
        "en": "{helo} resolves to {ip}, but the reverse name is {names}.",
    },
    "remedy.other-name": {
        "ja": "二つを同じ名前にしてください。異なる名前を怪しむ受信側があります。",
        "en": "make the two one name: some receivers distrust two.",
    },
    "found.no-name": {
        "ja": "{helo} は {ip} に解決しますが、{ip} に逆引きがありません。",
        "en": "{helo} resolves to {ip}, but {ip} has no reverse name.",
    },
    "remedy.no-name": {
        "ja": "{ip} の逆引きを {helo} にするよう、アドレスの提供元に依頼してください。",
        "en": "ask the hoster to set the reverse name of {ip} to {helo}.",
    },
}  # fmt: skip
SHEET: Final = Sheet("helo", WORDS, ("RFC 5321, section 4.1.4", "RFC 5321, section 2.3.5"))


def look(ask: Ask, ip: str, helo: str | None, lang: Language) -> Check:
    """Without a `helo` the reverse name is taken, as mail servers are told to."""
    ask = Recorder(ask)
    pointer = ask(dns.reverse(ip), "PTR")
    if helo is None:
        if pointer.outcome == "unknown":
            return SHEET.silent(lang, ip, ask.asked, ip=ip)
        if not pointer.records:
            return SHEET.tell(lang, ip, "unknown", "not-told", ask.asked, cause="not-asked", ip=ip)
        helo = pointer.records[0]
    if "." not in helo.strip("."):
        return SHEET.tell(lang, helo, "bad", "short", ask.asked, helo=helo, ip=ip)
    found = dns.addresses(ask, helo, versions=(ipaddress.ip_address(ip).version,))
    if found is None:
        return SHEET.silent(lang, helo, ask.asked, ip=ip)
    told: dict[str, Any] = {
        "helo": helo,
        "ip": ip,
        "where": ", ".join(found),
        "names": ", ".join(pointer.records),
    }
    if not found:
        return SHEET.tell(lang, helo, "bad", "unresolved", ask.asked, **told)
    if ip not in found:
        return SHEET.tell(lang, helo, "bad", "elsewhere", ask.asked, **told)
    if pointer.outcome == "unknown":
        return SHEET.silent(lang, helo, ask.asked, ip=ip)
    if not pointer.records:
        return SHEET.tell(lang, helo, "warning", "no-name", ask.asked, **told)
    if helo.lower() not in pointer.records:
        return SHEET.tell(lang, helo, "warning", "other-name", ask.asked, **told)
    return SHEET.tell(lang, helo, "ok", "ok", ask.asked, **told)
