"""`todoku serve`: does what is due in the cases, and takes in bounces and desks' answers, until it is
told to stop (SIGTERM, SIGINT)."""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from todoku import settings
from todoku.cli import Failure, options
from todoku.cli.case_desk import opened
from todoku.cli.render.text import short
from todoku.i18n import Language, Sentence, Words, say
from todoku.settings import table

if TYPE_CHECKING:
    from todoku.knowledge.schema import Compiled
    from todoku.store.cases import Desk

WORDS: Final[Words] = {
    "no-own": {
        "ja": "設定 [own] に自分のアドレスがありません。何も始めていません。todoku init で書き込めます。",
        "en": "[own] of the settings names no address of yours. Nothing was started. todoku init "
        "writes it.",
    },
    "no-sender": {
        "ja": "設定 [mail] sender がありません。申告した人に知らせることも、探査もできないため、何も始めて"
        'いません。例: sender = "postmaster@example.jp"',
        "en": "[mail] sender of the settings is not set. Nobody could be told and nothing probed, so "
        'nothing was started. Such as: sender = "postmaster@example.jp"',
    },
    "no-folder": {
        "ja": "設定 [mail] folder の {folder} はフォルダーではありません。何も始めていません。",
        "en": "{folder}, named by [mail] folder of the settings, is no folder. Nothing was started.",
    },
    "no-lmtp": {
        "ja": "設定 [mail] lmtp の {where} で受け取れません（{why}）。何も始めていません。",
        "en": "cannot take mail at {where}, named by [mail] lmtp of the settings ({why}). Nothing was "
        "started.",
    },
    "no-spool": {
        "ja": "設定 [mail] spool の {folder} を読み書きできません（{why}）。届いたメールを置けないので、何も始めていません。"
        "todoku serve を動かすユーザーが書けるようにしてください。",
        "en": "cannot read and write {folder}, named by [mail] spool of the settings ({why}). There would be no place "
        "for mail that comes in, so nothing was started. Let the user who runs todoku serve write there.",
    },
    "no-desk": {
        "ja": "設定 [cases] write_to の {desk} は知識にない窓口です。何も始めていません。一覧: todoku knowledge show 受信側",
        "en": "{desk}, named by [cases] write_to of the settings, is no desk of the knowledge. Nothing was "
        "started. All: todoku knowledge show RECEIVER",
    },
    "no-mail-desk": {
        "ja": "設定 [cases] write_to の {desk} はメールを受け付けない窓口なので、todoku からは送れません。何も始めていません。",
        "en": "{desk}, named by [cases] write_to of the settings, takes no mail, so todoku cannot write to it. "
        "Nothing was started.",
    },
    "started": {"ja": "始めました（{folder}）。", "en": "at work ({folder})."},
    "stopped": {"ja": "止まりました。", "en": "stopped."},
}


@click.command(short_help="Do what is due in the cases, until told to stop.")
@click.option("--quiet", is_flag=True, help="Only errors.")
@options.config
@options.data
@options.lang
@click.pass_context
def serve(
    ctx: click.Context, /, quiet: bool, config: Path | None, data: Path | None, **_: Any
) -> None:
    """Do what is due in the cases (diagnose, check, probe, tell, close), and read the mails of the
    folder in [mail]. One on SQLite; on PostgreSQL several share the work."""
    from todoku.cli.check_lists import terms_of
    from todoku.knowledge.load import lists_of
    from todoku.lists.kept import Kept
    from todoku.lists.plan import Book
    from todoku.serve import listening, opening, privacy, service

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    privacy.check(found)
    _refuse(found, lambda key, **v: Failure(say(WORDS[key], lang, **v), 78))

    def tell(sentence: Sentence, values: dict[str, object]) -> None:
        click.echo(f"todoku: {say(sentence, lang, **values)}", err=True)

    with (
        opening.alone(found),
        opened(ctx, config, data) as desk,
        Kept.open(Path(found.general.data)) as kept,
    ):
        _check_desks(found, desk.knowledge, lang)
        _check_spool(Path(found.mail.spool), lang)
        terms = terms_of(found, Book(lists_of(desk.knowledge)))
        clock = service.clock_of(found)
        means = service.means(found, desk.desk, desk.knowledge, terms, kept, lang, clock)
        name = f"{socket.gethostname()}/{os.getpid()}"
        at_work = service.Service(name, found, means, clock, tell=tell)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: at_work.stop())
        orders = listening.of(
            found, desk.desk, means.diagnoser, clock.now, wake=at_work.wake, tell=tell
        )
        with (
            orders,
            _lmtp(found, at_work.wake, lang),
            _mailboxes(found, desk.desk, clock.now, tell, at_work.wake),
        ):
            if not quiet:
                tell(WORDS["started"], {"folder": found.general.data})
            at_work.run()
    if not quiet:
        tell(WORDS["stopped"], {})


def _check_spool(folder: Path, lang: Language) -> None:
    """Else each mail would be turned away, or lie there, and nobody would know why."""
    from todoku.serve import spool

    try:
        spool.make(folder)
        for part in spool.PARTS:
            if not os.access(folder / part, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Failure(say(WORDS["no-spool"], lang, folder=folder, why=why), 75) from error


@contextmanager
def _lmtp(found: settings.Settings, wake: Callable[[], object], lang: Language) -> Iterator[None]:
    """Mail is taken by LMTP meanwhile, where the settings say where."""
    if found.mail.lmtp is None:
        yield
        return
    from todoku.serve.lmtp import Door

    door = Door(*table.endpoint(found.mail.lmtp, 24), Path(found.mail.spool), wake)
    try:
        door.start()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise Failure(say(WORDS["no-lmtp"], lang, where=found.mail.lmtp, why=why), 75) from error
    try:
        yield
    finally:
        door.stop()


@contextmanager
def _mailboxes(
    found: settings.Settings,
    desk: Desk,
    now: Callable[[], datetime],
    tell: Callable[[Sentence, dict[str, object]], None],
    wake: Callable[[], object],
) -> Iterator[None]:
    """Mailboxes are read by IMAP meanwhile, where there are any."""
    if not found.mailboxes:
        yield
        return
    from todoku.serve.mailboxes.polling import Pollers

    with Pollers(found, desk, now, tell, wake):
        yield


def _check_desks(found: settings.Settings, knowledge: Compiled, lang: Language) -> None:
    """A desk that todoku is to write to must be one, and take mail: otherwise nobody would notice."""
    for name in found.cases.write_to:
        desk = knowledge.desks.get(name)
        if desk is None or desk.channel != "mail" or desk.address is None:
            key = "no-desk" if desk is None else "no-mail-desk"
            raise Failure(say(WORDS[key], lang, desk=short(name, 80)), 78)


def _refuse(found: settings.Settings, failure: Callable[..., Failure]) -> None:
    """Settings with which nothing could be done."""
    if not found.own.given:
        raise failure("no-own")
    if found.mail.sender is None:
        raise failure("no-sender")
    if found.mail.folder is not None and not Path(found.mail.folder).is_dir():
        raise failure("no-folder", folder=found.mail.folder)
