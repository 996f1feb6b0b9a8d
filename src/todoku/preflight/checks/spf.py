"""SPF lets the new address send, now, and stays within the limits that receivers keep."""

from __future__ import annotations

import ipaddress
from typing import Any, Final

from todoku.i18n import Language, Words
from todoku.preflight import spf
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

NEAR: Final = spf.LOOK_UPS - 1
"""Look-ups from which on one more service would break the record (habit, no source)."""

WORDS: Final[Words] = {
    "title": {"ja": "SPF", "en": "SPF"},
    "wanted": {
        "ja": "{about} の SPF が今すでに {ip} を許可し、参照が 10 回以内であること",
        "en": "the SPF record of {about} lets {ip} send now, with at most 10 look-ups",
    },
    "why": {
        "ja": "SPF に入っていないアドレスから送ると、移行した瞬間から認証に失敗します。参照が 10 回を超える"
        "記録は、受信側で恒久エラー（permerror）になります。",
        "en": "mail from an address that SPF does not name fails authentication from the first minute, "
        "and a record of more than 10 look-ups is a permanent error to receivers.",
    },
    "found.ok": {
        "ja": "許可しています（{where}）。参照 {n} 回。",
        "en": "allowed by {where}; {n} look-ups.",
    },
    "found.near": {
        "ja": "許可しています（{where}）。参照は {n} 回で、上限の 10 回まで余裕がありません。",
        "en": "allowed by {where}; but {n} look-ups leave no room below 10.",
    },
    "remedy.near": {
        "ja": "使っていない include を外し、{term} を直接書いてください。",
        "en": "take out an include that is no longer needed, and write {term} directly.",
    },
    "found.above": {
        "ja": "このアドレスは {where} で許可されますが、記録全体の参照は {n} 回（上限 10 回）です。",
        "en": "this address is let through by {where}, but the whole record takes {n} look-ups of 10.",
    },
    "remedy.above": {
        "ja": "include を減らして 10 回以内にしてください。後ろの項目で許可される送信元は permerror に"
        "なります。",
        "en": "take includes out until there are 10: whoever is let through by a later term gets a "
        "permanent error.",
    },
    "found.none": {"ja": "{about} に SPF はありません。", "en": "{about} has no SPF record."},
    "remedy.none": {
        "ja": "TXT レコード「v=spf1 {term} -all」を加えてください（ほかの送信元があればその分も）。",
        "en": "publish the TXT record: v=spf1 {term} -all (with your other senders, if there are some).",
    },
    "found.not-covered": {
        "ja": "{ip} は許可されていません（{result}、{where}）。",
        "en": "{ip} is not let through ({result}, by {where}).",
    },
    "remedy.not-covered": {
        "ja": "移行の前に、{about} の SPF へ {term} を加えてください。今のアドレスの項目は移行が済むまで"
        "残します。",
        "en": "add {term} to the SPF record of {about} before the move, and leave the old address in "
        "until it is over.",
    },
    "found.two-records": {
        "ja": "{where} に SPF が 2 つ以上あります（permerror）。",
        "en": "{where} has more than one SPF record (permerror).",
    },
    "remedy.two-records": {"ja": "一つにまとめてください。", "en": "make them one."},
    "found.syntax": {
        "ja": "書式が誤っています: {where}（permerror）",
        "en": "it cannot be read at {where} (permerror).",
    },
    "remedy.syntax": {"ja": "この項目を直してください。", "en": "mend this term."},
    "found.look-ups": {
        "ja": "参照が 10 回を超え、{ip} の判定に至りません（全体で {n} 回、permerror）。",
        "en": "more than 10 look-ups before it comes to {ip} ({n} in all, permerror).",
    },
    "remedy.look-ups": {
        "ja": "{term} を記録の先頭に直接書き、include を減らして 10 回以内にしてください。",
        "en": "write {term} at its beginning, and take includes out until there are 10 look-ups.",
    },
    "found.void": {
        "ja": "存在しない名前への参照が {void} 回あります（上限 2 回、permerror。最後は {where}）。",
        "en": "{void} look-ups lead to nothing, of 2 that are allowed (permerror; the last is {where}).",
    },
    "remedy.void": {
        "ja": "もう存在しない名前の項目を外してください。",
        "en": "take out the terms whose names are gone.",
    },
    "found.no-include": {
        "ja": "include / redirect 先の {where} に SPF がありません（permerror）。",
        "en": "{where}, which it includes, has no SPF record (permerror).",
    },
    "remedy.no-include": {
        "ja": "この include を外すか、正しい名前に直してください。",
        "en": "take this include out, or mend its name.",
    },
    "found.mx-hosts": {
        "ja": "mx: {where} のホストが 10 を超えます（permerror）。",
        "en": "mx of {where} has more than 10 hosts (permerror).",
    },
    "remedy.mx-hosts": {
        "ja": "mx の代わりに ip4 / ip6 で書いてください。",
        "en": "write ip4 and ip6 instead of mx.",
    },
    "found.loop": {
        "ja": "{where} が自分自身を include しています（permerror）。",
        "en": "{where} includes itself (permerror).",
    },
    "remedy.loop": {"ja": "循環する include を外してください。", "en": "take that include out."},
}
SHEET: Final = Sheet("spf", WORDS, ("RFC 7208", "RFC 7208, section 4.6.4"))


def look(ask: Ask, domain: str, ip: str, helo: str | None, lang: Language) -> Check:
    ask = Recorder(ask)
    found = spf.evaluate(ask, domain, ip, helo=helo)
    term = f"ip{ipaddress.ip_address(ip).version}:{ip}"
    told: dict[str, Any] = {
        "ip": ip, "term": term, "where": found.where, "n": found.look_ups, "void": found.void,
        "result": found.result,
    }  # fmt: skip
    details = () if found.record is None else (found.record,)
    if found.error == "silent":
        return SHEET.silent(lang, domain, ask.asked, ip=ip)
    if found.error is not None:
        return SHEET.tell(lang, domain, "bad", found.error, ask.asked, details=details, **told)
    if found.result == "none":
        return SHEET.tell(lang, domain, "bad", "none", ask.asked, **told)
    if found.result != "pass":
        return SHEET.tell(lang, domain, "bad", "not-covered", ask.asked, details=details, **told)
    if found.look_ups > spf.LOOK_UPS:
        return SHEET.tell(lang, domain, "warning", "above", ask.asked, details=details, **told)
    if found.look_ups > NEAR:
        return SHEET.tell(lang, domain, "warning", "near", ask.asked, details=details, **told)
    return SHEET.tell(lang, domain, "ok", "ok", ask.asked, details=details, **told)
