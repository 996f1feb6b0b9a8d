"""The screens of `todoku forecast`: what a listing at one list would cost, or which listings matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from todoku.cli.render.page import Page
from todoku.cli.render.partners import day, gate_name, list_name, percent, rate, table
from todoku.cli.render.text import short
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.partners.forecast import Forecast, Part, Row, Share
from todoku.partners.judged import KINDS

TOP: Final = 5

WORDS: Final[Words] = {
    "cost": {
        "ja": "{list} に{who}載ると、1 日 {all} 通のうち約 {n} 通が拒否されます（{level} の幅: {low}〜{high} 通）。",
        "en": "A listing {who}at {list} would cost about {n} of {all} mails a day ({level} range: {low} to {high}).",
    },
    "cost-now": {
        "ja": "{who}{list} に載っているため、1 日 {all} 通のうち約 {n} 通が拒否されます（{level} の幅: {low}〜{high} 通）。",
        "en": "The listing {who}at {list} costs about {n} of {all} mails a day ({level} range: {low} to {high}).",
    },
    "cost-proven": {
        "ja": "{list} に{who}載ると、1 日 {all} 通のうち少なくとも約 {n} 通が拒否されます。ほかの相手については、"
        "推定できるだけの証拠がありません。",
        "en": "A listing {who}at {list} would cost at least about {n} of {all} mails a day. For other partners "
        "too little was seen for an estimate.",
    },
    "cost-unknown": {
        "ja": "{list} に{who}載るとどうなるかは分かりません。この {partners} 件の取引先（1 日 {all} 通）は、この"
        "リストについて何も言っていません。",
        "en": "What a listing {who}at {list} would cost is not known. None of these {partners} partners ({all} "
        "mails a day) ever said anything about this list.",
    },
    "of": {"ja": " {identity} が", "en": "of {identity} "},
    "proven": {"ja": "確認済み", "en": "proven"},
    "likely": {"ja": "可能性が高い", "en": "likely"},
    "unlikely": {"ja": "可能性が低い", "en": "unlikely"},
    "unknown": {"ja": "不明", "en": "not known"},
    "part": {
        "ja": "取引先 {partners} 件、1 日 {rate} 通のうち約 {n} 通（{low}〜{high}）: {why}",
        "en": "{partners} partners, about {n} ({low} to {high}) of their {rate} mails a day: {why}",
    },
    "part-one": {
        "ja": "取引先 1 件、1 日 {rate} 通のうち約 {n} 通（{low}〜{high}）: {why}",
        "en": "1 partner, about {n} ({low} to {high}) of its {rate} mails a day: {why}",
    },
    "part-unknown": {
        "ja": "取引先 {partners} 件、1 日 {rate} 通: {why}",
        "en": "{partners} partners, {rate} mails a day: {why}",
    },
    "part-unknown-one": {
        "ja": "取引先 1 件、1 日 {rate} 通: {why}",
        "en": "1 partner, {rate} mails a day: {why}",
    },
    "part-flat": {
        "ja": "取引先 {partners} 件、1 日 {rate} 通のうち約 {n} 通: {why}",
        "en": "{partners} partners, about {n} of their {rate} mails a day: {why}",
    },
    "part-flat-one": {
        "ja": "取引先 1 件、1 日 {rate} 通のうち約 {n} 通: {why}",
        "en": "1 partner, about {n} of its {rate} mails a day: {why}",
    },
    "part-none": {"ja": "なし", "en": "none"},
    "why-proven": {
        "ja": "このリストを挙げて拒否したことがあります",
        "en": "named this list when refusing",
    },
    "why-likely": {
        "ja": "同じ製品のほかの利用者の多くが使っています",
        "en": "most other customers of the same gateway use it",
    },
    "why-unlikely": {
        "ja": "掲載中に受け取ったか、同じ製品のほかの利用者の多くが使っていません",
        "en": "took mail while you were listed, or most other customers of the same gateway do not use it",
    },
    "why-unknown": {
        "ja": "何も言われておらず、同じ製品の利用者についても分かりません",
        "en": "said nothing, and too little is known of others behind the same gateway",
    },
    "row": {"ja": "{domain} {rate}{more}", "en": "{domain} {rate}{more}"},
    "and-more": {"ja": "ほか {n} 件", "en": "{n} more"},
    "learned": {
        "ja": "学んだ期間: {first} から {last} まで。製品ごとの割合は、取引先 {seen} 件から推定しました。推定の仕方と確かさ: docs/forecast.md",
        "en": "Learned from {first} to {last}; shares of gateways are estimated from {seen} partners. How "
        "that is done, and how good it is: docs/forecast.md",
    },
    "shares": {"ja": "製品ごとの割合", "en": "By gateway"},
    "head-gateway": {"ja": "製品・ホスト", "en": "gateway"},
    "head-partners": {"ja": "取引先", "en": "partners"},
    "head-rate": {"ja": "通/日", "en": "mails/day"},
    "head-seen": {"ja": "使用/確認", "en": "use it/seen"},
    "head-share": {"ja": "割合", "en": "share"},
    "head-range": {"ja": "{level} の幅", "en": "{level} range"},
    "self": {"ja": "自社運用・不明", "en": "run by themselves"},
    "listings": {
        "ja": "最後に調べた時点で {n} 件のリストに載っています。失うメールの多い順です。",
        "en": "You are on {n} lists, as last seen. Those that cost you most come first.",
    },
    "listings-one": {
        "ja": "最後に調べた時点で 1 件のリストに載っています。",
        "en": "You are on 1 list, as last seen.",
    },
    "head-cost": {"ja": "拒否/日", "en": "refused/day"},
    "head-proven": {"ja": "確認済み", "en": "proven"},
    "head-list": {"ja": "リスト", "en": "list"},
    "head-identity": {"ja": "アドレス", "en": "address"},
    "head-since": {"ja": "掲載", "en": "since"},
    "listed": {"ja": "いま載っているリスト", "en": "Present listings"},
    "listings-note": {
        "ja": "「–」は、このリストについて取引先から分かったことが少なすぎるという意味です。損失がないとは限りません。"
        "1 件の詳細: todoku forecast --list リスト",
        "en": "– means that too little was seen of that list, not that it costs nothing. One in full: todoku "
        "forecast --list LIST",
    },
}  # fmt: skip


def one(f: Forecast, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    yield from map(page.bold, page.wrapped(sentence(f, c, lang)))
    yield ""
    for part in f.parts:
        yield from page.row(WORDS[part.kind][lang], _part(part, c, lang))
    if f.shares:
        yield ""
        yield from _shares(f, c, lang, page)
    yield ""
    told = say(
        WORDS["learned"], lang, first=day(f.learned_from), last=day(f.learned_to), seen=f"{f.seen:,.0f}",
    )  # fmt: skip
    for line in page.wrapped(told):
        yield page.dim(line)


def sentence(f: Forecast, c: Catalogue, lang: Language) -> str:
    """The verdict, in one sentence."""
    proven = f.parts[0]
    if f.refused_a_day is not None:
        key, n = ("cost-now" if f.since else "cost"), f.refused_a_day
    elif proven.partners:
        key, n = "cost-proven", proven.refused_a_day or 0.0
    else:
        key, n = "cost-unknown", 0.0
    return say(
        WORDS[key], lang, list=list_name(f.list, c, lang),
        who=say(WORDS["of"], lang, identity=short(f.identity, 60)) if f.identity else "",
        all=rate(f.mails_a_day), n=rate(n), low=rate(f.low or 0.0), high=rate(f.high or 0.0),
        level=percent(f.level), partners=f"{f.partners:,}",
    )  # fmt: skip


def _part(part: Part, c: Catalogue, lang: Language) -> list[str]:
    if not part.partners:
        return [WORDS["part-none"][lang]]
    known = part.refused_a_day is not None
    flat = known and (part.high or 0.0) - (part.low or 0.0) < 0.05
    key = "part-unknown" if not known else "part-flat" if flat else "part"
    if part.partners == 1:
        key += "-one"
    out = [
        say(
            WORDS[key], lang, partners=f"{part.partners:,}", rate=rate(part.mails_a_day),
            n=rate(part.refused_a_day or 0.0), low=rate(part.low or 0.0),
            high=rate(part.high or 0.0), why=WORDS[f"why-{part.kind}"][lang],
        )
    ]  # fmt: skip
    names = [_row(row, c, lang) for row in part.top[:TOP]]
    if part.partners > len(names):
        names.append(say(WORDS["and-more"], lang, n=f"{part.partners - len(names):,}"))
    out.append(("、" if lang == "ja" else ", ").join(names))
    return out


def _row(row: Row, c: Catalogue, lang: Language) -> str:
    """`partner.example 41 (Mimecast, 2026-11-20)`."""
    told = []
    if row.gateway and not row.gateway.endswith("."):
        told.append(gate_name(row.gateway, c, lang))
    if row.last is not None:
        told.append(day(row.last))
    more = ""
    if told:
        more = f"（{'、'.join(told)}）" if lang == "ja" else f" ({', '.join(told)})"
    return say(WORDS["row"], lang, domain=short(row.domain, 60), rate=rate(row.mails_a_day), more=more)  # fmt: skip


def _shares(f: Forecast, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    rows = [
        (
            share_name(s, c, lang), f"{s.partners:,}", rate(s.mails_a_day),
            f"{s.yes:.0f}/{s.yes + s.no:.0f}", percent(s.share), f"{percent(s.low)}–{percent(s.high)}",
        )
        for s in f.shares
    ]  # fmt: skip
    heads = [WORDS[f"head-{x}"][lang] for x in ("gateway", "partners", "rate", "seen", "share")]
    heads.append(say(WORDS["head-range"], lang, level=percent(f.level)))
    yield from table(WORDS["shares"][lang], heads, rows, "lrrrrr", page)


def share_name(s: Share, c: Catalogue, lang: Language) -> str:
    return gate_name(s.gateway, c, lang) if s.gateway else WORDS["self"][lang]


def listings(told: Sequence[Forecast], c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    key = "listings-one" if len(told) == 1 else "listings"
    yield from map(page.bold, page.wrapped(say(WORDS[key], lang, n=f"{len(told):,}")))
    yield from costs(told, c, lang, page)


def costs(told: Sequence[Forecast], c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    """A row for each listing."""
    yield ""
    rows = []
    dated = any(f.since for f in told)
    for f in told:
        proven = f.parts[KINDS.index("proven")]
        known = f.refused_a_day is not None
        cost = rate(f.refused_a_day or 0.0) if known else "–"
        wide = f"{rate(f.low or 0.0)}–{rate(f.high or 0.0)}" if known else ""
        many = f"{proven.partners:,}" if proven.partners else "–"
        who = short(f.identity or "", 45)
        row = (cost, wide, many, list_name(f.list, c, lang), who)
        rows.append((*row, day(f.since)) if dated else row)
    heads = [WORDS["head-cost"][lang], say(WORDS["head-range"], lang, level=percent(told[0].level))]
    heads += [WORDS[f"head-{x}"][lang] for x in ("proven", "list", "identity")]
    heads += [WORDS["head-since"][lang]] if dated else []
    yield from table(WORDS["listed"][lang], heads, rows, "rrrlll"[: len(heads)], page)
    yield ""
    for line in page.wrapped(WORDS["listings-note"][lang]):
        yield page.dim(line)
