"""`todoku check --history`: what was seen of an identity, by date. Nothing is asked."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Final, Literal

import msgspec

from todoku.cli.render.check_entry import local
from todoku.cli.render.page import Page
from todoku.cli.render.text import cut, pad, safe, width
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.lists.history import Change, rfc3339
from todoku.lists.kept import Kept
from todoku.lists.values import Target
from todoku.model import VERSION, Subject

WORDS: Final[Words] = {
    "nothing": {
        "ja": "{who} がリストに載った記録はありません。",
        "en": "No listing of {who} was ever seen.",
    },
    "asked": {
        "ja": "最後に尋ねたのは {when} です（リスト {lists} 件の記録）。",
        "en": "It was last asked about on {when} (lists on record: {lists}).",
    },
    "never-asked": {"ja": "まだ尋ねたことがありません。", "en": "It was never asked about."},
    "now": {
        "ja": "{who} は、最後に尋ねた時点で {names} に載っています。",
        "en": "{who} is on {names}, as last seen.",
    },
    "gone": {
        "ja": "{who} は、最後に尋ねた時点でどのリストにも載っていません。",
        "en": "{who} is on no list, as last seen.",
    },
    "range": {
        "ja": "{who} の変化 {n} 件。",
        "en": "{n} changes in {who}.",
    },
    "listed": {"ja": "掲載", "en": "listed"},
    "changed": {"ja": "変更", "en": "changed"},
    "gone-row": {"ja": "解除", "en": "gone"},
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `--history --json`."""

    v: int = VERSION
    at: str
    identity: Subject
    list: str
    change: Literal["listed", "changed", "gone"]
    codes: tuple[str, ...]
    text: str | None
    first_seen: str


def rows(kept: Kept, targets: Iterable[Target]) -> Iterator[Row]:
    for t in targets:
        for c in changes(kept, t):
            yield Row(
                at=rfc3339(c.at),
                identity=c.identity,
                list=c.list,
                change=c.change,
                codes=c.codes,
                text=c.text,
                first_seen=rfc3339(c.first_seen),
            )


def changes(kept: Kept, t: Target) -> Iterator[Change]:
    """Oldest first."""
    if t.subject is not None:
        yield from kept.history(t.subject)
    elif t.range is not None:
        net = ipaddress.ip_network(t.range)
        for c in kept.history():
            if c.identity.kind == "ip" and ipaddress.ip_address(c.identity.value) in net:
                yield c


def lines(
    kept: Kept, targets: Iterable[Target], c: Catalogue, lang: Language, page: Page
) -> Iterator[str]:
    for n, t in enumerate(targets):
        if n:
            yield ""
        found = list(changes(kept, t))
        for sentence in verdict(kept, t, found, c, lang):
            yield from map(page.bold, page.wrapped(sentence))
        if found:
            yield ""
            yield from table(found, c, lang, page, whose=t.subject is None)


def verdict(
    kept: Kept, t: Target, found: list[Change], c: Catalogue, lang: Language
) -> Iterator[str]:
    if t.subject is None:
        who = safe(t.range or t.given)
        key = "range" if found else "nothing"
        yield say(WORDS[key], lang, who=who, n=f"{len(found):,}")
        return
    who = safe(t.subject.value)
    standings = {list_id: s for (_, list_id), s in kept.standings([t.subject]).items()}
    listed = [safe(c.list_name(i, lang)) for i, s in standings.items() if s.state == "listed"]
    if listed:
        comma = "、" if lang == "ja" else ", "
        yield say(WORDS["now"], lang, who=who, names=comma.join(sorted(listed)))
    else:
        yield say(WORDS["gone" if found else "nothing"], lang, who=who)
    if standings:
        last = max(s.asked_at for s in standings.values())
        yield say(WORDS["asked"], lang, when=local(last), lists=len(standings))
    elif not found:
        yield WORDS["never-asked"][lang]


def table(
    found: list[Change], c: Catalogue, lang: Language, page: Page, *, whose: bool
) -> Iterator[str]:
    """A line a change: when, what, at which list, with which codes."""
    kinds = {
        k: WORDS["gone-row" if k == "gone" else k][lang] for k in ("listed", "changed", "gone")
    }
    rows = [
        [
            local(x.at),
            kinds[x.change],
            *([x.identity.value] if whose else []),
            safe(c.list_name(x.list, lang)),
            safe(" ".join(x.codes)),
        ]
        for x in found
    ]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (pad(cell, w) for cell, w in zip(row, widths, strict=True))
        yield cut(f"  {'  '.join(cells)}".rstrip(), page.columns)
