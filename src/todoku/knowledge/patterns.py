"""Patterns of the knowledge: macros expanded, phrases turned into expressions, literals found.

Every expression runs in two engines: Hyperscan, which tells in one pass which of a thousand
patterns may match, and `re` on UTF-8 bytes, which has the last word and gives the groups.
Repeats in the macros are bounded, so that no text makes any of them slow.
"""

from __future__ import annotations

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

FLAGS = re.IGNORECASE | re.DOTALL

_V4 = r"(?:[0-9xX*]{1,3}\.){3}[0-9xX*]{1,3}"
_V6 = r"[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?"
_SHAPES = {
    # Addresses are often masked by those who post them: `XX.XX.XXX.XXX`, `x.x.x.x`.
    "ip": rf"(?:{_V4}|{_V6})",
    "range": r"[0-9a-fA-F.:]{3,39}/\d{1,3}",
    "asn": r"AS ?\d{1,10}",
    "host": r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,10}",
    "domain": r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,10}",
    "address": r"[^\s<>@,;:()\[\]\"']{1,64}@[A-Za-z0-9._-]{1,253}",
    "url": r"https?://[^\s<>\"'\])]{1,500}",
    "list": r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,8}",
}
IDENTITY_GROUPS = ("ip", "range", "asn", "host", "domain", "address", "url")
GROUPS = frozenset((*IDENTITY_GROUPS, "code", "list"))

_MACRO = re.compile(r"\{\{(any-)?([a-z]+)\}\}")


class PatternError(ValueError):
    """A pattern that cannot serve; the message says why."""


def expand(pattern: str) -> str:
    """`listed at {{list}}` to a plain expression with named groups."""

    def put(m: re.Match[str]) -> str:
        shape = _SHAPES.get(m[2])
        if shape is None:
            raise PatternError(f"unknown macro {m[0]}; there are {', '.join(sorted(_SHAPES))}")
        return f"(?:{shape})" if m[1] else f"(?P<{m[2]}>{shape})"

    return _MACRO.sub(put, pattern)


def of_phrase(phrase: str) -> str:
    """Fixed words as an expression; any run of white space stands for one blank."""
    return " ".join(re.escape(word) for word in phrase.split())


def compile_re(pattern: str) -> re.Pattern[bytes]:
    """The expression as it runs: on UTF-8 bytes, upper and lower case equal (ASCII)."""
    return re.compile(pattern.encode(), FLAGS)


def check(pattern: str) -> re.Pattern[bytes]:
    """Compile an expanded pattern, or say in a `PatternError` what is wrong with it."""
    try:
        tree = sre_parse.parse(pattern.encode(), FLAGS)
        compiled = compile_re(pattern)
    except (re.error, OverflowError) as e:
        raise PatternError(f"not a regular expression: {e}") from None
    _walk(tree)
    unknown = set(compiled.groupindex) - GROUPS
    if unknown:
        raise PatternError(
            f"unknown group {sorted(unknown)[0]!r}; there are {', '.join(sorted(GROUPS))}"
        )
    if compiled.search(b"") is not None:
        raise PatternError("it matches the empty text, and so everything")
    return compiled


def _walk(tree: Any, inside: bool = False) -> None:
    for op, arg in tree:
        if op in (sre.ASSERT, sre.ASSERT_NOT):
            raise PatternError("look-around is not allowed")
        if op in (sre.GROUPREF, sre.GROUPREF_EXISTS):
            raise PatternError("back references are not allowed")
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            low, high, sub = arg
            open_ended = high == sre.MAXREPEAT
            if open_ended and inside:
                raise PatternError("an unbounded repeat inside a repeat is not allowed; bound it")
            if open_ended and len(sub) == 1 and sub[0][0] is sre.ANY:
                raise PatternError("`.*` and `.+` are not allowed; bound them: `.{0,80}`")
            _walk(sub, inside or high > 1)
        elif op is sre.SUBPATTERN:
            _walk(arg[-1], inside)
        elif op is sre.BRANCH:
            for branch in arg[1]:
                _walk(branch, inside)
        elif op is sre.IN:
            for kind, value in arg:
                if kind is sre.LITERAL and value > 127:
                    raise PatternError("only ASCII inside [ ]: the engine sees bytes; use (?:a|b)")


def literal(pattern: str) -> str:
    """The longest fixed, lower-cased words that every match of `pattern` holds; `""` if none."""
    best = b""
    run = bytearray()

    def flush() -> None:
        nonlocal best
        if len(run) > len(best):
            best = bytes(run)
        run.clear()

    def walk(tree: Any) -> None:
        for op, arg in tree:
            if op is sre.LITERAL:
                run.append(arg)
            elif op is sre.SUBPATTERN:
                walk(arg[-1])
            elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
                low, high, sub = arg
                flush()
                if low >= 1:
                    walk(sub)
                    flush()
            elif op is sre.AT:
                pass
            else:
                flush()

    walk(sre_parse.parse(pattern.encode(), re.DOTALL))
    flush()
    return best.lower().decode("utf-8", "ignore")


def weight(pattern: str) -> int:
    """How much fixed text a pattern holds in all: the more, the more it says."""

    def walk(tree: Any) -> int:
        n = 0
        for op, arg in tree:
            if op is sre.LITERAL:
                n += 1
            elif op is sre.SUBPATTERN:
                n += walk(arg[-1])
            elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
                n += walk(arg[2]) if arg[0] >= 1 else 0
            elif op is sre.BRANCH:
                n += min(walk(b) for b in arg[1])
        return n

    return walk(sre_parse.parse(pattern.encode(), re.DOTALL))
