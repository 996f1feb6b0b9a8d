"""What `todoku check` tells beside its answers, on stderr: notices, warnings, how far it is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, TypeAlias

import click

from todoku.i18n import Language
from todoku.lists.outcome import Outcome
from todoku.lists.values import Clean, Notice, Progress, Unclear

if TYPE_CHECKING:
    from todoku.cli.render.check_progress import Line

Aside: TypeAlias = Progress | Notice | Clean | Unclear
ALWAYS_TOLD: Final = frozenset({"resolver-silent", "no-resolver"})
"""Notices that explain why nothing is known: told with `--quiet` too."""


class Told:
    def __init__(self, lang: Language, *, quiet: bool) -> None:
        self._lang: Language = lang
        self._quiet = quiet
        self._done = self._total = 0
        """Of sweeps that go on."""
        self.public = False
        """It was said that the resolver is a public one."""
        self._line: Line | None = None
        if not quiet and sys.stderr.isatty():
            from todoku.cli.render.check_progress import Line

            self._line = Line(lang)

    def answered(self) -> None:
        if self._line is not None:
            self._line.answered()

    def aside(self, event: Aside, outcome: Outcome) -> None:
        if self._total and not (isinstance(event, Notice) and event.key == "resumed"):
            values = {"done": self._done, "total": self._total}
            self._done = self._total = 0
            self.notice(Notice("going-on", values))
        match event:
            case Clean():
                outcome.clean(event)
            case Unclear():
                outcome.unclear(event)
            case Progress():
                if self._line is not None:
                    self._line.show(event)
            case Notice() if event.key == "addresses":
                outcome.addresses(event.values["name"], event.values["addresses"])
                self.notice(event)
            case Notice():
                self.notice(event)

    def notice(self, n: Notice) -> None:
        if n.key == "resumed":  # of each list: told once, of all
            self._done += n.values["done"]
            self._total += n.values["total"]
            return
        if n.key == "resolver-refused" and self.public:
            return  # the cause was told
        if not self._quiet or n.key in ALWAYS_TOLD:
            from todoku.cli.render.check_words import notice as sentence_of

            self.tell(sentence_of(n, self._lang))

    def tell(self, sentence: str) -> None:
        self.clear()
        click.echo(f"todoku: {sentence}", err=True)

    def clear(self) -> None:
        if self._line is not None:
            self._line.clear()
