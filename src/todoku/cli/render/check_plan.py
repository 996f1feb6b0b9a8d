"""`todoku check --plan`: how many questions a run takes, at which rate and daily budget of each
list, and how long. Nothing is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final

import msgspec

from todoku.cli.render.check_entry import span
from todoku.cli.render.check_words import CAUSE
from todoku.cli.render.page import Page
from todoku.cli.render.text import cut, pad, safe, width
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.lists import names
from todoku.lists import plan as lists_plan
from todoku.lists.keeping import swept_at
from todoku.lists.kept import Kept
from todoku.lists.plan import Barred, Book, Terms, Way
from todoku.lists.values import Request
from todoku.model import VERSION, Subject, UnknownCause

HEALTH: Final = 3
"""Questions for a list's health: its listed test point, the unlisted one, and a random name."""

WORDS: Final[Words] = {
    "takes": {
        "ja": "リスト {lists} 件に合わせて {questions} 問、所要時間は{time}です。まだ何も尋ねていません。",
        "en": "{questions} questions to {lists} lists, {time}. Nothing was asked yet.",
    },
    "takes-1": {
        "ja": "リスト 1 件に {questions} 問、所要時間は{time}です。まだ何も尋ねていません。",
        "en": "{questions} questions to 1 list, {time}. Nothing was asked yet.",
    },
    "about": {"ja": "約 {time}", "en": "about {time}"},
    "moment": {"ja": "1 秒未満", "en": "less than a second"},
    "unlimited": {
        "ja": "リスト {lists} 件に合わせて {questions} 問。速さの制限はありません。まだ何も尋ねていません。",
        "en": "{questions} questions to {lists} lists, as fast as the server answers. Nothing was "
        "asked yet.",
    },
    "nobody": {
        "ja": "尋ねられるリストがありません。",
        "en": "No list can be asked.",
    },
    "by-day": {
        "ja": "いちばん長くかかるのは {name} です。1 日 {per_day} 問までなので {days} 日に分かれます。",
        "en": "What takes longest is {name}: at most {per_day} questions a day, so it spreads over "
        "{days} days.",
    },
    "by-rate": {
        "ja": "いちばん長くかかるのは {name} です（毎秒 {rate} 問まで）。リストには並行して尋ねます。",
        "en": "What takes longest is {name}, at {rate} questions a second. Lists are asked side by "
        "side.",
    },
    "list": {"ja": "リスト", "en": "list"},
    "questions": {"ja": "問い合わせ", "en": "questions"},
    "rate": {"ja": "毎秒", "en": "a second"},
    "day": {"ja": "1 日", "en": "a day"},
    "time": {"ja": "所要", "en": "takes"},
    "barred": {"ja": "対象外", "en": "Not asked"},
    "hosts": {
        "ja": "ホスト名 {n} 件のアドレスはまだ調べていないので、IPv4 と IPv6 を 1 つずつ持つものとして数えています。",
        "en": "The addresses of {n} host names were not looked up yet: each is counted as one IPv4 and "
        "one IPv6 address.",
    },
    "hosts-1": {
        "ja": "ホスト名のアドレスはまだ調べていないので、IPv4 と IPv6 を 1 つずつ持つものとして数えています。",
        "en": "The addresses of the host name were not looked up yet: it is counted as one IPv4 and "
        "one IPv6 address.",
    },
    "stops": {
        "ja": "途中で止めても、同じ指定で実行すれば続きから尋ねます。",
        "en": "It may be stopped at any time: the same command goes on from there.",
    },
}


class Asked(msgspec.Struct, frozen=True):
    """A `Cost`, with names."""

    list: str
    zone: str
    questions: int
    per_second: float | None
    per_day: int | None
    days: int
    seconds: float


