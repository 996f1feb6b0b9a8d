"""The page that says who runs the sending host and how to reach them: T-Online (Germany) takes no mail
from a host without it.

By DNS alone only this is known: that no page can be there. With `--fetch` the page is opened."""

from __future__ import annotations

import contextlib
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from todoku.i18n import Language, Words
from todoku.lazy import expression
from todoku.preflight import dns
from todoku.preflight.data import ContactPage
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.fetch import Fetch
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check
from todoku.preflight.web import NoPageError, Page

MOST: Final = 1 << 19
"""Bytes of a page that are read."""
HOPS: Final = 4
"""Pages that are opened, one after another."""
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_CODES: Final = ("utf-8", "shift_jis", "euc_jp", "iso-8859-1")
"""In which words are looked for: a page need not say how it is written."""
_ADDRESS: Final = expression(
    rb"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
)

WORDS: Final[Words] = {
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
        "ja": "--fetch を付けて実行すると、開いて連絡先を探します。",
        "en": "with --fetch it is opened, and looked through for contact data.",
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
    "found.ok": {
        "ja": "{url} は開け、連絡先らしいもの（{words}）があります。",
        "en": "{url} opens, and holds what looks like contact data ({words}).",
    },
    "found.bare": {
        "ja": "{url} は開けますが、連絡先らしいものが見つかりません。",
        "en": "{url} opens, but nothing on it looks like contact data.",
    },
    "remedy.bare": {
        "ja": "運営者の名前、住所、メールアドレスを載せるか、そのページ（Impressum など）へのリンクを置いてください。",
        "en": "put name, postal address and e-mail address there, or a link to the page that has them "
        "(imprint).",
    },
    "found.no-page": {
        "ja": "{url} の応答が {status} で、ページがありません。",
        "en": "{url} answers {status}: there is no page.",
    },
    "remedy.no-page": {
        "ja": "T-Online へ送るなら、{domain} に連絡先のページを置いてください。",
        "en": "if you send to T-Online, put a page with your contact data at {domain}.",
    },
    "found.led": {
        "ja": "{url} は別のドメイン（{to}）へ転送します。その先は見ていません。",
        "en": "{url} leads to another domain ({to}), where nothing was looked at.",
    },
    "remedy.led": {
        "ja": "転送先に運営者の名前、住所、メールアドレスがあることを確かめてください。",
        "en": "see that the page there shows name, postal address and e-mail address.",
    },
    "found.unreached": {
        "ja": "{url} をここから開けませんでした（{words}）。連絡先があるかは分かりません。",
        "en": "{url} could not be opened from here ({words}): whether contact data is there is not known.",
    },
    "remedy.unreached": {
        "ja": "Web サーバーを確かめ、https://{domain}/ に運営者の名前、住所、メールアドレスがあることを見てください。",
        "en": "look at the web server, and see that https://{domain}/ shows name, postal address and e-mail "
        "address.",
    },
}
SHEET: Final = Sheet("contact-page", WORDS, ("https://postmaster.t-online.de/index.en.html",))


class _Seen(NamedTuple):
    """Where one came, and what was there."""

    url: str
    page: Page | None = None
    words: str = ""
    """Without a page: why."""
    to: str = ""
    """Where it would have led outside of the domain."""


def look(
    ask: Ask,
    ip: str,
    helo: str | None,
    fetch: Fetch | None,
    known: ContactPage,
    lang: Language,
) -> Check:
    from todoku.lists.identities import registered_domain

    ask = Recorder(ask)
    host = helo
    if host is None:
        pointer = ask(dns.reverse(ip), "PTR")
        if pointer.outcome == "unknown":
            return SHEET.silent(lang, ip, ask.asked, domain=ip)
        host = pointer.records[0] if pointer.records else None
    domain = registered_domain(host) if host else None
    if domain is None:
        return SHEET.tell(
            lang, host or ip, "unknown", "not-told", ask.asked, cause="not-asked", domain=host or ip
        )
    found = []
    for name in (domain, f"www.{domain}"):
        addresses = dns.addresses(ask, name)
        if addresses is None:
            return SHEET.silent(lang, domain, ask.asked, domain=domain)
        if addresses:
            found.append(name)
    if not found:
        return SHEET.tell(lang, domain, "warning", "none", ask.asked, domain=domain)
    if fetch is None:
        told = ", ".join(found)
        return SHEET.tell(
            lang, domain, "unknown", "unseen", ask.asked, cause="unseen", domain=domain, hosts=told
        )
    return _opened(ask, domain, found, fetch, known, lang)


