"""The screens of `todoku partners`: all partners and the lists that they named, or one of them; and the
same as CSV."""

from __future__ import annotations

import csv as writer
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TextIO

from todoku.cli.render.page import LABEL, Page
from todoku.cli.render.text import cut, pad, safe, short, width
from todoku.i18n import Language, Number, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.logs.clock import rfc3339
from todoku.partners.gates import is_place
from todoku.partners.habits import Habit, Told
from todoku.partners.summary import Summary

MOST: Final = 20

WORDS: Final[Words] = {
    "all": {
        "ja": "取引先は {n} 件、1 日 {rate} 通（{first} から {last} までのログから学習）。",
        "en": "{n} partners, {rate} mails a day (learned from {first} to {last}).",
    },
    "all-one": {
        "ja": "取引先は 1 件、1 日 {rate} 通（{first} から {last} までのログから学習）。",
        "en": "1 partner, {rate} mails a day (learned from {first} to {last}).",
    },
    "proven": {
        "ja": "{n} 件（1 日 {rate} 通）は、リスト名を挙げて拒否したことがあります。",
        "en": "{n} of them ({rate} mails a day) have named a list when they refused mail.",
    },
    "none-proven": {
        "ja": "リスト名を挙げて拒否した取引先はまだありません。何も使っていないという意味ではありません。",
        "en": "None of them has named a list yet. That does not mean that they use none.",
    },
    "lists": {"ja": "名前の挙がったリスト", "en": "Lists that were named"},
    "partners": {"ja": "メールの多い取引先", "en": "Partners with the most mail"},
    "head-list": {"ja": "リスト", "en": "list"},
    "head-partners": {"ja": "取引先", "en": "partners"},
    "head-rate": {"ja": "通/日", "en": "mails/day"},
    "head-last": {"ja": "最後", "en": "last named"},
    "head-domain": {"ja": "ドメイン", "en": "domain"},
    "head-by": {"ja": "運用", "en": "run by"},
    "head-uses": {"ja": "挙げたリスト", "en": "lists it named"},
    "more": {
        "ja": "ほか {n} 件: todoku partners --all",
        "en": "{n} more: todoku partners --all",
    },
    "note": {
        "ja": "「–」は分からないという意味です。黙っている相手がリストを使っていないとは言えません。"
        "1 件の詳細: todoku partners ドメイン、載った場合の損失: todoku forecast --list リスト",
        "en": "– means not known: who says nothing may use any list. One in full: todoku partners DOMAIN. "
        "What a listing would cost: todoku forecast --list LIST",
    },
    "one": {
        "ja": "{domain}: 1 日 {rate} 通。{by}",
        "en": "{domain}: {rate} mails a day. {by}",
    },
    "run-by": {"ja": "運用は {who} です。", "en": "Its mail is run by {who}."},
    "run-by-hosts": {
        "ja": "受けるホストは {who} です（製品は分かりません）。",
        "en": "Its mail is taken by {who}; what runs there is not known.",
    },
    "run-by-nobody": {
        "ja": "誰が運用しているかは分かりません。",
        "en": "Who runs its mail is not known.",
    },
    "uses": {
        "ja": "{lists} に載ると、この相手へのメールは拒否されます。",
        "en": "It refuses your mail when you are on {lists}.",
    },
    "uses-none": {
        "ja": "どのリストを使うかは分かっていません。",
        "en": "Which lists it uses is not known.",
    },
    "mail": {"ja": "メール", "en": "mail"},
    "counted": {
        "ja": "{mails} 通（{first} の週から {last} の週まで）、うち送信側を理由にした拒否・先送り {refused} 回",
        "en": "{mails} {mails:mail|mails} from the week of {first} to that of {last}; {refused} {refused:attempt was|attempts were} refused or "
        "deferred because of the sending side",
    },
    "habit-proven": {
        "ja": "使用（{chance}）: リスト名を挙げた拒否 {named} 回、{first} から {last} まで{stage}",
        "en": "uses it ({chance}): {named} {named:refusal|refusals} named it, {first} to {last}{stage}",
    },
    "habit-ended": {
        "ja": "今は使っていないとみられます（使用 {chance}）: {last} まで {named} 回挙げましたが、その後、掲載中の"
        "メールを {accepted} 通受け取りました",
        "en": "no longer, it seems ({chance}): {named} {named:refusal|refusals} named it until {last}, but {accepted} {accepted:mail|mails} "
        "were taken while you were listed",
    },
    "habit-accepts": {
        "ja": "使っていないとみられます（使用 {chance}）: 掲載中のメールを {accepted} 通受け取りました",
        "en": "hardly ({chance}): it took {accepted} {accepted:mail|mails} while you were listed",
    },
    "also-accepted": {
        "ja": "。掲載中に受け取ったメールも {accepted} 通あります",
        "en": "; {accepted} {accepted:mail was|mails were} taken while you were listed, too",
    },
    "stage": {"ja": "、{stage} の段階", "en": ", at {stage}"},
    "mx": {"ja": "MX（現在）", "en": "MX today"},
    "mx-none": {"ja": "メールを受けていません", "en": "it takes no mail"},
    "mx-changed": {
        "ja": "運用が {who} に変わったようです。以前に見たことは当てはまらないかもしれません",
        "en": "it seems to be run by {who} now: what was seen before may no longer hold",
    },
    "others": {"ja": "ほかのリスト", "en": "other lists"},
    "others-unknown": {
        "ja": "分かりません（何も言われていません）",
        "en": "not known: it never said anything about them",
    },
    "self": {"ja": "自社運用など", "en": "itself"},
}  # fmt: skip


