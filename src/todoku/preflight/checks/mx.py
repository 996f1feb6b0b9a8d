"""The domain takes mail: bounces, answers and reports come back."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

MOST: Final = 20
"""Hosts that are looked up."""

WORDS: Final[Words] = {
    "title": {"ja": "受信（MX）", "en": "taking mail (MX)"},
    "wanted": {
        "ja": "{about} に、解決できる MX があること",
        "en": "{about} has MX records whose hosts resolve",
    },
    "why": {
        "ja": "メールを受け取らないドメインからのメールを拒否する受信側があり、エラーメールや解除依頼の返事も"
        "届きません。",
        "en": "some receivers refuse mail from a domain that takes none, and neither bounces nor answers "
        "of removal desks would arrive.",
    },
    "found.ok": {"ja": "{hosts}", "en": "{hosts}"},
    "found.null": {
        "ja": "null MX です（{about} はメールを受け取らないという宣言）。",
        "en": "a null MX: {about} says that it takes no mail.",
    },
    "remedy.null": {
        "ja": "{about} を差出人に使うなら、null MX を外して受信用の MX を設定してください。",
        "en": "if mail is sent as {about}, take the null MX away and publish one that takes mail.",
    },
    "found.no-domain": {
        "ja": "{about} というドメインは DNS にありません（NXDOMAIN）。",
        "en": "the DNS has no domain {about} (NXDOMAIN).",
    },
    "remedy.no-domain": {
        "ja": "綴りと、ドメインの登録・委任を確かめてください。",
        "en": "look at its spelling, and at its registration and delegation.",
    },
    "found.none": {
        "ja": "MX も A / AAAA もありません。メールを受け取れません。",
        "en": "it has neither MX nor an address, and cannot take mail.",
    },
    "remedy.none": {
        "ja": "受信するサーバーを指す MX を加えてください。",
        "en": "publish an MX record with the server that takes its mail.",
    },
    "found.implicit": {
        "ja": "MX がなく、A / AAAA の {hosts} が受信先になります。",
        "en": "no MX: mail goes to its own address {hosts}.",
    },
    "remedy.implicit": {
        "ja": "MX を明示してください。Web サーバーへ配送されているかもしれません。",
        "en": "publish an MX record: that may be the web server.",
    },
    "found.some": {
        "ja": "解決できない MX があります: {hosts}",
        "en": "MX hosts that do not resolve: {hosts}",
    },
    "found.all": {
        "ja": "どの MX も解決できません: {hosts}",
        "en": "none of its MX hosts resolves: {hosts}",
    },
    "remedy.some": {
        "ja": "その MX を外すか、ホスト名に A / AAAA を加えてください。",
        "en": "take these away, or give them an address.",
    },
    "remedy.all": {
        "ja": "MX のホスト名に A / AAAA を加えてください。",
        "en": "give these hosts an address.",
    },
}
SHEET: Final = Sheet("mx", WORDS, ("RFC 5321, section 5.1", "RFC 7505, section 4.2"))


def look(ask: Ask, domain: str, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(domain, "MX")
    if answer.outcome == "unknown":
        return SHEET.silent(lang, domain, ask.asked)
    if answer.outcome == "no-name":
        return SHEET.tell(lang, domain, "bad", "no-domain", ask.asked)
    hosts = exchangers(answer.records)
    if answer.records and not any(hosts):
        return SHEET.tell(lang, domain, "bad", "null", ask.asked)
    if not hosts:
        own = dns.addresses(ask, domain)
        if own is None:
            return SHEET.silent(lang, domain, ask.asked)
        if not own:
            return SHEET.tell(lang, domain, "bad", "none", ask.asked)
        return SHEET.tell(lang, domain, "warning", "implicit", ask.asked, hosts=", ".join(own))
    found = {host: dns.addresses(ask, host) for host in filter(None, hosts[:MOST])}
    lost = [host for host, addresses in found.items() if addresses == ()]
    good = [host for host, addresses in found.items() if addresses]
    if not good and len(lost) < len(found):
        return SHEET.silent(lang, domain, ask.asked)
    if not good:
        return SHEET.tell(lang, domain, "bad", "all", ask.asked, hosts=", ".join(lost))
    if lost:
        return SHEET.tell(lang, domain, "warning", "some", ask.asked, hosts=", ".join(lost))
    return SHEET.tell(lang, domain, "ok", "ok", ask.asked, hosts=", ".join(good))


def exchangers(records: tuple[str, ...]) -> list[str]:
    """Hosts of MX records, best first; an empty one is the null MX."""
    pairs = (r.partition(" ") for r in records)
    return [host for _, host in sorted((int(number), host) for number, _, host in pairs)]
