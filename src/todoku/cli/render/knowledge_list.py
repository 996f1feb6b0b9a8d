"""The screen of a list: what gets one listed, how it is asked, what its answers mean, the ways out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from todoku.cli.render.knowledge import desk_lines, listed, sources
from todoku.cli.render.page import Page
from todoku.cli.render.text import pad, safe, width, wrap
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue, said
from todoku.knowledge.schema import Ask, Code, ListEntry, TestPoints
from todoku.lists.codes import LISTINGS

WORDS: Final[Words] = {
    # labels
    "lists": {"ja": "掲載条件", "en": "Lists"},
    "status": {"ja": "状態", "en": "Status"},
    "zones": {"ja": "ゾーン", "en": "Zones"},
    "names": {"ja": "別名", "en": "Names"},
    "operator": {"ja": "運営", "en": "Operator"},
    "asked": {"ja": "問い合わせ", "en": "Asked"},
    "kin": {"ja": "関連", "en": "Belongs"},
    "terms": {"ja": "利用条件", "en": "Terms"},
    "key": {"ja": "鍵", "en": "Key"},
    "test": {"ja": "動作確認", "en": "Test points"},
    "look-up": {"ja": "検索ページ", "en": "Look it up"},
    "note": {"ja": "注意", "en": "Mind"},
    "codes": {"ja": "応答コード", "en": "Answers"},
    "categories": {"ja": "{octet} 番目の数の意味", "en": "What number {octet} means"},
    "ways": {"ja": "解除の方法", "en": "Ways out"},
    # status
    "alive": {"ja": "稼働中", "en": "in service"},
    "conflicting": {"ja": "情報が食い違う", "en": "sources disagree"},
    "documented": {
        "ja": "公開の一覧に名前があるだけで、稼働しているかは分からない",
        "en": "named in public collections; whether it is in service is not known",
    },
    "unknown": {"ja": "稼働しているか分からない", "en": "whether it is in service is not known"},
    "merged": {"ja": "統合された", "en": "merged into another"},
    "renamed": {"ja": "改名された", "en": "renamed"},
    "fraudulent": {"ja": "信用してはならない", "en": "not to be trusted"},
    "dead": {"ja": "終了した", "en": "out of service"},
    "as-of": {"ja": "{status}（{since}）", "en": "{status} ({since})"},
    "wildcard": {
        "ja": "ゾーンは何を引いても応答する。設定に残っていれば外す。",
        "en": "Its zone answers for every name: take it out of every configuration.",
    },
    "empty": {
        "ja": "ゾーンは空で、何も載っていない。",
        "en": "Its zone is empty: it lists nobody.",
    },
    "timeout": {"ja": "引くと時間切れになる。", "en": "Questions to it time out."},
    "servfail": {"ja": "SERVFAIL を返す。", "en": "It answers SERVFAIL."},
    "refused": {"ja": "REFUSED を返す。", "en": "It answers REFUSED."},
    # how it is asked
    "block": {"ja": "ブロックリスト", "en": "blocklist"},
    "allow": {"ja": "許可リスト", "en": "allow list (being found is good news)"},
    "info": {"ja": "参考情報のリスト", "en": "list of facts (no listing)"},
    "ipv4": {"ja": "IPv4", "en": "IPv4"},
    "ipv6": {"ja": "IPv6", "en": "IPv6"},
    "domain": {"ja": "ドメイン", "en": "domains"},
    "default": {"ja": "既定で調べる", "en": "asked by default"},
    "optional": {"ja": "--tier optional で調べる", "en": "asked with --tier optional"},
    "by-key": {"ja": "鍵があれば調べる", "en": "asked where its key is set"},
    "by-account": {
        "ja": "アカウントを得て、設定 [lists] add に {id} と書けば調べる",
        "en": "asked once you have an account and {id} stands in [lists] add",
    },
    "candidate": {
        "ja": "--tier candidate で調べる（動作確認しだい）",
        "en": "asked with --tier candidate (its health test decides)",
    },
    "never": {"ja": "--list で名指ししたときだけ調べる", "en": "asked only where --list names it"},
    "gone": {"ja": "調べない", "en": "not asked any more"},
    "private": {
        "ja": "公開の DNS では調べられない",
        "en": "cannot be asked by public DNS",
    },
    "registered": {
        "ja": "登録ドメイン（例: mail.example.jp なら example.jp）で引く",
        "en": "by the registered domain: example.jp for mail.example.jp",
    },
    "prefix": {"ja": "IPv6 は /{n} 単位", "en": "IPv6 by /{n}"},
    "part-of": {"ja": "{list} に含まれる", "en": "part of {list}"},
    "moved-to": {"ja": "後継: {list}", "en": "now {list}"},
    "has-part": {"ja": "含むリスト: {lists}", "en": "holds {lists}"},
    # terms
    "per-day": {"ja": "1 日 {n} 件まで", "en": "{n} questions a day"},
    "per-second": {"ja": "毎秒 {n} 件まで", "en": "{n} questions a second"},
    "free": {"ja": "商用利用も可", "en": "commercial use is free"},
    "agreement": {
        "ja": "商用利用には契約が必要",
        "en": "commercial use needs an agreement",
    },
    "no-public": {
        "ja": "公開リゾルバーからは使えない",
        "en": "public resolvers are turned away",
    },
    "registration": {
        "ja": "問い合わせ元のアドレスの登録が必要",
        "en": "the asking address must be registered",
    },
    "key-needed": {
        "ja": "必要。設定 [lists.keys] に {name} として書く",
        "en": "needed: {name} in [lists.keys]",
    },
    "key-optional": {
        "ja": "任意。設定 [lists.keys] に {name} として書く",
        "en": "optional: {name} in [lists.keys]",
    },
    "key-zone": {"ja": "鍵を使うゾーン: {zone}", "en": "the zone that takes it: {zone}"},
    "lifts": {
        "ja": "鍵があれば、商用利用と公開リゾルバーの制限はかからない",
        "en": "it lifts the terms for commercial use and public resolvers",
    },
    # test points
    "listed": {"ja": "必ず載っている: {points}", "en": "always listed: {points}"},
    "not-listed": {"ja": "決して載らない: {points}", "en": "never listed: {points}"},
    "gives": {"ja": "応答は {codes}", "en": "answered by {codes}"},
    "no-random": {
        "ja": "予約済みのアドレスを載せることがある",
        "en": "it may list reserved addresses on purpose",
    },
    "by-operator": {"ja": "運営者による", "en": "on its operator's word"},
    "by-third-party": {"ja": "第三者による", "en": "on a third party's word"},
    "by-rfc5782": {
        "ja": "RFC 5782 による推定（運営者の確認なし）",
        "en": "assumed by RFC 5782, not confirmed by its operator",
    },
    # answers
    "abuse": {"ja": "掲載（迷惑行為）", "en": "listing: abuse"},
    "policy": {"ja": "掲載（方針）", "en": "listing: policy"},
    "range": {"ja": "掲載（範囲）", "en": "listing: range"},
    "good": {"ja": "良い知らせ", "en": "good news"},
    "fact": {"ja": "参考（掲載ではない）", "en": "a fact, no listing"},
    "error": {"ja": "エラー（掲載ではない）", "en": "an error, no listing"},
    "scope-ip": {"ja": "そのアドレスだけ", "en": "the address alone"},
    "scope-range": {"ja": "範囲全体", "en": "the whole range"},
    "scope-asn": {"ja": "事業者（AS）全体", "en": "the whole provider (AS)"},
    "scope-domain": {"ja": "そのドメイン", "en": "the domain"},
    "weight": {"ja": "重み {n}", "en": "weight {n}"},
    "way": {"ja": "解除は {desk}", "en": "way out: {desk}"},
    "open": {"ja": "ほかの応答", "en": "any other"},
    "any": {"ja": "どの応答も", "en": "any answer"},
    "closed": {
        "ja": "意味が分からない（掲載とも未掲載ともみなさない）",
        "en": "not known: neither listed nor not listed",
    },
    "errors": {
        "ja": "問い合わせの拒否など（どのリストでもエラー）",
        "en": "the question was turned away (an error in every list)",
    },
    "listed-plainly": {"ja": "掲載", "en": "listed"},
}

_CLASS: Final = {"allow": "good", "info": "fact"}
_GONE: Final = frozenset({"dead", "fraudulent", "merged", "renamed"})


def screen(entry: ListEntry, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    """All there is to tell of a list; `entry` with how it is asked, where that is known."""
    yield from map(page.bold, page.wrapped(f"{safe(entry.name)} ({entry.id})"))
    yield ""
    ask = entry.ask or Ask()
    if ask.criterion is not None:
        yield from page.row(WORDS["lists"][lang], [said(ask.criterion, lang)])
    yield from page.row(WORDS["status"][lang], list(_status(entry, ask, lang)))
    yield from listed(page, WORDS["zones"][lang], entry.zones)
    yield from listed(page, WORDS["names"][lang], entry.names)
    if entry.operator:
        yield from page.row(WORDS["operator"][lang], [safe(entry.operator)])
    rows = {
        "asked": list(_asked(entry, ask, lang)) if entry.ask else [],
        "kin": list(_kin(entry, ask, c, lang)),
        "terms": list(_terms(ask, lang)),
        "key": list(_key(ask, lang)),
        "test": list(_tests(ask.test, lang)),
        "look-up": [ask.lookup_url] if ask.lookup_url else [],
        "note": [said(ask.note, lang)] if ask.note else [],
    }
    for label, lines in rows.items():
        if lines:
            yield from page.row(WORDS[label][lang], lines)
    if entry.status not in _GONE and ask.kinds and entry.zones:
        yield from _answers(entry, ask, lang, page)
    yield from _ways_out(entry, ask, c, lang, page)
    yield from _sources(entry, lang, page)


def _sources(entry: ListEntry, lang: Language, page: Page) -> Iterator[str]:
    lines = list(sources(page, entry.source, entry.date, lang))
    if lines:
        yield ""
        yield from lines


def _status(entry: ListEntry, ask: Ask, lang: Language) -> Iterator[str]:
    status = say(WORDS[entry.status], lang)
    yield say(WORDS["as-of"], lang, status=status, since=ask.since) if ask.since else status
    if ask.became is not None:
        yield said(ask.became, lang)
    if ask.dead is not None and ask.dead != "unknown":
        yield say(WORDS[ask.dead], lang)


def _asked(entry: ListEntry, ask: Ask, lang: Language) -> Iterator[str]:
    kinds = ("、" if lang == "ja" else ", ").join(say(WORDS[k], lang) for k in ask.kinds)
    yield " · ".join(x for x in (say(WORDS[ask.role], lang), kinds) if x)
    if not entry.zones:
        yield say(WORDS["private"], lang)
    elif entry.status in _GONE:
        yield say(WORDS["gone"], lang)
    elif ask.kinds:
        by = ask.tier if ask.tier != "key" else "by-key" if ask.key else "by-account"
        yield say(WORDS[by], lang, id=entry.id)
    if ask.names == "registered":
        yield say(WORDS["registered"], lang)
    if ask.ipv6_prefix < 128:
        yield say(WORDS["prefix"], lang, n=ask.ipv6_prefix)


def _kin(entry: ListEntry, ask: Ask, c: Catalogue, lang: Language) -> Iterator[str]:
    for word, other in (("part-of", ask.part_of), ("moved-to", ask.moved_to)):
        if other is not None:
            yield say(WORDS[word], lang, list=f"{c.list_name(other, lang)} ({other})")
    parts = [e.id for e in c.asked.values() if e.ask is not None and e.ask.part_of == entry.id]
    if parts:
        yield say(WORDS["has-part"], lang, lists=", ".join(sorted(parts)))


def _terms(ask: Ask, lang: Language) -> Iterator[str]:
    usage = ask.usage
    told: list[str] = []
    if usage.per_day is not None:
        told.append(say(WORDS["per-day"], lang, n=f"{usage.per_day:,}"))
    if usage.per_second is not None:
        told.append(say(WORDS["per-second"], lang, n=f"{usage.per_second:g}"))
    if usage.commercial != "not-told":
        told.append(say(WORDS[usage.commercial], lang))
    if not usage.public_resolvers:
        told.append(say(WORDS["no-public"], lang))
    if usage.registration:
        told.append(say(WORDS["registration"], lang))
    if told:
        yield ("、" if lang == "ja" else "; ").join(told)
    if usage.note is not None:
        yield said(usage.note, lang)
    if usage.url is not None:
        yield usage.url


def _key(ask: Ask, lang: Language) -> Iterator[str]:
    key = ask.key
    if key is None:
        return
    yield say(WORDS["key-needed" if key.required else "key-optional"], lang, name=key.name)
    if key.zone is not None:
        yield say(WORDS["key-zone"], lang, zone=key.zone)
    if key.lifts:
        yield say(WORDS["lifts"], lang)


def _tests(test: TestPoints, lang: Language) -> Iterator[str]:
    if not test.listed and not test.not_listed and test.random:
        return
    if test.listed:
        points = say(WORDS["listed"], lang, points=", ".join(map(safe, test.listed)))
        if test.gives:
            sep = "、" if lang == "ja" else ", "
            points += sep + say(WORDS["gives"], lang, codes=", ".join(test.gives))
        yield points
    if test.not_listed:
        yield say(WORDS["not-listed"], lang, points=", ".join(map(safe, test.not_listed)))
    if not test.random:
        yield say(WORDS["no-random"], lang)
    yield say(WORDS[f"by-{test.basis}"], lang)


# ── answers ───────────────────────────────────────────────────────────────────────────────────


def _answers(entry: ListEntry, ask: Ask, lang: Language, page: Page) -> Iterator[str]:
    """Each code with what it means, its class, scope, weight, part list and, where there are
    several ways out, its own."""
    rows = [(safe(x.code), said(x.meaning, lang), _details(x, entry, ask, lang)) for x in ask.codes]
    if not any(x.code.startswith("127.255.255.") for x in ask.codes):
        rows.append(("127.255.255.X", say(WORDS["errors"], lang), ""))
    if ask.open or not ask.codes:
        other = WORDS["open" if ask.codes else "any"][lang]
        meaning = say(WORDS["listed-plainly"], lang) if ask.criterion is None else ""
        class_ = ask.role if ask.role != "block" else ask.list_class or entry.list_class or "abuse"
        detail = _joined(_class(class_, lang), _scope(ask, lang), _weight(ask.weight, lang))
        rows.append((other, meaning or detail, detail if meaning else ""))
    else:
        rows.append((WORDS["open"][lang], say(WORDS["closed"], lang), ""))
    yield ""
    yield page.rule(
        f"{WORDS['codes'][lang]} · {len(ask.codes)}" if ask.codes else WORDS["codes"][lang]
    )
    left = max(width(code) for code, _, _ in rows) + 2
    for code, meaning, detail in rows:
        head = "  " + pad(code, left)
        for line in wrap(meaning, page.columns - left - 2):
            yield (head + line).rstrip()
            head = " " * (left + 2)
        if detail:
            for line in wrap(detail, page.columns - left - 2):
                yield " " * (left + 2) + page.dim(line)
    if ask.categories:
        yield ""
        yield page.rule(say(WORDS["categories"], lang, octet=ask.category_octet))
        for value, text in ask.categories.items():
            yield f"  {pad(value, 4)} {said(text, lang)}"


def _details(code: Code, entry: ListEntry, ask: Ask, lang: Language) -> str:
    listing = code.class_ in LISTINGS
    weight = ask.weight if listing and code.weight is None else code.weight
    ways = {x.desk or entry.desk for x in ask.codes if x.class_ in LISTINGS}
    desk = (code.desk or entry.desk) if listing and len(ways) > 1 else None
    scope = _scope(ask, lang, code) if listing else ""
    way = say(WORDS["way"], lang, desk=desk) if desk else ""
    return _joined(_class(code.class_, lang), scope, _weight(weight, lang), code.list or "", way)


def _class(class_: str, lang: Language) -> str:
    return say(WORDS[_CLASS.get(class_, class_)], lang)


def _scope(ask: Ask, lang: Language, code: Code | None = None) -> str:
    told = (code.scope if code else None) or ask.scope
    if told is None and code is not None and code.class_ == "range":
        told = "range"
    if told is None and "domain" in ask.kinds:
        if len(ask.kinds) > 1:  # whatever was asked
            return ""
        told = "domain"
    return say(WORDS[f"scope-{told or 'ip'}"], lang)


def _weight(weight: float | None, lang: Language) -> str:
    return "" if weight is None else say(WORDS["weight"], lang, n=f"{weight:g}")


def _joined(*parts: str) -> str:
    return " · ".join(p for p in parts if p)


# ── ways out ──────────────────────────────────────────────────────────────────────────────────


def _ways_out(
    entry: ListEntry, ask: Ask, c: Catalogue, lang: Language, page: Page
) -> Iterator[str]:
    """The list's desk, then those that its codes name besides."""
    names = dict.fromkeys(d for d in (entry.desk, *(x.desk for x in ask.codes)) if d)
    desks = {name: c.knowledge.desks[name] for name in names if name in c.knowledge.desks}
    if not desks:
        return
    yield ""
    yield page.rule(WORDS["ways"][lang])
    for name, desk in desks.items():
        yield f"  {page.bold(name)}"
        yield from page.row("", desk_lines(desk, lang, fields=True))
