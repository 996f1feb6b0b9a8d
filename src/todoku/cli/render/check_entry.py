"""One entry of a list as a person reads it: which list, what it means, what it covers, the way out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import ClassVar, Final

from todoku.cli.render.check_words import CLASS, SCOPE
from todoku.cli.render.page import Page
from todoku.cli.render.text import safe, short
from todoku.cli.render.words import CHANNEL, REQUIRES, duration
from todoku.i18n import Language, Sentence, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.model import Entry, Finding, ListingState, Removal

MOST_TEXTS: Final = 3
"""Lines of a list's own words that are shown."""

WORDS: Final[Words] = {
    "weight": {"ja": "重み {n}", "en": "weight {n}"},
    "means": {"ja": "{meaning}（対象: {scope}）", "en": "{meaning}; covers {scope}"},
    "seen": {"ja": "{when} から確認（{age}）", "en": "seen since {when} ({age})"},
    "way-out": {"ja": "解除: {way}", "en": "way out: {way}"},
    "no-way-out": {"ja": "解除: 窓口は知られていません", "en": "way out: none is known"},
    "first": {"ja": "先に必要: {what}", "en": "first: {what}"},
    "ends": {"ja": "放置しても {time}で消えます", "en": "ends by itself after {time}"},
    "says": {"ja": "リストの説明: {text}", "en": "the list says: {text}"},
    "answers": {"ja": "根拠: {asked} → {codes}", "en": "{asked} answers {codes}"},
    "partial": {
        "ja": "答えにはエラーも含まれていました。ほかにも載っている可能性があります",
        "en": "the answer held an error too: there may be more",
    },
    "lists-1": {"ja": "リスト 1 件", "en": "1 list"},
    "lists": {"ja": "リスト {n} 件", "en": "{n} lists"},
    "n-1": {"ja": "1 件", "en": "1"},
    "n": {"ja": "{n} 件", "en": "{n}"},
}
_UNITS: Final[tuple[tuple[int, Sentence, Sentence], ...]] = (
    (86_400, {"ja": "{n} 日", "en": "{n} days"}, {"ja": "1 日", "en": "1 day"}),
    (3_600, {"ja": "{n} 時間", "en": "{n} hours"}, {"ja": "1 時間", "en": "1 hour"}),
    (60, {"ja": "{n} 分", "en": "{n} minutes"}, {"ja": "1 分", "en": "1 minute"}),
    (1, {"ja": "{n} 秒", "en": "{n} seconds"}, {"ja": "1 秒", "en": "1 second"}),
)


class Teller:
    """What all parts of the screen need: the names of lists, the language, the page, the time."""

    words: ClassVar[Words] = WORDS

    def __init__(
        self,
        c: Catalogue,
        lang: Language,
        page: Page,
        *,
        now: float,
        started: float,
        only: frozenset[ListingState],
    ) -> None:
        self.c = c
        self.lang = lang
        self.page = page
        self.now = now
        self.started = started
        self.only = only
        self.comma = "、" if lang == "ja" else ", "

    def say(self, key: str, **values: object) -> str:
        return say(self.words[key], self.lang, **values)

    def number(self, key: str, n: int) -> str:
        """`1 list`, `28 lists`; `リスト 28 件`."""
        return self.say(f"{key}-1" if n == 1 else key, n=f"{n:,}")

    def entry(self, f: Finding, e: Entry, *, whole: bool = True) -> Iterator[str]:
        """An entry told; with `whole` also what belongs to the answer, and not to the entry."""
        yield self.head(f, e)
        yield self.say("means", meaning=safe(e.meaning), scope=self.scope(f, e))
        if (about := CLASS.get(e.class_)) is not None:
            yield about[self.lang]
        yield from self.way_out(e.removal)
        if not whole:
            return
        for text in (f.text or "").split("\n")[:MOST_TEXTS]:
            if text.strip():
                yield self.say("says", text=short(text.strip(), 300))
        if f.asked:
            yield self.say("answers", asked=short(f.asked, 300), codes=safe(" ".join(f.codes)))
        if f.partial:
            yield self.say("partial")

    def head(self, f: Finding, e: Entry) -> str:
        parts = [self.name(f, e)]
        if e.weight is not None:
            parts.append(self.say("weight", n=f"{e.weight:g}"))
        if (seen := self.seen(f.first_seen)) is not None:
            parts.append(seen)
        return f" {self.page.dot} ".join(parts)

    def scope(self, f: Finding, e: Entry) -> str:
        return SCOPE["domain" if f.identity.kind != "ip" and e.scope == "ip" else e.scope][
            self.lang
        ]

    def name(self, f: Finding, e: Entry | None = None) -> str:
        """`Spamhaus ZEN`, or `Spamhaus ZEN (XBL)` where the entry is of a part list."""
        name = safe(self.c.list_name(f.list, self.lang))
        if e is None or e.list is None or e.list == f.list:
            return name
        part = safe(self.c.list_name(e.list, self.lang))
        words, others = part.split(), name.split()
        while len(words) > 1 and others and words[0] == others[0]:
            del words[0], others[0]
        return f"{name} ({' '.join(words)})"

    def way_out(self, r: Removal | None) -> Iterator[str]:
        if r is None or r.channel == "none":
            if r is None or not r.expires:
                yield self.say("no-way-out")
        elif r.channel != "automatic" or not r.expires:
            parts = [say(CHANNEL[r.channel], self.lang), r.url, r.address]
            yield self.say("way-out", way=" ".join(safe(p) for p in parts if p))
        if r is None:
            return
        if r.requires:
            sep = "、" if self.lang == "ja" else "; "
            needs = (say(REQUIRES[x], self.lang) if x in REQUIRES else safe(x) for x in r.requires)
            yield self.say("first", what=sep.join(needs))
        if r.expires:
            yield self.say("ends", time=safe(duration(r.expires, self.lang)))

    def seen(self, first_seen: str | None) -> str | None:
        """When the listing was first seen; nothing where that was just now."""
        if first_seen is None:
            return None
        at = seconds_of(first_seen)
        if self.now - at < 60:
            return None
        when = local(at) if self.now - at < 86_400 else local(at)[:10]
        return self.say("seen", when=when, age=age(self.now - at, self.lang))


def age(seconds: float, lang: Language) -> str:
    """`2 days`, in the largest unit that fills it."""
    for unit, many, one in _UNITS:
        n = int(seconds // unit)
        if n > 0 or unit == 1:
            return say(one if n == 1 else many, lang, n=f"{max(n, 0):,}")
    raise AssertionError


def span(seconds: float, lang: Language) -> str:
    """`3 hours 38 minutes`: how long something takes, in two units."""
    for (unit, *_), (lesser, *_) in itertools.pairwise(_UNITS):
        if seconds >= unit:
            rest = seconds % unit
            told = age(seconds, lang)
            return f"{told} {age(rest, lang)}" if rest >= lesser else told
    return age(seconds, lang)


def seconds_of(told: str) -> float:
    """Unix time of an RFC 3339 time."""
    from datetime import datetime

    return datetime.fromisoformat(told).timestamp()


def local(at: float) -> str:
    """With the date, in the zone of the reader."""
    import time

    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
