"""`todoku demo`: the story of a blocked mail server, lived through on loopback."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from todoku.cases.records import Recorded, to_json
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import harmless_json
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from todoku.demo.play import Outcome, Scene

WORDS: Final[Words] = {
    "unknown": {
        "ja": "{given} という筋書きはありません。使えるのは {names} です。",
        "en": "there is no scenario {given}. There are: {names}.",
    },
    "missing": {
        "ja": "追加の部品が要ります（{module} がありません）。何も始めていません。"
        "pip install 'todoku[server]' で入れてください。",
        "en": "this needs parts that are not installed (there is no {module}). Nothing was started. "
        "Install them: pip install 'todoku[server]'",
    },
    "impossible": {
        "ja": "デモを始められません（{why}）。自分の設定やデータには触れていません。",
        "en": "the demo cannot be played here ({why}). Nothing of yours was touched.",
    },
}

PARTS: Final = ("aiosmtpd", "alembic", "dkim", "sqlalchemy")
"""What the world of the demo is made with: `todoku[server]`."""


def needed(lang: Language) -> None:
    """Raises where a part is not installed."""
    for part in PARTS:
        if importlib.util.find_spec(part) is None:
            raise Failure(say(WORDS["missing"], lang, module=part), 69)


@click.command(short_help="Live through a case on this machine, in seconds.")
@click.option("--scenario", default="straight", metavar="NAME", help="How the desk answers.")
@click.option("--json", "as_json", is_flag=True, help="The events of the store, one a line.")
@options.lang
def demo(scenario: str, as_json: bool, lang: Language) -> None:
    """Live through a case, from the complaint to the mail that arrives: a mail server, a receiver
    with a blocklist and its desk, all on loopback. Nothing leaves this machine, and nothing of
    yours is touched."""
    needed(lang)
    from todoku.demo.play import play
    from todoku.lab.scenario import scenarios

    if scenario not in scenarios():
        names = ", ".join(scenarios())
        raise Failure(say(WORDS["unknown"], lang, given=scenario, names=names), EX_USAGE)
    stage = _Json() if as_json else _Screen(scenario, lang)
    with tempfile.TemporaryDirectory(prefix="todoku-demo-") as folder:
        try:
            outcome = asyncio.run(play(scenario, lang, Path(folder), stage.show))
        except BrokenPipeError:  # the reader has what he wanted
            raise
        except OSError as error:
            why = " ".join((error.strerror or str(error)).split()).lower()
            raise Failure(say(WORDS["impossible"], lang, why=why), 75) from error
    stage.end(outcome)
    if not outcome.good:
        raise SystemExit(1)


class _Json:
    async def show(self, scene: Scene) -> None:
        if isinstance(scene, Recorded):
            sys.stdout.buffer.write(harmless_json(to_json(scene)) + b"\n")
            sys.stdout.buffer.flush()

    def end(self, outcome: Outcome) -> None:
        pass


class _Screen:
    """On a terminal, with pauses in which the lines can be read."""

    def __init__(self, scenario: str, lang: Language) -> None:
        from todoku.cli.render import demo as screen
        from todoku.knowledge import load

        self._screen = screen
        self._lang: Language = lang
        self._slow = sys.stdout.isatty()
        self._began = time.monotonic()
        self._before: datetime | None = None
        self._names = {r.id: str(getattr(r.name, lang)) for r in load.knowledge().receivers}
        click.echo(screen.title(scenario, lang))
        click.echo()

    async def show(self, scene: Scene) -> None:
        at = scene.event.at if isinstance(scene, Recorded) else scene.at
        if self._slow:
            await asyncio.sleep(self._screen.pause(self._before, at))
        self._before = at
        click.echo(self._screen.line(scene, self._named, self._who, self._lang))

    def end(self, outcome: Outcome) -> None:
        for line in self._screen.end(outcome, time.monotonic() - self._began, self._lang):
            click.echo(line)

    def _named(self, place: str) -> str:
        return self._names.get(place, place.removeprefix("domain:"))

    def _who(self, who: str) -> str:
        from todoku.demo.people import WORDS as PEOPLE

        return PEOPLE["user"][self._lang] if who.startswith("person:") else who
