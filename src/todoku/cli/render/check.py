"""The screen of `todoku check`: the verdict, what matters, what is not known, and the rest in a line.

What is said of a list is the knowledge's; what a list says itself (TXT) is a stranger's text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, Final

from todoku.cli.render.check_board import Board, Single, Unknown
from todoku.cli.render.check_entry import WORDS as ENTRY_WORDS
from todoku.cli.render.check_entry import Teller, age, seconds_of
from todoku.cli.render.check_words import ADVICE, CAUSE, LABEL, heading
from todoku.cli.render.page import LABEL as LABEL_WIDTH
from todoku.cli.render.page import NARROW
from todoku.cli.render.text import cut, pad, safe, width
from todoku.i18n import Sentence, Words
from todoku.lists.outcome import Grade
from todoku.model import Finding, ListingState, UnknownCause

WORDS: Final[Words] = {
    "bad-1": {
        "ja": "{who} は、無視できないリスト 1 件に載っています。",
        "en": "{who} is on 1 list that matters.",
    },
    "bad": {
        "ja": "{who} は、無視できないリスト {n} 件に載っています。",
        "en": "{who} is on {n} lists that matter.",
    },
    "policy": {
        "ja": "{who} に悪用の記録はありませんが、{lists}で「直接送信しないはずのアドレス」とされています。",
        "en": "{who} is on no list for abuse, but {lists} by policy: it is not meant to send mail "
        "directly.",
    },
    "wide": {
        "ja": "{who} 自身はどのリストにも載っていませんが、周囲の範囲またはネットワークが{lists}に載って"
        "います。",
        "en": "{who} itself is on no list, but the range or network around it is on {lists}.",
    },
    "good-1": {
        "ja": "{who} は {name} に載っていません。",
        "en": "{who} is not on {name}.",
    },
    "good": {
        "ja": "{who} は、調べた{lists}のどれにも載っていません。",
        "en": "{who} is on none of the {lists} asked.",
    },
    "good-but": {
        "ja": "{who} は、答えた{lists}のどれにも載っていません。{unknown}は確認できませんでした。",
        "en": "{who} is on none of the {lists} that answered; {unknown} could not be asked.",
    },
    "good-but-1": {
        "ja": "{who} は {name} に載っていません。ほか {unknown}は確認できませんでした。",
        "en": "{who} is not on {name}; {unknown} more could not be asked.",
    },
    "unknown-1": {
        "ja": "{who} が載っているかどうかは分かりません。{name} に確認できませんでした。",
        "en": "Whether {who} is listed is not known: {name} could not be asked.",
    },
    "unknown": {
        "ja": "{who} が載っているかどうかは分かりません。{lists}のどれにも確認できませんでした。",
        "en": "Whether {who} is listed is not known: none of the {lists} could be asked.",
    },
    "nobody": {
        "ja": "{who} が載っているかどうかは分かりません。選んだリストは、この種類を扱っていません。",
        "en": "Whether {who} is listed is not known: none of the chosen lists takes its kind.",
    },
    "others-1": {
        "ja": "残るリスト 1 件は「載っていない」と答えました。",
        "en": "The one other list says no.",
    },
    "others": {
        "ja": "残る{lists}は「載っていない」と答えました。",
        "en": "All other lists ({no}) say no.",
    },
    "others-but": {
        "ja": "{total} 件中 {no} 件は「載っていない」と答え、{unknown}は確認できませんでした。",
        "en": "{no} of {total} lists say no; {unknown} could not be asked.",
    },
    "many": {
        "ja": "{n} 件を調べました: {what}。",
        "en": "{n} checked: {what}.",
    },
    "good-ones": {
        "ja": "ほか {n} 件は掲載なし（一覧: --only not-listed）",
        "en": "{n} more are not listed (to see them: --only not-listed)",
    },
    "many-listed": {"ja": "掲載あり {n}", "en": "{n} listed"},
    "many-wide": {"ja": "範囲の掲載 {n}", "en": "{n} listed by range only"},
    "many-unknown": {"ja": "不明 {n}", "en": "{n} not known"},
    "many-clear": {"ja": "掲載なし {n}", "en": "{n} not listed"},
    "and-unknown": {"ja": "、ほか {unknown}不明", "en": ", {unknown} not known"},
    "for": {"ja": "{name}（{who}）", "en": "{name} ({who})"},
    "for-some": {"ja": "{n} 件", "en": "for {n}"},
    "on-allow": {"ja": "{name}: {meaning}（良い知らせ）", "en": "{name}: {meaning} (good news)"},
    "off-allow": {"ja": "{names}: 掲載なし", "en": "{names}: not on it"},
    "stopped": {
        "ja": "途中で中断しました。まだ答えのなかったものは含みません。範囲は、同じ指定で実行すれば続きから調べます。",
        "en": "Stopped before the end: what was not answered by then is left out. A range goes on from "
        "here with the same command.",
    },
    "kept": {
        "ja": "{n} 件は保存してある答えです（最も古いものは {age}前）。今すぐ問い合わせるには --fresh。",
        "en": "{n} answers are kept ones, up to {age} old; --fresh asks anew.",
    },
    "kept-1": {
        "ja": "1 件は保存してある答えです（{age}前）。今すぐ問い合わせるには --fresh。",
        "en": "1 answer is a kept one, {age} old; --fresh asks anew.",
    },
    "codes": {"ja": "応答 {codes}", "en": "answer {codes}"},
}

MANY: Final = 40
"""Rows of a table; in a longer one those that are good are counted."""
MOST_PROOFS: Final[dict[UnknownCause, int]] = {
    # How many sentences are told one by one; more give way to one that holds for all.
    "resolver-refused": 1,
    "timeout": 1,
    "servfail": 1,
    "refused": 1,
    "budget": 1,
    "not-permitted": 1,
    "no-key": 1,
    "list-dead": 1000,
}

STATE: Final[dict[Grade, Sentence]] = {
    "listed": LABEL["abuse"],
    "wide": LABEL["range"],
    "unknown": LABEL["unknown"],
    "noted": LABEL["clear"],
    "clear": LABEL["clear"],
}
SHOWS: Final[dict[Grade, ListingState]] = {
    "listed": "listed",
    "wide": "listed",
    "unknown": "unknown",
    "noted": "not-listed",
    "clear": "not-listed",
}


class Screen(Teller):
    """Everything that a run found."""

    words: ClassVar[Words] = {**ENTRY_WORDS, **WORDS}

    def lines(self, board: Board) -> Iterator[str]:
        from todoku.cli.render import check_range

        first = True
        for swept in board.swept.values():
            if not first:
                yield ""
            yield from check_range.lines(self, swept, stopped=board.stopped)
            first = False
        singles = list(board.singles.values())
        if len(singles) == 1:
            if not first:
                yield ""
            yield from self.one(singles[0])
        elif singles:
            if not first:
                yield ""
            yield from self.several(singles)
        yield from self.spaced(self.rest(board, singles))
        yield from self.spaced(self.kept(board.findings()))
        if board.stopped:
            yield ""
            yield from self.page.wrapped(self.say("stopped"))

    def rest(self, board: Board, singles: list[Single]) -> Iterator[str]:
        """What is not bad news."""
        if len(singles) == 1 and "not-listed" in self.only:
            yield from self.allow(singles[0])
        if "unknown" in self.only:
            yield from self.not_known(board)
        if len(singles) == 1 and "not-listed" in self.only:
            yield from self.not_listed(singles[0])

    def spaced(self, lines: Iterator[str]) -> Iterator[str]:
        for n, line in enumerate(lines):
            if n == 0:
                yield ""
            yield line

    # ── one identity ──────────────────────────────────────────────────────────────────────────

    def one(self, s: Single) -> Iterator[str]:
        paint: Callable[[str], str] = self.page.bold
        if s.state() == "listed":
            paint = self.page.red
        for sentence in self.verdict(s):
            yield from map(paint, self.page.wrapped(sentence))
        if "listed" in self.only:
            yield from self.spaced(self.listings(s))

    def verdict(self, s: Single) -> Iterator[str]:
        who = safe(s.value)
        bad, wide = s.of("listed"), s.of("wide")
        no, unknown = len(s.clear), len(s.unknown)
        if not s.findings:
            yield self.say("nobody", who=who)
        elif bad:
            abuse = any(e.class_ == "abuse" for f in bad for e in f.entries)
            if abuse:
                yield self.say("bad-1" if len(bad) == 1 else "bad", who=who, n=len(bad))
            else:
                yield self.say("policy", who=who, lists=self.number("lists", len(bad)))
        elif wide:
            yield self.say("wide", who=who, lists=self.number("lists", len(wide)))
        elif unknown and no == 1:
            number = self.number("n", unknown)
            yield self.say("good-but-1", who=who, name=self.name(s.clear[0]), unknown=number)
        elif unknown and no:
            yield self.say(
                "good-but",
                who=who,
                lists=self.number("lists", no),
                unknown=self.number("n", unknown),
            )
        elif unknown == 1:
            yield self.say("unknown-1", who=who, name=self.name(s.unknown[0]))
        elif unknown:
            yield self.say("unknown", who=who, lists=self.number("lists", unknown))
        elif no == 1:
            yield self.say("good-1", who=who, name=self.name(s.clear[0]))
        elif no:
            yield self.say("good", who=who, lists=self.number("lists", no))
        if not (bad or wide):
            return
        if unknown:
            yield self.say(
                "others-but", no=no, total=no + unknown + len(bad) + len(wide),
                unknown=self.number("n", unknown),
            )  # fmt: skip
        elif no:
            key = "others-1" if no == 1 else "others"
            yield self.say(key, no=no, lists=self.number("lists", no))

    def listings(self, s: Single) -> Iterator[str]:
        told: set[str] = set()
        for f, e in s.rows():
            yield from self.page.row(
                LABEL[e.class_][self.lang], list(self.entry(f, e, whole=f.list not in told))
            )
            told.add(f.list)
        for f, e in s.notes():
            line = f"{self.name(f, e)}: {safe(e.meaning)}"
            yield from self.page.row(LABEL["info"][self.lang], [line])

    def allow(self, s: Single) -> Iterator[str]:
        """Good news, and in the same line the allow lists that say nothing."""
        on, off = [], []
        for f in s.allow:
            meanings = [safe(e.meaning) for e in f.entries if e.class_ == "allow"]
            if meanings:
                on.append(
                    self.say("on-allow", name=self.name(f), meaning=self.comma.join(meanings))
                )
            else:
                off.append(self.name(f))
        if off:
            on.append(self.say("off-allow", names=self.comma.join(off)))
        if on:
            yield from self.page.row(LABEL["allow"][self.lang], on)

    def not_listed(self, s: Single) -> Iterator[str]:
        """One line, however many they are; all of them where only they are wanted."""
        names = [self.name(f) for f in s.clear]
        if not names:
            return
        if self.only == {"not-listed"}:
            whole = f"{self.comma.join(names)} ({len(names)})"
            yield from self.page.row(LABEL["clear"][self.lang], [whole])
            return
        tail = f" ({len(names)})"
        room = self.page.columns - 2 - (LABEL_WIDTH if self.page.columns >= NARROW else 0)
        line = ""
        for n, name in enumerate(names):
            more = f"{self.comma}{self.page.ellipsis}" if n < len(names) - 1 else ""
            longer = f"{line}{self.comma}{name}" if line else name
            if width(longer + more + tail) > room:
                line = f"{line}{self.comma}{self.page.ellipsis}" if line else self.page.ellipsis
                break
            line = longer
        yield from self.page.row(LABEL["clear"][self.lang], [line + tail])

    # ── several ───────────────────────────────────────────────────────────────────────────────

    def several(self, singles: list[Single]) -> Iterator[str]:
        """A table of all, then each of which there is more to tell."""
        states = [s.state() for s in singles]
        parts = [
            self.say(f"many-{g}", n=f"{n:,}")
            for g in ("listed", "wide", "unknown", "clear")
            if (n := sum(x == g or (g == "clear" and x == "noted") for x in states))
        ]
        whole = self.say("many", n=f"{len(singles):,}", what=self.comma.join(parts))
        yield from map(self.page.bold, self.page.wrapped(whole))
        shown = [(s, g) for s, g in zip(singles, states, strict=True) if SHOWS[g] in self.only]
        good = 0
        if len(shown) > MANY and self.only != {"not-listed"}:
            all_shown, shown = shown, [x for x in shown if SHOWS[x[1]] != "not-listed"]
            good = len(all_shown) - len(shown)
        if shown:
            yield ""
        left = min(max((width(safe(s.value)) for s, _ in shown), default=0), self.page.columns // 2)
        middle = max(width(STATE[g][self.lang]) for g in STATE)
        for s, g in shown:
            row = f"  {pad(cut(safe(s.value), left), left)}  {pad(STATE[g][self.lang], middle)}  "
            room = self.page.columns - width(row)
            row += cut(self.brief(s, g), room) if room > 8 else ""
            yield cut(row.rstrip(), self.page.columns)
        if good:
            yield from self.page.wrapped("  " + self.say("good-ones", n=f"{good:,}"))
        for s in singles:
            if "listed" in self.only and s.listed:
                yield ""
                yield self.page.rule(safe(s.value))
                yield from self.listings(s)
            elif "not-listed" in self.only and any(f.entries for f in s.allow):
                yield ""
                yield self.page.rule(safe(s.value))
                yield from self.allow(s)

    def brief(self, s: Single, g: Grade) -> str:
        unknown = len(s.unknown)
        if g in {"listed", "wide"}:
            names = dict.fromkeys(self.name(f, e) for f, e in s.rows())
            text = self.comma.join(names)
        elif g == "unknown":
            text = self.comma.join(dict.fromkeys(self.name(f) for f in s.unknown))
            unknown = 0
        else:
            text = self.number("lists", len(s.clear))
        return text + (
            self.say("and-unknown", unknown=self.number("n", unknown)) if unknown else ""
        )

    # ── not known ─────────────────────────────────────────────────────────────────────────────

    def not_known(self, board: Board) -> Iterator[str]:
        """By cause: which lists, and the proof or what to do. What holds for several is told once:
        a public resolver is turned away by a dozen lists."""
        found = board.unknown()
        label = LABEL["unknown"][self.lang]
        everybody = len(board.singles) + sum(s.size for s in board.swept.values())
        groups: dict[tuple[UnknownCause, str], list[Unknown]] = {}
        for u in sorted(found, key=lambda u: list(CAUSE).index(u.cause)):
            groups.setdefault((u.cause, heading(u.cause, u.detail)[self.lang]), []).append(u)
        for (cause, head), members in groups.items():
            names = self.comma.join(dict.fromkeys(self._with(u, everybody) for u in members))
            proofs = self._proofs(members)
            if not proofs or len(proofs) > MOST_PROOFS.get(cause, 3):
                proofs = [ADVICE[cause][self.lang]]
            yield from self.page.row(label, [f"{head}: {names}", *(f"  {p}" for p in proofs)])
            label = ""

    def _with(self, u: Unknown, everybody: int) -> str:
        """The list, and for whom, where others have an answer from it."""
        name = safe(self.c.list_name(u.list_id, self.lang))
        if u.number >= everybody:
            return name
        if u.number > 2:
            return self.say("for", name=name, who=self.say("for-some", n=f"{u.number:,}"))
        return self.say("for", name=name, who=self.comma.join(map(safe, u.of)))

    def _proofs(self, unknown: list[Unknown]) -> list[str]:
        """A sentence for each list, those that are equal once. Most name their list."""
        told: dict[str, str] = {}
        for u in unknown:
            proof = safe(u.detail) if u.detail else self.say("codes", codes=safe(" ".join(u.codes)))
            if u.detail or u.codes:
                told.setdefault(proof, safe(self.c.list_name(u.list_id, self.lang)))
        if len(told) == 1:
            return list(told)
        return [p if name in p else f"{name}: {p}" for p, name in told.items()]

    # ── times ─────────────────────────────────────────────────────────────────────────────────

    def kept(self, findings: Iterable[Finding]) -> Iterator[str]:
        """That some answers were not given now."""
        old = [t for f in findings if f.asked and (t := seconds_of(f.at)) < self.started - 1]
        if old:
            key = "kept-1" if len(old) == 1 else "kept"
            text = self.say(key, n=len(old), age=age(self.now - min(old), self.lang))
            yield from map(self.page.dim, self.page.wrapped(text))
