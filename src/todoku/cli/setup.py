"""What a command that diagnoses needs: settings, knowledge and the diagnoser, at little cost.

Reading the settings costs ten milliseconds of imports, a fifth of a cold run. So the module is
imported only where there is something to read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from todoku.cli import options, spoken
from todoku.cli.render.text import safe
from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.knowledge import load
from todoku.knowledge.schema import Compiled, KnowledgeError
from todoku.model import Language

if TYPE_CHECKING:
    import click

    from todoku.diagnosis import Diagnoser
    from todoku.settings.own import Own

_NOT_SETTINGS: Final = ("TODOKU_PURE", "TODOKU_DEBUG", "TODOKU_CACHE")


def configuration(environ: Mapping[str, str]) -> Path:
    """The configuration folder (XDG base directory specification)."""
    base = environ.get("XDG_CONFIG_HOME", "")
    if base.startswith("/"):
        return Path(base) / "todoku"
    return Path(environ.get("HOME") or "~").expanduser() / ".config" / "todoku"


def has_settings(config: Path | None, environ: Mapping[str, str]) -> bool:
    """Whether `todoku.settings.load` would find anything: a file, or a variable."""
    if config is not None:
        return True
    if any(k.startswith("TODOKU_") and k not in _NOT_SETTINGS for k in environ):
        return True
    return (configuration(environ) / "todoku.toml").exists()


class Setup(NamedTuple):
    """What the settings say that a diagnosis must know."""

    language: Language
    own: Own | None
    """What is ours; `None` where nothing is set."""
    overlay: Path | None
    """The folder of the user's own rules, where there is one."""


def read(ctx: click.Context, config: Path | None, environ: Mapping[str, str] = os.environ) -> Setup:
    """The settings of this run, read only where there are any."""
    if not has_settings(config, environ):
        overlay = configuration(environ) / "knowledge"
        return Setup(spoken(ctx), None, overlay if overlay.is_dir() else None)
    from todoku import settings

    found = settings.load(config, environ=environ)
    overlay = Path(found.knowledge.overlay)
    return Setup(
        options.speak(ctx, found),
        found.own if found.own.given else None,
        overlay if overlay.is_dir() else None,
    )


class RulesError(TodokuError):
    """The knowledge cannot be used: a file of the user's own folder is at fault, as a rule."""

    exit_code = 78


WORDS: Final[Words] = {
    "rules": {
        "ja": "規則のファイルに誤りがあります。何も診断していません。直すか、フォルダーの外へ移して"
        "ください（確認: todoku knowledge check）。\n{problems}",
        "en": "a file of rules cannot be used. Nothing was diagnosed. Mend it, or move it out of "
        "the folder (to see: todoku knowledge check).\n{problems}",
    },
}


def knowledge_of(overlay: Path | None) -> Compiled:
    """The knowledge with the user's rules; raises `RulesError` with a sentence a problem."""
    try:
        return load.knowledge(overlay)
    except KnowledgeError as e:
        raise RulesError(WORDS["rules"], problems="\n".join(map(safe, e.problems[:10]))) from None


def diagnoser(setup: Setup, sisimai: str = "5.5") -> Diagnoser:
    """The diagnoser of this run. Where the compiled patterns are not ready yet, the pure engine
    answers, and they are made in the background for the next run."""
    from todoku.diagnosis import Diagnoser
    from todoku.knowledge import match

    knowledge = knowledge_of(setup.overlay)
    scan = match.load(knowledge)
    if scan is None:
        from todoku.knowledge import warm

        warm.start(knowledge, setup.overlay)
    return Diagnoser(knowledge, language=setup.language, own=setup.own, sisimai=sisimai, scan=scan)
