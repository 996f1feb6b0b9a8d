"""One pass of `todoku logs` over its input, with what is said on the way."""

from __future__ import annotations

import sys
import time
from typing import Final

import click

from todoku.cli.render.text import short
from todoku.errors import TodokuError
from todoku.i18n import Language, Number, Words, say
from todoku.logs.clock import Clock, rfc3339
from todoku.logs.opening import Piece, open_logs
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.logs.sums import Sums
from todoku.logs.values import Deliveries, Kept, NotUnderstood, Summary, Warnings

WORDS: Final[Words] = {
    "nothing": {
        "ja": "{n} 行を読みましたが、メールサーバーのログとして理解できた行がありません（{what}）。"
        "読めるのは Postfix、Exim、sendmail、qmail、OpenSMTPD のログと Exchange のメッセージ追跡ログです。"
        "何も集計していません。",
        "en": "{n} {n:line|lines} read, and none was understood as a line of a mail server ({what}). What can be "
        "read: logs of Postfix, Exim, sendmail, qmail and OpenSMTPD, and Exchange's message tracking "
        "log. Nothing was counted.",
    },
    "nothing-in": {
        "ja": "{source} にはメールサーバーのログとして理解できた行がありません（{what}）。他は読みました。",
        "en": "no line of {source} was understood as one of a mail server ({what}). The others were read.",
    },
    "no-files": {
        "ja": "{names} に読めるファイルがありません。何も集計していません。",
        "en": "there is no file that could be read in {names}. Nothing was counted.",
    },
    "unreadable": {
        "ja": "{source} を最後まで読めません（{why}）。読めたところまでと、残りのファイルは集計します。",
        "en": "cannot read all of {source} ({why}). What was read of it counts, and the other files do.",
    },
    "unopened": {"ja": "{source} を読めません（{why}）。", "en": "cannot read {source} ({why})."},
    "packed-zstd": {
        "ja": "zstd で圧縮されています。Python 3.14 以降、または backports.zstd があれば読めます。"
        "zstdcat … | todoku logs でも読めます",
        "en": "it is packed with zstd, which needs Python 3.14 or backports.zstd; zstdcat ... | todoku logs "
        "does as well",
    },
    "packed-damaged": {"ja": "圧縮ファイルが壊れています", "en": "the packed file is damaged"},
    "packed-cut": {"ja": "圧縮ファイルが途中で切れています", "en": "the packed file is cut off"},
    "programs": {
        "ja": "ほかのプログラムのログのようです: {names}",
        "en": "it looks like the log of other programs: {names}",
    },
    "line": {"ja": "{what}。最初の行は「{line}」", "en": "{what}; it begins with: {line}"},
    "stdin": {"ja": "標準入力", "en": "standard input"},
    "progress": {
        "ja": "{lines} 行: 配送 {sent}、拒否 {bounced}、先送り {deferred}{who}",
        "en": "{lines} {lines:line|lines}: {sent} delivered, {bounced} refused, {deferred} deferred{who}",
    },
    "progress-who": {"ja": "。最多は {who}", "en": "; most by {who}"},
}

_PACKED: Final = (
    ("packed-zstd", "packed with zstd"),
    ("packed-damaged", "the packed file is damaged"),
    ("packed-cut", "the packed file is cut off"),
)


def told(text: str) -> None:
    """A paragraph on standard output."""
    from todoku.cli.render.page import Page

    page = Page.of_stdout()
    for line in page.wrapped(text):
        page.write(line)
    page.close()


class NotUnderstoodError(TodokuError):
    """There was input, and nothing of it was understood."""

    exit_code = 2


