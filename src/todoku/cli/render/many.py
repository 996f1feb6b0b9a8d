"""Many kinds of refusal as a table: a line for each receiver and reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from todoku.cli.render import parties, verdict
from todoku.cli.render.page import NARROW, Page
from todoku.cli.render.text import cut, pad, short, width
from todoku.cli.render.words import WHO_SHORT
from todoku.grouping import Group, standing
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue, said

MOST_ROWS: Final = 30
"""Lines of the table of all others."""

WORDS: Final[Words] = {
    "rows-more": {"ja": "ほか {rows} 行（{n} 件）", "en": "{rows} more lines ({n} refusals)"},
    "head-n": {"ja": "件数", "en": "count"},
    "head-who": {"ja": "受信側", "en": "receiver"},
    "head-what": {"ja": "理由", "en": "reason"},
    "head-move": {"ja": "対応する人", "en": "who acts"},
}


class _Row:
    """Kinds of refusal that one line of the table stands for."""

    def __init__(self, first: Group) -> None:
        self.groups = [first]

    @property
    def count(self) -> int:
        return sum(g.count for g in self.groups)


def table(
    groups: list[Group], c: Catalogue, lang: Language, page: Page, most: int = MOST_ROWS
) -> Iterator[str]:
    """One line for each receiver and reason: how many, who, why, whose move."""
    by_key: dict[tuple[object, ...], _Row] = {}
    for g in groups:
        d = g.first
        key = (d.kind, d.reason, d.feedback_type, parties.short_server(d, c, lang), d.who_acts)
        row = by_key.get(key)
        if row is None:
            by_key[key] = _Row(g)
        else:
            row.groups.append(g)
    # Kinds that were apart are one line now, and weigh together.
    rows_ = sorted(by_key.values(), key=lambda r: (*standing(r.groups[0].first), -r.count))
    if page.columns < NARROW:
        for r in rows_:
            yield from page.row("", [f"{r.count:,}  {_told(r, c, lang)}"])
        return
    shown = rows_ if len(rows_) <= most + 3 else rows_[:most]
    move = max(width(say(w, lang)) for w in (*WHO_SHORT.values(), WORDS["head-move"]))
    count = max(len(f"{max(r.count for r in shown):,}"), width(WORDS["head-n"][lang]))
    room = page.columns - count - move - 8
    who = min(max(18, room * 3 // 7), 32)
    what = room - who

    def line(n: str, a: str, b: str, m: str) -> str:
        left = " " * (count - width(n)) + n
        return f"  {left}  {pad(cut(a, who), who)}  {pad(cut(b, what), what)}  {m}".rstrip()

    heads = [WORDS[f"head-{x}"][lang] for x in ("n", "who", "what", "move")]
    yield page.dim(line(*heads))
    for r in shown:
        d = r.groups[0].first
        yield line(
            f"{r.count:,}",
            parties.short_server(d, c, lang),
            _told(r, c, lang, server=False),
            "?" if d.reason == "undecided" else say(WHO_SHORT[d.who_acts or "nobody"], lang),
        )
    if len(shown) < len(rows_):
        left = rows_[most:]
        n = sum(r.count for r in left)
        yield page.dim("  " + say(WORDS["rows-more"], lang, n=f"{n:,}", rows=f"{len(left):,}"))


def _told(row: _Row, c: Catalogue, lang: Language, *, server: bool = True) -> str:
    d = row.groups[0].first
    title = said(c.knowledge.reasons[d.reason].title, lang) if d.reason else d.kind
    told = f"{title}  {_codes(row)}".rstrip()
    return f"{parties.short_server(d, c, lang)}: {told}" if server else told


def _codes(row: _Row) -> str:
    """The codes that the kinds of a line share: the receiver's own, else the status."""
    told = row.groups[0].first.feedback_type
    if told:
        return short(told)
    own = list(dict.fromkeys(short(g.first.receiver_code or "") for g in row.groups))
    if any(own):
        return ", ".join(x for x in own if x)
    status = list(dict.fromkeys(verdict.codes(g.first) for g in row.groups))
    return ", ".join(x for x in status if x)
