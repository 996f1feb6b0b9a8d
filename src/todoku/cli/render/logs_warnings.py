"""The section "early warning" of `todoku logs`: what tends to come before a block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from todoku.cli.render.page import Page
from todoku.cli.render.text import short, wrap
from todoku.i18n import Language, Number, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.logs.values import Deliveries, EarlyWarning, Summary

MOST: Final = 5

WORDS: Final[Words] = {
    "head": {"ja": "早期警戒 {n} 件", "en": "early warning: {n}"},
    "code": {
        "ja": "{who} が {code} で先送りしています（{n} 回、{since} から{of}）。遮断の前によく出る応答です。",
        "en": "{who} defers with {code} ({n} {n:time|times} since {since}{of}): an answer that often comes before "
        "a block.",
    },
    "no-code": {
        "ja": "{who} がメールを先送りしています（{n} 回、{since} から{of}）。遮断の前によく出る応答です。",
        "en": "{who} defers mail ({n} {n:time|times} since {since}{of}), with an answer that often comes before a "
        "block.",
    },
    "of": {"ja": "、対象 {identity}", "en": ", about {identity}"},
    "day": {
        "ja": "{who} の拒否率が上がっています。{since} から、この 1 日は {mails} 通中 {n} 通（{share}）、"
        "以前の 4 週間は {usual}。偶然なら {chance} 以下の確率です。",
        "en": "{who} refuses more than it used to, since {since}: {n} of {mails} {mails:mail|mails} in this day ({share}); "
        "in the four weeks before, {usual}. By chance: {chance} or less.",
    },
    "week": {
        "ja": "{who} の拒否率が上がっています。{since} から、この 7 日間は {mails} 通中 {n} 通（{share}）、"
        "以前の 4 週間は {usual}。偶然なら {chance} 以下の確率です。",
        "en": "{who} refuses more than it used to, since {since}: {n} of {mails} {mails:mail|mails} in seven days "
        "({share}); in the four weeks before, {usual}. By chance: {chance} or less.",
    },
    "cost": {
        "ja": "遮断されると 1 日 {rate} 通（取引先 {n} 件）が止まります。",
        "en": "A block would stop {rate} of your mails a day, to {n} {n:partner|partners}.",
    },
    "cost-unknown": {
        "ja": "遮断で何通止まるかは分かりません（todoku partners にこの受信側の取引先がありません）。",
        "en": "How much mail a block would stop is not known: todoku partners knows none whose mail it runs.",
    },
    "blocked": {
        "ja": "すでに恒久的な拒否も始まっています。",
        "en": "It has begun to refuse for good, too.",
    },
    "next": {
        "ja": "送信量を抑え、こちら側の原因を調べてください: todoku cause{identity}",
        "en": "Send less, and look for the cause on your side: todoku cause{identity}",
    },
    "more": {"ja": "ほか {n} 件（--json）", "en": "{n} more (--json)"},
    "unknown": {
        "ja": "拒否率の変化は、{n} の受信側については分かりません（比べる過去が 2 週間分ありません）。",
        "en": "Whether the share of refusals rose is not known of {n} {n:receiver|receivers}: there are no two weeks of "
        "past to compare with.",
    },
    "unknown-all": {
        "ja": "拒否率の変化はまだ分かりません（比べる過去が 2 週間分ありません）。",
        "en": "Whether a share of refusals rose is not known yet: there are no two weeks of past to compare "
        "with.",
    },
    "no-hosts": {
        "ja": "拒否率の変化は分かりません（ログに受信側のホスト名か時刻がありません）。",
        "en": "Whether a share of refusals rose is not known: the log names no receiving hosts, or no times.",
    },
    "calm": {
        "ja": "早期警戒: 受信側 {n} の拒否率は以前と変わりません。",
        "en": "Early warning: of {n} {n:receiver|receivers}, none refuses more than it used to.",
    },
}


def warnings(
    s: Summary, early: tuple[EarlyWarning, ...], c: Catalogue, lang: Language, page: Page
) -> Iterator[str]:
    """All lines of the section; `early` in the order to be told."""
    if early:
        yield ""
        yield page.rule(say(WORDS["head"], lang, n=f"{len(early):,}"))
        for w in early[:MOST]:
            for n, line in enumerate(wrap(sentence(w, c, lang), page.columns - 2)):
                yield (f"{page.dot} " if not n else "  ") + page.yellow(line)
        if len(early) > MOST:
            yield page.dim("  " + say(WORDS["more"], lang, n=f"{len(early) - MOST:,}"))
        yield from page.wrapped(say(WORDS["next"], lang, identity=_about(early)))
    if told := watched(s, early, lang):
        yield from map(page.dim, page.wrapped(told))


def watched(s: Summary, early: tuple[EarlyWarning, ...], lang: Language) -> str:
    """How far that could be told; empty where there is nothing to say."""
    w = s.watched
    if not w.receivers:
        if w.unknown:
            return say(WORDS["unknown-all"], lang)
        return say(WORDS["no-hosts"], lang) if s.deliveries != Deliveries() else ""
    if any(e.sign == "share" for e in early):
        return say(WORDS["unknown"], lang, n=Number(w.unknown)) if w.unknown else ""
    told = [say(WORDS["calm"], lang, n=Number(w.receivers))]
    if w.unknown:
        told.append(say(WORDS["unknown"], lang, n=Number(w.unknown)))
    return ("" if lang == "ja" else " ").join(told)


def sentence(w: EarlyWarning, c: Catalogue, lang: Language) -> str:
    """What warns."""
    who = c.receiver_name(w.receiver, lang) if w.receiver else short(w.place or "?", 60)
    identity = short(w.identity.value, 60) if w.identity is not None else ""
    if w.sign == "code":
        of = say(WORDS["of"], lang, identity=identity) if identity else ""
        told = say(
            WORDS["code" if w.receiver_code else "no-code"], lang, who=who, n=Number(w.count), of=of,
            since=_minute(w.since), code=short(w.receiver_code or "", 40),
        )  # fmt: skip
    else:
        told = say(
            WORDS[w.span or "day"], lang, who=who, since=w.since, n=Number(w.count),
            mails=Number(w.mails or 0), share=percent(w.share), usual=percent(w.usual),
            chance=odds(w.chance, lang),
        )  # fmt: skip
    if w.mails_a_day is not msgspec.UNSET:
        told += ("" if lang == "ja" else " ") + cost(w, lang)
    if w.blocked:
        told += ("" if lang == "ja" else " ") + say(WORDS["blocked"], lang)
    return told.replace("） が", "）が") if lang == "ja" else told


def cost(w: EarlyWarning, lang: Language) -> str:
    from todoku.cli.render.partners import rate

    if not isinstance(w.mails_a_day, float) or not isinstance(w.partners, int):
        return say(WORDS["cost-unknown"], lang)
    n = Number(w.partners)
    return say(WORDS["cost"], lang, rate=rate(w.mails_a_day), n=n)


def _about(early: tuple[EarlyWarning, ...]) -> str:
    """The address that most of what is shown is about, as an argument of a command."""
    named = [w.identity.value for w in early[:MOST] if w.identity and w.identity.kind == "ip"]
    return f" {short(max(named, key=named.count), 60)}" if named else ""


def percent(share: float | None) -> str:
    if share is None:
        return "?"
    return "< 0.1%" if 0 <= share < 0.001 else f"{100 * share:.1f}%"


def odds(chance: float | None, lang: Language) -> str:
    """`1 in 12,000`, never finer than the model is."""
    n = min(1_000_000, int(1 / chance)) if chance else 1_000_000
    n = int(float(f"{n:.1g}"))
    return f"{n:,} 分の 1" if lang == "ja" else f"1 in {n:,}"


def _minute(told: str | None) -> str:
    """`2026-11-24T09:12:05Z` as the reader's clock shows it."""
    import time
    from datetime import datetime

    if told is None:
        return "?"
    try:
        moment = datetime.fromisoformat(told).timestamp()
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
    except (ValueError, OverflowError, OSError):
        return told[:16]
