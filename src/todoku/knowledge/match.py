"""One pass over a text: which patterns of the knowledge may match it.

`scan` answers with a superset of the patterns that match; the caller asks `re` for the last word,
so both engines lead to the same verdict. Hyperscan looks for all patterns at once. The pure engine
looks for the fixed words that every match of a pattern must hold, and then lets `re` decide.

The compiled Hyperscan database is kept in the user's cache. Where it is not there yet, the pure
engine answers, and the database is built once enough texts have come to be worth its two seconds.
`TODOKU_PURE=1` keeps to the pure engine.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from todoku.knowledge import cache, patterns
from todoku.knowledge.schema import Compiled

if TYPE_CHECKING:
    import re

Scan = Callable[[bytes], list[int]]

WORTH_BUILDING = 1500
"""Texts after which building the database in this process pays."""


class Expressions:
    """The `re` of each pattern, compiled when first needed."""

    __slots__ = ("_compiled", "_patterns")

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._patterns = sources
        self._compiled: list[re.Pattern[bytes] | None] = [None] * len(sources)

    def __getitem__(self, i: int) -> re.Pattern[bytes]:
        got = self._compiled[i]
        if got is None:
            got = self._compiled[i] = patterns.compile_re(self._patterns[i])
        return got


def pure(knowledge: Compiled) -> Scan:
    """Fixed words first. Patterns without any are always candidates."""
    words: dict[bytes, list[int]] = {}
    for i, literal in enumerate(knowledge.literals):
        words.setdefault(literal.encode(), []).append(i)
    always = words.pop(b"", [])
    table = list(words.items())

    def scan(text: bytes) -> list[int]:
        low = text.lower()
        hits = always.copy()
        for word, ids in table:
            if word in low:
                hits += ids
        return hits

    return scan


# ── Hyperscan ─────────────────────────────────────────────────────────────────────────────────


def _hyperscan() -> Any:
    if os.environ.get("TODOKU_PURE", "") not in ("", "0"):
        return None
    try:
        import hyperscan
    except Exception:  # no wheel for this machine, or a CPU that it cannot use
        return None
    return hyperscan


def _key(knowledge: Compiled, hs: Any) -> str:
    h = hashlib.sha256(f"{hs.__version__}\0{os.uname().machine}\0".encode())
    for p in knowledge.patterns:
        h.update(p.encode() + b"\n")
    return f"rules-{h.hexdigest()[:24]}.hs"


def _scanner(db: Any) -> Scan:
    hits: list[int] = []
    append = hits.append
    run = db.scan

    def found(i: int, start: int, end: int, flags: int, context: Any) -> None:
        append(i)

    def scan(text: bytes) -> list[int]:
        hits.clear()
        run(text, match_event_handler=found)
        return hits.copy()

    return scan


def build(knowledge: Compiled) -> Scan | None:
    """Compile the database (about two seconds), keep it, and give its scan; None without wheel."""
    hs = _hyperscan()
    if hs is None:
        return None
    db = hs.Database()
    flags = hs.HS_FLAG_CASELESS | hs.HS_FLAG_SINGLEMATCH | hs.HS_FLAG_DOTALL
    n = len(knowledge.patterns)
    try:
        db.compile(
            expressions=[p.encode() for p in knowledge.patterns],
            ids=list(range(n)),
            elements=n,
            flags=[flags] * n,
        )
        cache.write(_key(knowledge, hs), hs.dumpb(db))
        return _scanner(db)
    except hs.HyperscanError:
        return None


def load(knowledge: Compiled) -> Scan | None:
    """The scan of the kept database, or None where there is none that fits this machine."""
    hs = _hyperscan()
    if hs is None:
        return None
    kept = cache.read(_key(knowledge, hs))
    if kept is None:
        return None
    try:
        db = hs.loadb(kept, mode=hs.HS_MODE_BLOCK)
        db.scratch = hs.Scratch(db)
        return _scanner(db)
    except Exception:  # a database of another CPU or release: build anew
        return None


@functools.lru_cache(maxsize=4)
def _scan_of(knowledge_version: str, holder: _Holder) -> Scan:
    knowledge = holder.knowledge
    ready = load(knowledge)
    if ready is not None:
        return ready
    slow = pure(knowledge)
    if _hyperscan() is None:
        return slow
    state: dict[str, Any] = {"n": 0, "scan": slow}

    def scan(text: bytes) -> list[int]:
        state["n"] += 1
        if state["n"] == WORTH_BUILDING:
            state["scan"] = load(knowledge) or build(knowledge) or slow
        hits: list[int] = state["scan"](text)
        return hits

    return scan


class _Holder:
    """Hashable by version, so that one knowledge has one scan."""

    __slots__ = ("knowledge",)

    def __init__(self, knowledge: Compiled) -> None:
        self.knowledge = knowledge

    def __hash__(self) -> int:
        return hash(self.knowledge.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder) and other.knowledge.version == self.knowledge.version


def scanner(knowledge: Compiled) -> Scan:
    """The best scan at hand for this knowledge."""
    return _scan_of(os.environ.get("TODOKU_PURE", ""), _Holder(knowledge))


def is_built(knowledge: Compiled) -> bool:
    """Whether a usable database lies ready, or none can be had at all."""
    return _hyperscan() is None or load(knowledge) is not None
