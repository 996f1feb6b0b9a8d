"""`todoku serve`: does what is due in the cases, and takes in bounces and desks' answers, until it is
told to stop (SIGTERM, SIGINT)."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from todoku import settings
from todoku.cli import Failure, options
from todoku.cli.case import Opened, opened
from todoku.cli.check_lists import terms_of
from todoku.cli.check_request import server
from todoku.i18n import Words, say

if TYPE_CHECKING:
    from todoku.cases.due import ActionKind
    from todoku.cases.working import Deed
    from todoku.lists.kept import Kept
    from todoku.serve.intake import Intake

EVERY: Final = 5.0
"""Seconds between two looks into the folder of mails."""

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
    "started": {"ja": "始めました（{folder}）。", "en": "at work ({folder})."},
    "stopped": {"ja": "止まりました。", "en": "stopped."},
    "unread": {
        "ja": "{folder} のメールを読めません（{why}）。次の機会に読み直します。",
        "en": "cannot read the mails of {folder} ({why}). They are tried again.",
    },
    "trouble": {
        "ja": "作業が一つ終わりませんでした（{why}）。済んだかどうかは後で確かめます。",
        "en": "an action did not come to its end ({why}). Whether it was done is found out later.",
    },
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
    from todoku.lists.kept import Kept
    from todoku.serve import opening
    from todoku.serve.worker import Worker
    from todoku.store.actions import Queue

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    _refuse(found, lambda key, **v: Failure(say(WORDS[key], lang, **v), 78))

    def tell(key: str, **values: object) -> None:
        click.echo(f"todoku: {say(WORDS[key], lang, **values)}", err=True)

    with (
        opening.alone(found),
        opened(ctx, config, data) as desk,
        Kept.open(Path(found.general.data)) as kept,
    ):
        worker = Worker(
            f"{socket.gethostname()}/{os.getpid()}",
            Queue(desk.desk),
            _deeds(desk, kept),
            lambda: datetime.now(UTC),
            identities=_identities(found),
            tell=lambda error: tell("trouble", why=" ".join(str(error).split())[:300]),
        )
        stop = threading.Event()

        def end(*_: object) -> None:
            stop.set()
            worker.stop()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        if not quiet:
            tell("started", folder=found.general.data)
        folder = None if found.mail.folder is None else Path(found.mail.folder)
        intake = _intake(desk) if folder is not None else None
        while not stop.is_set():
            if intake is not None and folder is not None:
                try:
                    intake.collect(folder, datetime.now(UTC))
                except OSError as error:
                    tell("unread", folder=folder, why=(error.strerror or str(error)).lower())
                intake.handle(datetime.now(UTC))
            if worker.work() == 0:
                stop.wait(min(worker.rest(), EVERY))
    if not quiet:
        tell("stopped")


def _refuse(found: settings.Settings, failure: Callable[..., Failure]) -> None:
    """Settings with which nothing could be done."""
    if not found.own.given:
        raise failure("no-own")
    if found.mail.sender is None:
        raise failure("no-sender")
    if found.mail.folder is not None and not Path(found.mail.folder).is_dir():
        raise failure("no-folder", folder=found.mail.folder)


def _deeds(desk: Opened, kept: Kept) -> dict[ActionKind, Deed]:
    from todoku.knowledge.load import lists_of
    from todoku.lists.plan import Book
    from todoku.lists.servers import resolvers
    from todoku.lists.values import Upstream
    from todoku.serve.asking import Lists
    from todoku.serve.deeds import Means, all_of
    from todoku.store.messages import People

    s, lang = desk.settings, desk.lang
    named = s.dns.resolver
    servers = (server(named, recursive=True),) if named else tuple(resolvers())
    terms = terms_of(s, Book(lists_of(desk.knowledge)))
    upstream = Upstream(kind="direct" if s.dns.direct else "resolver", servers=servers)
    sender = s.mail.sender or ""
    return all_of(
        Means(
            desk=desk.desk,
            people=People(desk.desk),
            diagnoser=desk.diagnoser(),
            own=s.own,
            lists=Lists(desk.knowledge, terms, kept, upstream, lang),
            resolver=servers[0] if servers else None,
            relay=_relay(s.mail.relay),
            sender=sender,
            admin=s.mail.admin or sender,
            helo=next(iter(s.own.helo), socket.getfqdn()),
            inner={outer: inner for inner, outer in s.own.nat.items()},
            lang=lang,
        )
    )


def _relay(text: str) -> tuple[str, int]:
    """Of a text that `table.server` took: port 25 where none is named."""
    named = server(text, recursive=False)
    with_port = text.startswith("[") or text.count(":") == 1
    return named.host, named.port if with_port else 25


def _intake(desk: Opened) -> Intake:
    from todoku.serve.intake import Intake, answer_rules

    own = desk.settings.own
    return Intake(desk.desk, desk.diagnoser(), own, answer_rules(), own.helo)


def _identities(found: settings.Settings) -> frozenset[str]:
    """Keys of our addresses that are on this machine: probes leave from these alone."""
    from todoku.cases.case import identity_key
    from todoku.model import Identity

    here = set()
    inner = {outer: within for within, outer in found.own.nat.items()}
    sending = (ip for ips in found.own.transports.values() for ip in ips)
    for address in {*found.own.addresses, *sending}:
        local = inner.get(address, address)
        family = socket.AF_INET6 if ":" in local else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.bind((local, 0))
            here.add(identity_key(Identity("ip", address)))
    return frozenset(here)
