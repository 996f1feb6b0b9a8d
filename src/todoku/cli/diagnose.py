"""`todoku diagnose`: who refused a mail, why, by which list, and the way out.

    todoku diagnose bounce.eml /var/mail/bounces/ mail.log.gz
    journalctl -u postfix -o json | todoku diagnose --json

Exit 0: everything was understood. 1: something was not (a reply stayed `undecided`, a file could
not be read). 2: nothing in the input was recognised.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import msgspec

from todoku import reading, sources
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli import setup as settings
from todoku.cli.render.text import harmless_json, short
from todoku.diagnosis import Diagnoser
from todoku.i18n import Language, Words, say
from todoku.model import Diagnosis, Refusal
from todoku.reading import ndjson

BATCH: Final = 128
"""Files opened, mails read, refusals judged and answers written at once: one kind of work after the
other finds its code and its patterns in the processor's cache."""
MOST: Final = 1 << 20
"""Bytes of input that are enough for a batch."""

WORDS: Final[Words] = {
    "no-input": {
        "ja": "診断するものが指定されていません。ファイルかフォルダーを渡すか（todoku diagnose "
        "bounce.eml）、応答を貼り付けて渡してください（todoku diagnose - の後に貼り付け、Ctrl-D）。",
        "en": "nothing to diagnose. Name a file or folder (todoku diagnose bounce.eml), or paste a "
        "reply (todoku diagnose -, paste, Ctrl-D).",
    },
    "unreadable": {
        "ja": "{source}を読めません（{why}）。{rest}{advice}",
        "en": "cannot read {source} ({why}).{rest}{advice}",
    },
    "rest-goes-on": {"ja": "残りは続けて読みます。", "en": " The others are read."},
    "as-root": {
        "ja": "読めるユーザーで実行してください（例: sudo -u mail todoku diagnose …）。",
        "en": " Run as a user who may read it (such as: sudo -u mail todoku diagnose ...).",
    },
    "as-reply": {
        "ja": "応答の文面そのものを調べるには、標準入力で渡します: "
        "echo '550 ...' | todoku diagnose",
        "en": " To diagnose a pasted reply, hand it over on standard input: "
        "echo '550 ...' | todoku diagnose",
    },
    "skipped": {
        "ja": "{source}は飛ばしました（{why}）。",
        "en": "passed over {source} ({why}).",
    },
    "cut": {
        "ja": "{source}は先頭の {size} MB だけを読みました。",
        "en": "read only the first {size} MB of {source}.",
    },
    "bad-lines": {
        "ja": "{source}: {n} 行は読めませんでした（最初は {line} 行目: {why}）。他の行は読みました。",
        "en": "{source}: {n} lines could not be read (the first is line {line}: {why}). The others "
        "were read.",
    },
    "bad-line": {
        "ja": "{source}: {line} 行目は読めませんでした（{why}）。他の行は読みました。",
        "en": "{source}: one line could not be read (line {line}: {why}). The others were read.",
    },
    "nothing": {
        "ja": "{source}に拒否や遅延を伝えるものは見つかりませんでした（{what}）。",
        "en": "nothing in {source} tells of a refused or delayed message ({what}).",
    },
    "stdin": {"ja": "標準入力", "en": "standard input"},
    "no-files": {
        "ja": "{names} に読めるファイルがありません。",
        "en": "there is no file to read in {names}.",
    },
    "nothing-more": {
        "ja": "ほか {n} 件も同様です。",
        "en": "the same holds for {n} more.",
    },
    "progress": {
        "ja": "{n} 件を読み、{refusals} 件の結果",
        "en": "{n} read, {refusals} results",
    },
}


