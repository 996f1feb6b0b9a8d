"""The case desk of the settings, opened; and a lock that keeps a second `serve` off its folder."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from todoku import store
from todoku.cases import policy
from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.knowledge.schema import Compiled, DeskLanguage
from todoku.settings import SQLITE, Settings
from todoku.store.cases import Desk

LOCK: Final = "serve.lock"
LAB: Final[tuple[DeskLanguage, ...]] = ("en", "ja")
"""Languages that the desk of the lab reads."""

WORDS: Final[Words] = {
    "served": {
        "ja": "フォルダー {folder} では、別の todoku serve（プロセス {pid}）が動いています。何も始めていません。"
        "そちらを止めるか、--data で別のフォルダーを指定してください。複数で分担するには PostgreSQL を使います"
        "（[general] store）。",
        "en": "another todoku serve (process {pid}) works in the folder {folder}. Nothing was started. "
        "Stop it, or name another folder with --data. Several can share the work on PostgreSQL "
        "([general] store).",
    },
}


class Served(TodokuError):
    """Another `serve` has this SQLite folder."""

    exit_code = 75


@contextmanager
def desk(settings: Settings) -> Iterator[Desk]:
    """Raises `StoreError`."""
    engine = store.connect(settings.general.store)
    try:
        yield Desk(engine, policy.of(settings))
    finally:
        engine.dispose()


def desks_of(settings: Settings, knowledge: Compiled) -> Compiled:
    """With the desks of the lab, where this lives in one: they take mail at its mailbox."""
    mailbox = settings.lab.desk
    if mailbox is None:
        return knowledge
    desks = {
        name: replace(desk, channel="mail", address=mailbox, fields=("address",), languages=LAB)
        for name, desk in knowledge.desks.items()
    }
    return replace(knowledge, desks=desks)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Held by a `serve` on SQLite; several on PostgreSQL share the work. Raises `Served`. The kernel
    lets go of it when the process ends, however it ends."""
    if not settings.general.store.startswith(SQLITE):
        yield
        return
    folder = Path(settings.general.data)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "?"
            raise Served(WORDS["served"], folder=folder, pid=pid) from error
        os.ftruncate(file, 0)
        with contextlib.suppress(OSError):  # no room: the database says it in a sentence of its own
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)
