"""Expressions that are compiled when they are first used.

One mail needs a fifth of the readers' expressions, and compiling all of them takes as long as
Python takes to start. Once compiled, a call costs what it always costs.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

T = TypeVar("T", str, bytes)


class _Lazy:
    """Stands for a `re.Pattern` until somebody asks for one of its methods."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._source = pattern, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        compiled: re.Pattern[Any] = re.compile(*self._source)
        for method in ("search", "match", "fullmatch", "finditer", "findall", "sub", "split"):
            setattr(self, method, getattr(compiled, method))  # found without us from now on
        return getattr(compiled, name)


def expression(pattern: T, flags: int = 0) -> re.Pattern[T]:
    """As `re.compile`, later. A pattern that cannot be compiled is found out at its first use, so
    a test compiles them all."""
    return cast("re.Pattern[T]", _Lazy(pattern, flags))
