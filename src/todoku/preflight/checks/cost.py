"""What the listings of the address would cost: by what one's own partners were seen to do. Pure.

Told only where the address is on a list, and something was learned (`todoku partners learn`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from todoku.i18n import Language, Words, say
from todoku.partners.forecast import Forecast
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check, Detail

WORDS: Final[Words] = {
    "title": {"ja": "掲載による損失の見込み", "en": "what these listings would cost"},
    "wanted": {
        "ja": "メールを送っている相手がそのリストを使っていないこと",
        "en": "those you write to do not use these lists",
    },
    "why": {
        "ja": "リストを使うかどうかは受信側しだいです。自分の取引先が過去の拒否や受信で示したことから見積もります。",
        "en": "it depends on the receivers whether a listing matters. This is estimated from what your own "
        "partners did so far.",
    },
    "found.dear": {
        "ja": "{list} だけで 1 日 {all} 通のうち約 {n} 通が拒否される見込みです（確認済みの取引先 {proven} 件）。",
        "en": "{list} alone would cost about {n} of {all} mails a day ({proven} partners are proven to use it).",
    },
    "remedy.dear": {
        "ja": "解除されるまで、このアドレスから送らないでください。相手の一覧: todoku forecast --list {list}",
        "en": "do not send from it before that listing is gone. Whom it concerns: todoku forecast --list {list}",
    },
    "found.ok": {
        "ja": "取引先がこれらのリストを使っている様子はありません（最も損失の大きい {list} で 1 日約 {n} 通）。",
        "en": "your partners hardly use these lists (at most {n} mails a day, for {list}).",
    },
    "found.unseen": {
        "ja": "取引先がこれらのリストを使うかどうかは分かりません（まだ何も言われていません）。",
        "en": "whether your partners use these lists is not known: none ever said anything about them.",
    },
    "remedy.unseen": {
        "ja": "保存した配送やログから学ばせると、分かることが増えます: todoku partners learn",
        "en": "let it learn from more of your logs: todoku partners learn",
    },
    "line": {
        "ja": "{list}: 1 日約 {n} 通（80% の幅 {low}〜{high}）、確認済みの取引先 {proven} 件",
        "en": "{list}: about {n} mails a day (80% range {low} to {high}), {proven} partners proven",
    },
    "line-proven": {
        "ja": "{list}: 少なくとも 1 日約 {n} 通、確認済みの取引先 {proven} 件",
        "en": "{list}: at least about {n} mails a day, {proven} partners proven",
    },
    "line-unknown": {"ja": "{list}: 不明", "en": "{list}: not known"},
}
SHEET: Final = Sheet("cost", WORDS, ("docs/forecast.md",))
CHEAP: Final = 0.01
"""Share of all mail below which a listing is hardly felt."""


def judge(ip: str, costs: Sequence[Forecast], lang: Language) -> Check | None:
    """`costs`: of each list that lists the address, the dearest first; `None` where there is none."""
    if not costs:
        return None
    first = max(costs, key=_least)
    told: dict[str, Any] = {
        "list": first.list,
        "all": _n(first.mails_a_day),
        "proven": first.parts[0].partners,
    }
    details = [Detail(text=_line(f, lang)) for f in costs]
    if not any(_known(f) for f in costs):
        return SHEET.tell(lang, ip, "unknown", "unseen", cause="unseen", details=details)
    dear = _least(first) >= CHEAP * first.mails_a_day and _least(first) > 0
    key = "dear" if dear else "ok"
    if key == "ok" and not all(_known(f) for f in costs):
        return SHEET.tell(lang, ip, "unknown", "unseen", cause="unseen", details=details)
    return SHEET.tell(
        lang, ip, "warning" if dear else "ok", key, details=details, n=_n(_least(first)), **told
    )


def _known(f: Forecast) -> bool:
    return f.refused_a_day is not None or f.parts[0].partners > 0


def _least(f: Forecast) -> float:
    """Mails a day, as far as they are known."""
    return f.refused_a_day if f.refused_a_day is not None else f.parts[0].refused_a_day or 0.0


def _line(f: Forecast, lang: Language) -> str:
    if not _known(f):
        return say(WORDS["line-unknown"], lang, list=f.list)
    key = "line" if f.refused_a_day is not None else "line-proven"
    return say(
        WORDS[key], lang, list=f.list, n=_n(_least(f)), low=_n(f.low or 0.0), high=_n(f.high or 0.0),
        proven=f.parts[0].partners,
    )  # fmt: skip


def _n(mails: float) -> str:
    return f"{mails:,.0f}" if mails >= 10 else f"{mails:.1f}"
