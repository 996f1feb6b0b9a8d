"""The screen of `todoku logs`: what was read, then who refuses us, since when, whose mail it is, and
what to do. The worst in full, the others as a table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from todoku import grouping
from todoku.cli.render import screen, verdict
from todoku.cli.render.logs_warnings import warnings
from todoku.cli.render.page import Page
from todoku.cli.render.text import cut, pad, short, width
from todoku.i18n import Language, Number, Words, say
from todoku.knowledge.catalogue import Catalogue, said
from todoku.logs.sums import Group, top, trend
from todoku.logs.values import Count, EarlyWarning, Summary

IN_FULL: Final = 5
MOST_ROWS: Final = 30

WORDS: Final[Words] = {
    "read": {
        "ja": "{lines} 行を読みました（{span}）。配送 {sent} 件、拒否 {bounced} 件、先送り {deferred} 件。",
        "en": "{lines} {lines:line|lines} read ({span}): {sent} delivered, {bounced} refused, {deferred} deferred.",
    },
    "no-span": {"ja": "時刻なし", "en": "no times"},
    "expired": {
        "ja": "再送を打ち切ったメール {n} 件。",
        "en": "{n} {n:message was|messages were} given up, {n:its|their} time in the queue being over.",
    },
    "not-understood": {
        "ja": "{n} 行（{share}）は読み方が分かりません{others}。",
        "en": "{n} {n:line|lines} ({share}) {n:was|were} not understood{others}.",
    },
    "of-others": {
        "ja": "（うち {n} 行はメールサーバー以外のプログラムのもの）",
        "en": " ({n} of them {n:is|are} of programs other than mail servers)",
    },
    "only-others": {
        "ja": "{n} 行（{share}）はメールサーバー以外のプログラムのもので、数えていません。",
        "en": "{n} {n:line is|lines are} of programs other than mail servers ({share}), and not counted.",
    },
    "all-understood": {"ja": "すべての行を読めました。", "en": "Every line was understood."},
    "jumps": {
        "ja": "ログの時計が {n} 回、10 分を超えて戻っています。時刻は目安です。",
        "en": "The clock of the log went back by more than ten minutes {n} {n:time|times}; take times with care.",
    },
    "partial": {
        "ja": "種類が多すぎるため、宛先と送信者の数は「少なくとも」の値です。件数は正確です。",
        "en": "There are too many names to keep all apart: numbers of recipients and senders are at "
        "least so many. Counts of attempts are exact.",
    },
    "kinds": {
        "ja": "拒否と先送りは {kinds} 種類です。先に対応するものから順に示します。",
        "en": "{kinds} kinds of refusal. What matters most comes first.",
    },
    "one-kind": {"ja": "拒否と先送りは 1 種類です。", "en": "One kind of refusal."},
    "none": {
        "ja": "拒否されたメールも先送りされたメールもありません。",
        "en": "Nothing was refused or deferred.",
    },
    "none-such": {
        "ja": "指定した受信側・理由に当てはまる拒否はありません（ほかに {n} 種類あります）。",
        "en": "No refusal is of that receiver or reason; there {n:is|are} {n} other {n:kind|kinds}.",
    },
    "seen": {"ja": "件数", "en": "Seen"},
    "attempts": {
        "ja": "{n} 回、宛先 {r} 件",
        "en": "{n} {n:attempt|attempts} to {r} {r:recipient|recipients}",
    },
    "attempts-deferred": {
        "ja": "{n} 回（うち {d} 回は先送り）、宛先 {r} 件",
        "en": "{n} {n:attempt|attempts} ({d} of them deferred) to {r} {r:recipient|recipients}",
    },
    "since": {"ja": "期間", "en": "Since"},
    "from-to": {"ja": "{first} から {last} まで", "en": "{first}, last {last}"},
    "trend": {"ja": "推移", "en": "Trend"},
    "most-in": {"ja": "{bars}  最多 {most} 回／{each}", "en": "{bars}  at most {most} in {each}"},
    "minutes": {"ja": "{n} 分", "en": "{n} min"},
    "hours": {"ja": "{n} 時間", "en": "{n} h"},
    "days": {"ja": "{n} 日", "en": "{n} days"},
    "whose": {"ja": "送信者", "en": "Whose mail"},
    "whom": {"ja": "宛先", "en": "Sent to"},
    "and-more": {"ja": "ほか", "en": "and more"},
    "notification": {"ja": "（エラー通知）", "en": "(notifications)"},
    "head": {"ja": "{n} 回", "en": "{n} {n:attempt|attempts}"},
    "others": {"ja": "ほか {n} 種類", "en": "{n} more {n:kind|kinds}"},
    "full": {
        "ja": "すべての詳細は --full、機械で読むには --json。",
        "en": "Everything in full: --full. For programs: --json.",
    },
    "more-rows": {
        "ja": "ほか {rows} 行（{n} 回）",
        "en": "{rows} more {rows:line|lines} ({n} {n:attempt|attempts})",
    },
    "head-n": {"ja": "回数", "en": "count"},
    "head-who": {"ja": "受信側", "en": "receiver"},
    "head-what": {"ja": "理由", "en": "reason"},
    "head-last": {"ja": "最後", "en": "last"},
}

_BARS: Final = "▁▂▃▄▅▆▇█"


def lines(
    s: Summary,
    groups: list[Group],
    bounds: tuple[float | None, float | None],
    c: Catalogue,
    lang: Language,
    page: Page,
    *,
    early: tuple[EarlyWarning, ...] = (),
    full: bool = False,
    left_out: int = 0,
) -> Iterator[str]:
    """All lines of the answer. `bounds`: the times that the summary tells, in seconds; `left_out`:
    how many kinds `--receiver` and `--reason` leave out."""
    yield from page.wrapped(("" if lang == "ja" else " ").join(_head(s, bounds, lang)))
    if not groups:
        key = "none-such" if left_out else "none"
        yield from map(page.bold, page.wrapped(say(WORDS[key], lang, n=Number(left_out))))
        if left_out or early:  # a share of nothing did not rise
            yield from warnings(s, early, c, lang, page)
        return
    key = "one-kind" if len(groups) == 1 else "kinds"
    yield from map(page.bold, page.wrapped(say(WORDS[key], lang, kinds=f"{len(groups):,}")))
    yield from warnings(s, early, c, lang, page)
    in_full = groups if full else groups[:IN_FULL]
    for n, group in enumerate(in_full, 1):
        yield ""
        yield page.rule(f"{n}/{len(groups)} · {say(WORDS['head'], lang, n=Number(group.count))}")
        yield from _block(group, bounds, c, lang, page)
    others = groups[len(in_full) :]
    if others:
        yield ""
        yield page.rule(say(WORDS["others"], lang, n=Number(len(others))))
        yield from _table(others, c, lang, page)
        yield ""
        yield from map(page.dim, page.wrapped(say(WORDS["full"], lang)))


def _head(s: Summary, bounds: tuple[float | None, float | None], lang: Language) -> Iterator[str]:
    first, last = bounds
    span = say(WORDS["no-span"], lang)
    if first is not None and last is not None:
        span = f"{moment(first)} – {moment(last)}"
    yield say(
        WORDS["read"], lang, lines=Number(s.lines), span=span, sent=f"{s.deliveries.sent:,}",
        bounced=f"{s.deliveries.bounced:,}", deferred=f"{s.deliveries.deferred:,}",
    )  # fmt: skip
    if s.deliveries.expired:
        yield say(WORDS["expired"], lang, n=Number(s.deliveries.expired))
    left = s.lines - s.understood
    if left:
        others = s.not_understood.other_programs
        told = say(WORDS["of-others"], lang, n=Number(others)) if others else ""
        key = "only-others" if others == left else "not-understood"
        yield say(WORDS[key], lang, n=Number(left), share=share(left, s.lines), others=told)
    else:
        yield say(WORDS["all-understood"], lang)
    if s.clock_jumps:
        yield say(WORDS["jumps"], lang, n=Number(s.clock_jumps))
    if s.partial:
        yield say(WORDS["partial"], lang)


def share(part: int, whole: int) -> str:
    """A share that is not nothing is never told as 0.0 %."""
    percent = 100 * part / whole
    return "< 0.1%" if percent < 0.1 else f"{percent:.1f}%"


def moment(seconds: float) -> str:
    """With the date, in the zone of the reader."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "?"


