"""TLS-RPT: where others report that mail to the domain could not be encrypted. Mail is sent without it."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

WORDS: Final[Words] = {
    "title": {"ja": "TLS-RPT", "en": "TLS-RPT"},
    "wanted": {
        "ja": "公開しているなら、レポートの宛先（rua）があること（任意）",
        "en": "if published: somewhere for reports to go, rua (optional)",
    },
    "why": {
        "ja": "受信の暗号化についての設定で、送信の可否には影響しません。壊れていると、失敗の報告が届きません。",
        "en": "it concerns mail that comes in, not what is sent; where it is broken, no reports of "
        "failures arrive.",
    },
    "found.none": {"ja": "公開していません（任意）。", "en": "not published (optional)."},
    "found.ok": {"ja": "rua={rua}", "en": "rua={rua}"},
    "found.broken": {
        "ja": "記録が正しくありません: {record}",
        "en": "the record is not valid: {record}",
    },
    "remedy.broken": {
        "ja": "一つだけ「v=TLSRPTv1; rua=mailto:アドレス」の形で公開してください。",
        "en": "publish exactly one, as: v=TLSRPTv1; rua=mailto:address",
    },
}
SHEET: Final = Sheet("tls-rpt", WORDS, ("RFC 8460, section 3",))


def look(ask: Ask, domain: str, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(f"_smtp._tls.{domain}", "TXT")
    if answer.outcome == "unknown":
        return SHEET.silent(lang, domain, ask.asked)
    records = dns.texts(answer, "v=TLSRPTv1")
    if not records:
        return SHEET.tell(lang, domain, "ok", "none", ask.asked)
    rua = dns.tags(records[0]).get("rua", "")
    if len(records) > 1 or not rua.lower().startswith(("mailto:", "https:")):
        return SHEET.tell(lang, domain, "warning", "broken", ask.asked, record=records[0])
    return SHEET.tell(lang, domain, "ok", "ok", ask.asked, rua=rua)
