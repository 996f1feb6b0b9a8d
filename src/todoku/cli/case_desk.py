"""What the commands of cases share: the desk of the settings, orders to it, and who asks, and when.

What changes something is an order (`todoku.serve.orders`), which a running `todoku serve` executes;
what only reads goes to the store."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from todoku import settings
from todoku.cases.records import Recorded, to_json
from todoku.cli import options
from todoku.cli.render.text import harmless_json
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from todoku.cases.working import Work
    from todoku.cli.render.case import Named
    from todoku.diagnosis import Diagnoser
    from todoku.knowledge.schema import Compiled
    from todoku.serve.orders import AnyOrder
    from todoku.store.actions import Failing
    from todoku.store.cases import Desk

MOST: Final = 30 << 20
"""Bytes of a file that is handed over."""

WORDS: Final[Words] = {
    "opened": {
        "ja": "案件 {case} に記録しました。todoku case show {case}",
        "en": "Recorded in case {case}. todoku case show {case}",
    },
}


class Opened(NamedTuple):
    desk: Desk
    settings: settings.Settings
    lang: Language
    knowledge: Compiled

    def named(self, place: str) -> str:
        """A receiver or list as people call it."""
        return named_by(place, self.knowledge, self.lang)

    def history(self, number: int) -> tuple[Recorded, ...]:
        """The events of a case, as who asks may see them. Raises `UnknownCase`."""
        from todoku.serve import privacy

        return privacy.shown(tuple(self.desk.history(number)), self.settings.privacy, me())

    def diagnoser(self) -> Diagnoser:
        from todoku.diagnosis import Diagnoser

        return Diagnoser(self.knowledge, language=self.lang, own=self.settings.own)

    def unsure(self, number: int | None = None) -> list[Work]:
        """Mails of which nobody knows whether they were sent."""
        from todoku.store.actions import Queue

        return Queue(self.desk).unknown(now(self.settings), number)

    def failing(self, number: int) -> list[Failing]:
        """What was tried in vain, and is tried again."""
        from todoku.store.actions import Queue

        return Queue(self.desk).failing(number)

    def who(self) -> Named:
        from todoku.store.messages import People

        people = People(self.desk)

        def told(ref: str) -> str:
            person = people.get(ref)
            return ref if person is None else person.name or person.address or ref

        return told


def named_by(place: str, knowledge: Compiled, lang: Language) -> str:
    if place.startswith("domain:"):
        return place.removeprefix("domain:")
    for receiver in knowledge.receivers:
        if receiver.id == place:
            return str(getattr(receiver.name, lang))
    return next((e.name for e in knowledge.lists if e.id == place), place)


@contextmanager
def opened(ctx: click.Context, config: Path | None, data: Path | None) -> Iterator[Opened]:
    """The desk of the settings."""
    found = settings.load(config, data)
    with at_desk(found, options.speak(ctx, found)) as house:
        yield house


@contextmanager
def at_desk(found: settings.Settings, lang: Language) -> Iterator[Opened]:
    from todoku.cli.setup import knowledge_of
    from todoku.serve import opening

    overlay = Path(found.knowledge.overlay)
    knowledge = knowledge_of(overlay if overlay.is_dir() else None)
    with opening.desk(found) as desk:
        yield Opened(desk, found, lang, opening.desks_of(found, knowledge))


def common(command: Any) -> Any:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The store's events, one a line."),
        options.config,
        options.data,
        options.lang,
        click.pass_context,
    )[::-1]:
        command = option(command)
    return command


def done(order: AnyOrder, found: settings.Settings, lang: Language) -> tuple[Recorded, ...]:
    from todoku.serve import giving, privacy

    def here() -> tuple[Recorded, ...]:
        from todoku.serve.executing import execute

        with at_desk(found, lang) as house:
            return execute(order, house.desk, house.diagnoser, found.own, now(found))

    return privacy.shown(giving.done(order, found, here), found.privacy, me())


def record(order: AnyOrder, found: settings.Settings, lang: Language, case: int) -> None:
    """Done, and told where."""
    done(order, found, lang)
    click.echo(say(WORDS["opened"], lang, case=case))


def print_json(recorded: Sequence[Recorded]) -> None:
    out = sys.stdout.buffer
    for each in recorded:
        out.write(harmless_json(to_json(each)) + b"\n")
    out.flush()


def now(found: settings.Settings) -> datetime:
    """By the clock that this folder lives by."""
    if found.lab.clock is None:
        return datetime.now(UTC)
    from todoku.serve import service

    return service.clock_of(found).now()


def read(path: Path) -> bytes:
    """`-`: standard input."""
    if str(path) == "-":
        return sys.stdin.buffer.read(MOST)
    with path.open("rb") as file:
        return file.read(MOST)


def me() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def zone() -> Any:
    return datetime.now(UTC).astimezone().tzinfo