# ── one kind ──────────────────────────────────────────────────────────────────────────────────


def _block(
    g: Group,
    bounds: tuple[float | None, float | None],
    c: Catalogue,
    lang: Language,
    page: Page,
) -> Iterator[str]:
    d = g.diagnosis
    stand_in = grouping.Group(d)
    stand_in.count, stand_in.recipients = g.count, len(g.recipients)
    first, *more = verdict.sentences(d, c, lang, stand_in.others)
    colour = page.red if not d.temporary else page.yellow
    yield from map(colour, page.wrapped(first))
    if more:
        yield from page.wrapped(("" if lang == "ja" else " ").join(more))
    yield ""
    for label, values in _numbers(g, bounds, lang, page):
        yield from page.row(label, values)
    for label, values in screen.rows(stand_in, c, lang, page, headed=True):
        if label != screen.WORDS["to"][lang]:
            yield from page.row(label, values)


def _numbers(
    g: Group, bounds: tuple[float | None, float | None], lang: Language, page: Page
) -> Iterator[tuple[str, list[str]]]:
    yield WORDS["seen"][lang], [seen(g, len(g.recipients), lang)]
    if (span := since(g, lang)) is not None:
        yield WORDS["since"][lang], [span]
    counts = trend(g.buckets, *bounds)
    if len(counts) > 1 and g.count > 1:
        begin, end = bounds
        assert begin is not None  # noqa: S101 (a trend has both)
        assert end is not None  # noqa: S101
        each = (end - begin) / 3600 / len(counts)
        if each >= 48:
            length = say(WORDS["days"], lang, n=f"{each / 24:.2g}")
        elif each >= 2:
            length = say(WORDS["hours"], lang, n=f"{each:.2g}")
        else:
            length = say(WORDS["minutes"], lang, n=f"{each * 60:.0f}")
        bars = sparkline(counts, page)
        told = say(WORDS["most-in"], lang, bars=bars, most=f"{max(counts):,}", each=length)
        yield WORDS["trend"][lang], [told]
    if g.senders:
        yield WORDS["whose"][lang], [_names(top(g.senders), len(g.senders), lang)]
    if g.domains:
        yield WORDS["whom"][lang], [_names(top(g.domains), len(g.domains), lang)]


