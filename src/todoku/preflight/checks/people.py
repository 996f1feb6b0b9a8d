"""Where people write to: abuse@ and postmaster@, and the page that says who sends.

Without sending mail or fetching a page only this is known: that neither can be there."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.checks.mx import exchangers
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

MAILBOX_WORDS: Final[Words] = {
    "title": {"ja": "abuse@ と postmaster@", "en": "abuse@ and postmaster@"},
    "wanted": {
        "ja": "abuse@{about} と postmaster@{about} に届いたメールを人が読むこと",
        "en": "somebody reads what comes to abuse@{about} and postmaster@{about}",
    },
    "why": {
        "ja": "苦情や解除の確認はここに届きます。届かないことを理由に載せるリストや、解除の条件にする窓口が"
        "あります。",
        "en": "complaints and confirmations of removal go there, and some lists and desks ask for it.",
    },
    "found.unseen": {
        "ja": "{about} はメールを受け取りますが、この二つが届くかは送らずには分かりません。",
        "en": "{about} takes mail; whether these two do cannot be known without sending.",
    },
    "remedy.unseen": {
        "ja": "外部のメールアドレスから両方へ 1 通ずつ送り、読めることを確かめてください。",
        "en": "send one mail to each from an address elsewhere, and see that you can read it.",
    },
    "found.no-mail": {
        "ja": "{about} はメールを受け取らないので、どちらにも届きません。",
        "en": "{about} takes no mail, so neither can be reached.",
    },
    "remedy.no-mail": {
        "ja": "{about} の MX を直し、二つのアドレスを作ってください。",
        "en": "mend the MX of {about}, and have the two addresses.",
    },
}
MAILBOXES: Final = Sheet("mailboxes", MAILBOX_WORDS, ("RFC 2142, sections 4 and 5",))


def mailboxes(ask: Ask, domain: str, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(domain, "MX")
    if answer.outcome == "unknown":
        return MAILBOXES.silent(lang, domain, ask.asked)
    hosts = exchangers(answer.records) or [domain]
    takes = False
    for host in filter(None, hosts[:5]):
        found = dns.addresses(ask, host)
        if found is None:
            return MAILBOXES.silent(lang, domain, ask.asked)
        takes = takes or bool(found)
    if not takes:
        return MAILBOXES.tell(lang, domain, "bad", "no-mail", ask.asked)
    return MAILBOXES.tell(lang, domain, "unknown", "unseen", ask.asked, cause="unseen")


PAGE_WORDS: Final[Words] = {
    "title": {"ja": "連絡先のページ", "en": "contact page"},
    "wanted": {
        "ja": "送信ホストのドメイン {domain} の Web サイトに、運営者と連絡先が書いてあること",
        "en": "a web site at {domain}, the domain of the sending host, that says who runs it and how "
        "to reach them",
    },
    "why": {
        "ja": "T-Online（ドイツ）は、これがないホストからのメールを受け付けません。",
        "en": "T-Online (Germany) takes no mail from a host without it.",
    },
    "found.unseen": {
        "ja": "{domain} に Web サーバーの名前はあります（{hosts}）。中身は見ていません。",
        "en": "{domain} has a name for a web server ({hosts}); the page was not fetched.",
    },
    "remedy.unseen": {
        "ja": "https://{domain}/ に運営者の名前、住所、メールアドレスがあることを確かめてください。",
        "en": "see that https://{domain}/ shows name, postal address and e-mail address.",
    },
    "found.none": {
        "ja": "{domain} にも www.{domain} にもアドレスがありません。",
        "en": "neither {domain} nor www.{domain} has an address.",
    },
    "remedy.none": {
        "ja": "T-Online へ送るなら、{domain} に連絡先のページを置いてください。",
        "en": "if you send to T-Online, put a page with your contact data at {domain}.",
    },
    "found.not-told": {
        "ja": "送信ホストの名前が分からないため、調べていません。",
        "en": "not looked at, because the sending host's name is not known.",
    },
    "remedy.not-told": {
        "ja": "--helo でホスト名を指定してください。",
        "en": "give the host name by --helo.",
    },
}
PAGE: Final = Sheet("contact-page", PAGE_WORDS, ("https://postmaster.t-online.de/index.en.html",))


def contact_page(ask: Ask, ip: str, helo: str | None, lang: Language) -> Check:
    from todoku.lists.identities import registered_domain

    ask = Recorder(ask)
    host = helo
    if host is None:
        pointer = ask(dns.reverse(ip), "PTR")
        if pointer.outcome == "unknown":
            return PAGE.silent(lang, ip, ask.asked, domain=ip)
        host = pointer.records[0] if pointer.records else None
    domain = registered_domain(host) if host else None
    if domain is None:
        return PAGE.tell(
            lang, host or ip, "unknown", "not-told", ask.asked, cause="not-asked", domain=host or ip
        )
    found = []
    for name in (domain, f"www.{domain}"):
        addresses = dns.addresses(ask, name)
        if addresses is None:
            return PAGE.silent(lang, domain, ask.asked, domain=domain)
        if addresses:
            found.append(name)
    if not found:
        return PAGE.tell(lang, domain, "warning", "none", ask.asked, domain=domain)
    told = ", ".join(found)
    return PAGE.tell(
        lang, domain, "unknown", "unseen", ask.asked, cause="unseen", domain=domain, hosts=told
    )
