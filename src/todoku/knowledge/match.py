"""One pass over a text: which patterns of the knowledge may match it.

`scan` answers with a superset of the patterns that match; the caller asks `re` for the last word,
so both engines lead to the same verdict. Hyperscan looks for all patterns at once. The pure engine
looks for the fixed words that every match of a pattern must hold, and then lets `re` decide.

Hyperscan's patterns are two databases: `Scanner.first`, and `Scanner.rest` with the wordings that
may stand in anybody's reply. These are a third of all and cost three times what the others cost, and
no text needs them in which a rule that stands above them matched (`todoku.diagnosis.weighing`).

The compiled Hyperscan databases are kept in the user's cache. Where it is not there yet, the pure
engine answers, and the database is built once enough texts have come to be worth its seconds.
`TODOKU_PURE=1` keeps to the pure engine.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from todoku.knowledge import cache, patterns
from todoku.knowledge.schema import Compiled

if TYPE_CHECKING:
    import re

Scan = Callable[[bytes], list[int]]

WORTH_BUILDING = 8000
"""Texts after which building the database in this process pays (some four seconds)."""


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


_GRAM = 4


def pure(knowledge: Compiled) -> Scan:
    """Fixed words first: a word is looked for only where its rarest four letters stand.

    Patterns without fixed words are always candidates.
    """
    owners: dict[bytes, list[int]] = {}
    always: list[int] = []
    for i, words in enumerate(knowledge.literals):
        for word in words:
            owners.setdefault(word.encode(), []).append(i)
        if not words:
            always.append(i)
    count: dict[bytes, int] = {}
    for fixed in owners:
        for g in _grams(fixed):
            count[g] = count.get(g, 0) + 1
    index: dict[bytes, list[tuple[bytes, list[int]]]] = {}
    short: list[tuple[bytes, list[int]]] = []
    for fixed, ids in owners.items():
        if len(fixed) < _GRAM:
            short.append((fixed, ids))
        else:
            rarest = min(_grams(fixed), key=lambda g: count[g])
            index.setdefault(rarest, []).append((fixed, ids))

    def scan(text: bytes) -> list[int]:
        low = text.lower()
        hits = set(always)
        for g in index.keys() & _grams(low):
            for fixed, ids in index[g]:
                if fixed in low:
                    hits.update(ids)
        for fixed, ids in short:
            if fixed in low:
                hits.update(ids)
        return list(hits)

    return scan


def _grams(text: bytes) -> set[bytes]:
    return {text[i : i + _GRAM] for i in range(len(text) - _GRAM + 1)}


# ── Hyperscan ─────────────────────────────────────────────────────────────────────────────────


def _hyperscan() -> Any:
    if os.environ.get("TODOKU_PURE", "") not in ("", "0"):
        return None
    try:
        import hyperscan
    except Exception:  # noqa: BLE001 - no wheel for this machine, or a CPU that it cannot use
        return None
    return hyperscan


def _key(knowledge: Compiled, hs: Any) -> str:
    return f"rules-{knowledge.digest}-{hs.__version__}-{os.uname().machine}.hs2"


LOW: Final = 6
"""Rank of a general rule up to which its patterns are among the rest."""


def rest(knowledge: Compiled) -> list[int]:
    """Patterns of general rules, but for the few of the highest ranks. What a host, a mark or
    another receiver can make somebody's own (and so raise) is none of them."""
    own = {a for r in knowledge.receivers for a in r.also}
    general = [
        r.kind == "general" and not (r.hosts or r.domains or r.marks or r.id in own)
        for r in knowledge.receivers
    ]
    low = [
        r.rank <= LOW and general[owner]
        for r, owner in zip(knowledge.rules, knowledge.owner, strict=True)
    ]
    return [p for p, r in enumerate(knowledge.rule_of) if r >= 0 and low[r]]


class Scanner:
    """Hyperscan's scan: of all patterns when called, or of one part and then perhaps the other."""

    __slots__ = ("first", "rest")

    def __init__(self, first: Any, rest: Any) -> None:
        self.first = _scan(first)
        self.rest = _scan(rest)

    def __call__(self, text: bytes) -> list[int]:
        return self.first(text) + self.rest(text)


def _nothing(_text: bytes) -> list[int]:
    return []


def _scan(db: Any) -> Scan:
    if db is None:
        return _nothing
    hits: list[int] = []
    append = hits.append
    run = db.scan
    alone = threading.Lock()  # one scratch, and one list of hits

    def found(i: int, *_where: Any) -> None:
        append(i)

    def scan(text: bytes) -> list[int]:
        with alone:
            hits.clear()
            run(text, match_event_handler=found)
            return hits.copy()

    return scan


def build(knowledge: Compiled) -> Scan | None:
    """Compile the databases (some seconds), keep them, and give their scan; None without wheel."""
    hs = _hyperscan()
    if hs is None:
        return None
    later = rest(knowledge)
    sooner = sorted(set(range(len(knowledge.patterns))).difference(later))
    try:
        first, second = _compiled(hs, knowledge, sooner), _compiled(hs, knowledge, later)
        packed = [hs.dumpb(db) if db is not None else b"" for db in (first, second)]
        cache.write(_key(knowledge, hs), len(packed[0]).to_bytes(8, "big") + b"".join(packed))
        return Scanner(first, second)
    except hs.HyperscanError:
        return None


def _compiled(hs: Any, knowledge: Compiled, ids: list[int]) -> Any:
    if not ids:
        return None
    db = hs.Database()
    flags = hs.HS_FLAG_CASELESS | hs.HS_FLAG_SINGLEMATCH | hs.HS_FLAG_DOTALL
    db.compile(
        expressions=[patterns.loosened(knowledge.patterns[i]).encode() for i in ids],
        ids=ids,
        elements=len(ids),
        flags=[flags] * len(ids),
    )
    return db


def load(knowledge: Compiled) -> Scan | None:
    """The scan of the kept database, or None where there is none that fits this machine."""
    hs = _hyperscan()
    if hs is None:
        return None
    key = _key(knowledge, hs)
    kept = cache.read(key)
    if kept is None:
        return None
    size = 8 + int.from_bytes(kept[:8], "big")
    try:
        dbs = []
        for packed in (kept[8:size], kept[size:]):
            db = hs.loadb(packed, mode=hs.HS_MODE_BLOCK) if packed else None
            if db is not None:
                db.scratch = hs.Scratch(db)
            dbs.append(db)
        cache.used(key)
        return Scanner(*dbs)
    except Exception:  # noqa: BLE001 - a database of another CPU or release: build anew
        return None


_scans: dict[tuple[str, str], Scan] = {}


def scanner(knowledge: Compiled) -> Scan:
    """The best scan at hand for this knowledge; one a process for each version of it."""
    key = (os.environ.get("TODOKU_PURE", ""), knowledge.version)
    if key not in _scans:
        _scans[key] = load(knowledge) or _growing(knowledge)
    return _scans[key]


def _growing(knowledge: Compiled) -> Scan:
    """The pure engine, which gives way once the other is worth building."""
    slow = pure(knowledge)
    if _hyperscan() is None:
        return slow
    current = slow
    texts = 0

    def scan(text: bytes) -> list[int]:
        nonlocal current, texts
        texts += 1
        if texts == WORTH_BUILDING:
            current = load(knowledge) or build(knowledge) or slow
        return current(text)

    return scan


def is_built(knowledge: Compiled) -> bool:
    """Whether a usable database lies ready, or none can be had at all."""
    return _hyperscan() is None or load(knowledge) is not None
