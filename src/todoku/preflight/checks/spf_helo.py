"""SPF of the name said in EHLO: receivers ask it for mail without a sender, as bounces are."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from todoku.i18n import Language, Words
from todoku.preflight import dns, spf
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

WORDS: Final[Words] = {
    "title": {"ja": "HELO の名前の SPF", "en": "SPF of the HELO name"},
    "wanted": {
        "ja": "{about} に SPF があるなら、新しいアドレスを許していること（任意）",
        "en": "if {about} has an SPF record: it lets the new address send (optional)",
    },
    "why": {
        "ja": "差出人が空のメール（エラー通知など）では、受信側は HELO の名前の SPF を調べます。",
        "en": "of mail without a sender, such as bounces, receivers look at the SPF record of the HELO name.",
    },
    "found.ok": {"ja": "{ip} を許しています。", "en": "it lets {ip} send."},
    "found.none": {"ja": "公開していません（任意）。", "en": "not published (optional)."},
    "found.not-covered": {
        "ja": "{ip} を許していません（結果は {result}）。",
        "en": "it does not let {ip} send (the result is {result}).",
    },
    "remedy.not-covered": {
        "ja": "{about} の SPF に {term} を加えてください。",
        "en": "add {term} to the SPF record of {about}.",
    },
    "found.broken": {
        "ja": "SPF を評価できません（permerror: {error}）。",
        "en": "the record cannot be evaluated (permerror: {error}).",
    },
    "remedy.broken": {
        "ja": "{about} の SPF を「v=spf1 {term} -all」のように一つだけ公開してください。",
        "en": "publish exactly one at {about}, such as: v=spf1 {term} -all",
    },
    "found.not-told": {
        "ja": "HELO の完全な名前が分からないため、調べていません。",
        "en": "not looked at, because no full HELO name is known.",
    },
    "remedy.not-told": {
        "ja": "--helo で名前を指定してください。",
        "en": "give it by --helo.",
    },
}
SHEET: Final = Sheet("spf-helo", WORDS, ("RFC 7208, section 2.3", "RFC 7208, section 2.4"))


def look(ask: Ask, ip: str, helo: str | None, lang: Language) -> Check:
    """Without a `helo` the reverse name is taken."""
    ask = Recorder(ask)
    if helo is None:
        pointer = ask(dns.reverse(ip), "PTR")
        if pointer.outcome == "unknown":
            return SHEET.silent(lang, ip, ask.asked)
        helo = pointer.records[0] if pointer.records else None
    if helo is None or "." not in helo.strip("."):
        return SHEET.tell(lang, helo or ip, "unknown", "not-told", ask.asked, cause="not-asked")
    found = spf.evaluate(ask, helo, ip, helo=helo)
    term = f"ip{ipaddress.ip_address(ip).version}:{ip}"
    told: dict[str, Any] = {"ip": ip, "term": term, "result": found.result, "error": found.error}
    if found.error == "silent":
        return SHEET.silent(lang, helo, ask.asked)
    if found.error is not None:
        return SHEET.tell(lang, helo, "warning", "broken", ask.asked, **told)
    if found.result == "none":
        return SHEET.tell(lang, helo, "ok", "none", ask.asked)
    details = () if found.record is None else (found.record,)
    if found.result != "pass":
        return SHEET.tell(lang, helo, "warning", "not-covered", ask.asked, details=details, **told)
    return SHEET.tell(lang, helo, "ok", "ok", ask.asked, details=details, **told)