def _opened(
    ask: Recorder,
    domain: str,
    hosts: list[str],
    fetch: Fetch,
    known: ContactPage,
    lang: Language,
) -> Check:
    """The best of what the domain shows, at its own name and at `www`, by HTTPS and without."""
    seen = []
    for scheme in ("https", "http"):
        for host in hosts:
            one = _followed(ask, domain, f"{scheme}://{host}/", fetch)
            words = () if one.page is None else contacts(one.page.body, known)
            if words:
                return SHEET.tell(
                    lang, domain, "ok", "ok", ask.asked,
                    domain=domain, url=one.url, words=", ".join(words),
                )  # fmt: skip
            seen.append(one)
    best = min(seen, key=_rank)
    details = [f"{one.url}: {one.page.status if one.page else one.words or one.to}" for one in seen]
    if best.page is not None and best.page.status == 200:
        return SHEET.tell(
            lang, domain, "warning", "bare", ask.asked,
            details=details, domain=domain, url=best.url,
        )  # fmt: skip
    if best.to:
        return SHEET.tell(
            lang, domain, "unknown", "led", ask.asked,
            cause="unseen", details=details, domain=domain, url=best.url, to=best.to,
        )  # fmt: skip
    if best.page is not None:
        return SHEET.tell(
            lang, domain, "warning", "no-page", ask.asked,
            details=details, domain=domain, url=best.url, status=best.page.status,
        )  # fmt: skip
    return SHEET.tell(
        lang, domain, "unknown", "unreached", ask.asked,
        details=details, domain=domain, url=best.url, words=best.words,
    )  # fmt: skip


def _rank(one: _Seen) -> int:
    if one.page is not None and one.page.status == 200:
        return 0
    return 1 if one.to else 2 if one.page is not None else 3


def _followed(ask: Ask, domain: str, url: str, fetch: Fetch) -> _Seen:
    """Redirects are followed within the domain alone: elsewhere a stranger says what is opened."""
    for _ in range(HOPS):
        scheme, host, path = _parts(url)
        if scheme not in {"http", "https"} or not (host == domain or host.endswith(f".{domain}")):
            return _Seen(url, to=host or url)
        addresses = dns.addresses(ask, host)
        if not addresses:
            return _Seen(url, words=f"{host}: DNS")
        try:
            page = fetch.page(addresses, host, path, most=MOST, secure=scheme == "https")
        except NoPageError as error:
            return _Seen(url, words=error.words or error.why)
        if page.status not in _REDIRECTS or not page.location:
            return _Seen(url, page)
        url = _absolute(url, page.location)
    return _Seen(url, words="redirects")


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, host, and path with query; empty ones where it is no URL, or names a port."""
    try:
        parts = urlsplit(url)
        if parts.port is not None or "@" in parts.netloc:
            return "", parts.netloc, ""
    except ValueError:
        return "", "", ""
    path = parts.path or "/"
    return (
        parts.scheme,
        (parts.hostname or "").rstrip("."),
        path + (f"?{parts.query}" if parts.query else ""),
    )


def _absolute(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def contacts(body: bytes, known: ContactPage) -> tuple[str, ...]:
    """What looks like contact data on a page: at most three of the words, or an address."""
    low = body.lower()
    found = [word for word in known.words if any(octets in low for octets in _spelt(word))]
    if not found and (m := _ADDRESS.search(body)) is not None:
        found = [m[0].decode("ascii")]
    return tuple(found[:3])


def _spelt(word: str) -> set[bytes]:
    spelt = set()
    for code in _CODES:
        with contextlib.suppress(UnicodeEncodeError):
            spelt.add(word.encode(code).lower())
    return spelt
