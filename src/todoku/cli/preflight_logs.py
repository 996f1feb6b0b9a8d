"""`todoku preflight --logs`: how much mail went where until now, read from one's own mail logs."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Final

import click

from todoku.cli.looks import why
from todoku.cli.render.text import short
from todoku.diagnosis import Diagnoser
from todoku.errors import TodokuError
from todoku.i18n import Language, Words, say
from todoku.knowledge import match
from todoku.knowledge.schema import Compiled
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.opening import open_logs
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.preflight.volumes import Volumes
from todoku.settings import Own

WORDS: Final[Words] = {
    "no-files": {
        "ja": "--logs の {names} に読めるファイルがありません。何も調べていません。",
        "en": "there is no file that could be read in {names} (--logs). Nothing was looked at.",
    },
    "nothing": {
        "ja": "--logs の {names} を {n} 行読みましたが、メールサーバーのログとして理解できた行がありません。"
        "何も調べていません。読めるかどうかは todoku logs {names} で分かります。",
        "en": "{n} lines of {names} (--logs) were read, and none is one of a mail server. Nothing was "
        "looked at. todoku logs {names} tells more.",
    },
    "unreadable": {
        "ja": "{source} を最後まで読めません（{why}）。読めたところまでと、残りのファイルは計画に使います。",
        "en": "cannot read all of {source} ({why}). What was read of it counts, and the other files do.",
    },
    "reading": {"ja": "ログを読んでいます: {lines} 行", "en": "reading the logs: {lines} lines"},
    "no-mail": {
        "ja": "ログに、よそのサーバーへ配送したメールがありません。送り始めの計画はログなしで作ります。",
        "en": "the logs hold no mail to other servers. The warm-up plan is made without them.",
    },
    "places": {
        "ja": "ログの送り先が多すぎるため、計画に入らない小さな送り先があります。",
        "en": "the logs hold more destinations than are kept apart: some are missing from the plan.",
    },
}


class NotUnderstoodError(TodokuError):
    """Logs were named, and nothing of them could be read or understood."""

    exit_code = 64


def read(
    paths: Sequence[str], knowledge: Compiled, own: Own, lang: Language, *, quiet: bool
) -> Volumes:
    """Raises `NotUnderstoodError` where nothing was understood. What cannot be read is told, and the
    rest counts."""
    now = time.time()
    run = Run(Judge(Diagnoser(knowledge, scan=match.load(knowledge))), whole=True)
    volumes = Volumes(knowledge, own.smarthosts)
    source: Source | None = None
    progress = not quiet and sys.stderr.isatty()
    for piece in open_logs(tuple(paths), sys.stdin.buffer if sys.stdin else None):
        if piece.error is not None:
            told = {"source": short(piece.source, 200), "why": why(piece.error, lang)}
            click.echo(f"todoku: {say(WORDS['unreadable'], lang, **told)}", err=True)
            continue
        if source is None or piece.first:
            newest = now if piece.written is None else min(now, piece.written)
            source = Source(run, Clock(newest))
        for delivery in source.read(piece.data):
            volumes.add(delivery)
        if progress:
            line = say(WORDS["reading"], lang, lines=f"{run.counts.lines:,}")
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
    if progress:
        sys.stderr.write("\r\x1b[K")
    names = ", ".join(short(p, 100) for p in paths[:3])
    if source is None:
        raise NotUnderstoodError(WORDS["no-files"], names=names)
    if not run.counts.understood:
        raise NotUnderstoodError(WORDS["nothing"], n=f"{run.counts.lines:,}", names=names)
    for key, holds in (("no-mail", volumes.past() is None), ("places", volumes.partial)):
        if holds and not quiet:
            click.echo(f"todoku: {say(WORDS[key], lang)}", err=True)
    return volumes
