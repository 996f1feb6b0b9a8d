"""DMARC: published, telling its owner what happens, and met by SPF or DKIM."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Asked, Check

POLICIES: Final = frozenset({"none", "quarantine", "reject"})
MOST: Final = 5
"""Addresses for reports that are looked at."""

WORDS: Final[Words] = {
    "title": {"ja": "DMARC", "en": "DMARC"},
    "wanted": {
        "ja": "{about} に DMARC があり、集計レポートの宛先（rua）が有効であること",
        "en": "{about} has a DMARC record whose aggregate reports (rua) go somewhere",
    },
    "why": {
        "ja": "大量送信者に Gmail・Yahoo・Outlook.com が求めます。レポートがないと、移行後の認証の失敗に"
        "気付けません。",
        "en": "Gmail, Yahoo and Outlook.com ask it of bulk senders, and without reports nobody tells you "
        "that mail fails authentication after the move.",
    },
    "found.ok": {"ja": "p={policy}（{at}）、rua={rua}", "en": "p={policy} at {at}, rua={rua}"},
    "found.none": {"ja": "{about} に DMARC はありません。", "en": "{about} has no DMARC record."},
    "remedy.none": {
        "ja": "_dmarc.{about} に TXT レコード「v=DMARC1; p=none; rua=mailto:レポートを読むアドレス」を加えてください。",
        "en": "publish at _dmarc.{about} the TXT record: v=DMARC1; p=none; "
        "rua=mailto:an-address-that-is-read",
    },
    "found.two": {
        "ja": "{at} に DMARC が {n} 個あります。ないものとして扱われます。",
        "en": "{at} has {n} DMARC records, which count as none.",
    },
    "remedy.two": {"ja": "一つにしてください。", "en": "leave one."},
    "found.broken": {
        "ja": "{at} の記録に有効な p= がありません: {record}",
        "en": "the record at {at} has no valid p=: {record}",
    },
    "remedy.broken": {
        "ja": "p=none、quarantine、reject のいずれかにしてください。",
        "en": "make it p=none, quarantine or reject.",
    },
    "found.no-reports": {
        "ja": "p={policy}（{at}）。rua がなく、レポートは届きません。",
        "en": "p={policy} at {at}, without rua: no reports come.",
    },
    "remedy.no-reports": {
        "ja": "rua=mailto:レポートを読むアドレス を加えてください。",
        "en": "add rua=mailto:an-address-that-is-read.",
    },
    "found.not-allowed": {
        "ja": "rua の宛先 {there} が、{about} のレポートの受け取りを認めていません。",
        "en": "{there}, where reports should go, does not say that it takes them for {about}.",
    },
    "remedy.not-allowed": {
        "ja": "{name} に TXT レコード「v=DMARC1」を加えてもらうか、宛先を自分のドメインにしてください。",
        "en": "have the TXT record v=DMARC1 published at {name}, or take reports at your own domain.",
    },
}
SHEET: Final = Sheet("dmarc", WORDS, ("RFC 7489, section 6.3", "RFC 7489, section 7.1"))


def look(ask: Ask, domain: str, lang: Language) -> Check:
    from todoku.lists.identities import registered_domain

    ask = Recorder(ask)
    organization = registered_domain(domain) or domain
    for name in dict.fromkeys((domain, organization)):
        answer = ask(f"_dmarc.{name}", "TXT")
        if answer.outcome == "unknown":
            return SHEET.silent(lang, domain, ask.asked)
        records = dns.texts(answer, "v=DMARC1")
        if records:
            return _judge(ask, domain, organization, answer, records, lang)
    return SHEET.tell(lang, domain, "warning", "none", ask.asked)


def _judge(
    ask: Recorder, domain: str, organization: str, at: Asked, records: list[str], lang: Language
) -> Check:
    if len(records) > 1:
        return SHEET.tell(
            lang, domain, "warning", "two", ask.asked, at=at.name, n=len(records), details=records
        )
    tags = dns.tags(records[0])
    policy = tags.get("p", "").lower()
    if at.name != f"_dmarc.{domain}":
        policy = tags.get("sp", policy).lower()
    if policy not in POLICIES:
        return SHEET.tell(
            lang, domain, "warning", "broken", ask.asked, at=at.name, record=records[0]
        )
    reports = [uri.strip() for uri in tags.get("rua", "").split(",") if "@" in uri][:MOST]
    if not reports:
        return SHEET.tell(
            lang, domain, "warning", "no-reports", ask.asked, at=at.name, policy=policy,
            details=records,
        )  # fmt: skip
    for uri in reports:
        there = uri.rpartition("@")[2].partition("!")[0].lower()
        if f".{there}".endswith(f".{organization}"):
            continue
        name = f"{at.name.removeprefix('_dmarc.')}._report._dmarc.{there}"
        allowed = ask(name, "TXT")
        if allowed.outcome == "unknown":
            return SHEET.silent(lang, domain, ask.asked)
        if not dns.texts(allowed, "v=DMARC1"):
            return SHEET.tell(
                lang, domain, "warning", "not-allowed", ask.asked, there=there, name=name,
                details=records,
            )  # fmt: skip
    return SHEET.tell(
        lang, domain, "ok", "ok", ask.asked, at=at.name, policy=policy, rua=", ".join(reports),
        details=records,
    )  # fmt: skip


# ── alignment ─────────────────────────────────────────────────────────────────────────────────

ALIGNED_WORDS: Final[Words] = {
    "title": {"ja": "DMARC の一致（アライメント）", "en": "DMARC alignment"},
    "wanted": {
        "ja": "差出人 @{about} のメールが、{about} の SPF か DKIM で認証されること",
        "en": "mail from @{about} is authenticated by SPF or DKIM of {about}",
    },
    "why": {
        "ja": "From のドメインと一致する認証が一つもないと、DMARC は失敗します。",
        "en": "without one that is of the domain in From, DMARC fails.",
    },
    "found.both": {
        "ja": "SPF と DKIM のどちらでも一致します（エンベロープも署名も {about} の場合）。",
        "en": "both can be (with {about} in the envelope and in d=).",
    },
    "found.spf": {
        "ja": "SPF だけで一致します。転送されると失敗します。",
        "en": "by SPF alone, which fails when mail is forwarded.",
    },
    "remedy.spf": {
        "ja": "{about} の DKIM 署名も付け、--selector で確かめてください。",
        "en": "sign with DKIM of {about} as well, and look at its key with --selector.",
    },
    "found.dkim": {
        "ja": "DKIM だけで一致します。SPF は {about} の許可がありません。",
        "en": "by DKIM alone: SPF of {about} does not let this address send.",
    },
    "remedy.dkim": {
        "ja": "{about} の SPF に新しいアドレスを加えてください。",
        "en": "add the new address to SPF of {about}.",
    },
    "found.none": {"ja": "どちらでも一致しません。", "en": "by neither."},
    "remedy.none": {
        "ja": "SPF か DKIM の少なくとも一つを直してください（上の項目）。",
        "en": "mend SPF or DKIM, which are told above.",
    },
    "found.open": {
        "ja": "SPF か DKIM が不明のため、分かりません。",
        "en": "not known, because SPF or DKIM is not.",
    },
    "remedy.open": {
        "ja": "上の SPF と DKIM の項目を先に明らかにしてください。",
        "en": "settle SPF and DKIM above first.",
    },
}
ALIGNED: Final = Sheet("alignment", ALIGNED_WORDS, ("RFC 7489, section 3.1",))


def aligned(domain: str, spf: Check, keys: list[Check], lang: Language) -> Check:
    """From what was found for this domain: mail is taken to be sent and signed as it."""
    by_spf = {"ok": True, "warning": True, "bad": False}.get(spf.state)
    if any(k.state in {"ok", "warning"} for k in keys):
        by_dkim: bool | None = True
    elif all(k.state == "bad" or k.cause == "not-asked" for k in keys):
        by_dkim = False
    else:
        by_dkim = None
    if by_spf and by_dkim:
        return ALIGNED.tell(lang, domain, "ok", "both")
    if by_spf is None or by_dkim is None:
        return ALIGNED.tell(lang, domain, "unknown", "open")
    if by_spf or by_dkim:
        return ALIGNED.tell(lang, domain, "warning", "spf" if by_spf else "dkim")
    return ALIGNED.tell(lang, domain, "bad", "none")
