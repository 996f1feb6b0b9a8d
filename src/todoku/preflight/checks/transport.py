"""Encryption of mail that comes in: MTA-STS, reports on it (TLS-RPT), and DANE. None of it is needed
to send; what is published and broken is worse than nothing."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.checks.mx import exchangers
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

_WHY: Final[dict[Language, str]] = {
    "ja": "受信の暗号化についての設定で、送信の可否には影響しません。壊れていると、届くはずのメールが届きません。",
    "en": "it concerns mail that comes in, not what is sent; where it is broken, mail to you is held up.",
}

STS_WORDS: Final[Words] = {
    "title": {"ja": "MTA-STS", "en": "MTA-STS"},
    "wanted": {
        "ja": "公開しているなら、記録が正しくポリシーのホストが解決できること（任意）",
        "en": "if published: a valid record, and a policy host that resolves (optional)",
    },
    "why": _WHY,
    "found.none": {"ja": "公開していません（任意）。", "en": "not published (optional)."},
    "found.unseen": {
        "ja": "id={id}。ポリシー（https://{host}/.well-known/mta-sts.txt）の中身は見ていません。",
        "en": "id={id}; the policy itself (https://{host}/.well-known/mta-sts.txt) was not fetched.",
    },
    "remedy.unseen": {
        "ja": "https://{host}/.well-known/mta-sts.txt を開き、mode と、mx に {domain} のすべての MX があることを"
        "確かめてください。",
        "en": "open https://{host}/.well-known/mta-sts.txt: see its mode, and that its mx lines cover every "
        "MX of {domain}.",
    },
    "found.broken": {
        "ja": "記録が正しくありません: {record}",
        "en": "the record is not valid: {record}",
    },
    "remedy.broken": {
        "ja": "一つだけ「v=STSv1; id=英数字」の形で公開してください。",
        "en": "publish exactly one, as: v=STSv1; id=letters-and-digits",
    },
    "found.no-host": {
        "ja": "記録はありますが、{host} が解決できずポリシーを取得できません。",
        "en": "there is a record, but {host} does not resolve, so nobody can fetch the policy.",
    },
    "remedy.no-host": {
        "ja": "{host} を Web サーバーに向けるか、記録を外してください。",
        "en": "point {host} to a web server, or take the record away.",
    },
}
STS: Final = Sheet("mta-sts", STS_WORDS, ("RFC 8461, section 3",))


def mta_sts(ask: Ask, domain: str, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(f"_mta-sts.{domain}", "TXT")
    if answer.outcome == "unknown":
        return STS.silent(lang, domain, ask.asked)
    records = dns.texts(answer, "v=STSv1")
    if not records:
        return STS.tell(lang, domain, "ok", "none", ask.asked)
    name = dns.tags(records[0]).get("id", "")
    if len(records) > 1 or not (name.isascii() and name.isalnum() and len(name) <= 32):
        return STS.tell(lang, domain, "warning", "broken", ask.asked, record=records[0])
    host = f"mta-sts.{domain}"
    found = dns.addresses(ask, host)
    if found is None:
        return STS.silent(lang, domain, ask.asked)
    if not found:
        return STS.tell(lang, domain, "warning", "no-host", ask.asked, host=host)
    return STS.tell(
        lang,
        domain,
        "unknown",
        "unseen",
        ask.asked,
        cause="unseen",
        id=name,
        host=host,
        domain=domain,
    )


RPT_WORDS: Final[Words] = {
    "title": {"ja": "TLS-RPT", "en": "TLS-RPT"},
    "wanted": {
        "ja": "公開しているなら、レポートの宛先（rua）があること（任意）",
        "en": "if published: somewhere for reports to go, rua (optional)",
    },
    "why": _WHY,
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
RPT: Final = Sheet("tls-rpt", RPT_WORDS, ("RFC 8460, section 3",))


def tls_rpt(ask: Ask, domain: str, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(f"_smtp._tls.{domain}", "TXT")
    if answer.outcome == "unknown":
        return RPT.silent(lang, domain, ask.asked)
    records = dns.texts(answer, "v=TLSRPTv1")
    if not records:
        return RPT.tell(lang, domain, "ok", "none", ask.asked)
    rua = dns.tags(records[0]).get("rua", "")
    if len(records) > 1 or not rua.lower().startswith(("mailto:", "https:")):
        return RPT.tell(lang, domain, "warning", "broken", ask.asked, record=records[0])
    return RPT.tell(lang, domain, "ok", "ok", ask.asked, rua=rua)


DANE_WORDS: Final[Words] = {
    "title": {"ja": "DANE（TLSA）", "en": "DANE (TLSA)"},
    "wanted": {
        "ja": "公開しているなら、用途 2 か 3 の TLSA レコードであること（任意）",
        "en": "if published: TLSA records of usage 2 or 3 (optional)",
    },
    "why": _WHY,
    "found.none": {"ja": "公開していません（任意）。", "en": "not published (optional)."},
    "found.unseen": {
        "ja": "{hosts}。証明書との一致は見ていません。",
        "en": "{hosts}; whether the certificates match was not looked at.",
    },
    "remedy.unseen": {
        "ja": "openssl s_client -starttls smtp -connect {first}:25 -dane_tlsa_domain {first} に TLSA の値を渡し、"
        "証明書と一致することを確かめてください。",
        "en": "see that the certificate matches: openssl s_client -starttls smtp -connect {first}:25 "
        "-dane_tlsa_domain {first}, with the TLSA data.",
    },
    "found.useless": {
        "ja": "{hosts} の TLSA は用途 0 か 1 だけで、メールでは使えません。",
        "en": "TLSA of {hosts} has usage 0 or 1 alone, which mail does not use.",
    },
    "remedy.useless": {
        "ja": "用途 3（3 1 1）で公開し直してください。",
        "en": "publish it with usage 3 (3 1 1).",
    },
}
DANE: Final = Sheet("dane", DANE_WORDS, ("RFC 7672, section 3.1",))
MOST: Final = 5
"""Hosts that are looked at."""


def dane(ask: Ask, domain: str, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(domain, "MX")
    if answer.outcome == "unknown":
        return DANE.silent(lang, domain, ask.asked)
    found: dict[str, bool] = {}
    for host in list(filter(None, exchangers(answer.records)))[:MOST]:
        told = ask(f"_25._tcp.{host}", "TLSA")
        if told.outcome == "unknown":
            return DANE.silent(lang, domain, ask.asked)
        if told.records:
            found[host] = any(r.startswith(("2 ", "3 ")) for r in told.records)
    useless = [host for host, good in found.items() if not good]
    if useless:
        return DANE.tell(lang, domain, "warning", "useless", ask.asked, hosts=", ".join(useless))
    if not found:
        return DANE.tell(lang, domain, "ok", "none", ask.asked)
    hosts = ", ".join(found)
    return DANE.tell(
        lang,
        domain,
        "unknown",
        "unseen",
        ask.asked,
        cause="unseen",
        hosts=hosts,
        first=next(iter(found)),
    )
