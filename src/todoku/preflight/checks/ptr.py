"""The address has a name, the name leads back to it, and it is a name that somebody chose."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.data import Generic
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

MOST: Final = 10
"""Names of one address that are looked up."""

WORDS: Final[Words] = {
    "title": {"ja": "逆引き（PTR）", "en": "reverse name (PTR)"},
    "wanted": {
        "ja": "{about} の逆引きが、自分で選んだ一つのホスト名を返し、その名前の正引きが {about} に戻ること",
        "en": "{about} has one name, chosen by you, and that name leads back to {about}",
    },
    "why": {
        "ja": "逆引きのない、または正引きと一致しない送信元を、多くの受信側がそれだけで拒否します。",
        "en": "many receivers refuse an address without a reverse name, or with one that does not lead "
        "back, for that alone.",
    },
    "found.ok": {
        "ja": "{names}。正引きも {about} です。",
        "en": "{names}, which leads back to {about}.",
    },
    "found.none": {"ja": "{about} に逆引きはありません。", "en": "{about} has no reverse name."},
    "remedy.none": {
        "ja": "アドレスの提供元に、逆引きを HELO と同じ名前にするよう依頼してください（管理画面で設定できる"
        "提供元もあります）。",
        "en": "ask the hoster to set it to the name that the server says in HELO (many have it in their "
        "panel).",
    },
    "found.astray": {
        "ja": "{names}。正引きは {about} に戻りません（{where}）。",
        "en": "{names}, which does not lead back to {about} (but to {where}).",
    },
    "remedy.astray": {
        "ja": "{names} の A / AAAA レコードに {about} を加えるか、逆引きを {about} に解決する名前へ変えてください。",
        "en": "give {names} an A or AAAA record with {about}, or set the reverse name to one that has it.",
    },
    "found.generic": {
        "ja": "{names}。アドレスから機械的に付けた名前に見えます。",
        "en": "{names}, which looks like a name made from the address.",
    },
    "remedy.generic": {
        "ja": "自分のドメインのホスト名（例: mx1.自社ドメイン）を逆引きに設定してもらってください。",
        "en": "have it set to a host name below your own domain, such as mx1.your-domain.",
    },
    "found.dynamic": {
        "ja": "{names}。動的割り当ての回線の名前に見えます。",
        "en": "{names}, which looks like the name of a dynamic line.",
    },
    "remedy.dynamic": {
        "ja": "固定アドレスであることを提供元に確かめ、自分のドメインのホスト名を逆引きに設定してもらって"
        "ください。できなければ、そのアドレスから直接送らず中継サーバーを使います。",
        "en": "make sure that the address is a static one, and have a host name of yours set. Where that "
        "cannot be, send through a relay and not from this address.",
    },
    "found.many": {
        "ja": "名前が {n} 個あります（{names}）。",
        "en": "it has {n} names ({names}).",
    },
    "remedy.many": {
        "ja": "一つにしてください。受信側がどれを見るかは決まっていません。",
        "en": "leave one: which of them a receiver sees is left to chance.",
    },
}
SHEET: Final = Sheet("ptr", WORDS, ("RFC 1912, section 2.1", "RFC 8601, section 3"))


def look(ask: Ask, ip: str, generic: Generic, lang: Language, own: tuple[str, ...] = ()) -> Check:
    """A name below one of the `own` domains was chosen by somebody, whatever it looks like."""
    ask = Recorder(ask)
    answer = ask(dns.reverse(ip), "PTR")
    if answer.outcome == "unknown":
        return SHEET.silent(lang, ip, ask.asked)
    names = answer.records[:MOST]
    if not names:
        return SHEET.tell(lang, ip, "bad", "none", ask.asked)
    version = ipaddress.ip_address(ip).version
    forward = {name: dns.addresses(ask, name, versions=(version,)) for name in names}
    back = [name for name, told in forward.items() if told is not None and ip in told]
    shown = ", ".join(names)
    if not back:
        if any(told is None for told in forward.values()):
            return SHEET.silent(lang, ip, ask.asked)
        where = ", ".join(a for told in forward.values() for a in told or ()) or "NXDOMAIN"
        return SHEET.tell(lang, ip, "bad", "astray", ask.asked, names=shown, where=where)
    given = [name for name in back if not any(f".{name}".endswith(f".{d}") for d in own)]
    if any(is_dynamic(name, generic) for name in given):
        return SHEET.tell(lang, ip, "bad", "dynamic", ask.asked, names=shown)
    if any(is_generic(name, ip, generic) for name in given):
        return SHEET.tell(lang, ip, "warning", "generic", ask.asked, names=shown)
    if len(names) > 1:
        return SHEET.tell(lang, ip, "warning", "many", ask.asked, names=shown, n=len(names))
    return SHEET.tell(lang, ip, "ok", "ok", ask.asked, names=shown)


def _words(name: str) -> set[str]:
    """The words in front of the registered part: of `dyn-12.pool.isp.example` `dyn` and `pool`."""
    from todoku.lists.identities import registered_domain

    front = name.removesuffix(registered_domain(name) or "")
    return {w for label in front.split(".") for w in re.split(r"[\d_-]+", label) if w}


def is_dynamic(name: str, generic: Generic) -> bool:
    return bool(_words(name) & set(generic.dynamic))


def is_generic(name: str, ip: str, generic: Generic) -> bool:
    """Whether the name holds the address, forwards or backwards, in decimals or hexadecimals; or
    the last half of it beside a word such as `static` or `host`."""
    address = ipaddress.ip_address(ip)
    if isinstance(address, ipaddress.IPv6Address):
        nibbles = address.exploded.replace(":", "")
        plain = re.sub(r"[^0-9a-f]", "", name)
        return nibbles[16:] in plain or nibbles[::-1][:16] in plain
    octets = str(address).split(".")
    padded = [o.zfill(3) for o in octets]
    hexed = address.packed.hex()
    if hexed in name or address.packed[::-1].hex() in name:
        return True
    for order in (octets, octets[::-1], padded, padded[::-1]):
        whole = r"(?<!\d)" + r"[^0-9a-z]?".join(order) + r"(?!\d)"
        if re.search(whole, name):
            return True
    half = rf"(?<!\d)({octets[2]}[.-]{octets[3]}|{octets[3]}[.-]{octets[2]})(?!\d)"
    return bool(re.search(half, name) and _words(name) & set(generic.words))
