"""What a command that diagnoses needs: settings, knowledge and the diagnoser, at little cost.

Reading the settings costs ten milliseconds of imports, a fifth of a cold run. So the module is
imported only where there is something to read.
"""

# `os.path`: a cold run has a tenth of a second in all, and a Path costs more than it gives here.
# ruff: noqa: PTH

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.model import Language

if TYPE_CHECKING:
    from todoku.settings.own import Own

_NOT_SETTINGS: Final = ("TODOKU_PURE", "TODOKU_DEBUG", "TODOKU_CACHE")


def configuration(environ: Mapping[str, str]) -> str:
    """The configuration folder (XDG base directory specification)."""
    base = environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):
        base = os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(base, "todoku")


def has_settings(config: Path | None, environ: Mapping[str, str]) -> bool:
    """Whether `todoku.settings.load` would find anything: a file, or a variable."""
    if config is not None:
        return True
    if any(k.startswith("TODOKU_") and k not in _NOT_SETTINGS for k in environ):
        return True
    return os.path.exists(os.path.join(configuration(environ), "todoku.toml"))


def own_and_overlay(
    config: Path | None, environ: Mapping[str, str] = os.environ
) -> tuple[Own | None, Path | None]:
    """What is ours (`None` where nothing is set), and the folder of the user's own rules."""
    if not has_settings(config, environ):
        folder = os.path.join(configuration(environ), "knowledge")
        return None, Path(folder) if os.path.isdir(folder) else None
    from todoku import settings

    found = settings.load(config, environ=environ)
    overlay = Path(found.knowledge.overlay)
    return found.own if found.own.given else None, overlay if overlay.is_dir() else None


def diagnoser(language: Language, config: Path | None, sisimai: str = "5.5") -> Diagnoser:
    """The diagnoser of this run."""
    own, overlay = own_and_overlay(config)
    return Diagnoser(load.knowledge(overlay), language=language, own=own, sisimai=sisimai)
