"""The report of `todoku logs` as one HTML file: no script, no outside resource, fit to be printed.

Everything in a log is a stranger's text: made safe as for a terminal, then escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from todoku import grouping
from todoku.cli.render import html_page as html
from todoku.cli.render import verdict
from todoku.cli.render.html_page import e, write
from todoku.cli.render.logs import WORDS as SCREEN
from todoku.cli.render.logs import moment, seen, since
from todoku.cli.render.logs_warnings import WORDS as WARNED
from todoku.cli.render.logs_warnings import sentence, watched
from todoku.cli.render.text import short
from todoku.i18n import Language, Number, Words, say
from todoku.knowledge.catalogue import Catalogue, said
from todoku.logs.sums import Group, row
from todoku.logs.values import Count, EarlyWarning, Summary

__all__ = ["page", "write"]

MOST: Final = 200
"""Kinds of refusal that are told."""
IN_FULL: Final = 30
MOST_WARNINGS: Final = 10

WORDS: Final[Words] = {
    "title": {"ja": "配送ログの報告", "en": "Report of the mail logs"},
    "span": {"ja": "{first} から {last} まで", "en": "{first} to {last}"},
    "warnings": {"ja": "早期警戒", "en": "Early warning"},
    "kinds": {"ja": "拒否と先送り（{n} 種類）", "en": "Refusals and deferrals: {n} {n:kind|kinds}"},
    "others": {"ja": "ほかの {n} 種類", "en": "{n} more {n:kind|kinds}"},
    "by-who": {"ja": "受信側ごとの回数", "en": "Attempts refused or deferred, by receiver"},
    "bounced": {"ja": "拒否", "en": "refused"},
    "deferred": {"ja": "先送り", "en": "deferred"},
    "trend": {"ja": "推移。最多 {most} 回", "en": "over time, at most {most}"},
    "next": {"ja": "次の一手", "en": "Next"},
    "example": {"ja": "応答の例", "en": "Such as"},
    "nothing": {"ja": "拒否も先送りもありません。", "en": "Nothing was refused or deferred."},
    "knowledge": {"ja": "todoku の知識 {version}", "en": "knowledge of todoku: {version}"},
}
MORE: Final = """\
svg .sent{fill:#2c8a53}svg .deferred{fill:#d79b00}svg .bounced{fill:#b3261e}
svg.key{display:inline-block;width:.7em;height:.7em;margin:0}
.bars{table-layout:fixed}.bars th{width:20%}.bars th:first-child{width:38%}.bars th:last-child{width:22%}
.bars td{padding:.15rem .5rem .15rem 0;border:0}.bars .bar svg{width:100%;height:1em;margin:.3em 0}
@media (max-width:34rem){.bars th.n{font-size:.7rem;padding:.35rem .5rem .35rem 0;white-space:normal;overflow-wrap:normal}}
svg .slice{fill:#57606a}table .n{text-align:right;white-space:nowrap}
"""


def page(
    s: Summary,
    groups: list[Group],
    early: tuple[EarlyWarning, ...],
    bounds: tuple[float | None, float | None],
    c: Catalogue,
    lang: Language,
) -> str:
    return "\n".join(_Page(s, groups, early, bounds, c, lang).lines()) + "\n"


class _Page:
    def __init__(
        self,
        s: Summary,
        groups: list[Group],
        early: tuple[EarlyWarning, ...],
        bounds: tuple[float | None, float | None],
        c: Catalogue,
        lang: Language,
    ) -> None:
        self.s, self.groups, self.early, self.bounds, self.c = s, groups, early, bounds, c
        self.lang: Language = lang

    def _say(self, key: str, /, **values: object) -> str:
        return e(say(WORDS[key], self.lang, **values))

    def lines(self) -> Iterator[str]:
        title = self._say("title")
        yield from html.head(title, self.lang, MORE)
        first, last = self.bounds
        if first is not None and last is not None:
            yield f'<p class="dim">{self._say("span", first=moment(first), last=moment(last))}</p>'
        yield from self._deliveries()
        if self.groups:
            yield from self._by_who()
        if self.groups or self.early:  # a share of nothing did not rise
            yield from self._warnings()
        if self.groups:
            yield f"<h2>{self._say('kinds', n=Number(len(self.groups)))}</h2>"
            for g in self.groups[:IN_FULL]:
                yield from self._group(g)
            yield from self._others()
        else:
            yield f"<p>{self._say('nothing')}</p>"
        yield f'<p class="dim">{self._say("knowledge", version=self.s.knowledge)}</p>'
        yield html.END

    def _deliveries(self) -> Iterator[str]:
        d = self.s.deliveries
        told = e(
            say(
                SCREEN["read"], self.lang, lines=Number(self.s.lines), span="–", sent=f"{d.sent:,}",
                bounced=f"{d.bounced:,}", deferred=f"{d.deferred:,}",
            ).replace("（–）", "").replace(" (–)", "")
        )  # fmt: skip
        counts = (("bounced", d.bounced), ("deferred", d.deferred), ("sent", d.sent))
        all_, at = max(1, sum(n for _, n in counts)), 0.0
        yield f'<svg viewBox="0 0 600 14" role="img" aria-label="{told}"><title>{told}</title>'
        for name, n in counts:
            wide = 600 * n / all_
            yield f'<rect class="{name}" x="{at:.1f}" y="0" width="{wide:.1f}" height="14"/>'
            at += wide
        yield f"</svg>\n<p>{told}</p>"

    def _warnings(self) -> Iterator[str]:
        yield f"<h2>{self._say('warnings')}</h2>"
        if self.early:
            yield "<ul>"
            yield from (
                f"<li>{e(sentence(w, self.c, self.lang))}</li>" for w in self.early[:MOST_WARNINGS]
            )
            yield "</ul>"
            left = len(self.early) - MOST_WARNINGS
            if left > 0:
                yield f"<p>{e(say(WARNED['more'], self.lang, n=f'{left:,}'))}</p>"
        yield f'<p class="dim">{e(watched(self.s, self.early, self.lang))}</p>'

    def _by_who(self) -> Iterator[str]:
        counts: dict[str, list[int]] = {}
        for g in self.groups:
            cell = counts.setdefault(self._name(g), [0, 0])
            cell[0] += g.bounced
            cell[1] += g.deferred
        best = sorted(counts.items(), key=lambda x: -sum(x[1]))[:12]
        most = max(1, *(sum(n) for _, n in best))
        title = self._say("by-who")
        yield f"<h2>{title}</h2>"
        key = '<svg class="key" viewBox="0 0 1 1"><rect class="{}" width="1" height="1"/></svg>'
        heads = (f"{key.format(x)} {self._say(x)}" for x in ("bounced", "deferred"))
        yield '<table class="bars"><thead><tr><th></th>'
        yield from (f'<th class="n">{head}</th>' for head in heads)
        yield "<th></th></tr></thead><tbody>"
        for name, (bounced, deferred) in best:
            red, amber = 100 * bounced / most, 100 * deferred / most
            yield (
                f'<tr><td>{e(short(name, 60))}</td><td class="n">{bounced:,}</td>'
                f'<td class="n">{deferred:,}</td><td class="bar">'
                '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
                f'<rect class="bounced" width="{red:.1f}" height="10"/>'
                f'<rect class="deferred" x="{red:.1f}" width="{amber:.1f}" height="10"/></svg></td></tr>'
            )
        yield "</tbody></table>"

    def _group(self, g: Group) -> Iterator[str]:
        d, r = g.diagnosis, row(g, *self.bounds)
        stand_in = grouping.Group(d)
        stand_in.count = g.count
        first, *more = verdict.sentences(d, self.c, self.lang, stand_in.others)
        state = "warning" if d.temporary else "bad"
        yield f'<section class="check"><h3 class="{state}">{e(first)}</h3>'
        if more:
            yield f"<p>{e(('' if self.lang == 'ja' else ' ').join(more))}</p>"
        yield from self._trend(r.trend)
        told, span = seen(g, r.recipients, self.lang), since(g, self.lang) or ""
        rows = (
            (SCREEN["seen"][self.lang], e(told)), (SCREEN["since"][self.lang], e(span)),
            (SCREEN["whose"][self.lang], self._names(r.senders)),
            (SCREEN["whom"][self.lang], self._names(r.domains)),
            (WORDS["next"][self.lang], "<br>".join(f"{n}. {e(x)}" for n, x in enumerate(d.remedy, 1))),
            (WORDS["example"][self.lang], f"<code>{e(short(g.example or '', 600))}</code>" if g.example else ""),
        )  # fmt: skip
        yield "<dl>"
        yield from (f"<dt>{e(k)}</dt><dd>{v}</dd>" for k, v in rows if v)
        yield "</dl></section>"

    def _trend(self, counts: tuple[int, ...]) -> Iterator[str]:
        if len(counts) < 2:
            return
        most = max(counts)
        told = self._say("trend", most=f"{most:,}")
        yield f'<svg viewBox="0 0 600 40" role="img" aria-label="{told}"><title>{told}</title>'
        for n, count in enumerate(counts):
            high = 38 * count / most
            wide = 600 / len(counts)
            yield (
                f'<rect class="slice" x="{n * wide:.1f}" y="{40 - high:.1f}" width="{wide - 2:.1f}" '
                f'height="{high:.1f}"/>'
            )
        yield "</svg>"

    def _others(self) -> Iterator[str]:
        others = self.groups[IN_FULL:]
        if not others:
            return
        yield f"<h2>{self._say('others', n=Number(len(others)))}</h2>\n<table><tbody>"
        for g in others[:MOST]:
            d = g.diagnosis
            title = said(self.c.knowledge.reasons[d.reason].title, self.lang) if d.reason else ""
            what = short(g.identity.value, 60) if g.identity is not None else ""
            yield (
                f'<tr><td class="n">{g.count:,}</td><td>{e(self._name(g))}</td><td>{e(title)} '
                f"{e(short(d.receiver_code or '', 40))}<br>{e(what)}</td></tr>"
            )
        yield "</tbody></table>"

    def _name(self, g: Group) -> str:
        d = g.diagnosis
        name = self.c.receiver_name(d.receiver, self.lang) if d.receiver else g.place
        return short(name or "–", 60)

    def _names(self, counts: tuple[Count, ...]) -> str:
        nobody = say(SCREEN["notification"], self.lang)
        return e(", ".join(f"{short(x.name, 60) or nobody} {x.count:,}" for x in counts))
