"""The report of `todoku preflight` as one HTML file: no script, no outside resource, fit to be printed
and to be handed to a boss or a hoster.

Whatever comes from the DNS is a stranger's text: made safe as for a terminal, then escaped.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from todoku.cli.render.check_entry import span
from todoku.cli.render.preflight import WORDS as SCREEN
from todoku.cli.render.preflight import deciding, unanswered
from todoku.cli.render.preflight_names import Names
from todoku.cli.render.preflight_warm_up import Told
from todoku.cli.render.text import safe
from todoku.i18n import Language, Words, say
from todoku.preflight.values import PRIVATE, RECEIVER, Asked, Check, Ramp, Report

WORDS: Final[Words] = {
    "title": {"ja": "{ip} の送信前点検", "en": "Preflight of {ip}"},
    "at": {
        "ja": "{at} 時点（UTC）、リゾルバー {resolver}、todoku の知識 {knowledge}",
        "en": "As of {at} (UTC), by the resolver {resolver}; knowledge of todoku: {knowledge}",
    },
    "address": {"ja": "送信元アドレス", "en": "sending address"},
    "old": {"ja": "今のアドレス", "en": "address of today"},
    "domains": {"ja": "ドメイン", "en": "domains"},
    "helo": {"ja": "HELO の名前", "en": "HELO name"},
    "selectors": {"ja": "DKIM セレクター", "en": "DKIM selectors"},
    "mend": {"ja": "先に直すもの", "en": "to be mended first"},
    "mind": {"ja": "注意するもの", "en": "to be minded"},
    "open": {"ja": "分からないもの", "en": "not known"},
    "of-host": {"ja": "アドレスとホスト", "en": "The address and its host"},
    "of-domain": {"ja": "ドメイン {name}", "en": "The domain {name}"},
    "of-receivers": {"ja": "受信側の要件", "en": "What receivers ask"},
    "compared": {"ja": "今のアドレスとの比較", "en": "Beside the address of today"},
    "steps": {"ja": "DNS の手順", "en": "Steps in the DNS"},
    "letter": {
        "ja": "提供元への手紙（送る前に [ ] を埋めてください）",
        "en": "Letter to the hoster (fill in what stands in [ ] before you send it)",
    },
    "wanted": {"ja": "望ましい状態", "en": "wanted"},
    "why": {"ja": "理由", "en": "why"},
    "remedy": {"ja": "対処", "en": "what to do"},
    "source": {"ja": "出典", "en": "source"},
    "codes": {"ja": "防げる拒否コード", "en": "refusals that it prevents"},
    "evidence": {"ja": "DNS の答え", "en": "what the DNS said"},
    "found": {"ja": "{records}（TTL {ttl} 秒）", "en": "{records} (TTL {ttl} s)"},
    "no-data": {"ja": "レコードなし", "en": "no such record"},
    "no-name": {"ja": "名前なし（NXDOMAIN）", "en": "no such name (NXDOMAIN)"},
    "unknown": {"ja": "不明（{why}）", "en": "not known ({why})"},
    "new": {"ja": "新しいアドレス {ip}", "en": "new: {ip}"},
    "now": {"ja": "今のアドレス {ip}", "en": "today: {ip}"},
    "map-title": {
        "ja": "周囲の 256 アドレス: 悪用 {bad}、ポリシー {policy}、不明 {unknown}",
        "en": "the 256 addresses around: {bad} for abuse, {policy} by policy, {unknown} not known",
    },
    "counts": {
        "ja": "要修正 {bad}、注意 {warning}、不明 {unknown}、良好 {ok}",
        "en": "{bad} bad, {warning} care, {unknown} not known, {ok} ok",
    },
}

SIGN: Final = {"ok": "✓", "warning": "!", "bad": "✕", "unknown": "?"}
_MARKS: Final = {"X": "bad", "P": "policy", "?": "unknown", ".": "clear"}
_CELL: Final = 12
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
CSS: Final = """\
:root{--ink:#1b1f24;--dim:#57606a;--line:#d0d7de;--page:#fff;--bad:#b3261e;--warning:#8a5a00;--ok:#1a6b3c;
--unknown:#4a5568;--badbg:#fdecea;--warningbg:#fff4dc;--okbg:#e7f5ec;--unknownbg:#eef1f4}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:60rem;color:var(--ink);background:var(--page);
font:16px/1.6 system-ui,"Noto Sans CJK JP","Noto Sans JP","Hiragino Sans","Yu Gothic",sans-serif;
overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2rem 0 .5rem;padding-bottom:.2rem;
border-bottom:2px solid var(--line)}h3{font-size:1em;margin:0}
p{margin:.4rem 0}.dim{color:var(--dim);font-size:.875rem}
.verdict{margin:1rem 0;padding:.8rem 1rem;border-left:6px solid;border-radius:4px;font-weight:600}
.verdict ul{margin:.5rem 0 0;padding-left:1.2rem;font-weight:400}
.bad{color:var(--bad)}.warning{color:var(--warning)}.ok{color:var(--ok)}.unknown{color:var(--unknown)}
.verdict.bad{background:var(--badbg);border-color:var(--bad)}
.verdict.warning{background:var(--warningbg);border-color:var(--warning)}
.verdict.ok{background:var(--okbg);border-color:var(--ok)}
.verdict.unknown{background:var(--unknownbg);border-color:var(--unknown)}
.verdict li{color:var(--ink)}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.15rem 1rem;margin:.5rem 0}
dt{color:var(--dim)}dd{margin:0}
.check{padding:.6rem 0;border-bottom:1px solid var(--line);break-inside:avoid}
.check>h3{display:flex;align-items:baseline}.check>h3>.state{flex:0 0 6.5rem;font-weight:600}
.check ul{margin:.3rem 0;padding-left:1.2rem}.check dl{font-size:.875rem}
.good{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 1rem;padding:.35rem 0}
.good>h3{flex:0 1 22rem}.good>p{flex:1 1 16rem;margin:0}.good>.more{flex:1 1 100%}
details{font-size:.875rem}summary{cursor:pointer;color:var(--dim)}
code,pre{font:.85rem/1.5 ui-monospace,"Noto Sans Mono CJK JP",monospace}
pre{white-space:pre-wrap;border:1px solid var(--line);border-radius:4px;padding:1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;
border-bottom:1px solid var(--line)}
svg{max-width:100%;height:auto;display:block;margin:.5rem 0}
svg .clear{fill:#e3e8ee}svg .bad{fill:#b3261e}svg .policy{fill:#d79b00}svg .unknown{fill:#fff;stroke:#8894a0}
svg .day{fill:#3b6ea5}svg .warning{fill:#d79b00}svg .ok{fill:#2c8a53}svg rect.unknown.bar{fill:#8894a0;stroke:none}
ol{padding-left:1.4rem}
@media (max-width:34rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}
.compared thead{display:none}.compared td,.compared th{display:block;border:0;padding:.1rem 0}
.compared tr{display:block;border-bottom:1px solid var(--line);padding:.4rem 0}}
@page{margin:15mm}
@media print{body{max-width:none;padding:0;font-size:10.5pt}
.verdict,svg,.check .state{print-color-adjust:exact;-webkit-print-color-adjust:exact}
h2,h3{break-after:avoid}details:not([open]){display:none}pre{break-inside:avoid}}
"""


def write(path: Path, report: Report, lang: Language) -> None:
    """Whole or not at all: a page half written is worse than none. Raises `OSError`."""
    text = page(report, lang).encode()
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_bytes(text)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def page(report: Report, lang: Language) -> str:
    return "\n".join(_Page(report, lang).lines()) + "\n"


def _e(text: object) -> str:
    return html.escape(safe(str(text)))


class _Page:
    def __init__(self, report: Report, lang: Language) -> None:
        self.r = report
        self.lang: Language = lang
        self.names = Names(report.subject)

    def _p(self, text: str) -> str:
        """A sentence: names as they were written."""
        return _e(self.names.prose(text))

    def _b(self, text: str) -> str:
        """Where a name may be copied: in both forms."""
        return _e(self.names.both(text))

    def _say(self, key: str, /, **values: object) -> str:
        """Escaped, with its values."""
        return _e(say(WORDS[key], self.lang, **values))

    def lines(self) -> Iterator[str]:
        r = self.r
        title = self._say("title", ip=r.subject.ip)
        yield f'<!doctype html>\n<html lang="{self.lang}">\n<head>\n<meta charset="utf-8">'
        yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<h1>{title}</h1>"
        at = r.at[:16].replace("T", " ")
        told = self._say("at", at=at, resolver=r.resolver, knowledge=r.knowledge)
        yield f'<p class="dim">{told}</p>'
        yield from self._verdict()
        yield from self._subject()
        yield from self._groups()
        yield from self._compared()
        yield from self._steps()
        yield from self._warm_up()
        if r.letter is not None:
            letter = "\n".join(_e(line) for line in r.letter.splitlines())
            yield f"<h2>{self._say('letter')}</h2>\n<pre>{letter}</pre>"
        yield "</body>\n</html>"

    # ── the head ──────────────────────────────────────────────────────────────────────────────

    def _verdict(self) -> Iterator[str]:
        sentence, by = deciding(self.r, self.lang)
        state = {"go": "ok", "go-with-care": "warning", "no-go": "bad"}.get(
            self.r.verdict, "unknown"
        )
        yield f'<div class="verdict {state}">{_e(sentence)}'
        if by:
            yield "<ul>"
            yield from (
                f"<li>{_e(c.title)} {self._p(c.about)}: {self._p(c.found)}</li>" for c in by
            )
            yield "</ul>"
        if silent := unanswered(self.r):
            yield f"<p>{_e(say(SCREEN['silent'], self.lang, n=silent))}</p>"
        yield "</div>"
        counts = {s: sum(c.state == s for c in self.r.checks) for s in SIGN}
        yield from self._bar(counts)

    def _bar(self, counts: dict[str, int]) -> Iterator[str]:
        """How many checks are in which state."""
        told = self._say("counts", **counts)
        all_, at = max(1, sum(counts.values())), 0.0
        yield f'<svg viewBox="0 0 600 14" role="img" aria-label="{told}"><title>{told}</title>'
        for state in ("bad", "warning", "unknown", "ok"):
            wide = 600 * counts[state] / all_
            yield f'<rect class="{state} bar" x="{at:.1f}" y="0" width="{wide:.1f}" height="14"/>'
            at += wide
        yield f'</svg>\n<p class="dim">{told}</p>'

    def _subject(self) -> Iterator[str]:
        s = self.r.subject
        rows = (
            ("address", s.ip), ("old", s.old), ("domains", ", ".join(s.domains)), ("helo", s.helo),
            ("selectors", ", ".join(s.selectors)),
        )  # fmt: skip
        yield "<dl>"
        yield from (f"<dt>{self._say(k)}</dt><dd>{self._b(v)}</dd>" for k, v in rows if v)
        yield "</dl>"

    # ── checks ────────────────────────────────────────────────────────────────────────────────

    def _groups(self) -> Iterator[str]:
        domains = self.r.subject.domains
        groups: dict[str, list[Check]] = {"": [], **{d: [] for d in domains}, RECEIVER: []}
        for c in self.r.checks:
            of = RECEIVER if c.id == RECEIVER else c.about if c.about in domains else ""
            groups[of].append(c)
        for name, checks in groups.items():
            key = {"": "of-host", RECEIVER: "of-receivers"}.get(name, "of-domain")
            yield f"<h2>{self._say(key, name=self.names.both(name))}</h2>"
            for c in checks:
                yield from self._check(c)

    def _check(self, c: Check) -> Iterator[str]:
        head = (
            _e(c.title) if c.id == RECEIVER else f"{_e(c.title)} <small>{self._p(c.about)}</small>"
        )
        good = " good" if c.state == "ok" else ""
        yield f'<section class="check{good}"><h3>{self._state(c)} <span>{head}</span></h3>'
        yield f'<p>{self._p(c.found)}</p><div class="more">'
        if c.details and all(d.state is None for d in c.details) and c.id == PRIVATE:
            yield f"<p>{_e(', '.join(d.text for d in c.details))}</p>"
        elif c.details:
            yield "<ul>"
            for d in c.details:
                mark = f'<span class="{d.state}">{SIGN[d.state]}</span> ' if d.state else ""
                yield f"<li>{mark}{self._p(d.text)}</li>"
            yield "</ul>"
        if c.map is not None:
            yield from self._map(c.map)
        if c.state != "ok":
            yield from self._reasons(c)
        if c.evidence:
            shown = " open" if c.state in {"bad", "warning"} else ""
            yield f"<details{shown}><summary>{self._say('evidence')}</summary><ul>"
            yield from (f"<li>{self._asked(a)}</li>" for a in c.evidence)
            yield "</ul></details>"
        yield "</div></section>"

    def _reasons(self, c: Check) -> Iterator[str]:
        yield "<dl>"
        if c.remedy is not None:
            yield f"<dt>{self._say('remedy')}</dt><dd><strong>{self._p(c.remedy)}</strong></dd>"
        yield f"<dt>{self._say('wanted')}</dt><dd>{self._p(c.wanted)}</dd>"
        yield f"<dt>{self._say('why')}</dt><dd>{self._p(c.why)}</dd>"
        yield f"<dt>{self._say('source')}</dt><dd>{_e(', '.join(c.source))}</dd>"
        if c.codes:
            yield f"<dt>{self._say('codes')}</dt><dd>{_e(', '.join(c.codes))}</dd>"
        yield "</dl>"

    def _state(self, c: Check) -> str:
        word = SCREEN[c.cause if c.state == "unknown" and c.cause else c.state][self.lang]
        return f'<span class="state {c.state}">{SIGN[c.state]} {_e(word)}</span>'

    def _asked(self, a: Asked) -> str:
        records = ", ".join(a.records)
        told = self._say(a.outcome, records=records, ttl=a.ttl, why=a.why)
        return f"<code>{_e(a.name)} {_e(a.type)}</code> {told}"

    def _map(self, marks: str) -> Iterator[str]:
        """Sixteen rows of sixteen: each address has its own title."""
        told = self._say(
            "map-title", bad=marks.count("X"), policy=marks.count("P"), unknown=marks.count("?")
        )
        size = 16 * _CELL
        yield f'<svg viewBox="0 0 {size} {size}" width="{size}" role="img" aria-label="{told}">'
        yield f"<title>{told}</title>"
        for n, mark in enumerate(marks):
            x, y = n % 16 * _CELL, n // 16 * _CELL
            kind = _MARKS.get(mark, "unknown")
            yield f'<rect class="{kind}" x="{x}" y="{y}" width="{_CELL - 2}" height="{_CELL - 2}">'
            yield f"<title>.{n}</title></rect>"
        yield f'</svg>\n<p class="dim">{told}</p>'

    # ── the rest ──────────────────────────────────────────────────────────────────────────────

    def _compared(self) -> Iterator[str]:
        old = self.r.compared_with
        if old is None:
            return
        yield f'<h2>{self._say("compared")}</h2>\n<table class="compared"><thead><tr><th></th>'
        yield f"<th>{self._say('new', ip=self.r.subject.ip)}</th>"
        yield f"<th>{self._say('now', ip=old.ip)}</th></tr></thead><tbody>"
        for c in old.checks:
            new = (n for n in self.r.checks if n.id == c.id and n.about == self.r.subject.ip)
            told = f"<td>{self._cell(new)}</td><td>{self._cell([c])}</td>"
            yield f"<tr><th>{_e(c.title)}</th>{told}</tr>"
        yield "</tbody></table>"

    def _cell(self, checks: Iterable[Check]) -> str:
        return "".join(f"{self._state(c)} {self._p(c.found)}" for c in checks)

    def _steps(self) -> Iterator[str]:
        if not self.r.plan.dns:
            return
        yield f"<h2>{self._say('steps')}</h2>\n<ol>"
        for step in self.r.plan.dns:
            wait = ""
            if step.wait:
                wait = _e(say(SCREEN["wait"], self.lang, span=span(step.wait, self.lang)))
            yield f"<li>{self._b(step.text)}{wait}</li>"
        yield "</ol>"

    def _warm_up(self) -> Iterator[str]:
        plan = self.r.plan.warm_up
        if plan is None:
            return
        told = Told(plan, self.lang)
        title = told.title[:1].upper() + told.title[1:]
        yield f"<h2>{_e(title)}</h2>\n<p>{_e(told.head())}</p>"
        if plan.past is None and plan.ramps:  # the same for all: once
            yield f"{self._bars(plan.ramps[0])}<p>{_e(told.volumes(plan.ramps[0]))}</p>"
        for ramp in plan.ramps:
            yield f'<section class="check"><h3>{_e(ramp.name)}</h3>'
            if plan.past is not None:
                yield self._bars(ramp)
                yield from (f"<p>{_e(line)}</p>" for line in told.ramp(ramp))
            if ramp.advice:
                yield "<ul>"
                yield from (f"<li>{_e(told.advice(a))}</li>" for a in ramp.advice)
                yield "</ul>"
            yield "</section>"
        if (small := told.small()) is not None:
            yield f"<p>{_e(small)}</p>"
        if plan.ramps:
            yield f"<p>{_e(told.rest())}</p>"
            yield '<ul class="dim">'
            yield from (f"<li>{_e(line)}</li>" for line in told.figures())
            yield "</ul>"

    def _bars(self, ramp: Ramp) -> str:
        """A bar a day. The numbers stand beside it."""
        high, most = 48, max(ramp.volumes)
        shown = []
        for n, volume in enumerate(ramp.volumes):
            tall = max(1.0, high * volume / most)
            shown.append(
                f'<rect class="day" x="{n * _CELL}" y="{high - tall:.1f}" width="{_CELL - 2}" '
                f'height="{tall:.1f}"><title>{n + 1}: {volume:,}</title></rect>'
            )
        wide = len(ramp.volumes) * _CELL
        head = f'<svg viewBox="0 0 {wide} {high}" width="{wide}" role="img" aria-hidden="true">'
        return head + "".join(shown) + "</svg>"
