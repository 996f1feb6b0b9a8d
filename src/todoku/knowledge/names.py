"""Host and domain names to whoever they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WILD = re.compile(r"[*?]")
_ANY = ""
_LONGEST = 255


class NameTable:
    """Looks a name up among `mx.example.com`, `*.example.com`, `mx?.example.com`, `example.*`.

    `*.` in front stands for any number of labels; elsewhere `*` and `?` stay within a label.
    The most exact entry wins: the full name, then patterns, then the longest suffix. Answers are
    remembered, up to a bound: mail goes to few hosts, but a hostile sender may name many.
    """

    _BOUND = 4096

    def __init__(self, entries: Iterable[tuple[str, int]]) -> None:
        self._exact: dict[str, int] = {}
        self._suffix: dict[str, int] = {}
        # Patterns by their last label, and compiled when a name of that ending is asked for.
        self._shapes: dict[str, list[tuple[str, int]]] = {}
        for name, owner in entries:
            low = name.lower()
            wild = "*" in low or "?" in low
            if not wild:
                self._exact.setdefault(low, owner)
            elif low.startswith("*.") and not _WILD.search(low, 2):
                self._suffix.setdefault(low[2:], owner)
            else:
                last = low.rpartition(".")[2]
                key = _ANY if _WILD.search(last) else last
                self._shapes.setdefault(key, []).append((low, owner))
        self._compiled: dict[str, list[tuple[re.Pattern[str], int]]] = {}
        self._known: dict[str, int | None] = {}

    def find(self, name: str) -> int | None:
        """The owner of a name, or None. What is longer than a name can be (RFC 1035) is none."""
        if len(name) > _LONGEST:
            return None
        try:
            return self._known[name]
        except KeyError:
            pass
        got = self._find(name.lower().rstrip("."))
        if len(self._known) >= self._BOUND:
            self._known.clear()
        self._known[name] = got
        return got

    def _find(self, name: str) -> int | None:
        got = self._exact.get(name)
        if got is not None:
            return got
        for key in (name.rpartition(".")[2], _ANY):
            for shape, owner in self._of(key):
                if shape.fullmatch(name):
                    return owner
        _, dot, rest = name.partition(".")
        while dot:
            got = self._suffix.get(rest)
            if got is not None:
                return got
            _, dot, rest = rest.partition(".")
        return None

    def _of(self, key: str) -> list[tuple[re.Pattern[str], int]]:
        """The patterns for names that end so."""
        got = self._compiled.get(key)
        if got is None:
            if key not in self._shapes:
                return []
            got = self._compiled[key] = [
                (re.compile(_shape(name)), owner) for name, owner in self._shapes[key]
            ]
        return got


def _shape(name: str) -> str:
    any_depth = name.startswith("*.")
    body = re.escape(name[2:] if any_depth else name)
    body = body.replace(r"\*", "[^.]*").replace(r"\?", "[^.]")
    return (r"(?:[^.]+\.){1,8}" if any_depth else "") + body
