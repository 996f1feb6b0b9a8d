"""`todoku partners --html`: partners by gateway and list as a map, and below it everyone, to be opened by
gateway. One file: no script, no outside resource, fit to be printed.

What receivers said is a stranger's text: made safe as for a terminal, then escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from todoku.cli.render import html_page as html
from todoku.cli.render.html_page import e, write
from todoku.cli.render.partners import WORDS as SCREEN
from todoku.cli.render.partners import day, gate_name, habit, list_name, rate
from todoku.cli.render.text import short
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.logs.clock import rfc3339
from todoku.partners.habits import Told
from todoku.partners.summary import Summary

__all__ = ["page", "write"]

GATES: Final = 16
LISTS: Final = 7
MOST: Final = 2_000
"""Partners that are told of, the greatest."""
FEW: Final = 3
"""Lists that a partner hardly uses; more are shown when asked."""
_ROW: Final = 26
_NAME: Final = 210
_CELL: Final = 92

WORDS: Final[Words] = {
    "title": {"ja": "取引先と使用リスト", "en": "Partners and the lists they use"},
    "map": {"ja": "製品・ホストとリストの地図", "en": "By gateway and list"},
    "legend": {
        "ja": "帯の長さは 1 日の通数の割合です。赤: リスト名を挙げて拒否した取引先。緑: 掲載中に受け取った取引先。"
        "灰: 分からない（黙っている相手がリストを使っていないとは言えません）。",
        "en": "Bars are shares of the mail a day. Red: partners who named the list when they refused. Green: "
        "who took mail while you were listed. Grey: not known, as who says nothing may use any list.",
    },
    "no-lists": {
        "ja": "まだどのリストについても分かっていません。",
        "en": "Nothing was seen of any list yet.",
    },
    "cell": {
        "ja": "{gate} × {list}: 使用 {yes} 件（1 日 {yes_rate} 通）、不使用とみられる {no} 件（{no_rate} 通）、不明 {left} 件"
        "（{left_rate} 通）",
        "en": "{gate}, {list}: {yes} partners use it ({yes_rate} mails a day), {no} hardly ({no_rate}), {left} not "
        "known ({left_rate})",
    },
    "others": {"ja": "ほか", "en": "others"},
    "self": {"ja": "自社運用・不明", "en": "run by themselves, or not known"},
    "everyone": {"ja": "取引先", "en": "Partners"},
    "gate": {
        "ja": "{gate}: 取引先 {n} 件、1 日 {rate} 通",
        "en": "{gate}: {n} partners, {rate} mails a day",
    },
    "left-out": {
        "ja": "メールの少ない {n} 件は省いています（todoku partners --csv には全件あります）。",
        "en": "{n} more with little mail are left out (todoku partners --csv has all).",
    },
    "said": {"ja": "応答", "en": "what it said"},
    "hardly": {
        "ja": "使っていないとみられるリスト {n} 件",
        "en": "{n} lists that it hardly uses",
    },
}
MORE: Final = """\
svg text{font-size:12px;fill:#1b1f24}svg .yes{fill:#b3261e}svg .no{fill:#2c8a53}svg .left{fill:#d3d9df}
svg .rule{stroke:#d0d7de}table .n{text-align:right;white-space:nowrap}details.gate{font-size:1rem;padding:.3rem 0;
border-bottom:1px solid var(--line)}details.gate>summary{color:var(--ink)}td details{font-size:.85rem}
td:nth-child(2){min-width:10rem}td:nth-child(3){min-width:6.5rem}.map{overflow-x:auto}
@media (max-width:44rem){.map svg{max-width:none}details.gate table,tbody{display:block}
tr{display:grid;grid-template-columns:auto 1fr;border-bottom:1px solid var(--line)}td,td:nth-child(n){min-width:0;border:0}
td:nth-child(n+3){grid-column:1/-1}td:nth-child(3){color:var(--dim)}td{overflow-wrap:anywhere}}
"""


def page(summary: Summary, told: Sequence[Told], c: Catalogue, lang: Language) -> str:
    return "\n".join(_Page(summary, told, c, lang).lines()) + "\n"


class _Page:
    def __init__(
        self, summary: Summary, told: Sequence[Told], c: Catalogue, lang: Language
    ) -> None:
        self.summary, self.c = summary, c
        self.lang: Language = lang
        self.told = told
        groups = {p.domain: p.group for p in summary.partners}
        self.gates: dict[str, list[Told]] = {}
        """The partners of each gateway, those with the most mail first."""
        for t in told:
            self.gates.setdefault(groups.get(t.domain, ""), []).append(t)
        order = sorted(self.gates, key=lambda g: (-_rate(self.gates[g]), g))
        self.gates = {g: self.gates[g] for g in order}

    def _say(self, key: str, /, **values: object) -> str:
        return e(say(WORDS[key], self.lang, **values))

    def lines(self) -> Iterator[str]:
        title = self._say("title")
        yield from html.head(title, self.lang, MORE)
        first, last = (day(rfc3339(x)) for x in (self.summary.first, self.summary.last))
        all_ = say(
            SCREEN["all-one" if len(self.told) == 1 else "all"], self.lang, n=f"{len(self.told):,}",
            rate=rate(_rate(self.told)), first=first, last=last,
        )  # fmt: skip
        named = [t for t in self.told if any(h.state == "proven" for h in t.lists)]
        key = "proven" if named else "none-proven"
        proven = say(SCREEN[key], self.lang, n=f"{len(named):,}", rate=rate(_rate(named)))
        yield f"<p>{e(all_)} {e(proven)}</p>"
        yield from self._map()
        yield from self._everyone()
        yield html.END

    # ── the map ───────────────────────────────────────────────────────────────────────────────

    def _map(self) -> Iterator[str]:
        yield f"<h2>{self._say('map')}</h2>"
        lists = self._lists()
        if not lists:
            yield f"<p>{self._say('no-lists')}</p>"
            return
        yield f'<p class="dim">{self._say("legend")}</p>'
        rows = list(self.gates.items())
        shown = rows[:GATES]
        if len(rows) > GATES:
            rest = [t for _, told in rows[GATES:] for t in told]
            shown.append((WORDS["others"][self.lang], rest))
        wide, high = _NAME + 60 + _CELL * len(lists), 44 + _ROW * len(shown)
        title = self._say("map")
        yield f'<div class="map"><svg width="{wide}" viewBox="0 0 {wide} {high}" role="img" aria-label="{title}"><title>{title}</title>'
        for k, list_ in enumerate(lists):
            x = _NAME + 60 + _CELL * k
            name = list_name(list_, self.c, self.lang)
            yield f'<text x="{x}" y="{16 + 15 * (k % 2)}">{e(short(name, 22))}<title>{e(name)}</title></text>'
        for n, (gate, told) in enumerate(shown):
            y = 44 + _ROW * n
            name = gate if n == GATES else self._gate(gate)
            yield f'<line class="rule" x1="0" x2="{wide}" y1="{y - 5}" y2="{y - 5}"/>'
            yield f'<text x="0" y="{y + 12}">{e(short(name, 30))}<title>{e(name)}</title></text>'
            yield f'<text x="{_NAME + 48}" y="{y + 12}" text-anchor="end">{e(rate(_rate(told)))}</text>'
            for k, list_ in enumerate(lists):
                yield from self._cell(name, list_, told, _NAME + 60 + _CELL * k, y)
        yield "</svg></div>"

    def _lists(self) -> list[str]:
        """Those that concern the most mail, by what was named first."""
        much: dict[str, tuple[float, float]] = {}
        for t in self.told:
            for h in t.lists:
                named, seen = much.get(h.list, (0.0, 0.0))
                used = t.mails_a_day if h.state == "proven" else 0.0
                much[h.list] = (named + used, seen + t.mails_a_day)
        return sorted(much, key=lambda x: (-much[x][0], -much[x][1], x))[:LISTS]

    def _cell(self, gate: str, list_: str, told: Sequence[Told], x: int, y: int) -> Iterator[str]:
        parts: dict[str, list[Told]] = {"yes": [], "no": [], "left": []}
        for t in told:
            state = next((h.state for h in t.lists if h.list == list_), None)
            kind = "left" if state is None else "yes" if state == "proven" else "no"
            parts[kind].append(t)
        rates = {kind: _rate(of) for kind, of in parts.items()}
        all_ = sum(rates.values())
        about = say(
            WORDS["cell"], self.lang, gate=gate, list=list_name(list_, self.c, self.lang),
            **{kind: f"{len(of):,}" for kind, of in parts.items()},
            **{f"{kind}_rate": rate(n) for kind, n in rates.items()},
        )  # fmt: skip
        yield f"<g><title>{e(about)}</title>"
        at = float(x)
        for kind, n in rates.items():
            long = (_CELL - 10) * (n / all_ if all_ else len(parts[kind]) / max(1, len(told)))
            if long > 0:
                yield f'<rect class="{kind}" x="{at:.1f}" y="{y}" width="{long:.1f}" height="15"/>'
            at += long
        yield "</g>"

    # ── everyone ──────────────────────────────────────────────────────────────────────────────

    def _everyone(self) -> Iterator[str]:
        yield f"<h2>{self._say('everyone')}</h2>"
        left = MOST
        for n, (gate, told) in enumerate(self.gates.items()):
            some = told[: max(0, left)]
            left -= len(some)
            if not some:
                continue
            head = self._say(
                "gate", gate=self._gate(gate), n=f"{len(told):,}", rate=rate(_rate(told))
            )
            opened = " open" if n == 0 else ""
            yield f'<details class="gate"{opened}><summary>{head}</summary>\n<table><tbody>'
            yield from map(self._row, some)
            yield "</tbody></table></details>"
        out = len(self.told) - min(len(self.told), MOST)
        if out > 0:
            yield f'<p class="dim">{self._say("left-out", n=f"{out:,}")}</p>'
        yield f'<p class="dim">{e(say(SCREEN["note"], self.lang))}</p>'

    def _row(self, t: Told) -> str:
        cells: list[str] = []
        hardly: list[str] = []
        for h in t.lists:
            name = list_name(h.list, self.c, self.lang)
            line = f"<b>{e(name)}</b> {e(habit(h, self.lang))}"
            if h.words is not None:
                line += f"<details><summary>{self._say('said')}</summary><code>{e(h.words)}</code></details>"
            (hardly if h.state == "accepts" else cells).append(f"<div>{line}</div>")
        if len(hardly) > FEW:
            head = self._say("hardly", n=f"{len(hardly):,}")
            hardly = [f"<details><summary>{head}</summary>", *hardly, "</details>"]
        seen = "".join((*cells, *hardly)) or "–"
        return (
            f'<tr><td class="n">{e(rate(t.mails_a_day))}</td><td>{e(short(t.domain, 100))}</td>'
            f"<td>{e(gate_name(t.gateway, self.c, self.lang))}</td><td>{seen}</td></tr>"
        )

    def _gate(self, gate: str) -> str:
        return gate_name(gate, self.c, self.lang) if gate else WORDS["self"][self.lang]


def _rate(told: Sequence[Told]) -> float:
    return sum(t.mails_a_day for t in told)
