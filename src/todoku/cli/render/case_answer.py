"""A desk's answer on the screen: the verdict first, whose it is, then the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from todoku.cases.answers import Answer
from todoku.cases.answers.authentic import How
from todoku.cases.answers.weighing import RULE as LIKENESS
from todoku.cli.render.text import pad, safe, short
from todoku.i18n import Language, Sentence, Words, say
from todoku.model import AnswerClass

CLASSES: Final[dict[AnswerClass, Sentence]] = {
    "received": {"ja": "受け付けられました", "en": "received"},
    "mitigated": {"ja": "緩和されました", "en": "mitigated"},
    "conditionally-mitigated": {"ja": "条件付きで緩和されました", "en": "conditionally mitigated"},
    "not-qualified": {"ja": "緩和の対象外とされました", "en": "not qualified for mitigation"},
    "nothing-detected": {"ja": "ブロックは見つからないとのことです", "en": "no block was found"},
    "needs-information": {"ja": "情報を求められています", "en": "wants to know more"},
    "delisted": {"ja": "解除されました", "en": "delisted"},
    "refused": {"ja": "断られました", "en": "refused"},
    "expires": {"ja": "期限が来れば解除されます", "en": "expires by itself"},
    "bounce": {"ja": "依頼のメールが届きませんでした", "en": "our request did not arrive"},
    "unrelated": {"ja": "窓口の回答ではありません", "en": "no desk's answer"},
    "unclear": {
        "ja": "意味が分かりません。人が読んでください",
        "en": "not understood; a person must read it",
    },
}
WHOLE: Final[Sentence] = {
    "ja": "文面全体からの判断。合う規則はありません",
    "en": "by the letter as a whole; no rule knows its words",
}
ASKS: Final[Words] = {
    "confirm-link": {
        "ja": "リンクを開いて確認（人が行います）",
        "en": "open a link to confirm (by a person)",
    },
    "refusal-line": {"ja": "拒否の応答", "en": "the refusal"},
    "headers": {"ja": "メールヘッダー", "en": "headers"},
    "cause": {"ja": "原因と対策", "en": "the cause, and what was done"},
    "reverse-dns": {"ja": "逆引き", "en": "reverse DNS"},
    "authentication": {"ja": "SPF・DKIM・DMARC", "en": "SPF, DKIM, DMARC"},
    "logs": {"ja": "ログ", "en": "logs"},
    "contact": {"ja": "連絡先", "en": "contact details"},
    "registration": {"ja": "登録", "en": "registration"},
    "other": {"ja": "その他（本文を参照）", "en": "something else (see the mail)"},
}
HOWS: Final[dict[How, Sentence]] = {
    "dmarc": {"ja": "本物です（DMARC に合格: {domain}）", "en": "genuine (DMARC passed: {domain})"},
    "dkim": {"ja": "本物です（DKIM に合格: {domain}）", "en": "genuine (DKIM passed: {domain})"},
    "spf": {"ja": "本物です（SPF に合格: {domain}）", "en": "genuine (SPF passed: {domain})"},
    "dkim-verified": {
        "ja": "本物です（DKIM 署名を検証: {domain}）",
        "en": "genuine (its DKIM signature was verified: {domain})",
    },
    "no-sender": {
        "ja": "確かめられません（差出人のアドレスが一つに定まりません）",
        "en": "not proven (From holds no one address)",
    },
    "no-desk": {
        "ja": "確かめられません（{domain} は既知の窓口ではありません）",
        "en": "not proven ({domain} is no desk that is known)",
    },
    "foreign-sender": {
        "ja": "本物とは認められません（{domain} はこの窓口のドメインではありません）",
        "en": "not genuine as far as can be told ({domain} is not the desk's)",
    },
    "no-results": {
        "ja": "確かめられません（自分のサーバーの検証結果がありません。--authserv-id を確かめてください）",
        "en": "not proven (our own server left no results; see --authserv-id)",
    },
    "not-passed": {
        "ja": "確かめられません（{domain} の認証が合格していません）",
        "en": "not proven ({domain} did not pass)",
    },
    "not-covered": {
        "ja": "確かめられません（{domain} の DKIM 署名が、表示のしかたを決めるヘッダー（Content-Type など）や本文の全体を守っていません）",
        "en": "not proven (the DKIM signature of {domain} does not cover all of the mail and how it is shown, as by Content-Type)",
    },
}
LABELS: Final[Words] = {
    "desk": {"ja": "窓口", "en": "Desk"},
    "ticket": {"ja": "受付番号", "en": "Ticket"},
    "of": {"ja": "対象", "en": "Of"},
    "wait": {"ja": "反映まで", "en": "Takes"},
    "asks": {"ja": "求めるもの", "en": "Wants"},
    "genuine": {"ja": "真正性", "en": "Genuine"},
    "words": {"ja": "根拠", "en": "Evidence"},
    "case": {"ja": "案件", "en": "Case"},
}
TIMES: Final[Words] = {
    "span": {"ja": "{low}〜{high} 時間", "en": "{low}-{high} hours"},
    "most": {"ja": "{high} 時間以内", "en": "up to {high} hours"},
    "until": {"ja": "{until} まで", "en": "until {until}"},
}
_WIDTH: Final = {"ja": 14, "en": 12}


def lines(read: Answer, named: Callable[[str], str], lang: Language) -> Iterator[str]:
    """`named`: a desk as people call it, by its id."""

    def row(label: str, text: str) -> str:
        return f"  {pad(say(LABELS[label], lang), _WIDTH[lang])}{text}"

    yield f"{short(read.source, 80)}: {say(CLASSES[read.class_], lang)}"
    if read.provider is not None:
        yield row("desk", safe(named(read.provider)))
    if read.ticket is not None:
        yield row("ticket", short(read.ticket, 60))
    for verdict in read.verdicts[:20]:
        yield row(
            "of", f"{short(verdict.identity.value, 60)}  {say(CLASSES[verdict.class_], lang)}"
        )
    if told := _time(read, lang):
        yield row("wait", told)
    for asked in read.asks:
        yield row("asks", say(ASKS[asked], lang))
    if read.class_ not in {"bounce", "unrelated"}:
        domain = short((read.sender or "-").rpartition("@")[2], 60)
        yield row("genuine", say(HOWS[read.how], lang, domain=domain))
    if read.words:
        by = say(WHOLE, lang) if read.rule == LIKENESS else read.rule
        yield row("words", short(read.words, 60) + (f"  ({by})" if by else ""))
    if read.case is not None:
        yield row("case", str(read.case))


def _time(read: Answer, lang: Language) -> str:
    wait = read.wait
    if wait is None:
        return ""
    if wait.until is not None:
        return say(TIMES["until"], lang, until=f"{wait.until:%Y-%m-%d %H:%M} UTC")
    if wait.max_hours is None:
        return ""
    high = f"{wait.max_hours:g}"
    if wait.min_hours is not None and wait.min_hours != wait.max_hours:
        return say(TIMES["span"], lang, low=f"{wait.min_hours:g}", high=high)
    return say(TIMES["most"], lang, high=high)