@click.command(short_help="Who refused a mail, why, by which list, and the way out.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (NDJSON).")
@click.option(
    "--full", is_flag=True, help="Show every kind of refusal in full, however many there are."
)
@click.option(
    "--sisimai",
    type=click.Choice(["5.5", "5.6"]),
    default="5.5",
    show_default=True,
    help="Whose names the field `sisimai` uses.",
)
@click.option("--quiet", is_flag=True, help="Only errors and the exit code (and --json).")
@options.config
@options.lang
@click.pass_context
def diagnose(
    ctx: click.Context,
    paths: tuple[str, ...],
    as_json: bool,
    full: bool,
    sisimai: str,
    quiet: bool,
    config: Path | None,
    lang: Language,
) -> None:
    """Who refused a mail, why, by which list, and the way out.

    PATH is a bounce, a folder of them, a Maildir or mbox, a log, NDJSON, a webhook's JSON or any
    text with a refusal in it, gzipped or not. Without PATH, or with "-": standard input.
    """
    if not paths:
        if sys.stdin is None or sys.stdin.isatty():
            raise Failure(say(WORDS["no-input"], lang), EX_USAGE)
        paths = ("-",)
    setup = settings.read(ctx, config)
    lang = setup.language
    run = Run(lang, quiet=quiet, paths=paths)
    found = run.diagnoses(settings.diagnoser(setup, sisimai))
    # The knowledge stays to the end: the collector need not look at it again and again.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    if as_json:
        write_json(found, sys.stdout.buffer)
    elif quiet:
        for _ in found:
            pass
    else:
        from todoku.cli.render import screen

        screen.show(found, run.knowledge, lang, full=full)
    run.close()
    ctx.exit(run.exit_code())


class Run:
    """One pass over the input: what is told on stderr on the way, and the exit code at the end."""

    def __init__(self, lang: Language, *, quiet: bool, paths: tuple[str, ...]) -> None:
        self.lang = lang
        self.quiet = quiet
        self.paths = paths
        self.results = 0
        self.items = 0
        self.undecided = 0
        self.failed = 0
        self.knowledge: Any = None
        self._unrecognised = 0
        self._nothing_in: sources.Item | None = None
        """The first piece of the source being read in which nothing was recognised."""
        self._pieces = 0
        """How many such pieces it has."""
        self._progress = _Progress(lang) if not quiet and sys.stderr.isatty() else None

    def diagnoses(self, diagnose: Diagnoser) -> Iterator[Diagnosis]:
        self.knowledge = diagnose.knowledge
        return self._diagnoses(diagnose)

    def _diagnoses(self, diagnose: Diagnoser) -> Iterator[Diagnosis]:
        stdin = sys.stdin.buffer if sys.stdin is not None else None
        pending: list[tuple[Refusal, str]] = []
        for items in _batches(sources.open_sources(self.paths, stdin)):
            for item in items:
                if self._nothing_in is not None and self._nothing_in.source != item.source:
                    self._tell_nothing()
                if item.error is not None:
                    self._nothing_in = None  # the error says it all
                    self._tell_error(item)
                    continue
                self.items += 1
                n = 0
                for refusal in self._refusals(item):
                    n += 1
                    pending.append((refusal, item.source))
                    if len(pending) == BATCH:
                        yield from self._judged(diagnose, pending)
                self.results += n
                if n == 0:
                    self._pieces = 1 if self._nothing_in is None else self._pieces + 1
                    self._nothing_in = self._nothing_in or item
            yield from self._judged(diagnose, pending)
            if self._progress is not None:
                self._progress.tick(self.items, self.results)
        self._tell_nothing()

    def _judged(
        self, diagnose: Diagnoser, pending: list[tuple[Refusal, str]]
    ) -> Iterator[Diagnosis]:
        for refusal, source in pending:
            d = diagnose(refusal, source)
            if d.reason == "undecided":
                self.undecided += 1
            yield d
        pending.clear()

    def _refusals(self, item: sources.Item) -> Iterable[Refusal]:
        if item.cut:
            self.say("cut", source=self._name(item), size=sources.MAX_MAIL >> 20)
        data = item.data
        if data[:1] in {b"{", b"\xef"} and ndjson.looks(data[:65536]):
            return self._lines(item)
        return reading.read(data)

    def _lines(self, item: sources.Item) -> Iterator[Refusal]:
        """Replies as NDJSON: a line that cannot be read is told, not passed over."""
        bad = 0
        first: ndjson.BadLine | None = None
        for line in ndjson.lines(item.data, item.first_line):
            if isinstance(line, Refusal):
                yield line
            else:
                bad += 1
                first = first or line
        if first is not None:
            from todoku.cli.looks import why

            self.failed += 1
            self.say(
                "bad-line" if bad == 1 else "bad-lines", source=self._name(item), n=f"{bad:,}",
                line=first.number, why=why(first.why, self.lang),
            )  # fmt: skip

    # ── what is told on the way ───────────────────────────────────────────────────────────────

    def say(self, key: str, **values: object) -> None:
        if self._progress is not None:
            self._progress.clear()
        click.echo(f"todoku: {say(WORDS[key], self.lang, **values)}", err=True)

    def _name(self, item: sources.Item) -> str:
        if item.source == "-":
            return say(WORDS["stdin"], self.lang)
        return short(item.source, 300) + (" " if self.lang == "ja" else "")

    def _tell_error(self, item: sources.Item) -> None:
        from todoku.cli.looks import why

        source, reason = self._name(item), why(item.error or "", self.lang)
        if item.skipped:
            if not self.quiet:
                self.say("skipped", source=source, why=reason)
            return
        self.failed += 1
        advice = ""
        if item.error == "permission denied":
            advice = say(WORDS["as-root"], self.lang)
        elif item.error in {"no such file", "the path is too long"} and _is_a_reply(item.source):
            advice = say(WORDS["as-reply"], self.lang)
        rest = say(WORDS["rest-goes-on"], self.lang) if self._more_than_one() else ""
        self.say("unreadable", source=source, why=reason, rest=rest, advice=advice)

    def _more_than_one(self) -> bool:
        return len(self.paths) > 1 or any(Path(p).is_dir() for p in self.paths)

    def _tell_nothing(self) -> None:
        """Told at once for the first, counted for the rest: a folder of photographs is one line."""
        item = self._nothing_in
        if item is None:
            return
        if not self._unrecognised and not self.quiet:
            from todoku.cli.looks import what

            self.say("nothing", source=self._name(item), what=what(item.data, self.lang))
        self._unrecognised += self._pieces
        self._nothing_in = None

    def close(self) -> None:
        if self._progress is not None:
            self._progress.clear()
        if self._unrecognised > 1 and not self.quiet:
            self.say("nothing-more", n=f"{self._unrecognised - 1:,}")
        if not self.items and not self.failed and not self.quiet:
            self.say("no-files", names=", ".join(short(str(p), 100) for p in self.paths[:3]))

    def exit_code(self) -> int:
        if self.results == 0:
            return 2
        return 1 if self.undecided or self.failed else 0