def seen(g: Group, recipients: int, lang: Language) -> str:
    """How many attempts, to how many."""
    key = "attempts-deferred" if g.bounced and g.deferred else "attempts"
    return say(
        WORDS[key], lang, n=Number(g.count), d=Number(g.deferred), r=Number(recipients)
    )  # fmt: skip


def since(g: Group, lang: Language) -> str | None:
    """From when to when; one time where the clock shows no other."""
    if g.first is None or g.last is None:
        return None
    first, last = moment(g.first), moment(g.last)
    return first if first == last else say(WORDS["from-to"], lang, first=first, last=last)


def sparkline(counts: tuple[int, ...], page: Page) -> str:
    """One character a slice; a slice with any at all never looks empty."""
    most = max(counts)
    if page.dot != "·":  # no such characters on this terminal
        return "".join(str(min(9, -(-9 * n // most))) if n else "." for n in counts)
    return "".join(
        " " if not n else _BARS[min(len(_BARS) - 1, (n * len(_BARS) - 1) // most)] for n in counts
    ).replace(" ", page.dot)


def _names(best: tuple[Count, ...], all_: int, lang: Language) -> str:
    nobody = say(WORDS["notification"], lang)
    told = [f"{short(x.name, 60) or nobody} {x.count:,}" for x in best]
    if all_ > len(best):
        told.append(say(WORDS["and-more"], lang))
    return ("、" if lang == "ja" else ", ").join(told)


# ── the others ────────────────────────────────────────────────────────────────────────────────


def _table(groups: list[Group], c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    shown = groups if len(groups) <= MOST_ROWS + 3 else groups[:MOST_ROWS]
    n_width = max(len(f"{max(g.count for g in shown):,}"), width(WORDS["head-n"][lang]))
    last = 11 if page.columns >= 50 else 5  # without the time of day
    room = max(20, page.columns - n_width - last - 8)
    who = min(max(10, room * 3 // 7), 32)
    what = room - who

    def line(n: str, a: str, b: str, at: str) -> str:
        left = " " * (n_width - width(n)) + n
        whole = f"  {left}  {pad(cut(a, who), who)}  {pad(cut(b, what), what)}  {at}".rstrip()
        return cut(whole, page.columns)

    yield page.dim(line(*(WORDS[f"head-{x}"][lang] for x in ("n", "who", "what", "last"))))
    for g in shown:
        d = g.diagnosis
        title = said(c.knowledge.reasons[d.reason].title, lang) if d.reason else ""
        code = short(d.receiver_code or "", 24) or verdict.codes(d)
        name = c.receiver_name(d.receiver, lang) if d.receiver else short(g.place or "–")
        what_of = short(g.identity.value, 40) if g.identity is not None else ""
        at = moment(g.last)[5:][:last] if g.last is not None else ""
        yield line(f"{g.count:,}", name, f"{title}  {code}  {what_of}".rstrip(), at)
    if len(shown) < len(groups):
        left = groups[len(shown) :]
        n = sum(g.count for g in left)
        told = say(WORDS["more-rows"], lang, n=Number(n), rows=Number(len(left)))
        yield page.dim("  " + told)
