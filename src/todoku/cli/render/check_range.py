"""A range on the screen of `todoku check`: how many are listed, and which, by list and entry."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final

from todoku.cli.render.check_board import Group, Swept
from todoku.cli.render.check_entry import Teller
from todoku.cli.render.check_words import CLASS, LABEL
from todoku.cli.render.text import safe
from todoku.i18n import Words, say

MOST_LINES: Final = 4
"""Lines of addresses a kind of entry."""

WORDS: Final[Words] = {
    "some": {
        "ja": "{range}: {all} アドレスのうち {listed} が、{lists}に載っています。",
        "en": "{range}: {listed} of {all} addresses are listed, on {lists}.",
    },
    "some-1": {
        "ja": "{range}: {all} アドレスのうち 1 つが、{lists}に載っています。",
        "en": "{range}: 1 of {all} addresses is listed, on {lists}.",
    },
    "none": {
        "ja": "{range}: {all} アドレスのどれも載っていません（答えた{lists}）。",
        "en": "{range}: none of {all} addresses is listed ({lists} answered).",
    },
    "stopped": {
        "ja": "{range}: 掲載は見つかっていませんが、最後まで調べていません。",
        "en": "{range}: no listing was found so far, and not all was asked.",
    },
    "unknown": {
        "ja": "{range}: {all} アドレスが載っているかどうかは分かりません。どのリストにも確認できませんでした。",
        "en": "{range}: whether any of {all} addresses is listed is not known: no list could be asked.",
    },
    "partly": {
        "ja": "{answers} 件の問い合わせには答えがありません。",
        "en": "{answers} questions got no answer.",
    },
    "addresses": {"ja": "{n} アドレス", "en": "{n} addresses"},
    "addresses-1": {"ja": "1 アドレス", "en": "1 address"},
    "more": {
        "ja": "{mark} ほか {n} アドレス（すべて: --json --only listed）",
        "en": "{mark} and {n} more (all of them: --json --only listed)",
    },
}


def lines(t: Teller, s: Swept, *, stopped: bool = False) -> Iterator[str]:
    for sentence in verdict(t, s, stopped=stopped):
        yield from map(t.page.red if s.listed else t.page.bold, t.page.wrapped(sentence))
    if "listed" not in t.only:
        return
    for n, group in enumerate(s.rows()):
        if n == 0:
            yield ""
        yield from t.page.row(LABEL[group.entry.class_][t.lang], list(told(t, s, group)))


def verdict(t: Teller, s: Swept, *, stopped: bool) -> Iterator[str]:
    words = {"range": safe(s.network), "all": f"{s.size:,}"}
    answered = s.listing | s.clean.keys()
    if s.listed:
        key = "some-1" if len(s.listed) == 1 else "some"
        lists = t.number("lists", len(s.listing))
        yield say(WORDS[key], t.lang, **words, listed=f"{len(s.listed):,}", lists=lists)
    elif stopped:
        yield say(WORDS["stopped"], t.lang, **words)
    elif answered:
        yield say(WORDS["none"], t.lang, **words, lists=t.number("lists", len(answered)))
    else:
        yield say(WORDS["unknown"], t.lang, **words)
    if answered and s.unanswered:
        yield say(WORDS["partly"], t.lang, answers=f"{s.unanswered:,}")


def told(t: Teller, s: Swept, g: Group) -> Iterator[str]:
    n = len(g.addresses)
    number = say(WORDS["addresses-1" if n == 1 else "addresses"], t.lang, n=f"{n:,}")
    parts = [t.name(g.finding, g.entry), number]
    if g.entry.weight is not None:
        parts.append(t.say("weight", n=f"{g.entry.weight:g}"))
    yield f" {t.page.dot} ".join(parts)
    yield safe(g.entry.meaning)
    if (about := CLASS.get(g.entry.class_)) is not None:
        yield about[t.lang]
    yield from t.way_out(g.entry.removal)
    yield from addresses(t, s, g)


def addresses(t: Teller, s: Swept, g: Group) -> Iterator[str]:
    """In order, neighbours as one, over a few lines."""
    room = t.page.columns - 16
    line, shown, used = "", 0, 0
    for first, last in runs(g.addresses):
        piece = spelled(s.version, first, last)
        if line and len(line) + 2 + len(piece) > room:
            yield line
            used += 1
            line = ""
            if used == MOST_LINES:
                more = f"{len(g.addresses) - shown:,}"
                yield say(WORDS["more"], t.lang, mark=t.page.ellipsis, n=more)
                return
        line = f"{line}, {piece}" if line else piece
        shown += last - first + 1
    yield line


def runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of neighbours. Two of them are told one by one."""
    ordered = sorted(set(numbers))
    at = 0
    while at < len(ordered):
        end = at
        while end + 1 < len(ordered) and ordered[end + 1] == ordered[end] + 1:
            end += 1
        if end - at >= 2:
            yield ordered[at], ordered[end]
        else:
            yield from ((n, n) for n in ordered[at : end + 1])
        at = end + 1


def spelled(version: int, first: int, last: int) -> str:
    make = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    return str(make(first)) if first == last else f"{make(first)}-{make(last)}"