def _batches(items: Iterable[sources.Item]) -> Iterator[list[sources.Item]]:
    """The same list again and again: no more than one batch is ever held."""
    batch: list[sources.Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item.data)
        # Somebody may be waiting at the other end of standard input.
        if len(batch) == BATCH or size > MOST or item.source == "-":
            yield batch
            batch.clear()
            size = 0
    yield batch


def write_json(found: Iterable[Diagnosis], out: BinaryIO) -> None:
    """NDJSON in the order of the input."""
    encode = msgspec.json.Encoder().encode_lines
    batch: list[Diagnosis] = []
    try:
        for d in found:
            batch.append(d)
            if len(batch) >= BATCH:
                out.write(_encoded(encode, batch))
                batch.clear()
    finally:
        if batch:
            out.write(_encoded(encode, batch))
        out.flush()


def _encoded(encode: Any, batch: list[Diagnosis]) -> bytes:
    try:
        lines: bytes = encode(batch)
    except UnicodeEncodeError:  # a lone surrogate, which JSON in UTF-8 cannot hold
        lines = b"".join(
            msgspec.json.encode(_without_surrogates(msgspec.to_builtins(d))) + b"\n" for d in batch
        )
    if lines.isascii() and 0x7F not in lines:
        return lines
    # One line at a time: a search through all of them for the sake of one costs more than the rest.
    return b"".join(
        [
            line if line.isascii() and 0x7F not in line else harmless_json(line)
            for line in lines.splitlines(keepends=True)
        ]
    )


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list | tuple):
        return [_without_surrogates(v) for v in value]
    if isinstance(value, dict):
        return {k: _without_surrogates(v) for k, v in value.items()}
    return value


class _Progress:
    """One line on stderr, rewritten; nothing at all in the first second."""

    def __init__(self, lang: Language) -> None:
        self.lang = lang
        self._next = time.monotonic() + 1.0
        self._shown = False

    def tick(self, items: int, results: int) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + 0.2
        self._shown = True
        line = say(WORDS["progress"], self.lang, n=f"{items:,}", refusals=f"{results:,}")
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()

    def clear(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False


def _is_a_reply(argument: str) -> bool:
    return argument[:1] in "245" and argument[1:3].isdigit() and argument[3:4] in (" ", "-")
