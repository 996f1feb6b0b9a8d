"""Patterns of the knowledge: macros expanded, phrases turned into expressions, literals found.

Every expression runs in two engines: Hyperscan, which tells in one pass which of a thousand
patterns may match, and `re` on UTF-8 bytes, which has the last word and gives the groups.
Repeats in the macros are bounded, so that no text makes any of them slow.
"""

from __future__ import annotations

import functools
import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parse  # type: ignore[attr-defined]
from typing import Any

FLAGS = re.IGNORECASE | re.DOTALL

_V4 = r"(?:[0-9xXyYzZ*]{1,3}\.){3}[0-9xXyYzZ*]{1,3}"
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

_once = functools.lru_cache(maxsize=8192)
"""Files that are laid over others bring all the expressions of those back."""

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


@_once
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
        raise PatternError(f"unknown group {min(unknown)!r}; there are {', '.join(sorted(GROUPS))}")
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
            _, high, sub = arg
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


@_once
def literals(pattern: str) -> tuple[str, ...]:
    """Fixed, lower-cased words, one of which every match of `pattern` holds; empty if none.

    `listed (?:at|in) the RBL` gives (` the rbl`,); `(?:spam|virus) found` gives (` found`,);
    `(?:spammer|botnet)` gives both.
    """
    words = _any_of(sre_parse.parse(pattern.encode(), re.DOTALL))
    return tuple(sorted({w.lower().decode("utf-8", "ignore") for w in words}))


MOST_WORDS = 64


def _any_of(tree: Any) -> frozenset[bytes]:
    """The set of words with the longest shortest word, among those that a sequence must hold."""
    best: frozenset[bytes] = frozenset()
    run = bytearray()

    def offer(words: frozenset[bytes]) -> None:
        nonlocal best
        if words and (not best or _worth(words) > _worth(best)):
            best = words

    def flush() -> None:
        if run:
            offer(frozenset((bytes(run),)))
            run.clear()

    for op, arg in tree:
        if op is sre.LITERAL:
            run.append(arg)
        elif op is sre.AT:
            pass
        elif op is sre.SUBPATTERN:
            flush()
            offer(_any_of(arg[-1]))
        elif op is sre.BRANCH:
            flush()
            sets = [_any_of(branch) for branch in arg[1]]
            if all(sets) and sum(map(len, sets)) <= MOST_WORDS:
                offer(frozenset().union(*sets))
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            flush()
            if arg[0] >= 1:
                offer(_any_of(arg[2]))
        else:
            flush()
    flush()
    return best


def _worth(words: frozenset[bytes]) -> tuple[int, int]:
    return min(map(len, words)), -len(words)


_EDGE = re.compile(r"(?<!\\)((?:\\\\)*)\\b")
_REPEAT = re.compile(r"(?<!\\)\{(\d+),(\d+)\}")


def loosened(pattern: str) -> str:
    """The same without edges of words and with wide bounded repeats unbounded, for an engine that
    finds candidates only: both make its database large and slow, and `re` has the last word."""

    def widen(m: re.Match[str]) -> str:
        return f"{{{m[1]},}}" if int(m[2]) >= 8 else m[0]

    return _REPEAT.sub(widen, _EDGE.sub(r"\1", pattern))
