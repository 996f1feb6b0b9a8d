"""Expressions that are compiled when they are first used.

One mail needs a fifth of the readers' expressions, and compiling all of them takes as long as
Python takes to start. Once compiled, a call costs what it always costs.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

T = TypeVar("T", str, bytes)


_METHODS = ("search", "match", "fullmatch", "finditer", "findall", "sub", "subn", "split")


class _Lazy:
    """Stands for a `re.Pattern` until somebody calls one of its methods.

    No `__getattr__`: with one, every later call would look for the method twice.
    """

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self._source = pattern, flags

    def _compile(self) -> re.Pattern[Any]:
        compiled: re.Pattern[Any] = re.compile(*self._source)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))  # found without us from now on
        return compiled


def _first(name: str) -> Any:
    def call(self: _Lazy, *args: Any, **named: Any) -> Any:
        return getattr(self._compile(), name)(*args, **named)

    return call


def _asked(name: str) -> property:
    return property(lambda self: getattr(self._compile(), name))


for _name in _METHODS:
    setattr(_Lazy, _name, _first(_name))
for _name in ("pattern", "flags", "groups", "groupindex"):
    setattr(_Lazy, _name, _asked(_name))


def expression(pattern: T, flags: int = 0) -> re.Pattern[T]:
    """As `re.compile`, later. A pattern that cannot be compiled is found out at its first use, so
    a test compiles them all."""
    return cast("re.Pattern[T]", _Lazy(pattern, flags))
