"""MTA-STS: whether others may know that mail to the domain is to be encrypted, and to which servers it
goes. Mail is sent without it; one that is published and wrong holds up what comes in."""

from __future__ import annotations

from typing import Any, Final

from todoku.i18n import Language, Sentence, Words
from todoku.preflight import dns, sts
from todoku.preflight.checks.mx import exchangers
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.fetch import Fetch
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check, State
from todoku.preflight.web import NoPageError, Page

PATH: Final = "/.well-known/mta-sts.txt"
MOST: Final = 1 << 16
"""Bytes of a policy: RFC 8461, section 3.3, names 64 KiB."""
LEAST: Final = 7 * 86400
"""Seconds: "in the range of weeks or greater" is `max_age` to be (RFC 8461, section 3.2)."""

WORDS: Final[Words] = {
    "title": {"ja": "MTA-STS", "en": "MTA-STS"},
    "wanted": {
        "ja": "公開しているなら、記録もポリシーも正しく、ポリシーの mx がすべての MX を含むこと（任意）",
        "en": "if published: a valid record, and a valid policy whose mx lines cover every MX (optional)",
    },
    "why": {
        "ja": "受信の暗号化についての設定で、送信の可否には影響しません。壊れていると、届くはずのメールが届きません。",
        "en": "it concerns mail that comes in, not what is sent; where it is broken, mail to you is held up.",
    },
    "found.none": {"ja": "公開していません（任意）。", "en": "not published (optional)."},
    "found.ok": {
        "ja": "ポリシーは mode: {mode}、max_age: {age} 秒で、すべての MX を含みます。",
        "en": "the policy says mode: {mode}, max_age: {age}, and covers every MX.",
    },
    "found.unseen": {
        "ja": "id={id}。ポリシー（{url}）の中身は見ていません。",
        "en": "id={id}; the policy itself ({url}) was not fetched.",
    },
    "remedy.unseen": {
        "ja": "--fetch を付けて実行すると、取得して MX と照らし合わせます。",
        "en": "with --fetch it is fetched, and held against the MX.",
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
    "found.unreached": {
        "ja": "{url} をここから取得できませんでした（{words}）。中身は分かりません。",
        "en": "{url} could not be fetched from here ({words}): what it says is not known.",
    },
    "remedy.unreached": {
        "ja": "Web サーバーとファイアウォールを確かめ、もう一度実行してください。",
        "en": "look at the web server and at firewalls on the way, and run this again.",
    },
    "found.no-authorities": {
        "ja": "このマシンに認証局の証明書がなく、{host} の証明書を確かめられません。",
        "en": "this machine knows no certificate authorities, so that of {host} cannot be proved.",
    },
    "remedy.no-authorities": {
        "ja": "認証局の証明書（Debian では ca-certificates）を入れ、もう一度実行してください。",
        "en": "install them (Debian: ca-certificates), and run this again.",
    },
    "found.certificate": {
        "ja": "{host} の証明書を確かめられません（{words}）。送信側はこのポリシーを使いません。",
        "en": "the certificate of {host} does not hold ({words}): senders will not use the policy.",
    },
    "remedy.certificate": {
        "ja": "{host} の名前で、公的な認証局の証明書を入れてください。",
        "en": "give {host} a certificate for that name, by a public authority.",
    },
    "found.no-page": {
        "ja": "{url} の応答が {status} で、ポリシーがありません。",
        "en": "{url} answers {status}, which is no policy.",
    },
    "remedy.no-page": {
        "ja": "転送せず、200 と text/plain でポリシーを返してください（RFC 8461 は転送に従うことを禁じています）。",
        "en": "have it answer 200 with the policy as text/plain; senders must not follow redirects.",
    },
    "found.no-policy": {
        "ja": "{url} の中身はポリシーとして読めません（{fault}）。送信側は使いません。",
        "en": "what stands at {url} is no valid policy ({fault}): senders will not use it.",
    },
    "remedy.no-policy": {
        "ja": "「version: STSv1」「mode: testing」「mx: {first}」「max_age: 604800」を 1 行に一つずつ書いてください。",
        "en": "write one to a line: version: STSv1, mode: testing, mx: {first}, max_age: 604800",
    },
    "found.uncovered": {
        "ja": "mode: {mode} のポリシーに、次の MX が含まれていません: {hosts}",
        "en": "the policy (mode: {mode}) does not cover these MX hosts: {hosts}",
    },
    "remedy.uncovered": {
        "ja": "ポリシーに「mx: ホスト名」の行を加え、記録の id を変えてください。",
        "en": "add a line mx: HOST for each of them, and change the id of the record.",
    },
    "found.short": {
        "ja": "mode: enforce ですが max_age が {age} 秒と短く、守りが続きません。",
        "en": "mode: enforce, but a max_age of {age} seconds is too short to protect.",
    },
    "remedy.short": {
        "ja": "max_age を 1 週間（604800）以上にし、記録の id を変えてください。",
        "en": "set max_age to a week at least (604800), and change the id of the record.",
    },
}
FAULTS: Final[dict[sts.Fault, Sentence]] = {
    "version": {"ja": "version: STSv1 がない", "en": "no version: STSv1"},
    "mode": {"ja": "mode がないか誤り", "en": "no mode, or an unknown one"},
    "max-age": {"ja": "max_age がないか誤り", "en": "no max_age, or one that cannot be"},
    "mx": {"ja": "mx がない", "en": "no mx"},
    "long": {"ja": "64 KiB を超える", "en": "above 64 KiB"},
    "kind": {"ja": "text/plain ではない", "en": "not text/plain"},
    "nonsense": {"ja": "HTTPS の応答ではない", "en": "no answer of HTTPS"},
}
SHEET: Final = Sheet("mta-sts", WORDS, ("RFC 8461, section 3",))


def look(ask: Ask, domain: str, fetch: Fetch | None, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(f"_mta-sts.{domain}", "TXT")
    if answer.outcome == "unknown":
        return SHEET.silent(lang, domain, ask.asked)
    records = dns.texts(answer, "v=STSv1")
    if not records:
        return SHEET.tell(lang, domain, "ok", "none", ask.asked)
    name = dns.tags(records[0]).get("id", "")
    if len(records) > 1 or not (name.isascii() and name.isalnum() and len(name) <= 32):
        return SHEET.tell(lang, domain, "warning", "broken", ask.asked, record=records[0])
    host = f"mta-sts.{domain}"
    found = dns.addresses(ask, host)
    if found is None:
        return SHEET.silent(lang, domain, ask.asked)
    if not found:
        return SHEET.tell(lang, domain, "warning", "no-host", ask.asked, host=host)
    if fetch is None:
        url = f"https://{host}{PATH}"
        return SHEET.tell(
            lang, domain, "unknown", "unseen", ask.asked, cause="unseen", id=name, url=url
        )
    return _fetched(ask, fetch, domain, host, found, lang)


def _fetched(
    ask: Recorder, fetch: Fetch, domain: str, host: str, addresses: tuple[str, ...], lang: Language
) -> Check:
    answer = ask(domain, "MX")
    if answer.outcome == "unknown":
        return SHEET.silent(lang, domain, ask.asked)
    hosts = list(filter(None, exchangers(answer.records))) or [domain]
    told: dict[str, Any] = {"host": host, "url": f"https://{host}{PATH}", "first": hosts[0]}

    def tell(state: State, key: str, **more: Any) -> Check:
        return SHEET.tell(lang, domain, state, key, ask.asked, **told, **more)

    try:
        page = fetch.page(addresses, host, PATH, most=MOST)
        told["details"] = [f"{told['url']}: {page.status} {page.kind}, {len(page.body):,} bytes"]
        if page.status != 200:
            status = f"{page.status} → {page.location}" if page.location else str(page.status)
            return tell("warning", "no-page", status=status)
        policy = _read(page)
    except NoPageError as error:
        if error.why == "certificate":
            return tell("warning", "certificate", words=error.words)
        if error.why == "no-authorities":
            return tell("unknown", "no-authorities", cause="not-asked")
        if error.why == "nonsense":
            return tell("warning", "no-policy", fault=FAULTS["nonsense"][lang])
        return tell("unknown", "unreached", words=error.words or error.why)
    except sts.BadPolicyError as error:
        return tell("warning", "no-policy", fault=FAULTS[error.fault][lang])
    told |= {"mode": policy.mode, "age": policy.max_age}
    lost = [] if policy.mode == "none" else [h for h in hosts if not sts.covers(policy, h)]
    if lost:
        # Where it is enforced, and no server is left, no mail comes in.
        bad = policy.mode == "enforce" and len(lost) == len(hosts)
        return tell("bad" if bad else "warning", "uncovered", hosts=", ".join(lost))
    if policy.mode == "enforce" and policy.max_age < LEAST:
        return tell("warning", "short")
    return tell("ok", "ok")


def _read(page: Page) -> sts.Policy:
    """Raises `BadPolicyError`."""
    if not page.whole:
        raise sts.BadPolicyError("long")
    if page.kind != "text/plain":
        raise sts.BadPolicyError("kind")
    return sts.read(page.body)
