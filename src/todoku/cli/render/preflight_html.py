"""The report of `todoku preflight` as one HTML file: no script, no outside resource, fit to be printed
and to be handed to a boss or a hoster.

Whatever comes from the DNS is a stranger's text: made safe as for a terminal, then escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from todoku.cli.render import html_page as html
from todoku.cli.render.check_entry import span
from todoku.cli.render.html_page import e
from todoku.cli.render.preflight import WORDS as SCREEN
from todoku.cli.render.preflight import deciding, unanswered
from todoku.cli.render.preflight_names import Names
from todoku.cli.render.preflight_warm_up import Told
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


def write(path: Path, report: Report, lang: Language) -> None:
    """Raises `OSError`."""
    html.write(path, page(report, lang))


def page(report: Report, lang: Language) -> str:
    return "\n".join(_Page(report, lang).lines()) + "\n"


class _Page:
    def __init__(self, report: Report, lang: Language) -> None:
        self.r = report
        self.lang: Language = lang
        self.names = Names(report.subject)

    def _p(self, text: str) -> str:
        """A sentence: names as they were written."""
        return e(self.names.prose(text))

    def _b(self, text: str) -> str:
        """Where a name may be copied: in both forms."""
        return e(self.names.both(text))

    def _say(self, key: str, /, **values: object) -> str:
        """Escaped, with its values."""
        return e(say(WORDS[key], self.lang, **values))

    def lines(self) -> Iterator[str]:
        r = self.r
        title = self._say("title", ip=r.subject.ip)
        yield from html.head(title, self.lang)
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
            letter = "\n".join(e(line) for line in r.letter.splitlines())
            yield f"<h2>{self._say('letter')}</h2>\n<pre>{letter}</pre>"
        yield html.END

    # ── the head ──────────────────────────────────────────────────────────────────────────────

    def _verdict(self) -> Iterator[str]:
        sentence, by = deciding(self.r, self.lang)
        state = {"go": "ok", "go-with-care": "warning", "no-go": "bad"}.get(
            self.r.verdict, "unknown"
        )
        yield f'<div class="verdict {state}">{e(sentence)}'
        if by:
            yield "<ul>"
            yield from (f"<li>{e(c.title)} {self._p(c.about)}: {self._p(c.found)}</li>" for c in by)
            yield "</ul>"
        if silent := unanswered(self.r):
            yield f"<p>{e(say(SCREEN['silent'], self.lang, n=silent))}</p>"
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
        head = e(c.title) if c.id == RECEIVER else f"{e(c.title)} <small>{self._p(c.about)}</small>"
        good = " good" if c.state == "ok" else ""
        yield f'<section class="check{good}"><h3>{self._state(c)} <span>{head}</span></h3>'
        yield f'<p>{self._p(c.found)}</p><div class="more">'
        if c.details and all(d.state is None for d in c.details) and c.id == PRIVATE:
            yield f"<p>{e(', '.join(d.text for d in c.details))}</p>"
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
        yield f"<dt>{self._say('source')}</dt><dd>{e(', '.join(c.source))}</dd>"
        if c.codes:
            yield f"<dt>{self._say('codes')}</dt><dd>{e(', '.join(c.codes))}</dd>"
        yield "</dl>"

    def _state(self, c: Check) -> str:
        word = SCREEN[c.cause if c.state == "unknown" and c.cause else c.state][self.lang]
        return f'<span class="state {c.state}">{SIGN[c.state]} {e(word)}</span>'

    def _asked(self, a: Asked) -> str:
        records = ", ".join(a.records)
        told = self._say(a.outcome, records=records, ttl=a.ttl, why=a.why)
        return f"<code>{e(a.name)} {e(a.type)}</code> {told}"

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
            yield f"<tr><th>{e(c.title)}</th>{told}</tr>"
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
                wait = e(say(SCREEN["wait"], self.lang, span=span(step.wait, self.lang)))
            yield f"<li>{self._b(step.text)}{wait}</li>"
        yield "</ol>"

    def _warm_up(self) -> Iterator[str]:
        plan = self.r.plan.warm_up
        if plan is None:
            return
        told = Told(plan, self.lang)
        title = told.title[:1].upper() + told.title[1:]
        yield f"<h2>{e(title)}</h2>\n<p>{e(told.head())}</p>"
        if plan.past is None and plan.ramps:  # the same for all: once
            yield f"{self._bars(plan.ramps[0])}<p>{e(told.volumes(plan.ramps[0]))}</p>"
        for ramp in plan.ramps:
            yield f'<section class="check"><h3>{e(ramp.name)}</h3>'
            if plan.past is not None:
                yield self._bars(ramp)
                yield from (f"<p>{e(line)}</p>" for line in told.ramp(ramp))
            if ramp.advice:
                yield "<ul>"
                yield from (f"<li>{e(told.advice(a))}</li>" for a in ramp.advice)
                yield "</ul>"
            yield "</section>"
        if (small := told.small()) is not None:
            yield f"<p>{e(small)}</p>"
        if plan.ramps:
            yield f"<p>{e(told.rest())}</p>"
            yield '<ul class="dim">'
            yield from (f"<li>{e(line)}</li>" for line in told.figures())
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
