"""The screen of `todoku preflight`: each check as it comes, then the verdict, why, and the steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from todoku.cli.render.check_entry import span
from todoku.cli.render.page import Page
from todoku.cli.render.preflight_names import Names
from todoku.cli.render.preflight_warm_up import Told
from todoku.cli.render.text import cut, pad, safe, width, wrap
from todoku.i18n import Language, Words, say
from todoku.preflight.sheet import SILENT
from todoku.preflight.values import PRIVATE, RECEIVER, Check, Report, Subject, Verdict, judge

WORDS: Final[Words] = {
    "ok": {"ja": "良好", "en": "ok"},
    "warning": {"ja": "注意", "en": "CARE"},
    "bad": {"ja": "要修正", "en": "BAD"},
    "unanswered": {"ja": "不明", "en": "NOT KNOWN"},
    "unseen": {"ja": "見えない", "en": "not seen"},
    "not-asked": {"ja": "未確認", "en": "not asked"},
    "head": {
        "ja": "{ip} を送信に使えるか調べています（{domains}）。",
        "en": "Looking at {ip} as a sender for {domains}.",
    },
    "go": {
        "ja": "{ip} から送り始められます。",
        "en": "Go: {ip} may begin to send.",
    },
    "go-with-care": {
        "ja": "{ip} から始められますが、次の {n} 点に注意が要ります。",
        "en": "Go with care: {ip} may begin to send, with {n} points to mind.",
    },
    "care-for-the-unseen": {
        "ja": "{ip} から始められます。DNS で分かるものに問題はありませんが、見えないものが残ります。",
        "en": "Go with care: what the DNS shows of {ip} is good, but not all can be seen there.",
    },
    "no-go": {
        "ja": "{ip} からはまだ送らないでください。先に直すものが {n} 点あります。",
        "en": "No go: do not send from {ip} yet. {n} things are to be mended first.",
    },
    "unknown": {
        "ja": "{ip} から送れるかどうかは分かりません。判定に要る {n} 点に答えが得られていません。",
        "en": "Not known whether {ip} may send: {n} checks that decide got no answer.",
    },
    "source": {"ja": "出典", "en": "source"},
    "verdict": {"ja": "判定", "en": "verdict"},
    "steps": {"ja": "DNS の手順", "en": "steps in the DNS"},
    "wait": {"ja": "（{span}待つ）", "en": " (wait {span})"},
    "old": {"ja": "今のアドレス {ip} との比較", "en": "beside {ip}, which sends today"},
    "now": {"ja": "新", "en": "new"},
    "today": {"ja": "今", "en": "old"},
    "letter": {
        "ja": "提供元への手紙（送る前に [ ] を埋めてください）",
        "en": "letter to the hoster (fill in what stands in [ ] before you send it)",
    },
    "silent": {
        "ja": "ほかに {n} 点は、答えが得られず分かっていません。",
        "en": "Besides, no answer came to {n} of the checks: what they would say is not known.",
    },
    "settle": {
        "ja": "見えていないもの {n} 点は、各項目の → か、実際に送ったメールで確かめます。",
        "en": "What is not seen yet ({n} checks) shows by the step at each (→), or in real mail.",
    },
    "more": {"ja": "· ほか {n} 件（--json に全件）", "en": "· {n} more (all are in --json)"},
    "map": {
        "ja": "X 悪用  P ポリシー  . 掲載なし  ? 不明（左上が .0）",
        "en": "X abuse  P policy  . not listed  ? not known (.0 is at the upper left)",
    },
}

STATE: Final = 10
"""Columns of the state."""
MANY: Final = 12
FEW: Final = 2
"""Items of one check that are told: all are in the JSON."""


class Screen:
    """Lines of a run, in the order in which things become known."""

    def __init__(self, lang: Language, subject: Subject, page: Page) -> None:
        self.lang: Language = lang
        self.page = page
        self.names = Names(subject)
        self._put(self._head(subject))
        page.close()

    @classmethod
    def of_stdout(cls, lang: Language, subject: Subject) -> Screen:
        return cls(lang, subject, Page.of_stdout())

    def add(self, check: Check) -> None:
        self._put(self._check(check))
        self.page.close()

    def close(self, report: Report) -> None:
        self._put(self._summary(report))
        self.page.close()

    def _put(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.page.write(line)

    def _say(self, key: str, **values: object) -> str:
        return say(WORDS[key], self.lang, **values)

    def _safe(self, text: str) -> str:
        return safe(self.names.prose(text))

    def _both(self, text: str) -> str:
        return safe(self.names.both(text))

    # ── one check ─────────────────────────────────────────────────────────────────────────────

    def _head(self, s: Subject) -> Iterator[str]:
        yield from self.page.wrapped(
            self._say("head", ip=s.ip, domains=self._both(", ".join(s.domains)))
        )
        yield ""

    def _check(self, c: Check) -> Iterator[str]:
        state = pad(self._state(c), STATE)
        head = safe(c.title) if c.id == RECEIVER else f"{safe(c.title)}  {self._safe(c.about)}"
        head, found = cut(head, self.page.columns - STATE), self._safe(c.found)
        if c.state == "ok" and STATE + width(head) + 2 + width(found) <= self.page.columns:
            yield f"{self._colour(c, state)}{self.page.bold(head)}  {found}"
            return
        yield self._colour(c, state) + self.page.bold(head)
        if c.state == "ok" or (c.cause == "unseen" and c.id == RECEIVER):
            yield from self._beside([found])
            return
        yield from self._beside([found, *self._details(c)])
        if c.id == RECEIVER:
            return  # what to do stands at the checks that it is held against
        if c.remedy is not None and c.finding != "silent":  # that one is told once, at the end
            yield from self._beside([f"→ {self._safe(c.remedy)}"])
        if c.map is not None and c.map.strip("?"):
            rows = [c.map[i : i + 64] for i in range(0, len(c.map), 64)]
            yield from self._beside([*rows, self._say("map")])
        if c.state in {"bad", "warning"}:
            told = f"{self._say('source')}: {safe(', '.join(c.source))}"
            yield from (self.page.dim(line) for line in self._beside([told]))

    def _details(self, c: Check) -> list[str]:
        if c.id == PRIVATE and all(d.state is None for d in c.details):
            return [safe(", ".join(d.text for d in c.details))]
        wanted = [d for d in c.details if d.state in {None, "bad", "warning"}]
        most = FEW if c.cause == "unanswered" else MANY
        shown = [f"· {self._safe(d.text)}" for d in wanted[:most]]
        left = len(wanted) - most
        return [*shown, self._say("more", n=left)] if left > 0 else shown

    def _beside(self, values: Iterable[str]) -> Iterator[str]:
        indent = " " * (STATE if self.page.columns >= 60 else 2)
        for value in values:
            for line in wrap(value, self.page.columns - len(indent)):
                yield indent + line

    def _state(self, c: Check) -> str:
        return self._say(c.cause if c.state == "unknown" and c.cause else c.state)

    def _colour(self, c: Check, text: str) -> str:
        if c.state == "bad":
            return self.page.red(text)
        if c.state == "warning" or c.cause == "unanswered":
            return self.page.yellow(text)
        return self.page.dim(text)

    # ── the end ───────────────────────────────────────────────────────────────────────────────

    def _summary(self, r: Report) -> Iterator[str]:
        told, by = deciding(r, self.lang)
        yield ""
        yield self.page.rule(self._say("verdict"))
        yield from (self._bold(r.verdict, line) for line in self.page.wrapped(told))
        if r.verdict == "unknown":
            names = (f"{safe(c.title)} {self._safe(c.about)}" for c in by)
            yield from self._beside([("、" if self.lang == "ja" else ", ").join(names)])
            yield from self._beside([f"→ {SILENT['remedy'][self.lang]}"])
        else:
            for c in by:
                yield from self._beside(
                    [f"{safe(c.title)}  {self._safe(c.about)}: {self._safe(c.found)}"]
                )
        if silent := unanswered(r):
            yield from self.page.wrapped(self._say("silent", n=silent))
        open_ = [c for c in r.checks if c.cause == "unseen"]
        if open_ and r.verdict != "unknown":
            yield from self.page.wrapped(self._say("settle", n=len(open_)))
        yield from self._compared(r)
        yield from self._steps(r)
        yield from self._warm_up(r)
        if r.letter is not None:
            yield ""
            yield self.page.rule(self._say("letter"))
            yield from (safe(line) for line in r.letter.rstrip().splitlines())

    def _bold(self, verdict: Verdict, line: str) -> str:
        if verdict == "no-go":
            return self.page.red(line)
        return self.page.yellow(line) if verdict == "unknown" else self.page.bold(line)

    def _compared(self, r: Report) -> Iterator[str]:
        old = r.compared_with
        if old is None:
            return
        yield ""
        yield self.page.rule(self._say("old", ip=old.ip))
        for c in old.checks:
            new = next((n for n in r.checks if n.id == c.id and n.about == r.subject.ip), None)
            yield from self._beside([self.page.bold(safe(c.title))])
            for who, check in (("now", new), ("today", c)):
                if check is not None:
                    line = f"{self._say(who)}  {self._state(check)}  {self._safe(check.found)}"
                    yield from self._beside([line])

    def _steps(self, r: Report) -> Iterator[str]:
        if not r.plan.dns:
            return
        yield ""
        yield self.page.rule(self._say("steps"))
        for n, step in enumerate(r.plan.dns, 1):
            text = f"{n}. {self._both(step.text)}"
            if step.wait:
                text += self._say("wait", span=span(step.wait, self.lang))
            yield from self.page.wrapped(text)

    def _warm_up(self, r: Report) -> Iterator[str]:
        plan = r.plan.warm_up
        if plan is None:
            return
        told = Told(plan, self.lang)
        yield ""
        yield self.page.rule(told.title)
        yield from self.page.wrapped(told.head())
        ramps = plan.ramps
        if plan.past is None:  # the same for all: once
            yield from self.page.wrapped(told.volumes(ramps[0]))
            yield from self.page.wrapped(told.elsewhere())
        else:
            for ramp in ramps:
                yield self.page.bold(safe(ramp.name))
                lines = [*told.ramp(ramp), *(f"· {a.text}" for a in ramp.advice)]
                yield from self._beside([safe(line) for line in lines])
                if ramp.advice:
                    sources = ", ".join(dict.fromkeys(s for a in ramp.advice for s in a.source))
                    source = f"{self._say('source')}: {sources}"
                    yield from (self.page.dim(line) for line in self._beside([safe(source)]))
        if (small := told.small()) is not None:
            yield from self.page.wrapped(small)
        if ramps:
            yield from self.page.wrapped(told.rest())
            for figure in told.figures():
                yield from (self.page.dim(line) for line in self.page.wrapped(figure))


def deciding(r: Report, lang: Language) -> tuple[str, list[Check]]:
    """The verdict as a sentence, and the checks that it rests on."""
    by = list(judge(r.checks).by)
    if r.verdict == "go-with-care":
        by = [c for c in by if c.cause not in {"unseen", "not-asked"}]
    elif r.verdict == "unknown":
        by = [c for c in by if c.id != RECEIVER]  # it only follows from the others
    key = "care-for-the-unseen" if r.verdict == "go-with-care" and not by else r.verdict
    return say(WORDS[key], lang, ip=r.subject.ip, n=len(by)), by


def unanswered(r: Report) -> int:
    """How many checks got no answer, where the verdict does not rest on that."""
    if r.verdict == "unknown":
        return 0
    return sum(c.cause == "unanswered" and c.id != RECEIVER for c in r.checks)
