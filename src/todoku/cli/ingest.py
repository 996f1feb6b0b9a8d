"""`todoku ingest`: mail is handed to todoku, by an MTA's pipe or by hand. It is on disk, in the spool,
before this ends well; `todoku serve` reads it.

Behind an MTA it must start in a moment, need no rights but those on the spool, and end with an exit
code of `sysexits.h`: anything but 0 lets the MTA keep the message and try again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from todoku import settings
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import safe
from todoku.i18n import Language, Words, say

EX_DATAERR: Final = 65
EX_TEMPFAIL: Final = 75
TOGETHER: Final = 500
"""Messages that are flushed to the disk at once,"""
OCTETS: Final = 16 << 20
"""and at most this much of them."""

WORDS: Final[Words] = {
    "nothing": {
        "ja": "取り込むものが渡されていません。ファイルかフォルダーを渡すか、標準入力なら - を付けてください。",
        "en": "nothing was given. Name a file or a folder, or - for standard input.",
    },
    "empty": {
        "ja": "標準入力が空でした。何も取り込んでいません。",
        "en": "standard input was empty. Nothing was taken in.",
    },
    "no-spool": {
        "ja": "{folder} に書けません（{why}）。{count} 通は取り込み済みです。残りは渡した側にあるので、後で"
        "もう一度実行してください（同じメールは一度しか数えません）。置き場所は設定 [mail] spool です。",
        "en": "cannot write to {folder} ({why}). {count} messages were taken in; the others are still "
        "with whoever handed them over: run it again later (a message counts once). The place is "
        "[mail] spool of the settings.",
    },
    "no-key": {
        "ja": "印の鍵を {folder} に置けません（{why}）。印は作っていません。",
        "en": "cannot keep the key of marks in {folder} ({why}). No mark was made.",
    },
    "too-large": {
        "ja": "{source} は大きすぎます（{most} MB を超えています）。取り込んでいません。",
        "en": "{source} is too large (above {most} MB). It was not taken in.",
    },
    "unread": {
        "ja": "{source} を読めません（{why}）。ほかは取り込みました。",
        "en": "cannot read {source} ({why}). The others were taken in.",
    },
    "taken": {
        "ja": "{count} 通を取り込みました。todoku serve が読みます。",
        "en": "{count} taken in; todoku serve reads them.",
    },
}


@click.command(short_help="Hand mail to todoku: bounces, and answers of desks.")
@click.argument("paths", nargs=-1, metavar="PATH|-...")
@click.option("--mark", is_flag=True, help="Print a mark for outgoing mail, and take in nothing.")
@click.option("--quiet", is_flag=True, help="Only errors.")
@options.config
@options.data
@options.lang
def ingest(
    paths: Sequence[str],
    mark: bool,
    quiet: bool,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """Hand mail to todoku: files, folders, Maildirs, mbox files; - is one message on standard input,
    as an MTA's pipe gives it."""
    if mark:
        _mark(settings.load(config, data), paths, lang)
        return
    if not paths:
        raise Failure(say(WORDS["nothing"], lang), EX_USAGE)
    found = settings.load(config, data)
    if found.privacy.operator != "own":
        _permitted(found, lang, piped="-" in paths)
    bad: list[str] = []
    count = _put(Path(found.mail.spool), _messages(paths, lang, bad), lang)
    for sentence in bad:
        click.echo(f"todoku: {sentence}", err=True)
    # What a pipe prints ends up in somebody's bounce.
    if not quiet and "-" not in paths:
        click.echo(say(WORDS["taken"], lang, count=count))
    if bad:
        raise SystemExit(EX_DATAERR)


def _permitted(found: settings.Settings, lang: Language, *, piped: bool) -> None:
    """A mail server keeps what it could not hand over, and tries again."""
    from todoku.serve import privacy

    try:
        privacy.check(found)
    except privacy.NotPermitted as error:
        code = EX_TEMPFAIL if piped else error.exit_code
        raise Failure(error.text(lang), code) from error


def _mark(found: settings.Settings, recipients: Sequence[str], lang: Language) -> None:
    """One for all recipients, or one for each that is named."""
    from datetime import UTC, datetime

    from todoku.cases import marks
    from todoku.serve import markkeys

    folder, now = Path(found.general.data), datetime.now(UTC)
    try:
        key = markkeys.current(folder, now)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Failure(say(WORDS["no-key"], lang, folder=folder, why=why), EX_TEMPFAIL) from error
    for recipient in recipients or (None,):
        click.echo(marks.mark(key, now, recipient))


def _messages(paths: Sequence[str], lang: Language, bad: list[str]) -> Iterator[bytes]:
    from todoku.sources import MAX_MAIL, open_sources

    for path in paths:
        if path == "-":
            yield _standard_input(lang, MAX_MAIL)
            continue
        for item in open_sources([path]):
            if item.error is not None and not item.skipped:
                bad.append(say(WORDS["unread"], lang, source=safe(item.source), why=item.error))
            elif item.cut:
                source, most = safe(item.source), MAX_MAIL >> 20
                bad.append(say(WORDS["too-large"], lang, source=source, most=most))
            elif item.data:
                yield item.data


def _standard_input(lang: Language, most: int) -> bytes:
    """One message, whatever it looks like; without the line that `mail` and local delivery agents
    put before it."""
    message = sys.stdin.buffer.read(most + 1)
    if len(message) > most:
        raise Failure(say(WORDS["too-large"], lang, source="-", most=most >> 20), EX_DATAERR)
    if message.startswith(b"From "):
        message = message.partition(b"\n")[2]
    if not message.strip():
        raise Failure(say(WORDS["empty"], lang), EX_DATAERR)
    return message


def _put(folder: Path, messages: Iterator[bytes], lang: Language) -> int:
    from todoku.serve import spool

    count = octets = 0
    batch: list[bytes] = []

    def flush() -> None:
        nonlocal count, octets
        spool.put(folder, *batch)
        count += len(batch)
        octets = 0
        batch.clear()

    try:
        spool.make(folder)
        for message in messages:
            batch.append(message)
            octets += len(message)
            if len(batch) >= TOGETHER or octets >= OCTETS:
                flush()
        flush()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        sentence = say(WORDS["no-spool"], lang, folder=folder, why=why, count=count)
        raise Failure(sentence, EX_TEMPFAIL) from error
    return count
