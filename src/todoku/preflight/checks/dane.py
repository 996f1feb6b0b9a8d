"""DANE: TLSA records by which others hold the certificates of the domain's mail servers (RFC 7672).
Mail is sent without them; where they do not match, those who ask for them deliver nothing."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from todoku.i18n import Language, Words, say
from todoku.preflight import dns, tlsa
from todoku.preflight.checks.mx import exchangers
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.fetch import Fetch
from todoku.preflight.sheet import LONGEST, Sheet
from todoku.preflight.tlsa import Tlsa
from todoku.preflight.values import Check, Detail, State

MOST: Final = 5
"""Hosts that are looked at."""
_AUTHORITIES: Final = 4
"""Certificates of a chain that are tried as the authority of a record."""

WORDS: Final[Words] = {
    "title": {"ja": "DANE（TLSA）", "en": "DANE (TLSA)"},
    "wanted": {
        "ja": "公開しているなら、用途 2 か 3 の TLSA が DNSSEC で守られ、サーバーの証明書と一致すること（任意）",
        "en": "if published: TLSA records of usage 2 or 3, by DNSSEC, that match the servers' certificates "
        "(optional)",
    },
    "why": {
        "ja": "受信の暗号化についての設定で、送信の可否には影響しません。一致しないと、DANE を使う送信側からの"
        "メールが届きません。",
        "en": "it concerns mail that comes in, not what is sent; where they do not match, whoever uses DANE "
        "delivers nothing to you.",
    },
    "found.none": {"ja": "公開していません（任意）。", "en": "not published (optional)."},
    "found.ok": {
        "ja": "{hosts} の証明書は TLSA と一致します。",
        "en": "the certificates of {hosts} match.",
    },
    "found.unseen": {
        "ja": "{hosts}。証明書との一致は見ていません。",
        "en": "{hosts}; whether the certificates match was not looked at.",
    },
    "remedy.unseen": {
        "ja": "--fetch を付けて実行すると、STARTTLS で証明書を受け取り、照らし合わせます。",
        "en": "with --fetch the certificates are asked for by STARTTLS, and compared.",
    },
    "found.useless": {
        "ja": "{hosts} の TLSA は用途 0 か 1 だけで、メールでは使えません。",
        "en": "TLSA of {hosts} has usage 0 or 1 alone, which mail does not use.",
    },
    "remedy.useless": {
        "ja": "用途 3（3 1 1）で公開し直してください。",
        "en": "publish it with usage 3 (3 1 1).",
    },
    "found.mismatch": {
        "ja": "{hosts} の証明書は TLSA と一致しません。",
        "en": "what {hosts} shows does not match.",
    },
    "remedy.mismatch": {
        "ja": "今の証明書の TLSA（3 1 1）を公開してください。証明書を替えるときは、先に新しい TLSA を加え、TTL が"
        "過ぎてから替えます。",
        "en": "publish TLSA (3 1 1) of the certificate in use. Before a change of certificates, add the new "
        "record first, and wait for its TTL.",
    },
    "found.unreached": {
        "ja": "{hosts} の証明書をここから受け取れませんでした。一致するかは分かりません。",
        "en": "no certificate came from {hosts}: whether it matches is not known.",
    },
    "remedy.unreached": {
        "ja": "25 番ポートで外へ接続できるマシンから、もう一度実行してください。",
        "en": "run this again from a machine that may go out by port 25.",
    },
    "found.insecure": {
        "ja": "証明書は一致しますが、リゾルバーは DNSSEC で確かめたと言いません（AD なし）。DANE が効くかは"
        "分かりません。",
        "en": "the certificates match, but the resolver does not say that DNSSEC holds (no AD): whether DANE "
        "counts is not known.",
    },
    "remedy.insecure": {
        "ja": "DNSSEC を検証するリゾルバーを --resolver に指定してください。それでも AD が付かなければ、"
        "ゾーンに署名がなく、TLSA は効きません。",
        "en": "name a resolver that validates, by --resolver. If it does not say so either, the zone is not "
        "signed, and its TLSA records count for nothing.",
    },
}
LINES: Final[Words] = {
    "match": {"ja": "{host}: {record} と一致", "en": "{host}: {record} matches"},
    "mismatch": {"ja": "{host}: {n} 件のどれとも一致しない", "en": "{host}: matches none of {n}"},
    "no-tls": {"ja": "{host}: STARTTLS を提示しない", "en": "{host}: does not offer STARTTLS"},
    "failed": {"ja": "{host}: TLS が成立しない（{why}）", "en": "{host}: TLS failed ({why})"},
    "unreached": {"ja": "{host}: 接続できない（{why}）", "en": "{host}: not reached ({why})"},
    "unproven": {
        "ja": "{host}: 認証局までの鎖を確かめられない",
        "en": "{host}: the chain to its authority could not be looked at",
    },
}
SHEET: Final = Sheet("dane", WORDS, ("RFC 7672, section 3.1", "RFC 6698"))

_Key: TypeAlias = Literal["match", "mismatch", "no-tls", "failed", "unreached", "unproven"]
_STATES: Final[dict[_Key, State]] = {
    "match": "ok", "mismatch": "bad", "no-tls": "bad", "failed": "bad",
    "unreached": "unknown", "unproven": "unknown",
}  # fmt: skip


class _Held(NamedTuple):
    """One host, held against its records."""

    host: str
    key: _Key
    record: str = ""
    why: str = ""
    n: int = 0


def look(ask: Ask, domain: str, fetch: Fetch | None, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(domain, "MX")
    if answer.outcome == "unknown":
        return SHEET.silent(lang, domain, ask.asked)
    hosts = list(filter(None, exchangers(answer.records)))[:MOST]
    found: dict[str, list[Tlsa]] = {}
    secure = answer.secure
    for host in hosts:
        told = ask(f"_25._tcp.{host}", "TLSA")
        if told.outcome == "unknown":
            return SHEET.silent(lang, domain, ask.asked)
        if told.records:
            found[host] = [record for record in tlsa.read(told.records) if record.used]
            secure = secure and told.secure
    useless = [host for host, records in found.items() if not records]
    if useless:
        return SHEET.tell(lang, domain, "warning", "useless", ask.asked, hosts=", ".join(useless))
    if not found:
        return SHEET.tell(lang, domain, "ok", "none", ask.asked)
    if fetch is None:
        names = ", ".join(found)
        return SHEET.tell(lang, domain, "unknown", "unseen", ask.asked, cause="unseen", hosts=names)
    held = []
    for host, records in found.items():
        addresses = dns.addresses(ask, host)
        if addresses is None:
            return SHEET.silent(lang, domain, ask.asked)
        held.append(_held(host, records, addresses, fetch))
    return _judged(ask, domain, held, len(held) == len(hosts), secure, lang)


def _held(host: str, records: list[Tlsa], addresses: tuple[str, ...], fetch: Fetch) -> _Held:
    shown = fetch.certificates(host, addresses)
    if shown.starttls is None:
        return _Held(host, "unreached", why=shown.why[:LONGEST])
    if not shown.starttls:
        return _Held(host, "no-tls")
    if not shown.chain:
        return _Held(host, "failed", why=shown.why[:LONGEST])
    unproven = False
    for record in records:
        line = f"{record.usage} {record.selector} {record.matching}"
        if record.usage == 3:
            # Neither names nor dates count: the record says all (RFC 7672, section 3.1.1).
            if tlsa.matches(record, shown.chain[0]):
                return _Held(host, "match", line)
            continue
        for certificate in shown.chain[:_AUTHORITIES]:
            if tlsa.matches(record, certificate):
                proven = fetch.anchored(host, addresses, certificate)
                if proven:
                    return _Held(host, "match", line)
                unproven = unproven or proven is None
    return _Held(host, "unproven" if unproven else "mismatch", n=len(records))


def _judged(
    ask: Recorder, domain: str, held: list[_Held], every: bool, secure: bool, lang: Language
) -> Check:
    """`every`: each host of the MX has records."""
    wrong = [h for h in held if _STATES[h.key] == "bad"]
    lost = [h for h in held if _STATES[h.key] == "unknown"]
    state: State = "ok"
    if wrong:
        # Whoever uses DANE still delivers by a host that matches, or has no records.
        state = "bad" if secure and every and len(wrong) == len(held) else "warning"
        key, named = "mismatch", wrong
    elif lost:
        state, key, named = "unknown", "unreached", lost
    elif not secure:
        state, key, named = "unknown", "insecure", held
    else:
        key, named = "ok", held
    details = [
        Detail(text=say(LINES[h.key], lang, **h._asdict()), state=_STATES[h.key]) for h in held
    ]
    return SHEET.tell(
        lang, domain, state, key, ask.asked,
        cause="unseen" if key == "insecure" else None,
        details=details, hosts=", ".join(h.host for h in named),
    )  # fmt: skip
