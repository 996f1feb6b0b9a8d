"""What `case hold` and `case detour` share: lines for one's own Postfix are printed, not applied. That
they were applied, or undone, is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import safe, short
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from todoku.cases.case import Case
    from todoku.cli.case_desk import Opened
    from todoku.serve.routes import Seen

F = TypeVar("F", bound=Callable[..., Any])

WORDS: Final[Words] = {
    "one": {
        "ja": "--done と --released は一緒に使えません。何も記録していません。",
        "en": "--done and --released cannot both be given. Nothing was recorded.",
    },
    "unread": {
        "ja": "ログ {path} を読めません（{why}）。",
        "en": "cannot read the log {path} ({why}).",
    },
}

postconf = click.option(
    "--postconf", default="postconf", metavar="COMMAND", help="For another instance."
)


def case_and_domains(command: F) -> F:
    """`NUMBER [DOMAIN]...`; the command receives `number` and `domains`."""
    command = click.argument("domains", nargs=-1, metavar="[DOMAIN]...")(command)
    return click.argument("number", type=click.IntRange(min=1))(command)


def applied(command: F) -> F:
    """`--done`, `--released`, `--json` and what all commands take; received as `done`, `released`,
    `as_json`, `config`, `data`, `lang`."""
    for option in (
        click.option("--done", is_flag=True, help="Record that it was applied."),
        click.option("--released", is_flag=True, help="Record that it was undone."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object."),
        options.config,
        options.data,
        options.lang,
    )[::-1]:
        command = option(command)
    return command


def not_both(done: bool, released: bool, lang: Language) -> None:
    if done and released:
        raise Failure(say(WORDS["one"], lang), EX_USAGE)


def echo(script: str) -> None:
    for line in script.split("\n"):
        click.echo(safe(line.replace("\t", "    ")))


def seen_in_logs(house: Opened, case: Case) -> Seen:
    """Domains at that receiver, by the relays in the logs."""
    from todoku.cli.case_desk import now
    from todoku.serve import routes

    def tell(path: str, why: str) -> None:
        told = say(WORDS["unread"], house.lang, path=short(path, 100), why=why)
        click.echo(f"todoku: {told}", err=True)

    found = house.settings
    return routes.observed(case, found.mail.log, house.diagnoser(), found.own, now(found), tell)
