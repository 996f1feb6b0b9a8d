"""Where lines go: their width, their colours, and what the output's character set can hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from todoku.cli.render.text import cut, width, wrap

LABEL = 13
"""Columns of a label with the gap behind it."""
NARROW = 60
"""Below this, values stand under their labels instead of beside them."""


class Page:
    """A terminal, a pipe or a file, as far as the layout must know it."""

    def __init__(
        self, out: BinaryIO, *, columns: int = 80, colours: bool = False, encoding: str = "utf-8"
    ) -> None:
        self.columns = columns
        self.colours = colours
        self._out = out
        self._encoding = encoding
        wide = self._holds("▸◂…·─")
        self.marks = ("▸", "◂") if wide else (">>", "<<")
        self.ellipsis = "…" if wide else "..."
        self._line = "─" if wide else "-"
        self.dot = "·" if wide else "-"

    @classmethod
    def of_stdout(cls, environ: Mapping[str, str] = os.environ) -> Page:
        stdout = sys.stdout
        stdout.flush()
        tty = stdout.isatty()
        return cls(
            stdout.buffer,
            columns=_columns(tty, environ),
            colours=tty and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb",
            encoding=stdout.encoding or "utf-8",
        )

    def _holds(self, text: str) -> bool:
        try:
            text.encode(self._encoding)
        except (UnicodeEncodeError, LookupError):
            return False
        return True

    def write(self, line: str) -> None:
        self._out.write((line + "\n").encode(self._encoding, "replace"))

    def close(self) -> None:
        self._out.flush()

    # ── colours ───────────────────────────────────────────────────────────────────────────────

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colours and text else text

    def bold(self, text: str) -> str:
        return self._in("1", text)

    def dim(self, text: str) -> str:
        return self._in("2", text)

    def red(self, text: str) -> str:
        return self._in("1;31", text)

    def yellow(self, text: str) -> str:
        return self._in("1;33", text)

    # ── layout ────────────────────────────────────────────────────────────────────────────────

    def wrapped(self, text: str) -> list[str]:
        return wrap(text, self.columns)

    def rule(self, title: str) -> str:
        """`── 1/9 · 12 refusals ──────`."""
        title = cut(title.replace("·", self.dot), self.columns - 6)
        head = f"{self._line * 2} {title} "
        return self.dim(head + self._line * (self.columns - width(head)))

    def row(self, label: str, values: list[str], room: int = LABEL) -> Iterator[str]:
        """A label, and beside it its value, each part on lines of its own. `room`: columns of the label."""
        if self.columns < NARROW:
            if label:
                yield self.dim(label)
            for value in values:
                for line in wrap(value, self.columns - 2):
                    yield "  " + self._marked(line)
            return
        head = "  " + self.dim(label) + " " * (room - width(label))
        blank = " " * (room + 2)
        for value in values:
            body = value.lstrip(" ")
            indent = " " * (len(value) - len(body))
            hang = indent + "   " if body[:1].isdigit() and body[1:3] == ". " else indent
            for n, line in enumerate(wrap(body, self.columns - room - 2 - len(hang))):
                yield (head + (hang if n else indent) + self._marked(line)).rstrip()
                head = blank

    def _marked(self, line: str) -> str:
        if not self.colours:
            return line
        left, right = self.marks
        return line.replace(left, "\x1b[1m" + left).replace(right, right + "\x1b[22m")


def _columns(tty: bool, environ: Mapping[str, str]) -> int:
    """The width to fill: what COLUMNS says, the terminal's, 80; never more than reads well."""
    told = environ.get("COLUMNS", "")
    if told.isdigit() and int(told):
        n = int(told)
    elif tty:
        try:
            n = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):
            n = 80
    else:
        n = 80
    return max(20, min(n or 80, 100))