def overview(
    summary: Summary,
    told: Sequence[Told],
    c: Catalogue,
    lang: Language,
    page: Page,
    *,
    everyone: bool = False,
) -> Iterator[str]:
    yield from page.wrapped(
        say(
            WORDS["all-one" if len(told) == 1 else "all"], lang, n=f"{len(told):,}", rate=rate(sum(t.mails_a_day for t in told)),
            first=day(rfc3339(summary.first)), last=day(rfc3339(summary.last)),
        )
    )  # fmt: skip
    named = [t for t in told if any(h.state == "proven" for h in t.lists)]
    key = "proven" if named else "none-proven"
    told_rate = rate(sum(t.mails_a_day for t in named))
    yield from page.wrapped(say(WORDS[key], lang, n=f"{len(named):,}", rate=told_rate))
    if named:
        yield ""
        yield from _lists(named, c, lang, page)
    yield ""
    yield from _partners(told, c, lang, page, everyone=everyone)
    yield ""
    for line in page.wrapped(say(WORDS["note"], lang)):
        yield page.dim(line)


def _lists(named: Sequence[Told], c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    found: dict[str, tuple[int, float, str]] = {}
    for t in named:
        for h in t.lists:
            if h.state == "proven":
                n, much, last = found.get(h.list, (0, 0.0, ""))
                found[h.list] = (n + 1, much + t.mails_a_day, max(last, h.last or ""))
    rows = [
        (list_name(list_, c, lang), f"{n:,}", rate(much), day(last))
        for list_, (n, much, last) in sorted(found.items(), key=lambda x: (-x[1][1], x[0]))
    ]
    heads = [WORDS[f"head-{x}"][lang] for x in ("list", "partners", "rate", "last")]
    yield from table(WORDS["lists"][lang], heads, rows, "lrrl", page)


def _partners(
    told: Sequence[Told], c: Catalogue, lang: Language, page: Page, *, everyone: bool
) -> Iterator[str]:
    shown = told if everyone or len(told) <= MOST + 3 else told[:MOST]
    rows = [
        (rate(t.mails_a_day), short(t.domain, 60), gate_name(t.gateway, c, lang), _uses(t, c, lang))
        for t in shown
    ]
    heads = [WORDS[f"head-{x}"][lang] for x in ("rate", "domain", "by", "uses")]
    yield from table(WORDS["partners"][lang], heads, rows, "rlll", page)
    if len(shown) < len(told):
        more = "  " + say(WORDS["more"], lang, n=f"{len(told) - len(shown):,}")
        yield page.dim(cut(more, page.columns))


def _uses(t: Told, c: Catalogue, lang: Language) -> str:
    names = [
        f"{list_name(h.list, c, lang)} ({h.named})" for h in t.lists if h.state == "proven"
    ]  # fmt: skip
    return ", ".join(names) or "–"


def one(t: Told, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    who = gate_name(t.gateway, c, lang)
    key = "run-by-nobody" if not t.gateway else "run-by-hosts" if is_place(t.gateway) else "run-by"
    by = say(WORDS[key], lang, who=who).replace("） ", "）")
    told = say(WORDS["one"], lang, domain=short(t.domain, 120), rate=rate(t.mails_a_day), by=by)
    yield from map(page.bold, page.wrapped(told))
    proven = [list_name(h.list, c, lang) for h in t.lists if h.state == "proven"]
    sentence = say(WORDS["uses"], lang, lists=_and(proven, lang)) if proven else WORDS["uses-none"][lang]  # fmt: skip
    yield from map(page.red if proven else page.bold, page.wrapped(sentence))
    yield ""
    counted = say(
        WORDS["counted"], lang, mails=Number(t.mails), refused=Number(t.refused), first=t.first,
        last=t.last,
    )  # fmt: skip
    names = [list_name(h.list, c, lang) for h in t.lists]
    room = max(LABEL, min(max(map(width, names), default=0) + 1, page.columns // 3))
    yield from page.row(WORDS["mail"][lang], [counted], room)
    if t.mx is not None:
        hosts = [", ".join(t.mx[:5]) or WORDS["mx-none"][lang]]
        if t.mx_gateway is not None and t.mx_gateway != t.gateway:
            hosts.append(say(WORDS["mx-changed"], lang, who=gate_name(t.mx_gateway, c, lang)))
        yield from page.row(WORDS["mx"][lang], hosts, room)
    for name, h in zip(names, t.lists, strict=True):
        values = [habit(h, lang)]
        if h.words is not None:
            left, right = page.marks
            values.append(f"{left} {safe(h.words)} {right}")
        yield from page.row(cut(name, room - 1), values, room)
    yield from page.row(WORDS["others"][lang], [WORDS["others-unknown"][lang]], room)


def habit(h: Habit, lang: Language) -> str:
    stage = say(WORDS["stage"], lang, stage=h.stage) if h.stage else ""
    told = say(
        WORDS[f"habit-{h.state}"], lang, chance=percent(h.chance), named=Number(h.named),
        accepted=Number(h.accepted), first=day(h.first), last=day(h.last), stage=stage,
    )  # fmt: skip
    if h.state == "proven" and h.accepted:
        told += say(WORDS["also-accepted"], lang, accepted=Number(h.accepted))
    return told


def csv(told: Iterable[Told], out: TextIO) -> None:
    """RFC 4180, a row for each partner and list; partners of whom nothing is known have one without."""
    rows = writer.writer(out)
    rows.writerow((
        "domain", "gateway", "mails_a_day", "mails", "refused", "first", "last", "list", "state", "chance",
        "named", "accepted", "named_first", "named_last", "stage", "code", "words",
    ))  # fmt: skip
    for t in told:
        head = (
            _cell(t.domain), _cell(t.gateway), t.mails_a_day, t.mails, t.refused, t.first, t.last,
        )  # fmt: skip
        for h in t.lists or (None,):
            if h is None:
                rows.writerow((*head, *[""] * 10))
                continue
            rows.writerow((
                *head, _cell(h.list), h.state, round(h.chance, 3), h.named, h.accepted,
                h.first or "", h.last or "", h.stage or "", _cell(h.code), _cell(h.words),
            ))  # fmt: skip


def _cell(text: str | None) -> str:
    """Nothing that a table program takes for a formula, and nothing that a terminal obeys."""
    told = safe(text or "")
    return "'" + told if told[:1] in {"=", "+", "-", "@"} else told


# ── words that others use ─────────────────────────────────────────────────────────────────────


def table(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], sides: str, page: Page
) -> Iterator[str]:
    """Columns as wide as they must be; the last but one gives way, then the last. `sides`: `l` or `r`
    for each."""
    yield page.rule(title)
    n = len(heads)
    wide = [max(width(r[k]) for r in (heads, *rows)) for k in range(n)]
    over = sum(wide) + 2 * n - page.columns
    for k in sorted(range(n), key=lambda k: -wide[k]):
        if over > 0 and sides[k] == "l":
            less = min(over, max(0, wide[k] - 12))
            wide[k] -= less
            over -= less

    def line(cells: Sequence[str]) -> str:
        out = ""
        for k, cell in enumerate(cells):
            cell = cut(cell, wide[k])
            out += "  " + (" " * (wide[k] - width(cell)) + cell if sides[k] == "r" else pad(cell, wide[k]))  # fmt: skip
        return cut(out.rstrip(), page.columns)

    yield page.dim(line(heads))
    yield from map(line, rows)


def list_name(list_: str, c: Catalogue, lang: Language) -> str:
    return short(c.list_name(list_, lang), 60)


def gate_name(gate: str | None, c: Catalogue, lang: Language) -> str:
    if not gate:
        return "–"
    return short(gate.rstrip("."), 60) if is_place(gate) else short(c.receiver_name(gate, lang), 60)


def rate(mails: float) -> str:
    """Mails a day, as exact as one can use it; some mail is never told as none."""
    if mails >= 99.95:
        return f"{mails:,.0f}"
    if 0 < mails < 0.05:
        return "< 0.1"
    return f"{mails:.1f}"


def percent(chance: float) -> str:
    """Nothing is told as certain: between 1 % and 99 %."""
    return f"{min(99, max(1, round(100 * chance)))}%"


def day(time: str | None) -> str:
    """The date in the reader's zone, of a time as JSON has it."""
    if not time:
        return "?"
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError):
        return "?"


def _and(names: Sequence[str], lang: Language) -> str:
    if lang == "ja":
        return "、".join(names)
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
