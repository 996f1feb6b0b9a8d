"""Options that many commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from todoku.cli import choose_language
from todoku.i18n import LANGUAGES, Language, language

if TYPE_CHECKING:
    from todoku.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def lang(command: F) -> F:
    """`--lang ja|en`; the command receives `lang`, always one of the two."""
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        callback=choose_language,
        is_eager=True,
        help="Language of the answer (default: the locale's).",
    )(command)


def config(command: F) -> F:
    """`--config FILE`; the command receives `config`, for `todoku.settings.load`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="The settings file (default: TODOKU_CONFIG, else todoku/todoku.toml in the "
        "configuration folder).",
    )(command)


def data(command: F) -> F:
    """`--data DIR`; the command receives `data`, for `todoku.settings.load`."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Folder of what todoku keeps (default: todoku in the data folder of the user).",
    )(command)


def speak(ctx: click.Context, settings: Settings) -> Language:
    """The language of this run, where the settings were read: they count after `--lang` and
    `TODOKU_GENERAL_LANGUAGE`, and before the locale. Later errors speak it too."""
    chosen = language(ctx.meta.get("todoku.language"), os.environ, settings.general.language)
    ctx.meta["todoku.language"] = chosen
    return chosen
