"""`todoku lab`: the world of the demo, to walk about in: it stands until it is told to end."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.demo import needed
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from todoku.lab.world import Lab

WORDS: Final[Words] = {
    "unknown": {
        "ja": "{given} という筋書きはありません。使えるのは {names} です。何も始めていません。",
        "en": "there is no scenario {given}. There are: {names}. Nothing was started.",
    },
    "impossible": {
        "ja": "実験環境を始められません（{why}）。何も始めていません。",
        "en": "the lab cannot stand here ({why}). Nothing was started.",
    },
    "stands": {
        "ja": "実験環境が動いています（筋書き: {scenario}、時計は {speed:g} 倍速）。終えるには Ctrl-C。\n"
        "\n"
        "  設定          {config}\n"
        "  メールの送信  {submission}（mx1.hoge.test、送信元 {listed} は hotmail.test に拒否されます）\n"
        "  窓口          {form}\n"
        "  ネームサーバー {names}\n"
        "\n"
        "別の端末で:\n"
        "  export TODOKU_CONFIG={config}\n"
        "  todoku serve &\n"
        '  todoku report "Hotmail へ送れません" --to hotmail.test --who sato@hoge.test\n'
        "  echo テスト | curl -sS smtp://{submission} --mail-from postmaster@hoge.test \\\n"
        "    --mail-rcpt taro@hotmail.test -T -\n"
        "  todoku case show 1",
        "en": "The lab stands (scenario: {scenario}; its clock runs {speed:g} times as fast). Ctrl-C "
        "ends it.\n"
        "\n"
        "  settings      {config}\n"
        "  send mail by  {submission} (mx1.hoge.test; hotmail.test refuses its address {listed})\n"
        "  the desk      {form}\n"
        "  name server   {names}\n"
        "\n"
        "In another terminal:\n"
        "  export TODOKU_CONFIG={config}\n"
        "  todoku serve &\n"
        '  todoku report "I can\'t send to Hotmail" --to hotmail.test --who sato@hoge.test\n'
        "  echo test | curl -sS smtp://{submission} --mail-from postmaster@hoge.test \\\n"
        "    --mail-rcpt taro@hotmail.test -T -\n"
        "  todoku case show 1",
    },
}


class Stands(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is."""

    v: int = 1
    scenario: str
    config: str
    submission: str
    form: str
    names: str
    smtp_port: int
    clock: str


@click.command(short_help="The world of the demo, to try things in.")
@click.option("--scenario", default="straight", metavar="NAME", help="How the desk answers.")
@click.option(
    "--speed",
    type=click.FloatRange(min=1, max=1e6),
    default=3600.0,
    show_default=True,
    help="How fast its clock runs: 3600 makes an hour of a second.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where it keeps its mail and its settings (default: a temporary one).",
)
@click.option("--json", "as_json", is_flag=True, help="One object that says where everything is.")
@options.lang
def lab(scenario: str, speed: float, folder: Path | None, as_json: bool, lang: Language) -> None:
    """A mail server whose address is blocked, the receiver that blocks it, and its desk, on loopback,
    with a settings file for the other commands. Stands until Ctrl-C."""
    needed(lang)
    from todoku.lab.scenario import scenarios

    if scenario not in scenarios():
        names = ", ".join(scenarios())
        raise Failure(say(WORDS["unknown"], lang, given=scenario, names=names), EX_USAGE)
    with ExitStack() as stack:
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="todoku-lab-")
            folder = Path(stack.enter_context(temporary))
        try:
            asyncio.run(_stand(folder.absolute(), scenario, speed, as_json, lang))
        except OSError as error:
            why = " ".join((error.strerror or str(error)).split()).lower()
            raise Failure(say(WORDS["impossible"], lang, why=why), 75) from error


async def _stand(folder: Path, scenario: str, speed: float, as_json: bool, lang: Language) -> None:
    from todoku.demo.house import FILE, move_in
    from todoku.lab.clock import FastClock
    from todoku.lab.world import Lab

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    clock = FastClock(speed)
    async with Lab(folder=folder / "lab", clock=clock, scenario=scenario, lang=lang) as world:
        move_in(world, folder, lang, clock.text)
        found = _where(world, folder / FILE, scenario, clock)
        if as_json:
            sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
            sys.stdout.buffer.flush()
        else:
            click.echo(_told(found, speed, lang))
        await ended.wait()


def _where(world: Lab, config: Path, scenario: str, clock: object) -> Stands:
    return Stands(
        scenario=scenario,
        config=str(config),
        submission="{}:{}".format(*world.submission),
        form=world.desk.url,
        names=f"{world.names.host}:{world.names.port}",
        smtp_port=world.smtp_port,
        clock=str(getattr(clock, "text", "")),
    )


def _told(found: Stands, speed: float, lang: Language) -> str:
    from todoku.lab.world import LISTED

    values = msgspec.structs.asdict(found)
    return say(WORDS["stands"], lang, speed=speed, listed=LISTED, **values)