class NotAsked(msgspec.Struct, frozen=True):
    list: str
    cause: UnknownCause


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `--plan --json` prints."""

    v: int = VERSION
    questions: int
    seconds: float
    """Of the slowest list; 0 where no rate is minded."""
    lists: tuple[Asked, ...]
    not_asked: tuple[NotAsked, ...]
    hosts: int = 0
    """Host names whose addresses are not known yet: each counts as one IPv4 and one IPv6 address."""


def plan(request: Request, book: Book, terms: Terms, kept: Kept | None, now: float) -> Plan:
    """`kept`: what other runs left, where there is anything; `now` is Unix time."""
    ways: list[Way] = []
    barred: list[Barred] = []
    for name in request.lists:
        got = lists_plan.named(book, name, terms, own=request.unlimited)
        (ways if isinstance(got, Way) else barred).append(got)  # type: ignore[arg-type]
    source = request.upstream.name
    numbers = {w.entry.id: questions(w, request, kept, now) for w in ways}
    costs = sorted(
        lists_plan.costs(
            ways,
            numbers,
            unlimited=request.unlimited,
            rate=request.rate,
            agreed=request.agreed,
            accounts=kept.accounts(source) if kept is not None else {},
            now=now,
            sweep=any(t.range is not None for t in request.targets),
        ),
        key=lambda c: (-c.seconds, -c.questions),
    )
    return Plan(
        questions=sum(c.questions for c in costs),
        seconds=max((c.seconds for c in costs), default=0.0),
        lists=tuple(Asked(*c) for c in costs),
        not_asked=tuple(NotAsked(b.entry.id, b.cause) for b in barred),
        hosts=len(_hosts(request)),
    )


def questions(w: Way, request: Request, kept: Kept | None, now: float) -> int:
    """About its health, and about all that fits, but for what a sweep that was stopped has. Answers
    that are kept will spare some, and what is listed takes one more for the list's words."""
    subjects = [t.subject for t in request.targets if t.subject is not None]
    n = sum(names.fits(w.ask, s) for s in subjects)
    n += len(_hosts(request)) * len({"ipv4", "ipv6"} & set(w.ask.kinds))
    for t in request.targets:
        if t.range is None:
            continue
        net = ipaddress.ip_network(t.range)
        if f"ipv{net.version}" in w.ask.kinds:
            n += net.num_addresses
            if kept is not None and not request.restart:
                n -= kept.swept(t.range, w.entry.id, swept_at(w, request.upstream.name), now)
    return n + HEALTH if n else 0


def _hosts(request: Request) -> list[Subject]:
    """Host names, of which nobody knows yet which addresses they have: each counts as if it had one
    of each kind. A named server knows no addresses."""
    subjects = [t.subject for t in request.targets if t.subject is not None]
    return [s for s in subjects if s.kind == "hostname" and request.upstream.kind != "server"]


def lines(told: Plan, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    yield from map(
        page.bold, page.wrapped(("" if lang == "ja" else " ").join(_verdict(told, c, lang)))
    )
    if told.lists:
        yield ""
        yield from _table(told, c, lang, page)
    if told.not_asked:
        yield ""
        rows = [
            f"{safe(c.list_name(x.list, lang))}: {say(CAUSE[x.cause], lang)}"
            for x in told.not_asked
        ]
        yield from page.row(WORDS["barred"][lang], rows)
    if told.hosts:
        yield ""
        yield from page.wrapped(
            say(WORDS["hosts-1" if told.hosts == 1 else "hosts"], lang, n=f"{told.hosts:,}")
        )
    if told.seconds > 600:
        yield ""
        yield from map(page.dim, page.wrapped(WORDS["stops"][lang]))


def _verdict(told: Plan, c: Catalogue, lang: Language) -> Iterator[str]:
    if not told.lists:
        yield WORDS["nobody"][lang]
        return
    n = len(told.lists)
    counts = {"lists": f"{n:,}", "questions": f"{told.questions:,}"}
    slowest = told.lists[0]
    if slowest.per_second is None:
        yield say(WORDS["unlimited"], lang, **counts)
        return
    time = WORDS["moment"][lang]
    if told.seconds >= 1:
        time = say(WORDS["about"], lang, time=span(told.seconds, lang))
    yield say(WORDS["takes-1" if n == 1 else "takes"], lang, **counts, time=time)
    name = safe(c.list_name(slowest.list, lang))
    if slowest.days > 1:
        per_day = f"{slowest.per_day:,}"
        yield say(WORDS["by-day"], lang, name=name, per_day=per_day, days=slowest.days)
    elif n > 1:
        yield say(WORDS["by-rate"], lang, name=name, rate=f"{slowest.per_second:g}")


def _table(told: Plan, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    head = [WORDS[k][lang] for k in ("list", "questions", "rate", "day", "time")]
    rows = [
        [
            safe(c.list_name(x.list, lang)),
            f"{x.questions:,}",
            "-" if x.per_second is None else f"{x.per_second:g}",
            "-" if x.per_day is None else f"{x.per_day:,}",
            "-" if x.per_second is None else span(x.seconds, lang),
        ]
        for x in told.lists
    ]
    widths = [max(width(row[i]) for row in [head, *rows]) for i in range(5)]
    widths[0] = max(8, min(widths[0], page.columns - 2 - sum(widths[1:]) - 8))
    for n, row in enumerate([head, *rows]):
        name = pad(cut(row[0], widths[0]), widths[0])
        cells = (" " * (w - width(x)) + x for x, w in zip(row[1:], widths[1:], strict=True))
        line = f"  {name}  {'  '.join(cells)}"
        yield page.dim(line) if n == 0 else line