class Reading:
    """One pass over the input, with what is said on the way."""

    def __init__(
        self,
        run: Run,
        paths: tuple[str, ...],
        lang: Language,
        *,
        now: float,
        year: int | None,
        quiet: bool,
    ) -> None:
        self.run = run
        self.paths = paths
        self.lang = lang
        self.now = now
        self.year = year
        self.quiet = quiet
        self.sums = Sums()
        self.failed = False
        self._progress = not quiet and sys.stderr.isatty()
        self._shown = False
        self._next = 0.0

    def read(self) -> None:
        """All of it. Raises `NotUnderstoodError` where nothing was understood."""
        add, refused, counts = self.sums.add, self.run.daily.refused, self.run.counts
        source: Source | None = None
        head, before, files = b"", 0, 0
        name = ""
        heads: list[tuple[str, bytes]] = []
        """Sources of which nothing was understood, with their beginnings."""
        for piece in open_logs(self.paths, sys.stdin.buffer if sys.stdin else None):
            if piece.error is not None:
                self._unreadable(piece)
                continue
            if source is None or piece.first:
                if files and counts.understood == before:
                    heads.append((name, head))
                files += 1
                name, head, before = piece.source, piece.data[:65_536], counts.understood
                newest = self.now if piece.written is None else min(self.now, piece.written)
                source = Source(self.run, Clock(newest, year=self.year))
            for delivery in source.read(piece.data, piece.cell):
                add(delivery)
                refused(delivery)
            if self._progress:
                self._tick()
        if files and counts.understood == before:
            heads.append((name, head))
        self._clear()
        self._judge_heads(files, heads)

    def _judge_heads(self, files: int, heads: list[tuple[str, bytes]]) -> None:
        if not files:
            names = ", ".join(short(str(p), 100) for p in self.paths[:3])
            raise NotUnderstoodError(WORDS["no-files"], names=names)
        if len(heads) == files:
            raise NotUnderstoodError(
                WORDS["nothing"],
                n=Number(self.run.counts.lines),
                what=self._looks(heads[0][1]),
            )
        for name, head in heads[:5]:
            if head.strip():  # a log that was rotated a moment ago is empty
                self.failed = True
                self._say("nothing-in", source=self._name(name), what=self._looks(head))

    def _looks(self, head: bytes) -> str:
        """What it looks like instead of a mail server's log."""
        from todoku.cli.looks import what
        from todoku.reading.logs import syslog

        lines = head.split(b"\n", 1_000)[:1_000]
        tags = [syslog.split(line).tag for line in lines if syslog.STAMPED.match(line)]
        names = list(dict.fromkeys(short(t.decode("utf-8", "replace"), 30) for t in tags if t))
        if names:
            return say(WORDS["programs"], self.lang, names=", ".join(names[:5]))
        told = what(head, self.lang)
        line = short(next((t for t in lines if t.strip()), b"").decode("utf-8", "replace"), 80)
        return say(WORDS["line"], self.lang, what=told, line=line) if line else told

    def bounds(self) -> tuple[float | None, float | None]:
        """The time that is told of: that of the log, cut by `--since` and `--until`."""
        counts, run = self.run.counts, self.run
        first, last = counts.first, counts.last
        for g in self.sums.groups.values():
            if g.first is not None and g.last is not None:
                first = g.first if first is None else min(first, g.first)
                last = g.last if last is None else max(last, g.last)
        if first is None or last is None:
            return None, None
        first, last = max(first, run.since), min(last, run.until)
        return (first, last) if first <= last else (None, None)

    def summary(self, groups: int, early: Warnings) -> Summary:
        counts, sums = self.run.counts, self.sums
        first, last = self.bounds()
        return Summary(
            lines=counts.lines,
            understood=counts.understood,
            not_understood=NotUnderstood(counts.other_programs, counts.unknown),
            deliveries=Deliveries(counts.sent, counts.bounced, counts.deferred, counts.expired),
            first=rfc3339(first),
            last=rfc3339(last),
            formats=tuple(sorted(counts.formats)),
            clock_jumps=counts.jumps,
            undecided=sums.undecided,
            groups=groups,
            warnings=len(early.told),
            watched=early.watched,
            partial=sums.partial,
            knowledge=self.run.judge.knowledge,
        )

    def kept(self) -> Kept | None:
        """What was stored, where anything is."""
        return None

    def tell(self) -> None:
        """What a person is told below the report."""

    # ── what is told on the way ───────────────────────────────────────────────────────────────

    def _say(self, key: str, words: Words = WORDS, **values: object) -> None:
        self._clear()
        click.echo(f"todoku: {say(words[key], self.lang, **values)}", err=True)

    def _name(self, source: str) -> str:
        return say(WORDS["stdin"], self.lang) if source == "-" else short(source, 200)

    def _unreadable(self, piece: Piece) -> None:
        from todoku.cli.looks import why

        self.failed = True
        why_not = next(
            (
                say(WORDS[k], self.lang)
                for k, begins in _PACKED
                if (piece.error or "").startswith(begins)
            ),
            None,
        ) or why(piece.error or "", self.lang)
        self._say(
            "unopened" if piece.first else "unreadable",
            source=self._name(piece.source),
            why=why_not,
        )

    def _tick(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 0.2
        counts = self.run.counts
        worst = max(self.sums.groups.values(), key=lambda g: g.count, default=None)
        who = ""
        if worst is not None:
            name = worst.diagnosis.receiver or worst.place or "?"
            who = say(WORDS["progress-who"], self.lang, who=short(name, 40))
        line = say(
            WORDS["progress"], self.lang, lines=Number(counts.lines), sent=f"{counts.sent:,}",
            bounced=f"{counts.bounced:,}", deferred=f"{counts.deferred:,}", who=who,
        )  # fmt: skip
        self._shown = True
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    def _clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
