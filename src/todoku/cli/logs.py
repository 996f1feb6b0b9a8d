"""`todoku logs`: who refuses us, since when, why and by which list, and whose mail it is.

    todoku logs /var/log/mail.log*
    journalctl -u 'postfix@*' -o json --since -7d | todoku logs --json

Reports what it is given, every time, and stores nothing. Exit 0: read. 1: a file could not be read
or was not understood; the others were. 2: nothing in the input was understood.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path
from typing import Final

import click
import msgspec

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli import setup as settings
from todoku.cli.render.text import harmless_json, short
from todoku.errors import TodokuError
from todoku.i18n import Language, Words, say
from todoku.knowledge.schema import Compiled
from todoku.logs.clock import Clock, moment, rfc3339
from todoku.logs.judging import Judge
from todoku.logs.opening import Piece, open_logs
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.logs.sums import Group, Sums, row
from todoku.logs.values import Deliveries, NotUnderstood, Summary

WORDS: Final[Words] = {
    "no-input": {
        "ja": "読むログが指定されていません。ファイルかフォルダーを渡すか（todoku logs "
        "/var/log/mail.log）、標準入力に流してください（journalctl -o json | todoku logs）。",
        "en": "no log to read. Name a file or folder (todoku logs /var/log/mail.log), or pipe one in "
        "(journalctl -o json | todoku logs).",
    },
    "nothing": {
        "ja": "{n} 行を読みましたが、メールサーバーのログとして理解できた行がありません（{what}）。"
        "読めるのは Postfix、Exim、sendmail、qmail、OpenSMTPD のログと Exchange のメッセージ追跡ログです。"
        "何も集計していません。",
        "en": "{n} lines read, and none was understood as a line of a mail server ({what}). What can be "
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
    "packed-zstd": {
        "ja": "zstd で圧縮されています。Python 3.14 以降、または backports.zstd があれば読めます。"
        "zstdcat … | todoku logs でも読めます",
        "en": "it is packed with zstd, which needs Python 3.14 or backports.zstd; zstdcat ... | todoku logs "
        "does as well",
    },
    "packed-damaged": {"ja": "圧縮ファイルが壊れています", "en": "the packed file is damaged"},
    "packed-cut": {"ja": "圧縮ファイルが途中で切れています", "en": "the packed file is cut off"},
    "bad-time": {
        "ja": "--{option} の {value} は時刻として読めません。例: 2026-11-01、2026-11-01T08:00、08:00、24h、7d",
        "en": "--{option} {value} is no time. Such as: 2026-11-01, 2026-11-01T08:00, 08:00, 24h, 7d",
    },
    "bad-reason": {
        "ja": "--reason の {value} という理由はありません。{near}一覧: todoku knowledge show",
        "en": "there is no reason {value} for --reason. {near}All of them: todoku knowledge show",
    },
    "programs": {
        "ja": "ほかのプログラムのログのようです: {names}",
        "en": "it looks like the log of other programs: {names}",
    },
    "line": {"ja": "{what}。最初の行は「{line}」", "en": "{what}; it begins with: {line}"},
    "near": {"ja": "近いもの: {names}。", "en": "Near: {names}. "},
    "stdin": {"ja": "標準入力", "en": "standard input"},
    "progress": {
        "ja": "{lines} 行: 配送 {sent}、拒否 {bounced}、先送り {deferred}{who}",
        "en": "{lines} lines: {sent} delivered, {bounced} refused, {deferred} deferred{who}",
    },
    "progress-who": {"ja": "。最多は {who}", "en": "; most by {who}"},
}


_PACKED: Final = (
    ("packed-zstd", "packed with zstd"),
    ("packed-damaged", "the packed file is damaged"),
    ("packed-cut", "the packed file is cut off"),
)


class NotUnderstoodError(TodokuError):
    """There was input, and nothing of it was understood."""

    exit_code = 2


@click.command(short_help="Who refuses us, since when, why, and whose mail it is.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (NDJSON).")
@click.option(
    "--since", metavar="TIME", help="Count attempts from then: 2026-11-01, 08:00, 24h, 7d."
)
@click.option("--until", metavar="TIME", help="Count attempts before then.")
@click.option(
    "--receiver", metavar="NAME", help="Tell only of this receiver, or of hosts of a domain."
)
@click.option("--reason", metavar="REASON", help="Tell only of refusals for this reason.")
@click.option(
    "--year",
    type=click.IntRange(1970, 9998),
    help="The year of stamps that have none (default: by when the file was last written).",
)
@click.option("--full", is_flag=True, help="Show every kind of refusal in full.")
@click.option("--quiet", is_flag=True, help="Only errors and the exit code (and --json).")
@options.config
@options.lang
@click.pass_context
def logs(
    ctx: click.Context,
    paths: tuple[str, ...],
    as_json: bool,
    since: str | None,
    until: str | None,
    receiver: str | None,
    reason: str | None,
    year: int | None,
    full: bool,
    quiet: bool,
    config: Path | None,
    lang: Language,
) -> None:
    """Who refuses us, since when, why and by which list, whose mail it is, and what to do.

    PATH is a mail log (Postfix, Exim, sendmail, qmail, Exchange message tracking), as a file, from
    syslog, the journal (-o json) or a container, compressed or not, or a folder of them. Without
    PATH, or with "-": standard input.
    """
    if not paths:
        if sys.stdin is None or sys.stdin.isatty():
            raise Failure(say(WORDS["no-input"], lang), EX_USAGE)
        paths = ("-",)
    setup = settings.read(ctx, config)
    lang = setup.language
    now = time.time()
    begin, end = (
        _moment(name, told, now, lang) for name, told in (("since", since), ("until", until))
    )
    diagnose = settings.diagnoser(setup)
    if reason is not None:
        _check_reason(reason, diagnose.knowledge, lang)
    judge = Judge(diagnose)
    run = Run(judge, since=begin, until=end, own=setup.own, key=os.urandom(16))
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    reading = _Reading(run, paths, lang, now=now, year=year, quiet=quiet)
    reading.read()
    names = {n.lower(): r.id for r in diagnose.knowledge.receivers for n in (r.name.en, r.name.ja)}
    chosen = [g for g in reading.sums.ordered() if _fits(g, receiver, reason, names)]
    bounds = reading.bounds()
    summary = reading.summary(len(chosen))
    if as_json:
        _write_json(summary, chosen, bounds)
    elif not quiet:
        _show(summary, chosen, bounds, diagnose.knowledge, lang, full, len(reading.sums.groups))
    ctx.exit(1 if reading.failed else 0)


class _Reading:
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
        add, counts = self.sums.add, self.run.counts
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
            for delivery in source.read(piece.data):
                add(delivery)
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
                n=f"{self.run.counts.lines:,}",
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

    def summary(self, groups: int) -> Summary:
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
            partial=sums.partial,
            knowledge=self.run.judge.knowledge,
        )

    # ── what is told on the way ───────────────────────────────────────────────────────────────

    def _say(self, key: str, **values: object) -> None:
        self._clear()
        click.echo(f"todoku: {say(WORDS[key], self.lang, **values)}", err=True)

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
        self._say("unreadable", source=self._name(piece.source), why=why_not)

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
            WORDS["progress"], self.lang, lines=f"{counts.lines:,}", sent=f"{counts.sent:,}",
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


def _moment(option: str, told: str | None, now: float, lang: Language) -> float | None:
    if told is None:
        return None
    seconds = moment(told, now)
    if seconds is None:
        sentence = say(WORDS["bad-time"], lang, option=option, value=short(told, 40))
        raise Failure(sentence, EX_USAGE)
    return seconds


def _check_reason(reason: str, knowledge: Compiled, lang: Language) -> None:
    if reason in knowledge.reasons:
        return
    import difflib

    close = difflib.get_close_matches(reason, list(knowledge.reasons), n=3, cutoff=0.5)
    near = say(WORDS["near"], lang, names=", ".join(close)) if close else ""
    sentence = say(WORDS["bad-reason"], lang, value=short(reason, 40), near=near)
    raise Failure(sentence, EX_USAGE)


def _fits(g: Group, receiver: str | None, reason: str | None, names: dict[str, str]) -> bool:
    d = g.diagnosis
    if reason is not None and d.reason != reason:
        return False
    if receiver is None:
        return True
    low = names.get(receiver.lower(), receiver.lower())
    return low in {d.receiver, d.gateway, g.place} or low in g.domains


def _write_json(
    summary: Summary, groups: list[Group], bounds: tuple[float | None, float | None]
) -> None:
    out = sys.stdout.buffer
    encode = msgspec.json.encode
    out.write(harmless_json(encode(summary)) + b"\n")
    for g in groups:
        out.write(harmless_json(encode(row(g, *bounds))) + b"\n")
    out.flush()


def _show(
    summary: Summary,
    groups: list[Group],
    bounds: tuple[float | None, float | None],
    knowledge: Compiled,
    lang: Language,
    full: bool,
    all_: int,
) -> None:
    from todoku.cli.render import logs as rendering
    from todoku.cli.render.page import Page
    from todoku.knowledge.catalogue import Catalogue

    page = Page.of_stdout()
    left_out = all_ - len(groups)
    for line in rendering.lines(
        summary, groups, bounds, Catalogue(knowledge), lang, page, full=full, left_out=left_out
    ):
        page.write(line)
    page.close()
